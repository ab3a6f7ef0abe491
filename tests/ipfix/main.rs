//! Flow records: what a real collector and tshark make of them, and what a collector that is absent, slow or
//! not what it was does to the program.
#![cfg(feature = "daemon")]

#[path = "../support/books.rs"]
mod books;
mod collector;
#[path = "../support/command.rs"]
#[allow(dead_code, reason = "each test program uses a part of this")]
mod command;
#[path = "../support/netns.rs"]
mod netns;
#[path = "../live/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of this")]
mod program;
#[path = "../support/sensor.rs"]
#[allow(dead_code, reason = "each test program uses a part of this")]
mod sensor;
#[path = "../support/skip.rs"]
mod skip;
mod trouble;

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::BufWriter;
use std::net::{IpAddr, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use traffic::Counters;
use traffic::scenarios::{Options, Scenario};

use books::{Books, LOCAL, counters, sum, temporary};
use collector::{Collector, by_address, by_port, is_installed};
use command::output;
use netns::{Lab, lab, wait_until};
use program::Program;
use sensor::sensor_and_client;
use skip::skipped;

/// Tables with room for all of a capture, so that each of its hosts and ports has a row.
const ROOM: [&str; 4] = ["--hosts-max", "20000", "--ports-max", "65535"];

/// What is said of a machine without the collector.
const NO_COLLECTOR: &str = "nfcapd is not installed (Debian: apt-get install nfdump)";

/// A generated capture file.
fn capture(name: &str, scenario: Scenario, packets: u64) -> PathBuf {
    let path = temporary(&format!("ipfix-{name}.pcap"));
    let file = BufWriter::new(File::create(&path).expect("the target directory can be written"));
    let options = Options { packets, end: 1_700_000_000, ..Options::default() };
    traffic::write_packets(scenario.packets(&options), 96, file).expect("a capture is written");
    path
}

/// A port of 127.0.0.1 that is free.
fn free_port() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    socket.local_addr().expect("it is bound").port()
}

#[test]
fn nfcapd_has_every_byte_of_a_capture_file() {
    if !is_installed() {
        return skipped("nfcapd_has_every_byte_of_a_capture_file", NO_COLLECTOR);
    }
    for (name, scenario, packets) in [("home", Scenario::Home, 20_000), ("mix", Scenario::MixFlood, 12_000)] {
        let port = free_port();
        let collector = Collector::start(name, Command::new("nfcapd"), port);
        let url = format!("udp://127.0.0.1:{port}");
        let arguments = [&LOCAL[..], &ROOM, &["--no-darknet", "--ipfix-to", &url]].concat();
        let books = Books::read(&capture(name, scenario, packets), &arguments);
        let records = collector.end();

        assert_eq!(sum(records.iter().map(|record| record.counters)), books.counters("/total"), "{name}");
        assert_eq!(by_address(&records), books.hosts(), "{name}");
        assert!(records.iter().any(|record| record.addresses[0].is_ipv6()) || name == "mix");
        for (protocol, list) in [(6, "tcp"), (17, "udp")] {
            // The table has no row for every port of a flood.
            if books.counters(&format!("/ports/{list}/remote/evicted/inbound")).packets > 0 {
                assert_eq!(name, "mix");
                continue;
            }
            let mut rows: HashMap<u16, Counters> = HashMap::new();
            for side in ["local", "remote"] {
                for row in books.rows(&format!("/ports/{list}/{side}/rows")) {
                    let port = row["port"].as_u64().expect("a number") as u16;
                    for column in ["inbound", "outbound"] {
                        collector::add(rows.entry(port).or_default(), counters(&row[column]));
                    }
                }
            }
            let mut told = by_port(&records, protocol);
            // Packets without ports have port 0 in a record and no row.
            told.remove(&0);
            rows.remove(&0);
            assert_eq!(told, rows, "{name}: {list}");
        }
    }
}

#[test]
fn tshark_finds_nothing_wrong_with_any_message() {
    if Command::new("tshark").arg("-v").output().is_err() {
        return skipped("tshark_finds_nothing_wrong_with_any_message", "tshark is not installed");
    }
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    let url = format!("udp://{}", socket.local_addr().expect("it is bound"));
    let reader = thread::spawn(move || {
        socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
        let mut buffer = [0; 65_536];
        let mut messages = Vec::new();
        // An empty datagram says that this is all.
        while let Ok(length @ 1..) = socket.recv(&mut buffer) {
            messages.push(buffer[..length].to_vec());
        }
        messages
    });
    let file = capture("tshark", Scenario::Home, 20_000);
    let books = Books::read(&file, &[&LOCAL[..], &["--no-macs", "--ipfix-to", &url]].concat());
    let end = UdpSocket::bind("127.0.0.1:0").expect("loopback is there");
    end.send_to(&[], url.trim_start_matches("udp://")).expect("the reader is there");
    let messages = reader.join().expect("no reader panics");
    assert!(messages.len() > 10 && messages.iter().all(|message| message.len() <= 1_400));

    let capture = temporary("ipfix-messages.pcap");
    fs::write(&capture, datagrams(&messages)).expect("the target directory can be written");
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(&capture).args(["-d", "udp.port==4739,cflow", "-T", "fields"]);
    for field in
        ["cflow.version", "cflow.od_id", "cflow.octets", "cflow.packets", "_ws.malformed", "_ws.expert"]
    {
        tshark.args(["-e", field]);
    }
    let text = output(&mut tshark);
    let add_up =
        |list: &str| list.split(',').map(|number| number.parse::<u64>().expect("a number")).sum::<u64>();
    let mut told = Counters::default();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let ["10", "1", octets, packets, "", ""] = fields[..] else { panic!("{line}") };
        collector::add(&mut told, Counters { packets: add_up(packets), bytes: add_up(octets) });
    }
    assert_eq!(text.lines().count(), messages.len());
    assert_eq!(told, books.counters("/total"));
}

