//! The books against sums that are kept apart, on seeded random packets.

use std::collections::HashMap;
use std::net::IpAddr;

use super::{Capacity, Counters, Host, Ledger, Period, PortOwner, Traffic, Transport};
use crate::limits::{CAPTURE_BATCH, FLOW_RECORDS};
use crate::network::{Direction, Networks, Role};
use crate::packet::{Address, Arp, Decoded, Discard, Link, Mac, NonIp, Packet};
use crate::table::{PortKind, PortRow, Seed, Segment};
use crate::time::Timestamp;

const NOON: u64 = 1_700_049_600;
const MAC: Mac = Mac([2, 0, 0, 0, 0, 7]);

fn ledger(hosts: u16, port_rows: u32) -> Ledger {
    let seed = Seed::new(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
    Ledger::new("lan", Role::Lan, Networks::private(), Capacity { hosts, port_rows, devices: 16 }, seed)
}

fn address(text: &str) -> Address {
    Address::from(text.parse::<IpAddr>().unwrap())
}

fn tcp(source: &str, source_port: u16, destination: &str, destination_port: u16, bytes: u32) -> Packet {
    Packet {
        source: address(source),
        destination: address(destination),
        bytes,
        source_port,
        destination_port,
        protocol: 6,
        has_ports: true,
        link: Link { source_mac: MAC, outgoing: false },
        ..Packet::default()
    }
}

fn observe(ledger: &mut Ledger, packet: Packet, seconds: u64) {
    ledger.observe(&Decoded::Packet(packet), Timestamp::from_seconds(seconds));
}

/// Rows by kind and port, as bytes inbound and outbound.
fn ports(ledger: &Ledger, owner: PortOwner) -> HashMap<(PortKind, u16), (u64, u64)> {
    ledger
        .ports(owner)
        .map(|(kind, port, row)| ((kind, port), (row.inbound.bytes, row.outbound.bytes)))
        .collect()
}

#[test]
fn a_connection_is_booked_on_both_ends_and_on_the_interface() {
    let mut ledger = ledger(16, 64);
    let mut syn = tcp("192.168.1.5", 40_000, "9.9.9.9", 443, 60);
    syn.tcp_flags = Packet::TCP_SYN;
    observe(&mut ledger, syn, NOON);
    observe(&mut ledger, tcp("9.9.9.9", 443, "192.168.1.5", 40_000, 1_500), NOON + 2);
    ledger.settle(Timestamp::from_seconds(NOON + 2));

    let local = ledger.host(address("192.168.1.5")).unwrap();
    assert_eq!(local.total(), Traffic { sent: Counters::new(1, 60), received: Counters::new(1, 1_500) });
    assert_eq!((local.first_seen, local.last_seen), (NOON as u32, NOON as u32 + 2));
    assert_eq!((local.mac, local.local), (MAC, true));
    let remote = ledger.host(address("9.9.9.9")).unwrap();
    assert_eq!((remote.mac, remote.local), (Mac::ZERO, false));

    let wanted = [((PortKind::TcpLocal, 40_000), (1_500, 60)), ((PortKind::TcpRemote, 443), (1_500, 60))];
    assert_eq!(ports(&ledger, PortOwner::Interface), HashMap::from(wanted));
    assert_eq!(ports(&ledger, PortOwner::Host(address("192.168.1.5"))), HashMap::from(wanted));
    let mirrored = [((PortKind::TcpLocal, 443), (60, 1_500)), ((PortKind::TcpRemote, 40_000), (60, 1_500))];
    assert_eq!(ports(&ledger, PortOwner::Host(address("9.9.9.9"))), HashMap::from(mirrored));
    assert!(ledger.ports(PortOwner::Interface).all(|(_, _, row)| row.syns == 1));
}

#[test]
fn internal_packets_count_at_both_local_ports_and_transit_packets_at_both_remote_ones() {
    let mut ledger = ledger(16, 64);
    observe(&mut ledger, tcp("192.168.1.5", 1_000, "192.168.1.6", 445, 100), NOON);
    observe(&mut ledger, tcp("8.8.8.8", 2_000, "9.9.9.9", 25, 200), NOON);
    ledger.settle(Timestamp::from_seconds(NOON));
    let wanted = [
        ((PortKind::TcpLocal, 445), (100, 0)),
        ((PortKind::TcpLocal, 1_000), (0, 100)),
        ((PortKind::TcpRemote, 25), (0, 200)),
        ((PortKind::TcpRemote, 2_000), (200, 0)),
    ];
    assert_eq!(ports(&ledger, PortOwner::Interface), HashMap::from(wanted));
    assert_eq!(ledger.totals().of(Direction::Internal), Counters::new(1, 100));
    assert_eq!(ledger.totals().of(Direction::Transit), Counters::new(1, 200));
}

#[test]
fn peers_are_who_a_host_talks_to() {
    let mut ledger = ledger(16, 64);
    let (here, there) = (address("192.168.1.5"), address("9.9.9.9"));
    observe(&mut ledger, tcp("192.168.1.5", 40_000, "9.9.9.9", 443, 60), NOON);
    observe(&mut ledger, tcp("9.9.9.9", 443, "192.168.1.5", 40_000, 1_500), NOON);
    observe(&mut ledger, tcp("9.9.9.9", 53, "192.168.1.5", 40_001, 100), NOON);
    observe(&mut ledger, tcp("192.168.1.5", 1, "192.168.1.6", 2, 70), NOON);
    observe(&mut ledger, tcp("192.168.1.6", 1, "192.168.1.6", 2, 80), NOON);
    ledger.settle(Timestamp::from_seconds(NOON));
    let peers = |of| {
        let mut peers: Vec<_> = ledger
            .peers(of)
            .map(|(address, traffic)| (address.bits(), traffic.sent.bytes, traffic.received.bytes))
            .collect();
        peers.sort();
        peers
    };
    let neighbor = address("192.168.1.6");
    assert_eq!(peers(here), [(there.bits(), 60, 1_600), (neighbor.bits(), 70, 0)]);
    assert_eq!(peers(there), [(here.bits(), 1_600, 60)]);
    assert_eq!(peers(neighbor), [(here.bits(), 0, 70), (neighbor.bits(), 80, 80)]);
    assert!(peers(address("192.168.1.7")).is_empty());
}

#[test]
fn strangers_take_no_peers_from_those_who_stay() {
    let mut ledger = ledger(16, 16);
    let friend = address("9.9.9.9");
    for _ in 0..3 {
        observe(&mut ledger, tcp("9.9.9.9", 6_000, "192.168.1.5", 80, 1_000), NOON);
        ledger.settle(Timestamp::from_seconds(NOON));
    }
    for stranger in 0..2_000_u32 {
        let source = std::net::Ipv4Addr::from(0x0808_0000 + stranger).to_string();
        observe(&mut ledger, tcp(&source, 6_000, "192.168.1.5", 80, 60_000), NOON + u64::from(stranger / 9));
        ledger.settle(Timestamp::from_seconds(NOON));
    }
    let peers: Vec<_> = ledger.peers(friend).collect();
    assert_eq!(peers, [(address("192.168.1.5"), ledger.host(friend).unwrap().total())]);
    // Nobody is shown with the traffic of who was in the place before.
    for (stranger, traffic) in ledger.peers(address("192.168.1.5")) {
        let total = ledger.host(stranger).unwrap().total();
        assert_eq!((traffic.sent, traffic.received), (total.received, total.sent));
    }
}

#[test]
fn hosts_have_a_rate_and_a_day() {
    let mut ledger = ledger(16, 64);
    ledger.set_utc_offset(3_600);
    let here = address("192.168.1.5");
    let midnight = 1_700_002_800; // 2023-11-15 00:00 in UTC+1
    let lately = |ledger: &mut Ledger, seconds: u64| {
        ledger.settle(Timestamp::from_seconds(seconds));
        let (host, lately) = ledger.host_lately(here).unwrap();
        (host.total().both().bytes, lately.rate.received, lately.today)
    };
    // One flow across midnight: what is in the cache then is of the day before.
    for second in midnight - 10..midnight + 5 {
        observe(&mut ledger, tcp("9.9.9.9", 443, "192.168.1.5", 40_000, 1_000), second);
    }
    assert_eq!(lately(&mut ledger, midnight + 5), (15_000, 1_000, [5_000, 0]));
    assert_eq!(lately(&mut ledger, midnight + 60), (15_000, 0, [5_000, 0]));
    assert_eq!(lately(&mut ledger, midnight + 86_400), (15_000, 0, [0, 0]));
    observe(&mut ledger, tcp("192.168.1.5", 40_000, "9.9.9.9", 443, 300), midnight + 86_401);
    assert_eq!(lately(&mut ledger, midnight + 86_402), (15_300, 0, [0, 300]));
    let (_, lately) = ledger.host_lately(address("9.9.9.9")).unwrap();
    assert_eq!(lately.today, [300, 0]);
}

#[test]
fn a_clock_that_jumps_gives_no_nonsense() {
    for jump in [NOON - 7_200, NOON - 40 * 86_400, NOON + 3_600, NOON + 40 * 86_400, 0, u64::from(u32::MAX)] {
        let mut ledger = ledger(16, 64);
        let mut sent = 0;
        for start in [NOON, jump, NOON] {
            for second in start..start + 12 {
                observe(&mut ledger, tcp("192.168.1.5", 40_000, "9.9.9.9", 443, 1_000), second);
                sent += 1_000;
                ledger.settle(Timestamp::from_seconds(second));
                let (host, lately) = ledger.host_lately(address("192.168.1.5")).unwrap();
                assert_eq!(host.total().sent.bytes, sent);
                assert!(lately.rate.sent <= 2_000 && lately.rate.received == 0, "{jump}: {lately:?}");
                assert!((1_000..=sent).contains(&lately.today[1]), "{jump}: {lately:?}");
            }
        }
    }
}

#[test]
fn who_takes_a_hosts_place_has_not_done_what_it_did() {
    let mut ledger = ledger(1, 8);
    observe(&mut ledger, tcp("192.168.1.5", 1, "9.9.9.9", 2, 1_000), NOON);
    observe(&mut ledger, tcp("8.8.8.8", 1, "9.9.9.8", 2, 10), NOON);
    ledger.settle(Timestamp::from_seconds(NOON));
    let (_, host, lately) = ledger.hosts_lately().next().unwrap();
    assert_eq!(lately.today.iter().sum::<u64>(), host.total().both().bytes);
}

#[test]
fn what_is_no_packet_has_lines_of_its_own() {
    let mut ledger = ledger(4, 256);
    let now = Timestamp::from_seconds(NOON);
    let (sender, target) = (address("192.168.1.5"), address("192.168.1.6"));
    let arp = Arp { request: true, sender_mac: MAC, sender, target };
    let frame = NonIp { bytes: 60, link: Link::default(), arp: Some(arp) };
    ledger.observe(&Decoded::NonIp(frame), now);
    for discard in Discard::ALL {
        ledger.observe(&Decoded::Discard(discard), now);
    }
    assert_eq!(ledger.captured(), 1 + Discard::ALL.len() as u64);
    assert_eq!(ledger.non_ip(), Counters::new(1, 60));
    assert!(ledger.discarded().all(|(_, frames)| frames == 1));
    assert!(ledger.totals().total().is_zero());
}

#[test]
fn ports_above_the_highest_count_without_rows() {
    let mut ledger = ledger(4, 64);
    ledger.set_highest_port(1_024);
    observe(&mut ledger, tcp("192.168.1.5", 40_000, "9.9.9.9", 443, 60), NOON);
    ledger.settle(Timestamp::from_seconds(NOON));
    let rows: Vec<_> = ledger.ports(PortOwner::Interface).map(|(_, port, _)| port).collect();
    assert_eq!(rows, [443]);
    assert_eq!(ledger.ports_left(PortKind::TcpLocal).evicted_outbound, Counters::new(1, 60));
}

#[test]
fn a_flood_of_strangers_takes_no_row_from_a_host_that_stays() {
    let mut ledger = ledger(16, 16);
    let friend = PortOwner::Host(address("9.9.9.9"));
    for _ in 0..3 {
        observe(&mut ledger, tcp("9.9.9.9", 6_000, "192.168.1.5", 80, 1_000), NOON);
        ledger.settle(Timestamp::from_seconds(NOON));
    }
    let before = ports(&ledger, friend);
    assert!(!before.is_empty());
    for stranger in 0..2_000_u32 {
        let source = std::net::Ipv4Addr::from(0x0808_0000 + stranger).to_string();
        // Larger than all that the friend ever sent, but only one packet.
        observe(&mut ledger, tcp(&source, 6_000, "192.168.1.5", 80, 60_000), NOON);
        ledger.settle(Timestamp::from_seconds(NOON));
    }
    assert_eq!(ledger.evicted().hosts, 2_002 - 16);
    assert_eq!(ports(&ledger, friend), before);
}

#[test]
fn every_protocol_of_a_host_is_counted_apart() {
    let mut ledger = ledger(8, 64);
    // No protocol's number is too high a port.
    ledger.set_highest_port(1);
    let (here, there) = (address("192.168.1.5"), address("9.9.9.9"));
    for (protocol, has_ports, bytes) in [
        (47, false, 100),
        (132, true, 200),
        (136, true, 300),
        (0, false, 400),
        (1, false, 500),
        (6, false, 600),
    ] {
        let packet = tcp("192.168.1.5", 7, "9.9.9.9", 9, bytes);
        observe(&mut ledger, Packet { protocol, has_ports, ..packet }, NOON);
    }
    observe(&mut ledger, Packet { protocol: 47, ..tcp("9.9.9.9", 0, "192.168.1.5", 0, 50) }, NOON);
    ledger.settle(Timestamp::from_seconds(NOON));
    let wanted = [
        ((PortKind::Protocol, 47), (50, 100)),
        ((PortKind::Protocol, 132), (0, 200)),
        ((PortKind::Protocol, 136), (0, 300)),
        ((PortKind::Protocol, 0), (0, 400)),
    ];
    assert_eq!(ports(&ledger, PortOwner::Host(here)), HashMap::from(wanted));
    let mirrored = wanted.map(|(key, (inbound, outbound))| (key, (outbound, inbound)));
    assert_eq!(ports(&ledger, PortOwner::Host(there)), HashMap::from(mirrored));
    assert!(ports(&ledger, PortOwner::Interface).is_empty());
    let other = ledger.host(here).unwrap().transport(Transport::Other);
    assert_eq!(other, Traffic { sent: Counters::new(4, 1_000), received: Counters::new(1, 50) });
}

#[test]
fn hosts_that_become_local_are_known_as_such() {
    let mut ledger = ledger(8, 64);
    observe(&mut ledger, tcp("192.168.1.5", 1, "9.9.9.9", 2, 100), NOON);
    let mut networks = Networks::new();
    networks.add("9.9.9.0/24".parse().unwrap());
    ledger.set_networks(networks);
    observe(&mut ledger, tcp("192.168.1.5", 1, "9.9.9.9", 2, 100), NOON);
    ledger.settle(Timestamp::from_seconds(NOON));
    assert!(ledger.host(address("9.9.9.9")).unwrap().local);
    assert!(!ledger.host(address("192.168.1.5")).unwrap().local);
    assert_eq!(ledger.totals().of(Direction::Outbound), Counters::new(1, 100));
    assert_eq!(ledger.totals().of(Direction::Inbound), Counters::new(1, 100));
}

/// Random packets between few or many hosts, with every sum kept apart in the plainest way.
fn conservation(hosts: u16, port_rows: u32, seed: u64) {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut below = |bound: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % bound
    };
    let mut ledger = ledger(hosts, port_rows);
    let mut wanted = [Counters::default(); 4];
    let mut by_host: HashMap<Address, Traffic> = HashMap::new();
    let mut by_peers: HashMap<(Address, Address), Traffic> = HashMap::new();
    let mut by_protocol: HashMap<(Address, u8), Traffic> = HashMap::new();
    let spread = [4, 300, 100_000][below(3) as usize];
    for step in 0..20_000 {
        let mut host = || match below(3) {
            0 => Address::v4(0xc0a8_0100 + below(20) as u32),
            1 => Address::v4(0x0800_0000 + below(spread) as u32),
            _ => Address { high: 0x2001_0db8_0000_0000, low: below(spread) },
        };
        let (source, destination) = (host(), host());
        let has_ports = below(10) > 0;
        let port = |number: u64| if has_ports { number as u16 } else { 0 };
        let packet = Packet {
            source,
            destination,
            bytes: 20 + below(1_480) as u32,
            protocol: [6, 6, 17, 17, 1, 47, 50, 132][below(8) as usize],
            has_ports,
            source_port: port(below(spread)),
            destination_port: port(below(50)),
            ..Packet::default()
        };
        let counters = Counters::new(1, packet.bytes.into());
        wanted[Networks::private().direction(&packet) as usize] += counters;
        by_host.entry(source).or_default().sent += counters;
        by_host.entry(destination).or_default().received += counters;
        by_peers.entry((source, destination)).or_default().sent += counters;
        by_peers.entry((destination, source)).or_default().received += counters;
        by_protocol.entry((source, packet.protocol)).or_default().sent += counters;
        by_protocol.entry((destination, packet.protocol)).or_default().received += counters;
        observe(&mut ledger, packet, NOON + step / 500);
        if below(5_000) == 0 {
            ledger.settle(Timestamp::from_seconds(NOON + step / 500));
        }
    }
    ledger.settle(Timestamp::from_seconds(NOON + 40));

    for direction in Direction::ALL {
        assert_eq!(ledger.totals().of(direction), wanted[direction as usize]);
    }
    let total = ledger.totals().total();
    let mut sum = ledger.evicted().traffic;
    for (address, host) in ledger.hosts() {
        sum += host.total();
        if ledger.evicted().hosts == 0 {
            assert_eq!(host.total(), by_host[&address]);
        }
    }
    assert_eq!(sum, Traffic { sent: total, received: total });
    assert_eq!(ledger.protocols().map(|(_, row)| row.total()).sum::<Counters>(), total);
    for period in Period::ALL {
        let bars = ledger.history(period).map(|(_, bar)| bar.inbound + bar.outbound + bar.other);
        assert_eq!(bars.sum::<Counters>(), total, "{}", period.name());
    }
    protocols_add_up(&ledger, by_protocol);
    peers_add_up(&ledger, by_peers);
    for kind in PortKind::ALL {
        let (number, both) = match kind {
            PortKind::TcpLocal => (6, Direction::Internal),
            PortKind::TcpRemote => (6, Direction::Transit),
            PortKind::UdpLocal => (17, Direction::Internal),
            PortKind::UdpRemote => (17, Direction::Transit),
            PortKind::Protocol => continue,
        };
        let rows = ledger.ports(PortOwner::Interface).filter(|(present, ..)| *present == kind);
        let (inbound, outbound) = rows
            .fold((Counters::default(), Counters::default()), |sums, (_, _, row)| {
                (sums.0 + row.inbound, sums.1 + row.outbound)
            });
        let left = ledger.ports_left(kind);
        let protocol = *ledger.protocols().find(|(present, _)| *present == number).unwrap().1;
        assert_eq!(
            inbound + left.evicted_inbound + left.portless_inbound,
            protocol.of(Direction::Inbound) + protocol.of(both)
        );
        assert_eq!(
            outbound + left.evicted_outbound + left.portless_outbound,
            protocol.of(Direction::Outbound) + protocol.of(both)
        );
        if ledger.port_rows().1 == 0 {
            assert!(left.evicted_inbound.is_zero() && left.evicted_outbound.is_zero(), "{kind:?}");
        }
    }
}

