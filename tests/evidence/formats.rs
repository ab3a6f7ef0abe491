//! What comes out, as other programs read it: tshark, SQLite's own shell, and Python's csv and json.

use std::io::Write;
use std::net::Ipv4Addr;
use std::process::{Command, Stdio};

use duskwatch::daemon::evidence::export::Format;
use duskwatch::daemon::evidence::ring::Limits;
use duskwatch::daemon::evidence::walk::Selection;
use serde_json::Value;

use crate::store::{ALL, NOON, Sent, Store, series};

const LIMITS: Limits = Limits { bytes: 1 << 20, age: 86_400 };

/// Runs a program on these bytes, and returns what it prints.
pub fn filter(program: &str, arguments: &[&str], input: &[u8]) -> String {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let mut stdin = child.stdin.take().expect("it is piped");
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.write_all(input));
        child.wait_with_output().expect("it ends")
    });
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {errors}");
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}

/// The fields of all packets, as tshark reads them.
pub fn tshark(file: &[u8], fields: &[&str]) -> Vec<Vec<String>> {
    let mut arguments = vec!["-r", "-", "-T", "fields", "-E", "separator=|"];
    arguments.extend(fields.iter().flat_map(|field| ["-e", field]));
    let text = filter("tshark", &arguments, file);
    text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
}

/// A thousand packets of two interfaces and two sources, one of which has an alert.
fn store(name: &str) -> Store {
    let mut store = Store::new(name, LIMITS);
    for sent in &mut series(0..1000) {
        sent.interface = sent.mark as usize % 2;
        if sent.mark % 10 == 0 {
            sent.source = Ipv4Addr::new(192, 168, 1, 99);
            sent.is_alert = sent.mark >= 30;
        }
        if sent.mark % 4 == 1 {
            sent.signature = "=cmd|'/c calc'!A1, it's \u{1F980} \\ $(x)";
        }
        store.append(std::slice::from_ref(sent));
    }
    store
}

#[test]
fn tshark_reads_the_download() {
    let store = store("tshark");
    let file = store.download(ALL, None);
    let fields = ["frame.time_epoch", "frame.interface_name", "ip.src", "udp.dstport", "frame.comment"];
    let packets = tshark(&file, &fields);
    assert_eq!(packets.len(), 1000);
    for (mark, packet) in (0..).zip(&packets) {
        assert_eq!(packet[0], format!("{}.000000000", NOON + mark));
        assert_eq!(packet[1], if mark % 2 == 0 { "br-lan" } else { "wan \"0\"" });
        let is_scanner = mark % 10 == 0;
        assert_eq!(packet[2], if is_scanner { "192.168.1.99" } else { "192.168.1.57" });
        assert_eq!(packet[3], "53000");
        // As it stands now, also for the packets that came before the alert.
        let verdict = if is_scanner { "category=other verdict=alert" } else { "category=other verdict=none" };
        assert!(packet[4..].join("|").ends_with(verdict), "{packet:?}");
    }
    let source = Some(std::net::IpAddr::from([192, 168, 1, 99]).into());
    let some = store.download(Selection { source, from: NOON + 20, to: NOON + 60 }, None);
    assert_eq!(tshark(&some, &["frame.len"]).len(), 5);
    assert_eq!(
        tshark(&store.download(Selection { from: NOON + 5000, ..ALL }, None), &["frame.len"]).len(),
        0
    );
}

#[test]
fn each_segment_is_a_file_of_its_own() {
    let store = store("segments");
    let mut packets = 0;
    for (file, _) in store.files() {
        packets += tshark(&std::fs::read(file).unwrap(), &["frame.number"]).len();
    }
    assert_eq!(packets, 1000);
}

