//! Common frames, captured at every length from nothing to everything: whatever the snaplen, a packet
//! is counted with all its bytes or discarded for a reason.

use super::*;
use crate::frame::{SllType, ppp_protocol};

pub fn cases() -> Vec<Case> {
    frames()
        .into_iter()
        .map(|(name, link, bytes)| {
            let wire_length = bytes.len() as u32;
            let frames = (0..=bytes.len()).map(|length| (bytes[..length].to_vec(), wire_length)).collect();
            let about = "The frame of that name at every captured length.";
            Case::cut(&format!("snapped-{name}"), link, frames, about)
        })
        .collect()
}

fn frames() -> Vec<(&'static str, u32, Vec<u8>)> {
    use ethertype::{ARP, IPV4, IPV6, MPLS, PPPOE_SESSION, SERVICE_VLAN, VLAN};
    use link_type::*;
    let tagged = |ethertype, packet: &[u8]| frame::vlan_tag(100, ethertype, packet);
    let session = |protocol, packet: &[u8]| frame::pppoe_session(17, &frame::ppp(protocol, packet));
    let options =
        frame::Ipv4 { options: vec![0x94, 4, 0, 0], ..frame::Ipv4::new(LOCAL_V4, REMOTE_V4, protocol::UDP) };
    let options = options.packet(&frame::udp(&local_v4(), &remote_v4(), PAYLOAD));
    let datagram = frame::udp(&local_v6(), &remote_v6(), PAYLOAD);
    let extensions = frame::hop_by_hop(protocol::DESTINATION, &{
        frame::destination_options(protocol::UDP, 1, &datagram)
    });
    let extensions = frame::ipv6(LOCAL_V6, REMOTE_V6, protocol::HOP_BY_HOP, &extensions);
    let fragment = frame::fragment(protocol::UDP, 0, true, 7, &datagram);
    let fragment = frame::ipv6(LOCAL_V6, REMOTE_V6, protocol::FRAGMENT, &fragment);
    let echo =
        frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::ICMP, &frame::icmp(8, 0, [0x12, 0x34, 0, 1], PAYLOAD));
    let solicitation = frame::neighbor_solicitation(LINK_LOCAL, LOCAL_MAC, LOCAL_V6);
    let arp = frame::arp_request(LOCAL_MAC, LOCAL_V4, [192, 168, 1, 1].into());
    vec![
        ("ipv4-tcp", ETHERNET, to_router(IPV4, &syn_v4())),
        ("ipv4-udp", ETHERNET, to_router(IPV4, &udp_v4())),
        ("ipv4-icmp", ETHERNET, to_router(IPV4, &echo)),
        ("ipv4-options", ETHERNET, to_router(IPV4, &options)),
        ("ipv6-tcp", ETHERNET, to_router(IPV6, &syn_v6())),
        ("ipv6-udp", ETHERNET, to_router(IPV6, &udp_v6())),
        ("ipv6-extensions", ETHERNET, to_router(IPV6, &extensions)),
        ("ipv6-fragment", ETHERNET, to_router(IPV6, &fragment)),
        ("ndisc", ETHERNET, to_router(IPV6, &solicitation)),
        ("arp", ETHERNET, to_router(ARP, &arp)),
        ("vlan", ETHERNET, to_router(VLAN, &tagged(IPV4, &udp_v4()))),
        ("qinq", ETHERNET, to_router(SERVICE_VLAN, &tagged(VLAN, &tagged(IPV6, &udp_v6())))),
        ("pppoe-ipv4", ETHERNET, to_router(PPPOE_SESSION, &session(ppp_protocol::IPV4, &udp_v4()))),
        ("pppoe-ipv6", ETHERNET, to_router(PPPOE_SESSION, &session(ppp_protocol::IPV6, &udp_v6()))),
        ("mpls", ETHERNET, to_router(MPLS, &frame::mpls(&[16, 17], &udp_v4()))),
        ("pppoe-link", PPP_ETHER, session(ppp_protocol::IPV4, &udp_v4())),
        ("ppp", PPP, frame::ppp(ppp_protocol::IPV4, &udp_v4())),
        ("ppp-hdlc", PPP_HDLC, frame::ppp_hdlc(ppp_protocol::IPV6, &udp_v6())),
        ("linux-sll", LINUX_SLL, frame::linux_sll(SllType::Host, LOCAL_MAC, IPV4, &udp_v4())),
        ("linux-sll2", LINUX_SLL2, frame::linux_sll2(SllType::Outgoing, 3, LOCAL_MAC, IPV6, &udp_v6())),
        ("raw", RAW, udp_v4()),
        ("raw-ipv6", link_type::IPV6, udp_v6()),
        ("null", NULL, frame::bsd_null_little_endian(2, &udp_v4())),
        ("loop", LOOP, frame::bsd_loop(24, &udp_v6())),
    ]
}
