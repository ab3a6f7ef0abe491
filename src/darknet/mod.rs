//! 5. Suspect: packets to addresses that nobody uses become events.
//!
//! ```text
//! packet --destination dark?--> source (who) --> category (what) --> event, one per source and window
//! ```

mod category;
mod event;
mod sources;

pub use category::Category;
pub use event::{Event, Kind};
pub use sources::Source;

use heapless::{Deque, Vec};

use crate::limits::{DARK_EVENTS_MAX, DARK_PREFIXES_MAX};
use crate::network::Prefix;
use crate::packet::{Address, Packet};
use crate::table::Seed;
use crate::time::Timestamp;
use sources::Sources;

/// What happened in the dark since the start. All packets are told by an event, wait in the table for
/// the end of their source's window, or left it untold: `packets` is the sum of the three.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Packets to dark addresses.
    pub packets: u64,
    /// Their IP bytes.
    pub bytes: u64,
    /// Events raised.
    pub events: u64,
    /// Sources that left the full table.
    pub evicted_sources: u64,
    /// Packets that left with them before an event told of them.
    pub evicted_packets: u64,
    /// The IP bytes of those.
    pub evicted_bytes: u64,
}

/// The dark prefixes, who touched them, and what was said about it.
#[derive(Clone, Debug)]
pub struct Darknet {
    prefixes: Vec<Prefix, DARK_PREFIXES_MAX>,
    sources: Sources,
    recent: Deque<Event, DARK_EVENTS_MAX>,
    totals: Totals,
}

impl Darknet {
    /// A darknet of these prefixes, with a random seed for its table; `None` if there are more than
    /// `DARK_PREFIXES_MAX`. Without a prefix nothing is dark, and nothing is allocated.
    pub fn new(prefixes: &[Prefix], seed: Seed) -> Option<Self> {
        Some(Self {
            prefixes: Vec::from_slice(prefixes).ok()?,
            sources: Sources::new(!prefixes.is_empty(), seed),
            recent: Deque::new(),
            totals: Totals::default(),
        })
    }

    /// Takes note of a packet that an interface saw. A source's first packet to a dark address raises
    /// an event at once; then a window runs in which its packets are only counted.
    #[inline]
    pub fn observe(&mut self, interface: usize, packet: &Packet, now: Timestamp) -> Option<Event> {
        if self.is_dark(packet.destination) { self.hit(interface as u16, packet, now) } else { None }
    }

    /// True if the address lies in a dark prefix.
    #[inline]
    pub fn is_dark(&self, address: Address) -> bool {
        self.prefixes.iter().any(|prefix| prefix.contains(address))
    }

    /// The next event of a window that is over and in which more packets came. To be called about once
    /// a second until it returns `None`; more often costs nothing.
    pub fn tick(&mut self, now: Timestamp) -> Option<Event> {
        let event = self.sources.due(now)?;
        Some(self.raise(event))
    }

    /// At the end of a capture: the next event of a source whose packets were not all told, whether its
    /// window is over or not. To be called until it returns `None`.
    pub fn close(&mut self) -> Option<Event> {
        let event = self.sources.untold()?;
        Some(self.raise(event))
    }

    /// The dark prefixes, as given.
    pub fn prefixes(&self) -> &[Prefix] {
        &self.prefixes
    }

