use super::*;
use crate::limits::{
    DARK_CLEAR_SECONDS, DARK_EVIDENCE_SECONDS, DARK_PREFIXES_MAX, DARK_TARGETS_MAX, DARK_WINDOW_SECONDS,
    LEARNING_SECONDS, SHARED_EVIDENCE_SECONDS,
};
use crate::packet::{Arp, Link, Mac};

const SOURCE: u32 = 0xc0a8_0139;
const DARK: u32 = 0x0a09_0000;
const SOURCES: usize = 1024;

fn darknet() -> Darknet {
    let prefixes = ["10.9.0.0/16", "2001:db8:dead::/48"].map(|prefix| prefix.parse().unwrap());
    Darknet::new(&prefixes, SOURCES, Seed::new(7, 0)).unwrap()
}

/// What a packet raises at once.
fn see(darknet: &mut Darknet, interface: usize, packet: &Packet, now: Timestamp) -> Option<Event> {
    darknet.observe(interface, &Decoded::Packet(*packet), &[], now).event
}

fn syn(source: u32, destination: u32) -> Packet {
    Packet {
        source: Address::v4(source),
        destination: Address::v4(destination),
        bytes: 60,
        source_port: 40_000,
        destination_port: 23,
        protocol: 6,
        has_ports: true,
        tcp_flags: Packet::TCP_SYN,
        link: Link { source_mac: Mac([2, 0, 0, 0, 0, 9]), outgoing: false },
        ..Packet::default()
    }
}

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(1_000_000 + seconds)
}

fn all_due(darknet: &mut Darknet, now: Timestamp) -> std::vec::Vec<Event> {
    std::iter::from_fn(|| darknet.tick(now)).collect()
}

#[test]
fn the_first_packet_speaks_at_once_and_the_window_counts_the_rest() {
    let mut darknet = darknet();
    let event = see(&mut darknet, 1, &syn(SOURCE, DARK + 1), at(0)).unwrap();
    assert_eq!((event.interface, event.packets, event.bytes, event.dark_targets), (1, 1, 60, 1));
    assert_eq!(event.ports, Some((40_000, 23)));
    assert_eq!(event.source_mac, Mac([2, 0, 0, 0, 0, 9]));
    assert_eq!((event.category, event.first), (Category::Scan, at(0)));

    for n in 2..5 {
        assert_eq!(see(&mut darknet, 1, &syn(SOURCE, DARK + n), at(u64::from(n))), None);
    }
    assert_eq!(all_due(&mut darknet, at(DARK_WINDOW_SECONDS - 1)), []);
    let events = all_due(&mut darknet, at(DARK_WINDOW_SECONDS));
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].packets, events[0].bytes, events[0].dark_targets), (3, 180, 4));
    assert_eq!(events[0].destination, Address::v4(DARK + 2));
    assert_eq!((events[0].first, events[0].last), (at(2), at(4)));
    assert_eq!(all_due(&mut darknet, at(2 * DARK_WINDOW_SECONDS)), [], "nothing new, nothing said");
    assert_eq!(darknet.recent().count(), 2);
    assert_eq!(darknet.totals().events, 2);
}

#[test]
fn a_packet_after_the_window_speaks_for_those_before_it() {
    let mut darknet = darknet();
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(0)).is_some());
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(1)).is_none());
    let event = see(&mut darknet, 0, &syn(SOURCE, DARK), at(DARK_WINDOW_SECONDS)).unwrap();
    assert_eq!((event.packets, event.dark_targets), (2, 1));
}

#[test]
fn only_dark_addresses_count_and_without_prefixes_none_is() {
    let mut darknet = darknet();
    assert_eq!(see(&mut darknet, 0, &syn(SOURCE, 0x0808_0808), at(0)), None);
    assert_eq!(darknet.totals(), Totals::default());
    let mut packet = syn(SOURCE, 0);
    packet.destination = Address::from("2001:db8:dead::1".parse::<core::net::IpAddr>().unwrap());
    assert!(see(&mut darknet, 0, &packet, at(0)).is_some());

    let mut none = Darknet::new(&[], SOURCES, Seed::new(7, 0)).unwrap();
    assert_eq!(see(&mut none, 0, &syn(SOURCE, DARK), at(0)), None);
    assert_eq!((none.tick(at(1)), none.close(), none.sources().count()), (None, None, 0));
    let many = ["10.0.0.0/8".parse().unwrap(); DARK_PREFIXES_MAX + 1];
    assert!(Darknet::new(&many, SOURCES, Seed::new(7, 0)).is_none());
}

