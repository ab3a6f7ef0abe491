//! The ring of segments on disk: appended to, sealed, and deleted from its oldest end.
//!
//! What is deleted, and when, is exact: the files are never larger in sum than `bytes`, and a packet older
//! than `age` is erased in its place at the next sweep. A disk that is full before that loses the oldest
//! segment. Packets are numbered in the order in which they came; a segment's name is its first one's number, so
//! that what is where needs no other file.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::ends::Ends;
use super::pcapng::{self, Block, Packet};
use super::segment::{self, Blocks, Interface, Interfaces, Next};
use super::walk::{Selection, Step, Walk, source_of};
use super::words::Words;
use crate::limits::{
    EVIDENCE_BLOCK_BYTES_MAX, EVIDENCE_BUFFER_BYTES, EVIDENCE_ENDS_MAX, EVIDENCE_SEGMENTS_MAX, EVIDENCE_SHARE,
};
use crate::packet::{Address, LinkType};
use crate::time::Timestamp;

/// No ring gets there: a name with a larger number is none of ours.
const NUMBER_MAX: u64 = 1 << 62;

/// What is kept, at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of all files together.
    pub bytes: u64,
    /// Seconds since a packet was captured.
    pub age: u64,
}

/// A segment, as far as it is whole on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The number of its first packet.
    pub first: u64,
    /// How many packets it has, erased ones included.
    pub packets: u64,
    /// Its bytes.
    pub length: u64,
    /// The second of its oldest packet that is not erased; `u64::MAX` if there is none.
    oldest: u64,
}

/// What is where: the writer changes it, and who reads the evidence looks into it.
pub struct Index {
    /// The segments, oldest first.
    pub segments: Vec<Segment>,
    /// The interfaces as numbered in the newest segment, and in [`Index::ends`].
    pub interfaces: Interfaces,
    /// The packets that stay in memory.
    pub ends: Ends,
    /// The number that the next packet gets.
    pub next: u64,
    /// What became of the packets.
    pub statistics: Statistics,
}

/// What became of the packets that were handed to the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Packets written.
    pub written: u64,
    /// Packets that could not be written.
    pub failed: u64,
    /// Segments deleted before their time, since the disk was full.
    pub given_up: u64,
    /// Bytes on disk.
    pub bytes: u64,
}

/// The index behind its lock, which is never held while a file is touched.
pub type Shared = Arc<Mutex<Index>>;

/// Takes the lock.
pub fn lock(index: &Mutex<Index>) -> MutexGuard<'_, Index> {
    index.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The writer of the ring.
pub struct Ring {
    directory: PathBuf,
    limits: Limits,
    index: Shared,
    /// The newest segment's file, while there is more room in it.
    file: Option<File>,
    /// What goes into it next.
    batch: Vec<u8>,
    /// The packets in that, and the oldest one's second.
    packets: u64,
    oldest: u64,
    scratch: Vec<u8>,
    in_trouble: bool,
}

