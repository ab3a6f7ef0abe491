//! Snapshots: what comes back, what is refused.

mod books;

use books::{assert_same, encode, filled, monitor};
use duskwatch::ledger::{Capacity, Counters, Ledger, Owner, Period, Traffic};
use duskwatch::snapshot::{self, Header, Record, Rejected, Writer};
use duskwatch::table::PortKind;

const ROOMY: Capacity = Capacity { hosts: 512, port_rows: 65_536, devices: 256 };
const TIGHT: Capacity = Capacity { hosts: 64, port_rows: 256, devices: 16 };

/// A snapshot of these records, as an enemy would make it.
fn forge(records: &[Record]) -> Vec<u8> {
    let mut buffer = vec![0; 1 << 20];
    let mut writer = Writer::new(&mut buffer, &Header::default());
    for record in records {
        writer.record(record);
    }
    writer.finish().unwrap().to_vec()
}

fn assert_adds_up(ledger: &Ledger, context: &str) {
    let total = ledger.totals().total();
    let mut hosts = ledger.evicted().traffic;
    for (_, host) in ledger.hosts() {
        hosts += host.total();
    }
    assert_eq!(hosts, Traffic { sent: total, received: total }, "{context}");
    let devices = devices(ledger);
    assert!(devices.sent.bytes <= total.bytes && devices.received.bytes <= total.bytes, "{context}");
}

/// What all devices did.
fn devices(ledger: &Ledger) -> Traffic {
    let rows = ledger.accounts().iter().filter(|(_, row)| !matches!(row.owner, Owner::Network(_)));
    rows.fold(Traffic::default(), |mut sum, (_, row)| {
        sum += row.total();
        sum
    })
}

#[test]
fn everything_comes_back() {
    for seed in 1..=8 {
        let context = format!("seed {seed}");
        let saved = filled(&["br-lan", "pppoe-wan"], ROOMY, 20_000, 100 * seed, seed);
        let bytes = encode(&saved);
        let mut restored = monitor(&["br-lan", "pppoe-wan"], ROOMY);
        let report = snapshot::restore(&bytes, &mut restored).unwrap();
        assert_eq!((report.interfaces, report.dropped.len()), (2, 0), "{context}");
        for (left, right) in saved.ledgers().iter().zip(restored.ledgers()) {
            assert_same(left, right, &context);
        }
    }
}

#[test]
fn every_port_comes_back_where_there_is_room() {
    let saved = filled(&["br-lan"], ROOMY, 300, 20, 1);
    let mut restored = monitor(&["br-lan"], ROOMY);
    snapshot::restore(&encode(&saved), &mut restored).unwrap();
    let (saved, restored) = (&saved.ledgers()[0], &restored.ledgers()[0]);
    assert_same(saved, restored, "few ports");
    assert_eq!((saved.port_rows().1, restored.port_rows().1), (0, 0));
    let protocols = |ledger: &Ledger| ledger.host_protocols().count();
    assert_eq!(protocols(saved), protocols(restored));
    assert!(protocols(restored) > 0);
    for kind in PortKind::ALL {
        assert_eq!(saved.ports_left(kind), restored.ports_left(kind), "{kind:?}");
    }
}

#[test]
fn restored_books_go_on_like_the_old_ones() {
    let mut old = filled(&["br-lan"], ROOMY, 5_000, 100, 3);
    let mut new = monitor(&["br-lan"], ROOMY);
    snapshot::restore(&encode(&old), &mut new).unwrap();
    let mut random = books::Random::new(99);
    for number in 0..5_000 {
        let frame = random.frame(100);
        let now = duskwatch::time::Timestamp::from_seconds(books::START + 700 + number / 5);
        old.observe(0, &frame, &[], now);
        new.observe(0, &frame, &[], now);
    }
    for books in [&mut old, &mut new] {
        books.settle(books::end(20_000));
    }
    let (old, new) = (&old.ledgers()[0], &new.ledgers()[0]);
    assert_eq!(old.totals(), new.totals());
    assert!(old.protocols().eq(new.protocols()));
    assert_eq!((old.evicted(), new.evicted()), Default::default());
    for (address, host) in old.hosts() {
        let other = new.host(address).expect("the host is there");
        assert_eq!(host.transports, other.transports);
        assert_eq!((host.first_seen, host.last_seen), (other.first_seen, other.last_seen));
    }
    for period in Period::ALL {
        assert!(old.history(period).eq(new.history(period)), "{period:?}");
    }
}

