//! The wall clock, and what it says on the wall here.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::zone::Rules;
use crate::limits::SYSTEM_FILE_BYTES_MAX;
use crate::time::Timestamp;

/// No clock that is right shows an earlier time than this, 2026-01-01: the program is younger.
const RELEASED: Timestamp = Timestamp::from_seconds(1_767_225_600);

/// A system clock that moved this much against the time since the start was set meanwhile: both run by
/// the same oscillator, and both are slewed alike.
const STEP: Duration = Duration::from_secs(5);

/// Where the zone database may be.
const DATABASES: [&str; 3] = ["/usr/share/zoneinfo", "/share/zoneinfo", "/etc/zoneinfo"];

/// A wall clock that does not fall behind its floor.
///
/// A router without a battery starts in 1970, or when its firmware was built, and learns the time once
/// the network is up. Until then the clock runs on from the latest time that is known to have passed,
/// which is the restored snapshot's; so the history goes on instead of beginning in the past. A clock
/// that was set since the start is believed even below the floor: else a snapshot of a time to come,
/// made while the clock was wrong, would hold for as long as that time has not come.
#[derive(Clone, Debug)]
pub struct Clock {
    floor: Timestamp,
    started: Instant,
    /// What the system's clock showed then.
    system_at_start: Timestamp,
    zone: Zone,
}

impl Clock {
    /// A clock that shows `restored`, if that is known, or something later.
    pub fn new(restored: Option<Timestamp>, zone: Zone) -> Self {
        let floor = restored.unwrap_or_default().max(RELEASED);
        Self { floor, started: Instant::now(), system_at_start: system_time(), zone }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.show(system_time(), self.started.elapsed())
    }

    /// By how many seconds the system's clock was behind at the start, if it was.
    pub fn seconds_behind(&self) -> Option<u64> {
        let seconds = self.floor.seconds.saturating_sub(self.system_at_start.seconds);
        (seconds > 0).then_some(seconds)
    }

    /// The time that the kernel stamped on a packet; before the system's clock is right, this clock's.
    #[inline]
    pub fn correct(&self, stamp: Timestamp) -> Timestamp {
        if stamp >= self.floor { stamp } else { self.now() }
    }

    /// Seconds by which local time is ahead of UTC at `time`.
    pub fn utc_offset(&self, time: Timestamp) -> i32 {
        self.zone.utc_offset(time)
    }

    fn show(&self, system: Timestamp, elapsed: Duration) -> Timestamp {
        if system >= self.floor || self.was_set(system, elapsed) {
            return system;
        }
        let micros = self.floor.micros + elapsed.subsec_micros();
        Timestamp {
            seconds: self
                .floor
                .seconds
                .saturating_add(elapsed.as_secs())
                .saturating_add((micros / 1_000_000).into()),
            micros: micros % 1_000_000,
        }
    }

    /// True if somebody has set the system's clock since the start, to a time that can be.
    fn was_set(&self, system: Timestamp, elapsed: Duration) -> bool {
        let since_1970 = |time: Timestamp| {
            Duration::from_secs(time.seconds).saturating_add(Duration::from_micros(time.micros.into()))
        };
        let expected = since_1970(self.system_at_start).saturating_add(elapsed);
        system >= RELEASED && since_1970(system).abs_diff(expected) >= STEP
    }
}

/// What the system's clock shows; a time before 1970 is shown as 1970.
fn system_time() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: since.as_secs(), micros: since.subsec_micros() }
}

/// The rules of local time, read once.
///
/// The C library is not asked: only OpenWrt's own copy of musl knows /etc/TZ, a static program has
/// another one, and on 32-bit musl the size of its time is a trap of its own.
#[derive(Clone, Debug)]
pub struct Zone {
    rules: Arc<Rules>,
}

impl Zone {
    /// The zone that `TZ` names, else OpenWrt's /etc/TZ, else /etc/localtime, else UTC.
    pub fn local() -> Self {
        let named =
            std::env::var("TZ").ok().or_else(|| String::from_utf8(read_short("/etc/TZ".as_ref())?).ok());
        Self::named(named.as_deref().map_or("/etc/localtime", str::trim))
    }

    /// UTC.
    pub fn utc() -> Self {
        Self { rules: Arc::default() }
    }

    /// A zone in a form that POSIX gives `TZ`, `CET-1CEST,M3.5.0,M10.5.0/3`, or the name of a file in
    /// the zone database, `Europe/Berlin`. What is neither is UTC, as in the C library.
    pub fn named(name: &str) -> Self {
        let name = name.strip_prefix(':').unwrap_or(name);
        let in_file = |directory| Rules::from_file(&read_short(&Path::new(directory).join(name))?);
        let rules = Rules::from_posix(name).or_else(|| DATABASES.into_iter().find_map(in_file));
        Self { rules: Arc::new(rules.unwrap_or_default()) }
    }

