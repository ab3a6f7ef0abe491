//! What the ring keeps, and for how long.

use std::fs::{self, OpenOptions};
use std::net::Ipv4Addr;

use duskwatch::daemon::evidence::ring::Limits;
use duskwatch::daemon::evidence::walk::Selection;
use duskwatch::limits::{EVIDENCE_BYTES_MIN, EVIDENCE_SEGMENTS_MAX};

use crate::store::{ALL, NOON, Sent, Store, at, series};

const SMALL: Limits = Limits { bytes: EVIDENCE_BYTES_MIN, age: 86_400 };

#[test]
fn never_more_bytes_than_asked_for_and_the_newest_packets() {
    let mut store = Store::new("bytes", SMALL);
    for round in 0..100 {
        store.append(&series(round * 17..(round + 1) * 17));
        assert!(store.bytes() <= SMALL.bytes, "{} bytes", store.bytes());
        assert_eq!(store.bytes(), store.statistics().bytes);
    }
    let marks = store.marks(ALL);
    assert!(marks.len() > 150 && marks.len() < 1700, "{} packets", marks.len());
    let oldest = 1700 - marks.len() as u32;
    assert_eq!(marks, (oldest..1700).collect::<Vec<_>>());
    // What goes at once is one part in eight.
    assert!(store.bytes() > SMALL.bytes * 3 / 4, "{} bytes", store.bytes());
    assert!(store.files().iter().all(|(_, bytes)| *bytes <= SMALL.bytes / 8));
    assert_eq!((store.statistics().written, store.statistics().failed), (1700, 0));
}

#[test]
fn a_packet_that_is_too_old_is_erased_and_no_other() {
    let mut store = Store::new("age", Limits { age: 100, ..SMALL });
    store.append(&series(0..30));
    for now in [100, 110, 129] {
        store.ring.sweep(at(NOON + now));
        let left: Vec<u32> = (now as u32 - 100..30).collect();
        assert_eq!(store.marks(ALL), left, "after {now} s");
        let (file, _) = &store.files()[0];
        let bytes = fs::read(file).unwrap();
        for mark in 0_u32..30 {
            let is_there = bytes.windows(8).any(|part| part == [&mark.to_be_bytes()[..], b"...."].concat());
            assert_eq!(is_there, left.contains(&mark), "{mark} after {now} s");
        }
        // A run that begins now finds the same.
        store.reopen(NOON + now);
        assert_eq!(store.marks(ALL), left);
    }
    store.ring.sweep(at(NOON + 130));
    assert_eq!((store.files().len(), store.statistics().bytes), (0, 0));
    store.append(&series(40..41));
    assert_eq!(store.marks(ALL), [40]);
}

#[test]
fn a_clock_that_goes_back_erases_nothing() {
    let mut store = Store::new("back", Limits { age: 100, ..SMALL });
    store.append(&series(0..5));
    store.ring.sweep(at(5));
    assert_eq!(store.marks(ALL).len(), 5);
}

#[test]
fn the_next_run_goes_on() {
    let mut store = Store::new("again", SMALL);
    for run in 0..3 * EVIDENCE_SEGMENTS_MAX as u32 {
        store.append(&series(run..run + 1));
        store.reopen(NOON);
        assert_eq!(store.marks(ALL), (0..=run).collect::<Vec<_>>());
    }
    let per_file = store.files().iter().map(|(_, bytes)| *bytes).max().unwrap();
    assert!(per_file > SMALL.bytes / 16, "a segment is continued: {:?}", store.files());
}

#[test]
fn a_torn_end_is_cut_wherever_it_is_torn() {
    let mut store = Store::new("torn", SMALL);
    store.append(&series(0..3));
    let (file, length) = store.files().remove(0);
    let whole = fs::read(&file).unwrap();
    store.append(&series(3..4));
    let longer = fs::read(&file).unwrap();
    assert_eq!(longer[..length as usize], whole);
    for end in length as usize..longer.len() {
        for garbage in [&b""[..], &[0xff; 50], b"\x06\0\0\0\xff\xff\xff\xff"] {
            fs::write(&file, [&longer[..end], garbage].concat()).unwrap();
            store.reopen(NOON);
            assert_eq!(store.marks(ALL), [0, 1, 2], "torn after {end} bytes");
            assert_eq!(store.bytes(), length);
        }
    }
    store.append(&series(7..9));
    store.reopen(NOON);
    assert_eq!(store.marks(ALL), [0, 1, 2, 7, 8]);
}

#[test]
fn what_is_none_of_ours_is_removed_or_left_alone() {
    let mut store = Store::new("foreign", SMALL);
    store.append(&series(0..2));
    for (name, bytes) in [
        ("evidence-00000000000000000007.pcapng", &b"GET / HTTP/1.1"[..]),
        ("evidence-00000000000000000008.pcapng", b""),
        ("evidence-18446744073709551615.pcapng", &fs::read(&store.files()[0].0).unwrap()),
        ("notes.txt", b"mine"),
    ] {
        fs::write(store.directory.join(name), bytes).unwrap();
    }
    std::os::unix::fs::symlink("notes.txt", store.directory.join("evidence-00000000000000000009.pcapng"))
        .unwrap();
    store.reopen(NOON);
    assert_eq!(fs::read(store.directory.join("notes.txt")).unwrap(), b"mine");
    assert_eq!((store.marks(ALL), store.files().len()), (vec![0, 1], 2));
    store.append(&series(2..3));
    assert_eq!(store.marks(ALL), [0, 1, 2]);
}