/// The protocols of each host are part of its other traffic, and all of it while no row had to go.
fn protocols_add_up(ledger: &Ledger, mut wanted: HashMap<(Address, u8), Traffic>) {
    let mut left: HashMap<Address, Traffic> =
        ledger.hosts().map(|(address, host)| (address, host.transport(Transport::Other))).collect();
    let is_whole = ledger.evicted().hosts == 0 && ledger.port_rows().1 == 0;
    for (address, number, row) in ledger.host_protocols() {
        let found = Traffic { sent: row.outbound, received: row.inbound };
        let wanted = wanted.remove(&(address, number)).expect("each row once, and none of its own making");
        assert!(found.both().bytes <= wanted.both().bytes, "{number}");
        assert!(found == wanted || !is_whole, "{number}");
        let left = left.get_mut(&address).expect("the host is there");
        for (left, part) in [(&mut left.sent, found.sent), (&mut left.received, found.received)] {
            left.packets = left.packets.checked_sub(part.packets).expect("a part of the host's packets");
            left.bytes = left.bytes.checked_sub(part.bytes).expect("a part of the host's bytes");
        }
    }
    if is_whole {
        assert!(left.values().all(|left| *left == Traffic::default()));
        assert!(wanted.keys().all(|(_, number)| Transport::of(*number) != Transport::Other));
    }
    assert!(ledger.ports(PortOwner::Interface).all(|(kind, ..)| kind != PortKind::Protocol));
}

