//! The dark: which addresses it has, who touched them, and the last events.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::books::{Header, NotFound};
use super::events::{Alike, events_table, sort, write_events};
use super::html::Html;
use super::json::{Json, Text};
use super::languages::Phrase;
use super::page::{Page, Place, count_cell, traffic_cell};
use super::top::{Ranked, Top};
use super::units::Grouped;
use super::{Context, services};
use crate::darknet::rules::Rule;
use crate::darknet::{Darknet, Door, Event, Radiation, Source, Totals};
use crate::ledger::Counters;
use crate::limits::{
    DARK_EVENTS_MAX, DARK_PREFIXES_MAX, DARK_SOURCES_SHOWN, DARK_TARGETS_MAX, RADIATION_ROWS, RADIATION_SHOWN,
};
use crate::monitor::Monitor;
use crate::network::Prefix;
use crate::packet::{Address, Mac, protocol};
use crate::table::PortKind;
use crate::time::Timestamp;

/// A sender of packets to dark addresses, on one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceRow {
    /// The sender.
    pub address: Address,
    /// Its link-layer address, or a router's.
    pub mac: Mac,
    /// The interface that saw it, by number.
    pub interface: u16,
    /// Whether it was found to be a scanner and has not stopped.
    pub is_alerted: bool,
    /// Distinct dark addresses touched; [`DARK_TARGETS_MAX`] means that many or more.
    pub dark_targets: usize,
    /// Its packets to dark addresses.
    pub sum: Counters,
    /// When the first one came.
    pub first: Timestamp,
    /// When the last one came.
    pub last: Timestamp,
}

impl SourceRow {
    pub(super) fn of(source: &Source) -> Self {
        Self {
            address: source.address(),
            mac: source.mac(),
            interface: source.interface(),
            is_alerted: source.is_alerted(),
            dark_targets: source.dark_targets(),
            sum: Counters::new(source.packets, source.bytes),
            first: source.first,
            last: source.last(),
        }
    }
}

impl Ranked for SourceRow {
    fn weight(&self) -> u64 {
        self.sum.packets
    }

    fn tie(&self) -> u128 {
        self.address.bits()
    }

    fn traffic(&self) -> (Counters, Counters) {
        (Counters::default(), self.sum)
    }
}

/// Where the packets into the dark are, and what for.
const EVIDENCE: [(&str, Phrase); 4] = [
    ("evidence.pcapng", Phrase("for Wireshark")),
    ("export.csv", Phrase("for a spreadsheet")),
    ("export.sql", Phrase("for SQLite")),
    ("export.jsonl", Phrase("as lines of JSON")),
];

/// The dark, for all interfaces together.
pub struct DarknetView {
    /// The interfaces.
    pub header: Header,
    /// The dark prefixes.
    pub prefixes: heapless::Vec<Prefix, DARK_PREFIXES_MAX>,
    /// The first of the LANs' networks, of which the unused addresses are dark.
    pub lans: heapless::Vec<Prefix, DARK_PREFIXES_MAX>,
    /// The second from which on all LANs are learned; `None` if nothing was heard yet on one of them.
    learned_at: Option<u32>,
    /// Whether the packets themselves can be had.
    has_evidence: bool,
    /// What happened since the start.
    pub totals: Totals,
    /// The sources with the most packets.
    pub sources: Top<SourceRow>,
    /// What arrived unasked, by port, the most of today first.
    radiation: Vec<Radiation>,
    /// Today's packets at ports for which the darknet had no room.
    other_radiation: u64,
    /// The last events, oldest first.
    events: Vec<Event>,
    /// The rules of the user's, as the events number them.
    rules: Arc<[Rule]>,
}

impl Default for DarknetView {
    fn default() -> Self {
        Self::with_capacity(DARK_SOURCES_SHOWN)
    }
}

impl DarknetView {
    /// An empty view for the pages. All memory is allocated here. It shows the way to the evidence, if that is kept.
    pub fn new(has_evidence: bool) -> Self {
        Self { has_evidence, ..Self::default() }
    }

    /// An empty view of at most so many sources. All memory is allocated here.
    pub fn with_capacity(sources: usize) -> Self {
        Self {
            header: Header::default(),
            prefixes: heapless::Vec::new(),
            lans: heapless::Vec::new(),
            learned_at: None,
            has_evidence: false,
            totals: Totals::default(),
            sources: Top::with_limit(sources),
            radiation: Vec::with_capacity(RADIATION_ROWS),
            other_radiation: 0,
            events: Vec::with_capacity(DARK_EVENTS_MAX),
            rules: Arc::default(),
        }
    }

