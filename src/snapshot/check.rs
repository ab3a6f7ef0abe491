//! Whether records make up a snapshot: their order, their number, and that the sums of every interface
//! add up to the packet and to the byte. What passes can be restored without a second thought.

use alloc::boxed::Box;
use alloc::vec;

use heapless::{String, Vec};

use super::record::{
    Account, Bar, ByDirection, Header, Host, Interface, Peers, Port, PortKind, Record, Today,
};
use super::{Rejected, VERSION};
use crate::ledger::{Counters, Owner, Traffic};
use crate::limits::{
    INTERFACE_NAME_MAX, INTERFACES_MAX, SNAPSHOT_ACCOUNTS_MAX, SNAPSHOT_COUNTER_MAX, SNAPSHOT_PEERS_MAX,
    SNAPSHOT_PORTS_MAX,
};

type Result = core::result::Result<(), Rejected>;

/// Looks at all records of a snapshot in their order.
pub(super) struct Check {
    header: Option<Header>,
    names: Vec<String<INTERFACE_NAME_MAX>, INTERFACES_MAX>,
    /// How far the order of an interface's records has come.
    section: u8,
    open: Option<Sums>,
    /// A bit for every row number that a host of the present interface has.
    rows: Box<[u64]>,
}

/// What the present interface says of itself, and what its records add up to so far.
struct Sums {
    interface: Interface,
    discarded: u64,
    reasons: u64,
    protocols: ByDirection,
    numbers: [u64; 4],
    hosts: Traffic,
    ports: u32,
    peers: u32,
    bars: [usize; 5],
    accounts: usize,
    /// Of all accounts but those of networks.
    devices: Traffic,
}

impl Check {
    pub(super) fn new() -> Self {
        Self {
            header: None,
            names: Vec::new(),
            section: 0,
            open: None,
            rows: vec![0; (usize::from(u16::MAX) + 1) / 64].into_boxed_slice(),
        }
    }

    /// The next record.
    pub(super) fn record(&mut self, record: &Record) -> Result {
        let section = section(record);
        match record {
            Record::Header(header) => return self.header(header),
            _ if self.header.is_none() => return Err(Rejected::Invalid("the header does not come first")),
            Record::Interface(interface) => return self.interface(interface),
            Record::Warning(_) if self.open.is_some() => {
                return Err(Rejected::Invalid("a record is out of order"));
            }
            Record::Warning(warning) => return number(warning.bytes),
            _ if section < self.section => return Err(Rejected::Invalid("a record is out of order")),
            _ => self.section = section,
        }
        let Some(sums) = &mut self.open else {
            return Err(Rejected::Invalid("a record belongs to no interface"));
        };
        match record {
            Record::Header(_) | Record::Interface(_) | Record::Warning(_) => Ok(()),
            Record::Discarded(discarded) => {
                let reason = discarded.reason().ok_or(Rejected::Invalid("an unknown reason of discard"))?;
                first_time(core::slice::from_mut(&mut sums.reasons), reason as usize)?;
                number(discarded.packets)?;
                sums.discarded = sums.discarded.saturating_add(discarded.packets);
                Ok(())
            }
            Record::Protocol(protocol) => {
                first_time(&mut sums.numbers, protocol.number.into())?;
                directions(&protocol.traffic)?;
                sums.protocols = sum(&sums.protocols, &protocol.traffic);
                Ok(())
            }
            Record::Bar(bar) => sums.bar(bar),
            Record::Host(host) => sums.host(host, &mut self.rows),
            Record::Port(port) => sums.port(port, &self.rows),
            Record::Account(account) => sums.account(account),
            Record::Peers(peers) => sums.peers(peers, &self.rows),
            Record::Today(today) => self::today(today, &self.rows),
        }
    }

    /// After the last record: the header.
    pub(super) fn finish(mut self) -> core::result::Result<Header, Rejected> {
        self.close()?;
        self.header.ok_or(Rejected::Invalid("there is no header"))
    }

