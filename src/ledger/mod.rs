//! 4. Account: one [`Ledger`] per interface keeps its totals, protocols, hosts, ports and history.
//!
//! Behind NAT the same flow shows on the LAN with its inside address and on the WAN with the router's,
//! so interfaces are never added up.

mod account;
mod accounts;
mod counters;
mod forget;
mod history;
mod host;
mod lately;
mod rate;
mod read;
mod records;
mod restore;

pub use account::{ACCOUNT_PERIODS, Account, Owner};
pub use accounts::Accounts;
pub use counters::{Counters, Traffic};
pub use history::{Bar, History, Period};
pub use host::{Host, Transport};
pub use lately::Lately;
pub use rate::{Rate, Recent};
pub use read::{PortOwner, PortsLeft};
pub use restore::Totals;

use alloc::boxed::Box;
use alloc::vec;

use heapless::String;

use lately::Activity;
use rate::Window;

use crate::limits::{
    FLOW_BYTES, FLOWS, HISTORY_BARS, HOST_BUCKET_BYTES, HOST_BYTES, INTERFACE_NAME_MAX, LEDGER_BYTES,
    PEER_ROW_BYTES, PEER_SETS_SWEPT, PORT_ROW_BYTES, PORT_SETS_SWEPT,
};
use crate::network::{Direction, Networks, Place, Role};
use crate::packet::{Address, Decoded, Discard, LinkType, Mac, Packet};
use crate::table::{
    End, Flow, FlowCache, GuardedTable, PeerKey, PeerRow, PeerTable, PortKey, PortKind, PortRow, PortTable,
    Seed, Segment, Slot,
};
use crate::time::Timestamp;

/// How large a ledger's tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Hosts, and rows of two hosts that talk to each other.
    pub hosts: u16,
    /// Port rows of the interface and all its hosts together, and of the hosts' protocols.
    pub port_rows: u32,
    /// Devices; none where no host is local but this machine itself.
    pub devices: u16,
}

impl Capacity {
    /// The bytes that a ledger of this capacity takes, once and for all: what `limits` says of its parts,
    /// with the powers of two that the tables round up to.
    pub const fn bytes(self) -> usize {
        let hosts = self.hosts as usize;
        let port_rows = PortTable::round_up(self.port_rows);
        LEDGER_BYTES
            + hosts * HOST_BYTES
            + hosts.next_power_of_two() * HOST_BUCKET_BYTES
            + port_rows * PORT_ROW_BYTES
            + PeerTable::round_up(self.hosts as u32) * PEER_ROW_BYTES
            + FLOWS * FLOW_BYTES
            + Accounts::bytes(self.devices, self.hosts)
    }
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
    /// Frames and bytes that the capture saw in the same time, link headers included, also, by estimate, those
    /// that merged segments have lost.
    pub captured: Counters,
    /// Whether the packets tell the share, because the kernel's bytes are without link headers; else the
    /// bytes do, because the capture sees packets that were merged.
    pub by_packets: bool,
    /// Frames longer than their device's MTU: several on the wire, merged before the capture.
    pub merged: u64,
}

/// The books of one interface.
pub struct Ledger {
    name: String<INTERFACE_NAME_MAX>,
    role: Role,
    link: Option<LinkType>,
    networks: Networks,

    captured: u64,
    discarded: [u64; Discard::ALL.len()],
    non_ip: Counters,
    totals: Directions,
    first: Option<Timestamp>,
    last: Timestamp,
    /// The second of the latest frame; before the first frame, one that never comes.
    second: u64,
    /// What rates are taken of.
    window: Window,
    /// The present day, in days of local time since 1970.
    day: u32,
    dropped_by_kernel: u64,
    coverage: Option<Coverage>,

    /// By IP protocol number.
    protocols: Box<[Directions]>,
    /// TCP and UDP packets that carried no ports: later fragments and cut headers.
    portless: [Directions; 2],
    hosts: GuardedTable<Host>,
    /// What each host does now and has done today, by its slot.
    activity: Box<[Activity]>,
    evicted: Evicted,
    ports: PortTable,
    /// Ports above this one get no rows.
    highest_port: u16,
    peers: PeerTable,
    flows: FlowCache,
    history: History,
    accounts: Accounts,
}

