//! What rows have counted lately, and the time in which they did: bytes per second.
//!
//! A row counts in the present window and keeps the sum of the one before. A window ends after
//! [`RATE_SECONDS`] with all flows booked, so that none of a window's bytes are still in the flow cache.
//! Rows are not visited for that: each knows the number of the window that it has counted in last. A rate
//! spans both windows, so it is a mean of five to ten seconds and ends now.

use super::Traffic;
use crate::limits::{RATE_SECONDS, REORDER_SECONDS};
use crate::time::Timestamp;

/// The windows of one interface.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    /// The present window's number.
    number: u32,
    /// The second in which the window before it began.
    since: u64,
    /// The second in which it began itself.
    began: u64,
    /// Until when all traffic is booked.
    until: Timestamp,
}

impl Window {
    /// True if the present window is over at this second, be it that the clock was set back. A packet that comes
    /// late is no clock set back.
    pub(super) fn is_over(&self, second: u64) -> bool {
        match second.checked_sub(self.began) {
            Some(passed) => passed >= RATE_SECONDS,
            None => second.saturating_add(REORDER_SECONDS as u64) < self.began,
        }
    }

    /// Begins the next window. If the present one is long over, nothing was counted in the one between.
    pub(super) fn begin(&mut self, second: u64) {
        let passed = second.checked_sub(self.began).filter(|_| self.number > 0);
        let steps;
        (steps, self.since) = match passed {
            None => (2, second),
            Some(passed) if passed >= 2 * RATE_SECONDS => (2, second - RATE_SECONDS),
            Some(_) => (1, self.began),
        };
        self.began = second;
        self.number = self.number.wrapping_add(steps);
    }

    /// Says that all traffic until now is booked.
    pub(super) fn settle(&mut self, now: Timestamp) {
        self.until = now;
    }

    /// Microseconds of both windows until the latest [`Window::settle`], a second at least.
    fn micros(&self) -> u64 {
        let seconds = self.until.seconds.saturating_sub(self.since);
        seconds.saturating_mul(1_000_000).saturating_add(self.until.micros.into()).max(1_000_000)
    }
}

/// What a row has counted in the present window and in the one before, received and sent: 20 bytes. A sum
/// ends at 4 GiB in a window, 6.8 Gbit/s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    window: u32,
    present: [u32; 2],
    before: [u32; 2],
}

impl Recent {
    /// Counts in the present window.
    #[inline]
    pub(super) fn book(&mut self, window: &Window, growth: &Traffic) {
        if self.window != window.number {
            [self.before, self.present] = [self.before_of(window), [0; 2]];
            self.window = window.number;
        }
        for (sum, bytes) in self.present.iter_mut().zip([growth.received.bytes, growth.sent.bytes]) {
            *sum = sum.saturating_add(bytes.min(u32::MAX.into()) as u32);
        }
    }

    /// What was counted in the window before the present one.
    fn before_of(&self, window: &Window) -> [u32; 2] {
        match window.number.wrapping_sub(self.window) {
            0 => self.before,
            1 => self.present,
            _ => [0; 2],
        }
    }

    /// Bytes per second received and sent.
    pub(super) fn rate(&self, window: &Window) -> Rate {
        let before = self.before_of(window);
        let present = if self.window == window.number { self.present } else { [0; 2] };
        let micros = window.micros();
        let [received, sent] =
            [0, 1].map(|way| (u64::from(before[way]) + u64::from(present[way])) * 1_000_000 / micros);
        Rate { received, sent }
    }
}

/// Bytes per second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// To the row's owner.
    pub received: u64,
    /// From the row's owner.
    pub sent: u64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Counters;

    const NOON: u64 = 1_700_049_600;

    fn bytes(received: u64, sent: u64) -> Traffic {
        Traffic { received: Counters::new(1, received), sent: Counters::new(1, sent) }
    }

    fn window() -> Window {
        let mut window = Window::default();
        window.begin(NOON);
        window
    }

    fn rate(window: &mut Window, recent: &Recent, seconds: u64, micros: u32) -> (u64, u64) {
        window.settle(Timestamp { seconds: NOON + seconds, micros });
        let rate = recent.rate(window);
        (rate.received, rate.sent)
    }

    #[test]
    fn a_rate_is_bytes_by_the_time_in_which_they_came() {
        let (mut window, mut recent) = (window(), Recent::default());
        recent.book(&window, &bytes(1_000, 500));
        assert_eq!(rate(&mut window, &recent, 0, 10), (1_000, 500));
        assert_eq!(rate(&mut window, &recent, 2, 500_000), (400, 200));
        assert!(!window.is_over(NOON + RATE_SECONDS - 1));
        assert!(window.is_over(NOON + RATE_SECONDS));
        window.begin(NOON + 5);
        assert_eq!(rate(&mut window, &recent, 5, 0), (200, 100));
        recent.book(&window, &bytes(500, 0));
        assert_eq!(rate(&mut window, &recent, 6, 0), (250, 83));
        // The next window leaves out the first.
        window.begin(NOON + 10);
        assert_eq!(rate(&mut window, &recent, 10, 0), (100, 0));
    }

    #[test]
    fn a_silent_row_has_no_rate() {
        let (mut window, mut recent) = (window(), Recent::default());
        recent.book(&window, &bytes(1_000, 1_000));
        window.begin(NOON + 10);
        assert_eq!(rate(&mut window, &recent, 10, 0), (0, 0));
        recent.book(&window, &bytes(100, 0));
        assert_eq!(rate(&mut window, &recent, 15, 0), (10, 0));
        window.begin(NOON + 15);
        window.begin(NOON + 20);
        assert_eq!(rate(&mut window, &recent, 21, 0), (0, 0));
    }

    #[test]
    fn a_clock_set_back_begins_anew() {
        let (mut window, mut recent) = (window(), Recent::default());
        recent.book(&window, &bytes(1_000, 1_000));
        assert!(!window.is_over(NOON - 1));
        assert!(window.is_over(NOON - 100));
        window.begin(NOON - 100);
        window.settle(Timestamp::from_seconds(NOON - 98));
        assert_eq!(recent.rate(&window), Rate::default());
        recent.book(&window, &bytes(u64::MAX, 8));
        assert_eq!(recent.rate(&window), Rate { received: u64::from(u32::MAX) / 2, sent: 4 });
    }
}
