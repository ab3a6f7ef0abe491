//! What the darknet tells the outside: one event is one line in the log.

use core::fmt;

use super::rules::Rule;
use super::{Category, Pattern, Signal, Tool};
use crate::limits::{DARK_TARGETS_MAX, FAN_OUT_ADDRESSES};
use crate::packet::{Address, Link, Mac, Packet};
use crate::time::Timestamp;

/// How much an event means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Packets to dark addresses; no judgement yet.
    Hit,
    /// Something that deserves a look, and need not be bad.
    Notice,
    /// The source is looking for hosts.
    Alert,
    /// It has stopped.
    Clear,
}

impl Kind {
    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::Notice => "notice",
            Self::Alert => "alert",
            Self::Clear => "clear",
        }
    }
}

/// What a source touched a dark address with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Carrier {
    /// An IP packet.
    #[default]
    Ip,
    /// An ARP request: it asked who has the address (RFC 826).
    Arp,
    /// A Neighbor Solicitation, which is the same for IPv6 (RFC 4861).
    Solicitation,
}

impl Carrier {
    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ip => "ip",
            Self::Arp => "arp",
            Self::Solicitation => "neighbor solicitation",
        }
    }
}

/// Takes a sentence phrase by phrase.
pub type Say<'a> = dyn FnMut(&'static str, &[&dyn fmt::Display]) + 'a;

/// Packets from one source to dark addresses, in one window. Where packets differ, the event describes
/// the first that it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// How much it means.
    pub kind: Kind,
    /// By what the first packet came to be watched.
    pub signal: Signal,
    /// The interface that saw it, as numbered by the capture.
    pub interface: u16,
    /// Who sent the packets.
    pub source: Address,
    /// The link-layer address that the last packet came from: the sender's own if it is on the link, else a router's.
    pub source_mac: Mac,
    /// What the first packet was.
    pub carrier: Carrier,
    /// The address that the first packet was for, mostly a dark one.
    pub destination: Address,
    /// The first packet's source and destination port, if it had ports.
    pub ports: Option<(u16, u16)>,
    /// The first packet's transport protocol (IANA number), or 0.
    pub protocol: u8,
    /// The first packet's TCP flags, or 0.
    pub tcp_flags: u8,
    /// The first packet's ICMP type and code.
    pub icmp: Option<(u8, u8)>,
    /// What the first packet looks like, or all of the source's packets together.
    pub category: Category,
    /// Which way the scan goes, if it is one of many addresses or ports.
    pub pattern: Option<Pattern>,
    /// The tool that made its packets, if they tell.
    pub tool: Option<Tool>,
    /// The rule of the user's that raised it, by its place among [`Rules::all`](super::Rules::all). Such an event is
    /// about one packet, which another event counts, too. It is never cleared.
    pub rule: Option<u16>,
    /// Distinct dark addresses that this source has touched so far, in this window and before;
    /// `DARK_TARGETS_MAX` means that many or more.
    pub dark_targets: u8,
    /// Packets that this event counts. No packet is counted by two events, but for those of rules.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// When the first of them came.
    pub first: Timestamp,
    /// When the last of them came, which is the event's own time.
    pub last: Timestamp,
}

impl Event {
    /// An event that describes this packet and counts it.
    pub(crate) fn of_packet(interface: u16, packet: &Packet, signal: Signal, now: Timestamp) -> Self {
        Self {
            kind: Kind::Hit,
            signal,
            interface,
            carrier: Carrier::Ip,
            source: packet.source,
            source_mac: packet.link.source_mac,
            destination: packet.destination,
            ports: packet.has_ports.then_some((packet.source_port, packet.destination_port)),
            protocol: packet.protocol,
            tcp_flags: packet.tcp_flags,
            icmp: packet.icmp,
            category: Category::of(packet),
            pattern: None,
            tool: None,
            rule: None,
            dark_targets: 1,
            packets: 1,
            bytes: packet.bytes.into(),
            first: now,
            last: now,
        }
    }

