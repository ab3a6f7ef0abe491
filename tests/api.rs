//! docs/openapi.json and docs/api.md, held against the real server: every path, every parameter, every field.
#![cfg(feature = "daemon")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use traffic::scenarios::{Options, Scenario};

#[path = "support/schema.rs"]
mod schema;
#[path = "support/served.rs"]
mod served;
#[path = "support/skip.rs"]
mod skip;
use schema::Description;
use served::Served;
use skip::skipped;

/// That of the home's television.
const QUOTA: &str = "64:1c:b0:7e:55:9a=100K";

/// The whole answer, head and body.
fn fetch(served: &Served, path: &str, headers: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(served.address).expect("it listens");
    let host = served.address;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n")
        .expect("it reads");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("it answers");
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head ends") + 4;
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer.split_off(end))
}

/// What a program makes of some bytes; `None` if there is no such program.
fn pipe(program: &str, arguments: &[&str], input: &[u8]) -> Option<Output> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take().expect("it is piped").write_all(input).expect("it reads");
    Some(child.wait_with_output().expect("it ends"))
}

/// A local host, and one that touched the dark address.
fn host_and_source(served: &Served) -> [String; 2] {
    let hosts = served.get("/api/v1/hosts?show=local");
    let darknet = served.get("/api/v1/darknet");
    let addresses = [&hosts["hosts"]["rows"][0]["address"], &darknet["darknet"]["sources"][0]["source"]];
    addresses.map(|address| address.as_str().expect("there is one").to_owned())
}

#[test]
fn the_description_describes_itself() {
    let description = Description::read();
    description.check_itself();
    let openapi = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/openapi/bin/openapi-spec-validator");
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/openapi.json");
    match Command::new(&openapi).arg(file).output() {
        Ok(output) => assert!(output.status.success(), "{output:?}"),
        Err(_) => skipped("the_description_describes_itself", "needs scripts/fetch-openapi-validator"),
    }
}

#[test]
fn every_field_is_described() {
    let description = Description::read();
    let served = Served::start("api", &["--notice", "A notice.", "--quota", QUOTA]);
    let [host, source] = host_and_source(&served);
    let mut seen = BTreeSet::new();
    for path in description.paths().filter(|path| path.starts_with("/api/v1/")) {
        let operation = &description.0["paths"][path]["get"];
        let address = if path.contains("/darknet/") { &source } else { &host };
        let plain = path.replace("{address}", address).replace("{device}", &host);
        let mut wanted = vec![plain.clone(), format!("{plain}?interface={}", served.interface)];
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let parameter = description.resolved(parameter);
            let name = parameter["name"].as_str().expect("a name");
            for value in parameter["schema"]["enum"].as_array().into_iter().flatten() {
                wanted.push(format!("{plain}?{name}={}", value.as_str().expect("a text")));
            }
            for bound in ["minimum", "maximum", "default"] {
                if let Some(value) = parameter["schema"][bound].as_i64() {
                    wanted.push(format!("{plain}?{name}={value}"));
                }
            }
        }
        for wanted in wanted {
            description.check(path, &served.get(&wanted));
        }
        seen.insert(path);
    }
    assert!(seen.len() >= 10, "{seen:?}");
    let touched = served.get(&format!("/api/v1/hosts/{source}"));
    description.check("/api/v1/hosts/{address}", &touched);
    assert_eq!(touched["host"]["darknet"]["source"], source.as_str());
    // What is asked for is what is answered.
    let hosts = served.get("/api/v1/hosts?sort=address&order=reverse&show=local&count=3");
    assert_eq!(
        (&hosts["sort"], &hosts["reverse"], &hosts["show"]),
        (&"address".into(), &true.into(), &"local".into())
    );
    assert_eq!(hosts["hosts"]["rows"].as_array().map(Vec::len), Some(3));
    let (head, _) = fetch(&served, "/api/v1/ports?interface=all", "");
    assert!(head.starts_with("HTTP/1.1 404 "), "one interface is all there is: {head}");
}

/// A checker that finds nothing wrong is none.
#[test]
fn what_is_not_described_is_found() {
    let description = Description::read();
    let served = Served::start("api-damage", &[]);
    let right = served.get("/api/v1/hosts");
    description.check("/api/v1/hosts", &right);
    let is_refused = |damage: &dyn Fn(&mut Value)| {
        let mut json = right.clone();
        damage(&mut json);
        assert_ne!(json, right);
        assert!(description.find("/api/v1/hosts", &json).is_some(), "{json}");
    };
    is_refused(&|json| json["new"] = 1.into());
    is_refused(&|json| json["hosts"]["rows"][0]["new"] = Value::Null);
    is_refused(&|json| json["hosts"]["rows"][0]["sent"]["bytes"] = 1.5.into());
    is_refused(&|json| json["interfaces"][0]["role"] = "dmz".into());
    is_refused(&|json| json["schema"] = 2.into());
    is_refused(&|json| _ = json["total"].as_object_mut().expect("an object").remove("packets"));
}

