//! Books filled by seeded random packets, and their comparison by everything that can be read.
#![allow(dead_code)]

use std::collections::BTreeMap;

use duskwatch::darknet::Darknet;
use duskwatch::ledger::{ACCOUNT_PERIODS, Account, Capacity, Ledger, Period};
use duskwatch::monitor::Monitor;
use duskwatch::network::{Networks, Role};
use duskwatch::packet::{Address, Decoded, Discard, Link, Mac, NonIp, Packet};
use duskwatch::snapshot::{self, Header, Writer};
use duskwatch::table::{PortRow, Seed, Segment};
use duskwatch::time::Timestamp;

pub const START: u64 = 1_700_000_000;

/// xorshift64*: small, seeded, the same everywhere.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % end
    }

    /// A small number most of the time: the square of an even one.
    fn skewed(&mut self, end: u64) -> u64 {
        self.below(end) * self.below(end) / end
    }

    /// A frame between `hosts` local and `hosts` other addresses; some are no IP or are discarded.
    pub fn frame(&mut self, hosts: u64) -> Decoded {
        let link = Link { source_mac: Mac([2, 0, 0, 0, 0, self.below(200) as u8]), outgoing: false };
        match self.below(40) {
            0 => return Decoded::NonIp(NonIp { bytes: 60, link, arp: None }),
            1 => return Decoded::Discard(Discard::ALL[self.below(4) as usize]),
            _ => (),
        }
        let here = Address::v4(0xc0a8_0000 + self.skewed(hosts) as u32);
        let there = match self.below(3) {
            0 => Address::v6((0x2001_0db8_u128 << 96 | u128::from(self.skewed(hosts))).to_be_bytes()),
            1 => Address::v4(0xc0a8_0000 + self.skewed(hosts) as u32),
            _ => Address::v4(0x0800_0000 + self.skewed(hosts) as u32),
        };
        let (source, destination) = if self.below(2) == 0 { (here, there) } else { (there, here) };
        let protocol = [6, 6, 6, 17, 17, 1, 58, 47, 132][self.below(9) as usize];
        let has_ports = matches!(protocol, 6 | 17) && self.below(50) > 0;
        let port = |random: &mut Self| if has_ports { random.skewed(65_536) as u16 } else { 0 };
        Decoded::Packet(Packet {
            source,
            destination,
            bytes: 40 + self.below(1_461) as u32,
            source_port: port(self),
            destination_port: port(self),
            protocol,
            has_ports,
            tcp_flags: if protocol == 6 { self.below(64) as u8 } else { 0 },
            link,
            ..Packet::default()
        })
    }
}

/// Empty books of the interfaces with these names.
pub fn monitor(names: &[&str], capacity: Capacity) -> Monitor {
    let ledger = |name: &&str| {
        Ledger::new(
            name,
            Role::Lan,
            Networks::private(),
            capacity,
            Seed::new(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344),
        )
    };
    let darknet = Darknet::new(&[], 0, Seed::new(1, 0)).expect("no prefix is not too many");
    Monitor::new(names.iter().map(ledger).collect(), darknet)
}

/// Books of random packets, a few per second, settled.
pub fn filled(names: &[&str], capacity: Capacity, packets: u64, hosts: u64, seed: u64) -> Monitor {
    let mut monitor = monitor(names, capacity);
    let mut random = Random::new(seed);
    for number in 0..packets {
        let now = Timestamp { seconds: START + number / 8, micros: (number % 8) as u32 * 1_000 };
        monitor.observe(random.below(names.len() as u64) as usize, &random.frame(hosts), &[], now);
    }
    monitor.settle(end(packets));
    monitor
}

/// The monitor's snapshot.
pub fn encode(monitor: &Monitor) -> Vec<u8> {
    let mut buffer = vec![0; snapshot::size_max(monitor)];
    let mut writer = Writer::new(&mut buffer, &Header::default());
    for ledger in monitor.ledgers() {
        writer.ledger(ledger);
    }
    writer.finish().expect("the buffer takes any snapshot").to_vec()
}

