//! The ports of an interface: those with the most traffic of each transport and side.

use core::{fmt, iter};

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::{Json, Value};
use super::languages::Phrase;
use super::page::{Page, Place, count_cell, traffic_cell};
use super::top::{Rest, Top};
use super::units::{Bytes, Grouped};
use super::{Context, PortLine};
use crate::ledger::{Counters, Ledger, PortOwner, PortsLeft};
use crate::limits::PORTS_IN_SIGHT;
use crate::monitor::Monitor;
use crate::table::PortKind;

/// The tables on pages, what is used elsewhere first.
pub(super) const PORT_TABLES: [(PortKind, Phrase); 4] = [
    (PortKind::TcpRemote, Phrase("Remote TCP ports")),
    (PortKind::UdpRemote, Phrase("Remote UDP ports")),
    (PortKind::TcpLocal, Phrase("Local TCP ports")),
    (PortKind::UdpLocal, Phrase("Local UDP ports")),
];

/// The lists of an owner's ports, and of a host's IP protocols, in the order of [`PortKind::ALL`].
#[derive(Clone, Debug)]
pub struct PortLists([Top<PortLine>; PortKind::ALL.len()]);

impl PortLists {
    /// Empty lists of at most `rows` rows each. All memory is allocated here.
    pub fn with_limit(rows: usize) -> Self {
        Self(PortKind::ALL.map(|_| Top::with_limit(rows)))
    }

    /// The list of one transport and side, or of the protocols.
    pub fn of(&self, kind: PortKind) -> &Top<PortLine> {
        &self.0[kind as usize]
    }

    /// Copies the rows of an owner in one pass over the table, and those of `more`.
    pub(super) fn copy(&mut self, ledger: &Ledger, owner: PortOwner, more: impl Iterator<Item = PortLine>) {
        self.0.iter_mut().for_each(Top::clear);
        let rows = ledger.ports(owner).map(|(kind, port, row)| PortLine { kind, port, row: *row });
        for line in rows.chain(more) {
            self.0[line.kind as usize].offer(line);
        }
        self.0.iter_mut().for_each(Top::finish);
    }

    /// Writes the lists of ports as a field; `more` writes what a list has besides its rows.
    pub(super) fn write(&self, json: &mut Json, more: impl Fn(&mut Json, PortKind)) {
        let list = |json: &mut Json, name, kind| {
            json.key(name).object(|json| {
                json.key("rows").array(|json| self.of(kind).rows().iter().for_each(|row| json.value(row)));
                json.field("others", self.of(kind).rest());
                more(json, kind);
            });
        };
        json.key("ports").object(|json| {
            json.key("tcp").object(|json| {
                list(json, "local", PortKind::TcpLocal);
                list(json, "remote", PortKind::TcpRemote);
            });
            json.key("udp").object(|json| {
                list(json, "local", PortKind::UdpLocal);
                list(json, "remote", PortKind::UdpRemote);
            });
        });
    }
}

impl Value for Rest {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("rows", self.rows);
            json.field("inbound", self.inbound);
            json.field("outbound", self.outbound);
        });
    }
}

/// The interface's ports.
pub struct PortsView {
    /// The interface.
    pub header: Header,
    /// The ports.
    pub lists: PortLists,
    /// What there is besides rows, in the order of [`PortKind::ALL`].
    pub left: [PortsLeft; PortKind::ALL.len()],
}

impl PortsView {
    /// An empty view of at most `rows` rows of each transport and side. All memory is allocated here.
    pub fn with_capacity(rows: usize) -> Self {
        Self { header: Header::default(), lists: PortLists::with_limit(rows), left: Default::default() }
    }

