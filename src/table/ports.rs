//! The port rows of one interface and of all its hosts, in one set-associative table.
//!
//! Since every owner's total is kept elsewhere, what a row held that made room shows as the owner's "other
//! ports". One table for all costs a third less than a list for every host, and a host that talks to
//! ten thousand ports cannot take more room than its sets.
//!
//! A host's IP protocols that have no ports live here as well, one row each.

use core::ops::AddAssign;

use super::{Key, Row, Seed, SetTable, Slot};
use crate::ledger::Counters;

/// The port rows of an interface and of all its hosts.
pub type PortTable = SetTable<PortKey, PortRow>;

/// What a row counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PortKind {
    /// TCP, the owner's own port.
    TcpLocal,
    /// TCP, the port at the other end.
    TcpRemote,
    /// UDP, the owner's own port.
    UdpLocal,
    /// UDP, the port at the other end.
    UdpRemote,
    /// No port: an IP protocol of a host, by its number, that its own row has no counters for. An
    /// interface has no such rows, it counts all protocols apart.
    Protocol,
}

impl PortKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; 5] =
        [Self::TcpLocal, Self::TcpRemote, Self::UdpLocal, Self::UdpRemote, Self::Protocol];
}

/// Whose row it is, which kind and which port: 29 bits of the owner's generation, 3 of kind, 16 of the
/// owner's slot and 16 of port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortKey(u64);

impl PortKey {
    /// The owner that stands for the whole interface.
    const INTERFACE: Slot = Slot::MAX;
    const GENERATION_MASK: u32 = (1 << 29) - 1;

    /// A row of the whole interface.
    #[inline]
    pub const fn interface(kind: PortKind, port: u16) -> Self {
        Self::host(Self::INTERFACE, 1, kind, port)
    }

    /// A row of the host in this slot and generation of the host table.
    #[inline]
    pub const fn host(slot: Slot, generation: u32, kind: PortKind, port: u16) -> Self {
        Self(
            ((generation & Self::GENERATION_MASK) as u64) << 35
                | (kind as u64) << 32
                | (slot as u64) << 16
                | port as u64,
        )
    }

    /// The owner's slot, or `None` for the whole interface.
    pub const fn owner(self) -> Option<Slot> {
        let slot = (self.0 >> 16) as Slot;
        if slot == Self::INTERFACE { None } else { Some(slot) }
    }

    /// True if the row belongs to the host that is the slot's `generation`th.
    pub const fn is_of(self, slot: Slot, generation: u32) -> bool {
        (self.0 >> 16) as Slot == slot && (self.0 >> 35) as u32 == generation & Self::GENERATION_MASK
    }

    /// What the row counts.
    pub const fn kind(self) -> PortKind {
        match self.0 >> 32 & 7 {
            0 => PortKind::TcpLocal,
            1 => PortKind::TcpRemote,
            2 => PortKind::UdpLocal,
            3 => PortKind::UdpRemote,
            _ => PortKind::Protocol,
        }
    }

    /// The port's number, or the protocol's.
    pub const fn port(self) -> u16 {
        self.0 as u16
    }
}

impl Key for PortKey {
    #[inline]
    fn hash(&self, seed: &Seed) -> u64 {
        seed.word(self.0)
    }
}

/// The traffic of one port or protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PortRow {
    /// To the owner.
    pub inbound: Counters,
    /// From the owner.
    pub outbound: Counters,
    /// TCP connection attempts (SYN without ACK), either way; stays at its maximum.
    pub syns: u32,
}

impl Row for PortRow {
    #[inline]
    fn bytes(&self) -> u64 {
        self.inbound.bytes + self.outbound.bytes
    }
}

impl AddAssign<&Self> for PortRow {
    #[inline]
    fn add_assign(&mut self, growth: &Self) {
        self.inbound += growth.inbound;
        self.outbound += growth.outbound;
        self.syns = self.syns.saturating_add(growth.syns);
    }
}
