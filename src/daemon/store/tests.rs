//! What is on disk at every moment, what it costs, and what becomes of bad files.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::*;
use crate::daemon::names::Options;
use crate::darknet::Darknet;
use crate::ledger::{Capacity, Ledger};
use crate::limits::{DEVICE_NAMES_FILE_BYTES_MAX, SNAPSHOT_FILE_BYTES_MAX};
use crate::network::{Networks, Role};
use crate::packet::{Decoded, Mac, Packet};
use crate::table::Seed;
use files::Step;

/// A directory that goes when the test ends.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("duskwatch-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub fn monitor() -> Mutex<Monitor> {
    monitor_of("br-lan")
}

fn monitor_of(interface: &str) -> Mutex<Monitor> {
    let capacity = Capacity { hosts: 16, port_rows: 64, devices: 8 };
    let ledger =
        Ledger::new(interface, Role::Lan, Networks::private(), capacity, Seed::new(1 << 60, 7 << 60));
    Mutex::new(Monitor::new(vec![ledger], Darknet::new(&[], 0, Seed::new(1, 0)).unwrap()))
}

pub fn now(uptime: u64, wall: u64) -> Now {
    Now { uptime: Duration::from_secs(uptime), wall: Timestamp::from_seconds(wall) }
}

/// Inbound packets of 100 bytes.
pub fn observe(monitor: &Mutex<Monitor>, seconds: u64, packets: u32) {
    let packet = Packet {
        source: IpAddr::from([8, 8, 8, 8]).into(),
        destination: IpAddr::from([192, 168, 1, 5]).into(),
        bytes: 100,
        protocol: 1,
        ..Packet::default()
    };
    for _ in 0..packets {
        lock(monitor).observe(0, &Decoded::Packet(packet), &[], Timestamp::from_seconds(seconds));
    }
}

const START: u64 = 20_000 * 86_400;

fn config(folder: &Path) -> config::Store {
    config::Store {
        directory: Some(folder.to_owned()),
        interval: 3_600,
        flash_budget: None,
        import: None,
        export: None,
        daylog: None,
    }
}

fn open_store(config: &config::Store, monitor: &Mutex<Monitor>, now: Now) -> Store {
    Store::new(config, &lock(monitor), now)
}

/// The packets that a new start finds, or `None` if it starts from nothing.
fn restored(folder: &Folder) -> Option<u64> {
    let monitor = monitor();
    let mut store = open_store(&config(&folder.0), &monitor, now(0, START));
    store.start(&monitor).then(|| captured(&monitor))
}

/// A snapshot of books with this many packets.
fn snapshot_of(packets: u32) -> Vec<u8> {
    let monitor = monitor();
    observe(&monitor, START, packets);
    let mut buffer = vec![0; snapshot::size_max(&lock(&monitor))];
    encode(&mut buffer, &monitor, &Header::default(), Timestamp::from_seconds(START)).unwrap().to_vec()
}

#[test]
fn a_power_cut_at_any_step_leaves_a_complete_snapshot() {
    for cut in 0..=Step::ALL.len() {
        let folder = Folder::new(&format!("cut-{cut}"));
        let generations = Generations::new(folder.0.clone());
        generations.save(&snapshot_of(1)).unwrap();
        generations.save(&snapshot_of(2)).unwrap();
        for step in &Step::ALL[..cut] {
            generations.take(*step, &snapshot_of(3)).unwrap();
        }
        let newest = if cut == 0 { 2 } else { 3 };
        assert_eq!(restored(&folder), Some(newest), "cut after {cut} steps");
        // A second cut, in the middle of the next write, whatever the first has left.
        let next = snapshot_of(4);
        for length in [0, 1, 13, next.len() / 2, next.len() - 1] {
            generations.take(Step::Write, &next[..length]).unwrap();
            assert_eq!(restored(&folder), Some(newest), "cut after {cut} steps and {length} bytes");
        }
        generations.save(&next).unwrap();
        assert_eq!(restored(&folder), Some(4));
        assert!(folder.names().len() <= 2, "{:?}", folder.names());
    }
}

