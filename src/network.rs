//! 2. Place: which addresses are ours, and so which way a packet goes.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use heapless::Vec;

use crate::limits::LOCAL_PREFIXES_MAX;
use crate::packet::{Address, Packet};

/// An IPv4 or IPv6 prefix.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Prefix {
    address: Address,
    mask: Address,
}

impl Prefix {
    /// The prefix of `length` bits (0..=32 for IPv4, 0..=128 for IPv6) that holds `address`; `None`
    /// if the length is too large for the family.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        let (bits, family) = match address {
            IpAddr::V4(_) => (96 + u32::from(length), 32),
            IpAddr::V6(_) => (u32::from(length), 128),
        };
        if length > family {
            return None;
        }
        let mask = Address::from_bits(u128::MAX.checked_shl(128 - bits).unwrap_or(0));
        let address = Address::from(address);
        let address = Address { high: address.high & mask.high, low: address.low & mask.low };
        Some(Self { address, mask })
    }

    /// The prefix that holds this address alone.
    pub fn host(address: Address) -> Self {
        Self { address, mask: Address::from_bits(u128::MAX) }
    }

    /// True if the address lies in the prefix. An IPv6 prefix shorter than 96 bits that covers
    /// ::/96 does not hold IPv4 addresses.
    #[inline]
    pub fn contains(&self, address: Address) -> bool {
        // The lower half first: it tells nearly all addresses apart.
        address.low & self.mask.low == self.address.low
            && address.high & self.mask.high == self.address.high
            && (self.mask.low >> 32 == 0xffff_ffff || !address.is_v4())
    }

    /// The first address.
    pub fn first(&self) -> Address {
        self.address
    }

    /// The prefix's length in bits, in the terms of its family.
    pub fn length(&self) -> u8 {
        let ones = self.mask.bits().count_ones();
        (if self.address.is_v4() && ones >= 96 { ones - 96 } else { ones }) as u8
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.length())
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAPrefix;

impl fmt::Display for NotAPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("takes a prefix such as 192.168.1.0/24, 192.168.1.0/255.255.255.0 or fd00::/8")
    }
}

/// `ADDRESS`, `ADDRESS/LENGTH` or, for IPv4, `ADDRESS/MASK` with a contiguous mask.
impl FromStr for Prefix {
    type Err = NotAPrefix;

    fn from_str(text: &str) -> Result<Self, NotAPrefix> {
        let (address, length) = match text.split_once('/') {
            Some((address, length)) => (address, Some(length)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| NotAPrefix)?;
        let length = match length {
            None if address.is_ipv4() => 32,
            None => 128,
            Some(length) => parse_length(address, length).ok_or(NotAPrefix)?,
        };
        Self::new(address, length).ok_or(NotAPrefix)
    }
}

fn parse_length(address: IpAddr, text: &str) -> Option<u8> {
    if let Ok(length) = text.parse::<u8>() {
        return Some(length);
    }
    let IpAddr::V4(mask) = text.parse().ok()? else { return None };
    let ones = mask.to_bits().leading_ones();
    (address.is_ipv4() && ones == mask.to_bits().count_ones()).then_some(ones as u8)
}

/// Which way a packet goes, seen from the local networks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Direction {
    /// From elsewhere to a local address.
    #[default]
    Inbound,
    /// From a local address to elsewhere.
    Outbound,
    /// Between local addresses, or from one to a group on the link.
    Internal,
    /// Between addresses that are both elsewhere.
    Transit,
}

impl Direction {
    /// All directions, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Inbound, Self::Outbound, Self::Internal, Self::Transit];

    /// The way of the answer.
    #[inline]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Inbound => Self::Outbound,
            Self::Outbound => Self::Inbound,
            Self::Internal | Self::Transit => self,
        }
    }

    /// True if the sender is local, or at least on the link.
    #[inline]
    pub const fn is_from_here(self) -> bool {
        matches!(self, Self::Outbound | Self::Internal)
    }

    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inbound => "inbound",
            Self::Outbound => "outbound",
            Self::Internal => "internal",
            Self::Transit => "transit",
        }
    }
}

/// What an interface leads to. It steers which dark rules apply and which ledger a page shows first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The hosts that we serve.
    #[default]
    Lan,
    /// Everybody else.
    Wan,
}

impl Role {
    /// The name that the command line and the report use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Lan => "lan",
            Self::Wan => "wan",
        }
    }
}

/// What an address is to an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In a local network.
    Local,
    /// Never routed beyond the link: multicast, limited broadcast, link-local, unspecified. It counts
    /// as local for a packet's direction, but it is no device of ours.
    Link,
    /// Anywhere else.
    Remote,
}

/// The local networks of one interface.
#[derive(Clone, Debug, Default)]
pub struct Networks {
    prefixes: Vec<Prefix, LOCAL_PREFIXES_MAX>,
}

impl Networks {
    /// No local network yet: every routable address is remote.
    pub const fn new() -> Self {
        Self { prefixes: Vec::new() }
    }

