//! Files that are not what they should be, and disks that are full.

use std::fs;
use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::netns::{lab, wait_until};
use crate::program::Program;
use crate::scene::{Folder, Pair, cable, captured, check_sums, log, names, snapshot};

#[test]
fn a_bad_snapshot_is_one_line_and_is_kept() {
    let Some(lab) = lab("a_bad_snapshot_is_one_line_and_is_kept", cable) else { return };
    let folder = Folder::new("bad");
    let directory = folder.path("books");
    let options = ["-i", "lan0", "--dir", &directory];
    let snapshot = snapshot(&directory);
    let pair = Pair::new(&lab);
    let mut program = Program::start(&lab, "router", &options);
    pair.send(&program, 3);
    program.end(Signal::TERM);
    let good = fs::read(&snapshot).unwrap();

    let mut corrupted = good.clone();
    corrupted[good.len() / 2] ^= 0x10;
    let mut newer = good.clone();
    newer[12] += 1;
    let cases: [(&str, &[u8]); 5] = [
        ("damaged", &corrupted),
        ("damaged", &good[..good.len() / 3]),
        ("damaged", &[]),
        ("no snapshot of duskwatch", b"-- a dump of some database\n"),
        ("version 3 of the format", &newer),
    ];
    for (reason, bad) in cases {
        // Into the same file: it stays the user's.
        fs::write(&snapshot, bad).unwrap();
        let mut program = Program::start(&lab, "router", &options);
        let log = log(&program);
        let lines: Vec<_> = log.iter().filter(|line| line.contains("duskwatch.snapshot")).collect();
        assert_eq!(lines.len(), 1, "{reason}: {log:?}");
        assert!(lines[0].starts_with("warning: ") && lines[0].contains(reason), "{reason}: {log:?}");
        assert_eq!(captured(&program), 0, "{reason}");
        assert_eq!(names(Path::new(&directory)), ["duskwatch.snapshot.bad"], "{reason}");
        assert_eq!(fs::read(snapshot.with_extension("snapshot.bad")).unwrap(), bad, "{reason}");
        pair.send(&program, 2);
        program.end(Signal::TERM);

        let mut program = Program::start(&lab, "router", &options);
        assert_eq!(check_sums(&program, reason), 2);
        program.end(Signal::TERM);
    }
}

#[test]
fn the_older_generation_serves_when_the_newer_is_bad() {
    let Some(lab) = lab("the_older_generation_serves_when_the_newer_is_bad", cable) else { return };
    let folder = Folder::new("older");
    let directory = folder.path("books");
    let options = ["-i", "lan0", "--dir", &directory];
    let pair = Pair::new(&lab);
    for count in [3, 4] {
        let mut program = Program::start(&lab, "router", &options);
        pair.send(&program, count);
        program.end(Signal::TERM);
    }
    fs::write(snapshot(&directory), "bad").unwrap();
    let program = Program::start(&lab, "router", &options);
    assert_eq!(check_sums(&program, "the older one"), 3);
}

#[test]
fn a_full_disk_harms_nothing() {
    let test = "a_full_disk_harms_nothing";
    let Some(lab) = lab(test, cable) else { return };
    let folder = Folder::new("full");
    let directory = folder.path("disk");
    fs::create_dir(&directory).unwrap();
    // `ip netns exec` makes a mount namespace of its own, in which the disk is and with which it goes.
    let script = "mount -t tmpfs -o size=256k,mode=777 tmpfs \"$0\" && exec \"$@\"";
    let command = lab.command(
        "router",
        "sh",
        &["-c", script, &directory, env!("CARGO_BIN_EXE_duskwatch"), "-i", "lan0", "--dir", &directory],
    );
    let mut program = Program::start_as(&lab, "router", command);
    let disk = PathBuf::from(format!("/proc/{}/root{directory}", program.pid()));
    let snapshot = disk.join("duskwatch.snapshot");
    let pair = Pair::new(&lab);
    pair.send(&program, 3);
    program.signal(Signal::USR1);
    wait_until("the first snapshot is written", || snapshot.exists());
    let first = fs::read(&snapshot).unwrap();

    fs::write(disk.join("filler"), vec![1; 1 << 20]).expect_err("the disk is full now");
    pair.send(&program, 3);
    let troubles = |program: &Program| {
        program.log().iter().filter(|line| line.contains("cannot save the snapshot")).count()
    };
    let failures = |program: &Program| program.json("/api/v1/about")["store"]["failures"].as_u64().unwrap();
    for attempt in 1..=3 {
        program.signal(Signal::USR1);
        wait_until("it is tried", || failures(&program) == attempt);
    }
    wait_until("the log tells", || troubles(&program) > 0);
    assert_eq!(fs::read(&snapshot).unwrap(), first);
    assert_eq!(names(&disk), ["duskwatch.snapshot", "filler"]);

    fs::remove_file(disk.join("filler")).unwrap();
    program.signal(Signal::USR1);
    wait_until("there is room again", || fs::read(&snapshot).unwrap() != first);
    assert_eq!(fs::read(disk.join("duskwatch.snapshot.1")).unwrap(), first);
    assert_eq!(troubles(&program), 1, "{:?}", program.log());
    assert_eq!(check_sums(&program, "it lives on"), 6);
    let (status, _) = program.end(Signal::TERM);
    assert!(status.success());
}
