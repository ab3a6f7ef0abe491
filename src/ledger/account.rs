//! What is kept of one device or local network: its traffic in the time since it was first seen, and by
//! hours, days and months.

use super::rate::{Recent, Window};
use super::{Counters, Period, Traffic};
use crate::limits::{HISTORY_DAYS, HISTORY_HOURS, HISTORY_MONTHS, REORDER_SECONDS};
use crate::network::Prefix;
use crate::packet::Mac;

/// Whose account it is. All but networks together have the traffic of the local hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Owner {
    /// The devices that had to make room.
    #[default]
    Others,
    /// Local hosts whose link-layer address is not known.
    Unknown,
    /// This machine itself.
    Router,
    /// A local network: the hosts whose addresses are in it and in no longer prefix.
    Network(Prefix),
    /// The device with this link-layer address, or the router that leads to several.
    Device(Mac),
}

/// An account's sums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Whose it is.
    pub owner: Owner,
    /// When its first packet came, in seconds since 1970 (good until 2106).
    pub first_seen: u32,
    /// When its latest packet came.
    pub last_seen: u32,
    /// Its IPv4 traffic.
    pub ipv4: Traffic,
    /// Its IPv6 traffic.
    pub ipv6: Traffic,
}

impl Account {
    /// All traffic.
    pub fn total(&self) -> Traffic {
        let mut total = self.ipv4;
        total += self.ipv6;
        total
    }

    /// True if nothing was ever counted.
    pub fn is_empty(&self) -> bool {
        self.total().both().is_zero()
    }

    /// Adds traffic that came in this time.
    #[inline]
    pub(super) fn book(&mut self, is_ipv4: bool, growth: Traffic, first: u32, last: u32) {
        let family = if is_ipv4 { &mut self.ipv4 } else { &mut self.ipv6 };
        *family += growth;
        if self.first_seen == 0 || first < self.first_seen {
            self.first_seen = first;
        }
        self.last_seen = self.last_seen.max(last);
    }
}

/// Bytes of one bar. They end at 256 TiB: 868 Mbit/s for a month of the longest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Amount([u16; 3]);

impl Amount {
    const MAX: u64 = (1 << 48) - 1;

    fn get(self) -> u64 {
        let [high, middle, low] = self.0.map(u64::from);
        high << 32 | middle << 16 | low
    }

    fn add(&mut self, bytes: u64) {
        let sum = self.get().saturating_add(bytes).min(Self::MAX);
        self.0 = [(sum >> 32) as u16, (sum >> 16) as u16, sum as u16];
    }
}

/// The periods that an account has rings of.
pub const ACCOUNT_PERIODS: [Period; 3] = [Period::Hour, Period::Day, Period::Month];

/// All columns of the three rings, one behind the other.
const COLUMNS: usize = HISTORY_HOURS + HISTORY_DAYS + HISTORY_MONTHS;

/// Where the rings begin among the columns.
const RINGS: [usize; 3] = [0, HISTORY_HOURS, HISTORY_HOURS + HISTORY_DAYS];

/// An account by time. The rings of all accounts turn together, see [`Calendar`].
#[derive(Clone, Copy)]
pub(super) struct Bars {
    /// The bytes received and sent that are in the bars already.
    booked: [u64; 2],
    pub(super) recent: Recent,
    columns: [[Amount; 2]; COLUMNS],
}

impl Default for Bars {
    fn default() -> Self {
        Self { booked: [0; 2], recent: Recent::default(), columns: [[Amount::default(); 2]; COLUMNS] }
    }
}

impl Bars {
    /// Adds what the account has grown by since the last time to the present bars and to the window.
    pub(super) fn roll(&mut self, account: &Account, calendar: &Calendar, window: &Window) {
        let total = account.total();
        let sums = [total.received.bytes, total.sent.bytes];
        if sums == self.booked {
            return;
        }
        let [received, sent] = [0, 1].map(|way| sums[way].saturating_sub(self.booked[way]));
        self.booked = sums;
        for ring in 0..RINGS.len() {
            self.add(calendar.column(ring, 0), [received, sent]);
        }
        let growth = |bytes| Counters::new(0, bytes);
        self.recent.book(window, &Traffic { received: growth(received), sent: growth(sent) });
    }