/// The time at which `filled` is done.
pub fn end(packets: u64) -> Timestamp {
    Timestamp::from_seconds(START + packets / 8 + 1)
}

/// Compares everything that a snapshot brings back. The sets of the port table are small and rows find
/// new ones, so that some may have to make room: those must be counted.
pub fn assert_same(left: &Ledger, right: &Ledger, context: &str) {
    assert_eq!(left.name(), right.name(), "{context}");
    assert_eq!(left.captured(), right.captured(), "{context}");
    assert!(left.discarded().eq(right.discarded()), "{context}");
    assert_eq!(left.non_ip(), right.non_ip(), "{context}");
    assert_eq!(left.totals(), right.totals(), "{context}");
    assert_eq!((left.first(), left.last()), (right.first(), right.last()), "{context}");
    assert!(left.protocols().eq(right.protocols()), "{context}");
    assert_eq!(left.evicted(), right.evicted(), "{context}");
    assert_eq!(left.hosts_used(), right.hosts_used(), "{context}");
    let guarded = |ledger: &Ledger| -> Vec<_> {
        let hosts = ledger.hosts_oldest_first();
        hosts.map(|(_, address, segment, host)| (address, segment as u8, *host)).collect()
    };
    assert_eq!(guarded(left), guarded(right), "{context}");
    for segment in [Segment::Probation, Segment::Protected, Segment::Pinned] {
        assert_eq!(left.hosts_in(segment), right.hosts_in(segment), "{context}");
    }
    for period in Period::ALL {
        assert_eq!(left.history_newest(period), right.history_newest(period), "{context}");
        assert!(left.history(period).eq(right.history(period)), "{context}: {period:?}");
    }
    assert_eq!(accounts(left), accounts(right), "{context}");
    let today = |ledger: &Ledger| -> BTreeMap<_, _> {
        let rows = ledger.hosts_lately();
        rows.map(|(address, _, lately)| (address.bits(), lately.today)).collect()
    };
    assert_eq!(today(left), today(right), "{context}");
    for (address, _) in left.hosts() {
        let peers = |ledger: &Ledger| -> BTreeMap<_, _> {
            ledger
                .peers(address)
                .map(|(peer, traffic)| (peer.bits(), (traffic.sent.bytes, traffic.received.bytes)))
                .collect()
        };
        let (before, after) = (peers(left), peers(right));
        assert!(after.iter().all(|(peer, bytes)| before.get(peer) == Some(bytes)), "{context}");
    }
    assert!(right.all_peers().count() > left.all_peers().count() / 2, "{context}");
    let (before, after) = (ports(left), ports(right));
    for (port, row) in &after {
        assert_eq!(before.get(port), Some(row), "{context}: {port:?}");
    }
    let lost = (before.len() - after.len()) as u64;
    let evicted = |ledger: &Ledger| ledger.port_rows().1;
    assert_eq!(evicted(right), evicted(left) + lost, "{context}");
    assert_eq!(left.port_rows().0, right.port_rows().0, "{context}");
}

/// All accounts with their bars, by owner.
fn accounts(ledger: &Ledger) -> BTreeMap<String, (Account, Vec<[u64; 2]>)> {
    let accounts = ledger.accounts();
    let bars = |place| {
        let periods =
            ACCOUNT_PERIODS.into_iter().flat_map(|period| (0..period.bars()).map(move |age| (period, age)));
        periods.map(|(period, age)| accounts.bytes_in(place, period, age)).collect()
    };
    accounts.iter().map(|(place, row)| (format!("{:?}", row.owner), (*row, bars(place)))).collect()
}

/// All port and protocol rows by owner (none for the interface), kind and number.
pub fn ports(ledger: &Ledger) -> BTreeMap<(Option<Address>, u8, u16), PortRow> {
    let hosts: BTreeMap<_, _> =
        ledger.hosts_oldest_first().map(|(slot, address, ..)| (slot, address)).collect();
    let rows = ledger.all_ports();
    rows.map(|(owner, kind, port, row)| ((owner.map(|slot| hosts[&slot]), kind as u8, port), *row)).collect()
}
