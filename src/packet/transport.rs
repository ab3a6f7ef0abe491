//! The transport layer: ports, TCP flags, ICMP type and code.

use smoltcp::wire::UdpPacket;

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

/// What accounting needs of a transport header; nothing where it was not captured.
#[derive(Clone, Copy, Default)]
pub(super) struct Transport {
    pub source_port: u16,
    pub destination_port: u16,
    pub has_ports: bool,
    pub tcp_flags: u8,
    pub icmp: Option<(u8, u8)>,
}

/// Reads as much of the transport header as was captured.
pub(super) fn read(protocol: u8, segment: &[u8]) -> Transport {
    match protocol {
        protocol::TCP | protocol::UDP | protocol::DCCP | protocol::SCTP | protocol::UDP_LITE => {
            let Some(header) = segment.first_chunk::<4>() else { return Transport::default() };
            // All of them begin as UDP does: with the two ports.
            let ports = UdpPacket::new_unchecked(header);
            let flags = segment.get(TCP_FLAGS).filter(|_| protocol == protocol::TCP);
            Transport {
                source_port: ports.src_port(),
                destination_port: ports.dst_port(),
                has_ports: true,
                tcp_flags: flags.copied().unwrap_or(0),
                icmp: None,
            }
        }
        protocol::ICMP | protocol::ICMPV6 => Transport {
            icmp: segment.first_chunk().map(|&[kind, code]| (kind, code)),
            ..Transport::default()
        },
        _ => Transport::default(),
    }
}

/// The same for nearly every packet; `None` for the others.
#[inline(always)]
pub(super) fn read_common(protocol: u8, segment: &[u8]) -> Option<Transport> {
    let (header, tcp_flags) = match protocol {
        protocol::TCP => {
            let header = segment.first_chunk::<{ TCP_FLAGS + 1 }>()?;
            (&header[..], header[TCP_FLAGS])
        }
        protocol::UDP => (&segment.first_chunk::<4>()?[..], 0),
        _ => return None,
    };
    let ports = UdpPacket::new_unchecked(header);
    Some(Transport {
        source_port: ports.src_port(),
        destination_port: ports.dst_port(),
        has_ports: true,
        tcp_flags,
        icmp: None,
    })
}
