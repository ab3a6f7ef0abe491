//! Hosts files: `ADDRESS NAME [ALIAS...]` a line, `#` starts a comment (hosts(5)).

use std::net::IpAddr;

use super::{Name, validate};
use crate::limits::HOSTS_FILE_NAMES_MAX;
use crate::packet::Address;

/// The names of a file, at most `HOSTS_FILE_NAMES_MAX`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hosts {
    /// Sorted by address, each address once.
    names: Vec<(Address, Name)>,
    skipped: usize,
}

/// Reads a hosts file; any bytes will do. Of a line the first name counts, and of an address the first
/// line.
pub fn parse(bytes: &[u8]) -> Hosts {
    let mut hosts = Hosts::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            continue;
        }
        match parse_line(line) {
            Some((address, name)) => hosts.add(address, name),
            None => hosts.skipped += 1,
        }
    }
    hosts
}

fn parse_line(line: &[u8]) -> Option<(Address, Name)> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let address = str::from_utf8(fields.next()?).ok()?.parse::<IpAddr>().ok()?;
    Some((Address::from(address), validate(fields.next()?)?))
}

impl Hosts {
    /// The name of an address.
    pub fn name(&self, address: Address) -> Option<&Name> {
        let found = self.names.binary_search_by_key(&address, |(address, _)| *address).ok()?;
        self.names.get(found).map(|(_, name)| name)
    }

    /// All names, sorted by address.
    pub fn all(&self) -> &[(Address, Name)] {
        &self.names
    }

    /// Lines without an address or a valid name, and names for which there was no room.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Adds the names of another file, for addresses that have none yet.
    pub fn merge(&mut self, other: Self) {
        self.skipped += other.skipped;
        for (address, name) in other.names {
            self.add(address, name);
        }
    }

    fn add(&mut self, address: Address, name: Name) {
        match self.names.binary_search_by_key(&address, |(address, _)| *address) {
            Ok(_) => {}
            Err(place) if self.names.len() < HOSTS_FILE_NAMES_MAX => {
                self.names.insert(place, (address, name))
            }
            Err(_) => self.skipped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name<'a>(hosts: &'a Hosts, address: &str) -> Option<&'a str> {
        hosts.name(Address::from(address.parse::<IpAddr>().unwrap())).map(|name| name.as_str())
    }

    #[test]
    fn a_file_as_systems_write_it() {
        let hosts = parse(
            b"# the usual\n127.0.0.1\tlocalhost\n::1 ip6-localhost ip6-loopback\n\n\
              192.168.1.5   nas.lan nas # the box\n192.168.1.5 other\n  192.168.1.6 tv\r\n",
        );
        assert_eq!((hosts.all().len(), hosts.skipped()), (4, 0));
        assert_eq!(name(&hosts, "127.0.0.1"), Some("localhost"));
        assert_eq!(name(&hosts, "::1"), Some("ip6-localhost"));
        assert_eq!(name(&hosts, "192.168.1.5"), Some("nas.lan"));
        assert_eq!(name(&hosts, "192.168.1.6"), Some("tv"));
    }

    #[test]
    fn hostile_lines_are_skipped() {
        let hosts = parse(
            b"192.168.1.5\n192.168.1.5 <b>\nfe80::1%eth0 scoped\n\xff\xff a\n1.2.3 a\n0x7f.1 a\n\
              192.168.1.7#comment name\n192.168.1.8 192.168.1.9\n",
        );
        assert_eq!((hosts.all().len(), hosts.skipped()), (0, 8));
    }

    #[test]
    fn too_many_names_are_counted() {
        let mut file = String::new();
        for n in 0..HOSTS_FILE_NAMES_MAX + 7 {
            file += &format!("10.{}.{}.{} a\n", n / 65_536, n / 256 % 256, n % 256);
        }
        let hosts = parse(file.as_bytes());
        assert_eq!((hosts.all().len(), hosts.skipped()), (HOSTS_FILE_NAMES_MAX, 7));
    }
}
