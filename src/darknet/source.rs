//! One source, what it did, and the verdict on it.
//!
//! The verdict is the sequential test of Jung, Paxson, Berger and Balakrishnan ("Fast Portscan Detection
//! Using Sequential Hypothesis Testing", 2004) with dark addresses alone as evidence: each new one makes a
//! scanner more likely, and nothing makes it less so. See [`DARK_EVIDENCE`] for its error.

use heapless::Vec;

use super::bogons::network_of;
use super::category::is_inside;
use super::fingerprint::{Marks, Probe};
use super::space::Space;
use super::summary::Recount;
use super::{Carrier, Category, Event, Kind, Pattern, Signal, Tool};
use crate::limits::{
    BOGON_ANSWER_SECONDS, BOGON_NETWORKS, BOGON_SECONDS, DARK_CLEAR_SECONDS, DARK_EVIDENCE,
    DARK_EVIDENCE_SECONDS, DARK_PORTS_MAX, DARK_REPEATED, DARK_TARGETS_MAX, DARK_WINDOW_SECONDS,
    SHARED_EVIDENCE_SECONDS, UNUSED_WINDOW_SECONDS,
};
use crate::packet::{Address, Mac};
use crate::time::Timestamp;

/// A dark address that a source touched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The address.
    pub address: Address,
    /// The second in which it was touched last.
    pub last: u32,
    /// Which device touched it last.
    device: Device,
    /// Whether it speaks against that device.
    is_evidence: bool,
}

impl Target {
    fn speaks(&self, device: Device, now: u32) -> bool {
        let age = now.abs_diff(self.last);
        let is_its_own = self.device == device || age < SHARED_EVIDENCE_SECONDS;
        self.is_evidence && is_its_own && age < DARK_EVIDENCE_SECONDS
    }
}

/// Who has the source's address at the moment: the end of the link-layer address, which tells a household's devices
/// apart. An address that goes from one to another takes no evidence along, but for what is so recent that one device
/// may have changed its link-layer address in order not to be known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Device(u16);