    fn header(&mut self, header: &Header) -> Result {
        if self.header.is_some() {
            return Err(Rejected::Invalid("there is a second header"));
        }
        if header.format != VERSION {
            return Err(Rejected::Version(header.format));
        }
        if header.saved.micros > 999_999 || header.started.micros > 999_999 {
            return Err(Rejected::Invalid("a time is none"));
        }
        number(header.saved.seconds)?;
        number(header.started.seconds)?;
        number(header.written)?;
        self.header = Some(header.clone());
        Ok(())
    }

    fn interface(&mut self, interface: &Interface) -> Result {
        self.close()?;
        if self.names.contains(&interface.name) {
            return Err(Rejected::Invalid("an interface is there twice"));
        }
        if self.names.push(interface.name.clone()).is_err() {
            return Err(Rejected::Invalid("there are too many interfaces"));
        }
        for time in interface.first.iter().chain([&interface.last]) {
            if time.micros > 999_999 {
                return Err(Rejected::Invalid("a time is none"));
            }
            number(time.seconds)?;
        }
        number(interface.captured)?;
        number(interface.hosts_evicted)?;
        number(interface.ports_evicted)?;
        counters(interface.non_ip)?;
        traffic(&interface.evicted)?;
        for part in [&interface.total, &interface.tcp_portless, &interface.udp_portless] {
            directions(part)?;
        }
        self.section = 0;
        self.rows.fill(0);
        self.open = Some(Sums {
            hosts: interface.evicted,
            interface: interface.clone(),
            discarded: 0,
            reasons: 0,
            protocols: ByDirection::default(),
            numbers: [0; 4],
            ports: 0,
            peers: 0,
            bars: [0; 5],
            accounts: 0,
            devices: Traffic::default(),
        });
        Ok(())
    }

    /// The present interface is complete: its sums must be those that it says.
    fn close(&mut self) -> Result {
        let Some(sums) = self.open.take() else { return Ok(()) };
        let total: Counters = sums.interface.total.all().into_iter().sum();
        let captured =
            total.packets.saturating_add(sums.interface.non_ip.packets).saturating_add(sums.discarded);
        if captured != sums.interface.captured {
            return Err(Rejected::Invalid("the frames captured are not those accounted and discarded"));
        }
        if sums.protocols != sums.interface.total {
            return Err(Rejected::Invalid("the protocols do not add up to the total"));
        }
        if sums.hosts != (Traffic { sent: total, received: total }) {
            return Err(Rejected::Invalid("the hosts do not add up to the total"));
        }
        if !is_part(sums.devices.sent, total) || !is_part(sums.devices.received, total) {
            return Err(Rejected::Invalid("the devices add up to more than the total"));
        }
        Ok(())
    }
}

impl Sums {
    fn bar(&mut self, bar: &Bar) -> Result {
        let bars = &mut self.bars[bar.period as usize];
        *bars += 1;
        if *bars > bar.period.bars() {
            return Err(Rejected::Invalid("a history has too many bars"));
        }
        for part in [bar.traffic.inbound, bar.traffic.outbound, bar.traffic.other] {
            counters(part)?;
        }
        Ok(())
    }

    fn host(&mut self, host: &Host, rows: &mut [u64]) -> Result {
        first_time(rows, host.row.into())?;
        for part in host.transports() {
            traffic(&part)?;
            self.hosts = Traffic {
                sent: add(self.hosts.sent, part.sent),
                received: add(self.hosts.received, part.received),
            };
        }
        Ok(())
    }

    fn port(&mut self, port: &Port, rows: &[u64]) -> Result {
        self.ports += 1;
        if self.ports > SNAPSHOT_PORTS_MAX {
            return Err(Rejected::Invalid("there are too many ports"));
        }
        if port.row.is_some_and(|row| !has(rows, row)) {
            return Err(Rejected::Invalid("a port belongs to no host"));
        }
        if port.kind == PortKind::Protocol && (port.row.is_none() || port.port > u16::from(u8::MAX)) {
            return Err(Rejected::Invalid("a protocol is none of a host's"));
        }
        counters(port.inbound)?;
        counters(port.outbound)
    }

