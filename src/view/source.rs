//! One source of packets to dark addresses, for whoever has to do something about it: who it is, what it did
//! and when, how sure that is, and what could be done.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::darknet::{Targets, interface_name};
use super::events::{Alike, event_name, event_sentence, events_table, sort, write_event, write_events};
use super::html::Html;
use super::json::{Json, Text};
use super::languages::Phrase;
use super::page::{Page, Place};
use super::units::{Bytes, Grouped};
use super::{Context, HostName, HostRow, Lease, services};
use crate::darknet::rules::Rule;
use crate::darknet::{Darknet, Event, Kind, Source, Target};
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

/// Who had the address when it touched the dark, and who has it now.
struct Holders {
    first: Option<Lease>,
    last: Option<Lease>,
    now: Option<Lease>,
    /// The last touch came from another link-layer address than that of the lease.
    mac_differs: bool,
}

impl Holders {
    /// What there is to say of them: its name in JSON, whether it is so, and a sentence.
    fn remarks(&self) -> [(&'static str, bool, Phrase); 3] {
        let Self { first, last, now, mac_differs } = self;
        let differ = |one: &Option<Lease>, other: &Option<Lease>| {
            one.is_some() && other.is_some() && !is_same(one, other)
        };
        [
            (
                "mac_differs",
                *mac_differs,
                Phrase("The last packets came from another MAC address than that of the lease."),
            ),
            (
                "changed",
                differ(first, last),
                Phrase("The address changed hands: the packets are those of several devices."),
            ),
            ("has_gone", differ(last, now), Phrase("The address is another device's by now.")),
        ]
    }
}

/// Whether both are of the same device, as far as leases tell.
fn is_same(one: &Option<Lease>, other: &Option<Lease>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.mac == other.mac && (one.mac.is_some() || one.name == other.name),
        (one, other) => one.is_none() && other.is_none(),
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
    has_evidence: bool,
}

impl SourceView {
    /// An empty view, which leads to the packets if they are kept as evidence. All memory is allocated here.
    pub fn new(has_evidence: bool) -> Self {
        Self {
            header: Header::default(),
            address: Address::default(),
            record: None,
            events: Vec::with_capacity(DARK_EVENTS_MAX),
            rules: Arc::default(),
            host: None,
            has_evidence,
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
        self.host = ledger.and_then(|ledger| HostRow::of(ledger, address));
        Ok(())
    }

    fn copy_dark(&mut self, darknet: &Darknet) {
        self.rules = Arc::clone(darknet.rules().all());
        let address = self.address;
        let sources = darknet.sources().filter(|source| source.address() == address);
        self.record = sources.max_by_key(|source| source.packets).map(Record::of);
        self.events.clear();
        self.events.extend(darknet.recent().filter(|event| event.source == address).take(DARK_EVENTS_MAX));
        sort(&mut self.events);
    }

    /// What is known best: the whole record, or else the last event.
    fn event(&self) -> Option<&Event> {
        self.record.as_ref().map(|record| &record.event).or(self.events.last())
    }

    /// The last alert of a rule's, which goes before an event that is none.
    fn ruled(&self, event: &Event) -> Option<&Event> {
        let is_ruled = |event: &&Event| event.kind == Kind::Alert && event.rule.is_some();
        self.events.iter().rev().find(is_ruled).filter(|_| event.kind != Kind::Alert)
    }

    fn name(&self, context: &Context, event: &Event) -> Option<HostName> {
        context.names.name_at(self.address, event.last, event.source_mac)
    }

    fn is_local(&self) -> bool {
        self.record.as_ref().is_some_and(|record| record.local)
    }

    fn holders(&self, context: &Context, event: &Event) -> Holders {
        let lease = |time| context.names.lease(self.address, time, event.source_mac);
        let [first, last, now] = [event.first, event.last, context.now].map(lease);
        let leased_to = last.as_ref().and_then(|lease| lease.mac);
        // Of somebody farther away there is a router's.
        let mac_differs = self.is_local()
            && event.source_mac != Mac::ZERO
            && leased_to.is_some_and(|mac| mac != event.source_mac);
        Holders { first, last, now, mac_differs }
    }

    /// Writes the source as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("source").object(|json| {
                if let Some(event) = self.event() {
                    write_event(json, &self.header, context, &self.rules, event);
                    json.field("name", self.name(context, event).as_deref());
                    json.field("alert", event.kind == Kind::Alert);
                    json.field("last", event.last);
                    json.field("containment", Text(self.containment(context, event)));
                    write_holders(json, context, &self.holders(context, event));
                }
                if let Some(record) = &self.record {
                    write_record(json, record);
                }
                json.field("evidence", self.has_evidence.then_some(Text(Link(context.base, self.address))));
                write_events(json, &self.header, context, &self.rules, &self.events);
                if let Some(host) = &self.host {
                    json.key("host").object(|json| host.write_fields(json, context));
                }
            });
        })
    }

    /// Writes the source as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Darknet };
        page.write(out, &|html| _ = html.text(self.address), |html| {
            let Some(event) = self.event() else { return };
            html.markup("<h1>");
            if let Some(name) = self.name(context, event) {
                html.markup("<bdi>").text(&name).markup("</bdi> <small>").text(self.address);
                html.markup("</small></h1>\n");
            } else {
                html.text(self.address).markup("</h1>\n");
            }
            for event in self.ruled(event).into_iter().chain([event]) {
                html.markup(if event.kind == Kind::Alert { "<p><strong>{Alert}: " } else { "<p><strong>" });
                event_name(html, &self.rules, event);
                html.markup("</strong>. ");
                event_sentence(html, event);
                html.markup(".");
                self.certainty(html, event);
                html.markup("</p>\n");
            }
            self.facts(html, &page, event);
            self.write_evidence(html, context);
            html.markup("<h2>{What could be done}</h2>\n<p>").phrase(
                "Nothing was done. This keeps it from whatever is routed here, until the firewall starts again; what is \
                 on its own link it still reaches, and connections that are offloaded go on until they end:",
                &[],
            );
            html.markup("</p>\n<pre>");
            html.text(self.containment(context, event)).markup("</pre>\n<div class=\"wide\">\n");
            let events = &mut self.events.iter().map(Alike::once);
            events_table(html, &page, &self.rules, events, false);
            html.markup("</div>\n");
        })
    }

    /// How sure it is, where the sentence about the event does not say.
    fn certainty(&self, html: &mut Html, event: &Event) {
        match &self.record {
            Some(record) if event.kind == Kind::Hit && record.local => {
                html.markup(" {That proves nothing yet: four dark addresses in a day do.}");
            }
            Some(_) if event.kind == Kind::Hit => {
                html.markup(" {Senders from elsewhere are not judged: their addresses may be forged.}");
            }
            _ => {}
        }
    }

    fn write_evidence(&self, html: &mut Html, context: &Context) {
        html.markup("<h2>{Evidence}</h2>\n<p>");
        if self.has_evidence {
            html.markup("<a href=\"").text(Link(context.base, self.address));
            html.markup("\">{Its packets into the dark}</a>, {for Wireshark}.</p>\n");
        } else {
            html.phrase("Its packets are not kept. --evidence DIRECTORY keeps those of a live capture.", &[]);
            html.markup("</p>\n");
        }
    }

    fn facts(&self, html: &mut Html, page: &Page, event: &Event) {
        html.markup("<dl class=\"facts\">\n");
        if let Some(mac) = page.context.mac(event.source_mac) {
            // Of one that had to leave the table it is not known any more.
            html.markup(match &self.record {
                Some(record) if !record.local => "<div><dt>{MAC address of the last router}",
                _ => "<div><dt>{MAC address}",
            });
            html.markup("</dt><dd><code>").text(mac).markup("</code></dd></div>\n");
        }
        let holders = self.holders(page.context, event);
        if self.is_local() || holders.last.is_some() {
            holders_facts(html, page, &holders);
        }
        let interface = interface_name(&self.header, event.interface).unwrap_or_default();
        fact(html, Phrase("Seen by"), interface);
        word_fact(html, Phrase("Category"), Phrase(event.category.name()));
        if let Some(pattern) = event.pattern {
            word_fact(html, Phrase("Pattern"), Phrase(pattern.name()));
        }
        if let Some(tool) = event.tool {
            fact(html, Phrase("Tool"), tool.name());
        }
        for (label, time) in [(Phrase("First"), event.first), (Phrase("Last"), event.last)] {
            html.markup("<div><dt>").say(label).markup("</dt><dd>");
            page.time(html, time.seconds as i64);
            html.markup("</dd></div>\n");
        }
        fact(html, Phrase("Packets"), Grouped(event.packets));
        if let Some(record) = &self.record {
            record_facts(html, record);
        }
        if let Some(row) = &self.host {
            let total = row.host.total();
            html.markup("<div><dt>{All its traffic}</dt><dd>");
            page.open_on(event.interface.into(), html, Place::Hosts, &row.address);
            html.text(row.address).markup("</a>");
            let (received, sent) = (Bytes(total.received.bytes), Bytes(total.sent.bytes));
            html.markup(": ").phrase("received %, sent %", &[&received, &sent]).markup("</dd></div>\n");
        }
        html.markup("</dl>\n");
        for (_, applies, remark) in holders.remarks() {
            if applies {
                html.markup("<p class=\"notice\">").say(remark).markup("</p>\n");
            }
        }
    }

    /// A line for nft, of OpenWrt's firewall, that nobody but a person runs.
    fn containment(&self, context: &Context, event: &Event) -> Containment {
        let mac = context.mac(event.source_mac).filter(|_| self.is_local());
        Containment { address: self.address, mac }
    }
}

