//! Transport protocols. The addresses are there for the pseudo-header's sake.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::{join, protocol};
use crate::checksum::{self, Checksum};

/// TCP flag bits (RFC 9293, RFC 3168).
#[allow(missing_docs)]
pub mod flag {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
    pub const ECE: u8 = 0x40;
    pub const CWR: u8 = 0x80;
}

/// The options of a SYN as Linux sends them: MSS 1460, SACK permitted, time stamps, window scale 7.
pub const SYN_OPTIONS: [u8; 20] = [2, 4, 0x05, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

/// The options of any later segment: time stamps.
pub const TIMESTAMP_OPTION: [u8; 12] = [1, 1, 8, 10, 0, 0, 0, 2, 0, 0, 0, 1];

/// The fields of a TCP header that are a matter of choice.
#[derive(Clone, Copy, Debug)]
pub struct Tcp<'a> {
    /// The flag bits.
    pub flags: u8,
    /// The sequence number.
    pub sequence: u32,
    /// The acknowledgment number; meant only with the ACK flag.
    pub acknowledgment: u32,
    /// The window.
    pub window: u16,
    /// Options, as bytes: a multiple of 4, at most 40.
    pub options: &'a [u8],
}

impl Tcp<'_> {
    /// A header with these flags and without options.
    pub const fn flags(flags: u8) -> Self {
        Self { flags, sequence: 1_000, acknowledgment: 0, window: 64_240, options: &[] }
    }
}

/// A TCP segment.
pub fn tcp(source: &SocketAddr, destination: &SocketAddr, header: &Tcp, payload: &[u8]) -> Vec<u8> {
    let segment = join(&[
        &ports(source, destination),
        &header.sequence.to_be_bytes(),
        &header.acknowledgment.to_be_bytes(),
        &[((20 + header.options.len()) as u8 / 4) << 4, header.flags],
        &header.window.to_be_bytes(),
        &[0; 4],
        header.options,
        payload,
    ]);
    with_checksum(segment, 16, source.ip(), destination.ip(), protocol::TCP)
}

/// A UDP datagram (RFC 768).
pub fn udp(source: &SocketAddr, destination: &SocketAddr, payload: &[u8]) -> Vec<u8> {
    let datagram = udp_without_checksum(source, destination, payload);
    with_checksum(datagram, 6, source.ip(), destination.ip(), protocol::UDP)
}

/// A UDP datagram whose checksum field is 0, which says that there is none. IPv4 allows it.
pub fn udp_without_checksum(source: &SocketAddr, destination: &SocketAddr, payload: &[u8]) -> Vec<u8> {
    let length = (8 + payload.len() as u16).to_be_bytes();
    join(&[&ports(source, destination), &length, &[0, 0], payload])
}

/// A UDP-Lite datagram (RFC 3828) whose checksum covers everything.
pub fn udp_lite(source: &SocketAddr, destination: &SocketAddr, payload: &[u8]) -> Vec<u8> {
    let datagram = join(&[&ports(source, destination), &[0, 0, 0, 0], payload]);
    with_checksum(datagram, 6, source.ip(), destination.ip(), protocol::UDP_LITE)
}

/// An SCTP packet (RFC 9260) with one INIT chunk.
pub fn sctp(source: &SocketAddr, destination: &SocketAddr) -> Vec<u8> {
    let chunk = [1, 0, 0, 20, 0, 0, 0, 7, 0, 1, 0, 0, 0, 10, 0, 10, 0, 0, 0, 1];
    let mut packet = join(&[&ports(source, destination), &[0; 8], &chunk]);
    let crc = checksum::crc32c(&packet);
    packet[8..12].copy_from_slice(&crc.to_le_bytes());
    packet
}

/// A DCCP request (RFC 4340) for service code 0.
pub fn dccp(source: &SocketAddr, destination: &SocketAddr) -> Vec<u8> {
    // Data offset 5 words, the checksum covers everything, a request with a 48-bit sequence number.
    let rest = [5, 0, 0, 0, 0x01, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
    let packet = join(&[&ports(source, destination), &rest]);
    with_checksum(packet, 6, source.ip(), destination.ip(), protocol::DCCP)
}

/// An ICMP message (RFC 792); `rest` is the second word of its header.
pub fn icmp(kind: u8, code: u8, rest: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut message = join(&[&[kind, code, 0, 0], &rest, payload]);
    let sum = checksum::internet(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());
    message
}

/// An ICMPv6 message (RFC 4443); `body` is everything behind the checksum.
pub fn icmpv6(source: Ipv6Addr, destination: Ipv6Addr, kind: u8, code: u8, body: &[u8]) -> Vec<u8> {
    let message = join(&[&[kind, code, 0, 0], body]);
    with_checksum(message, 2, source.into(), destination.into(), protocol::ICMPV6)
}

fn ports(source: &SocketAddr, destination: &SocketAddr) -> Vec<u8> {
    join(&[&source.port().to_be_bytes(), &destination.port().to_be_bytes()])
}

/// Fills in the checksum at `at`, where the bytes must be 0. A sum of 0 is sent as its other form, all
/// ones, because UDP takes 0 for "none" and the others do not mind.
fn with_checksum(
    mut bytes: Vec<u8>,
    at: usize,
    source: IpAddr,
    destination: IpAddr,
    protocol: u8,
) -> Vec<u8> {
    let mut sum = Checksum::pseudo_header(source, destination, protocol, bytes.len());
    sum.add(&bytes);
    let sum = match sum.finish() {
        0 => 0xffff,
        sum => sum,
    };
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    bytes
}
