//! 6. Own: the one owner of everything that is counted.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::darknet::{Darknet, Event, Finding};
use crate::ledger::Ledger;
use crate::limits::INTERFACES_MAX;
use crate::packet::Decoded;
use crate::time::Timestamp;

/// The books of all interfaces, and the darknet. The shell keeps it behind one lock, which is never
/// held across I/O, formatting or allocation.
pub struct Monitor {
    ledgers: Box<[Ledger]>,
    darknet: Darknet,
}

impl Monitor {
    /// A monitor of these interfaces, the first [`INTERFACES_MAX`] of them.
    pub fn new(mut ledgers: Vec<Ledger>, darknet: Darknet) -> Self {
        ledgers.truncate(INTERFACES_MAX);
        Self { ledgers: ledgers.into_boxed_slice(), darknet }
    }

    /// Counts a frame that was captured on an interface at this time, and says what of it is to be told to
    /// others: what a rule says, and what its source does. `bytes` are those captured, for what the decoder leaves
    /// out. A frame of an interface that does not exist is ignored.
    #[inline]
    pub fn observe(&mut self, interface: usize, decoded: &Decoded, bytes: &[u8], now: Timestamp) -> Finding {
        let Some(ledger) = self.ledgers.get_mut(interface) else { return Finding::default() };
        let is_news = ledger.observe(decoded, now);
        // The answer to a SYN is part of a known flow, and as much a sign as the SYN.
        let is_answer = matches!(decoded, Decoded::Packet(packet) if packet.is_syn_ack());
        if is_news || is_answer { self.suspect(interface, decoded, bytes, now) } else { Finding::default() }
    }

    /// Shows the darknet a frame that is none of a known flow, or is an answer in one.
    fn suspect(&mut self, interface: usize, decoded: &Decoded, bytes: &[u8], now: Timestamp) -> Finding {
        let finding = self.darknet.observe(interface, decoded, bytes, now);
        // Each packet to a dark address counts, so its flow must not become a known one.
        if let (Decoded::Packet(packet), true) = (decoded, finding.is_dark)
            && let Some(ledger) = self.ledgers.get_mut(interface)
        {
            ledger.forget_flow(packet);
        }
        finding
    }

    /// The next thing to tell others about because time has passed. To be called about once a second,
    /// until it returns `None`.
    pub fn tick(&mut self, now: Timestamp) -> Option<Event> {
        self.darknet.tick(now)
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

    /// The dark, and who touched it.
    pub fn darknet(&self) -> &Darknet {
        &self.darknet
    }

    /// The dark, and who touched it.
    pub fn darknet_mut(&mut self) -> &mut Darknet {
        &mut self.darknet
    }
}
