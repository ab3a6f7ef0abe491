//! The ports of an interface: those with the most traffic of each transport and side.

use core::fmt;

use super::books::{Header, NotFound};
use super::json::{Json, Value};
use super::top::{Rest, Top};
use super::{Context, PortLine};
use crate::ledger::{Ledger, PortOwner, PortsLeft};
use crate::monitor::Monitor;
use crate::table::PortKind;

/// The lists of an owner's ports, in the order of [`PortKind::ALL`].
#[derive(Clone, Debug)]
pub struct PortLists([Top<PortLine>; 4]);

impl PortLists {
    /// Empty lists of at most `rows` rows each. All memory is allocated here.
    pub fn with_limit(rows: usize) -> Self {
        Self(PortKind::ALL.map(|_| Top::with_limit(rows)))
    }

    /// The list of one transport and side.
    pub fn of(&self, kind: PortKind) -> &Top<PortLine> {
        &self.0[kind as usize]
    }

    /// Copies the ports of an owner in one pass over the table.
    pub(super) fn copy(&mut self, ledger: &Ledger, owner: PortOwner) {
        self.0.iter_mut().for_each(Top::clear);
        for (kind, port, row) in ledger.ports(owner) {
            self.0[kind as usize].offer(PortLine { kind, port, row: *row });
        }
        self.0.iter_mut().for_each(Top::finish);
    }

    /// Writes the lists as a field; `more` writes what a list has besides its rows.
    pub(super) fn write(&self, json: &mut Json, more: impl Fn(&mut Json, PortKind)) {
        let list = |json: &mut Json, name, kind| {
            json.key(name).object(|json| {
                json.key("rows").array(|json| self.of(kind).rows().iter().for_each(|row| json.value(row)));
                json.field("others", self.of(kind).rest());
                more(json, kind);
            });
        };
        json.key("ports").object(|json| {
            json.key("tcp").object(|json| {
                list(json, "local", PortKind::TcpLocal);
                list(json, "remote", PortKind::TcpRemote);
            });
            json.key("udp").object(|json| {
                list(json, "local", PortKind::UdpLocal);
                list(json, "remote", PortKind::UdpRemote);
            });
        });
    }
}

impl Value for Rest {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("rows", self.rows);
            json.field("inbound", self.inbound);
            json.field("outbound", self.outbound);
        });
    }
}

/// The interface's ports.
pub struct PortsView {
    /// The interface.
    pub header: Header,
    /// The ports.
    pub lists: PortLists,
    /// What there is besides rows, in the order of [`PortKind::ALL`].
    pub left: [PortsLeft; 4],
}

impl PortsView {
    /// An empty view of at most `rows` rows of each transport and side. All memory is allocated here.
    pub fn with_capacity(rows: usize) -> Self {
        Self {
            header: Header::default(),
            lists: PortLists::with_limit(rows),
            left: [PortsLeft::default(); 4],
        }
    }

    /// Copies the ports. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor, interface: Option<&str>) -> Result<(), NotFound> {
        let ledger = self.header.copy(monitor, interface)?;
        self.copy_rows(ledger);
        Ok(())
    }

    /// Writes the ports as JSON.
    pub fn write_json(&self, out: &mut dyn fmt::Write, context: &Context) -> fmt::Result {
        self.header.write_json(out, context.now, |json| self.write_rows(json))
    }

    /// Writes the ports as a field.
    pub(super) fn write_rows(&self, json: &mut Json) {
        self.lists.write(json, |json, kind| {
            let left = &self.left[kind as usize];
            json.key("evicted").object(|json| {
                json.field("inbound", left.evicted_inbound);
                json.field("outbound", left.evicted_outbound);
            });
            json.key("portless").object(|json| {
                json.field("inbound", left.portless_inbound);
                json.field("outbound", left.portless_outbound);
            });
        });
    }

    pub(super) fn copy_rows(&mut self, ledger: &Ledger) {
        self.lists.copy(ledger, PortOwner::Interface);
        self.left = PortKind::ALL.map(|kind| ledger.ports_left(kind));
    }
}
