//! 5. Suspect: packets to addresses that nobody uses become events.
//!
//! ```text
//! packet --destination dark?--> source (who) --> category (what) --> event, one per source and window
//! ARP, neighbor solicitation --target dark?--'       '--> verdict: alert at the fourth dark address, clear
//! ```

mod category;
mod event;
mod fingerprint;
mod signs;
mod source;
mod sources;
mod space;

pub use category::Category;
pub use event::{Carrier, Event, Kind};
pub use fingerprint::Tool;
pub use source::Source;
pub use space::Darkness;

use heapless::Deque;

#[cfg(doc)]
use crate::limits::LEARNING_SECONDS;
use crate::limits::{DARK_EVENTS_MAX, DARK_SOURCE_BYTES, SIGN_BYTES, SIGNS_PER_HOST};
use crate::network::{Networks, Prefix};
use crate::packet::{
    Address, Decoded, Link, Mac, NeighborKind, NeighborMessage, NonIp, Packet, neighbor_message, protocol,
};
use crate::table::Seed;
use crate::time::Timestamp;
use event::Question;
use fingerprint::Probe;
use sources::Sources;
use space::Space;

/// What happened in the dark since the start. Packets are those to dark addresses, the questions for them, and
/// what bears the mark of a scanner. All packets are told by an event, wait in the table for
/// the end of their source's window, or left it untold: `packets` is the sum of the three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets to dark addresses.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// Events raised.
    pub events: u64,
    /// Sources that left the full table.
    pub evicted_sources: u64,
    /// Packets that left with them before an event told of them.
    pub evicted_packets: u64,
    /// The IP bytes of those.
    pub evicted_bytes: u64,
    /// Addresses in use that were forgotten for want of room, and so are dark until their next sign.
    pub forgotten_addresses: u64,
}

/// What a frame that the darknet counts was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Its name for people and rules: [`Event::signature`] of an event that tells of this frame alone.
    pub signature: &'static str,
    /// What it looks like by itself.
    pub category: Category,
    /// Whether its source is held to be a scanner, perhaps because of this very frame.
    pub is_alerted: bool,
}

/// What came of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The frame was for a dark address.
    pub is_dark: bool,
    /// What it was, if it counts: it was for a dark address, or bears the mark of a scanner.
    pub touch: Option<Touch>,
    /// What is to be told at once.
    pub event: Option<Event>,
}

/// What is dark, who touched it, and what was said about it.
#[derive(Clone, Debug)]
pub struct Darknet {
    space: Space,
    sources: Sources,
    recent: Deque<Event, DARK_EVENTS_MAX>,
    totals: Totals,
}

impl Darknet {
    /// A darknet of these prefixes, and of so many sources at most; `None` if there are more than
    /// `DARK_PREFIXES_MAX` prefixes. Without a source nothing is watched.
    pub fn new(prefixes: &[Prefix], sources: usize, seed: Seed) -> Option<Self> {
        Some(Self {
            space: Space::new(prefixes, sources * SIGNS_PER_HOST, seed)?,
            sources: Sources::with_capacity(sources, seed),
            recent: Deque::new(),
            totals: Totals::default(),
        })
    }

    /// The bytes that a darknet of so many sources takes, once and for all, beside its own few hundred.
    pub const fn bytes(sources: usize) -> usize {
        let (sources, signs) = (sources.next_power_of_two(), (sources * SIGNS_PER_HOST).next_power_of_two());
        sources * DARK_SOURCE_BYTES + signs * SIGN_BYTES
    }

    /// Says that an interface leads to hosts of ours, and which networks it is connected to: their
    /// addresses that nobody has are dark. Networks may be none. `own_macs` are the link-layer addresses
    /// under which we send there ourselves.
    pub fn set_lan(&mut self, interface: usize, networks: &Networks, own_macs: &[Mac]) {
        self.space.set_lan(interface, networks, own_macs);
    }

    /// Changes how many seconds a LAN is watched before its addresses can be dark ([`LEARNING_SECONDS`]).
    pub fn set_learning(&mut self, seconds: u32) {
        self.space.set_learning(seconds);
    }

    /// Takes note that somebody has this address, as is known from elsewhere than a frame.
    pub fn note(&mut self, address: Address, now: Timestamp) {
        self.space.note_known(address, now.seconds as u32);
    }

    /// Takes note of a frame that an interface saw; `bytes` are those captured, if they are at hand. A
    /// source's first touch of the dark raises an event at once; then a window runs in which its packets
    /// are only counted.
    pub fn observe(&mut self, interface: usize, decoded: &Decoded, bytes: &[u8], now: Timestamp) -> Finding {
        if self.space.is_empty() {
            return Finding::default();
        }
        match decoded {
            Decoded::Packet(packet) => self.observe_packet(interface, packet, bytes, now),
            Decoded::NonIp(frame) => self.observe_arp(interface, frame, now),
            Decoded::Discard(_) => Finding::default(),
        }
    }

    fn observe_packet(&mut self, interface: usize, packet: &Packet, bytes: &[u8], now: Timestamp) -> Finding {
        let seconds = now.seconds as u32;
        self.space.note(interface, packet.source, seconds);
        if packet.protocol == protocol::ICMPV6
            && let Some(message) = neighbor_message(bytes, packet)
        {
            return self.observe_neighbor(interface, packet, &message, now);
        }
        let darkness = self.space.darkness(packet.destination, seconds);
        let probe = Probe::read(packet, bytes);
        if darkness.is_none() && !probe.is_some_and(|probe| probe.is_marked()) {
            return Finding::default();
        }
        self.touched(&Event::of_packet(interface as u16, packet, now), darkness, probe)
    }

