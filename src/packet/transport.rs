//! The transport layer: ports, TCP flags, ICMP type and code.

use smoltcp::wire::UdpPacket;

use super::Packet;

/// The IP protocol numbers (IANA) that decoding distinguishes.
pub mod protocol {
    /// IPv6 hop-by-hop options.
    pub const IPV6_HOP_BY_HOP: u8 = 0;
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// DCCP.
    pub const DCCP: u8 = 33;
    /// IPv6 routing header.
    pub const IPV6_ROUTING: u8 = 43;
    /// IPv6 fragment header.
    pub const IPV6_FRAGMENT: u8 = 44;
    /// IPsec authentication header.
    pub const AUTHENTICATION: u8 = 51;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// Nothing follows the IPv6 header.
    pub const NO_NEXT_HEADER: u8 = 59;
    /// IPv6 destination options.
    pub const IPV6_DESTINATION: u8 = 60;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// UDP-Lite.
    pub const UDP_LITE: u8 = 136;
}

/// The flags byte of a TCP header.
const TCP_FLAGS: usize = 13;

/// Reads as much of the transport header as was captured.
#[inline]
pub(super) fn read(packet: &mut Packet, segment: &[u8]) {
    match packet.protocol {
        protocol::TCP | protocol::UDP | protocol::DCCP | protocol::SCTP | protocol::UDP_LITE => {
            // All of them begin as UDP does: with the two ports.
            let Some(header) = segment.first_chunk::<4>() else { return };
            let ports = UdpPacket::new_unchecked(header);
            packet.source_port = ports.src_port();
            packet.destination_port = ports.dst_port();
            packet.has_ports = true;
            if packet.protocol == protocol::TCP {
                packet.tcp_flags = segment.get(TCP_FLAGS).copied().unwrap_or(0);
            }
        }
        protocol::ICMP | protocol::ICMPV6 => {
            packet.icmp = segment.first_chunk().map(|&[kind, code]| (kind, code));
        }
        _ => {}
    }
}
