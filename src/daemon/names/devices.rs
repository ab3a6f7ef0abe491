//! Names by link-layer address: those that people give, and the last one that each device gave itself.
//!
//! A device keeps its name when its lease is gone and over a restart: the table is a small text file in the
//! directory of the snapshots, a line for each name, `own MAC NAME` or `last MAC NAME`. Whose name was not seen for
//! longest comes first.

use std::fmt::Write as _;

use super::{Name, validate};
use crate::daemon::print::is_unprintable;
use crate::limits::{DEVICE_NAMES_MAX, NAME_BYTES_MAX};
use crate::packet::Mac;

/// Where a name comes from. Of several the first in this order counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    /// Given on the page, and kept.
    Own,
    /// Given by `--name`.
    Option,
    /// The device's last one in a lease, and kept.
    Last,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    mac: Mac,
    origin: Origin,
    name: Name,
    /// When it was last seen in a lease, in Unix seconds; below `DEVICE_NAMES_MAX` its place in the file, since when
    /// it was not seen.
    seen: u32,
}

const _: () = assert!(size_of::<Entry>() <= 88, "what the limit's comment says");

/// The names, at most `DEVICE_NAMES_MAX`. In a full table a device's last name makes room, the one that was not
/// seen for longest.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Devices {
    /// Sorted by address and origin.
    entries: Vec<Entry>,
    skipped: usize,
}

/// A name that somebody gives a device: up to `NAME_BYTES_MAX` bytes without control characters or invisible ones.
///
/// # Errors
/// What it takes.
pub fn own_name(text: &str) -> Result<Name, String> {
    let text = text.trim();
    let name = Name::try_from(text).ok().filter(|name| !name.is_empty() && !name.chars().any(is_unprintable));
    name.ok_or_else(|| format!("takes a name of up to {NAME_BYTES_MAX} bytes, such as Anna's laptop"))
}

/// Reads what [`Devices::text`] wrote; any bytes will do.
pub fn parse(bytes: &[u8]) -> Devices {
    let mut devices = Devices::default();
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let place = devices.entries.len() as u32;
        let is_kept =
            parse_line(line).is_some_and(|(mac, origin, name)| devices.put(mac, origin, name, place));
        devices.skipped += usize::from(!is_kept);
    }
    devices
}

fn parse_line(line: &[u8]) -> Option<(Mac, Origin, Name)> {
    let (origin, rest) = str::from_utf8(line).ok()?.split_once(' ')?;
    let (mac, name) = rest.split_once(' ')?;
    let mac = Mac::parse(mac).filter(|mac| mac.is_station())?;
    match origin {
        "own" => Some((mac, Origin::Own, own_name(name).ok()?)),
        "last" => Some((mac, Origin::Last, validate(name.as_bytes())?)),
        _ => None,
    }
}

impl Devices {
    /// The name that somebody gave the device.
    pub fn own(&self, mac: Mac) -> Option<&Name> {
        self.get(mac, Origin::Own).or_else(|| self.get(mac, Origin::Option))
    }

    /// The last name that it gave itself.
    pub fn last(&self, mac: Mac) -> Option<&Name> {
        self.get(mac, Origin::Last)
    }

    /// Gives the device the name of an option, for as long as the program runs. False if there is no room.
    pub fn give(&mut self, mac: Mac, name: Name) -> bool {
        self.put(mac, Origin::Option, name, 0)
    }

    /// Gives it a name that is kept, or with `None` takes that away again. False if there is no room.
    pub fn rename(&mut self, mac: Mac, name: Option<Name>) -> bool {
        match (name, self.find(mac, Origin::Own)) {
            (Some(name), _) => self.put(mac, Origin::Own, name, 0),
            (None, Ok(place)) => {
                self.entries.remove(place);
                true
            }
            (None, Err(_)) => true,
        }
    }

    /// Takes note of the name in a device's lease, if there is room.
    pub fn see(&mut self, mac: Mac, name: &Name, now: u64) {
        // A clock that was not set yet is no reason to go before those of the file.
        let seen = u32::try_from(now).unwrap_or(u32::MAX).max(DEVICE_NAMES_MAX as u32);
        let known = self.find(mac, Origin::Last).ok().and_then(|place| self.entries.get_mut(place));
        match known {
            Some(known) if known.name == *name => known.seen = seen,
            _ => _ = self.put(mac, Origin::Last, name.clone(), seen),
        }
    }

    /// The names that are kept, as a file, in the order in which their devices were seen.
    pub fn text(&self) -> String {
        let mut entries: Vec<_> = self.entries.iter().collect();
        entries.sort_by_key(|entry| entry.seen);
        let mut text = String::new();
        for Entry { mac, origin, name, .. } in entries {
            let origin = match origin {
                Origin::Own => "own",
                Origin::Last => "last",
                Origin::Option => continue,
            };
            // Writing to a string does not fail.
            let _ = writeln!(text, "{origin} {mac} {name}");
        }
        text
    }

