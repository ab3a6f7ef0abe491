//! What devices do beyond the router, and what of it goes astray.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use super::neighbors::Asker;
use super::{Home, Interface, ROUTER, ROUTER_MAC, SECOND, What};
use crate::frame::{
    BROADCAST, Ipv4, Mac, SYN_OPTIONS, Tcp, arp_request, ethernet, ethertype, flag, icmp, ip, protocol, tcp,
    udp,
};

/// What is sent to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    Ping,
    Tcp(u16),
    Udp(u16),
}

/// The router's address at the provider, and that of the provider's router.
const WAN: Ipv4Addr = Ipv4Addr::new(203, 0, 113, 7);
const WAN_MAC: Mac = [0x94, 0x83, 0xc4, 0x10, 0x20, 0x02];
const PROVIDER_MAC: Mac = [0x00, 0x1b, 0x0d, 0xe6, 0x5d, 0x40];

const ROUND_TRIP: u64 = 20_000;

impl Home {
    /// Sends something from a device to an address; nothing if it has none itself or nobody answers for the
    /// next hop. An address of the home that has it answers. Returns when it was sent.
    pub fn send(
        &mut self,
        at: u64,
        device: usize,
        destination: Ipv4Addr,
        probe: Probe,
    ) -> Option<(u64, SocketAddr)> {
        let own = self.devices[device].address.filter(|_| self.devices[device].is_there)?;
        let is_on_link = destination.octets()[..3] == ROUTER.octets()[..3];
        let hop = if is_on_link { destination } else { ROUTER };
        let (at, mac) = self.resolve(at, Asker::Device(device), hop)?;
        let port = self.rng.between(32_768, 60_999) as u16;
        let source = SocketAddr::from((own, port));
        let frame = self.probe(self.mac(device), mac, &source, destination, probe);
        self.lan(at, frame);
        if is_on_link && destination != ROUTER {
            self.answer(at + 800, destination, &source, probe);
        }
        Some((at, source))
    }

    /// An open port's, or a host's, answer on the LAN.
    fn answer(&mut self, at: u64, from: Ipv4Addr, to: &SocketAddr, probe: Probe) {
        let other = self.devices.iter().position(|other| other.is_there && other.address == Some(from));
        let (Some(other), SocketAddr::V4(to)) = (other, to) else { return };
        let Some((at, mac)) = self.resolve(at, Asker::Device(other), *to.ip()) else { return };
        let own_mac = self.mac(other);
        let frame = reply(own_mac, mac, from, to, probe);
        self.lan(at, frame);
    }

    fn probe(
        &mut self,
        own_mac: Mac,
        mac: Mac,
        source: &SocketAddr,
        destination: Ipv4Addr,
        probe: Probe,
    ) -> Vec<u8> {
        let (protocol, destination, payload) = match probe {
            Probe::Ping => {
                (protocol::ICMP, SocketAddr::from((destination, 0)), icmp(8, 0, [0, 1, 0, 1], &[0; 56]))
            }
            Probe::Udp(port) => {
                let destination = SocketAddr::from((destination, port));
                (protocol::UDP, destination, udp(source, &destination, &[0; 64]))
            }
            Probe::Tcp(port) => {
                let destination = SocketAddr::from((destination, port));
                // RFC 6528: the sequence number is as good as random.
                let sequence = self.rng.next_u32();
                let header = Tcp { sequence, window: 64_240, options: &SYN_OPTIONS, ..Tcp::flags(flag::SYN) };
                (protocol::TCP, destination, tcp(source, &destination, &header, &[]))
            }
        };
        let (SocketAddr::V4(source), SocketAddr::V4(destination)) = (source, &destination) else {
            return Vec::new();
        };
        let mut header = Ipv4::new(*source.ip(), *destination.ip(), protocol);
        header.identification = self.rng.next_u32() as u16;
        header.dont_fragment = true;
        ethernet(own_mac, mac, ethertype::IPV4, &header.packet(&payload))
    }

    /// A flow to a service on the Internet: its name is asked for, and the first packets of it. What comes after
    /// is of a flow that is known.
    pub fn surf(&mut self, device: usize) {
        let service = self.public();
        let probe = match self.rng.below(10) {
            0..=4 => Probe::Tcp(443),
            5..=7 => Probe::Udp(443),
            8 => Probe::Tcp(5223),
            _ => Probe::Udp(3478),
        };
        let Some((at, _)) = self.send(self.now, device, ROUTER, Probe::Udp(53)) else { return };
        let Some((at, source)) = self.send(at + ROUND_TRIP, device, service, probe) else { return };
        // Pushed messages come when a phone may have left; then the router asks for it in vain.
        for n in 1..=2 {
            let later = if self.rng.percent(3) { self.rng.next_u64() % (600 * SECOND) } else { 0 };
            self.plan(at + n * ROUND_TRIP + later, super::Task::Answer { service, source, probe });
        }
    }

