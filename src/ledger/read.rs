//! Reading the books. Call [`Ledger::settle`] first: until then the flow cache holds part of the sums.

use super::{
    Accounts, Bar, Counters, Coverage, Directions, Evicted, Host, Lately, Ledger, Period, Rate, Recent,
    Traffic, Transport, live,
};
use crate::network::{Direction, Networks, Role};
use crate::packet::{Address, Discard, LinkType};
use crate::table::{End, PeerKey, PeerRow, PortKey, PortKind, PortRow, Segment, Slot};
use crate::time::Timestamp;

/// Whose ports are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PortOwner {
    /// The interface as a whole.
    Interface,
    /// One host.
    Host(Address),
}

/// What an interface's TCP or UDP traffic holds beyond the port rows that are left: rows that had to make
/// room, and packets without ports.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortsLeft {
    /// On rows that had to make room, inbound.
    pub evicted_inbound: Counters,
    /// On rows that had to make room, outbound.
    pub evicted_outbound: Counters,
    /// In packets without ports, inbound.
    pub portless_inbound: Counters,
    /// In packets without ports, outbound.
    pub portless_outbound: Counters,
    /// What is neither in nor out. It is in all of this, and on two of the rows, as both.
    pub other: Counters,
}

impl Ledger {
    /// The interface's name, or the capture file's.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which side of the router it is on.
    pub fn role(&self) -> Role {
        self.role
    }

    /// How its frames begin, once a capture has said so.
    pub fn link(&self) -> Option<LinkType> {
        self.link
    }

    /// What is local here.
    pub fn networks(&self) -> &Networks {
        &self.networks
    }

    /// Frames that the capture delivered: accounted + non-IP + discarded.
    pub fn captured(&self) -> u64 {
        self.captured
    }

    /// Frames that could not be accounted, by reason.
    pub fn discarded(&self) -> impl Iterator<Item = (Discard, u64)> {
        Discard::ALL.into_iter().zip(self.discarded)
    }

    /// Frames without IP, in frame bytes.
    pub fn non_ip(&self) -> Counters {
        self.non_ip
    }

    /// IP packets accounted.
    pub fn totals(&self) -> &Directions {
        &self.totals
    }

    /// The first frame's time, if there was any since the books were opened.
    pub fn first(&self) -> Option<Timestamp> {
        self.first
    }

    /// The latest frame's time.
    pub fn last(&self) -> Timestamp {
        self.last
    }

    /// Bytes per second of a row of these books.
    pub fn rate(&self, recent: &Recent) -> Rate {
        recent.rate(&self.window)
    }

    /// What devices and local networks did.
    pub fn accounts(&self) -> &Accounts {
        &self.accounts
    }

    /// The bytes per second of the account in a place.
    pub fn account_rate(&self, place: usize) -> Rate {
        self.accounts.rate(place, &self.window)
    }

    /// Frames that the kernel lost before the capture could see them.
    pub fn dropped_by_kernel(&self) -> u64 {
        self.dropped_by_kernel
    }

    /// What the kernel says passed, where that can be compared.
    pub fn coverage(&self) -> Option<Coverage> {
        self.coverage
    }

    /// The IP protocols that were seen, by number.
    pub fn protocols(&self) -> impl Iterator<Item = (u8, &Directions)> {
        (0..=u8::MAX).zip(self.protocols.iter()).filter(|(_, row)| !row.total().is_zero())
    }

    /// One IP protocol.
    pub fn protocol(&self, number: u8) -> &Directions {
        &self.protocols[usize::from(number)]
    }

    /// The hosts, in no particular order.
    pub fn hosts(&self) -> impl Iterator<Item = (Address, &Host)> {
        self.hosts.iter().map(|(_, address, host)| (address, host))
    }

    /// The hosts and what they do lately, in no particular order.
    pub fn hosts_lately(&self) -> impl Iterator<Item = (Address, &Host, Lately)> {
        self.hosts.iter().map(|(slot, address, host)| (address, host, self.lately_in(slot)))
    }

    /// One host and what it does lately.
    pub fn host_lately(&self, address: Address) -> Option<(&Host, Lately)> {
        self.hosts.find(address).map(|slot| (self.hosts.row(slot), self.lately_in(slot)))
    }

    /// The present day, in days of local time since 1970, and the hosts' slots with the bytes that they received and
    /// sent on it.
    pub fn today(&self) -> (u32, impl Iterator<Item = (Slot, [u64; 2])>) {
        let of =
            |(slot, ..): (Slot, Address, &Host)| Some((slot, self.activity[usize::from(slot)].on(self.day)?));
        (self.day, self.hosts.iter().filter_map(of))
    }

    fn lately_in(&self, slot: Slot) -> Lately {
        self.activity[usize::from(slot)].lately(&self.window, self.day)
    }

    /// The hosts in the order in which [`Ledger::restore_host`] takes them, each with its slot and how it
    /// is guarded.
    pub fn hosts_oldest_first(&self) -> impl Iterator<Item = (Slot, Address, Segment, &Host)> {
        let hosts = self.hosts.iter_oldest_first();
        hosts.map(|(slot, address, host)| (slot, address, self.hosts.segment(slot), host))
    }

    /// One host.
    pub fn host(&self, address: Address) -> Option<&Host> {
        self.hosts.find(address).map(|slot| self.hosts.row(slot))
    }

    /// How many hosts there are, and how many fit.
    pub fn hosts_used(&self) -> (u16, u16) {
        (self.hosts.length(), self.hosts.capacity())
    }

    /// How many hosts are guarded by this rule.
    pub fn hosts_in(&self, segment: Segment) -> usize {
        self.hosts.iter().filter(|(slot, ..)| self.hosts.segment(*slot) == segment).count()
    }

