//! Rules of the user's for packets to dark addresses: a subset of Snort's, compiled.
//!
//! The shell parses them (`daemon::rules`). What a rule asks for and the capture does not hold is unknown, and
//! a rule that depends on it does not match, negated or not.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use super::space::Space;
use crate::limits::{RULE_PAYLOAD_BYTES, RULE_TRACKERS};
use crate::network::Prefix;
use crate::packet::{Address, Packet, protocol};

/// What a rule does with a packet that it matches. Those that come first here are asked first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nobody is told of the packet.
    Pass,
    /// It raises an alert.
    Alert,
    /// It raises a hit.
    Log,
}

/// The packets that a rule is about. None but `Ip` matches a fragment other than the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// All of them.
    Ip,
    /// ICMP and ICMPv6.
    Icmp,
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A set of addresses or ports. Whatever is negated is not in it; of the rest, all that is listed, or
/// everything if nothing but negations is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T>(
    /// The items, each with whether it is negated.
    pub Vec<(bool, T)>,
);

impl<T> List<T> {
    fn holds(&self, is_in: impl Fn(&T) -> bool) -> bool {
        let mut holds = self.0.iter().all(|(negated, _)| *negated);
        for (negated, item) in &self.0 {
            if is_in(item) {
                if *negated {
                    return false;
                }
                holds = true;
            }
        }
        holds
    }
}

/// Addresses in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Net {
    /// Those of a network.
    Prefix(Prefix),
    /// Those of our LANs (`$HOME_NET`).
    Home,
}

/// One end of a packet's way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    /// Who it is.
    pub addresses: List<Net>,
    /// Its ports, each as the first and the last of a range.
    pub ports: List<(u16, u16)>,
}

impl End {
    // There are four calls, and all of it in each of them would be a kilobyte.
    #[inline(never)]
    fn holds(&self, address: Address, is_home: bool, port: u16) -> bool {
        let is_in = |net: &Net| match net {
            Net::Prefix(prefix) => prefix.contains(address),
            Net::Home => is_home,
        };
        self.ports.holds(|(first, last)| (*first..=*last).contains(&port)) && self.addresses.holds(is_in)
    }
}

/// A number that packets have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// Hops left: time to live, or the hop limit of IPv6.
    Ttl,
    /// The identification of IPv4.
    Id,
    /// The window of TCP.
    Window,
    /// The type of ICMP.
    IcmpType,
    /// The code of ICMP.
    IcmpCode,
    /// The length of the payload on the wire.
    Size,
}

/// Which flags of TCP there must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flags {
    /// These and no others.
    Exactly,
    /// All of these, and perhaps others.
    All,
    /// One of these at least.
    Any,
    /// None of these.
    None,
}

/// Bytes to look for in the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// The bytes.
    pub pattern: Vec<u8>,
    /// Whether letters of ASCII match in upper and lower case.
    pub ignore_case: bool,
    /// Whether they must not be there.
    pub negated: bool,
    /// Where the search begins in the payload.
    pub offset: usize,
    /// How many bytes are searched from there on.
    pub depth: usize,
}

/// What a rule asks of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Test {
    /// A number lies in a range, or not in it.
    Number {
        /// The number.
        field: Field,
        /// The lowest one that is in the range, ...
        first: u32,
        /// ... and the highest.
        last: u32,
        /// Whether the number must be outside.
        negated: bool,
    },
    /// A TCP segment's flags, as in its header.
    Flags {
        /// How they are compared.
        compare: Flags,
        /// With these.
        flags: u8,
        /// Flags that are ignored.
        ignored: u8,
    },
    /// The payload has these bytes.
    Content(Content),
}

/// How often a rule may speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// For the first so many matches.
    First,
    /// For each so many matches.
    Every,
    /// Once, when there were so many.
    Once,
    /// For each match after so many; until then it does not match.
    After,
}

/// How often a rule may speak about an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// The kind of limit.
    pub limit: Limit,
    /// Whether the packet's destination is the address, and not its source.
    pub by_destination: bool,
    /// How many matches.
    pub count: u32,
    /// In how many seconds, from the first of them.
    pub seconds: u32,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// What it does.
    pub action: Action,
    /// What its events are called.
    pub name: String,
    /// Its number (`sid`).
    pub sid: u32,
    /// The protocol.
    pub protocol: Protocol,
    /// Where the packet comes from.
    pub source: End,
    /// Where it goes to.
    pub destination: End,
    /// Whether it may as well go from the destination to the source.
    pub both_ways: bool,
    /// What else must hold.
    pub tests: Vec<Test>,
    /// How often it may speak.
    pub threshold: Option<Threshold>,
}

