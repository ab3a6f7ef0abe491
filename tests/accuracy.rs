//! How true the numbers are: on every scenario the books add up to what the generator sent, and under
//! floods of spoofed addresses the rows that matter survive.
#![cfg(feature = "daemon")]

use std::cmp::Reverse;
use std::fs::{self, File};
use std::io::BufWriter;
use std::net::IpAddr;
use std::path::PathBuf;

use duskwatch::limits::DARK_REPEATED;
use serde_json::{Value, json};
use traffic::scenarios::{
    FLOOD_TARGET, Options, Packet, QUIET_HOSTS, SCANNED_UNUSED_ADDRESS, Scenario, quiet_host,
};
use traffic::{Activity, Counters, Truth};

#[path = "support/books.rs"]
mod books;
use books::{Books, LOCAL, run, run_in, temporary};

/// A scenario as a capture file, which goes when this goes, and what is in it.
struct Trace {
    path: PathBuf,
    truth: Truth,
    about: String,
}

impl Trace {
    fn new(test: &str, scenario: Scenario, options: &Options) -> Self {
        let about = format!("{} with {options:?}", scenario.name());
        let path = temporary(&format!("{test}-{}-{}.pcap", scenario.name(), options.flood_size));
        let file = BufWriter::new(File::create(&path).expect("a file"));
        let truth = traffic::write_capture(scenario, options, 96, file).expect("a capture");
        Self { path, truth, about }
    }

    fn read(&self, arguments: &[&str]) -> Books {
        let books = Books::read(&self.path, &[&LOCAL[..], arguments].concat());
        assert_eq!(books.counters("/total"), self.truth.total, "{}", self.about);
        assert_eq!(books.counters("/non_ip"), self.truth.non_ip, "{}", self.about);
        books
    }
}

impl Drop for Trace {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Two frames an hour apart, with midnight between them five hours east of Greenwich.
#[test]
fn the_days_of_a_capture_are_those_of_local_time() {
    let path = temporary("midnight.pcap");
    let file = BufWriter::new(File::create(&path).expect("a file"));
    let packet =
        Scenario::Home.packets(&seeded(10, 1)).find(|packet| packet.ip_bytes().is_some()).expect("a packet");
    let packets =
        [1_772_389_800_u64, 1_772_393_400].map(|second| Packet { time_micros: second * 1_000_000, ..packet });
    traffic::write_packets(packets.into_iter(), 96, file).expect("a capture");
    let days = |zone: &str| {
        let output = run_in(zone, &path, &["--json"]);
        let books: Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let days = books["interfaces"][0]["history"]["days"].as_array().expect("days").clone();
        let packets = |day: &Value| {
            ["inbound", "outbound", "other"].iter().filter_map(|way| day[way]["packets"].as_u64()).sum()
        };
        days.iter().map(|day| (day["start"].as_i64(), packets(day))).collect::<Vec<(_, u64)>>()
    };
    assert_eq!(days("UTC"), [(Some(1_772_323_200), 2)]);
    assert_eq!(
        days("<+05>-5"),
        [(Some(1_772_305_200), 1), (Some(1_772_391_600), 1)],
        "midnight is at 19:00 UTC"
    );
    let _ = fs::remove_file(path);
}

fn bytes(activity: &Activity) -> u64 {
    activity.sent.bytes + activity.received.bytes
}

fn is_local(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets().starts_with(&[192, 168, 1]),
        IpAddr::V6(address) => address.segments().starts_with(&[0x2001, 0xdb8, 1, 0]),
    }
}

fn seeded(packets: u64, seed: u64) -> Options {
    Options { packets, seed, ..Options::default() }
}

#[test]
fn every_scenario_adds_up() {
    for scenario in Scenario::ALL {
        let trace = Trace::new("every", scenario, &seeded(100_000, 1));
        let books = trace.read(&[]);
        check_history(&books, &trace.about);
        let hosts = books.hosts();
        for (address, activity) in &hosts {
            let truth = &trace.truth.hosts[address];
            let at_most = |counted: Counters, true_count: Counters| {
                counted.packets <= true_count.packets && counted.bytes <= true_count.bytes
            };
            let fits = at_most(activity.sent, truth.sent) && at_most(activity.received, truth.received);
            assert!(fits, "{address}: {activity:?}, in truth {truth:?}; {}", trace.about);
        }
        if books.value("/hosts/evicted/hosts") == 0 {
            assert_eq!(hosts, trace.truth.hosts, "{}", trace.about);
        }
    }
}

/// Where a ring of the history reaches back to the first packet, it holds all of them.
fn check_history(books: &Books, about: &str) {
    let first = books.value("/first").as_f64().expect("a time");
    let mut whole = Vec::new();
    for period in ["seconds", "minutes", "hours", "days", "months"] {
        let ring = format!("/history/{period}");
        let oldest = books.rows(&ring)[0]["start"].as_f64().expect("a time");
        let other = books::sum(["/internal", "/transit"].map(|pointer| books.counters(pointer)));
        let expected = [
            ("inbound", books.counters("/inbound")),
            ("outbound", books.counters("/outbound")),
            ("other", other),
        ];
        if oldest <= first {
            whole.push(period);
            for (column, total) in expected {
                assert_eq!(books.column(&ring, column), total, "{period} {column}: {about}");
            }
        }
    }
    assert!(whole.ends_with(&["days", "months"]), "{whole:?}: {about}");
}

