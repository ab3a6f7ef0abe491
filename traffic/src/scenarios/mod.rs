//! Traces of any length, streamed in constant memory.
//!
//! A scenario yields [`Packet`]s, which say what a packet is; [`Encoder`] turns one into the bytes of
//! an Ethernet frame. Truth is counted from the former, captures are written from the latter.

mod encode;
mod flood;
mod flow;
mod home;
mod mix;
mod world;

pub use encode::Encoder;
pub use flood::{FLOOD_TARGET, QUIET_EXCHANGES, QUIET_HOSTS, quiet_host};
pub use home::{HOME_NETWORK, SCANNED_UNUSED_ADDRESS};
pub use world::{LAN_HOSTS, REMOTE_HOSTS};

use std::net::{IpAddr, Ipv4Addr};

use crate::frame::{ETHERNET_MINIMUM, Mac, SYN_OPTIONS, TIMESTAMP_OPTION};

/// One end of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Host {
    /// Its link-layer address, or its router's.
    pub mac: Mac,
    /// Its IP address.
    pub address: IpAddr,
}

/// The options of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TcpOptions {
    /// None: a header of 20 bytes.
    None,
    /// What Linux sends with a SYN: a header of 40 bytes.
    Syn,
    /// Time stamps: a header of 32 bytes.
    Timestamps,
}

impl TcpOptions {
    /// The options as bytes.
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            Self::None => &[],
            Self::Syn => &SYN_OPTIONS,
            Self::Timestamps => &TIMESTAMP_OPTION,
        }
    }
}

/// What a packet carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Body {
    Tcp {
        source_port: u16,
        destination_port: u16,
        flags: u8,
        sequence: u32,
        acknowledgment: u32,
        options: TcpOptions,
    },
    Udp {
        source_port: u16,
        destination_port: u16,
    },
    /// An echo request or reply: ICMP or ICMPv6, as the addresses say.
    Echo {
        reply: bool,
        sequence: u16,
    },
    /// An ARP request to everyone, or the reply to one. There is no payload.
    Arp {
        reply: bool,
    },
}

/// One packet, before it becomes bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Microseconds since the Unix epoch.
    pub time_micros: u64,
    /// Where it comes from.
    pub source: Host,
    /// Where it goes to.
    pub destination: Host,
    /// What it carries.
    pub body: Body,
    /// Bytes behind the transport header; all zero on the wire.
    pub payload_length: u16,
}

impl Packet {
    /// The IP bytes: IPv4 total length or 40 + IPv6 payload length; `None` if there is no IP.
    pub fn ip_bytes(&self) -> Option<u32> {
        let transport = match self.body {
            Body::Tcp { options, .. } => 20 + options.bytes().len() as u32,
            Body::Udp { .. } | Body::Echo { .. } => 8,
            Body::Arp { .. } => return None,
        };
        let network = if self.source.address.is_ipv4() { 20 } else { 40 };
        Some(network + transport + u32::from(self.payload_length))
    }

    /// The Ethernet frame's length, padding included.
    pub fn wire_length(&self) -> u32 {
        const ARP: u32 = 28;
        (14 + self.ip_bytes().unwrap_or(ARP)).max(ETHERNET_MINIMUM as u32)
    }

    /// Gives the packet another payload so that its frame has this length, as nearly as its headers
    /// allow: TCP options go, but an IPv6 header stays, and a TCP segment over IPv6 has 74 bytes.
    pub fn resize(&mut self, wire_length: u32) {
        if let Body::Tcp { options, .. } = &mut self.body {
            *options = TcpOptions::None;
        }
        self.payload_length = 0;
        if let Some(headers) = self.ip_bytes() {
            self.payload_length = wire_length.saturating_sub(14 + headers) as u16;
        }
    }
}

/// What a scenario is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// How many packets; `home` takes it as a wish and stays near it.
    pub packets: u64,
    /// The seed: equal options give equal bytes.
    pub seed: u64,
    /// The IP bytes of a flood's packets, from 40 to 1,500.
    pub flood_size: u16,
    /// About when the trace ends, in seconds since the Unix epoch; `home` never goes beyond it.
    pub end: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { packets: 1_000_000, seed: 1, flood_size: 40, end: 1_700_000_000 }
    }
}

/// A stream of packets, in the order of their time.
pub type Packets = Box<dyn Iterator<Item = Packet>>;

/// The kinds of traces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// What a LAN of two dozen hosts does, seen on the LAN side of its router.
    Mix,
    /// A packet from each of very many spoofed sources to one LAN host.
    Flood,
    /// As many packets of the mix as of the flood, interleaved.
    MixFlood,
    /// One host tries random ports of one other.
    Sweep,
    /// Twenty quiet LAN hosts during a flood.
    Quiet,
    /// A day in a home.
    Home,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Mix, Self::Flood, Self::MixFlood, Self::Sweep, Self::Quiet, Self::Home];

    /// The name on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mix => "mix",
            Self::Flood => "flood",
            Self::MixFlood => "mix+flood",
            Self::Sweep => "sweep",
            Self::Quiet => "quiet",
            Self::Home => "home",
        }
    }

    /// What it is, in one line.
    pub const fn about(self) -> &'static str {
        match self {
            Self::Mix => {
                "24 LAN hosts and 3,000 remote ones, Zipf: HTTPS, QUIC, DNS, and what else a LAN does"
            }
            Self::Flood => "every packet from another spoofed source, all to one LAN host",
            Self::MixFlood => "half mix, half flood, interleaved",
            Self::Sweep => "SYNs from one host to one host, random ports at both ends",
            Self::Quiet => "20 LAN hosts with 12 packets each, spread through a flood",
            Self::Home => "a day of a dozen devices in a home, about 300,000 packets unless told",
        }
    }

    /// The scenario of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scenario| scenario.name() == name)
    }

    /// Its packets. Memory does not depend on their number.
    pub fn packets(self, options: &Options) -> Packets {
        match self {
            Self::Mix => mix::mix(options),
            Self::Flood => flood::flood(options),
            Self::MixFlood => flood::mix_and_flood(options),
            Self::Sweep => flood::sweep(options),
            Self::Quiet => flood::quiet(options),
            Self::Home => home::home(options),
        }
    }
}

/// The clock of a trace with a steady rate: gaps of exponential distribution.
#[derive(Clone, Copy, Debug)]
struct Clock {
    now_micros: u64,
    mean_gap_micros: f64,
}

impl Clock {
    /// A clock that will have come to about the end when the last packet is out.
    fn new(options: &Options, packets_per_second: u32) -> Self {
        let mean_gap_micros = 1e6 / f64::from(packets_per_second);
        let span = (options.packets as f64 * mean_gap_micros) as u64;
        Self { now_micros: (options.end * 1_000_000).saturating_sub(span), mean_gap_micros }
    }

    fn tick(&mut self, rng: &mut crate::rng::Rng) -> u64 {
        self.now_micros += rng.exponential(self.mean_gap_micros);
        self.now_micros
    }
}

/// The Ethernet address that goes with a multicast group or with everyone.
fn group(address: Ipv4Addr) -> Host {
    let [_, b, c, d] = address.octets();
    Host { mac: [0x01, 0x00, 0x5e, b & 0x7f, c, d], address: IpAddr::V4(address) }
}

#[cfg(test)]
mod tests;
