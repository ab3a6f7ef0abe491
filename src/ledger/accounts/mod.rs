//! The accounts of an interface: one for each of its devices, whatever addresses they have, and one for each
//! of its local networks.
//!
//! A flow is booked on a device when it is booked on the local host at its end, by the link-layer address
//! that the host was last seen with. Bars and rates follow from the sums, when somebody looks and before an
//! hour ends, so a packet costs them nothing.
//!
//! In a full table a new device takes the row of the one that was silent for longest, if that is over
//! [`DEVICE_STALE_SECONDS`], else of the one with the least traffic. So a flood of forged link-layer addresses only
//! takes rows from itself, and from devices that ever had less traffic than each of them. What had to make
//! room goes to the account of all others, so that nothing is lost of the sum.

use alloc::boxed::Box;
use alloc::vec;

use heapless::Vec;

use super::account::{ACCOUNT_PERIODS, Account, Bars, Calendar, Owner};
use super::rate::{Rate, Window};
use super::{Period, Traffic};
use crate::limits::{
    ACCOUNT_BYTES, DEVICE_STALE_SECONDS, HOST_ACCOUNT_BYTES, NETWORK_ACCOUNTS, OWN_MACS_MAX,
};
use crate::network::Networks;
use crate::packet::{Address, Mac};
use crate::table::Slot;

/// The rows that every table has. Networks follow, then devices.
const OTHERS: usize = 0;
const UNKNOWN: usize = 1;
const ROUTER: usize = 2;
const NETWORKS: usize = 3;
const DEVICES: usize = NETWORKS + NETWORK_ACCOUNTS;

/// A link-layer address that no device has: that of rows that are no device's.
const NOBODY: Mac = Mac([0xff; 6]);

/// Which rows a host's traffic is booked on.
#[derive(Clone, Copy)]
struct OfHost {
    /// The row of its device, if it is still there and the device is still the same.
    device: u16,
    /// The row of its network; that of others if it has none.
    network: u8,
}

const OF_NOBODY: OfHost = OfHost { device: UNKNOWN as u16, network: OTHERS as u8 };

/// The table; see the module's text. An interface without local devices has an empty one.
pub struct Accounts {
    rows: Box<[Account]>,
    bars: Box<[Bars]>,
    /// The devices' link-layer addresses, in one place to be searched.
    macs: Box<[Mac]>,
    of_hosts: Box<[OfHost]>,
    own_macs: Vec<Mac, OWN_MACS_MAX>,
    calendar: Calendar,
    utc_offset: i32,
}

const _: () = assert!(size_of::<Account>() + size_of::<Bars>() + size_of::<Mac>() <= ACCOUNT_BYTES);
const _: () = assert!(size_of::<OfHost>() <= HOST_ACCOUNT_BYTES);

impl Accounts {
    /// What the tables of this capacity take in bytes.
    pub(super) const fn bytes(devices: u16, hosts: u16) -> usize {
        match devices {
            0 => 0,
            _ => (DEVICES + devices as usize) * ACCOUNT_BYTES + hosts as usize * HOST_ACCOUNT_BYTES,
        }
    }

    /// Room for so many devices of so many hosts, or for nothing. All memory is allocated here.
    pub(super) fn with_capacity(devices: u16, hosts: u16) -> Self {
        let (rows, hosts) = match devices {
            0 => (0, 0),
            _ => (DEVICES + usize::from(devices), hosts.into()),
        };
        let mut table = Self {
            rows: vec![Account::default(); rows].into_boxed_slice(),
            bars: vec![Bars::default(); rows].into_boxed_slice(),
            macs: vec![NOBODY; rows].into_boxed_slice(),
            of_hosts: vec![OF_NOBODY; hosts].into_boxed_slice(),
            own_macs: Vec::new(),
            calendar: Calendar::default(),
            utc_offset: 0,
        };
        table.name_rows();
        table
    }

    /// The rows that are always there.
    fn name_rows(&mut self) {
        if !self.rows.is_empty() {
            self.rows[UNKNOWN].owner = Owner::Unknown;
            self.rows[ROUTER].owner = Owner::Router;
            self.macs[UNKNOWN] = Mac::ZERO;
        }
    }

    /// Starts anew, with these local networks.
    pub(super) fn clear(&mut self, networks: &Networks) {
        self.rows.fill(Account::default());
        self.bars.fill(Bars::default());
        self.macs.fill(NOBODY);
        self.of_hosts.fill(OF_NOBODY);
        self.calendar = Calendar::default();
        self.name_rows();
        self.set_networks(networks);
    }

    /// How many devices fit.
    pub fn capacity(&self) -> usize {
        self.rows.len().saturating_sub(DEVICES)
    }

    /// How many accounts there can be at once, of devices, networks and others.
    pub fn rows_max(&self) -> usize {
        self.rows.len()
    }