/// A packet as rules see it. What was not captured is missing.
struct Seen<'a> {
    packet: &'a Packet,
    /// Whether the source and the destination are addresses of our LANs.
    home: [bool; 2],
    /// From the IP header on.
    network: &'a [u8],
    /// From the transport header on; empty in a fragment other than the first.
    transport: &'a [u8],
    /// As much of the payload as rules look at.
    payload: &'a [u8],
    /// The payload's length on the wire.
    size: Option<usize>,
}

impl<'a> Seen<'a> {
    fn new(packet: &'a Packet, bytes: &'a [u8], home: [bool; 2]) -> Self {
        let network = bytes.get(packet.network_offset.into()..).unwrap_or_default();
        // Padding of the link may follow the packet.
        let length = packet.bytes as usize;
        let network = network.get(..length).unwrap_or(network);
        let header = usize::from(packet.transport_offset.saturating_sub(packet.network_offset));
        let behind = network.get(header..).unwrap_or_default();
        let transport = if packet.later_fragment { &[] } else { behind };
        let transport_header = match packet.protocol {
            _ if packet.later_fragment => Some(0),
            // The data offset, in words (RFC 9293).
            protocol::TCP => transport.get(12).map(|byte| usize::from(byte >> 4) * 4),
            protocol::UDP | protocol::ICMP | protocol::ICMPV6 => Some(8),
            _ => Some(0),
        };
        let size = transport_header.and_then(|transport| length.checked_sub(header + transport));
        let payload = transport_header.and_then(|transport| behind.get(transport..)).unwrap_or_default();
        let payload = payload.get(..RULE_PAYLOAD_BYTES).unwrap_or(payload);
        Self { packet, home, network, transport, payload, size }
    }

    fn is_of(&self, protocol: Protocol) -> bool {
        let numbers: &[u8] = match protocol {
            Protocol::Ip => return true,
            Protocol::Icmp => &[protocol::ICMP, protocol::ICMPV6],
            Protocol::Tcp => &[protocol::TCP],
            Protocol::Udp => &[protocol::UDP],
        };
        numbers.contains(&self.packet.protocol) && (self.packet.has_ports || self.packet.icmp.is_some())
    }

    fn goes(&self, from: &End, to: &End) -> bool {
        let (packet, [source, destination]) = (self.packet, self.home);
        from.holds(packet.source, source, packet.source_port)
            && to.holds(packet.destination, destination, packet.destination_port)
    }

    fn number(&self, field: Field) -> Option<u32> {
        let is_v4 = self.packet.source.is_v4();
        let word = |bytes: &[u8], at: usize| {
            bytes.get(at..).and_then(<[u8]>::first_chunk).map(|word| u16::from_be_bytes(*word).into())
        };
        match field {
            Field::Ttl => self.network.get(if is_v4 { 8 } else { 7 }).map(|byte| u32::from(*byte)),
            Field::Id => word(self.network, 4).filter(|_| is_v4),
            Field::Window => word(self.transport, 14),
            Field::IcmpType => self.packet.icmp.map(|(kind, _)| kind.into()),
            Field::IcmpCode => self.packet.icmp.map(|(_, code)| code.into()),
            Field::Size => self.size.map(|size| size as u32),
        }
    }

    fn passes(&self, test: &Test) -> bool {
        match test {
            Test::Number { field, first, last, negated } => {
                self.number(*field).is_some_and(|number| (*first..=*last).contains(&number) != *negated)
            }
            Test::Flags { compare, flags, ignored } => self.transport.get(13).is_some_and(|byte| {
                let there = byte & !ignored;
                match compare {
                    Flags::Exactly => there == *flags,
                    Flags::All => there & flags == *flags,
                    Flags::Any => there & flags != 0,
                    Flags::None => there & flags == 0,
                }
            }),
            Test::Content(content) => self.size.is_some_and(|size| content.suits(self.payload, size)),
        }
    }
}

