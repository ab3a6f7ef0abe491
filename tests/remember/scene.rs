//! Where these tests work: a router with one client, and a directory for the program's files.

use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;

use crate::netns::{Lab, wait_until};
use crate::program::Program;
use crate::wire::{Counters, exchange, socket};

/// `router` has lan0 (192.168.77.1/24), `one` is its client (.11), which is 10.9.9.9 as well, and
/// sends it whatever it has no route for. Nothing is on the wire but what the tests send: the neighbours know each other.
pub fn cable(test: &str) -> Result<Lab, String> {
    let mut lab = Lab::new(test)?;
    for space in ["router", "one"] {
        lab.add(space);
    }
    lab.cable("router", "lan0", "one", "eth0");
    let ends = [("router", "lan0", 1, 11), ("one", "eth0", 11, 1)];
    for (space, device, own, _) in ends {
        lab.ip(space, &format!("link set {device} address 02:00:00:00:00:{own:02}"));
        lab.ip(space, &format!("addr add 192.168.77.{own}/24 dev {device}"));
    }
    for (space, device, _, peer) in ends {
        let neighbour = format!("192.168.77.{peer} lladdr 02:00:00:00:00:{peer:02}");
        lab.ip(space, &format!("neigh replace {neighbour} dev {device} nud permanent"));
    }
    lab.ip("one", "route add default via 192.168.77.1");
    lab.ip("one", "addr add 10.9.9.9/32 dev eth0");
    lab.ip("router", "route add 10.9.9.9/32 dev lan0");
    Ok(lab)
}

/// A directory in which every user may make files, as in /tmp; gone when this is dropped.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(test: &str) -> Self {
        let path = std::env::temp_dir().join(format!("duskwatch-{}-{test}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o1777)).unwrap();
        Self(path)
    }

    /// The path of a file in it, as an option takes it.
    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().expect("UTF-8").to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The latest snapshot in a directory.
pub fn snapshot(directory: &str) -> PathBuf {
    Path::new(directory).join("duskwatch.snapshot")
}

/// What changes when a file is written or replaced, or `None` if there is no such file.
pub fn version(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.ino(), metadata.modified().expect("files have times")))
}

/// The names of the files in a directory.
pub fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).expect("the directory is there");
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().expect("UTF-8")).collect();
    names.sort();
    names
}

/// A sender and the router's receiver.
pub struct Pair(UdpSocket, UdpSocket);

impl Pair {
    /// The client as 10.9.9.9, which is not local.
    pub fn new(lab: &Lab) -> Self {
        Self::from(lab, "10.9.9.9:5000")
    }

    /// The client with this address.
    pub fn from(lab: &Lab, client: &str) -> Self {
        Self(socket(lab, "one", client), socket(lab, "router", "192.168.77.1:6000"))
    }

    /// Sends datagrams, and waits until the program has counted them: then no other is to come.
    pub fn send(&self, program: &Program, count: u64) -> Counters {
        let before = captured(program);
        let sent = exchange(&self.0, &self.1, "192.168.77.1:6000", count, 100);
        wait_until("they are counted", || captured(program) == before + count);
        sent
    }
}

/// What the program has logged, once its books are restored.
pub fn log(program: &Program) -> Vec<String> {
    wait_until("the start is over", || program.log().iter().any(|line| line.starts_with("the tables of ")));
    program.log()
}

/// Frames captured.
pub fn captured(program: &Program) -> u64 {
    let about = program.json("/api/v1/about");
    about["books"]["captured"]["packets"].as_u64().unwrap_or_else(|| panic!("{about}"))
}

/// Everything that a restart brings back, as the pages have it. Of the history, that is the bars with
/// traffic; the seconds are left out, for they are forgotten after a minute.
pub fn books(program: &Program) -> Value {
    let page = |path: &str, fields: &[&str]| -> Value {
        let json = program.json(path);
        let field = |name: &&str| {
            let value = &json[*name];
            assert!(!value.is_null(), "{path} has no {name}: {json}");
            ((*name).to_owned(), value.clone())
        };
        fields.iter().map(field).collect::<serde_json::Map<_, _>>().into()
    };
    let mut summary = page("/api/v1/summary", &["books", "history", "top_remote"]);
    let history = summary["history"].as_object_mut().expect("rings");
    history.remove("seconds");
    for ring in history.values_mut() {
        ring.as_array_mut().expect("bars").retain(|bar| traffic(bar) != Counters::default());
    }
    // What the kernel counted belongs to the run.
    for run in ["coverage", "dropped_by_kernel"] {
        summary["books"].as_object_mut().expect("books").remove(run);
    }
    let mut books = Value::Array(vec![
        summary,
        page("/api/v1/hosts", &["hosts", "total"]),
        page("/api/v1/hosts/10.9.9.9", &["host"]),
        page("/api/v1/ports", &["ports"]),
        page("/api/v1/protocols", &["protocols"]),
    ]);
    forget_rates(&mut books);
    books
}

/// Leaves out what goes on at the moment.
fn forget_rates(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.remove("bits_per_second");
            fields.values_mut().for_each(forget_rates);
        }
        Value::Array(values) => values.iter_mut().for_each(forget_rates),
        _ => {}
    }
}

/// Panics unless the books are whole: frames, hosts and history each add up to the total. Returns the
/// frames that were captured.
pub fn check_sums(program: &Program, context: &str) -> u64 {
    let summary = program.json("/api/v1/summary");
    let books = &summary["books"];
    let total = Counters::of(&books["total"]);
    let discarded = books["discarded"].as_object().expect("reasons").values();
    let discarded: u64 = discarded.map(|frames| frames.as_u64().expect("a number")).sum();
    let captured = books["captured"]["packets"].as_u64().expect("a number");
    let accounted = total.0 + Counters::of(&books["non_ip"]).0 + discarded;
    assert_eq!(captured, accounted, "{context}: {books}");

    let hosts = program.json("/api/v1/hosts");
    assert_eq!(Counters::of(&hosts["total"]), total, "{context}: nothing is counted meanwhile");
    let hosts = &hosts["hosts"];
    for column in ["sent", "received"] {
        let rows = hosts["rows"].as_array().expect("rows").iter();
        let rows = rows.chain([&hosts["others"], &hosts["evicted"]]);
        let sum = rows.fold(Counters::default(), |sum, row| sum + Counters::of(&row[column]));
        assert_eq!(sum, total, "{context}: hosts {column}");
    }

    let months = summary["history"]["months"].as_array().expect("bars");
    let sum = months.iter().fold(Counters::default(), |sum, bar| sum + traffic(bar));
    assert_eq!(sum, total, "{context}: history");
    captured
}

/// All traffic of a bar of the history.
fn traffic(bar: &Value) -> Counters {
    ["inbound", "outbound", "other"]
        .iter()
        .fold(Counters::default(), |sum, way| sum + Counters::of(&bar[*way]))
}
