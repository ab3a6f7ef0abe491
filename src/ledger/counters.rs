//! Sums of packets and bytes.

use core::ops::{AddAssign, Sub};

use serde::{Deserialize, Serialize};

/// A sum of packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Packets.
    pub packets: u64,
    /// Bytes, IP bytes unless the owner says otherwise.
    pub bytes: u64,
}

impl Counters {
    /// A sum.
    pub const fn new(packets: u64, bytes: u64) -> Self {
        Self { packets, bytes }
    }

    /// True if nothing was counted.
    pub const fn is_zero(self) -> bool {
        self.packets == 0
    }
}

impl AddAssign for Counters {
    #[inline]
    fn add_assign(&mut self, other: Self) {
        self.packets = self.packets.wrapping_add(other.packets);
        self.bytes = self.bytes.wrapping_add(other.bytes);
    }
}

impl core::ops::Add for Counters {
    type Output = Self;

    #[inline]
    fn add(mut self, other: Self) -> Self {
        self += other;
        self
    }
}

/// What is left of a total; never below zero.
impl Sub for Counters {
    type Output = Self;

    fn sub(self, part: Self) -> Self {
        Self {
            packets: self.packets.saturating_sub(part.packets),
            bytes: self.bytes.saturating_sub(part.bytes),
        }
    }
}

impl core::iter::Sum for Counters {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::default(), |total, next| total + next)
    }
}

/// What was sent and what was received by one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Traffic {
    /// Packets that the owner sent.
    pub sent: Counters,
    /// Packets that the owner received.
    pub received: Counters,
}

impl Traffic {
    /// Both ways together.
    pub fn both(&self) -> Counters {
        self.sent + self.received
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
    }
}
