//! The flow cache: packets of one flow come in trains, so their sums are kept here and booked as one
//! delta when another flow needs the place, or when somebody looks.
//!
//! Direct-mapped. On Zipf-distributed traffic four packets of five hit, which nearly halves the work
//! per packet. Under a flood of flows of one packet each the cache only costs, so it steps aside.

use alloc::boxed::Box;
use alloc::vec;

use super::Seed;
use crate::ledger::Counters;
use crate::limits::{FLOW_BYPASS_LOOKUPS, FLOW_HITS_WANTED, FLOW_TRIAL_LOOKUPS};
use crate::network::Direction;
use crate::packet::{Address, Mac, Packet};

/// The sum of some packets between two ends, both ways (a "biflow", RFC 5103): what the ledger books.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flow {
    ends: [Address; 2],
    /// Both ports, in the order of the ends, the protocol and two flags, in one word.
    rest: u64,
    /// IP bytes that each end sent.
    bytes: [u64; 2],
    /// Packets that each end sent.
    packets: [u32; 2],
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

/// In a flow's `rest`: the packets carry ports.
const PORTS: u64 = 1 << 8;

/// In every flow's `rest`, so that no packet, not even one from `::` to `::`, belongs to an entry that
/// was never used.
const USED: u64 = 1 << 9;

/// Where a packet's flow belongs: its index in the cache, and which of its ends (0 or 1) sent the packet.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    index: usize,
    sender: usize,
    rest: u64,
}

/// What all packets of a flow share but their addresses. `sender` is 0 or 1.
#[inline]
fn rest(packet: &Packet, sender: usize) -> u64 {
    let ports = (u32::from(packet.source_port) << 16) | u32::from(packet.destination_port);
    let ports = ports.rotate_left(16 * sender as u32);
    (u64::from(ports) << 32) | USED | (u64::from(packet.has_ports) * PORTS) | u64::from(packet.protocol)
}

impl Flow {
    /// The flow of one packet.
    pub fn of(packet: &Packet, direction: Direction, seconds: u32) -> Self {
        Self::begin(packet, 0, rest(packet, 0), direction, seconds)
    }

    #[inline]
    fn begin(packet: &Packet, sender: usize, rest: u64, direction: Direction, seconds: u32) -> Self {
        let mut flow = Self { rest, first: seconds, ..Self::default() };
        let (sender, receiver) = (sender & 1, !sender & 1);
        flow.ends[sender] = packet.source;
        flow.ends[receiver] = packet.destination;
        flow.directions[sender] = direction;
        flow.directions[receiver] = direction.reversed();
        flow.add(packet, sender, seconds);
        flow
    }

    /// The two ends.
    #[inline]
    pub const fn ends(&self) -> [Address; 2] {
        self.ends
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

    /// The transport protocol's number.
    #[inline]
    pub const fn protocol(&self) -> u8 {
        self.rest as u8
    }

    /// The port of each end, if the packets carried them.
    #[inline]
    pub const fn ports(&self) -> Option<[u16; 2]> {
        if self.rest & PORTS != 0 { Some([(self.rest >> 48) as u16, (self.rest >> 32) as u16]) } else { None }
    }

    #[inline]
    fn add(&mut self, packet: &Packet, sender: usize, seconds: u32) {
        let sender = sender & 1;
        self.packets[sender] += 1;
        self.bytes[sender] += u64::from(packet.bytes);
        self.syns += u32::from(packet.is_syn());
        if self.packets[sender] == 1 {
            self.macs[sender] = packet.link.source_mac;
        }
        self.last = seconds;
    }
}

/// What the cache made of a packet.
pub enum Lookup {
    /// Added to its flow, which goes this way.
    Hit(Direction),
    /// Not in the cache: call [`FlowCache::replace`] with this place.
    Miss(Place),
    /// The cache steps aside: book the packet by itself.
    Bypass,
}

/// The cache; see the module's text.
pub struct FlowCache {
    seed: Seed,
    shift: u32,
    entries: Box<[Flow]>,
    /// True while packets pass by the cache.
    bypassed: bool,
    /// Packets left until the cache is judged anew.
    trial: u32,
    /// Hits in the present trial.
    hits: u32,
}

impl FlowCache {
    /// An empty cache of at least `entries` entries, rounded up to a power of two.
    pub fn with_capacity(entries: usize, seed: Seed) -> Self {
        let entries = entries.next_power_of_two().max(2);
        Self {
            seed,
            shift: 64 - entries.trailing_zeros(),
            entries: vec![Flow::default(); entries].into_boxed_slice(),
            bypassed: false,
            trial: FLOW_TRIAL_LOOKUPS,
            hits: 0,
        }
    }

    /// Adds the packet to its flow, if that is in the cache.
    #[inline]
    pub fn add(&mut self, packet: &Packet, seconds: u32) -> Lookup {
        self.trial -= 1;
        if self.trial == 0 {
            self.judge();
        }
        if self.bypassed {
            return Lookup::Bypass;
        }
        let (hash, sender) = self.seed.flow(packet.source, packet.destination);
        let rest = rest(packet, sender);
        let index = (self.seed.mix(hash, rest) >> self.shift) as usize;
        let entry = &mut self.entries[index];
        let known = entry.rest == rest
            && entry.ends[sender & 1] == packet.source
            && entry.ends[!sender & 1] == packet.destination
            && entry.packets[sender & 1] < u32::MAX;
        if known {
            entry.add(packet, sender, seconds);
            self.hits += 1;
            Lookup::Hit(entry.directions[sender & 1])
        } else {
            Lookup::Miss(Place { index, sender, rest })
        }
    }

    /// Begins the flow of a packet in the place that a miss named, and returns the flow that was there.
    #[inline]
    pub fn replace(&mut self, place: Place, packet: &Packet, direction: Direction, seconds: u32) -> Flow {
        let Place { index, sender, rest } = place;
        let flow = Flow::begin(packet, sender, rest, direction, seconds);
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
        (entry.packets, entry.bytes, entry.syns, entry.first) = ([0; 2], [0; 2], 0, entry.last);
        flow
    }

    /// Forgets all flows: the local networks have changed, and so their directions. Book them first.
    pub fn clear(&mut self) {
        self.entries.fill(Flow::default());
    }

    /// After every trial: with too few hits the cache steps aside for a while, then gets another trial.
    #[cold]
    fn judge(&mut self) {
        self.bypassed = !self.bypassed && self.hits < FLOW_HITS_WANTED;
        self.trial = if self.bypassed { FLOW_BYPASS_LOOKUPS } else { FLOW_TRIAL_LOOKUPS };
        self.hits = 0;
    }
}