    /// An event that describes a question on the link for an address, and counts it. It has no IP bytes.
    pub(crate) fn of_question(interface: u16, question: &Question, signal: Signal, now: Timestamp) -> Self {
        let packet = Packet {
            source: question.sender,
            destination: question.target,
            link: Link { source_mac: question.sender_mac, ..Link::default() },
            ..Packet::default()
        };
        Self {
            carrier: question.carrier,
            category: match signal {
                Signal::ForeignSender => Category::Misconfiguration,
                _ => Category::Scan,
            },
            ..Self::of_packet(interface, &packet, signal, now)
        }
    }

    /// The first packet's transport protocol (IANA number); `None` for a question on the link, and where that packet
    /// is not the one that matters.
    pub fn transport(&self) -> Option<u8> {
        Some(self.protocol).filter(|protocol| self.carrier == Carrier::Ip && *protocol != 0)
    }

    /// The rule that raised it, if one of these did.
    pub fn rule_of<'a>(&self, rules: &'a [Rule]) -> Option<&'a Rule> {
        rules.get(usize::from(self.rule?))
    }

    /// The event's name: what the rule says that raised it, else the signature.
    pub fn name<'a>(&self, rules: &'a [Rule]) -> &'a str {
        self.rule_of(rules).map_or(self.signature(), |rule| &rule.name)
    }

    /// The event's name for the people and rules that read the log.
    pub const fn signature(&self) -> &'static str {
        match self.kind {
            Kind::Hit => self.hit_signature(),
            Kind::Notice => "packets to networks that are not here",
            Kind::Alert => self.alert_signature(),
            Kind::Clear => "scan has stopped",
        }
    }

    const fn hit_signature(&self) -> &'static str {
        match (self.signal, self.carrier, self.category, self.protocol) {
            (Signal::Bogon, ..) => "packet to a network that is not here",
            (Signal::Mark | Signal::FanOut, ..) => "packet of a scanner",
            (Signal::ForeignSender, ..) => "ARP from outside the network",
            (_, Carrier::Arp, ..) => "ARP request for an unused address",
            (_, Carrier::Solicitation, ..) => "solicitation of an unused address",
            (_, _, Category::Scan, 6) => "TCP probe of a dark address",
            (_, _, Category::Scan, _) => "ICMP probe of a dark address",
            (_, _, Category::Backscatter, _) => "backscatter to a dark address",
            (_, _, Category::Reflection, _) => "reflected answer to a dark address",
            (_, _, Category::Misconfiguration, _) => "repeated packet to a dark address",
            (_, _, Category::LeakedRoute | Category::Other, _) => "packet to a dark address",
        }
    }

    const fn alert_signature(&self) -> &'static str {
        match (self.tool, self.signal, self.carrier) {
            (Some(Tool::Mirai), ..) => "mirai scan",
            (Some(Tool::Masscan), ..) => "masscan scan",
            (Some(Tool::Zmap), ..) => "zmap scan",
            (Some(Tool::Nmap), ..) => "nmap scan",
            (Some(Tool::Unicornscan), ..) => "unicornscan scan",
            (_, Signal::FanOut, _) => "scan of the internet",
            (_, _, Carrier::Arp) => "ARP sweep of unused addresses",
            (_, _, Carrier::Solicitation) => "neighbor sweep of unused addresses",
            (_, _, Carrier::Ip) => "scan of dark addresses",
        }
    }

    /// Says why the event was raised, in one sentence: phrases in each of which `%` stands for the next value, so that
    /// pages can say them in their readers' language.
    pub fn tell(&self, say: &mut Say<'_>) {
        match self.kind {
            Kind::Clear => return say("% has touched no dark address for an hour", &[&self.source]),
            Kind::Notice => {
                let phrase = "% turned to networks that are not here, such as that of %";
                return say(phrase, &[&self.source, &self.destination]);
            }
            Kind::Hit | Kind::Alert => self.tell_targets(say),
        }
        match (self.kind, self.tool) {
            _ if self.rule.is_some() => say("; it matches a rule", &[]),
            (Kind::Alert, Some(tool)) if !tool.is_hint() => {
                say("; its packets bear the mark of %", &[&tool.name()]);
            }
            _ => self.reason().into_iter().for_each(|reason| say(reason, &[])),
        }
    }

    /// What the first packet was for, and how many dark addresses the source has touched since it was first seen,
    /// which may be more than the packets that are told of here.
    fn tell_targets(&self, say: &mut Say<'_>) {
        let touched = self.dark_targets;
        let is_dark = self.signal.is_dark() && touched > 0;
        let is_many = is_dark && touched > 1 && self.rule.is_none();
        let (source, destination) = (&self.source, &self.destination);
        let phrase = match (self.carrier, is_dark, is_many && self.packets > 1) {
            (Carrier::Ip, false, _) if self.packets == 1 => "% sent 1 packet to %",
            (Carrier::Ip, true, _) if self.packets == 1 => "% sent 1 packet to the dark address %",
            (Carrier::Ip, false, _) => "% sent % packets to %",
            (Carrier::Ip, true, false) => "% sent % packets to the dark address %",
            (Carrier::Ip, true, true) => "% sent % packets to dark addresses such as %",
            (Carrier::Arp, false, _) => "% asked by ARP for %",
            (Carrier::Arp, true, false) => "% asked by ARP for the dark address %",
            (Carrier::Arp, true, true) => "% asked by ARP for dark addresses such as %",
            (Carrier::Solicitation, false, _) => "% asked its neighbors for %",
            (Carrier::Solicitation, true, false) => "% asked its neighbors for the dark address %",
            (Carrier::Solicitation, true, true) => "% asked its neighbors for dark addresses such as %",
        };
        match self.carrier {
            Carrier::Ip if self.packets != 1 => say(phrase, &[source, &self.packets, destination]),
            _ => say(phrase, &[source, destination]),
        }
        if let Some((_, port)) = self.ports {
            say(", port %", &[&port]);
        }
        if is_many {
            let is_all = usize::from(touched) < DARK_TARGETS_MAX;
            say(
                if is_all { ", and touched % in all" } else { ", and touched % or more in all" },
                &[&touched],
            );
        }
    }

    /// What speaks for the verdict, or how it may be harmless.
    const fn reason(&self) -> Option<&'static str> {
        Some(match (self.kind, self.signal, self.category) {
            (Kind::Alert, Signal::FanOut, _) => {
                ", and one of 200 addresses or more within a minute, of which hardly one answers"
            }
            (Kind::Alert, ..) => ": only who looks for hosts touches so many",
            (_, Signal::ForeignSender, _) => ", though no network here has the asker's address",
            (_, _, Category::Misconfiguration) => {
                ", and touched no other: a wrong setting, or a device that has left"
            }
            (_, _, Category::LeakedRoute) => ": meant for a company's network, whose tunnel may be down",
            _ => return None,
        })
    }
}

