//! 4. Account: one [`Ledger`] per interface keeps its totals, protocols, hosts, ports and history.
//!
//! Behind NAT the same flow shows on the LAN with its inside address and on the WAN with the router's,
//! so interfaces are never added up.

mod counters;
mod history;
mod host;
mod read;
mod restore;

pub use counters::{Counters, Traffic};
pub use history::{Bar, History, Period};
pub use host::{Host, Transport};
pub use read::{PortOwner, PortsLeft};
pub use restore::Totals;

use alloc::boxed::Box;
use alloc::vec;

use heapless::{String, Vec};

use crate::limits::{FLOWS, INTERFACE_NAME_MAX, OWN_MACS_MAX, PORT_SETS_SWEPT};
use crate::network::{Direction, Networks, Place, Role};
use crate::packet::{Address, Decoded, Discard, Link, LinkType, Mac, Packet};
use crate::table::{Flow, FlowCache, GuardedTable, Lookup, PortKey, PortKind, PortTable, Seed, Slot};
use crate::time::Timestamp;

/// How large a ledger's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Hosts.
    pub hosts: u16,
    /// Port rows of the interface and all its hosts together.
    pub port_rows: u32,
}

/// Traffic by [`Direction`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Directions([Counters; 4]);

impl Directions {
    /// The traffic that went one way.
    #[inline]
    pub const fn of(&self, direction: Direction) -> Counters {
        self.0[direction as usize]
    }

    /// What went neither in nor out: internal and transit.
    pub fn other(&self) -> Counters {
        self.of(Direction::Internal) + self.of(Direction::Transit)
    }

    /// All of it.
    pub fn total(&self) -> Counters {
        self.0.iter().copied().sum()
    }

    /// Adds traffic that went one way.
    #[inline]
    pub fn add(&mut self, direction: Direction, counters: Counters) {
        self.0[direction as usize] += counters;
    }
}

/// What is known of the rows that had to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evicted {
    /// How many rows; a host that came and went twice counts twice.
    pub hosts: u64,
    /// What they had sent and received.
    pub traffic: Traffic,
}

/// What the kernel says passed, next to what was seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// Frames and bytes that the kernel's counters of the physical devices grew by.
    pub kernel: Counters,
    /// Frames and bytes that the capture saw in the same time, link headers included.
    pub captured: Counters,
    /// Frames longer than their device's MTU: several on the wire, merged before the capture.
    pub merged: u64,
}

/// The books of one interface.
pub struct Ledger {
    name: String<INTERFACE_NAME_MAX>,
    role: Role,
    link: Option<LinkType>,
    networks: Networks,
    /// True if the interface is a bridge, whose ports show a forwarded frame twice.
    bridge: bool,
    own_macs: Vec<Mac, OWN_MACS_MAX>,

    captured: u64,
    discarded: [u64; Discard::ALL.len()],
    non_ip: Counters,
    totals: Directions,
    first: Option<Timestamp>,
    last: Timestamp,
    dropped_by_kernel: u64,
    coverage: Option<Coverage>,

    /// By IP protocol number.
    protocols: Box<[Directions]>,
    /// TCP and UDP packets that carried no ports: later fragments and cut headers.
    portless: [Directions; 2],
    hosts: GuardedTable<Host>,
    evicted: Evicted,
    ports: PortTable,
    flows: FlowCache,
    history: History,
}

impl Ledger {
    /// The empty books of an interface. All memory is allocated here. A name that is too long is cut.
    pub fn new(name: &str, role: Role, networks: Networks, capacity: Capacity, seed: Seed) -> Self {
        let mut short = String::new();
        for character in name.chars() {
            if short.push(character).is_err() {
                break;
            }
        }
        Self {
            name: short,
            role,
            link: None,
            networks,
            bridge: false,
            own_macs: Vec::new(),
            captured: 0,
            discarded: [0; Discard::ALL.len()],
            non_ip: Counters::default(),
            totals: Directions::default(),
            first: None,
            last: Timestamp::default(),
            dropped_by_kernel: 0,
            coverage: None,
            protocols: vec![Directions::default(); 256].into_boxed_slice(),
            portless: [Directions::default(); 2],
            hosts: GuardedTable::with_capacity(capacity.hosts, seed),
            evicted: Evicted::default(),
            ports: PortTable::with_capacity(capacity.port_rows, seed),
            flows: FlowCache::with_capacity(FLOWS, seed),
            history: History::default(),
        }
    }

