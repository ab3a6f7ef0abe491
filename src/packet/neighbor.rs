//! How neighbors find each other: ARP (RFC 826) and Neighbor Discovery (RFC 4861).

use core::net::Ipv4Addr;

use smoltcp::wire::{ArpHardware, ArpOperation, ArpPacket, EthernetProtocol, Icmpv6Packet, Ipv6Packet};

use super::{Address, Arp, Mac, Packet};
use crate::limits::NEIGHBOR_OPTIONS_MAX;
use crate::packet::protocol;

/// Reads an ARP message; `None` unless it is a whole request or reply for IPv4 over a 48-bit link.
#[cold]
pub(super) fn arp(message: &[u8]) -> Option<Arp> {
    let arp = ArpPacket::new_unchecked(message.first_chunk::<28>()?);
    let is_ethernet_ipv4 = arp.hardware_type() == ArpHardware::Ethernet
        && arp.protocol_type() == EthernetProtocol::Ipv4
        && arp.hardware_len() == 6
        && arp.protocol_len() == 4;
    if !is_ethernet_ipv4 {
        return None;
    }
    let request = match arp.operation() {
        ArpOperation::Request => true,
        ArpOperation::Reply => false,
        ArpOperation::Unknown(_) => return None,
    };
    Some(Arp {
        request,
        sender_mac: mac(arp.source_hardware_addr())?,
        sender: ipv4(arp.source_protocol_addr())?,
        target: ipv4(arp.target_protocol_addr())?,
    })
}

fn ipv4(bytes: &[u8]) -> Option<Address> {
    let &octets = bytes.first_chunk::<4>()?;
    Some(Address::v4(Ipv4Addr::from(octets).to_bits()))
}

fn mac(bytes: &[u8]) -> Option<Mac> {
    bytes.first_chunk().copied().map(Mac)
}

/// Which of the two Neighbor Discovery messages about an address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NeighborKind {
    /// Who has the target (RFC 4861, 4.3)?
    Solicitation,
    /// The sender has it (RFC 4861, 4.4).
    Advertisement,
}

/// A Neighbor Solicitation or Advertisement: IPv6's counterpart of [`Arp`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeighborMessage {
    /// Question or answer.
    pub kind: NeighborKind,
    /// The address asked for or answered to.
    pub target: Address,
    /// The link-layer address in the options: the sender's in a solicitation (absent in a probe for
    /// duplicates, RFC 4862), the target's in an advertisement.
    pub mac: Option<Mac>,
}

/// Reads the Neighbor Discovery message in a decoded packet, given the frame's captured bytes. `None`
/// if it carries none, it was captured only in part, or it came through a router (RFC 4861, 7.1).
pub fn neighbor_message(frame_bytes: &[u8], packet: &Packet) -> Option<NeighborMessage> {
    const SOURCE_LINK_LAYER_ADDRESS: u8 = 1;
    const TARGET_LINK_LAYER_ADDRESS: u8 = 2;
    let (kind, mac_option) = match (packet.protocol, packet.icmp?) {
        (protocol::ICMPV6, (135, 0)) => (NeighborKind::Solicitation, SOURCE_LINK_LAYER_ADDRESS),
        (protocol::ICMPV6, (136, 0)) => (NeighborKind::Advertisement, TARGET_LINK_LAYER_ADDRESS),
        _ => return None,
    };
    let start = usize::from(packet.network_offset);
    let end = frame_bytes.len().min(start + packet.bytes as usize);
    let ip = Ipv6Packet::new_unchecked(frame_bytes.get(start..end)?.first_chunk::<40>()?);
    if ip.version() != 6 || ip.hop_limit() != 255 {
        return None;
    }
    let message = frame_bytes.get(usize::from(packet.transport_offset)..end)?;
    let (fixed, options) = message.split_first_chunk::<24>()?;
    let target = Icmpv6Packet::new_unchecked(fixed).target_addr();
    Some(NeighborMessage { kind, target: Address::v6(target.octets()), mac: find_mac(options, mac_option) })
}

/// The six bytes of the first whole option of this type (RFC 4861, 4.6): type, length in units of
/// eight bytes, value.
fn find_mac(mut options: &[u8], wanted: u8) -> Option<Mac> {
    for _ in 0..NEIGHBOR_OPTIONS_MAX {
        let &[kind, length, a, b, c, d, e, f] = options.first_chunk()?;
        if kind == wanted && length == 1 {
            return Some(Mac([a, b, c, d, e, f]));
        }
        // A length of zero would not advance (RFC 4861, 4.6: such a message is discarded).
        options = options.get(usize::from(length) * 8..).filter(|_| length != 0)?;
    }
    None
}
