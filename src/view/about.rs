//! What was lost, how full everything is, and what it costs: the page for those who doubt a number.

use core::fmt;

use super::Context;
use super::books::{Header, NotFound};
use super::html::Html;
use super::json::{Json, Text, Value};
use super::languages::Phrase;
use super::page::{CoverageText, Page, Place, write_coverage};
use super::units::{Bytes, Grouped, Span};
use crate::monitor::Monitor;
use crate::packet::Discard;
use crate::time::Timestamp;

/// What the core cannot know of the running program.
#[derive(Clone, Copy, Debug, Default)]
pub struct Facts<'a> {
    /// When it started.
    pub started: Timestamp,
    /// Bytes of memory that the tables took at the start.
    pub tables_bytes: u64,
    /// Bytes of memory that the program has now, where the system tells.
    pub resident_bytes: Option<u64>,
    /// The web server.
    pub web: WebFacts,
    /// The snapshots, if there is a directory for them.
    pub store: Option<StoreFacts>,
    /// The syslog sender, if there is one.
    pub alarm: Option<SenderFacts<'a>>,
    /// The sender of flow records, if there is one.
    pub exporter: Option<SenderFacts<'a>>,
    /// The evidence, if it is kept.
    pub evidence: Option<EvidenceFacts>,
    /// The look-up of names, unless it is off.
    pub names: Option<NameFacts>,
}

/// What the web server counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebFacts {
    /// Requests answered.
    pub requests: u64,
    /// Requests refused: malformed, too long, of a foreign name or method.
    pub refused: u64,
    /// Connections closed because they were too slow, or to make room for others.
    pub closed: u64,
    /// Connections open now.
    pub connections: u64,
    /// Connections that fit.
    pub connections_max: u64,
}

/// What the store of snapshots counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreFacts {
    /// When the latest snapshot was complete.
    pub saved: Option<Timestamp>,
    /// Seconds between snapshots.
    pub interval: u64,
    /// Bytes written to flash today.
    pub written_today: u64,
    /// Bytes that may be written in a day, if that is limited.
    pub budget: Option<u64>,
    /// Snapshots that could not be written.
    pub failures: u64,
    /// Snapshots that were not written because of the budget.
    pub refused: u64,
}

/// What the sender of syslog messages, or of flow records, counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct SenderFacts<'a> {
    /// Where they go.
    pub destination: &'a str,
    /// How many were sent.
    pub sent: u64,
    /// How many were lost.
    pub lost: u64,
}

/// What became of the packets to the dark.
#[derive(Clone, Copy, Debug, Default)]
pub struct EvidenceFacts {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes that there may be.
    pub bytes_max: u64,
    /// Packets written since the start.
    pub packets: u64,
    /// Packets not kept, since they came too fast or could not be written.
    pub lost: u64,
    /// Segments deleted before their time, since the disk was full.
    pub given_up: u64,
}

/// What the look-up of names counts.
#[derive(Clone, Copy, Debug, Default)]
pub struct NameFacts {
    /// Names known now.
    pub known: u64,
    /// Names that fit.
    pub capacity: u64,
    /// Look-ups made.
    pub lookups: u64,
    /// Look-ups without an answer.
    pub failures: u64,
}

/// The page.
#[derive(Default)]
pub struct AboutView {
    /// The interface.
    pub header: Header,
}

impl AboutView {
    /// An empty page.
    pub fn new() -> Self {
        Self::default()
    }

