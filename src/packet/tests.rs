//! Tests of decoding as a whole: every sample, cut, garbled and with a wire length that lies.

use super::samples::{Brief, Expected, Sample};
use super::*;

fn decode_bytes(link: LinkType, bytes: &[u8]) -> Decoded {
    decode(&Frame { link, bytes, wire_length: bytes.len() as u32 })
}

fn packet(link: LinkType, bytes: &[u8]) -> Packet {
    match decode_bytes(link, bytes) {
        Decoded::Packet(packet) => packet,
        other => panic!("{other:?}"),
    }
}

fn brief(packet: &Packet) -> Brief {
    Brief {
        v4: packet.source.is_v4(),
        bytes: packet.bytes,
        protocol: packet.protocol,
        ports: packet.has_ports.then_some((packet.source_port, packet.destination_port)),
        tcp_flags: packet.tcp_flags,
        icmp: packet.icmp,
        later_fragment: packet.later_fragment,
    }
}

#[test]
fn every_sample_decodes_to_what_it_is() {
    for Sample { name, link, bytes, expected } in samples::all() {
        let decoded = decode_bytes(link, &bytes);
        let outcome = match decoded {
            Decoded::Packet(packet) => {
                let v4 = packet.source.is_v4();
                assert_eq!(packet.source, samples::source(v4), "{name}");
                assert_eq!(packet.destination, samples::destination(v4), "{name}");
                Expected::Packet(brief(&packet))
            }
            Decoded::NonIp(NonIp { bytes: length, arp, .. }) => {
                assert_eq!(length as usize, bytes.len(), "{name}");
                if arp.is_some() { Expected::Arp } else { Expected::NonIp }
            }
            Decoded::Discard(discard) => Expected::Discard(discard),
        };
        assert_eq!(outcome, expected, "{name}");
    }
}

/// A shorter capture knows less, and nothing else.
#[test]
fn every_sample_can_be_cut_anywhere() {
    for Sample { name, link, bytes, .. } in samples::all() {
        let wire_length = bytes.len() as u32;
        let whole = decode(&Frame { link, bytes: &bytes, wire_length });
        let mut reached_addresses = false;
        for captured in 0..bytes.len() {
            let cut = decode(&Frame { link, bytes: &bytes[..captured], wire_length });
            match (cut, whole) {
                (Decoded::Discard(Discard::Truncated), _) => assert!(!reached_addresses, "{name}"),
                (Decoded::Packet(cut), Decoded::Packet(whole)) => {
                    reached_addresses = true;
                    assert_same_accounting(name, &cut, &whole);
                }
                (Decoded::NonIp(cut), Decoded::NonIp(whole)) => {
                    assert_eq!((cut.bytes, cut.link), (whole.bytes, whole.link), "{name}");
                    assert!(cut.arp.is_none() || cut.arp == whole.arp, "{name}");
                }
                (cut, whole) => assert_eq!(cut, whole, "{name} cut to {captured}"),
            }
        }
    }
}

fn assert_same_accounting(name: &str, cut: &Packet, whole: &Packet) {
    assert_eq!((cut.source, cut.destination), (whole.source, whole.destination), "{name}");
    assert_eq!((cut.bytes, cut.link), (whole.bytes, whole.link), "{name}");
    // The walk over extension headers may have ended early; nothing else may hide the protocol.
    assert!(cut.protocol == whole.protocol || !cut.has_ports && !cut.source.is_v4(), "{name}");
    if cut.has_ports {
        let ports = |packet: &Packet| (packet.source_port, packet.destination_port);
        assert_eq!(ports(cut), ports(whole), "{name}");
    }
    assert!(cut.tcp_flags == 0 || cut.tcp_flags == whole.tcp_flags, "{name}");
    assert!(cut.icmp.is_none() || cut.icmp == whole.icmp, "{name}");
}

#[test]
fn random_bytes_never_break_an_invariant() {
    // xorshift64*: any odd seed will do.
    let mut state = 0x5eed_0001_u64;
    let mut random = || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32
    };
    let samples = samples::all();
    for round in 0..300_000 {
        // A sample with a few bytes changed gets deeper than noise does.
        let sample = &samples[random() as usize % samples.len()];
        let mut bytes = sample.bytes.clone();
        let link = if round % 2 == 0 { sample.link } else { LinkType::ALL[random() as usize % 10] };
        for _ in 0..random() % 6 {
            let position = random() as usize % bytes.len();
            bytes[position] = random() as u8;
        }
        bytes.truncate(random() as usize % (bytes.len() + 1));
        let wire_length = random() as u32 % 2000;
        assert_bounded(&Frame { link, bytes: &bytes, wire_length });
    }
}

