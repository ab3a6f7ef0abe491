//! What a message says: its fields, and their names in each vocabulary.

use std::fmt;

use syslog::Severity;

use super::Time;
use crate::daemon::alarm::Captured;
use crate::daemon::alarm::queue::Delivery;
use crate::daemon::names::Name;
use crate::darknet::rules::Rule;
use crate::darknet::{Carrier, Category, Event, Kind};
use crate::packet::Mac;

/// A field's names. A format leaves out a field that has no name in it.
pub struct Field {
    /// In `key=value`: Splunk's Common Information Model.
    pub text: &'static str,
    /// In ArcSight's Common Event Format. A custom field's label stands before its name.
    pub cef: &'static str,
    /// In the Elastic Common Schema.
    pub ecs: &'static str,
}

pub(super) const fn field(text: &'static str, cef: &'static str, ecs: &'static str) -> Field {
    Field { text, cef, ecs }
}

pub(super) const SIGNATURE: Field = field("signature", "", "rule.name");
const SIGNATURE_ID: Field = field("signature_id", "cs3Label=signature_id cs3", "rule.id");
const CATEGORY: Field = field("category", "cat", "event.action");
pub(super) const SEVERITY: Field = field("severity", "", "");
const ACTION: Field = field("action", "act", "");
pub(super) const SENTENCE: Field = field("", "msg", "message");
pub(super) const SOURCE: Field = field("src", "src", "source.ip");
pub(super) const SOURCE_V6: Field = field("src", "c6a2Label=Source IPv6 Address c6a2", "source.ip");
pub(super) const SOURCE_MAC: Field = field("src_mac", "smac", "");
pub(super) const SOURCE_MAC_HYPHENATED: Field = field("", "", "source.mac");
pub(super) const SOURCE_NAME: Field = field("src_name", "shost", "source.domain");
const SOURCE_PORT: Field = field("src_port", "spt", "source.port");
const DESTINATION: Field = field("dest", "dst", "destination.ip");
const DESTINATION_V6: Field = field("dest", "c6a3Label=Destination IPv6 Address c6a3", "destination.ip");
const DESTINATION_PORT: Field = field("dest_port", "dpt", "destination.port");
const TRANSPORT: Field = field("transport", "proto", "network.transport");
const ICMP_TYPE: Field = field("icmp_type", "cn2Label=icmp_type cn2", "duskwatch.icmp_type");
const ICMP_CODE: Field = field("icmp_code", "cn3Label=icmp_code cn3", "duskwatch.icmp_code");
const PATTERN: Field = field("pattern", "cs2Label=pattern cs2", "duskwatch.pattern");
const TOOL: Field = field("tool", "cs1Label=tool cs1", "threat.software.name");
const DARK_TARGETS: Field = field("dark_dests", "cn1Label=dark_dests cn1", "duskwatch.dark_dests");
pub(super) const PACKETS: Field = field("packets", "cnt", "source.packets");
const BYTES: Field = field("bytes", "in", "source.bytes");
pub(super) const INTERFACE: Field =
    field("iface", "deviceInboundInterface", "observer.ingress.interface.name");

const CAPTURED: Field = field("captured", "flexNumber1Label=captured flexNumber1", "duskwatch.captured");
const DROPPED: Field = field("dropped", "flexNumber2Label=dropped flexNumber2", "duskwatch.dropped");
const QUEUED: Field = field("queued", "cn1Label=queued cn1", "duskwatch.queued");
const SENT: Field = field("sent", "cn2Label=sent cn2", "duskwatch.sent");
const LOST: Field = field("lost", "cn3Label=lost cn3", "duskwatch.lost");
const LOST_SINCE: Field = field("lost_since", "cs1Label=lost_since cs1", "duskwatch.lost_since");

