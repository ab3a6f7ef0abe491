//! OpenWrt's service: what the init script makes of a configuration, under busybox's shell with stand-ins
//! for what it finds on a router (`rc.common` and `network.sh` beside this file).
//!
//! tests/data/service/router has a plain router's files. Each other directory there is a case: files that
//! take the place of the router's, `missing` for those that are not there, `there` for directories and links
//! that are, and `expected` for what the script then asks of procd. `DUSKWATCH_BLESS=1 cargo test --test service` writes
//! the latter anew.
#![cfg(feature = "daemon")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use duskwatch::daemon::config;

#[path = "../support/program.rs"]
#[allow(dead_code)]
mod program;
#[path = "../support/skip.rs"]
mod skip;
use program::program;
use skip::skipped;

const SCRIPT: &str = "openwrt/files/etc/init.d/duskwatch";

/// Files of a case, and where they are on the router.
const PLACES: [(&str, &str); 11] = [
    ("duskwatch", "etc/config/duskwatch"),
    ("firewall", "etc/config/firewall"),
    ("system", "etc/config/system"),
    ("dhcp", "etc/config/dhcp"),
    ("network", "etc/config/network"),
    ("passwd", "etc/passwd"),
    ("group", "etc/group"),
    ("netifd", "netifd"),
    ("meminfo", "proc/meminfo"),
    ("mounts", "proc/mounts"),
    ("rules", "etc/dark.rules"),
];

fn source(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    let path = path.as_ref();
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a file is in a directory")).expect("a directory");
    fs::write(path, text).expect("a file");
}

/// The names of all cases, in order.
fn cases() -> Vec<String> {
    let entries = fs::read_dir(source("tests/data/service")).expect("the cases");
    let names = entries.map(|entry| entry.expect("a case").file_name().into_string().expect("UTF-8"));
    let mut names: Vec<_> = names.filter(|name| name != "router").collect();
    names.sort();
    names
}

/// The root directory of a router with the case's files.
fn router(case: &str, test: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("service-{test}-{case}"));
    let _ = fs::remove_dir_all(&root);
    let data = source("tests/data/service");
    for (name, place) in PLACES {
        let own = data.join(case).join(name);
        let packaged = source("openwrt/files").join(place);
        let usual = if packaged.exists() { packaged } else { data.join("router").join(name) };
        put(&root.join(place), &read(if own.exists() { own } else { usual }));
    }
    put(&root.join("lib/functions/network.sh"), &read(source("tests/service/network.sh")));
    for packaged in ["etc/capabilities/duskwatch.json", "lib/upgrade/keep.d/duskwatch"] {
        put(&root.join(packaged), &read(source("openwrt/files").join(packaged)));
    }
    for there in ["tmp/dhcp.leases", "tmp/hosts/odhcpd", "etc/hosts", "etc/resolv.conf", "sbin/ujail"] {
        put(&root.join(there), "");
    }
    let program = concat!("#!/bin/sh\nexec '", env!("CARGO_BIN_EXE_duskwatch"), "' \"$@\"\n");
    put(&root.join("usr/sbin/duskwatch"), program);
    for executable in ["sbin/ujail", "usr/sbin/duskwatch"] {
        fs::set_permissions(root.join(executable), fs::Permissions::from_mode(0o755)).expect("a mode");
    }
    let missing = fs::read_to_string(data.join(case).join("missing")).unwrap_or_default();
    for path in missing.lines() {
        fs::remove_file(root.join(path)).expect("what is missing was there");
    }
    let there = fs::read_to_string(data.join(case).join("there")).unwrap_or_default();
    for line in there.lines() {
        match line.split_once(" -> ") {
            None => fs::create_dir_all(root.join(line)).expect("a directory"),
            Some((link, to)) => symlink(to, root.join(link)).expect("a link"),
        }
    }
    root
}

/// Runs functions of the init script.
fn run(root: &Path, functions: &[&str]) -> Output {
    let mut command = Command::new("busybox");
    command.arg("ash").arg(source("tests/service/rc.common")).arg(source(SCRIPT)).args(functions);
    command.env("IPKG_INSTROOT", root).stdin(Stdio::null());
    command.output().expect("busybox ran before")
}

/// What the script said and asked for, for comparison.
fn transcript(root: &Path, output: &Output) -> String {
    let mut text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        text.push_str(&format!("stderr: {line}\n"));
    }
    let kept = read(root.join("lib/upgrade/keep.d/duskwatch"));
    text.push_str(&format!(
        "kept over a sysupgrade: {}\n",
        kept.split_whitespace().collect::<Vec<_>>().join(" ")
    ));
    text
}