fn fact(html: &mut Html, label: Phrase, value: impl fmt::Display) {
    html.markup("<div><dt>").say(label).markup("</dt><dd>").text(value).markup("</dd></div>\n");
}

/// The same, of a word that is the program's own.
fn word_fact(html: &mut Html, label: Phrase, word: Phrase) {
    let word = html.language().phrase(word.0);
    fact(html, label, word);
}

fn holders_facts(html: &mut Html, page: &Page, holders: &Holders) {
    let Holders { first, last, now, .. } = holders;
    lease_fact(html, page, Phrase("Leased to"), last);
    if !is_same(first, last) {
        lease_fact(html, page, Phrase("At the first touch"), first);
    }
    if !is_same(now, last) {
        lease_fact(html, page, Phrase("Now"), now);
    }
}

fn lease_fact(html: &mut Html, page: &Page, label: Phrase, lease: &Option<Lease>) {
    html.markup("<div><dt>").say(label).markup("</dt><dd>");
    if let Some(lease) = lease {
        if let Some(name) = &lease.name {
            html.markup("<bdi>").text(name).markup("</bdi> ");
        }
        if let Some(mac) = lease.mac.and_then(|mac| page.context.mac(mac)) {
            html.markup("<code>").text(mac).markup("</code>");
        }
        html.markup("<small>");
        for (word, time) in [(Phrase("from"), lease.from), (Phrase("until"), lease.ends())] {
            if let Some(time) = time {
                html.markup(" ").say(word).markup(" ");
                page.time(html, time as i64);
            }
        }
        html.markup("</small></dd></div>\n");
    } else {
        html.markup("{nobody, as far as is known}</dd></div>\n");
    }
}

