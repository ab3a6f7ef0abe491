//! One device: its traffic by hours, days and months, and its addresses.

use alloc::vec::Vec;
use core::fmt;
use core::net::IpAddr;

use super::Context;
use super::books::{Header, NotFound};
use super::chart::Chart;
use super::devices::{DeviceRow, bytes_cell};
use super::html::Html;
use super::page::{Page, Place, count_cell, rates_title, traffic_cell};
use super::quotas::{QuotaRow, write_usage};
use super::units::Rate;
use crate::ledger::{ACCOUNT_PERIODS, Bar, Counters, Ledger, Owner};
use crate::limits::DEVICE_ADDRESSES_LISTED;
use crate::monitor::Monitor;
use crate::packet::{Address, Mac};

/// Which device is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceKey {
    /// That with this link-layer address, or what is no device: a local network, for one.
    Owner(Owner),
    /// That with this address.
    Address(Address),
}

impl DeviceKey {
    /// The device that a segment of a path names.
    pub fn parse(text: &str) -> Option<Self> {
        let owner = match text {
            "others" => Owner::Others,
            "unknown" => Owner::Unknown,
            "router" => Owner::Router,
            _ => match (Mac::parse(text), text.parse::<IpAddr>()) {
                (Some(mac), _) => Owner::Device(mac),
                (None, Ok(address)) => return Some(Self::Address(address.into())),
                (None, Err(_)) => Owner::Network(text.parse().ok()?),
            },
        };
        Some(Self::Owner(owner))
    }

    /// True if it is a link-layer address.
    pub fn is_mac(self) -> bool {
        matches!(self, Self::Owner(Owner::Device(_)))
    }

    fn place(self, ledger: &Ledger) -> Option<usize> {
        let accounts = ledger.accounts();
        match self {
            Self::Owner(owner) => accounts.place(owner),
            Self::Address(address) => {
                let host = ledger.host(address).filter(|host| host.local)?;
                accounts.place_of(host.mac)
            }
        }
    }
}

/// The device.
pub struct DeviceView {
    /// The interface.
    pub header: Header,
    row: DeviceRow,
    quota: Option<QuotaRow>,
    /// Its addresses, and whether each has touched the dark, the latest first.
    addresses: Vec<(Address, bool)>,
    /// Bars by [`ACCOUNT_PERIODS`], the oldest first.
    history: [Vec<(i64, Bar)>; 3],
    utc_offset: i32,
}

impl Default for DeviceView {
    fn default() -> Self {
        Self::new()
    }
}

impl DeviceView {
    /// An empty view. All memory is allocated here: 6 KB.
    pub fn new() -> Self {
        Self {
            header: Header::default(),
            row: DeviceRow::default(),
            quota: None,
            addresses: Vec::with_capacity(DEVICE_ADDRESSES_LISTED),
            history: ACCOUNT_PERIODS.map(|period| Vec::with_capacity(period.bars())),
            utc_offset: 0,
        }
    }

