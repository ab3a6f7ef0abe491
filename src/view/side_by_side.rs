//! Ports and IP protocols of all interfaces side by side: a row for each, and columns for each interface.
//!
//! There is no sum over interfaces: what a router forwards shows at two of them.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::Json;
use super::languages::Phrase;
use super::page::{Page, Place, traffic_cell};
use super::ports::{PORT_TABLES, counted_once};
use super::units::Bytes;
use super::{Context, PortLine};
use crate::ledger::{Counters, Directions, Ledger, PortOwner};
use crate::limits::{INTERFACES_MAX, SIDE_BY_SIDE_ROWS};
use crate::monitor::Monitor;
use crate::network::Direction;
use crate::packet::protocol;
use crate::table::{PortKind, PortRow};

use super::top::Top;

/// What stands in the place of an interface's name where all are wanted.
pub const ALL_INTERFACES: &str = "all";

/// What came in, what went out, and of protocols what did neither.
type Cell = [Counters; 3];

/// The columns that each interface has: two of them for ports, since what does neither has both its ends on
/// one side and counts as both.
const COLUMNS: [(&str, Phrase); 3] =
    [("inbound", Phrase("In")), ("outbound", Phrase("Out")), ("other", Phrase("Other"))];

/// One kind of ports, or the protocols.
struct Table {
    numbers: Vec<u16>,
    /// Those of the first number's interfaces, then those of the second's.
    cells: Vec<Cell>,
    /// All traffic of the kind, by interface. Of ports, what is neither in nor out is in both as well.
    totals: heapless::Vec<Cell, INTERFACES_MAX>,
}

/// The ports and protocols with the most traffic on any interface.
pub struct SideBySideView {
    header: Header,
    tables: [Table; PortKind::ALL.len()],
    /// The ports of one interface while they are looked for.
    found: Top<PortLine>,
    /// Which ports may be shown, by their bytes on all interfaces.
    candidates: Vec<(Reverse<u64>, u16)>,
}

impl SideBySideView {
    /// An empty view of so many interfaces. All memory is allocated here: 3 KB for each of them.
    pub fn with_interfaces(interfaces: usize) -> Self {
        Self {
            header: Header::default(),
            tables: PortKind::ALL.map(|_| Table {
                numbers: Vec::with_capacity(SIDE_BY_SIDE_ROWS),
                cells: Vec::with_capacity(SIDE_BY_SIDE_ROWS * interfaces),
                totals: heapless::Vec::new(),
            }),
            found: Top::with_limit(SIDE_BY_SIDE_ROWS),
            candidates: Vec::with_capacity(SIDE_BY_SIDE_ROWS * interfaces),
        }
    }

