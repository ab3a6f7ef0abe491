use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::process::Command;

use super::*;
use crate::scenarios::{Options, Scenario};

#[test]
fn names_are_unique_and_fit_for_files() {
    let mut seen = HashSet::new();
    for case in all() {
        let fit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.".contains(&byte);
        assert!(case.name.bytes().all(fit), "{}", case.name);
        assert!(case.about.ends_with(['.', '?', ')']), "{}", case.name);
        assert!(!case.frames.is_empty(), "{}", case.name);
        assert!(seen.insert(case.name.clone()), "{} twice", case.name);
    }
}

#[test]
fn cases_never_change_by_themselves() {
    let bytes = |case: &Case| {
        let mut file = Vec::new();
        case.write(&mut file).unwrap();
        file
    };
    let (first, second) = (all(), all());
    assert!(first.iter().map(bytes).eq(second.iter().map(bytes)));
}

#[test]
fn snapped_cases_hold_every_length_once() {
    for case in all().iter().filter(|case| case.name.starts_with("snapped-")) {
        let lengths: Vec<usize> = case.frames.iter().map(|frame| frame.bytes.len()).collect();
        let wire_length = case.frames[0].wire_length;
        assert_eq!(lengths, (0..=wire_length as usize).collect::<Vec<_>>(), "{}", case.name);
        assert!(case.frames.iter().all(|frame| frame.wire_length == wire_length), "{}", case.name);
    }
}

/// A second opinion on every length and checksum: tshark, with all its checks turned on, must not
/// complain about a frame that is meant to be right.
#[test]
fn tshark_finds_nothing_wrong() {
    if Command::new("tshark").arg("--version").output().is_err() {
        // Straight to the terminal: the test harness would keep what println says to itself.
        writeln!(io::stderr(), "tshark_finds_nothing_wrong: skipped, tshark is not installed").unwrap();
        return;
    }
    let path = std::env::temp_dir().join(format!("traffic-cases-{}.pcap", std::process::id()));
    let create = || BufWriter::new(File::create(&path).unwrap());
    let cases: Vec<Case> = all().into_iter().filter(|case| case.well_formed).collect();
    // One run for each link type, because starting tshark takes longer than reading.
    let links: HashSet<u32> = cases.iter().map(|case| case.link).collect();
    for link in links {
        let mut writer = pcap::Writer::new(create(), link, pcap::WHOLE).unwrap();
        let mut names = Vec::new();
        for case in cases.iter().filter(|case| case.link == link) {
            for frame in &case.frames {
                names.push(&case.name);
                writer.write(frame.time_micros, &frame.bytes, frame.wire_length).unwrap();
            }
        }
        writer.finish().unwrap();
        let wrong: HashSet<&String> = complaints(&path).into_iter().map(|number| names[number - 1]).collect();
        assert!(wrong.is_empty(), "link type {link}: {wrong:?}");
    }
    // With a bit of its transport header changed, every one of these has to be found.
    let names = ["tcp", "udp", "udp-lite", "sctp", "dccp", "icmp-echo", "icmpv6-echo", "igmp"];
    let mut writer = pcap::Writer::new(create(), pcap::ETHERNET, pcap::WHOLE).unwrap();
    let mut count = 0;
    for case in cases.iter().filter(|case| names.contains(&case.name.as_str())) {
        for frame in &case.frames {
            let mut bytes = frame.bytes.clone();
            let header_length = if bytes[14] >> 4 == 4 { usize::from(bytes[14] & 0xf) * 4 } else { 40 };
            bytes[14 + header_length + 1] ^= 1;
            writer.write(frame.time_micros, &bytes, frame.wire_length).unwrap();
            count += 1;
        }
    }
    writer.finish().unwrap();
    assert_eq!(complaints(&path), (1..=count).collect::<Vec<_>>());
    for scenario in Scenario::ALL {
        let options = Options { packets: 2_000, flood_size: 400, ..Options::default() };
        crate::write_packets(scenario.packets(&options), pcap::WHOLE, create()).unwrap();
        assert_eq!(complaints(&path), [0; 0], "{}", scenario.name());
    }
    fs::remove_file(&path).unwrap();
}

/// The numbers of the frames that tshark finds malformed or with a wrong checksum. It does not look into
/// applications, since the payloads of scenarios are zeros, which none of them speaks.
fn complaints(path: &Path) -> Vec<usize> {
    const PREFERENCES: [&str; 8] = [
        "ip.check_checksum:TRUE",
        "tcp.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "udplite.check_checksum:TRUE",
        "dccp.check_checksum:TRUE",
        "sctp.checksum:CRC 32c",
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
    ];
    const APPLICATIONS: [&str; 11] =
        ["dns", "mdns", "tls", "nbss", "ntp", "ssh", "ssdp", "http", "ipp", "quic", "stun"];
    const FILTER: &str = "_ws.malformed || ip.bogus_ip_length || ip.bogus_header_length || \
        ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0 || \
        sctp.checksum.status == 0 || dccp.checksum.status == 0 || icmp.checksum.status == 0 || \
        icmpv6.checksum.status == 0 || igmp.checksum.status == 0";
    let output = Command::new("tshark")
        .args(PREFERENCES.map(|preference| format!("-o{preference}")))
        .args(APPLICATIONS.map(|name| format!("--disable-protocol={name}")))
        .args(["-n", "-T", "fields", "-e", "frame.number", "-Y", FILTER, "-r"])
        .arg(path)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let numbers = String::from_utf8(output.stdout).unwrap();
    numbers.lines().map(|number| number.parse().unwrap()).collect()
}
