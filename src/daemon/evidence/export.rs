//! Packets as rows for an analyst: CSV, JSON lines, or a script that makes a table of an SQLite database.
//!
//! Nothing in a packet can break a row: addresses, ports and lengths are ours to write, its payload is in hex,
//! and what others have named, an interface or a signature, is quoted as each format wants it.

use std::fmt::{self, Display, Write};

use time::OffsetDateTime;

use super::pcapng::Packet;
use super::segment::Interface;
use super::walk::headers_of;
use super::words::Words;
use crate::packet::{Address, Decoded, protocol};
use crate::time::Timestamp;
use crate::view::services;

/// How packets are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180) with a row of names.
    Csv,
    /// An object on each line.
    JsonLines,
    /// A script for SQLite. It is one transaction, so that half of it changes nothing.
    Sql,
}

/// The columns, which all formats have. The first eight are those of a line of tcpdump.
const COLUMNS: &str = "time,type,source,source_port,destination,destination_port,length,payload,\
                       interface,category,signature,verdict";

/// The same as a table of SQLite.
const TABLE: &str = "BEGIN;\nCREATE TABLE IF NOT EXISTS packetcap (time TEXT, type TEXT, source TEXT, \
                     source_port INTEGER, destination TEXT, destination_port INTEGER, length INTEGER, \
                     payload TEXT, interface TEXT, category TEXT, signature TEXT, verdict TEXT);\n";

/// A value of a row.
#[derive(Clone, Copy)]
enum Value<'a> {
    Text(&'a dyn Display),
    Number(u32),
    Nothing,
}

impl Format {
    /// What stands before the first row.
    pub fn begin(self, out: &mut dyn Write) -> fmt::Result {
        match self {
            Self::Csv => {
                out.write_str(COLUMNS)?;
                out.write_str("\r\n")
            }
            Self::JsonLines => Ok(()),
            Self::Sql => out.write_str(TABLE),
        }
    }

    /// A packet.
    pub fn row(
        self,
        out: &mut dyn Write,
        interface: &Interface,
        packet: &Packet<'_>,
        words: &Words<'_>,
    ) -> fmt::Result {
        let facts = Facts::of(interface, packet);
        let (time, payload) = (Time(packet.time), Hex(facts.payload));
        let (mut ends, mut ports) = ([Value::Nothing; 2], [Value::Nothing; 2]);
        if let Some((source, destination)) = &facts.addresses {
            ends = [Value::Text(source), Value::Text(destination)];
        }
        if let Some((source, destination)) = facts.ports {
            ports = [Value::Number(source.into()), Value::Number(destination.into())];
        }
        let values = [
            Value::Text(&time),
            Value::Text(&facts.kind),
            ends[0],
            ports[0],
            ends[1],
            ports[1],
            Value::Number(packet.wire_length),
            Value::Text(&payload),
            Value::Text(&interface.name),
            Value::Text(&words.category),
            Value::Text(&words.signature),
            Value::Text(&words.verdict()),
        ];
        let (begin, end) = match self {
            Self::Csv => ("", "\r\n"),
            Self::JsonLines => ("{", "}\n"),
            Self::Sql => ("INSERT INTO packetcap VALUES(", ");\n"),
        };
        out.write_str(begin)?;
        for (index, (column, value)) in COLUMNS.split(',').zip(values).enumerate() {
            out.write_str(if index > 0 { "," } else { "" })?;
            if self == Self::JsonLines {
                write!(out, "\"{column}\":")?;
            }
            self.value(out, value)?;
        }
        out.write_str(end)
    }

    fn value(self, out: &mut dyn Write, value: Value<'_>) -> fmt::Result {
        let (quote, nothing) = match self {
            Self::Csv => ('"', ""),
            Self::JsonLines => ('"', "null"),
            Self::Sql => ('\'', "NULL"),
        };
        match value {
            Value::Text(text) => {
                out.write_char(quote)?;
                write!(Quoted { out: &mut *out, format: self, quote, is_first: true }, "{text}")?;
                out.write_char(quote)
            }
            Value::Number(number) => write!(out, "{number}"),
            Value::Nothing => out.write_str(nothing),
        }
    }

