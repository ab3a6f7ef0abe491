//! A page of the hosts of an interface, sorted and filtered.

use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::Json;
use super::page::{Page, Place, count_cell, traffic_cell};
use super::query::{Filter, HostsQuery, Sort};
use super::units::Grouped;
use super::{Context, HostRow};
use crate::ledger::{Evicted, Ledger, Traffic};
use crate::monitor::Monitor;
use crate::packet::Address;

/// A host's place in the order.
#[derive(Clone, Copy)]
struct Rank {
    key: u64,
    address: Address,
}

/// The page.
pub struct HostsView {
    /// The interface.
    pub header: Header,
    /// Which page this is.
    pub query: HostsQuery,
    /// How many hosts pass the filter.
    pub matching: usize,
    /// The hosts that are not on this page, for whatever reason.
    pub others: Evicted,
    ranks: Vec<Rank>,
    rows: Vec<HostRow>,
    limit: usize,
}

impl HostsView {
    /// An empty page with room for this many rows, over tables of up to `hosts` hosts. All memory is
    /// allocated here: 24 bytes for a host and 160 for a row.
    pub fn with_capacity(hosts: usize, rows: usize) -> Self {
        Self {
            header: Header::default(),
            query: HostsQuery::default(),
            matching: 0,
            others: Evicted::default(),
            ranks: Vec::with_capacity(hosts),
            rows: Vec::with_capacity(rows),
            limit: rows,
        }
    }

