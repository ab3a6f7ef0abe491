//! `make install` on an ordinary Linux host, and its unit under a real systemd: this machine's own /usr,
//! booted once more by systemd-nspawn with nothing else in it, in a network namespace.
#![cfg(feature = "daemon")]

#[path = "../support/command.rs"]
mod command;
mod machine;
#[path = "../support/netns.rs"]
mod netns;
#[path = "../support/sensor.rs"]
mod sensor;
#[path = "../support/skip.rs"]
mod skip;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use command::{output, run};
use machine::Machine;
use netns::wait_until;
use sensor::{field, has_raw_sockets_alone, send, sensor_and_client, sent_by_client, try_json};
use skip::skipped;

/// `systemd-analyze security` on a scale of 0 to 100. What is left is what the program is for: packet
/// sockets in the host's network, netlink, and pages for whoever may ask.
const EXPOSURE_MAX: &str = "16";

const UNIT: &str = "lib/systemd/system/duskwatch.service";

/// `make install` or `make uninstall` of the program under test, with these variables.
fn make(goal: &str, variables: &[(&str, &str)]) {
    let vendors = Path::new(env!("CARGO_TARGET_TMPDIR")).join("vendors");
    fs::write(&vendors, "DUSKVND1").expect("it can be written");
    let mut make = Command::new("make");
    make.args(["-C", env!("CARGO_MANIFEST_DIR"), goal]);
    make.arg(concat!("PROGRAM=", env!("CARGO_BIN_EXE_duskwatch")));
    make.arg(format!("VENDORS={}", text(&vendors)));
    run(make.args(variables.iter().map(|(name, value)| format!("{name}={value}"))));
}

/// `make install` for a machine whose root directory this is.
fn install(root: &Path, prefix: &str) {
    make("install", &[("DESTDIR", text(root)), ("PREFIX", prefix)]);
}

fn text(path: &Path) -> &str {
    path.to_str().expect("the target directory's name is text")
}

fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    path
}

/// The files below a directory, with their modes.
fn files(root: &Path) -> Vec<String> {
    let listing = output(Command::new("find").arg(root).args(["-type", "f", "-printf", "%m %P\n"]));
    let mut files: Vec<String> = listing.lines().map(str::to_owned).collect();
    files.sort();
    files
}

fn systemd_analyze(test: &str) -> Option<Command> {
    let found = Command::new("systemd-analyze").arg("--version").output().is_ok();
    if !found {
        skipped(test, "systemd-analyze is not installed (Debian: apt-get install systemd)");
    }
    found.then(|| Command::new("systemd-analyze"))
}

#[test]
fn what_is_installed_can_be_removed() {
    let root = directory("installed");
    install(&root, "/usr");
    let expected = [
        "644 etc/duskwatch.conf",
        "644 usr/lib/systemd/system/duskwatch.service",
        "644 usr/share/doc/duskwatch/ARCHITECTURE.md",
        "644 usr/share/doc/duskwatch/CHANGELOG.md",
        "644 usr/share/doc/duskwatch/LICENSE-APACHE",
        "644 usr/share/doc/duskwatch/LICENSE-MIT",
        "644 usr/share/doc/duskwatch/README.md",
        "644 usr/share/duskwatch/vendors",
        "755 usr/bin/duskwatch",
    ];
    assert_eq!(files(&root), expected);
    // An upgrade leaves the user's configuration alone, and so does the removal.
    fs::write(root.join("etc/duskwatch.conf"), "interface eth0\n").expect("it is ours");
    install(&root, "/usr");
    make("uninstall", &[("DESTDIR", text(&root)), ("PREFIX", "/usr")]);
    assert_eq!(files(&root), ["644 etc/duskwatch.conf"]);
    assert_eq!(fs::read_to_string(root.join("etc/duskwatch.conf")).expect("it is there"), "interface eth0\n");
}