/// A question on the link for an address: an ARP request or a Neighbor Solicitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub carrier: Carrier,
    pub sender: Address,
    pub sender_mac: Mac,
    pub target: Address,
}

/// The sentence that says why the event was raised, in English.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut result = Ok(());
        self.tell(&mut |phrase, values| {
            let mut values = values.iter();
            for (place, part) in phrase.split('%').enumerate() {
                if place > 0
                    && let Some(value) = values.next()
                {
                    result = result.and_then(|()| write!(f, "{value}"));
                }
                result = result.and_then(|()| f.write_str(part));
            }
        });
        result
    }
}

const _: () = assert!(FAN_OUT_ADDRESSES == 200, "the sentence above names the number");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_agrees_with_the_numbers() {
        let packet = Packet {
            source: Address::v4(0xc0a8_0139),
            destination: Address::v4(0x0a09_0001),
            protocol: 6,
            has_ports: true,
            destination_port: 23,
            tcp_flags: Packet::TCP_SYN,
            ..Packet::default()
        };
        let event = Event::of_packet(0, &packet, Signal::Given, Timestamp::default());
        assert_eq!(event.to_string(), "192.168.1.57 sent 1 packet to the dark address 10.9.0.1, port 23");
        let event = Event { packets: 9, dark_targets: DARK_TARGETS_MAX as u8, ports: None, ..event };
        assert_eq!(
            event.to_string(),
            "192.168.1.57 sent 9 packets to dark addresses such as 10.9.0.1, and touched 8 or more in all"
        );
        let event = Event { packets: 1, dark_targets: 4, ..event };
        assert_eq!(
            event.to_string(),
            "192.168.1.57 sent 1 packet to the dark address 10.9.0.1, and touched 4 in all"
        );
        assert_eq!(event.signature(), "TCP probe of a dark address");
    }
}