impl Device {
    const fn of(Mac([.., a, b]): Mac) -> Self {
        Self(u16::from_be_bytes([a, b]))
    }
}

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
    /// The dark addresses touched. In a full list one goes that does not speak against it, or the one that was
    /// touched longest ago: the count then means "that many or more".
    targets: Vec<Target, DARK_TARGETS_MAX>,
    /// Their ports, as far as there were any; the first ones.
    ports: Vec<u16, DARK_PORTS_MAX>,
    /// Packets that looked meant for a company's own network.
    leaks: u64,
    /// Addresses turned to that the Internet does not carry, the last one of each network, and when.
    bogons: Vec<(Address, u32), BOGON_NETWORKS>,
    /// When a notice was given of them.
    noticed: Option<u32>,
    /// What its packets tell of the tool that made them.
    marks: Marks,
    /// Who sent the last one.
    device: Device,
    /// Whether an alert was raised that is not cleared.
    alerted: bool,
    /// When the last event was raised, which opened the window that now runs.
    opened: Option<Timestamp>,
    /// Seconds of a window.
    window: u64,
    /// What the next summary will say.
    pub(super) recount: Recount,
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
            ports: Vec::new(),
            leaks: 0,
            bogons: Vec::new(),
            noticed: None,
            marks: Marks::default(),
            device: Device::default(),
            alerted: false,
            opened: None,
            window: DARK_WINDOW_SECONDS,
            recount: Recount::default(),
            next: Event { packets: 0, bytes: 0, ..*touch },
        }
    }

    /// The sender.
    pub fn address(&self) -> Address {
        self.next.source
    }

    /// The link-layer address that its last packet came from.
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

    /// Those that are remembered.
    pub fn targets(&self) -> &[Target] {
        &self.targets
    }

    /// The destination ports that are remembered, the first ones; `DARK_PORTS_MAX` means that many or more.
    pub fn ports(&self) -> &[u16] {
        &self.ports
    }

    /// The tool that made its packets, if they tell.
    pub fn tool(&self) -> Option<Tool> {
        self.marks.tool()
    }

    /// What it did last, in the words of an event that counts all of its packets.
    pub fn in_short(&self) -> Event {
        let kind = if self.alerted { Kind::Alert } else { Kind::Hit };
        let (packets, bytes, first) = (self.packets, self.bytes, self.first);
        Event { kind, packets, bytes, first, ..self.describe() }
    }

    /// How many dark addresses speak in this second against the device that touched one last;
    /// [`DARK_EVIDENCE`] make a scanner. Some of them may have turned out to be somebody's since.
    pub fn evidence(&self, now: u32) -> usize {
        self.targets.iter().filter(|target| target.speaks(self.device, now)).count()
    }

    /// Whether an alert about it was raised and not cleared.
    pub fn is_alerted(&self) -> bool {
        self.alerted
    }

    /// Packets and bytes that no event has told of yet.
    pub(super) fn untold(&self) -> (u64, u64) {
        (self.next.packets, self.next.bytes)
    }

    /// Counts a touch, by a probe, if it was one. Returns the event that is to be raised at once.
    pub(super) fn touch(&mut self, touch: &Event, probe: Option<&Probe>, space: &Space) -> Option<Event> {
        let now = touch.last;
        let second = now.seconds as u32;
        self.count(touch);
        let device = Device::of(touch.source_mac);
        if device != self.device {
            self.device = device;
            self.marks.forget_tool();
        }
        if let Some(probe) = probe {
            self.marks.add(probe, second);
            self.next.tool = self.marks.tool();
        }
        if touch.signal == Signal::Bogon {
            self.note_bogon(touch.destination, second);
        }
        let is_question = matches!(touch.category, Category::Scan | Category::Other);
        let is_evidence = touch.signal.is_evidence() && is_question;
        if touch.signal.is_dark() {
            let (address, device) = (touch.destination, self.device);
            self.note_target(Target { address, last: second, device, is_evidence });
        }
        self.next.dark_targets = self.targets.len() as u8;
        let is_proven = is_evidence && self.weigh(second, space);
        let is_scanner = self.marks.tool().is_some_and(|tool| tool.is_proof());
        if self.local && !self.alerted && (is_proven || is_scanner || touch.signal == Signal::FanOut) {
            self.alerted = true;
            return self.speak(Kind::Alert, now);
        }
        self.due(now, space)
    }

    fn count(&mut self, touch: &Event) {
        if self.packets == 0 && touch.signal.is_quiet() {
            self.opened = Some(touch.last);
        }
        if self.next.packets == 0 {
            self.next = Event { packets: 0, bytes: 0, tool: self.marks.tool(), ..*touch };
            self.window =
                if touch.signal == Signal::Given { DARK_WINDOW_SECONDS } else { UNUSED_WINDOW_SECONDS };
        }
        if let Some((_, port)) = touch.ports
            && !self.ports.contains(&port)
        {
            let _ = self.ports.push(port);
        }
        let is_leak = touch.signal == Signal::Bogon && touch.ports.is_some_and(|(_, port)| is_inside(port));
        self.leaks += if is_leak { touch.packets } else { 0 };
        self.packets += touch.packets;
        self.bytes += touch.bytes;
        self.next.packets += touch.packets;
        self.next.bytes += touch.bytes;
        self.next.last = touch.last;
        self.next.source_mac = touch.source_mac;
    }

    fn note_target(&mut self, target: Target) {
        if let Some(known) = self.targets.iter_mut().find(|known| known.address == target.address) {
            let is_evidence = known.speaks(target.device, target.last) || target.is_evidence;
            *known = Target { is_evidence, ..target };
        } else if self.targets.push(target).is_err() {
            let rank = |known: &&mut Target| (known.speaks(target.device, target.last), known.last);
            if let Some(least) = self.targets.iter_mut().min_by_key(rank) {
                *least = target;
            }
        }
    }

    /// What all of its packets together look like, where the next event's first one may be seen otherwise.
    fn category(&self) -> Category {
        let is_question = matches!(self.next.category, Category::Scan | Category::Other);
        if !is_question || self.alerted {
            self.next.category
        } else if self.leaks == self.packets {
            Category::LeakedRoute
        } else if self.packets >= DARK_REPEATED && self.targets.len() == 1 && self.ports.len() < 2 {
            Category::Misconfiguration
        } else {
            self.next.category
        }
    }

    /// True if there is enough evidence for a verdict: an address that has turned out to be somebody's since does
    /// not count.
    fn weigh(&mut self, now: u32, space: &Space) -> bool {
        if self.evidence(now) < DARK_EVIDENCE {
            return false;
        }
        for target in self.targets.iter_mut().filter(|target| target.is_evidence) {
            let signal = space.darkness_on_link(target.address, now);
            target.is_evidence = signal.is_some_and(Signal::is_evidence);
        }
        self.evidence(now) >= DARK_EVIDENCE
    }

    /// Remembers a bogon network, the last one at the end; the first one goes.
    fn note_bogon(&mut self, address: Address, now: u32) {
        let network = network_of(address);
        self.bogons.retain(|(known, _)| network_of(*known) != network);
        if self.bogons.is_full() {
            self.bogons.remove(0);
        }
        let _ = self.bogons.push((address, now));
    }

    /// The second in which a notice of bogon networks is due, if they are enough.
    fn notice_at(&self) -> Option<u32> {
        let (first, last) = (self.bogons.first()?.1, self.bogons.last()?.1);
        let is_new = self.noticed.is_none_or(|noticed| last.abs_diff(noticed) >= DARK_EVIDENCE_SECONDS);
        let is_due = self.bogons.is_full() && is_new && first.abs_diff(last) <= BOGON_SECONDS;
        is_due.then_some(first.max(last).saturating_add(BOGON_ANSWER_SECONDS))
    }

    /// The second in which something will be due, unless more comes before.
    pub(super) fn due_at(&self) -> Option<u64> {
        let window = match (self.next.packets, self.alerted) {
            (0, true) => Some(self.next.last.seconds.saturating_add(DARK_CLEAR_SECONDS)),
            (0, false) => None,
            _ => Some(self.opened.map_or(0, |opened| opened.seconds.saturating_add(self.window))),
        };
        let notice = self.notice_at().map(u64::from);
        window.into_iter().chain(notice).min()
    }

    /// The event that is due at this time, if there is one.
    pub(super) fn due(&mut self, now: Timestamp, space: &Space) -> Option<Event> {
        // Also if the clock was set back.
        let is_over = |since: Timestamp, seconds| now.seconds.abs_diff(since.seconds) >= seconds;
        if self.notice_at().is_some_and(|at| now.seconds as u32 >= at) {
            let second = now.seconds as u32;
            // Somebody there may have answered meanwhile.
            self.bogons.retain(|(address, _)| space.is_unused_bogon(*address, second));
            if let Some((bogon, _)) = self.bogons.last().copied().filter(|_| self.bogons.is_full()) {
                self.noticed = Some(second);
                return Some(self.notice(bogon, now));
            }
        }
        if self.opened.is_none_or(|opened| is_over(opened, self.window)) && self.next.packets > 0 {
            return self.speak(Kind::Hit, now);
        }
        if self.alerted && self.next.packets == 0 && is_over(self.next.last, DARK_CLEAR_SECONDS) {
            self.alerted = false;
            self.targets.iter_mut().for_each(|target| target.is_evidence = false);
            return Some(Event { kind: Kind::Clear, last: now, ..self.next });
        }
        None
    }

    /// Tells of bogon networks, and of all untold packets.
    fn notice(&mut self, bogon: Address, now: Timestamp) -> Event {
        let kind = Kind::Notice;
        let told = self.speak(kind, now).unwrap_or(Event { kind, ..self.describe() });
        // The first packet may have been for another address.
        let (signal, carrier) = (Signal::Bogon, Carrier::Ip);
        Event { signal, carrier, destination: bogon, ports: None, protocol: 0, icmp: None, ..told }
    }

    /// The next event, with what all packets together look like.
    fn describe(&self) -> Event {
        let category = self.category();
        let is_scan = category == Category::Scan;
        let pattern = Pattern::of(self.targets.len(), self.ports.len()).filter(|_| is_scan);
        Event { category, pattern, ..self.next }
    }

    /// The event that tells of all untold packets, if there are any; opens a new window.
    pub(super) fn speak(&mut self, kind: Kind, now: Timestamp) -> Option<Event> {
        if self.next.packets == 0 {
            return None;
        }
        let event = Event { kind, ..self.describe() };
        self.opened = Some(now);
        self.next.packets = 0;
        self.next.bytes = 0;
        Some(event)
    }
}