    /// Lines that are no name, and names for which there was no room.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn get(&self, mac: Mac, origin: Origin) -> Option<&Name> {
        let place = self.find(mac, origin).ok()?;
        self.entries.get(place).map(|entry| &entry.name)
    }

    fn find(&self, mac: Mac, origin: Origin) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&(mac.0, origin), |entry| (entry.mac.0, entry.origin))
    }

    fn put(&mut self, mac: Mac, origin: Origin, name: Name, seen: u32) -> bool {
        let entry = Entry { mac, origin, name, seen };
        if let Ok(place) = self.find(mac, origin) {
            self.entries[place] = entry;
            return true;
        }
        if self.entries.len() >= DEVICE_NAMES_MAX && !self.make_room() {
            return false;
        }
        let (Ok(place) | Err(place)) = self.find(mac, origin);
        self.entries.insert(place, entry);
        true
    }

    fn make_room(&mut self) -> bool {
        let last = self.entries.iter().enumerate().filter(|(_, entry)| entry.origin == Origin::Last);
        let Some((oldest, _)) = last.min_by_key(|(_, entry)| entry.seen) else { return false };
        self.entries.remove(oldest);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mac(number: usize) -> Mac {
        Mac([2, 0, 0, 0, (number >> 8) as u8, number as u8])
    }

    fn name(text: &str) -> Name {
        own_name(text).unwrap()
    }

    #[test]
    fn a_name_of_the_owners_may_be_anything_that_prints() {
        for good in ["nas", "Anna's laptop", "Gr\u{fc}n", "<b>", "192.168.1.5", &"x".repeat(NAME_BYTES_MAX)] {
            assert_eq!(own_name(good).unwrap(), good);
        }
        for bad in ["", " ", "a\nb", "\u{1b}[31m", "\u{202e}abc", "\u{2028}", &"x".repeat(NAME_BYTES_MAX + 1)]
        {
            assert!(own_name(bad).is_err(), "{bad:?}");
        }
        let invisible = [0x200b..=0x200f, 0x2028..=0x202e, 0x2060..=0x2069, 0x2800..=0x2800, 0xfeff..=0xfeff]
            .into_iter()
            .flatten()
            .chain([0xad, 0x61c, 0x3164, 0xe0041]);
        for character in invisible.map(|code| char::from_u32(code).unwrap()) {
            for name in [format!("An{character}na"), character.to_string()] {
                assert!(own_name(&name).is_err(), "{name:?}");
                assert_eq!(validate(name.as_bytes()), None, "{name:?}");
                let line = format!("own 02:00:00:00:00:01 {name}\nlast 02:00:00:00:00:01 {name}\n");
                assert_eq!(parse(line.as_bytes()).skipped(), 2, "{name:?}");
            }
        }
    }

    #[test]
    fn the_last_name_makes_room_that_was_not_seen_for_longest() {
        let mut devices = Devices::default();
        for number in 0..DEVICE_NAMES_MAX {
            devices.see(mac(number), &name("a"), 1_000 + (number as u64 + 5) % 100);
        }
        devices.see(mac(95), &name("a"), 2_000);
        devices.see(mac(9_999), &name("b"), 2_000);
        assert_eq!(devices.last(mac(9_999)), Some(&name("b")));
        assert_eq!(devices.entries.len(), DEVICE_NAMES_MAX);
        assert_eq!(devices.last(mac(95)), Some(&name("a")), "it was seen again");
        assert_eq!(devices.last(mac(195)), None, "the first of the others");
    }

    #[test]
    fn the_order_in_which_they_were_seen_outlasts_a_restart() {
        let mut devices = Devices::default();
        for number in 0..DEVICE_NAMES_MAX {
            devices.see(mac(number), &name("a"), 1_000_000 - number as u64);
        }
        for _ in 0..3 {
            devices = parse(devices.text().as_bytes());
        }
        // The clock begins anew where none is in the device.
        devices.see(mac(DEVICE_NAMES_MAX - 1), &name("a"), 7);
        devices.see(mac(9_999), &name("b"), 8);
        assert_eq!(devices.last(mac(DEVICE_NAMES_MAX - 2)), None, "it was not seen for longest");
        assert_eq!(devices.entries.len(), DEVICE_NAMES_MAX);
    }

    #[test]
    fn own_names_do_not_make_room() {
        let mut devices = Devices::default();
        for number in 0..DEVICE_NAMES_MAX {
            devices.see(mac(number), &name("a"), 1_000);
        }
        for number in 0..DEVICE_NAMES_MAX {
            assert!(devices.rename(mac(number), Some(name("own"))));
        }
        assert!(!devices.rename(mac(9_999), Some(name("own"))));
        devices.see(mac(9_999), &name("a"), 2_000);
        assert_eq!(devices.last(mac(9_999)), None, "there is no room");
        assert!(devices.rename(mac(0), Some(name("other"))), "it has a place");
        assert_eq!(devices.own(mac(0)), Some(&name("other")));
        assert!(devices.rename(mac(0), None) && devices.rename(mac(0), None));
        assert_eq!(devices.own(mac(0)), None);
        assert!(devices.rename(mac(9_999), Some(name("own"))));
    }

    #[test]
    fn the_file_is_read_as_it_was_written() {
        let mut devices = Devices::default();
        devices.rename(mac(1), Some(name("Anna's  \u{1f4f1}")));
        devices.see(mac(1), &name("phone"), 1_000);
        devices.see(mac(2), &name("tv"), 1_000);
        devices.give(mac(3), name("option"));
        let text = devices.text();
        assert_eq!(
            text,
            "own 02:00:00:00:00:01 Anna's  \u{1f4f1}\nlast 02:00:00:00:00:01 phone\nlast 02:00:00:00:00:02 tv\n"
        );
        let restored = parse(text.as_bytes());
        assert_eq!((restored.text(), restored.skipped()), (text, 0));
    }

    #[test]
    fn a_damaged_file_is_read_as_far_as_it_makes_sense() {
        let devices = parse(
            b"own 02:00:00:00:00:01\nown 02:00:00:00:00:01 \xff\nlast 02:00:00:00:00:01 <b>\nnew 02:00:00:00:00:01 a\n\
              own 01:00:00:00:00:01 a\nown 2:0:0:0:0:1 a\n\n\0\0\0\nlast 02:00:00:00:00:02 tv\nlast 02:00:00:00",
        );
        assert_eq!((devices.text().as_str(), devices.skipped()), ("last 02:00:00:00:00:02 tv\n", 8));
    }
}
