//! A week in a home, and what the monitor says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use duskwatch::darknet::{Darknet, Event, Kind};
use duskwatch::ledger::{Capacity, Ledger};
use duskwatch::limits::{DEVICES_DEFAULT, HOSTS_DEFAULT};
use duskwatch::monitor::Monitor;
use duskwatch::network::{Networks, Role};
use duskwatch::packet::{Address, Decoded, Frame, LinkType, Mac, decode, neighbor_message};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;
use traffic::week::{Interface, MONDAY, Options, ROUTER, ROUTER_MAC, Week, What};

/// Where the monitor runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watcher {
    /// On the router: it sees all frames and knows the leases.
    Router,
    /// On another machine of the LAN, which hears what is said to all, and knows nobody's lease.
    Neighbor,
}

/// What a week came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub frames: u64,
    pub hits: u64,
    pub notices: u64,
    /// Alerts, and their ends, as sentences.
    pub alerts: Vec<String>,
    /// How many source-days touched so many dark addresses, for whatever reason they were dark.
    pub touched: BTreeMap<usize, usize>,
    /// How many source-days had so many of them as evidence at once.
    pub evidence: BTreeMap<usize, usize>,
}

/// The monitor of a home, with tables as the program has them by default.
pub fn monitor(own_macs: &[Mac], dark: &[&str]) -> Monitor {
    let mut networks = Networks::new();
    for network in ["192.168.1.0/24", "2001:db8:1::/64"] {
        networks.add(network.parse().expect("a prefix"));
    }
    let seed = Seed::new(7, 9);
    let capacity = Capacity { hosts: HOSTS_DEFAULT, port_rows: 1024, devices: DEVICES_DEFAULT };
    let ledger = |name, role| Ledger::new(name, role, networks.clone(), capacity, seed);
    let prefixes: Vec<_> = dark.iter().map(|prefix| prefix.parse().expect("a prefix")).collect();
    let mut darknet = Darknet::new(&prefixes, HOSTS_DEFAULT.into(), seed).expect("few prefixes");
    darknet.set_interface(0, Role::Lan, &networks, own_macs);
    darknet.set_interface(1, Role::Wan, &Networks::new(), &[]);
    Monitor::new(vec![ledger("br-lan", Role::Lan), ledger("wan", Role::Wan)], darknet)
}

/// The clock of a router that has none: it goes on from when its firmware was made until the network tells the
/// time, forty seconds after the start.
const FIRMWARE: u64 = 1_767_225_600;
const UNTIL_SET: u64 = 40;

pub fn watch(seed: u64, days: u64, watcher: Watcher) -> Outcome {
    let is_router = watcher == Watcher::Router;
    let own_macs = if is_router { vec![Mac(ROUTER_MAC)] } else { vec![] };
    let start = || {
        let mut monitor = monitor(&own_macs, &[]);
        monitor.darknet_mut().note(v4(ROUTER), Timestamp::from_seconds(FIRMWARE));
        monitor
    };
    let mut monitor = start();
    let mut outcome = Outcome::default();
    let mut touched: BTreeMap<(u64, Address), BTreeSet<Address>> = BTreeMap::new();
    let mut evidence: BTreeMap<(u64, Address), usize> = BTreeMap::new();
    let (mut started, mut second) = (MONDAY, MONDAY);
    let mut week = Week::new(&Options { seed, days });
    while let Some(sighting) = week.next() {
        let true_second = sighting.time_micros / 1_000_000;
        let stamp = |second: u64| {
            let is_set = second >= started + UNTIL_SET;
            Timestamp {
                seconds: if is_set { second } else { FIRMWARE + (second - started) },
                micros: (sighting.time_micros % 1_000_000) as u32,
            }
        };
        let mut events = Vec::new();
        while second < true_second {
            second += 1;
            events.extend(std::iter::from_fn(|| monitor.tick(stamp(second))));
            // The program's housekeeping.
            if is_router && second.is_multiple_of(60) {
                monitor.darknet_mut().note(v4(ROUTER), stamp(second));
                for address in week.leases() {
                    monitor.darknet_mut().note(v4(address), stamp(second));
                }
            }
        }
        match sighting.what {
            What::Restart => {
                monitor = start();
                started = true_second;
            }
            What::Frame(interface, bytes) => {
                // A switch shows others only what is for all.
                if !is_router && (interface == Interface::Wan || bytes[0] & 1 == 0) {
                    continue;
                }
                let frame =
                    Frame { link: LinkType::Ethernet, bytes: &bytes, wire_length: bytes.len() as u32 };
                outcome.frames += 1;
                let decoded = decode(&frame);
                let before = monitor.darknet().totals().packets;
                events.extend(
                    monitor.observe(interface as usize, &decoded, &bytes, stamp(true_second)).events(),
                );
                if monitor.darknet().totals().packets > before {
                    let (source, target) = ends(&decoded, &bytes);
                    let day = (true_second / 86_400, source);
                    touched.entry(day).or_default().insert(target);
                    let mut sources = monitor.darknet().sources();
                    let source = sources.find(|one| one.address() == source);
                    let seconds = stamp(true_second).seconds as u32;
                    let most = evidence.entry(day).or_default();
                    *most = source.map_or(0, |source| source.evidence(seconds)).max(*most);
                }
            }
        }
        for event in events {
            outcome.add(&event);
        }
    }
    for targets in touched.values() {
        *outcome.touched.entry(targets.len()).or_default() += 1;
    }
    for most in evidence.values() {
        *outcome.evidence.entry(*most).or_default() += 1;
    }
    outcome
}

impl Outcome {
    fn add(&mut self, event: &Event) {
        match event.kind {
            Kind::Hit => self.hits += 1,
            Kind::Notice => self.notices += 1,
            Kind::Alert | Kind::Clear => {
                self.alerts.push(format!("{:.6} {}: {event}", event.last.as_seconds_f64(), event.signature()))
            }
        }
    }
}

/// Who sent it, and whom it was for.
fn ends(decoded: &Decoded, bytes: &[u8]) -> (Address, Address) {
    match decoded {
        Decoded::Packet(packet) => match neighbor_message(bytes, packet) {
            Some(message) => (packet.source, message.target),
            None => (packet.source, packet.destination),
        },
        Decoded::NonIp(frame) => frame.arp.map(|arp| (arp.sender, arp.target)).unwrap_or_default(),
        Decoded::Discard(_) => Default::default(),
    }
}

pub fn v4(address: Ipv4Addr) -> Address {
    Address::from(IpAddr::V4(address))
}