/// A field's value.
pub enum Value<'a> {
    Number(u64),
    /// A text of letters, digits and `-_.:`, so that no format has to quote it.
    Word(&'a dyn fmt::Display),
    /// Any text, from strangers as well.
    Text(&'a str),
    /// The same, in parts.
    Sentence(fmt::Arguments<'a>),
}

/// Takes the fields one by one.
pub type Put<'a> = dyn FnMut(&Field, Value<'_>) -> fmt::Result + 'a;

/// How much a message means, in each vocabulary.
#[derive(Clone, Copy)]
pub struct Weight {
    pub syslog: Severity,
    /// From 0 to 10, where CEF calls up to 3 low, up to 6 medium, up to 8 high.
    pub cef: u8,
    /// The Common Information Model's word.
    pub(super) word: &'static str,
}

/// What a message is about.
pub trait Subject {
    /// The message's type (MSGID).
    fn id(&self) -> &'static str;
    /// Its name for people and rules.
    fn signature(&self) -> &str;
    fn weight(&self) -> Weight;
    /// ECS's event.kind and event.category.
    fn ecs_kind(&self) -> (&'static str, &'static str);
    fn put_fields(&self, put: &mut Put<'_>) -> fmt::Result;
}

/// An event of the darknet.
pub struct Observation<'a> {
    pub event: &'a Event,
    /// The rules of the user's.
    pub rules: &'a [Rule],
    pub interface: &'a str,
    pub source_name: Option<Name>,
}

impl Subject for Observation<'_> {
    fn id(&self) -> &'static str {
        match self.event.kind {
            Kind::Hit => "HIT",
            Kind::Notice => "NOTICE",
            Kind::Alert => "ALERT",
            Kind::Clear => "CLEAR",
        }
    }

    fn signature(&self) -> &str {
        self.event.name(self.rules)
    }

    fn weight(&self) -> Weight {
        match (self.event.kind, self.event.category) {
            (Kind::Alert, _) => Weight { syslog: Severity::LOG_WARNING, cef: 8, word: "high" },
            (Kind::Notice, _) => Weight { syslog: Severity::LOG_NOTICE, cef: 5, word: "medium" },
            (Kind::Hit, Category::Scan) => Weight { syslog: Severity::LOG_NOTICE, cef: 3, word: "low" },
            _ => Weight { syslog: Severity::LOG_NOTICE, cef: 1, word: "informational" },
        }
    }

    fn ecs_kind(&self) -> (&'static str, &'static str) {
        match self.event.kind {
            Kind::Alert => ("alert", "intrusion_detection"),
            Kind::Hit | Kind::Notice | Kind::Clear => ("event", "network"),
        }
    }

    fn put_fields(&self, put: &mut Put<'_>) -> fmt::Result {
        let event = self.event;
        put(&SIGNATURE, Value::Text(self.signature()))?;
        if let Some(rule) = event.rule_of(self.rules) {
            put(&SIGNATURE_ID, Value::Number(rule.sid.into()))?;
        }
        put(&CATEGORY, Value::Text(event.category.name()))?;
        put(&SEVERITY, Value::Word(&self.weight().word))?;
        put(&ACTION, Value::Word(&"observed"))?;
        put(&SENTENCE, Value::Sentence(format_args!("{event}")))?;
        put(if event.source.is_v4() { &SOURCE } else { &SOURCE_V6 }, Value::Word(&event.source))?;
        if event.source_mac != Mac::ZERO {
            put(&SOURCE_MAC, Value::Word(&event.source_mac))?;
            put(&SOURCE_MAC_HYPHENATED, Value::Word(&Hyphenated(event.source_mac)))?;
        }
        if let Some(name) = &self.source_name {
            put(&SOURCE_NAME, Value::Text(name))?;
        }
        if let Some((port, _)) = event.ports {
            put(&SOURCE_PORT, Value::Number(port.into()))?;
        }
        let destination = if event.destination.is_v4() { &DESTINATION } else { &DESTINATION_V6 };
        put(destination, Value::Word(&event.destination))?;
        if let Some((_, port)) = event.ports {
            put(&DESTINATION_PORT, Value::Number(port.into()))?;
        }
        match (event.carrier, event.transport()) {
            (Carrier::Arp, _) => put(&TRANSPORT, Value::Word(&"arp"))?,
            (Carrier::Solicitation, _) => put(&TRANSPORT, Value::Word(&"icmpv6"))?,
            (Carrier::Ip, None) => {}
            (Carrier::Ip, Some(number)) => match transport(number) {
                Some(name) => put(&TRANSPORT, Value::Word(&name))?,
                None => put(&TRANSPORT, Value::Word(&number))?,
            },
        }
        if let Some((kind, code)) = event.icmp {
            put(&ICMP_TYPE, Value::Number(kind.into()))?;
            put(&ICMP_CODE, Value::Number(code.into()))?;
        }
        if let Some(pattern) = event.pattern {
            put(&PATTERN, Value::Text(pattern.name()))?;
        }
        if let Some(tool) = event.tool {
            put(&TOOL, Value::Text(tool.name()))?;
        }
        put(&DARK_TARGETS, Value::Number(event.dark_targets.into()))?;
        put(&PACKETS, Value::Number(event.packets))?;
        put(&BYTES, Value::Number(event.bytes))?;
        put(&INTERFACE, Value::Text(self.interface))
    }
}

/// A MAC address as ECS wants it (RFC 7042, 2.1).
pub(super) struct Hyphenated(pub(super) Mac);

impl fmt::Display for Hyphenated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, last] = self.0.0;
        write!(f, "{a:02X}-{b:02X}-{c:02X}-{d:02X}-{e:02X}-{last:02X}")
    }
}

fn transport(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "icmp",
        6 => "tcp",
        17 => "udp",
        33 => "dccp",
        58 => "icmpv6",
        132 => "sctp",
        136 => "udplite",
        _ => return None,
    })
}

/// What a receiver needs to prove that it has everything.
pub struct Statistics {
    pub captured: Captured,
    pub delivery: Delivery,
}

impl Subject for Statistics {
    fn id(&self) -> &'static str {
        "STATS"
    }

    fn signature(&self) -> &str {
        "statistics"
    }

    fn weight(&self) -> Weight {
        Weight { syslog: Severity::LOG_INFO, cef: 0, word: "informational" }
    }

    fn ecs_kind(&self) -> (&'static str, &'static str) {
        ("metric", "network")
    }

    fn put_fields(&self, put: &mut Put<'_>) -> fmt::Result {
        let Statistics { captured, delivery } = self;
        let counters = delivery.counters;
        put(&SENTENCE, Value::Sentence(format_args!("{} messages are lost", counters.lost)))?;
        put(&CAPTURED, Value::Number(captured.captured))?;
        put(&DROPPED, Value::Number(captured.dropped))?;
        put(&QUEUED, Value::Number(counters.queued))?;
        put(&SENT, Value::Number(counters.sent))?;
        put(&LOST, Value::Number(counters.lost))?;
        match delivery.lost_since {
            Some(time) => put(&LOST_SINCE, Value::Word(&Time(time))),
            None => Ok(()),
        }
    }
}
