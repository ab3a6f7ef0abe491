//! Every link layer around the same datagrams: what is counted must not depend on it.

use super::*;
use crate::frame::{SllType, ppp_protocol};

pub fn cases() -> Vec<Case> {
    [ethernet(), vlan(), ppp(), mpls(), cooked(), raw(), loopback()].concat()
}

fn on_ethernet(name: &str, frames: Vec<Vec<u8>>, about: &'static str) -> Case {
    Case::new(name, link_type::ETHERNET, frames, about)
}

fn ethernet() -> Vec<Case> {
    let spanning_tree_group = [0x01, 0x80, 0xc2, 0, 0, 0];
    let announced = frame::ethernet(
        LOCAL_MAC,
        [0x01, 0x80, 0xc2, 0, 0, 0x0e],
        ethertype::LLDP,
        // Chassis and port as MAC addresses, a time to live of 120 s, end.
        &[&[2, 7, 4], &LOCAL_MAC[..], &[4, 7, 3], &LOCAL_MAC, &[6, 2, 0, 120], &[0, 0]].concat(),
    );
    vec![
        on_ethernet(
            "ethernet-ipv4",
            vec![frame_v4(&udp_v4()), from_router(ethertype::IPV4, &udp_v4_answer()), frame_v4(&syn_v4())],
            "IPv4 in Ethernet II, both directions.",
        ),
        on_ethernet(
            "ethernet-ipv6",
            vec![frame_v6(&udp_v6()), from_router(ethertype::IPV6, &udp_v6_answer()), frame_v6(&syn_v6())],
            "IPv6 in Ethernet II, both directions.",
        ),
        on_ethernet(
            "ethernet-padding",
            vec![frame_v4(&frame::ipv4(
                LOCAL_V4,
                REMOTE_V4,
                protocol::UDP,
                &frame::udp(&local_v4(), &remote_v4(), b"x"),
            ))],
            "29 IP bytes in a frame of 60: padding is not traffic.",
        ),
        on_ethernet(
            "ethernet-jumbo",
            vec![frame_v4(&frame::ipv4(
                LOCAL_V4,
                REMOTE_V4,
                protocol::UDP,
                &frame::udp(&local_v4(), &remote_v4(), &vec![0; 8_972]),
            ))],
            "A jumbo frame: 9,000 IP bytes.",
        ),
        on_ethernet(
            "ethernet-802.3-stp",
            vec![frame::padded(frame::ieee802_3(
                ROUTER_MAC,
                spanning_tree_group,
                &frame::spanning_tree(ROUTER_MAC),
            ))],
            "A spanning tree frame: a length where Ethernet II has the type, and LLC.",
        ),
        on_ethernet(
            "ethernet-802.3-snap-ipv4",
            vec![frame::ieee802_3(LOCAL_MAC, ROUTER_MAC, &frame::snap(ethertype::IPV4, &udp_v4()))],
            "IPv4 behind LLC and SNAP (RFC 1042), which Ethernet hosts need not understand.",
        ),
        on_ethernet(
            "ethernet-lldp",
            vec![frame::padded(announced)],
            "A type that is not IP: link layer discovery.",
        ),
        on_ethernet(
            "ethernet-unknown-type",
            vec![to_router(0x88b5, PAYLOAD)],
            "The type of local experiments (IEEE 802).",
        ),
    ]
}

/// The packet behind tags with these identifiers, outermost first; VLAN numbers from 100 upward.
fn tagged(identifiers: &[u16], ethertype: u16, packet: &[u8]) -> Vec<u8> {
    let mut inside = packet.to_vec();
    let mut inside_type = ethertype;
    for (depth, identifier) in identifiers.iter().enumerate().rev() {
        inside = frame::vlan_tag(100 + depth as u16, inside_type, &inside);
        inside_type = *identifier;
    }
    to_router(inside_type, &inside)
}