    /// The private ranges (RFC 1918, RFC 4193): what a capture file without any hint is judged by.
    pub fn private() -> Self {
        let mut networks = Self::new();
        for (address, length) in [
            (IpAddr::from([10, 0, 0, 0]), 8),
            (IpAddr::from([172, 16, 0, 0]), 12),
            (IpAddr::from([192, 168, 0, 0]), 16),
            (IpAddr::from([0xfc00, 0, 0, 0, 0, 0, 0, 0]), 7),
        ] {
            if let Some(prefix) = Prefix::new(address, length) {
                networks.add(prefix);
            }
        }
        networks
    }

    /// Adds a prefix; false if there is no room for it (`crate::limits`). One that is there stays as it is.
    pub fn add(&mut self, prefix: Prefix) -> bool {
        self.prefixes.contains(&prefix) || self.prefixes.push(prefix).is_ok()
    }

    /// The prefixes, in the order in which they were added.
    pub fn prefixes(&self) -> &[Prefix] {
        &self.prefixes
    }

    /// What the address is to this interface.
    pub fn place(&self, address: Address) -> Place {
        if self.prefixes.iter().any(|prefix| prefix.contains(address)) {
            Place::Local
        } else if stays_on_link(address) {
            Place::Link
        } else {
            Place::Remote
        }
    }

    /// Which way a packet goes.
    pub fn direction(&self, packet: &Packet) -> Direction {
        let from_here = self.place(packet.source) != Place::Remote;
        let to_here = self.place(packet.destination) != Place::Remote;
        match (from_here, to_here) {
            (true, true) => Direction::Internal,
            (true, false) => Direction::Outbound,
            (false, true) => Direction::Inbound,
            (false, false) => Direction::Transit,
        }
    }
}

/// Multicast (RFC 5771, RFC 4291), limited broadcast (RFC 919), link-local (RFC 3927, RFC 4291) and
/// unspecified addresses.
pub fn stays_on_link(address: Address) -> bool {
    match address.as_v4() {
        Some(bits) => bits >> 28 == 0xe || bits == u32::MAX || bits >> 16 == 0xa9fe || bits >> 24 == 0,
        None => address.high >> 56 == 0xff || address.high >> 54 == 0x3fa || address == Address::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    #[test]
    fn prefixes_parse_and_print() {
        for (text, printed) in [
            ("192.168.1.7/24", "192.168.1.0/24"),
            ("192.168.1.0/255.255.255.0", "192.168.1.0/24"),
            ("10.0.0.1", "10.0.0.1/32"),
            ("0.0.0.0/0", "0.0.0.0/0"),
            ("::/0", "::/0"),
            ("fd00::1/8", "fd00::/8"),
            ("2001:db8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(prefix(text).to_string(), printed);
        }
        for bad in ["", "x", "1.2.3.4/33", "::/129", "1.2.3.4/255.0.255.0", "::/255.0.0.0", "1.2.3.4/"] {
            assert_eq!(bad.parse::<Prefix>(), Err(NotAPrefix), "{bad}");
        }
    }

    #[test]
    fn the_families_stay_apart() {
        assert!(prefix("0.0.0.0/0").contains(address("8.8.8.8")));
        assert!(!prefix("0.0.0.0/0").contains(address("2001:db8::1")));
        assert!(prefix("::/0").contains(address("2001:db8::1")));
        assert!(!prefix("::/0").contains(address("8.8.8.8")));
    }

    #[test]
    fn directions_follow_the_networks() {
        let mut networks = Networks::new();
        assert!(networks.add(prefix("192.168.1.0/24")));
        assert!(networks.add(prefix("fd00::/64")));
        let direction = |source: &str, destination: &str| {
            networks.direction(&Packet {
                source: address(source),
                destination: address(destination),
                ..Packet::default()
            })
        };
        assert_eq!(direction("192.168.1.5", "8.8.8.8"), Direction::Outbound);
        assert_eq!(direction("8.8.8.8", "192.168.1.5"), Direction::Inbound);
        assert_eq!(direction("192.168.1.5", "192.168.1.6"), Direction::Internal);
        assert_eq!(direction("8.8.8.8", "9.9.9.9"), Direction::Transit);
        assert_eq!(direction("192.168.1.5", "224.0.0.251"), Direction::Internal);
        assert_eq!(direction("0.0.0.0", "255.255.255.255"), Direction::Internal);
        assert_eq!(direction("fd00::1", "2001:db8::1"), Direction::Outbound);
        assert_eq!(direction("fe80::1", "ff02::fb"), Direction::Internal);
        assert_eq!(networks.place(address("224.0.0.251")), Place::Link);
        assert_eq!(networks.place(address("192.168.1.77")), Place::Local);
    }

    #[test]
    fn a_full_list_refuses_and_repeats_are_free() {
        let mut networks = Networks::new();
        for n in 0..LOCAL_PREFIXES_MAX as u8 {
            assert!(networks.add(Prefix::new(IpAddr::from([10, n, 0, 0]), 16).unwrap()));
        }
        assert!(networks.add(prefix("10.0.0.0/16")));
        assert!(!networks.add(prefix("172.16.0.0/12")));
    }
}