    /// Books a frame; true if it is an IP packet that is now accounted. `now` is the frame's time.
    #[inline]
    pub fn observe(&mut self, decoded: &Decoded, now: Timestamp) -> bool {
        self.captured += 1;
        if now.seconds != self.last.seconds || self.first.is_none() {
            self.turn(now);
        }
        self.last.micros = now.micros;
        match decoded {
            Decoded::Packet(packet) if !self.is_bridged_copy(packet.link) => {
                self.account(packet);
                return true;
            }
            Decoded::NonIp(frame) if !self.is_bridged_copy(frame.link) => {
                self.non_ip += Counters::new(1, frame.bytes.into());
            }
            Decoded::Packet(_) | Decoded::NonIp(_) => {
                self.discarded[Discard::BridgedCopy as usize] += 1;
            }
            Decoded::Discard(reason) => self.discarded[*reason as usize] += 1,
        }
        false
    }

    /// Brings everything up to date for somebody who looks: sums in the flow cache are booked, and the
    /// history moves on to `now`.
    pub fn settle(&mut self, now: Timestamp) {
        self.book_all();
        if now.seconds > self.last.seconds {
            self.history.advance(now.seconds, &self.totals);
        } else {
            self.history.advance(self.last.seconds, &self.totals);
        }
    }

    /// Changes what is local. Rows stay; those of hosts that are now local are pinned.
    pub fn set_networks(&mut self, networks: Networks) {
        if networks.prefixes() == self.networks.prefixes() {
            return;
        }
        self.book_all();
        self.flows.clear();
        self.networks = networks;
        let networks = &self.networks;
        self.hosts.repin(|address, host| {
            host.local = networks.place(address) == Place::Local;
            host.local
        });
    }

    /// Says which link-layer addresses are the machine's own here, and whether the interface is a
    /// bridge: then a frame that leaves it from another address was counted when it came in. Addresses
    /// beyond the limit are left out.
    pub fn set_devices(&mut self, bridge: bool, own_macs: &[Mac]) {
        self.bridge = bridge;
        self.own_macs = own_macs.iter().copied().take(OWN_MACS_MAX).collect();
    }

    /// Says how the captured frames begin.
    pub fn set_link(&mut self, link: LinkType) {
        self.link = Some(link);
    }

    /// Sets the seconds to add to UTC for local time.
    pub fn set_utc_offset(&mut self, seconds: i32) {
        self.history.set_utc_offset(seconds);
    }

    /// Tells what the kernel lost before the capture could see it, and what passed by its own counters
    /// (`None` where that cannot be compared).
    pub fn set_capture_state(&mut self, dropped_by_kernel: u64, coverage: Option<Coverage>) {
        self.dropped_by_kernel = dropped_by_kernel;
        self.coverage = coverage;
    }

    #[inline]
    fn is_bridged_copy(&self, link: Link) -> bool {
        link.outgoing && self.bridge && !self.own_macs.contains(&link.source_mac)
    }

    /// Another second than the last packet's.
    #[cold]
    fn turn(&mut self, now: Timestamp) {
        self.first.get_or_insert(now);
        self.history.advance(now.seconds, &self.totals);
        self.last = now;
        let hosts = &self.hosts;
        self.ports.sweep(PORT_SETS_SWEPT, |key| match key.owner() {
            None => true,
            Some(slot) => {
                hosts.generation_if_used(slot).is_some_and(|generation| key.is_of(slot, generation))
            }
        });
    }

