//! Signals beside dark addresses.

use super::*;
use crate::limits::{BOGON_ANSWER_SECONDS, BOGON_SECONDS, FAN_OUT_ADDRESSES, UNUSED_WINDOW_SECONDS};

/// A packet of a LAN's host that is not known to be part of anything.
fn to(destination: u32, port: u16) -> Packet {
    Packet { destination_port: port, ..syn(SOURCE, destination) }
}

const OTHER_LAN: u32 = 0x0a42_0105;
const ANOTHER_LAN: u32 = 0xac10_0909;

/// The kinds and signatures of what is due.
fn due(darknet: &mut Darknet, seconds: u64) -> Vec<(Kind, &'static str)> {
    all_due(darknet, at(seconds)).iter().map(|event| (event.kind, event.signature())).collect()
}

#[test]
fn two_networks_that_are_not_here_are_a_notice() {
    let mut darknet = lan();
    assert_eq!(see(&mut darknet, 0, &to(OTHER_LAN, 80), at(LEARNED)), None, "the answer may be on its way");
    assert_eq!(see(&mut darknet, 0, &to(OTHER_LAN + 1, 80), at(LEARNED)), None, "the same network");
    let second = LEARNED + u64::from(BOGON_SECONDS);
    assert_eq!(see(&mut darknet, 0, &to(ANOTHER_LAN, 8080), at(second)).unwrap().kind, Kind::Hit);
    assert_eq!(due(&mut darknet, second + u64::from(BOGON_ANSWER_SECONDS) - 1), []);
    let end = second + u64::from(BOGON_ANSWER_SECONDS);
    let notice = darknet.tick(at(end)).unwrap();
    assert_eq!((notice.kind, notice.destination), (Kind::Notice, Address::v4(ANOTHER_LAN)));
    assert_eq!(notice.signature(), "packets to networks that are not here");
    let why = "192.168.1.57 turned to networks that are not here, such as that of 172.16.9.9";
    assert_eq!(notice.to_string(), why);
    for hour in 1..24 {
        see(&mut darknet, 0, &to(OTHER_LAN, 80), at(end + hour * 3600 - 1800));
        see(&mut darknet, 0, &to(ANOTHER_LAN, 80), at(end + hour * 3600 - 1700));
        let kinds: Vec<_> = due(&mut darknet, end + hour * 3600).iter().map(|(kind, _)| *kind).collect();
        assert!(kinds.iter().all(|kind| *kind == Kind::Hit), "one notice a day: {kinds:?}");
    }
    assert!(!darknet.sources().any(|source| source.is_alerted()));
}

#[test]
fn a_network_that_answers_is_here() {
    let mut darknet = lan();
    see(&mut darknet, 0, &to(OTHER_LAN, 80), at(LEARNED));
    let answer = Packet { tcp_flags: 0x12, ..syn(OTHER_LAN, SOURCE) };
    see(&mut darknet, 0, &answer, at(LEARNED));
    see(&mut darknet, 0, &to(ANOTHER_LAN, 80), at(LEARNED + 1));
    assert_eq!(due(&mut darknet, LEARNED + 60), []);
    assert!(!darknet.observe(0, &Decoded::Packet(to(OTHER_LAN + 9, 80)), &[], at(LEARNED + 61)).is_dark);
    assert!(darknet.observe(0, &Decoded::Packet(to(ANOTHER_LAN, 80)), &[], at(LEARNED + 61)).is_dark);
}

#[test]
fn bogons_are_told_of_lans_only_and_after_learning() {
    let mut darknet = lan();
    let mut wan = Networks::new();
    wan.add("172.16.9.0/24".parse().unwrap());
    darknet.set_interface(1, Role::Wan, &wan, &[]);
    let is_dark = |darknet: &mut Darknet, interface, packet: Packet, seconds| {
        darknet.observe(interface, &Decoded::Packet(packet), &[], at(seconds)).is_dark
    };
    assert!(!is_dark(&mut darknet, 0, to(OTHER_LAN, 80), LEARNED - 1), "not learned yet");
    assert!(!is_dark(&mut darknet, 1, to(OTHER_LAN, 80), LEARNED), "no LAN");
    assert!(!is_dark(&mut darknet, 0, to(ANOTHER_LAN, 80), LEARNED), "the provider's");
    assert!(!is_dark(&mut darknet, 0, syn(0xa9fe_0101, OTHER_LAN), LEARNED), "from a link-local address");
    assert!(!is_dark(&mut darknet, 0, to(0xefff_fffa, 1900), LEARNED), "a group");
    assert!(is_dark(&mut darknet, 0, to(OTHER_LAN, 80), LEARNED));
}

#[test]
fn what_a_company_has_inside_is_a_leaked_route() {
    let mut darknet = lan();
    for (n, port) in [53, 88, 389, 445].into_iter().enumerate() {
        see(&mut darknet, 0, &to(OTHER_LAN + n as u32, port), at(LEARNED));
    }
    let hits = all_due(&mut darknet, at(LEARNED + UNUSED_WINDOW_SECONDS));
    assert_eq!((hits.len(), hits[0].kind, hits[0].category), (1, Kind::Hit, Category::LeakedRoute));
    assert_eq!(
        hits[0].to_string(),
        "192.168.1.57 sent 4 packets to dark addresses such as 10.66.1.5, port 53, and touched 4 in all: meant for a company's \
         network, whose tunnel may be down"
    );
}

