//! The overview of an interface: rates, history, and who and what makes most of the traffic.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::chart::Chart;
use super::darknet::SourceRow;
use super::devices::DeviceRow;
use super::events::{self, Alike};
use super::html::Html;
use super::languages::Phrase;
use super::page::{
    Page, Place, bytes_cell, rate_cell, rates_title, share_cell, traffic_cell, write_coverage,
};
use super::quotas::{self, QuotaRow, write_usage};
use super::top::{Ranked, Rest, Top};
use super::units::{Bytes, Grouped, Rate};
use super::{Context, HostRow, PortLine, Sort};
use crate::darknet::rules::Rule;
use crate::ledger::{self, Bar, Counters, Ledger, Owner, Period, PortOwner};
use crate::limits::{QUOTAS_MAX, TOP_SHOWN};
use crate::monitor::Monitor;
use crate::network::Direction;
use crate::packet::Discard;
use crate::quota::{Target, Usage};
use crate::table::PortKind;

/// A row of a list of the heaviest.
trait Line {
    /// Writes a link to its page.
    fn link(&self, html: &mut Html, page: &Page);
    /// Bytes per second in the last seconds.
    fn rate(&self) -> ledger::Rate;
    /// What was received and sent in the time that the list is of.
    fn traffic(&self, by: Sort) -> (Counters, Counters);
}

impl Line for HostRow {
    fn link(&self, html: &mut Html, page: &Page) {
        page.host(html, self);
    }

    fn rate(&self) -> ledger::Rate {
        self.lately.rate
    }

    fn traffic(&self, _: Sort) -> (Counters, Counters) {
        Ranked::traffic(self)
    }
}

impl Line for DeviceRow {
    fn link(&self, html: &mut Html, page: &Page) {
        DeviceRow::link(self, html, page);
    }

    fn rate(&self) -> ledger::Rate {
        self.rate
    }

    fn traffic(&self, by: Sort) -> (Counters, Counters) {
        let [received, sent] = match by {
            Sort::Now => [self.rate.received, self.rate.sent],
            Sort::Today => self.today,
            _ => {
                let total = self.account.total();
                return (total.received, total.sent);
            }
        };
        (Counters::new(0, received), Counters::new(0, sent))
    }
}

/// What a row of the list has in all, by which it is ordered.
fn weight(row: &DeviceRow, by: Sort) -> u64 {
    let (received, sent) = row.traffic(by);
    (received + sent).bytes
}

/// "Now" is the mean of this many seconds that are complete.
const NOW_SECONDS: usize = 5;

/// The overview.
pub struct SummaryView {
    /// The interface.
    pub header: Header,
    /// The history by [`Period`].
    history: [Vec<(i64, Bar)>; 5],
    utc_offset: i32,
    /// Of which time the lists of hosts are: now, today, or all time, which is [`Sort::Total`].
    pub by: Sort,
    /// The local hosts with the most traffic.
    pub local: Top<HostRow>,
    /// The other hosts with the most traffic.
    pub remote: Top<HostRow>,
    /// The devices with the most traffic.
    devices: heapless::Vec<DeviceRow, TOP_SHOWN>,
    other_devices: Rest,
    has_devices: bool,
    quotas: Vec<QuotaRow>,
    /// The remote TCP and UDP ports with the most traffic.
    pub services: Top<PortLine>,
    /// Of those who scan the dark now, the one that did so last.
    scanner: Option<SourceRow>,
    /// How many there are.
    scanners: usize,
    /// The last events in the dark, those that are alike as one, oldest first; `None` if nothing is dark.
    events: Option<heapless::Vec<Alike, TOP_SHOWN>>,
    /// The rules of the user's, as the events number them.
    rules: Arc<[Rule]>,
}

impl Default for SummaryView {
    fn default() -> Self {
        Self::new()
    }
}

