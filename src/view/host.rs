//! One host: its traffic by IP protocol, and its ports.

use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::page::{Page, Place, count_cell, traffic_cell};
use super::units::Grouped;
use super::{Context, HostRow, PortLists};
use crate::ledger::{Counters, PortOwner, Transport};
use crate::limits::HOST_PORTS_SHOWN_MAX;
use crate::monitor::Monitor;
use crate::packet::Address;
use crate::table::PortKind;

/// The host.
pub struct HostView {
    /// The interface.
    pub header: Header,
    /// The host's row.
    pub row: HostRow,
    /// Its ports with the most traffic, its own and those at the other end, and its protocols.
    pub ports: PortLists,
}

impl Default for HostView {
    fn default() -> Self {
        Self::new()
    }
}

impl HostView {
    /// An empty view. All memory is allocated here: 27 KB.
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            row: HostRow::default(),
            ports: PortLists::with_limit(HOST_PORTS_SHOWN_MAX),
        }
    }

    /// Copies the host. Allocates nothing.
    pub fn copy(
        &mut self,
        monitor: &Monitor,
        interface: Option<&str>,
        address: Address,
    ) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        let host = *ledger.host(address).ok_or(NotFound)?;
        self.row = HostRow { address, host };
        self.ports.copy(ledger, PortOwner::Host(address), self.row.protocols());
        Ok(())
    }

    /// Writes the host as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("host").object(|json| {
                self.row.write_fields(json, context);
                self.row.write_transports(json);
                let protocols = self.ports.of(PortKind::Protocol);
                self.row.write_protocols(json, protocols.rows().iter().copied(), protocols.rest());
                self.ports.write(json, |_, _| {});
            });
        })
    }

    /// Writes the host as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Hosts };
        page.write(out, self.row.address, |html| {
            self.facts(html, &page);
            self.protocols(html);
            html.markup("<section class=\"tables\" aria-label=\"Ports\">\n");
            for (kind, caption) in [
                (PortKind::TcpLocal, "Its own TCP ports"),
                (PortKind::TcpRemote, "TCP ports at the other end"),
                (PortKind::UdpLocal, "Its own UDP ports"),
                (PortKind::UdpRemote, "UDP ports at the other end"),
            ] {
                self.ports(html, kind, caption);
            }
            html.markup("</section>\n");
        })
    }

    fn facts(&self, html: &mut Html, page: &Page) {
        let HostRow { address, host } = &self.row;
        html.markup("<h1>");
        match page.context.names.name(*address) {
            Some(name) => {
                html.markup("<bdi>").text(&name).markup("</bdi> <small>").text(address).markup("</small>")
            }
            None => html.text(address),
        };
        html.markup("</h1>\n<dl class=\"facts\">\n<div><dt>Place</dt><dd>");
        html.markup(if host.local { "local" } else { "remote" }).markup("</dd></div>\n");
        if let Some(mac) = page.context.mac(host.mac) {
            html.markup("<div><dt>MAC address</dt><dd><code>").text(mac).markup("</code></dd></div>\n");
        }
        html.markup("<div><dt>First seen</dt><dd>");
        page.time(html, host.first_seen.into());
        html.markup("</dd></div>\n");
        if let Some(seconds) = page.context.last_seen(host.last_seen.into()) {
            html.markup("<div><dt>Last seen</dt><dd>");
            page.time(html, seconds as i64);
            html.markup(" (");
            page.ago(html, seconds as i64);
            html.markup(")</dd></div>\n");
        }
        html.markup("</dl>\n");
    }

    fn protocols(&self, html: &mut Html) {
        html.markup("<table class=\"narrow\">\n<caption>IP protocols</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\" class=\"n\">Number</th><th scope=\"col\">Name</th>");
        for column in ["Received", "Sent", "Packets"] {
            html.markup("<th scope=\"col\" class=\"n\">").markup(column).markup("</th>");
        }
        html.markup("</tr></thead>\n<tbody>\n");
        let list = self.ports.of(PortKind::Protocol);
        for line in list.rows() {
            html.markup("<tr><th scope=\"row\" class=\"n\">").text(line.port).markup("</th><td>");
            html.text(line.name().unwrap_or_default()).markup("</td>");
            traffic_cells(html, line.row.inbound, line.row.outbound);
        }
        let rest = list.rest();
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><td colspan=\"2\">").text(Grouped(rest.rows));
            html.markup(" others</td>");
            traffic_cells(html, rest.inbound, rest.outbound);
        }
        html.markup("</tbody>\n<tfoot>\n");
        let evicted = self.row.protocols_evicted(list.rows().iter().copied(), rest);
        if !evicted.both().is_zero() {
            html.markup("<tr><th scope=\"row\" colspan=\"2\">Not on any row</th>");
            traffic_cells(html, evicted.received, evicted.sent);
        }
        let total = self.row.host.total();
        html.markup("<tr><th scope=\"row\" colspan=\"2\">Total</th>");
        traffic_cells(html, total.received, total.sent);
        html.markup("</tfoot>\n</table>\n");
    }

    fn ports(&self, html: &mut Html, kind: PortKind, caption: &'static str) {
        let list = self.ports.of(kind);
        if list.rows().is_empty() {
            return;
        }
        super::ports::table_head(html, kind, caption, "Received", "Sent");
        super::ports::table_rows(html, list);
        // What is not on a row: those that made room, and packets without ports.
        let class = self.row.host.transport(match kind {
            PortKind::TcpLocal | PortKind::TcpRemote => Transport::Tcp,
            PortKind::UdpLocal | PortKind::UdpRemote => Transport::Udp,
            PortKind::Protocol => Transport::Other,
        });
        let rest = list.rest();
        let shown =
            |column: fn(&super::PortLine) -> Counters| list.rows().iter().map(column).sum::<Counters>();
        let received = class.received - rest.inbound - shown(|line| line.row.inbound);
        let sent = class.sent - rest.outbound - shown(|line| line.row.outbound);
        html.markup("</tbody>\n<tfoot>\n");
        if !(received + sent).is_zero() {
            super::ports::foot_row(html, kind, "Not on any row", received, sent);
        }
        super::ports::foot_row(html, kind, "Total", class.received, class.sent);
        html.markup("</tfoot>\n</table>\n");
    }
}

