//! What the main thread does between signals: snapshots, exports and the day's line, each in its time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Access, access};

use super::clock::{Clock, Zone};
use super::config;
use super::daylog::Daylog;
use super::store::{Now, Status, Store};
use super::tap::{Shared, lock};

/// The store's state, for the page.
pub type SharedStatus = Arc<Mutex<Status>>;

/// Keeps the books beyond the program's life.
pub struct Keeper {
    monitor: Shared,
    store: Store,
    daylog: Option<Daylog>,
    keeps_books: bool,
    clock: Clock,
    started: Instant,
    status: SharedStatus,
}

impl Keeper {
    /// Puts the books back as they were, and begins the day's log. The clock that is returned by
    /// [`Keeper::clock`] never shows a time before the snapshot's.
    ///
    /// # Errors
    /// One line for the user: the directory of the snapshots cannot be written to.
    pub fn start(config: &config::Store, monitor: Shared, zone: Zone) -> Result<Self, String> {
        if let Some(directory) = &config.directory {
            check_writable(directory)?;
        }
        let started = Instant::now();
        let clock = Clock::new(None, zone.clone());
        let mut now = Now { uptime: Duration::ZERO, wall: clock.now() };
        let utc_offset = clock.utc_offset(now.wall);
        let mut store = {
            let mut monitor = lock(&monitor);
            // Before anything is restored or settled: the history's days are days of local time.
            for ledger in monitor.ledgers_mut() {
                ledger.set_utc_offset(utc_offset);
            }
            Store::new(config, &monitor, now)
        };
        store.start(&monitor);
        let clock = Clock::new(store.status().saved, zone);
        now.wall = clock.now();
        let daylog = config.daylog.as_deref().map(|path| Daylog::new(path, &monitor, now));
        let status = Arc::new(Mutex::new(store.status()));
        let keeps_books = config.directory.is_some();
        Ok(Self { monitor, store, daylog, keeps_books, clock, started, status })
    }

    /// The clock, which knows the time of the snapshot.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// The store's state as it is after each call.
    pub fn status(&self) -> SharedStatus {
        Arc::clone(&self.status)
    }

    /// Does what is due. Returns how long nothing will be, if anything ever is.
    pub fn poll(&mut self) -> Option<Duration> {
        let now = self.now();
        let save = self.store.poll(&self.monitor, now);
        let log = self.daylog.as_mut().map(|daylog| daylog.poll(&self.monitor, now));
        self.tell();
        let next = save.into_iter().chain(log).min()?;
        Some(next.saturating_sub(self.started.elapsed()))
    }

    /// Saves and exports now.
    pub fn request(&mut self) {
        let now = self.now();
        self.store.request(&self.monitor, now);
        self.tell();
    }

    /// Saves and exports for the last time.
    pub fn close(mut self) {
        let now = self.now();
        self.store.close(&self.monitor, now);
        if let Some(daylog) = &mut self.daylog {
            daylog.close(&self.monitor, now, self.keeps_books);
        }
    }

    fn now(&self) -> Now {
        Now { uptime: self.started.elapsed(), wall: self.clock.now() }
    }

    fn tell(&self) {
        *self.status.lock().unwrap_or_else(PoisonError::into_inner) = self.store.status();
    }
}

/// A directory that only root can write to would be found out an hour later, when nobody looks.
fn check_writable(directory: &Path) -> Result<(), String> {
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    access(directory, wanted).map_err(|error| {
        let user = rustix::process::geteuid().as_raw();
        let name = directory.display();
        format!(
            "--dir {name}: user {user} cannot write there: {error}; create it for that user, or see --user"
        )
    })
}