fn vlan() -> Vec<Case> {
    use ethertype::{ARP, IPV4, IPV6, OLD_QINQ, PPPOE_SESSION, SERVICE_VLAN, VLAN};
    let both = |tags: &[u16]| vec![tagged(tags, IPV4, &udp_v4()), tagged(tags, IPV6, &udp_v6())];
    let session = frame::pppoe_session(17, &frame::ppp(ppp_protocol::IPV4, &udp_v4()));
    vec![
        on_ethernet("vlan", both(&[VLAN]), "IPv4 and IPv6 behind one 802.1Q tag."),
        on_ethernet(
            "vlan-priority",
            vec![to_router(VLAN, &frame::vlan_tag(0xe000, IPV4, &udp_v4()))],
            "A priority tag: VLAN 0, priority 7.",
        ),
        on_ethernet(
            "vlan-arp",
            vec![tagged(&[VLAN], ARP, &frame::arp_request(LOCAL_MAC, LOCAL_V4, [192, 168, 1, 1].into()))],
            "An ARP request behind a tag.",
        ),
        on_ethernet("vlan-pppoe", vec![tagged(&[VLAN], PPPOE_SESSION, &session)], "PPPoE behind a tag."),
        on_ethernet(
            "qinq-88a8",
            both(&[SERVICE_VLAN, VLAN]),
            "IEEE 802.1ad: a service tag and a customer tag.",
        ),
        on_ethernet("qinq-9100", both(&[OLD_QINQ, VLAN]), "QinQ with the outer identifier of old switches."),
        on_ethernet("qinq-8100", both(&[VLAN, VLAN]), "QinQ with 0x8100 for both tags."),
        on_ethernet("vlan-3-tags", both(&[SERVICE_VLAN, SERVICE_VLAN, VLAN]), "Three tags."),
        on_ethernet("vlan-8-tags", both(&[VLAN; 8]), "Eight tags: as many as are followed."),
        Case::odd("vlan-9-tags", link_type::ETHERNET, both(&[VLAN; 9]), "Nine tags: one too many."),
        Case::odd(
            "vlan-64-tags",
            link_type::ETHERNET,
            both(&[VLAN; 64]),
            "A frame of little else than tags.",
        ),
    ]
}

fn ppp() -> Vec<Case> {
    use ppp_protocol::{IPV4, IPV6, LCP};
    let session = |ppp: &[u8]| to_router(ethertype::PPPOE_SESSION, &frame::pppoe_session(17, ppp));
    let echo = frame::ppp(LCP, &frame::lcp_echo_request());
    let (v4, v6) = (frame::ppp(IPV4, &udp_v4()), frame::ppp(IPV6, &udp_v6()));
    let short = frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::UDP, &frame::udp(&local_v4(), &remote_v4(), b"x"));
    vec![
        on_ethernet("pppoe-ipv4", vec![session(&v4)], "IPv4 in a PPPoE session."),
        on_ethernet("pppoe-ipv6", vec![session(&v6)], "IPv6 in a PPPoE session."),
        on_ethernet(
            "pppoe-padding",
            vec![session(&frame::ppp(IPV4, &short))],
            "29 IP bytes in a PPPoE frame that was padded to 60.",
        ),
        on_ethernet(
            "pppoe-lcp",
            vec![session(&echo)],
            "A PPPoE session that asks whether its peer lives: no IP.",
        ),
        on_ethernet(
            "pppoe-discovery",
            vec![frame::padded(frame::ethernet(
                LOCAL_MAC,
                frame::BROADCAST,
                ethertype::PPPOE_DISCOVERY,
                &frame::pppoe_discovery(),
            ))],
            "The search for a PPPoE server: no IP.",
        ),
        Case::new(
            "pppoe-link",
            link_type::PPP_ETHER,
            vec![frame::pppoe_session(17, &v4), frame::pppoe_session(17, &v6)],
            "Captures that begin with the PPPoE header.",
        ),
        Case::new("ppp", link_type::PPP, vec![v4.clone(), v6.clone()], "IPv4 and IPv6 in PPP."),
        Case::new(
            "ppp-hdlc",
            link_type::PPP,
            vec![frame::ppp_hdlc(IPV4, &udp_v4()), frame::ppp_hdlc(IPV6, &udp_v6())],
            "PPP with the address and control bytes of HDLC.",
        ),
        Case::new(
            "ppp-serial",
            link_type::PPP_HDLC,
            vec![frame::ppp_hdlc(IPV4, &udp_v4()), frame::ppp_hdlc(IPV6, &udp_v6())],
            "The link type that always has those two bytes.",
        ),
        Case::new(
            "ppp-compressed",
            link_type::PPP,
            vec![
                frame::ppp_compressed(0x21, &udp_v4()),
                frame::ppp_compressed(0x57, &udp_v6()),
                [&[0xff, 0x03, 0x21], &udp_v4()[..]].concat(),
            ],
            "PPP with the protocol in one byte.",
        ),
        Case::new("ppp-lcp", link_type::PPP, vec![echo], "PPP that talks to itself: no IP."),
    ]
}