#[test]
fn only_what_has_changed_is_saved_and_only_when_it_is_time() {
    let folder = Folder::new("interval");
    let monitor = monitor();
    let mut store = open_store(&config(&folder.0), &monitor, now(10, START));
    assert!(!store.start(&monitor));
    observe(&monitor, START, 5);
    assert_eq!(store.poll(&monitor, now(3_609, START + 3_599)), Some(Duration::from_secs(3_610)));
    assert_eq!(store.status().saves, 0);
    assert_eq!(store.poll(&monitor, now(3_610, START + 3_600)), Some(Duration::from_secs(7_210)));
    assert_eq!(store.status().saves, 1);
    store.poll(&monitor, now(7_210, START + 7_200));
    store.request(&monitor, now(7_211, START + 7_201));
    store.close(&monitor, now(7_212, START + 7_202));
    assert_eq!(store.status().saves, 1, "nothing has changed");
    observe(&monitor, START, 1);
    store.request(&monitor, now(7_213, START + 7_203));
    assert_eq!(store.status().saves, 2);
    assert_eq!(folder.names(), ["duskwatch.snapshot", "duskwatch.snapshot.1"]);
    assert_eq!(restored(&folder), Some(6));
}

#[test]
fn the_start_of_counting_and_the_bytes_of_the_day_survive_a_restart() {
    let folder = Folder::new("restart");
    let first = monitor();
    let mut store = open_store(&config(&folder.0), &first, now(0, START));
    observe(&first, START, 5);
    store.close(&first, now(60, START + 60));
    let written = store.status().written_today;
    assert_eq!(written, std::fs::metadata(folder.path("duskwatch.snapshot")).unwrap().len());

    let second = monitor();
    let mut store = open_store(&config(&folder.0), &second, now(0, START + 100));
    assert!(store.start(&second));
    let status = store.status();
    assert_eq!(status.started, Timestamp::from_seconds(START));
    assert_eq!(status.saved, Some(Timestamp::from_seconds(START + 60)));
    assert_eq!(status.written_today, written);
    observe(&second, START + 100, 5);
    store.close(&second, now(1, START + 101));
    assert!(store.status().written_today >= 2 * written);
}

/// A month of minutes with a packet in each: the budget holds on every day, the interval grows, and the
/// end of the program is always saved.
#[test]
fn the_flash_budget_is_never_exceeded() {
    let folder = Folder::new("budget");
    let size = snapshot_of(1_000).len() as u64 + 4_096;
    let config = config::Store { flash_budget: Some(6 * size), ..config(&folder.0) };
    let mut wall = START + 5_000;
    let mut saves = 0;
    for run in 0..4 {
        let monitor = monitor();
        let mut store = open_store(&config, &monitor, now(0, wall));
        assert_eq!(store.start(&monitor), run > 0);
        for minute in 1..=8 * 1_440 {
            wall += 60;
            observe(&monitor, wall, 1);
            store.poll(&monitor, now(minute * 60, wall));
            assert!(store.status().written_today <= 6 * size);
        }
        let status = store.status();
        assert!(status.saves >= 8 * 4, "{} snapshots in 8 days", status.saves);
        assert!(status.interval > 3_600, "every {} seconds", status.interval);
        store.close(&monitor, now(8 * 86_400, wall));
        assert_eq!(store.status().saves, status.saves + 1, "the reserve is for the end");
        assert!(store.status().written_today <= 6 * size);
        saves += store.status().saves;
    }
    assert!(saves > 4 * 8 * 4);
}

#[test]
fn a_budget_for_one_snapshot_is_kept_for_the_end() {
    let folder = Folder::new("reserve");
    let size = snapshot_of(5).len() as u64;
    let config = config::Store { flash_budget: Some(size * 3 / 2), ..config(&folder.0) };
    let monitor = monitor();
    let mut store = open_store(&config, &monitor, now(0, START));
    observe(&monitor, START, 5);
    store.poll(&monitor, now(3_600, START + 1));
    store.request(&monitor, now(3_601, START + 2));
    assert_eq!((store.status().saves, store.status().refused), (0, 2));
    store.close(&monitor, now(3_602, START + 3));
    assert_eq!(store.status().saves, 1);
    observe(&monitor, START, 5);
    store.close(&monitor, now(3_603, START + 4));
    assert_eq!((store.status().saves, store.status().refused), (1, 3), "nothing is left of the day");
}