fn record_facts(html: &mut Html, record: &Record) {
    html.markup("<div><dt>{Dark addresses}</dt><dd>").text(Targets(record.targets.len()));
    for (index, target) in record.targets.iter().enumerate() {
        html.markup(if index == 0 { ": <code>" } else { ", <code>" }).text(target.address).markup("</code>");
    }
    html.markup("</dd></div>\n");
    if !record.ports.is_empty() {
        html.markup("<div><dt>{Ports}</dt><dd>");
        for (index, port) in record.ports.iter().enumerate() {
            html.markup(if index == 0 { "" } else { ", " }).text(port);
            let kind =
                if record.event.protocol == protocol::UDP { PortKind::UdpLocal } else { PortKind::TcpLocal };
            if let Some(name) = services::service(kind, *port) {
                html.markup(" <small>").markup(name).markup("</small>");
            }
        }
        html.markup(if record.ports.is_full() { " {and more}</dd></div>\n" } else { "</dd></div>\n" });
    }
}

fn write_holders(json: &mut Json, context: &Context, holders: &Holders) {
    json.key("leases").object(|json| {
        for (name, lease) in [("first", &holders.first), ("last", &holders.last), ("now", &holders.now)] {
            let Some(lease) = lease else {
                json.field(name, None::<u64>);
                continue;
            };
            json.key(name).object(|json| {
                json.field("mac", lease.mac.and_then(|mac| context.mac(mac)).map(Text));
                json.field("name", lease.name.as_deref());
                json.field("from", lease.from);
                json.field("until", lease.ends());
            });
        }
        for (name, applies, _) in holders.remarks() {
            json.field(name, applies);
        }
    });
}

fn write_record(json: &mut Json, record: &Record) {
    json.field("local", record.local);
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

/// Where the packets of a source are, below a base.
struct Link<'a>(&'a str, Address);