/// A capture file of raw IP with these datagrams, from one port to that of a collector.
fn datagrams(messages: &[Vec<u8>]) -> Vec<u8> {
    // Magic, version 2.4, zone, accuracy, the longest packet, and the link type: raw IP.
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = words(&[0xa1b2_c3d4, 0x0004_0002, 0, 0, 65_535, 101]);
    for (seconds, message) in (1..).zip(messages) {
        let length = message.len() as u16;
        file.extend(words(&[seconds, 0, 28 + u32::from(length), 28 + u32::from(length)]));
        let [a, b] = (28 + length).to_be_bytes();
        file.extend([0x45, 0, a, b, 0, 0, 0, 0, 64, 17, 0, 0, 127, 0, 0, 1, 127, 0, 0, 1]);
        let [a, b] = (8 + length).to_be_bytes();
        file.extend([0xc0, 0, 0x12, 0x83, a, b, 0, 0]);
        file.extend(message);
    }
    file
}

/// A sensor and a client with IPv6 as well.
fn both_families(test: &str) -> Result<Lab, String> {
    if !is_installed() {
        return Err(NO_COLLECTOR.to_owned());
    }
    let lab = sensor_and_client(test)?;
    for (space, host) in [("sensor", 1), ("client", 2)] {
        lab.inside(space, || fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "0"))
            .map_err(|error| error.to_string())?;
        lab.ip(space, &format!("addr add fd00:78::{host}/64 dev eth0 nodad"));
    }
    Ok(lab)
}

#[test]
fn live_flows_reach_nfcapd_to_the_byte() {
    let test = "live_flows_reach_nfcapd_to_the_byte";
    let Some(lab) = lab(test, both_families) else { return };
    let collector = Collector::start("live", lab.command("sensor", "nfcapd", &[]), 4739);
    let options = ["-i", "eth0", "--no-darknet", "--ipfix-to", "udp://127.0.0.1"];
    let mut program = Program::start(&lab, "sensor", &options);
    let (mut packets, mut bytes) = (0, 0);
    for (sensor, client, headers) in
        [("192.168.78.1:5000", "192.168.78.2:6000", 28), ("[fd00:78::1]:5000", "[fd00:78::2]:6000", 48)]
    {
        let socket = |space, address: &str| {
            lab.inside(space, || UdpSocket::bind(address).expect("the address is free"))
        };
        let (here, there) = (socket("sensor", sensor), socket("client", client));
        here.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
        for size in 0..200 {
            there.send_to(&vec![7; size], sensor).expect("the cable is there");
            here.recv(&mut [0; 300]).expect("the datagram arrives");
            packets += 1;
            bytes += (size + headers) as u64;
        }
    }
    let sent = |program: &Program| {
        let hosts = program.json("/api/v1/hosts?interface=eth0");
        let rows = hosts["hosts"]["rows"].as_array().expect("rows").clone();
        let of = |address: &str| {
            rows.iter().find(|row| row["address"] == address).map(|row| counters(&row["sent"]))
        };
        sum(["192.168.78.2", "fd00:78::2"].into_iter().filter_map(of))
    };
    // Others speak on the cable as well: ICMPv6. Somebody looks again and again meanwhile.
    wait_until("the pages have the datagrams", || sent(&program).packets >= packets);
    assert_eq!(program.json("/api/v1/about")["ipfix"]["destination"], "udp://127.0.0.1:4739");
    let (status, _) = program.end(Signal::TERM);
    assert!(status.success(), "{:?}", program.log());

    let records = collector.end();
    let mut datagrams = Counters::default();
    for record in records.iter().filter(|record| record.ports == [6000, 5000]) {
        assert_eq!((record.protocol, record.domain, record.interfaces), (17, 1, [1, 0]));
        assert_ne!(record.mac, "00:00:00:00:00:00");
        collector::add(&mut datagrams, record.counters);
    }
    assert_eq!(datagrams, Counters { packets, bytes });
    let of: Vec<IpAddr> = records.iter().map(|record| record.addresses[0]).collect();
    assert!(of.iter().any(IpAddr::is_ipv4) && of.iter().any(IpAddr::is_ipv6));
    // A look at the pages makes no record.
    assert!(records.len() < 30, "{}", records.len());
}

/// What the program says of a capture file that it cannot report.
#[test]
fn a_capture_file_without_a_collector_says_what_was_lost() {
    let file = capture("nobody", Scenario::Mix, 3_000);
    let arguments = [&LOCAL[..], &["--json", "--ipfix-to", "udp://collector.invalid"]].concat();
    let Output { status, stdout, stderr } = books::run(&file, &arguments);
    let said = String::from_utf8_lossy(&stderr);
    assert!(status.success() && stdout.starts_with(b"{"), "{said}");
    assert_eq!(
        said.matches("IPFIX collector udp://collector.invalid:4739 cannot be reached").count(),
        1,
        "{said}"
    );
    assert!(said.contains("flow records were lost, 0 were sent"), "{said}");
}
