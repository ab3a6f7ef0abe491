//! dnsmasq's lease file: one lease a line, `EXPIRY MAC ADDRESS NAME CLIENT-ID`.
//!
//! IPv6 leases follow a `duid` line and have a number (IAID) in place of the MAC. A name that is not known is
//! `*`, and an expiry of 0 means never.

use std::net::IpAddr;

use super::{Name, validate};
use crate::limits::LEASES_MAX;
use crate::packet::{Address, Mac};

/// One lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address that is leased.
    pub address: Address,
    /// When the lease ends, in Unix seconds; `u64::MAX` if never.
    pub expiry: u64,
    /// The device's link-layer address, where the file has one of 48 bits.
    pub mac: Option<Mac>,
    /// The name that the device gave, if it is one.
    pub name: Option<Name>,
}

/// The leases of a file, at most `LEASES_MAX`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leases {
    /// Sorted by address, each address once.
    leases: Vec<Lease>,
    skipped: usize,
}

/// Reads a lease file; any bytes will do.
pub fn parse(bytes: &[u8]) -> Leases {
    let mut leases = Leases::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"duid ") {
            continue;
        }
        match parse_line(line) {
            Some(lease) => leases.add(lease),
            None => leases.skipped += 1,
        }
    }
    leases
}

fn parse_line(line: &[u8]) -> Option<Lease> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mut text = || fields.next().and_then(|field| str::from_utf8(field).ok());
    let expiry = match text()?.parse().ok()? {
        0 => u64::MAX,
        expiry => expiry,
    };
    let mac = parse_mac(text()?);
    let address = Address::from(text()?.parse::<IpAddr>().ok()?);
    let name = fields.next().and_then(validate);
    Some(Lease { address, expiry, mac, name })
}

/// A link-layer address. Devices that are not Ethernet have their type in front (`06-`).
fn parse_mac(text: &str) -> Option<Mac> {
    Mac::parse(text.split_once('-').map_or(text, |(_, mac)| mac))
}

impl Leases {
    /// The lease of an address.
    pub fn get(&self, address: Address) -> Option<&Lease> {
        let found = self.leases.binary_search_by_key(&address, |lease| lease.address).ok()?;
        self.leases.get(found)
    }

    /// The leases, sorted by address.
    pub fn all(&self) -> &[Lease] {
        &self.leases
    }

    /// Lines that are no lease, and leases for which there was no room.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Adds the leases of another file.
    pub fn merge(&mut self, other: Self) {
        self.skipped += other.skipped;
        for lease in other.leases {
            self.add(lease);
        }
    }

    /// Of two leases of one address the one that lasts longer counts, and of equals the later line.
    fn add(&mut self, lease: Lease) {
        match self.leases.binary_search_by_key(&lease.address, |lease| lease.address) {
            Ok(found) => {
                if let Some(known) = self.leases.get_mut(found).filter(|known| known.expiry <= lease.expiry) {
                    *known = lease;
                }
            }
            Err(place) if self.leases.len() < LEASES_MAX => self.leases.insert(place, lease),
            Err(_) => self.skipped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> Address {
        Address::from(text.parse::<IpAddr>().unwrap())
    }

    fn name<'a>(leases: &'a Leases, text: &str) -> Option<&'a str> {
        leases.get(address(text))?.name.as_ref().map(|name| name.as_str())
    }

    fn mac(leases: &Leases, text: &str) -> Option<Mac> {
        leases.get(address(text))?.mac
    }

    #[test]
    fn a_file_as_dnsmasq_writes_it() {
        let leases = parse(
            b"1795285862 02:00:00:00:00:05 192.168.1.5 nas 01:02:00:00:00:00:05\n\
              0 02:00:00:00:00:06 192.168.1.6 * *\n\
              1795285862 06-02:00:00:00:00:07 192.168.1.7 tv *\n\
              duid 00:01:00:01:2a:bb:cc:dd:02:00:00:00:00:01\n\
              1795285862 16777221 fd00::5 nas 00:01:00:01\n\
              1795285862 T16777222 fd00::6 nas 00:01:00:01\n",
        );
        assert_eq!((leases.all().len(), leases.skipped()), (5, 0));
        assert_eq!(name(&leases, "192.168.1.5"), Some("nas"));
        assert_eq!(mac(&leases, "192.168.1.5"), Some(Mac([2, 0, 0, 0, 0, 5])));
        assert_eq!(leases.get(address("192.168.1.6")).unwrap().expiry, u64::MAX);
        assert_eq!(name(&leases, "192.168.1.6"), None);
        assert_eq!(mac(&leases, "192.168.1.7"), Some(Mac([2, 0, 0, 0, 0, 7])));
        assert_eq!(name(&leases, "fd00::5"), Some("nas"));
        assert_eq!(mac(&leases, "fd00::5"), None);
        assert_eq!(leases.get(address("192.168.1.8")), None);
    }

    #[test]
    fn hostile_lines_are_skipped_and_hostile_names_are_none() {
        let leases = parse(
            b"1 02:00:00:00:00:05 192.168.1.5 <script>alert(1)</script> *\r\n\
              -1 02:00:00:00:00:06 192.168.1.6 a *\n\
              99999999999999999999999 02:00:00:00:00:06 192.168.1.6 a *\n\
              1 02:00:00:00:00:06 192.168.1.999 a *\n\
              1 02:00:00:00:00:06\n\
              \xff\xfe\x00\n\
              1 02:00:00:00:00:+7 192.168.1.7 b *\n\
              1 02:00:00:00:00:08:09 192.168.1.8",
        );
        assert_eq!((leases.all().len(), leases.skipped()), (3, 5));
        assert_eq!(name(&leases, "192.168.1.5"), None);
        assert_eq!(mac(&leases, "192.168.1.7"), None);
        assert_eq!(mac(&leases, "192.168.1.8"), None);
    }

    #[test]
    fn the_longer_lease_of_an_address_counts() {
        let leases = parse(b"9 * 192.168.1.5 long *\n8 * 192.168.1.5 short *\n9 * 192.168.1.5 later *\n");
        assert_eq!(name(&leases, "192.168.1.5"), Some("later"));
    }

    #[test]
    fn too_many_leases_are_counted() {
        let mut file = String::new();
        for n in 0..LEASES_MAX + 7 {
            file += &format!("1 02:00:00:00:00:05 10.0.{}.{} a *\n", n / 256, n % 256);
        }
        let leases = parse(file.as_bytes());
        assert_eq!((leases.all().len(), leases.skipped()), (LEASES_MAX, 7));
    }
}
