//! Who lives in the mix: the LAN, its router, and the hosts beyond it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::Host;
use crate::frame::Mac;

/// Hosts on the LAN, 192.168.1.10 and up, the router not counted.
pub const LAN_HOSTS: usize = 24;

/// Hosts beyond the router.
pub const REMOTE_HOSTS: usize = 3_000;

/// The router's LAN side.
pub const ROUTER_MAC: Mac = [0x00, 0x0d, 0xb9, 0x4e, 0x10, 0x01];
pub const ROUTER: Host = Host { mac: ROUTER_MAC, address: IpAddr::V4(Ipv4Addr::new(192, 168, 1, 1)) };

/// A host of the LAN by its number: its IPv4 address.
pub fn lan_v4(number: usize) -> Host {
    Host { mac: lan_mac(number), address: Ipv4Addr::new(192, 168, 1, 10 + number as u8).into() }
}

/// A host of the LAN by its number: its address in 2001:db8:1::/64, which two in five have.
pub fn lan_v6(number: usize) -> Option<Host> {
    let address = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0x20d, 0xb9ff, 0xfe00, 0x10 + number as u16);
    (number % 5 < 2).then(|| Host { mac: lan_mac(number), address: address.into() })
}

fn lan_mac(number: usize) -> Mac {
    [0x3c, 0x22, 0xfb, 0x10, 0x00, number as u8]
}

/// A remote host by its rank: its public IPv4 address.
pub fn remote_v4(rank: usize) -> Host {
    Host { mac: ROUTER_MAC, address: public_v4(rank as u32, 0x5eed).into() }
}

/// A remote host by its rank: its IPv6 address, which one in three has.
pub fn remote_v6(rank: usize) -> Option<Host> {
    let [high, low] = [scramble(rank as u32, 6), scramble(rank as u32, 7)];
    let address = Ipv6Addr::new(
        0x2600 + (high >> 28) as u16,
        (high >> 12) as u16,
        low as u16,
        0,
        0,
        0,
        rank as u16,
        (low >> 16) as u16 | 1,
    );
    rank.is_multiple_of(3).then(|| Host { mac: ROUTER_MAC, address: address.into() })
}

/// A public address for a number below 1,493,172,224; different numbers of one seed have different ones.
pub fn public_v4(number: u32, seed: u32) -> Ipv4Addr {
    // Walking a bijection from a public address until it comes to the next one is a bijection on the
    // public addresses. From 11.0.0.0 to 99.255.255.255 all are public, so the numbers start there.
    let mut value = scramble(number.wrapping_add(0x0b00_0000), seed);
    while !is_public(value) {
        value = scramble(value, seed);
    }
    Ipv4Addr::from(value)
}

/// Not private, loopback, link-local, shared, test, benchmark or multicast: nothing of RFC 6890.
fn is_public(value: u32) -> bool {
    let [a, b, c, _] = value.to_be_bytes();
    let special = matches!(
        (a, b, c),
        (0 | 10 | 127, ..)
            | (224.., ..)
            | (100, 64..128, _)
            | (169, 254, _)
            | (172, 16..32, _)
            | (192, 0 | 168, _)
            | (192, 88, 99)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    );
    !special
}

/// A bijection on 32 bits that looks random (the finalizer of MurmurHash3, keyed).
fn scramble(value: u32, seed: u32) -> u32 {
    let mut x = value ^ seed.wrapping_mul(0x9e37_79b9);
    x ^= x >> 16;
    x = x.wrapping_mul(0x85eb_ca6b);
    x ^= x >> 13;
    x = x.wrapping_mul(0xc2b2_ae35);
    x ^ (x >> 16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn public_addresses_never_repeat() {
        const NUMBERS: u32 = 400_000;
        for seed in [0, 1, 0x5eed] {
            let seen: HashSet<Ipv4Addr> = (0..NUMBERS).map(|number| public_v4(number, seed)).collect();
            assert_eq!(seen.len(), NUMBERS as usize, "seed {seed}");
        }
    }

    #[test]
    fn everybody_has_another_address() {
        let mut seen = HashSet::new();
        for rank in 0..REMOTE_HOSTS {
            assert!(seen.insert(remote_v4(rank).address));
            if let Some(host) = remote_v6(rank) {
                assert!(seen.insert(host.address));
            }
        }
        for number in 0..LAN_HOSTS {
            assert!(seen.insert(lan_v4(number).address));
        }
    }
}
