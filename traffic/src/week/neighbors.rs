//! Who has an address: ARP as systems really do it, and neighbor discovery.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::devices::{EXTENDER, PREFIX};
use super::{Home, ROUTER, ROUTER_MAC, SECOND};
use crate::frame::{
    ALL_NODES, BROADCAST, Mac, arp_reply, arp_request, duplicate_address_probe, ethernet, ethertype,
    multicast_mac, neighbor_advertisement, neighbor_solicitation, router_advertisement, solicited_node,
};

/// Linux's ARP cache, arp(7): an entry is good for half to one and a half of 30 s (base_reachable_time); after
/// that it is used at once, but asked after 5 s by three questions to the address itself (ucast_solicit). If
/// these fail, or there was no entry, three are broadcast (mcast_solicit), a second apart (retrans_time), before
/// the packet is dropped. The next packet begins anew. Windows and Apple's systems are alike (RFC 4861, 7.3).
#[derive(Clone, Debug, Default)]
pub struct Cache {
    /// The link-layer address, and until when it is good.
    entries: BTreeMap<Ipv4Addr, (Mac, u64)>,
}

/// Who asks, by place in the list of devices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asker {
    Router,
    Device(usize),
}

/// How long a device takes to answer.
const ANSWER: u64 = 900;

impl Home {
    /// Lets somebody find out the link-layer address of another, and says when it is known. `None` if nobody
    /// answers.
    pub fn resolve(&mut self, at: u64, asker: Asker, target: Ipv4Addr) -> Option<(u64, Mac)> {
        let (own_mac, own) = self.identity(asker)?;
        let answer = self.who_has(target);
        let known = self.cache(asker).entries.get(&target).copied();
        let good_for = 15 * SECOND + self.rng.next_u64() % (30 * SECOND);
        let question = arp_request(own_mac, own, target);
        if let Some((mac, until)) = known {
            if until > at {
                return Some((at, mac));
            }
            // Stale: used at once, asked after five seconds.
            let is_right = answer == Some(mac);
            for n in 0..if is_right { 1 } else { 3 } {
                let at = at + (5 + n) * SECOND;
                self.lan(at, ethernet(own_mac, mac, ethertype::ARP, &question));
            }
            if is_right {
                self.answer_arp(at + 5 * SECOND + ANSWER, (mac, target), (own_mac, own));
                self.cache(asker).entries.insert(target, (mac, at + 5 * SECOND + good_for));
            } else {
                self.cache(asker).entries.remove(&target);
            }
            return Some((at, mac));
        }
        let Some(mac) = answer else {
            for n in 0..3 {
                self.broadcast_question(at + n * SECOND, own_mac, &question);
            }
            return None;
        };
        self.broadcast_question(at, own_mac, &question);
        self.answer_arp(at + ANSWER, (mac, target), (own_mac, own));
        self.cache(asker).entries.insert(target, (mac, at + good_for));
        Some((at + ANSWER, mac))
    }

    fn broadcast_question(&mut self, at: u64, own_mac: Mac, question: &[u8]) {
        self.lan(at, ethernet(own_mac, BROADCAST, ethertype::ARP, question));
    }

    fn answer_arp(&mut self, at: u64, (mac, address): (Mac, Ipv4Addr), (to_mac, to): (Mac, Ipv4Addr)) {
        self.lan(at, ethernet(mac, to_mac, ethertype::ARP, &arp_reply(mac, address, to_mac, to)));
    }

    /// An address conflict is looked for before an address is used, three times, and then it is announced
    /// (RFC 5227). Linux's DHCP clients only announce it.
    pub fn announce(&mut self, at: u64, device: usize, probes: bool) -> u64 {
        let mac = self.mac(device);
        let Some(address) = self.devices[device].address else { return at };
        let mut at = at;
        if probes {
            for _ in 0..3 {
                let probe = arp_request(mac, Ipv4Addr::UNSPECIFIED, address);
                self.lan(at, ethernet(mac, BROADCAST, ethertype::ARP, &probe));
                at += SECOND + self.rng.next_u64() % SECOND;
            }
        }
        for n in 0..2 {
            let announcement = arp_request(mac, address, address);
            self.lan(at + n * 2 * SECOND, ethernet(mac, BROADCAST, ethertype::ARP, &announcement));
        }
        at
    }