    /// ARP is believed on a LAN only: providers ask their own networks for whatever there is.
    fn observe_arp(&mut self, interface: usize, frame: &NonIp, now: Timestamp) -> Finding {
        let Some(arp) = frame.arp.filter(|_| self.space.is_lan(interface)) else { return Finding::default() };
        self.space.note(interface, arp.sender, now.seconds as u32);
        let question = Question {
            carrier: Carrier::Arp,
            sender: arp.sender,
            sender_mac: arp.sender_mac,
            target: arp.target,
        };
        // Who announces an address (RFC 5227) asks for its own, who tries one out asks from none, and what
        // we ask ourselves is somebody else's packet on its way.
        let is_for_another = arp.sender != arp.target && arp.sender != Address::v4(0);
        if arp.request && is_for_another && !self.is_ours(interface, &frame.link) {
            self.asked(interface, &question, now)
        } else {
            Finding::default()
        }
    }

    fn observe_neighbor(
        &mut self,
        interface: usize,
        packet: &Packet,
        message: &NeighborMessage,
        now: Timestamp,
    ) -> Finding {
        let question = Question {
            carrier: Carrier::Solicitation,
            sender: packet.source,
            sender_mac: packet.link.source_mac,
            target: message.target,
        };
        match message.kind {
            NeighborKind::Advertisement => {
                self.space.note(interface, message.target, now.seconds as u32);
                Finding::default()
            }
            // From the unspecified address somebody tries an address out (RFC 4862).
            NeighborKind::Solicitation
                if packet.source != Address::default()
                    && !self.is_ours(interface, &packet.link)
                    && self.space.is_lan(interface) =>
            {
                self.asked(interface, &question, now)
            }
            NeighborKind::Solicitation => Finding::default(),
        }
    }

    /// True for a frame that this machine sent. Not every capture says so.
    fn is_ours(&self, interface: usize, link: &Link) -> bool {
        link.outgoing || self.space.is_own(interface, link.source_mac)
    }

    fn asked(&mut self, interface: usize, question: &Question, now: Timestamp) -> Finding {
        match self.space.darkness_on_link(question.target, now.seconds as u32) {
            None => Finding::default(),
            darkness => self.touched(&Event::of_question(interface as u16, question, now), darkness, None),
        }
    }

    /// Somebody touched a dark address, or sent what a scanner makes.
    #[cold]
    fn touched(&mut self, touch: &Event, darkness: Option<Darkness>, probe: Option<Probe>) -> Finding {
        let is_dark = darkness.is_some();
        self.totals.packets += touch.packets;
        self.totals.bytes += touch.bytes;
        let target = self.sources.target(touch.destination);
        let local = self.space.is_resident(touch.interface.into(), touch.source);
        let mut found = Touch { signature: touch.signature(), category: touch.category, is_alerted: false };
        let Some((source, evicted)) = self.sources.find(touch, local) else {
            return Finding { is_dark, touch: Some(found), event: None };
        };
        let space = &self.space;
        let still_dark = |address| space.darkness_on_link(address, touch.last.seconds as u32).is_some();
        let event = source.touch(touch, target, darkness, probe.as_ref(), still_dark);
        found.is_alerted = source.is_alerted();
        let due_at = source.due_at();
        self.sources.expect(due_at);
        if let Some(evicted) = evicted {
            let (packets, bytes) = evicted.untold();
            self.totals.evicted_sources += 1;
            self.totals.evicted_packets += packets;
            self.totals.evicted_bytes += bytes;
        }
        Finding { is_dark, touch: Some(found), event: event.map(|event| self.raise(event)) }
    }

    fn raise(&mut self, event: Event) -> Event {
        self.totals.events += 1;
        if self.recent.is_full() {
            self.recent.pop_front();
        }
        let _ = self.recent.push_back(event);
        event
    }

    /// The next event that is due because time has passed: a window is over in which more packets came, or
    /// a scanner has stopped. To be called about once a second until it returns `None`; more often costs
    /// nothing.
    pub fn tick(&mut self, now: Timestamp) -> Option<Event> {
        let event = self.sources.due(now)?;
        Some(self.raise(event))
    }

    /// At the end of a capture: the next event of a source whose packets were not all told, whether its
    /// window is over or not. To be called until it returns `None`.
    pub fn close(&mut self) -> Option<Event> {
        let event = self.sources.untold()?;
        Some(self.raise(event))
    }

    /// True if nothing is watched.
    pub fn is_empty(&self) -> bool {
        self.space.is_empty()
    }

    /// The dark prefixes, as given.
    pub fn prefixes(&self) -> &[Prefix] {
        self.space.given()
    }

    /// The networks of the LANs, of which the unused addresses are dark.
    pub fn lans(&self) -> impl Iterator<Item = &Prefix> {
        self.space.lans()
    }

    /// The sources in the table, in no order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The last events, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Event> {
        self.recent.iter()
    }

    /// What happened since the start.
    pub fn totals(&self) -> Totals {
        Totals { forgotten_addresses: self.space.forgotten(), ..self.totals }
    }
}

#[cfg(test)]
mod tests;
