//! `--daylog`: a line for each day and interface, appended to a file when the day is over.
//!
//! The columns are darkstat's, and the interface behind them:
//! `localtime|time_t|bytes_in|bytes_out|pkts_in|pkts_out|interface`, where the time is the start of the
//! day. A line that begins with `#` tells when logging started and stopped. Days without traffic have no
//! line. The file is opened for each write, so that it can be moved away.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use time::{OffsetDateTime, UtcOffset};

use super::store::Now;
use super::tap::lock;
use crate::ledger::{Bar, Period};
use crate::limits::DAYLOG_LINES_MAX;
use crate::monitor::Monitor;

const DAY: i64 = 86_400;

/// How often to look at least: the clock may have been set.
const LOOK: Duration = Duration::from_secs(3_600);

/// The log; see the module's text.
pub struct Daylog {
    path: PathBuf,
    interfaces: Vec<Interface>,
    lines: Vec<Line>,
    next: Duration,
    /// The last write failed, and the log says so already.
    troubled: bool,
}

struct Interface {
    /// Without what would end a column or a line.
    name: String,
    /// The first day, in days of local time, that is not logged yet.
    unlogged: i64,
}

/// A day of an interface.
#[derive(Clone, Copy)]
struct Line {
    interface: usize,
    /// UTC, seconds since 1970.
    start: i64,
    utc_offset: i64,
    bar: Bar,
}

impl Daylog {
    /// Begins to log. To be called after the books were restored and before anything else is counted:
    /// days that were over when the books were saved are taken to be logged, later ones are not.
    pub fn new(path: &Path, monitor: &Mutex<Monitor>, now: Now) -> Self {
        let mut daylog = Self {
            path: path.to_owned(),
            interfaces: Vec::new(),
            lines: Vec::with_capacity(DAYLOG_LINES_MAX),
            next: now.uptime,
            troubled: false,
        };
        let mut utc_offset = 0;
        for ledger in lock(monitor).ledgers_mut() {
            let name = ledger.name().replace(|letter: char| letter == '|' || letter.is_control(), "?");
            daylog.interfaces.push(Interface { name, unlogged: ledger.history_newest(Period::Day) });
            ledger.settle(now.wall);
            utc_offset = ledger.utc_offset().into();
        }
        daylog.append(&comment("started", now, utc_offset));
        daylog
    }

    /// Logs the days that are over. Returns the uptime at which to call again.
    pub fn poll(&mut self, monitor: &Mutex<Monitor>, now: Now) -> Duration {
        if now.uptime >= self.next {
            let utc_offset = self.collect(monitor, now, false);
            self.write(String::new());
            let local = now.wall.seconds as i64 + utc_offset;
            let midnight = Duration::from_secs((DAY - local.rem_euclid(DAY)) as u64);
            self.next = now.uptime + midnight.min(LOOK);
        }
        self.next
    }

    /// Ends the log. If the books are not kept, what there is of today would be forgotten and gets a line
    /// as well, as darkstat does it.
    pub fn close(&mut self, monitor: &Mutex<Monitor>, now: Now, books_are_kept: bool) {
        let utc_offset = self.collect(monitor, now, !books_are_kept);
        self.write(comment("stopped", now, utc_offset));
    }

    /// Copies the days that are over, and today if asked to, and returns the offset of local time.
    fn collect(&mut self, monitor: &Mutex<Monitor>, now: Now, today: bool) -> i64 {
        let mut utc_offset = 0;
        self.lines.clear();
        let mut monitor = lock(monitor);
        for (interface, ledger) in monitor.ledgers_mut().iter_mut().enumerate() {
            ledger.settle(now.wall);
            utc_offset = ledger.utc_offset().into();
            let Some(Interface { unlogged, .. }) = self.interfaces.get_mut(interface) else { continue };
            let newest = ledger.history_newest(Period::Day);
            for (start, bar) in ledger.history(Period::Day) {
                let day = (start + utc_offset).div_euclid(DAY);
                let is_due = day >= *unlogged && (day < newest || today) && bar != Bar::default();
                if is_due && self.lines.len() < DAYLOG_LINES_MAX {
                    self.lines.push(Line { interface, start, utc_offset, bar });
                }
            }
            *unlogged = newest;
        }
        utc_offset
    }