    /// Copies the ports. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        self.copy_rows(ledger);
        Ok(())
    }

    /// Writes the ports as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| self.write_rows(json))
    }

    /// Writes the ports as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Ports };
        page.write(out, &|html| _ = html.markup("{Ports} · ").text(&self.header.books.name), |html| {
            html.markup("<h1>{Ports}</h1>\n<p class=\"note\">").phrase(
                "A remote port tells what is used elsewhere, a local port what is offered here. What is neither in nor \
                 out shows twice, as in and as out: traffic within the local network at its local ports, traffic that \
                 only passes through at its remote ports. In the total it counts once, as other.",
                &[],
            );
            html.markup("</p>\n<section class=\"tables\" aria-label=\"{Ports}\">\n");
            for (kind, caption) in PORT_TABLES {
                self.table(html, kind, caption);
            }
            html.markup("</section>\n");
        })
    }

    fn table(&self, html: &mut Html, kind: PortKind, caption: Phrase) {
        let table = PortTable { kind, list: self.lists.of(kind), heads: &HEADS };
        let left = &self.left[kind as usize];
        table.write(html, caption, &|html| {
            table.foot(html, Phrase("Rows that made room"), left.evicted_inbound, left.evicted_outbound);
            table.foot(html, Phrase("Packets without ports"), left.portless_inbound, left.portless_outbound);
            table.other(html, left.other);
            let [inbound, outbound] = self.total(kind);
            html.markup("<tr><th scope=\"row\" colspan=\"2\">{Total}</th>");
            for counters in [inbound, outbound, left.other, inbound + outbound + left.other] {
                traffic_cell(html, counters);
            }
            table.end_row(html);
        });
    }

    /// What came in and what went out over these ports, without what did neither.
    fn total(&self, kind: PortKind) -> [Counters; 2] {
        let left = &self.left[kind as usize];
        let rest = self.lists.of(kind).rest();
        let rows = self.lists.of(kind).rows();
        let inbound: Counters = rows.iter().map(|line| line.row.inbound).sum();
        let outbound: Counters = rows.iter().map(|line| line.row.outbound).sum();
        [
            inbound + rest.inbound + left.evicted_inbound + left.portless_inbound - left.other,
            outbound + rest.outbound + left.evicted_outbound + left.portless_outbound - left.other,
        ]
    }

    /// Writes the ports as a field.
    pub(super) fn write_rows(&self, json: &mut Json) {
        self.lists.write(json, |json, kind| {
            let left = &self.left[kind as usize];
            json.key("evicted").object(|json| {
                json.field("inbound", left.evicted_inbound);
                json.field("outbound", left.evicted_outbound);
            });
            json.key("portless").object(|json| {
                json.field("inbound", left.portless_inbound);
                json.field("outbound", left.portless_outbound);
            });
            let [inbound, outbound] = self.total(kind);
            json.key("total").object(|json| {
                json.field("inbound", inbound);
                json.field("outbound", outbound);
                json.field("other", left.other);
            });
        });
    }

    pub(super) fn copy_rows(&mut self, ledger: &Ledger) {
        self.lists.copy(ledger, PortOwner::Interface, iter::empty());
        for (left, kind) in self.left.iter_mut().zip(PortKind::ALL) {
            *left = ledger.ports_left(kind);
        }
    }
}

/// The columns of an interface's ports.
const HEADS: [Phrase; 4] = [Phrase("In"), Phrase("Out"), Phrase("Other"), Phrase("Total")];

/// A table of ports of one transport and side.
pub(super) struct PortTable<'a> {
    /// The transport and side.
    pub kind: PortKind,
    /// The ports.
    pub list: &'a Top<PortLine>,
    /// The columns of traffic.
    pub heads: &'static [Phrase],
}