fn mpls() -> Vec<Case> {
    let labelled = |labels: &[u32], packet: &[u8]| to_router(ethertype::MPLS, &frame::mpls(labels, packet));
    let stack = |count: u32| (16..16 + count).collect::<Vec<u32>>();
    let both = |count| vec![labelled(&stack(count), &udp_v4()), labelled(&stack(count), &udp_v6())];
    let inner = frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype::IPV4, &udp_v4());
    vec![
        on_ethernet("mpls", both(1), "IPv4 and IPv6 behind one MPLS label."),
        on_ethernet("mpls-3-labels", both(3), "Three labels."),
        on_ethernet("mpls-8-labels", both(8), "Eight labels: as many as are followed."),
        Case::odd("mpls-9-labels", link_type::ETHERNET, both(9), "Nine labels: one too many."),
        on_ethernet(
            "mpls-explicit-null",
            vec![labelled(&[0], &udp_v4()), labelled(&[2], &udp_v6())],
            "The labels that only say IPv4 and IPv6.",
        ),
        on_ethernet(
            "mpls-multicast",
            vec![to_router(ethertype::MPLS_UPSTREAM, &frame::mpls(&[16], &udp_v4()))],
            "The other MPLS type, for multicast.",
        ),
        on_ethernet(
            "mpls-vlan",
            vec![to_router(
                ethertype::VLAN,
                &frame::vlan_tag(100, ethertype::MPLS, &frame::mpls(&[16, 17], &udp_v4())),
            )],
            "Labels behind a tag.",
        ),
        Case::odd(
            "mpls-pseudowire",
            link_type::ETHERNET,
            vec![labelled(&[16], &[&[0; 4], &inner[..]].concat())],
            "A whole Ethernet frame behind a label and a control word (RFC 4448): no IP to count.",
        ),
    ]
}