impl SummaryView {
    /// An empty overview. All memory is allocated here: 25 KB.
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            history: Period::ALL.map(|period| Vec::with_capacity(period.bars())),
            utc_offset: 0,
            by: Sort::Total,
            local: Top::with_limit(TOP_SHOWN),
            remote: Top::with_limit(TOP_SHOWN),
            devices: heapless::Vec::new(),
            other_devices: Rest::default(),
            has_devices: false,
            quotas: Vec::with_capacity(QUOTAS_MAX),
            services: Top::with_limit(TOP_SHOWN),
            scanner: None,
            scanners: 0,
            events: None,
            rules: Arc::default(),
        }
    }

    /// Copies the overview. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        self.utc_offset = ledger.utc_offset();
        for (bars, period) in self.history.iter_mut().zip(Period::ALL) {
            bars.clear();
            bars.extend(ledger.history(period).take(period.bars()));
        }
        self.copy_top(ledger);
        self.copy_devices(ledger);
        quotas::copy(&mut self.quotas, monitor);
        let darknet = monitor.darknet();
        self.rules = Arc::clone(darknet.rules().all());
        let scanners = || darknet.sources().filter(|source| source.is_alerted());
        self.scanners = scanners().count();
        self.scanner = scanners().max_by_key(|source| source.last()).map(SourceRow::of);
        self.events = (!darknet.is_empty()).then(|| events::fold(darknet.recent(), &self.rules));
        Ok(())
    }

    fn copy_top(&mut self, ledger: &Ledger) {
        // Who is silent has no place among those who are not.
        let hosts = |local: bool| {
            let rows = HostRow::all(ledger, self.by);
            rows.filter(move |row| row.is_local() == local && row.weight() > 0)
        };
        self.local.fill(hosts(true));
        self.remote.fill(hosts(false));
        let ports = ledger.ports(PortOwner::Interface);
        let remote = ports.filter(|(kind, ..)| matches!(kind, PortKind::TcpRemote | PortKind::UdpRemote));
        self.services.fill(remote.map(|(kind, port, row)| PortLine { kind, port, row: *row }));
    }

    fn copy_devices(&mut self, ledger: &Ledger) {
        let accounts = ledger.accounts();
        self.devices.clear();
        self.other_devices = Rest::default();
        self.has_devices = false;
        for (place, account) in accounts.iter() {
            if matches!(account.owner, Owner::Device(_) | Owner::Router) {
                self.has_devices = true;
                self.offer(DeviceRow::of(ledger, place));
            }
        }
        for (slot, address, _, host) in ledger.hosts_oldest_first().filter(|(.., host)| host.local) {
            let account = accounts.place_of_host(slot, host.mac).and_then(|place| accounts.row(place));
            if let Some(row) = self.devices.iter_mut().find(|row| Some(&row.account) == account) {
                row.add(address);
            }
        }
    }

    /// Puts a device in its place in the list, if it has one. There are few, so the rest just moves on.
    fn offer(&mut self, row: DeviceRow) {
        let weight_of = |row: &DeviceRow| weight(row, self.by);
        let weight = weight_of(&row);
        let place = self.devices.iter().take_while(|other| weight_of(other) >= weight).count();
        if weight == 0 {
            return;
        }
        if place == TOP_SHOWN {
            return self.other_devices.add_traffic(row.traffic(self.by));
        }
        if self.devices.is_full()
            && let Some(last) = self.devices.pop()
        {
            self.other_devices.add_traffic(last.traffic(self.by));
        }
        // There is room.
        let _ = self.devices.insert(place, row);
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
            json.field("top", self.by.name());
            for (name, top) in [("top_local", &self.local), ("top_remote", &self.remote)] {
                json.key(name).array(|json| {
                    for row in top.rows() {
                        json.object(|json| {
                            row.write_fields(json, context);
                            row.write_lately(json);
                        });
                    }
                });
            }
            json.key("top_devices").array(|json| {
                for row in &self.devices {
                    let quota = self.quotas.iter().find(|quota| quota.is_of(&row.account));
                    json.object(|json| row.write_fields(json, context, quota));
                }
            });
            json.key("quotas").array(|json| {
                self.quotas.iter().for_each(|quota| quota.write_json(json, &self.header, context));
            });
            json.field("alerts", self.scanners);
            json.key("top_services").array(|json| {
                for line in self.services.rows() {
                    json.object(|json| {
                        json.field("transport", if line.is_tcp() { "tcp" } else { "udp" });
                        line.write_fields(json);
                    });
                }
            });
            json.field("utc_offset", self.utc_offset);
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
        let title = |html: &mut Html| {
            rates_title(html, inbound, outbound);
            html.text(&self.header.books.name);
        };
        page.write(out, &title, |html| {
            html.markup("<h1><bdi>").text(&self.header.books.name).markup("</bdi></h1>\n");
            self.quotas.iter().for_each(|quota| quota.warn(html, &page));
            self.alert(html, &page);
            self.tiles(html, &page);
            html.markup("<section class=\"charts\" aria-label=\"{History}\">\n");
            html.markup(
                "<p class=\"legend\"><span class=\"in\">{in}</span> <span class=\"out\">{out}</span> ",
            );
            html.markup("<span class=\"other\">{other (local, or passing through)}</span></p>\n");
            for period in Period::ALL {
                Chart { period, bars: self.history(period), of_device: false }.write(html, &page);
            }
            self.losses(html);
            html.markup("</section>\n<section class=\"tables\" aria-label=\"{Most traffic}\">\n");
            self.times(html, &page);
            if self.has_devices {
                let rows = &mut self.devices.iter().map(|row| row as &dyn Line);
                self.list(html, &page, [Phrase("Devices"), Phrase("Device")], rows, self.other_devices);
            }
            for (caption, top) in
                [(Phrase("Local hosts"), &self.local), (Phrase("Remote hosts"), &self.remote)]
            {
                let rows = &mut top.rows().iter().map(|row| row as &dyn Line);
                self.list(html, &page, [caption, Phrase("Host")], rows, top.rest());
            }
            self.services(html);
            if let Some(events) = &self.events {
                events::events_table(html, &page, &self.rules, &mut events.iter().copied(), true);
            }
            html.markup("</section>\n");
        })
    }

    /// Says who scans the dark, or that nobody does.
    fn alert(&self, html: &mut Html, page: &Page) {
        if let Some(row) = &self.scanner {
            html.markup("<p class=\"notice\"><strong>");
            let name = page.context.names.name_at(row.address, row.last, row.mac);
            page.link_to(html, Place::Darknet, row.address, name);
            html.markup("</strong> {looks for addresses that nobody has}");
            if self.scanners > 1 {
                html.phrase("; % hosts in all do so", &[&self.scanners]);
            }
            html.markup("</p>\n");
        } else if let Some(events) = &self.events {
            html.markup("<p class=\"note\">").say(if events.is_empty() {
                Phrase("Nobody looks for addresses that nobody has.")
            } else {
                Phrase("No local device scans for addresses that nobody has; whoever touched one is listed below.")
            });
            html.markup("</p>\n");
        }
    }

    /// The quota of the interface that is shown.
    fn quota(&self) -> Option<Usage> {
        let target = Target::Interface(self.header.chosen as u8);
        self.quotas.iter().map(|quota| quota.usage).find(|usage| usage.quota.target == target)
    }

    fn tiles(&self, html: &mut Html, page: &Page) {
        let (inbound, outbound) = self.now();
        html.markup("<dl class=\"tiles\">\n<div class=\"in\"><dt>{In now}</dt><dd>").text(inbound);
        html.markup("</dd></div>\n<div class=\"out\"><dt>{Out now}</dt><dd>").text(outbound);
        html.markup("</dd></div>\n");
        for (label, bar) in [
            (Phrase("Today"), self.latest(Period::Day)),
            (Phrase("This month"), self.latest(Period::Month)),
            (Phrase("Since the start"), Bar::of(&self.header.books.totals)),
        ] {
            html.markup("<div><dt>").say(label).markup("</dt><dd>");
            let total = bar.inbound + bar.outbound + bar.other;
            html.text(Bytes(total.bytes)).markup(" <small>{in} ").text(Bytes(bar.inbound.bytes));
            html.markup(" · {out} ").text(Bytes(bar.outbound.bytes));
            if bar.other.bytes > 0 {
                html.markup(" · {other} ").text(Bytes(bar.other.bytes));
            }
            html.markup("</small>");
            if let (Phrase("This month"), Some(usage)) = (label, self.quota()) {
                html.markup("<small>");
                write_usage(html, &usage);
                html.markup("</small>");
            }
            html.markup("</dd></div>\n");
        }
        html.markup("</dl>\n<p class=\"note\">");
        match self.header.books.first {
            Some(first) => {
                html.markup("{Counting since} ");
                page.time(html, first.seconds as i64);
                html.markup(".</p>\n");
            }
            None => _ = html.markup("{Nothing was captured yet.}</p>\n"),
        }
    }

    fn losses(&self, html: &mut Html) {
        let books = &self.header.books;
        let copies = books.discarded[Discard::BridgedCopy as usize];
        html.markup("<figure>\n<figcaption>{Seen and lost}</figcaption>\n<p>");
        write_coverage(html, books.coverage.as_ref());
        html.markup("</p>\n<ul>\n");
        for (phrase, count) in [
            (Phrase("Frames captured: %"), books.captured),
            (Phrase("Dropped by the kernel before that: %"), books.dropped_by_kernel),
            (Phrase("Without IP: %"), books.non_ip.packets),
            (Phrase("Could not be accounted: %"), books.discarded_total() - copies),
            (Phrase("Hosts that made room for others: %"), books.evicted.hosts),
        ] {
            html.markup("<li>").phrase(phrase.0, &[&Grouped(count)]).markup("</li>\n");
        }
        // Only a bridge has them.
        if copies > 0 {
            html.markup("<li>").phrase("Left out as a bridge's copies of others: %", &[&Grouped(copies)]);
            html.markup("</li>\n");
        }
        html.markup("</ul>\n</figure>\n");
    }

    /// Of which time the lists of hosts are, to choose from.
    fn times(&self, html: &mut Html, page: &Page) {
        html.markup("<nav class=\"filters\" aria-label=\"{Hosts with the most traffic}\">\n");
        for (by, label) in [
            (Sort::Now, Phrase("Now")),
            (Sort::Today, Phrase("Today")),
            (Sort::Total, Phrase("Since the start")),
        ] {
            html.markup("<a href=\"");
            page.path(html, Place::Overview);
            html.markup("?top=").markup(by.name());
            page.same_interface(html);
            html.markup(if by == self.by { "\" aria-current=\"true\">" } else { "\">" });
            html.say(label).markup("</a>\n");
        }
        html.markup("</nav>\n");
    }

    /// What all hosts together have of what a list is ordered by. A packet has two hosts.
    fn whole(&self) -> u64 {
        match self.by {
            Sort::Now => {
                let of = |top: &Top<HostRow>| {
                    let (rest, rows) = (top.rest(), top.rows().iter().map(Ranked::weight));
                    rows.fold(rest.inbound.bytes + rest.outbound.bytes, u64::saturating_add)
                };
                of(&self.local).saturating_add(of(&self.remote)) / 2
            }
            Sort::Today => {
                let Bar { inbound, outbound, other } = self.latest(Period::Day);
                (inbound + outbound + other).bytes
            }
            _ => self.header.books.totals.total().bytes,
        }
    }

    /// A list of the heaviest.
    fn list(
        &self,
        html: &mut Html,
        page: &Page,
        [caption, first]: [Phrase; 2],
        rows: &mut dyn Iterator<Item = &dyn Line>,
        rest: Rest,
    ) {
        html.markup("<table>\n<caption>").say(caption).markup("</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\">").say(first);
        html.markup("</th><th scope=\"col\" class=\"n\">{Now}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{Received}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{Sent}</th><th scope=\"col\">{Share}</th></tr></thead>\n");
        html.markup("<tbody>\n");
        let whole = self.whole();
        let mut is_empty = true;
        for row in rows {
            is_empty = false;
            html.markup("<tr><th scope=\"row\">");
            row.link(html, page);
            html.markup("</th>");
            let rate = row.rate();
            rate_cell(html, rate.received, rate.sent);
            self.amounts(html, row.traffic(self.by), whole);
        }
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><th scope=\"row\">").phrase("% more", &[&Grouped(rest.rows)]);
            html.markup("</th><td></td>");
            self.amounts(html, (rest.inbound, rest.outbound), whole);
        }
        if is_empty {
            html.markup("<tr class=\"rest\"><td colspan=\"5\">");
            html.say(if self.by == Sort::Now { Phrase("None now") } else { Phrase("None yet") });
            html.markup("</td></tr>\n");
        }
        html.markup("</tbody>\n</table>\n");
    }

    /// The rest of a row: what was received and sent in the time that the list is of.
    fn amounts(&self, html: &mut Html, (received, sent): (Counters, Counters), whole: u64) {
        for counters in [received, sent] {
            match self.by {
                Sort::Now => {
                    _ = html.markup("<td class=\"n\">").text(Rate::of(counters.bytes, 1)).markup("</td>")
                }
                Sort::Today => bytes_cell(html, counters.bytes),
                _ => traffic_cell(html, counters),
            }
        }
        share_cell(html, (received + sent).bytes, whole);
        html.markup("</tr>\n");
    }

    /// Ports have no history, so this list is of all time whatever the others are of. What passes through has both of
    /// its ports elsewhere and is in two rows, so that it counts twice in the whole.
    fn services(&self, html: &mut Html) {
        html.markup("<table>\n<caption>{Services used elsewhere, since the start}</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\">{Remote port}</th><th scope=\"col\" class=\"n\">{In}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{Out}</th><th scope=\"col\">{Share}</th></tr></thead>\n");
        html.markup("<tbody>\n");
        let totals = &self.header.books.totals;
        let whole = totals.total().bytes.saturating_add(totals.of(Direction::Transit).bytes);
        for line in self.services.rows() {
            html.markup("<tr><th scope=\"row\">");
            match line.name() {
                Some(name) => html.markup(name),
                None => html.markup("{port}"),
            };
            html.markup(" <small>").text(line.port).markup(if line.is_tcp() { "/tcp" } else { "/udp" });
            html.markup("</small></th>");
            traffic_cell(html, line.row.inbound);
            traffic_cell(html, line.row.outbound);
            share_cell(html, (line.row.inbound + line.row.outbound).bytes, whole);
            html.markup("</tr>\n");
        }
        if self.services.rows().is_empty() {
            html.markup("<tr class=\"rest\"><td colspan=\"4\">{None yet}</td></tr>\n");
        }
        html.markup("</tbody>\n</table>\n");
    }
}

#[cfg(test)]
mod tests;