#[test]
fn bad_files_are_set_aside_and_the_older_generation_serves() {
    let newer = {
        let mut bytes = snapshot_of(9);
        bytes[12] = 9;
        bytes
    };
    let damaged = snapshot_of(9)[..100].to_vec();
    for bad in [newer, damaged, b"no snapshot".to_vec(), Vec::new()] {
        let folder = Folder::new("bad");
        let generations = Generations::new(folder.0.clone());
        generations.save(&snapshot_of(1)).unwrap();
        generations.save(&bad).unwrap();
        assert_eq!(restored(&folder), Some(1));
        assert_eq!(std::fs::read(folder.path("duskwatch.snapshot.bad")).unwrap(), bad);
        assert_eq!(restored(&folder), Some(1));

        std::fs::write(folder.path("duskwatch.snapshot.1"), b"bad as well").unwrap();
        std::fs::write(folder.path("duskwatch.snapshot"), &bad).unwrap();
        assert_eq!(restored(&folder), None);
        assert_eq!(std::fs::read(folder.path("duskwatch.snapshot.bad")).unwrap(), bad, "the newer one");
        generations.save(&snapshot_of(2)).unwrap();
        assert_eq!(restored(&folder), Some(2));
    }
}

#[test]
fn a_snapshot_that_cannot_be_read_is_set_aside_and_not_overwritten() {
    let folder = Folder::new("unreadable");
    let generations = Generations::new(folder.0.clone());
    generations.save(&snapshot_of(1)).unwrap();
    generations.save(&snapshot_of(2)).unwrap();
    // Root can read whatever is no larger.
    let length = SNAPSHOT_FILE_BYTES_MAX + 1;
    let large = std::fs::File::options().write(true).open(folder.path("duskwatch.snapshot")).unwrap();
    large.set_len(length).unwrap();
    assert_eq!(restored(&folder), Some(1));
    generations.save(&snapshot_of(3)).unwrap();
    generations.save(&snapshot_of(4)).unwrap();
    assert_eq!(std::fs::metadata(folder.path("duskwatch.snapshot.bad")).unwrap().len(), length);
    assert_eq!(restored(&folder), Some(4));
}

/// What a start finds that watches this interface, before some snapshots are written of one more packet each.
fn run(folder: &Folder, interface: &str, saves: u64) -> u64 {
    let monitor = monitor_of(interface);
    let mut store = open_store(&config(&folder.0), &monitor, now(0, START));
    let found = if store.start(&monitor) { captured(&monitor) } else { 0 };
    for save in 1..=saves {
        observe(&monitor, START, 1);
        store.request(&monitor, now(save, START + save));
    }
    found
}

#[test]
fn a_snapshot_of_other_interfaces_comes_back_with_them() {
    // It is the newest that comes back, however many of the other interface follow.
    for saves in 0..4 {
        let folder = Folder::new("other");
        assert_eq!(run(&folder, "br-lan", 3), 0);
        assert_eq!(run(&folder, "wan", saves), 0, "{saves}");
        assert_eq!(run(&folder, "br-lan", 0), 3, "{saves}");
    }
    let folder = Folder::new("other");
    assert_eq!(run(&folder, "br-lan", 3), 0);
    assert_eq!(run(&folder, "wan", 7), 0);
    for _ in 0..2 {
        assert_eq!(run(&folder, "br-lan", 0), 3);
        assert_eq!(run(&folder, "wan", 0), 7);
    }
    // A power cut while they change places.
    std::fs::rename(folder.path("duskwatch.snapshot.other"), folder.path("duskwatch.snapshot.new")).unwrap();
    assert_eq!(run(&folder, "br-lan", 0), 3);
    assert_eq!(run(&folder, "wan", 0), 7);
    std::fs::rename(folder.path("duskwatch.snapshot.other"), folder.path("duskwatch.snapshot.new")).unwrap();
    assert_eq!(run(&folder, "wan", 0), 7);
    assert_eq!(run(&folder, "br-lan", 0), 3);
}

#[test]
fn an_upload_of_other_interfaces_changes_nothing() {
    let folder = Folder::new("upload-other");
    assert_eq!(run(&folder, "wan", 2), 0);
    let upload = std::fs::read(folder.path("duskwatch.snapshot")).unwrap();
    let folder = Folder::new("upload");
    assert_eq!(run(&folder, "br-lan", 3), 0);
    let files = || folder.names().iter().map(|name| std::fs::read(folder.path(name)).unwrap()).collect();
    let before: Vec<_> = files();
    let monitor = monitor();
    let mut store = open_store(&config(&folder.0), &monitor, now(0, START + 9));
    assert!(store.start(&monitor));
    let refused = store.replace(&monitor, now(1, START + 10), &upload).unwrap_err();
    assert_eq!(refused, "it has no books of an interface that is watched now");
    assert_eq!((captured(&monitor), files()), (3, before));
}

