//! A page of the hosts of an interface, sorted and filtered.

use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::Json;
use super::page::{Page, Place, count_cell, traffic_cell};
use super::units::Grouped;
use super::{Context, HostRow, NameSource};
use crate::ledger::{Evicted, Ledger, Traffic};
use crate::limits::HOSTS_SHOWN_MAX;
use crate::monitor::Monitor;
use crate::packet::Address;

/// What hosts are sorted by: addresses and none else from the smallest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Bytes both ways.
    #[default]
    Total,
    /// Bytes that the host received.
    Received,
    /// Bytes that the host sent.
    Sent,
    /// Packets both ways.
    Packets,
    /// The address.
    Address,
    /// When the first packet came.
    First,
    /// When the latest packet came.
    Last,
}

impl Sort {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Total, Self::Received, Self::Sent, Self::Packets, Self::Address, Self::First, Self::Last];

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Total => "total",
            Self::Received => "in",
            Self::Sent => "out",
            Self::Packets => "packets",
            Self::Address => "address",
            Self::First => "first",
            Self::Last => "last",
        }
    }

    /// Smaller comes first.
    fn key(self, row: &HostRow) -> u64 {
        let total = row.host.total();
        match self {
            Self::Total => !total.both().bytes,
            Self::Received => !total.received.bytes,
            Self::Sent => !total.sent.bytes,
            Self::Packets => !total.both().packets,
            Self::Address => 0,
            Self::First => !u64::from(row.host.first_seen),
            Self::Last => !u64::from(row.host.last_seen),
        }
    }
}

/// Which hosts are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those in a local network.
    Local,
    /// All others.
    Remote,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::Local, Self::Remote];

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Local => "local",
            Self::Remote => "remote",
        }
    }

    fn admits(self, row: &HostRow) -> bool {
        match self {
            Self::All => true,
            Self::Local => row.host.local,
            Self::Remote => !row.host.local,
        }
    }
}

/// Which page of the hosts is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostsQuery {
    /// The order.
    pub sort: Sort,
    /// The other way round.
    pub reverse: bool,
    /// Which hosts.
    pub filter: Filter,
    /// How many hosts come before the page.
    pub offset: usize,
    /// How many hosts are on the page, at most.
    pub count: usize,
}

impl Default for HostsQuery {
    fn default() -> Self {
        Self { sort: Sort::default(), reverse: false, filter: Filter::default(), offset: 0, count: 50 }
    }
}

impl HostsQuery {
    /// Takes a parameter of the page's address: `sort`, `order`, `show`, `offset` or `count`. What it
    /// does not understand changes nothing: a page with odd parameters is still a page.
    pub fn set(&mut self, name: &str, value: &str) {
        match name {
            "sort" => {
                self.sort = Sort::ALL.into_iter().find(|sort| sort.name() == value).unwrap_or(self.sort);
            }
            "order" => self.reverse = value == "reverse",
            "show" => {
                let found = Filter::ALL.into_iter().find(|filter| filter.name() == value);
                self.filter = found.unwrap_or(self.filter);
            }
            "offset" => self.offset = value.parse().unwrap_or(self.offset),
            "count" => self.count = value.parse().unwrap_or(self.count).clamp(1, HOSTS_SHOWN_MAX),
            _ => {}
        }
    }
}

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
            self.write_rows(json, context.names);
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
            html.markup("<th scope=\"col\">MAC address</th>");
            self.column(html, &page, Sort::Received, "Received");
            self.column(html, &page, Sort::Sent, "Sent");
            self.column(html, &page, Sort::Total, "Total");
            self.column(html, &page, Sort::Packets, "Packets");
            self.column(html, &page, Sort::First, "First seen");
            self.column(html, &page, Sort::Last, "Last seen");
            html.markup("</tr></thead>\n<tbody>\n");
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

    /// Writes the hosts as a field.
    pub(super) fn write_rows(&self, json: &mut Json, names: &dyn NameSource) {
        json.key("hosts").object(|json| {
            json.key("rows").array(|json| {
                for row in &self.rows {
                    json.object(|json| row.write_fields(json, names));
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
    html.markup("</th><td>");
    if let Some(mac) = row.mac() {
        html.markup("<code>").text(mac).markup("</code>");
    }
    html.markup("</td>");
    traffic_cell(html, total.received);
    traffic_cell(html, total.sent);
    traffic_cell(html, total.both());
    count_cell(html, total.both().packets);
    html.markup("<td class=\"n\">");
    page.ago(html, row.host.first_seen.into());
    html.markup("</td><td class=\"n\">");
    page.ago(html, row.host.last_seen.into());
    html.markup("</td></tr>\n");
}

fn foot_row(html: &mut Html, label: &'static str, hosts: Option<u64>, traffic: Traffic) {
    html.markup("<tr><th scope=\"row\" colspan=\"2\">").markup(label);
    if let Some(hosts) = hosts {
        html.markup(": ").text(Grouped(hosts));
    }
    html.markup("</th>");
    traffic_cell(html, traffic.received);
    traffic_cell(html, traffic.sent);
    traffic_cell(html, traffic.both());
    count_cell(html, traffic.both().packets);
    html.markup("<td colspan=\"2\"></td></tr>\n");
}