#[test]
fn promtool_finds_nothing_wrong_with_the_metrics() {
    let served = Served::start("promtool", &["--quota", QUOTA]);
    let (head, metrics) = fetch(&served, "/metrics", "");
    assert!(head.contains("\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n"), "{head}");
    let documented =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/api.md")).expect("docs/api.md");
    let metrics_text = String::from_utf8(metrics.clone()).expect("text");
    for family in metrics_text.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = family.split_once(' ').expect("a kind");
        let row = documented.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        assert!(
            row.is_some_and(|row| row.contains(&format!("| {kind} |"))),
            "docs/api.md lacks {name}, a {kind}"
        );
    }
    let Some(output) = pipe("promtool", &["check", "metrics"], &metrics) else {
        return skipped("promtool_finds_nothing_wrong_with_the_metrics", "needs promtool");
    };
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// The busy day that `make demo` shows, after two years of quiet ones, so that all graphs are full; in either language.
/// Of what else browsers may ask for there is nothing.
#[test]
fn the_first_page_and_all_that_it_loads_are_15_kb() {
    let day = Options { packets: 300_000, ..Options::default() };
    let quiet = |age: u64| Options { packets: 200, seed: age, end: day.end - age * 86_400, ..day };
    let years = (1..=731).rev().flat_map(|age| Scenario::Home.packets(&quiet(age)));
    let names = concat!(env!("CARGO_MANIFEST_DIR"), "/traffic/home.hosts");
    let options = ["--dark", "192.168.1.200/32", "--hosts-file", names];
    let served = Served::packets("first-page", years.chain(Scenario::Home.packets(&day)), &options);
    let history = &served.get("/api/v1/summary")["history"];
    for (period, bars) in [("minutes", 60), ("hours", 24), ("days", 31), ("months", 24)] {
        let busy = |bar: &Value| bar["inbound"]["bytes"] != 0;
        let count = history[period].as_array().expect("bars").iter().filter(|bar| busy(bar)).count();
        assert!(count * 10 > bars * 9, "{count} of {bars} {period}");
    }
    for language in ["en", "de"] {
        let headers = format!("Accept-Encoding: gzip\r\nAccept-Language: {language}\r\n");
        let (_, page) = fetch(&served, "/", &format!("Accept-Language: {language}\r\n"));
        let page = String::from_utf8(page).expect("text");
        assert!(page.contains(&format!("<html lang=\"{language}\"")), "{page}");
        let linked = ["href=\"", "src=\""].map(|link| page.split(link).skip(1).collect::<Vec<_>>()).concat();
        let mut loaded: BTreeSet<_> = linked
            .iter()
            .filter_map(|rest| rest.split('"').next())
            .filter(|path| [".css", ".js", ".svg"].iter().any(|end| path.ends_with(end)))
            .collect();
        assert_eq!(loaded.len(), 3, "{loaded:?}");
        loaded.insert("/");
        let sizes: Vec<_> =
            loaded.iter().map(|path| (*path, fetch(&served, path, &headers).1.len())).collect();
        let sum: usize = sizes.iter().map(|(_, size)| size).sum();
        println!("{language}: {sum} bytes: {sizes:?}");
        assert!(sum <= 15_000, "{language}: {sum} bytes: {sizes:?}");
    }
}

#[test]
fn pages_are_compressed_for_those_who_ask_and_what_they_load_always_is() {
    let served = Served::start("compressed", &[]);
    let plain_of = |compressed: &[u8]| {
        let output = pipe("gzip", &["-dc"], compressed).expect("every system has gzip");
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    for path in ["/", "/hosts/", "/api/v1/summary", "/metrics"] {
        let (plain_head, plain) = fetch(&served, path, "");
        assert!(!plain_head.contains("Content-Encoding"), "{plain_head}");
        let (head, compressed) = fetch(&served, path, "Accept-Encoding: gzip, br\r\n");
        assert!(head.contains("\r\nContent-Encoding: gzip\r\n"), "{path}: {head}");
        for head in [&plain_head, &head] {
            assert!(head.contains("\r\nVary: Accept-Encoding\r\n"), "{path}: {head}");
        }
        // The metrics count the requests.
        assert!(plain_of(&compressed) == plain || path == "/metrics", "{path}");
        println!("{path}: {} bytes, {} compressed", plain.len(), compressed.len());
    }
    for (path, file) in [
        ("/assets/style.css", "style.css"),
        ("/assets/refresh.js", "refresh.js"),
        ("/favicon.svg", "favicon.svg"),
    ] {
        let source = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/view/assets").join(file));
        for coding in ["", "Accept-Encoding: gzip\r\n"] {
            let (head, compressed) = fetch(&served, path, coding);
            assert!(head.contains("\r\nContent-Encoding: gzip\r\n"), "{path}: {head}");
            assert!(plain_of(&compressed) == *source.as_ref().expect("it is there"), "{path}");
            let tag = head.lines().find_map(|line| line.strip_prefix("ETag: ")).expect("it has a version");
            let (head, body) = fetch(&served, path, &format!("If-None-Match: {tag}\r\n{coding}"));
            assert!(head.starts_with("HTTP/1.1 304 ") && body.is_empty(), "{head}");
        }
    }
}
