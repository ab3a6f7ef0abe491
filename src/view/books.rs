//! What every view of an interface shows: which interfaces there are, and the sums of the chosen one.

use alloc::boxed::Box;
use core::fmt;

use heapless::{String, Vec};

use super::json::{Json, Number, Text, Value};
use super::units::share;
use super::{PROGRAM, SCHEMA};
use crate::ledger::{Counters, Coverage, Directions, Evicted, Ledger};
use crate::limits::{INTERFACE_NAME_MAX, INTERFACES_MAX};
use crate::monitor::Monitor;
use crate::network::Role;
use crate::network::{Direction, Networks};
use crate::packet::{Discard, LinkType};
use crate::time::Timestamp;

/// An interface that can be chosen.
#[derive(Clone, Debug, Default)]
pub struct Interface {
    /// Its name, or the capture file's.
    pub name: String<INTERFACE_NAME_MAX>,
    /// Which side of the router it is on.
    pub role: Role,
}

/// There is no interface, or no host, of the name that was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotFound;

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no such interface or host")
    }
}

/// The part of a view that all views have.
// Boxed, because all views are made on one stack, and what the stack had once stays.
#[derive(Clone, Debug, Default)]
pub struct Header {
    /// All interfaces.
    pub interfaces: Box<Vec<Interface, INTERFACES_MAX>>,
    /// Which of them is shown; all, if it is none.
    pub chosen: usize,
    /// The sums of the one that is shown.
    pub books: Box<Books>,
}

impl Header {
    /// Copies what there is of the interface with this name, or, if none is named, of the first one on
    /// the LAN side, or else of the first; returns its ledger for more.
    pub fn copy<'m>(&mut self, monitor: &'m Monitor, name: Option<&str>) -> Result<&'m Ledger, NotFound> {
        let ledgers = monitor.ledgers();
        self.interfaces.clear();
        self.interfaces.extend(ledgers.iter().take(INTERFACES_MAX).map(Interface::of));
        self.chosen = match name {
            Some(name) => ledgers.iter().position(|ledger| ledger.name() == name).ok_or(NotFound)?,
            None => ledgers.iter().position(|ledger| ledger.role() == Role::Lan).unwrap_or(0),
        };
        let ledger = ledgers.get(self.chosen).ok_or(NotFound)?;
        *self.books = Books::of(ledger);
        Ok(ledger)
    }

    /// Writes a JSON page: the fields that all have, then those that `fields` writes.
    pub(super) fn write_json(
        &self,
        out: &mut dyn fmt::Write,
        now: Timestamp,
        fields: impl FnOnce(&mut Json),
    ) -> fmt::Result {
        Json::write(out, |json| {
            json.object(|json| {
                json.field("schema", SCHEMA);
                json.field("program", PROGRAM);
                json.field("time", now);
                json.key("interfaces").array(|json| {
                    for interface in self.interfaces.iter() {
                        json.object(|json| {
                            json.field("name", interface.name.as_str());
                            json.field("role", interface.role.name());
                        });
                    }
                });
                let chosen = self.interfaces.get(self.chosen);
                json.field("interface", chosen.map(|interface| interface.name.as_str()));
                fields(json);
            });
        })
    }
}

impl Interface {
    fn of(ledger: &Ledger) -> Self {
        Self { name: name_of(ledger), role: ledger.role() }
    }
}

fn name_of(ledger: &Ledger) -> String<INTERFACE_NAME_MAX> {
    // A ledger's name is no longer than that.
    String::try_from(ledger.name()).unwrap_or_default()
}

