//! 5. Suspect: packets to addresses that nobody uses become events.
//!
//! ```text
//! packet --destination dark, or a bogon?--> source (who) --> category, pattern, tool (what) --> event,
//! ARP, neighbor solicitation --target dark?--'       |                            one per source and window
//! SYN --one of very many, unanswered?---------'       '--> verdict: alert at the fourth dark address, clear
//! packet from the WAN that nobody asked for --> radiation: a sum by port and day
//! ```

mod bogons;
mod category;
mod confirm;
mod event;
mod exclusions;
mod fan_out;
mod fingerprint;
mod pattern;
mod radiation;
pub mod rules;
mod signal;
mod signs;
mod source;
mod sources;
mod space;
mod summary;

pub use category::Category;
pub use confirm::Confirmed;
pub use event::{Carrier, Event, Kind};
pub use exclusions::Exclusion;
pub use fingerprint::Tool;
pub use pattern::Pattern;
pub use radiation::{Door, Radiation};
pub use rules::Rules;
pub use signal::Signal;
pub use source::{Source, Target};
pub use summary::{About, DISTINCT_MAX, Summary, SummaryLine, SummaryRow, Whole};

use alloc::boxed::Box;

use heapless::Deque;

#[cfg(doc)]
use crate::limits::LEARNING_SECONDS;
use crate::limits::{DARK_EVENTS_MAX, DARK_SOURCE_BYTES, SIGN_BYTES, SIGNS_PER_SOURCE};
use crate::network::{Networks, Prefix, Role};
use crate::packet::{
    Address, Decoded, Link, Mac, NeighborKind, NeighborMessage, NonIp, Packet, neighbor_message, protocol,
};
use crate::table::Seed;
use crate::time::Timestamp;
use confirm::Confirmations;
use event::Question;
use exclusions::Exclusions;
use fan_out::FanOuts;
use fingerprint::Probe;
use radiation::{Background, is_unasked};
use rules::{Action, Ruling};
use sources::Sources;
use space::Space;

/// What happened in the dark since the start. Packets are those to dark addresses, the questions for them, and
/// what bears the mark of a scanner. All packets are told by an event that is no rule's, wait in the table for
/// the end of their source's window, left it untold, or were passed: `packets` is the sum of the four.
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
    /// Packets that a rule keeps from being told.
    pub passed_packets: u64,
    /// Addresses in use that were forgotten for want of room, and so are dark until their next sign.
    pub forgotten_addresses: u64,
    /// What the router's own questions brought, if it asks any.
    pub confirmed: Option<Confirmed>,
}

/// What a frame that the darknet counts was found to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Touch {
    /// Its name for people and rules: [`Event::signature`] of an event that tells of this frame alone.
    pub signature: &'static str,
    /// What it looks like by itself.
    pub category: Category,
    /// Whether there is an alert about its source, perhaps because of this very frame.
    pub is_alerted: bool,
}

/// What came of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Finding {
    /// The frame was for a dark address.
    pub is_dark: bool,
    /// What it was, if it is told or could be: it was for a dark address, or is another sign of a scanner.
    pub touch: Option<Touch>,
    /// What is to be told at once.
    pub event: Option<Event>,
    /// What is to be told because a rule says so.
    pub ruled: Option<Event>,
}

impl Finding {
    /// What is to be told.
    pub fn events(self) -> impl Iterator<Item = Event> {
        [self.ruled, self.event].into_iter().flatten()
    }
}

/// What is dark, who touched it, and what was said about it.
#[derive(Clone, Debug)]
pub struct Darknet {
    space: Space,
    exclusions: Exclusions,
    sources: Sources,
    fan_outs: FanOuts,
    background: Background,
    confirmations: Option<Confirmations>,
    rules: Rules,
    recent: Box<Deque<Event, DARK_EVENTS_MAX>>,
    totals: Totals,
    seed: Seed,
    /// When the last summary was made, and how many packets there were by then.
    summarized: (Timestamp, u64),
}

