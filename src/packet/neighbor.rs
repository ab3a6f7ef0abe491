//! How neighbors find each other: ARP (RFC 826) and Neighbor Discovery (RFC 4861).

use core::net::Ipv4Addr;

use smoltcp::wire::{ArpHardware, ArpOperation, ArpPacket, EthernetProtocol, Icmpv6Packet, Ipv6Packet};

use super::{Address, Arp, Mac, Packet, protocol};
use crate::limits::NEIGHBOR_OPTIONS_MAX;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Decoded, Frame, LinkType, NonIp, decode, samples};

    fn decoded(bytes: &[u8]) -> Decoded {
        decode(&Frame { link: LinkType::Ethernet, bytes, wire_length: bytes.len() as u32 })
    }

    fn arp_of(message: &[u8]) -> Option<Arp> {
        match decoded(&samples::ethernet(0x0806, message)) {
            Decoded::NonIp(NonIp { arp, .. }) => arp,
            other => panic!("{other:?}"),
        }
    }

    fn message_of(frame: &[u8]) -> Option<NeighborMessage> {
        match decoded(frame) {
            Decoded::Packet(packet) => neighbor_message(frame, &packet),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn arp_is_read_whole_or_not_at_all() {
        let expected = Arp {
            request: true,
            sender_mac: samples::MAC,
            sender: samples::source(true),
            target: samples::destination(true),
        };
        let request = samples::arp(1);
        assert_eq!(arp_of(&request), Some(expected));
        assert_eq!(arp_of(&samples::arp(2)), Some(Arp { request: false, ..expected }));
        assert_eq!(arp_of(&samples::arp(3)), None, "reverse ARP");
        for captured in 0..request.len() {
            assert_eq!(arp_of(&request[..captured]), None, "cut to {captured}");
        }
        // Hardware type, protocol type, lengths of both addresses.
        for position in [1, 2, 4, 5] {
            let mut foreign = request.clone();
            foreign[position] ^= 0xff;
            assert_eq!(arp_of(&foreign), None, "byte {position}");
        }
    }

    #[test]
    fn neighbor_messages_give_target_and_address() {
        let target = samples::v6_address("fe80::77");
        for (number, option, kind) in
            [(135, 1, NeighborKind::Solicitation), (136, 2, NeighborKind::Advertisement)]
        {
            let frame = samples::ethernet(0x86dd, &samples::ipv6(58, &samples::neighbor(number, option)));
            let expected = NeighborMessage { kind, target, mac: Some(samples::MAC) };
            assert_eq!(message_of(&frame), Some(expected));
            for captured in 54..frame.len() {
                let cut = message_of(&frame[..captured]);
                match captured - 54 {
                    ..24 => assert_eq!(cut, None, "cut to {captured}"),
                    _ => assert_eq!(cut, Some(NeighborMessage { mac: None, ..expected })),
                }
            }
        }
    }

    #[test]
    fn only_neighbors_are_believed() {
        let frame = samples::ethernet(0x86dd, &samples::ipv6(58, &samples::neighbor(135, 1)));
        let with = |position: usize, value| {
            let mut frame = frame.clone();
            frame[position] = value;
            message_of(&frame)
        };
        let (hop_limit, kind, code, option, option_length) = (14 + 7, 54, 55, 54 + 24, 54 + 25);
        assert_eq!(with(hop_limit, 254), None, "it came through a router");
        assert_eq!(with(kind, 133), None, "a router solicitation");
        assert_eq!(with(code, 1), None);
        assert_eq!(with(option, 2).and_then(|message| message.mac), None, "another option");
        assert_eq!(with(option_length, 0).and_then(|message| message.mac), None, "an empty option");
        assert_eq!(with(option_length, 9).and_then(|message| message.mac), None, "a long option");
    }

    #[test]
    fn the_address_option_may_follow_others() {
        let mut message = samples::neighbor(135, 1);
        message.splice(24..24, [14, 1, 0, 0, 0, 0, 0, 0]);
        let frame = samples::ethernet(0x86dd, &samples::ipv6(58, &message));
        assert_eq!(message_of(&frame).and_then(|message| message.mac), Some(samples::MAC));
    }
}
