//! The text of a message, in each of the formats that receivers read.
//!
//! All of them say the same: a subject puts its fields one by one, and a format writes those that have a
//! name in its vocabulary. Every byte is printable ASCII, whatever the fields hold, so that no value can
//! end the line.

mod fields;
mod quota;
mod summary;

use std::fmt::{self, Write};
use std::str::FromStr;

use syslog::Facility;
use time::OffsetDateTime;

use crate::daemon::clock::Zone;
use crate::limits::HOST_NAME_BYTES_MAX;
use crate::time::Timestamp;
use fields::Value;
pub(super) use fields::{Observation, Statistics, Subject};
pub(super) use quota::QuotaWarning;
pub(super) use summary::Report;

/// How a message is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// A header of RFC 5424, and `key=value` with the names of Splunk's Common Information Model.
    #[default]
    Rfc5424,
    /// The same text behind the older header of RFC 3164, whose time is local and has no year.
    Rfc3164,
    /// ArcSight's Common Event Format behind a header of RFC 3164, as its specification has it.
    Cef,
    /// The Elastic Common Schema as JSON, behind a header of RFC 5424.
    Ecs,
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "rfc5424" => Ok(Self::Rfc5424),
            "rfc3164" => Ok(Self::Rfc3164),
            "cef" => Ok(Self::Cef),
            "ecs" => Ok(Self::Ecs),
            _ => Err("takes rfc5424, rfc3164, cef or ecs"),
        }
    }
}

/// When a message was caused, and its place among all messages, 1..=2147483647.
#[derive(Clone, Copy)]
pub(super) struct Stamp {
    pub(super) time: Timestamp,
    pub(super) number: u32,
}

/// What all messages have in common.
pub(super) struct Writer {
    pub(super) format: Format,
    pub(super) facility: Facility,
    host_name: String,
    pub(super) process_id: u32,
    pub(super) zone: Zone,
}

impl Writer {
    /// `host_name` is what the kernel says; a header takes printable ASCII alone, and a dash where there
    /// is no name.
    pub(super) fn new(format: Format, facility: Facility, host_name: &[u8], zone: Zone) -> Self {
        let is_valid = (1..=HOST_NAME_BYTES_MAX).contains(&host_name.len())
            && host_name.iter().all(u8::is_ascii_graphic);
        let host_name =
            if is_valid { String::from_utf8_lossy(host_name).into_owned() } else { "-".to_owned() };
        Self { format, facility, host_name, process_id: std::process::id(), zone }
    }

    /// Writes a message, without what frames it on its way.
    pub(super) fn write(&self, out: &mut dyn Write, stamp: Stamp, subject: &dyn Subject) -> fmt::Result {
        let priority = self.facility as u8 | subject.weight().syslog as u8;
        let (host_name, process_id) = (&self.host_name, self.process_id);
        let (time, id, number) = (Time(stamp.time), subject.id(), stamp.number);
        let local = LocalTime(stamp.time, &self.zone);
        match self.format {
            Format::Rfc5424 | Format::Ecs => {
                write!(out, "<{priority}>1 {time} {host_name} duskwatch {process_id} {id} ")?;
            }
            Format::Rfc3164 => write!(out, "<{priority}>{local} {host_name} duskwatch[{process_id}]: ")?,
            Format::Cef => write!(out, "<{priority}>{local} {host_name} ")?,
        }
        // Each format has its own place for the number, and the older header has none for the type.
        match self.format {
            Format::Rfc5424 => write!(out, "[meta sequenceId=\"{number}\"]")?,
            Format::Rfc3164 => write!(out, "msgid={id} sequence={number}")?,
            Format::Ecs => out.write_str("-")?,
            Format::Cef => {}
        }
        match self.format {
            Format::Rfc5424 | Format::Rfc3164 => write_text(out, subject),
            Format::Cef => write_cef(out, stamp, subject),
            Format::Ecs => write_ecs(out, stamp, subject),
        }
    }
}

/// ` key=value` as logfmt readers expect it: bare where it can be, else in quotes.
fn write_text(out: &mut dyn Write, subject: &dyn Subject) -> fmt::Result {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:/@%".contains(&byte);
    subject.put_fields(&mut |field, value| {
        let name = field.text;
        match value {
            _ if name.is_empty() => Ok(()),
            Value::Number(number) => write!(out, " {name}={number}"),
            Value::Word(word) => write!(out, " {name}={word}"),
            Value::Text(text) if !text.is_empty() && text.bytes().all(is_bare) => {
                write!(out, " {name}={text}")
            }
            Value::Text(text) => write!(out, " {name}=\"{}\"", Escaped(&text, "\"\\")),
            Value::Sentence(sentence) => write!(out, " {name}=\"{}\"", Escaped(&sentence, "\"\\")),
        }
    })
}