    /// A host has got this slot of the hosts' table.
    #[inline]
    pub(super) fn meet(&mut self, slot: Slot, address: Address) {
        if self.of_hosts.get(usize::from(slot)).is_some() {
            let network = self.network_of(address) as u8;
            self.of_hosts[usize::from(slot)] = OfHost { network, ..OF_NOBODY };
        }
    }

    /// Books what a local host sent and received between two times.
    #[inline]
    pub(super) fn book(
        &mut self,
        slot: Slot,
        mac: Mac,
        is_ipv4: bool,
        growth: Traffic,
        (first, last): (u32, u32),
    ) {
        let Some(of_host) = self.of_hosts.get(usize::from(slot)).copied() else { return };
        let mut device = usize::from(of_host.device);
        if self.macs[device] != mac {
            device = self.find_or_insert(mac, last);
            self.of_hosts[usize::from(slot)].device = device as u16;
        }
        self.rows[device].book(is_ipv4, growth, first, last);
        if of_host.network != OTHERS as u8 {
            self.rows[usize::from(of_host.network)].book(is_ipv4, growth, first, last);
        }
    }

    /// The local networks have changed. A network that is gone keeps its row until another needs it. More than
    /// there are rows for have none.
    pub(super) fn set_networks(&mut self, networks: &Networks) {
        let Some(rows) = self.rows.get_mut(NETWORKS..DEVICES) else { return };
        let is_present = |row: &Account| match row.owner {
            Owner::Network(prefix) => networks.prefixes().contains(&prefix),
            _ => false,
        };
        for prefix in networks.prefixes() {
            let owner = Owner::Network(*prefix);
            if rows.iter().any(|row| row.owner == owner) {
                continue;
            }
            let free = rows.iter_mut().enumerate().filter(|(_, row)| !is_present(row));
            if let Some((index, row)) = free.min_by_key(|(_, row)| row.last_seen) {
                *row = Account { owner, ..Account::default() };
                self.bars[NETWORKS + index] = Bars::default();
            }
        }
    }

    /// The link-layer addresses under which this machine sends. The row of one that was taken for a device joins
    /// the machine's own.
    pub(super) fn set_own_macs(&mut self, own_macs: &[Mac]) {
        self.own_macs = own_macs.iter().copied().take(OWN_MACS_MAX).collect();
        for index in DEVICES..self.rows.len() {
            if own_macs.contains(&self.macs[index]) {
                self.fold(index, ROUTER);
            }
        }
    }

    /// The seconds to add to UTC for local time.
    pub(super) fn set_utc_offset(&mut self, seconds: i32) {
        self.utc_offset = seconds;
    }

    /// True if all flows are to be booked before this second, because the hour ends with them.
    #[inline]
    pub(super) fn turns_at(&self, second: u64) -> bool {
        !self.rows.is_empty() && self.calendar.turns_at(self.local(second))
    }

    /// Brings bars and rates up to date. All flows are booked.
    pub(super) fn roll(&mut self, window: &Window) {
        for (row, bars) in self.rows.iter().zip(&mut self.bars) {
            bars.roll(row, &self.calendar, window);
        }
    }

    /// Moves on to this second. What came before it is rolled.
    pub(super) fn advance(&mut self, second: u64) {
        let local = self.local(second);
        self.calendar.advance(local, &mut self.bars);
    }

    fn local(&self, second: u64) -> i64 {
        second.min(u32::MAX.into()) as i64 + i64::from(self.utc_offset)
    }

    /// The row of the network with the longest prefix that holds the address.
    fn network_of(&self, address: Address) -> usize {
        let rows = self.rows.iter().enumerate().take(DEVICES).skip(NETWORKS);
        let lengths = rows.filter_map(|(index, row)| match row.owner {
            Owner::Network(prefix) if prefix.contains(address) => Some((prefix.length(), index)),
            _ => None,
        });
        lengths.max().map_or(OTHERS, |(_, index)| index)
    }

    fn find_or_insert(&mut self, mac: Mac, now: u32) -> usize {
        match self.place_of(mac) {
            Some(index) => index,
            None => {
                let index = self.first_to_go(now);
                if self.macs[index] != NOBODY {
                    self.fold(index, OTHERS);
                }
                self.macs[index] = mac;
                self.rows[index].owner = Owner::Device(mac);
                index
            }
        }
    }

    fn find(&self, mac: Mac) -> Option<usize> {
        self.macs.iter().skip(DEVICES).position(|known| *known == mac).map(|index| DEVICES + index)
    }

    /// The row of the device that is the first to make room: a free one, if there is one.
    fn first_to_go(&self, now: u32) -> usize {
        let order = |row: &Account| match row.last_seen {
            last if last.saturating_add(DEVICE_STALE_SECONDS) < now => (false, last.into(), last),
            last => (true, row.total().both().bytes, last),
        };
        let rows = self.rows.iter().enumerate().skip(DEVICES);
        rows.min_by_key(|(_, row)| order(row)).map_or(OTHERS, |(index, _)| index)
    }