#[test]
fn a_directory_that_fails_is_tried_again_and_counted() {
    let folder = Folder::new("fails");
    let missing = folder.path("later");
    let monitor = monitor();
    let mut store = open_store(&config(&missing), &monitor, now(0, START));
    assert!(!store.start(&monitor));
    observe(&monitor, START, 5);
    for hour in 1..=3 {
        store.poll(&monitor, now(hour * 3_600, START + hour * 3_600));
    }
    assert_eq!((store.status().failures, store.status().saves), (3, 0));
    std::fs::create_dir(&missing).unwrap();
    store.poll(&monitor, now(4 * 3_600, START + 4 * 3_600));
    assert_eq!((store.status().failures, store.status().saves), (3, 1));
}

#[test]
fn a_write_that_fails_does_not_harm_what_is_there() {
    let folder = Folder::new("full");
    let generations = Generations::new(folder.0.clone());
    generations.save(&snapshot_of(1)).unwrap();
    // What stands in the way of the new file makes the write fail for root as well.
    std::fs::create_dir(folder.path("duskwatch.snapshot.new")).unwrap();
    assert!(generations.save(&snapshot_of(2)).unwrap_err().contains("cannot save the snapshot"));
    assert_eq!(restored(&folder), Some(1));
}

#[test]
fn pipes_and_links_are_no_snapshots() {
    let folder = Folder::new("pipes");
    let pipe = folder.path("duskwatch.snapshot");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert_eq!(restored(&folder), None);
    let target = folder.path("target");
    std::os::unix::fs::symlink(&target, folder.path("duskwatch.snapshot.new")).unwrap();
    assert!(Generations::new(folder.0.clone()).save(&snapshot_of(1)).is_err());
    assert!(!target.exists());
}

#[test]
fn an_export_is_written_on_request_and_imported_at_start() {
    let folder = Folder::new("export");
    let path = folder.path("books.json");
    let first = monitor();
    let exporting = config::Store { directory: None, export: Some(path.clone()), ..config(&folder.0) };
    let mut store = open_store(&exporting, &first, now(0, START));
    assert_eq!(store.poll(&first, now(9_999, START)), None);
    observe(&first, START, 5);
    store.request(&first, now(1, START + 1));
    assert_eq!(folder.names(), ["books.json"]);

    let second = monitor();
    let importing = config::Store { import: Some(path.clone()), ..config(&folder.0) };
    let mut store = open_store(&importing, &second, now(0, START + 9));
    assert!(store.start(&second));
    assert_eq!(captured(&second), 5);
    assert_eq!(store.status().started, Timestamp::from_seconds(START));
    store.close(&second, now(1, START + 10));
    assert_eq!(store.status().saves, 1, "what was imported is saved");

    std::fs::write(&path, "{}\n").unwrap();
    let third = monitor();
    let mut store = open_store(&importing, &third, now(0, START + 20));
    assert!(store.start(&third), "the snapshot serves, the import is not looked at");
    std::fs::remove_file(folder.path("duskwatch.snapshot")).unwrap();
    let fourth = monitor();
    assert!(!open_store(&importing, &fourth, now(0, START + 20)).start(&fourth));
    assert_eq!(captured(&fourth), 0);
}

const PHONE: Mac = Mac([2, 0, 0, 0, 0, 5]);

#[test]
fn names_are_kept_if_they_changed_and_within_the_budget() {
    let folder = Folder::new("names");
    let config = config::Store { flash_budget: Some(3_000), ..config(&folder.0) };
    let monitor = monitor();
    let mut store = Store::new(&config, &lock(&monitor), now(0, 1_000));
    let names = Names::none();
    store.keep(names.clone(), now(0, 1_000));
    store.poll(&monitor, now(60, 1_060));
    assert_eq!(folder.names(), [""; 0], "there is nothing to keep");
    names.rename(PHONE, "Anna").unwrap();
    store.poll(&monitor, now(61, 1_061));
    let file = folder.path("duskwatch.names");
    let line = "own 02:00:00:00:00:05 Anna\n";
    assert_eq!(std::fs::read_to_string(&file).unwrap(), line, "at once");
    assert_eq!(store.status().written_today, line.len() as u64);
    store.poll(&monitor, now(120, 1_120));
    names.rename(PHONE, "Anna").unwrap();
    store.poll(&monitor, now(121, 1_121));
    assert_eq!(store.status().written_today, line.len() as u64, "nothing has changed");

    let mut again = Store::new(&config, &lock(&monitor), now(0, 2_000));
    let restored = Names::none();
    again.keep(restored.clone(), now(0, 2_000));
    assert_eq!(restored.device(PHONE).unwrap(), "Anna");
    for number in 0..1_000 {
        restored.rename(PHONE, &format!("Anna {number}")).unwrap();
        again.poll(&monitor, now(1 + number, 2_000));
    }
    assert!(again.status().written_today <= 3_000 - line.len() as u64, "the rest is for the end");
    again.close(&monitor, now(1_002, 2_000));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "own 02:00:00:00:00:05 Anna 999\n");
    assert_eq!(folder.names(), ["duskwatch.names"]);
}