#[test]
fn smaller_tables_count_what_does_not_fit() {
    for seed in 1..=8 {
        let saved = filled(&["br-lan"], ROOMY, 20_000, 400, seed);
        let mut restored = monitor(&["br-lan"], TIGHT);
        snapshot::restore(&encode(&saved), &mut restored).unwrap();
        let (saved, restored) = (&saved.ledgers()[0], &restored.ledgers()[0]);
        assert_eq!(restored.totals(), saved.totals());
        assert_eq!(restored.hosts_used(), (64, 64));
        let hosts = |ledger: &Ledger| u64::from(ledger.hosts_used().0) + ledger.evicted().hosts;
        assert_eq!(hosts(restored), hosts(saved));
        assert_adds_up(restored, &format!("seed {seed}"));
        assert_eq!(devices(restored), devices(saved));
        let count = |ledger: &Ledger| {
            let rows = ledger.accounts().iter().map(|(_, row)| row);
            rows.filter(|row| matches!(row.owner, Owner::Device(_))).count()
        };
        assert_eq!((count(restored), count(saved)), (16, 200));
        // The largest stay.
        let mut sizes: Vec<u64> = saved.accounts().iter().map(|(_, row)| row.total().both().bytes).collect();
        sizes.sort_unstable();
        let smallest = sizes[sizes.len() - 40];
        for (_, row) in restored.accounts().iter().filter(|(_, row)| matches!(row.owner, Owner::Device(_))) {
            assert!(row.total().both().bytes >= smallest, "{row:?}");
        }
    }
}

#[test]
fn interfaces_are_found_by_name() {
    let saved = filled(&["a", "b", "c"], TIGHT, 3_000, 50, 1);
    let mut restored = monitor(&["c", "d", "a"], TIGHT);
    let report = snapshot::restore(&encode(&saved), &mut restored).unwrap();
    assert_eq!((report.interfaces, report.dropped.as_slice()), (2, &["b".try_into().unwrap()][..]));
    assert_eq!(restored.ledgers()[0].totals(), saved.ledgers()[2].totals());
    assert_eq!(restored.ledgers()[2].totals(), saved.ledgers()[0].totals());
    assert_eq!(restored.ledgers()[1].captured(), 0);
    // With none of them watched it is refused, and changes nothing.
    let mut other = filled(&["d"], TIGHT, 300, 50, 2);
    let before = encode(&other);
    assert_eq!(snapshot::restore(&encode(&saved), &mut other), Err(Rejected::Unwatched));
    assert_eq!(encode(&other), before);
}

#[test]
fn every_truncation_and_every_changed_byte_is_refused() {
    let bytes = encode(&filled(&["br-lan"], Capacity { hosts: 8, port_rows: 16, devices: 4 }, 60, 10, 7));
    let mut target = monitor(&["br-lan"], TIGHT);
    for length in 0..bytes.len() {
        assert!(snapshot::restore(&bytes[..length], &mut target).is_err(), "{length} bytes");
    }
    let mut changed = bytes.clone();
    for position in 0..bytes.len() {
        for difference in [1, 2, 4, 8, 16, 32, 64, 128, 255] {
            changed[position] = bytes[position] ^ difference;
            assert!(snapshot::verify(&changed).is_err(), "byte {position} changed by {difference}");
        }
        changed[position] = bytes[position];
    }
    changed.push(0);
    assert_eq!(snapshot::verify(&changed), Err(Rejected::Damaged));
    assert_eq!(target.ledgers()[0].captured(), 0, "nothing was applied");
    assert!(snapshot::restore(&bytes, &mut target).is_ok());
}

#[test]
fn foreign_and_newer_files_are_named() {
    let mut bytes = encode(&filled(&["br-lan"], TIGHT, 10, 10, 7));
    bytes[12] = 3;
    assert_eq!(snapshot::verify(&bytes), Err(Rejected::Version(3)));
    assert_eq!(snapshot::verify(b"#!/bin/sh\nexit 0\n"), Err(Rejected::Foreign));
    assert_eq!(snapshot::verify(b""), Err(Rejected::Damaged));
}

