//! What the main thread does between signals: snapshots, exports and the day's line, each in its time.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Access, access};

use super::admin::orders::{Order, Orders};
use super::clock::{Clock, Zone};
use super::config;
use super::daylog::Daylog;
use super::names::Names;
use super::store::{Now, Status, Store};
use super::tap::{Shared, lock};
use super::web::upload;
use crate::limits::SNAPSHOT_REQUEST_SPACING;
use crate::view::Outcome;

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
    /// Somebody asked for a snapshot and an export.
    requested: bool,
    /// The uptime before which no request is met.
    next_request: Duration,
    status: SharedStatus,
    /// What the pages' forms ask for.
    orders: Orders,
}

impl Keeper {
    /// Puts the books back as they were, and begins the day's log. The clock that is returned by
    /// [`Keeper::clock`] does not fall behind the snapshot's time.
    ///
    /// # Errors
    /// One line for the user: the directory of the snapshots or of the export cannot be written to.
    pub fn start(config: &config::Store, monitor: Shared, zone: Zone) -> Result<Self, String> {
        if let Some(directory) = &config.directory {
            check_writable("--dir", directory)?;
        }
        if let Some(path) = &config.export {
            // A name alone has the empty path for its parent, which `join` makes the present directory.
            check_writable("--export", path.parent().unwrap_or(path))?;
        }
        let started = Instant::now();
        let mut now = Now { uptime: Duration::ZERO, wall: Clock::new(None, zone.clone()).now() };
        let mut store = Store::new(config, &lock(&monitor), now);
        store.start(&monitor);
        let clock = Clock::new(store.status().saved, zone);
        if let Some(seconds) = clock.seconds_behind() {
            log::warn!(
                "the clock is {seconds} s behind the latest known time, which goes on until it is set"
            );
        }
        now.wall = clock.now();
        // Before the history moves on: its days are days of local time.
        let utc_offset = clock.utc_offset(now.wall);
        for ledger in lock(&monitor).ledgers_mut() {
            ledger.set_utc_offset(utc_offset);
        }
        let daylog = config.daylog.as_deref().map(|path| Daylog::new(path, &monitor, now));
        let status = Arc::new(Mutex::new(store.status()));
        let keeps_books = config.directory.is_some();
        Ok(Self {
            monitor,
            store,
            daylog,
            keeps_books,
            clock,
            started,
            requested: false,
            next_request: Duration::ZERO,
            status,
            orders: Orders::default(),
        })
    }

    /// The clock, which knows the time of the snapshot.
    pub fn clock(&self) -> Clock {
        self.clock.clone()
    }

    /// Keeps these names as well, and takes over those that were kept.
    pub fn keep(&mut self, names: Names) {
        let now = self.now();
        self.store.keep(names, now);
    }

    /// The store's state as it is after each call.
    pub fn status(&self) -> SharedStatus {
        Arc::clone(&self.status)
    }

    /// Where the pages' forms place their orders.
    pub fn orders(&self) -> Orders {
        self.orders.clone()
    }

    /// Does what a form asks for, if one does. True if one did.
    pub fn serve(&mut self) -> bool {
        let Some(order) = self.orders.take() else { return false };
        let now = self.now();
        let done = match order {
            Order::Save => self.store.save_changed(&self.monitor, now).map(|()| Outcome::Saved),
            Order::Restore(path) => upload::read(&path)
                .and_then(|bytes| self.store.replace(&self.monitor, now, &bytes))
                .map(|()| Outcome::Restored),
        };
        // A signal that came at the same time is one with the order's.
        self.store.export(&self.monitor, now);
        self.tell();
        match done {
            Ok(outcome) => self.orders.finish(outcome, self.store.status().size.to_string()),
            Err(error) => self.orders.finish(Outcome::Failed, error),
        }
        true
    }

    /// Asks for a snapshot and an export, at the next [`Keeper::poll`] or, if many are asked for, at
    /// most one every [`SNAPSHOT_REQUEST_SPACING`].
    pub fn request(&mut self) {
        self.requested = true;
    }

