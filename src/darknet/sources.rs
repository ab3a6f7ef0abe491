//! Who touched the dark: an 8-way set-associative table of sources, allocated once.

use alloc::boxed::Box;

use super::space::Space;
use super::{Event, Kind, Source};
use crate::packet::Address;
use crate::table::Seed;
use crate::time::Timestamp;

const WAYS: usize = 8;

/// The table. A set is chosen by seeded hash, so that nobody can aim at one; in a full set a
/// stranger goes before one of our LANs, then whoever has no alert, then whoever has the fewest packets, and
/// among equals the one that has been silent longest.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    slots: Box<[Option<Source>]>,
    seed: Seed,
    /// The second in which the last round of `due` began, and how far it has come.
    round: u64,
    cursor: usize,
    /// No source has anything to say before this second.
    earliest: u64,
    /// How far the round of `untold` has come.
    told: usize,
}

impl Sources {
    /// An empty table of this many sources, rounded up to a power of two; of none if that is 0.
    pub(super) fn with_capacity(capacity: usize, seed: Seed) -> Self {
        let slots = if capacity == 0 { 0 } else { capacity.next_power_of_two().max(WAYS) };
        let slots: Box<[_]> = (0..slots).map(|_| None).collect();
        Self { cursor: slots.len(), slots, seed, round: 0, earliest: u64::MAX, told: 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.slots.iter().flatten()
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Source> {
        self.slots.iter_mut().flatten()
    }

    /// The source of this touch, put into the table if need be, and the one that had to leave for it.
    /// `None` only in a table without slots.
    pub(super) fn find(&mut self, touch: &Event, local: bool) -> Option<(&mut Source, Option<Source>)> {
        let (address, interface) = (touch.source, touch.interface);
        let set = hash(self.seed, address, interface) as usize & self.slots.len().checked_sub(WAYS)?;
        let set = self.slots.get_mut(set..set + WAYS)?;
        let is_it = |source: &Source| source.address() == address && source.interface() == interface;
        if let Some(way) = set.iter().position(|slot| slot.as_ref().is_some_and(is_it)) {
            return set.get_mut(way)?.as_mut().map(|source| (source, None));
        }
        let rank = |source: &Source| (source.local, source.is_alerted(), source.packets, source.last());
        // An empty slot sorts before any source.
        let slot = set.iter_mut().min_by_key(|slot| slot.as_ref().map(rank))?;
        let evicted = slot.take();
        Some((slot.insert(Source::new(touch, local)), evicted))
    }

    /// A source has changed, and has something to say in this second.
    pub(super) fn expect(&mut self, second: Option<u64>) {
        self.earliest = self.earliest.min(second.unwrap_or(u64::MAX));
    }

    /// The next event that is due because time has passed. It costs nothing while there is none; then a round
    /// is made over the table, however often this is called.
    pub(super) fn due(&mut self, now: Timestamp, space: &Space) -> Option<Event> {
        if self.cursor == self.slots.len() {
            // A clock that was set back is none to wait for.
            if now.seconds < self.earliest && now.seconds >= self.round {
                return None;
            }
            (self.round, self.cursor, self.earliest) = (now.seconds, 0, u64::MAX);
        }
        while let Some(slot) = self.slots.get_mut(self.cursor) {
            if let Some(source) = slot {
                // A source that has something to say may have more.
                if let Some(event) = source.due(now, space) {
                    return Some(event);
                }
                self.earliest = self.earliest.min(source.due_at().unwrap_or(u64::MAX));
            }
            self.cursor += 1;
        }
        None
    }

    /// The event of the next source that has untold packets, in one round over the table.
    pub(super) fn untold(&mut self) -> Option<Event> {
        while let Some(slot) = self.slots.get_mut(self.told) {
            self.told += 1;
            if let Some(event) = slot.as_mut().and_then(|source| source.speak(Kind::Hit, source.last())) {
                return Some(event);
            }
        }
        self.told = 0;
        None
    }
}

/// Where a source of an interface belongs.
fn hash(seed: Seed, address: Address, interface: u16) -> u64 {
    seed.mix(seed.address(address), u64::from(interface))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_costs_what_limits_says() {
        assert!(
            size_of::<Option<Source>>() <= crate::limits::DARK_SOURCE_BYTES,
            "{}",
            size_of::<Option<Source>>()
        );
    }

    #[test]
    fn sequential_addresses_spread_over_the_sets() {
        const SETS: usize = 256;
        for seed in [0, 1, 0xdead_beef, u64::MAX] {
            let mut load = [0u32; SETS];
            for n in 0..16 * SETS as u32 {
                let hash = hash(Seed::new(seed, 0), Address::v4(0x0a00_0000 + n), 0);
                load[(hash as usize / WAYS) & (SETS - 1)] += 1;
            }
            let most = load.iter().max().copied().unwrap_or(0);
            assert!(most <= 48, "seed {seed:#x}: {most} addresses in one set where 16 are fair");
        }
    }
}
