//! The devices of an interface, and its local networks.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::{Json, Text};
use super::languages::Phrase;
use super::page::{Page, Place};
use super::quotas::{self, QuotaRow, write_usage};
use super::rows::write_rate;
use super::units::{Bytes, Grouped, Rate, share};
use super::{Context, HostName};
use crate::ledger::{self, Account, Ledger, Owner, Period};
use crate::limits::{DEVICE_ADDRESSES_SHOWN, DEVICES_SHOWN_MAX, ONLINE_SECONDS, QUOTAS_MAX};
use crate::monitor::Monitor;
use crate::packet::{Address, Mac};

/// What devices are sorted by; the greatest come first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeviceSort {
    /// Bytes of the present month.
    #[default]
    Month,
    /// Bytes of the present day.
    Today,
    /// Bytes of the last seconds.
    Now,
    /// When the latest packet came.
    Last,
}

impl DeviceSort {
    const ALL: [Self; 4] = [Self::Month, Self::Today, Self::Now, Self::Last];

    /// The order with this name; what is none is the usual one.
    pub fn named(name: &str) -> Self {
        Self::ALL.into_iter().find(|sort| sort.name() == name).unwrap_or_default()
    }

    /// The name in a page's address.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Month => "month",
            Self::Today => "today",
            Self::Now => "now",
            Self::Last => "last",
        }
    }

    fn key(self, row: &DeviceRow) -> u64 {
        match self {
            Self::Month => sum(row.month),
            Self::Today => sum(row.today),
            Self::Now => row.rate.received.saturating_add(row.rate.sent),
            Self::Last => row.account.last_seen.into(),
        }
    }
}

fn sum([received, sent]: [u64; 2]) -> u64 {
    received.saturating_add(sent)
}

/// An account with what is told of it in one line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeviceRow {
    /// Its sums.
    pub account: Account,
    /// Bytes per second in the last seconds.
    pub rate: ledger::Rate,
    /// Bytes received and sent today.
    pub today: [u64; 2],
    /// Bytes received and sent this month.
    pub month: [u64; 2],
    /// Some of the addresses that it has, the latest first; none of a network.
    pub addresses: heapless::Vec<Address, DEVICE_ADDRESSES_SHOWN>,
    /// How many it has.
    pub addresses_count: u16,
}

impl DeviceRow {
    /// The account in a place, without its addresses.
    pub(super) fn of(ledger: &Ledger, place: usize) -> Self {
        let accounts = ledger.accounts();
        Self {
            account: accounts.row(place).copied().unwrap_or_default(),
            rate: ledger.account_rate(place),
            today: accounts.bytes_in(place, Period::Day, 0),
            month: accounts.bytes_in(place, Period::Month, 0),
            ..Self::default()
        }
    }

    /// Adds an address. They come in the order of their last use.
    pub(super) fn add(&mut self, address: Address) {
        if self.addresses.is_full() {
            self.addresses.pop();
        }
        self.addresses_count = self.addresses_count.saturating_add(1);
        // There is room.
        let _ = self.addresses.insert(0, address);
    }

    /// The device's link-layer address, if it is one and that is shown.
    pub(super) fn mac(&self, context: &Context) -> Option<Mac> {
        match self.account.owner {
            Owner::Device(mac) => context.mac(mac),
            _ => None,
        }
    }

    /// The device's name, or that of the latest of its addresses that has one.
    pub(super) fn name(&self, context: &Context) -> Option<HostName> {
        let mac = self.mac_or_zero();
        let of_address = |address: &Address| context.names.name(*address, mac);
        context.names.device(mac).or_else(|| self.addresses.iter().find_map(of_address))
    }

    /// Whether something came of it in the last minutes, if that is shown.
    fn is_online(&self, context: &Context) -> Option<bool> {
        let silent = context.now.seconds.saturating_sub(self.account.last_seen.into());
        (!context.hidden.last_seen).then_some(silent < ONLINE_SECONDS)
    }

    /// What the row is about, where it is no device that has a link-layer address to show.
    fn kind(&self) -> (&'static str, Phrase) {
        match self.account.owner {
            Owner::Others => ("others", Phrase("Devices that made room")),
            Owner::Unknown => ("unknown", Phrase("Unknown devices")),
            Owner::Router => ("router", Phrase("This machine")),
            Owner::Network(_) => ("network", Phrase("Network")),
            Owner::Device(_) => ("device", Phrase("Device")),
        }
    }