impl Ring {
    /// Goes on with what is in the directory, as far as it is whole.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn open(directory: &Path, limits: Limits, now: Timestamp) -> io::Result<Self> {
        let index = Index {
            segments: Vec::with_capacity(EVIDENCE_SEGMENTS_MAX),
            interfaces: Interfaces::new(),
            ends: Ends::new(),
            next: 0,
            statistics: Statistics::default(),
        };
        let mut ring = Self {
            directory: directory.to_owned(),
            limits,
            index: Arc::new(Mutex::new(index)),
            file: None,
            // A segment's head goes in front of what the buffer brings.
            batch: Vec::with_capacity(EVIDENCE_BUFFER_BYTES + 2 * EVIDENCE_BLOCK_BYTES_MAX),
            packets: 0,
            oldest: u64::MAX,
            scratch: Vec::with_capacity(EVIDENCE_BLOCK_BYTES_MAX),
            in_trouble: false,
        };
        ring.recover()?;
        ring.make_room(0);
        ring.sweep(now);
        Ok(ring)
    }

    /// What is where, for those who read.
    pub fn index(&self) -> Shared {
        Arc::clone(&self.index)
    }

    /// Appends packets. Their interfaces are numbered by [`provisional`]; `names` has the names.
    pub fn append(&mut self, mut blocks: &mut [u8], names: &[String]) {
        while let Ok((Block::Packet(packet), length)) = pcapng::read(blocks) {
            let (time, is_alert) = (packet.time, Words::of(packet.comment).is_alert);
            let interface = described(packet.interface, names);
            let source = interface.as_ref().and_then(|(_, link)| source_of(*link, &packet));
            let (block, rest) = std::mem::take(&mut blocks).split_at_mut(length);
            blocks = rest;
            let Some((name, link)) = interface else { continue };
            self.begin(length as u64);
            let Some(number) = self.number(&Interface::new(name, link)) else {
                lock(&self.index).statistics.failed += 1;
                continue;
            };
            pcapng::renumber(block, number);
            if let Some(source) = source {
                self.keep_end(source, block, is_alert);
            }
            self.batch.extend_from_slice(block);
            self.packets += 1;
            self.oldest = self.oldest.min(time.seconds);
        }
        self.flush();
    }

    /// Erases what is too old.
    pub fn sweep(&mut self, now: Timestamp) {
        let before = now.seconds.saturating_sub(self.limits.age);
        lock(&self.index).ends.expire(before);
        for position in 0.. {
            let Some(segment) = lock(&self.index).segments.get(position).copied() else { break };
            if segment.oldest >= before {
                continue;
            }
            match self.erase(&segment, before) {
                Ok(oldest) => {
                    if let Some(known) = lock(&self.index).segments.get_mut(position) {
                        known.oldest = oldest;
                    }
                }
                Err(error) => {
                    // What cannot be erased must go all the same.
                    log::warn!("evidence: {}: {error}", self.path(&segment).display());
                    if let Some(known) = lock(&self.index).segments.get_mut(position) {
                        known.oldest = u64::MAX;
                    }
                }
            }
        }
        // A segment in which nothing is left is of no use.
        loop {
            let index = lock(&self.index);
            let empty = index.segments.iter().position(|segment| segment.oldest == u64::MAX);
            drop(index);
            let Some(position) = empty else { break };
            self.remove(position);
        }
    }

    /// Starts a new segment, or a new batch for the present one, if there is no room for a block of this length
    /// in the one that there is.
    fn begin(&mut self, length: u64) {
        let used = self.present().map_or(0, |segment| segment.length) + self.batch.len() as u64;
        if used + length > self.limits.bytes / EVIDENCE_SHARE {
            self.flush();
            self.batch.clear();
            self.file = None;
        } else if self.batch.len() as u64 + length > EVIDENCE_BUFFER_BYTES as u64 {
            self.flush();
        }
        if self.file.is_none() && self.batch.is_empty() {
            pcapng::put_section(&mut self.batch);
            for interface in &lock(&self.index).interfaces {
                pcapng::put_interface(&mut self.batch, &interface.name, interface.link);
            }
        }
    }

    /// The segment that is being written, if anything of it is on disk.
    fn present(&self) -> Option<Segment> {
        self.file.as_ref()?;
        lock(&self.index).segments.last().copied()
    }

    /// The number of an interface in the present segment, which gets a description of it if it has none.
    fn number(&mut self, interface: &Interface) -> Option<u32> {
        let interfaces = &mut lock(&self.index).interfaces;
        let known = interfaces.iter().position(|known| known == interface);
        let number = known.unwrap_or(interfaces.len());
        if known.is_none() {
            interfaces.push(interface.clone()).ok()?;
            pcapng::put_interface(&mut self.batch, &interface.name, interface.link);
        }
        Some(number as u32)
    }

    /// Keeps a packet in memory if its source has an alert. With the alert its first packets are looked for.
    fn keep_end(&mut self, source: Address, block: &[u8], is_alert: bool) {
        if !lock(&self.index).ends.has(source) {
            if !is_alert {
                return;
            }
            self.flush();
            self.begin(block.len() as u64);
            self.keep_first(source);
        }
        if let Ok((Block::Packet(packet), _)) = pcapng::read(block) {
            let mut index = lock(&self.index);
            let number = index.next + self.packets;
            index.ends.keep(source, number, &packet, &mut self.scratch);
        }
    }

    /// Keeps the first packets of a source that the ring has.
    fn keep_first(&mut self, source: Address) {
        let mut walk = Walk::new(self.index(), &self.directory, Selection::of(source));
        let mut left = EVIDENCE_ENDS_MAX;
        while left > 0 {
            match walk.step() {
                Step::Packet => {}
                Step::Passed => continue,
                Step::End => return,
            }
            let Some((number, interface, packet)) = walk.packet() else { continue };
            let Some(interface) = self.number(interface) else { continue };
            let packet = Packet { interface, ..packet };
            lock(&self.index).ends.keep(source, number, &packet, &mut self.scratch);
            left -= 1;
        }
    }

    /// Writes the batch. What cannot be written is counted, and the next packet begins another segment.
    fn flush(&mut self) {
        if self.packets == 0 {
            return;
        }
        let written = loop {
            self.make_room(self.batch.len() as u64);
            match self.write() {
                Ok(()) => break true,
                Err(error) if is_full(&error) && self.give_up_oldest() => self.report(&error),
                Err(error) => {
                    self.report(&error);
                    break false;
                }
            }
        };
        let mut index = lock(&self.index);
        index.next += self.packets;
        let counter = if written { &mut index.statistics.written } else { &mut index.statistics.failed };
        *counter += self.packets;
        drop(index);
        if written {
            self.in_trouble = false;
        } else {
            self.file = None;
        }
        self.batch.clear();
        self.packets = 0;
        self.oldest = u64::MAX;
    }

    /// Writes the batch behind what the present segment has, or as a new segment. What a failure leaves of it is
    /// cut off again.
    fn write(&mut self) -> io::Result<()> {
        let present = self.present();
        let new = Segment { first: lock(&self.index).next, packets: 0, length: 0, oldest: u64::MAX };
        let mut segment = present.unwrap_or(new);
        let path = self.path(&segment);
        let file = match self.file.take() {
            Some(file) => file,
            None => create(&path)?,
        };
        if let Err(error) = file.write_all_at(&self.batch, segment.length) {
            if present.is_none() {
                fs::remove_file(path)?;
            } else {
                file.set_len(segment.length)?;
                self.file = Some(file);
            }
            return Err(error);
        }
        self.file = Some(file);
        segment.packets += self.packets;
        segment.length += self.batch.len() as u64;
        segment.oldest = segment.oldest.min(self.oldest);
        let mut index = lock(&self.index);
        index.statistics.bytes += self.batch.len() as u64;
        match index.segments.last_mut() {
            Some(last) if present.is_some() => *last = segment,
            _ => index.segments.push(segment),
        }
        Ok(())
    }

    /// Deletes the oldest segments until there is room for so many bytes, and for one more segment.
    fn make_room(&mut self, bytes: u64) {
        loop {
            let index = lock(&self.index);
            let has_room = index.statistics.bytes + bytes <= self.limits.bytes
                && index.segments.len() < EVIDENCE_SEGMENTS_MAX;
            let is_over = has_room || index.segments.is_empty();
            drop(index);
            if is_over {
                return;
            }
            self.remove(0);
        }
    }

    /// Deletes the oldest segment because the disk is full; false if there is none but the present one.
    fn give_up_oldest(&mut self) -> bool {
        let mut index = lock(&self.index);
        if index.segments.len() <= usize::from(self.file.is_some()) {
            return false;
        }
        index.statistics.given_up += 1;
        drop(index);
        self.remove(0);
        true
    }

    /// Deletes a segment. It leaves the index first, so that nobody looks for it.
    fn remove(&mut self, position: usize) {
        let mut index = lock(&self.index);
        if position >= index.segments.len() {
            return;
        }
        let segment = index.segments.remove(position);
        index.statistics.bytes -= segment.length;
        let was_present = position == index.segments.len();
        drop(index);
        if was_present {
            self.file = None;
        }
        if let Err(error) = fs::remove_file(self.path(&segment)) {
            self.report(&error);
        }
    }

    /// Says what is wrong, once until it is right again.
    fn report(&mut self, error: &io::Error) {
        if !self.in_trouble {
            self.in_trouble = true;
            let directory = self.directory.display();
            if is_full(error) {
                log::warn!("evidence: {directory} is full: the oldest evidence goes before its time");
            } else {
                log::warn!("evidence: cannot be kept in {directory}: {error}");
            }
        }
    }

    fn path(&self, segment: &Segment) -> PathBuf {
        segment::path(&self.directory, segment.first)
    }

    /// Erases the packets of a segment from before this second, and says which is the oldest one left.
    fn erase(&mut self, segment: &Segment, before: u64) -> io::Result<u64> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(segment))?;
        let mut blocks = Blocks::new(file.try_clone()?, segment.length);
        let mut oldest = u64::MAX;
        loop {
            let at = blocks.position();
            match blocks.advance() {
                Next::Packet => {
                    let Some((_, packet, block)) = blocks.packet() else { continue };
                    if packet.time.seconds >= before {
                        oldest = oldest.min(packet.time.seconds);
                        continue;
                    }
                    self.scratch.clear();
                    self.scratch.extend_from_slice(block);
                    pcapng::erase(&mut self.scratch);
                    file.write_all_at(&self.scratch, at)?;
                }
                Next::Erased | Next::Other => {}
                Next::End => return Ok(oldest),
                Next::Damaged => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }

    /// Takes over what an earlier run has left, and cuts off what it left unfinished.
    fn recover(&mut self) -> io::Result<()> {
        let mut firsts = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let Some(first) = entry?.file_name().to_str().and_then(segment::first_of) else { continue };
            let place = firsts.partition_point(|known| *known < first);
            firsts.insert(place, first);
            // Of too many, however they came here, the oldest go.
            if firsts.len() == EVIDENCE_SEGMENTS_MAX {
                fs::remove_file(segment::path(&self.directory, firsts.remove(0)))?;
            }
        }
        for first in firsts {
            let path = segment::path(&self.directory, first);
            let mut index = lock(&self.index);
            match recover(&path, first) {
                Ok((segment, interfaces, file))
                    if (index.next..NUMBER_MAX).contains(&first) && segment.packets > 0 =>
                {
                    index.next = first.saturating_add(segment.packets);
                    index.statistics.bytes += segment.length;
                    index.segments.push(segment);
                    index.interfaces = interfaces;
                    self.file = Some(file);
                }
                _ => {
                    log::warn!("evidence: {} holds none and is removed", path.display());
                    fs::remove_file(&path)?;
                }
            }
        }
        let mut index = lock(&self.index);
        // The interfaces of this run must fit as well.
        if index.interfaces.len() > index.interfaces.capacity() / 2 {
            index.interfaces.clear();
            self.file = None;
        }
        Ok(())
    }
}