    /// Seconds by which local time is ahead of UTC at `time`.
    pub fn utc_offset(&self, time: Timestamp) -> i32 {
        let seconds = i64::try_from(time.seconds).unwrap_or(i64::MAX);
        self.rules.offset(seconds)
    }
}

fn read_short(path: &Path) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(SYSTEM_FILE_BYTES_MAX).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    /// A clock of a system that started at this time.
    fn clock(restored: Timestamp, system_at_start: u64) -> Clock {
        Clock { system_at_start: at(system_at_start), ..Clock::new(Some(restored), Zone::utc()) }
    }

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_clock_without_a_battery_runs_on_from_the_snapshot() {
        let snapshot = Timestamp { seconds: 1_800_000_000, micros: 900_000 };
        let clock = clock(snapshot, 5);
        assert_eq!(clock.seconds_behind(), Some(1_799_999_995));
        assert_eq!(clock.show(at(5), Duration::ZERO), snapshot);
        let later = Timestamp { seconds: 1_800_000_003, micros: 100_000 };
        assert_eq!(clock.show(at(7), Duration::from_millis(2_200)), later);
        assert_eq!(clock.show(at(1_800_000_001), seconds(2)), at(1_800_000_001));
        // Set, but not to a time that can be.
        assert_eq!(clock.show(at(500), seconds(2)).seconds, 1_800_000_002);
    }

    #[test]
    fn a_snapshot_of_a_time_to_come_holds_until_the_clock_is_set() {
        let start = RELEASED.seconds + 1_000;
        let clock = clock(at(2_500_000_000), start);
        assert_eq!(clock.show(at(start + 100), seconds(100)), at(2_500_000_100));
        assert_eq!(clock.show(at(start + 101), seconds(100)), at(2_500_000_100), "slewed");
        assert_eq!(clock.show(at(start + 7_200), seconds(100)), at(start + 7_200), "set forward");
        assert_eq!(clock.show(at(start - 500), seconds(100)), at(start - 500), "set back");
        let right = Clock { floor: at(start - 1), ..clock };
        assert_eq!(right.seconds_behind(), None);
    }

    #[test]
    fn the_release_is_a_floor_too() {
        assert_eq!(clock(at(0), 0).show(at(0), Duration::ZERO), RELEASED);
        assert_eq!(clock(at(1), 0).show(at(0), Duration::ZERO), RELEASED);
        assert!(Clock::new(None, Zone::utc()).now() >= RELEASED);
    }

    #[test]
    fn the_last_second_of_time_is_no_trap() {
        let clock = Clock { zone: Zone::named("CET-1"), ..clock(at(u64::MAX), 0) };
        assert_eq!(clock.show(at(0), Duration::MAX).seconds, u64::MAX);
        assert_eq!(
            Clock { system_at_start: at(u64::MAX), ..clock.clone() }.show(at(0), Duration::MAX).seconds,
            u64::MAX
        );
        clock.utc_offset(at(u64::MAX));
    }

    #[test]
    fn zones_follow_the_summer() {
        let berlin = Zone::named("CET-1CEST,M3.5.0,M10.5.0/3");
        // 2026-03-29 01:00 UTC and 2026-10-25 01:00 UTC.
        assert_eq!(berlin.utc_offset(at(1_774_745_999)), 3600);
        assert_eq!(berlin.utc_offset(at(1_774_746_000)), 7200);
        assert_eq!(berlin.utc_offset(at(1_792_889_999)), 7200);
        assert_eq!(berlin.utc_offset(at(1_792_890_000)), 3600);
        assert_eq!(Zone::named("<+0545>-5:45").utc_offset(at(0)), 20_700);
        assert_eq!(Zone::named("<-03>3").utc_offset(at(0)), -10_800);
        assert_eq!(Zone::named("UTC0").utc_offset(at(0)), 0);
    }

    #[test]
    fn a_name_is_a_file_of_the_database() {
        for name in ["Europe/Berlin", ":Europe/Berlin", "/usr/share/zoneinfo/Europe/Berlin"] {
            assert_eq!(Zone::named(name).utc_offset(at(1_774_746_000)), 7200, "{name}");
            assert_eq!(
                Zone::named(name).utc_offset(at(300_000_000)),
                3600,
                "{name}, before there was summer"
            );
        }
    }

    #[test]
    fn what_is_no_zone_is_utc() {
        for name in ["", "nonsense", "../../etc/passwd", "CET-99", "\0"] {
            assert_eq!(Zone::named(name).utc_offset(at(1_790_000_000)), 0, "{name:?}");
        }
    }
}