    /// Writes what the row is about.
    pub(super) fn title(&self, html: &mut Html, context: &Context) {
        match (self.account.owner, self.name(context), self.mac(context)) {
            (Owner::Network(prefix), ..) => _ = html.text(prefix),
            (Owner::Device(_), Some(name), _) => _ = html.markup("<bdi>").text(&name).markup("</bdi>"),
            (Owner::Device(_), None, Some(mac)) => _ = html.text(mac),
            (Owner::Device(_), None, None) if !self.addresses.is_empty() => _ = html.text(self.addresses[0]),
            _ => _ = html.say(self.kind().1),
        }
    }

    /// Writes what the row is about as a link to its page.
    pub(super) fn link(&self, html: &mut Html, page: &Page) {
        let (kind, mac) = (self.kind().0, self.mac(page.context));
        let key: Option<&dyn fmt::Display> = match (&self.account.owner, &mac, self.addresses.first()) {
            (Owner::Network(prefix), ..) => Some(prefix),
            (Owner::Device(_), Some(mac), _) => Some(mac),
            // A device whose link-layer address is not shown is known by the latest of its IP addresses.
            (Owner::Device(_), None, Some(address)) => Some(address),
            (Owner::Device(_), None, None) => None,
            _ => Some(&kind),
        };
        if let Some(key) = key {
            page.open(html, Place::Devices, key);
        }
        self.title(html, page.context);
        if key.is_some() {
            html.markup("</a>");
        }
    }

    /// Writes the row's fields into an object.
    pub(super) fn write_fields(&self, json: &mut Json, context: &Context, quota: Option<&QuotaRow>) {
        json.field("kind", self.kind().0);
        if let Owner::Network(prefix) = self.account.owner {
            json.field("network", Text(prefix));
        } else {
            json.field("mac", self.mac(context).map(Text));
            json.field("vendor", context.vendor(self.mac_or_zero()).as_deref());
            json.field("name", self.name(context).as_deref());
            json.key("addresses")
                .array(|json| self.addresses.iter().for_each(|address| json.value(*address)));
            json.field("addresses_count", self.addresses_count);
        }
        json.field("online", self.is_online(context));
        write_rate(json, self.rate);
        for (name, bytes) in [("today", self.today), ("month", self.month)] {
            json.key(name);
            write_bytes(json, bytes);
        }
        json.field("quota", quota.map(|quota| quota.usage));
        json.field("ipv4", self.account.ipv4);
        json.field("ipv6", self.account.ipv6);
        json.field("first_seen", self.account.first_seen);
        json.field("last_seen", context.last_seen(self.account.last_seen.into()));
    }

    /// Writes when it was seen, or that it is here now.
    pub(super) fn last_seen(&self, html: &mut Html, page: &Page) {
        match self.is_online(page.context) {
            Some(true) => {
                html.markup("<abbr title=\"");
                html.phrase("Its last packet is less than % minutes old.", &[&(ONLINE_SECONDS / 60)]);
                html.markup("\">{online}</abbr>");
            }
            Some(false) => page.ago(html, self.account.last_seen.into()),
            None => _ = html.markup("–"),
        }
    }
}

/// Writes bytes both ways as an object.
fn write_bytes(json: &mut Json, [received, sent]: [u64; 2]) {
    json.object(|json| {
        json.field("received", received);
        json.field("sent", sent);
    });
}

/// The devices.
pub struct DevicesView {
    /// The interface.
    pub header: Header,
    sort: DeviceSort,
    offset: usize,
    /// Devices in their order, then what is no device, then networks.
    rows: Vec<DeviceRow>,
    quotas: Vec<QuotaRow>,
}

impl DevicesView {
    /// An empty view with room for so many accounts. All memory is allocated here: 250 bytes for each,
    /// and 2 KB for quotas.
    pub fn with_capacity(accounts: usize) -> Self {
        let rows = Vec::with_capacity(accounts);
        let quotas = Vec::with_capacity(QUOTAS_MAX);
        Self { header: Header::default(), sort: DeviceSort::default(), offset: 0, rows, quotas }
    }