/// The command that procd would start: the arguments of `command`, those appended included.
fn command_line(transcript: &str) -> Vec<String> {
    let mut command = Vec::new();
    let mut inside = false;
    for line in transcript.lines() {
        match line.strip_prefix("    ") {
            Some(argument) if inside => command.push(argument.to_owned()),
            Some(_) => {}
            None => {
                inside = ["procd_set_param command", "procd_append_param command"].contains(&line);
            }
        }
    }
    command
}

/// Whether busybox is there; names the test as skipped if not.
fn can_run(test: &str) -> bool {
    let there = installed("busybox", "ash");
    if !there {
        skipped(test, "needs busybox");
    }
    there
}

fn installed(program: &str, argument: &str) -> bool {
    let mut command = Command::new(program);
    command.arg(argument).args(if argument == "ash" { &["-c", ":"][..] } else { &[] });
    command.stdin(Stdio::null()).output().is_ok_and(|output| output.status.success())
}

#[test]
fn every_case_asks_of_procd_what_it_should() {
    if !can_run("every_case_asks_of_procd_what_it_should") {
        return;
    }
    let mut differences = Vec::new();
    for case in cases() {
        let root = router(&case, "case");
        let found = transcript(&root, &run(&root, &["start", "service_triggers"]));
        let golden = source("tests/data/service").join(&case).join("expected");
        if std::env::var_os("DUSKWATCH_BLESS").is_some() {
            fs::write(&golden, &found).expect("the goldens can be written");
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if expected != found {
            differences.push(format!("{case}: expected\n{expected}\nbut found\n{found}"));
        }
        // These start nothing, each other case does.
        let bad =
            case.starts_with("bad-") || ["disabled", "hardware-offload-wan-alone"].contains(&case.as_str());
        assert_eq!(command_line(&found).is_empty(), bad, "{case}:\n{found}");
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// So that the script cannot use an option that does not exist, or a value that it does not take.
#[test]
fn the_program_takes_every_command_line() {
    let empty = Path::new(env!("CARGO_TARGET_TMPDIR")).join("service-empty.pcap");
    fs::write(&empty, traffic_free_capture()).expect("a capture file");
    // It is for nobody else to read.
    let password = format!("{}/service-password", env!("CARGO_TARGET_TMPDIR"));
    fs::copy(of_router("password"), &password).expect("a copy");
    fs::set_permissions(&password, fs::Permissions::from_mode(0o600)).expect("it is ours");
    for case in cases() {
        let command = command_line(&read(source("tests/data/service").join(&case).join("expected")));
        let Some((_, arguments)) = command.split_first() else { continue };
        // The files that the program reads at once are the test's.
        let here = |argument: &String| match argument.as_str() {
            "/etc/dark.rules" => of_router("rules"),
            "/etc/duskwatch/password" => password.clone(),
            "/etc/duskwatch/style.css" => of_router("style.css"),
            _ => argument.clone(),
        };
        let arguments: Vec<String> = arguments.iter().map(here).collect();
        let parsed = config::load(arguments.iter().map(OsString::from));
        assert!(matches!(parsed, Ok(config::Command::Run(_))), "{case}: {parsed:?}");
        // The program itself, with a capture file in the interfaces' place: it opens no socket then, and no
        // interface has a quota.
        let mut all = arguments.iter();
        let mut program = program();
        while let Some(argument) = all.next() {
            match argument.as_str() {
                "--interface" | "--quota" => _ = all.next(),
                other => _ = program.arg(other),
            }
        }
        let output = program
            .arg("--read")
            .arg(&empty)
            .arg("--json")
            .stdin(Stdio::null())
            .output()
            .expect("it was built");
        assert!(output.status.success(), "{case}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

fn of_router(name: &str) -> String {
    source("tests/data/service/router").join(name).to_str().expect("UTF-8").to_owned()
}

/// A capture file's header (libpcap's savefile format, little-endian) and nothing else.
fn traffic_free_capture() -> Vec<u8> {
    let words: [u32; 6] = [0xa1b2_c3d4, 2 | 4 << 16, 0, 0, 65_535, 1];
    words.into_iter().flat_map(u32::to_le_bytes).collect()
}

#[test]
fn a_reload_with_a_mistake_leaves_the_running_program_alone() {
    if !can_run("a_reload_with_a_mistake_leaves_the_running_program_alone") {
        return;
    }
    let asks = |case| {
        let root = router(case, "reload");
        let output = run(&root, &["reload"]);
        let asked = String::from_utf8(output.stdout).expect("UTF-8");
        (output.status.success(), asked.contains("procd_"), asked.contains("logger"))
    };
    assert_eq!(asks("default"), (true, true, false));
    assert_eq!(asks("bad-port"), (false, false, true));
    // Switched off, the service is set to have no instance, which ends the program. Every trigger asks for
    // that, and the log has it from the start only.
    assert_eq!(asks("disabled"), (true, true, false));
}

#[test]
fn a_save_waits_for_the_snapshot_but_not_for_ever() {
    if !can_run("a_save_waits_for_the_snapshot_but_not_for_ever") {
        return;
    }
    let asked = |root: &Path| String::from_utf8(run(root, &["save"]).stdout).expect("UTF-8");
    let root = router("flash", "save");
    let snapshot = "/overlay/books/duskwatch/duskwatch.snapshot";
    put(&root.join(&snapshot[1..]), "old");
    let signal = "procd_send_signal duskwatch * USR1\n".to_owned();
    assert_eq!(asked(&root), signal.clone() + &"sleep 1\n".repeat(5));
    put(&root.join("saves"), snapshot);
    assert_eq!(asked(&root), signal);
    fs::remove_file(root.join(&snapshot[1..])).expect("it was there");
    assert_eq!(asked(&root), signal, "the first one");
    put(&root.join("stopped"), "");
    assert_eq!(asked(&root), "");
    assert_eq!(asked(&router("default", "save")), "", "what is in memory goes with it");
}

#[test]
fn a_backup_of_sysupgrade_saves_first() {
    if !can_run("a_backup_of_sysupgrade_saves_first") {
        return;
    }
    let root = router("flash", "sysupgrade");
    // As sysupgrade does it: a variable, the files of /lib/upgrade, and each word of the variable as a function.
    let sysupgrade = "list() { echo list $1; }
                      sysupgrade_init_conffiles=list
                      . \"$0\"
                      for hook in $sysupgrade_init_conffiles; do $hook /tmp/sysupgrade.conffiles; done";
    let backup = || {
        let mut command = Command::new("busybox");
        command.args(["ash", "-c", sysupgrade]).arg(source("openwrt/files/lib/upgrade/duskwatch.sh"));
        let output = command.env("IPKG_INSTROOT", &root).output().expect("busybox ran before");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    assert_eq!(backup(), "list /tmp/sysupgrade.conffiles\n", "a router without the service");
    let script = root.join("etc/init.d/duskwatch");
    put(&script, "#!/bin/sh\necho printed\necho \"$@\" >\"$IPKG_INSTROOT/called\"\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("a mode");
    assert_eq!(backup(), "list /tmp/sysupgrade.conffiles\n", "nothing is printed into the backup");
    assert_eq!(read(root.join("called")), "save\n");
}

#[test]
fn the_feed_builds_this_version() {
    let version = concat!("\nPKG_VERSION:=", env!("CARGO_PKG_VERSION"), "\n");
    assert!(read(source("openwrt/Makefile")).contains(version));
    // Its CI finds the program installed, and tells the test what package that should be.
    let installed = Path::new(env!("CARGO_BIN_EXE_duskwatch")).parent().expect("a directory");
    let path = format!("{}:{}", installed.display(), std::env::var("PATH").expect("a path"));
    let passes = |name, version| {
        let mut command = Command::new("sh");
        command.arg(source("openwrt/test.sh")).args([name, version]).env("PATH", &path);
        command.status().expect("a shell").success()
    };
    assert!(passes("duskwatch", env!("CARGO_PKG_VERSION")));
    assert!(!passes("duskwatch", "9.9.9"));
    assert!(passes("another", "9.9.9"));
}

#[test]
fn the_feed_needs_the_rust_that_it_says() {
    let manifest = read(source("Cargo.toml"));
    let version =
        manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("it is there");
    let needs = format!("It takes Rust {} or later", version.trim_matches('"'));
    assert!(read(source("openwrt/README.md")).contains(&needs), "{needs}");
}

#[test]
fn the_scripts_are_clean() {
    if !installed("shellcheck", "--version") {
        return skipped("the_scripts_are_clean", "needs shellcheck");
    }
    let scripts = [
        SCRIPT,
        "openwrt/files/lib/upgrade/duskwatch.sh",
        "openwrt/test.sh",
        "tests/service/rc.common",
        "tests/service/network.sh",
    ];
    let output = Command::new("shellcheck").args(scripts.map(source)).output().expect("it ran before");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}