    /// Adds a row's traffic to another's, and frees it. Its rate ends with it.
    fn fold(&mut self, index: usize, onto: usize) {
        let row = core::mem::take(&mut self.rows[index]);
        let mut bars = core::mem::take(&mut self.bars[index]);
        bars.roll(&row, &self.calendar, &Window::default());
        self.macs[index] = NOBODY;
        if !row.is_empty() {
            self.rows[onto].book(true, row.ipv4, row.first_seen, row.last_seen);
            self.rows[onto].book(false, row.ipv6, row.first_seen, row.last_seen);
            self.bars[onto].absorb(&bars);
        }
    }

    /// The accounts that have counted something, with their places: devices, then those that are none.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &Account)> {
        let (rest, devices) = self.rows.split_at(DEVICES.min(self.rows.len()));
        let devices = (DEVICES..).zip(devices);
        devices.chain(rest.iter().enumerate()).filter(|(_, row)| !row.is_empty())
    }

    /// The row in a place.
    pub fn row(&self, place: usize) -> Option<&Account> {
        self.rows.get(place)
    }

    /// The place of an owner's account.
    pub fn place(&self, owner: Owner) -> Option<usize> {
        self.rows.iter().position(|row| row.owner == owner && !row.is_empty())
    }

    /// The place of the account on which a local host with this link-layer address is booked, if there is any yet.
    pub fn place_of(&self, mac: Mac) -> Option<usize> {
        match mac {
            _ if self.rows.is_empty() => None,
            mac if !mac.is_station() => Some(UNKNOWN),
            mac if self.own_macs.contains(&mac) => Some(ROUTER),
            mac => self.find(mac),
        }
    }

    /// The same for the host in a slot, found faster.
    pub fn place_of_host(&self, slot: Slot, mac: Mac) -> Option<usize> {
        let device = self.of_hosts.get(usize::from(slot))?.device.into();
        if self.macs.get(device) == Some(&mac) { Some(device) } else { self.place_of(mac) }
    }

    /// The bytes per second of the row in a place.
    pub(super) fn rate(&self, place: usize, window: &Window) -> Rate {
        self.bars.get(place).map_or(Rate::default(), |bars| bars.recent.rate(window))
    }

    /// The bytes received and sent in a period, so many of its length ago.
    pub fn bytes_in(&self, place: usize, period: Period, age: usize) -> [u64; 2] {
        self.bars.get(place).map_or([0; 2], |bars| bars.get(&self.calendar, period, age))
    }

    /// When a period of local time began, so many of its length ago, in seconds since 1970.
    pub fn start(&self, period: Period, age: usize) -> i64 {
        period.start(period.number(self.calendar.local) - age as i64) - i64::from(self.utc_offset)
    }

    /// The second of local time in whose periods the newest bars are.
    pub fn until(&self) -> i64 {
        self.calendar.local
    }

    /// Puts an account back, with its bars from the newest, which are those of the periods of this second of local
    /// time. In a table smaller than the one that was saved, the devices stay that would stay if they came one
    /// after the other. A device that has no row, or has one already, is added to the others; a network without a row is
    /// left out, since its devices have its traffic as well.
    pub(super) fn restore(&mut self, account: &Account, until: i64, bars: [&[[u64; 2]]; 3]) {
        if self.rows.is_empty() {
            return;
        }
        // A second that no clock gives would make later arithmetic overflow.
        self.calendar.local = until.clamp(0, i64::from(u32::MAX) * 2);
        let mut restored = Bars::default();
        for (ring, bars) in bars.into_iter().enumerate() {
            for (age, bytes) in bars.iter().enumerate().take(ACCOUNT_PERIODS[ring].bars()) {
                restored.put(&self.calendar, ring, age, *bytes);
            }
        }
        restored.set_booked(account);
        let place = self.place_for(account);
        if let Some(place) = place {
            let row = &mut self.rows[place];
            row.book(true, account.ipv4, account.first_seen, account.last_seen);
            row.book(false, account.ipv6, account.first_seen, account.last_seen);
            self.bars[place].absorb(&restored);
        }
    }

    fn place_for(&mut self, account: &Account) -> Option<usize> {
        match account.owner {
            Owner::Others => Some(OTHERS),
            Owner::Unknown => Some(UNKNOWN),
            Owner::Router => Some(ROUTER),
            Owner::Network(_) => {
                let rows = &mut self.rows[NETWORKS..DEVICES];
                let place = |owner| rows.iter().position(|row| row.owner == owner);
                let index = place(account.owner).or_else(|| place(Owner::Others))?;
                rows[index].owner = account.owner;
                Some(NETWORKS + index)
            }
            Owner::Device(mac) if self.find(mac).is_none() && mac.is_station() => {
                let first_to_go = &self.rows[self.first_to_go(account.last_seen)];
                if !first_to_go.is_empty() && first_to_go.total().both().bytes > account.total().both().bytes
                {
                    return Some(OTHERS);
                }
                Some(self.find_or_insert(mac, account.last_seen))
            }
            Owner::Device(_) => Some(OTHERS),
        }
    }
}

#[cfg(test)]
mod tests;
