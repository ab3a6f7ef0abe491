//! Networks that the Internet does not carry: who turns to one that is not in use here either is
//! misconfigured, leaks what was meant for a tunnel, or looks around.

use heapless::Vec;

use crate::limits::{BOGON_NETWORKS_USED_MAX, GRACE_SECONDS};
use crate::packet::Address;

/// The first address and the length of IPv4 networks that are special (RFC 6890 and the registry that it
/// founded). Groups and the broadcast address are none.
const V4: [(u32, u32); 14] = [
    (0x0000_0000, 8),  // this network
    (0x0a00_0000, 8),  // private (RFC 1918)
    (0x6440_0000, 10), // shared with a provider (RFC 6598)
    (0x7f00_0000, 8),  // loopback
    (0xa9fe_0000, 16), // link-local (RFC 3927)
    (0xac10_0000, 12), // private
    (0xc000_0000, 24), // protocol assignments
    (0xc000_0200, 24), // documentation (RFC 5737)
    (0xc058_6300, 24), // 6to4 relays, gone (RFC 7526)
    (0xc0a8_0000, 16), // private
    (0xc612_0000, 15), // benchmarks (RFC 2544)
    (0xc633_6400, 24), // documentation
    (0xcb00_7100, 24), // documentation
    (0xf000_0000, 4),  // reserved (RFC 1112)
];

/// The upper half of the first address and the length of such IPv6 networks.
const V6: [(u64, u32); 5] = [
    (0x0100_0000_0000_0000, 64), // discard (RFC 6666)
    (0x2001_0db8_0000_0000, 32), // documentation (RFC 3849)
    (0x3fff_0000_0000_0000, 20), // documentation (RFC 9637)
    (0xfc00_0000_0000_0000, 7),  // unique local (RFC 4193)
    (0xfec0_0000_0000_0000, 10), // site-local, deprecated (RFC 3879)
];

/// True if the Internet does not carry this address.
pub(super) fn is_bogon(address: Address) -> bool {
    match address.as_v4() {
        Some(0 | u32::MAX) => false,
        Some(bits) => V4.iter().any(|(first, length)| (bits ^ first) >> (32 - length) == 0),
        None => V6.iter().any(|(first, length)| (address.high ^ first) >> (64 - length) == 0),
    }
}

/// The network by which such addresses are counted: the /24 of an IPv4 address, the /48 of an IPv6 one.
pub(super) fn network_of(address: Address) -> Address {
    if address.is_v4() {
        Address { low: address.low & !0xff, ..address }
    } else {
        Address { high: address.high & !0xffff, low: 0 }
    }
}

/// Such networks of which somebody sent something, as seen here: a second router's, a provider's, a tunnel's.
#[derive(Clone, Debug, Default)]
pub(super) struct InUse {
    /// Each network and the second of its last sign.
    networks: Vec<(Address, u32), BOGON_NETWORKS_USED_MAX>,
}

impl InUse {
    /// Takes note of a sender. If the list is full, the network goes that has been silent longest.
    pub fn note(&mut self, address: Address, now: u32) {
        let network = network_of(address);
        if let Some((_, last)) = self.networks.iter_mut().find(|(known, _)| *known == network) {
            *last = now;
        } else if self.networks.push((network, now)).is_err()
            && let Some(oldest) = self.networks.iter_mut().min_by_key(|(_, last)| *last)
        {
            *oldest = (network, now);
        }
    }

    /// True if somebody in the network of this address sent something within the time of grace.
    pub fn contains(&self, address: Address, now: u32) -> bool {
        let network = network_of(address);
        let is_in_use =
            |&(known, last): &(Address, u32)| known == network && now.saturating_sub(last) < GRACE_SECONDS;
        self.networks.iter().any(is_in_use)
    }
}

#[cfg(test)]
mod tests {
    use core::net::IpAddr;

    use super::*;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn bogons_are_those_of_the_registry() {
        for bogon in [
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "169.254.1.1",
            "172.31.255.255",
            "192.0.2.1",
            "192.168.255.1",
            "198.19.0.1",
            "203.0.113.7",
            "240.0.0.1",
            "255.255.255.254",
            "0.0.0.1",
            "100::1",
            "2001:db8::1",
            "3fff:fff::1",
            "fd00::1",
            "fec0::1",
        ] {
            assert!(is_bogon(address(bogon)), "{bogon}");
        }
        for carried in [
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.0",
            "192.0.1.1",
            "192.167.0.1",
            "198.17.0.1",
            "198.20.0.1",
            "224.0.0.1",
            "239.255.255.250",
            "255.255.255.255",
            "0.0.0.0",
            "::",
            "::1",
            "2001:db9::1",
            "2a00::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_bogon(address(carried)), "{carried}");
        }
    }

    #[test]
    fn a_network_is_in_use_for_a_day_after_its_last_sign() {
        let mut in_use = InUse::default();
        in_use.note(address("10.1.2.3"), 1000);
        in_use.note(address("fd00:1:2:3::4"), 1000);
        assert!(in_use.contains(address("10.1.2.250"), 1000));
        assert!(in_use.contains(address("fd00:1:2::1"), 999), "the clock was set back");
        assert!(!in_use.contains(address("10.1.3.3"), 1000) && !in_use.contains(address("fd00:1:3::"), 1000));
        assert!(!in_use.contains(address("10.1.2.3"), 1000 + GRACE_SECONDS));
    }

    #[test]
    fn a_full_list_forgets_the_oldest() {
        let mut in_use = InUse::default();
        for n in 0..=BOGON_NETWORKS_USED_MAX as u32 {
            in_use.note(Address::v4(0x0a00_0000 + (n << 8)), n);
        }
        assert!(!in_use.contains(address("10.0.0.1"), 100) && in_use.contains(address("10.0.1.1"), 100));
    }
}