    /// Copies the sums. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        self.header.copy(monitor, interface).map(|_| ())
    }

    /// Writes the page as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context, facts: &Facts) -> fmt::Result {
        let books = &self.header.books;
        self.header.write_json(out, context.now, |json| {
            json.field("notice", context.notice);
            json.field("started", facts.started);
            json.key("books").object(|json| books.write_fields(json));
            json.key("coverage_text").value(Text(CoverageText(books.coverage.as_ref())));
            json.key("tables").object(|json| {
                json.field("hosts", books.hosts.0);
                json.field("hosts_max", books.hosts.1);
                json.field("hosts_evicted", books.evicted.hosts);
                json.field("port_rows_max", books.port_rows.0);
                json.field("port_rows_evicted", books.port_rows.1);
            });
            json.key("memory").object(|json| {
                json.field("tables", facts.tables_bytes);
                json.field("resident", facts.resident_bytes);
            });
            json.field("web", facts.web);
            json.field("store", facts.store);
            json.field("syslog", facts.alarm);
            json.field("ipfix", facts.exporter);
            json.field("evidence", facts.evidence);
            json.field("names", facts.names);
        })
    }

    /// Writes the page as HTML.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context, facts: &Facts) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::About };
        page.write(out, &|html| _ = html.markup("{About} · ").text(&self.header.books.name), |html| {
            html.markup("<h1>{About these numbers}</h1>\n<p>");
            write_coverage(html, self.header.books.coverage.as_ref());
            html.markup("</p>\n");
            html.markup("<section class=\"tables\" aria-label=\"{Numbers}\">\n");
            self.frames(html);
            self.tables(html, facts);
            program(html, &page, facts);
            if let Some(store) = &facts.store {
                snapshots(html, &page, store);
            }
            html.markup("</section>\n<h2>{How it is counted}</h2>\n<p>").phrase(
                "Bytes are IP bytes: headers and payload of IPv4 and IPv6 packets without the link layer, as an \
                 internet bill counts. Each packet is sent by its source and received by its destination. Frames \
                 without IP have a line of their own, in frame bytes. What a full table has no place for is summed, \
                 so rows and sums always add up to the total.",
                &[],
            );
            html.markup("</p>\n<p>{Local networks}: ");
            for (index, prefix) in self.header.books.networks.prefixes().iter().enumerate() {
                html.markup(if index > 0 { ", <code>" } else { "<code>" });
                html.text(prefix).markup("</code>");
            }
            html.markup("</p>\n");
        })
    }

    fn frames(&self, html: &mut Html) {
        let books = &self.header.books;
        begin(html, Phrase("Frames"));
        row(html, Phrase("Accounted"), Grouped(books.totals.total().packets));
        row(html, Phrase("Without IP"), Grouped(books.non_ip.packets));
        for (reason, frames) in Discard::ALL.into_iter().zip(books.discarded) {
            row(html, discard_words(reason), Grouped(frames));
        }
        row(html, Phrase("Captured, which is the sum of these"), Grouped(books.captured));
        row(html, Phrase("Dropped by the kernel before the capture"), Grouped(books.dropped_by_kernel));
        if let Some(coverage) = &books.coverage {
            row(html, Phrase("Passed, by the kernel's counters"), Grouped(coverage.kernel.packets));
        }
        end(html);
    }

    fn tables(&self, html: &mut Html, facts: &Facts) {
        let books = &self.header.books;
        begin(html, Phrase("Tables"));
        out_of_row(html, Phrase("Hosts"), books.hosts.0.into(), books.hosts.1.into());
        row(html, Phrase("Hosts that made room for others"), Grouped(books.evicted.hosts));
        row(html, Phrase("Port rows that fit"), Grouped(books.port_rows.0 as u64));
        row(html, Phrase("Port rows that made room for others"), Grouped(books.port_rows.1));
        row(html, Phrase("Memory of all tables"), Bytes(facts.tables_bytes));
        if let Some(resident) = facts.resident_bytes {
            row(html, Phrase("Memory of the program"), Bytes(resident));
        }
        end(html);
    }
}

fn program(html: &mut Html, page: &Page, facts: &Facts) {
    begin(html, Phrase("Program"));
    let running = page.context.now.seconds.saturating_sub(facts.started.seconds);
    span_row(html, Phrase("Running for"), Span(running));
    row(html, Phrase("Web requests answered"), Grouped(facts.web.requests));
    row(html, Phrase("Web requests refused"), Grouped(facts.web.refused));
    out_of_row(html, Phrase("Web connections open"), facts.web.connections, facts.web.connections_max);
    row(html, Phrase("Web connections closed as too slow"), Grouped(facts.web.closed));
    if let Some(alarm) = &facts.alarm {
        row(html, Phrase("Syslog messages go to"), alarm.destination);
        row(html, Phrase("Syslog messages sent"), Grouped(alarm.sent));
        row(html, Phrase("Syslog messages lost"), Grouped(alarm.lost));
    }
    if let Some(exporter) = &facts.exporter {
        row(html, Phrase("Flow records go to"), exporter.destination);
        row(html, Phrase("Flow records sent"), Grouped(exporter.sent));
        row(html, Phrase("Flow records lost"), Grouped(exporter.lost));
    }
    if let Some(evidence) = &facts.evidence {
        row(html, Phrase("Evidence on disk"), Bytes(evidence.bytes));
        row(html, Phrase("Evidence that fits"), Bytes(evidence.bytes_max));
        row(html, Phrase("Packets kept as evidence"), Grouped(evidence.packets));
        row(html, Phrase("Packets that could not be kept"), Grouped(evidence.lost));
        row(html, Phrase("Parts of it given up to a full disk"), Grouped(evidence.given_up));
    }
    if let Some(names) = &facts.names {
        out_of_row(html, Phrase("Names known"), names.known, names.capacity);
        row(html, Phrase("Name look-ups"), Grouped(names.lookups));
        row(html, Phrase("Name look-ups without an answer"), Grouped(names.failures));
    }
    end(html);
}

