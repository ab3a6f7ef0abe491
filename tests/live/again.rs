//! What the program says of a capture is what it said when it saw the same frames live.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::{Value, json};

use crate::darknet::{events, look_for, source};
use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{exchange, hosts, socket};

/// What both are told of the dark.
const DARK: [&str; 4] = ["--dark", "10.9.0.0/16", "--learning", "0"];

/// Records what passes a port of the bridge, as tcpdump would, until it is finished or dropped.
struct Recorder {
    end: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Recorder {
    fn start(lab: &Lab, device: &'static str, file: &Path) -> Self {
        let enter = lab.entrance("router");
        let file = file.to_owned();
        let end = Arc::new(AtomicBool::new(false));
        let is_open = Arc::new(AtomicBool::new(false));
        let (until, opened) = (Arc::clone(&end), Arc::clone(&is_open));
        let record = move || {
            enter();
            let capture = pcap::Capture::from_device(device).expect("a device").immediate_mode(true);
            let capture = capture.promisc(true).open().expect("a capture");
            let mut capture = capture.setnonblock().expect("a capture that does not wait");
            let mut save = capture.savefile(file).expect("a file");
            opened.store(true, Ordering::Release);
            // What was there when the end was asked for is saved.
            loop {
                let is_last = until.load(Ordering::Acquire);
                while let Ok(packet) = capture.next_packet() {
                    save.write(&packet);
                }
                if is_last {
                    break;
                }
                thread::sleep(Duration::from_millis(5));
            }
            save.flush().expect("a file that can be written");
        };
        let thread = Some(thread::spawn(record));
        wait_until("it records", || is_open.load(Ordering::Acquire));
        Self { end, thread }
    }

    fn finish(mut self) {
        self.end.store(true, Ordering::Release);
        self.thread.take().expect("it runs").join().expect("it recorded");
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.end.store(true, Ordering::Release);
    }
}

/// The report's darknet of a capture.
fn read_again(file: &Path, more: &[&str]) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_duskwatch"))
        .arg("--read")
        .arg(file)
        .args(["--json", "-l", "192.168.77.0/24"])
        .args(DARK)
        .args(more)
        .output()
        .expect("the program starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    report["darknet"].clone()
}

/// What an event says, without the time and the name of the interface. Hits at the end are what a capture's
/// end tells before it is due.
fn told(darknet: &Value) -> Vec<Value> {
    let all = darknet["events"].as_array().expect("events");
    let fields = ["kind", "source", "source_mac", "destination", "port", "carrier", "category", "tool"];
    let more = ["signature", "dark_targets", "packets", "bytes", "why"];
    let row = |event: &Value| fields.iter().chain(&more).map(|field| event[*field].clone()).collect();
    all.iter().map(row).collect()
}

/// The sources, by address.
fn sources(darknet: &Value) -> Vec<Value> {
    let all = darknet["sources"].as_array().expect("sources");
    let fields = ["source", "source_mac", "alert", "dark_targets", "packets", "bytes"];
    let row = |source: &Value| fields.iter().map(|field| source[*field].clone()).collect();
    let mut rows: Vec<Value> = all.iter().map(row).collect();
    rows.sort_by_key(Value::to_string);
    rows
}

fn capture_file(lab: &str) -> PathBuf {
    std::env::temp_dir().join(format!("duskwatch-{}-{lab}.pcap", std::process::id()))
}

#[test]
fn a_capture_gives_the_verdicts_again() {
    let test = "a_capture_gives_the_verdicts_again";
    let Some(lab) = lab(test, home_network) else { return };
    lab.ip("router", "route add blackhole 10.9.0.0/16");
    let file = capture_file(test);
    let program = Program::start(&lab, "router", &[&["-i", "br-lan", "-i", "wan0=wan"], &DARK[..]].concat());
    let recorder = Recorder::start(&lab, "lan1", &file);
    let (one, two) = (socket(&lab, "one", "0.0.0.0:5000"), socket(&lab, "two", "0.0.0.0:5000"));
    exchange(&one, &two, "192.168.77.12:5000", 1, 100);
    exchange(&two, &one, "192.168.77.11:5000", 1, 100);
    wait_until("they are seen", || hosts(&program, "br-lan").len() == 2);
    // One sweeps the LAN; two turns to addresses that the user has declared dark.
    for host in 100..105 {
        look_for(&one, host);
    }
    for host in 1..=3 {
        one.send_to(b"anybody there?", ("10.9.0.".to_owned() + &host.to_string(), 23)).expect("sent");
    }
    // Three questions for each of five, one for the other client, and three packets.
    wait_until("all is seen", || source(&program, "192.168.77.11")["packets"].as_u64() >= Some(15 + 3));
    let live = program.json("/api/v1/darknet")["darknet"].clone();
    recorder.finish();
    assert!(events(&program, "192.168.77.11").contains(&"alert".to_owned()), "{live}");
    // A router knows its own address.
    let hosts = file.with_extension("hosts");
    std::fs::write(&hosts, "192.168.77.1 router\n").expect("a file");
    let again = read_again(&file, &["--hosts-file", hosts.to_str().expect("UTF-8")]);
    let _ = std::fs::remove_file(&hosts);
    assert_eq!(sources(&again), sources(&live));
    let (again, live) = (told(&again), told(&live));
    let (same, rest) = again.split_at(live.len().min(again.len()));
    assert_eq!(same, live);
    assert!(rest.iter().all(|event| event[0] == "hit"), "{rest:?}");
    let _ = std::fs::remove_file(&file);
}

#[test]
fn what_only_the_router_knew_can_be_told() {
    let test = "what_only_the_router_knew_can_be_told";
    let Some(lab) = lab(test, home_network) else { return };
    lab.ip("server", "route add 192.168.77.0/24 via 10.99.0.1");
    let file = capture_file(test);
    let leases = file.with_extension("leases");
    let lease = "4102444800 02:00:00:00:00:99 192.168.77.100 printer *\n";
    std::fs::write(&leases, lease).expect("a file");
    let lease_option = ["--leases", leases.to_str().expect("UTF-8")];
    let options = [&["-i", "br-lan", "-i", "wan0=wan"], &DARK[..], &lease_option].concat();
    let program = Program::start(&lab, "router", &options);
    let recorder = Recorder::start(&lab, "lan1", &file);
    let server = socket(&lab, "server", "10.99.0.2:5000");
    let one = socket(&lab, "one", "0.0.0.0:5000");
    (101..105).for_each(|host| look_for(&server, host));
    // A printer that sleeps, and another that is gone.
    (100..102).for_each(|host| look_for(&one, host));
    wait_until("all is seen", || source(&program, "192.168.77.11")["packets"].as_u64() >= Some(3));
    wait_until("the router gives up", || source(&program, "10.99.0.2")["packets"].as_u64() >= Some(4));
    let live = program.json("/api/v1/darknet")["darknet"].clone();
    recorder.finish();
    let on_lan = |darknet: &Value| -> Vec<Value> {
        sources(darknet).into_iter().filter(|row| row[0] != "10.99.0.2").collect()
    };
    assert_eq!(on_lan(&live).len(), 1, "the sleeper is known, and the router asks for others: {live}");
    // Without what the router knew, it scans and a lease is nobody's.
    let alone = read_again(&file, &[]);
    assert_eq!(on_lan(&alone).len(), 2, "{alone}");
    assert_ne!(on_lan(&alone)[0], on_lan(&live)[0]);
    let mac = crate::tools::router_mac(&lab);
    let filter = format!("not (arp[6:2] = 1 and ether src {mac})");
    let again = read_again(&file, &["--filter", &filter, lease_option[0], lease_option[1]]);
    assert_eq!(on_lan(&again), on_lan(&live));
    assert_eq!(live["lans"], json!(["192.168.77.0/24"]));
    let _ = std::fs::remove_file(&file);
    let _ = std::fs::remove_file(&leases);
}
