//! Who has this address: ARP (RFC 826) and IPv6 neighbor discovery (RFC 4861).

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Mac, icmpv6, ipv6_with_hop_limit, join, protocol};

/// All nodes on the link.
pub const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// All routers on the link.
pub const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// An ARP request: who has `target`? Tell `sender`.
pub fn arp_request(sender_mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Vec<u8> {
    arp(1, sender_mac, sender, [0; 6], target)
}

/// An ARP reply to `target`: `sender` is at `sender_mac`.
pub fn arp_reply(sender_mac: Mac, sender: Ipv4Addr, target_mac: Mac, target: Ipv4Addr) -> Vec<u8> {
    arp(2, sender_mac, sender, target_mac, target)
}

/// An ARP message for IPv4 over Ethernet with this operation number.
pub fn arp(operation: u16, sender_mac: Mac, sender: Ipv4Addr, target_mac: Mac, target: Ipv4Addr) -> Vec<u8> {
    let head = [0, 1, 0x08, 0x00, 6, 4];
    join(&[&head, &operation.to_be_bytes(), &sender_mac, &sender.octets(), &target_mac, &target.octets()])
}

/// The group that a neighbor solicitation for this address goes to (RFC 4291 section 2.7.1).
pub fn solicited_node(target: Ipv6Addr) -> Ipv6Addr {
    let last = target.segments();
    Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | (last[6] & 0xff), last[7])
}

/// The Ethernet group of an IPv6 multicast address (RFC 2464).
pub fn multicast_mac(group: Ipv6Addr) -> Mac {
    let octets = group.octets();
    [0x33, 0x33, octets[12], octets[13], octets[14], octets[15]]
}

/// A neighbor solicitation for `target`, as an IPv6 packet.
pub fn neighbor_solicitation(source: Ipv6Addr, source_mac: Mac, target: Ipv6Addr) -> Vec<u8> {
    let body = join(&[&[0; 4], &target.octets(), &[1, 1], &source_mac]);
    discovery(source, solicited_node(target), 135, &body)
}

/// A duplicate address probe: a neighbor solicitation from the unspecified address (RFC 4862).
pub fn duplicate_address_probe(target: Ipv6Addr) -> Vec<u8> {
    let body = join(&[&[0; 4], &target.octets()]);
    discovery(Ipv6Addr::UNSPECIFIED, solicited_node(target), 135, &body)
}

/// A solicited neighbor advertisement of one's own address, as an IPv6 packet.
pub fn neighbor_advertisement(source: Ipv6Addr, source_mac: Mac, destination: Ipv6Addr) -> Vec<u8> {
    let body = join(&[&[0x60, 0, 0, 0], &source.octets(), &[2, 1], &source_mac]);
    discovery(source, destination, 136, &body)
}

/// A router solicitation, as an IPv6 packet.
pub fn router_solicitation(source: Ipv6Addr, source_mac: Mac) -> Vec<u8> {
    discovery(source, ALL_ROUTERS, 133, &join(&[&[0; 4], &[1, 1], &source_mac]))
}

/// A router advertisement without prefixes, as an IPv6 packet.
pub fn router_advertisement(source: Ipv6Addr, source_mac: Mac) -> Vec<u8> {
    let body = join(&[&[64, 0, 0x07, 0x08], &[0; 8], &[1, 1], &source_mac]);
    discovery(source, ALL_NODES, 134, &body)
}

fn discovery(source: Ipv6Addr, destination: Ipv6Addr, kind: u8, body: &[u8]) -> Vec<u8> {
    let message = icmpv6(source, destination, kind, 0, body);
    ipv6_with_hop_limit(source, destination, protocol::ICMPV6, 255, &message)
}
