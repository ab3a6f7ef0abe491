//! 8. Remember: the books as bytes that survive a power cut, whole or not at all.
//!
//! # The format, version 2
//! All numbers outside of records are little-endian.
//!
//! ```text
//! prefix   12 bytes  "duskwatch\r\n\x1a"
//!           2 bytes  the version
//! records   2 bytes  length L, never 0
//!           L bytes  a record: its kind, then its fields, as postcard writes them
//! end       2 bytes  0
//!           4 bytes  how many records there were
//!           4 bytes  CRC-32 (ISO-HDLC) of all bytes before it
//! ```
//!
//! [`Record`] lists the kinds. A kind that a program of the same version does not know is skipped: kinds
//! may be added, but what is there keeps its meaning, or the version is raised. Interfaces are matched
//! by name; the books of one that is not watched now are left out of what is restored. A snapshot that has no
//! others is refused.

mod check;
mod convert;
mod record;
mod write;

pub use record::{
    ACCOUNT_BARS_MAX, Account, AccountBars, Bar, ByDirection, Discarded, Header, Host, Interface, MacAddress,
    Owner, Peers, Port, PortKind, Protocol, Record, Segment, Time, Today, Warning,
};
pub use write::{Writer, size_max};

use alloc::vec::Vec;
use core::fmt;

use crc::{CRC_32_ISO_HDLC, Crc};
use heapless::String;

use crate::ledger::{Ledger, Totals};
use crate::limits::{INTERFACE_NAME_MAX, INTERFACES_MAX, SNAPSHOT_RECORD_BYTES};
use crate::monitor::Monitor;
use crate::packet::Address;
use check::Check;

/// The format's version.
pub const VERSION: u16 = 2;

/// How a snapshot begins. The line break and the end-of-file character show when something has taken
/// the file for a text and changed it.
pub const MAGIC: [u8; 12] = *b"duskwatch\r\n\x1a";

const PREFIX_BYTES: usize = MAGIC.len() + size_of::<u16>();
const END_BYTES: usize = size_of::<u16>() + 2 * size_of::<u32>();

/// Why bytes are no snapshot to be restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejected {
    /// They do not begin like a snapshot.
    Foreign,
    /// They are of a version that this program does not read.
    Version(u16),
    /// They are incomplete or were changed.
    Damaged,
    /// They are as they were written, but say something that cannot be.
    Invalid(&'static str),
    /// They have no books of an interface that is watched.
    Unwatched,
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign => f.write_str("it is no snapshot of duskwatch"),
            Self::Version(version) => {
                write!(f, "it has version {version} of the format, this program reads version {VERSION}")
            }
            Self::Damaged => f.write_str("it is cut short or damaged"),
            Self::Invalid(what) => write!(f, "it contradicts itself: {what}"),
            Self::Unwatched => f.write_str("it has no books of an interface that is watched now"),
        }
    }
}

impl core::error::Error for Rejected {}

/// What a restore has done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// What the snapshot says of itself.
    pub header: Header,
    /// How many interfaces have got their books back.
    pub interfaces: usize,
    /// The interfaces in the snapshot that are not watched now: their books are gone.
    pub dropped: heapless::Vec<String<INTERFACE_NAME_MAX>, INTERFACES_MAX>,
}

/// How checksums are made.
pub static CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);

/// The CRC at the end of a snapshot whose other bytes are these.
pub fn checksum(bytes: &[u8]) -> u32 {
    CRC.checksum(bytes)
}

/// Makes sure that the bytes are a whole snapshot in which every sum is right.
pub fn verify(bytes: &[u8]) -> Result<Header, Rejected> {
    let body = unwrap(bytes)?;
    let mut check = Check::new();
    for record in Records(body) {
        check.record(&decode(record)?)?;
    }
    check.finish()
}

/// Makes sure that a whole snapshot has books of an interface that is watched.
pub fn find_watched(bytes: &[u8], monitor: &Monitor) -> Result<(), Rejected> {
    for record in Records(unwrap(bytes)?) {
        if let Record::Interface(interface) = decode(record)?
            && monitor.ledgers().iter().any(|ledger| ledger.name() == interface.name)
        {
            return Ok(());
        }
    }
    Err(Rejected::Unwatched)
}

/// The records of a snapshot as they are encoded, without any kinds that this program does not know.
pub fn records(bytes: &[u8]) -> Result<impl Iterator<Item = &[u8]>, Rejected> {
    Ok(Records(unwrap(bytes)?))
}

/// The record that is encoded so.
pub fn decode(record: &[u8]) -> Result<Record, Rejected> {
    match postcard::take_from_bytes(record) {
        Ok((record, [])) => Ok(record),
        _ => Err(Rejected::Invalid("a record is none")),
    }
}

