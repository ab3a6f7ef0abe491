//! Each table against a model that is slow and plain, on seeded random work. A failure prints its seed.

use std::collections::HashMap;

use super::{
    End, Flow, FlowCache, FlowRecords, GuardedTable, Key, PeerKey, PeerRow, PeerTable, PortKey, PortKind,
    PortRow, PortTable, Seed, Segment, Weight,
};
use crate::ledger::Counters;
use crate::limits::{DEMOTION_CANDIDATES, FLOW_RECORDS, PROBATION_SHARE, PROMOTION_BYTES, PROMOTION_PACKETS};
use crate::network::Direction;
use crate::packet::{Address, Packet};

/// A small generator of our own (Steele and others, "SplitMix", 2014): tests depend on nothing.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn seed(&mut self) -> Seed {
        Seed::new(self.next(), self.next())
    }
}

/// Runs a test with many seeds, and says which one failed.
fn with_seeds(test: impl Fn(&mut Random) + std::panic::RefUnwindSafe) {
    for seed in 0..40 {
        if let Err(panic) = std::panic::catch_unwind(|| test(&mut Random(seed))) {
            eprintln!("failing seed: {seed}");
            std::panic::resume_unwind(panic);
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Row {
    packets: u64,
    bytes: u64,
}

impl Weight for Row {
    fn packets(&self) -> u64 {
        self.packets
    }

    fn bytes(&self) -> u64 {
        self.bytes
    }
}

/// The rule of the host table in plain lists, oldest first.
struct GuardedModel {
    capacity: usize,
    lists: [Vec<(u32, bool, Row)>; 3],
}

impl GuardedModel {
    fn room(&self, segment: Segment) -> bool {
        let pinned = self.lists[Segment::Pinned as usize].len();
        let capacity = match segment {
            Segment::Probation => self.capacity,
            Segment::Protected => {
                let unpinned = self.capacity - pinned;
                unpinned - unpinned.div_ceil(PROBATION_SHARE.into())
            }
            Segment::Pinned => self.capacity / 2,
        };
        self.lists[segment as usize].len() < capacity
    }

    fn smallest_of_oldest(&self, segment: Segment) -> Option<usize> {
        let oldest = self.lists[segment as usize].iter().take(DEMOTION_CANDIDATES);
        oldest.enumerate().min_by_key(|(_, (.., row))| row.bytes).map(|(index, _)| index)
    }

    /// Books a packet on an address; returns the row that had to go.
    fn book(&mut self, address: u32, pin: bool, bytes: u64) -> Option<Row> {
        let place = self.lists.iter().enumerate().find_map(|(segment, list)| {
            list.iter().position(|(present, ..)| *present == address).map(|index| (segment, index))
        });
        let mut evicted = None;
        let segment = match place {
            Some((segment, index)) => {
                let row = self.lists[segment].remove(index);
                self.lists[segment].push(row);
                segment
            }
            None => {
                if self.lists.iter().map(Vec::len).sum::<usize>() == self.capacity {
                    let (segment, index) = if self.lists[0].is_empty() {
                        (Segment::Protected as usize, self.smallest_of_oldest(Segment::Protected).unwrap())
                    } else {
                        (Segment::Probation as usize, 0)
                    };
                    evicted = Some(self.lists[segment].remove(index).2);
                }
                let pinned = pin && self.room(Segment::Pinned);
                let segment = if pinned { Segment::Pinned } else { Segment::Probation } as usize;
                self.lists[segment].push((address, pin, Row::default()));
                segment
            }
        };
        let row = self.lists[segment].last_mut().unwrap();
        row.2.packets += 1;
        row.2.bytes += bytes;
        let (.., pin, Row { packets, bytes }) = *row;
        if segment == 0 && packets >= PROMOTION_PACKETS && bytes >= PROMOTION_BYTES {
            self.promote(if pin { Segment::Pinned } else { Segment::Protected }, bytes);
        }
        evicted
    }

    /// Promotes the newest row on probation.
    fn promote(&mut self, to: Segment, bytes: u64) {
        if !self.room(to) {
            let Some(smallest) = self.smallest_of_oldest(to) else { return };
            if self.lists[to as usize][smallest].2.bytes >= bytes {
                return;
            }
            let promoted = self.lists[0].pop().unwrap();
            let demoted = self.lists[to as usize].remove(smallest);
            self.lists[0].push(demoted);
            self.lists[to as usize].push(promoted);
        } else {
            let promoted = self.lists[0].pop().unwrap();
            self.lists[to as usize].push(promoted);
        }
    }
}

#[test]
fn the_host_table_does_what_its_rule_says() {
    with_seeds(|random| {
        let capacity = [1, 2, 3, 5, 16, 40, 100][random.below(7) as usize];
        let addresses = 1 + random.below(3 * capacity as u64);
        let mut model = GuardedModel { capacity, lists: Default::default() };
        let mut table: GuardedTable<Row> = GuardedTable::with_capacity(capacity as u16, random.seed());
        for _ in 0..3_000 {
            // Small addresses come often, and one address in three is local.
            let address = (random.below(addresses) * random.below(addresses) / addresses) as u32;
            let pin = address.is_multiple_of(3);
            let bytes = 40 + random.below(1_460);
            let mut evicted = None;
            let slot = table.touch(Address::v4(address), || pin, |row| evicted = Some(*row));
            table.row_mut(slot).packets += 1;
            table.row_mut(slot).bytes += bytes;
            table.settle(slot);
            assert_eq!(evicted, model.book(address, pin, bytes));
        }
        let present: Vec<_> = table
            .iter_oldest_first()
            .map(|(slot, address, row)| (table.segment(slot), address, *row))
            .collect();
        let segments = [Segment::Probation, Segment::Protected, Segment::Pinned];
        let wanted: Vec<_> = segments
            .into_iter()
            .flat_map(|segment| model.lists[segment as usize].iter().map(move |row| (segment, row)))
            .map(|(segment, (address, _, row))| (segment, Address::v4(*address), *row))
            .collect();
        assert_eq!(present, wanted);
        assert_eq!(table.length() as usize, wanted.len());
        for (_, address, row) in wanted {
            assert_eq!(*table.row(table.find(address).unwrap()), row);
        }
    });
}

#[test]
fn pins_follow_a_change_of_networks() {
    let mut table: GuardedTable<Row> = GuardedTable::with_capacity(10, Seed::new(3, 5));
    for address in 0..8 {
        table.touch(Address::v4(address), || address < 3, |_| ());
    }
    let segments = |table: &GuardedTable<Row>, segment| {
        let rows = table.iter().filter(|(slot, ..)| table.segment(*slot) == segment);
        let mut addresses: Vec<_> = rows.filter_map(|(_, address, _)| address.as_v4()).collect();
        addresses.sort();
        addresses
    };
    assert_eq!(segments(&table, Segment::Pinned), [0, 1, 2]);
    table.repin(|address, _| address.as_v4() >= Some(2));
    assert_eq!(segments(&table, Segment::Pinned), [2, 3, 4, 5, 6]);
    assert_eq!(segments(&table, Segment::Probation), [0, 1, 7]);
}

#[test]
fn a_slot_is_told_from_its_predecessor() {
    let mut table: GuardedTable<Row> = GuardedTable::with_capacity(1, Seed::new(3, 5));
    let slot = table.touch(Address::v4(1), || false, |_| ());
    let first = table.generation(slot);
    assert_eq!(table.touch(Address::v4(2), || false, |_| ()), slot);
    assert_ne!(table.generation(slot), first);
    assert_eq!(table.find(Address::v4(1)), None);
}

#[test]
fn port_rows_are_exact_until_they_make_room_and_large_ones_stay() {
    with_seeds(|random| {
        let rows = [1, 8, 64, 512][random.below(4) as usize];
        let mut table = PortTable::with_capacity(rows, random.seed());
        let mut model: HashMap<(u16, u16), u64> = HashMap::new();
        let heavy = PortKey::interface(PortKind::TcpLocal, 443);
        for _ in 0..2_000 {
            table.book(heavy, &PortRow { outbound: Counters::new(1, 100_000), ..PortRow::default() });
            let (owner, port) = (random.below(4) as u16, random.below(400) as u16);
            let key = PortKey::host(owner, 7, PortKind::UdpRemote, port);
            for kind in PortKind::ALL {
                let key = PortKey::host(owner, 7, kind, port);
                assert_eq!((key.owner(), key.kind(), key.port()), (Some(owner), kind, port));
            }
            let sum = model.entry((owner, port)).or_default();
            if table.get(key).is_none() {
                *sum = 0;
            }
            *sum += 10;
            table.book(key, &PortRow { inbound: Counters::new(1, 10), syns: 1, ..PortRow::default() });
            assert_eq!(table.get(key).unwrap().inbound.bytes, *sum);
            assert_eq!(u64::from(table.get(key).unwrap().syns), *sum / 10);
        }
        assert_eq!(table.get(heavy).unwrap().outbound, Counters::new(2_000, 200_000_000));
        assert!(table.iter().count() <= table.capacity());
    });
}

/// The rule of the sets in plain lists: four places each.
struct SetModel {
    seed: Seed,
    sets: Vec<[Option<(PeerKey, PeerRow)>; 4]>,
    evicted: u64,
}

impl SetModel {
    fn bytes((_, row): &(PeerKey, PeerRow)) -> u64 {
        row.sent[0].bytes + row.sent[1].bytes
    }

    /// Books as the table does; returns the row that made room.
    fn book(&mut self, key: PeerKey, growth: &PeerRow, may_evict: bool) -> Option<(PeerKey, PeerRow)> {
        let index = key.hash(&self.seed) as usize % self.sets.len();
        let set = &mut self.sets[index];
        if let Some((_, row)) = set.iter_mut().flatten().find(|(known, _)| *known == key) {
            row.sent = [row.sent[0] + growth.sent[0], row.sent[1] + growth.sent[1]];
            return None;
        }
        if let Some(vacant) = set.iter_mut().find(|place| place.is_none()) {
            *vacant = Some((key, *growth));
            return None;
        }
        if !may_evict {
            return None;
        }
        self.evicted += 1;
        set.iter_mut().min_by_key(|place| place.as_ref().map(Self::bytes))?.replace((key, *growth))
    }

    fn rows(&self) -> impl Iterator<Item = &(PeerKey, PeerRow)> {
        self.sets.iter().flatten().flatten()
    }
}

#[test]
fn rows_of_peers_are_exact_and_the_heaviest_stay() {
    with_seeds(|random| {
        let seed = random.seed();
        let mut table = PeerTable::with_capacity([1, 8, 64, 512][random.below(4) as usize], seed);
        let mut model = SetModel { seed, sets: vec![[None; 4]; table.capacity() / 4], evicted: 0 };
        // What each two sent each other since their row was made.
        let mut sums: HashMap<[u64; 2], [Counters; 2]> = HashMap::new();
        let mut generations = [1u32; 60];
        let hosts = 2 + random.below(generations.len() as u64 - 2);
        for _ in 0..2_000 {
            let ends = [random.below(hosts), random.below(hosts)];
            let ends = [ends[0].min(ends[1]), ends[0].max(ends[1])];
            let key =
                PeerKey(ends.map(|slot| End { slot: slot as u16, generation: generations[slot as usize] }));
            // Some talk much more than others, and some are strangers.
            let growth =
                PeerRow { sent: ends.map(|slot| Counters::new(1, 20 + random.below(1 << (slot % 12)))) };
            let is_stranger = random.below(4) == 0;
            let gone = model.book(key, &growth, !is_stranger);
            if is_stranger {
                table.book_if_room(key, &growth);
            } else {
                table.book(key, &growth);
            }
            if let Some(gone) = gone {
                assert!(!is_stranger);
                let index = key.hash(&seed) as usize % model.sets.len();
                let stayed = model.sets[index].iter().flatten().filter(|(other, _)| *other != key);
                assert_eq!(stayed.clone().count(), 3);
                assert!(stayed.map(SetModel::bytes).all(|bytes| bytes >= SetModel::bytes(&gone)));
                sums.remove(&gone.0.0.map(|end| end.slot.into()));
            }
            if let Some(row) = table.get(key) {
                let sum = sums.entry(ends).or_default();
                *sum = [sum[0] + growth.sent[0], sum[1] + growth.sent[1]];
                assert_eq!(row.sent, *sum);
                let [one, other] = [row.traffic(0), row.traffic(1)];
                assert_eq!((one.sent, one.received), (other.received, other.sent));
            }
            // A host goes, and its rows with it.
            if random.below(50) == 0 {
                let slot = random.below(hosts) as usize;
                generations[slot] += 1;
                sums.retain(|ends, _| ends.iter().all(|end| *end != slot as u64));
                let lives = |PeerKey(ends): PeerKey| {
                    ends.iter().all(|end| end.generation == generations[usize::from(end.slot)])
                };
                model
                    .sets
                    .iter_mut()
                    .flatten()
                    .for_each(|place| *place = place.filter(|(key, _)| lives(*key)));
                table.sweep(table.capacity() / 4, lives);
            }
            assert!(table.iter().map(|(key, row)| (key, *row)).eq(model.rows().copied()));
            assert_eq!(table.evicted(), model.evicted);
        }
        assert_eq!(table.iter().count(), sums.len());
    });
}

#[test]
fn a_booking_if_there_is_room_evicts_nothing() {
    with_seeds(|random| {
        let mut table = PortTable::with_capacity(64, random.seed());
        let growth = PortRow { inbound: Counters::new(1, 1_000), ..PortRow::default() };
        let mut booked: HashMap<u16, u64> = HashMap::new();
        for _ in 0..2_000 {
            let port = random.below(200) as u16;
            let key = PortKey::interface(PortKind::TcpLocal, port);
            let before = table.get(key).copied();
            table.book_if_room(key, &growth);
            if table.get(key).is_some() {
                *booked.entry(port).or_default() += 1;
            } else {
                assert!(before.is_none() && table.iter().count() >= 4, "an empty set has room");
            }
        }
        let rows = table.iter().map(|(key, row)| (key.port(), row.inbound.packets));
        assert_eq!(rows.collect::<HashMap<_, _>>(), booked);
        assert_eq!(table.evicted(), 0);
    });
}

#[test]
fn sweeps_free_the_rows_of_hosts_that_are_gone() {
    let mut table = PortTable::with_capacity(64, Seed::new(3, 5));
    let growth = PortRow { inbound: Counters::new(1, 1), ..PortRow::default() };
    for port in 0..20 {
        table.book(PortKey::host(port % 2, 9, PortKind::TcpLocal, port), &growth);
    }
    table.book(PortKey::interface(PortKind::TcpLocal, 80), &growth);
    for _ in 0..64 {
        table.sweep(1, |key| key.owner() != Some(1));
    }
    assert!(table.iter().all(|(key, _)| !key.is_of(1, 9)));
    assert!(table.iter().any(|(key, _)| key.is_of(0, 9)));
    assert!(table.get(PortKey::interface(PortKind::TcpLocal, 80)).is_some());
}

#[test]
fn the_flow_cache_loses_and_invents_nothing() {
    with_seeds(|random| {
        let entries = [1, 4, 64][random.below(3) as usize];
        let hosts = [3, 30, 100_000][random.below(3) as usize];
        let mut cache = FlowCache::with_capacity(entries, random.seed());
        // By sender, receiver and their ports.
        let mut booked: HashMap<_, Counters> = HashMap::new();
        let mut wanted = booked.clone();
        let mut book = |flow: Flow| {
            let [a, b] = flow.ends();
            let [p, q] = flow.ports().unwrap_or([0, 0]);
            *booked.entry((a, b, p, q)).or_default() += flow.sent()[0];
            *booked.entry((b, a, q, p)).or_default() += flow.sent()[1];
        };
        for second in 0..20_000 {
            let source_port = random.below(2) as u16;
            let packet = Packet {
                source: Address::v4(random.below(hosts) as u32),
                destination: Address::v4(random.below(hosts) as u32),
                bytes: random.below(1_500) as u32,
                protocol: 17,
                has_ports: source_port > 0,
                source_port,
                ..Packet::default()
            };
            let key = (packet.source, packet.destination, source_port, 0);
            *wanted.entry(key).or_default() += Counters::new(1, packet.bytes.into());
            let from_low = packet.source.low <= packet.destination.low;
            let direction = if from_low { Direction::Outbound } else { Direction::Inbound };
            match cache.add(&packet, second) {
                Some(known) if packet.source != packet.destination => assert_eq!(known, direction),
                Some(_) => {}
                None => book(cache.begin(&packet, direction, second)),
            }
        }
        for index in 0..cache.capacity() {
            book(cache.take(index));
            assert!(cache.take(index).is_empty());
        }
        booked.retain(|_, sum| !sum.is_zero());
        assert_eq!(booked, wanted);
    });
}

#[test]
fn flow_records_add_up_whoever_looks_meanwhile() {
    with_seeds(|random| {
        let entries = [1, 4, 64][random.below(3) as usize];
        let hosts = [3, 30, 100_000][random.below(3) as usize];
        let mut cache = FlowCache::with_capacity(entries, random.seed());
        cache.record();
        let mut told: HashMap<_, Counters> = HashMap::new();
        let mut wanted = told.clone();
        let mut records = 0;
        let mut tell = |cache: &mut FlowCache| {
            while let Some(flow) = cache.records().and_then(FlowRecords::pop) {
                let [a, b] = flow.ends();
                let [p, q] = flow.ports().unwrap_or([0, 0]);
                assert!(!flow.is_empty() && flow.first <= flow.last);
                *told.entry((a, b, p, q)).or_default() += flow.sent()[0];
                *told.entry((b, a, q, p)).or_default() += flow.sent()[1];
                records += flow.ways();
            }
        };
        let mut packets = 0;
        for step in 0..20_000 {
            let second = step / 16;
            if random.below(4) > 0 {
                let packet = Packet {
                    source: Address::v4(random.below(hosts) as u32),
                    destination: Address::v4(random.below(hosts) as u32),
                    bytes: random.below(1_500) as u32,
                    protocol: 17,
                    ..Packet::default()
                };
                let key = (packet.source, packet.destination, 0, 0);
                *wanted.entry(key).or_default() += Counters::new(1, packet.bytes.into());
                packets += 1;
                if cache.add(&packet, second).is_none() {
                    cache.begin(&packet, Direction::Outbound, second);
                }
                if random.below(40) == 0 {
                    cache.remove(&packet);
                }
            }
            match random.below(400) {
                // Somebody looks.
                0 => (0..cache.capacity()).for_each(|index| {
                    cache.take(index);
                }),
                1 => cache.clear(),
                2 => {
                    cache.sweep();
                }
                _ => {}
            }
            while let Some(place) = cache.records().and_then(|records| records.next_due(second.into())) {
                cache.report(place);
            }
            tell(&mut cache);
        }
        cache.clear();
        tell(&mut cache);
        told.retain(|_, sum| !sum.is_zero());
        assert_eq!(told, wanted);
        assert!(records <= packets, "a record is for a packet at least");
        assert_eq!(cache.records().unwrap().take_lost(), 0);
    });
}

#[test]
fn a_long_flow_has_a_record_a_minute_and_what_nobody_takes_is_counted() {
    let mut cache = FlowCache::with_capacity(64, Seed::new(3, 5));
    cache.record();
    let packet = |host| Packet { source: Address::v4(host), bytes: 100, protocol: 17, ..Packet::default() };
    let mut times = Vec::new();
    for second in 1_000..1_600 {
        if cache.add(&packet(1), second).is_none() {
            cache.begin(&packet(1), Direction::Outbound, second);
        }
        (0..cache.capacity()).for_each(|index| {
            cache.take(index);
        });
        while let Some(place) = cache.records().unwrap().next_due(second.into()) {
            cache.report(place);
        }
        while let Some(record) = cache.records().unwrap().pop() {
            assert_eq!(
                record.sent().map(|sent| sent.packets).iter().sum::<u64>(),
                1 + u64::from(record.last - record.first)
            );
            times.push((record.first, record.last));
        }
    }
    assert!((10..=20).contains(&times.len()), "{times:?}");
    assert!(times.windows(2).all(|pair| pair[0].1 + 1 == pair[1].0), "without gaps: {times:?}");

    // A flood of flows: each takes the place of another.
    let flows = FLOW_RECORDS as u32 + 1_000;
    for host in 0..flows {
        cache.begin(&packet(host + 2), Direction::Outbound, 1_600);
    }
    cache.clear();
    let records = cache.records().unwrap();
    let waiting = std::iter::from_fn(|| records.pop()).count();
    assert_eq!(waiting, FLOW_RECORDS);
    // One more for the long flow.
    assert_eq!(records.take_lost(), u64::from(flows) + 1 - waiting as u64);
    assert_eq!(records.take_lost(), 0);
}
