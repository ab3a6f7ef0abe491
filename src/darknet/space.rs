//! What is dark: the prefixes that the user gives, and those addresses of the LANs' own networks that
//! nobody has.
//!
//! Whoever sends has its address; it is lit then. Only addresses of IPv4 networks are dark for want of a
//! sign, since an IPv6 network has too many of them to say that of one; a solicitation for an IPv6 address
//! that nobody has counts nevertheless, because it is asked on the link itself.

use heapless::Vec;

use super::signs::{Light, Signs};
use crate::limits::{DARK_PREFIXES_MAX, INTERFACES_MAX, LEARNING_SECONDS, LOCAL_PREFIXES_MAX, OWN_MACS_MAX};
use crate::network::{Networks, Place, Prefix};
use crate::packet::{Address, Mac};
use crate::table::Seed;

/// Why an address is dark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Darkness {
    /// The user says so.
    Given,
    /// It is in a LAN's own network, and there has been no sign of anybody who has it.
    Unused,
    /// The same, but the network has not been watched for long enough to know.
    Learning,
}

/// An interface that leads to hosts of ours.
#[derive(Clone, Debug, Default)]
struct Lan {
    /// False until it is known to be one.
    is_known: bool,
    networks: Vec<Prefix, LOCAL_PREFIXES_MAX>,
    /// The link-layer addresses under which we send there.
    own_macs: Vec<Mac, OWN_MACS_MAX>,
    /// The second in which it was first watched with these networks.
    since: Option<u32>,
}

/// The dark.
#[derive(Clone, Debug)]
pub(super) struct Space {
    given: Vec<Prefix, DARK_PREFIXES_MAX>,
    /// By interface, up to the last one that is a LAN.
    lans: Vec<Lan, INTERFACES_MAX>,
    signs: Signs,
    private: Networks,
    /// Seconds for which a LAN is watched before its addresses can be dark.
    learning: u32,
}

impl Space {
    /// These prefixes, and room for the signs of so many addresses; `None` if there are too many prefixes.
    /// No LAN is known yet.
    pub fn new(given: &[Prefix], signs: usize, seed: Seed) -> Option<Self> {
        let given = Vec::from_slice(given).ok()?;
        Some(Self {
            given,
            private: Networks::private(),
            lans: Vec::new(),
            signs: Signs::with_capacity(signs, seed),
            learning: LEARNING_SECONDS,
        })
    }

    pub fn set_learning(&mut self, seconds: u32) {
        self.learning = seconds;
    }

    pub fn given(&self) -> &[Prefix] {
        &self.given
    }

    /// Says which networks a LAN interface is connected to, and under which link-layer addresses we send
    /// there. Other networks have to be learned anew.
    pub fn set_lan(&mut self, interface: usize, networks: &Networks, own_macs: &[Mac]) {
        while self.lans.len() <= interface && self.lans.push(Lan::default()).is_ok() {}
        let Some(lan) = self.lans.get_mut(interface) else { return };
        lan.is_known = true;
        lan.own_macs = own_macs.iter().copied().take(OWN_MACS_MAX).collect();
        if lan.networks != networks.prefixes() {
            lan.networks = networks.prefixes().iter().copied().collect();
            lan.since = None;
        }
    }

    /// The networks of the LANs.
    pub fn lans(&self) -> impl Iterator<Item = &Prefix> {
        self.lans.iter().flat_map(|lan| &lan.networks)
    }

    /// True if nothing can be dark.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.lans.iter().all(|lan| lan.networks.is_empty())
    }

    /// True if this interface leads to hosts of ours.
    pub fn is_lan(&self, interface: usize) -> bool {
        self.lans.get(interface).is_some_and(|lan| lan.is_known)
    }

    /// True if this address, seen on that interface, is one of ours: of a LAN's own networks, or of a private
    /// one that another router of the house may have.
    pub fn is_resident(&self, interface: usize, address: Address) -> bool {
        let Some(lan) = self.lans.get(interface).filter(|lan| lan.is_known) else { return false };
        lan.networks.iter().any(|network| network.contains(address))
            || self.private.place(address) != Place::Remote
    }

    /// True if this address is in a network of the LANs; as long as no network is known, in a private one.
    pub fn is_home(&self, address: Address) -> bool {
        if self.lans().next().is_none() {
            return self.private.place(address) == Place::Local;
        }
        self.lans().any(|network| network.contains(address))
    }

    /// True if we send under this link-layer address on that interface.
    pub fn is_own(&self, interface: usize, mac: Mac) -> bool {
        self.lans.get(interface).is_some_and(|lan| lan.own_macs.contains(&mac))
    }

    /// A sign of whoever has this address, seen on this interface. What comes from elsewhere under an
    /// address of a LAN is none.
    pub fn note(&mut self, interface: usize, address: Address, now: u32) {
        let Some(lan) = self.lans.get_mut(interface) else { return };
        if lan.networks.iter().any(|network| network.contains(address)) {
            lan.since.get_or_insert(now);
            self.signs.note(address, now);
        }
    }

    /// A sign of whoever has this address, on whichever LAN it is.
    pub fn note_known(&mut self, address: Address, now: u32) {
        for interface in 0..self.lans.len() {
            self.note(interface, address, now);
        }
    }

    /// Why the destination of a packet is dark, if it is.
    pub fn darkness(&self, address: Address, now: u32) -> Option<Darkness> {
        if self.given.iter().any(|prefix| prefix.contains(address)) {
            return Some(Darkness::Given);
        }
        if address.is_v4() { self.unused(address, now) } else { None }
    }

    /// Why an address that somebody asks the link for is dark, if it is.
    pub fn darkness_on_link(&self, address: Address, now: u32) -> Option<Darkness> {
        let given = self.given.iter().any(|prefix| prefix.contains(address));
        if given { Some(Darkness::Given) } else { self.unused(address, now) }
    }

    fn unused(&self, address: Address, now: u32) -> Option<Darkness> {
        let holds = |prefix: &&Prefix| prefix.contains(address) && is_for_a_host(prefix, address);
        let lan = self.lans.iter().find(|lan| lan.networks.iter().any(|network| holds(&network)))?;
        if self.signs.light(address, now) != Light::Dark {
            return None;
        }
        match lan.since {
            Some(since) if now.saturating_sub(since) >= self.learning => Some(Darkness::Unused),
            _ => Some(Darkness::Learning),
        }
    }

    /// Addresses with signs that were forgotten too early, for want of room.
    pub fn forgotten(&self) -> u64 {
        self.signs.forgotten()
    }
}

