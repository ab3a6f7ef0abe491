//! Hand-made frames for the tests: one for every link type and header, and what must come out.

use std::net::IpAddr;
use std::vec::Vec;

use super::*;

pub const MAC: Mac = Mac([2, 0, 0, 0, 0, 5]);
pub const SOURCE_V4: [u8; 4] = [192, 168, 1, 5];
pub const DESTINATION_V4: [u8; 4] = [93, 184, 216, 34];
const SOURCE_V6: &str = "fd00::5";
const DESTINATION_V6: &str = "2001:db8::1";

/// A frame and what it decodes to.
pub struct Sample {
    pub name: &'static str,
    pub link: LinkType,
    pub bytes: Vec<u8>,
    pub expected: Expected,
}

/// The part of the outcome that a sample is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    Packet(Brief),
    NonIp,
    Arp,
    Discard(Discard),
}

/// What an IP packet must say of itself, beside the sample addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Brief {
    pub v4: bool,
    pub bytes: u32,
    pub protocol: u8,
    pub ports: Option<(u16, u16)>,
    pub tcp_flags: u8,
    pub icmp: Option<(u8, u8)>,
    pub later_fragment: bool,
}

pub fn source(v4: bool) -> Address {
    if v4 { Address::from(IpAddr::from(SOURCE_V4)) } else { v6_address(SOURCE_V6) }
}

pub fn destination(v4: bool) -> Address {
    if v4 { Address::from(IpAddr::from(DESTINATION_V4)) } else { v6_address(DESTINATION_V6) }
}

pub fn v6_address(text: &str) -> Address {
    Address::from(IpAddr::V6(text.parse().unwrap()))
}

pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// An Ethernet header and its payload, not padded.
pub fn ethernet(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[2, 0, 0, 0, 0, 9], &MAC.0, &ethertype.to_be_bytes(), payload])
}

/// A VLAN tag behind its own ethertype.
pub fn tag(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[0x20, 0x07], &ethertype.to_be_bytes(), payload])
}

pub fn mpls(label: u32, bottom: bool, payload: &[u8]) -> Vec<u8> {
    join(&[&(label << 12 | u32::from(bottom) << 8 | 64).to_be_bytes(), payload])
}

pub fn pppoe(code: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[0x11, code, 0, 1], &(payload.len() as u16).to_be_bytes(), payload])
}

pub fn sll(packet_type: u16, device: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let header = [&packet_type.to_be_bytes()[..], &device.to_be_bytes(), &[0, 6], &MAC.0, &[0, 0]].concat();
    join(&[&header, &protocol.to_be_bytes(), payload])
}

pub fn sll2(packet_type: u8, device: u16, protocol: u16, payload: &[u8]) -> Vec<u8> {
    let header = [&protocol.to_be_bytes()[..], &[0, 0], &[0, 0, 0, 3], &device.to_be_bytes()].concat();
    join(&[&header, &[packet_type, 6], &MAC.0, &[0, 0], payload])
}

pub fn tcp(flags: u8) -> Vec<u8> {
    join(&[&40_000u16.to_be_bytes(), &443u16.to_be_bytes(), &[0; 8], &[0x50, flags], &[0; 6]])
}

pub fn udp() -> Vec<u8> {
    join(&[&40_000u16.to_be_bytes(), &443u16.to_be_bytes(), &[0, 8, 0, 0]])
}

/// An IPv4 header with these options, fragment offset in bytes, and its payload.
pub fn ipv4_with(protocol: u8, fragment_offset: u16, options: &[u8], payload: &[u8]) -> Vec<u8> {
    let header_length = 20 + options.len();
    let total_length = (header_length + payload.len()) as u16;
    let mut header = vec![0x40 | (header_length / 4) as u8, 0];
    header.extend(total_length.to_be_bytes());
    header.extend([0x12, 0x34]);
    header.extend((fragment_offset / 8).to_be_bytes());
    header.extend([64, protocol, 0, 0]);
    join(&[&header, &SOURCE_V4, &DESTINATION_V4, options, payload])
}

pub fn ipv4(protocol: u8, payload: &[u8]) -> Vec<u8> {
    ipv4_with(protocol, 0, &[], payload)
}

pub fn ipv6(next_header: u8, payload: &[u8]) -> Vec<u8> {
    ipv6_between(source(false), destination(false), next_header, payload)
}

