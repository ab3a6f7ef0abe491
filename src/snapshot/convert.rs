//! Between the records of a snapshot and what the ledger keeps.

use core::fmt::Write;

use heapless::String;

use super::record::{
    Account, AccountBars, ByDirection, Discarded, Host, Interface, MacAddress, Owner, Peers, Port, PortKind,
    Segment, Time, Warning,
};
use crate::ledger::{self, ACCOUNT_PERIODS, Counters, Directions, Evicted, Traffic};
use crate::network::{Direction, Prefix};
use crate::packet::{Address, Discard, Mac};
use crate::quota::{Quota, Target};
use crate::table;
use crate::time::Timestamp;

impl From<Timestamp> for Time {
    fn from(time: Timestamp) -> Self {
        Self { seconds: time.seconds, micros: time.micros }
    }
}

impl From<Time> for Timestamp {
    fn from(time: Time) -> Self {
        Self { seconds: time.seconds, micros: time.micros }
    }
}

impl From<&Directions> for ByDirection {
    fn from(directions: &Directions) -> Self {
        Self {
            inbound: directions.of(Direction::Inbound),
            outbound: directions.of(Direction::Outbound),
            internal: directions.of(Direction::Internal),
            transit: directions.of(Direction::Transit),
        }
    }
}

impl From<&ByDirection> for Directions {
    fn from(traffic: &ByDirection) -> Self {
        let mut directions = Self::default();
        for (direction, counters) in Direction::ALL.into_iter().zip(traffic.all()) {
            directions.add(direction, counters);
        }
        directions
    }
}

impl ByDirection {
    /// The counters in the order of [`Direction::ALL`].
    pub(super) fn all(&self) -> [Counters; 4] {
        [self.inbound, self.outbound, self.internal, self.transit]
    }
}

impl From<table::Segment> for Segment {
    fn from(segment: table::Segment) -> Self {
        match segment {
            table::Segment::Probation => Self::Probation,
            table::Segment::Protected => Self::Protected,
            table::Segment::Pinned => Self::Pinned,
        }
    }
}

impl From<Segment> for table::Segment {
    fn from(segment: Segment) -> Self {
        match segment {
            Segment::Probation => Self::Probation,
            Segment::Protected => Self::Protected,
            Segment::Pinned => Self::Pinned,
        }
    }
}

impl From<table::PortKind> for PortKind {
    fn from(kind: table::PortKind) -> Self {
        match kind {
            table::PortKind::TcpLocal => Self::TcpLocal,
            table::PortKind::TcpRemote => Self::TcpRemote,
            table::PortKind::UdpLocal => Self::UdpLocal,
            table::PortKind::UdpRemote => Self::UdpRemote,
            table::PortKind::Protocol => Self::Protocol,
        }
    }
}

impl From<PortKind> for table::PortKind {
    fn from(kind: PortKind) -> Self {
        match kind {
            PortKind::TcpLocal => Self::TcpLocal,
            PortKind::TcpRemote => Self::TcpRemote,
            PortKind::UdpLocal => Self::UdpLocal,
            PortKind::UdpRemote => Self::UdpRemote,
            PortKind::Protocol => Self::Protocol,
        }
    }
}

impl Interface {
    /// A ledger's own record.
    pub(super) fn of(ledger: &ledger::Ledger) -> Self {
        let totals = ledger.save_totals();
        Self {
            name: cut(ledger.name()),
            role: ledger.role(),
            first: totals.first.map(Time::from),
            last: totals.last.into(),
            captured: totals.captured,
            non_ip: totals.non_ip,
            total: (&totals.totals).into(),
            tcp_portless: (&totals.portless[0]).into(),
            udp_portless: (&totals.portless[1]).into(),
            hosts_evicted: totals.evicted.hosts,
            evicted: totals.evicted.traffic,
            ports_evicted: totals.ports_evicted,
        }
    }

    /// What a ledger starts from. The discards have records of their own.
    pub(super) fn totals(&self) -> ledger::Totals {
        ledger::Totals {
            first: self.first.map(Timestamp::from),
            last: self.last.into(),
            captured: self.captured,
            discarded: [0; Discard::ALL.len()],
            non_ip: self.non_ip,
            totals: (&self.total).into(),
            portless: [(&self.tcp_portless).into(), (&self.udp_portless).into()],
            evicted: Evicted { hosts: self.hosts_evicted, traffic: self.evicted },
            ports_evicted: self.ports_evicted,
        }
    }
}

impl Discarded {
    /// The reason, if it is one that this program knows.
    pub(super) fn reason(&self) -> Option<Discard> {
        Discard::ALL.into_iter().find(|reason| reason.name() == self.reason)
    }
}

