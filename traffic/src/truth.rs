//! What a scenario really holds, counted from its packets before they became bytes.

use std::collections::HashMap;
use std::io::{self, Write};
use std::net::IpAddr;

use crate::scenarios::Packet;

/// A number of packets and their bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// How many.
    pub packets: u64,
    /// Their bytes: IP bytes of IP packets, frame bytes of others.
    pub bytes: u64,
}

impl Counters {
    /// Adds one packet.
    #[inline]
    pub fn add(&mut self, bytes: u32) {
        self.packets += 1;
        self.bytes += u64::from(bytes);
    }
}

/// What one address did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Activity {
    /// Packets with this source.
    pub sent: Counters,
    /// Packets with this destination.
    pub received: Counters,
}

/// What a scenario holds. Its memory grows with the number of addresses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Truth {
    /// All IP packets, in IP bytes: IPv4 total length, IPv6 40 + payload length.
    pub total: Counters,
    /// All other frames, in bytes on the wire.
    pub non_ip: Counters,
    /// Each address of the IP packets, multicast groups included.
    pub hosts: HashMap<IpAddr, Activity>,
}

impl Truth {
    /// Counts a packet.
    pub fn add(&mut self, packet: &Packet) {
        let Some(bytes) = packet.ip_bytes() else {
            self.non_ip.add(packet.wire_length());
            return;
        };
        self.total.add(bytes);
        self.hosts.entry(packet.source.address).or_default().sent.add(bytes);
        self.hosts.entry(packet.destination.address).or_default().received.add(bytes);
    }

    /// Writes one line for each address, sorted: address, sent packets and bytes, received packets and
    /// bytes, separated by tabs.
    pub fn write(&self, mut output: impl Write) -> io::Result<()> {
        let mut rows: Vec<_> = self.hosts.iter().collect();
        rows.sort_unstable_by_key(|(address, _)| **address);
        for (address, Activity { sent, received }) in rows {
            writeln!(
                output,
                "{address}\t{}\t{}\t{}\t{}",
                sent.packets, sent.bytes, received.packets, received.bytes
            )?;
        }
        output.flush()
    }
}