/// The rest of a row of protocols, and its end.
fn traffic_cells(html: &mut Html, received: Counters, sent: Counters) {
    traffic_cell(html, received);
    traffic_cell(html, sent);
    count_cell(html, (received + sent).packets);
    html.markup("</tr>\n");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Decoded, Packet};
    use crate::time::Timestamp;
    use crate::view::samples::{address, empty};
    use crate::view::{Hidden, NoNames};

    /// A host that has sent a packet of each IP protocol, of as many bytes as its number and a thousand.
    fn view(port_rows: u32) -> HostView {
        let mut monitor = empty("br-lan", 8, port_rows);
        let (source, destination) = (address("192.168.1.5"), address("9.9.9.9"));
        for protocol in 0..=u8::MAX {
            let bytes = 1_000 + u32::from(protocol);
            let packet = Packet { source, destination, protocol, bytes, ..Packet::default() };
            monitor.observe(0, &Decoded::Packet(packet), &[], Timestamp::from_seconds(1_700_000_000));
        }
        monitor.settle(Timestamp::from_seconds(1_700_000_001));
        let mut view = HostView::new();
        view.copy(&monitor, None, source).unwrap();
        view
    }

    fn counters(value: &serde_json::Value) -> Counters {
        Counters::new(value["packets"].as_u64().unwrap(), value["bytes"].as_u64().unwrap())
    }

    #[test]
    fn a_hosts_protocols_and_what_is_beside_them_are_its_traffic() {
        let context = Context {
            now: Timestamp::from_seconds(1_700_000_001),
            utc_offset: 0,
            base: "/",
            names: &NoNames,
            hidden: Hidden::default(),
            notice: None,
        };
        for (port_rows, evicted) in [(65_536, false), (16, true)] {
            let view = view(port_rows);
            let mut out = String::new();
            view.write_json(&mut out, &context).unwrap();
            let json: serde_json::Value = serde_json::from_str(&out).unwrap();
            let protocols = &json["host"]["protocols"];
            let rows = protocols["rows"].as_array().unwrap();
            assert!(rows.len() <= HOST_PORTS_SHOWN_MAX);
            let shown: Counters = rows.iter().map(|row| counters(&row["outbound"])).sum();
            let beside = ["others", "evicted"].map(|name| counters(&protocols[name]["outbound"]));
            let total = Counters::new(256, 256 * 1_000 + 255 * 256 / 2);
            assert_eq!(shown + beside.into_iter().sum(), total);
            assert_eq!(counters(&json["host"]["sent"]), total);
            assert_eq!(!beside[1].is_zero(), evicted);

            out.clear();
            view.write_html(&mut out, &context).unwrap();
            assert_eq!(out.contains("Not on any row"), evicted);
            assert!(out.contains("<th scope=\"row\" class=\"n\">1</th><td>ICMP</td>"), "{out}");
            if !evicted {
                assert_eq!((rows.len(), &protocols["others"]["rows"]), (50, &(255 - 50).into()));
                // It counts ICMPv6 as well.
                assert_eq!((&rows[0]["number"], &rows[0]["outbound"]["bytes"]), (&1.into(), &2_059.into()));
                assert_eq!((&rows[1]["number"], &rows[1]["name"]), (&255.into(), &"Reserved".into()));
            }
        }
    }
}
