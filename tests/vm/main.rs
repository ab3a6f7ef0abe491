//! A small router from its first start to a power cut and on: Debian's kernel for MIPS in qemu with 64 MB,
//! the unpacked package, its init script on stand-ins for OpenWrt, and live traffic. `make test-vm` makes
//! what it starts from (`image` beside this file) and runs it; it takes about a minute.

mod machine;
mod outside;

use machine::{Router, wait_until};
use outside::{SyslogReceiver, serve_file};

/// Bytes of a download.
const FILE: usize = 20_000_000;

/// What it takes at least in IP packets of 1,500 bytes, 40 of which are headers.
const FILE_ON_THE_WIRE: u64 = FILE as u64 * 1_500 / 1_460;

/// What the program may take with the small profile, that of a router with 64 MB, and with the normal one,
/// whose tables are those of the program's own defaults. In KiB.
const SMALL_MAX: u64 = 2_560;
const NORMAL_MAX: u64 = 4_096;

/// Downloads the file, and looks whether the books have it, to the last frame.
fn download(router: &mut Router, port: u16) {
    // No row yet is no byte yet.
    let bytes = |router: &Router| {
        let host = router.try_json("/api/v1/hosts/10.0.2.15").unwrap_or_default();
        host["host"]["received"]["bytes"].as_u64().unwrap_or(0)
    };
    let before = bytes(router);
    router.run(&format!("wget -q -O /dev/null http://10.0.2.2:{port}/"));
    wait_until("the books have the download", || bytes(router) >= before + FILE_ON_THE_WIRE);
    let about = router.json("/api/v1/about");
    assert_eq!(about["books"]["dropped_by_kernel"], 0, "{about}");
    assert!(about["books"]["total"]["bytes"].as_u64() >= Some(FILE as u64), "{about}");
    println!("{FILE} bytes downloaded, {} in the books: {}", bytes(router) - before, about["coverage_text"]);
}

/// Tells the router's system where its log goes, as on OpenWrt.
fn log_to(router: &mut Router, receiver: &SyslogReceiver) {
    let port = receiver.port();
    router.run(&format!(
        "printf \"config system\\n\\toption log_ip '10.0.2.2'\\n\\toption log_port '{port}'\\n\" \
         >/etc/config/system"
    ));
}

/// Sends to an address that nobody has. Nobody answers for it, so it gets a neighbour's entry first.
fn touch_dark_address(router: &mut Router) {
    router.run("arp -s 10.0.2.200 52:55:0a:00:02:02");
    router.try_to_run("wget -q -O /dev/null http://10.0.2.200:9/");
}

/// Asks for a snapshot, and waits until it is on the disk.
fn snapshot(router: &mut Router) {
    let saved = |router: &Router| router.json("/api/v1/about")["store"]["saved"].clone();
    let before = saved(router);
    router.run("kill -USR1 $(cat /var/run/duskwatch.pid)");
    wait_until("a new snapshot is saved", || saved(router) != before);
}

#[test]
#[ignore = "needs what tests/vm/image makes: run `make test-vm`"]
fn a_small_router_counts_tells_and_remembers() {
    let file = serve_file(FILE);
    let receiver = SyslogReceiver::start();

    let mut router = Router::start("first");
    log_to(&mut router, &receiver);
    router.start_service();
    let command_line = router.command_line();
    assert!(command_line.contains("--hosts-max 256 "), "not the small profile: {command_line}");
    download(&mut router, file);
    touch_dark_address(&mut router);
    println!("{}", receiver.wait_for(&["10.0.2.15", "10.0.2.200"]));
    let books = router.json("/api/v1/about")["books"].clone();
    snapshot(&mut router);
    let peak = router.peak_memory();
    println!("small profile: VmHWM {peak} KiB of {SMALL_MAX}");
    assert!(peak <= SMALL_MAX);
    router.cut_power();

    let mut router = Router::start("second");
    log_to(&mut router, &receiver);
    router.start_service();
    let restored = router.json("/api/v1/about")["books"].clone();
    for number in ["packets", "bytes"] {
        let (before, after) = (&books["total"][number], &restored["total"][number]);
        assert!(after.as_u64() >= before.as_u64(), "{number}: {before} before the power cut, {after} after");
    }

    // A larger profile is a restart: what the program saves at its end is there again.
    router.run("printf \"config memory 'memory'\\n\\toption profile 'normal'\\n\" >>/etc/config/duskwatch");
    router.run("/etc/init.d/duskwatch stop");
    router.start_service();
    download(&mut router, file);
    let total = router.json("/api/v1/about")["books"]["total"]["bytes"].clone();
    assert!(
        total.as_u64() >= Some(2 * FILE as u64),
        "two downloads, one of each start, and only {total} bytes"
    );
    let peak = router.peak_memory();
    println!("normal profile: VmHWM {peak} KiB of {NORMAL_MAX}");
    assert!(peak <= NORMAL_MAX);
}
