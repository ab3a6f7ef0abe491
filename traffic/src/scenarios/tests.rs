use std::collections::HashSet;
use std::net::{Ipv6Addr, SocketAddr};

use super::*;
use crate::frame::{self, Tcp, ethertype, protocol};
use crate::{Truth, pcap, write_capture};

const PACKETS: u64 = 20_000;

fn options(seed: u64) -> Options {
    Options { packets: PACKETS, seed, ..Options::default() }
}

fn capture(scenario: Scenario, options: &Options, snaplen: u32) -> (Vec<u8>, Truth) {
    let mut file = Vec::new();
    let truth = write_capture(scenario, options, snaplen, &mut file).unwrap();
    (file, truth)
}

#[test]
fn equal_seeds_give_equal_bytes_and_others_do_not() {
    for scenario in Scenario::ALL {
        let (first, truth) = capture(scenario, &options(1), 96);
        assert_eq!((&first, &truth), (&capture(scenario, &options(1), 96).0, &truth));
        assert_ne!(first, capture(scenario, &options(2), 96).0, "{}", scenario.name());
    }
}

/// Reads addresses and lengths back from the bytes, without any other part of this crate.
#[test]
fn the_truth_is_what_the_capture_holds() {
    for scenario in Scenario::ALL {
        let (file, truth) = capture(scenario, &options(3), pcap::WHOLE);
        let mut found = Truth::default();
        for frame in pcap::read(file.as_slice()).unwrap().1 {
            let ip = &frame.bytes[14..];
            let v6 = |at: usize| -> IpAddr { <[u8; 16]>::try_from(&ip[at..at + 16]).unwrap().into() };
            let v4 = |at: usize| -> IpAddr { <[u8; 4]>::try_from(&ip[at..at + 4]).unwrap().into() };
            let length = |at: usize| u32::from(ip[at]) << 8 | u32::from(ip[at + 1]);
            let (source, destination, bytes) = match frame.bytes[12..14] {
                [0x08, 0x00] => (v4(12), v4(16), length(2)),
                [0x86, 0xdd] => (v6(8), v6(24), 40 + length(4)),
                _ => {
                    found.non_ip.add(frame.wire_length);
                    continue;
                }
            };
            assert_eq!(frame.wire_length, (14 + bytes).max(60));
            found.total.add(bytes);
            found.hosts.entry(source).or_default().sent.add(bytes);
            found.hosts.entry(destination).or_default().received.add(bytes);
        }
        assert_eq!(found, truth, "{}", scenario.name());
    }
}

#[test]
fn time_never_goes_back_and_stops_near_the_end() {
    for scenario in Scenario::ALL {
        let times: Vec<u64> = scenario.packets(&options(4)).map(|packet| packet.time_micros).collect();
        assert!(times.is_sorted(), "{}", scenario.name());
        let last = times.last().unwrap().abs_diff(options(4).end * 1_000_000);
        assert!(last < 30_000_000, "{}: {last}", scenario.name());
    }
}

#[test]
fn a_busy_home_never_ends_in_silence() {
    for seed in 0..10 {
        let options = Options { packets: 50_000, ..options(seed) };
        let last = (options.end - 5) * 1_000_000;
        let heard = Scenario::Home.packets(&options).filter(|packet| packet.time_micros > last);
        assert!(heard.count() > 20, "seed {seed}");
    }
}

#[test]
fn every_scenario_has_the_packets_it_was_asked_for() {
    for scenario in Scenario::ALL {
        for packets in [0, 1, 2, 7, 1_000, 50_000] {
            let count = scenario.packets(&Options { packets, ..options(5) }).count() as u64;
            match scenario {
                // A few packets are less than one flow.
                Scenario::Home if packets < 10_000 => assert!(count <= packets),
                Scenario::Home => assert!((packets * 8 / 10..=packets).contains(&count), "{count}/{packets}"),
                _ => assert_eq!(count, packets, "{}", scenario.name()),
            }
        }
    }
}

#[test]
fn flood_sources_are_distinct_and_of_the_size_asked_for() {
    for flood_size in [40, 41, 400, 1_400] {
        let mut sources = HashSet::new();
        for packet in Scenario::Flood.packets(&Options { flood_size, ..options(6) }) {
            assert!(sources.insert(packet.source.address), "{}", packet.source.address);
            assert_eq!(packet.ip_bytes(), Some(u32::from(flood_size)));
            assert_eq!(packet.destination.address, FLOOD_TARGET);
        }
    }
}

#[test]
fn quiet_hosts_do_what_they_are_known_for() {
    let (_, truth) = capture(Scenario::Quiet, &options(7), 96);
    for number in 0..QUIET_HOSTS {
        let activity = truth.hosts[&quiet_host(number)];
        let expected = crate::Counters { packets: QUIET_EXCHANGES, bytes: 76 * QUIET_EXCHANGES };
        assert_eq!((activity.sent, activity.received), (expected, expected));
    }
    assert_eq!(truth.hosts[&FLOOD_TARGET].received.packets, PACKETS - QUIET_HOSTS * QUIET_EXCHANGES * 2);
}