/// A host's peers are part of its traffic, and all of it while no row had to go.
fn peers_add_up(ledger: &Ledger, wanted: HashMap<(Address, Address), Traffic>) {
    let is_whole = ledger.evicted().hosts == 0 && ledger.all_peers().count() == wanted_rows(&wanted);
    for (address, host) in ledger.hosts().step_by(1 + usize::from(ledger.hosts_used().0) / 100) {
        let mut sum = Traffic::default();
        for (peer, found) in ledger.peers(address) {
            let wanted = wanted[&(address, peer)];
            assert!(found.both().bytes <= wanted.both().bytes);
            assert!(found == wanted || !is_whole);
            sum += found;
        }
        let total = host.total();
        assert!(sum.sent.bytes <= total.sent.bytes && sum.sent.packets <= total.sent.packets);
        assert!(sum.received.bytes <= total.received.bytes && sum.received.packets <= total.received.packets);
        assert!(sum == total || !is_whole);
    }
}

/// How many rows it takes to have them all: one for two hosts.
fn wanted_rows(wanted: &HashMap<(Address, Address), Traffic>) -> usize {
    wanted.keys().filter(|(one, other)| one.bits() <= other.bits()).count()
}

#[test]
fn every_sum_is_kept_to_the_byte_whatever_the_capacity() {
    for seed in 0..6 {
        for (hosts, port_rows) in [(1, 1), (2, 8), (3, 64), (50, 512), (1_024, 8_192), (u16::MAX, 65_536)] {
            if let Err(panic) = std::panic::catch_unwind(|| conservation(hosts, port_rows, seed)) {
                eprintln!("failing seed: {seed} with {hosts} hosts and {port_rows} port rows");
                std::panic::resume_unwind(panic);
            }
        }
    }
}

