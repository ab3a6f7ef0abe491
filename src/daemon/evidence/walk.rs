//! A way through the evidence, from the oldest packet to the newest, in steps that are all short.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::pcapng::{self, Block, Packet};
use super::ring::{Shared, lock};
use super::segment::{self, Blocks, Interface, Next};
use crate::limits::EVIDENCE_END_BYTES;
use crate::packet::{Address, Decoded, Frame, LinkType, decode};

/// Which packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Selection {
    /// The source, if only one is meant.
    pub source: Option<Address>,
    /// The first second.
    pub from: u64,
    /// The last second.
    pub to: u64,
}

impl Selection {
    /// All packets of a source.
    pub const fn of(source: Address) -> Self {
        Self { source: Some(source), from: 0, to: u64::MAX }
    }

    fn has(&self, interface: &Interface, packet: &Packet<'_>) -> bool {
        (self.from..=self.to).contains(&packet.time.seconds)
            && self.source.is_none_or(|source| source_of(interface.link, packet) == Some(source))
    }
}

/// What a packet's headers say.
// The decoder is made for the capture, where every copy of it is worth its room; one for the rest is enough.
#[inline(never)]
pub fn headers_of(link: LinkType, packet: &Packet<'_>) -> Decoded {
    decode(&Frame { link, bytes: packet.bytes, wire_length: packet.wire_length })
}

/// Who sent a packet.
pub fn source_of(link: LinkType, packet: &Packet<'_>) -> Option<Address> {
    match headers_of(link, packet) {
        Decoded::Packet(packet) => Some(packet.source),
        Decoded::NonIp(frame) => frame.arp.map(|arp| arp.sender),
        Decoded::Discard(_) => None,
    }
}

/// What a step led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A packet that is wanted, which [`Walk::packet`] has.
    Packet,
    /// Nothing that is wanted.
    Passed,
    /// There is no more.
    End,
}

/// Where a way is.
// There are as many as downloads, which are two.
#[allow(clippy::large_enum_variant)]
enum Place {
    /// Between two segments.
    Nowhere,
    /// In a segment, behind which the next packet has this number.
    Segment(Box<Blocks>, u64),
    /// At a packet in memory.
    Memory(Interface, heapless::Vec<u8, EVIDENCE_END_BYTES>),
}

/// A way through segments and memory. What comes while it is gone is left out, so that it ends.
pub struct Walk {
    index: Shared,
    directory: PathBuf,
    selection: Selection,
    /// The number of the next packet.
    next: u64,
    /// The number of the first packet that is left out.
    until: u64,
    place: Place,
}

impl Walk {
    /// A way from the oldest packet to the newest one that there is now.
    pub fn new(index: Shared, directory: &Path, selection: Selection) -> Self {
        let until = lock(&index).next;
        Self { index, directory: directory.to_owned(), selection, next: 0, until, place: Place::Nowhere }
    }

    /// One step: a block of a segment, or a packet from memory.
    pub fn step(&mut self) -> Step {
        let Place::Segment(blocks, end) = &mut self.place else { return self.find() };
        match blocks.advance() {
            _ if self.next >= self.until => Step::End,
            Next::Packet => {
                self.next += 1;
                let is_wanted = blocks
                    .packet()
                    .is_some_and(|(interface, packet, _)| self.selection.has(interface, &packet));
                if is_wanted { Step::Packet } else { Step::Passed }
            }
            Next::Erased => {
                self.next += 1;
                Step::Passed
            }
            Next::Other => Step::Passed,
            Next::End | Next::Damaged => {
                self.next = self.next.max(*end);
                self.place = Place::Nowhere;
                Step::Passed
            }
        }
    }

    /// The packet that the last step led to, its number, and where it came from.
    pub fn packet(&self) -> Option<(u64, &Interface, Packet<'_>)> {
        let (interface, packet) = match &self.place {
            Place::Nowhere => return None,
            Place::Segment(blocks, _) => blocks.packet().map(|(interface, packet, _)| (interface, packet))?,
            Place::Memory(interface, block) => match pcapng::read(block) {
                Ok((Block::Packet(packet), _)) => (interface, packet),
                _ => return None,
            },
        };
        Some((self.next - 1, interface, packet))
    }

    /// Whether a source has an alert by now.
    pub fn is_alerted(&self, source: Address) -> bool {
        lock(&self.index).ends.has(source)
    }

    /// Finds the next place: a packet in memory that no segment has, or the next segment.
    fn find(&mut self) -> Step {
        self.place = Place::Nowhere;
        let index = lock(&self.index);
        let end_of = |segment: &super::ring::Segment| segment.first.saturating_add(segment.packets);
        let segment = index.segments.iter().find(|segment| end_of(segment) > self.next).copied();
        let segment = segment.filter(|segment| segment.first < self.until);
        let bound = segment.map_or(self.until, |segment| segment.first);
        if let Some(end) = index.ends.next(self.next, bound) {
            self.next = end.number + 1;
            let Ok((Block::Packet(packet), _)) = pcapng::read(&end.block) else { return Step::Passed };
            let Some(interface) = index.interfaces.get(packet.interface as usize) else {
                return Step::Passed;
            };
            if !self.selection.has(interface, &packet) {
                return Step::Passed;
            }
            self.place = Place::Memory(interface.clone(), end.block.clone());
            return Step::Packet;
        }
        drop(index);
        let Some(segment) = segment else { return Step::End };
        self.next = end_of(&segment);
        // It may be gone by now, as the oldest is when there is no room.
        if let Ok(file) = File::open(segment::path(&self.directory, segment.first)) {
            self.next = segment.first;
            self.place = Place::Segment(Box::new(Blocks::new(file, segment.length)), end_of(&segment));
        }
        Step::Passed
    }
}