#[test]
fn the_same_again_and_again_is_a_misconfiguration() {
    let mut darknet = darknet();
    let first = see(&mut darknet, 0, &syn(SOURCE, DARK + 1), at(0)).unwrap();
    assert_eq!(first.category, Category::Scan);
    for second in 1..30 {
        see(&mut darknet, 0, &syn(SOURCE, DARK + 1), at(second));
    }
    let hit = all_due(&mut darknet, at(60))[0];
    assert_eq!((hit.category, hit.pattern), (Category::Misconfiguration, None));
    assert_eq!(hit.signature(), "repeated packet to a dark address");
    // Another port, and it is none.
    see(&mut darknet, 0, &Packet { destination_port: 80, ..syn(SOURCE, DARK + 1) }, at(70));
    assert_eq!(all_due(&mut darknet, at(120))[0].category, Category::Scan);
}

#[test]
fn scans_have_a_pattern() {
    let pattern = |addresses: u32, ports: u16| {
        let mut darknet = darknet();
        for n in 0..addresses.max(ports.into()) {
            let packet = Packet { destination_port: n as u16 % ports, ..syn(SOURCE, DARK + n % addresses) };
            see(&mut darknet, 0, &packet, at(0));
        }
        all_due(&mut darknet, at(60))[0].pattern
    };
    assert_eq!(pattern(6, 5), Some(Pattern::Horizontal));
    assert_eq!(pattern(200, 1), Some(Pattern::Horizontal));
    assert_eq!(pattern(5, 6), Some(Pattern::Vertical));
    assert_eq!(pattern(1, 1000), Some(Pattern::Vertical));
    assert_eq!(pattern(100, 99), Some(Pattern::Random));
    assert_eq!(pattern(5, 5), None);
}

#[test]
fn arp_from_outside_the_network_is_a_misconfiguration() {
    let mut darknet = lan();
    let event = hear(&mut darknet, request(0xc0a8_0539, ROUTER), false, at(LEARNED)).unwrap();
    assert_eq!((event.kind, event.signal), (Kind::Hit, Signal::ForeignSender));
    assert_eq!(event.signature(), "ARP from outside the network");
    assert_eq!(event.category, Category::Misconfiguration);
    assert_eq!(
        event.to_string(),
        "192.168.5.57 asked by ARP for 192.168.1.1, though no network here has the asker's address"
    );
    for link_local in 0..50 {
        let question = request(0xa9fe_0000 + link_local, ROUTER);
        assert_eq!(hear(&mut darknet, question, false, at(LEARNED)), None, "a device without a lease");
    }
    for n in 0..50 {
        hear(&mut darknet, request(0xc0a8_0539, 0xc0a8_0180 + n), false, at(LEARNED + 1));
    }
    let alerts = darknet.recent().filter(|event| event.kind == Kind::Alert).count();
    assert_eq!(alerts, 1, "it is no excuse for a sweep");
}

#[test]
fn many_unanswered_connections_are_an_alert() {
    let mut darknet = lan();
    let mut alerts = Vec::new();
    for n in 0..1000 {
        let now = at(LEARNED + u64::from(n) / 100);
        alerts.extend(see(&mut darknet, 0, &to(0x0808_0000 + n, 445), now));
    }
    assert_eq!(alerts.len(), 1);
    assert_eq!((alerts[0].kind, alerts[0].signature()), (Kind::Alert, "scan of the internet"));
    assert_eq!(alerts[0].signal, Signal::FanOut);
    let why = alerts[0].to_string();
    assert!(
        why.ends_with(
            ", port 445, and one of 200 addresses or more within a minute, of which hardly one answers"
        ),
        "{why}"
    );
    let end = LEARNED + 10 + DARK_CLEAR_SECONDS;
    assert_eq!(due(&mut darknet, end).last().map(|(kind, _)| *kind), Some(Kind::Clear));

    let mut darknet = lan();
    for n in 0..10 * FAN_OUT_ADDRESSES {
        let now = at(LEARNED + u64::from(n) / 100);
        assert_eq!(see(&mut darknet, 0, &to(0x0808_0000 + n, 443), now), None);
        let answer = Packet { tcp_flags: 0x12, source_port: 443, ..syn(0x0808_0000 + n, SOURCE) };
        assert_eq!(see(&mut darknet, 0, &answer, now), None, "a crawler");
    }
}

