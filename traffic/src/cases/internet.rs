//! IPv4 with options and fragments, IPv6 with its chain of headers, and IP in IP.

use super::*;
use crate::frame::Ipv4;

pub fn cases() -> Vec<Case> {
    [v4(), v6_headers(), v6_fragments(), tunnels(), destinations()].concat()
}

fn case(name: &str, frames: Vec<Vec<u8>>, about: &'static str) -> Case {
    Case::new(name, link_type::ETHERNET, frames, about)
}

fn v4() -> Vec<Case> {
    let datagram = frame::udp(&local_v4(), &remote_v4(), PAYLOAD);
    let large = frame::udp(&local_v4(), &remote_v4(), &vec![0x55; 3_000]);
    let header = Ipv4::new(LOCAL_V4, REMOTE_V4, protocol::UDP);
    let with_options =
        |options: &[u8]| frame_v4(&Ipv4 { options: options.to_vec(), ..header.clone() }.packet(&datagram));
    // 39 bytes of record route with room for nine addresses, and the end.
    let record_route = [&[7, 39, 4][..], &[0; 36], &[0]].concat();
    let fragments: Vec<_> = header.fragments(&large, 1_480).iter().map(|one| frame_v4(one)).collect();
    let (first, later) = (vec![fragments[0].clone()], vec![fragments[2].clone(), fragments[1].clone()]);
    vec![
        case(
            "ipv4-options",
            vec![with_options(&[0x94, 4, 0, 0]), with_options(&record_route)],
            "A router alert, and the longest header there is: ports lie behind the options.",
        ),
        case("ipv4-fragments", fragments, "A datagram in three fragments, of which the first has the ports."),
        case("ipv4-first-fragment", first, "A first fragment whose rest is lost."),
        case("ipv4-later-fragments", later, "Fragments without their first, in the wrong order: no ports."),
    ]
}

fn v6_headers() -> Vec<Case> {
    let datagram = frame::udp(&local_v6(), &remote_v6(), PAYLOAD);
    let packet = |next, payload: &[u8]| frame_v6(&frame::ipv6(LOCAL_V6, REMOTE_V6, next, payload));
    let alone =
        |name: &str, number, payload: Vec<u8>, about| case(name, vec![packet(number, &payload)], about);
    use protocol::{AH, DESTINATION, ESP, HOP_BY_HOP, NO_NEXT_HEADER, ROUTING, UDP};
    let chain = frame::destination_options(UDP, 0, &datagram);
    let chain = frame::authentication(DESTINATION, &chain);
    let chain = frame::fragment(AH, 0, false, 7, &chain);
    let chain = frame::routing(protocol::FRAGMENT, REMOTE_V6, &chain);
    let chain = frame::destination_options(ROUTING, 1, &chain);
    let chain = frame::hop_by_hop(DESTINATION, &chain);
    let many = |count: usize| {
        let mut inside = datagram.clone();
        for index in 0..count {
            inside = frame::destination_options(if index == 0 { UDP } else { DESTINATION }, 0, &inside);
        }
        vec![packet(DESTINATION, &inside)]
    };
    vec![
        alone(
            "ipv6-hop-by-hop",
            HOP_BY_HOP,
            frame::hop_by_hop(UDP, &datagram),
            "UDP behind hop-by-hop options.",
        ),
        alone(
            "ipv6-routing",
            ROUTING,
            frame::routing(UDP, REMOTE_V6, &datagram),
            "UDP behind a routing header.",
        ),
        alone(
            "ipv6-destination",
            DESTINATION,
            frame::destination_options(UDP, 2, &datagram),
            "UDP behind destination options of 24 bytes.",
        ),
        alone(
            "ipv6-ah",
            AH,
            frame::authentication(UDP, &datagram),
            "UDP behind an authentication header, whose length counts in other units.",
        ),
        alone("ipv6-esp", ESP, frame::esp(&[0xa7; 48]), "Ciphertext: the walk ends at ESP."),
        alone("ipv6-no-next-header", NO_NEXT_HEADER, vec![], "A packet that carries nothing."),
        alone(
            "ipv6-chain",
            HOP_BY_HOP,
            chain,
            "All extension headers, in the order that RFC 8200 recommends.",
        ),
        case("ipv6-8-extensions", many(8), "Eight extension headers: as many as are walked."),
        Case::odd(
            "ipv6-9-extensions",
            link_type::ETHERNET,
            many(9),
            "Nine extension headers: one too many, so no ports.",
        ),
        Case::odd(
            "ipv6-64-extensions",
            link_type::ETHERNET,
            many(64),
            "A packet of little else than extension headers.",
        ),
    ]
}