/// False for the two addresses of an IPv4 network that stand for all of it (RFC 919, RFC 3021).
fn is_for_a_host(prefix: &Prefix, address: Address) -> bool {
    let Some(hosts) = 32u32.checked_sub(prefix.length().into()).filter(|_| address.is_v4()) else {
        return true;
    };
    if hosts < 2 {
        return true;
    }
    let last = u64::MAX >> (64 - hosts);
    let host = address.low & last;
    host != 0 && host != last
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::*;
    use crate::limits::GRACE_SECONDS;

    const NOW: u32 = 1_700_000_000;
    const LEARNED: u32 = NOW + LEARNING_SECONDS;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    /// A LAN on interface 1 that was watched for long enough, in which the router's address is lit.
    fn space() -> Space {
        let mut space = Space::new(&["10.9.0.0/16".parse().unwrap()], 1024, Seed::new(1, 2)).unwrap();
        let mut networks = Networks::new();
        networks.add("192.168.1.0/24".parse().unwrap());
        networks.add("2001:db8::/64".parse().unwrap());
        space.set_lan(1, &networks, &[]);
        space.note(1, address("192.168.1.1"), NOW);
        space
    }

    #[test]
    fn what_nobody_has_is_dark() {
        let mut space = space();
        assert_eq!(space.darkness(address("10.9.1.2"), NOW), Some(Darkness::Given));
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED - 1), Some(Darkness::Learning));
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), Some(Darkness::Unused));
        for lit in ["192.168.1.1", "192.168.1.0", "192.168.1.255", "192.168.2.7", "8.8.8.8"] {
            assert_eq!(space.darkness(address(lit), LEARNED), None, "{lit}");
        }
        space.note(1, address("192.168.1.7"), LEARNED);
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), None);
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED + GRACE_SECONDS), Some(Darkness::Unused));
    }

    #[test]
    fn an_address_of_ipv6_is_dark_only_on_the_link() {
        let space = space();
        assert_eq!(space.darkness(address("2001:db8::7"), LEARNED), None);
        assert_eq!(space.darkness_on_link(address("2001:db8::7"), LEARNED), Some(Darkness::Unused));
        assert_eq!(space.darkness_on_link(address("2001:db9::7"), LEARNED), None);
    }

    #[test]
    fn a_sign_from_elsewhere_is_none() {
        let mut space = space();
        space.note(0, address("192.168.1.7"), NOW);
        space.note(1, address("192.168.2.7"), NOW);
        space.note(99, address("192.168.1.7"), NOW);
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), Some(Darkness::Unused));
    }

    #[test]
    fn another_network_is_learned_anew() {
        let mut space = space();
        let mut networks = Networks::new();
        networks.add("192.168.9.0/24".parse().unwrap());
        space.set_lan(1, &networks, &[]);
        assert_eq!(space.darkness(address("192.168.9.7"), LEARNED), Some(Darkness::Learning));
        space.set_lan(1, &Networks::new(), &[]);
        assert_eq!(space.darkness(address("192.168.9.7"), LEARNED), None);
        assert!(space.is_lan(1) && !space.is_lan(0) && !space.is_empty());
        assert!(Space::new(&[], 1024, Seed::new(1, 2)).unwrap().is_empty());
    }

    #[test]
    fn small_networks_have_no_address_for_all() {
        let prefix = |text: &str| text.parse::<Prefix>().unwrap();
        assert!(is_for_a_host(&prefix("10.0.0.4/31"), address("10.0.0.4")));
        assert!(is_for_a_host(&prefix("10.0.0.4/32"), address("10.0.0.4")));
        assert!(!is_for_a_host(&prefix("10.0.0.4/30"), address("10.0.0.7")));
        assert!(is_for_a_host(&prefix("2001:db8::/64"), address("2001:db8::")));
        assert!(!is_for_a_host(&prefix("0.0.0.0/0"), address("255.255.255.255")));
    }
}
