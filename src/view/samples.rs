//! Books for tests: a seeded mix of hosts that stands for no real network.

use core::net::IpAddr;

use crate::darknet::Darknet;
use crate::ledger::{Capacity, Ledger};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::packet::{Address, Decoded, Discard, Link, LinkType, Mac, NonIp, Packet, protocol};
use crate::table::Seed;
use crate::time::Timestamp;

use super::{HostName, Lease, NameSource};

/// What somebody might call a device to attack the page.
pub const EVIL: &str = "<img src=x onerror=\"alert('x')\">&amp;\\\n\u{1}\u{2028}`";

/// 2023-11-15 12:00 UTC.
pub const NOON: u64 = 1_700_049_600;

/// A seed with as many bits as a drawn one.
pub const SEED: Seed = Seed::new(0x9e37_79b9_7f4a_7c15, 0xd1b5_4a32_d192_ed03);

/// Everybody has the evil name.
pub struct EvilNames;

impl NameSource for EvilNames {
    fn name(&self, _: Address, _: Mac) -> Option<HostName> {
        HostName::try_from(EVIL).ok()
    }

    fn vendor(&self, _: Mac) -> Option<HostName> {
        HostName::try_from(EVIL).ok()
    }

    fn lease(&self, address: Address, time: Timestamp, mac: Mac) -> Option<Lease> {
        Some(Lease {
            mac: Some(mac),
            name: self.name(address, mac),
            from: Some(time.seconds),
            until: u64::MAX - 1,
        })
    }
}

/// An address from its text.
pub fn address(text: &str) -> Address {
    text.parse::<IpAddr>().unwrap().into()
}

/// A monitor of one interface of this name without any traffic.
pub fn empty(name: &str, hosts: u16, port_rows: u32) -> Monitor {
    let capacity = Capacity { hosts, port_rows, devices: 16 };
    let ledger = Ledger::new(name, Role::Lan, Networks::private(), capacity, SEED);
    Monitor::new(vec![ledger], Darknet::new(&[], 0, SEED).unwrap())
}

/// A SYN to Telnet's port.
pub fn knock(source: Address, destination: Address) -> Decoded {
    Decoded::Packet(Packet {
        source,
        destination,
        source_port: 40_000,
        destination_port: 23,
        has_ports: true,
        protocol: protocol::TCP,
        tcp_flags: Packet::TCP_SYN,
        bytes: 60,
        ..Packet::default()
    })
}

/// A monitor of br-lan with a dark prefix, that this many sources have touched, some more than once.
pub fn dark(sources: u32) -> Monitor {
    let capacity = Capacity { hosts: 64, port_rows: 64, devices: 16 };
    let ledger = Ledger::new("br-lan", Role::Lan, Networks::private(), capacity, SEED);
    let darknet = Darknet::new(&["10.9.0.0/16".parse().unwrap()], 1024, SEED).unwrap();
    let mut monitor = Monitor::new(vec![ledger], darknet);
    for n in 0..3 * sources {
        let source = Address::v4(0xc633_6400 + n % sources / (1 + n / sources));
        monitor.observe(
            0,
            &knock(source, Address::v4(0x0a09_0000 + n)),
            &[],
            Timestamp::from_seconds(NOON + u64::from(n)),
        );
    }
    monitor
}

/// A monitor that has seen `packets` packets, spread over ten minutes, of some devices that talk to
/// `peers` remote hosts and to each other.
pub fn seeded(name: &str, hosts: u16, port_rows: u32, packets: u64, peers: u64) -> Monitor {
    let mut monitor = empty(name, hosts, port_rows);
    monitor.ledgers_mut()[0].set_link(LinkType::Ethernet);
    let mut random = Random(7);
    let mut now = Timestamp::default();
    for n in 0..packets {
        now = Timestamp { seconds: NOON + n * 600 / packets, micros: (n % 1_000_000) as u32 };
        monitor.observe(0, &frame(&mut random, peers), &[], now);
    }
    monitor.settle(now);
    monitor
}

/// Several interfaces, each with other traffic.
pub fn seeded_interfaces(names: &[&str]) -> Monitor {
    let capacity = Capacity { hosts: 64, port_rows: 128, devices: 8 };
    let ledgers = names.iter().map(|name| Ledger::new(name, Role::Lan, Networks::private(), capacity, SEED));
    let mut monitor = Monitor::new(ledgers.collect(), Darknet::new(&[], 0, SEED).unwrap());
    let mut random = Random(7);
    for n in 0..6_000 {
        let interface = (random.below(names.len() as u64 + 1) as usize).min(names.len() - 1);
        let peers = 40 * (interface as u64 + 1);
        monitor.observe(interface, &frame(&mut random, peers), &[], Timestamp::from_seconds(NOON + n / 10));
    }
    monitor.settle(Timestamp::from_seconds(NOON + 600));
    monitor
}

pub fn frame(random: &mut Random, peers: u64) -> Decoded {
    match random.below(100) {
        0 => return Decoded::Discard(Discard::ALL[random.below(4) as usize]),
        1 => return Decoded::NonIp(NonIp { bytes: 60, link: Link::default(), arp: None }),
        _ => {}
    }
    let device = random.below(12) + 2;
    let mac = Mac([2, 0, 0, 0, 0, device as u8]);
    let local = Address::v4(0xc0a8_0100 + device as u32);
    // Small numbers are likelier, as popular hosts are.
    let rank = random.below(peers).min(random.below(peers)).min(random.below(peers));
    let remote = match random.below(12) {
        0 => Address::v4(0xc0a8_0101),
        1 => Address::from_bits(0x2001_0db8 << 96 | u128::from(rank)),
        _ => Address::v4(0x0808_0000 + rank as u32),
    };
    let (transport, port) = match rank % 8 {
        0..=3 => (protocol::TCP, 443),
        4 => (protocol::UDP, 443),
        5 => (protocol::UDP, 53),
        6 => (protocol::TCP, 1_024 + rank as u16),
        _ => (protocol::ICMP, 0),
    };
    let inbound = random.below(3) > 0;
    let later_fragment = transport == protocol::UDP && random.below(50) == 0;
    let own_port = 40_000 + random.below(200) as u16;
    Decoded::Packet(Packet {
        source: if inbound { remote } else { local },
        destination: if inbound { local } else { remote },
        source_port: if inbound { port } else { own_port },
        destination_port: if inbound { own_port } else { port },
        has_ports: transport != protocol::ICMP && !later_fragment,
        later_fragment,
        protocol: transport,
        bytes: if inbound { 60 + random.below(1_440) as u32 } else { 60 + random.below(300) as u32 },
        tcp_flags: if random.below(20) == 0 { Packet::TCP_SYN } else { Packet::TCP_ACK },
        link: Link { source_mac: if inbound { Mac::ZERO } else { mac }, outgoing: false },
        ..Packet::default()
    })
}

/// SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", 2014).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        (bits ^ bits >> 31) % bound
    }
}