#[test]
fn flow_records_add_up_to_the_totals() {
    let mut ledger = ledger(16, 64);
    ledger.record_flows();
    let mut told = super::Directions::default();
    let mut tell = |ledger: &mut Ledger| {
        while let Some(flow) = ledger.next_flow_record() {
            for (direction, sent) in flow.directions.into_iter().zip(flow.sent()) {
                told.add(direction, sent);
            }
        }
    };
    // More flows than the cache has places, and some that go on.
    for number in 0..20_000_u32 {
        let host = format!("192.168.{}.{}", number % 7, number / 7 % 250);
        let there = format!("9.9.{}.9", number % 3 * (number / 500));
        observe(
            &mut ledger,
            tcp(&host, 40_000, &there, 443, 40 + number % 1_400),
            NOON + u64::from(number / 50),
        );
        observe(&mut ledger, tcp(&there, 443, &host, 40_000, 60), NOON + u64::from(number / 50));
        if number % 1_000 == 0 {
            ledger.settle(Timestamp::from_seconds(NOON));
        }
        tell(&mut ledger);
    }
    ledger.hurry_flow_records();
    while ledger.report_flows(ledger.last()) {
        tell(&mut ledger);
    }
    assert_eq!(told, *ledger.totals());
    assert_eq!(ledger.take_lost_flow_records(), 0);
}

