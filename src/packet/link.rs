//! The link layer: everything in front of the IP header, whichever way it was captured.

use smoltcp::wire::{EthernetFrame, EthernetProtocol};

use super::{Decoded, Discard, Frame, Link, LinkType, Mac, NonIp, internet, neighbor};
use crate::limits::ENCAPSULATIONS_MAX;

/// Ethertypes (IEEE 802 numbers, IANA). Up to `LENGTH_MAX` the field is a length (IEEE 802.3, 3.2.6).
const LENGTH_MAX: u16 = 1500;
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const VLAN: u16 = 0x8100;
const IPV6: u16 = 0x86dd;
const MPLS: u16 = 0x8847;
const MPLS_MULTICAST: u16 = 0x8848;
const PPPOE_SESSION: u16 = 0x8864;
const PROVIDER_VLAN: u16 = 0x88a8;
const PROVIDER_VLAN_BEFORE_802_1AD: u16 = 0x9100;
/// Reserved by IANA: stands for everything that is not walked further.
const OPAQUE: u16 = 0xffff;

/// Reads a frame from its Ethernet header on.
#[inline]
pub(super) fn ethernet(frame: &Frame) -> Decoded {
    const HEADER: usize = 14;
    let Some(header) = frame.bytes.first_chunk::<HEADER>() else {
        return Decoded::Discard(Discard::Truncated);
    };
    let header = EthernetFrame::new_unchecked(header);
    let link = Link { source_mac: Mac(header.src_addr().0), outgoing: false };
    match header.ethertype() {
        // The path that nearly every frame takes.
        EthernetProtocol::Ipv4 => internet::ipv4(frame, link, HEADER),
        EthernetProtocol::Ipv6 => internet::ipv6(frame, link, HEADER),
        other => encapsulated(frame, link, HEADER, other.into()),
    }
}

/// Reads a frame of any other link type.
#[inline(never)]
pub(super) fn other(frame: &Frame) -> Decoded {
    let mut cursor = Cursor { bytes: frame.bytes, offset: 0 };
    match first_header(frame.link, &mut cursor) {
        Ok((link, IPV4)) => internet::ipv4(frame, link, cursor.offset),
        Ok((link, ethertype)) => encapsulated(frame, link, cursor.offset, ethertype),
        Err(discard) => Decoded::Discard(discard),
    }
}

/// Takes the link header and returns what it says, as an ethertype whatever its own terms are.
fn first_header(link: LinkType, cursor: &mut Cursor) -> Result<(Link, u16), Discard> {
    let ethertype = match link {
        LinkType::LinuxSll => return linux_sll(cursor),
        LinkType::LinuxSll2 => return linux_sll2(cursor),
        LinkType::Ppp => ppp(cursor)?,
        LinkType::PppEther => pppoe(cursor)?,
        LinkType::Null => null(cursor)?,
        LinkType::Loop => loopback(cursor)?,
        LinkType::Ipv4 => IPV4,
        LinkType::Ipv6 => IPV6,
        LinkType::Raw => ip_version(cursor)?.ok_or(Discard::BadHeader)?,
        // Read by `ethernet`.
        LinkType::Ethernet => OPAQUE,
    };
    Ok((Link::default(), ethertype))
}

/// Reads a frame from `offset` on, where what this ethertype names begins.
#[inline(never)]
fn encapsulated(frame: &Frame, link: Link, offset: usize, ethertype: u16) -> Decoded {
    let mut cursor = Cursor { bytes: frame.bytes, offset };
    match innermost(&mut cursor, ethertype) {
        Ok(IPV4) => internet::ipv4(frame, link, cursor.offset),
        Ok(IPV6) => internet::ipv6(frame, link, cursor.offset),
        Ok(ethertype) => Decoded::NonIp(NonIp {
            bytes: frame.length_on_wire() as u32,
            link,
            arp: if ethertype == ARP { neighbor::arp(cursor.rest()) } else { None },
        }),
        Err(discard) => Decoded::Discard(discard),
    }
}

/// Walks over the layers that lead from one ethertype to another: VLAN tags, MPLS labels, PPPoE, LLC.
fn innermost(cursor: &mut Cursor, mut ethertype: u16) -> Result<u16, Discard> {
    for _ in 0..=ENCAPSULATIONS_MAX {
        ethertype = match ethertype {
            VLAN | PROVIDER_VLAN | PROVIDER_VLAN_BEFORE_802_1AD => {
                let &[_, _, high, low] = cursor.take()?;
                u16::from_be_bytes([high, low])
            }
            MPLS | MPLS_MULTICAST => match cursor.take()? {
                [_, _, bottom_of_stack, _] if bottom_of_stack & 1 == 0 => ethertype,
                _ => ip_version(cursor)?.unwrap_or(OPAQUE),
            },
            PPPOE_SESSION => pppoe(cursor)?,
            ..=LENGTH_MAX => llc(cursor)?,
            innermost => return Ok(innermost),
        };
    }
    Err(Discard::TooDeep)
}

/// The IP version that the next byte claims, as an ethertype: MPLS and raw captures say no more.
fn ip_version(cursor: &Cursor) -> Result<Option<u16>, Discard> {
    match cursor.peek::<1>()? {
        [0x40..=0x4f] => Ok(Some(IPV4)),
        [0x60..=0x6f] => Ok(Some(IPV6)),
        _ => Ok(None),
    }
}

