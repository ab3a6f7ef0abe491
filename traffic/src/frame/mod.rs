//! Frames, built from the inside out: each function wraps a payload and returns the larger whole.
//!
//! ```
//! use traffic::frame::*;
//! let (client, server) = ("192.168.1.5:5353".parse().unwrap(), "192.0.2.1:53".parse().unwrap());
//! let packet = ip(&client, &server, protocol::UDP, &udp(&client, &server, b"hello"));
//! let frame = ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], ethertype::IPV4, &packet);
//! assert_eq!(frame.len(), 14 + 20 + 8 + 5);
//! ```

mod internet;
mod link;
mod neighbor;
mod transport;

pub use internet::*;
pub use link::*;
pub use neighbor::*;
pub use transport::*;

/// A 48-bit link-layer address, as it stands in a frame.
pub type Mac = [u8; 6];

/// Link-layer protocol numbers (IEEE 802).
#[allow(missing_docs)]
pub mod ethertype {
    pub const IPV4: u16 = 0x0800;
    pub const ARP: u16 = 0x0806;
    pub const VLAN: u16 = 0x8100;
    pub const IPV6: u16 = 0x86dd;
    pub const MPLS: u16 = 0x8847;
    pub const MPLS_UPSTREAM: u16 = 0x8848;
    pub const PPPOE_DISCOVERY: u16 = 0x8863;
    pub const PPPOE_SESSION: u16 = 0x8864;
    pub const SERVICE_VLAN: u16 = 0x88a8;
    pub const OLD_QINQ: u16 = 0x9100;
    pub const LLDP: u16 = 0x88cc;
}

/// IP protocol and next header numbers (IANA).
#[allow(missing_docs)]
pub mod protocol {
    pub const HOP_BY_HOP: u8 = 0;
    pub const ICMP: u8 = 1;
    pub const IGMP: u8 = 2;
    pub const IPV4: u8 = 4;
    pub const TCP: u8 = 6;
    pub const UDP: u8 = 17;
    pub const DCCP: u8 = 33;
    pub const IPV6: u8 = 41;
    pub const ROUTING: u8 = 43;
    pub const FRAGMENT: u8 = 44;
    pub const GRE: u8 = 47;
    pub const ESP: u8 = 50;
    pub const AH: u8 = 51;
    pub const ICMPV6: u8 = 58;
    pub const NO_NEXT_HEADER: u8 = 59;
    pub const DESTINATION: u8 = 60;
    pub const SCTP: u8 = 132;
    pub const UDP_LITE: u8 = 136;
}

/// Concatenates the pieces of a header and its payload.
fn join(pieces: &[&[u8]]) -> Vec<u8> {
    pieces.concat()
}
