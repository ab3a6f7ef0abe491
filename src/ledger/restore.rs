//! Putting the books back as a snapshot has them. The order is: totals, history, hosts (least recently
//! used first), ports. Nothing that a damaged or forged snapshot says can do more than fill the tables.

use super::{Account, Bar, Counters, Directions, Evicted, Host, Ledger, Period};
use crate::network::Place;
use crate::packet::{Address, Discard};
use crate::table::{End, PeerKey, PeerRow, PortKey, PortKind, PortRow, Segment};
use crate::time::Timestamp;

/// Everything of a ledger that has exactly one value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// The first frame's time, if there was any.
    pub first: Option<Timestamp>,
    /// The latest frame's time.
    pub last: Timestamp,
    /// Frames delivered by the capture.
    pub captured: u64,
    /// Frames discarded, in the order of [`Discard::ALL`].
    pub discarded: [u64; Discard::ALL.len()],
    /// Frames without IP.
    pub non_ip: Counters,
    /// IP packets accounted.
    pub totals: Directions,
    /// TCP and UDP packets without ports.
    pub portless: [Directions; 2],
    /// Hosts that had to make room.
    pub evicted: Evicted,
    /// How many port rows had to make room.
    pub ports_evicted: u64,
}

impl Ledger {
    /// What [`Ledger::restore_totals`] takes.
    pub fn save_totals(&self) -> Totals {
        Totals {
            first: self.first,
            last: self.last,
            captured: self.captured,
            discarded: self.discarded,
            non_ip: self.non_ip,
            totals: self.totals,
            portless: self.portless,
            evicted: self.evicted,
            ports_evicted: self.ports.evicted(),
        }
    }

    /// Starts from these totals.
    pub fn restore_totals(&mut self, totals: Totals) {
        self.first = totals.first;
        self.last = totals.last;
        self.captured = totals.captured;
        self.discarded = totals.discarded;
        self.non_ip = totals.non_ip;
        self.totals = totals.totals;
        self.portless = totals.portless;
        self.evicted = totals.evicted;
        self.ports.restore_evicted(totals.ports_evicted);
        self.history.set_booked(&self.totals);
    }

    /// Starts from this sum of an IP protocol.
    pub fn restore_protocol(&mut self, number: u8, sum: Directions) {
        self.protocols[usize::from(number)] = sum;
    }

    /// Appends a bar to a history ring; see [`super::History::restore`].
    pub fn restore_bar(&mut self, period: Period, newest: i64, bar: Bar) {
        self.history.restore(period, newest, bar);
    }

    /// Puts a host back, guarded as it was. Whether it is local is decided by the present networks; if
    /// that is not what it was, it is guarded like any other. In a table smaller than the one that was
    /// saved, hosts make room for those that come after them, and count as evicted. An address that
    /// has a row already counts as evicted, too: only a forged snapshot has it twice.
    pub fn restore_host(&mut self, address: Address, segment: Segment, host: Host) {
        if self.hosts.find(address).is_some() {
            self.evicted.hosts += 1;
            self.evicted.traffic += host.total();
            return;
        }
        let local = self.networks.place(address) == Place::Local;
        let slot = self.host_slot(address, true);
        *self.hosts.row_mut(slot) = Host { local, ..host };
        if local == host.local {
            self.hosts.guard(slot, segment);
        } else {
            self.hosts.settle(slot);
        }
    }

    /// Puts an account back with its bars from the newest, by [`super::ACCOUNT_PERIODS`]; the newest are those of the
    /// periods that hold this second of local time.
    pub fn restore_account(&mut self, account: &Account, until: i64, bars: [&[[u64; 2]]; 3]) {
        self.accounts.restore(account, until, bars);
    }

    /// Puts a port row back: the interface's own (`None`) or a restored host's.
    pub fn restore_port(&mut self, owner: Option<Address>, kind: PortKind, port: u16, row: PortRow) {
        let key = match owner {
            None => PortKey::interface(kind, port),
            Some(address) => match self.hosts.find(address) {
                Some(slot) => PortKey::host(slot, self.hosts.generation(slot), kind, port),
                None => return,
            },
        };
        self.ports.restore(key, &row);
    }

    /// Puts back the bytes that a restored host received and sent on a day.
    pub fn restore_today(&mut self, address: Address, day: u32, bytes: [u64; 2]) {
        if let Some(slot) = self.hosts.find(address) {
            self.activity[usize::from(slot)].restore(day, bytes);
            self.day = day;
        }
    }

    /// Puts back what two restored hosts sent each other.
    pub fn restore_peers(&mut self, ends: [Address; 2], sent: [Counters; 2]) {
        let end = |address| {
            let slot = self.hosts.find(address)?;
            Some(End { slot, generation: self.hosts.generation(slot) })
        };
        let [a, b] = ends;
        let (Some(first), Some(second)) = (end(a), end(b)) else { return };
        // A forged snapshot may have them the other way round.
        let (key, sent) = match a.bits() <= b.bits() {
            true => ([first, second], sent),
            false => ([second, first], [sent[1], sent[0]]),
        };
        self.peers.restore(PeerKey(key), &PeerRow { sent });
    }
}
