//! A page of the hosts of an interface, sorted, filtered and searched.
//!
//! Names are not the monitor's, and are asked for while its lock is free. So a page that depends on them takes three
//! steps: [`HostsView::collect`] copies the addresses, [`HostsView::choose`] asks for their names and puts them in
//! order, and [`HostsView::copy`] then copies the page from the books as they are by now.

use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::Json;
use super::languages::Phrase;
use super::page::{Page, Place, bytes_cell, count_cell, rate_cell, traffic_cell};
use super::query::{Filter, HostsQuery, Search, Sort};
use super::units::Grouped;
use super::{Context, Hidden, HostName, HostRow, NameSource};
use crate::ledger::{Evicted, Lately, Ledger, Traffic};
use crate::limits::{HOSTS_LISTED_MAX, HOSTS_SHOWN_MAX, SEARCH_BYTES_MAX};
use crate::monitor::Monitor;
use crate::packet::{Address, Mac};

/// How many hosts a reader can have on a page; of the last, all.
const COUNTS: [usize; 4] = [25, 50, HOSTS_SHOWN_MAX, HOSTS_LISTED_MAX];

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
    /// The hosts that were chosen by their names, by address. Their key is their place by name.
    chosen: Vec<Rank>,
    names: Vec<HostName>,
    rows: Vec<HostRow>,
    limit: usize,
}

impl HostsView {
    /// An empty page with room for this many rows, over tables of up to `hosts` hosts. All memory is
    /// allocated here: 24 bytes for a host and 208 for a row, and 96 for a host whose name is asked for, which
    /// take no memory before that.
    pub fn with_capacity(hosts: usize, rows: usize) -> Self {
        Self {
            header: Header::default(),
            query: HostsQuery::default(),
            matching: 0,
            others: Evicted::default(),
            ranks: Vec::with_capacity(hosts),
            chosen: Vec::with_capacity(hosts),
            names: Vec::with_capacity(hosts),
            rows: Vec::with_capacity(rows),
            limit: rows,
        }
    }

    /// Copies the addresses of all hosts, for a query that needs their names. Allocates nothing.
    pub fn collect(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        self.chosen.clear();
        for (address, host) in ledger.hosts().take(self.chosen.capacity()) {
            let [a, b, c, d, e, f] = host.mac.0;
            self.chosen.push(Rank { key: u64::from_be_bytes([0, 0, a, b, c, d, e, f]), address });
        }
        Ok(())
    }

    /// Keeps those of the collected hosts that the query searches for, and notes their order by name. Asks each for
    /// its name once. Allocates nothing.
    pub fn choose(&mut self, query: &HostsQuery, source: &dyn NameSource, hidden: Hidden) {
        let Self { chosen, names, .. } = self;
        names.clear();
        chosen.retain_mut(|rank| {
            let [_, _, mac @ ..] = rank.key.to_be_bytes();
            let name = source.name(rank.address, Mac(mac)).unwrap_or_default();
            let is_found = query.search.is_in(&name)
                || is_in(query.search, rank.address)
                || rank.key > 0 && !hidden.macs && is_in(query.search, Mac(mac));
            // There is room for as many names as for hosts.
            let is_kept = is_found && names.len() < names.capacity();
            if is_kept {
                rank.key = names.len() as u64;
                names.push(name);
            }
            is_kept
        });
        sort(chosen, &mut |one, next| {
            let [one_name, next_name] = [one, next].map(|rank| names[rank.key as usize].as_str());
            by_name(one_name, next_name).then(one.address.bits().cmp(&next.address.bits()))
        });
        for (rank, place) in chosen.iter_mut().zip(0..) {
            rank.key = place;
        }
        sort(chosen, &mut |one, next| one.address.bits().cmp(&next.address.bits()));
    }

    /// Copies the page that the query wants; if that needs names, of those chosen. Allocates nothing.
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

