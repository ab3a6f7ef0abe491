//! Link layers: what stands in front of the network header.

use super::{Mac, join};

/// The group that every station listens to.
pub const BROADCAST: Mac = [0xff; 6];

/// The shortest Ethernet frame, without the frame check sequence.
pub const ETHERNET_MINIMUM: usize = 60;

/// An Ethernet II frame, without padding.
pub fn ethernet(source: Mac, destination: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&destination, &source, &ethertype.to_be_bytes(), payload])
}

/// The frame, filled with zeros to Ethernet's minimum as a network card does it.
pub fn padded(mut frame: Vec<u8>) -> Vec<u8> {
    frame.resize(frame.len().max(ETHERNET_MINIMUM), 0);
    frame
}

/// An IEEE 802.3 frame: a length where Ethernet II has the type.
pub fn ieee802_3(source: Mac, destination: Mac, payload: &[u8]) -> Vec<u8> {
    ethernet(source, destination, payload.len() as u16, payload)
}

/// IEEE 802.2 logical link control with an unnumbered frame.
pub fn llc(service_access_point: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[service_access_point, service_access_point, 0x03], payload])
}

/// An LLC header with SNAP (RFC 1042).
pub fn snap(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    llc(0xaa, &join(&[&[0, 0, 0], &ethertype.to_be_bytes(), payload]))
}

/// A spanning tree configuration message (IEEE 802.1D) from this bridge as root.
pub fn spanning_tree(bridge: Mac) -> Vec<u8> {
    let identifier = join(&[&0x8000u16.to_be_bytes(), &bridge]);
    let timers = [0, 0, 20, 0, 2, 0, 15, 0];
    llc(0x42, &join(&[&[0; 5], &identifier, &[0; 4], &identifier, &[0x80, 0x01], &[0], &timers]))
}

/// What follows the tag protocol identifier of a VLAN tag (IEEE 802.1Q): the tag control information,
/// the type of what is inside, and that.
pub fn vlan_tag(control: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&control.to_be_bytes(), &ethertype.to_be_bytes(), payload])
}

/// MPLS label stack entries (RFC 3032), the last of them with the bottom-of-stack bit.
pub fn mpls(labels: &[u32], payload: &[u8]) -> Vec<u8> {
    let mut stack = Vec::new();
    for (index, label) in labels.iter().enumerate() {
        let bottom = u32::from(index + 1 == labels.len());
        stack.extend((label << 12 | bottom << 8 | 64).to_be_bytes());
    }
    join(&[&stack, payload])
}

/// PPP protocol numbers of the two Internet protocols and of the link control protocol.
#[allow(missing_docs)]
pub mod ppp_protocol {
    pub const IPV4: u16 = 0x0021;
    pub const IPV6: u16 = 0x0057;
    pub const LCP: u16 = 0xc021;
}

/// A PPP frame without address and control bytes (RFC 1661).
pub fn ppp(protocol: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&protocol.to_be_bytes(), payload])
}

/// A PPP frame whose protocol field is compressed to one byte (RFC 1661 section 6.5).
pub fn ppp_compressed(protocol: u8, payload: &[u8]) -> Vec<u8> {
    join(&[&[protocol], payload])
}

/// A PPP frame in HDLC-like framing (RFC 1662), without flags and frame check sequence.
pub fn ppp_hdlc(protocol: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[0xff, 0x03], &ppp(protocol, payload)])
}

/// An LCP echo request (RFC 1661 section 5.8), to go inside PPP.
pub fn lcp_echo_request() -> Vec<u8> {
    vec![9, 1, 0, 8, 0x12, 0x34, 0x56, 0x78]
}

/// A PPPoE session header (RFC 2516) in front of a PPP frame.
pub fn pppoe_session(session: u16, ppp_frame: &[u8]) -> Vec<u8> {
    pppoe(0x00, session, ppp_frame)
}

/// A PPPoE active discovery initiation for any service.
pub fn pppoe_discovery() -> Vec<u8> {
    pppoe(0x09, 0, &[0x01, 0x01, 0, 0])
}

fn pppoe(code: u8, session: u16, payload: &[u8]) -> Vec<u8> {
    join(&[&[0x11, code], &session.to_be_bytes(), &(payload.len() as u16).to_be_bytes(), payload])
}

/// What the Linux "cooked" headers say of a frame's direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SllType {
    /// To this machine.
    Host = 0,
    /// To everyone.
    Broadcast = 1,
    /// To somebody else.
    OtherHost = 3,
    /// From this machine.
    Outgoing = 4,
}

/// A Linux "cooked" frame, version 1.
pub fn linux_sll(kind: SllType, source: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let kind = (kind as u16).to_be_bytes();
    join(&[&kind, &[0, 1, 0, 6], &source, &[0, 0], &ethertype.to_be_bytes(), payload])
}

/// A Linux "cooked" frame, version 2, of the interface with this index.
pub fn linux_sll2(kind: SllType, interface: u32, source: Mac, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let head = [0, 1, kind as u8, 6];
    join(&[&ethertype.to_be_bytes(), &[0, 0], &interface.to_be_bytes(), &head, &source, &[0, 0], payload])
}

/// Linux's number for an interface that speaks PPP.
pub const ARPHRD_PPP: u16 = 512;

/// Linux's number for an interface without any link layer, such as a tunnel.
pub const ARPHRD_NONE: u16 = 0xfffe;

/// A Linux "cooked" frame, version 1, of an interface without link-layer addresses.
pub fn linux_sll_without_address(kind: SllType, hardware: u16, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let kind = (kind as u16).to_be_bytes();
    join(&[&kind, &hardware.to_be_bytes(), &[0; 10], &ethertype.to_be_bytes(), payload])
}

/// A Linux "cooked" frame, version 2, of an interface without link-layer addresses.
pub fn linux_sll2_without_address(
    kind: SllType,
    interface: u32,
    hardware: u16,
    ethertype: u16,
    payload: &[u8],
) -> Vec<u8> {
    let [high, low] = hardware.to_be_bytes();
    let head = [high, low, kind as u8, 0];
    join(&[&ethertype.to_be_bytes(), &[0, 0], &interface.to_be_bytes(), &head, &[0; 8], payload])
}

/// A BSD loopback frame whose address family a little-endian machine wrote.
pub fn bsd_null_little_endian(family: u32, payload: &[u8]) -> Vec<u8> {
    join(&[&family.to_le_bytes(), payload])
}

/// A BSD loopback frame whose address family a big-endian machine wrote.
pub fn bsd_null_big_endian(family: u32, payload: &[u8]) -> Vec<u8> {
    join(&[&family.to_be_bytes(), payload])
}

/// An OpenBSD loopback frame: the address family in network byte order.
pub fn bsd_loop(family: u32, payload: &[u8]) -> Vec<u8> {
    bsd_null_big_endian(family, payload)
}
