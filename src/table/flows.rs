//! The flow cache: packets of one flow come in trains, so their sums are kept here and booked as one
//! delta when another flow needs the place, or when somebody looks.
//!
//! A flow has two places. On measured traffic nineteen packets of twenty find theirs, which leaves the
//! tables a twentieth of the work. Under a flood of flows of one packet each the cache only costs, so it
//! steps aside.

use alloc::boxed::Box;
use alloc::vec;
use core::hint::select_unpredictable;

use super::{FlowRecords, Seed};
use crate::ledger::Counters;
use crate::limits::{FLOW_BYPASS_PACKETS, FLOW_HITS_WANTED, FLOW_TRIAL_MISSES};
use crate::network::Direction;
use crate::packet::{Address, Mac, Packet};

/// What all packets of a flow share, both ways.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Key {
    ends: [Address; 2],
    /// Both ports, in the order of the ends, the protocol and two flags, in one word.
    rest: u64,
}

/// In a key's `rest`: the packets carry ports.
const PORTS: u64 = 1 << 8;

/// In every key's `rest`, so that no packet, not even one from `::` to `::`, belongs to an entry that
/// was never used.
const USED: u64 = 1 << 9;

impl Key {
    /// The key of a packet's flow, and which of its ends (0 or 1) sent the packet. The ends are in the
    /// order of their bits, which does not depend on who sends. Nobody can predict that, so it is not
    /// left to a branch.
    #[inline]
    fn of(packet: &Packet) -> (Self, usize) {
        let (a, b) = (packet.source, packet.destination);
        let swapped = a.bits() > b.bits();
        let pick = |a, b| select_unpredictable(swapped, b, a);
        let ends = [
            Address { high: pick(a.high, b.high), low: pick(a.low, b.low) },
            Address { high: pick(b.high, a.high), low: pick(b.low, a.low) },
        ];
        let ports = u32::from(packet.source_port) | u32::from(packet.destination_port) << 16;
        let ports = select_unpredictable(swapped, ports.rotate_left(16), ports);
        let kind = u16::from(packet.protocol) | u16::from(packet.has_ports) << 8;
        (Self { ends, rest: u64::from(ports) << 32 | u64::from(kind) | USED }, swapped.into())
    }
}

/// The sum of some packets between two ends, both ways (a "biflow", RFC 5103): what the ledger books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    key: Key,
    /// IP bytes that each end sent.
    pub(super) bytes: [u64; 2],
    /// Packets that each end sent.
    pub(super) packets: [u32; 2],
    /// How many of them were TCP connection attempts.
    pub syns: u32,
    /// The first packet's time in seconds since 1970 (good until 2106).
    pub first: u32,
    /// The last packet's time.
    pub last: u32,
    /// The link-layer address that the first of each end's packets came from; zero if it sent none.
    pub macs: [Mac; 2],
    /// Which way the packets go that each end sends.
    pub directions: [Direction; 2],
}

impl Flow {
    /// The flow of one packet, which goes this way.
    #[inline]
    pub fn of(packet: &Packet, direction: Direction, seconds: u32) -> Self {
        let (key, sender) = Key::of(packet);
        let mut flow = Self { key, ..Self::default() };
        flow.directions[sender] = direction;
        flow.directions[sender ^ 1] = direction.reversed();
        flow.add(packet, sender, seconds);
        flow
    }

    /// The two ends.
    #[inline]
    pub const fn ends(&self) -> [Address; 2] {
        self.key.ends
    }

    /// What each end sent.
    #[inline]
    pub fn sent(&self) -> [Counters; 2] {
        [0, 1].map(|end| Counters::new(self.packets[end].into(), self.bytes[end]))
    }

    /// True if there is nothing to book.
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.packets[0] | self.packets[1] == 0
    }

    /// How many of the two ends have sent something.
    pub fn ways(&self) -> u64 {
        self.packets.iter().filter(|&&packets| packets > 0).count() as u64
    }

    /// The transport protocol's number.
    #[inline]
    pub const fn protocol(&self) -> u8 {
        self.key.rest as u8
    }

    /// The port of each end, if the packets carried them.
    #[inline]
    pub const fn ports(&self) -> Option<[u16; 2]> {
        let rest = self.key.rest;
        if rest & PORTS != 0 { Some([(rest >> 32) as u16, (rest >> 48) as u16]) } else { None }
    }

    /// True if a packet with this key from this end can be added.
    #[inline]
    fn takes(&self, key: &Key, sender: usize) -> bool {
        self.key == *key && self.packets[sender] < u32::MAX
    }

    /// The smaller this is, the less is lost with the flow's place.
    fn age(&self) -> (u32, u32) {
        (self.last, self.packets[0].saturating_add(self.packets[1]))
    }

    #[inline]
    fn add(&mut self, packet: &Packet, sender: usize, seconds: u32) {
        let sender = sender & 1;
        self.packets[sender] += 1;
        self.bytes[sender] += u64::from(packet.bytes);
        self.syns += u32::from(packet.is_syn());
        if self.packets[sender] == 1 {
            self.macs[sender] = packet.link.source_mac;
            if self.packets[sender ^ 1] == 0 {
                self.first = seconds;
            }
        }
        self.last = seconds;
    }
}