#[test]
fn unknown_kinds_are_skipped() {
    let saved = filled(&["br-lan"], TIGHT, 500, 50, 2);
    let mut bytes = encode(&saved);
    let end = bytes.len() - 10;
    let count = u32::from_le_bytes(bytes[end + 2..end + 6].try_into().unwrap());
    bytes.truncate(end);
    bytes.extend([3, 0, 100, 0xff, 0xff, 0, 0]);
    bytes.extend((count + 1).to_le_bytes());
    bytes.extend(snapshot::checksum(&bytes).to_le_bytes());
    let mut restored = monitor(&["br-lan"], TIGHT);
    snapshot::restore(&bytes, &mut restored).unwrap();
    assert_adds_up(&restored.ledgers()[0], "with a record of another kind");
}

/// Random changes to single records, under a right checksum: what passes adds up and can be used.
#[test]
fn forged_records_never_panic_and_never_cook_the_books() {
    let saved = encode(&filled(&["br-lan"], TIGHT, 300, 40, 5));
    let mut accepted = 0;
    for seed in 1..=1_000 {
        let mut random = books::Random::new(seed);
        let mut bytes = saved.clone();
        for _ in 0..=random.below(3) {
            let position = 14 + random.below(bytes.len() as u64 - 28) as usize;
            bytes[position] = random.below(256) as u8;
        }
        let end = bytes.len() - 4;
        let sum = snapshot::checksum(&bytes[..end]);
        bytes[end..].copy_from_slice(&sum.to_le_bytes());
        let mut target = monitor(&["br-lan"], TIGHT);
        if snapshot::restore(&bytes, &mut target).is_ok() {
            accepted += 1;
            for _ in 0..50 {
                target.observe(0, &random.frame(100), &[], duskwatch::time::Timestamp::from_seconds(seed));
            }
            target.settle(duskwatch::time::Timestamp::from_seconds(u64::MAX));
            assert_adds_up(&target.ledgers()[0], &format!("seed {seed}"));
        }
    }
    assert!(accepted > 0, "no change was harmless: the test tests nothing");
}

