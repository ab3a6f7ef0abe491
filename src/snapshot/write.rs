//! Writing a snapshot into a buffer, one ledger at a time, without allocating.

use super::convert::cut;
use super::record::{
    Account, Bar, Discarded, Header, Host, Interface, Peers, Port, Protocol, Record, Today, Warning,
};
use super::{END_BYTES, MAGIC, PREFIX_BYTES, VERSION, checksum};
use crate::ledger::{Ledger, Period};
use crate::limits::{SNAPSHOT_FILE_BYTES, SNAPSHOT_RECORD_BYTES, snapshot_interface_bytes};
use crate::monitor::Monitor;

/// How large a buffer takes any snapshot of this monitor.
pub fn size_max(monitor: &Monitor) -> usize {
    let interfaces = monitor.ledgers().iter().map(|ledger| {
        let hosts = ledger.hosts_used().1.into();
        let accounts = ledger.accounts().rows_max();
        snapshot_interface_bytes(hosts, ledger.port_rows().0, accounts, ledger.peer_rows())
    });
    SNAPSHOT_FILE_BYTES + interfaces.sum::<usize>()
}

/// A snapshot in the making.
pub struct Writer<'b> {
    buffer: &'b mut [u8],
    length: usize,
    records: u32,
    /// A record did not fit.
    full: bool,
}

impl<'b> Writer<'b> {
    /// Begins a snapshot with its first record. What the buffer holds is overwritten.
    pub fn new(buffer: &'b mut [u8], header: &Header) -> Self {
        let mut writer = Self { buffer, length: 0, records: 0, full: false };
        writer.bytes(&MAGIC);
        writer.bytes(&VERSION.to_le_bytes());
        writer.record(&Record::Header(Header { format: VERSION, ..header.clone() }));
        writer
    }

    /// Adds what was warned of, before any interface.
    pub fn warnings(&mut self, monitor: &Monitor) {
        for (quota, percent) in monitor.warnings() {
            self.record(&Record::Warning(Warning::of(monitor.ledgers(), quota, percent)));
        }
    }

    /// Adds an interface. Settle the ledger first, under the same lock: until then its rows do not add
    /// up to its totals, and a snapshot like that is refused when it is read.
    pub fn ledger(&mut self, ledger: &Ledger) {
        self.record(&Record::Interface(Interface::of(ledger)));
        for (reason, packets) in ledger.discarded().filter(|(_, packets)| *packets > 0) {
            self.record(&Record::Discarded(Discarded { reason: cut(reason.name()), packets }));
        }
        for (number, traffic) in ledger.protocols() {
            self.record(&Record::Protocol(Protocol { number, traffic: traffic.into() }));
        }
        for period in Period::ALL {
            let newest = ledger.history_newest(period);
            for (_, traffic) in ledger.history(period) {
                self.record(&Record::Bar(Bar { period, newest, traffic }));
            }
        }
        for (slot, address, segment, host) in ledger.hosts_oldest_first() {
            self.record(&Record::Host(Host::of(slot, address, segment, host)));
        }
        for (owner, kind, port, row) in ledger.all_ports() {
            self.record(&Record::Port(Port::of(owner, kind, port, row)));
        }
        for (place, account) in ledger.accounts().iter() {
            self.record(&Record::Account(Account::of(ledger.accounts(), place, account)));
        }
        for (slots, row) in ledger.all_peers() {
            self.record(&Record::Peers(Peers::of(slots, row)));
        }
        let (day, hosts) = ledger.today();
        for (row, [received, sent]) in hosts {
            self.record(&Record::Today(Today { row, day, received, sent }));
        }
    }

    /// Adds one record: its length in two bytes, then the record as postcard writes it.
    pub fn record(&mut self, record: &Record) {
        self.frame(|room| postcard::to_slice(record, room).ok().map(|body| body.len()));
    }

    /// Adds a record that is encoded already.
    pub fn encoded(&mut self, record: &[u8]) {
        self.frame(|room| {
            room.get_mut(..record.len())?.copy_from_slice(record);
            Some(record.len())
        });
    }

    /// Adds what is put into the room for it; the answer is its length.
    fn frame(&mut self, put: impl FnOnce(&mut [u8]) -> Option<usize>) {
        let Some(rest) = self.buffer.get_mut(self.length..).filter(|_| !self.full) else { return };
        let Some((length, body)) = rest.split_first_chunk_mut() else {
            self.full = true;
            return;
        };
        let limit = body.len().min(SNAPSHOT_RECORD_BYTES);
        match put(&mut body[..limit]) {
            Some(taken) => {
                *length = (taken as u16).to_le_bytes();
                self.length += length.len() + taken;
                self.records += 1;
            }
            None => self.full = true,
        }
    }

    /// Ends the snapshot and returns its bytes, or `None` if the buffer was too small for it.
    pub fn finish(mut self) -> Option<&'b [u8]> {
        let records = self.records;
        self.bytes(&[0, 0]);
        self.bytes(&records.to_le_bytes());
        let checksum = checksum(self.buffer.get(..self.length)?);
        self.bytes(&checksum.to_le_bytes());
        debug_assert!(self.full || self.length >= PREFIX_BYTES + END_BYTES);
        if self.full { None } else { self.buffer.get(..self.length) }
    }

    fn bytes(&mut self, bytes: &[u8]) {
        match self.buffer.get_mut(self.length..self.length + bytes.len()) {
            Some(place) if !self.full => {
                place.copy_from_slice(bytes);
                self.length += bytes.len();
            }
            _ => self.full = true,
        }
    }
}
