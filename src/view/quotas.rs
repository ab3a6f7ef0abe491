//! Quotas on the pages and in JSON.

use alloc::vec::Vec;
use core::fmt::Display;

use super::books::Header;
use super::html::Html;
use super::json::{Json, Text, Value};
use super::languages::Phrase;
use super::page::Page;
use super::units::Bytes;
use super::{Context, HostName};
use crate::ledger::{Account, Owner};
use crate::monitor::Monitor;
use crate::packet::{Address, Mac};
use crate::quota::{Target, Usage, latest_address};

/// Copies all quotas.
#[inline(never)]
pub(super) fn copy(rows: &mut Vec<QuotaRow>, monitor: &Monitor) {
    rows.clear();
    rows.extend(monitor.quotas().map(|usage| QuotaRow::new(monitor, usage)));
}

/// A quota, and what tells whose it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuotaRow {
    pub(super) usage: Usage,
    address: Option<Address>,
}

impl QuotaRow {
    fn new(monitor: &Monitor, usage: Usage) -> Self {
        let address = match usage.quota.target {
            Target::Device(mac) => latest_address(monitor.ledgers(), mac),
            Target::Interface(_) => None,
        };
        Self { usage, address }
    }

    /// That of the device with this account.
    pub(super) fn of(monitor: &Monitor, account: &Account) -> Option<Self> {
        let Owner::Device(mac) = account.owner else { return None };
        let usage = monitor.quotas().find(|usage| usage.quota.target == Target::Device(mac))?;
        Some(Self::new(monitor, usage))
    }

    /// True if it is that of the device with this account.
    pub(super) fn is_of(&self, account: &Account) -> bool {
        self.mac().is_some_and(|mac| account.owner == Owner::Device(mac))
    }

    /// The link-layer address of the device, if it is one's.
    fn mac(&self) -> Option<Mac> {
        match self.usage.quota.target {
            Target::Device(mac) => Some(mac),
            Target::Interface(_) => None,
        }
    }

    fn name(&self, context: &Context) -> Option<HostName> {
        let mac = self.mac()?;
        context.names.device(mac).or_else(|| context.names.name(self.address?, mac))
    }

    /// The name of the interface, if it is one's.
    fn interface<'h>(&self, header: &'h Header) -> Option<&'h str> {
        let Target::Interface(index) = self.usage.quota.target else { return None };
        header.interfaces.get(usize::from(index)).map(|interface| interface.name.as_str())
    }

    /// Says who has used how much, if that is enough to warn of.
    pub(super) fn warn(&self, html: &mut Html, page: &Page) {
        if self.usage.level() == 0 {
            return;
        }
        let mac = self.mac().and_then(|mac| page.context.mac(mac));
        let (name, interface) = (self.name(page.context), self.interface(page.header));
        let who: &dyn Display = match (&name, &interface, &mac, &self.address) {
            (Some(name), ..) => name,
            (_, Some(interface), ..) => interface,
            (_, _, Some(mac), _) => mac,
            (_, _, _, Some(address)) => address,
            _ => &html.language().phrase("Device"),
        };
        let percent = format_args!("{}\u{a0}%", self.usage.percent());
        let bytes = Bytes(self.usage.quota.bytes);
        if self.usage.is_used_up() {
            html.markup("<p class=\"notice over\"><strong>");
            html.phrase("% has used up its % of this month: %", &[who, &bytes, &percent]);
            html.markup("</strong></p>\n");
        } else {
            html.markup("<p class=\"notice\">");
            html.phrase("% has used % of its % of this month", &[who, &percent, &bytes]).markup("</p>\n");
        }
    }

    /// Writes the fields that say whose it is, and those of the quota.
    pub(super) fn write_json(&self, json: &mut Json, header: &Header, context: &Context) {
        json.object(|json| {
            json.field("interface", self.interface(header));
            json.field("mac", self.mac().and_then(|mac| context.mac(mac)).map(Text));
            json.field("name", self.name(context).as_deref());
            write_fields(json, &self.usage);
        });
    }
}

fn write_fields(json: &mut Json, usage: &Usage) {
    json.field("bytes", usage.quota.bytes);
    json.field("used", usage.used);
    json.field("percent", usage.percent());
}

impl Value for Usage {
    fn write(&self, json: &mut Json) {
        json.object(|json| write_fields(json, self));
    }
}