    /// Copies the page that the query wants. Allocates nothing.
    pub fn copy(
        &mut self,
        monitor: &Monitor,
        interface: Option<&str>,
        query: HostsQuery,
    ) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        self.copy_rows(ledger, query);
        Ok(())
    }

    /// The page's hosts, in order.
    pub fn rows(&self) -> &[HostRow] {
        &self.rows
    }

    /// Writes the page as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.field("sort", self.query.sort.name());
            json.field("reverse", self.query.reverse);
            json.field("show", self.query.filter.name());
            json.field("offset", self.query.offset);
            json.field("matching", self.matching);
            json.field("total", self.header.books.totals.total());
            self.write_rows(json, context, |_, _| {});
        })
    }

    /// Writes the page as HTML.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Hosts };
        page.write(out, format_args!("Hosts · {}", self.header.books.name), |html| {
            html.markup("<h1>Hosts</h1>\n<nav class=\"filters\" aria-label=\"Which hosts\">\n");
            for filter in Filter::ALL {
                let query = HostsQuery { filter, offset: 0, ..self.query };
                self.link(html, &page, query, filter == self.query.filter);
                html.markup(filter.name()).markup("</a>\n");
            }
            html.markup("</nav>\n<div class=\"wide\">\n<table>\n<caption>");
            self.caption(html);
            html.markup("</caption>\n<thead><tr>");
            self.column(html, &page, Sort::Address, "Host");
            self.column(html, &page, Sort::Received, "Received");
            self.column(html, &page, Sort::Sent, "Sent");
            self.column(html, &page, Sort::Total, "Total");
            self.column(html, &page, Sort::Packets, "Packets");
            self.column(html, &page, Sort::First, "First seen");
            self.column(html, &page, Sort::Last, "Last seen");
            html.markup("<th scope=\"col\">MAC address</th></tr></thead>\n<tbody>\n");
            self.rows.iter().for_each(|row| host_row(html, &page, row));
            html.markup("</tbody>\n<tfoot>\n");
            let Header { books, .. } = &self.header;
            foot_row(html, "Hosts not on this page", Some(self.others.hosts), self.others.traffic);
            foot_row(html, "Hosts that made room", Some(books.evicted.hosts), books.evicted.traffic);
            let total = books.totals.total();
            foot_row(html, "Total", None, Traffic { sent: total, received: total });
            html.markup("</tfoot>\n</table>\n</div>\n");
            self.pages(html, &page);
        })
    }

    fn caption(&self, html: &mut Html) {
        if self.rows.is_empty() {
            html.markup("No hosts");
        } else {
            let first = self.query.offset as u64 + 1;
            html.markup("Hosts ").text(Grouped(first)).markup(" to ");
            html.text(Grouped(self.query.offset as u64 + self.rows.len() as u64));
        }
        html.markup(" of ").text(Grouped(self.matching as u64));
    }

    /// Begins a link to another page of the hosts.
    fn link(&self, html: &mut Html, page: &Page, query: HostsQuery, current: bool) {
        html.markup("<a href=\"");
        page.path(html, Place::Hosts);
        html.markup("?sort=").markup(query.sort.name());
        if query.reverse {
            html.markup("&amp;order=reverse");
        }
        html.markup("&amp;show=").markup(query.filter.name()).markup("&amp;offset=").text(query.offset);
        html.markup("&amp;count=").text(query.count);
        page.same_interface(html);
        html.markup(if current { "\" aria-current=\"true\">" } else { "\">" });
    }

    fn column(&self, html: &mut Html, page: &Page, sort: Sort, label: &'static str) {
        let current = sort == self.query.sort;
        let ascending = (sort == Sort::Address) != self.query.reverse;
        let class = if sort == Sort::Address { "<th scope=\"col\"" } else { "<th scope=\"col\" class=\"n\"" };
        html.markup(class);
        html.markup(match (current, ascending) {
            (false, _) => ">",
            (true, true) => " aria-sort=\"ascending\">",
            (true, false) => " aria-sort=\"descending\">",
        });
        let reverse = current && !self.query.reverse;
        self.link(html, page, HostsQuery { sort, reverse, offset: 0, ..self.query }, false);
        html.markup(label).markup("</a></th>");
    }

    fn pages(&self, html: &mut Html, page: &Page) {
        let HostsQuery { offset, count, .. } = self.query;
        html.markup("<nav class=\"pages\" aria-label=\"Pages of hosts\">\n");
        if offset > 0 {
            let offset = offset.min(self.matching).saturating_sub(count);
            self.link(html, page, HostsQuery { offset, ..self.query }, false);
            html.markup("← previous</a>\n");
        }
        if offset.saturating_add(self.rows.len()) < self.matching {
            let offset = offset + self.rows.len();
            self.link(html, page, HostsQuery { offset, ..self.query }, false);
            html.markup("next →</a>\n");
        }
        html.markup("</nav>\n");
    }

    /// Writes the hosts as a field; `more` writes what a row has besides the usual fields.
    pub(super) fn write_rows(&self, json: &mut Json, context: &Context, more: impl Fn(&mut Json, &HostRow)) {
        json.key("hosts").object(|json| {
            json.key("rows").array(|json| {
                for row in &self.rows {
                    json.object(|json| {
                        row.write_fields(json, context);
                        more(json, row);
                    });
                }
            });
            json.field("others", self.others);
            json.field("evicted", self.header.books.evicted);
        });
    }

    pub(super) fn copy_rows(&mut self, ledger: &Ledger, query: HostsQuery) {
        self.query = query;
        self.ranks.clear();
        self.rows.clear();
        let mut all = Evicted::default();
        for (address, host) in ledger.hosts() {
            let row = HostRow { address, host: *host };
            all.hosts += 1;
            all.traffic += host.total();
            if query.filter.admits(&row) && self.ranks.len() < self.ranks.capacity() {
                let key = query.sort.key(&row);
                self.ranks.push(Rank { key: if query.reverse { !key } else { key }, address });
            }
        }
        self.matching = self.ranks.len();
        self.copy_page(ledger);
        let shown: Traffic = self.rows.iter().fold(Traffic::default(), |mut sum, row| {
            sum += row.host.total();
            sum
        });
        self.others = Evicted {
            hosts: all.hosts - self.rows.len() as u64,
            traffic: Traffic {
                sent: all.traffic.sent - shown.sent,
                received: all.traffic.received - shown.received,
            },
        };
    }

    /// Puts only the page's part of the ranks in order, which takes time in proportion to the table.
    fn copy_page(&mut self, ledger: &Ledger) {
        let Self { query, ranks, rows, limit, .. } = self;
        let backwards = query.reverse && query.sort == Sort::Address;
        let order = |rank: &Rank| {
            let bits = rank.address.bits();
            (rank.key, if backwards { !bits } else { bits })
        };
        let start = query.offset.min(ranks.len());
        let count = query.count.min(*limit).min(ranks.len() - start);
        if count == 0 {
            return;
        }
        if start > 0 {
            ranks.select_nth_unstable_by_key(start, order);
        }
        let page = &mut ranks[start..];
        if count < page.len() {
            page.select_nth_unstable_by_key(count, order);
        }
        let page = &mut page[..count];
        page.sort_unstable_by_key(order);
        rows.extend(page.iter().filter_map(|rank| {
            let host = *ledger.host(rank.address)?;
            Some(HostRow { address: rank.address, host })
        }));
    }
}

