//! One source of packets to dark addresses, for whoever has to do something about it: who it is, what it did
//! and when, how sure that is, and what could be done.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::darknet::{Targets, events_table, interface_name, write_event};
use super::html::Html;
use super::json::{Json, Text, Value};
use super::page::{Page, Place};
use super::units::{Bytes, Grouped};
use super::{Context, HostRow, services};
use crate::darknet::rules::Rule;
use crate::darknet::{Darknet, Event, Kind, Pattern, Source, Target, Tool};
use crate::limits::{DARK_EVENTS_MAX, DARK_PORTS_MAX, DARK_TARGETS_MAX};
use crate::monitor::Monitor;
use crate::packet::{Address, Mac, protocol};
use crate::table::PortKind;
use crate::time::Timestamp;

/// What the darknet remembers of the source.
struct Record {
    /// Its behaviour as one event, which counts all of its packets.
    event: Event,
    local: bool,
    targets: heapless::Vec<Target, DARK_TARGETS_MAX>,
    ports: heapless::Vec<u16, DARK_PORTS_MAX>,
}

impl Record {
    fn of(source: &Source) -> Self {
        Self {
            event: source.in_short(),
            local: source.local,
            targets: source.targets().iter().copied().take(DARK_TARGETS_MAX).collect(),
            ports: source.ports().iter().copied().take(DARK_PORTS_MAX).collect(),
        }
    }
}

/// The source.
pub struct SourceView {
    header: Header,
    address: Address,
    /// `None` if it had to leave the table.
    record: Option<Record>,
    /// Its last events, oldest first.
    events: Vec<Event>,
    /// The rules of the user's, as the events number them.
    rules: Arc<[Rule]>,
    /// Its row in the books of the interface that saw it.
    host: Option<HostRow>,
}

impl Default for SourceView {
    fn default() -> Self {
        Self::new()
    }
}