/// Writes how much of a quota is used, in bold where that is enough to warn of.
pub(super) fn write_usage(html: &mut Html, usage: &Usage) {
    let [begin, end] = if usage.level() > 0 { ["<strong>", "</strong>"] } else { [""; 2] };
    let percent = format_args!("{}\u{a0}%", usage.percent());
    let phrase = match usage.is_used_up() {
        true => Phrase("% of % this month: used up"),
        false => Phrase("% of % this month"),
    };
    html.markup(begin).phrase(phrase.0, &[&percent, &Bytes(usage.quota.bytes)]).markup(end);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quota::Quota;
    use crate::view::languages::LANGUAGES;
    use crate::view::samples::{EVIL, EvilNames, NOON, seeded};
    use crate::view::{DeviceKey, DeviceSort, DeviceView, DevicesView, Hidden, SummaryView};

    const DEVICE: Target = Target::Device(Mac([2, 0, 0, 0, 0, 5]));

    /// Of the device's quota 83 % are used, of the interface's half.
    fn monitor() -> Monitor {
        let mut monitor = seeded("br-lan", 64, 64, 3_000, 200);
        let quotas = [(DEVICE, 83), (Target::Interface(0), 50)].map(|(target, percent)| {
            monitor.set_quotas(&[Quota { target, bytes: 1 }]);
            let used = monitor.quotas().map(|usage| usage.used).sum::<u64>();
            Quota { target, bytes: used * 100 / percent }
        });
        monitor.set_quotas(&quotas);
        monitor
    }

    fn context() -> Context<'static> {
        Context::at(crate::time::Timestamp::from_seconds(NOON + 600))
    }

    /// The overview, the devices and the device, each as a page and as JSON.
    fn pages(monitor: &Monitor, context: &Context) -> [String; 6] {
        let mut pages = [const { String::new() }; 6];
        let mut summary = SummaryView::new();
        summary.copy(monitor, None).unwrap();
        let mut devices = DevicesView::with_capacity(64);
        devices.copy(monitor, None, DeviceSort::Month, 0).unwrap();
        let mut device = DeviceView::new();
        device.copy(monitor, None, DeviceKey::parse("192.168.1.5").unwrap()).unwrap();
        summary.write_html(&mut pages[0], context).unwrap();
        devices.write_html(&mut pages[1], context).unwrap();
        device.write_html(&mut pages[2], context).unwrap();
        summary.write_json(&mut pages[3], context).unwrap();
        devices.write_json(&mut pages[4], context).unwrap();
        device.write_json(&mut pages[5], context).unwrap();
        pages
    }

    #[test]
    fn much_of_a_quota_is_said_in_words() {
        let monitor = monitor();
        let bytes = monitor.quotas().map(|usage| Bytes(usage.quota.bytes).to_string()).collect::<Vec<_>>();
        let warning =
            format!("<p class=\"notice\">02:00:00:00:00:05 has used 83\u{a0}% of its {} of", bytes[0]);
        let bold = format!("<strong>83\u{a0}% of {} this month</strong>", bytes[0]);
        let [summary, devices, device, ..] = pages(&monitor, &context());
        assert!(summary.contains(&warning) && device.contains(&warning), "{summary}");
        assert_eq!(summary.matches(" has used ").count(), 1, "half of a quota is nothing to warn of");
        assert!(summary.contains(&format!("<small>50\u{a0}% of {} this month</small>", bytes[1])));
        assert!(devices.contains(&bold) && device.contains(&bold), "{devices}");

        let german = Context { language: LANGUAGES[1], ..context() };
        assert!(pages(&monitor, &german)[0].contains("02:00:00:00:00:05 hat 83\u{a0}% von "));

        let mut over = self::monitor();
        let used = over.quotas().next().unwrap().used;
        over.set_quotas(&[Quota { target: DEVICE, bytes: used }]);
        let used = Bytes(used);
        let warning = format!(
            "<p class=\"notice over\"><strong>02:00:00:00:00:05 has used up its {used} of this month: 100\u{a0}%</strong>"
        );
        let [summary, devices, device, ..] = pages(&over, &context());
        assert!(summary.contains(&warning) && device.contains(&warning), "{summary}");
        let bold = format!("<strong>100\u{a0}% of {used} this month: used up</strong>");
        assert!(devices.contains(&bold) && device.contains(&bold), "{devices}");
        let evil = Context { names: &EvilNames, ..context() };
        assert!(pages(&monitor, &evil).iter().all(|page| !page.contains(EVIL)));
    }

    #[test]
    fn quotas_are_in_json() {
        let monitor = monitor();
        let usages: Vec<Usage> = monitor.quotas().collect();
        let json = pages(&monitor, &context()).map(|page| serde_json::from_str(&page).unwrap_or_default());
        let [_, _, _, summary, devices, device]: [serde_json::Value; 6] = json;
        let quota = serde_json::json!({
            "bytes": usages[0].quota.bytes, "used": usages[0].used, "percent": usages[0].percent(),
        });
        assert_eq!(device["device"]["quota"], quota);
        let devices = devices["devices"].as_array().unwrap();
        assert_eq!(devices.iter().filter(|row| row["quota"] == quota).count(), 1);
        assert_eq!(devices.iter().filter(|row| row["quota"].is_null()).count(), devices.len() - 1);
        assert_eq!(summary["quotas"][0]["mac"], "02:00:00:00:00:05");
        assert_eq!(summary["quotas"][0]["used"], usages[0].used);
        assert_eq!(summary["quotas"][1]["interface"], "br-lan");
        assert_eq!(summary["quotas"][1]["percent"], 50);
    }

    #[test]
    fn a_hidden_link_layer_address_stays_hidden() {
        let hidden = Context { hidden: Hidden { macs: true, last_seen: false }, ..context() };
        let pages = pages(&monitor(), &hidden);
        assert!(pages[0].contains("<p class=\"notice\">192.168.1.5 has used 83\u{a0}% of"), "{}", pages[0]);
        assert!(pages.iter().all(|page| !page.contains("02:00:00")));
    }
}
