//! The report of `--read FILE --json`, and the sums that hold in every report.

// Each test program uses a part of this.
#![allow(dead_code)]

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use traffic::{Activity, Counters};

#[path = "program.rs"]
mod program;

/// What is local in all that the generator makes.
pub const LOCAL: [&str; 4] = ["-l", "192.168.1.0/24", "-l", "2001:db8:1::/64"];

/// The books of a capture file, as the report has them.
pub struct Books(Value);

impl Books {
    /// Runs the program on a file, checks that the sums hold, and returns what it reported.
    pub fn read(file: &Path, arguments: &[&str]) -> Self {
        let (books, error) = Self::read_broken(file, arguments);
        assert_eq!(error, "", "{}", file.display());
        books.unwrap_or_else(|| panic!("no report of {}", file.display()))
    }

    /// The same for a file that may have an end too early, or none of the contents that are understood:
    /// the report, if there is one, and what was said on the standard error.
    pub fn read_broken(file: &Path, arguments: &[&str]) -> (Option<Self>, String) {
        let output = run(file, &[&["--json"], arguments].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(if error.is_empty() { 0 } else { 1 }), "{error}");
        if output.stdout.is_empty() {
            return (None, error);
        }
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        assert_eq!(report["schema"], 1);
        let interfaces = report["interfaces"].as_array().expect("interfaces");
        assert_eq!(interfaces.len(), 1);
        let books = Self(interfaces[0].clone());
        books.check(&file.display().to_string());
        (Some(books), error)
    }

    /// The value at a JSON pointer, which has to be there.
    pub fn value(&self, pointer: &str) -> &Value {
        self.0.pointer(pointer).unwrap_or_else(|| panic!("the report has no {pointer}"))
    }

    /// The packets and bytes at a JSON pointer.
    pub fn counters(&self, pointer: &str) -> Counters {
        counters(self.value(pointer))
    }

    /// The elements of the list at a JSON pointer.
    pub fn rows(&self, pointer: &str) -> &[Value] {
        self.value(pointer).as_array().unwrap_or_else(|| panic!("{pointer} is no list"))
    }

    /// The sum of one column of the list at a JSON pointer.
    pub fn column(&self, pointer: &str, column: &str) -> Counters {
        sum(self.rows(pointer).iter().map(|row| counters(&row[column])))
    }

    /// The rows of hosts.
    pub fn hosts(&self) -> HashMap<IpAddr, Activity> {
        let host = |row: &Value| {
            let address = row["address"].as_str().and_then(|text| text.parse().ok()).expect("an address");
            (address, Activity { sent: counters(&row["sent"]), received: counters(&row["received"]) })
        };
        self.rows("/hosts/rows").iter().map(host).collect()
    }

    /// The protocols of the hosts.
    pub fn host_protocols(&self) -> HashMap<(IpAddr, u8), Activity> {
        let of_host = |host: &Value| -> Vec<_> {
            let address: IpAddr = host["address"].as_str().expect("text").parse().expect("an address");
            let rows = host["protocols"]["rows"].as_array().expect("rows").iter();
            rows.map(|row| {
                let number = row["number"].as_u64().and_then(|number| number.try_into().ok());
                let [received, sent] = ["inbound", "outbound"].map(|column| counters(&row[column]));
                ((address, number.expect("a number")), Activity { sent, received })
            })
            .collect()
        };
        self.rows("/hosts/rows").iter().flat_map(of_host).collect()
    }

    /// Every frame is accounted once, and each list adds up to what it is a list of.
    fn check(&self, file: &str) {
        let total = self.counters("/total");
        let discarded = self.value("/discarded").as_object().expect("reasons").values();
        let discarded: u64 = discarded.map(|frames| frames.as_u64().expect("a number")).sum();
        let accounted = total.packets + self.counters("/non_ip").packets + discarded;
        assert_eq!(self.value("/captured/packets"), accounted, "{file}: captured");

        let [inbound, outbound, internal, transit] =
            ["/inbound", "/outbound", "/internal", "/transit"].map(|pointer| self.counters(pointer));
        assert_eq!(sum([inbound, outbound, internal, transit]), total, "{file}: directions");
        let protocols = |column| self.column("/protocols", column);
        assert_eq!(protocols("inbound"), inbound, "{file}: protocols inbound");
        assert_eq!(protocols("outbound"), outbound, "{file}: protocols outbound");
        assert_eq!(protocols("other"), sum([internal, transit]), "{file}: protocols other");

        // The report has place for all rows.
        assert_eq!(self.value("/hosts/others/hosts"), 0, "{file}: hosts beside the rows");
        for column in ["sent", "received"] {
            let evicted = self.counters(&format!("/hosts/evicted/{column}"));
            let rows = self.column("/hosts/rows", column);
            assert_eq!(sum([rows, evicted]), total, "{file}: hosts {column}");
        }
        for (number, name) in [(6, "tcp"), (17, "udp")] {
            self.check_ports(file, number, name);
        }
        self.check_host_protocols(file);
    }

