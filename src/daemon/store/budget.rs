//! How many bytes a day may cost.

use std::time::Duration;

use super::Now;

const DAY: Duration = Duration::from_secs(86_400);

/// Bytes written on one UTC day, and how many may be.
pub struct Budget {
    limit: Option<u64>,
    /// Days since 1970.
    day: u32,
    written: u64,
    /// The uptime at which the day's count began.
    since: Duration,
}

impl Budget {
    /// Nothing was written yet.
    pub fn new(limit: Option<u64>, now: Now) -> Self {
        Self { limit, day: day_of(now), written: 0, since: now.uptime }
    }

    /// Goes on with the count of a snapshot, itself included.
    pub fn restore(&mut self, day: u32, written: u64, size: u64) {
        self.day = day;
        self.written = written.saturating_add(size);
    }

    /// The day that is counted.
    pub fn day(&self) -> u32 {
        self.day
    }

    /// Bytes written on it.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Counts bytes.
    pub fn add(&mut self, bytes: u64) {
        self.written = self.written.saturating_add(bytes);
    }

    /// Begins the count anew on another day. A clock that is behind, as a router's is until it has asked
    /// for the time, does not begin one, unless it stays behind for a whole day.
    pub fn turn(&mut self, now: Now) {
        let today = day_of(now);
        let stays_behind = today != self.day && now.uptime.saturating_sub(self.since) >= DAY;
        if today > self.day || stays_behind {
            self.day = today;
            self.written = 0;
            self.since = now.uptime;
        }
    }

    /// True if a snapshot of this size may be written. The last one may use up what the others leave.
    pub fn allows(&self, size: u64, last: bool) -> bool {
        let needed = if last { size } else { size.saturating_mul(2) };
        self.limit.is_none_or(|limit| self.written.saturating_add(needed) <= limit)
    }

    /// The time between snapshots of this size: the interval, or longer if a day's would not fit.
    pub fn spacing(&self, interval: Duration, size: u64) -> Duration {
        let Some(limit) = self.limit else { return interval };
        match (limit / size.max(1)).saturating_sub(1) {
            0 => interval.max(DAY),
            snapshots => interval.max(Duration::from_secs(DAY.as_secs().div_ceil(snapshots))),
        }
    }
}

fn day_of(now: Now) -> u32 {
    u32::try_from(now.wall.seconds / DAY.as_secs()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    fn now(uptime_hours: u64, day: u64) -> Now {
        Now {
            uptime: Duration::from_secs(uptime_hours * 3_600),
            wall: Timestamp::from_seconds(day * 86_400 + 5),
        }
    }

    #[test]
    fn a_clock_that_is_behind_does_not_begin_a_day() {
        let mut budget = Budget::new(Some(100), now(0, 0));
        budget.restore(20_000, 60, 20);
        budget.turn(now(1, 0));
        assert_eq!((budget.day(), budget.written()), (20_000, 80), "not set yet");
        budget.turn(now(2, 20_000));
        assert_eq!((budget.day(), budget.written()), (20_000, 80), "set to the same day");
        budget.turn(now(3, 20_001));
        assert_eq!((budget.day(), budget.written()), (20_001, 0), "the next day");
    }

    #[test]
    fn a_clock_that_was_ahead_is_forgotten_after_a_day() {
        let mut budget = Budget::new(Some(100), now(0, 90_000));
        budget.add(90);
        budget.turn(now(23, 20_000));
        assert_eq!(budget.written(), 90);
        budget.turn(now(24, 20_001));
        assert_eq!((budget.day(), budget.written()), (20_001, 0));
    }

    #[test]
    fn the_interval_grows_with_the_size() {
        let budget = Budget::new(Some(1_000), now(0, 1));
        let hour = Duration::from_secs(3_600);
        assert_eq!(budget.spacing(hour, 10), hour);
        assert_eq!(budget.spacing(hour, 100), Duration::from_secs(9_600));
        assert_eq!(budget.spacing(hour, 400), DAY);
        assert_eq!(budget.spacing(hour, 1_001), DAY);
        assert_eq!(budget.spacing(2 * DAY, 1_001), 2 * DAY);
        assert_eq!(budget.spacing(hour, 0), hour);
    }
}
