//! The overview of an interface: rates, history, and who and what makes most of the traffic.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::chart::Chart;
use super::html::Html;
use super::page::{CoverageText, Page, Place, share_cell, traffic_cell};
use super::top::Top;
use super::units::{Bytes, Grouped, Rate};
use super::{Context, HostRow, PortLine};
use crate::darknet::Event;
use crate::darknet::rules::Rule;
use crate::ledger::{Bar, Counters, Ledger, Period, PortOwner};
use crate::limits::TOP_SHOWN;
use crate::monitor::Monitor;
use crate::table::PortKind;

/// "Now" is the mean of this many seconds that are complete.
const NOW_SECONDS: usize = 5;

/// The overview.
pub struct SummaryView {
    /// The interface.
    pub header: Header,
    /// The history by [`Period`].
    history: [Vec<(i64, Bar)>; 5],
    /// The local hosts with the most traffic.
    pub local: Top<HostRow>,
    /// The other hosts with the most traffic.
    pub remote: Top<HostRow>,
    /// The remote TCP and UDP ports with the most traffic.
    pub services: Top<PortLine>,
    /// The last events in the dark, oldest first; `None` if nothing is dark.
    events: Option<heapless::Vec<Event, TOP_SHOWN>>,
    /// The rules of the user's, as the events number them.
    rules: Arc<[Rule]>,
}

impl Default for SummaryView {
    fn default() -> Self {
        Self::new()
    }
}

