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
            (Signal::ForeignSender, ..) => "arp from outside the network",
            (_, Carrier::Arp, ..) => "arp request for an unused address",
            (_, Carrier::Solicitation, ..) => "solicitation of an unused address",
            (_, _, Category::Scan, 6) => "tcp probe of a dark address",
            (_, _, Category::Scan, _) => "icmp probe of a dark address",
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
            (_, _, Carrier::Arp) => "arp sweep of unused addresses",
            (_, _, Carrier::Solicitation) => "neighbor sweep of unused addresses",
            (_, _, Carrier::Ip) => "scan of dark addresses",
        }
    }

    /// What the first packet was for, and how many dark addresses the source has touched since it was first seen,
    /// which may be more than the packets that are told of here.
    fn write_targets(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let touched = usize::from(self.dark_targets);
        let is_many = self.signal.is_dark() && touched > 1 && self.rule.is_none();
        f.write_str(match self.packets {
            _ if !self.signal.is_dark() || touched == 0 => "",
            2.. if is_many => "dark addresses such as ",
            _ => "the dark address ",
        })?;
        write!(f, "{}", self.destination)?;
        if let Some((_, port)) = self.ports {
            write!(f, ", port {port}")?;
        }
        if is_many {
            let or_more = if touched < DARK_TARGETS_MAX { "" } else { " or more" };
            write!(f, ", and touched {touched}{or_more} in all")?;
        }
        Ok(())
    }

    /// What speaks for the verdict, or how it may be harmless.
    const fn reason(&self) -> &'static str {
        match (self.kind, self.signal, self.category) {
            (Kind::Alert, Signal::FanOut, _) => {
                ", and one of 200 addresses or more within a minute, of which hardly one answers"
            }
            (Kind::Alert, ..) => ": only who looks for hosts touches so many",
            (_, Signal::ForeignSender, _) => ", though no network here has the asker's address",
            (_, _, Category::Misconfiguration) => {
                ", and touched no other: a wrong setting, or a device that has left"
            }
            (_, _, Category::LeakedRoute) => ": meant for a company's network, whose tunnel may be down",
            _ => "",
        }
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

/// One sentence that says why the event was raised.
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.kind == Kind::Clear {
            return write!(f, "{} has touched no dark address for an hour", self.source);
        }
        if self.kind == Kind::Notice {
            let (source, network) = (self.source, self.destination);
            return write!(f, "{source} turned to networks that are not here, such as that of {network}");
        }
        let packets = if self.packets == 1 { "packet" } else { "packets" };
        match self.carrier {
            Carrier::Ip => write!(f, "{} sent {} {packets} to ", self.source, self.packets)?,
            Carrier::Arp => write!(f, "{} asked by ARP for ", self.source)?,
            Carrier::Solicitation => write!(f, "{} asked its neighbors for ", self.source)?,
        }
        self.write_targets(f)?;
        match (self.kind, self.tool) {
            _ if self.rule.is_some() => f.write_str("; it matches a rule"),
            (Kind::Alert, Some(tool)) if !tool.is_hint() => {
                write!(f, "; its packets bear the mark of {}", tool.name())
            }
            _ => f.write_str(self.reason()),
        }
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
        assert_eq!(event.signature(), "tcp probe of a dark address");
    }
}
