//! A disk that is full, and a program that is killed while it writes.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use duskwatch::daemon::evidence::ring::{Limits, Ring};

use crate::skip::skipped;
use crate::store::{ALL, NOON, Store, append, at, series};

/// Set for this test program, started again by a test: what it is to do, and where.
const TASK: &str = "DUSKWATCH_TEST_EVIDENCE";

/// More than the disk has room for.
const LARGE: Limits = Limits { bytes: 4 << 20, age: 86_400 };

/// Not a test: what others start.
#[test]
fn task() {
    let Some(task) = std::env::var_os(TASK) else { return };
    let task = task.into_string().expect("UTF-8");
    match task.split_once(':').expect("what and where") {
        ("fill", directory) => fill(Path::new(directory)),
        ("write", directory) => write_until_killed(Path::new(directory)),
        other => panic!("{other:?}"),
    }
}

fn myself(test: &str) -> Vec<String> {
    let program = std::env::current_exe().expect("a test is a program");
    let program = program.into_os_string().into_string().expect("UTF-8");
    vec![program, "--exact".into(), test.into(), "--nocapture".into(), "--test-threads=1".into()]
}

/// A directory for a test.
fn directory(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("duskwatch-disk-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a directory");
    path
}

#[test]
fn a_full_disk_loses_the_oldest_and_says_so() {
    let place = directory("full");
    let script = "mount -t tmpfs -o size=256k tmpfs \"$0\" || exit 77; exec \"$@\"";
    let status = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", script])
        .arg(&place)
        .args(myself("disk::task"))
        .env(TASK, format!("fill:{}", place.display()))
        .status();
    let _ = std::fs::remove_dir(&place);
    match status.map(|status| status.code()) {
        Ok(Some(0)) => {}
        Ok(Some(77 | 1)) | Err(_) if !rustix::process::geteuid().is_root() => {
            skipped("a_full_disk_loses_the_oldest_and_says_so", "needs a mount namespace");
        }
        other => panic!("{other:?}"),
    }
}

/// On a disk of 256 KiB, a part of which somebody else takes.
fn fill(directory: &Path) {
    // What is rounded up to pages counts for the disk, too; so do half of it here.
    let mut ring = Ring::open(directory, LARGE, at(NOON)).expect("a directory");
    let other = directory.join("other");
    std::fs::write(&other, vec![1; 100 << 10]).expect("room for it");
    let statistics = |ring: &Ring| duskwatch::daemon::evidence::ring::lock(&ring.index()).statistics;
    for round in 0..200 {
        append(&mut ring, &series(round * 20..(round + 1) * 20));
    }
    // One segment is half a megabyte and never fits: what did not, is counted, and what did, is whole.
    let seen = statistics(&ring);
    assert_eq!(seen.written + seen.failed, 4000);
    assert!(seen.written > 500 && (seen.given_up > 0 || seen.failed > 0), "{seen:?}");
    let on_disk: u64 = crate::store::files(directory)
        .iter()
        .filter(|(path, _)| path.to_string_lossy().contains("evidence-"))
        .map(|(_, bytes)| bytes)
        .sum();
    assert_eq!(on_disk, seen.bytes);
    drop(ring);

    // With segments that fit, the newest packets are always there.
    for (path, _) in crate::store::files(directory) {
        std::fs::remove_file(path).expect("it is ours");
    }
    std::fs::write(&other, vec![1; 100 << 10]).expect("room for it");
    let limits = Limits { bytes: 256 << 10, ..LARGE };
    let mut ring = Ring::open(directory, limits, at(NOON)).expect("a directory");
    for round in 0..200 {
        append(&mut ring, &series(round * 20..(round + 1) * 20));
    }
    let seen = statistics(&ring);
    assert_eq!((seen.written, seen.failed), (4000, 0));
    assert!(seen.given_up > 0, "{seen:?}");
    std::fs::remove_file(&other).expect("it is ours");
    let mut again = Ring::open(directory, limits, at(NOON)).expect("what is there is whole");
    append(&mut again, &series(4000..4001));
    let found = duskwatch::daemon::evidence::ring::lock(&again.index()).segments.len();
    assert!(found >= 4, "{found} segments");
}

fn write_until_killed(directory: &Path) {
    let mut ring = Ring::open(directory, Limits { bytes: 256 << 10, age: 86_400 }, at(NOON)).expect("a ring");
    println!("writing");
    std::io::stdout().flush().expect("somebody listens");
    for round in 0.. {
        append(&mut ring, &series(round * 7..(round + 1) * 7));
    }
}

#[test]
fn a_program_that_is_killed_leaves_whole_packets() {
    let limits = Limits { bytes: 256 << 10, age: 86_400 };
    for pause in [1, 3, 7, 20, 55] {
        let mut store = Store::new(&format!("killed-{pause}"), limits);
        let command = myself("disk::task");
        let mut child = Command::new(&command[0])
            .args(&command[1..])
            .env(TASK, format!("write:{}", store.directory.display()))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test starts twice");
        let mut output = std::io::BufReader::new(child.stdout.take().expect("it is piped"));
        let mut line = String::new();
        while !line.contains("writing") {
            line.clear();
            assert!(std::io::BufRead::read_line(&mut output, &mut line).expect("UTF-8") > 0, "it ended");
        }
        // Wherever this hits it.
        thread::sleep(Duration::from_millis(pause));
        child.kill().expect("it runs");
        child.wait().expect("it was started");
        store.reopen(NOON);
        let marks = store.marks(ALL);
        assert!(marks.windows(2).all(|pair| pair[0] + 1 == pair[1]), "packets are missing: {marks:?}");
        let next = marks.last().map_or(0, |last| last + 1);
        store.append(&series(next..next + 5));
        assert_eq!(store.marks(ALL).last(), Some(&(next + 4)));
    }
}
