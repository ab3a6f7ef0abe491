//! The flow cache: packets of one flow come in trains, so their sums are kept here and booked as one
//! delta when another flow needs the place, or when somebody looks.
//!
//! Direct-mapped. On Zipf-distributed traffic four packets of five hit, which nearly halves the work
//! per packet. Under a flood of flows of one packet each the cache only costs, so it steps aside.

use alloc::boxed::Box;
use alloc::vec;

use super::Seed;
use crate::limits::{FLOW_BYPASS_LOOKUPS, FLOW_HITS_WANTED, FLOW_TRIAL_LOOKUPS};
use crate::network::Direction;
use crate::packet::{Address, Mac, Packet};

/// The sum of some packets of one flow: what the ledger books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    /// The sender.
    pub source: Address,
    /// The receiver.
    pub destination: Address,
    /// Both ports, protocol and whether there are ports, packed to be compared as one word.
    rest: u64,
    /// IP bytes, the sum over the packets.
    pub bytes: u64,
    /// How many packets; 0 is an entry with nothing left to book.
    pub packets: u32,
    /// How many of them were TCP connection attempts.
    pub syns: u32,
    /// The first packet's time in seconds since 1970 (good until 2106).
    pub first: u32,
    /// The last packet's time.
    pub last: u32,
    /// The link-layer address that the first packet came from.
    pub source_mac: Mac,
    /// Which way the flow goes.
    pub direction: Direction,
}

impl Flow {
    /// The flow of one packet.
    #[inline]
    pub fn of(packet: &Packet, direction: Direction, seconds: u32) -> Self {
        Self {
            source: packet.source,
            destination: packet.destination,
            rest: rest(packet),
            bytes: packet.bytes.into(),
            packets: 1,
            syns: packet.is_syn().into(),
            first: seconds,
            last: seconds,
            source_mac: packet.link.source_mac,
            direction,
        }
    }

    /// The transport protocol's number.
    pub const fn protocol(&self) -> u8 {
        self.rest as u8
    }

    /// The sender's and the receiver's port, if the packets carried them.
    #[inline]
    pub const fn ports(&self) -> Option<(u16, u16)> {
        if self.rest >> 8 & 1 == 1 {
            Some(((self.rest >> 48) as u16, (self.rest >> 32) as u16))
        } else {
            None
        }
    }

    #[inline]
    fn add(&mut self, packet: &Packet, seconds: u32) {
        if self.packets == 0 {
            self.first = seconds;
        }
        self.packets += 1;
        self.bytes += u64::from(packet.bytes);
        self.syns += u32::from(packet.is_syn());
        self.last = seconds;
    }
}

/// Set in every flow's `rest`, so that no packet, not even one from `::` to `::`, equals an entry that
/// was never used.
const USED: u64 = 1 << 9;

#[inline]
const fn rest(packet: &Packet) -> u64 {
    (packet.source_port as u64) << 48
        | (packet.destination_port as u64) << 32
        | USED
        | (packet.has_ports as u64) << 8
        | packet.protocol as u64
}

/// What the cache made of a packet.
pub enum Lookup {
    /// Added to its flow, which goes this way.
    Hit(Direction),
    /// Not in the cache: call [`FlowCache::replace`] with this index.
    Miss(usize),
    /// The cache steps aside: book the packet by itself.
    Bypass,
}

/// The cache; see the module's text.
pub struct FlowCache {
    seed: Seed,
    shift: u32,
    entries: Box<[Flow]>,
    /// Lookups left in the present trial, and its hits so far.
    trial: u32,
    hits: u32,
    /// Packets left to pass by until the next trial.
    bypass: u32,
}

impl FlowCache {
    /// An empty cache of at least `entries` entries, rounded up to a power of two.
    pub fn with_capacity(entries: usize, seed: Seed) -> Self {
        let entries = entries.next_power_of_two().max(2);
        Self {
            seed,
            shift: 64 - entries.trailing_zeros(),
            entries: vec![Flow::default(); entries].into_boxed_slice(),
            trial: FLOW_TRIAL_LOOKUPS,
            hits: 0,
            bypass: 0,
        }
    }

    /// Adds the packet to its flow, if that is in the cache.
    #[inline]
    pub fn add(&mut self, packet: &Packet, seconds: u32) -> Lookup {
        if self.bypass > 0 {
            self.bypass -= 1;
            return Lookup::Bypass;
        }
        let rest = rest(packet);
        let index = (self.seed.flow(packet.source, packet.destination, rest) >> self.shift) as usize;
        self.trial -= 1;
        if self.trial == 0 {
            self.judge();
        }
        let entry = &mut self.entries[index];
        let known = entry.rest == rest
            && entry.source == packet.source
            && entry.destination == packet.destination
            && entry.packets < u32::MAX;
        if known {
            entry.add(packet, seconds);
            self.hits += 1;
            Lookup::Hit(entry.direction)
        } else {
            Lookup::Miss(index)
        }
    }

    /// Puts a flow into the place that a miss named, and returns the one that was there.
    #[inline]
    pub fn replace(&mut self, index: usize, flow: Flow) -> Flow {
        core::mem::replace(&mut self.entries[index], flow)
    }

    /// How many flows fit.
    pub fn capacity(&self) -> usize {
        self.entries.len()
    }

    /// The sum in one place, to be booked; the place goes on counting from zero.
    pub fn take(&mut self, index: usize) -> Flow {
        let entry = &mut self.entries[index];
        let flow = *entry;
        (entry.packets, entry.bytes, entry.syns) = (0, 0, 0);
        flow
    }

    /// Forgets all flows: the local networks have changed, and so their directions. Book them first.
    pub fn clear(&mut self) {
        self.entries.fill(Flow::default());
    }

    /// After every trial: too few hits, and the cache steps aside for a while.
    #[cold]
    fn judge(&mut self) {
        if self.hits < FLOW_HITS_WANTED {
            self.bypass = FLOW_BYPASS_LOOKUPS;
        }
        self.trial = FLOW_TRIAL_LOOKUPS;
        self.hits = 0;
    }
}
