//! The frame around every page, and what pages have in common.

use core::fmt;

use super::assets::CUSTOM_STYLE;
use super::books::{Header, Percent, tenths_seen};
use super::html::Html;
use super::languages::{ENGLISH, Phrase};
use super::units::{Bytes, Grouped, Moment, Rate, Span, share};
use super::{ALL_INTERFACES, Context, HostName, HostRow, PROGRAM, Wanted};
use crate::ledger::{Counters, Coverage};
use crate::packet::{Address, Mac};
use crate::time::Timestamp;

/// The pages that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/`
    Overview,
    /// `/devices/`, and the page of each device
    Devices,
    /// `/hosts/`, and the page of each host
    Hosts,
    /// `/ports/`
    Ports,
    /// `/protocols/`
    Protocols,
    /// `/darknet/`
    Darknet,
    /// `/about/`
    About,
    /// `/admin/`
    Admin,
    /// Where there is no page
    Missing,
}

impl Place {
    const ALL: [Self; 8] = [
        Self::Overview,
        Self::Devices,
        Self::Hosts,
        Self::Ports,
        Self::Protocols,
        Self::Darknet,
        Self::About,
        Self::Admin,
    ];

    /// What it is called.
    pub const fn label(self) -> Phrase {
        match self {
            Self::Overview => Phrase("Overview"),
            Self::Devices => Phrase("Devices"),
            Self::Hosts => Phrase("Hosts"),
            Self::Ports => Phrase("Ports"),
            Self::Protocols => Phrase("Protocols"),
            Self::Darknet => Phrase("Darknet"),
            Self::About => Phrase("About"),
            Self::Admin => Phrase("Administration"),
            Self::Missing => Phrase("Not found"),
        }
    }

    /// Whether it can show all interfaces side by side.
    const fn shows_all(self) -> bool {
        matches!(self, Self::Ports | Self::Protocols)
    }

    /// The page's path below the base.
    const fn path(self) -> &'static str {
        match self {
            // An interface that is chosen where there is no page shows its overview.
            Self::Overview | Self::Missing => "",
            Self::Devices => "devices/",
            Self::Hosts => "hosts/",
            Self::Ports => "ports/",
            Self::Protocols => "protocols/",
            Self::Darknet => "darknet/",
            Self::About => "about/",
            Self::Admin => "admin/",
        }
    }
}

/// What a page is made with.
pub struct Page<'a> {
    /// Which interfaces there are, and which is shown.
    pub header: &'a Header,
    /// Time, names and where the pages are.
    pub context: &'a Context<'a>,
    /// Which page it is.
    pub place: Place,
}