fn v6_fragments() -> Vec<Case> {
    let datagram = frame::udp(&local_v6(), &remote_v6(), PAYLOAD);
    let large = frame::udp(&local_v6(), &remote_v6(), &vec![0x55; 3_000]);
    let fragments: Vec<_> = frame::ipv6_fragments(LOCAL_V6, REMOTE_V6, protocol::UDP, &large, 1_448)
        .iter()
        .map(|one| frame_v6(one))
        .collect();
    let (first, later) = (vec![fragments[0].clone()], vec![fragments[2].clone(), fragments[1].clone()]);
    let atomic = frame::fragment(protocol::UDP, 0, false, 9, &datagram);
    vec![
        case("ipv6-fragments", fragments, "A datagram in three fragments, of which the first has the ports."),
        case("ipv6-first-fragment", first, "A first fragment whose rest is lost."),
        case("ipv6-later-fragments", later, "Fragments without their first, in the wrong order: no ports."),
        case(
            "ipv6-atomic-fragment",
            vec![frame_v6(&frame::ipv6(LOCAL_V6, REMOTE_V6, protocol::FRAGMENT, &atomic))],
            "A fragment header on a whole packet (RFC 6946): the ports are there.",
        ),
    ]
}

fn tunnels() -> Vec<Case> {
    let v4 = |number, payload: &[u8]| frame_v4(&frame::ipv4(LOCAL_V4, REMOTE_V4, number, payload));
    let v6 = |number, payload: &[u8]| frame_v6(&frame::ipv6(LOCAL_V6, REMOTE_V6, number, payload));
    let datagram = frame::udp(&local_v4(), &remote_v4(), PAYLOAD);
    vec![
        case(
            "gre",
            vec![
                v4(protocol::GRE, &frame::gre(ethertype::IPV4, &udp_v4())),
                v4(protocol::GRE, &frame::gre_with_key(ethertype::IPV6, 42, &udp_v6())),
                v6(protocol::GRE, &frame::gre(ethertype::IPV4, &udp_v4())),
            ],
            "GRE with and without a key: counted as GRE between the tunnel's ends.",
        ),
        case("ipip", vec![v4(protocol::IPV4, &udp_v4())], "IPv4 in IPv4: counted as protocol 4."),
        case("6in4", vec![v4(protocol::IPV6, &udp_v6())], "IPv6 in IPv4: counted as protocol 41."),
        case("4in6", vec![v6(protocol::IPV4, &udp_v4())], "IPv4 in IPv6: counted as protocol 4."),
        case("6in6", vec![v6(protocol::IPV6, &udp_v6())], "IPv6 in IPv6: counted as protocol 41."),
        case("ipv4-esp", vec![v4(protocol::ESP, &frame::esp(&[0xa7; 48]))], "ESP in IPv4."),
        case(
            "ipv4-ah",
            vec![v4(protocol::AH, &frame::authentication(protocol::UDP, &datagram))],
            "AH in IPv4, where it is a protocol like any other.",
        ),
    ]
}

fn destinations() -> Vec<Case> {
    let group_v4 = Ipv4Addr::new(224, 0, 0, 251);
    let group_v6 = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0xfb);
    let mdns = b"\0\0\x84\0\0\0\0\0\0\0\0\0";
    let (from_v4, to_v4) = (SocketAddr::from((LOCAL_V4, 5353)), SocketAddr::from((group_v4, 5353)));
    let (from_v6, to_v6) = (SocketAddr::from((LINK_LOCAL, 5353)), SocketAddr::from((group_v6, 5353)));
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 50_000));
    let everyone = SocketAddr::from((Ipv4Addr::BROADCAST, 40_000));
    let broadcast = frame::ip(&any, &everyone, protocol::UDP, &frame::udp(&any, &everyone, PAYLOAD));
    vec![
        case(
            "multicast",
            vec![
                frame::padded(frame::ethernet(
                    LOCAL_MAC,
                    [0x01, 0, 0x5e, 0, 0, 0xfb],
                    ethertype::IPV4,
                    &frame::ip(&from_v4, &to_v4, protocol::UDP, &frame::udp(&from_v4, &to_v4, mdns)),
                )),
                frame::ethernet(
                    LOCAL_MAC,
                    frame::multicast_mac(group_v6),
                    ethertype::IPV6,
                    &frame::ip(&from_v6, &to_v6, protocol::UDP, &frame::udp(&from_v6, &to_v6, mdns)),
                ),
            ],
            "Multicast DNS over IPv4 and, from a link-local address, over IPv6.",
        ),
        case(
            "broadcast",
            vec![frame::ethernet(LOCAL_MAC, frame::BROADCAST, ethertype::IPV4, &broadcast)],
            "From nobody yet to everyone, as DHCP does it.",
        ),
    ]
}