#[test]
fn sqlite_makes_the_ancestors_table() {
    let store = store("sqlite");
    let script = store.download(ALL, Some(Format::Sql));
    let database = store.directory.join("foo.db");
    let path = database.to_str().unwrap();
    assert_eq!(filter("sqlite3", &["-bail", path], &script), "");
    let ask = |question: &str| filter("sqlite3", &[path, question], b"");
    assert_eq!(ask("select count(*) from packetcap"), "1000\n");
    assert_eq!(
        ask("select count(*), count(distinct payload), min(source_port) from packetcap where type = 'UDP'"),
        "1000|1000|4000\n"
    );
    assert_eq!(
        ask("select source, count(*) from packetcap where verdict = 'alert' group by source"),
        "192.168.1.99|100\n"
    );
    assert_eq!(
        ask("select signature from packetcap limit 1 offset 1"),
        "=cmd|'/c calc'!A1, it's \u{1F980} \\ $(x)\n"
    );
    assert_eq!(ask("select strftime('%s', time), length from packetcap limit 1"), format!("{NOON}|102\n"));
    // A second script adds to the table, and half of one changes nothing.
    filter("sqlite3", &["-bail", path], &script);
    let half = store.directory.join("half.sql");
    std::fs::write(&half, &script[..script.len() / 2]).unwrap();
    let status =
        Command::new("sqlite3").arg(path).stdin(std::fs::File::open(half).unwrap()).output().unwrap().status;
    assert!(!status.success());
    assert_eq!(ask("select count(*) from packetcap"), "2000\n");
}

/// As Python's csv and json read them: a list of rows.
fn python(script: &str, input: &[u8]) -> Vec<Value> {
    serde_json::from_str(&filter("python3", &["-c", script], input)).expect("JSON")
}

#[test]
fn python_reads_csv_and_json_lines() {
    let store = store("python");
    let csv = store.download(ALL, Some(Format::Csv));
    let read_csv = "import csv, json, sys, io\n\
                    text = io.TextIOWrapper(sys.stdin.buffer, 'utf-8', newline='')\n\
                    print(json.dumps(list(csv.DictReader(text, strict=True))))";
    let read_json = "import json, sys\nprint(json.dumps([json.loads(line) for line in sys.stdin.buffer]))";
    let (rows, objects) =
        (python(read_csv, &csv), python(read_json, &store.download(ALL, Some(Format::JsonLines))));
    assert_eq!((rows.len(), objects.len()), (1000, 1000));
    for (row, object) in rows.iter().zip(&objects) {
        for (column, value) in row.as_object().unwrap() {
            let value = value.as_str().unwrap();
            let other = match &object[column] {
                Value::String(text) => text.clone(),
                Value::Null => String::new(),
                number => number.to_string(),
            };
            // A spreadsheet must not take a text for a formula.
            assert!(!value.starts_with(['=', '+', '-', '@']), "{value}");
            assert_eq!(value.strip_prefix('\'').unwrap_or(value), other, "{column}");
        }
    }
    assert_eq!(objects[1]["interface"], "wan \"0\"");
    assert_eq!(objects[3]["payload"].as_str().map(str::len), Some(120));
    assert_eq!(objects[3]["destination_port"], 53_000);
}

#[test]
fn a_row_has_no_more_than_one_line_whatever_is_in_it() {
    let mut store = Store::new("hostile", LIMITS);
    let texts = ["a\nb", "a\r\n\0b", "\u{7f}\u{85}", "'); drop table packetcap; --", "\t=1", "a\u{2028}b"];
    for (mark, text) in (0..).zip(texts) {
        store.append(&[Sent { signature: text, payload: 1600, mark, ..Sent::default() }]);
    }
    for (format, rows) in [(Format::Csv, 7), (Format::JsonLines, 6), (Format::Sql, 9)] {
        let text = String::from_utf8(store.download(ALL, Some(format))).unwrap();
        assert_eq!(text.lines().count(), rows, "{format:?}");
        let odd = text.replace("\r\n", "").replace('\n', "").chars().find(|char| (..' ').contains(char));
        assert_eq!(odd, None, "{format:?}");
    }
    let script = store.download(ALL, Some(Format::Sql));
    let script = [&script[..], b"select count(*) from packetcap;"].concat();
    assert_eq!(filter("sqlite3", &["-bail", ":memory:"], &script), "6\n");
}
