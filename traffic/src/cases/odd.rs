//! Headers that contradict themselves, and lengths that are not what they seem.

use super::*;

pub fn cases() -> Vec<Case> {
    [lengths(), versions(), mapped(), stubs()].concat()
}

fn odd(name: &str, frames: Vec<Vec<u8>>, about: &'static str) -> Case {
    Case::odd(name, link_type::ETHERNET, frames, about)
}

/// The usual IPv4 datagram after a change to its header, whose checksum is made right again.
fn changed_v4(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut packet = udp_v4();
    change(&mut packet);
    frame::fix_ipv4_checksum(&mut packet);
    frame_v4(&packet)
}

fn changed_v6(change: impl FnOnce(&mut [u8])) -> Vec<u8> {
    let mut packet = udp_v6();
    change(&mut packet);
    frame_v6(&packet)
}

fn with_total_length(length: u16) -> Vec<u8> {
    changed_v4(|packet| packet[2..4].copy_from_slice(&length.to_be_bytes()))
}

fn with_payload_length(length: u16) -> Vec<u8> {
    changed_v6(|packet| packet[4..6].copy_from_slice(&length.to_be_bytes()))
}

fn lengths() -> Vec<Case> {
    let super_segment = vec![0; 9_000];
    let mut offloaded = frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::TCP, &{
        frame::tcp(&local_v4(), &remote_v4(), &frame::Tcp::flags(frame::flag::ACK), &super_segment)
    });
    offloaded[2..4].fill(0);
    frame::fix_ipv4_checksum(&mut offloaded);
    let datagram = frame::udp(&local_v6(), &remote_v6(), PAYLOAD);
    let mut jumbogram = frame::ipv6(
        LOCAL_V6,
        REMOTE_V6,
        protocol::HOP_BY_HOP,
        &frame::jumbo_payload(protocol::UDP, &datagram),
    );
    jumbogram[4..6].fill(0);
    vec![
        odd(
            "ipv4-length-zero",
            vec![frame_v4(&offloaded)],
            "Total length 0, as segmentation offload leaves it: the wire says how much it was.",
        ),
        odd(
            "ipv4-length-beyond-wire",
            vec![with_total_length(1_500), with_total_length(65_535)],
            "A total length that the wire did not carry.",
        ),
        odd(
            "ipv4-length-below-header",
            vec![with_total_length(19), with_total_length(1)],
            "A total length that does not even hold the header.",
        ),
        odd(
            "ipv4-length-header-only",
            vec![with_total_length(20), with_total_length(24)],
            "A total length that ends before the ports do.",
        ),
        odd(
            "ipv4-options-beyond-length",
            vec![changed_v4(|packet| {
                packet[0] = 0x4f;
                packet[2..4].copy_from_slice(&40u16.to_be_bytes());
            })],
            "A header length of 60 in a total length of 40.",
        ),
        odd(
            "ipv6-length-zero",
            vec![with_payload_length(0)],
            "A payload length of 0 without a jumbo option.",
        ),
        odd(
            "ipv6-jumbogram",
            vec![frame_v6(&jumbogram)],
            "A payload length of 0 with a jumbo option (RFC 2675).",
        ),
        odd(
            "ipv6-length-beyond-wire",
            vec![with_payload_length(1_460), with_payload_length(65_535)],
            "A payload length that the wire did not carry.",
        ),
        odd(
            "ipv6-extension-beyond-length",
            vec![frame_v6(&frame::ipv6(
                LOCAL_V6,
                REMOTE_V6,
                protocol::DESTINATION,
                &[17, 255, 1, 4, 0, 0, 0, 0],
            ))],
            "An extension header that claims to be longer than its packet.",
        ),
    ]
}

fn versions() -> Vec<Case> {
    let version = |version: u8| changed_v4(|packet| packet[0] = version << 4 | 5);
    let header_words = |words: u8| changed_v4(|packet| packet[0] = 0x40 | words);
    vec![
        odd("ipv4-bad-version", [0, 1, 5, 15].map(version).to_vec(), "Versions that IPv4 does not have."),
        odd("ipv4-bad-header-length", (0..5).map(header_words).collect(), "Headers of fewer than 20 bytes."),
        odd(
            "ipv6-bad-version",
            [0, 5, 7, 15].map(|version| changed_v6(|packet| packet[0] = version << 4)).to_vec(),
            "Versions that IPv6 does not have.",
        ),
        odd(
            "ip-wrong-type",
            vec![to_router(ethertype::IPV4, &udp_v6()), to_router(ethertype::IPV6, &udp_v4())],
            "IPv6 where the link says IPv4, and the other way round.",
        ),
        Case::odd(
            "raw-bad-version",
            link_type::RAW,
            vec![vec![0x05; 40], vec![0xff; 40], vec![0x00; 40]],
            "Bytes that are of no IP version, and no link layer that could say what they are.",
        ),
    ]
}

fn mapped() -> Vec<Case> {
    let mapped: Ipv6Addr = REMOTE_V4.to_ipv6_mapped();
    let between = |source: Ipv6Addr, destination: Ipv6Addr| {
        let ends = (SocketAddr::from((source, 50_000)), SocketAddr::from((destination, 40_000)));
        let datagram = frame::udp(&ends.0, &ends.1, PAYLOAD);
        vec![frame_v6(&frame::ipv6(source, destination, protocol::UDP, &datagram))]
    };
    let case = |name: &str, frames, about| Case::new(name, link_type::ETHERNET, frames, about);
    vec![
        case(
            "ipv6-mapped-source",
            between(mapped, LOCAL_V6),
            "From an IPv4-mapped address: never on a wire.",
        ),
        case("ipv6-mapped-destination", between(LOCAL_V6, mapped), "To an IPv4-mapped address."),
    ]
}

/// Frames that end on the wire, not in the capture, before they say anything.
fn stubs() -> Vec<Case> {
    let whole = frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype::IPV4, &udp_v4());
    let runts = [0, 1, 6, 12, 13, 14, 15, 33].map(|length| whole[..length].to_vec());
    let tag_only = frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype::VLAN, &[0]);
    let labels = [0, 1, 0, 64].repeat(3);
    vec![
        odd("ethernet-runts", runts.to_vec(), "Frames that were on the wire no longer than this."),
        odd(
            "ethernet-cut-layers",
            vec![
                tag_only,
                frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype::PPPOE_SESSION, &[0x11, 0, 0, 17]),
                frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype::ARP, &[0, 1, 8, 0, 6, 4]),
            ],
            "A tag, a PPPoE header and an ARP message that end too early.",
        ),
        odd(
            "mpls-without-bottom",
            vec![frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype::MPLS, &labels)],
            "A label stack that never comes to its bottom.",
        ),
        odd(
            "arp-not-ipv4",
            vec![to_router(ethertype::ARP, &{
                let mut message = frame::arp_request(LOCAL_MAC, LOCAL_V4, REMOTE_V4);
                message[2..4].copy_from_slice(&ethertype::IPV6.to_be_bytes());
                message
            })],
            "ARP for a protocol that is not IPv4: a frame without IP like any other.",
        ),
    ]
}
