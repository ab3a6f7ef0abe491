//! Small routers from their first start to a power cut and on: Debian's kernels for other processors in qemu,
//! the unpacked package, its init script on stand-ins for OpenWrt, and live traffic. `make test-vm` makes
//! what they start from (`image` beside this file) and runs it.

mod machine;
mod outside;

use machine::{Machine, Router, wait_until};
use outside::{SyslogReceiver, serve_file};
use serde_json::Value;

/// Bytes of a download.
const FILE: usize = 20_000_000;

/// What a frame has before its IP packet.
const LINK_HEADER: u64 = 14;

/// The share of the traffic that the program must say that it has seen, in percent.
const COVERAGE_MIN: f64 = 99.0;

/// The router in the network that qemu makes, and a client in its LAN.
const ROUTER: &str = "10.0.2.15";
const CLIENT: &str = "192.168.77.11";

/// What the program may take with the small profile, that of a router with 64 MB, and with the normal one,
/// whose tables are those of the program's own defaults. In KiB.
const SMALL_MAX: u64 = 2_560;
const NORMAL_MAX: u64 = 4_096;

/// What a host has received and sent. No row yet is no byte yet.
fn traffic_of(router: &Router, address: &str) -> [Value; 2] {
    let mut page = router.try_json(&format!("/api/v1/hosts/{address}")).unwrap_or_default();
    ["received", "sent"].map(|way| page["host"][way].take())
}

/// A number, or nothing.
fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

/// Downloads the file, and looks whether the books have it.
fn download(router: &mut Router, port: u16) {
    let received = |router: &Router| number(&traffic_of(router, ROUTER)[0]["bytes"]);
    let before = received(router);
    router.run(&format!("wget -q -O /dev/null http://10.0.2.2:{port}/"));
    wait_until("the books have the download", || received(router) >= before + FILE as u64);
    router.note(format_args!("{FILE} bytes downloaded, {} in the books", received(router) - before));
    nothing_was_missed(router, FILE as u64);
}