/// What holds for every input. The fuzz target checks the same from outside.
fn assert_bounded(frame: &Frame) {
    let on_wire = frame.wire_length.max(frame.bytes.len() as u32);
    match decode(frame) {
        Decoded::Packet(packet) => {
            assert!(packet.bytes >= 20, "{frame:?}");
            assert!(packet.bytes + u32::from(packet.network_offset) <= on_wire, "{frame:?}");
            assert!(packet.transport_offset >= packet.network_offset + 20, "{frame:?}");
            assert_eq!(packet.source.is_v4(), packet.destination.is_v4(), "{frame:?}");
            if packet.later_fragment || !packet.has_ports {
                assert_eq!((packet.source_port, packet.destination_port, packet.tcp_flags), (0, 0, 0));
            }
            let message = neighbor_message(frame.bytes, &packet);
            assert!(message.is_none() || packet.icmp.is_some(), "{frame:?}");
        }
        Decoded::NonIp(non_ip) => assert_eq!(non_ip.bytes, on_wire, "{frame:?}"),
        Decoded::Discard(_) => {}
    }
}

#[test]
fn bytes_never_exceed_the_wire() {
    let bytes = samples::ethernet(0x0800, &samples::ipv4(protocol::UDP, &[7; 100]));
    let at = |captured, wire_length| match decode(&Frame {
        link: LinkType::Ethernet,
        bytes: &bytes[..captured],
        wire_length,
    }) {
        Decoded::Packet(packet) => packet.bytes,
        other => panic!("{other:?}"),
    };
    assert_eq!(at(134, 134), 120);
    assert_eq!(at(54, 134), 120, "snapped");
    assert_eq!(at(134, 138), 120, "a trailer");
    assert_eq!(at(54, 100), 86, "the wire carried less than the header says");
    assert_eq!(at(134, 0), 120, "a wire length below the captured length is a lie");
    assert_eq!(at(54, 20), 40, "a wire length below the captured length is a lie");
}

#[test]
fn a_length_of_zero_means_all_that_the_wire_carried() {
    let mut v4 = samples::ipv4(protocol::TCP, &samples::tcp(0));
    v4[2..4].fill(0);
    let mut v6 = samples::ipv6(protocol::TCP, &samples::tcp(0));
    v6[4..6].fill(0);
    for (ethertype, bytes) in [(0x0800, v4), (0x86dd, v6)] {
        let bytes = samples::ethernet(ethertype, &bytes);
        let frame = Frame { link: LinkType::Ethernet, bytes: &bytes, wire_length: 60_014 };
        let Decoded::Packet(packet) = decode(&frame) else { panic!("{frame:?}") };
        assert_eq!(packet.bytes, 60_000);
        assert!(packet.has_ports);
    }
}

#[test]
fn padding_is_no_transport_header() {
    let mut bytes = samples::ethernet(0x0800, &samples::ipv4(protocol::TCP, &[]));
    bytes.resize(60, 0);
    let packet = packet(LinkType::Ethernet, &bytes);
    assert_eq!((packet.bytes, packet.has_ports), (20, false));
    let mut bytes = samples::ethernet(0x86dd, &samples::ipv6(protocol::NO_NEXT_HEADER, &[]));
    bytes.resize(60, 0);
    assert_eq!(self::packet(LinkType::Ethernet, &bytes).bytes, 40);
}

#[test]
fn the_link_tells_sender_and_direction() {
    let v4 = samples::ipv4(protocol::UDP, &samples::udp());
    let of = |link, bytes: &[u8]| packet(link, bytes).link;
    let station = Link { source_mac: samples::MAC, outgoing: false };
    let outgoing = Link { outgoing: true, ..station };
    assert_eq!(of(LinkType::Ethernet, &samples::ethernet(0x0800, &v4)), station);
    assert_eq!(of(LinkType::LinuxSll, &samples::sll(0, 1, 0x0800, &v4)), station);
    assert_eq!(of(LinkType::LinuxSll, &samples::sll(4, 1, 0x0800, &v4)), outgoing);
    assert_eq!(of(LinkType::LinuxSll2, &samples::sll2(3, 1, 0x0800, &v4)), station);
    assert_eq!(of(LinkType::LinuxSll2, &samples::sll2(4, 1, 0x0800, &v4)), outgoing);
    assert_eq!(of(LinkType::Ipv4, &v4), Link::default());
    let mut tunnel = samples::sll2(0, 768, 0x0800, &v4);
    tunnel[11] = 4;
    assert_eq!(of(LinkType::LinuxSll2, &tunnel), Link::default(), "no 48-bit address");
}
