//! Time as the core sees it: an argument, never a clock.

/// A point in time since the Unix epoch, as the capture stamps a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Whole seconds since 1970-01-01 00:00 UTC.
    pub seconds: u64,
    /// Microseconds within the second, below 1,000,000.
    pub micros: u32,
}

impl Timestamp {
    /// A whole second.
    pub const fn from_seconds(seconds: u64) -> Self {
        Self { seconds, micros: 0 }
    }

    /// The two fields of a capture's `timeval`; a negative or oversized part, which only a broken
    /// file carries, becomes the nearest valid one.
    pub fn from_timeval(seconds: i64, micros: i64) -> Self {
        Self { seconds: seconds.max(0) as u64, micros: micros.clamp(0, 999_999) as u32 }
    }

    /// Seconds with the fraction, for reports.
    pub fn as_seconds_f64(self) -> f64 {
        self.seconds as f64 + f64::from(self.micros) / 1e6
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_timevals_become_valid() {
        assert_eq!(Timestamp::from_timeval(-1, -1), Timestamp::default());
        assert_eq!(Timestamp::from_timeval(7, 5_000_000).micros, 999_999);
    }
}