fn host_row(html: &mut Html, page: &Page, row: &HostRow) {
    let total = row.host.total();
    html.markup(if row.host.local {
        "<tr class=\"local\"><th scope=\"row\">"
    } else {
        "<tr><th scope=\"row\">"
    });
    page.host(html, row.address);
    html.markup("</th>");
    traffic_cell(html, total.received);
    traffic_cell(html, total.sent);
    traffic_cell(html, total.both());
    count_cell(html, total.both().packets);
    html.markup("<td class=\"n\">");
    page.ago(html, row.host.first_seen.into());
    html.markup("</td><td class=\"n\">");
    if let Some(seconds) = page.context.last_seen(row.host.last_seen.into()) {
        page.ago(html, seconds as i64);
    }
    html.markup("</td><td>");
    if let Some(mac) = page.context.mac(row.host.mac) {
        html.markup("<code>").text(mac).markup("</code>");
    }
    html.markup("</td></tr>\n");
}

fn foot_row(html: &mut Html, label: &'static str, hosts: Option<u64>, traffic: Traffic) {
    html.markup("<tr><th scope=\"row\">").markup(label);
    if let Some(hosts) = hosts {
        html.markup(": ").text(Grouped(hosts));
    }
    html.markup("</th>");
    traffic_cell(html, traffic.received);
    traffic_cell(html, traffic.sent);
    traffic_cell(html, traffic.both());
    count_cell(html, traffic.both().packets);
    html.markup("<td colspan=\"3\"></td></tr>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::Books;
    use crate::view::samples::seeded;

    /// All hosts by pages of `count`.
    fn pages(monitor: &Monitor, query: HostsQuery) -> Vec<HostRow> {
        let mut view = HostsView::with_capacity(1_024, 100);
        let mut rows = Vec::new();
        loop {
            view.copy(monitor, None, HostsQuery { offset: rows.len(), ..query }).unwrap();
            if view.rows().is_empty() {
                assert_eq!(view.matching, rows.len());
                return rows;
            }
            assert!(view.rows().len() <= query.count);
            rows.extend_from_slice(view.rows());
        }
    }

    #[test]
    fn pages_put_together_are_all_hosts_in_order() {
        let monitor = seeded("br-lan", 1_024, 1_024, 5_000, 300);
        let mut expected: Vec<HostRow> =
            monitor.ledgers()[0].hosts().map(|(address, host)| HostRow { address, host: *host }).collect();
        for sort in Sort::ALL {
            for reverse in [false, true] {
                expected.sort_by_key(|row| row.address.bits());
                let value = |row: &HostRow| match sort {
                    Sort::Total => row.host.total().both().bytes.into(),
                    Sort::Received => row.host.total().received.bytes.into(),
                    Sort::Sent => row.host.total().sent.bytes.into(),
                    Sort::Packets => row.host.total().both().packets.into(),
                    Sort::Address => !row.address.bits(),
                    Sort::First => row.host.first_seen.into(),
                    Sort::Last => row.host.last_seen.into(),
                };
                expected.sort_by(|one, next| {
                    let order = value(next).cmp(&value(one));
                    if reverse { order.reverse() } else { order }
                });
                for count in [1, 7, 100] {
                    let query = HostsQuery { sort, reverse, count, ..HostsQuery::default() };
                    assert_eq!(pages(&monitor, query), expected, "{sort:?} {reverse} {count}");
                }
            }
        }
        let with = |filter| pages(&monitor, HostsQuery { filter, ..HostsQuery::default() });
        assert!(with(Filter::Local).iter().all(|row| row.host.local));
        assert_eq!(with(Filter::Local).len() + with(Filter::Remote).len(), expected.len());
    }

    #[test]
    fn a_page_and_what_is_beside_it_are_the_total() {
        let monitor = seeded("br-lan", 64, 64, 5_000, 300);
        let mut view = HostsView::with_capacity(64, 10);
        for filter in Filter::ALL {
            view.copy(&monitor, None, HostsQuery { filter, offset: 3, ..HostsQuery::default() }).unwrap();
            assert_eq!(view.rows().len(), 10);
            let Books { evicted, totals, .. } = &view.header.books;
            assert!(evicted.hosts > 0);
            let mut sum = view.others.traffic;
            sum += evicted.traffic;
            view.rows().iter().for_each(|row| sum += row.host.total());
            assert_eq!((sum.sent, sum.received), (totals.total(), totals.total()));
        }
    }
}