    /// The answer of a service comes through the router.
    pub fn answered(&mut self, service: Ipv4Addr, source: SocketAddr, probe: Probe) {
        let SocketAddr::V4(client) = source else { return };
        if !self.is_up {
            return;
        }
        let Some((at, mac)) = self.resolve(self.now, Asker::Router, *client.ip()) else { return };
        self.lan(at, reply(ROUTER_MAC, mac, service, &client, probe));
    }

    /// An address on the Internet.
    pub fn public(&mut self) -> Ipv4Addr {
        // From 11.0.0.0 to 99.255.255.255 there is no special one.
        Ipv4Addr::from(self.rng.between(0x0b00_0000, 0x63ff_ffff))
    }

    /// BitTorrent tries what trackers, DHT (BEP 5) and peer exchange (BEP 11) tell, most of which is gone: a SYN
    /// or uTP, and again after 1, 3 and 7 s (RFC 6298). libtorrent drops private addresses that a stranger's
    /// peer exchange tells it, but trackers and the DHT tell some as well. How many is an estimate: one in 3,000,
    /// every tenth of them of the network that most homes have.
    pub fn share(&mut self, device: usize) {
        for _ in 0..self.rng.between(2, 6) {
            let private = self.rng.below(3_000) == 0;
            let peer = match (private, self.rng.below(10)) {
                (false, _) => self.public(),
                (true, 0) => Ipv4Addr::new(192, 168, 1, self.rng.between(2, 254) as u8),
                (true, 1..=4) => Ipv4Addr::new(192, 168, self.rng.below(255) as u8 + 1, 20),
                (true, 5..=7) => Ipv4Addr::new(10, 0, self.rng.below(256) as u8, self.rng.below(256) as u8),
                (true, _) => Ipv4Addr::new(172, 16 + self.rng.below(16) as u8, 0, 9),
            };
            let port = self.rng.between(1_025, 65_535) as u16;
            let probe = if self.rng.percent(50) { Probe::Tcp(port) } else { Probe::Udp(port) };
            let at = self.now + self.rng.next_u64() % (20 * SECOND);
            for wait in [0, 1, 3, 7] {
                self.plan(at + wait * SECOND, super::Task::Send { device, destination: peer, probe });
            }
        }
    }

    /// What the provider's network says to everybody: its ARP, scanners, and answers to forged packets.
    pub fn noise(&mut self) {
        let stranger = self.public();
        let frame = match self.rng.below(10) {
            0..=6 => {
                let target = Ipv4Addr::new(203, 0, 113, self.rng.between(2, 254) as u8);
                let question = arp_request(PROVIDER_MAC, Ipv4Addr::new(203, 0, 113, 1), target);
                ethernet(PROVIDER_MAC, BROADCAST, ethertype::ARP, &question)
            }
            7 | 8 => {
                let source = SocketAddr::from((stranger, 51_000));
                let port = [22, 23, 80, 443, 445, 3389, 5060, 8080][self.rng.below(8) as usize];
                self.probe(PROVIDER_MAC, WAN_MAC, &source, WAN, Probe::Tcp(port))
            }
            _ => {
                let to = SocketAddrV4::new(WAN, self.rng.between(1_024, 65_535) as u16);
                reply(PROVIDER_MAC, WAN_MAC, stranger, &to, Probe::Tcp(80))
            }
        };
        let what = What::Frame(Interface::Wan, crate::frame::padded(frame));
        self.push(self.now, super::Due::Seen(what));
    }
}

fn reply(own_mac: Mac, mac: Mac, from: Ipv4Addr, to: &SocketAddrV4, probe: Probe) -> Vec<u8> {
    let target = SocketAddr::V4(*to);
    let (protocol, payload) = match probe {
        Probe::Ping => (protocol::ICMP, icmp(0, 0, [0, 1, 0, 1], &[0; 56])),
        Probe::Udp(port) => (protocol::UDP, udp(&SocketAddr::from((from, port)), &target, &[0; 200])),
        Probe::Tcp(port) => {
            let header = Tcp { options: &SYN_OPTIONS, ..Tcp::flags(flag::SYN | flag::ACK) };
            (protocol::TCP, tcp(&SocketAddr::from((from, port)), &target, &header, &[]))
        }
    };
    ethernet(own_mac, mac, ethertype::IPV4, &ip(&SocketAddr::from((from, 0)), &target, protocol, &payload))
}
