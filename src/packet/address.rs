//! Addresses as the tables key them.

use core::fmt;
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The upper 96 bits of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) end in this word.
const MAPPED: u64 = 0xffff;

/// An IPv4 or IPv6 address in 16 bytes: IPv4 is kept in its IPv4-mapped form, which no valid IPv6
/// packet carries (RFC 6890), so that one key type and one comparison serve both families.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// The upper 64 bits, in host order.
    pub high: u64,
    /// The lower 64 bits, in host order.
    pub low: u64,
}

impl Address {
    /// The IPv4 address with these 32 bits, in host order.
    #[inline]
    pub const fn v4(bits: u32) -> Self {
        Self { high: 0, low: MAPPED << 32 | bits as u64 }
    }

    /// The IPv6 address with these 16 bytes, in network order.
    #[inline]
    pub fn v6(bytes: [u8; 16]) -> Self {
        let bits = u128::from_be_bytes(bytes);
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }

    /// True for an IPv4 address (and for an IPv4-mapped one, which is the same thing here).
    #[inline]
    pub const fn is_v4(self) -> bool {
        self.high == 0 && self.low >> 32 == MAPPED
    }

    /// The 32 bits of an IPv4 address.
    pub const fn as_v4(self) -> Option<u32> {
        if self.is_v4() { Some(self.low as u32) } else { None }
    }

    /// All 128 bits; IPv4 in its mapped form.
    pub const fn bits(self) -> u128 {
        (self.high as u128) << 64 | self.low as u128
    }

    /// The address with these 128 bits; IPv4 in its mapped form.
    pub const fn from_bits(bits: u128) -> Self {
        Self { high: (bits >> 64) as u64, low: bits as u64 }
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(v4) => Self::v4(v4.to_bits()),
            IpAddr::V6(v6) => Self::from_bits(v6.to_bits()),
        }
    }
}

impl From<Address> for IpAddr {
    fn from(address: Address) -> Self {
        match address.as_v4() {
            Some(bits) => IpAddr::V4(Ipv4Addr::from_bits(bits)),
            None => IpAddr::V6(Ipv6Addr::from_bits(address.bits())),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&IpAddr::from(*self), f)
    }
}

/// A 48-bit link-layer address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mac(pub [u8; 6]);

impl Mac {
    /// All zeros: what a device without a link-layer address shows.
    pub const ZERO: Self = Self([0; 6]);

    /// True unless the address is all zeros or a group address.
    pub const fn is_station(self) -> bool {
        self.0[0] & 1 == 0 && !matches!(self.0, [0, 0, 0, 0, 0, 0])
    }

    /// True for an address that no vendor gave (the local bit of IEEE 802): telephones make up one for each Wi-Fi.
    pub const fn is_private(self) -> bool {
        self.0[0] & 2 != 0
    }

    /// The address that is written so: six pairs of hexadecimal digits with colons between them.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 6];
        let mut pairs = text.split(':');
        for byte in &mut bytes {
            let pair = pairs.next().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
            *byte = u8::from_str_radix(pair, 16).ok()?;
        }
        pairs.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_families_survive_the_round_trip() {
        for text in ["0.0.0.0", "192.168.1.5", "255.255.255.255", "::", "2001:db8::1", "fe80::1"] {
            let address: IpAddr = text.parse().unwrap();
            assert_eq!(IpAddr::from(Address::from(address)), address);
            assert_eq!(Address::from(address).is_v4(), address.is_ipv4());
        }
    }

    #[test]
    fn a_group_address_is_no_station() {
        assert!(Mac([2, 0, 0, 0, 0, 1]).is_station());
        assert!(!Mac([1, 0, 0x5e, 0, 0, 1]).is_station());
        assert!(!Mac::ZERO.is_station());
        assert!(Mac([0xda, 0, 0, 0, 0, 1]).is_private());
        assert!(!Mac([0xdc, 0, 0, 0, 0, 1]).is_private());
    }

    #[test]
    fn link_layer_addresses_parse_strictly() {
        let mac = Mac([2, 0, 0, 0xab, 0, 1]);
        assert_eq!(Mac::parse("02:00:00:ab:00:01"), Some(mac));
        for bad in ["", "02:00:00:ab:00", "02:00:00:ab:00:01:02", "2:0:0:ab:0:1", "+2:00:00:ab:00:01"] {
            assert_eq!(Mac::parse(bad), None, "{bad}");
        }
    }
}