    /// Copies the dark. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        self.header.copy(monitor, interface)?;
        self.copy_dark(monitor.darknet());
        Ok(())
    }

    pub(super) fn copy_dark(&mut self, darknet: &Darknet) {
        self.prefixes.clear();
        self.prefixes.extend(darknet.prefixes().iter().copied().take(DARK_PREFIXES_MAX));
        self.lans.clear();
        self.lans.extend(darknet.lans().copied().take(DARK_PREFIXES_MAX));
        self.learned_at = darknet.learned_at();
        self.totals = darknet.totals();
        self.sources.fill(darknet.sources().map(SourceRow::of));
        self.radiation.clear();
        self.radiation.extend(darknet.radiation().take(RADIATION_ROWS));
        self.radiation
            .sort_unstable_by_key(|row| (Reverse((row.today, row.yesterday)), row.port, row.protocol));
        self.other_radiation = darknet.other_radiation();
        self.events.clear();
        self.events.extend(darknet.recent().take(DARK_EVENTS_MAX));
        sort(&mut self.events);
        self.rules = Arc::clone(darknet.rules().all());
    }

    /// The last events, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// Writes the dark as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| self.write_field(json, context))
    }

    /// Writes the dark as a field.
    pub(super) fn write_field(&self, json: &mut Json, context: &Context) {
        json.key("darknet").object(|json| {
            json.key("dark").array(|json| {
                for prefix in &self.prefixes {
                    json.value(Text(prefix));
                }
            });
            json.key("lans").array(|json| self.lans.iter().for_each(|lan| json.value(Text(lan))));
            if !self.lans.is_empty() {
                json.field("learned_at", self.learned_at);
            }
            json.field("forgotten_addresses", self.totals.forgotten_addresses);
            json.key("total").object(|json| {
                json.field("packets", self.totals.packets);
                json.field("bytes", self.totals.bytes);
                json.field("events", self.totals.events);
                json.field("passed", self.totals.passed_packets);
            });
            if let Some(confirmed) = self.totals.confirmed {
                json.key("confirm").object(|json| {
                    for (name, count) in confirmed.by_name() {
                        json.field(name, count);
                    }
                });
            }
            json.key("sources").array(|json| {
                self.sources.rows().iter().for_each(|row| write_source(json, &self.header, context, row));
            });
            json.key("evicted").object(|json| {
                json.field("sources", self.totals.evicted_sources);
                json.field("packets", self.totals.evicted_packets);
                json.field("bytes", self.totals.evicted_bytes);
            });
            json.key("radiation").array(|json| {
                self.radiation.iter().for_each(|row| self.write_radiation(json, row));
            });
            json.field("other_radiation", self.other_radiation);
            write_events(json, &self.header, context, &self.rules, &self.events);
        });
    }

    fn write_radiation(&self, json: &mut Json, row: &Radiation) {
        json.object(|json| {
            match row.door {
                Door::Own(interface) => json.field("interface", interface_name(&self.header, interface)),
                Door::Dark(prefix) => json.field("dark", self.prefixes.get(usize::from(prefix)).map(Text)),
            }
            json.field("protocol", row.protocol);
            json.field("port", row.port);
            json.field("today", row.today);
            json.field("yesterday", row.yesterday);
            json.field("answered", row.answered);
        });
    }

    /// Writes the dark as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Darknet };
        page.write(out, &|html| _ = html.markup("{Darknet}"), |html| {
            html.markup("<h1>{Darknet}</h1>\n<p class=\"note\">");
            if self.prefixes.is_empty() && self.lans.is_empty() {
                html.phrase(
                    "No address is known to be dark: there is no LAN whose addresses could be learned, and none is \
                     declared dark with --dark PREFIX.",
                    &[],
                );
                html.markup("</p>\n");
                return;
            }
            html.phrase(
                "Packets and questions for addresses that nobody has: %.",
                &[&Grouped(self.totals.packets)],
            );
            if !self.prefixes.is_empty() {
                html.markup(" {Declared dark}: ");
                list(html, &self.prefixes);
                html.markup(".");
            }
            if !self.lans.is_empty() {
                html.markup(" {Dark without a sign of life for a day}: ");
                list(html, &self.lans);
                html.markup(".");
            }
            if self.totals.forgotten_addresses > 0 {
                let forgotten = Grouped(self.totals.forgotten_addresses);
                html.markup(" ").phrase("Addresses in use that were forgotten for want of room: %.", &[&forgotten]);
            }
            if let Some(confirmed) = self.totals.confirmed {
                let [asked, answered, unanswered, skipped] = confirmed.by_name().map(|(_, count)| Grouped(count));
                html.markup(" ").phrase(
                    "Asking back: % asked, % answered, % unanswered, % skipped.",
                    &[&asked, &answered, &unanswered, &skipped],
                );
            }
            self.learning(html, &page);
            html.markup("</p>\n<div class=\"wide\">\n");
            let events = &mut self.events.iter().map(Alike::once);
            events_table(html, &page, &self.rules, events, true);
            html.markup("</div>\n<div class=\"wide\">\n");
            self.sources_table(html, &page);
            html.markup("</div>\n<div class=\"wide\">\n");
            self.radiation_table(html);
            html.markup("</div>\n");
            if self.has_evidence {
                html.markup("<p>{The packets into the dark}");
                for (file, format) in EVIDENCE {
                    html.markup(", <a href=\"").text(context.base).markup("darknet/").markup(file);
                    html.markup("\">").say(format).markup("</a>");
                }
                html.markup(".</p>\n");
            }
        })
    }

    /// What of the LANs is not known yet, or cannot be.
    fn learning(&self, html: &mut Html, page: &Page) {
        if self.lans.iter().any(|lan| !lan.first().is_v4()) {
            html.markup(" {Of IPv6, what is asked on the link counts, as far as switches pass it on.}");
        }
        let now = page.context.now.seconds;
        if !self.lans.is_empty() && self.learned_at.is_none_or(|at| u64::from(at) > now) {
            html.markup(" <strong>{A network is still being learned}");
            if let Some(at) = self.learned_at {
                html.markup(", {until} ");
                page.time(html, at.into());
            }
            html.markup("</strong>: {its addresses raise no alert before.}");
        }
    }

    /// What arrived unasked, of which nobody is accused.
    fn radiation_table(&self, html: &mut Html) {
        if self.radiation.is_empty() {
            return;
        }
        html.markup("<table>\n<caption>{What came unasked, by port (days in UTC)}</caption>\n<thead><tr>");
        html.markup(
            "<th scope=\"col\">{At}</th><th scope=\"col\">{Protocol}</th><th scope=\"col\">{Port}</th>",
        );
        html.markup("<th scope=\"col\" class=\"n\">{Packets today}</th>");
        html.markup(
            "<th scope=\"col\" class=\"n\">{Yesterday}</th><th scope=\"col\">{Here}</th></tr></thead>\n<tbody>\n",
        );
        for row in self.radiation.iter().take(RADIATION_SHOWN) {
            html.markup("<tr><th scope=\"row\">");
            match row.door {
                Door::Own(interface) => {
                    html.text(interface_name(&self.header, interface).unwrap_or_default())
                }
                Door::Dark(prefix) => match self.prefixes.get(usize::from(prefix)) {
                    Some(prefix) => html.text(prefix),
                    None => html,
                },
            };
            html.markup("</th><td>").text(services::protocol(row.protocol).unwrap_or_default());
            html.markup("</td><td>").text(row.port);
            let kind = if row.protocol == protocol::UDP { PortKind::UdpLocal } else { PortKind::TcpLocal };
            if let Some(service) = services::service(kind, row.port) {
                html.markup(" <small>").markup(service).markup("</small>");
            }
            html.markup("</td>");
            count_cell(html, row.today);
            count_cell(html, row.yesterday);
            html.markup(if row.answered > 0 { "<td>{answers}</td></tr>\n" } else { "<td></td></tr>\n" });
        }
        let rest = self.radiation.iter().skip(RADIATION_SHOWN);
        let rest = rest.map(|row| row.today).sum::<u64>() + self.other_radiation;
        if rest > 0 {
            html.markup("<tr class=\"rest\"><td colspan=\"3\">{Other ports}</td>");
            count_cell(html, rest);
            html.markup("<td colspan=\"2\"></td></tr>\n");
        }
        html.markup("</tbody>\n</table>\n");
    }

    fn sources_table(&self, html: &mut Html, page: &Page) {
        html.markup("<table>\n<caption>{Sources}</caption>\n<thead><tr><th scope=\"col\">{Source}</th>");
        html.markup("<th scope=\"col\">{Interface}</th><th scope=\"col\" class=\"n\">{Dark addresses}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{Packets}</th><th scope=\"col\" class=\"n\">{Bytes}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{First}</th><th scope=\"col\" class=\"n\">{Last}</th>");
        html.markup("<th scope=\"col\">{MAC address}</th></tr></thead>\n<tbody>\n");
        for row in self.sources.rows() {
            html.markup("<tr><th scope=\"row\">");
            let name = page.context.names.name_at(row.address, row.last, row.mac);
            page.link_to(html, Place::Darknet, row.address, name);
            if row.is_alerted {
                html.markup(" <strong>{scans}</strong>");
            }
            html.markup("</th><td>").text(interface_name(page.header, row.interface).unwrap_or_default());
            html.markup("</td><td class=\"n\">").text(Targets(row.dark_targets)).markup("</td>");
            count_cell(html, row.sum.packets);
            traffic_cell(html, row.sum);
            for time in [row.first, row.last] {
                html.markup("<td class=\"n\">");
                page.ago(html, time.seconds as i64);
                html.markup("</td>");
            }
            html.markup("<td>");
            if let Some(mac) = page.context.mac(row.mac) {
                html.markup("<code>").text(mac).markup("</code>");
            }
            html.markup("</td></tr>\n");
        }
        let rest = self.sources.rest();
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><th scope=\"row\" colspan=\"3\">")
                .phrase("% more", &[&Grouped(rest.rows)]);
            html.markup("</th>");
            count_cell(html, rest.outbound.packets);
            traffic_cell(html, rest.outbound);
            html.markup("<td colspan=\"3\"></td></tr>\n");
        }
        html.markup("</tbody>\n</table>\n");
    }
}

