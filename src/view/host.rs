//! One host: its traffic by IP protocol, its peers and its ports.

use core::fmt;

use super::books::{Header, NotFound};
use super::darknet::{Targets, write_source};
use super::html::Html;
use super::json::Json;
use super::languages::Phrase;
use super::page::{Page, Place, count_cell, rates_title, share_cell, traffic_cell};
use super::ports::PortTable;
use super::units::{Bytes, Grouped, Rate};
use super::{Context, DeviceView, HostRow, PortLists, SourceRow, Top};
use crate::ledger::{Counters, Ledger, PortOwner, Traffic, Transport};
use crate::limits::{HOST_PEERS_SHOWN_MAX, HOST_PORTS_SHOWN_MAX};
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
    /// The hosts with which it has the most traffic, each with that traffic alone.
    pub peers: Top<HostRow>,
    /// What it had to do with the dark; of several interfaces that saw it, by the one with the most packets.
    dark: Option<SourceRow>,
}

impl Default for HostView {
    fn default() -> Self {
        Self::new()
    }
}

impl HostView {
    /// An empty view. All memory is allocated here: 34 KB.
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            row: HostRow::default(),
            ports: PortLists::with_limit(HOST_PORTS_SHOWN_MAX),
            peers: Top::with_limit(HOST_PEERS_SHOWN_MAX),
            dark: None,
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
        self.row = HostRow::of(ledger, address).ok_or(NotFound)?;
        let sources = monitor.darknet().sources().filter(|source| source.address() == address);
        self.dark = sources.max_by_key(|source| source.packets).map(SourceRow::of);
        self.ports.copy(ledger, PortOwner::Host(address), self.row.protocols());
        self.copy_peers(ledger);
        Ok(())
    }

    /// A peer's row has, of its traffic, what it sent to this host and received from it, the other way round: as this
    /// host sees it.
    fn copy_peers(&mut self, ledger: &Ledger) {
        self.peers.fill(ledger.peers(self.row.address).map(|(address, traffic)| {
            let mut row = HostRow::of(ledger, address).unwrap_or_default();
            row.host.transports = [Traffic::default(); 4];
            row.host.transports[0] = traffic;
            row
        }));
    }

    /// What the host had to do with peers that have no row.
    fn other_peers(&self) -> Traffic {
        let Traffic { sent, received } = self.row.host.total();
        let rest = self.peers.rest();
        let left = Traffic { sent: sent - rest.outbound, received: received - rest.inbound };
        self.peers.rows().iter().map(|row| row.host.total()).fold(left, |left, peer| Traffic {
            sent: left.sent - peer.sent,
            received: left.received - peer.received,
        })
    }

    /// Writes the host as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("host").object(|json| {
                self.row.write_fields(json, context);
                self.row.write_lately(json);
                self.row.write_transports(json);
                let protocols = self.ports.of(PortKind::Protocol);
                self.row.write_protocols(json, protocols.rows().iter().copied(), protocols.rest());
                self.ports.write(json, |_, _| {});
                self.write_peers(json, context);
                if let Some(row) = &self.dark {
                    json.key("darknet");
                    write_source(json, &self.header, context, row);
                }
            });
        })
    }

    fn write_peers(&self, json: &mut Json, context: &Context) {
        json.key("peers").object(|json| {
            json.key("rows").array(|json| {
                for row in self.peers.rows() {
                    let total = row.host.total();
                    json.object(|json| {
                        json.field("address", row.address);
                        json.field("name", context.names.name(row.address, row.host.mac).as_deref());
                        json.field("local", row.is_local());
                        json.field("received", total.received);
                        json.field("sent", total.sent);
                    });
                }
            });
            let rest = self.peers.rest();
            json.key("others").object(|json| {
                json.field("rows", rest.rows);
                json.field("received", rest.inbound);
                json.field("sent", rest.outbound);
            });
            let Traffic { sent, received } = self.other_peers();
            json.key("evicted").object(|json| {
                json.field("received", received);
                json.field("sent", sent);
            });
        });
    }

    /// Writes the host as a page, with the graphs of its device if that is known: there are none of single hosts.
    pub fn write_html(
        &self,
        out: &mut dyn fmt::Write,
        context: &Context,
        device: Option<&DeviceView>,
    ) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Hosts };
        let HostRow { address, host, lately, .. } = &self.row;
        let title = |html: &mut Html| {
            rates_title(html, Rate::of(lately.rate.received, 1), Rate::of(lately.rate.sent, 1));
            match context.names.name(*address, host.mac) {
                Some(name) => html.text(&name),
                None => html.text(address),
            };
        };
        page.write(out, &title, |html| {
            self.facts(html, &page);
            if let Some(device) = device {
                html.markup("<h2>{Device}: ");
                page.open(html, Place::Devices, &self.row.address);
                device.title(html, context);
                html.markup("</a></h2>\n");
                device.charts(html, &page);
            } else if !self.row.host.local {
                html.markup("<p class=\"note\">");
                html.markup("{Only devices of the local networks have a history, so there are no graphs of this host.}");
                html.markup("</p>\n");
            }
            html.markup("<section class=\"tables\" aria-label=\"{Traffic}\">\n");
            self.protocols(html);
            self.peers(html, &page);
            html.markup("</section>\n<section class=\"tables\" aria-label=\"{Ports}\">\n");
            for (kind, caption) in [
                (PortKind::TcpLocal, Phrase("Its own TCP ports")),
                (PortKind::TcpRemote, Phrase("TCP ports of its peers")),
                (PortKind::UdpLocal, Phrase("Its own UDP ports")),
                (PortKind::UdpRemote, Phrase("UDP ports of its peers")),
            ] {
                self.ports(html, kind, caption);
            }
            html.markup("</section>\n");
        })
    }

    fn facts(&self, html: &mut Html, page: &Page) {
        let HostRow { address, host, lately, .. } = &self.row;
        html.markup("<h1>");
        match page.context.names.name(*address, host.mac) {
            Some(name) => {
                html.markup("<bdi>").text(&name).markup("</bdi> <small>").text(address).markup("</small>")
            }
            None => html.text(address),
        };
        html.markup("</h1>\n<dl class=\"facts\">\n<div><dt>{Place}</dt><dd>");
        html.say(if self.row.is_local() { Phrase("local") } else { Phrase("remote") })
            .markup("</dd></div>\n");
        html.markup("<div><dt>{Now}</dt><dd>↓ ").text(Rate::of(lately.rate.received, 1)).markup(" ↑ ");
        html.text(Rate::of(lately.rate.sent, 1)).markup("</dd></div>\n<div><dt>{Today}</dt><dd>↓ ");
        html.text(Bytes(lately.today[0])).markup(" ↑ ").text(Bytes(lately.today[1])).markup("</dd></div>\n");
        if page.context.mac(host.mac).is_some() {
            html.markup("<div><dt>{MAC address}</dt><dd>");
            page.mac(html, host.mac);
            html.markup("</dd></div>\n");
        }
        html.markup("<div><dt>{First seen}</dt><dd>");
        page.time(html, host.first_seen.into());
        html.markup("</dd></div>\n");
        if let Some(seconds) = page.context.last_seen(host.last_seen.into()) {
            html.markup("<div><dt>{Last seen}</dt><dd>");
            page.time(html, seconds as i64);
            html.markup(" (");
            page.ago(html, seconds as i64);
            html.markup(")</dd></div>\n");
        }
        self.dark(html, page);
        // Of a host elsewhere it is a router's.
        let mac = page.context.mac(host.mac).filter(|_| host.local);
        page.forms(html, mac, Some(*address));
        html.markup("</dl>\n");
    }

    /// What the darknet has of the address, if anything.
    fn dark(&self, html: &mut Html, page: &Page) {
        let Some(row) = &self.dark else { return };
        html.markup("<div><dt>{Darknet}</dt><dd>");
        page.open(html, Place::Darknet, &row.address);
        html.markup(if row.is_alerted { "<strong>{Alert}</strong>: " } else { "" });
        let (packets, targets) = (Grouped(row.sum.packets), Targets(row.dark_targets));
        match (row.sum.packets, row.dark_targets) {
            (1, _) => html.markup("{1 packet to a dark address}"),
            (_, 1) => html.phrase("% packets to a dark address", &[&packets]),
            _ => html.phrase("% packets to % dark addresses", &[&packets, &targets]),
        };
        html.markup("</a><br>{First}: ");
        page.time(html, row.first.seconds as i64);
        html.markup("<br>{Last}: ");
        page.time(html, row.last.seconds as i64);
        html.markup("</dd></div>\n");
    }

    fn protocols(&self, html: &mut Html) {
        html.markup("<div class=\"wide\">\n<table>\n<caption>{IP protocols}</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\" class=\"n\">{Number}</th><th scope=\"col\">{Name}</th>");
        html.markup(TRAFFIC_HEADS).markup("</tr></thead>\n<tbody>\n");
        let list = self.ports.of(PortKind::Protocol);
        for line in list.rows() {
            html.markup("<tr><th scope=\"row\" class=\"n\">").text(line.port).markup("</th><td>");
            html.text(line.name().unwrap_or_default()).markup("</td>");
            self.traffic_cells(html, line.row.inbound, line.row.outbound);
        }
        let rest = list.rest();
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><td colspan=\"2\">").phrase("% more", &[&Grouped(rest.rows)]);
            html.markup("</td>");
            self.traffic_cells(html, rest.inbound, rest.outbound);
        }
        html.markup("</tbody>\n<tfoot>\n");
        let evicted = self.row.protocols_evicted(list.rows().iter().copied(), rest);
        if !evicted.both().is_zero() {
            html.markup("<tr><th scope=\"row\" colspan=\"2\">{Not on any row}</th>");
            self.traffic_cells(html, evicted.received, evicted.sent);
        }
        let total = self.row.host.total();
        html.markup("<tr><th scope=\"row\" colspan=\"2\">{Total}</th>");
        self.traffic_cells(html, total.received, total.sent);
        html.markup("</tfoot>\n</table>\n</div>\n");
    }

    fn peers(&self, html: &mut Html, page: &Page) {
        html.markup("<div class=\"wide\">\n<table>\n<caption>{Peers}</caption>\n<thead><tr>");
        html.markup("<th scope=\"col\">{Host}</th>");
        html.markup(TRAFFIC_HEADS).markup("</tr></thead>\n<tbody>\n");
        for row in self.peers.rows() {
            let total = row.host.total();
            html.markup("<tr><th scope=\"row\">");
            page.host(html, row);
            html.markup("</th>");
            self.traffic_cells(html, total.received, total.sent);
        }
        let rest = self.peers.rest();
        if rest.rows > 0 {
            html.markup("<tr class=\"rest\"><td>").phrase("% more", &[&Grouped(rest.rows)]).markup("</td>");
            self.traffic_cells(html, rest.inbound, rest.outbound);
        }
        html.markup("</tbody>\n<tfoot>\n");
        let others = self.other_peers();
        if !others.both().is_zero() {
            html.markup("<tr><th scope=\"row\">{Not on any row}</th>");
            self.traffic_cells(html, others.received, others.sent);
        }
        let total = self.row.host.total();
        html.markup("<tr><th scope=\"row\">{Total}</th>");
        self.traffic_cells(html, total.received, total.sent);
        html.markup("</tfoot>\n</table>\n</div>\n");
    }

    /// The rest of a row of protocols or peers, and its end.
    fn traffic_cells(&self, html: &mut Html, received: Counters, sent: Counters) {
        let both = received + sent;
        traffic_cell(html, received);
        traffic_cell(html, sent);
        count_cell(html, both.packets);
        share_cell(html, both.bytes, self.row.host.total().both().bytes);
        html.markup("</tr>\n");
    }

    fn ports(&self, html: &mut Html, kind: PortKind, caption: Phrase) {
        let list = self.ports.of(kind);
        if list.rows().is_empty() {
            return;
        }
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
        let table = PortTable { kind, list, heads: &PORT_HEADS };
        table.write(html, caption, &|html| {
            if !(received + sent).is_zero() {
                table.foot(html, Phrase("Not on any row"), received, sent);
            }
            table.foot(html, Phrase("Total"), class.received, class.sent);
        });
    }
}