impl SourceView {
    /// An empty view. All memory is allocated here.
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            address: Address::default(),
            record: None,
            events: Vec::with_capacity(DARK_EVENTS_MAX),
            rules: Arc::default(),
            host: None,
        }
    }

    /// Copies the source; of several interfaces that saw it, the one with the most packets. Allocates nothing.
    pub fn copy(
        &mut self,
        monitor: &Monitor,
        interface: Option<&str>,
        address: Address,
    ) -> Result<(), NotFound> {
        self.header.copy(monitor, interface)?;
        self.address = address;
        self.copy_dark(monitor.darknet());
        let seen_by = self.record.as_ref().map(|record| record.event).or(self.events.last().copied());
        let seen_by = seen_by.ok_or(NotFound)?.interface;
        let ledger = monitor.ledgers().get(usize::from(seen_by));
        let host = ledger.and_then(|ledger| ledger.host(address)).copied();
        self.host = host.map(|host| HostRow { address, host });
        Ok(())
    }

    fn copy_dark(&mut self, darknet: &Darknet) {
        self.rules = Arc::clone(darknet.rules().all());
        let address = self.address;
        let sources = darknet.sources().filter(|source| source.address() == address);
        self.record = sources.max_by_key(|source| source.packets).map(Record::of);
        self.events.clear();
        self.events.extend(darknet.recent().filter(|event| event.source == address).take(DARK_EVENTS_MAX));
    }

    /// What is known best: the whole record, or else the last event.
    fn event(&self) -> Option<&Event> {
        self.record.as_ref().map(|record| &record.event).or(self.events.last())
    }

    /// Writes the source as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("source").object(|json| {
                json.field("source", self.address);
                json.field("name", context.names.name(self.address).as_ref().map(Text));
                if let Some(record) = &self.record {
                    write_record(json, record);
                }
                if let Some(event) = self.event() {
                    self.write_verdict(json, context, event);
                }
                json.key("events").array(|json| {
                    self.events
                        .iter()
                        .for_each(|event| write_event(json, &self.header, context, &self.rules, event));
                });
                if let Some(host) = &self.host {
                    json.key("host").object(|json| host.write_fields(json, context));
                }
            });
        })
    }

    fn write_verdict(&self, json: &mut Json, context: &Context, event: &Event) {
        json.field("source_mac", context.mac(event.source_mac).map(Text));
        json.field("interface", interface_name(&self.header, event.interface));
        json.field("alert", event.kind == Kind::Alert);
        json.field("signature", event.signature());
        json.field("category", event.category.name());
        json.field("pattern", event.pattern.map(Pattern::name));
        json.field("tool", event.tool.map(Tool::name));
        json.field("packets", event.packets);
        json.field("bytes", event.bytes);
        json.field("first", event.first);
        json.field("last", event.last);
        json.key("why");
        Text(event).write(json);
        json.key("containment");
        Text(self.containment(context, event)).write(json);
    }

    /// Writes the source as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Darknet };
        page.write(out, self.address, |html| {
            html.markup("<h1>");
            if let Some(name) = context.names.name(self.address) {
                html.markup("<bdi>").text(&name).markup("</bdi> <small>").text(self.address);
                html.markup("</small></h1>\n");
            } else {
                html.text(self.address).markup("</h1>\n");
            }
            let Some(event) = self.event() else { return };
            html.markup(if event.kind == Kind::Alert { "<p><strong>Alert: " } else { "<p><strong>" });
            html.text(event.signature()).markup("</strong>. ").text(event).markup(".</p>\n");
            self.facts(html, &page, event);
            html.markup("<div class=\"wide\">\n");
            events_table(html, &page, &self.rules, self.events.iter().rev());
            html.markup("</div>\n<h2>What could be done</h2>\n<p>Nothing was done. This keeps it from ");
            html.markup("whatever is routed here, until the firewall starts again; what is on its own link ");
            html.markup("it still reaches:</p>\n<pre>").text(self.containment(context, event));
            html.markup("</pre>\n");
        })
    }

    fn facts(&self, html: &mut Html, page: &Page, event: &Event) {
        html.markup("<dl class=\"facts\">\n");
        if let Some(mac) = page.context.mac(event.source_mac) {
            let is_own = self.record.as_ref().is_some_and(|record| record.local);
            html.markup(if is_own {
                "<div><dt>MAC address"
            } else {
                "<div><dt>MAC address of the last router"
            });
            html.markup("</dt><dd><code>").text(mac).markup("</code></dd></div>\n");
        }
        let interface = interface_name(&self.header, event.interface).unwrap_or_default();
        fact(html, "Seen by", interface);
        fact(html, "Category", event.category.name());
        if let Some(pattern) = event.pattern {
            fact(html, "Pattern", pattern.name());
        }
        if let Some(tool) = event.tool {
            fact(html, "Tool", tool.name());
        }
        for (label, time) in [("First", event.first), ("Last", event.last)] {
            html.markup("<div><dt>").markup(label).markup("</dt><dd>");
            page.time(html, time.seconds as i64);
            html.markup("</dd></div>\n");
        }
        fact(html, "Packets", Grouped(event.packets));
        if let Some(record) = &self.record {
            record_facts(html, record);
        }
        if let Some(HostRow { host, .. }) = &self.host {
            let total = host.total();
            html.markup("<div><dt>All its traffic</dt><dd>");
            page.host(html, self.address);
            html.markup(": received ").text(Bytes(total.received.bytes)).markup(", sent ");
            html.text(Bytes(total.sent.bytes)).markup("</dd></div>\n");
        }
        html.markup("</dl>\n");
    }

    /// A line for nft, of OpenWrt's firewall, that nobody but a person runs.
    fn containment(&self, context: &Context, event: &Event) -> Containment {
        let local = self.record.as_ref().is_some_and(|record| record.local);
        Containment { address: self.address, mac: context.mac(event.source_mac).filter(|_| local) }
    }
}

fn fact(html: &mut Html, label: &'static str, value: impl fmt::Display) {
    html.markup("<div><dt>").markup(label).markup("</dt><dd>").text(value).markup("</dd></div>\n");
}