#[test]
fn contradictions_are_refused() {
    let bytes = encode(&filled(&["br-lan"], TIGHT, 300, 40, 5));
    let records: Vec<_> =
        snapshot::records(&bytes).unwrap().skip(1).map(|record| snapshot::decode(record).unwrap()).collect();
    assert!(snapshot::verify(&forge(&records)).is_ok());
    let refused = |change: &dyn Fn(&mut Vec<Record>)| {
        let mut records = records.clone();
        change(&mut records);
        assert_ne!(records.len(), 0);
        matches!(snapshot::verify(&forge(&records)), Err(Rejected::Invalid(_)))
    };
    let host = records.iter().position(|record| matches!(record, Record::Host(_))).unwrap();
    let port = records.iter().position(|record| matches!(record, Record::Port(_))).unwrap();
    assert!(refused(&|records| drop(records.remove(host))), "a host is missing");
    assert!(refused(&|records| records.insert(host, records[host].clone())), "a host is there twice");
    assert!(refused(&|records| records.swap(host, port)), "the order is wrong");
    assert!(refused(&|records| drop(records.remove(0))), "no interface");
    assert!(refused(&|records| records.extend(records.clone())), "an interface is there twice");
    assert!(refused(&|records| records.insert(3, Record::Header(Header::default()))), "two headers");
    assert!(
        refused(&|records| {
            if let Record::Port(port) = &mut records[port] {
                port.row = Some(60_000);
            }
        }),
        "a port of no host"
    );
    let peers = records.iter().position(|record| matches!(record, Record::Peers(_))).unwrap();
    for forged in [
        |peers: &mut snapshot::Peers| peers.first = 60_000,
        |peers: &mut snapshot::Peers| peers.second = 60_000,
        |peers: &mut snapshot::Peers| peers.second_sent.bytes = u64::MAX,
    ] {
        assert!(
            refused(&|records| {
                if let Record::Peers(peers) = &mut records[peers] {
                    forged(peers);
                }
            }),
            "peers of no host, and a counter beyond reason"
        );
    }
    for (row, received) in [(60_000, 1), (0, u64::MAX)] {
        let today = snapshot::Today { row, day: 1, received, sent: 0 };
        assert!(refused(&|records| records.push(Record::Today(today.clone()))), "a day of no host");
    }
    let warning = snapshot::Warning { target: "br-lan".try_into().unwrap(), bytes: 1, percent: 80 };
    for (place, bytes) in [(1, 1), (records.len(), 1), (0, u64::MAX)] {
        let warning = snapshot::Warning { bytes, ..warning.clone() };
        assert!(
            refused(&|records| records.insert(place, Record::Warning(warning.clone()))),
            "a warning within an interface, and one of too much"
        );
    }
    for (row, number) in [(None, 47), (Some(0), 256)] {
        assert!(
            refused(&|records| {
                if let Record::Port(port) = &mut records[port] {
                    (port.row, port.kind, port.port) = (row, snapshot::PortKind::Protocol, number);
                }
            }),
            "an interface's protocol, and one that is none"
        );
    }
    assert!(
        refused(&|records| {
            if let Record::Port(port) = &mut records[port] {
                port.inbound = Counters::new(0, u64::MAX);
            }
        }),
        "a counter beyond reason"
    );
    assert!(
        refused(&|records| {
            if let Record::Interface(interface) = &mut records[0] {
                interface.total.inbound.bytes += 1;
            }
        }),
        "a byte too many"
    );
    let last = records.iter().rposition(|record| matches!(record, Record::Account(_))).unwrap();
    let account_refused = |change: &dyn Fn(&mut snapshot::Account)| {
        refused(&|records| {
            if let Record::Account(account) = &mut records[last] {
                change(account);
            }
        })
    };
    assert!(account_refused(&|account| account.months[0][0] = u64::MAX), "a month of more than all");
    assert!(account_refused(&|account| account.ipv4.sent.bytes = 1 << 50), "more than there was");
    assert!(account_refused(&|account| account.ipv6.received.bytes = u64::MAX), "a counter beyond reason");
    assert!(
        account_refused(
            &|account| (account.owner, account.mac, account.network) = (snapshot::Owner::Device, None, None)
        ),
        "nobody's"
    );
    assert!(refused(&|records| records.swap(port, last)), "an account before a port");
    assert!(
        refused(&|records| {
            let Record::Account(account) = &records[last] else { return };
            let (ipv4, ipv6) = Default::default();
            let empty = [const { snapshot::AccountBars::new() }; 3];
            let [hours, days, months] = empty;
            let account = snapshot::Account { ipv4, ipv6, hours, days, months, ..account.clone() };
            records.extend((0..2_000).map(|_| Record::Account(account.clone())));
        }),
        "more than there can be"
    );
}