#[test]
fn each_interface_speaks_for_itself() {
    let mut darknet = darknet();
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(0)).is_some());
    assert!(see(&mut darknet, 1, &syn(SOURCE, DARK), at(0)).is_some());
}

#[test]
fn distinct_targets_saturate() {
    let mut darknet = darknet();
    for n in 0..1000 {
        see(&mut darknet, 0, &syn(SOURCE, DARK + n), at(0));
    }
    let source = darknet.sources().next().unwrap();
    assert_eq!((source.dark_targets(), source.packets), (DARK_TARGETS_MAX, 1000));
}

#[test]
fn a_clock_set_back_does_not_silence_a_source() {
    let mut darknet = darknet();
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(100_000)).is_some());
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(99_999)).is_none(), "a reordered packet");
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(0)).is_some());
}

#[test]
fn a_flood_of_sources_evicts_the_small_ones_and_every_packet_is_told_or_counted() {
    let mut darknet = darknet();
    let mut told = 0;
    for n in 0..50 {
        told += see(&mut darknet, 0, &syn(SOURCE, DARK + n), at(0)).map_or(0, |event| event.packets);
    }
    for n in 0..200_000 {
        let packet = syn(0x0b00_0000 + n / 2, DARK + n % 0x1_0000);
        told += see(&mut darknet, 0, &packet, at(u64::from(n) / 10_000)).map_or(0, |event| event.packets);
    }
    assert_eq!(darknet.sources().count(), SOURCES);
    assert!(darknet.sources().any(|source| source.address() == Address::v4(SOURCE)));
    told += all_due(&mut darknet, at(70)).iter().map(|event| event.packets).sum::<u64>();
    told += see(&mut darknet, 0, &syn(SOURCE, DARK), at(71)).map_or(0, |event| event.packets);
    told += std::iter::from_fn(|| darknet.close()).map(|event| event.packets).sum::<u64>();
    let totals = darknet.totals();
    assert_eq!(totals.packets, 200_051);
    assert_eq!(told + totals.evicted_packets, totals.packets);
    assert_eq!(darknet.recent().count(), DARK_EVENTS_MAX);
}

#[test]
fn a_round_over_the_table_is_made_once_a_second() {
    let mut darknet = darknet();
    see(&mut darknet, 0, &syn(SOURCE, DARK), at(0));
    assert_eq!(darknet.tick(at(59)), None);
    see(&mut darknet, 0, &syn(SOURCE, DARK), at(1));
    assert_eq!(all_due(&mut darknet, at(60)).len(), 1);
    see(&mut darknet, 0, &syn(SOURCE, DARK), at(61));
    assert_eq!(darknet.tick(at(60)), None);
}

/// A darknet with a LAN, 192.168.1.0/24, that was watched for long enough, and no other dark address.
fn lan() -> Darknet {
    let mut darknet = Darknet::new(&[], SOURCES, Seed::new(7, 0)).unwrap();
    let mut networks = Networks::new();
    networks.add("192.168.1.0/24".parse().unwrap());
    darknet.set_interface(0, Role::Lan, &networks, &[OWN_MAC]);
    darknet.note(Address::v4(ROUTER), at(0));
    darknet
}

const ROUTER: u32 = 0xc0a8_0101;

/// The first second in which addresses of the LAN are held to be dark.
const LEARNED: u64 = LEARNING_SECONDS as u64;

fn request(sender: u32, target: u32) -> Arp {
    let sender_mac = Mac([2, 0, 0, 0, 0, sender as u8]);
    Arp { request: true, sender_mac, sender: Address::v4(sender), target: Address::v4(target) }
}

/// Ours, where a capture does not say which way a frame went.
const OWN_MAC: Mac = Mac([2, 0, 0, 0, 0, 0xff]);

