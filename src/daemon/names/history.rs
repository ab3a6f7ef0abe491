//! Who had an address before: what changed in the lease files while the program ran.
//!
//! Only changes are kept. The files are looked at once in a while, so that a change is known to lie between two
//! looks; in this time both devices may have had the address.

use super::leases::{Lease, Leases};
use crate::limits::LEASE_CHANGES_MAX;
use crate::packet::{Address, Mac};
use crate::view;

/// An address that was given or taken away.
#[derive(Clone, Debug)]
struct Change {
    /// The lease until then. One that ran out in 1970 stands for none.
    before: Lease,
    /// The two looks at the files between which it happened, in Unix seconds.
    after: u64,
    by: u64,
}

const _: () = assert!(LEASE_CHANGES_MAX * size_of::<Change>() <= 8 << 10, "what the limit's comment says");

/// The last changes, oldest first.
#[derive(Debug, Default)]
pub struct History {
    changes: Vec<Change>,
    /// The last look, in Unix seconds.
    looked: u64,
    /// Of the time before this, in Unix seconds, changes are forgotten.
    since: u64,
}

impl History {
    /// Takes note of a look at the files that found nothing new, or that was the first.
    pub fn look(&mut self, now: u64) {
        self.looked = now;
    }

    /// Takes note of what is different at this look. In a full list the oldest change is forgotten.
    pub fn note(&mut self, old: &Leases, new: &Leases, now: u64) {
        let after = self.looked.min(now);
        self.looked = now;
        for lease in old.all() {
            let is_same = |other: &Lease| (other.mac, &other.name) == (lease.mac, &lease.name);
            if !new.get(lease.address).is_some_and(is_same) {
                self.push(Change { before: lease.clone(), after, by: now });
            }
        }
        for &Lease { address, .. } in new.all() {
            if old.get(address).is_none() {
                let before = Lease { address, expiry: 0, mac: None, name: None };
                self.push(Change { before, after, by: now });
            }
        }
    }

    fn push(&mut self, change: Change) {
        if self.changes.len() == LEASE_CHANGES_MAX {
            self.since = self.changes.remove(0).by;
        }
        self.changes.push(change);
    }