#[test]
fn the_unit_starts_what_was_installed() {
    let root = directory("prefixes");
    for prefix in ["/usr", "/usr/local"] {
        install(&root, prefix);
        let unit = fs::read_to_string(root.join(&prefix[1..]).join(UNIT)).expect("it is installed");
        let start =
            unit.lines().find_map(|line| line.strip_prefix("ExecStart=")).expect("it starts something");
        let expected =
            format!("{prefix}/bin/duskwatch --config /etc/duskwatch.conf --dir ${{STATE_DIRECTORY}}");
        assert_eq!(start, expected);
        assert!(unit.contains(&format!("file://{prefix}/share/doc/duskwatch/README.md")), "{unit}");
    }
}

#[test]
fn systemd_understands_the_unit() {
    let Some(mut analyze) = systemd_analyze("systemd_understands_the_unit") else { return };
    let root = directory("verified");
    // It looks for the program on this machine, where the unit says that it is.
    let etc = root.join("etc");
    make("install", &[("PREFIX", text(&root)), ("SYSCONFDIR", text(&etc))]);
    let output = analyze.arg("verify").arg(root.join(UNIT)).output().expect("it ran before");
    assert!(
        output.status.success() && output.stderr.is_empty(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn the_unit_exposes_little() {
    let Some(mut analyze) = systemd_analyze("the_unit_exposes_little") else { return };
    let unit = concat!(env!("CARGO_MANIFEST_DIR"), "/linux/duskwatch.service");
    let threshold = format!("--threshold={EXPOSURE_MAX}");
    let output = analyze.args(["security", "--offline=yes", "--no-pager", &threshold, unit]).output();
    let output = output.expect("it ran before");
    let table = String::from_utf8_lossy(&output.stdout);
    println!("{}", table.lines().last().unwrap_or_default());
    assert!(output.status.success(), "{table}");
}

#[test]
fn it_runs_under_all_of_the_unit() {
    const TEST: &str = "it_runs_under_all_of_the_unit";
    if let Some(reason) = Machine::impossible() {
        return skipped(TEST, reason);
    }
    let lab = match sensor_and_client("systemd") {
        Ok(lab) => lab,
        Err(reason) => return skipped(TEST, &reason),
    };
    let root = directory("booted");
    install(&root, "/usr/local");
    fs::write(root.join("etc/duskwatch.conf"), "interface eth0\nno-dns\nport 6677\n").expect("it is ours");
    let machine = Machine::boot(&root, &lab.file("sensor"));
    wait_until("the pages answer", || try_json(&lab, "/api/v1/about").is_some());

    // The restrictions are in force, and not only asked for.
    let program = machine.program();
    let status = program.read("status");
    has_raw_sockets_alone(&status);
    let user: u32 =
        field(&status, "Uid:").split('\t').next().and_then(|user| user.parse().ok()).expect("a number");
    assert!((61_184..=65_519).contains(&user), "{user} is no dynamic user");
    assert_eq!(field(&status, "Seccomp:"), "2", "system calls are not filtered");
    sees_little_of_the_machine(&program.read("mountinfo"));

    send(&lab, 100);
    wait_until("all packets are on the page", || sent_by_client(&lab) == 100);
    machine.systemctl(&["reload", "duskwatch"]);
    // What the program remembers over a restart is in its state directory.
    machine.systemctl(&["restart", "duskwatch"]);
    wait_until("the pages answer again", || try_json(&lab, "/api/v1/about").is_some());
    assert_eq!(sent_by_client(&lab), 100);
    machine.systemctl(&["stop", "duskwatch"]);
    assert_eq!(machine.systemctl(&["show", "--property=Result", "--value", "duskwatch"]).trim(), "success");
}

/// Checks in /proc/PID/mountinfo what the unit hides, and that nothing can be written but the state.
fn sees_little_of_the_machine(mounts: &str) {
    for (place, options) in [
        ("/", " ro,"),
        ("/home", "/inaccessible/dir "),
        ("/dev", " ro,"),
        ("/sys", " ro,"),
        ("/proc", "hidepid=invisible,subset=pid"),
        ("/var/lib/private/duskwatch", " rw,"),
    ] {
        // The fifth field is the place; of several mounts there, the last is on top.
        let mount = mounts.lines().rfind(|line| line.split(' ').nth(4) == Some(place));
        assert!(mount.is_some_and(|mount| mount.contains(options)), "{place} is not {options}: {mounts}");
    }
}