#[test]
fn a_batch_of_frames_into_the_dark_loses_no_flow_record() {
    let mut ledger = ledger(16, 64);
    ledger.record_flows();
    // Hardly a place of the cache stays vacant.
    for port in 0..3_000 {
        observe(&mut ledger, tcp("192.168.1.5", port, "9.9.9.9", 443, 100), NOON);
        while ledger.next_flow_record().is_some() {}
    }
    ledger.hurry_flow_records();
    assert!(ledger.report_flows(ledger.last()));
    for port in 0..CAPTURE_BATCH as u16 {
        let packet = tcp("192.168.1.5", port, "192.168.1.77", 22, 100);
        observe(&mut ledger, packet, NOON);
        // Its address is dark.
        ledger.forget_flow(&packet);
    }
    assert_eq!(ledger.take_lost_flow_records(), 0);
    let waiting = std::iter::from_fn(|| ledger.next_flow_record()).count();
    assert!((500..=FLOW_RECORDS).contains(&waiting), "{waiting}");
}

#[test]
fn flow_records_survive_a_forgotten_host_and_a_reset() {
    let mut ledger = ledger(16, 64);
    ledger.record_flows();
    let mut told = Counters::default();
    let mut tell = |ledger: &mut Ledger| {
        while let Some(flow) = ledger.next_flow_record() {
            flow.sent().into_iter().for_each(|sent| told += sent);
        }
        assert_eq!(ledger.take_lost_flow_records(), 0);
    };
    let mut sent = Counters::default();
    let mut send = |ledger: &mut Ledger, seconds| {
        for port in 1..=1_000 {
            observe(ledger, tcp("192.168.1.5", port, "9.9.9.9", 443, 100), seconds);
            sent += Counters::new(1, 100);
            tell(ledger);
        }
    };
    send(&mut ledger, NOON);
    assert!(!ledger.forget_host(address("9.9.9.8")));
    assert!(ledger.next_flow_record().is_none());
    assert!(ledger.forget_host(address("192.168.1.5")));
    send(&mut ledger, NOON + 1);
    assert_eq!(u64::from(ledger.host(address("9.9.9.9")).unwrap().first_seen), NOON);
    ledger.reset();
    send(&mut ledger, NOON + 2);
    assert_eq!(*ledger.totals(), {
        let mut totals = super::Directions::default();
        totals.add(Direction::Outbound, Counters::new(1_000, 100_000));
        totals
    });
    ledger.hurry_flow_records();
    while ledger.report_flows(ledger.last()) {
        tell(&mut ledger);
    }
    assert_eq!(told, sent);
}