    /// How many hosts it can put in order.
    pub fn capacity(&self) -> usize {
        self.ranks.capacity()
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
            json.field("search", self.query.search.text());
            json.field("offset", self.query.offset);
            json.field("matching", self.matching);
            json.field("total", self.header.books.totals.total());
            self.write_rows(json, context, |json, row| row.write_lately(json));
        })
    }

    /// Writes the page as HTML.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.write_begin(out, context)?;
        for index in 0..self.rows.len() {
            self.write_row(out, context, index)?;
        }
        self.write_end(out, context)
    }

    /// Writes the page as far as the rows.
    pub fn write_begin(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = self.page(context);
        let title = |html: &mut Html| _ = html.markup("{Hosts} · ").text(&self.header.books.name);
        Html::write(out, context.language, |html| {
            page.begin(html, &title);
            html.markup("<h1>{Hosts}</h1>\n");
            self.search(html, &page);
            html.markup("<nav class=\"filters\" aria-label=\"{Which hosts}\">\n");
            for filter in Filter::ALL {
                let query = HostsQuery { filter, offset: 0, ..self.query };
                self.link(html, &page, query, filter == self.query.filter);
                html.say(label(filter)).markup("</a>\n");
            }
            // What takes a router long is not asked for again and again.
            let is_still = self.rows.len() > HOSTS_SHOWN_MAX;
            html.markup(if is_still {
                "</nav>\n<div class=\"wide\" data-still>\n"
            } else {
                "</nav>\n<div class=\"wide\">\n"
            });
            html.markup("<table>\n<caption>");
            self.caption(html);
            html.markup("</caption>\n<thead><tr>");
            for (sort, label) in COLUMNS {
                self.column(html, &page, sort, label);
            }
            html.markup("<th scope=\"col\">{MAC address}</th></tr></thead>\n<tbody>\n");
        })
    }

    /// Writes one of the rows, if there is one of this number.
    pub fn write_row(&self, out: &mut dyn fmt::Write, context: &Context, index: usize) -> fmt::Result {
        let page = self.page(context);
        Html::write(out, context.language, |html| {
            self.rows.get(index).into_iter().for_each(|row| host_row(html, &page, row));
        })
    }

    /// Writes what comes after the rows.
    pub fn write_end(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = self.page(context);
        Html::write(out, context.language, |html| {
            html.markup("</tbody>\n<tfoot>\n");
            let Header { books, .. } = &self.header;
            foot_row(html, Phrase("Hosts not on this page"), Some(self.others.hosts), self.others.traffic);
            foot_row(html, Phrase("Hosts that made room"), Some(books.evicted.hosts), books.evicted.traffic);
            let total = books.totals.total();
            foot_row(html, Phrase("Total"), None, Traffic { sent: total, received: total });
            html.markup("</tfoot>\n</table>\n</div>\n");
            self.pages(html, &page);
            page.end(html);
        })
    }

    fn page<'a>(&'a self, context: &'a Context<'a>) -> Page<'a> {
        Page { header: &self.header, context, place: Place::Hosts }
    }

    /// The field for a search, which keeps the rest of the query.
    fn search(&self, html: &mut Html, page: &Page) {
        html.markup("<form class=\"search\" role=\"search\" action=\"");
        page.path(html, Place::Hosts);
        html.markup(
            "\">\n<input type=\"search\" name=\"search\" aria-label=\"{Name, address or MAC address}\"",
        );
        html.markup(" placeholder=\"{Name, address or MAC address}\" maxlength=\"").text(SEARCH_BYTES_MAX);
        html.markup("\" value=\"").text(self.query.search.text()).markup("\">\n");
        hidden(html, "sort", self.query.sort.name());
        if self.query.reverse {
            hidden(html, "order", "reverse");
        }
        hidden(html, "show", self.query.filter.name());
        hidden(html, "count", self.query.count);
        if page.header.interfaces.len() > 1 {
            hidden(html, "interface", &self.header.books.name);
        }
        html.markup("<button type=\"submit\">{Search}</button>\n</form>\n");
    }

    fn caption(&self, html: &mut Html) {
        let matching = Grouped(self.matching as u64);
        if self.matching == 0 {
            html.markup("{No hosts}");
        } else if self.rows.is_empty() {
            html.phrase("None of the % hosts", &[&matching]);
        } else {
            let first = self.query.offset as u64 + 1;
            let last = Grouped(self.query.offset as u64 + self.rows.len() as u64);
            html.phrase("Hosts % to % of %", &[&Grouped(first), &last, &matching]);
        }
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
        if !query.search.is_empty() {
            html.markup("&amp;search=").url(query.search.text());
        }
        page.same_interface(html);
        html.markup(if current { "\" aria-current=\"true\">" } else { "\">" });
    }

    fn column(&self, html: &mut Html, page: &Page, sort: Sort, label: Phrase) {
        let current = sort == self.query.sort;
        let ascending = sort.is_ascending() != self.query.reverse;
        html.markup(if sort.is_ascending() { "<th scope=\"col\"" } else { "<th scope=\"col\" class=\"n\"" });
        // The column of names has the addresses as well, and is sorted by either.
        let by_address = sort == Sort::Name && self.query.sort == Sort::Address;
        html.markup(match (current || by_address, ascending) {
            (false, _) => ">",
            (true, true) => " aria-sort=\"ascending\">",
            (true, false) => " aria-sort=\"descending\">",
        });
        if sort == Sort::Last && page.context.hidden.last_seen {
            html.say(label);
        } else {
            self.sort_link(html, page, sort, label);
        }
        if sort == Sort::Name {
            html.markup(" ");
            self.sort_link(html, page, Sort::Address, Phrase("Address"));
        }
        html.markup("</th>");
    }

    /// A link to the hosts in another order, or the other way round.
    fn sort_link(&self, html: &mut Html, page: &Page, sort: Sort, label: Phrase) {
        let current = sort == self.query.sort;
        let reverse = current && !self.query.reverse;
        self.link(html, page, HostsQuery { sort, reverse, offset: 0, ..self.query }, current);
        html.say(label).markup("</a>");
    }

    fn pages(&self, html: &mut Html, page: &Page) {
        let HostsQuery { offset, count, .. } = self.query;
        html.markup("<nav class=\"pages\" aria-label=\"{Pages of hosts}\">\n");
        if offset > 0 {
            let offset = offset.min(self.matching).saturating_sub(count);
            self.link(html, page, HostsQuery { offset, ..self.query }, false);
            html.markup("← {previous}</a>\n");
        }
        if offset.saturating_add(self.rows.len()) < self.matching {
            let offset = offset + self.rows.len();
            self.link(html, page, HostsQuery { offset, ..self.query }, false);
            html.markup("{next} →</a>\n");
        }
        html.markup("<span>{Hosts on a page}:</span>\n");
        for wanted in COUNTS {
            self.link(html, page, HostsQuery { count: wanted, ..self.query }, wanted == count);
            if wanted == HOSTS_LISTED_MAX { html.markup("{all}") } else { html.text(wanted) }
                .markup("</a>\n");
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
        for row in HostRow::all(ledger, Sort::default()) {
            all.hosts += 1;
            all.traffic += row.host.total();
            if let Some(key) = self.key(&row)
                && self.ranks.len() < self.ranks.capacity()
            {
                let key = if query.reverse { !key } else { key };
                self.ranks.push(Rank { key, address: row.address });
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

    /// By what a host is put in order, if it is one that is wanted.
    fn key(&self, row: &HostRow) -> Option<u64> {
        let query = &self.query;
        let key = match query.needs_names() {
            false => query.sort.key(row),
            true => {
                let bits = row.address.bits();
                let index = self.chosen.binary_search_by_key(&bits, |rank| rank.address.bits()).ok()?;
                if query.sort == Sort::Name { self.chosen[index].key } else { query.sort.key(row) }
            }
        };
        query.filter.admits(row).then_some(key)
    }

    /// Puts the ranks in order, and takes the page's part of them.
    fn copy_page(&mut self, ledger: &Ledger) {
        let Self { query, ranks, rows, limit, .. } = self;
        let backwards = query.reverse && query.sort == Sort::Address;
        let order = |rank: &Rank| {
            let bits = rank.address.bits();
            (rank.key, if backwards { !bits } else { bits })
        };
        let start = query.offset.min(ranks.len());
        let count = query.count.min(*limit).min(ranks.len() - start);
        sort(ranks, &mut |one, next| order(one).cmp(&order(next)));
        let page = &ranks[start..start + count];
        rows.extend(page.iter().filter_map(|rank| HostRow::of(ledger, rank.address)));
    }
}

/// The columns by which hosts are sorted, those first that a telephone is to show without being pushed.
const COLUMNS: [(Sort, Phrase); 9] = [
    (Sort::Name, Phrase("Name")),
    (Sort::Now, Phrase("Now")),
    (Sort::Today, Phrase("Today")),
    (Sort::Total, Phrase("Total")),
    (Sort::Received, Phrase("Received")),
    (Sort::Sent, Phrase("Sent")),
    (Sort::Packets, Phrase("Packets")),
    (Sort::Last, Phrase("Last seen")),
    (Sort::First, Phrase("First seen")),
];

const fn label(filter: Filter) -> Phrase {
    match filter {
        Filter::All => Phrase("all"),
        Filter::Local => Phrase("local"),
        Filter::Remote => Phrase("remote"),
        Filter::V4 => Phrase("IPv4"),
        Filter::V6 => Phrase("IPv6"),
    }
}

/// True if what is searched for is in what this prints, which is no longer than a name.
fn is_in(search: Search, value: impl fmt::Display) -> bool {
    let mut text = HostName::new();
    fmt::Write::write_fmt(&mut text, format_args!("{value}")).is_ok() && search.is_in(&text)
}

/// The order of names, whatever the case of Latin letters; what has none comes last.
fn by_name(one: &str, next: &str) -> Ordering {
    let one_folded = one.bytes().map(|byte| byte.to_ascii_lowercase());
    let next_folded = next.bytes().map(|byte| byte.to_ascii_lowercase());
    one.is_empty().cmp(&next.is_empty()).then_with(|| one_folded.cmp(next_folded))
}

/// Sorts ranks; the one instance of it that all orders share.
fn sort(ranks: &mut [Rank], order: &mut dyn FnMut(&Rank, &Rank) -> Ordering) {
    ranks.sort_unstable_by(order);
}

fn hidden(html: &mut Html, name: &'static str, value: impl fmt::Display) {
    html.markup("<input type=\"hidden\" name=\"").markup(name).markup("\" value=\"");
    html.text(value).markup("\">\n");
}

fn host_row(html: &mut Html, page: &Page, row: &HostRow) {
    let total = row.host.total();
    html.markup(if row.is_local() {
        "<tr class=\"local\"><th scope=\"row\">"
    } else {
        "<tr><th scope=\"row\">"
    });
    page.host(html, row);
    html.markup("</th>");
    let Lately { rate, today } = row.lately;
    rate_cell(html, rate.received, rate.sent);
    bytes_cell(html, today[0].saturating_add(today[1]));
    traffic_cells(html, total);
    html.markup("<td class=\"n\">");
    if let Some(seconds) = page.context.last_seen(row.host.last_seen.into()) {
        page.ago(html, seconds as i64);
    }
    html.markup("</td><td class=\"n\">");
    page.ago(html, row.host.first_seen.into());
    html.markup("</td><td>");
    page.mac(html, row.host.mac);
    html.markup("</td></tr>\n");
}

fn foot_row(html: &mut Html, label: Phrase, hosts: Option<u64>, traffic: Traffic) {
    html.markup("<tr><th scope=\"row\">").say(label);
    if let Some(hosts) = hosts {
        html.markup(": ").text(Grouped(hosts));
    }
    html.markup("</th><td colspan=\"2\"></td>");
    traffic_cells(html, traffic);
    html.markup("<td colspan=\"3\"></td></tr>\n");
}

fn traffic_cells(html: &mut Html, traffic: Traffic) {
    for counters in [traffic.both(), traffic.received, traffic.sent] {
        traffic_cell(html, counters);
    }
    count_cell(html, traffic.both().packets);
}

#[cfg(test)]
mod tests;
