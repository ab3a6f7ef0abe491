//! 1. Decode: link type, bytes and wire length become a [`Packet`], a [`NonIp`] frame or a [`Discard`].

mod address;
mod internet;
mod link;
mod neighbor;
mod transport;

pub use address::{Address, Mac};
pub use neighbor::{NeighborKind, NeighborMessage, neighbor_message};
pub use transport::protocol;

/// One captured frame, as the capture hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// How the bytes begin.
    pub link: LinkType,
    /// The captured bytes, possibly fewer than the wire carried.
    pub bytes: &'a [u8],
    /// The frame's length on the wire, in bytes.
    pub wire_length: u32,
}

impl Frame<'_> {
    /// The wire carried what was captured at least, even if a broken file's wire length says less.
    #[inline]
    fn length_on_wire(&self) -> usize {
        self.bytes.len().max(self.wire_length as usize)
    }
}

/// The link-layer header types that are understood, numbered as in libpcap's list of DLT values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkType {
    /// BSD loopback: the address family in the writer's byte order.
    Null,
    /// Ethernet II and IEEE 802.3, with any stack of VLAN tags.
    Ethernet,
    /// PPP, with or without the HDLC-like framing of RFC 1662.
    Ppp,
    /// PPPoE session header, then PPP.
    PppEther,
    /// An IPv4 or IPv6 header.
    Raw,
    /// An IPv4 header.
    Ipv4,
    /// An IPv6 header.
    Ipv6,
    /// OpenBSD loopback: the address family in network byte order.
    Loop,
    /// Linux "cooked" capture, version 1.
    LinuxSll,
    /// Linux "cooked" capture, version 2.
    LinuxSll2,
}

impl LinkType {
    /// All link types.
    pub const ALL: [Self; 10] = [
        Self::Null,
        Self::Ethernet,
        Self::Ppp,
        Self::PppEther,
        Self::Raw,
        Self::Ipv4,
        Self::Ipv6,
        Self::Loop,
        Self::LinuxSll,
        Self::LinuxSll2,
    ];

    /// The link type behind a DLT value, or `None` if it is not understood.
    pub const fn from_dlt(dlt: i32) -> Option<Self> {
        Some(match dlt {
            0 => Self::Null,
            1 => Self::Ethernet,
            9 | 50 => Self::Ppp,
            51 => Self::PppEther,
            12 | 14 | 101 => Self::Raw,
            228 => Self::Ipv4,
            229 => Self::Ipv6,
            108 => Self::Loop,
            113 => Self::LinuxSll,
            276 => Self::LinuxSll2,
            _ => return None,
        })
    }

    /// The number that pcapng files have for it (IANA's "PCAP Capture File Format", link types).
    pub const fn number(self) -> u16 {
        match self {
            Self::Null => 0,
            Self::Ethernet => 1,
            Self::Ppp => 9,
            Self::PppEther => 51,
            Self::Raw => 101,
            Self::Ipv4 => 228,
            Self::Ipv6 => 229,
            Self::Loop => 108,
            Self::LinuxSll => 113,
            Self::LinuxSll2 => 276,
        }
    }

    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Ethernet => "ethernet",
            Self::Ppp => "ppp",
            Self::PppEther => "pppoe",
            Self::Raw => "raw",
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
            Self::Loop => "loop",
            Self::LinuxSll => "linux-sll",
            Self::LinuxSll2 => "linux-sll2",
        }
    }
}

/// What the link layer says of a frame, whatever is inside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The sender's link-layer address; zero where the link has none.
    pub source_mac: Mac,
    /// True where the capture says that this machine sent the frame (SLL and SLL2 only).
    pub outgoing: bool,
}