/// The cache; see the module's text.
pub struct FlowCache {
    seed: Seed,
    sets: Box<[[Flow; 2]]>,
    /// Where the next sweep begins.
    swept: usize,
    /// Packets that still pass by the cache.
    bypass: u32,
    /// Hits and misses in the present trial.
    hits: u64,
    misses: u32,
    /// What a collector is told, if there is one.
    records: Option<Box<FlowRecords>>,
}

impl FlowCache {
    /// An empty cache of at least `entries` entries, rounded up to a power of two.
    pub fn with_capacity(entries: usize, seed: Seed) -> Self {
        let sets = entries.div_ceil(2).next_power_of_two();
        Self {
            seed,
            sets: vec![[Flow::default(); 2]; sets].into_boxed_slice(),
            swept: 0,
            bypass: 0,
            hits: 0,
            misses: 0,
            records: None,
        }
    }

    /// From now on there are records for a collector. Their memory is allocated here.
    pub fn record(&mut self) {
        self.records = Some(Box::new(FlowRecords::new(self.capacity())));
    }

    /// The records, if there are any.
    pub fn records(&mut self) -> Option<&mut FlowRecords> {
        self.records.as_deref_mut()
    }

    /// Adds the packet to its flow, if that is in the cache, and tells which way it goes.
    #[inline]
    pub fn add(&mut self, packet: &Packet, seconds: u32) -> Option<Direction> {
        if self.bypass != 0 {
            return None;
        }
        let (key, sender) = Key::of(packet);
        let [first, second] = &mut self.sets[self.set(&key)];
        let flow = if first.takes(&key, sender) {
            first
        } else if second.takes(&key, sender) {
            second
        } else {
            return None;
        };
        flow.add(packet, sender, seconds);
        let direction = flow.directions[sender];
        self.hits += 1;
        Some(direction)
    }

    /// Begins the flow of a packet that `add` could not add, and returns what is now to be booked: the
    /// flow whose place it took or, while the cache steps aside, its own.
    #[inline]
    pub fn begin(&mut self, packet: &Packet, direction: Direction, seconds: u32) -> Flow {
        let flow = Flow::of(packet, direction, seconds);
        if self.bypass != 0 {
            self.bypass -= 1;
            if let Some(records) = &mut self.records {
                records.push(&flow);
            }
            return flow;
        }
        self.misses += 1;
        if self.misses == FLOW_TRIAL_MISSES {
            self.judge();
        }
        let set = self.set(&flow.key);
        let [first, second] = &self.sets[set];
        let way = usize::from(second.age() < first.age());
        self.put(set, way, flow)
    }

    /// Puts a flow, or none, into a place, and returns the one that was there.
    #[inline]
    fn put(&mut self, set: usize, way: usize, flow: Flow) -> Flow {
        let gone = core::mem::replace(&mut self.sets[set][way], flow);
        if let Some(records) = &mut self.records {
            records.leave(2 * set + way, &gone);
        }
        gone
    }

    /// The number of the set with the two places that a flow may have.
    #[inline]
    fn set(&self, key: &Key) -> usize {
        let [a, b] = key.ends;
        self.seed.pair(a, b, key.rest) as usize & (self.sets.len() - 1)
    }

    /// How many flows fit.
    pub fn capacity(&self) -> usize {
        2 * self.sets.len()
    }

    /// The sum in one place, to be booked; the place goes on counting from zero.
    pub fn take(&mut self, index: usize) -> Flow {
        let entry = &mut self.sets[index / 2][index % 2];
        let flow = *entry;
        (entry.packets, entry.bytes, entry.syns) = ([0; 2], [0; 2], 0);
        if let Some(records) = &mut self.records {
            records.keep(index, &flow);
        }
        flow
    }

    /// As [`FlowCache::take`], and makes the record of the flow in that place.
    pub fn report(&mut self, index: usize) -> Flow {
        let flow = self.take(index);
        if let Some(records) = &mut self.records {
            records.report(index, &flow);
        }
        flow
    }

    /// Takes a packet's flow out of the cache, to be booked: its next packet is none of a known flow.
    pub fn remove(&mut self, packet: &Packet) -> Flow {
        let (key, _) = Key::of(packet);
        let set = self.set(&key);
        let way = self.sets[set].iter().position(|flow| flow.key == key);
        way.map(|way| self.put(set, way, Flow::default())).unwrap_or_default()
    }

    /// Takes the flow out of the next place, round and round, to be booked.
    pub fn sweep(&mut self) -> Flow {
        self.swept = (self.swept + 1) % self.capacity();
        self.put(self.swept / 2, self.swept % 2, Flow::default())
    }

    /// Forgets all flows: the local networks have changed, and so their directions. Book them first.
    pub fn clear(&mut self) {
        for index in 0..self.capacity() {
            self.put(index / 2, index % 2, Flow::default());
        }
    }

    /// After every trial: with too few hits the cache steps aside for a while, then gets another trial.
    #[cold]
    fn judge(&mut self) {
        if self.hits < FLOW_HITS_WANTED {
            self.bypass = FLOW_BYPASS_PACKETS;
        }
        (self.hits, self.misses) = (0, 0);
    }
}
