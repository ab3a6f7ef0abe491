//! From a packet to the bytes of its frame, without allocating. The builders of `frame` do the same
//! more slowly; a test holds the two against each other.

use std::net::IpAddr;

use super::{Body, Packet};
use crate::checksum::{self, Checksum};
use crate::frame::{BROADCAST, ethertype, protocol};

/// The longest frame.
const FRAME_MAX: usize = 65_535 + 14;

/// No packet of a scenario has longer headers: Ethernet 14, IPv6 40, TCP with the options of a SYN 40.
const HEADERS_MAX: usize = 94;

/// Turns packets into frames, one at a time, in a buffer of its own. Behind the headers the buffer is
/// always zero, which is every payload and adds nothing to a checksum.
pub struct Encoder {
    buffer: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder for frames of up to 64 KiB.
    pub fn new() -> Self {
        Self { buffer: vec![0; FRAME_MAX] }
    }

    /// The whole frame, payload and padding included.
    pub fn encode(&mut self, packet: &Packet) -> &[u8] {
        let frame = &mut self.buffer[..];
        frame[..HEADERS_MAX].fill(0);
        frame[0..6].copy_from_slice(&packet.destination.mac);
        frame[6..12].copy_from_slice(&packet.source.mac);
        let (ethernet, network) = frame.split_at_mut(14);
        let ethertype = match (packet.body, packet.source.address, packet.destination.address) {
            (Body::Arp { reply }, ..) => {
                if !reply {
                    ethernet[0..6].copy_from_slice(&BROADCAST);
                }
                encode_arp(network, packet, reply);
                ethertype::ARP
            }
            (_, IpAddr::V4(source), IpAddr::V4(destination)) => {
                network[0] = 0x45;
                put_u16(network, 2, packet.ip_bytes().unwrap_or(0) as u16);
                network[6] = 0x40;
                network[8] = 64;
                network[9] = protocol_of(packet);
                network[12..16].copy_from_slice(&source.octets());
                network[16..20].copy_from_slice(&destination.octets());
                let sum = checksum::internet(&network[..20]);
                put_u16(network, 10, sum);
                encode_transport(&mut network[20..], packet);
                ethertype::IPV4
            }
            (_, IpAddr::V6(source), IpAddr::V6(destination)) => {
                network[0] = 0x60;
                put_u16(network, 4, (packet.ip_bytes().unwrap_or(40) - 40) as u16);
                network[6] = protocol_of(packet);
                network[7] = 64;
                network[8..24].copy_from_slice(&source.octets());
                network[24..40].copy_from_slice(&destination.octets());
                encode_transport(&mut network[40..], packet);
                ethertype::IPV6
            }
            _ => unreachable!("a packet's addresses are of one family"),
        };
        put_u16(ethernet, 12, ethertype);
        &self.buffer[..packet.wire_length() as usize]
    }
}

fn protocol_of(packet: &Packet) -> u8 {
    match packet.body {
        Body::Tcp { .. } => protocol::TCP,
        Body::Udp { .. } => protocol::UDP,
        Body::Echo { .. } if packet.source.address.is_ipv4() => protocol::ICMP,
        Body::Echo { .. } | Body::Arp { .. } => protocol::ICMPV6,
    }
}

fn encode_transport(bytes: &mut [u8], packet: &Packet) {
    let (header_length, checksum_at) = match packet.body {
        Body::Tcp { source_port, destination_port, flags, sequence, acknowledgment, options } => {
            put_u16(bytes, 0, source_port);
            put_u16(bytes, 2, destination_port);
            bytes[4..8].copy_from_slice(&sequence.to_be_bytes());
            bytes[8..12].copy_from_slice(&acknowledgment.to_be_bytes());
            let options = options.bytes();
            let header_length = 20 + options.len();
            bytes[12] = (header_length as u8 / 4) << 4;
            bytes[13] = flags;
            put_u16(bytes, 14, 64_240);
            bytes[20..header_length].copy_from_slice(options);
            (header_length, 16)
        }
        Body::Udp { source_port, destination_port } => {
            put_u16(bytes, 0, source_port);
            put_u16(bytes, 2, destination_port);
            put_u16(bytes, 4, 8 + packet.payload_length);
            (8, 6)
        }
        Body::Echo { reply, sequence } => {
            bytes[0] = match (packet.source.address.is_ipv4(), reply) {
                (true, false) => 8,
                (true, true) => 0,
                (false, false) => 128,
                (false, true) => 129,
            };
            put_u16(bytes, 6, sequence);
            (8, 2)
        }
        Body::Arp { .. } => return,
    };
    // ICMP for IPv4 alone has no pseudo-header.
    let mut sum = match protocol_of(packet) {
        protocol::ICMP => Checksum::new(),
        protocol => {
            let length = header_length + usize::from(packet.payload_length);
            Checksum::pseudo_header(packet.source.address, packet.destination.address, protocol, length)
        }
    };
    sum.add(&bytes[..header_length]);
    let sum = match (sum.finish(), protocol_of(packet)) {
        (0, protocol) if protocol != protocol::ICMP => 0xffff,
        (sum, _) => sum,
    };
    put_u16(bytes, checksum_at, sum);
}

fn encode_arp(bytes: &mut [u8], packet: &Packet, reply: bool) {
    let (IpAddr::V4(sender), IpAddr::V4(target)) = (packet.source.address, packet.destination.address) else {
        unreachable!("ARP is for IPv4");
    };
    bytes[..8].copy_from_slice(&[0, 1, 0x08, 0x00, 6, 4, 0, if reply { 2 } else { 1 }]);
    bytes[8..14].copy_from_slice(&packet.source.mac);
    bytes[14..18].copy_from_slice(&sender.octets());
    if reply {
        bytes[18..24].copy_from_slice(&packet.destination.mac);
    }
    bytes[24..28].copy_from_slice(&target.octets());
}

#[inline]
fn put_u16(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}