impl Host {
    /// A host's record.
    pub(super) fn of(
        row: table::Slot,
        address: Address,
        segment: table::Segment,
        host: &ledger::Host,
    ) -> Self {
        let [tcp, udp, icmp, other] = host.transports;
        Self {
            row,
            address: address.into(),
            mac: (host.mac != Mac::ZERO).then_some(MacAddress(host.mac)),
            local: host.local,
            segment: segment.into(),
            tcp,
            udp,
            icmp,
            other,
            first_seen: host.first_seen,
            last_seen: host.last_seen,
        }
    }

    /// The ledger's row.
    pub(super) fn host(&self) -> ledger::Host {
        ledger::Host {
            transports: self.transports(),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            mac: self.mac.map_or(Mac::ZERO, |mac| mac.0),
            local: self.local,
        }
    }

    /// Traffic in the order of [`ledger::Transport::ALL`].
    pub(super) fn transports(&self) -> [Traffic; 4] {
        [self.tcp, self.udp, self.icmp, self.other]
    }
}

impl Port {
    /// A port's record.
    pub(super) fn of(
        row: Option<table::Slot>,
        kind: table::PortKind,
        port: u16,
        traffic: &table::PortRow,
    ) -> Self {
        let table::PortRow { inbound, outbound, syns } = *traffic;
        Self { row, kind: kind.into(), port, inbound, outbound, syns }
    }

    /// The ledger's row.
    pub(super) fn traffic(&self) -> table::PortRow {
        table::PortRow { inbound: self.inbound, outbound: self.outbound, syns: self.syns }
    }
}

impl Account {
    /// The record of the account in a place.
    pub(super) fn of(accounts: &ledger::Accounts, place: usize, account: &ledger::Account) -> Self {
        let (mut mac, mut network, mut length) = (None, None, 0);
        let owner = match account.owner {
            ledger::Owner::Others => Owner::Others,
            ledger::Owner::Unknown => Owner::Unknown,
            ledger::Owner::Router => Owner::Router,
            ledger::Owner::Network(prefix) => {
                (network, length) = (Some(prefix.first().into()), prefix.length());
                Owner::Network
            }
            ledger::Owner::Device(device) => {
                mac = Some(MacAddress(device));
                Owner::Device
            }
        };
        let [hours, days, months] = ACCOUNT_PERIODS.map(|period| {
            let mut bars: AccountBars =
                (0..period.bars()).map(|age| accounts.bytes_in(place, period, age)).collect();
            while bars.last() == Some(&[0; 2]) {
                bars.pop();
            }
            bars
        });
        let ledger::Account { first_seen, last_seen, ipv4, ipv6, .. } = *account;
        let until = accounts.until();
        Self { owner, mac, network, length, first_seen, last_seen, ipv4, ipv6, until, hours, days, months }
    }

    /// The ledger's row, if there can be one like this.
    pub(super) fn account(&self) -> Option<ledger::Account> {
        let owner = match (self.owner, self.mac, self.network) {
            (Owner::Others, None, None) => ledger::Owner::Others,
            (Owner::Unknown, None, None) => ledger::Owner::Unknown,
            (Owner::Router, None, None) => ledger::Owner::Router,
            (Owner::Network, None, Some(first)) => ledger::Owner::Network(Prefix::new(first, self.length)?),
            (Owner::Device, Some(mac), None) if mac.0.is_station() => ledger::Owner::Device(mac.0),
            _ => return None,
        };
        let Self { first_seen, last_seen, ipv4, ipv6, .. } = *self;
        Some(ledger::Account { owner, first_seen, last_seen, ipv4, ipv6 })
    }

    /// The bars by [`ACCOUNT_PERIODS`].
    pub(super) fn bars(&self) -> [&[[u64; 2]]; 3] {
        [&self.hours, &self.days, &self.months]
    }
}

impl Peers {
    /// The record of two hosts.
    pub(super) fn of([first, second]: [table::Slot; 2], row: &table::PeerRow) -> Self {
        let [first_sent, second_sent] = row.sent;
        Self { first, second, first_sent, second_sent }
    }
}

impl Warning {
    /// The record of what was warned of a quota.
    pub(super) fn of(ledgers: &[ledger::Ledger], quota: Quota, percent: u8) -> Self {
        let mut target = String::new();
        // Each fits.
        let _ = match quota.target {
            Target::Device(mac) => write!(target, "{mac}"),
            Target::Interface(index) => {
                target.write_str(ledgers.get(usize::from(index)).map_or("", |ledger| ledger.name()))
            }
        };
        Self { target, bytes: quota.bytes, percent }
    }

    /// The quota, if its interface is there.
    pub(super) fn quota(&self, ledgers: &[ledger::Ledger]) -> Option<Quota> {
        let interface = || ledgers.iter().position(|ledger| ledger.name() == self.target);
        let target = match Mac::parse(&self.target) {
            Some(mac) => Target::Device(mac),
            None => Target::Interface(interface()? as u8),
        };
        Some(Quota { target, bytes: self.bytes })
    }
}

/// As much of a text as fits.
pub(super) fn cut<const N: usize>(text: &str) -> String<N> {
    String::try_from(&text[..text.floor_char_boundary(N)]).unwrap_or_default()
}
