//! Transport protocols, ICMP, and the neighbors of the link.

use super::*;
use crate::frame::{Tcp, flag};

pub fn cases() -> Vec<Case> {
    [tcp(), with_ports(), without_ports(), icmp(), neighbors()].concat()
}

fn case(name: &str, frames: Vec<Vec<u8>>, about: &'static str) -> Case {
    Case::new(name, link_type::ETHERNET, frames, about)
}

/// A transport header between the usual ends, in IPv4 and in IPv6.
fn both(number: u8, build: impl Fn(&SocketAddr, &SocketAddr) -> Vec<u8>) -> Vec<Vec<u8>> {
    let v4 = build(&local_v4(), &remote_v4());
    let v6 = build(&local_v6(), &remote_v6());
    vec![
        frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, number, &v4)),
        frame_v6(&frame::ipv6(LOCAL_V6, REMOTE_V6, number, &v6)),
    ]
}

fn tcp() -> Vec<Case> {
    let one = |from_local: bool, flags: u8, sequence: u32, acknowledgment: u32, payload: &[u8]| {
        let options: &[u8] =
            if flags & flag::SYN != 0 { &frame::SYN_OPTIONS } else { &frame::TIMESTAMP_OPTION };
        let header = Tcp { sequence, acknowledgment, options, ..Tcp::flags(flags) };
        if from_local {
            let segment = frame::tcp(&local_v4(), &remote_v4(), &header, payload);
            frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::TCP, &segment))
        } else {
            let segment = frame::tcp(&remote_v4(), &local_v4(), &header, payload);
            from_router(ethertype::IPV4, &frame::ipv4(REMOTE_V4, LOCAL_V4, protocol::TCP, &segment))
        }
    };
    use flag::{ACK, FIN, PSH, RST, SYN};
    let connection = vec![
        one(true, SYN, 100, 0, &[]),
        one(false, SYN | ACK, 900, 101, &[]),
        one(true, ACK, 101, 901, &[]),
        one(true, PSH | ACK, 101, 901, PAYLOAD),
        one(false, ACK, 901, 141, &vec![0x20; 1_448]),
        one(true, ACK, 141, 2_349, &[]),
        one(true, FIN | ACK, 141, 2_349, &[]),
        one(false, FIN | ACK, 2_349, 142, &[]),
        one(true, ACK, 142, 2_350, &[]),
    ];
    let refused = vec![one(true, SYN, 100, 0, &[]), one(false, RST | ACK, 0, 101, &[])];
    let every_flag = (0..=255).map(|flags| {
        let segment = frame::tcp(&local_v4(), &remote_v4(), &Tcp::flags(flags), &[]);
        frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::TCP, &segment))
    });
    vec![
        case("tcp", connection, "A whole connection, from SYN to the last ACK."),
        case("tcp-refused", refused, "A SYN and the RST that it gets."),
        case("tcp-ipv6", vec![frame_v6(&syn_v6())], "A SYN over IPv6."),
        case(
            "tcp-flags",
            every_flag.collect(),
            "Every combination of flags: those with SYN and without ACK are SYNs.",
        ),
    ]
}

fn with_ports() -> Vec<Case> {
    let silent = frame::udp_without_checksum(&local_v4(), &remote_v4(), PAYLOAD);
    vec![
        case("udp", both(protocol::UDP, |from, to| frame::udp(from, to, PAYLOAD)), "UDP."),
        case(
            "udp-empty",
            both(protocol::UDP, |from, to| frame::udp(from, to, &[])),
            "UDP that carries nothing but its ports.",
        ),
        case(
            "udp-no-checksum",
            vec![frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::UDP, &silent))],
            "UDP without a checksum, which IPv4 allows.",
        ),
        case(
            "udp-lite",
            both(protocol::UDP_LITE, |from, to| frame::udp_lite(from, to, PAYLOAD)),
            "UDP-Lite.",
        ),
        case("sctp", both(protocol::SCTP, frame::sctp), "SCTP that opens an association."),
        case("dccp", both(protocol::DCCP, frame::dccp), "DCCP that opens a connection."),
    ]
}

