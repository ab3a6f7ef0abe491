//! The router's own questions for the darknet: who has this address (ARP, RFC 826)?
//!
//! They leave by a socket that serves all LANs and receives nothing. The answers are captured like any frame.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

use super::capture::Presence;
use super::capture::devices::DeviceKind;
use super::system;
use crate::limits::INTERFACES_MAX;
use crate::packet::{Address, Mac};

/// Asks the links of the LANs.
#[derive(Debug)]
pub struct Asker {
    socket: OwnedFd,
    /// The number and the link-layer address of each interface's device.
    devices: [(u32, Mac); INTERFACES_MAX],
}

impl Asker {
    /// An asker that knows of no device yet.
    ///
    /// # Errors
    /// One line for the user.
    pub fn open() -> Result<Self, String> {
        // With no protocol it receives nothing, and the kernel writes the link's header.
        let socket = socket_with(AddressFamily::PACKET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)
            .map_err(|error| format!("--dark-confirm: {error}"))?;
        Ok(Self { socket, devices: Default::default() })
    }

    /// Takes note of what an interface is now.
    pub fn set_interface(&mut self, interface: usize, presence: &Presence<'_>) {
        if let Some(device) = self.devices.get_mut(interface) {
            let now = presence.devices.map(|set| &set.interface);
            let now = now.filter(|device| device.kind == DeviceKind::Ethernet);
            // No device has the number 0.
            *device = now.map_or_else(Default::default, |device| (device.index, device.mac));
        }
    }

    /// Asks for an IPv4 address on an interface. False if that cannot be done.
    pub fn ask(&self, interface: usize, target: Address) -> bool {
        let (Some(&(index, mac)), Some(target)) = (self.devices.get(interface), target.as_v4()) else {
            return false;
        };
        let target = Ipv4Addr::from_bits(target);
        own_address(target)
            .is_some_and(|own| system::broadcast_arp(&self.socket, index, &request(mac, own, target)).is_ok())
    }
}

/// The address under which this machine turns to another one. Nothing is sent.
fn own_address(target: Ipv4Addr) -> Option<Ipv4Addr> {
    let any = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(SocketAddr::from((target, 9))).ok()?;
    match socket.local_addr().ok()?.ip() {
        IpAddr::V4(own) => Some(own),
        IpAddr::V6(_) => None,
    }
}

/// An ARP request for IPv4 over Ethernet.
fn request(Mac(mac): Mac, own: Ipv4Addr, target: Ipv4Addr) -> [u8; 28] {
    let [a, b, c, d, e, f] = mac;
    let [g, h, i, j] = own.octets();
    let [k, l, m, n] = target.octets();
    [0, 1, 8, 0, 6, 4, 0, 1, a, b, c, d, e, f, g, h, i, j, 0, 0, 0, 0, 0, 0, k, l, m, n]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Arp, Decoded, Frame, LinkType, NonIp, decode};

    #[test]
    fn a_question_is_what_we_read_ourselves() {
        let (mac, own, target) =
            (Mac([2, 0, 0, 0, 0, 1]), Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 9));
        let mut frame = [[0xff; 6], mac.0].concat();
        frame.extend([8, 6]);
        frame.extend(request(mac, own, target));
        let wire_length = frame.len() as u32;
        let decoded = decode(&Frame { link: LinkType::Ethernet, bytes: &frame, wire_length });
        let Decoded::NonIp(NonIp { arp: Some(arp), .. }) = decoded else { panic!("{decoded:?}") };
        let [sender, target] = [own, target].map(|address| Address::from(IpAddr::V4(address)));
        assert_eq!(arp, Arp { request: true, sender_mac: mac, sender, target });
    }

    #[test]
    fn the_sender_is_this_machine() {
        assert_eq!(own_address(Ipv4Addr::LOCALHOST), Some(Ipv4Addr::LOCALHOST));
    }
}