impl Darknet {
    /// A darknet of these prefixes, and of so many sources at most; `None` if there are more than
    /// `DARK_PREFIXES_MAX` prefixes. Without a source nothing is watched.
    pub fn new(prefixes: &[Prefix], sources: usize, seed: Seed) -> Option<Self> {
        Some(Self {
            space: Space::new(prefixes, sources * SIGNS_PER_SOURCE, seed)?,
            exclusions: Exclusions::default(),
            sources: Sources::with_capacity(sources, seed),
            fan_outs: FanOuts::new(seed),
            background: Background::new(seed),
            confirmations: None,
            rules: Rules::default(),
            recent: Box::default(),
            totals: Totals::default(),
            seed,
            summarized: (Timestamp::default(), 0),
        })
    }

    /// The bytes that a darknet of so many sources takes, once and for all, beside its own few hundred.
    pub const fn bytes(sources: usize) -> usize {
        let (sources, signs) =
            (sources.next_power_of_two(), (sources * SIGNS_PER_SOURCE).next_power_of_two());
        sources * DARK_SOURCE_BYTES + signs * SIGN_BYTES + FanOuts::BYTES + Background::BYTES
    }

    /// Says what an interface leads to and which networks it is connected to: those addresses of a LAN's that
    /// nobody has are dark. Networks may be none. `own_macs` are the link-layer addresses under which we send
    /// there ourselves.
    pub fn set_interface(&mut self, interface: usize, role: Role, networks: &Networks, own_macs: &[Mac]) {
        self.space.set_interface(interface, role, networks, own_macs);
    }

    /// Changes what is left out. False if that is too much, and nothing is changed.
    pub fn set_exclusions(&mut self, exclusions: &[Exclusion]) -> bool {
        let Some(exclusions) = Exclusions::new(exclusions) else { return false };
        self.exclusions = exclusions;
        true
    }

    /// Changes how many seconds a LAN is watched before its addresses can be dark ([`LEARNING_SECONDS`]).
    pub fn set_learning(&mut self, seconds: u32) {
        self.space.set_learning(seconds);
    }

    /// Takes rules of the user's for packets to dark addresses, in place of those before.
    pub fn set_rules(&mut self, rules: Rules) {
        self.rules = rules;
    }

    /// From now on says which addresses the router should ask for itself ([`Self::next_question`]).
    pub fn confirm(&mut self) {
        self.confirmations = Some(Confirmations::default());
    }

    /// The number of a LAN and the IPv4 address that the router is to ask for there by ARP, now. To be called about
    /// once a second until it returns `None`, as long as [`Self::is_asking`].
    pub fn next_question(&mut self, now: Timestamp) -> Option<(usize, Address)> {
        self.confirmations.as_mut()?.next_question(&self.space, now)
    }

    /// Takes note that it could not ask for this address.
    pub fn could_not_ask(&mut self, target: Address) {
        if let Some(confirmations) = &mut self.confirmations {
            confirmations.failed(target);
        }
    }

    /// True if there are questions to ask, or answers to wait for.
    pub fn is_asking(&self) -> bool {
        self.confirmations.as_ref().is_some_and(Confirmations::is_busy)
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
        // Who is offered an address by DHCP (RFC 2131) does not have it yet.
        if packet.protocol == protocol::UDP && (packet.source_port, packet.destination_port) == (67, 68) {
            return Finding::default();
        }
        let darkness = self.space.darkness(packet.destination, seconds);
        let darkness = darkness.or_else(|| self.space.bogon(interface, packet, seconds));
        let probe = Probe::read(packet, bytes);
        let is_marked = probe.is_some_and(|probe| probe.is_marked());
        let signal = darkness.or(is_marked.then_some(Signal::Mark));
        let signal = self.observe_connection(interface, packet, signal, now).or(signal);
        match signal {
            None => Finding::default(),
            Some(signal) => {
                let payload = payload(packet, bytes).filter(|payload| !payload.is_empty());
                let payload = payload.map(|payload| self.seed.bytes(payload));
                let is_learning = signal == Signal::Learning;
                let judge = || self.rules.judge(packet, bytes, is_learning, &self.space, seconds);
                let ruling = signal.is_dark().then(judge).flatten();
                self.touched(&Event::of_packet(interface as u16, packet, signal, now), probe, payload, ruling)
            }
        }
    }

