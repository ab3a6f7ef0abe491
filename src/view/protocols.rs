//! The IP protocols of an interface.

use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::html::Html;
use super::json::Json;
use super::languages::Phrase;
use super::page::{Page, Place, count_cell, share_cell, traffic_cell};
use super::{Context, ProtocolRow, services};
use crate::ledger::{Directions, Ledger};
use crate::monitor::Monitor;
use crate::network::Direction;

/// How many IP protocols there can be.
const PROTOCOLS: usize = 256;

/// The protocols with any traffic, the most bytes first.
#[derive(Default)]
pub struct ProtocolsView {
    /// The interface.
    pub header: Header,
    rows: Vec<ProtocolRow>,
}

impl ProtocolsView {
    /// An empty view. All memory is allocated here.
    pub fn new() -> Self {
        Self { header: Header::default(), rows: Vec::with_capacity(PROTOCOLS) }
    }

    /// Copies the protocols. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        self.copy_rows(ledger);
        Ok(())
    }

    /// The protocols, in order.
    pub fn rows(&self) -> &[ProtocolRow] {
        &self.rows
    }

    /// Writes the protocols as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| {
            json.field("total", self.header.books.totals.total());
            json.field("non_ip", self.header.books.non_ip);
            self.write_rows(json);
        })
    }

    /// Writes the protocols as a page.
    pub fn write_html(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        let page = Page { header: &self.header, context, place: Place::Protocols };
        page.write(out, &|html| _ = html.markup("{Protocols} · ").text(&self.header.books.name), |html| {
            html.markup("<h1>{Protocols}</h1>\n<div class=\"wide\">\n<table>\n<caption>{IP protocols}</caption>\n");
            html.markup("<thead><tr>");
            html.markup("<th scope=\"col\" class=\"n\">{Number}</th><th scope=\"col\">{Name}</th>");
            let columns = [Phrase("In"), Phrase("Out"), Phrase("Other"), Phrase("Total"), Phrase("Packets")];
            for column in columns {
                html.markup("<th scope=\"col\" class=\"n\">").say(column).markup("</th>");
            }
            html.markup("<th scope=\"col\">{Share}</th></tr></thead>\n<tbody>\n");
            let totals = &self.header.books.totals;
            for row in &self.rows {
                html.markup("<tr><th scope=\"row\" class=\"n\">").text(row.number).markup("</th><td>");
                html.text(services::protocol(row.number).unwrap_or_default()).markup("</td>");
                cells(html, &row.sum);
                share_cell(html, row.sum.total().bytes, totals.total().bytes);
                html.markup("</tr>\n");
            }
            let non_ip = self.header.books.non_ip;
            html.markup("</tbody>\n<tfoot>\n<tr><th scope=\"row\" colspan=\"5\">{Frames without IP, not in the total}");
            html.markup("</th>");
            traffic_cell(html, non_ip);
            count_cell(html, non_ip.packets);
            html.markup("<td></td></tr>\n<tr><th scope=\"row\" colspan=\"2\">{Total}</th>");
            cells(html, totals);
            html.markup("<td></td></tr>\n</tfoot>\n</table>\n</div>\n");
        })
    }

    /// Writes the protocols as a field.
    pub(super) fn write_rows(&self, json: &mut Json) {
        json.key("protocols").array(|json| self.rows.iter().for_each(|row| json.value(row)));
    }

    pub(super) fn copy_rows(&mut self, ledger: &Ledger) {
        self.rows.clear();
        let rows = ledger.protocols().map(|(number, sum)| ProtocolRow { number, sum: *sum });
        self.rows.extend(rows.take(PROTOCOLS));
        self.rows.sort_unstable_by_key(|row| (core::cmp::Reverse(row.sum.total().bytes), row.number));
    }
}

fn cells(html: &mut Html, sum: &Directions) {
    for counters in [sum.of(Direction::Inbound), sum.of(Direction::Outbound), sum.other(), sum.total()] {
        traffic_cell(html, counters);
    }
    count_cell(html, sum.total().packets);
}