    /// Copies the devices. Allocates nothing.
    pub fn copy(
        &mut self,
        monitor: &Monitor,
        interface: Option<&str>,
        sort: DeviceSort,
        offset: usize,
    ) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        let accounts = ledger.accounts();
        self.sort = sort;
        quotas::copy(&mut self.quotas, monitor);
        self.rows.clear();
        let places = accounts.rows_max().min(self.rows.capacity());
        self.rows.extend((0..places).map(|place| DeviceRow::of(ledger, place)));
        for (slot, address, _, host) in ledger.hosts_oldest_first().filter(|(.., host)| host.local) {
            if let Some(row) =
                accounts.place_of_host(slot, host.mac).and_then(|place| self.rows.get_mut(place))
            {
                row.add(address);
            }
        }
        self.rows.retain(|row| !row.account.is_empty());
        self.offset = offset.min(self.rows.len());
        self.rows.sort_unstable_by_key(|row| {
            let group = match row.account.owner {
                Owner::Device(_) => 0,
                Owner::Network(_) => 2,
                _ => 1,
            };
            (group, Reverse(sort.key(row)), row.account.first_seen, row.mac_or_zero())
        });
        Ok(())
    }

    fn quota(&self, row: &DeviceRow) -> Option<&QuotaRow> {
        self.quotas.iter().find(|quota| quota.is_of(&row.account))
    }

    /// The rows: devices in their order, then what is no device, then networks.
    pub fn rows(&self) -> &[DeviceRow] {
        &self.rows
    }

    /// The devices of the page, then the networks.
    fn parts(&self) -> (&[DeviceRow], &[DeviceRow]) {
        let networks = self.rows.partition_point(|row| !matches!(row.account.owner, Owner::Network(_)));
        let (devices, networks) = self.rows.split_at(networks);
        let devices = devices.get(self.offset..).unwrap_or_default();
        (&devices[..devices.len().min(DEVICES_SHOWN_MAX)], networks)
    }

    /// Writes the devices as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            let (devices, networks) = self.parts();
            json.field("sort", self.sort.name());
            json.field("offset", self.offset);
            json.field("matching", self.rows.len() - networks.len());
            for (name, rows) in [("devices", devices), ("networks", networks)] {
                json.key(name).array(|json| {
                    rows.iter().for_each(|row| {
                        json.object(|json| row.write_fields(json, context, self.quota(row)));
                    });
                });
            }
        })
    }

    /// Writes the devices as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Devices };
        page.write(out, &|html| _ = html.markup("{Devices} · ").text(&self.header.books.name), |html| {
            let (devices, networks) = self.parts();
            html.markup("<h1>{Devices}</h1>\n");
            if self.rows.is_empty() {
                html.markup("<p>{No local device was seen here.}</p>\n");
                return;
            }
            self.table(html, &page, devices, [Phrase("Devices"), Phrase("Device")]);
            html.markup("<nav class=\"pages\" aria-label=\"{Pages of devices}\">\n");
            if self.offset > 0 {
                self.link(html, &page, self.sort, self.offset.saturating_sub(DEVICES_SHOWN_MAX));
                html.markup("← {previous}</a>\n");
            }
            if self.offset + devices.len() + networks.len() < self.rows.len() && !devices.is_empty() {
                self.link(html, &page, self.sort, self.offset + devices.len());
                html.markup("{next} →</a>\n");
            }
            html.markup("</nav>\n");
            if !networks.is_empty() {
                self.table(html, &page, networks, [Phrase("Local networks"), Phrase("Network")]);
            }
        })
    }

    fn table(&self, html: &mut Html, page: &Page, rows: &[DeviceRow], [caption, first]: [Phrase; 2]) {
        // The first says what the page's heading has said.
        let is_first = caption.0 == "Devices";
        html.markup("<div class=\"wide\">\n<table>\n<caption");
        html.markup(if is_first { " class=\"skip\">" } else { ">" }).say(caption);
        html.markup("</caption>\n<thead><tr><th scope=\"col\" rowspan=\"2\">").say(first).markup("</th>");
        for (sort, label) in [
            (DeviceSort::Month, Phrase("Month")),
            (DeviceSort::Today, Phrase("Today")),
            (DeviceSort::Now, Phrase("Now")),
        ] {
            self.column(html, page, sort, label, "<th scope=\"colgroup\" colspan=\"2\" class=\"n\"");
        }
        html.markup("<th scope=\"col\" rowspan=\"2\" class=\"n\">{Total}</th>");
        let last = "<th scope=\"col\" rowspan=\"2\" class=\"n\"";
        self.column(html, page, DeviceSort::Last, Phrase("Last seen"), last);
        html.markup("<th scope=\"col\" rowspan=\"2\" class=\"n\">{First seen}</th>");
        html.markup("<th scope=\"col\" rowspan=\"2\" class=\"n\">IPv6</th></tr>\n<tr>");
        for _ in 0..3 {
            html.markup("<th scope=\"col\" class=\"n\">{In}</th><th scope=\"col\" class=\"n\">{Out}</th>");
        }
        html.markup("</tr></thead>\n<tbody>\n");
        rows.iter().for_each(|row| write_row(html, page, row, self.quota(row)));
        html.markup("</tbody>\n</table>\n</div>\n");
    }

    /// A heading with the order that it leads to, if what that goes by is shown.
    fn column(&self, html: &mut Html, page: &Page, sort: DeviceSort, label: Phrase, begin: &'static str) {
        html.markup(begin);
        if sort == DeviceSort::Last && page.context.hidden.last_seen {
            html.markup(">").say(label).markup("</th>");
            return;
        }
        html.markup(if sort == self.sort { " aria-sort=\"descending\">" } else { ">" });
        self.link(html, page, sort, 0);
        html.say(label).markup("</a></th>");
    }

    fn link(&self, html: &mut Html, page: &Page, sort: DeviceSort, offset: usize) {
        html.markup("<a href=\"");
        page.path(html, Place::Devices);
        html.markup("?sort=").markup(sort.name()).markup("&amp;offset=").text(offset);
        page.same_interface(html);
        html.markup("\">");
    }
}