/// Waits until the program itself says that it has seen all of so many bytes by the kernel's own counters,
/// which it reads every few seconds.
fn nothing_was_missed(router: &Router, bytes: u64) {
    let mut about = Value::Null;
    wait_until(&format!("{COVERAGE_MIN} % of {bytes} bytes and more were seen"), || {
        about = router.json("/api/v1/about");
        let coverage = &about["books"]["coverage"];
        number(&coverage["kernel"]["bytes"]) >= bytes && coverage["percent"].as_f64() >= Some(COVERAGE_MIN)
    });
    router.note(&about["coverage_text"]);
    assert_eq!(about["books"]["dropped_by_kernel"], 0, "{about}");
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
fn malta_counts_tells_and_remembers() {
    counts_tells_and_remembers(&Machine::new("malta", "counts"));
}

#[test]
#[ignore = "needs what tests/vm/image makes: run `make test-vm`"]
fn virt_counts_tells_and_remembers() {
    counts_tells_and_remembers(&Machine::new("virt", "counts"));
}

fn counts_tells_and_remembers(machine: &Machine) {
    let file = serve_file(FILE);
    let receiver = SyslogReceiver::start();

    let mut router = machine.start("first");
    log_to(&mut router, &receiver);
    router.start_service();
    let command_line = router.command_line();
    assert!(command_line.contains("--hosts-max 256 "), "not the small profile: {command_line}");
    download(&mut router, file);
    touch_dark_address(&mut router);
    router.note(receiver.wait_for(&[ROUTER, "10.0.2.200"]));
    let books = router.json("/api/v1/about")["books"].clone();
    snapshot(&mut router);
    let peak = router.peak_memory();
    router.note(format_args!("small profile: VmHWM {peak} KiB of {SMALL_MAX}"));
    assert!(peak <= SMALL_MAX);
    router.cut_power();

    let mut router = machine.start("second");
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
    router.note(format_args!("normal profile: VmHWM {peak} KiB of {NORMAL_MAX}"));
    assert!(peak <= NORMAL_MAX);
}

/// Under a flow table that lists a bridge's ports, a connection leaves the kernel's usual path after its
/// first packets, and the bridge itself sees no more of it. Its ports do.
#[test]
#[ignore = "needs what tests/vm/image makes: run `make test-vm`"]
fn virt_counts_what_is_offloaded() {
    let file = serve_file(FILE);
    let mut router = Machine::new("virt", "offload").start("first");
    let client = router.run("lan-with-offload");
    router.start_service();
    let command_line = router.command_line();
    assert!(command_line.contains("--interface br-lan=lan "), "not the bridge: {command_line}");

    let in_lan = format!("nsenter -t {client} -n");
    router.run(&format!("{in_lan} wget -q -O /dev/null http://10.0.2.2:{file}/"));
    wait_until("the connection has been closed by both", || {
        router.try_to_run("grep TIME_WAIT /proc/net/nf_conntrack").1 == "0"
    });

    let card = card_of(&mut router, &in_lan);
    assert!(card[0] > FILE as u64);
    let mut booked = [0; 2];
    wait_until("the books have as many bytes as the client's card", || {
        booked = traffic_of(&router, CLIENT)
            .map(|traffic| number(&traffic["bytes"]) + LINK_HEADER * number(&traffic["packets"]));
        booked.iter().sum::<u64>() >= card.iter().sum()
    });
    assert_eq!(booked, card, "bytes that the client has received and sent");
    nothing_was_missed(&router, card.iter().sum());

    // That it was offloaded, and that the bridge alone would not have told.
    let rules = router.run("nft list chain inet router forward");
    let forwarded = rules.split_once("counter packets ").and_then(|(_, rest)| rest.split_once(' '));
    let forwarded: u64 = forwarded.and_then(|(packets, _)| packets.parse().ok()).expect("nft counts");
    let bridge = router.run("cat /sys/class/net/br-lan/statistics/tx_bytes");
    let bridge: u64 = bridge.parse().expect("a number");
    router.note(format_args!(
        "{} bytes to the client, {} in the books, {bridge} seen by the bridge; {forwarded} packets not offloaded",
        card[0], booked[0]
    ));
    assert!(forwarded < 100, "it was not offloaded");
    assert!(bridge < FILE as u64 / 100, "the bridge has seen it as well");
}

/// What the client's own card has received and sent, in bytes of frames.
fn card_of(router: &mut Router, in_lan: &str) -> [u64; 2] {
    let line = router.run(&format!("{in_lan} sed -n 's/^ *veth0: *//p' /proc/net/dev"));
    let fields: Vec<u64> = line.split_whitespace().map(|field| field.parse().expect("a number")).collect();
    [fields[0], fields[8]]
}

/// A VLAN device is read at the one below it. That must be found out by a program that has given up root
/// already: the device is made after the start.
#[test]
#[ignore = "needs what tests/vm/image makes: run `make test-vm`"]
fn virt_finds_a_vlan_without_root() {
    let mut router = Machine::new("virt", "vlan").start("first");
    router.run("printf \"config capture 'capture'\\n\\tlist interface 'eth0.7'\\n\" >>/etc/config/duskwatch");
    router.start_service();
    let command_line = router.command_line();
    assert!(command_line.contains("--interface eth0.7=lan "), "not the VLAN: {command_line}");
    let user = router.run("awk '/^Uid:/ { print $2 }' /proc/$(cat /var/run/duskwatch.pid)/status");
    assert_ne!(user, "0");

    let devices = |router: &mut Router| router.run("awk 'NR > 1 { print $5 }' /proc/net/packet");
    let eth0 = router.run("cat /sys/class/net/eth0/ifindex");
    assert_eq!(devices(&mut router), eth0);
    router.run("vconfig add eth0 7");
    router.run("ip link set eth0.7 up");
    wait_until("the VLAN is read at eth0", || devices(&mut router) == format!("{eth0}\n{eth0}"));
}