    fn account(&mut self, record: &Account) -> Result {
        self.accounts += 1;
        if self.accounts > SNAPSHOT_ACCOUNTS_MAX {
            return Err(Rejected::Invalid("there are too many accounts"));
        }
        let account = record.account().ok_or(Rejected::Invalid("an account is nobody's"))?;
        traffic(&account.ipv4)?;
        traffic(&account.ipv6)?;
        let total = account.total();
        let whole = self.interface.total.all().into_iter().sum();
        if !is_part(total.sent, whole) || !is_part(total.received, whole) {
            return Err(Rejected::Invalid("an account has more than the total"));
        }
        for bars in record.bars() {
            for (way, sum) in [total.received, total.sent].into_iter().enumerate() {
                if bars.iter().fold(0_u64, |part, bar| part.saturating_add(bar[way])) > sum.bytes {
                    return Err(Rejected::Invalid("an account has more in its bars than in all"));
                }
            }
        }
        if !matches!(account.owner, Owner::Network(_)) {
            self.devices = Traffic {
                sent: add(self.devices.sent, total.sent),
                received: add(self.devices.received, total.received),
            };
        }
        Ok(())
    }

    fn peers(&mut self, peers: &Peers, rows: &[u64]) -> Result {
        self.peers += 1;
        if self.peers > SNAPSHOT_PEERS_MAX {
            return Err(Rejected::Invalid("there are too many peers"));
        }
        if !has(rows, peers.first) || !has(rows, peers.second) {
            return Err(Rejected::Invalid("a peer is no host"));
        }
        counters(peers.first_sent)?;
        counters(peers.second_sent)
    }
}

fn is_part(part: Counters, whole: Counters) -> bool {
    part.packets <= whole.packets && part.bytes <= whole.bytes
}

/// The order of the records within an interface.
fn section(record: &Record) -> u8 {
    match record {
        Record::Header(_) | Record::Interface(_) | Record::Warning(_) => 0,
        Record::Discarded(_) => 1,
        Record::Protocol(_) => 2,
        Record::Bar(_) => 3,
        Record::Host(_) => 4,
        Record::Port(_) => 5,
        Record::Account(_) => 6,
        Record::Peers(_) => 7,
        Record::Today(_) => 8,
    }
}

fn today(today: &Today, rows: &[u64]) -> Result {
    if !has(rows, today.row) {
        return Err(Rejected::Invalid("a day is none of a host's"));
    }
    number(today.received)?;
    number(today.sent)
}

/// True if a host with this row was there.
fn has(rows: &[u64], row: u16) -> bool {
    rows[usize::from(row) / 64] >> (row % 64) & 1 == 1
}

/// Marks a number in a set of bits.
fn first_time(set: &mut [u64], number: usize) -> Result {
    let word = set.get_mut(number / 64).ok_or(Rejected::Invalid("a number is too large"))?;
    let bit = 1 << (number % 64);
    if *word & bit != 0 {
        return Err(Rejected::Invalid("a row is there twice"));
    }
    *word |= bit;
    Ok(())
}

fn number(number: u64) -> Result {
    if number > SNAPSHOT_COUNTER_MAX { Err(Rejected::Invalid("a number is too large")) } else { Ok(()) }
}

fn counters(counters: Counters) -> Result {
    number(counters.packets)?;
    number(counters.bytes)
}

fn traffic(traffic: &Traffic) -> Result {
    counters(traffic.sent)?;
    counters(traffic.received)
}

fn directions(traffic: &ByDirection) -> Result {
    traffic.all().into_iter().try_for_each(counters)
}

/// A sum that cannot come round to a smaller number: forged rows must not add up by overflow.
fn add(a: Counters, b: Counters) -> Counters {
    Counters::new(a.packets.saturating_add(b.packets), a.bytes.saturating_add(b.bytes))
}

fn sum(a: &ByDirection, b: &ByDirection) -> ByDirection {
    ByDirection {
        inbound: add(a.inbound, b.inbound),
        outbound: add(a.outbound, b.outbound),
        internal: add(a.internal, b.internal),
        transit: add(a.transit, b.transit),
    }
}