pub fn ipv6_between(source: Address, destination: Address, next_header: u8, payload: &[u8]) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let addresses = [source.bits().to_be_bytes(), destination.bits().to_be_bytes()].concat();
    join(&[&[0x60, 0, 0, 0], &length, &[next_header, 255], &addresses, payload])
}

/// An extension header of `8 + more * 8` bytes.
pub fn extension(next_header: u8, more: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[next_header, more], &vec![0; 6 + usize::from(more) * 8], payload])
}

/// An IPv6 fragment header; the offset is in bytes.
pub fn fragment(next_header: u8, offset: u16, more: bool, payload: &[u8]) -> Vec<u8> {
    join(&[&[next_header, 0], &(offset | u16::from(more)).to_be_bytes(), &[0, 0, 0, 1], payload])
}

pub fn arp(operation: u16) -> Vec<u8> {
    let fixed = [&[0, 1, 8, 0, 6, 4][..], &operation.to_be_bytes(), &MAC.0, &SOURCE_V4].concat();
    join(&[&fixed, &[0; 6], &DESTINATION_V4])
}

/// A Neighbor Discovery message with one link-layer address option.
pub fn neighbor(kind: u8, option: u8) -> Vec<u8> {
    let target = v6_address("fe80::77").bits().to_be_bytes();
    join(&[&[kind, 0, 0, 0, 0, 0, 0, 0], &target, &[option, 1], &MAC.0])
}

