//! What is kept of one host.

use super::{Counters, Traffic};
use crate::packet::Mac;
use crate::table::{Flow, Weight};

/// The transport protocols that every host has counters for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Transport {
    /// TCP, protocol 6.
    Tcp,
    /// UDP, protocol 17.
    Udp,
    /// ICMP (1) of an IPv4 host, ICMPv6 (58) of an IPv6 host.
    Icmp,
    /// All others together. Each has a row of [`crate::table::PortKind::Protocol`] as well.
    Other,
}

impl Transport {
    /// All of them, in the order of their counters.
    pub const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Other];

    /// The class of an IP protocol number.
    #[inline]
    pub const fn of(protocol: u8) -> Self {
        match protocol {
            6 => Self::Tcp,
            17 => Self::Udp,
            1 | 58 => Self::Icmp,
            _ => Self::Other,
        }
    }

    /// The name that the report uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Icmp => "icmp",
            Self::Other => "other",
        }
    }
}

/// One host's row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Host {
    /// Traffic by [`Transport`].
    pub transports: [Traffic; 4],
    /// When its first packet came, in seconds since 1970 (good until 2106).
    pub first_seen: u32,
    /// When its latest packet came.
    pub last_seen: u32,
    /// The link-layer address that a local host sends from; zero if unknown.
    pub mac: Mac,
    /// True for an address in a local network.
    pub local: bool,
}

impl Host {
    /// All traffic.
    pub fn total(&self) -> Traffic {
        let mut total = Traffic::default();
        for transport in self.transports {
            total += transport;
        }
        total
    }

    /// Books what the host sent and received in a flow.
    #[inline]
    pub(super) fn book(&mut self, flow: &Flow, sent: Counters, received: Counters) {
        let transport = Transport::of(flow.protocol());
        self.transports[transport as usize] += Traffic { sent, received };
        if self.first_seen == 0 || flow.first < self.first_seen {
            self.first_seen = flow.first;
        }
        self.last_seen = self.last_seen.max(flow.last);
    }
}

impl Weight for Host {
    fn packets(&self) -> u64 {
        self.total().both().packets
    }

    fn bytes(&self) -> u64 {
        self.total().both().bytes
    }
}
