//! The report of a window: who sent how much to the dark, and how many distinct kinds of it, as a darknet
//! monitor's table has it.

use heapless::Vec;

use super::{Carrier, Event, Source};
use crate::limits::{DARK_SUMMARY_ROWS, DISTINCT_BITS};
use crate::packet::Address;
use crate::table::Seed;
use crate::time::Timestamp;

const WORDS: usize = DISTINCT_BITS / 64;

/// Counts distinct things without keeping them: each sets a bit by its hash (linear counting, Whang and others
/// 1990). Up to 20 the number is mostly exact; at 200 it is a tenth off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Distinct([u64; WORDS]);

impl Distinct {
    fn add(&mut self, hash: u64) {
        // A table's hash is for a table; its upper bits, multiplied once more (Knuth), spread evenly.
        let bit = (hash.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) as usize % DISTINCT_BITS;
        if let Some(word) = self.0.get_mut(bit / 64) {
            *word |= 1 << (bit % 64);
        }
    }

    /// How many there were, most likely; [`DISTINCT_MAX`] means that many or more.
    fn count(&self) -> u16 {
        most_likely(self.0.iter().map(|word| word.count_ones()).sum())
    }
}

/// How many distinct things it takes on average to set so many of the bits (the coupon collector's problem).
const fn most_likely(set: u32) -> u16 {
    let (mut set, mut thousandths) = (set, 500);
    while set > 0 {
        set -= 1;
        thousandths += 1000 * DISTINCT_BITS as u32 / (DISTINCT_BITS as u32 - set);
    }
    (thousandths / 1000) as u16
}

/// The largest count of distinct things.
pub const DISTINCT_MAX: u16 = most_likely(DISTINCT_BITS as u32);

/// What is counted in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Recount {
    packets: u64,
    kinds: Distinct,
    destinations: Distinct,
    payloads: Distinct,
}

impl Recount {
    /// Counts a touch, with a hash of its payload if it has one.
    pub fn add(&mut self, touch: &Event, payload: Option<u64>, seed: Seed) {
        self.packets += touch.packets;
        let kind = match touch.carrier {
            Carrier::Ip => u64::from(touch.protocol),
            Carrier::Arp => 256,
            Carrier::Solicitation => 257,
        };
        self.kinds.add(seed.word(kind));
        self.destinations.add(seed.address(touch.destination));
        if let Some(payload) = payload {
            self.payloads.add(payload);
        }
    }

    fn row(&self, source: Address, interface: u16) -> SummaryRow {
        SummaryRow {
            source,
            interface,
            packets: self.packets,
            kinds: self.kinds.count(),
            destinations: self.destinations.count(),
            payloads: self.payloads.count(),
        }
    }
}

/// What one source sent in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryRow {
    /// The sender.
    pub source: Address,
    /// The interface that saw it, as numbered by the capture.
    pub interface: u16,
    /// Its packets.
    pub packets: u64,
    /// Distinct transport protocols, with ARP and Neighbor Discovery as further ones.
    pub kinds: u16,
    /// Distinct destinations.
    pub destinations: u16,
    /// Distinct payloads, by what of them was captured. Packets without any do not count.
    pub payloads: u16,
}

/// The report of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// When the window began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// All packets of the window.
    pub packets: u64,
    /// All sources that are in the table.
    pub sources: u32,
    /// Those with the most packets, the largest first.
    pub rows: Vec<SummaryRow, DARK_SUMMARY_ROWS>,
}

impl Summary {
    /// A report of these packets, of which no source is known yet.
    pub(super) fn new(start: Timestamp, end: Timestamp, packets: u64) -> Self {
        Self { start, end, packets, sources: 0, rows: Vec::new() }
    }

    /// Adds what a source sent, and begins its next window.
    pub(super) fn take(&mut self, source: &mut Source) {
        let recount = core::mem::take(&mut source.recount);
        if recount.packets == 0 {
            return;
        }
        self.sources += 1;
        let place = self.rows.iter().position(|row| row.packets < recount.packets).unwrap_or(self.rows.len());
        if place == DARK_SUMMARY_ROWS {
            return;
        }
        if self.rows.is_full() {
            self.rows.pop();
        }
        let _ = self.rows.insert(place, recount.row(source.address(), source.interface()));
    }

    /// Packets of sources that are not among the rows.
    pub fn other_packets(&self) -> u64 {
        let shown: u64 = self.rows.iter().map(|row| row.packets).sum();
        self.packets.saturating_sub(shown)
    }

    /// The report in lines: the whole window, then its largest sources.
    pub fn lines(&self) -> impl Iterator<Item = SummaryLine> {
        let (start, end) = (self.start, self.end);
        let whole = Whole {
            packets: self.packets,
            sources: self.sources,
            other_packets: self.other_packets(),
            other_sources: self.sources.saturating_sub(self.rows.len() as u32),
        };
        let rows = self.rows.iter().zip(1..).map(|(row, rank)| (rank, About::Source(*row)));
        let lines = core::iter::once((0, About::Whole(whole))).chain(rows);
        lines.map(move |(rank, about)| SummaryLine { start, end, rank, about })
    }
}

/// A line of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SummaryLine {
    /// When the window began.
    pub start: Timestamp,
    /// When it ended.
    pub end: Timestamp,
    /// The source's place among all, from 1 on; 0 for the whole window.
    pub rank: u8,
    /// What it is about.
    pub about: About,
}

/// What a line of a report is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The window.
    Whole(Whole),
    /// One source.
    Source(SummaryRow),
}

/// What all sources sent in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whole {
    /// Their packets.
    pub packets: u64,
    /// How many sources there are in the table.
    pub sources: u32,
    /// Packets of those that have no line, or have left the table.
    pub other_packets: u64,
    /// How many sources have no line.
    pub other_sources: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distinct_things_are_counted_about_right() {
        assert_eq!(Distinct::default().count(), 0);
        for seed in 0..50 {
            let seed = Seed::new(seed, 1);
            let mut distinct = Distinct::default();
            for n in 1..=200u64 {
                distinct.add(seed.word(n));
                distinct.add(seed.word(n));
                let error = u64::from(distinct.count()).abs_diff(n);
                assert!(error <= 2 + n / 3, "{seed:?}: {} instead of {n}", distinct.count());
            }
            (0..100_000).for_each(|n| distinct.add(seed.word(n)));
            assert_eq!(distinct.count(), DISTINCT_MAX);
        }
        const { assert!(DISTINCT_MAX > 600) };
    }
}