    /// What stands behind the last row.
    pub fn end(self, out: &mut dyn Write) -> fmt::Result {
        if self == Self::Sql { out.write_str("COMMIT;\n") } else { Ok(()) }
    }
}

/// Text between quotation marks. A mark in it is written as its format wants it, and control characters, which
/// some readers take for the end of a line or of everything, become question marks.
struct Quoted<'a> {
    out: &'a mut dyn Write,
    format: Format,
    quote: char,
    is_first: bool,
}

impl Write for Quoted<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let is_json = self.format == Format::JsonLines;
        for char in text.chars() {
            // A spreadsheet would take such a text for a formula.
            if self.is_first && self.format == Format::Csv && matches!(char, '=' | '+' | '-' | '@') {
                self.out.write_char('\'')?;
            }
            self.is_first = false;
            if char == self.quote || is_json && char == '\\' {
                self.out.write_char(if is_json { '\\' } else { char })?;
            }
            self.out.write_char(if char.is_control() { '?' } else { char })?;
        }
        Ok(())
    }
}

/// What an analyst wants to know of a frame.
struct Facts<'a> {
    kind: Kind,
    addresses: Option<(Address, Address)>,
    ports: Option<(u16, u16)>,
    /// What stands behind the headers, as far as it was captured.
    payload: &'a [u8],
}

/// A protocol's name, or its number.
enum Kind {
    Arp,
    Ip(u8),
    Unknown,
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arp => f.write_str("ARP"),
            Self::Unknown => f.write_str("unknown"),
            Self::Ip(number) => match services::protocol(*number) {
                Some(name) => f.write_str(name),
                None => write!(f, "{number}"),
            },
        }
    }
}

impl<'a> Facts<'a> {
    fn of(interface: &Interface, packet: &Packet<'a>) -> Self {
        match headers_of(interface.link, packet) {
            Decoded::Packet(headers) => {
                let segment = packet.bytes.get(headers.transport_offset.into()..).unwrap_or_default();
                let header = match headers.protocol {
                    _ if headers.later_fragment => 0,
                    // The data offset (RFC 9293, 3.1).
                    protocol::TCP => segment.get(12).map_or(usize::MAX, |byte| usize::from(byte >> 4) * 4),
                    protocol::UDP | protocol::UDP_LITE | protocol::ICMP | protocol::ICMPV6 => 8,
                    _ => 0,
                };
                Self {
                    kind: Kind::Ip(headers.protocol),
                    addresses: Some((headers.source, headers.destination)),
                    ports: headers.has_ports.then_some((headers.source_port, headers.destination_port)),
                    payload: segment.get(header..).unwrap_or_default(),
                }
            }
            Decoded::NonIp(frame) => Self {
                kind: if frame.arp.is_some() { Kind::Arp } else { Kind::Unknown },
                addresses: frame.arp.map(|arp| (arp.sender, arp.target)),
                ports: None,
                payload: &[],
            },
            Decoded::Discard(_) => Self { kind: Kind::Unknown, addresses: None, ports: None, payload: &[] },
        }
    }
}

/// UTC, as SQLite's date functions read it; a dash for a time beyond the year 9999.
struct Time(Timestamp);

impl Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = i64::try_from(self.0.seconds).unwrap_or(i64::MAX);
        let Ok(time) = OffsetDateTime::from_unix_timestamp(seconds) else { return f.write_str("-") };
        let (date, micros) = (time.date(), self.0.micros);
        write!(f, "{:04}-{:02}-{:02} ", date.year(), u8::from(date.month()), date.day())?;
        write!(f, "{:02}:{:02}:{:02}.{micros:06}", time.hour(), time.minute(), time.second())
    }
}

struct Hex<'a>(&'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