fn hear(darknet: &mut Darknet, arp: Arp, outgoing: bool, now: Timestamp) -> Option<Event> {
    let link = Link { source_mac: arp.sender_mac, outgoing };
    darknet.observe(0, &Decoded::NonIp(NonIp { bytes: 42, link, arp: Some(arp) }), &[], now).event
}

#[test]
fn the_fourth_unused_address_that_somebody_asks_for_is_an_alert() {
    let mut darknet = lan();
    let first = hear(&mut darknet, request(SOURCE, 0xc0a8_01c8), false, at(LEARNED)).unwrap();
    assert_eq!((first.kind, first.dark_targets, first.packets), (Kind::Hit, 1, 1));
    assert_eq!(first.signature(), "ARP request for an unused address");
    // A day has room for a slow one, and the same address again is no news.
    let pause = u64::from(DARK_EVIDENCE_SECONDS) / 4;
    for n in 1..3 {
        let now = at(LEARNED + u64::from(n) * pause);
        assert_eq!(hear(&mut darknet, request(SOURCE, 0xc0a8_01c8 + n), false, now).unwrap().kind, Kind::Hit);
        assert_eq!(hear(&mut darknet, request(SOURCE, 0xc0a8_01c8 + n), false, now), None);
    }
    let now = at(LEARNED + 3 * pause);
    let alert = hear(&mut darknet, request(SOURCE, 0xc0a8_01c8 + 3), false, now).unwrap();
    assert_eq!((alert.kind, alert.dark_targets, alert.last), (Kind::Alert, 4, now));
    assert_eq!(alert.signature(), "ARP sweep of unused addresses");
    assert_eq!(alert.source, Address::v4(SOURCE));
    let sentence = alert.to_string();
    assert!(sentence.starts_with("192.168.1.57 asked by ARP for dark addresses such as "), "{sentence}");
    assert!(sentence.contains(", and touched 4 in all: only who looks for hosts"), "{sentence}");
    assert_eq!(hear(&mut darknet, request(SOURCE, 0xc0a8_01f0), false, now), None, "one alert is enough");

    let silence = DARK_CLEAR_SECONDS;
    let end = at(LEARNED + 3 * pause + silence);
    let last: Vec<_> = all_due(&mut darknet, end).iter().map(|event| event.kind).collect();
    assert_eq!(last, [Kind::Hit, Kind::Clear]);
    assert_eq!(all_due(&mut darknet, at(LEARNED + 4 * pause + silence)), []);
}

#[test]
fn what_is_too_slow_or_comes_too_early_is_none() {
    let mut darknet = lan();
    let hour = 3600;
    for n in 0..100 {
        let now = at(LEARNED + u64::from(n) * 8 * hour);
        let event = hear(&mut darknet, request(SOURCE, 0xc0a8_01c8 + n % 50), false, now);
        assert_eq!(event.map(|event| event.kind), Some(Kind::Hit), "three in a day");
    }
    let mut darknet = lan();
    for n in 0..50 {
        assert_eq!(hear(&mut darknet, request(SOURCE, 0xc0a8_01c8 + n), false, at(LEARNED - 1)), None);
    }
    assert_eq!(darknet.totals().packets, 50, "it is recorded all the same");
}

#[test]
fn what_is_asked_for_while_a_lan_is_learned_is_a_habit() {
    let mut darknet = lan();
    let ask = |darknet: &mut Darknet, source, targets: core::ops::Range<u32>, now| {
        let event = |n| hear(darknet, request(source, 0xc0a8_0100 + n), false, now);
        targets.filter_map(event).filter(|event| event.kind == Kind::Alert).count()
    };
    // One asks for seven that sleep; then somebody sweeps.
    assert_eq!(ask(&mut darknet, SOURCE, 120..127, at(1)), 0);
    assert_eq!(ask(&mut darknet, SOURCE + 1, 127..254, at(1)), 0);
    assert_eq!(ask(&mut darknet, SOURCE, 120..127, at(LEARNED)), 0);
    assert_eq!(ask(&mut darknet, SOURCE + 2, 120..127, at(LEARNED)), 0, "whoever asks");
    assert_eq!(ask(&mut darknet, SOURCE, 3..7, at(LEARNED)), 1);
    assert_eq!(ask(&mut darknet, SOURCE + 1, 127..254, at(LEARNED)), 1);
}

