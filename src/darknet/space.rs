//! What is dark: the prefixes that the user gives, and those addresses of the LANs' own networks that
//! nobody has.
//!
//! Whoever sends has its address; it is lit then. Only addresses of IPv4 networks are dark for want of a
//! sign, since an IPv6 network has too many of them to say that of one; a solicitation for an IPv6 address
//! that nobody has counts nevertheless, because it is asked on the link itself.

use alloc::boxed::Box;

use heapless::Vec;

use super::Signal;
use super::bogons::{InUse, is_bogon};
use super::signs::{Light, Signs};
use crate::limits::{
    DARK_PREFIXES_MAX, GRACE_SECONDS, HABITS_MAX, INTERFACES_MAX, LEARNING_SECONDS, LOCAL_PREFIXES_MAX,
    OWN_MACS_MAX,
};
use crate::network::{Networks, Place, Prefix, Role};
use crate::packet::{Address, Mac, Packet};
use crate::table::Seed;

/// What is known of an interface.
#[derive(Clone, Debug, Default)]
struct Interface {
    /// What it leads to, once that is known.
    role: Option<Role>,
    /// Those it is connected to.
    networks: Vec<Prefix, LOCAL_PREFIXES_MAX>,
    /// The link-layer addresses under which we send there.
    own_macs: Vec<Mac, OWN_MACS_MAX>,
    /// The second from which on it has been watched with these networks, and that of the last sign.
    watched: Option<(u32, u32)>,
    /// How many of its addresses were taken for habits.
    habits: u32,
}