/// The columns of a host's ports.
const PORT_HEADS: [Phrase; 3] = [Phrase("Received"), Phrase("Sent"), Phrase("Total")];

/// Above the rest of a row.
const TRAFFIC_HEADS: &str = "<th scope=\"col\" class=\"n\">{Received}</th>\
    <th scope=\"col\" class=\"n\">{Sent}</th><th scope=\"col\" class=\"n\">{Packets}</th>\
    <th scope=\"col\">{Share}</th>";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::{Decoded, Packet};
    use crate::time::Timestamp;
    use crate::view::languages::LANGUAGES;
    use crate::view::samples::{address, dark, empty, seeded};
    use crate::view::{DeviceKey, SourceView};

    fn context() -> Context<'static> {
        Context::at(Timestamp::from_seconds(1_700_000_001))
    }

    fn json(view: &HostView) -> serde_json::Value {
        let mut out = String::new();
        view.write_json(&mut out, &context()).unwrap();
        serde_json::from_str(&out).unwrap()
    }

    fn html(view: &HostView, device: Option<&DeviceView>) -> String {
        let mut out = String::new();
        view.write_html(&mut out, &context(), device).unwrap();
        out
    }

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

    #[test]
    fn titles_begin_with_the_present_rates() {
        let monitor = seeded("br-lan", 64, 64, 3_000, 200);
        let (mut host, mut device) = (HostView::new(), DeviceView::new());
        host.copy(&monitor, None, address("192.168.1.5")).unwrap();
        device.copy(&monitor, None, DeviceKey::parse("02:00:00:00:00:05").unwrap()).unwrap();
        let rate = host.row.lately.rate;
        assert!(rate.received > 0);
        let [received, sent] = [rate.received, rate.sent].map(|bytes| Rate::of(bytes, 1));
        let title = |who| format!("<title>↓ {received} ↑ {sent} · {who} · duskwatch</title>");
        let mut out = String::new();
        device.write_html(&mut out, &context()).unwrap();
        assert!(out.contains(&title("02:00:00:00:00:05")), "{out}");
        assert!(html(&host, None).contains(&title("192.168.1.5")));
    }

    #[test]
    fn peers_and_what_is_beside_them_are_the_hosts_traffic() {
        for (hosts, evicted) in [(16_384, false), (32, true)] {
            let monitor = seeded("br-lan", hosts, 64, 5_000, 200);
            let mut view = HostView::new();
            view.copy(&monitor, None, address("192.168.1.5")).unwrap();
            let json = json(&view);
            let peers = &json["host"]["peers"];
            let rows = peers["rows"].as_array().unwrap();
            assert!(!rows.is_empty() && rows.len() <= HOST_PEERS_SHOWN_MAX);
            for column in ["received", "sent"] {
                let shown: Counters = rows.iter().map(|row| counters(&row[column])).sum();
                let beside = ["others", "evicted"].map(|name| counters(&peers[name][column]));
                assert_eq!(shown + beside.into_iter().sum(), counters(&json["host"][column]));
                assert_eq!(!beside[1].is_zero(), evicted, "{hosts} {column}");
            }
            let out = html(&view, None);
            let peer = rows[0]["address"].as_str().unwrap();
            assert!(out.contains(&format!("<a href=\"/hosts/{peer}/\">{peer}</a>")), "{out}");
        }
    }

    #[test]
    fn what_the_dark_has_of_a_host_is_what_its_own_page_says() {
        let monitor = dark(5);
        let (mut view, mut source) = (HostView::new(), SourceView::new(false));
        view.copy(&monitor, None, address("198.51.100.1")).unwrap();
        source.copy(&monitor, None, address("198.51.100.1")).unwrap();
        let mut out = String::new();
        source.write_json(&mut out, &context()).unwrap();
        let source: serde_json::Value = serde_json::from_str(&out).unwrap();
        let dark = &json(&view)["host"]["darknet"];
        for field in ["alert", "dark_targets", "packets", "bytes", "first", "last"] {
            assert_eq!(dark[field], source["source"][field], "{field}");
        }
        let out = html(&view, None);
        let [packets, targets] = ["packets", "dark_targets"].map(|field| &dark[field]);
        let link = "<a href=\"/darknet/198.51.100.1/\">";
        assert!(out.contains(&format!("{link}{packets} packets to {targets} dark addresses</a>")), "{out}");
        for (packets, dark_targets, german) in [
            (1, 1, "1 Paket an eine dunkle Adresse"),
            (1_000, 1, "1.000 Pakete an eine dunkle Adresse"),
            (9, 8, "9 Pakete an 8+ dunkle Adressen"),
        ] {
            let sum = Counters::new(packets, 60);
            view.dark = view.dark.map(|row| SourceRow { sum, dark_targets, ..row });
            let mut out = String::new();
            view.write_html(&mut out, &Context { language: LANGUAGES[1], ..context() }, None).unwrap();
            assert!(out.contains(&format!("{german}</a>")), "{out}");
        }
        // The one that was touched knows nothing of it.
        view.copy(&monitor, None, address("10.9.0.1")).unwrap();
        assert!(
            json(&view)["host"].get("darknet").is_none() && !html(&view, None).contains("dark addresses")
        );
    }

    #[test]
    fn a_host_has_the_graphs_of_its_device() {
        let monitor = seeded("br-lan", 64, 64, 1_000, 20);
        let (mut view, mut device) = (HostView::new(), DeviceView::new());
        view.copy(&monitor, None, address("192.168.1.5")).unwrap();
        device.copy(&monitor, None, DeviceKey::Address(address("192.168.1.5"))).unwrap();
        assert!(device.is_device());
        let out = html(&view, Some(&device));
        let link = "<h2>Device: <a href=\"/devices/192.168.1.5/\">02:00:00:00:00:05</a></h2>";
        assert!(out.contains(link), "{out}");
        assert_eq!(out.matches("<svg class=\"chart\"").count(), 3);
        // One that nothing came from is of no device that is known, and one elsewhere of none at all.
        device.copy(&monitor, None, DeviceKey::Address(address("192.168.1.1"))).unwrap();
        assert!(!device.is_device());
        assert_eq!(device.copy(&monitor, None, DeviceKey::Address(address("8.8.0.0"))), Err(NotFound));
        assert!(!html(&view, None).contains("Device: "));
        // Of a host elsewhere its page says why.
        let said = "so there are no graphs of this host";
        assert!(!html(&view, None).contains(said));
        view.copy(&monitor, None, address("8.8.0.0")).unwrap();
        assert!(html(&view, None).contains(said));
    }

    fn counters(value: &serde_json::Value) -> Counters {
        Counters::new(value["packets"].as_u64().unwrap(), value["bytes"].as_u64().unwrap())
    }

    #[test]
    fn a_hosts_protocols_and_what_is_beside_them_are_its_traffic() {
        for (port_rows, evicted) in [(65_536, false), (16, true)] {
            let view = view(port_rows);
            let json = json(&view);
            let protocols = &json["host"]["protocols"];
            let rows = protocols["rows"].as_array().unwrap();
            assert!(rows.len() <= HOST_PORTS_SHOWN_MAX);
            let shown: Counters = rows.iter().map(|row| counters(&row["outbound"])).sum();
            let beside = ["others", "evicted"].map(|name| counters(&protocols[name]["outbound"]));
            let total = Counters::new(256, 256 * 1_000 + 255 * 256 / 2);
            assert_eq!(shown + beside.into_iter().sum(), total);
            assert_eq!(counters(&json["host"]["sent"]), total);
            assert_eq!(!beside[1].is_zero(), evicted);

            let out = html(&view, None);
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
