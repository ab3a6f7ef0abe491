//! The program for another processor reads what the one for this machine reads, to the byte.
//!
//! `make test-cross` runs this, the goldens and the command line with each program that `make cross-all`
//! made.
#![cfg(feature = "daemon")]

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::Command;

use traffic::cases;
use traffic::scenarios::{Options, Scenario};

#[path = "support/program.rs"]
mod program;
use program::{native, program};

fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// What a program prints of a capture file, in UTC.
fn report(mut command: Command, file: &Path, form: &[&str]) -> String {
    let output =
        command.arg("--read").arg(file).args(form).env("TZ", "UTC").output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
#[ignore = "make test-cross runs it, with programs for other processors"]
fn every_processor_reads_the_same() {
    assert!(std::env::var_os("DUSKWATCH_PROGRAM").is_some(), "DUSKWATCH_PROGRAM names the other program");
    let path = temporary("cross.pcap");
    let file = || BufWriter::new(File::create(&path).expect("a file"));
    let compare = |name: &str, form: &[&str]| {
        assert_eq!(report(program(), &path, form), report(native(), &path, form), "{name} {form:?}");
    };
    for case in cases::all() {
        case.write(file()).expect("a case");
        compare(&case.name, &["--json"]);
    }
    // The second has tables that are much too small, so that hash and eviction have their say.
    let forms: [&[&str]; 3] = [&["--json"], &["--json", "--hosts-max", "64", "--ports-max", "64"], &[]];
    for scenario in Scenario::ALL {
        let options = Options { packets: 20_000, seed: 1, ..Options::default() };
        traffic::write_packets(scenario.packets(&options), 96, file()).expect("a capture");
        for form in forms {
            compare(scenario.name(), form);
        }
    }
    fs::remove_file(&path).expect("the file is there");
}

/// qemu's user mode has no packet sockets, which the program has to say; it must get as far as that.
#[test]
#[ignore = "make test-cross runs it, with programs for other processors"]
fn a_capture_that_cannot_begin_ends_in_words() {
    let output = program().args(["-i", "lo", "--port", "0"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some(), "{output:?}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("error: -i lo: ")), "{said}");
}