/// The sums of an interface that are one value each.
#[derive(Clone, Debug, Default)]
pub struct Books {
    /// The interface's name, or the capture file's.
    pub name: String<INTERFACE_NAME_MAX>,
    /// Which side of the router it is on.
    pub role: Role,
    /// How its frames begin, once a capture has said so.
    pub link: Option<LinkType>,
    /// What is local here.
    pub networks: Networks,
    /// The first frame's time.
    pub first: Option<Timestamp>,
    /// The latest frame's time.
    pub last: Timestamp,
    /// Frames that the capture delivered: accounted + non-IP + discarded.
    pub captured: u64,
    /// Frames that the kernel lost before the capture could see them.
    pub dropped_by_kernel: u64,
    /// What the kernel says passed, where that can be compared.
    pub coverage: Option<Coverage>,
    /// Frames that could not be accounted, in the order of [`Discard::ALL`].
    pub discarded: [u64; Discard::ALL.len()],
    /// IP packets accounted.
    pub totals: Directions,
    /// Frames without IP.
    pub non_ip: Counters,
    /// Hosts in the table, and how many fit.
    pub hosts: (u16, u16),
    /// Hosts that had to make room.
    pub evicted: Evicted,
    /// How many port rows fit, and how many have made room for others.
    pub port_rows: (usize, u64),
}

impl Books {
    /// Copies the sums of an interface. Allocates nothing.
    pub fn of(ledger: &Ledger) -> Self {
        let mut discarded = [0; Discard::ALL.len()];
        for (count, (_, frames)) in discarded.iter_mut().zip(ledger.discarded()) {
            *count = frames;
        }
        Self {
            name: name_of(ledger),
            role: ledger.role(),
            link: ledger.link(),
            networks: ledger.networks().clone(),
            first: ledger.first(),
            last: ledger.last(),
            captured: ledger.captured(),
            dropped_by_kernel: ledger.dropped_by_kernel(),
            coverage: ledger.coverage(),
            discarded,
            totals: *ledger.totals(),
            non_ip: ledger.non_ip(),
            hosts: ledger.hosts_used(),
            evicted: ledger.evicted(),
            port_rows: ledger.port_rows(),
        }
    }

    /// Frames that could not be accounted, for all reasons together.
    pub fn discarded_total(&self) -> u64 {
        self.discarded.iter().fold(0, |sum, frames| frames.saturating_add(sum))
    }

    /// Writes the sums as an object's fields.
    pub(super) fn write_fields(&self, json: &mut Json) {
        json.field("name", self.name.as_str());
        json.field("role", self.role.name());
        json.field("link", self.link.map(LinkType::name));
        json.key("local").array(|json| {
            for prefix in self.networks.prefixes() {
                json.value(Text(prefix));
            }
        });
        json.field("first", self.first);
        json.field("last", self.first.map(|_| self.last));
        json.key("captured").object(|json| json.field("packets", self.captured));
        json.field("dropped_by_kernel", self.dropped_by_kernel);
        json.field("coverage", self.coverage);
        json.key("discarded").object(|json| {
            for (reason, frames) in Discard::ALL.into_iter().zip(self.discarded) {
                json.field(reason.name(), frames);
            }
        });
        json.field("total", self.totals.total());
        for direction in Direction::ALL {
            json.field(direction.name(), self.totals.of(direction));
        }
        json.field("non_ip", self.non_ip);
    }
}

/// Tenths of a percent of what passed, as far as it was seen: never more than all. `None` if nothing
/// passed. Rounded down, so that "all" means all.
pub fn tenths_seen(coverage: &Coverage) -> Option<u16> {
    let (seen, all) = match coverage.by_packets {
        true => (coverage.captured.packets, coverage.kernel.packets),
        false => (coverage.captured.bytes, coverage.kernel.bytes),
    };
    share(seen, all, 1_000)
}

/// Tenths as a decimal fraction.
pub struct Tenths(pub u16);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let point = if f.alternate() { ',' } else { '.' };
        write!(f, "{}{point}{}", self.0 / 10, self.0 % 10)
    }
}

/// Tenths of a percent, with the sign.
pub struct Percent(pub u16);

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Tenths(self.0).fmt(f)?;
        f.write_str(" %")
    }
}

impl Value for Coverage {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("percent", tenths_seen(self).map(|tenths| Number(Tenths(tenths))));
            json.field("kernel", self.kernel);
            json.field("captured", self.captured);
            json.field("merged", self.merged);
        });
    }
}
