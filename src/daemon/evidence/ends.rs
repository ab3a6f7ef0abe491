//! The first and the last packets of sources with an alert, which stay in memory when the ring has lost them.

use std::collections::VecDeque;

use super::pcapng::{self, Packet};
use crate::limits::{EVIDENCE_END_BYTES, EVIDENCE_ENDS_MAX, EVIDENCE_SOURCES_MAX};
use crate::packet::Address;
use crate::time::Timestamp;

/// A packet in memory.
#[derive(Clone, Debug)]
pub struct End {
    /// Its number among all packets.
    pub number: u64,
    /// When it was captured.
    pub time: Timestamp,
    /// Its block.
    pub block: heapless::Vec<u8, EVIDENCE_END_BYTES>,
}

/// A source and its packets, oldest first.
#[derive(Clone, Debug)]
struct Source {
    address: Address,
    first: heapless::Vec<End, EVIDENCE_ENDS_MAX>,
    last: heapless::Deque<End, EVIDENCE_ENDS_MAX>,
}

impl Source {
    fn ends(&self) -> impl Iterator<Item = &End> {
        self.first.iter().chain(&self.last)
    }

    fn newest(&self) -> Option<u64> {
        self.ends().last().map(|end| end.number)
    }
}

/// The sources with an alert; see the module's text.
pub struct Ends {
    sources: VecDeque<Source>,
}

impl Ends {
    /// No source yet. All memory is allocated here.
    pub fn new() -> Self {
        Self { sources: VecDeque::with_capacity(EVIDENCE_SOURCES_MAX) }
    }

    /// Whether a source has an alert.
    pub fn has(&self, source: Address) -> bool {
        self.sources.iter().any(|known| known.address == source)
    }

    /// Adds a source that has an alert now. In a full list the one that has been silent for longest goes.
    pub fn add(&mut self, source: Address) {
        if self.sources.len() == EVIDENCE_SOURCES_MAX {
            let newest = self.sources.iter().enumerate().map(|(index, source)| (source.newest(), index));
            if let Some((_, silent)) = newest.min() {
                self.sources.remove(silent);
            }
        }
        let (first, last) = (heapless::Vec::new(), heapless::Deque::new());
        self.sources.push_back(Source { address: source, first, last });
    }

    /// Keeps a packet, if its source has an alert. `scratch` is for a long one, which is cut.
    pub fn keep(&mut self, source: Address, number: u64, packet: &Packet<'_>, scratch: &mut Vec<u8>) {
        let Some(source) = self.sources.iter_mut().find(|known| known.address == source) else { return };
        scratch.clear();
        pcapng::put_packet(scratch, packet);
        if let Some(excess) = scratch.len().checked_sub(EVIDENCE_END_BYTES) {
            let kept = packet.bytes.len().saturating_sub(excess + 3);
            let bytes = packet.bytes.get(..kept).unwrap_or_default();
            let wire_length = packet.wire_length.max(packet.bytes.len() as u32);
            scratch.clear();
            pcapng::put_packet(scratch, &Packet { bytes, wire_length, ..*packet });
        }
        let Ok(block) = heapless::Vec::from_slice(scratch) else { return };
        let end = End { number, time: packet.time, block };
        if let Err(end) = source.first.push(end) {
            if source.last.is_full() {
                source.last.pop_front();
            }
            let _ = source.last.push_back(end);
        }
    }

    /// The first packet whose number is in this range.
    pub fn next(&self, from: u64, to: u64) -> Option<&End> {
        let ends = self.sources.iter().flat_map(Source::ends);
        ends.filter(|end| (from..to).contains(&end.number)).min_by_key(|end| end.number)
    }

    /// Forgets the packets from before this second, and the sources of which nothing is left.
    pub fn expire(&mut self, before: u64) {
        let is_young = |end: &End| end.time.seconds >= before;
        for source in &mut self.sources {
            source.first.retain(is_young);
            source.last.retain(|end| is_young(end));
        }
        self.sources.retain(|source| source.newest().is_some());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(ends: &mut Ends, source: u32, number: u64) {
        let packet = Packet {
            time: Timestamp::from_seconds(number),
            bytes: &[7; 1000],
            comment: "x",
            ..Packet::default()
        };
        ends.keep(Address::v4(source), number, &packet, &mut Vec::new());
    }

    fn numbers(ends: &Ends) -> Vec<u64> {
        let mut from = 0;
        std::iter::from_fn(|| {
            let number = ends.next(from, u64::MAX)?.number;
            from = number + 1;
            Some(number)
        })
        .collect()
    }

    #[test]
    fn the_first_and_the_last_stay() {
        let mut ends = Ends::new();
        keep(&mut ends, 1, 0);
        assert_eq!(numbers(&ends), [0; 0], "without an alert nothing is kept");
        ends.add(Address::v4(1));
        ends.add(Address::v4(2));
        for number in 0..100 {
            keep(&mut ends, 1 + number as u32 % 2, number);
        }
        assert_eq!(numbers(&ends), [0, 1, 2, 3, 4, 5, 6, 7, 92, 93, 94, 95, 96, 97, 98, 99]);
        let end = ends.next(50, 93).unwrap();
        let Ok((pcapng::Block::Packet(packet), _)) = pcapng::read(&end.block) else { panic!("no packet") };
        assert!(packet.bytes.len() > 300 && packet.wire_length == 1000, "a long packet is cut");
        ends.expire(96);
        assert_eq!(numbers(&ends), [96, 97, 98, 99]);
        ends.expire(99);
        assert!(!ends.has(Address::v4(1)) && ends.has(Address::v4(2)));
    }

    #[test]
    fn the_one_that_has_been_silent_for_longest_makes_room() {
        let mut ends = Ends::new();
        for source in 0..EVIDENCE_SOURCES_MAX as u32 {
            ends.add(Address::v4(source));
            keep(&mut ends, source, source.into());
        }
        keep(&mut ends, 0, 100);
        ends.add(Address::v4(77));
        assert!(ends.has(Address::v4(0)) && !ends.has(Address::v4(1)) && ends.has(Address::v4(77)));
        assert_eq!(ends.sources.len(), EVIDENCE_SOURCES_MAX);
        assert_eq!(ends.sources.capacity(), EVIDENCE_SOURCES_MAX);
    }
}
