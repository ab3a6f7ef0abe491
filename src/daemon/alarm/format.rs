//! The text of a message: an RFC 5424 header, and `key=value` pairs with the names of Splunk's Common
//! Information Model, which log stores split without a rule of their own.

use std::fmt;
use std::io::Write;

use syslog::{Facility, LogFormat, Severity};
use time::OffsetDateTime;

use super::Counters;
use crate::daemon::names::Name;
use crate::darknet::rules::Rule;
use crate::darknet::{Carrier, Category, Event, Kind};
use crate::packet::Mac;
use crate::time::Timestamp;

/// What all messages have in common.
#[derive(Clone, Debug)]
pub(super) struct Format {
    pub(super) facility: Facility,
    pub(super) host_name: String,
    pub(super) process_id: u32,
}

impl Format {
    /// `host_name` is what the kernel says, which is 64 bytes at most; RFC 5424 takes printable ASCII
    /// characters, and a dash where there is no name.
    pub(super) fn new(facility: Facility, host_name: &[u8], process_id: u32) -> Self {
        let is_valid = (1..=64).contains(&host_name.len()) && host_name.iter().all(u8::is_ascii_graphic);
        let host_name =
            if is_valid { String::from_utf8_lossy(host_name).into_owned() } else { "-".to_owned() };
        Self { facility, host_name, process_id }
    }
}

/// One message, before it has its header.
pub(super) struct Message<'a> {
    pub(super) time: Timestamp,
    /// The message's type (MSGID).
    pub(super) id: &'static str,
    /// Its place among all messages, 1..=2147483647.
    pub(super) number: u32,
    pub(super) text: &'a dyn fmt::Display,
}

impl LogFormat<Message<'_>> for Format {
    fn format<W: Write>(&self, w: &mut W, severity: Severity, message: Message<'_>) -> syslog::Result<()> {
        write!(
            w,
            "<{}>1 {} {} duskwatch {} {} [meta sequenceId=\"{}\"] {}",
            self.facility as u8 | severity as u8,
            Time(message.time),
            self.host_name,
            self.process_id,
            message.id,
            message.number,
            message.text
        )
        .map_err(syslog::Error::Write)
    }
}

/// UTC with exactly three decimals, which every receiver reads; a dash for a time beyond the year 9999.
struct Time(Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.seconds).unwrap_or(i64::MAX);
        let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else { return f.write_str("-") };
        let (date, millis) = (time.date(), self.0.micros / 1000);
        write!(f, "{:04}-{:02}-{:02}T", date.year(), u8::from(date.month()), date.day())?;
        write!(f, "{:02}:{:02}:{:02}.{millis:03}Z", time.hour(), time.minute(), time.second())
    }
}

/// The text of an event.
pub(super) struct EventText<'a> {
    pub(super) event: &'a Event,
    /// The rules of the user's.
    pub(super) rules: &'a [Rule],
    pub(super) interface: &'a str,
    pub(super) source_name: Option<Name>,
}

impl fmt::Display for EventText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let event = self.event;
        write!(f, "signature={}", Value(event.name(self.rules)))?;
        if let Some(rule) = event.rule_of(self.rules) {
            write!(f, " signature_id={}", rule.sid)?;
        }
        write!(f, " category={} severity={}", Value(event.category.name()), severity(event))?;
        write!(f, " action=observed src={}", event.source)?;
        if event.source_mac != Mac::ZERO {
            write!(f, " src_mac={}", event.source_mac)?;
        }
        if let Some(name) = &self.source_name {
            write!(f, " src_name={}", Value(name))?;
        }
        if let Some((port, _)) = event.ports {
            write!(f, " src_port={port}")?;
        }
        write!(f, " dest={}", event.destination)?;
        if let Some((_, port)) = event.ports {
            write!(f, " dest_port={port}")?;
        }
        match (event.carrier, transport(event.protocol)) {
            (Carrier::Arp, _) => f.write_str(" transport=arp")?,
            (Carrier::Solicitation, _) => f.write_str(" transport=icmpv6")?,
            (Carrier::Ip, Some(name)) => write!(f, " transport={name}")?,
            (Carrier::Ip, None) => write!(f, " transport={}", event.protocol)?,
        }
        if let Some((kind, code)) = event.icmp {
            write!(f, " icmp_type={kind} icmp_code={code}")?;
        }
        if let Some(pattern) = event.pattern {
            write!(f, " pattern={}", pattern.name())?;
        }
        if let Some(tool) = event.tool {
            write!(f, " tool={}", tool.name())?;
        }
        write!(f, " dark_dests={} packets={} bytes={}", event.dark_targets, event.packets, event.bytes)?;
        write!(f, " iface={}", Value(self.interface))
    }
}

/// The model's word for how much an event means.
fn severity(event: &Event) -> &'static str {
    match (event.kind, event.category) {
        (Kind::Alert, _) => "high",
        (Kind::Notice, _) => "medium",
        (Kind::Hit, Category::Scan) => "low",
        _ => "informational",
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

/// The text of a STATS message: what a receiver needs to prove that it has everything.
pub(super) struct StatsText {
    pub(super) captured: u64,
    pub(super) dropped: u64,
    pub(super) counters: Counters,
}

impl fmt::Display for StatsText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counters { queued, sent, lost } = self.counters;
        write!(
            f,
            "captured={} dropped={} queued={queued} sent={sent} lost={lost}",
            self.captured, self.dropped
        )
    }
}

/// A value as logfmt readers expect it: bare where it can be, else in quotes with `"` and `\` escaped.
/// Whatever is not printable ASCII becomes a question mark, so that no value can end the line.
struct Value<'a>(&'a str);