#[test]
fn the_mix_is_mixed() {
    let mut kinds = [0u32; 4];
    let (mut v6, mut inbound) = (0, 0);
    for packet in Scenario::Mix.packets(&options(8)) {
        kinds[match packet.body {
            Body::Tcp { .. } => 0,
            Body::Udp { .. } => 1,
            Body::Echo { .. } => 2,
            Body::Arp { .. } => 3,
        }] += 1;
        v6 += u32::from(packet.source.address.is_ipv6());
        inbound += u32::from(packet.source.mac == world::ROUTER_MAC);
    }
    assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    assert!((500..10_000).contains(&v6), "{v6}");
    assert!((8_000..16_000).contains(&inbound), "{inbound}");
}

/// The fast encoder and the builders were written apart; they have to agree on every byte.
#[test]
fn the_encoder_agrees_with_the_builders() {
    let mut encoder = Encoder::new();
    let end_of = |host: Host, port| SocketAddr::new(host.address, port);
    for scenario in Scenario::ALL {
        for packet in scenario.packets(&Options { packets: 5_000, ..options(9) }) {
            let payload = vec![0; usize::from(packet.payload_length)];
            let (source, destination) = (packet.source, packet.destination);
            let (number, transport) = match packet.body {
                Body::Tcp { source_port, destination_port, flags, sequence, acknowledgment, options } => {
                    let header =
                        Tcp { sequence, acknowledgment, options: options.bytes(), ..Tcp::flags(flags) };
                    let ends = (end_of(source, source_port), end_of(destination, destination_port));
                    (protocol::TCP, frame::tcp(&ends.0, &ends.1, &header, &payload))
                }
                Body::Udp { source_port, destination_port } => {
                    let ends = (end_of(source, source_port), end_of(destination, destination_port));
                    (protocol::UDP, frame::udp(&ends.0, &ends.1, &payload))
                }
                Body::Echo { reply, sequence } => echo(&packet, reply, sequence, &payload),
                Body::Arp { reply } => {
                    let expected = arp(&packet, reply);
                    assert_eq!(encoder.encode(&packet), expected);
                    continue;
                }
            };
            let (ethertype, inside) = match (source.address, destination.address) {
                (IpAddr::V4(source), IpAddr::V4(destination)) => {
                    let mut header = frame::Ipv4::new(source, destination, number);
                    (header.identification, header.dont_fragment) = (0, true);
                    (ethertype::IPV4, header.packet(&transport))
                }
                (IpAddr::V6(source), IpAddr::V6(destination)) => {
                    (ethertype::IPV6, frame::ipv6(source, destination, number, &transport))
                }
                ends => panic!("{ends:?}"),
            };
            let expected = frame::padded(frame::ethernet(source.mac, destination.mac, ethertype, &inside));
            assert_eq!(encoder.encode(&packet), expected, "{packet:?}");
        }
    }
}

fn echo(packet: &Packet, reply: bool, sequence: u16, payload: &[u8]) -> (u8, Vec<u8>) {
    let [high, low] = sequence.to_be_bytes();
    let rest = [0, 0, high, low];
    match (packet.source.address, packet.destination.address) {
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            let body = [&rest, payload].concat();
            let kind = if reply { 129 } else { 128 };
            (protocol::ICMPV6, frame::icmpv6(source, destination, kind, 0, &body))
        }
        _ => (protocol::ICMP, frame::icmp(if reply { 0 } else { 8 }, 0, rest, payload)),
    }
}

fn arp(packet: &Packet, reply: bool) -> Vec<u8> {
    let (IpAddr::V4(sender), IpAddr::V4(target)) = (packet.source.address, packet.destination.address) else {
        panic!("{packet:?}");
    };
    let (source, destination) = (packet.source.mac, packet.destination.mac);
    frame::padded(if reply {
        frame::ethernet(
            source,
            destination,
            ethertype::ARP,
            &frame::arp_reply(source, sender, destination, target),
        )
    } else {
        frame::ethernet(source, frame::BROADCAST, ethertype::ARP, &frame::arp_request(source, sender, target))
    })
}

/// IPv6 sizes are the only ones that a resized frame may exceed.
#[test]
fn resizing_respects_headers() {
    let host = |address| Host { mac: [2; 6], address };
    let v6 = host(IpAddr::V6(Ipv6Addr::LOCALHOST));
    let body = Body::Udp { source_port: 1, destination_port: 2 };
    let mut packet = Packet { time_micros: 0, source: v6, destination: v6, body, payload_length: 900 };
    packet.resize(60);
    assert_eq!((packet.payload_length, packet.wire_length()), (0, 62));
    packet.resize(1_514);
    assert_eq!(packet.wire_length(), 1_514);
}
