//! `--export-packets`: the same rows from a file, on any machine.

use std::fs;
use std::process::Command;

use duskwatch::daemon::evidence::export::Format;
use duskwatch::daemon::evidence::ring::Limits;
use serde_json::Value;
use traffic::scenarios::{Options, Scenario};

use crate::formats::filter;
use crate::store::{ALL, Store, series};

fn duskwatch(arguments: &[&str]) -> Vec<u8> {
    let output =
        Command::new(env!("CARGO_BIN_EXE_duskwatch")).args(arguments).output().expect("it was built");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn a_download_gives_the_rows_that_the_page_gives() {
    let mut store = Store::new("offline", Limits { bytes: 1 << 20, age: 86_400 });
    for sent in &mut series(0..300) {
        sent.interface = sent.mark as usize % 2;
        store.append(std::slice::from_ref(sent));
    }
    let file = store.directory.join("evidence.pcapng");
    fs::write(&file, store.download(ALL, None)).unwrap();
    let file = file.to_str().unwrap();
    for (name, format) in [("csv", Format::Csv), ("jsonl", Format::JsonLines), ("sql", Format::Sql)] {
        let printed = duskwatch(&["--read", file, "--export-packets", name]);
        assert!(printed == store.download(ALL, Some(format)), "{name}");
    }
    // And as a capture file it is judged anew, to the same.
    let report = duskwatch(&["--read", file, "--json", "--dark", "10.9.0.0/16"]);
    let report: Value = serde_json::from_slice(&report).unwrap();
    assert_eq!(report["darknet"]["total"]["packets"], 300);
    let filtered = duskwatch(&["--read", file, "--json", "--dark", "10.9.0.0/16", "--filter", "udp"]);
    let filtered: Value = serde_json::from_slice(&filtered).unwrap();
    assert_eq!(filtered["darknet"], report["darknet"]);
}

#[test]
fn half_a_download_is_an_error_and_no_whole_script() {
    let mut store = Store::new("half", Limits { bytes: 1 << 20, age: 86_400 });
    store.append(&series(0..10));
    let bytes = store.download(ALL, None);
    let file = store.directory.join("half.pcapng");
    fs::write(&file, &bytes[..bytes.len() - 5]).unwrap();
    let file = file.to_str().unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_duskwatch"))
        .args(["--read", file, "--export-packets", "sql"])
        .output()
        .expect("it was built");
    assert_eq!(output.status.code(), Some(1));
    let script = String::from_utf8(output.stdout).unwrap();
    assert!(script.contains("INSERT") && !script.contains("COMMIT"), "{script}");
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("half.pcapng: damaged evidence behind byte "), "{error}");
}

#[test]
fn of_any_other_capture_the_packets_to_the_dark_are_exported() {
    let file = std::env::temp_dir().join(format!("duskwatch-home-{}.pcap", std::process::id()));
    let output = fs::File::create(&file).unwrap();
    let home = Options { packets: 3_000, ..Options::default() };
    traffic::write_packets(Scenario::Home.packets(&home), 96, output).unwrap();
    let options = ["-l", "192.168.1.0/24", "--dark", "192.168.1.200/32", "--no-darknet"];
    let path = file.to_str().unwrap();
    let run = |more: &[&str]| duskwatch(&[&["--read", path], &options[..], more].concat());
    let report: Value = serde_json::from_slice(&run(&["--json"])).unwrap();
    let expected = report["darknet"]["total"]["packets"].as_u64().unwrap();
    assert!(expected > 0);
    let script = [&run(&["--export-packets", "sql"])[..], b"select count(*) from packetcap;"].concat();
    assert_eq!(filter("sqlite3", &["-bail", ":memory:"], &script), format!("{expected}\n"));
    fs::remove_file(&file).unwrap();
}