#[test]
fn the_heaviest_rows_are_restored_in_whatever_order_they_come() {
    let restored = |order: &[u8]| {
        let mut ledger = ledger(16, 8);
        let host = |number| address(&format!("192.168.1.{number}"));
        for number in 0..16 {
            ledger.restore_host(host(number), Segment::Pinned, Host { local: true, ..Host::default() });
        }
        for &number in order {
            let sent = Counters::new(1, 1_000 + u64::from(number));
            let row = PortRow { inbound: sent, ..PortRow::default() };
            ledger.restore_port(None, PortKind::TcpLocal, number.into(), row);
            ledger.restore_peers([host(number % 16), host(number / 16)], [sent, Counters::default()]);
        }
        let ports = ports(&ledger, PortOwner::Interface);
        assert_eq!(ledger.save_totals().ports_evicted + ports.len() as u64, 100);
        let mut peers: Vec<_> = ledger.all_peers().map(|(_, row)| row.sent[0].bytes).collect();
        peers.sort_unstable();
        assert_eq!((ports.len(), peers.len()), (8, 16));
        (ports, peers)
    };
    // Each pair of hosts once.
    let mut order: Vec<u8> = (0..=u8::MAX).filter(|number| number % 16 <= number / 16).take(100).collect();
    let lightest_first = restored(&order);
    order.reverse();
    assert_eq!(restored(&order), lightest_first);
}