/// The dark.
#[derive(Clone, Debug)]
pub(super) struct Space {
    given: Vec<Prefix, DARK_PREFIXES_MAX>,
    /// Up to the last one that is known.
    interfaces: Box<Vec<Interface, INTERFACES_MAX>>,
    signs: Signs,
    in_use: InUse,
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
            interfaces: Box::default(),
            signs: Signs::with_capacity(signs, seed),
            in_use: InUse::default(),
            learning: LEARNING_SECONDS,
        })
    }

    pub fn set_learning(&mut self, seconds: u32) {
        self.learning = seconds;
    }

    pub fn given(&self) -> &[Prefix] {
        &self.given
    }

    /// Says what an interface leads to, which networks it is connected to, and under which link-layer
    /// addresses we send there. Other networks have to be learned anew.
    pub fn set_interface(&mut self, index: usize, role: Role, networks: &Networks, own_macs: &[Mac]) {
        while self.interfaces.len() <= index && self.interfaces.push(Interface::default()).is_ok() {}
        let Some(interface) = self.interfaces.get_mut(index) else { return };
        interface.role = Some(role);
        interface.own_macs = own_macs.iter().copied().take(OWN_MACS_MAX).collect();
        if interface.networks != networks.prefixes() {
            interface.networks = networks.prefixes().iter().copied().collect();
            interface.watched = None;
        }
    }

    fn lan(&self, index: usize) -> Option<&Interface> {
        self.interfaces.get(index).filter(|interface| interface.role == Some(Role::Lan))
    }

    /// The networks of the LANs.
    pub fn lans(&self) -> impl Iterator<Item = &Prefix> {
        (0..self.interfaces.len()).filter_map(|index| self.lan(index)).flat_map(|lan| &lan.networks)
    }

    /// True if nothing can be dark.
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.lans().next().is_none()
    }

    /// True if this interface leads to hosts of ours.
    pub fn is_lan(&self, interface: usize) -> bool {
        self.lan(interface).is_some()
    }

    /// True if this address, seen on that interface, is one of ours: of a LAN's own networks, or of a private
    /// one that another router of the house may have.
    pub fn is_resident(&self, interface: usize, address: Address) -> bool {
        let Some(lan) = self.lan(interface) else { return false };
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

    /// True if we send under this link-layer address, on whichever interface: two may be on one link.
    pub fn is_own(&self, mac: Mac) -> bool {
        self.interfaces.iter().any(|interface| interface.own_macs.contains(&mac))
    }

    /// A sign of whoever has this address, seen on this interface. What comes from elsewhere under an
    /// address of a LAN is none.
    pub fn note(&mut self, interface: usize, address: Address, now: u32) {
        let Some(interface) = self.interfaces.get_mut(interface) else { return };
        if interface.networks.iter().any(|network| network.contains(address)) {
            if interface.role == Some(Role::Lan) {
                // After a day without a sign, or when a clock without a battery is set, all is to be learned anew.
                let is_near = |&(_, last): &(u32, u32)| now.abs_diff(last) < GRACE_SECONDS;
                let since = interface.watched.filter(is_near).map_or(now, |(since, _)| since);
                interface.watched = Some((since, now));
                self.signs.note(address, now);
            }
        } else if is_bogon(address) {
            self.in_use.note(address, now);
        }
    }

    /// A sign of whoever has this address, on whichever LAN it is.
    pub fn note_known(&mut self, address: Address, now: u32) {
        for interface in 0..self.interfaces.len() {
            self.note(interface, address, now);
        }
    }

    /// Takes an address for one that somebody had, as long as there is no sign of it: who asks for it while the
    /// LAN is learned does so out of habit. That holds for a quarter of a network at most, and for no more than
    /// [`HABITS_MAX`], so that a sweep does not make all of it known.
    pub fn expect(&mut self, address: Address, now: u32) {
        let is_lan = |interface: &&mut Interface| interface.role == Some(Role::Lan);
        for lan in self.interfaces.iter_mut().filter(is_lan) {
            let Some(network) = lan.networks.iter().find(|network| network.contains(address)) else {
                continue;
            };
            let bits = if address.is_v4() { 32u32 } else { 128 }.saturating_sub(network.length().into());
            let quarter = 1u32.checked_shl(bits.saturating_sub(2)).unwrap_or(u32::MAX);
            if lan.habits < quarter.min(HABITS_MAX) && self.signs.light(address, now) == Light::Dark {
                lan.habits += 1;
                self.signs.note(address, now.saturating_sub(GRACE_SECONDS));
            }
        }
    }

    /// The number of the dark prefix, of those given, that holds an address.
    pub fn given_prefix(&self, address: Address) -> Option<usize> {
        self.given.iter().position(|prefix| prefix.contains(address))
    }

    /// Why the destination of a packet is dark, if it is.
    pub fn darkness(&self, address: Address, now: u32) -> Option<Signal> {
        if self.given_prefix(address).is_some() {
            return Some(Signal::Given);
        }
        if address.is_v4() { self.unused(address, now) } else { None }
    }

    /// Why an address that somebody asks the link for is dark, if it is.
    pub fn darkness_on_link(&self, address: Address, now: u32) -> Option<Signal> {
        if self.given_prefix(address).is_some() { Some(Signal::Given) } else { self.unused(address, now) }
    }

    /// [`Signal::Bogon`] if a packet that an interface saw left a LAN for a network that the Internet does not
    /// carry and that is not in use here. Where nothing is learned, or not enough yet, none is known not to be
    /// in use.
    pub fn bogon(&self, interface: usize, packet: &Packet, now: u32) -> Option<Signal> {
        let lan = self.lan(interface)?;
        let is_one = lan.networks.iter().any(|network| network.contains(packet.source))
            && is_bogon(packet.destination)
            // What is link-local stays on the link, and comes from its like.
            && self.private.place(packet.source) != Place::Link
            && self.is_learned(lan, now)
            && self.is_unused_bogon(packet.destination, now);
        is_one.then_some(Signal::Bogon)
    }

    /// True if no interface is connected to this address's network, and nobody there was heard of.
    pub fn is_unused_bogon(&self, address: Address, now: u32) -> bool {
        let mut networks = self.interfaces.iter().flat_map(|interface| &interface.networks);
        !networks.any(|network| network.contains(address)) && !self.in_use.contains(address, now)
    }

    /// True for an IPv4 address that no network of this LAN holds, as a sender should have none there. An
    /// address that a device gave itself for want of a better one is no sign of anything.
    pub fn is_foreign(&self, interface: usize, address: Address) -> bool {
        let Some(lan) = self.lan(interface) else { return false };
        lan.networks.iter().any(|network| network.first().is_v4())
            && !lan.networks.iter().any(|network| network.contains(address))
            && self.private.place(address) != Place::Link
    }

    fn unused(&self, address: Address, now: u32) -> Option<Signal> {
        let holds = |prefix: &&Prefix| prefix.contains(address) && is_for_a_host(prefix, address);
        let mut lans = (0..self.interfaces.len()).filter_map(|index| self.lan(index));
        let lan = lans.find(|lan| lan.networks.iter().any(|network| holds(&network)))?;
        match self.signs.light(address, now) {
            Light::Lit | Light::Grace => None,
            _ if !self.is_learned(lan, now) => Some(Signal::Learning),
            Light::Left => Some(Signal::Left),
            Light::Dark => Some(Signal::Unused),
        }
    }

    /// The second from which on all LANs are learned; `None` if there was no sign yet on one of them.
    pub fn learned_at(&self) -> Option<u32> {
        let mut lans = (0..self.interfaces.len()).filter_map(|index| self.lan(index));
        lans.try_fold(0, |latest, lan| {
            let since = if lan.networks.is_empty() { 0 } else { lan.watched?.0 };
            Some(since.saturating_add(self.learning).max(latest))
        })
    }

    /// True if a LAN was watched for long enough.
    fn is_learned(&self, lan: &Interface, now: u32) -> bool {
        lan.watched.is_some_and(|(since, _)| now.saturating_sub(since) >= self.learning)
    }

    /// The number of the LAN that is connected to this address's network.
    pub fn lan_of(&self, address: Address) -> Option<usize> {
        let holds = |lan: &Interface| lan.networks.iter().any(|network| network.contains(address));
        (0..self.interfaces.len()).find(|&index| self.lan(index).is_some_and(holds))
    }

    /// True if somebody who has this address was heard of lately.
    pub fn is_lit(&self, address: Address, now: u32) -> bool {
        matches!(self.signs.light(address, now), Light::Lit | Light::Grace)
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
        space.set_interface(1, Role::Lan, &networks, &[]);
        space.note(1, address("192.168.1.1"), NOW);
        space
    }

    #[test]
    fn what_nobody_has_is_dark() {
        let mut space = space();
        assert_eq!(space.learned_at(), Some(LEARNED));
        assert_eq!(space.darkness(address("10.9.1.2"), NOW), Some(Signal::Given));
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED - 1), Some(Signal::Learning));
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), Some(Signal::Unused));
        for lit in ["192.168.1.1", "192.168.1.0", "192.168.1.255", "192.168.2.7", "8.8.8.8"] {
            assert_eq!(space.darkness(address(lit), LEARNED), None, "{lit}");
        }
        space.note(1, address("192.168.1.7"), LEARNED);
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), None);
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED + GRACE_SECONDS), Some(Signal::Left));
    }

    #[test]
    fn a_clock_that_is_set_makes_the_lan_unknown() {
        for set in [NOW + 300 * GRACE_SECONDS, NOW - 300 * GRACE_SECONDS] {
            let mut space = space();
            space.note(1, address("192.168.1.1"), LEARNED);
            assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), Some(Signal::Unused));
            space.note(1, address("192.168.1.1"), set);
            for (age, darkness) in [(0, Signal::Learning), (LEARNING_SECONDS, Signal::Unused)] {
                assert_eq!(space.darkness(address("192.168.1.7"), set + age), Some(darkness));
            }
        }
    }

    #[test]
    fn an_address_of_ipv6_is_dark_only_on_the_link() {
        let space = space();
        assert_eq!(space.darkness(address("2001:db8::7"), LEARNED), None);
        assert_eq!(space.darkness_on_link(address("2001:db8::7"), LEARNED), Some(Signal::Unused));
        assert_eq!(space.darkness_on_link(address("2001:db9::7"), LEARNED), None);
    }

    #[test]
    fn a_sign_from_elsewhere_is_none() {
        let mut space = space();
        space.note(0, address("192.168.1.7"), NOW);
        space.note(1, address("192.168.2.7"), NOW);
        space.note(99, address("192.168.1.7"), NOW);
        assert_eq!(space.darkness(address("192.168.1.7"), LEARNED), Some(Signal::Unused));
    }

    #[test]
    fn another_network_is_learned_anew() {
        let mut space = space();
        let mut networks = Networks::new();
        networks.add("192.168.9.0/24".parse().unwrap());
        space.set_interface(1, Role::Lan, &networks, &[]);
        assert_eq!(space.darkness(address("192.168.9.7"), LEARNED), Some(Signal::Learning));
        assert_eq!(space.learned_at(), None);
        space.set_interface(1, Role::Lan, &Networks::new(), &[]);
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
