//! /etc/ethers: `MAC NAME` a line, `#` starts a comment (ethers(5)).
//!
//! In place of a name it may have an address, which says nothing of what the device is called.

use std::net::IpAddr;

use super::{Name, validate};
use crate::limits::ETHERS_NAMES_MAX;
use crate::packet::Mac;

/// The names of a file, at most `ETHERS_NAMES_MAX`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ethers {
    /// Sorted by link-layer address, each once.
    names: Vec<(Mac, Name)>,
    skipped: usize,
}

/// Reads such a file; any bytes will do. Of a device the first line counts.
pub fn parse(bytes: &[u8]) -> Ethers {
    let mut ethers = Ethers::default();
    for line in bytes.split(|byte| *byte == b'\n') {
        let line = line.split(|byte| *byte == b'#').next().unwrap_or_default().trim_ascii();
        if line.is_empty() {
            continue;
        }
        match parse_line(line) {
            Some((mac, Some(name))) => ethers.add(mac, name),
            Some((_, None)) => {}
            None => ethers.skipped += 1,
        }
    }
    ethers
}

/// The device, and its name unless the line has an address in its place.
fn parse_line(line: &[u8]) -> Option<(Mac, Option<Name>)> {
    let mut fields = line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty());
    let mac = parse_mac(str::from_utf8(fields.next()?).ok()?)?;
    let name = fields.next()?;
    if str::from_utf8(name).is_ok_and(|name| name.parse::<IpAddr>().is_ok()) {
        return Some((mac, None));
    }
    Some((mac, Some(validate(name)?)))
}

/// Six hexadecimal numbers, of which small ones may have one digit alone.
fn parse_mac(text: &str) -> Option<Mac> {
    let mut bytes = [0; 6];
    let mut numbers = text.split(':');
    for byte in &mut bytes {
        let number = numbers.next().filter(|number| number.len() <= 2 && !number.starts_with('+'))?;
        *byte = u8::from_str_radix(number, 16).ok()?;
    }
    Some(Mac(bytes)).filter(|mac| numbers.next().is_none() && mac.is_station())
}

impl Ethers {
    /// The name of a device.
    pub fn name(&self, mac: Mac) -> Option<&Name> {
        let found = self.find(mac).ok()?;
        self.names.get(found).map(|(_, name)| name)
    }

    /// All names, sorted by link-layer address.
    pub fn all(&self) -> &[(Mac, Name)] {
        &self.names
    }

    /// Lines without a link-layer address or a valid name, and names for which there was no room.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    /// Adds the names of another file, for devices that have none yet.
    pub fn merge(&mut self, other: Self) {
        self.skipped += other.skipped;
        for (mac, name) in other.names {
            self.add(mac, name);
        }
    }

    fn find(&self, mac: Mac) -> Result<usize, usize> {
        self.names.binary_search_by_key(&mac.0, |(mac, _)| mac.0)
    }

    fn add(&mut self, mac: Mac, name: Name) {
        match self.find(mac) {
            Ok(_) => {}
            Err(place) if self.names.len() < ETHERS_NAMES_MAX => self.names.insert(place, (mac, name)),
            Err(_) => self.skipped += 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(ethers: &Ethers, last: u8) -> Option<&str> {
        ethers.name(Mac([2, 0, 0, 0, 0, last])).map(|name| name.as_str())
    }

    #[test]
    fn a_file_as_people_write_it() {
        let ethers = parse(
            b"# the house\n02:00:00:00:00:05 nas.lan\n2:0:0:0:0:6\ttv # upstairs\r\n\n\
              02:00:00:00:00:05 other\n02:00:00:00:00:07 192.168.1.7\n  02:00:00:00:00:0A printer\n",
        );
        assert_eq!((ethers.all().len(), ethers.skipped()), (3, 0));
        assert_eq!(
            [5, 6, 7, 10].map(|last| name(&ethers, last)),
            [Some("nas.lan"), Some("tv"), None, Some("printer")]
        );
    }

    #[test]
    fn hostile_lines_are_skipped() {
        let ethers = parse(
            b"02:00:00:00:00:05\n02:00:00:00:00:05 <b>\n02:00:00:00:00 a\n02:00:00:00:00:05:06 a\n\xff a\n\
              02:00:00:00:00:+6 a\n02:00:00:00:00: a\n01:00:00:00:00:05 group\n02-00-00-00-00-05 a\n",
        );
        assert_eq!((ethers.all().len(), ethers.skipped()), (0, 9));
    }

    #[test]
    fn too_many_names_are_counted() {
        let mut file = String::new();
        for n in 0..ETHERS_NAMES_MAX + 7 {
            file += &format!("02:00:00:00:{:x}:{:x} a\n", n / 256, n % 256);
        }
        let ethers = parse(file.as_bytes());
        assert_eq!((ethers.all().len(), ethers.skipped()), (ETHERS_NAMES_MAX, 7));
    }
}