    /// Adds another account's bars, which has been rolled.
    pub(super) fn absorb(&mut self, other: &Self) {
        for way in 0..2 {
            self.booked[way] = self.booked[way].wrapping_add(other.booked[way]);
        }
        for column in 0..COLUMNS {
            self.add(column, other.columns[column].map(Amount::get));
        }
    }

    /// A ring's bytes received and sent, so many periods ago.
    pub(super) fn get(&self, calendar: &Calendar, period: Period, age: usize) -> [u64; 2] {
        let ring = ACCOUNT_PERIODS.iter().position(|known| *known == period);
        ring.map_or([0; 2], |ring| self.columns[calendar.column(ring, age)].map(Amount::get))
    }

    /// Puts back a ring's bytes, so many periods ago.
    pub(super) fn put(&mut self, calendar: &Calendar, ring: usize, age: usize, bytes: [u64; 2]) {
        self.add(calendar.column(ring, age), bytes);
    }

    /// Says that this traffic is in the restored bars already.
    pub(super) fn set_booked(&mut self, account: &Account) {
        let total = account.total();
        self.booked = [total.received.bytes, total.sent.bytes];
    }

    fn add(&mut self, column: usize, bytes: [u64; 2]) {
        for (sum, bytes) in self.columns[column].iter_mut().zip(bytes) {
            sum.add(bytes);
        }
    }

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Forward { cleared } => self.columns[cleared] = Default::default(),
            Turn::Backward { from, onto } => {
                let future = core::mem::take(&mut self.columns[from]);
                self.add(onto, future.map(Amount::get));
            }
        }
    }
}

/// What becomes of a column when a ring turns by one period.
#[derive(Clone, Copy)]
enum Turn {
    /// A period begins.
    Forward { cleared: usize },
    /// The clock was set back before this period began.
    Backward { from: usize, onto: usize },
}

/// Where all accounts' rings stand.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Calendar {
    /// The second of local time in whose periods the newest columns are.
    pub(super) local: i64,
    /// The newest column of each ring.
    heads: [usize; 3],
}

impl Calendar {
    /// True if this second of local time is in another hour, and so in another column: one before the present hour
    /// only if it is no packet that came late.
    pub(super) fn turns_at(&self, local: i64) -> bool {
        let hour = |second: i64| second.div_euclid(3_600);
        hour(local) != hour(self.local) && (local > self.local || local + REORDER_SECONDS < self.local)
    }

    /// Turns all rings to this second of local time. Periods without traffic are zero columns. If the clock was
    /// set back, columns of times that are now to come are added to the present one; if that is all of a ring, the
    /// clock was so wrong that only their order means something, and the ring keeps that.
    pub(super) fn advance(&mut self, local: i64, all: &mut [Bars]) {
        if !self.turns_at(local) {
            self.local = self.local.max(local);
            return;
        }
        for (ring, period) in ACCOUNT_PERIODS.into_iter().enumerate() {
            let length = period.bars();
            let steps = period.number(local).saturating_sub(period.number(self.local));
            if steps > -(length as i64) {
                for _ in 0..steps.unsigned_abs().min(length as u64) {
                    let turn = self.step(ring, length, steps > 0);
                    all.iter_mut().for_each(|bars| bars.turn(turn));
                }
            }
        }
        self.local = local;
    }

    fn step(&mut self, ring: usize, length: usize, forward: bool) -> Turn {
        let from = RINGS[ring] + self.heads[ring];
        self.heads[ring] = (self.heads[ring] + if forward { 1 } else { length - 1 }) % length;
        let to = RINGS[ring] + self.heads[ring];
        if forward { Turn::Forward { cleared: to } } else { Turn::Backward { from, onto: to } }
    }

    /// The column of a ring's period that lies so many before the present one.
    fn column(&self, ring: usize, age: usize) -> usize {
        let length = ACCOUNT_PERIODS[ring].bars();
        RINGS[ring] + (self.heads[ring] + length - age % length) % length
    }
}