const _: () = assert!(
    size_of::<Ledger>() + HISTORY_BARS * size_of::<Bar>() + 256 * size_of::<Directions>() <= LEDGER_BYTES
);
const _: () = assert!(GuardedTable::<Host>::ROW_BYTES + size_of::<Activity>() <= HOST_BYTES);
const _: () = assert!(PortTable::ROW_BYTES <= PORT_ROW_BYTES);
const _: () = assert!(PeerTable::ROW_BYTES <= PEER_ROW_BYTES);
const _: () = assert!(size_of::<Flow>() <= FLOW_BYTES);

impl Ledger {
    /// The empty books of an interface. All memory is allocated here. A name that is too long is cut.
    pub fn new(name: &str, role: Role, networks: Networks, capacity: Capacity, seed: Seed) -> Self {
        let short = &name[..name.floor_char_boundary(INTERFACE_NAME_MAX)];
        let mut accounts = Accounts::with_capacity(capacity.devices, capacity.hosts);
        accounts.set_networks(&networks);
        Self {
            name: String::try_from(short).unwrap_or_default(),
            role,
            link: None,
            networks,
            captured: 0,
            discarded: [0; Discard::ALL.len()],
            non_ip: Counters::default(),
            totals: Directions::default(),
            first: None,
            last: Timestamp::default(),
            second: u64::MAX,
            window: Window::default(),
            day: 0,
            dropped_by_kernel: 0,
            coverage: None,
            protocols: vec![Directions::default(); 256].into_boxed_slice(),
            portless: [Directions::default(); 2],
            hosts: GuardedTable::with_capacity(capacity.hosts, seed),
            activity: vec![Activity::default(); usize::from(capacity.hosts.max(1))].into_boxed_slice(),
            evicted: Evicted::default(),
            ports: PortTable::with_capacity(capacity.port_rows, seed),
            highest_port: u16::MAX,
            peers: PeerTable::with_capacity(capacity.hosts.into(), seed),
            flows: FlowCache::with_capacity(FLOWS, seed),
            history: History::default(),
            accounts,
        }
    }

    /// Books a frame. `now` is its time. False if it is one more packet of a known flow, which tells nobody
    /// anything new.
    #[inline]
    pub fn observe(&mut self, decoded: &Decoded, now: Timestamp) -> bool {
        self.captured += 1;
        if now.seconds != self.second {
            self.turn(now);
        }
        self.last.micros = now.micros;
        match decoded {
            Decoded::Packet(packet) => self.account(packet),
            other => {
                self.set_aside(other);
                true
            }
        }
    }

    /// Forgets that a packet's flow is known.
    pub fn forget_flow(&mut self, packet: &Packet) {
        let flow = self.flows.remove(packet);
        if !flow.is_empty() {
            self.book(&flow);
        }
    }

    /// Counts a frame that is no IP packet. Out of line, so that a packet takes one jump.
    #[inline(never)]
    fn set_aside(&mut self, decoded: &Decoded) {
        match decoded {
            Decoded::Packet(_) => {}
            Decoded::NonIp(frame) => self.non_ip += Counters::new(1, frame.bytes.into()),
            Decoded::Discard(reason) => self.discarded[*reason as usize] += 1,
        }
    }

    /// Brings everything up to date for somebody who looks: sums in the flow cache are booked, and the
    /// history moves on to `now`.
    pub fn settle(&mut self, now: Timestamp) {
        let now = now.max(self.last);
        self.history.advance(now.seconds, &self.totals);
        self.book_accounts(now.seconds);
        self.window.settle(now);
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
        self.accounts.set_networks(networks);
        for (slot, address, _) in self.hosts.iter() {
            self.accounts.meet(slot, address);
        }
    }

    /// Sets the link-layer addresses under which this machine sends: no devices are behind them.
    pub fn set_own_macs(&mut self, own_macs: &[Mac]) {
        self.accounts.set_own_macs(own_macs);
    }

    /// From now on ports above this one get no rows; their traffic counts as that of evicted rows.
    pub fn set_highest_port(&mut self, port: u16) {
        self.highest_port = port;
    }