    /// Copies the device. Allocates nothing.
    pub fn copy(
        &mut self,
        monitor: &Monitor,
        interface: Option<&str>,
        key: DeviceKey,
    ) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        let accounts = ledger.accounts();
        let place = key.place(ledger).ok_or(NotFound)?;
        self.utc_offset = ledger.utc_offset();
        self.row = DeviceRow::of(ledger, place);
        self.quota = QuotaRow::of(monitor, &self.row.account);
        self.addresses.clear();
        let hosts = ledger.hosts_oldest_first().filter(|(.., host)| host.local);
        for (_, address, ..) in
            hosts.filter(|(slot, .., host)| accounts.place_of_host(*slot, host.mac) == Some(place))
        {
            self.row.add(address);
            if self.addresses.len() == DEVICE_ADDRESSES_LISTED {
                self.addresses.remove(0);
            }
            self.addresses.push((address, false));
        }
        self.addresses.reverse();
        // Of the few that are shown: a forger can have thousands of both.
        for source in monitor.darknet().sources() {
            if let Some((_, is_source)) =
                self.addresses.iter_mut().find(|(address, _)| *address == source.address())
            {
                *is_source = true;
            }
        }
        for (bars, period) in self.history.iter_mut().zip(ACCOUNT_PERIODS) {
            bars.clear();
            let bar = |age| {
                let [received, sent] = accounts.bytes_in(place, period, age);
                let [inbound, outbound] = [received, sent].map(|bytes| Counters::new(0, bytes));
                (accounts.start(period, age), Bar { inbound, outbound, ..Bar::default() })
            };
            bars.extend((0..period.bars()).rev().map(bar).skip_while(|(_, bar)| *bar == Bar::default()));
        }
        Ok(())
    }

    /// Writes the device as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.key("device").object(|json| {
                self.row.write_fields(json, context, self.quota.as_ref());
                json.field("utc_offset", self.utc_offset);
                for (period, bars) in ACCOUNT_PERIODS.into_iter().zip(&self.history) {
                    json.key(period.name()).array(|json| {
                        for (start, bar) in bars {
                            json.object(|json| {
                                json.field("start", *start);
                                json.field("received", bar.inbound.bytes);
                                json.field("sent", bar.outbound.bytes);
                            });
                        }
                    });
                }
            });
        })
    }

    /// Writes the device as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Devices };
        let rate = self.row.rate;
        let title = |html: &mut Html| {
            rates_title(html, Rate::of(rate.received, 1), Rate::of(rate.sent, 1));
            match self.row.name(context) {
                Some(name) => _ = html.text(&name),
                None => self.title(html, context),
            }
        };
        page.write(out, &title, |html| {
            html.markup("<h1>");
            self.title(html, context);
            html.markup("</h1>\n");
            if let Some(quota) = &self.quota {
                quota.warn(html, &page);
            }
            self.facts(html, &page);
            self.charts(html, &page);
            self.traffic(html);
        })
    }

    /// True if it is a device, or this machine, and not what is of none.
    pub fn is_device(&self) -> bool {
        matches!(self.row.account.owner, Owner::Device(_) | Owner::Router)
    }

    /// Writes what it is called.
    pub(super) fn title(&self, html: &mut Html, context: &Context) {
        self.row.title(html, context);
    }

    /// Writes its graphs.
    pub(super) fn charts(&self, html: &mut Html, page: &Page) {
        html.markup("<section class=\"charts\" aria-label=\"{History}\">\n<p class=\"legend\">");
        html.markup("<span class=\"in\">{received}</span> <span class=\"out\">{sent}</span></p>\n");
        for (period, bars) in ACCOUNT_PERIODS.into_iter().zip(&self.history) {
            Chart { period, bars, of_device: true }.write(html, page);
        }
        html.markup("</section>\n");
    }

    fn facts(&self, html: &mut Html, page: &Page) {
        html.markup("<dl class=\"facts\">\n");
        if let Some(mac) = self.row.mac(page.context) {
            html.markup("<div><dt>{MAC address}</dt><dd>");
            page.mac(html, mac);
            html.markup("</dd></div>\n");
        }
        if !self.addresses.is_empty() {
            html.markup("<div><dt>{Addresses}</dt><dd>");
            for (address, is_source) in &self.addresses {
                page.link_to(html, Place::Hosts, *address, None);
                if *is_source {
                    html.markup(" (<a href=\"");
                    page.path(html, Place::Darknet);
                    html.url(address).markup("/\">{Darknet}</a>)");
                }
                html.markup("<br>");
            }
            let more = usize::from(self.row.addresses_count) - self.addresses.len();
            if more > 0 {
                html.phrase("and % more", &[&more]);
            }
            html.markup("</dd></div>\n");
        }
        html.markup("<div><dt>{First seen}</dt><dd>");
        page.time(html, self.row.account.first_seen.into());
        html.markup("</dd></div>\n<div><dt>{Last seen}</dt><dd>");
        self.row.last_seen(html, page);
        if let Some(quota) = &self.quota {
            html.markup("</dd></div>\n<div><dt>{Quota}</dt><dd>");
            write_usage(html, &quota.usage);
        }
        html.markup("</dd></div>\n");
        page.forms(html, self.row.mac(page.context), None);
        html.markup("</dl>\n");
    }

    fn traffic(&self, html: &mut Html) {
        let DeviceRow { account, rate, today, month, .. } = &self.row;
        html.markup(
            "<div class=\"wide\">\n<table class=\"narrow\">\n<caption>{Traffic}</caption>\n<thead><tr>",
        );
        html.markup("<th scope=\"col\">{Time}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{Received}</th><th scope=\"col\" class=\"n\">{Sent}</th>");
        html.markup("<th scope=\"col\" class=\"n\">{Packets}</th></tr></thead>\n<tbody>\n");
        html.markup("<tr><th scope=\"row\">{Now}</th>");
        for bytes in [rate.received, rate.sent] {
            html.markup("<td class=\"n\">").text(Rate::of(bytes, 1)).markup("</td>");
        }
        html.markup("<td></td></tr>\n<tr><th scope=\"row\">{Today}</th>");
        today.iter().for_each(|bytes| bytes_cell(html, *bytes));
        html.markup("<td></td></tr>\n<tr><th scope=\"row\">{This month}</th>");
        month.iter().for_each(|bytes| bytes_cell(html, *bytes));
        html.markup("<td></td></tr>\n");
        for (label, traffic) in [("IPv4", account.ipv4), ("IPv6", account.ipv6), ("{Total}", account.total())]
        {
            html.markup("<tr><th scope=\"row\">").markup(label).markup("</th>");
            traffic_cell(html, traffic.received);
            traffic_cell(html, traffic.sent);
            count_cell(html, traffic.both().packets);
            html.markup("</tr>\n");
        }
        html.markup("</tbody>\n</table>\n</div>\n");
    }
}