impl fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@%".contains(&byte);
        if !self.0.is_empty() && self.0.bytes().all(is_bare) {
            return f.write_str(self.0);
        }
        f.write_str("\"")?;
        for character in self.0.chars() {
            match character {
                '"' | '\\' => write!(f, "\\{character}")?,
                ' '..='~' => write!(f, "{character}")?,
                _ => f.write_str("?")?,
            }
        }
        f.write_str("\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::darknet::Signal;
    use crate::limits::{ALARM_MESSAGE_BYTES, NAME_BYTES_MAX};
    use crate::packet::Address;

    fn event() -> Event {
        Event {
            kind: Kind::Hit,
            signal: Signal::Given,
            carrier: Carrier::Ip,
            interface: 0,
            source: Address::v4(0xc0a8_0139),
            source_mac: Mac([2, 0, 0, 0, 0, 9]),
            destination: Address::v4(0x0a09_0001),
            ports: Some((40_000, 23)),
            protocol: 6,
            tcp_flags: 2,
            icmp: None,
            category: Category::Scan,
            pattern: None,
            tool: None,
            rule: None,
            dark_targets: 4,
            packets: 4,
            bytes: 240,
            first: Timestamp { seconds: 1_795_285_861, micros: 999_999 },
            last: Timestamp { seconds: 1_795_285_862, micros: 417_999 },
        }
    }

    fn line(format: &Format, event: &Event, interface: &str, name: Option<&str>) -> String {
        let source_name = name.map(|name| Name::try_from(name).unwrap());
        let rule = format!("alert ip any any -> any any (msg:\"{}\"; sid:4294967295;)", "\\\"".repeat(128));
        let rules = crate::daemon::rules::parse("f", &rule).unwrap();
        let text = EventText { event, rules: rules.all(), interface, source_name };
        let message = Message { time: event.last, id: "HIT", number: 4711, text: &text };
        let mut bytes = Vec::new();
        format.format(&mut bytes, Severity::LOG_NOTICE, message).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    fn format() -> Format {
        Format::new(Facility::LOG_LOCAL4, b"router", 812)
    }

    #[test]
    fn a_hit_reads_like_this() {
        assert_eq!(
            line(&format(), &event(), "br-lan", Some("nas.lan")),
            "<165>1 2026-11-21T18:31:02.417Z router duskwatch 812 HIT [meta sequenceId=\"4711\"] \
             signature=\"tcp probe of a dark address\" category=scan severity=low action=observed \
             src=192.168.1.57 src_mac=02:00:00:00:00:09 src_name=nas.lan src_port=40000 dest=10.9.0.1 \
             dest_port=23 transport=tcp dark_dests=4 packets=4 bytes=240 iface=br-lan"
        );
        let ping = Event {
            ports: None,
            protocol: 1,
            icmp: Some((8, 0)),
            source_mac: Mac::ZERO,
            tcp_flags: 0,
            ..event()
        };
        assert_eq!(
            line(&format(), &ping, "odd \"if\\\u{e4}\n", None),
            "<165>1 2026-11-21T18:31:02.417Z router duskwatch 812 HIT [meta sequenceId=\"4711\"] \
             signature=\"icmp probe of a dark address\" category=scan severity=low action=observed \
             src=192.168.1.57 dest=10.9.0.1 transport=icmp icmp_type=8 icmp_code=0 dark_dests=4 packets=4 \
             bytes=240 iface=\"odd \\\"if\\\\??\""
        );
        let gre = line(&format(), &Event { protocol: 47, category: Category::Other, ..event() }, "", None);
        assert!(gre.contains(" severity=informational ") && gre.contains(" transport=47 "));
        assert!(gre.ends_with(" iface=\"\""));
    }

    #[test]
    fn stats_read_like_this() {
        let counters = Counters { queued: 5, sent: 3, lost: 1 };
        assert_eq!(
            StatsText { captured: 7, dropped: 2, counters }.to_string(),
            "captured=7 dropped=2 queued=5 sent=3 lost=1"
        );
    }

    #[test]
    fn a_time_that_cannot_be_written_is_a_dash() {
        assert_eq!(Time(Timestamp::default()).to_string(), "1970-01-01T00:00:00.000Z");
        assert_eq!(Time(Timestamp::from_seconds(253_402_300_799)).to_string(), "9999-12-31T23:59:59.000Z");
        for seconds in [253_402_300_800, u64::MAX] {
            assert_eq!(Time(Timestamp::from_seconds(seconds)).to_string(), "-");
        }
    }

    #[test]
    fn a_host_name_that_rfc_5424_does_not_take_is_a_dash() {
        let name = |bytes: &[u8]| Format::new(Facility::LOG_LOCAL4, bytes, 1).host_name;
        assert_eq!(name(b"router"), "router");
        for bad in [&b""[..], b"a b", b"a\n", "\u{e4}".as_bytes(), &[b'a'; 65]] {
            assert_eq!(name(bad), "-");
        }
    }

    #[test]
    fn the_longest_message_fits() {
        let address = Address::from_bits(u128::MAX - 0xfff);
        let longest = Event {
            source: address,
            destination: address,
            ports: Some((u16::MAX, u16::MAX)),
            protocol: 58,
            icmp: Some((255, 255)),
            category: Category::Reflection,
            packets: u64::MAX,
            bytes: u64::MAX,
            dark_targets: u8::MAX,
            rule: Some(0),
            ..event()
        };
        let format = Format::new(Facility::LOG_LOCAL7, &[b'h'; 64], u32::MAX);
        // Linux keeps interface names below 16 bytes.
        let line = line(&format, &longest, &"\"".repeat(15), Some(&"n".repeat(NAME_BYTES_MAX)));
        assert!(line.len() <= ALARM_MESSAGE_BYTES, "{} bytes", line.len());
    }
}
