//! Who touched the dark: a 4-way set-associative table of sources, allocated once.

use alloc::boxed::Box;
use alloc::vec;

use heapless::Vec;

use super::Event;
use crate::limits::{DARK_SOURCES_MAX, DARK_TARGETS_MAX, DARK_WINDOW_SECONDS};
use crate::packet::{Address, Mac, Packet};
use crate::table::Seed;
use crate::time::Timestamp;

const WAYS: usize = 4;
const SETS: usize = DARK_SOURCES_MAX / WAYS;
const _: () = assert!(SETS.is_power_of_two() && SETS * WAYS == DARK_SOURCES_MAX);

/// One sender of packets to dark addresses, on one interface.
#[derive(Clone, Debug)]
pub struct Source {
    /// Packets to dark addresses so far.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// When the first one came.
    pub first: Timestamp,
    /// The dark addresses touched, each as 32 bits of a seeded hash: enough to count distinct ones.
    targets: Vec<u32, DARK_TARGETS_MAX>,
    /// When the last event was raised, which opened the window that now runs.
    opened: Option<Timestamp>,
    /// What the next event will say. It counts no packets if all have been told.
    next: Event,
}

impl Source {
    fn new(interface: u16, packet: &Packet, now: Timestamp) -> Self {
        let next = Event::about(interface, packet, now);
        Self { packets: 0, bytes: 0, first: now, targets: Vec::new(), opened: None, next }
    }

    /// The sender.
    pub fn address(&self) -> Address {
        self.next.source
    }

    /// Its link-layer address, as last seen in a new window.
    pub fn mac(&self) -> Mac {
        self.next.source_mac
    }

    /// The interface that saw it.
    pub fn interface(&self) -> u16 {
        self.next.interface
    }

    /// When its last packet to a dark address came.
    pub fn last(&self) -> Timestamp {
        self.next.last
    }

    /// Distinct dark addresses touched; `DARK_TARGETS_MAX` means that many or more.
    pub fn dark_targets(&self) -> usize {
        self.targets.len()
    }

    /// Packets and bytes that no event has told of yet.
    pub(super) fn untold(&self) -> (u64, u64) {
        (self.next.packets, self.next.bytes)
    }

    pub(super) fn count(&mut self, packet: &Packet, target: u32, now: Timestamp) {
        if self.next.packets == 0 {
            self.next = Event::about(self.next.interface, packet, now);
        }
        if !self.targets.contains(&target) {
            // A full list stays as it is: the count then means "that many or more".
            let _ = self.targets.push(target);
        }
        let bytes = u64::from(packet.bytes);
        self.packets += 1;
        self.bytes += bytes;
        self.next.packets += 1;
        self.next.bytes += bytes;
        self.next.last = now;
        self.next.dark_targets = self.targets.len() as u8;
    }

    /// True if an event may be raised: none yet, the window is over, or the clock was set back.
    pub(super) fn may_speak(&self, now: Timestamp) -> bool {
        self.opened.is_none_or(|opened| now.seconds.abs_diff(opened.seconds) >= DARK_WINDOW_SECONDS)
    }

    /// The event that tells of all untold packets, if there are any; opens a new window.
    pub(super) fn speak(&mut self, now: Timestamp) -> Option<Event> {
        if self.next.packets == 0 {
            return None;
        }
        let event = self.next;
        self.opened = Some(now);
        self.next.packets = 0;
        self.next.bytes = 0;
        Some(event)
    }
}

/// The table. A set is chosen by seeded hash, so that nobody can aim at one; in a full set the source
/// with the fewest packets goes, and among equals the one that has been silent longest.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    slots: Box<[Option<Source>]>,
    seed: Seed,
    /// The second in which the last round of `due` began, and how far it has come.
    round: u64,
    cursor: usize,
}

impl Sources {
    /// An empty table, without slots unless `enabled`.
    pub(super) fn new(enabled: bool, seed: Seed) -> Self {
        let slots = vec![None; if enabled { DARK_SOURCES_MAX } else { 0 }].into_boxed_slice();
        Self { slots, seed, round: 0, cursor: 0 }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Source> {
        self.slots.iter().flatten()
    }

    pub(super) fn target(&self, destination: Address) -> u32 {
        hash(self.seed, destination, u16::MAX) as u32
    }

    /// The source of this packet, put into the table if need be, and the one that had to leave for it.
    /// `None` only in a table without slots.
    pub(super) fn find(
        &mut self,
        interface: u16,
        packet: &Packet,
        now: Timestamp,
    ) -> Option<(&mut Source, Option<Source>)> {
        let set = hash(self.seed, packet.source, interface) as usize & (SETS - 1);
        let set = self.slots.get_mut(set * WAYS..(set + 1) * WAYS)?;
        let is_it = |source: &Source| source.address() == packet.source && source.interface() == interface;
        if let Some(way) = set.iter().position(|slot| slot.as_ref().is_some_and(is_it)) {
            return set.get_mut(way)?.as_mut().map(|source| (source, None));
        }
        // An empty slot sorts before any source.
        let slot =
            set.iter_mut().min_by_key(|slot| slot.as_ref().map(|source| (source.packets, source.last())))?;
        let evicted = slot.take();
        Some((slot.insert(Source::new(interface, packet, now)), evicted))
    }

    /// The next event of a window that is over. One round over the table is made per second, however
    /// often this is called.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Event> {
        if now.seconds != self.round {
            self.round = now.seconds;
            self.cursor = 0;
        }
        while let Some(slot) = self.slots.get_mut(self.cursor) {
            self.cursor += 1;
            if let Some(source) = slot
                && source.may_speak(now)
                && let Some(event) = source.speak(now)
            {
                return Some(event);
            }
        }
        None
    }

    /// The event of any source that has untold packets.
    pub(super) fn untold(&mut self) -> Option<Event> {
        self.slots.iter_mut().flatten().find_map(|source| source.speak(source.last()))
    }
}

/// Where a source of an interface belongs, and what is remembered of a destination.
fn hash(seed: Seed, address: Address, interface: u16) -> u64 {
    seed.mix(seed.address(address), u64::from(interface))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_costs_what_limits_says() {
        assert!(size_of::<Option<Source>>() <= crate::limits::DARK_SOURCE_BYTES, "{}", size_of::<Source>());
    }

    #[test]
    fn sequential_addresses_spread_over_the_sets() {
        for seed in [0, 1, 0xdead_beef, u64::MAX] {
            let mut load = [0u32; SETS];
            for n in 0..16 * SETS as u32 {
                load[hash(Seed::new(seed, 0), Address::v4(0x0a00_0000 + n), 0) as usize & (SETS - 1)] += 1;
            }
            let most = load.iter().max().copied().unwrap_or(0);
            assert!(most <= 48, "seed {seed:#x}: {most} addresses in one set where 16 are fair");
        }
    }
}
