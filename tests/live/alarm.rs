//! A packet into the dark, and the line that tells of it.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::netns::{home_network, lab};
use crate::program::Program;
use crate::wire::{has, receive, socket};

#[test]
fn one_packet_into_the_dark_is_one_line() {
    let Some(lab) = lab("one_packet_into_the_dark_is_one_line", home_network) else { return };
    let receiver = socket(&lab, "router", "127.0.0.1:0");
    let url = format!("udp://{}", receiver.local_addr().unwrap());
    let options = ["-i", "br-lan", "-i", "wan0=wan", "--dark", "10.9.0.0/16", "--syslog-to", &url];
    let mut program = Program::start(&lab, "router", &options);
    // The router knows no way into the dark, and says so; the packet has been seen by then.
    lab.ip("router", "route add unreachable 10.9.0.0/16");
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    one.send_to(b"anybody there?", "10.9.3.4:23").unwrap();
    let line = receive(&receiver);
    // RFC 5424: local4.notice, version 1.
    assert!(line.starts_with("<165>1 ") && line.contains(" HIT "), "{line}");
    for part in ["src=192.168.77.11", "dest=10.9.3.4", "dest_port=23", "iface=br-lan"] {
        assert!(has(&line, part), "{part} in {line}");
    }

    // Within its window a source says no more; the next line is another source's.
    for port in 24..34 {
        one.send_to(b"and there?", ("10.9.3.5", port)).unwrap();
    }
    two.send_to(b"me too", "10.9.3.4:23").unwrap();
    let line = receive(&receiver);
    assert!(line.contains(" HIT ") && has(&line, "src=192.168.77.12"), "{line}");

    // The end tells of those that wait for the end of their window.
    let (status, _) = program.end(Signal::TERM);
    assert!(status.success(), "{status}");
    let line = receive(&receiver);
    for part in ["HIT", "src=192.168.77.11", "packets=10", "dark_dests=2"] {
        assert!(has(&line, part), "{part} in {line}");
    }
    // Then comes the report of the window that was cut short, the largest source first.
    for parts in [
        ["sources=2", "packets=12", "others=0", "other_packets=0"],
        ["rank=1", "src=192.168.77.11", "packets=11", "dests=2"],
        ["rank=2", "src=192.168.77.12", "packets=1", "payloads=1"],
    ] {
        let line = receive(&receiver);
        assert!(line.starts_with("<166>1 ") && line.contains(" SUMMARY "), "{line}");
        assert!(parts.iter().all(|part| has(&line, part)), "{parts:?} in {line}");
    }
    let line = receive(&receiver);
    assert!(line.starts_with("<166>1 ") && line.contains(" STATS "), "{line}");
    for part in ["sent=6", "lost=0"] {
        assert!(has(&line, part), "{part} in {line}");
    }
}

#[test]
fn an_alert_is_told_within_a_second_of_the_fourth_address() {
    let Some(lab) = lab("an_alert_is_told_within_a_second_of_the_fourth_address", home_network) else {
        return;
    };
    lab.ip("router", "route add blackhole 10.9.0.0/16");
    let receiver = socket(&lab, "router", "127.0.0.1:0");
    let url = format!("udp://{}", receiver.local_addr().unwrap());
    let options = ["-i", "br-lan", "--dark", "10.9.0.0/16", "--syslog-to", &url];
    let _program = Program::start(&lab, "router", &options);
    // A packet waits for the end of its block of the ring; these come at its beginning, and wait longest.
    let mut waits: Vec<Duration> = (21..=29)
        .map(|host| {
            lab.ip("one", &format!("address add 192.168.77.{host}/24 dev eth0"));
            let scanner = socket(&lab, "one", &format!("192.168.77.{host}:5000"));
            (1..=4).for_each(|target| {
                scanner.send_to(b"anybody there?", format!("10.9.3.{target}:23")).unwrap();
            });
            let fourth = Instant::now();
            let source = format!("src=192.168.77.{host}");
            let is_it = |line: &str| line.contains(" ALERT ") && has(line, &source);
            while !is_it(&receive(&receiver)) {}
            fourth.elapsed()
        })
        .collect();
    waits.sort_unstable();
    println!("from the fourth address to the receiver: {waits:.3?}");
    // The median, since this machine may have other things to do.
    assert!(waits[waits.len() / 2] < Duration::from_secs(1), "{waits:?}");
}