/// Reads a segment as far as it is whole, and cuts it there.
fn recover(path: &Path, first: u64) -> io::Result<(Segment, Interfaces, File)> {
    let mut options = OpenOptions::new();
    // A pipe would block and a device never end.
    let file = options.read(true).write(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let end = file.metadata()?.len();
    let mut blocks = Blocks::new(file.try_clone()?, end);
    let mut segment = Segment { first, packets: 0, length: 0, oldest: u64::MAX };
    loop {
        match blocks.advance() {
            Next::Packet => {
                let time = blocks.packet().map_or(u64::MAX, |(_, packet, _)| packet.time.seconds);
                segment.packets += 1;
                segment.oldest = segment.oldest.min(time);
            }
            Next::Erased => segment.packets += 1,
            Next::Other => {}
            Next::End | Next::Damaged => break,
        }
    }
    segment.length = blocks.position();
    if segment.length < end {
        log::warn!("evidence: {}: the last {} bytes are cut off", path.display(), end - segment.length);
        file.set_len(segment.length)?;
    }
    Ok((segment, blocks.interfaces().clone(), file))
}

/// A new file that only its owner can read. What is there under its name is not ours, or of no use.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true).mode(0o600);
    options.open(path)
}

fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// The number of an interface in blocks for [`Ring::append`]: its place among the names, and its link type.
pub fn provisional(interface: usize, link: LinkType) -> u32 {
    (interface as u32) << 16 | u32::from(link.number())
}

/// Whose number that is.
fn described(number: u32, names: &[String]) -> Option<(&str, LinkType)> {
    let name = names.get((number >> 16) as usize)?;
    let link = LinkType::ALL.into_iter().find(|link| u32::from(link.number()) == number & 0xffff)?;
    Some((name, link))
}