    /// A device tries out a new temporary address of IPv6 and asks for the router.
    pub fn announce_v6(&mut self, at: u64, device: usize) {
        let Some((address, _)) = self.devices[device].temporary else { return };
        let mac = self.mac(device);
        self.lan_v6(at, mac, solicited_node(address), duplicate_address_probe(address));
        let router = link_local(ROUTER_MAC);
        let question = neighbor_solicitation(address, mac, router);
        self.lan_v6(at + SECOND, mac, solicited_node(router), question);
        let answer = neighbor_advertisement(router, ROUTER_MAC, address);
        self.lan(at + SECOND + ANSWER, ethernet(ROUTER_MAC, mac, ethertype::IPV6, &answer));
    }

    /// One device asks for another's address of IPv6, three times if nobody answers (RFC 4861, 10).
    pub fn solicit(&mut self, at: u64, device: usize, target: Ipv6Addr) {
        let Some((own, _)) = self.devices[device].temporary else { return };
        let mac = self.mac(device);
        let has_it = |other: &super::Device| {
            other.is_there && other.temporary.is_some_and(|(now, before)| target == now || target == before)
        };
        let other = self.devices.iter().position(has_it);
        for n in 0..if other.is_some() { 1 } else { 3 } {
            let question = neighbor_solicitation(own, mac, target);
            self.lan_v6(at + n * SECOND, mac, solicited_node(target), question);
        }
        if let Some(other) = other {
            let other_mac = self.mac(other);
            let answer = neighbor_advertisement(target, other_mac, own);
            self.lan(at + ANSWER, ethernet(other_mac, mac, ethertype::IPV6, &answer));
        }
    }

    /// The router says that it is one (RFC 4861, 6.2.4).
    pub fn advertise(&mut self) {
        let message = router_advertisement(link_local(ROUTER_MAC), ROUTER_MAC);
        self.lan_v6(self.now, ROUTER_MAC, ALL_NODES, message);
    }

    fn lan_v6(&mut self, at: u64, mac: Mac, group: Ipv6Addr, packet: Vec<u8>) {
        self.lan(at, ethernet(mac, multicast_mac(group), ethertype::IPV6, &packet));
    }

    /// Under which link-layer address a device shows. An extender without WDS stands in for those behind it and
    /// answers ARP for them (proxy ARP, RFC 1027, as OpenWrt's relayd does).
    pub fn mac(&self, device: usize) -> Mac {
        let device = &self.devices[device];
        if device.is_behind_extender { self.devices[EXTENDER].mac } else { device.mac }
    }

    /// The link-layer address that answers for an address now.
    pub fn who_has(&self, address: Ipv4Addr) -> Option<Mac> {
        if address == ROUTER {
            return self.is_up.then_some(ROUTER_MAC);
        }
        let has_it = |device: &super::Device| device.is_there && device.address == Some(address);
        self.devices.iter().position(has_it).map(|device| self.mac(device))
    }

    fn identity(&self, asker: Asker) -> Option<(Mac, Ipv4Addr)> {
        match asker {
            Asker::Router => Some((ROUTER_MAC, ROUTER)),
            Asker::Device(device) => Some((self.mac(device), self.devices[device].address?)),
        }
    }

    fn cache(&mut self, asker: Asker) -> &mut Cache {
        match asker {
            Asker::Router => &mut self.router,
            Asker::Device(device) => &mut self.devices[device].neighbors,
        }
    }
}

/// The link-local address that goes with a link-layer address (RFC 4291, appendix A).
fn link_local([a, b, c, d, e, f]: Mac) -> Ipv6Addr {
    let word = |high: u8, low: u8| u16::from_be_bytes([high, low]);
    Ipv6Addr::new(0xfe80, 0, 0, 0, word(a ^ 2, b), word(c, 0xff), word(0xfe, d), word(e, f))
}

/// A temporary address of the home's prefix.
pub fn temporary(random: u64) -> Ipv6Addr {
    Ipv6Addr::from_bits(PREFIX.to_bits() | u128::from(random))
}
