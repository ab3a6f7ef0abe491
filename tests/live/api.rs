//! What machines read of two live interfaces: JSON as docs/openapi.json describes it, and docs/grafana.json over a
//! real Prometheus.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::schema::Description;
use crate::skip::skipped;
use crate::wire::{exchange, hosts, socket};

/// Where Prometheus answers, in a namespace of its own.
const PROMETHEUS: &str = "127.0.0.1:9090";

/// A directory that is empty, and gone when this is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    fn text(&self) -> &str {
        self.0.to_str().expect("the target directory's name is text")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program with everything on that has numbers, after some traffic and a touch of the dark.
fn watched<'a>(lab: &'a Lab, directory: &Directory) -> Program<'a> {
    let evidence = format!("{}/evidence", directory.text());
    let store = format!("{}/store", directory.text());
    for directory in [&evidence, &store] {
        fs::create_dir_all(directory).expect("a directory");
    }
    let options = [
        "-i",
        "br-lan",
        "-i",
        "wan0=wan",
        "--learning",
        "0",
        "--user",
        "root",
        "--evidence",
        &evidence,
        "-d",
        &store,
        "--syslog-to",
        "udp://127.0.0.1:5140",
        "--quota",
        "wan0=1G",
        "--ipfix-to",
        "udp://127.0.0.1:4739",
        "--dark",
        "198.51.100.0/24",
    ];
    let program = Program::start(lab, "router", &options);
    let one = socket(lab, "one", "0.0.0.0:5000");
    let server = socket(lab, "server", "0.0.0.0:5000");
    exchange(&one, &server, "10.99.0.2:5000", 10, 100);
    wait_until("it is seen", || hosts(&program, "wan0").len() == 2 && hosts(&program, "br-lan").len() == 2);
    wait_until("the dark is touched", || {
        let _ = one.send_to(b"anybody there?", "198.51.100.7:23");
        let _ = one.send_to(b"anybody there?", "192.168.77.100:9");
        program.json("/api/v1/darknet")["darknet"]["events"]
            .as_array()
            .is_some_and(|events| !events.is_empty())
    });
    program
}

#[test]
fn live_interfaces_send_what_is_described() {
    let Some(lab) = lab("live_interfaces_send_what_is_described", home_network) else { return };
    let directory = Directory::new("live-described");
    let program = watched(&lab, &directory);
    let description = Description::read();
    for path in description.paths().filter(|path| path.starts_with("/api/v1/")) {
        let wanted = path.replace("{address}", "192.168.77.11").replace("{device}", "192.168.77.11");
        let sent = program.json(&wanted);
        description.check(path, &sent);
        assert!(!sent.to_string().contains(directory.text()), "{path} tells where the state is: {sent}");
    }
    assert!(!program.get("/about/").body.contains(directory.text()));
    for path in ["/api/v1/ports", "/api/v1/protocols"] {
        let all = program.json(&format!("{path}?interface=all"));
        description.check(path, &all);
        assert_eq!(all["interface"], Value::Null);
        let page = program.get(&format!("{}?interface=all", path.replace("/api/v1", "") + "/")).body;
        assert!(page.contains("interface=all\" aria-current=\"page\">All</a>"), "{page}");
    }
    // UDP port 5000 is remote on both sides of the router, with the same packets.
    let all = program.json("/api/v1/ports?interface=all");
    let rows = all["ports"]["udp"]["remote"]["rows"].as_array().expect("rows");
    let row = rows.iter().find(|row| row["port"] == 5000).expect("it was seen");
    let cells = row["by_interface"].as_array().expect("a list");
    assert_eq!(cells.len(), 2);
    for (cell, interface) in cells.iter().zip(["br-lan", "wan0"]) {
        assert_eq!((&cell["interface"], &cell["outbound"]["packets"]), (&interface.into(), &10.into()));
        let one = program.json(&format!("/api/v1/ports?interface={interface}"));
        let rows = one["ports"]["udp"]["remote"]["rows"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["port"] == 5000).expect("it is on its own page, too");
        assert_eq!((&row["inbound"], &row["outbound"]), (&cell["inbound"], &cell["outbound"]));
    }
    // A page that shows one interface shows the first.
    for path in ["/", "/hosts/", "/devices/"] {
        let [all, first] = ["?interface=all", ""].map(|query| program.get(&format!("{path}{query}")));
        let chosen =
            |page: &str| page.split("<nav class=\"interfaces\"").nth(1).map(|nav| nav[..120].to_owned());
        assert_eq!((all.status(), chosen(&all.body)), (200, chosen(&first.body)), "{path}");
    }
    assert_eq!(program.get("/api/v1/hosts?interface=all").status(), 404);
}

/// A process that ends when this is dropped.
struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// How many series an expression has; `None` while Prometheus does not answer.
fn series(program: &Program, expression: &str) -> Option<usize> {
    let encoded: String = expression.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let answer = program.inside(|_| {
        let mut stream = TcpStream::connect(PROMETHEUS).ok()?;
        write!(stream, "GET /api/v1/query?query={encoded} HTTP/1.0\r\n\r\n").ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    })?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let json: Value = serde_json::from_str(body).ok()?;
    assert_eq!(json["status"], "success", "{expression}: {json}");
    json["data"]["result"].as_array().map(Vec::len)
}

/// The expressions of all panels, with what Grafana would put in the place of its variables.
fn expressions() -> Vec<String> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/grafana.json");
    let text = fs::read_to_string(path).expect("docs/grafana.json");
    let dashboard: Value = serde_json::from_str(&text).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels").iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let expressions = targets.map(|target| {
        let mut expression = target["expr"].as_str().expect("an expression").to_owned();
        for (variable, value) in
            [("$instance", ".+"), ("$interface", ".+"), ("$__rate_interval", "20s"), ("$__range", "20s")]
        {
            expression = expression.replace(variable, value);
        }
        assert!(!expression.contains('$'), "{expression}");
        expression
    });
    expressions.collect()
}

#[test]
fn every_panel_of_the_dashboard_has_data() {
    const TEST: &str = "every_panel_of_the_dashboard_has_data";
    if !Command::new("prometheus").arg("--version").output().is_ok_and(|output| output.status.success()) {
        return skipped(TEST, "needs prometheus");
    }
    let Some(lab) = lab(TEST, home_network) else { return };
    let directory = Directory::new("live-prometheus");
    let program = watched(&lab, &directory);
    let configuration = format!("{}/prometheus.yml", directory.text());
    let scrape = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs:\n  - job_name: duskwatch\n    static_configs:\n      \
         - targets: ['{}']\n",
        program.address
    );
    fs::write(&configuration, scrape).expect("it can be written");
    let mut command = lab.command("router", "prometheus", &[]);
    command.arg(format!("--config.file={configuration}"));
    command.arg(format!("--storage.tsdb.path={}/tsdb", directory.text()));
    command.arg(format!("--web.listen-address={PROMETHEUS}")).stdout(Stdio::null()).stderr(Stdio::null());
    let _prometheus = Process(command.spawn().expect("it is there"));

    let expressions = expressions();
    assert!(expressions.len() >= 15);
    for expression in &expressions {
        wait_until(expression, || series(&program, expression).is_some_and(|series| series > 0));
    }
}
