//! The internet layer: IPv4 (RFC 791) and IPv6 with its extension headers (RFC 8200).

use smoltcp::wire::{Ipv4Packet, Ipv6ExtHeader, Ipv6FragmentHeader, Ipv6Packet};

use super::transport::{self, Transport, protocol};
use super::{Address, Decoded, Discard, Frame, Link, Packet};
use crate::limits::EXTENSION_HEADERS_MAX;

const IPV4_HEADER: usize = 20;
/// Where the IPv4 header names the protocol. smoltcp's accessor returns an enum, and the way there and
/// back costs 30 instructions.
const PROTOCOL: usize = 9;
const IPV6_HEADER: usize = 40;

/// Reads an IPv4 header, with or without options, that begins at `offset`, and what is behind it.
// Always inlined, so that the packet is built where the caller wants it instead of being copied there.
#[inline(always)]
pub(super) fn ipv4(frame: &Frame, link: Link, offset: usize) -> Decoded {
    let captured = frame.bytes.get(offset..).unwrap_or_default();
    let Some(header) = captured.first_chunk::<IPV4_HEADER>() else {
        return Decoded::Discard(Discard::Truncated);
    };
    let ip = Ipv4Packet::new_unchecked(header);
    let header_length = usize::from(ip.header_len());
    let total_length = usize::from(ip.total_len());
    // Version 4 and at least five words of header, in one comparison.
    if !(0x45..=0x4f).contains(&header[0]) {
        return Decoded::Discard(Discard::BadHeader);
    }
    let on_wire = frame.length_on_wire() - offset;
    let length = match total_length {
        _ if total_length >= header_length => total_length.min(on_wire),
        // Segmentation offload.
        0 => on_wire,
        _ => return Decoded::Discard(Discard::BadHeader),
    };
    let later_fragment = ip.frag_offset() != 0;
    if let Some(segment) = behind(captured, header_length, length)
        && !later_fragment
        && let Some(transport) = transport::read_common(header[PROTOCOL], segment)
    {
        return ipv4_packet(header, link, offset, length, later_fragment, transport);
    }
    ipv4_uncommon(captured, link, offset, length)
}

/// Whatever is not the beginning of a TCP segment or UDP datagram. Out of line, because the common path
/// is a third shorter when it has no other outcomes to merge with.
#[inline(never)]
fn ipv4_uncommon(captured: &[u8], link: Link, offset: usize, length: usize) -> Decoded {
    let Some(header) = captured.first_chunk::<IPV4_HEADER>() else {
        return Decoded::Discard(Discard::Truncated);
    };
    let ip = Ipv4Packet::new_unchecked(header);
    let later_fragment = ip.frag_offset() != 0;
    let transport = match behind(captured, ip.header_len().into(), length) {
        Some(segment) if !later_fragment => transport::read(header[PROTOCOL], segment),
        _ => Transport::default(),
    };
    ipv4_packet(header, link, offset, length, later_fragment, transport)
}

#[inline(always)]
fn ipv4_packet(
    header: &[u8; IPV4_HEADER],
    link: Link,
    offset: usize,
    length: usize,
    later_fragment: bool,
    transport: Transport,
) -> Decoded {
    let ip = Ipv4Packet::new_unchecked(header);
    Decoded::Packet(Packet {
        source: Address::v4(ip.src_addr().to_bits()),
        destination: Address::v4(ip.dst_addr().to_bits()),
        bytes: length as u32,
        source_port: transport.source_port,
        destination_port: transport.destination_port,
        protocol: header[PROTOCOL],
        has_ports: transport.has_ports,
        later_fragment,
        tcp_flags: transport.tcp_flags,
        icmp: transport.icmp,
        link,
        network_offset: offset as u16,
        transport_offset: (offset + usize::from(ip.header_len())) as u16,
    })
}

/// Reads an IPv6 header that begins at `offset`, the extension headers and what is behind them.
#[inline(never)]
pub(super) fn ipv6(frame: &Frame, link: Link, offset: usize) -> Decoded {
    let captured = frame.bytes.get(offset..).unwrap_or_default();
    let Some(header) = captured.first_chunk::<IPV6_HEADER>() else {
        return Decoded::Discard(Discard::Truncated);
    };
    let ip = Ipv6Packet::new_unchecked(header);
    if ip.version() != 6 {
        return Decoded::Discard(Discard::BadHeader);
    }
    let source = Address::v6(ip.src_addr().octets());
    let destination = Address::v6(ip.dst_addr().octets());
    if source.is_v4() || destination.is_v4() {
        return Decoded::Discard(Discard::MappedAddress);
    }
    let next_header = ip.next_header().into();
    let on_wire = frame.length_on_wire() - offset;
    let length = match ip.payload_len() {
        // Segmentation offload or a jumbogram (RFC 2675), unless there is nothing to carry.
        0 if next_header != protocol::NO_NEXT_HEADER => on_wire,
        payload_length => on_wire.min(IPV6_HEADER + usize::from(payload_length)),
    };
    let packet = behind(captured, 0, length).unwrap_or_default();
    let upper = walk_extension_headers(packet, next_header);
    let transport = match packet.get(upper.offset..) {
        Some(segment) if !upper.later_fragment => transport::read(upper.protocol, segment),
        _ => Transport::default(),
    };
    Decoded::Packet(Packet {
        source,
        destination,
        bytes: length as u32,
        source_port: transport.source_port,
        destination_port: transport.destination_port,
        protocol: upper.protocol,
        has_ports: transport.has_ports,
        later_fragment: upper.later_fragment,
        tcp_flags: transport.tcp_flags,
        icmp: transport.icmp,
        link,
        network_offset: offset as u16,
        transport_offset: (offset + upper.offset) as u16,
    })
}

/// Where the extension headers of an IPv6 packet end.
struct Upper {
    protocol: u8,
    /// From the start of the IPv6 header.
    offset: usize,
    later_fragment: bool,
}

/// Walks over the extension headers. Where the first eight bytes of one were not captured, or there are
/// too many, the walk ends in front of it: its own number is then the last that is known.
#[inline]
fn walk_extension_headers(packet: &[u8], next_header: u8) -> Upper {
    let mut upper = Upper { protocol: next_header, offset: IPV6_HEADER, later_fragment: false };
    for _ in 0..EXTENSION_HEADERS_MAX {
        let is_fragment = upper.protocol == protocol::IPV6_FRAGMENT;
        let header_unit = match upper.protocol {
            protocol::IPV6_HOP_BY_HOP | protocol::IPV6_ROUTING | protocol::IPV6_DESTINATION => 8,
            protocol::AUTHENTICATION => 4,
            protocol::IPV6_FRAGMENT => 0,
            _ => break,
        };
        let Some(header) = packet.get(upper.offset..).and_then(<[u8]>::first_chunk::<8>) else { break };
        let common = Ipv6ExtHeader::new_unchecked(header);
        // All are counted beyond their first eight bytes, the fragment header has no more.
        upper.offset += 8 + usize::from(common.header_len()) * header_unit;
        upper.protocol = common.next_header().into();
        if is_fragment {
            upper.later_fragment = Ipv6FragmentHeader::new_unchecked(&header[2..]).frag_offset() != 0;
            if upper.later_fragment {
                break;
            }
        }
    }
    upper
}

/// The captured bytes from `offset` to the packet's end, which padding may follow; none if the capture
/// ends before.
#[inline]
fn behind(captured: &[u8], offset: usize, length: usize) -> Option<&[u8]> {
    captured.get(offset..captured.len().min(length))
}
