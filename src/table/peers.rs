//! Which hosts talk to each other: one row for both of them.
//!
//! The rows are the heaviest as far as sets of four can tell ([`super::sets`]). What holds is this:
//!
//! - A row is exact: it has all that its two hosts sent each other since it was made, and nothing else. It goes
//!   with either host.
//! - A row makes room only for two hosts of which none is a stranger, only if its set is full, and only if no row
//!   of the set has fewer bytes. So the three heaviest rows of a set stay, for as long as their hosts do.
//! - Strangers take vacant places alone: however many come, they take no row from anybody.
//! - A row that made room begins again at zero when its hosts talk on. Since each host's total is kept elsewhere,
//!   what it held shows as traffic "not on any row" of both: rows are never more than the truth.

use core::ops::AddAssign;

use super::{Key, Row, Seed, SetTable, Slot};
use crate::ledger::{Counters, Traffic};

/// The rows of an interface's hosts.
pub type PeerTable = SetTable<PeerKey, PeerRow>;

/// One of two hosts: the slot of its row in the host table, and which of the slot's rows that is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// The slot.
    pub slot: Slot,
    /// The row's generation, never 0 until rows have come and gone four billion times.
    pub generation: u32,
}

/// Two hosts, that with the smaller address first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerKey(pub [End; 2]);

impl Key for PeerKey {
    #[inline]
    fn hash(&self, seed: &Seed) -> u64 {
        let [a, b] = self.0;
        let slots = u32::from(a.slot) << 16 | u32::from(b.slot);
        let generations = a.generation ^ b.generation.rotate_left(16);
        seed.word(u64::from(generations) << 32 | u64::from(slots))
    }
}

/// What two hosts sent each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerRow {
    /// By the first of them, and by the second.
    pub sent: [Counters; 2],
}

impl PeerRow {
    /// The traffic of one of the two with the other.
    pub fn traffic(&self, end: usize) -> Traffic {
        Traffic { sent: self.sent[end & 1], received: self.sent[end & 1 ^ 1] }
    }
}

impl Row for PeerRow {
    #[inline]
    fn bytes(&self) -> u64 {
        (self.sent[0] + self.sent[1]).bytes
    }
}

impl AddAssign<&Self> for PeerRow {
    #[inline]
    fn add_assign(&mut self, growth: &Self) {
        self.sent[0] += growth.sent[0];
        self.sent[1] += growth.sent[1];
    }
}