impl fmt::Display for Link<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}darknet/evidence.pcapng?source={}", self.0, self.1)
    }
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
    use crate::network::{Networks, Role};
    use crate::packet::{Decoded, Link, Packet};

    use crate::view::samples::{EVIL, NOON, address, dark};
    use crate::view::{NameSource, NoNames};

    #[test]
    fn a_source_is_shown_with_all_that_is_known() {
        let monitor = dark(3);
        let suspect = monitor.darknet().sources().max_by_key(|source| source.packets).unwrap();
        let mut view = SourceView::new(false);
        view.copy(&monitor, None, suspect.address()).unwrap();
        let context = Context::at(suspect.last());
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

    /// Leases of one address: a telephone's before `NOON` + 2, then this device's.
    struct Leases(Mac);

    impl NameSource for Leases {
        fn name(&self, _: Address, _: Mac) -> Option<HostName> {
            HostName::try_from("television").ok()
        }

        fn name_at(&self, address: Address, time: Timestamp, mac: Mac) -> Option<HostName> {
            self.lease(address, time, mac)?.name
        }

        fn lease(&self, _: Address, time: Timestamp, _: Mac) -> Option<Lease> {
            let is_phone = time.seconds < NOON + 2;
            let (mac, name) = if is_phone { (PHONE, EVIL) } else { (self.0, "television") };
            let (from, until) = if is_phone { (None, NOON + 2) } else { (Some(NOON + 1), u64::MAX) };
            Some(Lease { mac: Some(mac), name: HostName::try_from(name).ok(), from, until })
        }
    }

    const PHONE: Mac = Mac([2, 0, 0, 0, 0, 1]);

    /// A host of the LAN that asks from this link-layer address for somebody, once or again in a while.
    fn asking(mac: Mac, seconds: &[u64]) -> SourceView {
        let mut monitor = dark(1);
        let mut networks = Networks::new();
        networks.add("192.168.1.0/24".parse().unwrap());
        monitor.darknet_mut().set_interface(0, Role::Lan, &networks, &[]);
        let source = address("192.168.1.57");
        for second in seconds {
            let packet = Packet {
                source,
                destination: address("10.9.0.1"),
                link: Link { source_mac: mac, ..Link::default() },
                ..Packet::default()
            };
            let now = Timestamp::from_seconds(NOON + second);
            monitor.observe(0, &Decoded::Packet(packet), &[], now);
        }
        let mut view = SourceView::new(true);
        view.copy(&monitor, None, source).unwrap();
        view
    }

    fn shown(view: &SourceView, names: &dyn NameSource) -> (serde_json::Value, String) {
        let now = Timestamp::from_seconds(NOON + 60);
        let context = Context { names, ..Context::at(now) };
        let (mut json, mut page) = (String::new(), String::new());
        view.write_json(&mut json, &context).unwrap();
        view.write_html(&mut page, &context).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        (json["source"].clone(), page)
    }

    #[test]
    fn who_had_the_address_is_told_and_who_has_it_now() {
        let television = Mac([2, 0, 0, 0, 0, 2]);
        let (json, page) = shown(&asking(PHONE, &[0, 1]), &Leases(television));
        assert_eq!(json["name"], EVIL, "the name of that time");
        let leases = &json["leases"];
        assert_eq!(
            (&leases["first"]["mac"], &leases["last"]["mac"]),
            (&PHONE.to_string().into(), &PHONE.to_string().into())
        );
        assert!(leases["last"]["from"].is_null() && leases["last"]["until"] == NOON + 2, "{json}");
        assert!(leases["now"]["name"] == "television" && leases["now"]["until"].is_null(), "{json}");
        let flags = |leases: &serde_json::Value| {
            ["mac_differs", "changed", "has_gone"].map(|name| leases[name] == true)
        };
        assert_eq!(flags(leases), [false, false, true]);
        assert!(page.contains("another device's by now"), "{page}");
        assert!(page.contains("&lt;img src=x") && !page.contains("<img src=x"), "{page}");
        assert!(page.contains("<dt>Leased to</dt>") && page.contains("<dt>Now</dt>"), "{page}");
        assert!(!page.contains("<dt>At the first touch</dt>"), "{page}");

        let (json, page) = shown(&asking(PHONE, &[0, 1, 30]), &Leases(television));
        assert_eq!(json["name"], "television");
        assert_eq!(flags(&json["leases"]), [true, true, false], "{json}");
        assert!(page.contains("<dt>At the first touch</dt>") && !page.contains("<dt>Now</dt>"), "{page}");

        // No lease is known, and nothing is said of any.
        let (json, page) = shown(&asking(PHONE, &[0]), &NoNames);
        assert!(json["leases"]["last"].is_null());
        assert_eq!(flags(&json["leases"]), [false; 3]);
        assert!(!page.contains("class=\"notice\""), "{page}");
    }

    #[test]
    fn a_device_is_contained_by_its_own_address() {
        let (mac, address) = (Mac([2, 0, 0, 0, 0, 7]), "fd00::7".parse::<core::net::IpAddr>().unwrap());
        let containment = |mac| Containment { address: address.into(), mac }.to_string();
        assert!(containment(Some(mac)).ends_with(" ether saddr 02:00:00:00:00:07 counter drop"));
        assert!(containment(None).ends_with(" ip6 saddr fd00::7 counter drop"));
    }
}