    /// Counts questions and answers that say little of one packet. [`Signal::FanOut`] if there were too many.
    fn observe_connection(
        &mut self,
        interface: usize,
        packet: &Packet,
        signal: Option<Signal>,
        now: Timestamp,
    ) -> Option<Signal> {
        let (number, seconds) = (interface as u16, now.seconds as u32);
        if self.space.is_lan(interface) {
            if packet.is_syn() && self.space.is_resident(interface, packet.source) {
                return self.fan_outs.asked(number, packet, seconds).then_some(Signal::FanOut);
            }
            if packet.is_syn_ack() {
                self.fan_outs.answered(number, packet);
            }
        } else if packet.is_syn_ack() && self.is_ours(&packet.link) {
            self.background.answered(Door::Own(number), packet.protocol, packet.source_port);
        } else if !self.is_ours(&packet.link)
            && let Some(door) = self.door(number, packet, signal)
        {
            self.background.count(door, packet.protocol, packet.destination_port, now.seconds);
        }
        None
    }

    /// Where a packet from outside arrives, if nobody here asked for it.
    fn door(&self, interface: u16, packet: &Packet, signal: Option<Signal>) -> Option<Door> {
        if signal == Some(Signal::Given) {
            return self.space.given_prefix(packet.destination).map(|prefix| Door::Dark(prefix as u16));
        }
        is_unasked(packet).then_some(Door::Own(interface))
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
        if is_for_another && !self.is_ours(&frame.link) {
            let is_foreign = self.space.is_foreign(interface, arp.sender);
            self.asked(interface, &question, arp.request, is_foreign, now)
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
                    && !self.is_ours(&packet.link)
                    && self.space.is_lan(interface) =>
            {
                self.asked(interface, &question, true, false, now)
            }
            NeighborKind::Solicitation => Finding::default(),
        }
    }

    /// True for a frame that this machine sent. Not every capture says so.
    fn is_ours(&self, link: &Link) -> bool {
        link.outgoing || self.space.is_own(link.source_mac)
    }

    /// Somebody asked the link for an address, or has one that nobody should have there.
    fn asked(
        &mut self,
        interface: usize,
        question: &Question,
        is_request: bool,
        is_foreign: bool,
        now: Timestamp,
    ) -> Finding {
        let darkness = self.space.darkness_on_link(question.target, now.seconds as u32);
        let signal = darkness.filter(|_| is_request).or(is_foreign.then_some(Signal::ForeignSender));
        match signal {
            None => Finding::default(),
            Some(signal) => {
                self.touched(&Event::of_question(interface as u16, question, signal, now), None, None, None)
            }
        }
    }