/// Whether each of these devices' questions for another dark address, an hour or so apart, is an alert.
fn alerts<const N: usize>(devices: [u8; N], pause: u64) -> [bool; N] {
    let mut darknet = lan();
    let mut ask = |(n, device): (u32, u8)| {
        let sender_mac = Mac([2, 0, 0, 0, 1, device]);
        let arp = Arp { sender_mac, ..request(SOURCE, 0xc0a8_01c8 + n) };
        let event = hear(&mut darknet, arp, false, at(LEARNED + u64::from(n) * pause));
        let alert = event.filter(|event| event.kind == Kind::Alert);
        assert!(alert.is_none_or(|alert| alert.source_mac == sender_mac), "{alert:?}");
        alert.is_some()
    };
    let mut n = 0;
    devices.map(|device| {
        n += 1;
        ask((n, device))
    })
}

#[test]
fn what_one_device_asked_for_is_not_held_against_the_next_with_its_address() {
    let pause = u64::from(SHARED_EVIDENCE_SECONDS);
    assert_eq!(alerts([1, 1, 2, 2, 1, 1], pause), [false, false, false, false, false, true]);
    // One that changes its link-layer address each time is no better off, unless it takes its time.
    assert_eq!(alerts([1, 2, 3, 4, 5, 6], 5), [false, false, false, true, false, false]);
    assert_eq!(alerts([1, 2, 3, 4, 5, 6], pause), [false; 6]);
}

#[test]
fn good_questions_are_no_evidence() {
    let mut darknet = lan();
    let now = at(LEARNED);
    for n in 0..50 {
        let target = 0xc0a8_0180 + n;
        assert_eq!(hear(&mut darknet, request(0, target), false, now), None, "tries an address out");
        assert_eq!(hear(&mut darknet, request(ROUTER, target), true, now), None, "ours");
        let ours = Arp { sender_mac: OWN_MAC, ..request(ROUTER, target) };
        assert_eq!(hear(&mut darknet, ours, false, now), None, "ours");
        assert_eq!(hear(&mut darknet, request(SOURCE, ROUTER), false, now), None, "somebody has it");
        let reply = Arp { request: false, ..request(ROUTER, SOURCE) };
        assert_eq!(hear(&mut darknet, reply, false, now), None);
        let (source_port, destination_port) = (67, 68);
        let offer = Packet { protocol: 17, source_port, destination_port, ..syn(ROUTER, target) };
        assert_eq!(see(&mut darknet, 0, &offer, now), None, "who is offered an address does not have it yet");
    }
    assert_eq!(darknet.totals(), Totals::default());
    for n in 0..50 {
        let target = 0xc0a8_0180 + n;
        assert_eq!(hear(&mut darknet, request(target, target), false, now), None, "announces itself");
        assert_eq!(hear(&mut darknet, request(SOURCE, target), false, now), None, "and then has it");
    }
    assert_eq!(darknet.totals(), Totals::default());
    // On an interface that is no LAN nobody is suspected for asking.
    let decoded =
        Decoded::NonIp(NonIp { bytes: 42, link: Link::default(), arp: Some(request(SOURCE, 0xc0a8_01f0)) });
    assert_eq!(darknet.observe(1, &decoded, &[], now), Finding::default());
}

#[test]
fn backscatter_never_makes_a_scanner() {
    let mut darknet = darknet();
    darknet.set_interface(0, Role::Lan, &Networks::new(), &[]);
    for n in 0..1000 {
        let packet = Packet { tcp_flags: 0x12, ..syn(SOURCE, DARK + n) };
        let event = see(&mut darknet, 0, &packet, at(u64::from(n)));
        assert!(event.is_none_or(|event| event.kind == Kind::Hit));
    }
    let kinds: Vec<_> = (0..8)
        .filter_map(|n| see(&mut darknet, 0, &syn(SOURCE + 1, DARK + n), at(2000)))
        .map(|e| e.kind)
        .collect();
    assert_eq!(kinds, [Kind::Hit, Kind::Alert]);
    let stranger = |n| syn(0x0808_0808, DARK + n);
    assert!(
        (0..50).filter_map(|n| see(&mut darknet, 0, &stranger(n), at(2000))).all(|e| e.kind == Kind::Hit)
    );
}

