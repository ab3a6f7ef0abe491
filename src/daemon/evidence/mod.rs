//! Keep: what was sent to the dark is evidence, and stays for a while.
//!
//! ```text
//! capture --frame--> buffer (bounded) --> writer thread --> ring of segments, pcapng files in a directory
//!                                              '--> ends: first and last packets of who has an alert, in memory
//!                    download (pcapng, CSV, JSON lines, SQL) <-- walk <--'
//! ```
//!
//! The capture never waits for the disk: a full buffer keeps no more, and counts what it does not keep.

pub mod download;
mod ends;
pub mod export;
pub mod file;
pub mod pcapng;
pub mod ring;
pub mod segment;
pub mod walk;
pub mod words;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::clock::Clock;
use super::threads;
use crate::darknet::Touch;
use crate::limits::{
    EVIDENCE_BLOCK_BYTES_MAX, EVIDENCE_BUFFER_BYTES, EVIDENCE_STOP_PATIENCE, EVIDENCE_SWEEP_INTERVAL,
    EVIDENCE_WRITE_INTERVAL, THREAD_STACK_BYTES,
};
use crate::packet::Frame;
use crate::time::Timestamp;
use download::Download;
use export::Format;
use pcapng::Packet;
use ring::{Limits, Ring, lock, provisional};
use walk::{Selection, Walk};
use words::Words;

/// How evidence is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// The directory of the segments, which nobody else uses.
    pub directory: PathBuf,
    /// How much and for how long.
    pub limits: Limits,
    /// The interfaces' names, as the capture numbers them.
    pub interfaces: Vec<String>,
}

/// What became of the packets that were to be kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// What the ring did.
    pub ring: ring::Statistics,
    /// Packets that found the buffer full.
    pub dropped: u64,
}

/// The packets on their way to the writer.
struct Buffer {
    blocks: Vec<u8>,
    dropped: u64,
    stop: bool,
    finished: bool,
}

struct Shared {
    buffer: Mutex<Buffer>,
    changed: Condvar,
    ring: ring::Shared,
    options: Options,
    clock: Clock,
}

/// The way to the evidence: the capture adds to it, and the pages read it.
#[derive(Clone)]
pub struct Evidence {
    shared: Arc<Shared>,
}

impl Evidence {
    /// Goes on with what is in the directory, and starts the writer. All memory that the capture needs is
    /// allocated here.
    ///
    /// # Errors
    /// The directory cannot be used, or there is no thread.
    pub fn start(options: Options, clock: Clock) -> io::Result<Self> {
        let ring = Ring::open(&options.directory, options.limits, clock.now())?;
        let blocks = Vec::with_capacity(EVIDENCE_BUFFER_BYTES);
        let buffer = Mutex::new(Buffer { blocks, dropped: 0, stop: false, finished: false });
        let shared = Shared { buffer, changed: Condvar::new(), ring: ring.index(), options, clock };
        let shared = Arc::new(shared);
        let writer =
            Writer { shared: Arc::clone(&shared), ring, blocks: Vec::with_capacity(EVIDENCE_BUFFER_BYTES) };
        threads::spawn(
            "evidence",
            THREAD_STACK_BYTES,
            Box::new(move || {
                writer.run();
                Ok(())
            }),
        )?;
        Ok(Self { shared })
    }

    /// Hands over a frame that an interface saw; returns at once, whatever the disk does, and allocates nothing.
    pub fn keep(&self, interface: usize, frame: &Frame<'_>, touch: Touch, time: Timestamp) {
        let comment = Words::from(touch).comment();
        let packet = Packet {
            interface: provisional(interface, frame.link),
            time,
            wire_length: frame.wire_length,
            bytes: frame.bytes,
            comment: &comment,
        };
        let mut buffer = self.shared.lock();
        let used = buffer.blocks.len();
        if used + EVIDENCE_BLOCK_BYTES_MAX > EVIDENCE_BUFFER_BYTES {
            buffer.dropped += 1;
            return;
        }
        pcapng::put_packet(&mut buffer.blocks, &packet);
        let half = EVIDENCE_BUFFER_BYTES / 2;
        let is_news = used == 0 || used < half && buffer.blocks.len() >= half;
        drop(buffer);
        if is_news {
            self.shared.changed.notify_all();
        }
    }

    /// The selected packets in a format, or `None` for a pcapng file.
    pub fn download(&self, selection: Selection, format: Option<Format>) -> Download {
        let Shared { ring, options, clock, .. } = &*self.shared;
        let youngest = clock.now().seconds.saturating_sub(options.limits.age);
        let selection = Selection { from: selection.from.max(youngest), ..selection };
        Download::new(Walk::new(Arc::clone(ring), &options.directory, selection), format)
    }

    /// Where it is kept, and how much at most.
    pub fn options(&self) -> &Options {
        &self.shared.options
    }

    /// What became of the packets so far.
    pub fn statistics(&self) -> Statistics {
        let dropped = self.shared.lock().dropped;
        Statistics { ring: lock(&self.shared.ring).statistics, dropped }
    }

    /// Writes what waits and stops the writer. Takes `EVIDENCE_STOP_PATIENCE` at most.
    pub fn stop(&self) {
        let deadline = Instant::now() + EVIDENCE_STOP_PATIENCE;
        let mut buffer = self.shared.lock();
        buffer.stop = true;
        self.shared.changed.notify_all();
        while !buffer.finished && Instant::now() < deadline {
            buffer = self.shared.wait(buffer, deadline);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Buffer> {
        self.buffer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, buffer: MutexGuard<'a, Buffer>, deadline: Instant) -> MutexGuard<'a, Buffer> {
        let patience = deadline.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(buffer, patience).unwrap_or_else(PoisonError::into_inner).0
    }
}

struct Writer {
    shared: Arc<Shared>,
    ring: Ring,
    /// The buffer's other half.
    blocks: Vec<u8>,
}

impl Writer {
    fn run(mut self) {
        let mut written = None;
        let mut sweep = Instant::now() + EVIDENCE_SWEEP_INTERVAL;
        loop {
            let is_last = self.take(written, sweep);
            if !self.blocks.is_empty() {
                self.ring.append(&mut self.blocks, &self.shared.options.interfaces);
                self.blocks.clear();
                written = Some(Instant::now());
            }
            if is_last {
                break;
            }
            if Instant::now() >= sweep {
                self.ring.sweep(self.shared.clock.now());
                sweep = Instant::now() + EVIDENCE_SWEEP_INTERVAL;
            }
        }
        self.shared.lock().finished = true;
        self.shared.changed.notify_all();
    }

    /// Waits for packets, until it is time for a sweep, and takes them. A first one is written at once, and those
    /// that follow together. True at the end of the program.
    fn take(&mut self, written: Option<Instant>, sweep: Instant) -> bool {
        let shared = Arc::clone(&self.shared);
        let pause = written.map_or_else(Instant::now, |written| written + EVIDENCE_WRITE_INTERVAL);
        let mut buffer = shared.lock();
        loop {
            let now = Instant::now();
            let used = buffer.blocks.len();
            let is_due = used > 0 && now >= pause || used >= EVIDENCE_BUFFER_BYTES / 2;
            if buffer.stop || is_due || now >= sweep {
                std::mem::swap(&mut buffer.blocks, &mut self.blocks);
                return buffer.stop;
            }
            let deadline = if used > 0 { pause.min(sweep) } else { sweep };
            buffer = shared.wait(buffer, deadline);
        }
    }
}
