//! The frame around every page, and what pages have in common.

use core::fmt;

use super::books::{Header, Tenths, tenths_seen};
use super::html::Html;
use super::units::{Bytes, Grouped, Moment, Span};
use super::{Context, HostName, PROGRAM};
use crate::ledger::{Counters, Coverage};
use crate::packet::Address;
use crate::time::Timestamp;

/// The pages that the navigation leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `/`
    Overview,
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
}

impl Place {
    const ALL: [Self; 6] =
        [Self::Overview, Self::Hosts, Self::Ports, Self::Protocols, Self::Darknet, Self::About];

    const fn label(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Hosts => "Hosts",
            Self::Ports => "Ports",
            Self::Protocols => "Protocols",
            Self::Darknet => "Darknet",
            Self::About => "About",
        }
    }

    /// The page's path below the base.
    const fn path(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Hosts => "hosts/",
            Self::Ports => "ports/",
            Self::Protocols => "protocols/",
            Self::Darknet => "darknet/",
            Self::About => "about/",
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
    /// Writes the page: its frame, and `body` as its main part.
    pub fn write(
        &self,
        out: &mut dyn fmt::Write,
        title: impl fmt::Display,
        body: impl FnOnce(&mut Html),
    ) -> fmt::Result {
        Html::write(out, |html| {
            self.head(html, title);
            html.markup("<main>\n");
            self.notice(html);
            body(html);
            html.markup("</main>\n<footer><p>").text(PROGRAM).markup(" · ");
            self.time(html, self.context.now.seconds as i64);
            html.markup("</p></footer>\n</body>\n</html>\n");
        })
    }

    /// The warning, on the pages that people read first and last.
    fn notice(&self, html: &mut Html) {
        if let (Some(notice), Place::Overview | Place::About) = (self.context.notice, self.place) {
            html.markup("<p class=\"notice\">").text(notice).markup("</p>\n");
        }
    }

    fn head(&self, html: &mut Html, title: impl fmt::Display) {
        html.markup("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>");
        html.text(title).markup(" · duskwatch</title>\n");
        html.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
        html.markup("<meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"");
        html.text(self.context.base).markup("favicon.svg\" type=\"image/svg+xml\">\n");
        html.markup("<link rel=\"stylesheet\" href=\"").text(self.context.base);
        html.markup("assets/style.css\">\n<script src=\"").text(self.context.base);
        html.markup("assets/refresh.js\" defer></script>\n</head>\n<body>\n<header>\n<p class=\"brand\">");
        html.markup("<img src=\"").text(self.context.base);
        html.markup("favicon.svg\" alt=\"\" width=\"24\" height=\"24\"> duskwatch</p>\n");
        html.markup("<nav aria-label=\"Pages\">\n");
        for place in Place::ALL {
            self.link(html, place, self.header.chosen, place == self.place);
            html.markup(place.label()).markup("</a>\n");
        }
        html.markup("</nav>\n");
        if self.header.interfaces.len() > 1 {
            html.markup("<nav class=\"interfaces\" aria-label=\"Interfaces\">\n");
            for (index, interface) in self.header.interfaces.iter().enumerate() {
                self.link(html, self.place, index, index == self.header.chosen);
                html.markup("<bdi>").text(&interface.name).markup("</bdi> <small>");
                html.markup(interface.role.name()).markup("</small></a>\n");
            }
            html.markup("</nav>\n");
        }
        html.markup("</header>\n");
    }

    fn link(&self, html: &mut Html, place: Place, interface: usize, current: bool) {
        html.markup("<a href=\"").text(self.context.base).markup(place.path());
        self.query(html, interface, "?");
        html.markup(if current { "\" aria-current=\"page\">" } else { "\">" });
    }

    /// Continues an address with the interface, where there are several to choose from.
    fn query(&self, html: &mut Html, interface: usize, separator: &'static str) {
        if self.header.interfaces.len() > 1
            && let Some(interface) = self.header.interfaces.get(interface)
        {
            html.markup(separator).markup("interface=").url(&interface.name);
        }
    }

    /// Continues an address that has a query already with the interface that is shown.
    pub fn same_interface(&self, html: &mut Html) {
        self.query(html, self.header.chosen, "&amp;");
    }

    /// Writes a place's address without a query.
    pub fn path(&self, html: &mut Html, place: Place) {
        html.text(self.context.base).markup(place.path());
    }

    /// Writes a host as a link to its page, by name if it has one.
    pub fn host(&self, html: &mut Html, address: Address) {
        self.link_to(html, Place::Hosts, address, self.context.names.name(address));
    }

    /// Writes a host as a link to what a place has of it, by its name if it has one.
    pub fn link_to(&self, html: &mut Html, place: Place, address: Address, name: Option<HostName>) {
        html.markup("<a href=\"");
        self.path(html, place);
        html.url(address).markup("/");
        self.query(html, self.header.chosen, "?");
        html.markup("\">");
        match name {
            Some(name) => {
                html.markup("<bdi>").text(&name).markup("</bdi></a> <small>").text(address).markup("</small>")
            }
            None => html.text(address).markup("</a>"),
        };
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
        html.text(Span(now.saturating_sub(seconds).max(0) as u64)).markup(" ago</time>");
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
    html.markup("<td class=\"n\" title=\"").text(Grouped(counters.bytes)).markup(" bytes in ");
    html.text(Grouped(counters.packets)).markup(" packets\">").text(Bytes(counters.bytes)).markup("</td>");
}

/// Writes a cell with a number.
pub fn count_cell(html: &mut Html, count: u64) {
    html.markup("<td class=\"n\">").text(Grouped(count)).markup("</td>");
}

/// Writes a cell with a bar as long as the part is of the whole.
pub fn share_cell(html: &mut Html, part: u64, whole: u64) {
    let percent = u128::from(part) * 100 / u128::from(whole.max(1));
    html.markup("<td class=\"share\"><svg viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" role=\"img\">");
    html.markup("<title>").text(percent).markup(" % of the total</title><rect width=\"");
    html.text(percent.clamp(1, 100)).markup("\" height=\"8\"/></svg></td>");
}

/// What a capture could not see, in plain words.
pub struct CoverageText<'a>(pub Option<&'a Coverage>);

impl fmt::Display for CoverageText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(coverage) = self.0 else {
            return f.write_str(
                "It is unknown how much of this interface's traffic was seen: \
                 there is no kernel counter to compare with.",
            );
        };
        match tenths_seen(coverage) {
            None => f.write_str("Nothing passed yet that could be compared with the kernel's counters.")?,
            Some(1_000) => f.write_str("All bytes that passed this interface were seen.")?,
            Some(tenths) => write!(
                f,
                "{} % of this interface's bytes were seen; the rest passed where a capture cannot look \
                 (hardware flow offloading) or faster than it could.",
                Tenths(tenths)
            )?,
        }
        if coverage.merged > 0 {
            write!(
                f,
                " {} frames had been merged from several before they could be counted (segmentation \
                 offload), so the number of packets is too low and bytes lack the merged headers.",
                Grouped(coverage.merged)
            )?;
        }
        Ok(())
    }
}