impl DeviceRow {
    fn mac_or_zero(&self) -> Mac {
        match self.account.owner {
            Owner::Device(mac) => mac,
            _ => Mac::ZERO,
        }
    }
}

fn write_row(html: &mut Html, page: &Page, row: &DeviceRow, quota: Option<&QuotaRow>) {
    html.markup("<tr><th scope=\"row\">");
    let is_device = !matches!(row.account.owner, Owner::Network(_));
    row.link(html, page);
    if row.mac(page.context).is_some() {
        html.markup("<br>");
        page.mac(html, row.mac_or_zero());
    }
    if let Some(quota) = quota {
        html.markup("<br><small>");
        write_usage(html, &quota.usage);
        html.markup("</small>");
    }
    if is_device && row.addresses_count > 0 {
        html.markup("<br><small>");
        for (index, address) in row.addresses.iter().enumerate() {
            html.markup(if index > 0 { ", " } else { "" });
            page.link_to(html, Place::Hosts, *address, None);
        }
        let more = usize::from(row.addresses_count) - row.addresses.len();
        if more > 0 {
            html.markup(" ").phrase("and % more", &[&Grouped(more as u64)]);
        }
        html.markup("</small>");
    }
    html.markup("</th>");
    for bytes in row.month.into_iter().chain(row.today) {
        bytes_cell(html, bytes);
    }
    for bytes in [row.rate.received, row.rate.sent] {
        html.markup("<td class=\"n\">").text(Rate::of(bytes, 1)).markup("</td>");
    }
    let (all, ipv6) = (row.account.total().both().bytes, row.account.ipv6.both().bytes);
    bytes_cell(html, all);
    html.markup("<td class=\"n\">");
    row.last_seen(html, page);
    html.markup("</td><td class=\"n\">");
    page.time(html, row.account.first_seen.into());
    html.markup("</td><td class=\"n\">").text(share(ipv6, all, 100).unwrap_or(0));
    html.markup("\u{a0}%</td></tr>\n");
}