#[test]
fn names_are_not_written_for_their_order() {
    let folder = Folder::new("names-order");
    let leases = folder.path("leases");
    let line = |number: u8| format!("0 02:00:00:00:00:0{number} 192.168.1.{number} a *\n");
    std::fs::write(&leases, line(1) + &line(2)).unwrap();
    let options = Options { leases: vec![leases.clone()], ..Options::none() };
    let names = Names::new(options, now(0, START).wall).unwrap();
    let monitor = monitor();
    let mut store = open_store(&config(&folder.0), &monitor, now(0, START));
    store.keep(names.clone(), now(0, START));
    store.request(&monitor, now(1, START + 1));
    let kept = || std::fs::read_to_string(folder.path("duskwatch.names")).unwrap();
    let (one, two) = ("last 02:00:00:00:00:01 a\n", "last 02:00:00:00:00:02 a\n");
    assert_eq!(kept(), [one, two].concat());
    std::fs::write(&leases, line(1)).unwrap();
    names.reload(now(2, START + 2).wall);
    assert_eq!(names.kept(), [two, one].concat());
    store.request(&monitor, now(3, START + 3));
    assert_eq!(kept(), [one, two].concat());
    names.rename(Mac([2, 0, 0, 0, 0, 2]), "b").unwrap();
    store.request(&monitor, now(4, START + 4));
    assert_eq!(kept(), ["own 02:00:00:00:00:02 b\n", two, one].concat(), "it goes with the next change");
}

/// What a start makes of this file of names: what it takes over, and what is there after a first look.
fn start_with_names(folder: &Folder) -> (String, Vec<String>) {
    let monitor = monitor();
    let mut store = open_store(&config(&folder.0), &monitor, now(0, START));
    let names = Names::none();
    store.keep(names.clone(), now(0, START));
    let kept = names.kept();
    store.poll(&monitor, now(1, START + 1));
    (kept, folder.names())
}

#[test]
fn a_file_of_names_with_a_mistake_is_kept_and_its_good_lines_are_written_again() {
    let good = "own 02:00:00:00:00:05 Anna\n";
    let long = format!("{good}{}", " \n".repeat(DEVICE_NAMES_FILE_BYTES_MAX as usize / 2));
    for bad in [format!("{good}owm 02:00:00:00:00:06 Ben\n"), long] {
        let folder = Folder::new("names-mistake");
        std::fs::write(folder.path("duskwatch.names"), &bad).unwrap();
        for _ in 0..2 {
            let (kept, files) = start_with_names(&folder);
            assert_eq!(
                (kept.as_str(), files),
                (good, vec!["duskwatch.names".into(), "duskwatch.names.bad".into()])
            );
            assert_eq!(std::fs::read_to_string(folder.path("duskwatch.names")).unwrap(), good);
            assert_eq!(std::fs::read_to_string(folder.path("duskwatch.names.bad")).unwrap(), bad);
        }
    }
}

#[test]
fn a_file_of_names_that_cannot_be_read_is_not_overwritten() {
    let folder = Folder::new("names-unreadable");
    // Root can read whatever is a file.
    std::fs::create_dir(folder.path("duskwatch.names")).unwrap();
    assert_eq!(start_with_names(&folder), (String::new(), vec!["duskwatch.names.bad".to_owned()]));
}

#[test]
fn a_name_is_not_cut_at_the_end_of_what_is_read_of_a_file() {
    let folder = Folder::new("names-cut");
    let line = "own 02:00:00:00:00:05 Anna";
    let room = DEVICE_NAMES_FILE_BYTES_MAX as usize - line.len() + 2;
    std::fs::write(folder.path("duskwatch.names"), format!("{}{line}\n", "\n".repeat(room))).unwrap();
    assert_eq!(start_with_names(&folder).0, "");
}
