//! The rows of the views, and the one JSON form of each.

use core::net::IpAddr;

use super::json::{Json, Text, Value};
use super::services;
use super::top::{Ranked, Rest};
use super::{Context, Sort};
use crate::ledger::{self, Bar, Counters, Directions, Evicted, Host, Lately, Ledger, Traffic, Transport};
use crate::network::{Direction, stays_on_link};
use crate::packet::{Address, protocol};
use crate::table::{PortKind, PortRow};

/// A host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostRow {
    /// Its address.
    pub address: Address,
    /// What is known of it.
    pub host: Host,
    /// What it does now and has done today.
    pub lately: Lately,
    /// By which column a list of the heaviest has it: now, today, or the total.
    pub by: Sort,
}

impl HostRow {
    /// A host of these books.
    pub fn of(ledger: &Ledger, address: Address) -> Option<Self> {
        let (host, lately) = ledger.host_lately(address)?;
        Some(Self { address, host: *host, lately, by: Sort::default() })
    }

    /// All hosts of these books, in no particular order.
    pub fn all(ledger: &Ledger, by: Sort) -> impl Iterator<Item = Self> {
        ledger.hosts_lately().map(move |(address, host, lately)| Self { address, host: *host, lately, by })
    }

    /// True in a local network, and for what no router passes on: multicast, broadcast and link-local addresses.
    pub fn is_local(&self) -> bool {
        self.host.local || stays_on_link(self.address)
    }

    /// Writes what the host does now and has done today as fields.
    pub(super) fn write_lately(&self, json: &mut Json) {
        let Lately { rate, today: [received, sent] } = self.lately;
        write_rate(json, rate);
        json.key("today").object(|json| {
            json.field("received", received);
            json.field("sent", sent);
        });
    }

    /// Writes the row's fields into an object.
    pub(super) fn write_fields(&self, json: &mut Json, context: &Context) {
        let total = self.host.total();
        json.field("address", self.address);
        json.field("name", context.names.name(self.address, self.host.mac).as_deref());
        json.field("mac", context.mac(self.host.mac).map(Text));
        if let Some(vendor) = context.vendor(self.host.mac) {
            json.field("vendor", vendor.as_str());
        }
        json.field("local", self.is_local());
        json.field("received", total.received);
        json.field("sent", total.sent);
        json.field("first_seen", self.host.first_seen);
        json.field("last_seen", context.last_seen(self.host.last_seen.into()));
    }

    /// Writes the traffic of every transport as a field.
    pub(super) fn write_transports(&self, json: &mut Json) {
        json.key("transports").object(|json| {
            for transport in Transport::ALL {
                json.field(transport.name(), self.host.transport(transport));
            }
        });
    }

    /// The IP protocols that the host's own row counts, if there was any traffic of them. The others have
    /// rows among its ports.
    pub(super) fn protocols(&self) -> impl Iterator<Item = PortLine> + use<> {
        let icmp = if self.address.is_v4() { protocol::ICMP } else { protocol::ICMPV6 };
        let numbers = [protocol::TCP, protocol::UDP, icmp];
        let lines = numbers.map(|number| {
            let Traffic { sent, received } = self.host.transport(Transport::of(number));
            let row = PortRow { inbound: received, outbound: sent, syns: 0 };
            PortLine { kind: PortKind::Protocol, port: number.into(), row }
        });
        lines.into_iter().filter(|line| !(line.row.inbound + line.row.outbound).is_zero())
    }

    /// What the host's protocols held whose rows had to make room; the others are these.
    pub(super) fn protocols_evicted(&self, rows: impl Iterator<Item = PortLine>, rest: Rest) -> Traffic {
        let Traffic { sent, received } = self.host.total();
        let left = Traffic { sent: sent - rest.outbound, received: received - rest.inbound };
        rows.fold(left, |left, PortLine { row, .. }| Traffic {
            sent: left.sent - row.outbound,
            received: left.received - row.inbound,
        })
    }

