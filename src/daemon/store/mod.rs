//! Keeps the books on disk: when a snapshot is written, what it may cost, and how all starts again.
//!
//! A snapshot is written every `--snapshot-interval`, on SIGUSR1 and at the end, if a frame came since
//! the last. Its bytes are made under the monitor's lock, one ledger at a time, in a buffer that was set
//! aside at start; files are touched after the lock is released.
//!
//! # The flash budget
//! Bytes written are counted per UTC day, and the count survives a restart with the snapshot. A budget
//! is never exceeded. It makes the interval so long that a day's snapshots fit, and always leaves room
//! for one more: that is for the end of the program, where not to save would lose the most.

mod budget;
mod files;
mod names;

use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use super::names::Names;
use super::tap::lock;
use super::{config, export};
use crate::monitor::Monitor;
use crate::snapshot::{self, Header, Rejected, Restored, Writer};
use crate::time::Timestamp;
use budget::Budget;
use files::{Generation, Generations};
pub use files::{claim, open, write_durably};
use names::KeptNames;

/// The present, by both clocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// Time since some start, never set back: what intervals are measured by.
    pub uptime: Duration,
    /// The time of day.
    pub wall: Timestamp,
}

/// How it goes, for the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// When counting began, restarts included.
    pub started: Timestamp,
    /// When the latest snapshot was written, by this program or the one before it.
    pub saved: Option<Timestamp>,
    /// Its size in bytes.
    pub size: u64,
    /// Snapshots written since the program started.
    pub saves: u64,
    /// Snapshots that could not be written.
    pub failures: u64,
    /// Snapshots not written because the budget was used up.
    pub refused: u64,
    /// Bytes written on this UTC day.
    pub written_today: u64,
    /// The budget in bytes per day.
    pub flash_budget: Option<u64>,
    /// Seconds between snapshots, as the budget allows.
    pub interval: u64,
}

/// Why a snapshot is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Occasion {
    Interval,
    Request,
    End,
}

/// What is kept of the books on disk; see the module's text.
pub struct Store {
    generations: Option<Generations>,
    import: Option<PathBuf>,
    export: Option<PathBuf>,
    interval: Duration,
    budget: Budget,
    buffer: Box<[u8]>,
    names: Option<KeptNames>,
    /// Frames captured on all interfaces, as the latest snapshot has them.
    captured: u64,
    next: Duration,
    /// The last attempt did not succeed, and the log says so already.
    troubled: bool,
    status: Status,
}

impl Store {
    /// Sets aside the room for a snapshot of this monitor. Nothing is read or written yet.
    pub fn new(config: &config::Store, monitor: &Monitor, now: Now) -> Self {
        let keeps = config.directory.is_some() || config.export.is_some();
        let room = if keeps { snapshot::size_max(monitor) } else { 0 };
        let interval = Duration::from_secs(config.interval.max(1));
        Self {
            generations: config.directory.clone().map(Generations::new),
            import: config.import.clone(),
            export: config.export.clone(),
            interval,
            budget: Budget::new(config.flash_budget, now),
            buffer: vec![0; room].into_boxed_slice(),
            names: None,
            captured: 0,
            next: now.uptime + interval,
            troubled: false,
            status: Status {
                started: now.wall,
                flash_budget: config.flash_budget,
                interval: interval.as_secs(),
                ..Status::default()
            },
        }
    }

    /// Puts the books back from the newest complete snapshot, or else from the import. True if there was
    /// one. Whatever is wrong with a file is logged in one line, and a bad snapshot is kept under
    /// another name; it never keeps the program from starting.
    pub fn start(&mut self, monitor: &Mutex<Monitor>) -> bool {
        self.restore(monitor) || self.import(monitor)
    }

    /// Keeps these names, too, beside the snapshots. Those that were kept before are taken over.
    pub fn keep(&mut self, names: Names, now: Now) {
        if let Some(generations) = &self.generations {
            self.names = Some(KeptNames::new(generations.directory(), names, now.wall));
        }
    }

    /// Writes a snapshot if it is time. Returns the uptime at which to call again, if ever.
    pub fn poll(&mut self, monitor: &Mutex<Monitor>, now: Now) -> Option<Duration> {
        self.generations.as_ref()?;
        if now.uptime >= self.next {
            self.save(monitor, now, Occasion::Interval);
            let spacing = self.budget.spacing(self.interval, self.status.size);
            self.status.interval = spacing.as_secs();
            self.next = now.uptime + spacing;
        }
        if self.names.as_ref().is_some_and(KeptNames::is_urgent) {
            self.save_names(now, Occasion::Request);
        }
        Some(self.next)
    }

    /// Writes a snapshot now, also if no frame came since the last: something else has changed.
    ///
    /// # Errors
    /// One line for the user: there is none.
    pub fn save_changed(&mut self, monitor: &Mutex<Monitor>, now: Now) -> Result<(), String> {
        // No ledger has captured as many.
        self.captured = u64::MAX;
        let saves = self.status.saves;
        self.save(monitor, now, Occasion::Request);
        match self.status.saves {
            same if same == saves => Err("no snapshot could be written; the log says why".to_owned()),
            _ => Ok(()),
        }
    }