impl Content {
    /// Whether this is true of a payload of that size of which these bytes were captured.
    fn suits(&self, payload: &[u8], size: usize) -> bool {
        let end = self.offset.saturating_add(self.depth).min(size);
        let searched = payload.get(self.offset..end.min(payload.len())).unwrap_or_default();
        let is_it = |bytes: &[u8]| {
            if self.ignore_case { bytes.eq_ignore_ascii_case(&self.pattern) } else { bytes == self.pattern }
        };
        let is_found = searched.windows(self.pattern.len().max(1)).any(is_it);
        let is_all_known = end <= payload.len() || end <= self.offset;
        if self.negated { !is_found && is_all_known } else { is_found }
    }
}

impl Rule {
    fn matches(&self, seen: &Seen) -> bool {
        seen.is_of(self.protocol)
            && (seen.goes(&self.source, &self.destination)
                || self.both_ways && seen.goes(&self.destination, &self.source))
            && self.tests.iter().all(|test| seen.passes(test))
    }
}

/// The matches of one rule for one address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Tracker {
    address: Address,
    rule: u16,
    /// So many in the time that began then.
    count: u32,
    since: u32,
}

/// What a rule says of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ruling {
    /// The rule, as [`Rules::all`] numbers it.
    pub rule: u16,
    pub action: Action,
}

/// All rules, and how often those with a threshold have matched.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    rules: Arc<[Rule]>,
    /// If the table is full, the one whose time began first makes room.
    trackers: Vec<Tracker>,
}

impl Rules {
    /// These rules. All memory is allocated here.
    pub fn new(rules: Vec<Rule>) -> Self {
        let is_tracked = rules.iter().any(|rule| rule.threshold.is_some());
        let trackers = vec![Tracker::default(); if is_tracked { RULE_TRACKERS } else { 0 }];
        Self { rules: rules.into(), trackers }
    }

    /// The rules, in their order in the file. Events number them so.
    pub fn all(&self) -> &Arc<[Rule]> {
        &self.rules
    }

    /// What the first rule that matches says, unless its threshold keeps it silent: rules that pass come before
    /// those that alert, and these before those that log. While a LAN is learned, none but the first are asked.
    pub(super) fn judge(
        &mut self,
        packet: &Packet,
        bytes: &[u8],
        is_learning: bool,
        space: &Space,
        now: u32,
    ) -> Option<Ruling> {
        if self.rules.is_empty() {
            return None;
        }
        let home = [packet.source, packet.destination].map(|address| space.is_home(address));
        let seen = Seen::new(packet, bytes, home);
        let actions: &[Action] =
            if is_learning { &[Action::Pass] } else { &[Action::Pass, Action::Alert, Action::Log] };
        for &action in actions {
            for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.action == action) {
                if !rule.matches(&seen) {
                    continue;
                }
                let ruling = Ruling { rule: index as u16, action };
                let Some(threshold) = &rule.threshold else { return Some(ruling) };
                let address = if threshold.by_destination { packet.destination } else { packet.source };
                if count(&mut self.trackers, ruling.rule, address, threshold, now) {
                    return Some(ruling);
                }
                if threshold.limit != Limit::After {
                    return None;
                }
            }
        }
        None
    }
}

/// Counts a match. True if the rule may speak.
fn count(trackers: &mut [Tracker], rule: u16, address: Address, threshold: &Threshold, now: u32) -> bool {
    let known = trackers.iter().position(|tracker| (tracker.rule, tracker.address) == (rule, address));
    let oldest = || (0..trackers.len()).min_by_key(|index| trackers.get(*index).map(|tracker| tracker.since));
    let Some(tracker) = known.or_else(oldest).and_then(|index| trackers.get_mut(index)) else { return true };
    // Also if the clock was set back.
    if known.is_none() || now.abs_diff(tracker.since) >= threshold.seconds {
        *tracker = Tracker { address, rule, count: 0, since: now };
    }
    tracker.count = tracker.count.saturating_add(1);
    match threshold.limit {
        Limit::First => tracker.count <= threshold.count,
        Limit::Once => tracker.count == threshold.count,
        Limit::After => tracker.count > threshold.count,
        Limit::Every if tracker.count < threshold.count => false,
        Limit::Every => {
            *tracker = Tracker { count: 0, since: now, ..*tracker };
            true
        }
    }
}