/// One IP packet: what accounting and the darknet need of its headers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// The sender.
    pub source: Address,
    /// The receiver.
    pub destination: Address,
    /// IP bytes: IPv4 total length, IPv6 40 + payload length, never more than the wire carried after
    /// the link header; where the header says 0 (segmentation offload), that wire length.
    pub bytes: u32,
    /// The sender's port, or 0 without `has_ports`.
    pub source_port: u16,
    /// The receiver's port, or 0 without `has_ports`.
    pub destination_port: u16,
    /// The transport protocol's number (IANA), behind all IPv6 extension headers that could be walked.
    pub protocol: u8,
    /// True if the two ports were captured: TCP, UDP, UDP-Lite, DCCP or SCTP, not in a later fragment.
    pub has_ports: bool,
    /// True for a fragment other than the first, which carries no transport header.
    pub later_fragment: bool,
    /// The TCP flags byte (CWR ECE URG ACK PSH RST SYN FIN), or 0 where there is none.
    pub tcp_flags: u8,
    /// ICMP and ICMPv6 type and code, where captured.
    pub icmp: Option<(u8, u8)>,
    /// What the link layer said.
    pub link: Link,
    /// Where the IP header begins in the captured bytes.
    pub network_offset: u16,
    /// Where the transport header begins in the captured bytes (may lie behind their end).
    pub transport_offset: u16,
}

impl Packet {
    /// The SYN bit of `tcp_flags`.
    pub const TCP_SYN: u8 = 0x02;
    /// The RST bit of `tcp_flags`.
    pub const TCP_RST: u8 = 0x04;
    /// The ACK bit of `tcp_flags`.
    pub const TCP_ACK: u8 = 0x10;

    /// True for a TCP segment that opens a connection: SYN without ACK.
    #[inline]
    pub const fn is_syn(&self) -> bool {
        self.tcp_flags & (Self::TCP_SYN | Self::TCP_ACK) == Self::TCP_SYN
    }

    /// True for a TCP segment that accepts a connection: SYN and ACK.
    #[inline]
    pub const fn is_syn_ack(&self) -> bool {
        self.tcp_flags & (Self::TCP_SYN | Self::TCP_ACK) == Self::TCP_SYN | Self::TCP_ACK
    }
}

/// A frame that carries no IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonIp {
    /// The frame's length on the wire, with the link header that the capture has: a "cooked" one in the wire's stead.
    pub bytes: u32,
    /// What the link layer said.
    pub link: Link,
    /// The frame's ARP message, if it carries one for IPv4.
    pub arp: Option<Arp>,
}

/// An ARP message for IPv4 over a 48-bit link layer (RFC 826).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arp {
    /// True for a request (who-has), false for a reply.
    pub request: bool,
    /// The sender's link-layer address.
    pub sender_mac: Mac,
    /// The sender's address; 0.0.0.0 in a probe (RFC 5227).
    pub sender: Address,
    /// The address asked for or answered to.
    pub target: Address,
}

/// Why a frame could not be accounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Discard {
    /// Too few bytes on the wire or in the capture to reach the IP addresses.
    Truncated,
    /// An IP header that contradicts itself: wrong version, or lengths below the header's own.
    BadHeader,
    /// An IPv6 packet from or to an IPv4-mapped address, which must not be on a wire (RFC 6890).
    MappedAddress,
    /// More VLAN tags or MPLS labels than `crate::limits` allows.
    TooDeep,
    /// A bridged frame on its way out, which was counted when it came in. The capture says so.
    BridgedCopy,
}

impl Discard {
    /// All reasons, in the order of their counters.
    pub const ALL: [Self; 5] =
        [Self::Truncated, Self::BadHeader, Self::MappedAddress, Self::TooDeep, Self::BridgedCopy];

    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::BadHeader => "bad_header",
            Self::MappedAddress => "mapped_address",
            Self::TooDeep => "too_deep",
            Self::BridgedCopy => "bridged_copy",
        }
    }
}

/// What a frame turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// An IP packet, to be accounted.
    Packet(Packet),
    /// A frame without IP, counted on a line of its own.
    NonIp(NonIp),
    /// A frame that cannot be accounted, and why.
    Discard(Discard),
}

/// Reads the headers of a frame: link layer, internet layer and transport, each of which hands over to
/// the next. It never panics and never reads beyond the captured bytes.
#[inline]
pub fn decode(frame: &Frame) -> Decoded {
    match frame.link {
        LinkType::Ethernet => link::ethernet(frame),
        _ => link::other(frame),
    }
}

#[cfg(test)]
mod samples;
#[cfg(test)]
mod tests;
