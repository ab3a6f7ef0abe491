//! The port rows of one interface and of all its hosts, in one set-associative table.
//!
//! A row lives in one of the four places of its set. When they are taken, the smallest row goes, and
//! since every owner's total is kept elsewhere, what a row held then shows as the owner's "other
//! ports". One table for all costs a third less than a list for every host, and a host that talks to
//! ten thousand ports cannot take more room than its sets. Who is not expected to stay takes vacant places
//! only.
//!
//! A host's IP protocols that have no ports live here as well, one row each.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::AddAssign;

use super::{Seed, Slot};
use crate::ledger::Counters;

/// Rows in a set.
const WAYS: usize = 4;

/// What a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PortKind {
    /// TCP, the owner's own port.
    TcpLocal,
    /// TCP, the port at the other end.
    TcpRemote,
    /// UDP, the owner's own port.
    UdpLocal,
    /// UDP, the port at the other end.
    UdpRemote,
    /// No port: an IP protocol of a host, by its number, that its own row has no counters for. An
    /// interface has no such rows, it counts all protocols apart.
    Protocol,
}

impl PortKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::TcpLocal, Self::TcpRemote, Self::UdpLocal, Self::UdpRemote, Self::Protocol];
}

/// Whose row it is, which kind and which port: 29 bits of the owner's generation, 3 of kind, 16 of the
/// owner's slot and 16 of port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortKey(u64);

impl PortKey {
    /// The owner that stands for the whole interface.
    const INTERFACE: Slot = Slot::MAX;
    const GENERATION_MASK: u32 = (1 << 29) - 1;

    /// A row of the whole interface.
    #[inline]
    pub const fn interface(kind: PortKind, port: u16) -> Self {
        Self::host(Self::INTERFACE, 1, kind, port)
    }

    /// A row of the host in this slot and generation of the host table.
    #[inline]
    pub const fn host(slot: Slot, generation: u32, kind: PortKind, port: u16) -> Self {
        Self(
            ((generation & Self::GENERATION_MASK) as u64) << 35
                | (kind as u64) << 32
                | (slot as u64) << 16
                | port as u64,
        )
    }

    /// The owner's slot, or `None` for the whole interface.
    pub const fn owner(self) -> Option<Slot> {
        let slot = (self.0 >> 16) as Slot;
        if slot == Self::INTERFACE { None } else { Some(slot) }
    }

    /// True if the row belongs to the host that is the slot's `generation`th.
    pub const fn is_of(self, slot: Slot, generation: u32) -> bool {
        (self.0 >> 16) as Slot == slot && (self.0 >> 35) as u32 == generation & Self::GENERATION_MASK
    }

    /// What the row counts.
    pub const fn kind(self) -> PortKind {
        match self.0 >> 32 & 7 {
            0 => PortKind::TcpLocal,
            1 => PortKind::TcpRemote,
            2 => PortKind::UdpLocal,
            3 => PortKind::UdpRemote,
            _ => PortKind::Protocol,
        }
    }

    /// The port's number, or the protocol's.
    pub const fn port(self) -> u16 {
        self.0 as u16
    }

    const fn is_vacant(self) -> bool {
        self.0 == 0
    }
}

/// The traffic of one port or protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortRow {
    /// To the owner.
    pub inbound: Counters,
    /// From the owner.
    pub outbound: Counters,
    /// TCP connection attempts (SYN without ACK), either way; stays at its maximum.
    pub syns: u32,
}

impl PortRow {
    fn bytes(&self) -> u64 {
        self.inbound.bytes + self.outbound.bytes
    }
}

impl AddAssign<&Self> for PortRow {
    #[inline]
    fn add_assign(&mut self, growth: &Self) {
        self.inbound += growth.inbound;
        self.outbound += growth.outbound;
        self.syns = self.syns.saturating_add(growth.syns);
    }
}

// Aligned, because a search for the smallest row reads all of it: three cache lines, not parts of four.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Set {
    keys: [PortKey; WAYS],
    rows: [PortRow; WAYS],
}