    /// Somebody touched a dark address, sent what a scanner makes, or is not where it should be.
    #[cold]
    fn touched(
        &mut self,
        touch: &Event,
        probe: Option<Probe>,
        payload: Option<u64>,
        ruling: Option<Ruling>,
    ) -> Finding {
        let port = touch.ports.map(|(_, port)| port);
        if self.exclusions.hold(touch.source, touch.source_mac, touch.destination, port) {
            return Finding::default();
        }
        let is_dark = touch.signal.is_dark();
        self.totals.packets += touch.packets;
        self.totals.bytes += touch.bytes;
        if ruling.is_some_and(|ruling| ruling.action == Action::Pass) {
            self.totals.passed_packets += touch.packets;
            return Finding { is_dark, ..Finding::default() };
        }
        let local = self.space.is_resident(touch.interface.into(), touch.source);
        let mut found = Touch { signature: touch.signature(), category: touch.category, is_alerted: false };
        let Some((source, evicted)) = self.sources.find(touch, local) else {
            return Finding { is_dark, touch: Some(found), ..Finding::default() };
        };
        source.recount.add(touch, payload, self.seed);
        let event = source.touch(touch, probe.as_ref(), &self.space);
        found.is_alerted = source.is_alerted() || ruling.is_some_and(|ruling| ruling.action == Action::Alert);
        let ruled = ruling.map(|ruling| Event {
            kind: if ruling.action == Action::Alert { Kind::Alert } else { Kind::Hit },
            rule: Some(ruling.rule),
            dark_targets: source.dark_targets() as u8,
            ..*touch
        });
        let due_at = source.due_at();
        // An answer speaks for somebody who is suspected, and only before the verdict.
        if let Some(confirmations) = &mut self.confirmations
            && touch.signal == Signal::Unused
            && local
            && !source.is_alerted()
            && let Some(target) = touch.destination.as_v4()
            && let Some(interface) = self.space.lan_of(touch.destination)
        {
            confirmations.want(interface, target, touch.last);
        }
        if touch.signal == Signal::Learning {
            self.space.expect(touch.destination, touch.last.seconds as u32);
        }
        self.sources.expect(due_at);
        if let Some(evicted) = evicted {
            let (packets, bytes) = evicted.untold();
            self.totals.evicted_sources += 1;
            self.totals.evicted_packets += packets;
            self.totals.evicted_bytes += bytes;
        }
        let ruled = ruled.map(|event| self.raise(event));
        Finding { is_dark, touch: Some(found), event: event.map(|event| self.raise(event)), ruled }
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
        let event = self.sources.due(now, &self.space)?;
        Some(self.raise(event))
    }

    /// At the end of a capture: the next event of a source whose packets were not all told, whether its
    /// window is over or not. To be called until it returns `None`.
    pub fn close(&mut self) -> Option<Event> {
        let event = self.sources.untold()?;
        Some(self.raise(event))
    }

    /// The report of the window that ends now, and begins the next one. `None` if nothing was sent to the dark.
    /// The first window begins when this is first called.
    pub fn summarize(&mut self, now: Timestamp) -> Option<Summary> {
        let (start, before) = core::mem::replace(&mut self.summarized, (now, self.totals.packets));
        if start == Timestamp::default() || before == self.totals.packets {
            return None;
        }
        let mut summary = Summary::new(start, now, self.totals.packets - before);
        self.sources.iter_mut().for_each(|source| summary.take(source));
        Some(summary)
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

    /// The second from which on all LANs are learned; `None` if nothing was heard yet on one of them.
    pub fn learned_at(&self) -> Option<u32> {
        self.space.learned_at()
    }

    /// The rules of the user's.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The sources in the table, in no order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// What arrived unasked, by port, in no order.
    pub fn radiation(&self) -> impl Iterator<Item = &Radiation> {
        self.background.rows()
    }

    /// Today's packets of ports for which there was no room.
    pub fn other_radiation(&self) -> u64 {
        self.background.others()
    }

    /// The last events, oldest first.
    pub fn recent(&self) -> impl DoubleEndedIterator<Item = &Event> {
        self.recent.iter()
    }

    /// What happened since the start.
    pub fn totals(&self) -> Totals {
        let confirmed = self.confirmations.as_ref().map(|confirmations| confirmations.counts);
        Totals { forgotten_addresses: self.space.forgotten(), confirmed, ..self.totals }
    }
}

/// What of a packet's payload was captured: what follows its transport header.
fn payload<'a>(packet: &Packet, bytes: &'a [u8]) -> Option<&'a [u8]> {
    let transport = bytes.get(packet.transport_offset.into()..)?;
    let header = match packet.protocol {
        _ if packet.later_fragment => 0,
        protocol::TCP => usize::from(transport.get(12)? >> 4) * 4,
        protocol::UDP | protocol::ICMP => 8,
        protocol::ICMPV6 => 4,
        _ => 0,
    };
    transport.get(header..)
}

#[cfg(test)]
mod tests;
