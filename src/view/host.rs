//! One host: its traffic by transport, and its ports.

use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::page::{Page, Place, count_cell, traffic_cell};
use super::{Context, HostRow, PortLists};
use crate::ledger::{PortOwner, Transport};
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
    /// Its ports with the most traffic: its own, and those at the other end.
    pub ports: PortLists,
}

impl Default for HostView {
    fn default() -> Self {
        Self::new()
    }
}

impl HostView {
    /// An empty view. All memory is allocated here: 22 KB.
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
        self.ports.copy(ledger, PortOwner::Host(address));
        Ok(())
    }

    /// Writes the host as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("host").object(|json| {
                self.row.write_fields(json, context);
                self.row.write_transports(json);
                self.ports.write(json, |_, _| {});
            });
        })
    }

    /// Writes the host as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Hosts };
        page.write(out, self.row.address, |html| {
            self.facts(html, &page);
            self.transports(html);
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

    fn transports(&self, html: &mut Html) {
        html.markup("<table class=\"narrow\">\n<caption>Traffic</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\">Transport</th><th scope=\"col\" class=\"n\">Received</th>");
        html.markup("<th scope=\"col\" class=\"n\">Sent</th><th scope=\"col\" class=\"n\">Packets</th>");
        html.markup("</tr></thead>\n<tbody>\n");
        let names = [
            (Transport::Tcp, "TCP"),
            (Transport::Udp, "UDP"),
            (Transport::Icmp, "ICMP"),
            (Transport::Other, "other"),
        ];
        let rows = names.map(|(transport, name)| (name, self.row.host.transport(transport)));
        for (name, traffic) in rows.into_iter().filter(|(_, traffic)| !traffic.both().is_zero()) {
            html.markup("<tr><th scope=\"row\">").markup(name).markup("</th>");
            traffic_cell(html, traffic.received);
            traffic_cell(html, traffic.sent);
            count_cell(html, traffic.both().packets);
            html.markup("</tr>\n");
        }
        let total = self.row.host.total();
        html.markup("</tbody>\n<tfoot><tr><th scope=\"row\">Total</th>");
        traffic_cell(html, total.received);
        traffic_cell(html, total.sent);
        count_cell(html, total.both().packets);
        html.markup("</tr></tfoot>\n</table>\n");
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
        });
        let rest = list.rest();
        let shown = |column: fn(&super::PortLine) -> crate::ledger::Counters| {
            list.rows().iter().map(column).sum::<crate::ledger::Counters>()
        };
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