    #[inline]
    fn account(&mut self, packet: &Packet) {
        let seconds = self.last.seconds as u32;
        let direction = match self.flows.add(packet, seconds) {
            Lookup::Hit(direction) => direction,
            Lookup::Miss(index) => {
                let direction = self.networks.direction(packet);
                let old = self.flows.replace(index, Flow::of(packet, direction, seconds));
                if old.packets > 0 {
                    self.book(&old);
                }
                direction
            }
            Lookup::Bypass => {
                let direction = self.networks.direction(packet);
                self.book(&Flow::of(packet, direction, seconds));
                direction
            }
        };
        self.totals.add(direction, Counters::new(1, packet.bytes.into()));
    }

    fn book_all(&mut self) {
        for index in 0..self.flows.capacity() {
            let flow = self.flows.take(index);
            if flow.packets > 0 {
                self.book(&flow);
            }
        }
    }

    /// Books a flow on everything but the totals, which have it since its packets came.
    fn book(&mut self, flow: &Flow) {
        let counters = Counters::new(flow.packets.into(), flow.bytes);
        self.protocols[usize::from(flow.protocol())].add(flow.direction, counters);
        self.book_interface_ports(flow, counters);
        self.book_host(flow, true, counters);
        self.book_host(flow, false, counters);
    }

    /// One side of a flow: the sender's row or the receiver's, and that host's ports.
    #[inline]
    fn book_host(&mut self, flow: &Flow, sent: bool, counters: Counters) {
        let address = if sent { flow.source } else { flow.destination };
        let slot = self.host_slot(address);
        let host = self.hosts.row_mut(slot);
        host.book(flow, sent);
        if sent && host.local && flow.source_mac.is_station() {
            host.mac = flow.source_mac;
        }
        self.hosts.settle(slot);
        let (Some((source, destination)), Some((local, remote))) = (flow.ports(), kinds(flow.protocol()))
        else {
            return;
        };
        let (own, peer) = if sent { (source, destination) } else { (destination, source) };
        let generation = self.hosts.generation(slot);
        for key in
            [PortKey::host(slot, generation, local, own), PortKey::host(slot, generation, remote, peer)]
        {
            self.ports.book(key, sent, counters, flow.syns);
        }
    }

    /// The address's slot in the host table, made if need be.
    #[inline]
    fn host_slot(&mut self, address: Address) -> Slot {
        let Self { hosts, networks, evicted, .. } = self;
        let mut local = false;
        let mut is_new = false;
        let slot = hosts.touch(
            address,
            || {
                is_new = true;
                local = networks.place(address) == Place::Local;
                local
            },
            |row| {
                evicted.hosts += 1;
                evicted.traffic += row.total();
            },
        );
        if is_new {
            hosts.row_mut(slot).local = local;
        }
        slot
    }

    /// The interface's own port rows. Internal flows have both ends here and transit flows none, so
    /// they count on the local or the remote side twice: as received, and as sent.
    #[inline]
    fn book_interface_ports(&mut self, flow: &Flow, counters: Counters) {
        let Some((local, remote)) = kinds(flow.protocol()) else { return };
        let Some((source, destination)) = flow.ports() else {
            self.portless[usize::from(local == PortKind::UdpLocal)].add(flow.direction, counters);
            return;
        };
        let rows = match flow.direction {
            Direction::Inbound => [(local, destination, false), (remote, source, false)],
            Direction::Outbound => [(local, source, true), (remote, destination, true)],
            Direction::Internal => [(local, destination, false), (local, source, true)],
            Direction::Transit => [(remote, destination, true), (remote, source, false)],
        };
        for (kind, port, outbound) in rows {
            self.ports.book(PortKey::interface(kind, port), outbound, counters, flow.syns);
        }
    }
}

/// The two kinds of port row that a protocol has: the owner's own ports and those of the other end.
#[inline]
const fn kinds(protocol: u8) -> Option<(PortKind, PortKind)> {
    match protocol {
        6 => Some((PortKind::TcpLocal, PortKind::TcpRemote)),
        17 => Some((PortKind::UdpLocal, PortKind::UdpRemote)),
        _ => None,
    }
}