fn cooked() -> Vec<Case> {
    use ethertype::{ARP, IPV4, IPV6, VLAN};
    let who_has = frame::arp_request(LOCAL_MAC, LOCAL_V4, [192, 168, 1, 1].into());
    let tag = frame::vlan_tag(100, IPV4, &udp_v4());
    let contents: [(SllType, Mac, u16, Vec<u8>); 5] = [
        (SllType::Host, LOCAL_MAC, IPV4, udp_v4()),
        (SllType::Outgoing, ROUTER_MAC, IPV4, udp_v4_answer()),
        (SllType::OtherHost, LOCAL_MAC, IPV6, udp_v6()),
        (SllType::Broadcast, LOCAL_MAC, ARP, who_has),
        (SllType::Host, LOCAL_MAC, VLAN, tag),
    ];
    let sll = |(kind, mac, ethertype, payload): &(SllType, Mac, u16, Vec<u8>)| {
        frame::linux_sll(*kind, *mac, *ethertype, payload)
    };
    let sll2 = |(kind, mac, ethertype, payload): &(SllType, Mac, u16, Vec<u8>)| {
        frame::linux_sll2(*kind, 3, *mac, *ethertype, payload)
    };
    vec![
        Case::new(
            "linux-sll",
            link_type::LINUX_SLL,
            contents.iter().map(sll).collect(),
            "Linux cooked capture: in, out, somebody else's, ARP, and a VLAN tag.",
        ),
        Case::new(
            "linux-sll2",
            link_type::LINUX_SLL2,
            contents.iter().map(sll2).collect(),
            "The same in version 2.",
        ),
        Case::new(
            "linux-sll-no-address",
            link_type::LINUX_SLL,
            vec![
                frame::linux_sll_without_address(SllType::Host, frame::ARPHRD_PPP, IPV4, &udp_v4_answer()),
                frame::linux_sll_without_address(SllType::Outgoing, frame::ARPHRD_NONE, IPV6, &udp_v6()),
            ],
            "Interfaces that have no MAC, such as PPP and tunnels.",
        ),
        Case::new(
            "linux-sll2-no-address",
            link_type::LINUX_SLL2,
            vec![
                frame::linux_sll2_without_address(
                    SllType::Host,
                    7,
                    frame::ARPHRD_PPP,
                    IPV4,
                    &udp_v4_answer(),
                ),
                frame::linux_sll2_without_address(SllType::Outgoing, 8, frame::ARPHRD_NONE, IPV6, &udp_v6()),
            ],
            "The same in version 2.",
        ),
        Case::new(
            "linux-sll2-pppoe",
            link_type::LINUX_SLL2,
            vec![frame::linux_sll2(
                SllType::Outgoing,
                3,
                ROUTER_MAC,
                ethertype::PPPOE_SESSION,
                &frame::pppoe_session(17, &frame::ppp(ppp_protocol::IPV4, &udp_v4())),
            )],
            "PPPoE on the device under it, as a capture on all devices sees it.",
        ),
    ]
}

fn raw() -> Vec<Case> {
    vec![
        Case::new(
            "raw",
            link_type::RAW,
            vec![udp_v4(), udp_v6(), syn_v4()],
            "IP of either version and nothing before it.",
        ),
        Case::new(
            "raw-ipv4",
            link_type::IPV4,
            vec![udp_v4(), udp_v4_answer()],
            "IPv4 and nothing before it.",
        ),
        Case::new(
            "raw-ipv6",
            link_type::IPV6,
            vec![udp_v6(), udp_v6_answer()],
            "IPv6 and nothing before it.",
        ),
    ]
}

fn loopback() -> Vec<Case> {
    const INET: u32 = 2;
    // AF_INET6 of NetBSD and OpenBSD, FreeBSD, macOS.
    const INET6: [u32; 3] = [24, 28, 30];
    let all = |wrap: fn(u32, &[u8]) -> Vec<u8>| {
        let v6 = INET6.iter().map(|family| wrap(*family, &udp_v6()));
        std::iter::once(wrap(INET, &udp_v4())).chain(v6).collect::<Vec<_>>()
    };
    vec![
        Case::new(
            "null-little-endian",
            link_type::NULL,
            all(frame::bsd_null_little_endian),
            "BSD loopback from a little-endian machine, with each system's number for IPv6.",
        ),
        Case::new(
            "null-big-endian",
            link_type::NULL,
            all(frame::bsd_null_big_endian),
            "BSD loopback from a big-endian machine.",
        ),
        Case::new("loop", link_type::LOOP, all(frame::bsd_loop), "OpenBSD loopback: network byte order."),
        Case::new(
            "null-other-family",
            link_type::NULL,
            vec![frame::bsd_null_little_endian(7, PAYLOAD)],
            "A loopback frame of a family that is not IP.",
        ),
    ]
}