/// The rows and the evicted row make up the total, both ways.
fn assert_adds_up(ledger: &Ledger) {
    let mut sum = ledger.evicted().traffic;
    ledger.hosts().for_each(|(_, host)| sum += host.total());
    let total = ledger.totals().total();
    assert_eq!(sum, Traffic { sent: total, received: total });
}

#[test]
fn a_forgotten_host_is_evicted_and_starts_anew() {
    let mut ledger = ledger(16, 64);
    let [local, remote] = ["192.168.1.5", "9.9.9.9"].map(address);
    for second in 0..3 {
        observe(&mut ledger, tcp("192.168.1.5", 40_000, "9.9.9.9", 443, 100), NOON + second);
    }
    // Its traffic is still in the flow cache.
    assert!(!ledger.forget_host(address("9.9.9.8")));
    assert!(ledger.forget_host(remote));
    assert!(!ledger.forget_host(remote) && ledger.host(remote).is_none());
    assert_eq!(ledger.evicted().hosts, 1);
    assert_eq!(ledger.evicted().traffic.received, Counters::new(3, 300));
    assert_adds_up(&ledger);
    observe(&mut ledger, tcp("9.9.9.9", 443, "192.168.1.5", 40_000, 50), NOON + 3);
    ledger.settle(Timestamp::from_seconds(NOON + 3));
    let again = ledger.host(remote).unwrap();
    assert_eq!(again.total(), Traffic { sent: Counters::new(1, 50), received: Counters::default() });
    assert_eq!(u64::from(again.first_seen), NOON + 3);
    assert_eq!(
        ports(&ledger, PortOwner::Host(remote)),
        HashMap::from([((PortKind::TcpLocal, 443), (0, 50)), ((PortKind::TcpRemote, 40_000), (0, 50)),])
    );
    assert!(ledger.host(local).is_some());
    assert_adds_up(&ledger);
}

