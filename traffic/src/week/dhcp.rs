//! DHCP (RFC 2131), with a server that does as dnsmasq does.

use std::net::{Ipv4Addr, SocketAddr};

use super::neighbors::Asker;
use super::{HOUR, Home, ROUTER, ROUTER_MAC, SECOND};
use crate::frame::{BROADCAST, Mac, ethernet, ethertype, ip, protocol, udp};

/// dnsmasq's default on OpenWrt.
const LEASE: u64 = 12 * HOUR;
/// The pool on OpenWrt: 192.168.1.100 and up.
const POOL: (u8, u32) = (100, 150);
/// How long dnsmasq waits for an answer to its ping (PING_WAIT).
const PING_WAIT: u64 = 3 * SECOND;
const ROUND_TRIP: u64 = 3_000;

/// The option that says what a message is (RFC 2132, 9.6).
const DISCOVER: u8 = 1;
const OFFER: u8 = 2;
const REQUEST: u8 = 3;
const ACK: u8 = 5;

/// What the server remembers.
pub struct Lease {
    pub address: Ipv4Addr,
    pub until: u64,
    mac: Mac,
}

impl Home {
    /// Lets a device that has just come get its address, and says when it has it.
    pub fn join(&mut self, device: usize) -> u64 {
        let mut at = self.now + SECOND;
        let asks_first = device.is_multiple_of(2);
        if let Some(fixed) = self.devices[device].fixed {
            self.devices[device].address = Some(fixed);
        } else if !self.is_up {
            // Nobody answers; what it had before is used as long as the lease runs.
            at += 10 * SECOND;
        } else {
            at = self.lease(at, device);
        }
        let at = self.announce(at, device, asks_first);
        self.announce_v6(at, device);
        at
    }

    fn lease(&mut self, at: u64, device: usize) -> u64 {
        let mac = self.mac(device);
        let own_mac = self.devices[device].mac;
        let remembered = self.devices[device].address.filter(|_| self.devices[device].leased_until > at);
        let taken = |address| self.who_has(address).is_some_and(|other| other != mac);
        if let Some(address) = remembered.filter(|address| !taken(*address)) {
            // INIT-REBOOT (4.3.2): it asks for what it had.
            self.say_to_server(at, own_mac, REQUEST, address);
            self.grant(at, device, address);
            return at + ROUND_TRIP;
        }
        let address = self.choose(own_mac);
        self.say_to_server(at, own_mac, DISCOVER, address);
        // An address that is offered anew is pinged first, and so the kernel asks for it.
        let offered = if self.lease_of(own_mac).is_none() {
            self.resolve(at, Asker::Router, address);
            at + PING_WAIT
        } else {
            at + ROUND_TRIP
        };
        self.say_to_client(offered, own_mac, OFFER, address);
        self.say_to_server(offered + ROUND_TRIP, own_mac, REQUEST, address);
        self.grant(offered + ROUND_TRIP, device, address);
        offered + 2 * ROUND_TRIP
    }

    /// Half-way through its lease a device asks for more time, the server alone (4.4.5).
    pub fn renew(&mut self, device: usize) {
        let Some(address) = self.devices[device].address else { return };
        let client = SocketAddr::from((address, 68));
        let server = SocketAddr::from((ROUTER, 67));
        if let Some((at, mac)) = self.resolve(self.now, Asker::Device(device), ROUTER) {
            let message = message(self.devices[device].mac, REQUEST, address);
            let packet = ip(&client, &server, protocol::UDP, &udp(&client, &server, &message));
            self.lan(at, ethernet(self.mac(device), mac, ethertype::IPV4, &packet));
            self.grant(at, device, address);
        }
    }

    fn grant(&mut self, at: u64, device: usize, address: Ipv4Addr) {
        let mac = self.devices[device].mac;
        self.say_to_client(at + ROUND_TRIP / 2, mac, ACK, address);
        self.devices[device].address = Some(address);
        self.devices[device].leased_until = at + LEASE;
        self.leases.retain(|lease| lease.mac != mac && lease.address != address && lease.until > at);
        self.leases.push(Lease { address, until: at + LEASE, mac });
    }

    fn lease_of(&self, mac: Mac) -> Option<&Lease> {
        self.leases.iter().find(|lease| lease.mac == mac && lease.until > self.now)
    }

    /// dnsmasq chooses by a hash of the link-layer address, and the next free one if that is taken: so a device
    /// mostly gets what it had, and some day another.
    fn choose(&self, mac: Mac) -> Ipv4Addr {
        if let Some(lease) = self.lease_of(mac) {
            return lease.address;
        }
        let hash = mac.iter().fold(0u32, |hash, byte| hash.wrapping_mul(65_599).wrapping_add((*byte).into()));
        let numbered = |n: u32| Ipv4Addr::new(192, 168, 1, POOL.0 + ((hash + n) % POOL.1) as u8);
        let is_free = |address: &Ipv4Addr| {
            !self.leases.iter().any(|lease| lease.address == *address && lease.until > self.now)
                && self.who_has(*address).is_none()
        };
        (0..POOL.1).map(numbered).find(is_free).unwrap_or(numbered(0))
    }

    fn say_to_server(&mut self, at: u64, mac: Mac, kind: u8, address: Ipv4Addr) {
        let client = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 68));
        let server = SocketAddr::from((Ipv4Addr::BROADCAST, 67));
        let packet =
            ip(&client, &server, protocol::UDP, &udp(&client, &server, &message(mac, kind, address)));
        self.lan(at, ethernet(mac, BROADCAST, ethertype::IPV4, &packet));
    }

    /// To the address that the client does not have yet (4.1).
    fn say_to_client(&mut self, at: u64, mac: Mac, kind: u8, address: Ipv4Addr) {
        let server = SocketAddr::from((ROUTER, 67));
        let client = SocketAddr::from((address, 68));
        let packet =
            ip(&server, &client, protocol::UDP, &udp(&server, &client, &message(mac, kind, address)));
        self.lan(at, ethernet(ROUTER_MAC, mac, ethertype::IPV4, &packet));
    }
}

/// A message without options but the one that says what it is (RFC 2131, 2; RFC 2132, 9.6).
fn message(mac: Mac, kind: u8, address: Ipv4Addr) -> Vec<u8> {
    let is_reply = matches!(kind, OFFER | ACK);
    let mut message = vec![if is_reply { 2 } else { 1 }, 1, 6, 0];
    message.resize(240, 0);
    let at = if is_reply { 16 } else { 12 };
    message[at..at + 4].copy_from_slice(&address.octets());
    message[28..34].copy_from_slice(&mac);
    message[236..240].copy_from_slice(&[99, 130, 83, 99]);
    message.extend([53, 1, kind, 255]);
    message
}
