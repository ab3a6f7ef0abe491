//! IPv4 and IPv6 with their options, extension headers and fragments, and the tunnels of IP in IP.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::join;
use crate::checksum;

/// An IPv4 header (RFC 791). `packet` fills in the lengths and the checksum.
#[derive(Clone, Debug)]
pub struct Ipv4 {
    /// The sender.
    pub source: Ipv4Addr,
    /// The receiver.
    pub destination: Ipv4Addr,
    /// What is inside.
    pub protocol: u8,
    /// What the fragments of one packet share.
    pub identification: u16,
    /// The don't-fragment bit.
    pub dont_fragment: bool,
    /// The more-fragments bit.
    pub more_fragments: bool,
    /// Where this fragment begins, in bytes: a multiple of 8.
    pub fragment_offset: u16,
    /// Options, as bytes: a multiple of 4, at most 40.
    pub options: Vec<u8>,
}

impl Ipv4 {
    /// A header without options and fragmentation.
    pub fn new(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8) -> Self {
        Self {
            source,
            destination,
            protocol,
            identification: 0x1234,
            dont_fragment: false,
            more_fragments: false,
            fragment_offset: 0,
            options: Vec::new(),
        }
    }

    /// The packet with this payload.
    pub fn packet(&self, payload: &[u8]) -> Vec<u8> {
        let header_length = 20 + self.options.len();
        let fragment = (u16::from(self.dont_fragment) << 14)
            | (u16::from(self.more_fragments) << 13)
            | (self.fragment_offset / 8);
        let mut packet = join(&[
            &[0x40 | (header_length / 4) as u8, 0],
            &((header_length + payload.len()) as u16).to_be_bytes(),
            &self.identification.to_be_bytes(),
            &fragment.to_be_bytes(),
            &[64, self.protocol, 0, 0],
            &self.source.octets(),
            &self.destination.octets(),
            &self.options,
        ]);
        fix_ipv4_checksum(&mut packet);
        packet.extend_from_slice(payload);
        packet
    }

    /// The packet in fragments of `size` payload bytes each, a multiple of 8.
    pub fn fragments(&self, payload: &[u8], size: usize) -> Vec<Vec<u8>> {
        let count = payload.len().div_ceil(size);
        let fragment = |(index, part)| {
            let more_fragments = index + 1 < count;
            Self { more_fragments, fragment_offset: (index * size) as u16, ..self.clone() }.packet(part)
        };
        payload.chunks(size).enumerate().map(fragment).collect()
    }
}

/// Computes the header checksum of an IPv4 packet anew, after somebody changed its header.
pub fn fix_ipv4_checksum(packet: &mut [u8]) {
    let header_length = (usize::from(packet[0] & 0xf) * 4).clamp(20, packet.len());
    packet[10..12].fill(0);
    let sum = checksum::internet(&packet[..header_length]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// An IPv4 packet without options.
pub fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    Ipv4::new(source, destination, protocol).packet(payload)
}

/// An IPv6 packet (RFC 8200); `next_header` says what the payload begins with.
pub fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, next_header: u8, payload: &[u8]) -> Vec<u8> {
    ipv6_with_hop_limit(source, destination, next_header, 64, payload)
}

/// An IPv6 packet with a hop limit of one's own: neighbor discovery demands 255.
pub fn ipv6_with_hop_limit(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    hop_limit: u8,
    payload: &[u8],
) -> Vec<u8> {
    let length = (payload.len() as u16).to_be_bytes();
    let head = [0x60, 0, 0, 0, length[0], length[1], next_header, hop_limit];
    join(&[&head, &source.octets(), &destination.octets(), payload])
}

/// An IPv4 or IPv6 packet, as the addresses say.
///
/// # Panics
/// If the two addresses are of different families.
pub fn ip(source: &SocketAddr, destination: &SocketAddr, protocol: u8, payload: &[u8]) -> Vec<u8> {
    match (source.ip(), destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => ipv4(source, destination, protocol, payload),
        (IpAddr::V6(source), IpAddr::V6(destination)) => ipv6(source, destination, protocol, payload),
        _ => panic!("{source} and {destination} are of different families"),
    }
}

/// A hop-by-hop options header with a router alert (RFC 2711) in front of a payload of type `next`.
pub fn hop_by_hop(next: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[next, 0, 5, 2, 0, 0, 1, 0], payload])
}

/// A hop-by-hop options header with a jumbo payload option (RFC 2675) for this payload.
pub fn jumbo_payload(next: u8, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len() as u32).to_be_bytes();
    join(&[&[next, 0, 0xc2, 4], &length, payload])
}

/// A destination options header with padding of 4 + `octets` * 8 bytes.
pub fn destination_options(next: u8, octets: u8, payload: &[u8]) -> Vec<u8> {
    let padding = vec![0; 4 + usize::from(octets) * 8];
    join(&[&[next, octets, 1, padding.len() as u8], &padding, payload])
}

/// A segment routing header (RFC 8754) through one last segment.
pub fn routing(next: u8, segment: Ipv6Addr, payload: &[u8]) -> Vec<u8> {
    join(&[&[next, 2, 4, 0, 0, 0, 0, 0], &segment.octets(), payload])
}

/// A fragment header; `offset` is in bytes, a multiple of 8.
pub fn fragment(next: u8, offset: u16, more: bool, identification: u32, payload: &[u8]) -> Vec<u8> {
    let field = (offset | u16::from(more)).to_be_bytes();
    join(&[&[next, 0], &field, &identification.to_be_bytes(), payload])
}

/// An IPv6 packet's fragments of `size` payload bytes each, a multiple of 8.
pub fn ipv6_fragments(
    source: Ipv6Addr,
    destination: Ipv6Addr,
    next_header: u8,
    payload: &[u8],
    size: usize,
) -> Vec<Vec<u8>> {
    let count = payload.len().div_ceil(size);
    let one = |(index, part)| {
        let inside = fragment(next_header, (index * size) as u16, index + 1 < count, 0x0bad_cafe, part);
        ipv6(source, destination, super::protocol::FRAGMENT, &inside)
    };
    payload.chunks(size).enumerate().map(one).collect()
}

/// An authentication header (RFC 4302) with a 96-bit integrity check value.
pub fn authentication(next: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[next, 4, 0, 0], &[0, 0, 0x10, 0, 0, 0, 0, 1], &[0x5a; 12], payload])
}

/// An ESP packet (RFC 4303) around ciphertext.
pub fn esp(ciphertext: &[u8]) -> Vec<u8> {
    join(&[&[0, 0, 0x20, 0, 0, 0, 0, 1], ciphertext])
}

/// A GRE header (RFC 2784) in front of a payload of this type.
pub fn gre(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[0, 0], &ethertype.to_be_bytes(), payload])
}

/// A GRE header with a key (RFC 2890).
pub fn gre_with_key(ethertype: u16, key: u32, payload: &[u8]) -> Vec<u8> {
    join(&[&[0x20, 0], &ethertype.to_be_bytes(), &key.to_be_bytes(), payload])
}