impl SummaryView {
    /// An empty overview. All memory is allocated here: 18 KB.
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            history: Period::ALL.map(|period| Vec::with_capacity(period.bars())),
            local: Top::with_limit(TOP_SHOWN),
            remote: Top::with_limit(TOP_SHOWN),
            services: Top::with_limit(TOP_SHOWN),
            events: None,
            rules: Arc::default(),
        }
    }

    /// Copies the overview. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        for (bars, period) in self.history.iter_mut().zip(Period::ALL) {
            bars.clear();
            bars.extend(ledger.history(period).take(period.bars()));
        }
        self.copy_top(ledger);
        let darknet = monitor.darknet();
        self.rules = Arc::clone(darknet.rules().all());
        let skipped = darknet.recent().count().saturating_sub(TOP_SHOWN);
        self.events = (!darknet.is_empty()).then(|| darknet.recent().skip(skipped).copied().collect());
        Ok(())
    }

    fn copy_top(&mut self, ledger: &Ledger) {
        let hosts = |local: bool| {
            let rows = ledger.hosts().filter(move |(_, host)| host.local == local);
            rows.map(|(address, host)| HostRow { address, host: *host })
        };
        self.local.fill(hosts(true));
        self.remote.fill(hosts(false));
        let ports = ledger.ports(PortOwner::Interface);
        let remote = ports.filter(|(kind, ..)| matches!(kind, PortKind::TcpRemote | PortKind::UdpRemote));
        self.services.fill(remote.map(|(kind, port, row)| PortLine { kind, port, row: *row }));
    }

    /// A ring of the history, oldest first, with the times at which the periods start.
    pub fn history(&self, period: Period) -> &[(i64, Bar)] {
        &self.history[period as usize]
    }

    /// The mean inbound and outbound rate of the last complete seconds.
    pub fn now(&self) -> (Rate, Rate) {
        let seconds = self.history(Period::Second);
        let complete = seconds.get(..seconds.len().saturating_sub(1)).unwrap_or_default();
        let recent = complete.get(complete.len().saturating_sub(NOW_SECONDS)..).unwrap_or_default();
        let inbound: Counters = recent.iter().map(|(_, bar)| bar.inbound).sum();
        let outbound: Counters = recent.iter().map(|(_, bar)| bar.outbound).sum();
        let seconds = recent.len() as u64;
        (Rate::of(inbound.bytes, seconds), Rate::of(outbound.bytes, seconds))
    }

    /// The traffic of the present day or month so far.
    pub fn latest(&self, period: Period) -> Bar {
        self.history(period).last().map_or(Bar::default(), |(_, bar)| *bar)
    }

    /// Writes the overview as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.field("notice", context.notice);
            json.key("books").object(|json| self.header.books.write_fields(json));
            let (inbound, outbound) = self.now();
            json.key("bits_per_second").object(|json| {
                json.field("inbound", inbound.0);
                json.field("outbound", outbound.0);
            });
            for (name, top) in [("top_local", &self.local), ("top_remote", &self.remote)] {
                json.key(name).array(|json| {
                    for row in top.rows() {
                        json.object(|json| row.write_fields(json, context));
                    }
                });
            }
            json.key("top_services").array(|json| {
                for line in self.services.rows() {
                    json.object(|json| {
                        json.field("transport", if line.is_tcp() { "tcp" } else { "udp" });
                        line.write_fields(json);
                    });
                }
            });
            json.key("history").object(|json| {
                for period in Period::ALL {
                    json.key(period.name()).array(|json| {
                        self.history(period).iter().for_each(|bar| json.value(bar));
                    });
                }
            });
        })
    }

    /// Writes the overview as a page, whose title begins with the present rates.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Overview };
        let (inbound, outbound) = self.now();
        let title = format_args!("↓ {inbound} ↑ {outbound} · {}", self.header.books.name);
        page.write(out, title, |html| {
            html.markup("<h1><bdi>").text(&self.header.books.name).markup("</bdi></h1>\n");
            self.tiles(html, &page);
            html.markup("<section class=\"charts\" aria-label=\"History\">\n");
            html.markup("<p class=\"legend\"><span class=\"in\">in</span> <span class=\"out\">out</span> ");
            html.markup("<span class=\"other\">other (local, or passing through)</span></p>\n");
            for period in Period::ALL {
                Chart { period, bars: self.history(period) }.write(html, &page);
            }
            self.losses(html);
            html.markup("</section>\n<section class=\"tables\" aria-label=\"Most traffic\">\n");
            self.hosts(html, &page, "Local hosts", &self.local);
            self.hosts(html, &page, "Remote hosts", &self.remote);
            self.services(html);
            if let Some(events) = &self.events {
                super::darknet::events_table(html, &page, &self.rules, events, true);
            }
            html.markup("</section>\n");
        })
    }

    fn tiles(&self, html: &mut Html, page: &Page) {
        let (inbound, outbound) = self.now();
        html.markup("<dl class=\"tiles\">\n<div class=\"in\"><dt>In now</dt><dd>").text(inbound);
        html.markup("</dd></div>\n<div class=\"out\"><dt>Out now</dt><dd>").text(outbound);
        html.markup("</dd></div>\n");
        for (label, bar) in [
            ("Today", self.latest(Period::Day)),
            ("This month", self.latest(Period::Month)),
            ("Since the start", Bar::of(&self.header.books.totals)),
        ] {
            html.markup("<div><dt>").markup(label).markup("</dt><dd>");
            let total = bar.inbound + bar.outbound + bar.other;
            html.text(Bytes(total.bytes)).markup("<small>in ").text(Bytes(bar.inbound.bytes));
            html.markup(" · out ").text(Bytes(bar.outbound.bytes)).markup("</small></dd></div>\n");
        }
        html.markup("</dl>\n<p class=\"note\">");
        match self.header.books.first {
            Some(first) => {
                html.markup("Counting since ");
                page.time(html, first.seconds as i64);
                html.markup(".</p>\n");
            }
            None => _ = html.markup("Nothing was captured yet.</p>\n"),
        }
    }

    fn losses(&self, html: &mut Html) {
        let books = &self.header.books;
        html.markup("<figure>\n<figcaption>Seen and lost</figcaption>\n<p>");
        html.text(CoverageText(books.coverage.as_ref())).markup("</p>\n<ul>\n<li>");
        html.text(Grouped(books.captured)).markup(" frames captured</li>\n<li>");
        html.text(Grouped(books.dropped_by_kernel)).markup(" dropped by the kernel before that</li>\n<li>");
        html.text(Grouped(books.non_ip.packets)).markup(" without IP</li>\n<li>");
        html.text(Grouped(books.discarded_total())).markup(" that could not be accounted</li>\n<li>");
        html.text(Grouped(books.evicted.hosts));
        html.markup(" hosts made room for others</li>\n</ul>\n</figure>\n");
    }

    fn hosts(&self, html: &mut Html, page: &Page, caption: &'static str, top: &Top<HostRow>) {
        html.markup("<table>\n<caption>").markup(caption).markup("</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\">Host</th><th scope=\"col\" class=\"n\">Received</th>");
        html.markup("<th scope=\"col\" class=\"n\">Sent</th><th scope=\"col\">Share</th></tr></thead>\n");
        html.markup("<tbody>\n");
        let whole = self.header.books.totals.total().bytes;
        for row in top.rows() {
            let total = row.host.total();
            html.markup("<tr><th scope=\"row\">");
            page.host(html, row.address);
            html.markup("</th>");
            traffic_cell(html, total.received);
            traffic_cell(html, total.sent);
            share_cell(html, total.both().bytes, whole);
            html.markup("</tr>\n");
        }
        let rest = top.rest();
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><th scope=\"row\">").text(Grouped(rest.rows));
            html.markup(" others</th>");
            traffic_cell(html, rest.inbound);
            traffic_cell(html, rest.outbound);
            share_cell(html, (rest.inbound + rest.outbound).bytes, whole);
            html.markup("</tr>\n");
        }
        if top.rows().is_empty() {
            html.markup("<tr class=\"rest\"><td colspan=\"4\">None yet</td></tr>\n");
        }
        html.markup("</tbody>\n</table>\n");
    }

    fn services(&self, html: &mut Html) {
        html.markup("<table>\n<caption>Services used elsewhere</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\">Remote port</th><th scope=\"col\" class=\"n\">In</th>");
        html.markup("<th scope=\"col\" class=\"n\">Out</th><th scope=\"col\">Share</th></tr></thead>\n");
        html.markup("<tbody>\n");
        let whole = self.header.books.totals.total().bytes;
        for line in self.services.rows() {
            html.markup("<tr><th scope=\"row\">").text(line.name().unwrap_or("port"));
            html.markup(" <small>").text(line.port).markup(if line.is_tcp() { "/tcp" } else { "/udp" });
            html.markup("</small></th>");
            traffic_cell(html, line.row.inbound);
            traffic_cell(html, line.row.outbound);
            share_cell(html, (line.row.inbound + line.row.outbound).bytes, whole);
            html.markup("</tr>\n");
        }
        if self.services.rows().is_empty() {
            html.markup("<tr class=\"rest\"><td colspan=\"4\">None yet</td></tr>\n");
        }
        html.markup("</tbody>\n</table>\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::{NOON, empty, seeded};
    use crate::view::{Hidden, NoNames};

    #[test]
    fn rates_are_the_mean_of_complete_seconds() {
        let mut monitor = seeded("br-lan", 64, 64, 6_000, 20);
        let mut view = SummaryView::new();
        view.copy(&monitor, None).unwrap();
        let bytes: u64 = monitor.ledgers()[0]
            .history(Period::Second)
            .filter(|(start, _)| (NOON as i64 + 594..NOON as i64 + 599).contains(start))
            .map(|(_, bar)| bar.inbound.bytes)
            .sum();
        assert!(bytes > 0);
        assert_eq!(view.now().0.0, bytes * 8 / 5);
        monitor.settle(crate::time::Timestamp::from_seconds(NOON + 700));
        view.copy(&monitor, None).unwrap();
        assert_eq!(view.now().0.0, 0);
        view.copy(&empty("x", 4, 4), None).unwrap();
        assert_eq!(view.now().0.0, 0);
    }

    #[test]
    fn the_lists_and_their_rest_are_all_hosts() {
        let monitor = seeded("br-lan", 1_024, 64, 6_000, 200);
        let mut view = SummaryView::new();
        view.copy(&monitor, None).unwrap();
        for (top, local) in [(&view.local, true), (&view.remote, false)] {
            assert_eq!(top.rows().len(), TOP_SHOWN);
            assert!(top.rows().iter().all(|row| row.host.local == local));
            let hosts = monitor.ledgers()[0].hosts().filter(|(_, host)| host.local == local);
            assert_eq!(top.rest().rows + TOP_SHOWN as u64, hosts.count() as u64);
        }
    }

    #[test]
    fn the_json_twin_has_the_reports_objects() {
        let monitor = seeded("br-lan", 64, 64, 3_000, 20);
        let mut view = SummaryView::new();
        view.copy(&monitor, Some("br-lan")).unwrap();
        let mut out = String::new();
        let context = Context {
            now: monitor.ledgers()[0].last(),
            utc_offset: 0,
            base: "/",
            names: &NoNames,
            hidden: Hidden::default(),
            notice: None,
        };
        view.write_json(&mut out, &context).unwrap();
        let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
        out.clear();
        crate::view::report::write(&mut out, &monitor, &context).unwrap();
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        let report = &report["interfaces"][0];
        assert_eq!(summary["history"], report["history"]);
        for (name, value) in summary["books"].as_object().unwrap() {
            assert_eq!(value, &report[name], "{name}");
        }
        let top = summary["top_remote"][0].as_object().unwrap();
        let rows = report["hosts"]["rows"].as_array().unwrap();
        let row = rows.iter().find(|row| row["address"] == top["address"]).unwrap();
        for (name, value) in top {
            assert_eq!(value, &row[name], "{name}");
        }
    }
}
