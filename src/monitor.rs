//! 6. Own: the one owner of everything that is counted.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::ledger::Ledger;
use crate::limits::INTERFACES_MAX;
use crate::packet::Decoded;
use crate::time::Timestamp;

/// The books of all interfaces. The shell keeps it behind one lock, which is never held across I/O,
/// formatting or allocation.
pub struct Monitor {
    ledgers: Box<[Ledger]>,
}

impl Monitor {
    /// A monitor of these interfaces, the first [`INTERFACES_MAX`] of them.
    pub fn new(mut ledgers: Vec<Ledger>) -> Self {
        ledgers.truncate(INTERFACES_MAX);
        Self { ledgers: ledgers.into_boxed_slice() }
    }

    /// Counts a frame that was captured on an interface at this time. A frame of an interface that
    /// does not exist is ignored.
    #[inline]
    pub fn observe(&mut self, interface: usize, decoded: &Decoded, now: Timestamp) {
        if let Some(ledger) = self.ledgers.get_mut(interface) {
            ledger.observe(decoded, now);
        }
    }

    /// Brings all books up to date for somebody who looks.
    pub fn settle(&mut self, now: Timestamp) {
        for ledger in &mut self.ledgers {
            ledger.settle(now);
        }
    }

    /// The books, in the order of the interfaces.
    pub fn ledgers(&self) -> &[Ledger] {
        &self.ledgers
    }

    /// The books, in the order of the interfaces.
    pub fn ledgers_mut(&mut self) -> &mut [Ledger] {
        &mut self.ledgers
    }
}