/// Writes a cell of bytes: a few digits to read, all of them when pointed at.
pub(super) fn bytes_cell(html: &mut Html, bytes: u64) {
    html.markup("<td class=\"n\" title=\"")
        .text(Grouped(bytes))
        .markup("\">")
        .text(Bytes(bytes))
        .markup("</td>");
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::view::samples::{NOON, seeded};
    use crate::view::{DeviceKey, DeviceView, Hidden};

    fn context(hidden: Hidden) -> Context<'static> {
        Context { hidden, ..Context::at(crate::time::Timestamp::from_seconds(NOON + 700)) }
    }

    #[test]
    fn devices_come_in_their_order_and_add_up() {
        let monitor = seeded("br-lan", 64, 64, 3_000, 200);
        let mut view = DevicesView::with_capacity(64);
        for sort in DeviceSort::ALL {
            view.copy(&monitor, None, sort, 0).unwrap();
            let mut out = String::new();
            view.write_json(&mut out, &context(Hidden::default())).unwrap();
            let json: serde_json::Value = serde_json::from_str(&out).unwrap();
            assert_eq!(json["sort"], sort.name());
            let devices = json["devices"].as_array().unwrap();
            let keys: Vec<u64> = view.rows().iter().map(|row| sort.key(row)).collect();
            assert!(keys[..12].is_sorted_by(|one, next| one >= next), "{keys:?}");
            assert_eq!(devices.iter().filter(|row| row["kind"] == "device").count(), 12);
            assert_eq!(devices[0]["addresses"].as_array().unwrap().len(), 1);
            assert_eq!(devices[0]["online"], true);
            // All in one month: its bytes are all bytes.
            for row in view.rows() {
                assert_eq!(sum(row.month), row.account.total().both().bytes);
            }
        }
        assert_eq!(DeviceSort::named("nothing"), DeviceSort::Month);
        view.copy(&monitor, None, DeviceSort::Month, usize::MAX).unwrap();
        view.write_html(&mut String::new(), &context(Hidden::default())).unwrap();
    }

    #[test]
    fn a_local_network_has_a_page_of_its_own() {
        let monitor = seeded("br-lan", 64, 64, 3_000, 200);
        let mut view = DevicesView::with_capacity(64);
        view.copy(&monitor, None, DeviceSort::Month, 0).unwrap();
        let row = view.rows().last().unwrap();
        assert_eq!(row.account.owner, Owner::Network("192.168.0.0/16".parse().unwrap()));
        let mut out = String::new();
        view.write_html(&mut out, &context(Hidden::default())).unwrap();
        assert!(out.contains("<a href=\"/devices/192.168.0.0/16/\">192.168.0.0/16</a>"), "{out}");
        for heading in ["Device", "Network"] {
            assert!(
                out.contains(&format!("<thead><tr><th scope=\"col\" rowspan=\"2\">{heading}</th>")),
                "{out}"
            );
        }

        let mut device = DeviceView::new();
        device.copy(&monitor, None, DeviceKey::parse("192.168.0.0/16").unwrap()).unwrap();
        out.clear();
        device.write_html(&mut out, &context(Hidden { macs: true, last_seen: true })).unwrap();
        assert!(out.contains("<h1>192.168.0.0/16</h1>"), "{out}");
        assert_eq!(out.matches("<svg ").count(), 3, "hours, days, months");
        out.clear();
        device.write_json(&mut out, &context(Hidden::default())).unwrap();
        let json: serde_json::Value = serde_json::from_str(&out).unwrap();
        let sent = |bar: &serde_json::Value| bar["sent"].as_u64().unwrap();
        let sum: u64 = json["device"]["months"].as_array().unwrap().iter().map(sent).sum();
        assert_eq!((json["device"]["network"].as_str(), sum), (Some("192.168.0.0/16"), row.month[1]));
        for nothing in ["10.0.0.0/8", "192.168.0.0/24"] {
            assert!(device.copy(&monitor, None, DeviceKey::parse(nothing).unwrap()).is_err());
        }
        assert!(DeviceKey::parse("192.168.0.0/33").is_none() && DeviceKey::parse("devices/").is_none());
    }

    #[test]
    fn a_hidden_link_layer_address_is_nowhere() {
        let monitor = seeded("br-lan", 64, 64, 3_000, 200);
        let context = context(Hidden { macs: true, last_seen: true });
        let mut view = DevicesView::with_capacity(64);
        view.copy(&monitor, None, DeviceSort::Month, 0).unwrap();
        let mut device = DeviceView::new();
        device.copy(&monitor, None, DeviceKey::parse("192.168.1.5").unwrap()).unwrap();
        let mut pages = [const { String::new() }; 4];
        view.write_html(&mut pages[0], &context).unwrap();
        view.write_json(&mut pages[1], &context).unwrap();
        device.write_html(&mut pages[2], &context).unwrap();
        device.write_json(&mut pages[3], &context).unwrap();
        for page in &pages {
            assert!(!page.contains("02:00:00") && !page.contains("online\":true"), "{page}");
        }
        assert!(pages[0].contains("<a href=\"/devices/192.168.1.5/\">192.168.1.5</a>"));
        assert!(pages[2].contains("<a href=\"/hosts/192.168.1.5/\">"));
        assert!(!pages[0].contains("?sort=last"), "there is nothing to see that it goes by");
    }

    #[test]
    fn one_heading_is_that_of_the_order() {
        let monitor = seeded("br-lan", 64, 64, 3_000, 200);
        let mut view = DevicesView::with_capacity(64);
        for (sort, heading) in DeviceSort::ALL
            .into_iter()
            .zip(["Month", "Today", "Now", "Last seen"].map(|name| format!("{name}</a>")))
        {
            view.copy(&monitor, None, sort, 0).unwrap();
            let mut out = String::new();
            view.write_html(&mut out, &context(Hidden::default())).unwrap();
            let devices = out.split("</table>").next().unwrap();
            let (_, sorted) = devices.split_once(" aria-sort=").unwrap();
            assert!(
                !sorted.contains(" aria-sort=") && sorted.split("</th>").next().unwrap().ends_with(&heading)
            );
            assert!(
                sorted.contains("<abbr title=\"Its last packet is less than 5 minutes old.\">online</abbr>")
            );
        }
    }
}