    /// Says how the captured frames begin.
    pub fn set_link(&mut self, link: LinkType) {
        self.link = Some(link);
    }

    /// Sets the seconds to add to UTC for local time.
    pub fn set_utc_offset(&mut self, seconds: i32) {
        self.history.set_utc_offset(seconds);
        self.accounts.set_utc_offset(seconds);
    }

    /// Tells what the kernel lost before the capture could see it, and what passed by its own counters
    /// (`None` where that cannot be compared).
    pub fn set_capture_state(&mut self, dropped_by_kernel: u64, coverage: Option<Coverage>) {
        self.dropped_by_kernel = dropped_by_kernel;
        self.coverage = coverage;
    }

    /// Another second than the last packet's.
    #[cold]
    fn turn(&mut self, now: Timestamp) {
        self.first.get_or_insert(now);
        self.history.advance(now.seconds, &self.totals);
        self.last = now;
        self.second = now.seconds;
        let day = self.history.newest(Period::Day) as u32;
        if self.window.is_over(now.seconds) || self.accounts.turns_at(now.seconds) || day != self.day {
            self.book_accounts(now.seconds);
        }
        self.report_flows(now);
        // A long flow is looked at again every quarter of an hour: its ends are still there.
        let flow = self.flows.sweep();
        if !flow.is_empty() {
            self.book(&flow);
        }
        let hosts = &self.hosts;
        self.ports.sweep(PORT_SETS_SWEPT, |key| match key.owner() {
            None => true,
            Some(slot) => {
                hosts.generation_if_used(slot).is_some_and(|generation| key.is_of(slot, generation))
            }
        });
        self.peers.sweep(PEER_SETS_SWEPT, |key| live(hosts, key));
    }

    /// False if the packet's flow is known.
    #[inline]
    fn account(&mut self, packet: &Packet) -> bool {
        let seconds = self.last.seconds as u32;
        let known = self.flows.add(packet, seconds);
        let direction = match known {
            Some(direction) => direction,
            None => self.begin_flow(packet, seconds),
        };
        self.totals.add(direction, Counters::new(1, packet.bytes.into()));
        known.is_none()
    }

    /// A packet whose flow is not in the cache. Out of line, so that the others pass without it.
    #[inline(never)]
    fn begin_flow(&mut self, packet: &Packet, seconds: u32) -> Direction {
        let direction = self.networks.direction(packet);
        let flow = self.flows.begin(packet, direction, seconds);
        if !flow.is_empty() {
            self.book(&flow);
        }
        direction
    }

    /// Books all that came before this second, and lets the accounts know what time it is.
    fn book_accounts(&mut self, second: u64) {
        self.book_all();
        self.accounts.roll(&self.window);
        self.accounts.advance(second);
        if self.window.is_over(second) {
            self.window.begin(second);
        }
        // The day of hosts is the history's, and has ended with all flows booked.
        self.day = self.history.newest(Period::Day) as u32;
    }

    fn book_all(&mut self) {
        for index in 0..self.flows.capacity() {
            let flow = self.flows.take(index);
            if !flow.is_empty() {
                self.book(&flow);
            }
        }
    }

    /// Books a flow on everything but the totals, which have it since its packets came.
    fn book(&mut self, flow: &Flow) {
        let [first, second] = flow.sent();
        let protocol = &mut self.protocols[usize::from(flow.protocol())];
        protocol.add(flow.directions[0], first);
        protocol.add(flow.directions[1], second);
        // What a port row of each end grows by.
        let growth = [(second, first), (first, second)].map(|(inbound, outbound)| PortRow {
            inbound,
            outbound,
            syns: flow.syns,
        });
        self.book_interface_ports(flow, &growth);
        let (a, is_stranger) = self.book_host(flow, 0, &growth[0]);
        let (b, is_stranger_too) = self.book_host(flow, 1, &growth[1]);
        let is_stranger = is_stranger || is_stranger_too;
        let book = if is_stranger { PeerTable::book_if_room } else { PeerTable::book };
        book(&mut self.peers, PeerKey([a, b]), &PeerRow { sent: [first, second] });
    }