#[test]
fn strangers_make_room_for_those_of_a_lan() {
    let mut darknet = darknet();
    darknet.set_interface(0, Role::Lan, &Networks::new(), &[]);
    for n in 0..SOURCES as u32 / 8 {
        see(&mut darknet, 0, &syn(SOURCE + n, DARK), at(0));
    }
    for n in 0..100_000 {
        see(&mut darknet, 1, &syn(0x0b00_0000 + n, DARK), at(1));
    }
    assert_eq!(darknet.sources().filter(|source| source.local).count(), SOURCES / 8);
}

#[test]
fn an_address_that_answers_is_no_evidence() {
    let mut darknet = lan();
    let now = at(LEARNED);
    for n in 0..3 {
        hear(&mut darknet, request(SOURCE, 0xc0a8_0180 + n), false, now);
    }
    // One of the three is there; it did not say anything before.
    hear(&mut darknet, Arp { request: false, ..request(0xc0a8_0181, SOURCE) }, false, now);
    assert_eq!(hear(&mut darknet, request(SOURCE, 0xc0a8_0190), false, now), None);
    let alert = hear(&mut darknet, request(SOURCE, 0xc0a8_0191), false, now).unwrap();
    assert_eq!((alert.kind, alert.dark_targets), (Kind::Alert, 5));
}

#[test]
fn the_router_asks_for_what_a_host_of_a_lan_is_suspected_for() {
    let mut darknet = lan();
    let next = |darknet: &mut Darknet, seconds| {
        let questions = std::iter::from_fn(|| darknet.next_question(at(seconds)));
        questions.map(|(_, target)| target).collect::<std::vec::Vec<_>>()
    };
    hear(&mut darknet, request(SOURCE, 0xc0a8_01c8), false, at(LEARNED));
    assert_eq!(next(&mut darknet, LEARNED), [], "not unless it is told to");
    assert_eq!(darknet.totals().confirmed, None);
    darknet.confirm();
    hear(&mut darknet, request(SOURCE, 0xc0a8_0178), false, at(LEARNED - 1));
    hear(&mut darknet, request(SOURCE, ROUTER), false, at(LEARNED));
    see(&mut darknet, 0, &syn(0x0808_0808, 0xc0a8_01c8), at(LEARNED));
    assert_eq!(next(&mut darknet, LEARNED), [], "learned, somebody's, a stranger's");

    let dark = [0xc0a8_01c8, 0xc0a8_01c9, 0xc0a8_01ca].map(Address::v4);
    for n in 0..3 {
        hear(&mut darknet, request(SOURCE, 0xc0a8_01c8 + n), false, at(LEARNED));
    }
    assert_eq!(next(&mut darknet, LEARNED), dark);
    assert!(darknet.is_asking());
    // Our own question is no scan and no sign; an answer is.
    hear(&mut darknet, request(ROUTER, 0xc0a8_01c8), true, at(LEARNED));
    hear(&mut darknet, Arp { request: false, ..request(0xc0a8_01c9, ROUTER) }, false, at(LEARNED));
    assert_eq!(next(&mut darknet, LEARNED + 1), [dark[0], dark[2]]);
    assert_eq!(next(&mut darknet, LEARNED + 4), []);
    assert!(!darknet.is_asking());
    let confirmed = Confirmed { asked: 3, answered: 1, unanswered: 2, skipped: 0 };
    assert_eq!(darknet.totals().confirmed, Some(confirmed));

    assert_eq!(hear(&mut darknet, request(SOURCE, 0xc0a8_01cb), false, at(LEARNED + 5)), None);
    let alert = hear(&mut darknet, request(SOURCE, 0xc0a8_01cc), false, at(LEARNED + 5)).unwrap();
    assert_eq!(alert.kind, Kind::Alert, "four but for the one that answered");
    hear(&mut darknet, request(SOURCE, 0xc0a8_01cd), false, at(LEARNED + 5));
    assert_eq!(next(&mut darknet, LEARNED + 5), [Address::v4(0xc0a8_01cb)], "an alert waits for no answer");
}

#[test]
fn an_event_costs_what_limits_says() {
    assert!(size_of::<Event>() <= 112, "{}", size_of::<Event>());
}

mod signals;
