//! Many routers in one place: Debian's Prometheus and rsyslog with the configurations of docs/fleet as they stand.
#![cfg(feature = "daemon")]

#[path = "../support/netns.rs"]
mod netns;
#[path = "../live/program.rs"]
#[allow(dead_code, reason = "each test program uses a part of this")]
mod program;
#[path = "../support/sensor.rs"]
#[allow(dead_code, reason = "each test program uses a part of this")]
mod sensor;
#[path = "../support/served.rs"]
#[allow(dead_code, reason = "each test program uses a part of this")]
mod served;
#[path = "../support/skip.rs"]
mod skip;

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use netns::{lab, wait_until};
use program::Program;
use sensor::sensor_and_client;
use served::Served;
use skip::skipped;

const DOCUMENT: &str = include_str!("../../docs/fleet.md");

/// Where the documented configurations are.
const CONFIGURATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/fleet");

/// Somebody else's program; it ends when this is dropped.
struct Server(Child);

impl Server {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(command.spawn().expect("it is installed"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An empty directory for a test.
fn directory(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    listener.local_addr().expect("it is bound")
}

/// What Prometheus answers: a list of series with a value each. Empty if it does not answer yet.
fn answer(prometheus: SocketAddr, query: &str) -> Vec<Value> {
    let mut encoded = String::new();
    for byte in query.bytes() {
        let _ = write!(encoded, "%{byte:02X}");
    }
    let Ok(mut stream) = TcpStream::connect(prometheus) else { return Vec::new() };
    stream.set_read_timeout(Some(Duration::from_secs(10))).expect("a time limit");
    let request = format!("GET /api/v1/query?query={encoded} HTTP/1.0\r\nHost: {prometheus}\r\n\r\n");
    let mut text = String::new();
    if stream.write_all(request.as_bytes()).and_then(|()| stream.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    let body = text.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let json: Value = serde_json::from_str(body).unwrap_or_default();
    assert_ne!(json["status"], "error", "{query}: {body}");
    json["data"]["result"].as_array().cloned().unwrap_or_default()
}

#[test]
fn prometheus_scrapes_a_fleet_and_answers_the_documented_queries() {
    if !Path::new("/usr/bin/promtool").exists() {
        let reason = "prometheus is not installed (Debian: apt-get install prometheus)";
        return skipped("prometheus_scrapes_a_fleet_and_answers_the_documented_queries", reason);
    }
    let routers =
        [("home", Served::start("fleet-home", &[])), ("office", Served::start("fleet-office", &[]))];
    let directory = directory("fleet-prometheus");
    for name in ["prometheus.yml", "rules.yml"] {
        fs::copy(Path::new(CONFIGURATIONS).join(name), directory.join(name)).expect("a file");
    }
    // Those of the document are elsewhere. The third one is down.
    let addresses =
        routers.iter().map(|(name, served)| (*name, served.address)).chain([("cabin", free_address())]);
    let targets = addresses
        .map(|(name, address)| format!("- targets: [\"{address}\"]\n  labels:\n    router: {name}\n"));
    fs::write(directory.join("routers.yml"), targets.collect::<String>()).expect("a file");
    for directory in [Path::new(CONFIGURATIONS), &directory] {
        let check = Command::new("promtool")
            .args(["check", "config", "prometheus.yml"])
            .current_dir(directory)
            .output();
        let check = check.expect("it is installed");
        assert!(check.status.success(), "{}", String::from_utf8_lossy(&check.stderr));
    }
    let address = free_address();
    let mut command = Command::new("prometheus");
    command.args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"]).current_dir(&directory);
    command.arg(format!("--web.listen-address={address}"));
    let _prometheus = Server::start(command);

    let queries: Vec<&str> = DOCUMENT
        .split("```promql\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(query, _)| query)
        .collect();
    assert!(queries.len() > 4);
    for query in queries {
        wait_until(query, || !answer(address, query).is_empty());
    }
    for (name, served) in &routers {
        let query = format!("sum by (router) (duskwatch_bytes_total{{router=\"{name}\"}})");
        wait_until(&query, || answer(address, &query).len() == 1);
        let bytes = served.get("/api/v1/about")["books"]["total"]["bytes"].as_u64().expect("a number");
        assert_eq!(answer(address, &query)[0]["value"][1], bytes.to_string(), "{name}");
    }
    let down = answer(address, "up{job=\"duskwatch\"} == 0");
    assert_eq!(down.len(), 1);
    assert_eq!(down[0]["metric"]["router"], "cabin");
    wait_until("the alert of the rules", || {
        let alerts = answer(address, "ALERTS");
        alerts.len() == 1 && alerts[0]["metric"]["alertname"] == "RouterDoesNotAnswer"
    });
}

#[test]
fn rsyslog_has_a_file_for_each_router() {
    let test = "rsyslog_has_a_file_for_each_router";
    if !Path::new("/usr/sbin/rsyslogd").exists() {
        return skipped(test, "rsyslogd is not installed (Debian: apt-get install rsyslog)");
    }
    let Some(lab) = lab(test, sensor_and_client) else { return };
    let directory = directory("fleet-rsyslog");
    let text = fs::read_to_string(Path::new(CONFIGURATIONS).join("rsyslog.conf")).expect("a file");
    let text = text.replace("/var/log/routers", directory.to_str().expect("UTF-8"));
    let file = |name: &str| directory.join(name).into_os_string().into_string().expect("UTF-8");
    fs::write(file("conf"), text).expect("a file");
    let (conf, pid) = (file("conf"), file("pid"));
    let arguments = ["-n", "-f", conf.as_str(), "-i", pid.as_str()];
    let _rsyslog = Server::start(lab.command("sensor", "/usr/sbin/rsyslogd", &arguments));
    wait_until("rsyslogd listens", || lab.inside("sensor", || TcpStream::connect("127.0.0.1:514").is_ok()));
    for router in ["home", "office"] {
        let script = "hostname \"$0\" && exec \"$@\"";
        let binary = env!("CARGO_BIN_EXE_duskwatch");
        let options = ["-i", "eth0", "--syslog-to", "tcp://127.0.0.1:514"];
        let arguments = [&["--uts", "sh", "-c", script, router, binary][..], &options].concat();
        let mut program = Program::start_as(&lab, "sensor", lab.command("sensor", "unshare", &arguments));
        // What it says at its end is the least that comes.
        assert!(program.end(Signal::TERM).0.success(), "{:?}", program.log());
        let lines = || fs::read_to_string(file(&format!("{router}.log"))).unwrap_or_default();
        wait_until("the router's file", || lines().contains(" STATS "));
        assert!(lines().lines().all(|line| line.contains(&format!(" {router} duskwatch "))), "{}", lines());
    }
}