impl PortTable<'_> {
    /// Writes the table, whose last rows are what `foot` writes. The rows that people look for come first: those
    /// with a name, then the ones with the most traffic. Those that follow are in a table that is opened.
    pub fn write(&self, html: &mut Html, caption: Phrase, foot: &dyn Fn(&mut Html)) {
        let is_named = |line: &&PortLine| line.name().is_some();
        let rows = || {
            let all = self.list.rows().iter();
            all.clone().filter(is_named).chain(all.filter(move |line| !is_named(line)))
        };
        html.markup("<div class=\"wide\">\n");
        self.head(html, caption);
        rows().take(PORTS_IN_SIGHT).for_each(|line| self.row(html, line));
        let mut more = self.list.rest();
        rows().skip(PORTS_IN_SIGHT).for_each(|line| more.add_traffic((line.row.inbound, line.row.outbound)));
        self.rest(html, more, "% more ports");
        html.markup("</tbody>\n<tfoot>\n");
        foot(html);
        html.markup("</tfoot>\n</table>\n");
        let hidden = self.list.rows().len().saturating_sub(PORTS_IN_SIGHT);
        if hidden > 0 {
            html.markup("<details>\n<summary>").phrase("% more ports", &[&hidden]);
            html.markup("</summary>\n");
            self.head(html, caption);
            rows().skip(PORTS_IN_SIGHT).for_each(|line| self.row(html, line));
            self.rest(html, self.list.rest(), "% more");
            html.markup("</tbody>\n</table>\n</details>\n");
        }
        html.markup("</div>\n");
    }

    fn head(&self, html: &mut Html, caption: Phrase) {
        html.markup("<table>\n<caption>").say(caption).markup("</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\" class=\"n\">{Port}</th><th scope=\"col\">{Service}</th>");
        for head in self.heads {
            html.markup("<th scope=\"col\" class=\"n\">").say(*head).markup("</th>");
        }
        if is_tcp(self.kind) {
            html.markup(
                "<th scope=\"col\" class=\"n\"><abbr title=\"{connection attempts}\">SYN</abbr></th>",
            );
        }
        html.markup("</tr></thead>\n<tbody>\n");
    }

    fn row(&self, html: &mut Html, line: &PortLine) {
        html.markup("<tr><th scope=\"row\" class=\"n\">").text(line.port).markup("</th><td>");
        html.text(line.name().unwrap_or_default()).markup("</td>");
        self.cells(html, line.row.inbound, line.row.outbound);
        if is_tcp(self.kind) {
            count_cell(html, line.row.syns.into());
        }
        html.markup("</tr>\n");
    }

    /// The rows that are not here, if there are any.
    fn rest(&self, html: &mut Html, rest: Rest, label: &'static str) {
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><td colspan=\"2\">").phrase(label, &[&Grouped(rest.rows)]);
            html.markup("</td>");
            self.cells(html, rest.inbound, rest.outbound);
            self.end_row(html);
        }
    }

    /// A row below the ports.
    pub fn foot(&self, html: &mut Html, label: Phrase, inbound: Counters, outbound: Counters) {
        html.markup("<tr><th scope=\"row\" colspan=\"2\">").say(label).markup("</th>");
        self.cells(html, inbound, outbound);
        self.end_row(html);
    }

    /// What is neither in nor out, which the rows above have as both: so the columns add up to the total.
    fn other(&self, html: &mut Html, other: Counters) {
        if other.is_zero() {
            return;
        }
        let Some(label) = counted_once(self.kind) else { return };
        html.markup("<tr><th scope=\"row\" colspan=\"2\">").say(label).markup("</th>");
        for sign in ["−", "−", "", "−"] {
            html.markup("<td class=\"n\">").markup(sign).text(Bytes(other.bytes)).markup("</td>");
        }
        self.end_row(html);
    }

    fn end_row(&self, html: &mut Html) {
        html.markup(if is_tcp(self.kind) { "<td></td></tr>\n" } else { "</tr>\n" });
    }

    /// The columns of traffic. What is neither in nor out is no port's alone, so its column is empty.
    fn cells(&self, html: &mut Html, inbound: Counters, outbound: Counters) {
        traffic_cell(html, inbound);
        traffic_cell(html, outbound);
        html.markup(if self.heads.len() > 3 { "<td></td>" } else { "" });
        html.markup("<td class=\"n\">").text(Bytes((inbound + outbound).bytes)).markup("</td>");
    }
}

/// What is called what these ports have on two rows and the total has once.
pub(super) const fn counted_once(kind: PortKind) -> Option<Phrase> {
    match kind {
        PortKind::TcpLocal | PortKind::UdpLocal => Some(Phrase("Local to local, counted once")),
        PortKind::TcpRemote | PortKind::UdpRemote => Some(Phrase("Passing through, counted once")),
        PortKind::Protocol => None,
    }
}