    /// The sources in the table, in no order.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter()
    }

    /// The last events, oldest first.
    pub fn recent(&self) -> impl Iterator<Item = &Event> {
        self.recent.iter()
    }

    /// What happened since the start.
    pub fn totals(&self) -> Totals {
        self.totals
    }

    #[cold]
    fn hit(&mut self, interface: u16, packet: &Packet, now: Timestamp) -> Option<Event> {
        self.totals.packets += 1;
        self.totals.bytes += u64::from(packet.bytes);
        let target = self.sources.target(packet.destination);
        let (source, evicted) = self.sources.find(interface, packet, now)?;
        source.count(packet, target, now);
        let event = if source.may_speak(now) { source.speak(now) } else { None };
        if let Some(evicted) = evicted {
            let (packets, bytes) = evicted.untold();
            self.totals.evicted_sources += 1;
            self.totals.evicted_packets += packets;
            self.totals.evicted_bytes += bytes;
        }
        event.map(|event| self.raise(event))
    }

    fn raise(&mut self, event: Event) -> Event {
        self.totals.events += 1;
        if self.recent.is_full() {
            self.recent.pop_front();
        }
        let _ = self.recent.push_back(event);
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::{DARK_SOURCES_MAX, DARK_TARGETS_MAX, DARK_WINDOW_SECONDS};
    use crate::packet::{Link, Mac};

    const SOURCE: u32 = 0xc0a8_0139;
    const DARK: u32 = 0x0a09_0000;

    fn darknet() -> Darknet {
        Darknet::new(
            &["10.9.0.0/16".parse().unwrap(), "2001:db8:dead::/48".parse().unwrap()],
            Seed::new(7, 0),
        )
        .unwrap()
    }

    fn syn(source: u32, destination: u32) -> Packet {
        Packet {
            source: Address::v4(source),
            destination: Address::v4(destination),
            bytes: 60,
            source_port: 40_000,
            destination_port: 23,
            protocol: 6,
            has_ports: true,
            tcp_flags: Packet::TCP_SYN,
            link: Link { source_mac: Mac([2, 0, 0, 0, 0, 9]), outgoing: false },
            ..Packet::default()
        }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_seconds(1_000_000 + seconds)
    }

    fn all_due(darknet: &mut Darknet, now: Timestamp) -> std::vec::Vec<Event> {
        std::iter::from_fn(|| darknet.tick(now)).collect()
    }

    #[test]
    fn the_first_packet_speaks_at_once_and_the_window_counts_the_rest() {
        let mut darknet = darknet();
        let event = darknet.observe(1, &syn(SOURCE, DARK + 1), at(0)).unwrap();
        assert_eq!((event.interface, event.packets, event.bytes, event.dark_targets), (1, 1, 60, 1));
        assert_eq!(event.ports, Some((40_000, 23)));
        assert_eq!(event.source_mac, Mac([2, 0, 0, 0, 0, 9]));
        assert_eq!((event.category, event.first), (Category::Scan, at(0)));

        for n in 2..5 {
            assert_eq!(darknet.observe(1, &syn(SOURCE, DARK + n), at(u64::from(n))), None);
        }
        assert_eq!(all_due(&mut darknet, at(DARK_WINDOW_SECONDS - 1)), []);
        let events = all_due(&mut darknet, at(DARK_WINDOW_SECONDS));
        assert_eq!(events.len(), 1);
        assert_eq!((events[0].packets, events[0].bytes, events[0].dark_targets), (3, 180, 4));
        assert_eq!(events[0].destination, Address::v4(DARK + 2));
        assert_eq!((events[0].first, events[0].last), (at(2), at(4)));
        assert_eq!(all_due(&mut darknet, at(2 * DARK_WINDOW_SECONDS)), [], "nothing new, nothing said");
        assert_eq!(darknet.recent().count(), 2);
        assert_eq!(darknet.totals().events, 2);
    }

    #[test]
    fn a_packet_after_the_window_speaks_for_those_before_it() {
        let mut darknet = darknet();
        assert!(darknet.observe(0, &syn(SOURCE, DARK), at(0)).is_some());
        assert!(darknet.observe(0, &syn(SOURCE, DARK), at(1)).is_none());
        let event = darknet.observe(0, &syn(SOURCE, DARK), at(DARK_WINDOW_SECONDS)).unwrap();
        assert_eq!((event.packets, event.dark_targets), (2, 1));
    }

    #[test]
    fn only_dark_addresses_count_and_without_prefixes_none_is() {
        let mut darknet = darknet();
        assert_eq!(darknet.observe(0, &syn(SOURCE, 0x0808_0808), at(0)), None);
        assert_eq!(darknet.totals(), Totals::default());
        let mut packet = syn(SOURCE, 0);
        packet.destination = Address::from("2001:db8:dead::1".parse::<core::net::IpAddr>().unwrap());
        assert!(darknet.observe(0, &packet, at(0)).is_some());

        let mut none = Darknet::new(&[], Seed::new(7, 0)).unwrap();
        assert_eq!(none.observe(0, &syn(SOURCE, DARK), at(0)), None);
        assert_eq!((none.tick(at(1)), none.close(), none.sources().count()), (None, None, 0));
        let many = ["10.0.0.0/8".parse().unwrap(); DARK_PREFIXES_MAX + 1];
        assert!(Darknet::new(&many, Seed::new(7, 0)).is_none());
    }

    #[test]
    fn each_interface_speaks_for_itself() {
        let mut darknet = darknet();
        assert!(darknet.observe(0, &syn(SOURCE, DARK), at(0)).is_some());
        assert!(darknet.observe(1, &syn(SOURCE, DARK), at(0)).is_some());
    }

    #[test]
    fn distinct_targets_saturate() {
        let mut darknet = darknet();
        for n in 0..1000 {
            darknet.observe(0, &syn(SOURCE, DARK + n), at(0));
        }
        let source = darknet.sources().next().unwrap();
        assert_eq!((source.dark_targets(), source.packets), (DARK_TARGETS_MAX, 1000));
    }

    #[test]
    fn a_clock_set_back_does_not_silence_a_source() {
        let mut darknet = darknet();
        assert!(darknet.observe(0, &syn(SOURCE, DARK), at(100_000)).is_some());
        assert!(darknet.observe(0, &syn(SOURCE, DARK), at(99_999)).is_none(), "a reordered packet");
        assert!(darknet.observe(0, &syn(SOURCE, DARK), at(0)).is_some());
    }

    #[test]
    fn a_flood_of_sources_evicts_the_small_ones_and_every_packet_is_told_or_counted() {
        let mut darknet = darknet();
        let mut told = 0;
        for n in 0..50 {
            told += darknet.observe(0, &syn(SOURCE, DARK + n), at(0)).map_or(0, |event| event.packets);
        }
        for n in 0..200_000 {
            let packet = syn(0x0b00_0000 + n / 2, DARK + n % 0x1_0000);
            told += darknet.observe(0, &packet, at(u64::from(n) / 10_000)).map_or(0, |event| event.packets);
        }
        assert_eq!(darknet.sources().count(), DARK_SOURCES_MAX);
        assert!(darknet.sources().any(|source| source.address() == Address::v4(SOURCE)));
        told += all_due(&mut darknet, at(70)).iter().map(|event| event.packets).sum::<u64>();
        told += darknet.observe(0, &syn(SOURCE, DARK), at(71)).map_or(0, |event| event.packets);
        told += std::iter::from_fn(|| darknet.close()).map(|event| event.packets).sum::<u64>();
        let totals = darknet.totals();
        assert_eq!(totals.packets, 200_051);
        assert_eq!(told + totals.evicted_packets, totals.packets);
        assert_eq!(darknet.recent().count(), DARK_EVENTS_MAX);
    }

    #[test]
    fn a_round_over_the_table_is_made_once_a_second() {
        let mut darknet = darknet();
        darknet.observe(0, &syn(SOURCE, DARK), at(0));
        assert_eq!(darknet.tick(at(59)), None);
        darknet.observe(0, &syn(SOURCE, DARK), at(1));
        assert_eq!(all_due(&mut darknet, at(60)).len(), 1);
        darknet.observe(0, &syn(SOURCE, DARK), at(61));
        assert_eq!(darknet.tick(at(60)), None);
    }
}