/// The rows; see the module's text.
pub struct PortTable {
    seed: Seed,
    sets: Box<[Set]>,
    evicted: u64,
    swept: usize,
}

impl PortTable {
    /// Bytes that a row takes, its key included.
    pub const ROW_BYTES: usize = size_of::<Set>() / WAYS;

    /// How many rows a table of at least `rows` rows has.
    pub const fn round_up(rows: u32) -> usize {
        let sets = (rows as usize).div_ceil(WAYS).next_power_of_two();
        if sets < 2 { 2 * WAYS } else { sets * WAYS }
    }

    /// An empty table of at least `rows` rows, rounded up to a power of two of sets.
    pub fn with_capacity(rows: u32, seed: Seed) -> Self {
        let sets = Self::round_up(rows) / WAYS;
        Self { seed, sets: vec![Set::default(); sets].into_boxed_slice(), evicted: 0, swept: 0 }
    }

    /// How many rows fit.
    pub fn capacity(&self) -> usize {
        self.sets.len() * WAYS
    }

    /// How many rows have made room for others since the start.
    pub fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Counts on from this many rows that have made room, as a snapshot has it.
    pub fn restore_evicted(&mut self, evicted: u64) {
        self.evicted = evicted;
    }

    /// Books growth on the key's row. If it has none, the smallest row of its set makes room.
    #[inline(never)]
    pub fn book(&mut self, key: PortKey, growth: &PortRow) {
        let set = &mut self.sets[self.index(key)];
        if let Some(way) = set.way(key) {
            set.rows[way] += growth;
        } else {
            let way = set.smallest();
            self.evicted += u64::from(!set.keys[way].is_vacant());
            set.put(way, key, growth);
        }
    }

    /// Books growth on the key's row if it has one or finds a vacant place.
    #[inline(never)]
    pub fn book_if_room(&mut self, key: PortKey, growth: &PortRow) {
        let set = &mut self.sets[self.index(key)];
        if let Some(way) = set.way(key) {
            set.rows[way] += growth;
        } else if let Some(way) = set.way(PortKey::default()) {
            set.put(way, key, growth);
        }
    }

    /// The key's row, if there is one.
    pub fn get(&self, key: PortKey) -> Option<&PortRow> {
        let set = &self.sets[self.index(key)];
        Some(&set.rows[set.way(key)?])
    }

    /// Where the key's set is. There is a power of two of them.
    #[inline]
    fn index(&self, key: PortKey) -> usize {
        self.seed.word(key.0) as usize & (self.sets.len() - 1)
    }

    /// All rows, in no particular order; those of evicted hosts too, until a sweep has passed.
    pub fn iter(&self) -> impl Iterator<Item = (PortKey, &PortRow)> {
        let all = self.sets.iter().flat_map(|set| set.keys.iter().copied().zip(&set.rows));
        all.filter(|(key, _)| !key.is_vacant())
    }

    /// Frees the rows in the next `sets` sets whose owner is gone, so that a large row of an evicted
    /// host does not keep its place for ever. Called once a second it passes everywhere in turn.
    pub fn sweep(&mut self, sets: usize, lives: impl Fn(PortKey) -> bool) {
        for _ in 0..sets.min(self.sets.len()) {
            let set = &mut self.sets[self.swept];
            for (key, row) in set.keys.iter_mut().zip(&mut set.rows) {
                if !key.is_vacant() && !lives(*key) {
                    *key = PortKey::default();
                    *row = PortRow::default();
                }
            }
            self.swept = (self.swept + 1) % self.sets.len();
        }
    }
}

impl Set {
    #[inline]
    fn way(&self, key: PortKey) -> Option<usize> {
        self.keys.iter().position(|&present| present == key)
    }

    #[inline]
    fn put(&mut self, way: usize, key: PortKey, row: &PortRow) {
        self.keys[way] = key;
        self.rows[way] = *row;
    }

    /// The way of the smallest row; a vacant one holds nothing.
    #[inline]
    fn smallest(&self) -> usize {
        let [a, b, c, d] = [0, 1, 2, 3].map(|way| (self.rows[way].bytes(), way));
        a.min(b).min(c.min(d)).1
    }
}