const fn is_tcp(kind: PortKind) -> bool {
    matches!(kind, PortKind::TcpLocal | PortKind::TcpRemote)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::Direction;
    use crate::view::HostView;
    use crate::view::samples::{address, seeded};

    #[test]
    fn short_lists_and_full_tables_keep_the_sum() {
        for port_rows in [16, 128, 8_192] {
            let monitor = seeded("br-lan", 64, port_rows, 10_000, 300);
            let mut view = PortsView::with_capacity(3);
            view.copy(&monitor, None).unwrap();
            let protocols: Vec<_> = monitor.ledgers()[0].protocols().collect();
            for kind in PortKind::ALL.into_iter().filter(|kind| *kind != PortKind::Protocol) {
                let number = if is_tcp(kind) { 6 } else { 17 };
                let total = protocols.iter().find(|(protocol, _)| *protocol == number).unwrap().1;
                let list = view.lists.of(kind);
                assert!(list.rows().len() <= 3);
                let left = &view.left[kind as usize];
                let shown: Counters = list.rows().iter().map(|line| line.row.inbound).sum();
                let sum = shown + list.rest().inbound + left.evicted_inbound + left.portless_inbound;
                let internal = match kind {
                    PortKind::TcpLocal | PortKind::UdpLocal => total.of(Direction::Internal),
                    _ => Counters::default(),
                };
                assert_eq!(sum, total.of(Direction::Inbound) + internal);
                let ways = [Direction::Inbound, Direction::Outbound].map(|way| total.of(way));
                assert_eq!(view.total(kind), ways, "each packet once");
                let is_local = matches!(kind, PortKind::TcpLocal | PortKind::UdpLocal);
                let other = if is_local { Direction::Internal } else { Direction::Transit };
                assert_eq!(left.other, total.of(other));
                assert_eq!(is_local, !internal.is_zero(), "there is such traffic");
            }
        }
    }

    #[test]
    fn ports_with_a_name_come_first_and_those_out_of_sight_are_in_a_list() {
        let kind = PortKind::UdpLocal;
        let line = |port: u16| {
            let inbound = Counters::new(1, port.into());
            PortLine { kind, port, row: crate::table::PortRow { inbound, ..Default::default() } }
        };
        let written = |largest: u16| {
            let mut list = Top::with_limit(80);
            list.fill((60_000..=largest).map(line).chain([line(53), line(123)]));
            let mut out = String::new();
            Html::write(&mut out, &crate::view::languages::ENGLISH, |html| {
                PortTable { kind, list: &list, heads: &HEADS }.write(html, Phrase("Ports"), &|_| {});
            })
            .unwrap();
            out
        };
        let rows = |part: &str| part.matches("<th scope=\"row\"").count();

        let out = written(60_049);
        let (sight, hidden) = out.split_once("<details>").unwrap();
        assert_eq!((rows(sight), rows(hidden)), (PORTS_IN_SIGHT, 52 - PORTS_IN_SIGHT));
        let places = [">123<", ">53<", ">60049<"].map(|port| sight.find(port).unwrap());
        assert!(places.is_sorted(), "{places:?}");
        assert!(!hidden.contains("class=\"rest\""), "{hidden}");

        let out = written(60_099);
        let (sight, hidden) = out.split_once("<details>").unwrap();
        assert_eq!((rows(sight), rows(hidden)), (PORTS_IN_SIGHT, 80 - PORTS_IN_SIGHT));
        assert!(sight.contains("86 more ports"), "{sight}");
        assert!(
            hidden.contains("<summary>64 more ports</summary>") && hidden.contains(">22 more<"),
            "{hidden}"
        );
    }

    #[test]
    fn a_hosts_ports_are_its_own() {
        let monitor = seeded("br-lan", 64, 65_536, 10_000, 300);
        let ledger = &monitor.ledgers()[0];
        let mut view = HostView::new();
        view.copy(&monitor, None, address("192.168.1.5")).unwrap();
        let list = view.ports.of(PortKind::TcpRemote);
        assert_eq!(list.rows()[0].port, 443);
        let rows: Counters = list.rows().iter().map(|line| line.row.outbound).sum();
        let tcp = ledger.host(address("192.168.1.5")).unwrap().transport(crate::ledger::Transport::Tcp);
        assert_eq!(rows + list.rest().outbound, tcp.sent);
        assert_eq!(view.copy(&monitor, None, address("10.9.9.9")), Err(NotFound));
    }
}