    /// Puts these books in the place of the present ones, of which a snapshot is written before.
    ///
    /// # Errors
    /// One line for the user: nothing has changed.
    pub fn replace(&mut self, monitor: &Mutex<Monitor>, now: Now, bytes: &[u8]) -> Result<(), String> {
        snapshot::verify(bytes).map_err(|rejected| rejected.to_string())?;
        // A statement of its own, so that the lock is released after it.
        let found = snapshot::find_watched(bytes, &lock(monitor));
        found.map_err(|rejected| rejected.to_string())?;
        self.save_changed(monitor, now)?;
        let restored =
            snapshot::restore(bytes, &mut lock(monitor)).map_err(|rejected| rejected.to_string())?;
        self.resume(&restored, "the upload");
        // If this one fails, the next comes with the interval.
        let _ = self.save_changed(monitor, now);
        Ok(())
    }

    /// Writes a snapshot and the export now: somebody asked for it.
    pub fn request(&mut self, monitor: &Mutex<Monitor>, now: Now) {
        self.save(monitor, now, Occasion::Request);
        self.export(monitor, now);
    }

    /// Writes the last snapshot and the export. The budget's reserve is for this.
    pub fn close(&mut self, monitor: &Mutex<Monitor>, now: Now) {
        self.save(monitor, now, Occasion::End);
        self.export(monitor, now);
    }

    /// How it goes.
    pub fn status(&self) -> Status {
        Status { written_today: self.budget.written(), ..self.status }
    }

    fn restore(&mut self, monitor: &Mutex<Monitor>) -> bool {
        let Some(generations) = &self.generations else { return false };
        let Some((path, restored, size)) = find(generations, monitor) else { return false };
        self.budget.restore(restored.header.day, restored.header.written, size);
        self.status.saved = Some(restored.header.saved.into());
        self.status.size = size;
        self.captured = captured(monitor);
        self.resume(&restored, &path.display().to_string());
        true
    }

    fn import(&mut self, monitor: &Mutex<Monitor>) -> bool {
        let Some(path) = self.import.take() else { return false };
        let restored = export::read(&path).and_then(|bytes| {
            snapshot::restore(&bytes, &mut lock(monitor)).map_err(|rejected| rejected.to_string())
        });
        match restored {
            Ok(restored) => {
                self.resume(&restored, &path.display().to_string());
                true
            }
            Err(error) => {
                log::warn!("--import {}: nothing is imported: {error}", path.display());
                false
            }
        }
    }

    /// Goes on counting from what was restored.
    fn resume(&mut self, restored: &Restored, source: &str) {
        self.status.started = restored.header.started.into();
        let plural = if restored.interfaces == 1 { "" } else { "s" };
        log::info!("{source}: the books of {} interface{plural} are restored", restored.interfaces);
        for name in &restored.dropped {
            log::warn!("{source}: '{name}' is not watched now, its books are dropped");
        }
    }

    fn save(&mut self, monitor: &Mutex<Monitor>, now: Now, occasion: Occasion) {
        self.save_books(monitor, now, occasion);
        self.save_names(now, occasion);
    }

    fn save_names(&mut self, now: Now, occasion: Occasion) {
        let Some(names) = &mut self.names else { return };
        self.budget.turn(now);
        if let Err(error) = names.save(&mut self.budget, occasion == Occasion::End) {
            self.status.failures += 1;
            log::warn!("{error}");
        }
    }

    fn save_books(&mut self, monitor: &Mutex<Monitor>, now: Now, occasion: Occasion) {
        let Some(generations) = &self.generations else { return };
        let captured = captured(monitor);
        if captured == self.captured {
            return;
        }
        self.budget.turn(now);
        let header = header(&self.status, &self.budget, now);
        let Some(bytes) = encode(&mut self.buffer, monitor, &header, now.wall) else {
            self.status.failures += 1;
            log::error!("a snapshot did not fit into its buffer: this is a mistake in the program");
            return;
        };
        let size = bytes.len() as u64;
        if !self.budget.allows(size, occasion == Occasion::End) {
            self.status.refused += 1;
            self.status.size = size;
            if !self.troubled {
                let directory = generations.directory().display();
                log::warn!("{directory}: no snapshot of {size} bytes: it would exceed --flash-budget");
            }
            self.troubled = true;
            return;
        }
        // Written in part is written as well: flash wears by the attempt.
        self.budget.add(size);
        match generations.save(bytes) {
            Ok(()) => {
                self.captured = captured;
                self.status.saves += 1;
                self.status.saved = Some(now.wall);
                self.status.size = size;
                self.troubled = false;
            }
            Err(error) => {
                self.status.failures += 1;
                if !self.troubled {
                    log::warn!("{error}; the next attempt comes with the next interval");
                }
                self.troubled = true;
            }
        }
    }