#[test]
fn after_a_reset_the_books_are_as_new() {
    let mut used = ledger(4, 256);
    for number in 0..50 {
        let source = format!("192.168.1.{}", number % 9);
        observe(&mut used, tcp(&source, 40_000 + number, "9.9.9.9", number, 100), NOON + u64::from(number));
    }
    used.observe(&Decoded::Discard(Discard::ALL[0]), Timestamp::from_seconds(NOON));
    used.set_utc_offset(3_600);
    used.reset();
    let fresh = || {
        let mut fresh = ledger(4, 256);
        fresh.set_utc_offset(3_600);
        fresh
    };
    let books = |mut ledger: Ledger, at: u64| {
        ledger.settle(Timestamp::from_seconds(at));
        assert_adds_up(&ledger);
        let mut hosts: Vec<_> = ledger.hosts().map(|(address, host)| (address, *host)).collect();
        hosts.sort_by_key(|(address, _)| *address);
        let bars: Vec<_> = Period::ALL.iter().flat_map(|period| ledger.history(*period)).collect();
        let protocols: Vec<_> = ledger.protocols().map(|(number, sums)| (number, sums.total())).collect();
        (ledger.save_totals(), hosts, bars, protocols, ports(&ledger, PortOwner::Interface))
    };
    let later = |mut ledger: Ledger| {
        // Of the same flow as the last one before the reset, at a time before it.
        observe(&mut ledger, tcp("192.168.1.4", 40_049, "9.9.9.9", 49, 100), NOON - 600);
        books(ledger, NOON - 600)
    };
    assert_eq!(later(used), later(fresh()));
    let mut used = ledger(4, 256);
    observe(&mut used, tcp("192.168.1.4", 1, "9.9.9.9", 2, 100), NOON);
    used.reset();
    used.set_utc_offset(3_600);
    assert_eq!(books(used, NOON), books(fresh(), NOON));
}