fn list(html: &mut Html, prefixes: &[Prefix]) {
    for (index, prefix) in prefixes.iter().enumerate() {
        html.markup(if index > 0 { ", <code>" } else { "<code>" }).text(prefix).markup("</code>");
    }
}

pub(super) fn interface_name(header: &Header, interface: u16) -> Option<&str> {
    header.interfaces.get(usize::from(interface)).map(|interface| interface.name.as_str())
}

/// Writes a source as an object.
pub(super) fn write_source(json: &mut Json, header: &Header, context: &Context, row: &SourceRow) {
    json.object(|json| {
        json.field("source", row.address);
        json.field("source_mac", context.mac(row.mac).map(Text));
        json.field("interface", interface_name(header, row.interface));
        json.field("alert", row.is_alerted);
        json.field("dark_targets", row.dark_targets);
        json.field("packets", row.sum.packets);
        json.field("bytes", row.sum.bytes);
        json.field("first", row.first);
        json.field("last", row.last);
    });
}

/// How many dark addresses; the table counts to [`DARK_TARGETS_MAX`].
pub(super) struct Targets(pub usize);

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0, if self.0 < DARK_TARGETS_MAX { "" } else { "+" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::SourceView;
    use crate::view::languages::LANGUAGES;
    use crate::view::samples::dark;

    fn context() -> Context<'static> {
        Context::at(Timestamp::from_seconds(0))
    }

    #[test]
    fn pages_tell_events_in_their_readers_language_and_json_does_not() {
        let monitor = dark(30);
        let german = Context { language: LANGUAGES[1], ..context() };
        let mut view = DarknetView::with_capacity(10);
        view.copy(&monitor, None).unwrap();
        let event = *monitor.darknet().recent().last().unwrap();
        let mut source = SourceView::new(false);
        source.copy(&monitor, None, event.source).unwrap();
        let [mut page, mut json, mut source_page] = [const { String::new() }; 3];
        view.write_html(&mut page, &german).unwrap();
        view.write_json(&mut json, &german).unwrap();
        source.write_html(&mut source_page, &german).unwrap();
        for page in [&page, &source_page] {
            assert!(page.contains(&format!("{} sandte ", event.source)), "{page}");
            assert!(page.contains(german.language.phrase(event.signature())), "{page}");
            assert!(
                [" sent ", event.signature(), "touched"].iter().all(|text| !page.contains(text)),
                "{page}"
            );
        }
        assert!(json.contains(event.signature()) && json.contains(&event.to_string()), "{json}");
    }

    #[test]
    fn sources_and_events_are_the_darknets() {
        let monitor = dark(30);
        let mut view = DarknetView::with_capacity(10);
        view.copy(&monitor, None).unwrap();
        let totals = monitor.darknet().totals();
        let shown: Counters = view.sources.rows().iter().map(|row| row.sum).sum();
        assert_eq!((shown + view.sources.rest().outbound).packets, totals.packets);
        let mut out = String::new();
        view.write_json(&mut out, &context()).unwrap();
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        let json = &json["darknet"];
        assert_eq!(json["dark"], serde_json::json!(["10.9.0.0/16"]));
        assert_eq!(json["sources"].as_array().unwrap().len(), 10);
        let events = json["events"].as_array().unwrap();
        assert_eq!(events.len(), monitor.darknet().recent().count());
        for (event, expected) in events.iter().zip(monitor.darknet().recent()) {
            assert_eq!(event["source"], expected.source.to_string());
            assert_eq!(event["why"], expected.to_string());
            assert_eq!(event["kind"], "hit");
            assert_eq!(event["interface"], "br-lan");
        }
    }
}