    /// The lease of an address at a time in Unix seconds, if `current` is the present one. While it changed hands,
    /// that of the device with this link-layer address goes before, then the later one.
    pub fn lease(
        &self,
        current: Option<&Lease>,
        address: Address,
        time: u64,
        mac: Mac,
    ) -> Option<view::Lease> {
        let mut found: Option<view::Lease> = None;
        let (mut lease, mut until) = (current, u64::MAX);
        let changes = self.changes.iter().rev().filter(|change| change.before.address == address);
        for change in changes.map(Some).chain([None]) {
            let from = change.map_or(self.since, |change| change.after);
            let lease_then = lease.filter(|_| (from..=until).contains(&time));
            let is_better =
                |found: &view::Lease, lease: &Lease| found.mac != Some(mac) && lease.mac == Some(mac);
            if let Some(lease) = lease_then
                && found.as_ref().is_none_or(|found| is_better(found, lease))
            {
                let from = change.map(|change| change.after).filter(|from| *from > 0);
                let until = until.min(lease.expiry);
                found = Some(view::Lease { mac: lease.mac, name: lease.name.clone(), from, until });
            }
            if let Some(change) = change {
                lease = Some(&change.before).filter(|before| before.expiry > 0);
                until = change.by.min(change.before.expiry);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::super::leases::parse;
    use super::*;

    const ADDRESS: Address = Address::v4(0xc0a8_0105);
    const PHONE: Mac = Mac([2, 0, 0, 0, 0, 0x11]);
    const LAPTOP: Mac = Mac([2, 0, 0, 0, 0, 0x22]);

    /// The files at these times, of which the first is the start.
    fn history(files: &[(u64, &str)]) -> (History, Leases) {
        let mut history = History::default();
        history.look(files[0].0);
        let mut old = parse(files[0].1.as_bytes());
        for (time, text) in &files[1..] {
            let new = parse(text.as_bytes());
            history.note(&old, &new, *time);
            old = new;
        }
        (history, old)
    }

    fn holder(files: &(History, Leases), time: u64, mac: Mac) -> Option<(Mac, Option<u64>, u64)> {
        let lease = files.0.lease(files.1.get(ADDRESS), ADDRESS, time, mac)?;
        Some((lease.mac?, lease.from, lease.until))
    }

    const PHONES: &str = "5000 02:00:00:00:00:11 192.168.1.5 phone *\n";
    const PHONES_RENEWED: &str = "8000 02:00:00:00:00:11 192.168.1.5 phone *\n";
    const LAPTOPS: &str = "9000 02:00:00:00:00:22 192.168.1.5 laptop *\n";

    #[test]
    fn an_address_had_another_owner() {
        let files = history(&[(1000, PHONES), (1060, PHONES_RENEWED), (1120, LAPTOPS), (1180, LAPTOPS)]);
        assert_eq!(files.0.changes.len(), 1, "to be renewed is no change");
        for mac in [PHONE, LAPTOP] {
            assert_eq!(holder(&files, 1059, mac), Some((PHONE, None, 1120)));
            assert_eq!(holder(&files, 1121, mac), Some((LAPTOP, Some(1060), 9000)));
            // It changed hands at some time between two looks.
            assert_eq!(holder(&files, 1100, mac).unwrap().0, mac);
        }
        assert_eq!(holder(&files, 1100, Mac::ZERO).unwrap().0, LAPTOP);
    }

    #[test]
    fn an_address_was_free_in_between() {
        let files = history(&[(1000, PHONES), (1060, ""), (6000, ""), (6060, LAPTOPS)]);
        assert_eq!(holder(&files, 1030, LAPTOP), Some((PHONE, None, 1060)), "it was given up");
        assert_eq!(holder(&files, 1061, PHONE), None);
        assert_eq!(holder(&files, 6030, PHONE), Some((LAPTOP, Some(6000), 9000)));
        let files = history(&[(1000, PHONES), (4990, PHONES), (5050, ""), (5110, "")]);
        assert_eq!(holder(&files, 5000, PHONE), Some((PHONE, None, 5000)), "it ran out");
        assert_eq!(holder(&files, 5001, PHONE), None);
    }

    #[test]
    fn a_name_of_its_time_is_kept() {
        let renamed = PHONES.replace("phone", "printer");
        let files = history(&[(1000, PHONES), (1060, PHONES), (1120, &renamed)]);
        let name = |time| files.0.lease(files.1.get(ADDRESS), ADDRESS, time, PHONE).unwrap().name.unwrap();
        assert_eq!([name(1050).as_str(), name(1130).as_str()], ["phone", "printer"]);
    }

    #[test]
    fn what_is_forgotten_is_not_made_up() {
        let mut history = History::default();
        history.look(0);
        let (phones, laptops) = (parse(PHONES.as_bytes()), parse(LAPTOPS.as_bytes()));
        history.note(&phones, &laptops, 60);
        // The first change is the one that goes.
        for n in 0..LEASE_CHANGES_MAX as u64 {
            assert_eq!(history.changes.len(), 1 + n as usize);
            let other = parse(format!("9000 {} 192.168.1.6 * *\n", Mac([2, 0, 0, 0, 1, n as u8])).as_bytes());
            let last = parse(format!("9000 {} 192.168.1.6 * *\n", Mac([2, 0, 0, 0, 2, n as u8])).as_bytes());
            history.note(&other, &last, 120 + n);
        }
        let files = (history, laptops);
        assert_eq!(files.0.changes.len(), LEASE_CHANGES_MAX);
        assert_eq!(holder(&files, 30, PHONE), None, "the phone's, but who knows that now");
        assert_eq!(holder(&files, 61, PHONE), Some((LAPTOP, None, 9000)));
    }

    #[test]
    fn a_clock_that_is_set_back_does_no_harm() {
        let files = history(&[(9000, PHONES), (1000, LAPTOPS), (1060, PHONES)]);
        assert_eq!(holder(&files, 1001, LAPTOP).unwrap().0, LAPTOP);
        assert_eq!(holder(&files, 1061, LAPTOP).unwrap().0, PHONE);
    }
}
