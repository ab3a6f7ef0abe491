//! What chance does: sources that touch dark addresses by accident, and a flood of forged ones.

use duskwatch::darknet::{Darknet, Kind};
use duskwatch::network::{Networks, Role};
use duskwatch::packet::{Address, Decoded, Packet};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;
use traffic::rng::Rng;

const START: u64 = 1_774_220_400;
const SECONDS_A_DAY: u32 = 24 * 3600;
/// Sources that share a table, so that none has to leave it.
const SOURCES: u32 = 256;

/// A darknet with a dark prefix and a LAN without networks of its own.
fn darknet(sources: usize) -> Darknet {
    let prefix = "10.9.0.0/16".parse().expect("a prefix");
    let mut darknet = Darknet::new(&[prefix], sources, Seed::new(3, 5)).expect("one prefix");
    darknet.set_interface(0, Role::Lan, &Networks::new(), &[]);
    darknet
}

fn syn(source: u32, destination: u32) -> Decoded {
    Decoded::Packet(Packet {
        source: Address::v4(source),
        destination: Address::v4(destination),
        bytes: 40,
        source_port: 40_000,
        destination_port: 80,
        protocol: 6,
        has_ports: true,
        tcp_flags: Packet::TCP_SYN,
        ..Packet::default()
    })
}

/// Of so many source-days, how many are an alert, if each source turns to `contacts` new addresses a day, and
/// each is dark with this probability, whatever the others are.
pub fn false_alerts(seed: u64, source_days: u64, contacts: u32, probability: f64) -> u64 {
    let mut rng = Rng::new(seed);
    let mut alerts = 0;
    for _ in 0..source_days.div_ceil(SOURCES.into()) {
        let mut touches = Vec::new();
        for source in 0..SOURCES {
            for _ in 0..contacts {
                if rng.unit() < probability {
                    touches.push((rng.below(SECONDS_A_DAY), source, rng.below(0x1_0000)));
                }
            }
        }
        touches.sort_unstable();
        let mut darknet = darknet(4 * SOURCES as usize);
        for (second, source, target) in touches {
            let now = Timestamp::from_seconds(START + u64::from(second));
            let packet = syn(0xc0a8_0000 + source, 0x0a09_0000 + target);
            let event = darknet.observe(0, &packet, &[], now).event;
            alerts += u64::from(event.is_some_and(|event| event.kind == Kind::Alert));
        }
        assert_eq!(darknet.totals().evicted_sources, 0);
    }
    alerts
}

/// The probability that four or more of so many are dark.
pub fn four_of(contacts: u32, probability: f64) -> f64 {
    let ways = |k: u32| (0..k).map(|n| f64::from(contacts - n) / f64::from(n + 1)).product::<f64>();
    let exactly = |k| ways(k) * probability.powf(k.into()) * (1.0 - probability).powf((contacts - k).into());
    (4..=contacts).map(exactly).sum()
}

/// What is left of a table after a flood.
pub struct Flooded {
    /// Sources of the LAN that are still there, of [`OWN_SOURCES`].
    pub own: usize,
    /// All that are there.
    pub sources: usize,
    /// Those that had to leave.
    pub evicted: u64,
    /// Packets that were told or left untold with a source, and all that there were.
    pub accounted: u64,
    pub packets: u64,
}

/// As many sources of a LAN as a table of 4,096 is sure to hold: in no set more than it has places.
pub const OWN_SOURCES: u32 = 254;
pub const TABLE: usize = 4096;

/// Lets a LAN's sources touch the dark, and then so many forged ones from outside.
pub fn flood(forged: u32) -> Flooded {
    let mut darknet = darknet(TABLE);
    let now = |n: u32| Timestamp::from_seconds(START + u64::from(n) / 50_000);
    let mut told = 0;
    for n in 0..OWN_SOURCES {
        told += darknet
            .observe(0, &syn(0xc0a8_0101 + n, 0x0a09_0001), &[], now(0))
            .event
            .map_or(0, |e| e.packets);
    }
    for n in 0..forged {
        let source = 0x0b00_0000 + n;
        told += darknet
            .observe(1, &syn(source, 0x0a09_0000 + n % 0x1_0000), &[], now(n))
            .event
            .map_or(0, |e| e.packets);
        if n % 50_000 == 0 {
            told += std::iter::from_fn(|| darknet.tick(now(n))).map(|event| event.packets).sum::<u64>();
        }
    }
    told += std::iter::from_fn(|| darknet.close()).map(|event| event.packets).sum::<u64>();
    let totals = darknet.totals();
    Flooded {
        own: darknet.sources().filter(|source| source.local).count(),
        sources: darknet.sources().count(),
        evicted: totals.evicted_sources,
        accounted: told + totals.evicted_packets,
        packets: totals.packets,
    }
}