    /// Copies the ports and protocols that are among those with the most bytes on one of the interfaces; of
    /// these, the ones with the most bytes on all. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor) -> Result<(), NotFound> {
        self.header.copy(monitor, None)?;
        self.header.chosen = self.header.interfaces.len();
        for kind in PortKind::ALL {
            self.copy_kind(monitor, kind);
        }
        Ok(())
    }

    fn copy_kind(&mut self, monitor: &Monitor, kind: PortKind) {
        let ledgers = || monitor.ledgers().iter().take(INTERFACES_MAX);
        self.candidates.clear();
        for ledger in ledgers() {
            self.found.clear();
            let protocols = ledger.protocols().filter(|_| kind == PortKind::Protocol);
            let ports = ledger.ports(PortOwner::Interface).filter(|(found, ..)| *found == kind);
            ports.map(|(_, number, row)| (number, *row)).chain(protocols.map(as_row)).for_each(
                |(port, row)| {
                    self.found.offer(PortLine { kind, port, row });
                },
            );
            self.found.finish();
            for &PortLine { port, .. } in self.found.rows() {
                let has_room = self.candidates.len() < self.candidates.capacity();
                if has_room && self.candidates.iter().all(|(_, known)| *known != port) {
                    let bytes = ledgers().flat_map(|ledger| cell(ledger, kind, port)).sum::<Counters>().bytes;
                    self.candidates.push((Reverse(bytes), port));
                }
            }
        }
        self.candidates.sort_unstable();
        let table = &mut self.tables[kind as usize];
        table.numbers.clear();
        table.cells.clear();
        table.totals.clear();
        for &(_, number) in self.candidates.iter().take(SIDE_BY_SIDE_ROWS) {
            table.numbers.push(number);
            table.cells.extend(ledgers().map(|ledger| cell(ledger, kind, number)));
        }
        table.totals.extend(ledgers().map(|ledger| total(ledger, kind)));
    }

    /// Writes the ports as JSON.
    pub fn write_ports_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("ports").object(|json| {
                for (transport, kinds) in [
                    ("tcp", [PortKind::TcpLocal, PortKind::TcpRemote]),
                    ("udp", [PortKind::UdpLocal, PortKind::UdpRemote]),
                ] {
                    json.key(transport).object(|json| {
                        for (side, kind) in ["local", "remote"].into_iter().zip(kinds) {
                            json.key(side);
                            self.write_table(json, kind);
                        }
                    });
                }
            });
        })
    }

    /// Writes the protocols as JSON.
    pub fn write_protocols_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("protocols");
            self.write_table(json, PortKind::Protocol);
        })
    }

    fn write_table(&self, json: &mut Json, kind: PortKind) {
        let table = &self.tables[kind as usize];
        let [number, name] = if has_ports(kind) { ["port", "service"] } else { ["number", "name"] };
        json.object(|json| {
            json.key("rows").array(|json| {
                for (row, cells) in table.rows() {
                    json.object(|json| {
                        json.field(number, row);
                        json.field(name, name_of(kind, row));
                        self.write_cells(json, kind, cells);
                    });
                }
            });
            for (name, cells) in [("others", &table.others(kind)), ("total", &table.totals)] {
                json.key(name).object(|json| self.write_cells(json, kind, cells));
            }
        });
    }

    fn write_cells(&self, json: &mut Json, kind: PortKind, cells: &[Cell]) {
        json.key("by_interface").array(|json| {
            for (interface, cell) in self.header.interfaces.iter().zip(cells) {
                json.object(|json| {
                    json.field("interface", interface.name.as_str());
                    for ((name, _), counters) in columns(kind).iter().zip(cell) {
                        json.field(name, counters);
                    }
                });
            }
        });
    }

    /// Writes the ports as a page.
    pub fn write_ports_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.write_html(out, context, Place::Ports, Phrase("Ports"), &PORT_TABLES)
    }

    /// Writes the protocols as a page.
    pub fn write_protocols_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let tables = [(PortKind::Protocol, Phrase("IP protocols"))];
        self.write_html(out, context, Place::Protocols, Phrase("Protocols"), &tables)
    }

    fn write_html(
        &self,
        out: &mut dyn fmt::Write,
        context: &Context,
        place: Place,
        heading: Phrase,
        tables: &[(PortKind, Phrase)],
    ) -> fmt::Result {
        let page = Page { header: &self.header, context, place };
        page.write(out, &|html| _ = html.say(heading), |html| {
            html.markup("<h1>").say(heading).markup("</h1>\n<p class=\"note\">");
            html.phrase(
                "What is forwarded from one interface to another shows at both, so there is no sum of them.",
                &[],
            );
            html.markup("</p>\n");
            for (kind, caption) in tables {
                self.table(html, *kind, *caption);
            }
        })
    }

    fn table(&self, html: &mut Html, kind: PortKind, caption: Phrase) {
        let table = &self.tables[kind as usize];
        let columns = columns(kind);
        html.markup("<div class=\"wide\">\n<table>\n<caption>")
            .say(caption)
            .markup("</caption>\n<colgroup span=\"2\"></colgroup>");
        // What belongs to one interface has one background.
        for _ in self.header.interfaces.iter() {
            html.markup("<colgroup span=\"").text(columns.len() + 1).markup("\"></colgroup>");
        }
        html.markup("\n<thead><tr>");
        html.markup(if has_ports(kind) {
            "<th scope=\"col\" rowspan=\"2\" class=\"n\">{Port}</th><th scope=\"col\" rowspan=\"2\">{Service}</th>"
        } else {
            "<th scope=\"col\" rowspan=\"2\" class=\"n\">{Number}</th><th scope=\"col\" rowspan=\"2\">{Name}</th>"
        });
        for interface in self.header.interfaces.iter() {
            html.markup("<th scope=\"colgroup\" colspan=\"");
            html.text(columns.len() + 1).markup("\"><bdi>").text(&interface.name).markup("</bdi></th>");
        }
        html.markup("</tr>\n<tr>");
        for _ in self.header.interfaces.iter() {
            for (_, label) in columns {
                html.markup("<th scope=\"col\" class=\"n\">").say(*label).markup("</th>");
            }
            html.markup("<th scope=\"col\" class=\"n\">{Total}</th>");
        }
        html.markup("</tr></thead>\n<tbody>\n");
        for (row, cells) in table.rows() {
            html.markup("<tr><th scope=\"row\" class=\"n\">").text(row).markup("</th><td>");
            html.text(name_of(kind, row).unwrap_or_default()).markup("</td>");
            write_cells(html, kind, cells);
        }
        html.markup("</tbody>\n<tfoot>\n");
        let label = |html: &mut Html, label: Phrase| {
            html.markup("<tr><th scope=\"row\" colspan=\"2\">").say(label).markup("</th>");
        };
        label(html, Phrase("Others"));
        write_cells(html, kind, &table.others(kind));
        let mut totals = table.totals.clone();
        // What is neither in nor out is in the rows as both, and in the total once.
        if let Some(once) = counted_once(kind)
            && totals.iter().any(|cell| !cell[2].is_zero())
        {
            label(html, once);
            for [inbound, outbound, other] in &mut totals {
                (*inbound, *outbound) = (*inbound - *other, *outbound - *other);
                for _ in 0..=columns.len() {
                    html.markup("<td class=\"n\">−").text(Bytes(other.bytes)).markup("</td>");
                }
            }
            html.markup("</tr>\n");
        }
        label(html, Phrase("Total"));
        write_cells(html, kind, &totals);
        html.markup("</tfoot>\n</table>\n</div>\n");
    }
}