/// The formula of `duskwatch::limits` holds for the longest numbers.
#[test]
fn records_stay_within_their_bounds() {
    use duskwatch::limits::{
        SNAPSHOT_ACCOUNT_BYTES, SNAPSHOT_FILE_BYTES, SNAPSHOT_HOST_BYTES, SNAPSHOT_PEERS_BYTES,
        SNAPSHOT_PORT_BYTES, SNAPSHOT_TODAY_BYTES, SNAPSHOT_WARNING_BYTES,
    };
    let longest = Counters::new(u64::MAX, u64::MAX);
    let both = Traffic { sent: longest, received: longest };
    let directions =
        snapshot::ByDirection { inbound: longest, outbound: longest, internal: longest, transit: longest };
    let time = snapshot::Time { seconds: u64::MAX, micros: u32::MAX };
    let header = Header {
        format: u16::MAX,
        program: "x".repeat(32).as_str().try_into().unwrap(),
        saved: time,
        started: time,
        day: u32::MAX,
        written: u64::MAX,
    };
    let empty = |header: &Header| Writer::new(&mut [0; 4096], header).finish().unwrap().len();
    assert!(empty(&header) <= SNAPSHOT_FILE_BYTES);
    let length = |record: Record| {
        let mut buffer = [0; 4096];
        let mut writer = Writer::new(&mut buffer, &Header::default());
        writer.record(&record);
        writer.finish().expect("the record is not too long").len() - empty(&Header::default())
    };
    let host = length(Record::Host(snapshot::Host {
        row: u16::MAX,
        address: std::net::IpAddr::from([0xff; 16]),
        mac: Some(snapshot::MacAddress(duskwatch::packet::Mac([0xff; 6]))),
        local: true,
        segment: snapshot::Segment::Pinned,
        tcp: both,
        udp: both,
        icmp: both,
        other: both,
        first_seen: u32::MAX,
        last_seen: u32::MAX,
    }));
    assert!(host <= SNAPSHOT_HOST_BYTES, "a host takes {host} bytes");
    let port = length(Record::Port(snapshot::Port {
        row: Some(u16::MAX),
        kind: snapshot::PortKind::UdpRemote,
        port: u16::MAX,
        inbound: longest,
        outbound: longest,
        syns: u32::MAX,
    }));
    assert!(port <= SNAPSHOT_PORT_BYTES, "a port takes {port} bytes");
    let peers = length(Record::Peers(snapshot::Peers {
        first: u16::MAX,
        second: u16::MAX,
        first_sent: longest,
        second_sent: longest,
    }));
    assert!(peers <= SNAPSHOT_PEERS_BYTES, "peers take {peers} bytes");
    let (row, day) = (u16::MAX, u32::MAX);
    let today = length(Record::Today(snapshot::Today { row, day, received: u64::MAX, sent: u64::MAX }));
    assert!(today <= SNAPSHOT_TODAY_BYTES, "a day takes {today} bytes");
    let warning = length(Record::Warning(snapshot::Warning {
        target: "x".repeat(64).as_str().try_into().unwrap(),
        bytes: u64::MAX,
        percent: u8::MAX,
    }));
    assert!(warning <= SNAPSHOT_WARNING_BYTES, "a warning takes {warning} bytes");
    let protocol = length(Record::Protocol(snapshot::Protocol { number: 255, traffic: directions }));
    assert!(protocol <= 86, "a protocol takes {protocol} bytes");
    let bar = length(Record::Bar(snapshot::Bar {
        period: duskwatch::ledger::Period::Month,
        newest: i64::MIN,
        traffic: duskwatch::ledger::Bar { inbound: longest, outbound: longest, other: longest },
    }));
    assert!(bar <= 74, "a bar takes {bar} bytes");
    let count = |most: usize| (0..most).map(|_| [(1 << 48) - 1; 2]).collect();
    let account = length(Record::Account(snapshot::Account {
        owner: snapshot::Owner::Network,
        mac: Some(snapshot::MacAddress(duskwatch::packet::Mac([0xff; 6]))),
        network: Some(std::net::IpAddr::from([0xff; 16])),
        length: 128,
        first_seen: u32::MAX,
        last_seen: u32::MAX,
        ipv4: both,
        ipv6: both,
        until: i64::MIN,
        hours: count(24),
        days: count(31),
        months: count(24),
    }));
    assert!(account <= SNAPSHOT_ACCOUNT_BYTES, "an account takes {account} bytes");
    let reason = "x".repeat(32).as_str().try_into().unwrap();
    let discarded = length(Record::Discarded(snapshot::Discarded { reason, packets: u64::MAX }));
    assert!(discarded <= 48, "a discard takes {discarded} bytes");
    let interface = length(Record::Interface(snapshot::Interface {
        name: "x".repeat(64).as_str().try_into().unwrap(),
        role: duskwatch::network::Role::Wan,
        first: Some(time),
        last: time,
        captured: u64::MAX,
        non_ip: longest,
        total: directions,
        tcp_portless: directions,
        udp_portless: directions,
        hosts_evicted: u64::MAX,
        evicted: both,
        ports_evicted: u64::MAX,
    }));
    assert!(interface <= 512, "an interface takes {interface} bytes");
}

#[test]
fn a_buffer_too_small_is_an_answer_and_no_panic() {
    let saved = filled(&["br-lan"], TIGHT, 300, 40, 5);
    let whole = encode(&saved).len();
    for length in 0..whole {
        let mut buffer = vec![0; length];
        let mut writer = Writer::new(&mut buffer, &Header::default());
        writer.ledger(&saved.ledgers()[0]);
        assert!(writer.finish().is_none(), "{length} of {whole} bytes");
    }
}