fn without_ports() -> Vec<Case> {
    let v4 = |number, payload: &[u8]| frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, number, payload));
    let group = Ipv4Addr::new(224, 0, 0, 251);
    // IGMPv2 carries the same checksum in the same place as ICMP.
    let report = frame::icmp(0x16, 0, group.octets(), &[]);
    let mut header = frame::Ipv4::new(LOCAL_V4, group, protocol::IGMP);
    header.options = vec![0x94, 4, 0, 0];
    vec![
        case(
            "igmp",
            vec![frame::padded(frame::ethernet(
                LOCAL_MAC,
                [0x01, 0, 0x5e, 0, 0, 0xfb],
                ethertype::IPV4,
                &header.packet(&report),
            ))],
            "An IGMP report, with the router alert that it always has.",
        ),
        Case::odd(
            "protocol-unknown",
            link_type::ETHERNET,
            vec![v4(253, PAYLOAD), v4(255, &[]), v4(0, PAYLOAD)],
            "Protocols for experiments, a reserved one, and 0, which in IPv4 is no extension header.",
        ),
    ]
}

fn icmp() -> Vec<Case> {
    let v4 = |kind, code, rest, payload: &[u8]| {
        frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::ICMP, &frame::icmp(kind, code, rest, payload)))
    };
    let v6 = |kind, code, rest: [u8; 4], payload: &[u8]| {
        let message = frame::icmpv6(LOCAL_V6, REMOTE_V6, kind, code, &[&rest, payload].concat());
        frame_v6(&frame::ipv6(LOCAL_V6, REMOTE_V6, protocol::ICMPV6, &message))
    };
    let echo = [0x12, 0x34, 0, 1];
    let (answer_v4, answer_v6) = (udp_v4_answer(), udp_v6_answer());
    vec![
        case("icmp-echo", vec![v4(8, 0, echo, PAYLOAD), v4(0, 0, echo, PAYLOAD)], "A ping and its answer."),
        case(
            "icmp-errors",
            vec![v4(3, 3, [0; 4], &answer_v4[..28]), v4(11, 0, [0; 4], &answer_v4[..28])],
            "Port unreachable and time exceeded; the packet inside is not traffic of its own.",
        ),
        case(
            "icmpv6-echo",
            vec![v6(128, 0, echo, PAYLOAD), v6(129, 0, echo, PAYLOAD)],
            "A ping and its answer.",
        ),
        case(
            "icmpv6-errors",
            vec![v6(1, 4, [0; 4], &answer_v6), v6(2, 0, [0, 0, 5, 0], &answer_v6)],
            "Port unreachable and packet too big.",
        ),
    ]
}

fn neighbors() -> Vec<Case> {
    let router_v4 = Ipv4Addr::new(192, 168, 1, 1);
    let router_v6 = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x20d, 0xb9ff, 0xfe4e, 0x1001);
    let everyone =
        |payload: &[u8]| frame::padded(frame::ethernet(LOCAL_MAC, frame::BROADCAST, ethertype::ARP, payload));
    let to_group = |mac, group, packet: &[u8]| {
        frame::ethernet(mac, frame::multicast_mac(group), ethertype::IPV6, packet)
    };
    let solicit = |packet: &[u8]| to_group(LOCAL_MAC, frame::solicited_node(router_v6), packet);
    vec![
        case(
            "arp",
            vec![
                everyone(&frame::arp_request(LOCAL_MAC, LOCAL_V4, router_v4)),
                from_router(ethertype::ARP, &frame::arp_reply(ROUTER_MAC, router_v4, LOCAL_MAC, LOCAL_V4)),
            ],
            "An ARP request and its reply.",
        ),
        case(
            "arp-probe",
            vec![everyone(&frame::arp_request(LOCAL_MAC, Ipv4Addr::UNSPECIFIED, LOCAL_V4))],
            "Does anybody have the address that I want? (RFC 5227)",
        ),
        case(
            "arp-announcement",
            vec![everyone(&frame::arp_request(LOCAL_MAC, LOCAL_V4, LOCAL_V4))],
            "I have this address now.",
        ),
        case(
            "ndisc",
            vec![
                solicit(&frame::neighbor_solicitation(LINK_LOCAL, LOCAL_MAC, router_v6)),
                from_router(
                    ethertype::IPV6,
                    &frame::neighbor_advertisement(router_v6, ROUTER_MAC, LINK_LOCAL),
                ),
            ],
            "A neighbor solicitation and its advertisement.",
        ),
        case(
            "ndisc-probe",
            vec![to_group(
                LOCAL_MAC,
                frame::solicited_node(LOCAL_V6),
                &frame::duplicate_address_probe(LOCAL_V6),
            )],
            "Does anybody have the address that I want? (RFC 4862)",
        ),
        case(
            "ndisc-router",
            vec![
                to_group(LOCAL_MAC, frame::ALL_ROUTERS, &frame::router_solicitation(LINK_LOCAL, LOCAL_MAC)),
                to_group(ROUTER_MAC, frame::ALL_NODES, &frame::router_advertisement(router_v6, ROUTER_MAC)),
            ],
            "A router solicitation and a router advertisement.",
        ),
    ]
}
