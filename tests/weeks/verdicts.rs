//! What makes a verdict, to the packet and the second: whoever touches four dark addresses in a day, or sends
//! what only a scanner sends. And what does not.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use duskwatch::darknet::{Event, Kind, Tool};
use duskwatch::monitor::Monitor;
use duskwatch::packet::{Frame, LinkType, Mac, decode};
use duskwatch::time::Timestamp;
use traffic::frame::{
    BROADCAST, Ipv4, Tcp, arp_request, ethernet, ethertype, flag, icmp, ip, padded, protocol, tcp, udp,
};
use traffic::rng::Rng;
use traffic::week::{ROUTER, ROUTER_MAC};

use crate::home::{monitor, v4};

const DARK: &str = "10.9.0.0/16";
const SOURCE: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 57);
const SOURCE_MAC: [u8; 6] = [2, 0, 0, 0, 0, 57];
/// In microseconds.
const SECOND: u64 = 1_000_000;
const HOUR: u64 = 3600 * SECOND;
const START: u64 = 1_774_220_400 * SECOND;
/// The LAN is learned by then.
const LEARNED: u64 = START + 600 * SECOND;

/// A frame from a LAN's host to an address, by what it is made of.
type Make = fn(SocketAddr, SocketAddr) -> Vec<u8>;

/// The monitor of a home, with a dark prefix, in which the router was seen.
fn home() -> Monitor {
    let mut monitor = monitor(&[Mac(ROUTER_MAC)], &[DARK]);
    monitor.darknet_mut().note(v4(ROUTER), stamp(START));
    monitor
}

fn stamp(micros: u64) -> Timestamp {
    Timestamp { seconds: micros / SECOND, micros: (micros % SECOND) as u32 }
}

/// What comes of these frames on an interface, each with its time, and of the seconds until `end`.
fn watch(
    monitor: &mut Monitor,
    interface: usize,
    frames: impl IntoIterator<Item = (u64, Vec<u8>)>,
    end: u64,
) -> Vec<Event> {
    let mut events = Vec::new();
    let mut second = 0;
    let mut pass = |monitor: &mut Monitor, now: u64| {
        while second < now / SECOND {
            second = if second == 0 { now / SECOND } else { second + 1 };
            let time = Timestamp::from_seconds(second);
            // The program knows its own address, and says so every minute.
            if second.is_multiple_of(60) {
                monitor.darknet_mut().note(v4(ROUTER), time);
            }
            while let Some(event) = monitor.tick(time) {
                events.push(event);
            }
        }
    };
    let mut at_once = Vec::new();
    for (now, bytes) in frames {
        pass(monitor, now);
        let frame = Frame { link: LinkType::Ethernet, bytes: &bytes, wire_length: bytes.len() as u32 };
        at_once.extend(monitor.observe(interface, &decode(&frame), &bytes, stamp(now)).events());
    }
    pass(monitor, end);
    events.extend(at_once);
    events.sort_by_key(|event| event.last);
    events
}

fn of_kind(events: &[Event], kind: Kind) -> Vec<&Event> {
    events.iter().filter(|event| event.kind == kind).collect()
}

fn packet(source: SocketAddr, destination: SocketAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    padded(ethernet(SOURCE_MAC, ROUTER_MAC, ethertype::IPV4, &ip(&source, &destination, protocol, payload)))
}

fn tcp_packet(source: SocketAddr, destination: SocketAddr, flags: u8) -> Vec<u8> {
    packet(source, destination, protocol::TCP, &tcp(&source, &destination, &Tcp::flags(flags), &[]))
}

fn udp_packet(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    packet(source, destination, protocol::UDP, &udp(&source, &destination, &[0; 20]))
}

fn icmp_packet(source: SocketAddr, destination: SocketAddr, kind: u8) -> Vec<u8> {
    packet(source, destination, protocol::ICMP, &icmp(kind, 0, [0; 4], &[0; 28]))
}

fn question(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let (IpAddr::V4(source), IpAddr::V4(destination)) = (source.ip(), destination.ip()) else {
        panic!("ARP is IPv4's")
    };
    padded(ethernet(SOURCE_MAC, BROADCAST, ethertype::ARP, &arp_request(SOURCE_MAC, source, destination)))
}