/// IEEE 802.2 LLC: an ethertype is inside only if it is SNAP with OUI 0 (RFC 1042).
fn llc(cursor: &mut Cursor) -> Result<u16, Discard> {
    if cursor.take()? != &[0xaa, 0xaa, 0x03] {
        return Ok(OPAQUE);
    }
    Ok(match *cursor.take()? {
        [0, 0, 0, high, low] => u16::from_be_bytes([high, low]),
        _ => OPAQUE,
    })
}

/// The PPPoE header (RFC 2516) of a session, then PPP. Any code but 0 is discovery.
fn pppoe(cursor: &mut Cursor) -> Result<u16, Discard> {
    match *cursor.take()? {
        [0x11, 0, _session_high, _session_low, _length_high, _length_low] => ppp(cursor),
        _ => Ok(OPAQUE),
    }
}

/// PPP, with or without address and control field (RFC 1662), its protocol field whole or compressed
/// to one byte, which an odd first byte tells (RFC 1661, 2).
fn ppp(cursor: &mut Cursor) -> Result<u16, Discard> {
    // No protocol number begins with ff, so these can only be address and control.
    if cursor.peek::<1>()? == &[0xff] {
        cursor.take::<2>()?;
    }
    let &[first] = cursor.take()?;
    let protocol = if first & 1 == 1 {
        u16::from(first)
    } else {
        let &[second] = cursor.take()?;
        u16::from_be_bytes([first, second])
    };
    Ok(match protocol {
        0x0021 => IPV4,
        0x0057 => IPV6,
        0x0281 => MPLS,
        0x0283 => MPLS_MULTICAST,
        _ => OPAQUE,
    })
}

/// BSD loopback: an address family in the byte order of the machine that captured.
fn null(cursor: &mut Cursor) -> Result<u16, Discard> {
    let family = u32::from_be_bytes(*cursor.take()?);
    // Families are small: a large one was written in the other order.
    Ok(address_family(if family > 0xffff { family.swap_bytes() } else { family }))
}

/// OpenBSD loopback: an address family in network byte order.
fn loopback(cursor: &mut Cursor) -> Result<u16, Discard> {
    Ok(address_family(u32::from_be_bytes(*cursor.take()?)))
}

/// AF_INET is 2 everywhere; AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD and 30
/// on Darwin.
fn address_family(family: u32) -> u16 {
    match family {
        2 => IPV4,
        10 | 24 | 28 | 30 => IPV6,
        _ => OPAQUE,
    }
}

/// Linux cooked capture: packet type, ARPHRD type, address length, address, protocol.
fn linux_sll(cursor: &mut Cursor) -> Result<(Link, u16), Discard> {
    let &[p0, p1, h0, h1, l0, l1, a, b, c, d, e, f, _, _, e0, e1] = cursor.take()?;
    let link = cooked_link(u16::from_be_bytes([p0, p1]), u16::from_be_bytes([l0, l1]), [a, b, c, d, e, f]);
    Ok((link, cooked_ethertype(u16::from_be_bytes([h0, h1]), u16::from_be_bytes([e0, e1]))))
}

/// Version 2: protocol, reserved, interface index, ARPHRD type, packet type, address length, address.
fn linux_sll2(cursor: &mut Cursor) -> Result<(Link, u16), Discard> {
    let &[e0, e1, _, _, _, _, _, _, h0, h1, packet_type, length, a, b, c, d, e, f, _, _] = cursor.take()?;
    let link = cooked_link(packet_type.into(), length.into(), [a, b, c, d, e, f]);
    Ok((link, cooked_ethertype(u16::from_be_bytes([h0, h1]), u16::from_be_bytes([e0, e1]))))
}

/// Only "outgoing" (PACKET_OUTGOING, 4) is reliable among the packet types.
fn cooked_link(packet_type: u16, address_length: u16, address: [u8; 6]) -> Link {
    let source_mac = if address_length == 6 { Mac(address) } else { Mac::ZERO };
    Link { source_mac, outgoing: packet_type == 4 }
}

/// What the protocol field means depends on the device (ARPHRD) type.
fn cooked_ethertype(device: u16, protocol: u16) -> u16 {
    const FRAME_RELAY: u16 = 770;
    const RADIOTAP: u16 = 803;
    const NETLINK: u16 = 824;
    const ETH_P_802_2: u16 = 4;
    match (device, protocol) {
        (FRAME_RELAY | RADIOTAP | NETLINK, _) => OPAQUE,
        // An LLC header follows, as behind a length.
        (_, ETH_P_802_2) => LENGTH_MAX,
        (_, ..=LENGTH_MAX) => OPAQUE,
        (_, ethertype) => ethertype,
    }
}

/// Takes headers off the front of the captured bytes.
struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// All that is left.
    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.offset..).unwrap_or_default()
    }

    /// The next N bytes, which stay where they are.
    fn peek<const N: usize>(&self) -> Result<&'a [u8; N], Discard> {
        self.rest().first_chunk().ok_or(Discard::Truncated)
    }

    /// The next N bytes.
    fn take<const N: usize>(&mut self) -> Result<&'a [u8; N], Discard> {
        let header = self.peek()?;
        self.offset += N;
        Ok(header)
    }
}