#[test]
fn what_comes_unasked_is_counted_by_port() {
    let mut darknet = darknet();
    darknet.set_interface(1, Role::Wan, &Networks::new(), &[OWN_MAC]);
    let own = 0x5db8_0001;
    for n in 0..7 {
        assert_eq!(see(&mut darknet, 1, &syn(0x0808_0000 + n, own), at(0)), None);
        see(&mut darknet, 1, &syn(0x0808_0000 + n, DARK + n), at(0));
    }
    let from_us = Link { source_mac: OWN_MAC, outgoing: false };
    let answer = Packet { tcp_flags: 0x12, source_port: 23, link: from_us, ..syn(own, 0x0808_0001) };
    see(&mut darknet, 1, &answer, at(0));
    see(&mut darknet, 1, &Packet { link: from_us, ..syn(own, 0x0808_0001) }, at(0));
    let udp = |source_port, destination_port| {
        let (protocol, tcp_flags) = (protocol::UDP, 0);
        Packet { protocol, tcp_flags, source_port, destination_port, ..syn(0x0808_0001, own) }
    };
    see(&mut darknet, 1, &udp(40_000, 5060), at(0));
    see(&mut darknet, 1, &udp(53, 5353), at(0));
    see(&mut darknet, 1, &udp(40_000, 50_000), at(0));
    let mut rows: Vec<_> = darknet.radiation().copied().collect();
    rows.sort_by_key(|row| (row.port, row.door == Door::Own(1)));
    let row = |door, protocol, port, today, answered| Radiation {
        door,
        protocol,
        port,
        today,
        yesterday: 0,
        answered,
    };
    let expected =
        [row(Door::Dark(0), 6, 23, 7, 0), row(Door::Own(1), 6, 23, 7, 1), row(Door::Own(1), 17, 5060, 1, 0)];
    assert_eq!(rows, expected);
    assert!(darknet.recent().all(|event| event.kind == Kind::Hit), "nobody is alerted for it");
}

#[test]
fn what_is_left_out_is_neither_told_nor_counted() {
    let mut darknet = darknet();
    let exclusions = [
        Exclusion::Prefix("10.9.7.0/24".parse().unwrap()),
        Exclusion::Prefix("192.168.1.9/32".parse().unwrap()),
        Exclusion::Port(161),
        Exclusion::Mac(Mac([2, 0, 0, 0, 0, 7])),
    ];
    assert!(darknet.set_exclusions(&exclusions));
    assert!(!darknet.set_exclusions(&[exclusions[0]; 33]), "more than fit change nothing");
    let mapper = Link { source_mac: Mac([2, 0, 0, 0, 0, 7]), outgoing: false };
    for packet in [
        syn(SOURCE, DARK + 0x701),
        syn(0xc0a8_0109, DARK),
        Packet { destination_port: 161, ..syn(SOURCE, DARK) },
        Packet { link: mapper, ..syn(SOURCE, DARK) },
    ] {
        assert_eq!(see(&mut darknet, 0, &packet, at(0)), None);
    }
    assert_eq!(darknet.totals(), Totals::default());
    assert!(see(&mut darknet, 0, &syn(SOURCE, DARK), at(0)).is_some());
}

#[test]
fn a_summary_tells_of_the_largest_sources_and_sums_up_the_others() {
    let mut darknet = darknet();
    assert_eq!(darknet.summarize(at(0)), None);
    assert_eq!(darknet.summarize(at(60)), None, "nothing happened");
    for source in 0..30 {
        for n in 0..=source {
            let packet = Packet { protocol: 6 + 11 * (n % 2) as u8, ..syn(SOURCE + source, DARK + n / 3) };
            let mut bytes = [0; 44];
            bytes[40] = n as u8 / 5;
            let packet = Packet { transport_offset: 20, ..packet };
            bytes[32] = 0x50;
            darknet.observe(0, &Decoded::Packet(packet), &bytes, at(100));
        }
    }
    let summary = darknet.summarize(at(120)).unwrap();
    assert_eq!((summary.start, summary.end), (at(60), at(120)));
    assert_eq!((summary.packets, summary.sources), (30 * 31 / 2, 30));
    let packets: Vec<_> = summary.rows.iter().map(|row| row.packets).collect();
    assert_eq!(packets, (11..=30).rev().collect::<Vec<_>>());
    assert_eq!(summary.other_packets(), 10 * 11 / 2);
    let lines: Vec<_> = summary.lines().collect();
    let whole = Whole { packets: 465, sources: 30, other_packets: 55, other_sources: 10 };
    assert_eq!((lines.len(), lines[0].rank, lines[0].about), (21, 0, About::Whole(whole)));
    assert_eq!((lines[20].rank, lines[20].about), (20, About::Source(summary.rows[19])));
    let first = summary.rows[0];
    assert_eq!((first.source, first.interface, first.kinds), (Address::v4(SOURCE + 29), 0, 2));
    assert!((9..=11).contains(&first.destinations), "{first:?}");
    assert!((6..=13).contains(&first.payloads), "{first:?}");

    see(&mut darknet, 0, &syn(SOURCE, DARK), at(130));
    let next = darknet.summarize(at(180)).unwrap();
    assert_eq!((next.start, next.packets, next.sources, next.rows.len()), (at(120), 1, 1, 1));
    assert_eq!((next.rows[0].destinations, next.rows[0].payloads), (1, 0));
}