/// Ways to touch a dark address, and where it is.
fn ways() -> [(&'static str, Make, Ipv4Addr); 7] {
    let (lan, given) = (Ipv4Addr::new(192, 168, 1, 200), Ipv4Addr::new(10, 9, 3, 7));
    let syn: Make = |source, destination| tcp_packet(source, destination, flag::SYN);
    let ping: Make = |source, destination| icmp_packet(source, destination, 8);
    [
        ("ARP", question, lan),
        ("SYN", syn, given),
        ("SYN to the LAN", syn, lan),
        ("UDP", udp_packet, given),
        ("UDP to the LAN", udp_packet, lan),
        ("ICMP", ping, given),
        ("ICMP to the LAN", ping, lan),
    ]
}

/// One touch of each of so many addresses, with this pause between them.
fn touches(make: Make, first: Ipv4Addr, count: u32, pause: u64) -> impl Iterator<Item = (u64, Vec<u8>)> {
    (0..count).map(move |n| {
        let target = Ipv4Addr::from(u32::from(first) + n % 50);
        let frame = make((SOURCE, 40_000).into(), (target, 23).into());
        (LEARNED + u64::from(n) * pause, frame)
    })
}

#[test]
fn the_fourth_dark_address_in_a_day_is_an_alert_at_its_own_time() {
    for (way, make, first) in ways() {
        for pause in [2_500, SECOND, HOUR, 6 * HOUR - 60 * SECOND, 8 * HOUR - SECOND] {
            let mut monitor = home();
            let fourth = LEARNED + 3 * pause;
            let three = watch(&mut monitor, 0, touches(make, first, 3, pause), fourth - 1);
            assert_eq!(of_kind(&three, Kind::Alert).len(), 0, "{way}, {pause} us");
            let events = watch(&mut monitor, 0, touches(make, first, 4, pause).skip(3), fourth);
            let alerts = of_kind(&events, Kind::Alert);
            assert_eq!(alerts.len(), 1, "{way}, {pause} us: {events:?}");
            assert_eq!((alerts[0].last, alerts[0].source), (stamp(fourth), v4(SOURCE)), "{way}, {pause} us");
        }
    }
}

#[test]
fn four_dark_addresses_in_more_than_a_day_are_none() {
    for (way, make, first) in ways() {
        let events = watch(&mut home(), 0, touches(make, first, 30, 8 * HOUR), LEARNED + 31 * 8 * HOUR);
        assert_eq!(of_kind(&events, Kind::Alert).len(), 0, "{way}");
        assert_eq!(of_kind(&events, Kind::Hit).len(), 30, "{way}");
    }
}

#[test]
fn a_scanner_is_cleared_an_hour_after_its_last_touch() {
    for (way, make, first) in ways() {
        for count in [4, 4000] {
            let last = LEARNED + u64::from(count - 1) * SECOND;
            let events = watch(&mut home(), 0, touches(make, first, count, SECOND), last + 5 * HOUR);
            assert_eq!(of_kind(&events, Kind::Alert).len(), 1, "{way}");
            let clear: Vec<_> = of_kind(&events, Kind::Clear).iter().map(|event| event.last).collect();
            assert_eq!(clear, [stamp(last + HOUR)], "{way}, {count} touches");
            let told: u64 = events.iter().filter(|event| event.kind != Kind::Clear).map(|e| e.packets).sum();
            assert_eq!(told, u64::from(count), "{way}");
        }
    }
}

/// Answers to what somebody else sent in the name of the dark: floods' victims, and amplifiers.
fn answer(rng: &mut Rng, source: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    let high = rng.between(1_024, 65_535) as u16;
    let from = |port: u16| SocketAddr::from((source, port));
    let to = SocketAddr::from((target, high));
    match rng.below(4) {
        0 => tcp_packet(from(80), to, flag::SYN | flag::ACK),
        1 => tcp_packet(from(443), to, flag::RST | if rng.percent(50) { flag::ACK } else { 0 }),
        2 => {
            let kinds = [0, 3, 4, 5, 11, 12, 14, 16, 18];
            icmp_packet(from(0), to, kinds[rng.below(9) as usize])
        }
        _ => {
            let ports = [19, 53, 123, 161, 389, 1900, 11211];
            udp_packet(from(ports[rng.below(7) as usize]), to)
        }
    }
}

#[test]
fn backscatter_and_reflection_are_never_an_alert() {
    for seed in 1..=3 {
        let mut rng = Rng::new(seed);
        let mut monitor = home();
        // From two victims on the LAN, and from the Internet; through the router, which asks for those on the LAN.
        for (interface, sources) in
            [(0, [SOURCE, Ipv4Addr::new(10, 44, 0, 9)]), (1, [Ipv4Addr::new(44, 1, 2, 3); 2])]
        {
            let mut frames = Vec::new();
            for n in 0..20_000 {
                let now = LEARNED + n * SECOND / 10;
                let target = if rng.percent(50) {
                    Ipv4Addr::new(10, 9, rng.below(256) as u8, rng.below(256) as u8)
                } else {
                    Ipv4Addr::new(192, 168, 1, rng.between(2, 254) as u8)
                };
                let source = sources[rng.below(2) as usize];
                if target != source {
                    frames.push((now, answer(&mut rng, source, target)));
                }
                let asked =
                    arp_request(ROUTER_MAC, ROUTER, Ipv4Addr::new(192, 168, 1, rng.between(2, 254) as u8));
                if interface == 0 {
                    frames.push((now, padded(ethernet(ROUTER_MAC, BROADCAST, ethertype::ARP, &asked))));
                }
            }
            let events = watch(&mut monitor, interface, frames, LEARNED + 2 * HOUR);
            let alerts = of_kind(&events, Kind::Alert);
            assert!(alerts.is_empty(), "seed {seed}, interface {interface}: {alerts:?}");
            assert!(!events.is_empty(), "seed {seed}, interface {interface}");
        }
    }
}

/// A SYN to the n-th address of a network that is not dark, as a tool makes it by its own source.
fn marked(tool: Tool, n: u32) -> Vec<u8> {
    let destination = Ipv4Addr::from(0x5d00_0000 + n * 77);
    let sequence = 0x1234_5678u32.wrapping_mul(n * 2 + 1);
    let (sequence, identification, window) = match tool {
        Tool::Mirai => (u32::from(destination), n as u16, 5_840),
        Tool::Masscan => (sequence, (u32::from(destination) ^ 23 ^ sequence) as u16, 1_024),
        _ => (sequence, 54_321, 65_535),
    };
    let (source, target) = (SocketAddr::from((SOURCE, 44_321)), SocketAddr::from((destination, 23)));
    let header = Tcp { sequence, window, ..Tcp::flags(flag::SYN) };
    let packet = Ipv4 { identification, ..Ipv4::new(SOURCE, destination, protocol::TCP) };
    padded(ethernet(
        SOURCE_MAC,
        ROUTER_MAC,
        ethertype::IPV4,
        &packet.packet(&tcp(&source, &target, &header, &[])),
    ))
}

#[test]
fn mirai_is_known_by_one_packet_masscan_and_zmap_by_two() {
    for (tool, packets) in [(Tool::Mirai, 1), (Tool::Masscan, 2), (Tool::Zmap, 2)] {
        let mut monitor = home();
        for n in 1..=packets {
            let now = LEARNED + u64::from(n) * SECOND / 100;
            let events = watch(&mut monitor, 0, [(now, marked(tool, n))], now);
            let alerts = of_kind(&events, Kind::Alert);
            assert_eq!(alerts.len(), usize::from(n == packets), "{tool:?}, packet {n}");
            assert!(alerts.iter().all(|alert| alert.tool == Some(tool) && alert.last == stamp(now)));
        }
    }
}

#[test]
fn the_next_with_an_address_is_not_held_for_the_tool_of_the_one_before() {
    let mut monitor = home();
    let later = LEARNED + 30 * HOUR;
    let events = watch(&mut monitor, 0, [(LEARNED, marked(Tool::Mirai, 1))], later);
    assert_eq!(of_kind(&events, Kind::Alert).len(), 1);
    assert_eq!(of_kind(&events, Kind::Clear).len(), 1);
    // Another device has the address now, and asks for one that nobody has. The tool's own would be an alert again.
    let mac = [2, 0, 0, 0, 1, 58];
    let asked = arp_request(mac, SOURCE, Ipv4Addr::new(192, 168, 1, 200));
    let frames = [(later, padded(ethernet(mac, BROADCAST, ethertype::ARP, &asked)))];
    let events = watch(&mut monitor, 0, frames, later);
    assert_eq!(of_kind(&events, Kind::Hit).len(), 1, "{events:?}");
    assert!(of_kind(&events, Kind::Alert).is_empty(), "{events:?}");
    let again = question((SOURCE, 40_000).into(), (Ipv4Addr::new(192, 168, 1, 201), 23).into());
    let events = watch(
        &mut monitor,
        0,
        [(later + SECOND, marked(Tool::Mirai, 2)), (later + SECOND, again)],
        later + SECOND,
    );
    assert_eq!(of_kind(&events, Kind::Alert).len(), 1, "{events:?}");
}