/// Every local host is exact. The first 100 are all there, the first 50 are true to one percent, and of
/// the others nearly all: who was small, and quiet for long, before it became large may have lost more.
#[test]
fn a_flood_does_not_hide_who_makes_the_traffic() {
    for (packets, seed) in [(1_000_000, 1), (1_000_000, 2), (200_000, 3)] {
        let trace = Trace::new("flood", Scenario::MixFlood, &seeded(packets, seed));
        let found = trace.read(&[]).hosts();
        let mut truth: Vec<(&IpAddr, &Activity)> = trace.truth.hosts.iter().collect();
        truth.sort_unstable_by_key(|(address, activity)| (Reverse(bytes(activity)), **address));
        for (address, activity) in truth.iter().filter(|(address, _)| is_local(address)) {
            assert_eq!(found.get(address), Some(*activity), "{address}; {}", trace.about);
        }

        let count_present = |top: &[(&IpAddr, &Activity)]| {
            top.iter().filter(|(address, _)| found.contains_key(address)).count()
        };
        let present = count_present(&truth[..100]);
        assert_eq!(present, 100, "of the first 100; {}", trace.about);

        let errors: Vec<f64> = truth[..100]
            .iter()
            .map(|(address, activity)| {
                1.0 - found.get(address).map_or(0, bytes) as f64 / bytes(activity) as f64
            })
            .collect();
        let within = errors.iter().filter(|error| **error <= 0.01).count();
        println!("of the first 100, {within} are true to 1 %; {}", trace.about);
        assert!(within >= 97, "{within} of the first 100 are true to 1 %; {}", trace.about);
        assert!(errors[..50].iter().all(|error| *error <= 0.01), "{:?}; {}", &errors[..50], trace.about);
    }
}

#[test]
fn quiet_hosts_survive_every_flood() {
    for flood_size in [40, 400, 1_400] {
        let options = Options { flood_size, ..seeded(200_000, 4) };
        let trace = Trace::new("quiet", Scenario::Quiet, &options);
        let found = trace.read(&[]).hosts();
        for address in (0..QUIET_HOSTS).map(quiet_host).chain([FLOOD_TARGET]) {
            assert_eq!(found.get(&address), trace.truth.hosts.get(&address), "{address}; {}", trace.about);
        }
    }
}

#[test]
fn tables_of_any_size_add_up() {
    let trace = Trace::new("sizes", Scenario::MixFlood, &seeded(40_000, 5));
    for hosts_max in ["1", "2", "16", "65535"] {
        for ports_max in ["1", "64", "65535"] {
            let books = trace.read(&["--hosts-max", hosts_max, "--ports-max", ports_max]);
            let rows = books.rows("/hosts/rows").len();
            let most = hosts_max.parse().expect("a number");
            assert!((1..=most).contains(&rows), "{rows} rows with --hosts-max {hosts_max}");
            if hosts_max == "65535" {
                assert_eq!(books.hosts(), trace.truth.hosts, "{}", trace.about);
            } else {
                assert_eq!(rows, most, "{}", trace.about);
            }
        }
    }
}

/// The home has a device that looks for an address that nobody has; with that address dark, it shows.
#[test]
fn who_looks_for_an_unused_address_is_in_the_report() {
    let trace = Trace::new("dark", Scenario::Home, &seeded(100_000, 1));
    let touched = trace.truth.hosts[&IpAddr::from(SCANNED_UNUSED_ADDRESS)].received;
    assert!(touched.packets > 0, "nothing to find; {}", trace.about);
    let dark = SCANNED_UNUSED_ADDRESS.to_string();
    // The truth has no ARP, and knows of no other address that nobody has.
    let options = ["--json", "--dark", &dark, "--no-darknet", "--filter", "ip"];
    let output = run(&trace.path, &[&options, &LOCAL[..]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let darknet = &report["darknet"];
    assert_eq!(darknet["dark"], json!([format!("{dark}/32")]));
    assert_eq!(books::counters(&darknet["total"]), touched);

    let sources = darknet["sources"].as_array().expect("a list");
    assert_eq!(sources.len(), 1, "{sources:?}");
    assert_eq!(sources[0]["dark_targets"], 1);
    assert_eq!(books::counters(&sources[0]), touched);
    // Every packet is told of once, and all by name of the one who sent it.
    let events = darknet["events"].as_array().expect("a list");
    assert_eq!(books::sum(events.iter().map(books::counters)), touched);
    let mut packets = 0;
    for event in events {
        assert_eq!(event["kind"], "hit", "{event}");
        packets += event["packets"].as_u64().expect("a number");
        // It asks for one port of one address, again and again.
        let category = if packets >= DARK_REPEATED { "misconfiguration" } else { "scan" };
        assert_eq!(event["category"], category, "{event}");
        assert_eq!(event["source"], sources[0]["source"], "{event}");
        assert_eq!(event["destination"], dark, "{event}");
    }
}