    /// One end of a flow: its row, and that host's ports or protocol. Returns where the row is, and whether it is a
    /// stranger's.
    fn book_host(&mut self, flow: &Flow, end: usize, growth: &PortRow) -> (End, bool) {
        let address = flow.ends()[end];
        let slot = self.host_slot(address, flow.directions[end].is_from_here());
        let host = self.hosts.row_mut(slot);
        host.book(flow, growth.outbound, growth.inbound);
        let traffic = Traffic { sent: growth.outbound, received: growth.inbound };
        self.activity[usize::from(slot)].book(&self.window, self.day, &traffic);
        if host.local && flow.macs[end].is_station() {
            host.mac = flow.macs[end];
        }
        if host.local {
            self.accounts.book(slot, host.mac, address.is_v4(), traffic, (flow.first, flow.last));
        }
        self.hosts.settle(slot);
        // A flood of strangers must not wash out the rows of those who stay.
        let is_stranger = self.hosts.segment(slot) == Segment::Probation && !self.hosts.row(slot).local;
        let book = if is_stranger { PortTable::book_if_room } else { PortTable::book };
        let generation = self.hosts.generation(slot);
        let key = |kind, port| PortKey::host(slot, generation, kind, port);
        match (kinds(flow.protocol()), flow.ports()) {
            (Some((local, remote)), Some(ports)) => {
                for (kind, port) in [(local, ports[end]), (remote, ports[1 - end])] {
                    if port <= self.highest_port {
                        book(&mut self.ports, key(kind, port), growth);
                    }
                }
            }
            (None, _) if Transport::of(flow.protocol()) == Transport::Other => {
                book(&mut self.ports, key(PortKind::Protocol, flow.protocol().into()), growth);
            }
            _ => {}
        }
        (End { slot, generation }, is_stranger)
    }

    /// The address's slot in the host table, made if need be. What is not here, even in the wide sense of
    /// directions, is not local.
    #[inline]
    fn host_slot(&mut self, address: Address, is_here: bool) -> Slot {
        let Self { hosts, activity, networks, evicted, accounts, .. } = self;
        let mut local = false;
        let mut is_new = false;
        let slot = hosts.touch(
            address,
            || {
                is_new = true;
                local = is_here && networks.place(address) == Place::Local;
                local
            },
            |row| {
                evicted.hosts += 1;
                evicted.traffic += row.total();
            },
        );
        if is_new {
            hosts.row_mut(slot).local = local;
            // Strangers have no account, and a flood of them is not to look for one.
            if local {
                accounts.meet(slot, address);
            }
            activity[usize::from(slot)] = Activity::default();
        }
        slot
    }

    /// The interface's own port rows. Internal flows have both ends here and transit flows none, so
    /// they count on the local or the remote side twice: as received, and as sent.
    #[inline]
    fn book_interface_ports(&mut self, flow: &Flow, growth: &[PortRow; 2]) {
        let Some((local, remote)) = kinds(flow.protocol()) else { return };
        let Some([a, b]) = flow.ports() else {
            let portless = &mut self.portless[usize::from(local == PortKind::UdpLocal)];
            portless.add(flow.directions[0], growth[0].outbound);
            portless.add(flow.directions[1], growth[1].outbound);
            return;
        };
        // For each row its kind, its port, and which end's growth is received and sent there.
        let rows = match flow.directions[0] {
            Direction::Outbound => [(local, a, 0), (remote, b, 0)],
            Direction::Inbound => [(local, b, 1), (remote, a, 1)],
            Direction::Internal => [(local, a, 0), (local, b, 1)],
            Direction::Transit => [(remote, a, 1), (remote, b, 0)],
        };
        for (kind, port, end) in rows {
            self.book_port(PortKey::interface(kind, port), &growth[end]);
        }
    }

    #[inline]
    fn book_port(&mut self, key: PortKey, growth: &PortRow) {
        if key.port() <= self.highest_port {
            self.ports.book(key, growth);
        }
    }
}

/// True if both hosts of a row of peers are still those that it was made for.
fn live(hosts: &GuardedTable<Host>, PeerKey(ends): PeerKey) -> bool {
    ends.into_iter().all(|end| hosts.generation_if_used(end.slot) == Some(end.generation))
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

#[cfg(test)]
mod tests;