    /// The hosts that had to make room.
    pub fn evicted(&self) -> Evicted {
        self.evicted
    }

    /// How many port rows fit, and how many have made room for others.
    pub fn port_rows(&self) -> (usize, u64) {
        (self.ports.capacity(), self.ports.evicted())
    }

    /// The port rows of an owner, in no particular order. Looks at every row of the table.
    pub fn ports(&self, owner: PortOwner) -> impl Iterator<Item = (PortKind, u16, &PortRow)> {
        let owner = match owner {
            PortOwner::Interface => Some(None),
            PortOwner::Host(address) => {
                self.hosts.find(address).map(|slot| Some((slot, self.hosts.generation(slot))))
            }
        };
        let rows = self.ports.iter().filter(move |(key, _)| match (owner, key.owner()) {
            (Some(None), None) => true,
            (Some(Some((slot, generation))), Some(_)) => key.is_of(slot, generation),
            _ => false,
        });
        rows.map(|(key, row)| (key.kind(), key.port(), row))
    }

    /// One of the interface's own port rows.
    pub fn port(&self, kind: PortKind, port: u16) -> Option<&PortRow> {
        self.ports.get(PortKey::interface(kind, port))
    }

    /// The IP protocols that hosts have rows of in the port table, by number, in no particular order.
    /// Looks at every row of the table.
    pub fn host_protocols(&self) -> impl Iterator<Item = (Address, u8, &PortRow)> {
        let rows = self.all_ports().filter(|(_, kind, ..)| *kind == PortKind::Protocol);
        rows.filter_map(|(owner, _, number, row)| Some((self.hosts.key(owner?), number as u8, row)))
    }

    /// All port rows with their hosts' slots (`None`: the interface's own), in no particular order.
    pub fn all_ports(&self) -> impl Iterator<Item = (Option<Slot>, PortKind, u16, &PortRow)> {
        let lives = |key: &PortKey| match key.owner() {
            None => true,
            Some(slot) => {
                let generation = self.hosts.generation_if_used(slot);
                generation.is_some_and(|generation| key.is_of(slot, generation))
            }
        };
        let rows = self.ports.iter().filter(move |(key, _)| lives(key));
        rows.map(|(key, row)| (key.owner(), key.kind(), key.port(), row))
    }

    /// How many rows of peers fit.
    pub fn peer_rows(&self) -> usize {
        self.peers.capacity()
    }

    /// The peers of a host and its traffic with each, in no particular order. What it has with itself is sent and
    /// received. Looks at every row of the table.
    pub fn peers(&self, address: Address) -> impl Iterator<Item = (Address, Traffic)> {
        let slot = self.hosts.find(address);
        self.all_peers().filter_map(move |([a, b], row)| {
            let own = [a, b].iter().position(|end| Some(*end) == slot)?;
            let mut traffic = row.traffic(own);
            if a == b {
                traffic += row.traffic(1);
            }
            Some((self.hosts.key([b, a][own]), traffic))
        })
    }

    /// All rows of peers with the hosts' slots, in no particular order.
    pub fn all_peers(&self) -> impl Iterator<Item = ([Slot; 2], &PeerRow)> {
        let rows = self.peers.iter().filter(|(key, _)| live(&self.hosts, *key));
        rows.map(|(PeerKey(ends), row)| (ends.map(|end: End| end.slot), row))
    }

    /// What the interface's TCP or UDP totals hold beyond its port rows of this kind. On the local side
    /// an internal packet counts as received and as sent; on the remote side a transit packet does. Of
    /// protocols the interface has no rows, and nothing is left.
    pub fn ports_left(&self, kind: PortKind) -> PortsLeft {
        let (number, portless, both_ways) = match kind {
            PortKind::TcpLocal => (6, &self.portless[0], Direction::Internal),
            PortKind::TcpRemote => (6, &self.portless[0], Direction::Transit),
            PortKind::UdpLocal => (17, &self.portless[1], Direction::Internal),
            PortKind::UdpRemote => (17, &self.portless[1], Direction::Transit),
            PortKind::Protocol => return PortsLeft::default(),
        };
        let total = &self.protocols[number];
        let side = |direction| {
            let portless = portless.of(direction) + portless.of(both_ways);
            (total.of(direction) + total.of(both_ways) - portless, portless)
        };
        let (mut evicted_inbound, portless_inbound) = side(Direction::Inbound);
        let (mut evicted_outbound, portless_outbound) = side(Direction::Outbound);
        for (_, _, row) in self.ports(PortOwner::Interface).filter(|(present, ..)| *present == kind) {
            evicted_inbound = evicted_inbound - row.inbound;
            evicted_outbound = evicted_outbound - row.outbound;
        }
        let other = total.of(both_ways);
        PortsLeft { evicted_inbound, evicted_outbound, portless_inbound, portless_outbound, other }
    }

    /// A ring of the history, oldest first, with the times at which the periods start.
    pub fn history(&self, period: Period) -> impl Iterator<Item = (i64, Bar)> {
        self.history.bars(period)
    }

    /// The seconds to add to a bar's start for the local time at which its period started. That time was perhaps
    /// not as far from UTC then, but no bar says how far.
    pub const fn utc_offset(&self) -> i32 {
        self.history.utc_offset()
    }

    /// The number of a history ring's newest period, as [`Ledger::restore_bar`] takes it.
    pub fn history_newest(&self, period: Period) -> i64 {
        self.history.newest(period)
    }
}

impl Host {
    /// The traffic of one transport.
    pub fn transport(&self, transport: Transport) -> Traffic {
        self.transports[transport as usize]
    }
}