impl Table {
    /// The numbers, each with its cells by interface.
    fn rows(&self) -> impl Iterator<Item = (u16, &[Cell])> {
        self.numbers.iter().copied().zip(self.cells.chunks(self.totals.len().max(1)))
    }

    /// What is on no row.
    fn others(&self, kind: PortKind) -> heapless::Vec<Cell, INTERFACES_MAX> {
        let mut others = self.totals.clone();
        for (_, cells) in self.rows() {
            for (other, cell) in others.iter_mut().flatten().zip(cells.iter().flatten()) {
                *other = *other - *cell;
            }
        }
        if has_ports(kind) {
            others.iter_mut().for_each(|cell| cell[2] = Counters::default());
        }
        others
    }
}

/// Writes the cells of each interface, and their sum, whose exact numbers are beside it.
fn write_cells(html: &mut Html, kind: PortKind, cells: &[Cell]) {
    for cell in cells {
        for counters in &cell[..columns(kind).len()] {
            if counters.is_zero() {
                html.markup("<td></td>");
            } else {
                traffic_cell(html, *counters);
            }
        }
        html.markup("<td class=\"n\">");
        let sum: Counters = cell.iter().copied().sum();
        if !sum.is_zero() {
            html.text(Bytes(sum.bytes));
        }
        html.markup("</td>");
    }
    html.markup("</tr>\n");
}

fn has_ports(kind: PortKind) -> bool {
    kind != PortKind::Protocol
}

fn columns(kind: PortKind) -> &'static [(&'static str, Phrase)] {
    if has_ports(kind) { &COLUMNS[..2] } else { &COLUMNS }
}

fn name_of(kind: PortKind, number: u16) -> Option<&'static str> {
    PortLine { kind, port: number, row: PortRow::default() }.name()
}

/// A protocol as a row, by which the heaviest are found: all that is not inbound counts as outbound.
fn as_row((number, sum): (u8, &Directions)) -> (u16, PortRow) {
    let inbound = sum.of(Direction::Inbound);
    (number.into(), PortRow { inbound, outbound: sum.total() - inbound, syns: 0 })
}

/// An interface's traffic of one port or protocol.
fn cell(ledger: &Ledger, kind: PortKind, number: u16) -> Cell {
    match kind {
        PortKind::Protocol => directions(ledger.protocol(number as u8)),
        _ => {
            let row = ledger.port(kind, number).copied().unwrap_or_default();
            [row.inbound, row.outbound, Counters::default()]
        }
    }
}

