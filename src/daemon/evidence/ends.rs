//! The first and the last packets of sources with an alert, which stay in memory when the ring has lost them.

use super::pcapng::{self, Packet};
use crate::limits::{EVIDENCE_END_BYTES, EVIDENCE_ENDS_MAX, EVIDENCE_SOURCES_MAX};
use crate::packet::Address;
use crate::time::Timestamp;

/// Packets of all sources together.
const ALL_MAX: usize = EVIDENCE_SOURCES_MAX * 2 * EVIDENCE_ENDS_MAX;

/// A packet in memory.
#[derive(Clone, Debug)]
pub struct End {
    source: Address,
    /// One of the first of its source, which stay.
    is_first: bool,
    /// Its number among all packets.
    pub number: u64,
    /// When it was captured.
    time: Timestamp,
    /// Its block.
    pub block: heapless::Vec<u8, EVIDENCE_END_BYTES>,
}

/// The packets of sources with an alert, in no order; see the module's text.
pub struct Ends(Vec<End>);

impl Ends {
    /// No packet yet. All memory is allocated here.
    pub fn new() -> Self {
        Self(Vec::with_capacity(ALL_MAX))
    }

    /// Whether a source has an alert.
    pub fn has(&self, source: Address) -> bool {
        self.0.iter().any(|end| end.source == source)
    }

    /// Keeps a packet of a source that has an alert. `scratch` is for a long one, which is cut.
    pub fn keep(&mut self, source: Address, number: u64, packet: &Packet<'_>, scratch: &mut Vec<u8>) {
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
        let known = self.0.iter().filter(|end| end.source == source).count();
        let end = End { source, is_first: known < EVIDENCE_ENDS_MAX, number, time: packet.time, block };
        if known < 2 * EVIDENCE_ENDS_MAX {
            self.make_room();
            self.0.push(end);
            return;
        }
        let last = self.0.iter_mut().filter(|end| end.source == source && !end.is_first);
        if let Some(oldest) = last.min_by_key(|end| end.number) {
            *oldest = end;
        }
    }

    /// If the list is full, the source goes that has been silent for longest.
    fn make_room(&mut self) {
        if self.0.len() < ALL_MAX {
            return;
        }
        let newest = |source| self.0.iter().filter(|end| end.source == source).map(|end| end.number).max();
        if let Some(silent) = self.0.iter().map(|end| end.source).min_by_key(|source| newest(*source)) {
            self.0.retain(|end| end.source != silent);
        }
    }

    /// The first packet whose number is in this range.
    pub fn next(&self, from: u64, to: u64) -> Option<&End> {
        self.0.iter().filter(|end| from <= end.number && end.number < to).min_by_key(|end| end.number)
    }

    /// Forgets the packets from before this second.
    pub fn expire(&mut self, before: u64) {
        self.0.retain(|end| end.time.seconds >= before);
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
            (0..8).for_each(|number| keep(&mut ends, source, u64::from(source) * 8 + number));
        }
        keep(&mut ends, 0, 1000);
        keep(&mut ends, 77, 1001);
        assert!(ends.has(Address::v4(0)) && !ends.has(Address::v4(1)) && ends.has(Address::v4(77)));
        assert_eq!((ends.0.len(), ends.0.capacity()), (ALL_MAX - 7, ALL_MAX));
    }
}