/// `CEF:0|Vendor|Product|Version|Signature ID|Name|Severity|Extension`.
fn write_cef(out: &mut dyn Write, stamp: Stamp, subject: &dyn Subject) -> fmt::Result {
    let Stamp { time, number } = stamp;
    write!(out, "CEF:0|duskwatch|duskwatch|{}|{}|", env!("CARGO_PKG_VERSION"), subject.id())?;
    write!(out, "{}|{}|", Escaped(&subject.signature(), "|\\"), subject.weight().cef)?;
    let millis = time.seconds.saturating_mul(1000).saturating_add((time.micros / 1000).into());
    write!(out, "rt={millis} externalId={number}")?;
    subject.put_fields(&mut |field, value| {
        let name = field.cef;
        match value {
            _ if name.is_empty() => Ok(()),
            Value::Number(number) => write!(out, " {name}={number}"),
            Value::Word(word) => write!(out, " {name}={word}"),
            Value::Text(text) => write!(out, " {name}={}", Escaped(&text, "=\\")),
            Value::Sentence(sentence) => write!(out, " {name}={}", Escaped(&sentence, "=\\")),
        }
    })
}

/// One object whose names have dots, as Elastic's own loggers write it; its store takes them for a path.
fn write_ecs(out: &mut dyn Write, stamp: Stamp, subject: &dyn Subject) -> fmt::Result {
    let (kind, category) = subject.ecs_kind();
    write!(out, " {{\"@timestamp\":\"{}\",\"ecs.version\":\"8.11.0\"", Time(stamp.time))?;
    write!(out, ",\"event.module\":\"duskwatch\",\"event.kind\":\"{kind}\"")?;
    write!(out, ",\"event.category\":[\"{category}\"],\"event.code\":\"{}\"", subject.id())?;
    write!(out, ",\"event.severity\":{},\"event.sequence\":{}", subject.weight().cef, stamp.number)?;
    subject.put_fields(&mut |field, value| {
        let name = field.ecs;
        match value {
            _ if name.is_empty() => Ok(()),
            Value::Number(number) => write!(out, ",\"{name}\":{number}"),
            Value::Word(word) => write!(out, ",\"{name}\":\"{word}\""),
            Value::Text(text) => write!(out, ",\"{name}\":\"{}\"", Escaped(&text, "\"\\")),
            Value::Sentence(sentence) => write!(out, ",\"{name}\":\"{}\"", Escaped(&sentence, "\"\\")),
        }
    })?;
    out.write_str("}")
}

/// A text with a backslash before these characters, and a question mark for what is not printable ASCII.
struct Escaped<'a>(&'a dyn fmt::Display, &'static str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaper { out: f, special: self.1 }, "{}", self.0)
    }
}

struct Escaper<'a> {
    out: &'a mut dyn Write,
    special: &'static str,
}

impl Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if self.special.contains(character) {
                self.out.write_char('\\')?;
            }
            self.out.write_char(if matches!(character, ' '..='~') { character } else { '?' })?;
        }
        Ok(())
    }
}

/// UTC with exactly three decimals, which every receiver reads; a dash for a time beyond the year 9999.
struct Time(Timestamp);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = date_and_time(self.0, 0) else { return f.write_str("-") };
        let (date, millis) = (time.date(), self.0.micros / 1000);
        write!(f, "{:04}-{:02}-{:02}T", date.year(), u8::from(date.month()), date.day())?;
        write!(f, "{:02}:{:02}:{:02}.{millis:03}Z", time.hour(), time.minute(), time.second())
    }
}

/// The time on the wall, as RFC 3164 has it: `Nov  1 19:31:02`.
struct LocalTime<'a>(Timestamp, &'a Zone);

impl fmt::Display for LocalTime<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = date_and_time(self.0, self.1.utc_offset(self.0));
        let time = local.unwrap_or(OffsetDateTime::UNIX_EPOCH);
        write!(f, "{:.3} {:2} ", time.month(), time.day())?;
        write!(f, "{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second())
    }
}

fn date_and_time(time: Timestamp, utc_offset: i32) -> Option<OffsetDateTime> {
    let seconds = i64::try_from(time.seconds).ok()?.checked_add(utc_offset.into())?;
    OffsetDateTime::from_unix_timestamp(seconds).ok()
}

#[cfg(test)]
mod tests;
