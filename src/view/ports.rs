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
                 out counts as both: traffic within the local network at its local ports, traffic that only passes \
                 through at its remote ports.",
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
        let list = self.lists.of(kind);
        let left = &self.left[kind as usize];
        let rest = list.rest();
        let shown = list.rows().iter().fold((Counters::default(), Counters::default()), |sum, line| {
            (sum.0 + line.row.inbound, sum.1 + line.row.outbound)
        });
        table_head(html, kind, caption, Phrase("In"), Phrase("Out"));
        table_rows(html, list);
        html.markup("</tbody>\n<tfoot>\n");
        foot_row(html, kind, Phrase("Rows that made room"), left.evicted_inbound, left.evicted_outbound);
        foot_row(html, kind, Phrase("Packets without ports"), left.portless_inbound, left.portless_outbound);
        let inbound = shown.0 + rest.inbound + left.evicted_inbound + left.portless_inbound;
        let outbound = shown.1 + rest.outbound + left.evicted_outbound + left.portless_outbound;
        foot_row(html, kind, Phrase("Total"), inbound, outbound);
        html.markup("</tfoot>\n</table>\n");
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
        });
    }

    pub(super) fn copy_rows(&mut self, ledger: &Ledger) {
        self.lists.copy(ledger, PortOwner::Interface, iter::empty());
        for (left, kind) in self.left.iter_mut().zip(PortKind::ALL) {
            *left = ledger.ports_left(kind);
        }
    }
}

/// Begins a table of ports.
pub(super) fn table_head(
    html: &mut Html,
    kind: PortKind,
    caption: Phrase,
    inbound: Phrase,
    outbound: Phrase,
) {
    html.markup("<table>\n<caption>").say(caption).markup("</caption>\n<thead><tr>");
    html.markup("<th scope=\"col\" class=\"n\">{Port}</th><th scope=\"col\">{Service}</th>");
    html.markup("<th scope=\"col\" class=\"n\">").say(inbound);
    html.markup("</th><th scope=\"col\" class=\"n\">").say(outbound);
    html.markup("</th><th scope=\"col\" class=\"n\">{Total}</th>");
    if is_tcp(kind) {
        html.markup("<th scope=\"col\" class=\"n\"><abbr title=\"{connection attempts}\">SYN</abbr></th>");
    }
    html.markup("</tr></thead>\n<tbody>\n");
}

/// The rows of a table of ports, and those that it has no place for.
pub(super) fn table_rows(html: &mut Html, list: &Top<PortLine>) {
    for line in list.rows() {
        html.markup("<tr><th scope=\"row\" class=\"n\">").text(line.port).markup("</th><td>");
        html.text(line.name().unwrap_or_default()).markup("</td>");
        traffic_cells(html, line.row.inbound, line.row.outbound);
        if line.is_tcp() {
            count_cell(html, line.row.syns.into());
        }
        html.markup("</tr>\n");
    }
    let rest = list.rest();
    if rest.rows > 0 {
        html.markup("<tr class=\"rest\"><td colspan=\"2\">").phrase("% more", &[&Grouped(rest.rows)]);
        html.markup("</td>");
        traffic_cells(html, rest.inbound, rest.outbound);
        html.markup(if list.rows().iter().any(PortLine::is_tcp) { "<td></td></tr>\n" } else { "</tr>\n" });
    }
}

/// A row below a table of ports.
pub(super) fn foot_row(
    html: &mut Html,
    kind: PortKind,
    label: Phrase,
    inbound: Counters,
    outbound: Counters,
) {
    html.markup("<tr><th scope=\"row\" colspan=\"2\">").say(label).markup("</th>");
    traffic_cells(html, inbound, outbound);
    html.markup(if is_tcp(kind) { "<td></td></tr>\n" } else { "</tr>\n" });
}

/// In, out, and the sum of these, whose exact numbers are beside it.
fn traffic_cells(html: &mut Html, inbound: Counters, outbound: Counters) {
    traffic_cell(html, inbound);
    traffic_cell(html, outbound);
    html.markup("<td class=\"n\">").text(Bytes((inbound + outbound).bytes)).markup("</td>");
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
            }
        }
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