fn record_facts(html: &mut Html, record: &Record) {
    html.markup("<div><dt>Dark addresses</dt><dd>").text(Targets(record.targets.len()));
    for (index, target) in record.targets.iter().enumerate() {
        html.markup(if index == 0 { ": <code>" } else { ", <code>" }).text(target.address).markup("</code>");
    }
    html.markup("</dd></div>\n");
    if !record.ports.is_empty() {
        html.markup("<div><dt>Ports</dt><dd>");
        for (index, port) in record.ports.iter().enumerate() {
            html.markup(if index == 0 { "" } else { ", " }).text(port);
            let kind =
                if record.event.protocol == protocol::UDP { PortKind::UdpLocal } else { PortKind::TcpLocal };
            if let Some(name) = services::service(kind, *port) {
                html.markup(" <small>").markup(name).markup("</small>");
            }
        }
        html.markup(if record.ports.is_full() { " and more</dd></div>\n" } else { "</dd></div>\n" });
    }
}

fn write_record(json: &mut Json, record: &Record) {
    json.field("local", record.local);
    json.field("dark_targets", record.targets.len());
    json.key("dark_addresses").array(|json| {
        for target in &record.targets {
            json.object(|json| {
                json.field("address", target.address);
                json.field("last", Timestamp::from_seconds(target.last.into()));
            });
        }
    });
    json.key("ports").array(|json| record.ports.iter().for_each(|port| json.value(*port)));
}

struct Containment {
    address: Address,
    mac: Option<Mac>,
}

impl fmt::Display for Containment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, mac } = self;
        match mac {
            Some(mac) => write!(f, "nft insert rule inet fw4 forward ether saddr {mac} counter drop"),
            None if address.is_v4() => {
                write!(f, "nft insert rule inet fw4 forward ip saddr {address} counter drop")
            }
            None => write!(f, "nft insert rule inet fw4 forward ip6 saddr {address} counter drop"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::dark;
    use crate::view::{Hidden, NoNames};

    #[test]
    fn a_source_is_shown_with_all_that_is_known() {
        let monitor = dark(3);
        let suspect = monitor.darknet().sources().max_by_key(|source| source.packets).unwrap();
        let mut view = SourceView::new();
        view.copy(&monitor, None, suspect.address()).unwrap();
        let context = Context {
            now: suspect.last(),
            utc_offset: 0,
            base: "/",
            names: &NoNames,
            hidden: Hidden::default(),
            notice: None,
        };
        let mut out = String::new();
        view.write_json(&mut out, &context).unwrap();
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        let source = &json["source"];
        assert_eq!(source["source"], suspect.address().to_string());
        assert_eq!(source["packets"], suspect.packets);
        assert_eq!(source["ports"], serde_json::json!([23]));
        assert_eq!(source["dark_addresses"].as_array().unwrap().len(), suspect.dark_targets());
        assert_eq!(source["host"]["sent"]["packets"], suspect.packets);
        let line = format!("nft insert rule inet fw4 forward ip saddr {} counter drop", suspect.address());
        assert_eq!(source["containment"], line, "a stranger's MAC address would be a router's");
        assert!(source["why"].as_str().unwrap().starts_with(&suspect.address().to_string()), "{source}");

        let mut page = String::new();
        view.write_html(&mut page, &context).unwrap();
        for target in suspect.targets() {
            assert!(page.contains(&format!("<code>{}</code>", target.address)), "{page}");
        }
        assert!(page.contains(&line) && page.contains("23 <small>telnet</small>"), "{page}");
        let nobody = Address::v4(0x0808_0808);
        assert!(view.copy(&monitor, None, nobody).is_err());
    }

    #[test]
    fn a_device_is_contained_by_its_own_address() {
        let (mac, address) = (Mac([2, 0, 0, 0, 0, 7]), "fd00::7".parse::<core::net::IpAddr>().unwrap());
        let containment = |mac| Containment { address: address.into(), mac }.to_string();
        assert!(containment(Some(mac)).ends_with(" ether saddr 02:00:00:00:00:07 counter drop"));
        assert!(containment(None).ends_with(" ip6 saddr fd00::7 counter drop"));
    }
}