/// Puts the books back that a snapshot holds, if it is whole and has any of ours; else nothing is changed. What the
/// monitor has counted on those interfaces is forgotten.
pub fn restore(bytes: &[u8], monitor: &mut Monitor) -> Result<Restored, Rejected> {
    let header = verify(bytes)?;
    find_watched(bytes, monitor)?;
    let mut restored = Restored { header, interfaces: 0, dropped: heapless::Vec::new() };
    let mut target = None;
    for record in Records(unwrap(bytes)?) {
        let record = decode(record)?;
        if let Record::Interface(interface) = &record {
            let named = |ledger: &Ledger| ledger.name() == interface.name;
            target = monitor.ledgers().iter().position(named).map(Target::new);
            match target {
                Some(_) => restored.interfaces += 1,
                // Verified: there are no more than fit.
                None => restored.dropped.push(interface.name.clone()).unwrap_or_default(),
            }
        }
        if let Record::Warning(warning) = &record
            && let Some(quota) = warning.quota(monitor.ledgers())
        {
            monitor.restore_warning(quota, warning.percent);
        } else if let Some(target) = &mut target {
            target.apply(&record, &mut monitor.ledgers_mut()[target.index]);
        }
    }
    Ok(restored)
}

/// A ledger that is being restored.
struct Target {
    index: usize,
    totals: Totals,
    /// The addresses of the hosts by the rows they had: 16 KB for a thousand hosts, for as long as the
    /// restore takes.
    addresses: Vec<Address>,
}

impl Target {
    fn new(index: usize) -> Self {
        Self { index, totals: Totals::default(), addresses: Vec::new() }
    }

    fn apply(&mut self, record: &Record, ledger: &mut Ledger) {
        match record {
            Record::Header(_) | Record::Warning(_) => (),
            Record::Interface(interface) => {
                ledger.reset();
                self.totals = interface.totals();
                ledger.restore_totals(self.totals);
            }
            Record::Discarded(discarded) => {
                if let Some(reason) = discarded.reason() {
                    self.totals.discarded[reason as usize] = discarded.packets;
                    ledger.restore_totals(self.totals);
                }
            }
            Record::Protocol(protocol) => {
                ledger.restore_protocol(protocol.number, (&protocol.traffic).into());
            }
            Record::Bar(bar) => ledger.restore_bar(bar.period, bar.newest, bar.traffic),
            Record::Host(host) => {
                let row = usize::from(host.row);
                if self.addresses.len() <= row {
                    self.addresses.resize(row + 1, Address::default());
                }
                self.addresses[row] = host.address.into();
                ledger.restore_host(host.address.into(), host.segment.into(), host.host());
            }
            Record::Port(port) => {
                let owner = port.row.and_then(|row| self.address(row));
                ledger.restore_port(owner, port.kind.into(), port.port, port.traffic());
            }
            Record::Account(record) => {
                if let Some(account) = record.account() {
                    ledger.restore_account(&account, record.until, record.bars());
                }
            }
            Record::Today(today) => {
                if let Some(address) = self.address(today.row) {
                    ledger.restore_today(address, today.day, [today.received, today.sent]);
                }
            }
            Record::Peers(peers) => {
                if let (Some(first), Some(second)) = (self.address(peers.first), self.address(peers.second)) {
                    let sent = [peers.first_sent, peers.second_sent];
                    ledger.restore_peers([first, second], sent);
                }
            }
        }
    }

    /// The address of the host that had this row.
    fn address(&self, row: u16) -> Option<Address> {
        self.addresses.get(usize::from(row)).copied()
    }
}

/// The records' bytes, if what is around them is right.
fn unwrap(bytes: &[u8]) -> Result<&[u8], Rejected> {
    let Some((magic, rest)) = bytes.split_first_chunk::<{ MAGIC.len() }>() else {
        return Err(if MAGIC.starts_with(bytes) { Rejected::Damaged } else { Rejected::Foreign });
    };
    if *magic != MAGIC {
        return Err(Rejected::Foreign);
    }
    let (version, rest) = rest.split_first_chunk().ok_or(Rejected::Damaged)?;
    let version = u16::from_le_bytes(*version);
    if version != VERSION {
        return Err(Rejected::Version(version));
    }
    let (all, sum) = bytes.split_last_chunk().ok_or(Rejected::Damaged)?;
    if checksum(all) != u32::from_le_bytes(*sum) {
        return Err(Rejected::Damaged);
    }
    let (body, end) = rest.split_last_chunk::<END_BYTES>().ok_or(Rejected::Damaged)?;
    let [0, 0, count @ .., _, _, _, _] = *end else { return Err(Rejected::Damaged) };
    if count_frames(body) != Some(u32::from_le_bytes(count)) {
        return Err(Rejected::Damaged);
    }
    Ok(body)
}

/// How many records there are, if the bytes are nothing but records.
fn count_frames(mut body: &[u8]) -> Option<u32> {
    let mut count = 0;
    while !body.is_empty() {
        (_, body) = split_frame(body)?;
        count += 1;
    }
    Some(count)
}

/// The first record's bytes and those after it.
fn split_frame(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk()?;
    let length = usize::from(u16::from_le_bytes(*length));
    if length == 0 || length > SNAPSHOT_RECORD_BYTES { None } else { rest.split_at_checked(length) }
}

/// Walks over the records' bytes.
struct Records<'b>(&'b [u8]);

impl<'b> Iterator for Records<'b> {
    type Item = &'b [u8];

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (record, rest) = split_frame(self.0)?;
            self.0 = rest;
            // Fewer kinds than 128: the kind's number, a varint, is the first byte.
            if record.first().is_some_and(|kind| *kind < record::KINDS) {
                return Some(record);
            }
        }
    }
}
