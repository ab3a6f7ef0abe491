//! The report of a window, in lines: the whole, then the largest sources.

use std::fmt;

use syslog::Severity;

use super::Time;
use super::fields::{Field, INTERFACE, PACKETS, Put, SENTENCE, SOURCE, SOURCE_NAME, SOURCE_V6, Subject};
use super::fields::{Value, Weight, field};
use crate::daemon::names::Name;
use crate::darknet::{About, SummaryLine};

const START: Field = field("start", "start", "event.start");
const END: Field = field("end", "end", "event.end");
const RANK: Field = field("rank", "cs1Label=rank cs1", "duskwatch.rank");
const SOURCES: Field = field("sources", "cn1Label=sources cn1", "duskwatch.sources");
const OTHERS: Field = field("others", "cn2Label=others cn2", "duskwatch.others");
const OTHER_PACKETS: Field = field("other_packets", "cn3Label=other_packets cn3", "duskwatch.other_packets");
const KINDS: Field = field("types", "cn1Label=types cn1", "duskwatch.types");
const DESTINATIONS: Field = field("dests", "cn2Label=dests cn2", "duskwatch.dests");
const PAYLOADS: Field = field("payloads", "cn3Label=payloads cn3", "duskwatch.payloads");

/// A line of the report.
pub struct Report<'a> {
    pub line: &'a SummaryLine,
    pub interface: &'a str,
    pub source_name: Option<Name>,
}

impl Subject for Report<'_> {
    fn id(&self) -> &'static str {
        "SUMMARY"
    }

    fn signature(&self) -> &str {
        "summary of the dark"
    }

    fn weight(&self) -> Weight {
        Weight { syslog: Severity::LOG_INFO, cef: 0, word: "informational" }
    }

    fn ecs_kind(&self) -> (&'static str, &'static str) {
        ("metric", "network")
    }

    fn put_fields(&self, put: &mut Put<'_>) -> fmt::Result {
        put(&START, Value::Word(&Time(self.line.start)))?;
        put(&END, Value::Word(&Time(self.line.end)))?;
        match self.line.about {
            About::Whole(whole) => {
                let (sources, packets) = (whole.sources, whole.packets);
                put(&SENTENCE, Value::Sentence(format_args!("{packets} packets of {sources} sources")))?;
                put(&SOURCES, Value::Number(sources.into()))?;
                put(&PACKETS, Value::Number(packets))?;
                put(&OTHERS, Value::Number(whole.other_sources.into()))?;
                put(&OTHER_PACKETS, Value::Number(whole.other_packets))
            }
            About::Source(row) => {
                put(&RANK, Value::Number(self.line.rank.into()))?;
                put(if row.source.is_v4() { &SOURCE } else { &SOURCE_V6 }, Value::Word(&row.source))?;
                if let Some(name) = &self.source_name {
                    put(&SOURCE_NAME, Value::Text(name))?;
                }
                put(&PACKETS, Value::Number(row.packets))?;
                put(&KINDS, Value::Number(row.kinds.into()))?;
                put(&DESTINATIONS, Value::Number(row.destinations.into()))?;
                put(&PAYLOADS, Value::Number(row.payloads.into()))?;
                put(&INTERFACE, Value::Text(self.interface))
            }
        }
    }
}
