//! Devices that come and go while the program runs.

use std::time::{Duration, Instant};

use crate::ROUTER;
use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{exchange, hosts, socket};

/// True once so many log lines hold this text.
fn has_logged(program: &Program, text: &str, times: usize) -> bool {
    program.log().iter().filter(|line| line.contains(text)).count() == times
}

/// Packets that a host has sent on an interface.
fn sent(program: &Program, interface: &str, address: &str) -> u64 {
    hosts(program, interface).get(address).map_or(0, |(sent, _)| sent.0)
}

#[test]
fn traffic_counts_again_after_its_device_was_away() {
    let Some(lab) = lab("traffic_counts_again_after_its_device_was_away", home_network) else { return };
    let program = Program::start(&lab, "router", &ROUTER);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    exchange(&one, &two, "192.168.77.12:5000", 10, 100);

    // A port of the bridge is deleted and made anew.
    drop(two);
    lab.ip("router", "link del lan2");
    lab.cable("router", "lan2", "two", "eth0");
    lab.ip("two", "addr add 192.168.77.12/24 brd + dev eth0");
    lab.ip("router", "link set lan2 master br-lan");
    lab.ip("one", "neigh flush all");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    exchange_until_seen(&program, "192.168.77.11", || {
        exchange(&one, &two, "192.168.77.12:5000", 1, 100);
    });

    // The WAN's device goes, and another one of its name comes.
    lab.ip("router", "link del wan0");
    wait_until("its end is told", || has_logged(&program, "waiting for wan0: there is no such", 1));
    cable_wan(&lab);
    wait_until("its return is told", || has_logged(&program, "wan0 is back", 1));
    let router = socket(&lab, "router", "0.0.0.0:5000");
    let server = socket(&lab, "server", "0.0.0.0:5000");
    exchange(&router, &server, "10.99.0.2:5000", 10, 100);
    wait_until("the new device is captured", || sent(&program, "wan0", "10.99.0.7") == 10);
    spins_never(&program);
}

fn cable_wan(lab: &Lab) {
    lab.cable("router", "wan0", "server", "eth0");
    lab.ip("router", "addr add 10.99.0.7/24 brd + dev wan0");
    lab.ip("server", "addr add 10.99.0.2/24 brd + dev eth0");
}

/// A new port is read as soon as the kernel's message about it has been followed, which nothing outside
/// tells; frames before that are not captured.
fn exchange_until_seen(program: &Program, source: &str, mut exchange: impl FnMut()) {
    let before = sent(program, "br-lan", source).max(10);
    wait_until("the new port is captured", || {
        exchange();
        sent(program, "br-lan", source) > before
    });
}

#[test]
fn a_late_interface_is_waited_for() {
    const TEST: &str = "a_late_interface_is_waited_for";
    let Some(lab) = lab(TEST, home_network) else { return };
    lab.ip("router", "link del wan0");
    let options = ["-i", "br-lan", "-i", "wan0=wan", "--wait", "0"];
    let program = Program::start(&lab, "router", &options);
    wait_until("the log says so", || has_logged(&program, "waiting for wan0: there is no such interface", 1));
    spins_never(&program);
    assert_eq!(program.json("/api/v1/hosts?interface=wan0")["matching"], 0);
    cable_wan(&lab);
    wait_until("its coming is told", || has_logged(&program, "wan0 is back", 1));
    let router = socket(&lab, "router", "0.0.0.0:5000");
    let server = socket(&lab, "server", "0.0.0.0:5000");
    exchange(&router, &server, "10.99.0.2:5000", 10, 100);
    wait_until("it is captured", || sent(&program, "wan0", "10.99.0.7") == 10);
}

#[test]
fn a_late_address_is_waited_for() {
    let Some(lab) = lab("a_late_address_is_waited_for", home_network) else { return };
    let options = ["-i", "br-lan", "-b", "192.168.77.250", "--wait", "0"];
    let mut program = Program::start(&lab, "router", &options);
    wait_until("the log says why", || {
        has_logged(&program, "cannot listen on 192.168.77.250:0: Cannot assign requested address", 1)
    });
    spins_never(&program);
    lab.ip("router", "addr add 192.168.77.250/32 dev br-lan");
    wait_until("its coming is told", || has_logged(&program, "listening on 192.168.77.250:", 1));
    let log = program.log();
    let late = log.iter().find_map(|line| line.split_once("listening on ")?.1.strip_suffix(" now"));
    program.address = late.and_then(|address| address.parse().ok()).expect("an address and a port");
    assert_eq!(program.get("/").status(), 200);
}

/// A spinning thread would use all of the time, an idle program uses none.
fn spins_never(program: &Program) {
    let (begin, before) = (Instant::now(), program.cpu_time());
    std::thread::sleep(Duration::from_secs(3));
    let used = program.cpu_time() - before;
    assert!(used < Duration::from_millis(300), "{used:?} of {:?}", begin.elapsed());
}

#[test]
fn a_quiet_network_lets_the_program_sleep() {
    let Some(lab) = lab("a_quiet_network_lets_the_program_sleep", home_network) else { return };
    let program = Program::start(&lab, "router", &ROUTER);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    exchange(&one, &two, "192.168.77.12:5000", 10, 100);
    wait_until("all is read", || sent(&program, "br-lan", "192.168.77.11") == 10);
    // ARP's last questions and the connection of the question before run out first.
    let mut rate = f64::MAX;
    wait_until("it sleeps", || {
        let (begin, before) = (Instant::now(), program.context_switches());
        std::thread::sleep(Duration::from_secs(10));
        rate = (program.context_switches() - before) as f64 / begin.elapsed().as_secs_f64();
        println!("wake-ups per second of the whole program: {rate:.1}");
        rate <= 2.0
    });
}
