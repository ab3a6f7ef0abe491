//! The set-associative table of ports and of peers.
//!
//! A row lives in one of the four places of its set. When they are taken, the smallest row goes: whoever it
//! belongs to has totals elsewhere, so that what it held is not lost but only no longer told apart. Rows of
//! those who are not expected to stay take vacant places only.

use alloc::boxed::Box;
use alloc::vec;
use core::ops::AddAssign;

use super::Seed;

/// Rows in a set.
const WAYS: usize = 4;

/// What finds a row. The default is no row's key: it marks a vacant place.
pub trait Key: Copy + Default + PartialEq {
    /// The key's hash, of which the table takes the lowest bits.
    fn hash(&self, seed: &Seed) -> u64;
}

/// What is counted under a key.
pub trait Row: Copy + Default + for<'r> AddAssign<&'r Self> {
    /// The fewer, the sooner it makes room.
    fn bytes(&self) -> u64;
}

// Aligned, because a search for the smallest row reads all of it: three cache lines, not parts of four.
#[derive(Clone, Copy, Default)]
#[repr(align(64))]
struct Set<K, R> {
    keys: [K; WAYS],
    rows: [R; WAYS],
}

/// The rows; see the module's text.
pub struct SetTable<K, R> {
    seed: Seed,
    sets: Box<[Set<K, R>]>,
    evicted: u64,
    swept: usize,
}

impl<K: Key, R: Row> SetTable<K, R> {
    /// Bytes that a row takes, its key included.
    pub const ROW_BYTES: usize = size_of::<Set<K, R>>() / WAYS;

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

    /// Empties the table.
    pub fn clear(&mut self) {
        self.sets.fill(Set::default());
        self.evicted = 0;
    }

    /// Books growth on the key's row. If it has none, the smallest row of its set makes room.
    #[inline(never)]
    pub fn book(&mut self, key: K, growth: &R) {
        let set = &mut self.sets[self.index(key)];
        if let Some(way) = set.way(key) {
            set.rows[way] += growth;
        } else {
            let way = set.smallest();
            self.evicted += u64::from(!is_vacant(set.keys[way]));
            set.put(way, key, growth);
        }
    }

    /// Books growth on the key's row if it has one or finds a vacant place.
    #[inline(never)]
    pub fn book_if_room(&mut self, key: K, growth: &R) {
        let set = &mut self.sets[self.index(key)];
        if let Some(way) = set.way(key) {
            set.rows[way] += growth;
        } else if let Some(way) = set.way(K::default()) {
            set.put(way, key, growth);
        }
    }

    /// Puts a row of a snapshot back. Of five rows the smallest has made room, which may be this one: rows come in
    /// any order, and whoever was heaviest is to stay.
    #[inline(never)]
    pub fn restore(&mut self, key: K, row: &R) {
        let set = &mut self.sets[self.index(key)];
        if let Some(way) = set.way(key) {
            // Only a forged snapshot has it twice.
            set.rows[way] += row;
        } else if let Some(way) = set.way(K::default()) {
            set.put(way, key, row);
        } else {
            self.evicted += 1;
            let way = set.smallest();
            if row.bytes() > set.rows[way].bytes() {
                set.put(way, key, row);
            }
        }
    }

    /// The key's row, if there is one.
    pub fn get(&self, key: K) -> Option<&R> {
        let set = &self.sets[self.index(key)];
        Some(&set.rows[set.way(key)?])
    }

    /// Where the key's set is. There is a power of two of them.
    #[inline]
    fn index(&self, key: K) -> usize {
        key.hash(&self.seed) as usize & (self.sets.len() - 1)
    }

    /// All rows, in no particular order; those of evicted hosts too, until a sweep has passed.
    pub fn iter(&self) -> impl Iterator<Item = (K, &R)> {
        let all = self.sets.iter().flat_map(|set| set.keys.iter().copied().zip(&set.rows));
        all.filter(|(key, _)| !is_vacant(*key))
    }

    /// Frees the rows in the next `sets` sets whose owner is gone, so that a large row of an evicted
    /// host does not keep its place for ever. Called once a second it passes everywhere in turn.
    pub fn sweep(&mut self, sets: usize, lives: impl Fn(K) -> bool) {
        for _ in 0..sets.min(self.sets.len()) {
            let set = &mut self.sets[self.swept];
            for (key, row) in set.keys.iter_mut().zip(&mut set.rows) {
                if !is_vacant(*key) && !lives(*key) {
                    *key = K::default();
                    *row = R::default();
                }
            }
            self.swept = (self.swept + 1) % self.sets.len();
        }
    }
}

impl<K: Key, R: Row> Set<K, R> {
    #[inline]
    fn way(&self, key: K) -> Option<usize> {
        self.keys.iter().position(|&present| present == key)
    }

    #[inline]
    fn put(&mut self, way: usize, key: K, row: &R) {
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

fn is_vacant<K: Key>(key: K) -> bool {
    key == K::default()
}
