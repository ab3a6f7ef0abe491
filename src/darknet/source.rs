//! One source, what it did, and the verdict on it.
//!
//! The verdict is the sequential test of Jung, Paxson, Berger and Balakrishnan ("Fast Portscan Detection
//! Using Sequential Hypothesis Testing", 2004) with dark addresses alone as evidence: each new one makes a
//! scanner more likely, and nothing makes it less so. See [`DARK_EVIDENCE`] for its error.

use heapless::Vec;

use super::fingerprint::{Marks, Probe};
use super::{Category, Darkness, Event, Kind};
use crate::limits::{
    DARK_CLEAR_SECONDS, DARK_EVIDENCE, DARK_EVIDENCE_SECONDS, DARK_TARGETS_MAX, DARK_WINDOW_SECONDS,
    UNUSED_WINDOW_SECONDS,
};
use crate::packet::{Address, Mac};
use crate::time::Timestamp;

/// One sender of packets to dark addresses, on one interface.
#[derive(Clone, Debug)]
pub struct Source {
    /// Packets to dark addresses so far.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// When the first one came.
    pub first: Timestamp,
    /// Whether it is one of our LANs' hosts.
    pub local: bool,
    /// The dark addresses touched, each as 32 bits of a seeded hash: enough to count distinct ones.
    targets: Vec<u32, DARK_TARGETS_MAX>,
    /// Those that speak against it, and the second in which each was touched last.
    evidence: Vec<(Address, u32), DARK_EVIDENCE>,
    /// What its packets tell of the tool that made them.
    marks: Marks,
    /// Whether an alert was raised that is not cleared.
    alerted: bool,
    /// When the last event was raised, which opened the window that now runs.
    opened: Option<Timestamp>,
    /// Seconds of a window.
    window: u64,
    /// What the next event will say. It counts no packets if all have been told.
    next: Event,
}

impl Source {
    /// A source whose first touch is still to be counted.
    pub(super) fn new(touch: &Event, local: bool) -> Self {
        Self {
            packets: 0,
            bytes: 0,
            first: touch.first,
            local,
            targets: Vec::new(),
            evidence: Vec::new(),
            marks: Marks::default(),
            alerted: false,
            opened: None,
            window: DARK_WINDOW_SECONDS,
            next: Event { packets: 0, bytes: 0, ..*touch },
        }
    }

    /// The sender.
    pub fn address(&self) -> Address {
        self.next.source
    }

    /// Its link-layer address, as last seen in a new window.
    pub fn mac(&self) -> Mac {
        self.next.source_mac
    }

    /// The interface that saw it.
    pub fn interface(&self) -> u16 {
        self.next.interface
    }

    /// When its last packet to a dark address came.
    pub fn last(&self) -> Timestamp {
        self.next.last
    }

    /// Distinct dark addresses touched; `DARK_TARGETS_MAX` means that many or more.
    pub fn dark_targets(&self) -> usize {
        self.targets.len()
    }

    /// Whether an alert about it was raised and not cleared.
    pub fn is_alerted(&self) -> bool {
        self.alerted
    }

    /// Packets and bytes that no event has told of yet.
    pub(super) fn untold(&self) -> (u64, u64) {
        (self.next.packets, self.next.bytes)
    }

    /// Counts a touch of an address that is dark for this reason, if it is dark, by a probe, if it was one.
    /// `target` stands for the address, and `is_dark` says whether one is dark now. Returns the event that is to
    /// be raised at once.
    pub(super) fn touch(
        &mut self,
        touch: &Event,
        target: u32,
        darkness: Option<Darkness>,
        probe: Option<&Probe>,
        is_dark: impl Fn(Address) -> bool,
    ) -> Option<Event> {
        let now = touch.last;
        self.count(touch, target, darkness);
        if let Some(probe) = probe {
            self.marks.add(probe, now.seconds as u32);
            self.next.tool = self.marks.tool();
        }
        let is_evidence = matches!(darkness, Some(Darkness::Given | Darkness::Unused))
            && matches!(touch.category, Category::Scan | Category::Other);
        let is_proven = is_evidence && self.weigh(touch.destination, now.seconds as u32, is_dark);
        let is_scanner = self.marks.tool().is_some_and(|tool| tool.is_proof());
        if self.local && !self.alerted && (is_proven || is_scanner) {
            self.alerted = true;
            return self.speak(Kind::Alert, now);
        }
        self.due(now)
    }

    fn count(&mut self, touch: &Event, target: u32, darkness: Option<Darkness>) {
        if self.packets == 0 && matches!(darkness, None | Some(Darkness::Learning)) {
            // Nobody is told of what may be a device that has not said anything yet.
            self.opened = Some(touch.last);
        }
        if self.next.packets == 0 {
            self.next = Event { packets: 0, bytes: 0, tool: self.marks.tool(), ..*touch };
            self.window =
                if darkness == Some(Darkness::Given) { DARK_WINDOW_SECONDS } else { UNUSED_WINDOW_SECONDS };
        }
        if darkness.is_some() && !self.targets.contains(&target) {
            // A full list stays as it is: the count then means "that many or more".
            let _ = self.targets.push(target);
        }
        self.packets += touch.packets;
        self.bytes += touch.bytes;
        self.next.packets += touch.packets;
        self.next.bytes += touch.bytes;
        self.next.last = touch.last;
        self.next.dark_targets = self.targets.len() as u8;
    }

    /// Adds a dark address to the evidence. True if that is enough for a verdict: an address that has turned
    /// out to be somebody's since does not count.
    fn weigh(&mut self, address: Address, now: u32, is_dark: impl Fn(Address) -> bool) -> bool {
        self.evidence.retain(|(_, seen)| now.abs_diff(*seen) < DARK_EVIDENCE_SECONDS);
        match self.evidence.iter_mut().find(|(known, _)| *known == address) {
            Some((_, seen)) => *seen = now,
            None => {
                let _ = self.evidence.push((address, now));
            }
        }
        if self.evidence.is_full() {
            self.evidence.retain(|(address, _)| is_dark(*address));
        }
        self.evidence.is_full()
    }

    /// The second in which something will be due, unless more comes before.
    pub(super) fn due_at(&self) -> Option<u64> {
        match (self.next.packets, self.alerted) {
            (0, true) => Some(self.next.last.seconds.saturating_add(DARK_CLEAR_SECONDS)),
            (0, false) => None,
            _ => Some(self.opened.map_or(0, |opened| opened.seconds.saturating_add(self.window))),
        }
    }

    /// The event that is due at this time, if there is one.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Event> {
        // Also if the clock was set back.
        let is_over = |since: Timestamp, seconds| now.seconds.abs_diff(since.seconds) >= seconds;
        if self.opened.is_none_or(|opened| is_over(opened, self.window)) && self.next.packets > 0 {
            return self.speak(Kind::Hit, now);
        }
        if self.alerted && self.next.packets == 0 && is_over(self.next.last, DARK_CLEAR_SECONDS) {
            self.alerted = false;
            self.evidence.clear();
            return Some(Event { kind: Kind::Clear, last: now, ..self.next });
        }
        None
    }

    /// The event that tells of all untold packets, if there are any; opens a new window.
    pub(super) fn speak(&mut self, kind: Kind, now: Timestamp) -> Option<Event> {
        if self.next.packets == 0 {
            return None;
        }
        let event = Event { kind, ..self.next };
        self.opened = Some(now);
        self.next.packets = 0;
        self.next.bytes = 0;
        Some(event)
    }
}