    /// Writes the export, if one is wanted.
    pub fn export(&mut self, monitor: &Mutex<Monitor>, now: Now) {
        let Some(path) = &self.export else { return };
        let header = header(&self.status, &self.budget, now);
        let Some(bytes) = encode(&mut self.buffer, monitor, &header, now.wall) else { return };
        if let Err(error) = export::write(path, bytes) {
            self.status.failures += 1;
            log::warn!("--export {}: {error}", path.display());
        }
    }
}

/// Restores the newest complete snapshot with any of our books, and keeps those under other names that are none.
/// Returns where it was, what was restored, and its size in bytes.
fn find(generations: &Generations, monitor: &Mutex<Monitor>) -> Option<(PathBuf, Restored, u64)> {
    let (mut set_aside, mut unwatched) = (false, false);
    let mut found = None;
    for generation in Generation::NEWEST_FIRST {
        // It is the latest of ours only where the present one is not ours.
        if generation == Generation::Other && set_aside {
            continue;
        }
        let path = generations.path(generation);
        let bytes = match generations.read(generation) {
            Ok(None) => continue,
            Ok(Some(bytes)) => bytes,
            // The next one is written in its place.
            Err(error) if generation == Generation::Unfinished => {
                log::warn!("{}: cannot read the snapshot: {error}", path.display());
                continue;
            }
            Err(error) => {
                set_bad_aside(generations, generation, &error, !set_aside);
                set_aside = true;
                continue;
            }
        };
        // A statement of its own, so that the lock is released after it.
        let restored = snapshot::restore(&bytes, &mut lock(monitor));
        if generation == Generation::Unfinished
            && matches!(restored, Ok(_) | Err(Rejected::Unwatched))
            && let Err(error) = generations.publish(&bytes)
        {
            log::warn!("{error}");
        }
        match restored {
            Ok(restored) => {
                found = Some((generation, restored, bytes.len() as u64));
                break;
            }
            // A write that a power cut has interrupted leaves a part of the newest; that is no trouble.
            Err(_) if generation == Generation::Unfinished => {}
            Err(Rejected::Unwatched) => unwatched |= generation == Generation::Present,
            Err(rejected) => {
                set_bad_aside(generations, generation, &rejected, !set_aside);
                set_aside = true;
            }
        }
    }
    let returns = matches!(found, Some((Generation::Other, ..)));
    if unwatched || returns {
        exchange(generations, unwatched, returns);
    }
    found.map(|(generation, restored, size)| (generations.path(generation), restored, size))
}

/// Keeps a snapshot that cannot be read or restored under another name, or where it is.
fn set_bad_aside(generations: &Generations, generation: Generation, reason: &dyn Display, elsewhere: bool) {
    let path = generations.path(generation);
    let kept = if elsewhere { generations.set_aside(generation) } else { Ok(path.clone()) };
    let path = path.display();
    match kept {
        Ok(kept) => {
            log::warn!("{path}: the snapshot is not restored: {reason}; it is kept as {}", kept.display());
        }
        Err(error) => {
            log::warn!("{path}: the snapshot is not restored: {reason}; it cannot be set aside: {error}");
        }
    }
}

/// Puts a present snapshot aside that is of other interfaces, and brings another back that `returns`.
fn exchange(generations: &Generations, unwatched: bool, returns: bool) {
    let path = generations.path(Generation::Present);
    let (path, reason) = (path.display(), Rejected::Unwatched);
    let other = generations.path(Generation::Other);
    let replaced = if other.exists() && !returns { ", in the place of an older one" } else { "" };
    match generations.exchange(returns) {
        Ok(()) if unwatched => log::error!(
            "{path}: the snapshot is not restored: {reason}; until one of its interfaces is, it is kept as {}{replaced}",
            other.display()
        ),
        Ok(()) => {}
        Err(error) => {
            log::error!("{path}: the snapshot is not restored: {reason}; it cannot be set aside: {error}");
        }
    }
}

/// Frames captured on all interfaces: if this has not changed, nothing has.
fn captured(monitor: &Mutex<Monitor>) -> u64 {
    lock(monitor).ledgers().iter().fold(0, |sum, ledger| sum.wrapping_add(ledger.captured()))
}

fn header(status: &Status, budget: &Budget, now: Now) -> Header {
    let mut header = Header {
        saved: now.wall.into(),
        started: status.started.into(),
        day: budget.day(),
        written: budget.written(),
        ..Header::default()
    };
    // A version that is too long for its field is left out.
    let _ = header.program.push_str(concat!("duskwatch ", env!("CARGO_PKG_VERSION")));
    header
}

/// Makes a snapshot. The lock is released between ledgers, each of which is whole in itself.
fn encode<'b>(
    buffer: &'b mut [u8],
    monitor: &Mutex<Monitor>,
    header: &Header,
    now: Timestamp,
) -> Option<&'b [u8]> {
    let mut writer = Writer::new(buffer, header);
    writer.warnings(&lock(monitor));
    let interfaces = lock(monitor).ledgers().len();
    for index in 0..interfaces {
        if let Some(ledger) = lock(monitor).ledgers_mut().get_mut(index) {
            ledger.settle(now);
            writer.ledger(ledger);
        }
    }
    writer.finish()
}

#[cfg(test)]
pub(crate) mod tests;