    fn write(&mut self, end: String) {
        let mut text = String::new();
        for line in &self.lines {
            let name = self.interfaces.get(line.interface).map_or("", |interface| &interface.name);
            let Bar { inbound, outbound, .. } = line.bar;
            let _ = writeln!(
                text,
                "{}|{}|{}|{}|{}|{}|{name}",
                date(line.start, line.utc_offset),
                line.start,
                inbound.bytes,
                outbound.bytes,
                inbound.packets,
                outbound.packets,
            );
        }
        text.push_str(&end);
        if !text.is_empty() {
            self.append(&text);
        }
    }

    fn append(&mut self, text: &str) {
        let mut options = OpenOptions::new();
        options.append(true).create(true).mode(0o600).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
        let written = options.open(&self.path).and_then(|mut file| file.write_all(text.as_bytes()));
        if let Err(error) = &written
            && !self.troubled
        {
            log::warn!("--daylog {}: cannot write to it: {error}", self.path.display());
        }
        self.troubled = written.is_err();
    }
}

fn comment(what: &str, now: Now, utc_offset: i64) -> String {
    let seconds = now.wall.seconds as i64;
    format!("# logging {what} at {} ({seconds})\n", date(seconds, utc_offset))
}

/// `2023-11-15 00:00:00 +0100`
fn date(seconds: i64, utc_offset: i64) -> String {
    let offset = UtcOffset::from_whole_seconds(utc_offset as i32).unwrap_or(UtcOffset::UTC);
    let time = OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let time = time.to_offset(offset);
    let (hours, minutes, _) = offset.as_hms();
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02} {}{:02}{:02}",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        if offset.is_negative() { '-' } else { '+' },
        hours.unsigned_abs(),
        minutes.unsigned_abs(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::daemon::store::tests::{Folder, monitor, now, observe};

    const NOON: u64 = 1_700_049_600; // 2023-11-15 12:00 UTC

    #[test]
    fn a_day_gets_its_line_when_it_is_over() {
        let folder = Folder::new("daylog-days");
        let monitor = monitor();
        for ledger in lock(&monitor).ledgers_mut() {
            ledger.set_utc_offset(3_600);
        }
        let path = folder.path("day.log");
        let mut daylog = Daylog::new(&path, &monitor, now(0, NOON));
        observe(&monitor, NOON, 3);
        assert_eq!(daylog.poll(&monitor, now(1, NOON)), Duration::from_secs(3_601));
        let midnight = NOON + 11 * 3_600;
        assert_eq!(daylog.poll(&monitor, now(11 * 3_600 - 1, midnight - 1)), Duration::from_secs(11 * 3_600));
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1, "only the start");
        observe(&monitor, midnight, 2);
        daylog.poll(&monitor, now(11 * 3_600, midnight));
        std::fs::rename(&path, folder.path("moved.log")).unwrap();
        daylog.close(&monitor, now(11 * 3_600 + 5, midnight + 5), false);
        assert_eq!(
            std::fs::read_to_string(folder.path("moved.log")).unwrap(),
            "# logging started at 2023-11-15 13:00:00 +0100 (1700049600)\n\
             2023-11-15 00:00:00 +0100|1700002800|300|0|3|0|br-lan\n"
        );
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "2023-11-16 00:00:00 +0100|1700089200|200|0|2|0|br-lan\n\
             # logging stopped at 2023-11-16 00:00:05 +0100 (1700089205)\n"
        );
    }

    #[test]
    fn a_day_that_ended_while_the_program_was_off_is_logged() {
        let folder = Folder::new("daylog-off");
        let monitor = monitor();
        observe(&monitor, NOON, 3);
        lock(&monitor).settle(now(0, NOON).wall);
        let path = folder.path("day.log");
        let mut daylog = Daylog::new(&path, &monitor, now(0, NOON + 2 * 86_400));
        daylog.poll(&monitor, now(0, NOON + 2 * 86_400));
        daylog.close(&monitor, now(1, NOON + 2 * 86_400 + 1), true);
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(lines, ["2023-11-15 00:00:00 +0000|1700006400|300|0|3|0|br-lan"]);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_no_disaster() {
        let folder = Folder::new("daylog-none");
        let monitor = monitor();
        let mut daylog = Daylog::new(&folder.path("missing/day.log"), &monitor, now(0, NOON));
        assert!(daylog.troubled);
        daylog.close(&monitor, now(1, NOON), true);
    }
}
