//! 3. Keep: the fixed-capacity tables.
//!
//! Each is allocated once, finds its rows by a seeded hash, and evicts by a written rule when it is full.

mod flows;
mod guarded;
mod hash;
mod peers;
mod ports;
mod records;
mod sets;

pub use flows::{Flow, FlowCache};
pub use guarded::{GuardedTable, Segment, Slot, Weight};
pub use hash::Seed;
pub use peers::{End, PeerKey, PeerRow, PeerTable};
pub use ports::{PortKey, PortKind, PortRow, PortTable};
pub use records::FlowRecords;
pub use sets::{Key, Row, SetTable};

#[cfg(test)]
mod tests;