/// Every link type and every header.
pub fn all() -> Vec<Sample> {
    let segment = tcp(Packet::TCP_SYN);
    let v4 = ipv4(protocol::TCP, &segment);
    let v6 = ipv6(protocol::UDP, &udp());
    let base = Brief {
        v4: true,
        bytes: 40,
        protocol: protocol::TCP,
        ports: Some((40_000, 443)),
        tcp_flags: Packet::TCP_SYN,
        icmp: None,
        later_fragment: false,
    };
    let is_v4 = Expected::Packet(base);
    let base_v6 = Brief { v4: false, bytes: 48, protocol: protocol::UDP, tcp_flags: 0, ..base };
    let is_v6 = Expected::Packet(base_v6);
    let portless = |v4, bytes, protocol| {
        Expected::Packet(Brief { v4, bytes, protocol, ports: None, tcp_flags: 0, ..base })
    };
    let with_bytes = |bytes| Expected::Packet(Brief { bytes, ..base_v6 });
    let later = |v4, bytes| {
        let protocol = protocol::UDP;
        Expected::Packet(Brief {
            v4,
            bytes,
            protocol,
            ports: None,
            tcp_flags: 0,
            icmp: None,
            later_fragment: true,
        })
    };
    let icmp = |v4, bytes, protocol, icmp| {
        Expected::Packet(Brief { v4, bytes, protocol, ports: None, tcp_flags: 0, icmp, ..base })
    };
    let udp_like = |protocol| Expected::Packet(Brief { bytes: 28, protocol, tcp_flags: 0, ..base });
    let mapped = Address::v4(0x0808_0808);

    let mut samples = Vec::new();
    let mut add = |name, link, bytes: Vec<u8>, expected| {
        samples.push(Sample { name, link, bytes, expected });
    };

    use LinkType::*;
    add("ethernet-ipv4-tcp", Ethernet, ethernet(0x0800, &v4), is_v4);
    add("ethernet-ipv6-udp", Ethernet, ethernet(0x86dd, &v6), is_v6);
    add("vlan", Ethernet, ethernet(0x8100, &tag(0x0800, &v4)), is_v4);
    add("qinq", Ethernet, ethernet(0x88a8, &tag(0x8100, &tag(0x86dd, &v6))), is_v6);
    add("qinq-old", Ethernet, ethernet(0x9100, &tag(0x8100, &tag(0x0800, &v4))), is_v4);
    add("mpls-two-labels", Ethernet, ethernet(0x8847, &mpls(16, false, &mpls(17, true, &v4))), is_v4);
    add("mpls-multicast-ipv6", Ethernet, ethernet(0x8848, &mpls(16, true, &v6)), is_v6);
    let pseudowire = mpls(16, true, &ethernet(0x0800, &v4));
    add("mpls-pseudowire", Ethernet, ethernet(0x8847, &pseudowire), Expected::NonIp);
    let deep = (0..9).fold(v4.clone(), |inner, n| tag(if n == 0 { 0x0800 } else { 0x8100 }, &inner));
    add("too-many-tags", Ethernet, ethernet(0x8100, &deep), Expected::Discard(Discard::TooDeep));
    let labels = (0..9).fold(v4.clone(), |inner, n| mpls(16, n == 0, &inner));
    add("too-many-labels", Ethernet, ethernet(0x8847, &labels), Expected::Discard(Discard::TooDeep));

    add("pppoe-ipv4", Ethernet, ethernet(0x8864, &pppoe(0, &join(&[&[0x00, 0x21], &v4]))), is_v4);
    add("pppoe-ipv6", Ethernet, ethernet(0x8864, &pppoe(0, &join(&[&[0x00, 0x57], &v6]))), is_v6);
    let in_vlan = tag(0x8864, &pppoe(0, &join(&[&[0x00, 0x21], &v4])));
    add("vlan-pppoe", Ethernet, ethernet(0x8100, &in_vlan), is_v4);
    add("pppoe-lcp", Ethernet, ethernet(0x8864, &pppoe(0, &[0xc0, 0x21, 1, 1, 0, 4])), Expected::NonIp);
    add("pppoe-discovery", Ethernet, ethernet(0x8863, &pppoe(9, &[])), Expected::NonIp);
    add("pppoe-terminate", Ethernet, ethernet(0x8864, &pppoe(0xa7, &[])), Expected::NonIp);
    add("pppoe-link", PppEther, pppoe(0, &join(&[&[0x00, 0x21], &v4])), is_v4);
    add("ppp-framed", Ppp, join(&[&[0xff, 0x03, 0x00, 0x21], &v4]), is_v4);
    add("ppp-bare", Ppp, join(&[&[0x00, 0x57], &v6]), is_v6);
    add("ppp-compressed", Ppp, join(&[&[0x21], &v4]), is_v4);
    add("ppp-framed-compressed", Ppp, join(&[&[0xff, 0x03, 0x57], &v6]), is_v6);
    add("ppp-mpls", Ppp, join(&[&[0x02, 0x81], &mpls(16, true, &v4)]), is_v4);
    add("ppp-lcp", Ppp, vec![0xff, 0x03, 0xc0, 0x21, 1, 1, 0, 4], Expected::NonIp);

    let snap = |oui: [u8; 3]| join(&[&[0xaa, 0xaa, 0x03], &oui, &[0x08, 0x00], &v4]);
    add("llc-snap", Ethernet, ethernet(48, &snap([0, 0, 0])), is_v4);
    add("llc-snap-foreign", Ethernet, ethernet(48, &snap([0, 0, 0xc])), Expected::NonIp);
    add("llc-spanning-tree", Ethernet, ethernet(38, &[0x42, 0x42, 0x03, 0, 0, 0]), Expected::NonIp);
    add("lldp", Ethernet, ethernet(0x88cc, &[2, 7, 4]), Expected::NonIp);
    add("arp-request", Ethernet, ethernet(0x0806, &arp(1)), Expected::Arp);
    add("vlan-arp-reply", Ethernet, ethernet(0x8100, &tag(0x0806, &arp(2))), Expected::Arp);

    add("sll-ipv4", LinuxSll, sll(0, 1, 0x0800, &v4), is_v4);
    add("sll-outgoing-vlan", LinuxSll, sll(4, 1, 0x8100, &tag(0x86dd, &v6)), is_v6);
    add("sll-snap", LinuxSll, sll(0, 1, 0x0004, &snap([0, 0, 0])), is_v4);
    add("sll-novell", LinuxSll, sll(0, 1, 0x0001, &[0xff; 8]), Expected::NonIp);
    add("sll-netlink", LinuxSll, sll(4, 824, 0x0800, &[0; 40]), Expected::NonIp);
    add("sll-arp", LinuxSll, sll(1, 1, 0x0806, &arp(1)), Expected::Arp);
    add("sll2-ipv4", LinuxSll2, sll2(0, 1, 0x0800, &v4), is_v4);
    add("sll2-outgoing", LinuxSll2, sll2(4, 1, 0x86dd, &v6), is_v6);
    add("sll2-pppoe", LinuxSll2, sll2(4, 1, 0x8864, &pppoe(0, &join(&[&[0x00, 0x21], &v4]))), is_v4);

    add("raw-ipv4", Raw, v4.clone(), is_v4);
    add("raw-ipv6", Raw, v6.clone(), is_v6);
    add("raw-neither", Raw, vec![0x50; 40], Expected::Discard(Discard::BadHeader));
    add("ipv4", Ipv4, v4.clone(), is_v4);
    add("ipv6", Ipv6, v6.clone(), is_v6);
    add("ipv4-not", Ipv4, v6.clone(), Expected::Discard(Discard::BadHeader));
    add("ipv6-not", Ipv6, v4.clone(), Expected::Discard(Discard::BadHeader));
    add("null-little-endian", Null, join(&[&[2, 0, 0, 0], &v4]), is_v4);
    add("null-big-endian", Null, join(&[&[0, 0, 0, 30], &v6]), is_v6);
    add("null-appletalk", Null, join(&[&[16, 0, 0, 0], &v4]), Expected::NonIp);
    add("loop-ipv4", Loop, join(&[&[0, 0, 0, 2], &v4]), is_v4);
    add("loop-ipv6", Loop, join(&[&[0, 0, 0, 24], &v6]), is_v6);

    let options = Expected::Packet(Brief { bytes: 64, ..base });
    add("ipv4-options", Ipv4, ipv4_with(protocol::TCP, 0, &[1; 24], &segment), options);
    add("ipv4-later-fragment", Ipv4, ipv4_with(protocol::UDP, 1480, &[], &udp()), later(true, 28));
    add("ipv4-icmp", Ipv4, ipv4(1, &[8, 0, 0, 0]), icmp(true, 24, 1, Some((8, 0))));
    add("ipv4-sctp", Ipv4, ipv4(protocol::SCTP, &udp()), udp_like(protocol::SCTP));
    add("ipv4-dccp", Ipv4, ipv4(protocol::DCCP, &udp()), udp_like(protocol::DCCP));
    add("ipv4-udp-lite", Ipv4, ipv4(protocol::UDP_LITE, &udp()), udp_like(protocol::UDP_LITE));
    add("ipv4-gre", Ipv4, ipv4(47, &join(&[&[0, 0, 8, 0], &v4])), portless(true, 64, 47));
    add("ipv4-ipip", Ipv4, ipv4(4, &v4), portless(true, 60, 4));
    add("ipv4-6in4", Ipv4, ipv4(41, &v6), portless(true, 68, 41));

    let chain = extension(60, 1, &extension(protocol::UDP, 0, &udp()));
    add("ipv6-options", Ipv6, ipv6(0, &extension(43, 0, &chain)), with_bytes(40 + 8 + 16 + 8 + 8));
    add("ipv6-first-fragment", Ipv6, ipv6(44, &fragment(protocol::UDP, 0, true, &udp())), with_bytes(56));
    let fragment_later = fragment(protocol::UDP, 1480, false, &udp());
    add("ipv6-later-fragment", Ipv6, ipv6(44, &fragment_later), later(false, 56));
    // An authentication header counts in units of four bytes: 24 in all.
    let authenticated = join(&[&[protocol::UDP, 4], &[0; 22], &udp()]);
    add("ipv6-authentication", Ipv6, ipv6(51, &authenticated), with_bytes(72));
    add("ipv6-esp", Ipv6, ipv6(50, &udp()), portless(false, 48, 50));
    add("ipv6-no-next-header", Ipv6, ipv6(59, &[]), portless(false, 40, 59));
    let long = (0..9).fold(udp(), |inner, n| extension(if n == 0 { protocol::UDP } else { 60 }, 0, &inner));
    add("ipv6-endless-options", Ipv6, ipv6(60, &long), portless(false, 120, 60));
    let overrun = join(&[&[protocol::UDP, 200], &[0; 6]]);
    add("ipv6-overrunning-option", Ipv6, ipv6(60, &overrun), portless(false, 48, protocol::UDP));
    add("ipv6-neighbor", Ipv6, ipv6(58, &neighbor(135, 1)), icmp(false, 72, 58, Some((135, 0))));
    let from_mapped = ipv6_between(mapped, destination(false), protocol::UDP, &udp());
    add("ipv6-mapped", Ipv6, from_mapped, Expected::Discard(Discard::MappedAddress));
    add("ipv4-short-header", Ipv4, join(&[&[0x44], &v4[1..]]), Expected::Discard(Discard::BadHeader));
    let short_total = join(&[&v4[..2], &[0, 19], &v4[4..]]);
    add("ipv4-short-total", Ipv4, short_total, Expected::Discard(Discard::BadHeader));
    samples
}