impl Page<'_> {
    /// Writes the page: its frame with a title, and `body` as its main part.
    pub fn write(
        &self,
        out: &mut dyn fmt::Write,
        title: &dyn Fn(&mut Html),
        body: impl FnOnce(&mut Html),
    ) -> fmt::Result {
        Html::write(out, self.context.language, |html| {
            self.begin(html, title);
            body(html);
            self.end(html);
        })
    }

    /// Writes what comes before the page's own.
    pub fn begin(&self, html: &mut Html, title: &dyn Fn(&mut Html)) {
        self.head(html, title);
        html.markup("<main id=\"main\">\n");
        self.notice(html);
    }

    /// Writes what comes after the page's own.
    pub fn end(&self, html: &mut Html) {
        html.markup("</main>\n<footer><p>").text(PROGRAM).markup(" · ");
        self.time(html, self.context.now.seconds as i64);
        html.markup("</p></footer>\n</body>\n</html>\n");
    }

    /// The warning, on the pages that people read first and last.
    fn notice(&self, html: &mut Html) {
        if let (Some(notice), Place::Overview | Place::About) = (self.context.notice, self.place) {
            html.markup("<p class=\"notice\">").text(notice).markup("</p>\n");
        }
    }

    fn head(&self, html: &mut Html, title: &dyn Fn(&mut Html)) {
        html.markup("<!DOCTYPE html>\n<html lang=\"").text(self.context.language.tag);
        html.markup("\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
        title(html);
        html.markup(" · duskwatch</title>\n");
        html.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.markup("<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"");
        html.text(self.context.base).markup("favicon.svg\" type=\"image/svg+xml\">\n<script src=\"");
        html.text(self.context.base).markup("assets/refresh.js\"></script>\n");
        self.style(html, "assets/style.css");
        if self.context.custom_style {
            self.style(html, CUSTOM_STYLE);
        }
        html.markup(
            "</head>\n<body>\n<a class=\"skip\" href=\"#main\">{Skip to the content}</a>\n<header>\n",
        );
        html.markup("<p class=\"brand\"><img src=\"").text(self.context.base);
        html.markup("favicon.svg\" alt=\"\" width=\"24\" height=\"24\"> duskwatch</p>\n");
        html.markup("<nav aria-label=\"{Pages}\">\n");
        let shown = |place: &Place| *place != Place::Admin || self.context.administration;
        for place in Place::ALL.into_iter().filter(shown) {
            self.link(html, place, self.header.chosen, place == self.place);
            html.say(place.label()).markup("</a>\n");
        }
        html.markup("</nav>\n");
        if self.header.interfaces.len() > 1 {
            html.markup("<nav class=\"interfaces\" aria-label=\"{Interfaces}\">\n");
            for (index, interface) in self.header.interfaces.iter().enumerate() {
                let is_shown = index == self.header.chosen && self.place != Place::Missing;
                self.link(html, self.place, index, is_shown);
                html.markup("<bdi>").text(&interface.name).markup("</bdi> <small>");
                html.markup(interface.role.name()).markup("</small></a>\n");
            }
            if self.place.shows_all() {
                let all = self.header.interfaces.len();
                self.link(html, self.place, all, all == self.header.chosen);
                html.markup("{All}</a>\n");
            }
            html.markup("</nav>\n");
        }
        // The script makes its controls of these words: without it there is none that does nothing.
        html.markup("<div class=\"controls\" data-pace=\"{Refresh}|{every second}|{every 5 s}|{every 30 s}|{stopped}\"");
        html.markup(" data-theme=\"{Theme}|{automatic}|{light}|{dark}\"></div>\n</header>\n");
        html.markup("<output data-lost=\"{No answer since}\" ");
        html.markup("data-gone=\"{What this page showed is gone.}\"></output>\n");
    }

    fn style(&self, html: &mut Html, path: &'static str) {
        html.markup("<link rel=\"stylesheet\" href=\"").text(self.context.base).markup(path).markup("\">\n");
    }

    fn link(&self, html: &mut Html, place: Place, interface: usize, current: bool) {
        html.markup("<a href=\"").text(self.context.base).markup(place.path());
        self.query(html, place, interface, "?");
        html.markup(if current { "\" aria-current=\"page\">" } else { "\">" });
    }

    /// Continues an address with the interface, where there are several to choose from.
    fn query(&self, html: &mut Html, place: Place, interface: usize, separator: &'static str) {
        if self.header.interfaces.len() > 1 {
            match self.header.interfaces.get(interface) {
                Some(interface) => _ = html.markup(separator).markup("interface=").url(&interface.name),
                None if place.shows_all() => {
                    html.markup(separator).markup("interface=").markup(ALL_INTERFACES);
                }
                None => {}
            }
        }
    }

    /// Continues an address that has a query already with the interface that is shown.
    pub fn same_interface(&self, html: &mut Html) {
        self.query(html, self.place, self.header.chosen, "&amp;");
    }

    /// Writes a place's address without a query.
    pub fn path(&self, html: &mut Html, place: Place) {
        html.text(self.context.base).markup(place.path());
    }

    /// Writes a host as a link to its page, by name if it has one.
    pub fn host(&self, html: &mut Html, row: &HostRow) {
        let name = self.context.names.name(row.address, row.host.mac);
        self.link_to(html, Place::Hosts, row.address, name);
    }

    /// Writes a device's link-layer address and who made it, if it is known and shown.
    pub fn mac(&self, html: &mut Html, mac: Mac) {
        let Some(mac) = self.context.mac(mac) else { return };
        html.markup("<code>").text(mac).markup("</code>");
        if mac.is_private() {
            html.markup(" <small>{private address}</small>");
        } else if let Some(vendor) = self.context.names.vendor(mac) {
            html.markup(" <small><bdi>").text(&vendor).markup("</bdi></small>");
        }
    }

    /// Writes a host as a link to what a place has of it, by its name if it has one.
    pub fn link_to(&self, html: &mut Html, place: Place, address: Address, name: Option<HostName>) {
        self.open(html, place, &address);
        match name {
            Some(name) => {
                html.markup("<bdi>").text(&name).markup("</bdi></a> <small>").text(address).markup("</small>")
            }
            None => html.text(address).markup("</a>"),
        };
    }

    /// Begins a link to what a place has of somebody.
    pub fn open(&self, html: &mut Html, place: Place, key: &dyn fmt::Display) {
        self.open_on(self.header.chosen, html, place, key);
    }

    /// The same on another interface than the one that is shown.
    pub fn open_on(&self, interface: usize, html: &mut Html, place: Place, key: &dyn fmt::Display) {
        html.markup("<a href=\"");
        self.path(html, place);
        html.url(key).markup("/");
        self.query(html, place, interface, "?");
        html.markup("\">");
    }

    /// Writes the ways to the forms about a device or a host, where there is administration.
    pub fn forms(&self, html: &mut Html, mac: Option<Mac>, address: Option<Address>) {
        if !self.context.administration || (mac.is_none() && address.is_none()) {
            return;
        }
        html.markup("<div><dt>{Administration}</dt><dd>");
        for (label, wanted) in [
            (Phrase("Rename"), Wanted { mac, address: None }),
            (Phrase("Forget"), Wanted { mac: None, address }),
        ] {
            if wanted != Wanted::default() {
                html.markup("<a href=\"");
                self.path(html, Place::Admin);
                html.text(wanted).markup("\">").say(label).markup("</a> ");
            }
        }
        html.markup("</dd></div>\n");
    }

    /// A time in seconds since 1970 as local time.
    pub fn moment(&self, seconds: i64) -> Moment {
        Moment::of(seconds.saturating_add(self.context.utc_offset.into()))
    }

    /// Writes a time in seconds since 1970: local time to read, UTC for machines.
    pub fn time(&self, html: &mut Html, seconds: i64) {
        self.time_tag(html, seconds);
        html.text(self.moment(seconds)).markup("</time>");
    }

    /// Writes how long ago a time was.
    pub fn ago(&self, html: &mut Html, seconds: i64) {
        let now = self.context.now.seconds as i64;
        self.time_tag(html, seconds);
        Span(now.saturating_sub(seconds).max(0) as u64).write_ago(html);
        html.markup("</time>");
    }

    fn time_tag(&self, html: &mut Html, seconds: i64) {
        let utc = Moment::of(seconds);
        html.markup("<time datetime=\"").text(utc.date()).markup("T").text(utc.time());
        html.markup("Z\" title=\"").text(self.moment(seconds)).markup("\">");
    }

    /// Writes a time stamp, or a dash for none.
    pub fn time_or_dash(&self, html: &mut Html, time: Option<Timestamp>) {
        match time {
            Some(time) => self.time(html, time.seconds as i64),
            None => _ = html.markup("–"),
        }
    }
}

/// Writes a cell of traffic: bytes to read, both exact numbers when pointed at.
pub fn traffic_cell(html: &mut Html, counters: Counters) {
    html.markup("<td class=\"n\" title=\"");
    html.phrase("% bytes in % packets", &[&Grouped(counters.bytes), &Grouped(counters.packets)]);
    html.markup("\">").text(Bytes(counters.bytes)).markup("</td>");
}

/// Writes a cell of bytes, the exact number when pointed at.
pub fn bytes_cell(html: &mut Html, bytes: u64) {
    html.markup("<td class=\"n\" title=\"").phrase("% bytes", &[&Grouped(bytes)]);
    html.markup("\">").text(Bytes(bytes)).markup("</td>");
}

/// Writes a cell of a rate, from bytes per second; each way when pointed at.
pub fn rate_cell(html: &mut Html, received: u64, sent: u64) {
    html.markup("<td class=\"n\" title=\"↓ ").text(Rate::of(received, 1)).markup(" ↑ ");
    html.text(Rate::of(sent, 1))
        .markup("\">")
        .text(Rate::of(received.saturating_add(sent), 1))
        .markup("</td>");
}

/// Begins a title with what goes in and out now, or is received and sent, so that a tab tells it from afar.
pub fn rates_title(html: &mut Html, inbound: Rate, outbound: Rate) {
    html.markup("↓ ").text(inbound).markup(" ↑ ").text(outbound).markup(" · ");
}

/// Writes a cell with a number.
pub fn count_cell(html: &mut Html, count: u64) {
    html.markup("<td class=\"n\">").text(Grouped(count)).markup("</td>");
}

/// Writes a cell with a bar as long as the part is of the whole.
pub fn share_cell(html: &mut Html, part: u64, whole: u64) {
    let percent = share(part, whole, 100).unwrap_or(0);
    html.markup("<td class=\"share\"><svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" role=\"img\">");
    html.markup("<title>").text(percent).markup("\u{a0}% {of the total}</title><rect width=\"");
    html.text(percent.clamp(1, 100)).markup("\" height=\"8\"/></svg></td>");
}

/// Writes what a capture could not see, in plain words.
pub fn write_coverage(html: &mut Html, coverage: Option<&Coverage>) {
    let Some(coverage) = coverage else {
        html.phrase(
            "It is unknown how much of this interface's traffic was seen: there is no kernel counter to \
             compare with.",
            &[],
        );
        return;
    };
    match tenths_seen(coverage) {
        None => html.markup("{Nothing passed yet that could be compared with the kernel's counters.}"),
        Some(1_000) => html.markup("{All bytes that passed this interface were seen.}"),
        Some(tenths) => html.phrase(
            "% of this interface's bytes were seen; the rest passed where a capture cannot look (hardware flow \
             offloading) or faster than it could.",
            &[&Percent(tenths)],
        ),
    };
    if coverage.merged > 0 {
        html.markup(" ").phrase(
            "% frames had been merged from several before they could be counted (segmentation offload), so the \
             number of packets is too low and bytes lack the merged headers.",
            &[&Grouped(coverage.merged)],
        );
    }
}

/// The same in English, for JSON.
pub struct CoverageText<'a>(pub Option<&'a Coverage>);

impl fmt::Display for CoverageText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Html::plain(f, &ENGLISH, |html| write_coverage(html, self.0))
    }
}