    /// The protocols of each host are what it received and sent. While no row had to go, each protocol
    /// was received, and sent, as often by all hosts as the interface has it.
    fn check_host_protocols(&self, file: &str) {
        let mut evicted = self.value("/hosts/evicted/hosts").as_u64().expect("a number");
        let mut sums: HashMap<u8, Activity> = HashMap::new();
        for ((_, number), activity) in self.host_protocols() {
            let total = sums.entry(number).or_default();
            total.sent = sum([total.sent, activity.sent]);
            total.received = sum([total.received, activity.received]);
        }
        for host in self.rows("/hosts/rows") {
            let protocols = &host["protocols"];
            let rows = protocols["rows"].as_array().expect("rows");
            assert_eq!(protocols["others"]["rows"], 0, "{file}: protocols beside the rows");
            for (column, of_host) in [("inbound", "received"), ("outbound", "sent")] {
                let beside = counters(&protocols["evicted"][column]);
                evicted += beside.packets;
                let found = sum(rows.iter().map(|row| counters(&row[column])).chain([beside]));
                assert_eq!(found, counters(&host[of_host]), "{file}: protocols of {}", host["address"]);
            }
        }
        for row in self.rows("/protocols").iter().filter(|_| evicted == 0) {
            let number = row["number"].as_u64().expect("a number") as u8;
            // A host counts both ICMPs as the one of its IP version.
            if number != 1 && number != 58 {
                let total = sum(["inbound", "outbound", "other"].map(|column| counters(&row[column])));
                let expected = Activity { sent: total, received: total };
                assert_eq!(sums.get(&number), Some(&expected), "{file}: hosts' protocol {number}");
            }
        }
    }

    /// On the local side an internal packet counts as inbound and as outbound, on the remote side a
    /// transit packet does.
    fn check_ports(&self, file: &str, number: u8, name: &str) {
        let protocol = self.rows("/protocols").iter().find(|row| row["number"] == number);
        let of_protocol = |column| protocol.map(|row| counters(&row[column])).unwrap_or_default();
        let [mut internal, mut transit] = [None; 2];
        for column in ["inbound", "outbound"] {
            for (side, both_ways) in [("local", &mut internal), ("remote", &mut transit)] {
                let list = format!("/ports/{name}/{side}");
                assert_eq!(self.value(&format!("{list}/others/rows")), 0, "{file}: {list} beside the rows");
                let rows = self.column(&format!("{list}/rows"), column);
                let beside = ["evicted", "portless"];
                let beside = beside.map(|beside| self.counters(&format!("{list}/{beside}/{column}")));
                let found = sum([rows, sum(beside)]);
                let expected = of_protocol(column);
                let more = Counters {
                    packets: found.packets.checked_sub(expected.packets).expect(&list),
                    bytes: found.bytes.checked_sub(expected.bytes).expect(&list),
                };
                assert_eq!(*both_ways.get_or_insert(more), more, "{file}: {list} {column}");
            }
        }
        let both = [internal, transit].map(Option::unwrap_or_default);
        assert_eq!(sum(both), of_protocol("other"), "{file}: ports of {name}, internal and transit");
    }
}

/// Runs the program on a capture file, in UTC.
pub fn run(file: &Path, arguments: &[&str]) -> Output {
    run_in("UTC", file, arguments)
}

/// Runs the program on a capture file, in this time zone.
pub fn run_in(zone: &str, file: &Path, arguments: &[&str]) -> Output {
    program::program()
        .arg("--read")
        .arg(file)
        .args(arguments)
        .env("TZ", zone)
        .output()
        .expect("the program was built before its tests")
}

/// A path for a test's own file, in the directory that cargo keeps for tests.
pub fn temporary(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(name)
}

/// The packets and bytes of a JSON object.
pub fn counters(value: &Value) -> Counters {
    let number = |name: &str| value[name].as_u64().unwrap_or_else(|| panic!("{value} has no {name}"));
    Counters { packets: number("packets"), bytes: number("bytes") }
}

/// Counters added up.
pub fn sum(all: impl IntoIterator<Item = Counters>) -> Counters {
    all.into_iter().fold(Counters::default(), |sum, one| Counters {
        packets: sum.packets + one.packets,
        bytes: sum.bytes + one.bytes,
    })
}
