//! What the program reads in every case of the generator, next to what it read when somebody last
//! checked it: tests/data/golden/NAME.json says what the case is about and what was counted.
//!
//! `DUSKWATCH_BLESS=1 cargo test --test goldens` writes the files anew. Read what git then shows: a
//! golden that changed is a bug until the reason is known.
//!
//! Traffic is written as PACKETS/BYTES, and whatever is zero is left out.
#![cfg(feature = "daemon")]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use traffic::cases::{self, Case};
use traffic::scenarios::{Options, Scenario};

#[path = "support/books.rs"]
mod books;
use books::{Books, LOCAL, run, temporary};

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/golden").join(name)
}

fn blessed() -> bool {
    std::env::var_os("DUSKWATCH_BLESS").is_some()
}

/// Compares with a golden file, or writes it; returns what is different.
fn compare(name: &str, found: &str) -> Option<String> {
    let path = golden(name);
    if blessed() {
        fs::write(&path, found).expect("the goldens can be written");
        return None;
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    (expected != found).then(|| format!("{}:\n{}", path.display(), difference(&expected, found)))
}

/// The lines that only one of two texts has.
fn difference(expected: &str, found: &str) -> String {
    let mut text = String::new();
    for (sign, these, others) in [('-', expected, found), ('+', found, expected)] {
        for line in these.lines().filter(|line| !others.lines().any(|other| other == *line)) {
            let _ = writeln!(text, "{sign}{line}");
        }
    }
    text
}

#[test]
fn every_case_is_read_as_it_should_be() {
    let differences: Vec<String> = cases::all().iter().filter_map(check).collect();
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
}

fn check(case: &Case) -> Option<String> {
    let path = temporary(&format!("golden-{}.pcap", case.name));
    case.write(BufWriter::new(File::create(&path).expect("a file"))).expect("a case");
    let books = Books::read(&path, &LOCAL);
    fs::remove_file(&path).expect("the file is there");
    let mut text = serde_json::to_string_pretty(&project(case, &books)).expect("JSON");
    text.push('\n');
    compare(&format!("{}.json", case.name), &text)
}

#[test]
fn no_golden_is_left_of_a_case_that_is_gone() {
    let names: Vec<String> = cases::all().into_iter().map(|case| format!("{}.json", case.name)).collect();
    for entry in fs::read_dir(golden("")).expect("the goldens") {
        let name = entry.expect("an entry").file_name().into_string().expect("UTF-8");
        assert!(!name.ends_with(".json") || names.contains(&name), "{name} is of no case");
    }
}

/// The report in the form that a reader can check: one line for each row.
fn project(case: &Case, books: &Books) -> Value {
    let mut fields = Map::new();
    fields.insert("about".into(), case.about.into());
    fields.insert("captured".into(), books.value("/captured/packets").clone());
    fields.insert("link".into(), books.value("/link").clone());
    let discarded = books.value("/discarded").as_object().expect("reasons").clone();
    let discarded: Map<_, _> = discarded.into_iter().filter(|(_, frames)| *frames != 0).collect();
    if !discarded.is_empty() {
        fields.insert("discarded".into(), discarded.into());
    }
    for name in ["total", "inbound", "outbound", "internal", "transit", "non_ip"] {
        let text = packets_and_bytes(books.value(&format!("/{name}")));
        if text != "0/0" {
            fields.insert(name.into(), text.into());
        }
    }
    let lists = [
        ("protocols", protocols(books)),
        ("hosts", hosts(books)),
        ("host protocols", host_protocols(books)),
        ("ports", ports(books)),
    ];
    for (name, rows) in lists {
        if !rows.is_empty() {
            fields.insert(name.into(), json!(rows));
        }
    }
    fields.into()
}

fn packets_and_bytes(value: &Value) -> String {
    let counters = books::counters(value);
    format!("{}/{}", counters.packets, counters.bytes)
}

/// The columns of a row that are not zero: " inbound 1/68 outbound 2/96".
fn columns(row: &Value, names: &[&str]) -> String {
    let texts = names.iter().map(|name| (name, packets_and_bytes(&row[*name])));
    texts.filter(|(_, text)| text != "0/0").map(|(name, text)| format!(" {name} {text}")).collect()
}

fn protocols(books: &Books) -> Vec<String> {
    let line = |row: &Value| {
        let name = row["name"].as_str().unwrap_or("unnamed");
        format!("{} {name}:{}", row["number"], columns(row, &["inbound", "outbound", "other"]))
    };
    books.rows("/protocols").iter().map(line).collect()
}

fn hosts(books: &Books) -> Vec<String> {
    let line = |row: &Value| {
        let address = row["address"].as_str().expect("an address");
        let local = if row["local"] == true { " local" } else { "" };
        let mac = row["mac"].as_str().map(|mac| format!(" {mac}")).unwrap_or_default();
        format!("{address}{local}{mac}:{}", columns(row, &["sent", "received"]))
    };
    books.rows("/hosts/rows").iter().map(line).collect()
}

/// The protocols of each host but those that nearly all have: TCP, UDP and ICMP.
fn host_protocols(books: &Books) -> Vec<String> {
    let mut lines = Vec::new();
    for host in books.rows("/hosts/rows") {
        let address = host["address"].as_str().expect("an address");
        let rows = host["protocols"]["rows"].as_array().expect("rows").iter();
        for row in rows.filter(|row| [1, 6, 17, 58].iter().all(|number| row["number"] != *number)) {
            let name = row["name"].as_str().unwrap_or("unnamed");
            let traffic = columns(row, &["inbound", "outbound"]);
            lines.push(format!("{address} {} {name}:{traffic}", row["number"]));
        }
    }
    lines
}

fn ports(books: &Books) -> Vec<String> {
    let mut lines = Vec::new();
    for list in ["tcp/local", "tcp/remote", "udp/local", "udp/remote"] {
        for row in books.rows(&format!("/ports/{list}/rows")) {
            let syns = match row["syns"].as_u64() {
                None | Some(0) => String::new(),
                Some(syns) => format!(" SYNs {syns}"),
            };
            let traffic = columns(row, &["inbound", "outbound"]);
            lines.push(format!("{list} {}:{traffic}{syns}", row["port"]));
        }
        let portless = columns(books.value(&format!("/ports/{list}/portless")), &["inbound", "outbound"]);
        if !portless.is_empty() {
            lines.push(format!("{list} without ports:{portless}"));
        }
    }
    lines
}

/// The table that a user sees who asks for nothing else, in UTC.
#[test]
fn the_summary_of_a_home_is_what_it_was() {
    // The heading has the name, so the golden does, too.
    let directory = temporary("golden-summary");
    fs::create_dir_all(&directory).expect("a directory");
    let path = directory.join("home.pcap");
    let options = Options { packets: 20_000, seed: 1, ..Options::default() };
    let file = BufWriter::new(File::create(&path).expect("a file"));
    traffic::write_packets(Scenario::Home.packets(&options), 96, file).expect("a capture");
    let output = run(&path, &LOCAL);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    let summary =
        String::from_utf8(output.stdout).expect("UTF-8").replace(&path.display().to_string(), "home.pcap");
    fs::remove_dir_all(&directory).expect("the directory is there");
    let difference = compare("home-summary.txt", &summary);
    assert_eq!(difference, None);
}
