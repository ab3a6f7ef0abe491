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
    // The filters' scanner is libpcap's in the one, and one that openwrt/cross has made smaller in the other.
    for filter in FILTERS {
        compare(filter, &["--json", "--filter", filter]);
    }
    fs::remove_file(&path).expect("the file is there");
}

/// Filters with whatever could be taken for an IPv6 address, or for a part of one.
const FILTERS: [&str; 12] = [
    "host 2001:db8:0:1:2:3:4:5 or ip6 host ::1 or net fe80::/10",
    "host fd00:: or host fd00::1:2 or host ::ffff:192.168.1.10 or host 1:2:3:4:5:6:192.168.1.1",
    "not host 2001:db8::10 and ip6",
    "ether host 00:0d:b9:4e:10:01",
    "not ether src 00-0d-b9-4e-10-01 and not ether dst 000d.b94e.1001",
    "tcp[0:2] = 443 or udp[2:2] = 53",
    "ip[8] = 0x40 and ip[12:4] = 0xc0a8010a",
    "src net 192.168.1 and not dst net 192.168.0.0 mask 255.255.0.0",
    "tcp[tcpflags] & (tcp-syn|tcp-ack) = tcp-syn",
    "portrange 1-1023 and not port 0x50",
    "less 128 and ip6 proto 17",
    "vlan or icmp6[icmp6type] = icmp6-echo",
];

/// qemu's user mode has no packet sockets, which the program has to say; it must get as far as that.
#[test]
#[ignore = "make test-cross runs it, with programs for other processors"]
fn a_capture_that_cannot_begin_ends_in_words() {
    let output = program().args(["-i", "lo", "--port", "0"]).output().expect("the program runs");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code().is_some(), "{output:?}");
    assert!(said.lines().last().is_some_and(|line| line.starts_with("error: -i lo: ")), "{said}");
}