fn snapshots(html: &mut Html, page: &Page, store: &StoreFacts) {
    begin(html, Phrase("Snapshots"));
    html.markup("<tr><th scope=\"row\">{Latest}</th><td class=\"n\">");
    page.time_or_dash(html, store.saved);
    html.markup("</td></tr>\n");
    span_row(html, Phrase("Interval"), Span(store.interval));
    row(html, Phrase("Written to flash today"), Bytes(store.written_today));
    if let Some(budget) = store.budget {
        row(html, Phrase("Most that may be written in a day"), Bytes(budget));
        row(html, Phrase("Left out to keep within that"), Grouped(store.refused));
    }
    row(html, Phrase("Failed"), Grouped(store.failures));
    end(html);
}

fn begin(html: &mut Html, caption: Phrase) {
    html.markup("<table>\n<caption>").say(caption).markup("</caption>\n<tbody>\n");
}

fn end(html: &mut Html) {
    html.markup("</tbody>\n</table>\n");
}

fn row(html: &mut Html, label: Phrase, value: impl fmt::Display) {
    html.markup("<tr><th scope=\"row\">").say(label).markup("</th><td class=\"n\">");
    html.text(value).markup("</td></tr>\n");
}

fn span_row(html: &mut Html, label: Phrase, span: Span) {
    html.markup("<tr><th scope=\"row\">").say(label).markup("</th><td class=\"n\">");
    span.write(html);
    html.markup("</td></tr>\n");
}

fn out_of_row(html: &mut Html, label: Phrase, part: u64, whole: u64) {
    html.markup("<tr><th scope=\"row\">").say(label).markup("</th><td class=\"n\">");
    html.phrase("% of %", &[&Grouped(part), &Grouped(whole)]).markup("</td></tr>\n");
}

/// A reason to discard a frame, as the page puts it.
const fn discard_words(reason: Discard) -> Phrase {
    match reason {
        Discard::Truncated => Phrase("Discarded: cut off before the addresses"),
        Discard::BadHeader => Phrase("Discarded: header contradicts itself"),
        Discard::MappedAddress => Phrase("Discarded: address that must not be on a wire"),
        Discard::TooDeep => Phrase("Discarded: too many tags"),
        Discard::BridgedCopy => Phrase("Left out: bridged, counted on its way in"),
    }
}

impl Value for WebFacts {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("requests", self.requests);
            json.field("refused", self.refused);
            json.field("closed", self.closed);
            json.field("connections", self.connections);
            json.field("connections_max", self.connections_max);
        });
    }
}

impl Value for StoreFacts {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("saved", self.saved);
            json.field("interval", self.interval);
            json.field("written_today", self.written_today);
            json.field("budget", self.budget);
            json.field("failures", self.failures);
            json.field("refused", self.refused);
        });
    }
}

impl Value for SenderFacts<'_> {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("destination", self.destination);
            json.field("sent", self.sent);
            json.field("lost", self.lost);
        });
    }
}

impl Value for EvidenceFacts {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("bytes", self.bytes);
            json.field("bytes_max", self.bytes_max);
            json.field("packets", self.packets);
            json.field("lost", self.lost);
            json.field("given_up", self.given_up);
        });
    }
}

impl Value for NameFacts {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("known", self.known);
            json.field("capacity", self.capacity);
            json.field("lookups", self.lookups);
            json.field("failures", self.failures);
        });
    }
}