#[test]
fn damage_in_the_middle_costs_what_is_behind_it_in_its_segment() {
    let mut store = Store::new("damage", SMALL);
    store.append(&series(0..200));
    let files = store.files();
    assert!(files.len() > 2);
    let whole = store.marks(ALL);
    for seed in 0..200_u64 {
        let mut bytes = fs::read(&files[1].0).unwrap();
        let place = (seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 20) as usize % bytes.len();
        let kept = bytes[place];
        bytes[place] ^= 1 << (seed % 8);
        fs::write(&files[1].0, &bytes).unwrap();
        let marks = store.marks(ALL);
        assert!(marks.len() <= whole.len() && marks.first() == whole.first() && marks.last() == whole.last());
        store.ring.sweep(at(NOON));
        bytes[place] = kept;
        fs::write(&files[1].0, &bytes).unwrap();
    }
    assert_eq!(store.marks(ALL), whole);
}

#[test]
fn a_way_ends_though_more_comes_and_goes_on_though_files_go() {
    let mut store = Store::new("way", SMALL);
    store.append(&series(0..100));
    let mut walk = duskwatch::daemon::evidence::walk::Walk::new(store.ring.index(), &store.directory, ALL);
    let mut marks = 0;
    let mut next = 100;
    loop {
        match walk.step() {
            duskwatch::daemon::evidence::walk::Step::Packet => {
                marks += 1;
                // For each packet that is read, ten come.
                store.append(&series(next..next + 10));
                next += 10;
            }
            duskwatch::daemon::evidence::walk::Step::Passed => {}
            duskwatch::daemon::evidence::walk::Step::End => break,
        }
    }
    assert!((1..=100).contains(&marks), "{marks}");
}

#[test]
fn packets_are_selected_by_source_and_time() {
    let mut store = Store::new("selected", SMALL);
    let mut packets = series(0..20);
    for sent in packets.iter_mut().filter(|sent| sent.mark % 2 == 1) {
        sent.source = Ipv4Addr::new(192, 168, 1, 58);
    }
    store.append(&packets);
    let source = Some(std::net::IpAddr::from([192, 168, 1, 58]).into());
    assert_eq!(store.marks(Selection { source, ..ALL }), (0..10).map(|n| 2 * n + 1).collect::<Vec<_>>());
    let some = Selection { source, from: NOON + 5, to: NOON + 9 };
    assert_eq!(store.marks(some), [5, 7, 9]);
    assert!(store.marks(Selection { from: NOON + 20, ..ALL }).is_empty());
}

#[test]
fn the_ends_of_an_alerted_source_stay_when_the_ring_has_lost_them() {
    let mut store = Store::new("ends", SMALL);
    let scanner = Ipv4Addr::new(192, 168, 1, 99);
    let scan = |mark, is_alert| Sent { source: scanner, is_alert, ..series(mark..mark + 1).remove(0) };
    // A slow one: its first packets are on disk long before the fourth makes it an alert.
    for mark in 0..6 {
        store.append(&[scan(mark, mark >= 3)]);
    }
    assert!(store.has_alert(scanner));
    for mark in 6..30 {
        store.append(&[scan(mark, true)]);
    }
    let all: Vec<u32> = (0..30).collect();
    assert_eq!(store.marks(ALL), all, "nothing is there twice");
    // Noise of others drives them out.
    store.append(&series(100..1100));
    let marks = store.marks(ALL);
    assert_eq!(marks[..8], [0, 1, 2, 3, 26, 27, 28, 29]);
    assert!(marks[8] > 100 && *marks.last().unwrap() == 1099);
    let source = Some(std::net::IpAddr::from(scanner).into());
    assert_eq!(store.marks(Selection { source, ..ALL }), [0, 1, 2, 3, 26, 27, 28, 29]);
    // And one more, which is in the ring and in memory.
    store.append(&[scan(2000, true)]);
    assert_eq!(store.marks(Selection { source, ..ALL }), [0, 1, 2, 3, 27, 28, 29, 2000]);
    // Age holds for memory as well.
    store.ring.sweep(at(NOON + 2000 + SMALL.age));
    assert_eq!(store.marks(Selection { source, ..ALL }), [2000]);
    store.ring.sweep(at(NOON + 2001 + SMALL.age));
    assert!(!store.has_alert(scanner));
}

#[test]
fn two_interfaces_keep_their_names_over_runs() {
    let mut store = Store::new("interfaces", SMALL);
    for mark in 0..6 {
        let sent = Sent { interface: mark as usize % 2, ..series(mark..mark + 1).remove(0) };
        store.append(&[sent]);
        store.reopen(NOON);
    }
    assert_eq!(store.marks(ALL), [0, 1, 2, 3, 4, 5]);
    let (file, _) = store.files().remove(0);
    let bytes = fs::read(file).unwrap();
    let descriptions = bytes.windows(6).filter(|name| *name == b"br-lan").count();
    assert_eq!(descriptions, 1, "an interface is described once");
}

#[test]
fn a_directory_that_goes_away_costs_packets_and_nothing_else() {
    let mut store = Store::new("gone", SMALL);
    fs::remove_dir_all(&store.directory).unwrap();
    store.append(&series(0..3));
    assert_eq!((store.statistics().written, store.statistics().failed), (0, 3));
    fs::create_dir(&store.directory).unwrap();
    store.append(&series(3..5));
    assert_eq!(store.marks(ALL), [3, 4]);
    // A file in a new segment's place holds nothing.
    let next = store.directory.join("evidence-00000000000000000005.pcapng");
    OpenOptions::new().write(true).create_new(true).open(next).unwrap();
    store.reopen(NOON);
    assert_eq!(store.marks(ALL), [3, 4]);
}