/// An interface's traffic of all ports of the kind, or of all protocols.
fn total(ledger: &Ledger, kind: PortKind) -> Cell {
    let (number, both_ways) = match kind {
        PortKind::TcpLocal => (protocol::TCP, Direction::Internal),
        PortKind::TcpRemote => (protocol::TCP, Direction::Transit),
        PortKind::UdpLocal => (protocol::UDP, Direction::Internal),
        PortKind::UdpRemote => (protocol::UDP, Direction::Transit),
        PortKind::Protocol => return directions(ledger.totals()),
    };
    let sum = ledger.protocol(number);
    let both_ways = sum.of(both_ways);
    [sum.of(Direction::Inbound) + both_ways, sum.of(Direction::Outbound) + both_ways, both_ways]
}

fn directions(sum: &Directions) -> Cell {
    [sum.of(Direction::Inbound), sum.of(Direction::Outbound), sum.other()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::seeded_interfaces;

    #[test]
    fn each_interface_has_its_own_sums_in_every_table() {
        let monitor = seeded_interfaces(&["br-lan", "wan", "guest"]);
        let mut view = SideBySideView::with_interfaces(3);
        for _ in 0..2 {
            view.copy(&monitor).unwrap();
        }
        for (kind, table) in PortKind::ALL.into_iter().zip(&view.tables) {
            assert!(!table.numbers.is_empty() && table.numbers.len() <= SIDE_BY_SIDE_ROWS);
            for (number, cells) in table.rows() {
                for (cell, ledger) in cells.iter().zip(monitor.ledgers()) {
                    let mut ports = ledger.ports(PortOwner::Interface);
                    let expected = match kind {
                        PortKind::Protocol => {
                            let sum = ledger.protocols().find(|(protocol, _)| u16::from(*protocol) == number);
                            sum.map_or(Cell::default(), |(_, sum)| directions(sum))
                        }
                        _ => ports
                            .find(|(found, port, _)| (*found, *port) == (kind, number))
                            .map_or(Cell::default(), |(.., row)| {
                                [row.inbound, row.outbound, Counters::default()]
                            }),
                    };
                    assert_eq!(*cell, expected, "{kind:?} {number} of {}", ledger.name());
                }
            }
            // The first row of each interface alone is among the rows.
            for ledger in monitor.ledgers() {
                let ports = ledger.ports(PortOwner::Interface).filter(|(found, ..)| *found == kind);
                let first = ports.max_by_key(|(_, _, row)| (row.inbound + row.outbound).bytes);
                assert!(first.is_none_or(|(_, port, _)| table.numbers.contains(&port)), "{kind:?}");
            }
            for (index, ledger) in monitor.ledgers().iter().enumerate() {
                let shown: Counters = table.rows().map(|(_, cells)| cells[index][0]).sum();
                let left = ledger.ports_left(kind);
                let unseen = left.evicted_inbound + left.portless_inbound;
                let others = table.others(kind);
                assert!(shown + others[index][0] == table.totals[index][0]);
                assert!(others[index][0].bytes >= unseen.bytes);
            }
        }
    }

    #[test]
    fn totals_have_each_packet_once() {
        let monitor = seeded_interfaces(&["br-lan", "wan"]);
        let mut view = SideBySideView::with_interfaces(2);
        view.copy(&monitor).unwrap();
        let mut out = alloc::string::String::new();
        Html::write(&mut out, &crate::view::languages::ENGLISH, |html| {
            view.table(html, PortKind::TcpLocal, Phrase("Ports"));
        })
        .unwrap();
        let (_, foot) = out.split_once("Local to local, counted once").expect("some traffic is local");
        let total = foot.split_once("Total</th>").unwrap().1;
        for ledger in monitor.ledgers() {
            let sum = ledger.protocol(protocol::TCP);
            let all: Counters = Direction::ALL.into_iter().map(|way| sum.of(way)).sum();
            let expected = Bytes((all - sum.of(Direction::Transit)).bytes);
            assert!(total.contains(&format!("<td class=\"n\">{expected}</td>")), "{expected} {total}");
        }
    }
}