    /// Writes these protocols of the host, and what there is besides them, as a field.
    pub(super) fn write_protocols(
        &self,
        json: &mut Json,
        rows: impl Iterator<Item = PortLine> + Clone,
        rest: Rest,
    ) {
        let evicted = self.protocols_evicted(rows.clone(), rest);
        json.key("protocols").object(|json| {
            json.key("rows").array(|json| rows.for_each(|row| json.value(row)));
            json.field("others", rest);
            json.key("evicted").object(|json| {
                json.field("inbound", evicted.received);
                json.field("outbound", evicted.sent);
            });
        });
    }
}

impl Ranked for HostRow {
    fn weight(&self) -> u64 {
        !self.by.key(self)
    }

    fn tie(&self) -> u128 {
        self.address.bits()
    }

    fn traffic(&self) -> (Counters, Counters) {
        let ways = |received, sent| (Counters::new(0, received), Counters::new(0, sent));
        match self.by {
            Sort::Now => ways(self.lately.rate.received, self.lately.rate.sent),
            Sort::Today => ways(self.lately.today[0], self.lately.today[1]),
            _ => {
                let total = self.host.total();
                (total.received, total.sent)
            }
        }
    }
}

/// A port of an interface or of a host, or an IP protocol of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortLine {
    /// Whose port it is, and of which transport, or that it is a protocol.
    pub kind: PortKind,
    /// Its number.
    pub port: u16,
    /// Its traffic.
    pub row: PortRow,
}

impl PortLine {
    /// The service that usually has this port, or the protocol's name.
    pub fn name(&self) -> Option<&'static str> {
        match self.kind {
            PortKind::Protocol => services::protocol(self.port as u8),
            kind => services::service(kind, self.port),
        }
    }

    /// Writes the line's fields into an object.
    pub(super) fn write_fields(&self, json: &mut Json) {
        let is_port = self.kind != PortKind::Protocol;
        json.field(if is_port { "port" } else { "number" }, self.port);
        json.field(if is_port { "service" } else { "name" }, self.name());
        json.field("inbound", self.row.inbound);
        json.field("outbound", self.row.outbound);
        if is_port {
            json.field("syns", self.row.syns);
        }
    }

    /// True for a port of TCP.
    pub fn is_tcp(&self) -> bool {
        matches!(self.kind, PortKind::TcpLocal | PortKind::TcpRemote)
    }
}

impl Ranked for PortLine {
    fn weight(&self) -> u64 {
        (self.row.inbound + self.row.outbound).bytes
    }

    fn tie(&self) -> u128 {
        (self.kind as u128) << 16 | u128::from(self.port)
    }

    fn traffic(&self) -> (Counters, Counters) {
        (self.row.inbound, self.row.outbound)
    }
}

impl Value for PortLine {
    fn write(&self, json: &mut Json) {
        json.object(|json| self.write_fields(json));
    }
}

/// The traffic of an IP protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolRow {
    /// Its number.
    pub number: u8,
    /// Its traffic.
    pub sum: Directions,
}

impl Value for ProtocolRow {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("number", self.number);
            json.field("name", services::protocol(self.number));
            json.field("inbound", self.sum.of(Direction::Inbound));
            json.field("outbound", self.sum.of(Direction::Outbound));
            json.field("other", self.sum.other());
        });
    }
}

impl Value for Evicted {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("hosts", self.hosts);
            json.field("received", self.traffic.received);
            json.field("sent", self.traffic.sent);
        });
    }
}

impl Value for Address {
    fn write(&self, json: &mut Json) {
        Text(IpAddr::from(*self)).write(json);
    }
}

/// A bar with the time at which its period starts.
impl Value for (i64, Bar) {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("start", self.0);
            json.field("inbound", self.1.inbound);
            json.field("outbound", self.1.outbound);
            json.field("other", self.1.other);
        });
    }
}
/// Writes what goes on now as a field, in bits per second.
pub(super) fn write_rate(json: &mut Json, rate: ledger::Rate) {
    json.key("bits_per_second").object(|json| {
        json.field("received", rate.received.saturating_mul(8));
        json.field("sent", rate.sent.saturating_mul(8));
    });
}