    /// Does what is due. Returns how long nothing will be, if anything ever is.
    pub fn poll(&mut self) -> Option<Duration> {
        let now = self.now();
        let next = self.poll_at(now);
        self.tell();
        // A disk that is slower than the interval is left alone for as long as it took.
        let end = self.started.elapsed();
        Some(next?.saturating_sub(end).max(end.saturating_sub(now.uptime)))
    }

    /// Does what is due at this time. Returns the uptime of what is due next.
    fn poll_at(&mut self, now: Now) -> Option<Duration> {
        if self.requested && now.uptime >= self.next_request {
            self.requested = false;
            self.next_request = now.uptime + SNAPSHOT_REQUEST_SPACING;
            self.store.request(&self.monitor, now);
        }
        let request = self.requested.then_some(self.next_request);
        let save = self.store.poll(&self.monitor, now);
        let log = self.daylog.as_mut().map(|daylog| daylog.poll(&self.monitor, now));
        [request, save, log].into_iter().flatten().min()
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

/// Makes sure that a directory can be written to. One that only root can write to would be found out an hour
/// later, when nobody looks.
///
/// # Errors
/// One line for the user.
pub fn check_writable(option: &str, directory: &Path) -> Result<(), String> {
    let wanted = Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK;
    // The dot lets a plain file in the directory's place fail as what it is.
    access(directory.join("."), wanted).map_err(|error| {
        let user = rustix::process::geteuid().as_raw();
        let name = directory.display();
        format!(
            "{option} {name}: user {user} cannot write there: {error}; create it for that user, or see --user"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::store::tests::{Folder, monitor, observe};
    use crate::time::Timestamp;

    const NOON: u64 = 1_800_014_400;

    /// No later time can be set on Linux: 2232.
    const LATEST: u64 = 8_277_292_036;

    fn keeper(folder: &Folder) -> Keeper {
        let config = config::Store {
            directory: Some(folder.path("")),
            interval: 3_600,
            flash_budget: None,
            import: None,
            export: None,
            daylog: None,
        };
        Keeper::start(&config, Arc::new(monitor()), Zone::utc()).unwrap()
    }

    #[test]
    fn a_flood_of_requests_is_one_each_second() {
        let folder = Folder::new("keeper-flood");
        let mut keeper = keeper(&folder);
        for millisecond in 0..3_500 {
            observe(&keeper.monitor, NOON, 1);
            keeper.request();
            let uptime = Duration::from_millis(millisecond);
            keeper.poll_at(Now { uptime, wall: Timestamp::from_seconds(NOON) });
        }
        assert_eq!(keeper.store.status().saves, 4);
        // The last ones are not forgotten.
        let next = keeper.poll_at(Now { uptime: Duration::from_millis(3_500), ..Now::default() });
        assert_eq!(next, Some(Duration::from_secs(4)));
        let next = keeper.poll_at(Now { uptime: Duration::from_secs(4), ..Now::default() });
        assert_eq!(keeper.store.status().saves, 5);
        assert!(next > Some(Duration::from_secs(3_000)), "{next:?}");
    }

    /// Whatever the clock does between snapshots, each can be restored and none of the totals is lost.
    #[test]
    fn snapshots_survive_a_clock_that_jumps() {
        let folder = Folder::new("keeper-clock");
        let mut running = keeper(&folder);
        let day = 86_400;
        let jumps = [NOON, NOON + 4_000 * day, NOON + 3, NOON - 40 * day, 5, NOON + 60, LATEST, NOON + 70];
        for (number, wall) in (1..).zip(jumps) {
            observe(&running.monitor, wall, 1);
            let uptime = Duration::from_secs(3_601 * number);
            running.poll_at(Now { uptime, wall: Timestamp::from_seconds(wall) });
            assert_eq!(running.store.status().saves, number, "{wall}");
            let restored = keeper(&folder);
            let captured = lock(&restored.monitor).ledgers()[0].captured();
            assert_eq!(captured, number, "{wall}");
        }
    }

    #[test]
    fn a_file_is_no_directory() {
        let folder = Folder::new("keeper-file");
        let file = folder.path("file");
        std::fs::write(&file, "").unwrap();
        assert!(check_writable("--dir", &file).unwrap_err().contains("Not a directory"));
        assert!(check_writable("--export", Path::new("")).is_ok(), "a test can write where it runs");
    }
}
