//! What hosts do now and have done today. It is kept beside their rows, which are about all time.

use super::Traffic;
use super::rate::{Rate, Recent, Window};

/// What a host does now and has done today.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lately {
    /// Its rate.
    pub rate: Rate,
    /// Bytes since midnight, local time: received and sent.
    pub today: [u64; 2],
}

/// What that is taken from: 40 bytes. Like a window, a day ends with all flows booked and without a visit: each
/// host knows the day that it has counted on last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Activity {
    recent: Recent,
    /// The day's number, in days of local time since 1970.
    day: u32,
    bytes: [u64; 2],
}

impl Activity {
    /// Counts now.
    #[inline]
    pub(super) fn book(&mut self, window: &Window, day: u32, growth: &Traffic) {
        self.recent.book(window, growth);
        if self.day != day {
            self.restore(day, [0; 2]);
        }
        self.bytes[0] = self.bytes[0].wrapping_add(growth.received.bytes);
        self.bytes[1] = self.bytes[1].wrapping_add(growth.sent.bytes);
    }

    /// What it comes to at the end of this window, on this day.
    pub(super) fn lately(&self, window: &Window, day: u32) -> Lately {
        Lately { rate: self.recent.rate(window), today: self.on(day).unwrap_or_default() }
    }

    /// The bytes of this day, received and sent, if there are any.
    pub(super) fn on(&self, day: u32) -> Option<[u64; 2]> {
        (self.day == day && self.bytes != [0; 2]).then_some(self.bytes)
    }

    /// Starts with these bytes on this day.
    pub(super) fn restore(&mut self, day: u32, bytes: [u64; 2]) {
        (self.day, self.bytes) = (day, bytes);
    }
}
