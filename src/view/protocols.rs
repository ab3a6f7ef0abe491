//! The IP protocols of an interface.

use alloc::vec::Vec;
use core::fmt;

use super::books::{Header, NotFound};
use super::json::Json;
use super::{Context, ProtocolRow};
use crate::ledger::Ledger;
use crate::monitor::Monitor;

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
