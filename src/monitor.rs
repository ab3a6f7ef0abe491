//! 6. Own: the one owner of everything that is counted.

use alloc::boxed::Box;
use alloc::vec::Vec;

use crate::darknet::{Darknet, Event, Finding};
use crate::ledger::Ledger;
use crate::limits::{INTERFACES_MAX, QUOTAS_MAX};
use crate::packet::Decoded;
use crate::quota::{Quota, Usage, Watch};
use crate::time::Timestamp;

/// The books of all interfaces, and the darknet. The shell keeps it behind one lock, which is never
/// held across I/O, formatting or allocation.
pub struct Monitor {
    ledgers: Box<[Ledger]>,
    // Boxed, because a monitor is moved several times on its way behind its lock, and what the stack had once stays.
    darknet: Box<Darknet>,
    quotas: heapless::Vec<Watch, QUOTAS_MAX>,
}

impl Monitor {
    /// A monitor of these interfaces, the first [`INTERFACES_MAX`] of them.
    pub fn new(mut ledgers: Vec<Ledger>, darknet: Darknet) -> Self {
        ledgers.truncate(INTERFACES_MAX);
        let (ledgers, darknet) = (ledgers.into_boxed_slice(), Box::new(darknet));
        Self { ledgers, darknet, quotas: heapless::Vec::new() }
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

    /// Watches these quotas, the first [`QUOTAS_MAX`] of them.
    pub fn set_quotas(&mut self, quotas: &[Quota]) {
        let watches = quotas.iter().take(QUOTAS_MAX).map(|quota| Watch { quota: *quota, warned: 0 });
        self.quotas = watches.collect();
    }

    /// How far each quota is used up. Settle the books first.
    pub fn quotas(&self) -> impl Iterator<Item = Usage> {
        self.quotas.iter().map(|watch| Usage::of(watch.quota, &self.ledgers))
    }

    /// The next quota of which it is to be told how far it is used up, once for each of
    /// [`crate::quota::WARNINGS`]. To be called every few seconds until it returns `None`, with settled books.
    pub fn next_warning(&mut self) -> Option<Usage> {
        let Self { ledgers, quotas, .. } = self;
        quotas.iter_mut().find_map(|watch| {
            let usage = Usage::of(watch.quota, ledgers);
            watch.review(&usage).then_some(usage)
        })
    }

    /// What was warned of: each quota and the percentage.
    pub fn warnings(&self) -> impl Iterator<Item = (Quota, u8)> {
        self.quotas.iter().filter(|watch| watch.warned > 0).map(|watch| (watch.quota, watch.warned))
    }

    /// Says that this was warned of before. A quota that is another now begins anew.
    pub fn restore_warning(&mut self, quota: Quota, warned: u8) {
        if let Some(watch) = self.quotas.iter_mut().find(|watch| watch.quota == quota) {
            watch.warned = warned;
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

    /// The dark, and who touched it.
    pub fn darknet(&self) -> &Darknet {
        &self.darknet
    }

    /// The dark, and who touched it.
    pub fn darknet_mut(&mut self) -> &mut Darknet {
        &mut self.darknet
    }
}
