//! LuCI's views in a real browser, on stand-ins for LuCI's classes (tests/data/luci) and JSON that the real
//! program served; their translations; and that the settings are those of the shipped configuration.
#![cfg(feature = "daemon")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};

#[path = "support/served.rs"]
mod served;
#[path = "support/skip.rs"]
mod skip;
use served::Served;
use skip::skipped;

/// What a stranger might call a device.
const HOSTILE: &str = "<img src=x onerror=hacked()>'\"&";

/// The values that the settings' own checks are asked about.
const VALUES: [&str; 12] = [
    "",
    "lan",
    "eth0.7=lan",
    "a b",
    "/etc/x",
    "1h",
    "0h",
    "5M",
    "none",
    "udp://192.168.1.5:514",
    "$(x)",
    "udp://",
];

/// What `option bind` may say, as UCI gives it, and the host to which the link to the pages then leads. A page
/// from a file has no host name of its own.
const BINDS: [(&str, &str); 7] = [
    ("null", ""),
    ("\"192.168.1.1\"", "192.168.1.1"),
    ("[\"127.0.0.1\", \"192.168.2.1\", \"192.168.1.1\"]", "192.168.2.1"),
    ("[\"::1\", \"fd00::1\"]", "[fd00::1]"),
    ("[\"127.0.0.1\"]", ""),
    ("[\"192.168.1.1\", \"0.0.0.0\"]", ""),
    ("[\"192.168.1.1\", \"::\"]", ""),
];

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.as_ref().display()))
}

/// The views' source by the names that `require` knows them by.
fn sources() -> BTreeMap<String, String> {
    ["view.duskwatch.status", "view.duskwatch.settings", "duskwatch.chart", "duskwatch.units"]
        .into_iter()
        .map(|name| {
            let path = format!(
                "openwrt/luci-app-duskwatch/htdocs/luci-static/resources/{}.js",
                name.replace('.', "/")
            );
            (name.to_owned(), read(project(&path)))
        })
        .collect()
}

/// What the views were given, and what they made of it.
struct Run {
    input: Value,
    results: Value,
}

/// Runs the views once for all tests, unless there is no browser.
fn run(test: &str) -> Option<&'static Run> {
    static RUN: OnceLock<Option<Result<Run, String>>> = OnceLock::new();
    let run = RUN.get_or_init(|| {
        let chromium = Command::new("chromium").arg("--version").stdin(Stdio::null()).output();
        chromium.ok().filter(|output| output.status.success()).map(|_| browse())
    });
    if run.is_none() {
        skipped(test, "chromium is not installed (Debian: apt-get install chromium)");
    }
    run.as_ref().map(|run| run.as_ref().unwrap_or_else(|error| panic!("{error}")))
}

fn browse() -> Result<Run, String> {
    let served = Served::start("luci-views", &[]);
    let input = json!({
        "sources": sources(),
        "interface": served.interface,
        "summary": served.get("/api/v1/summary"),
        "darknet": served.get("/api/v1/darknet"),
        "uci": {"web": {"port": "6677", "base": "/traffic"}},
        "binds": BINDS.map(|(bind, _)| serde_json::from_str::<Value>(bind).expect("JSON")),
        "hostile": HOSTILE,
        "values": VALUES,
    });
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("luci");
    fs::create_dir_all(&directory).expect("the target directory can be written");
    for file in ["page.html", "harness.js"] {
        fs::copy(project("tests/data/luci").join(file), directory.join(file)).expect("a copy");
    }
    fs::write(directory.join("input.js"), format!("const INPUT = {input};\n")).expect("the input is written");
    let output = Command::new("timeout")
        .args(["60", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"])
        .args(["--no-first-run", "--disable-background-networking", "--disable-component-update"])
        .args(["--disable-sync", "--virtual-time-budget=10000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", directory.join("profile").display()))
        .arg(format!("file://{}", directory.join("page.html").display()))
        .stdin(Stdio::null())
        .output()
        .expect("coreutils have timeout");
    let page = String::from_utf8(output.stdout).expect("the page is UTF-8");
    let results = page
        .split_once("<pre id=\"results\">")
        .and_then(|(_, rest)| rest.split_once("</pre>"))
        .and_then(|(results, _)| serde_json::from_str::<Value>(results).ok())
        .ok_or_else(|| format!("no results: {}\n{page}", String::from_utf8_lossy(&output.stderr)))?;
    if let Some(failure) = results["failure"].as_str() {
        return Err(failure.to_owned());
    }
    fs::remove_dir_all(&directory).expect("it is ours");
    Ok(Run { input, results })
}

fn texts(value: &Value) -> Vec<&str> {
    value.as_array().expect("a list").iter().map(|text| text.as_str().expect("a text")).collect()
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

#[test]
fn the_status_view_shows_what_the_program_served() {
    let Some(run) = run("the_status_view_shows_what_the_program_served") else { return };
    let (summary, seen) = (&run.input["summary"], &run.results["status"]["first"]);
    assert_eq!(seen["problem"], "");
    let devices = &seen["rows"][0];
    assert_eq!(devices.as_array().unwrap().len(), 1 + summary["top_local"].as_array().unwrap().len());
    let top = &summary["top_local"][0];
    assert_eq!(top["name"], "television");
    assert_eq!(devices[1][0], format!("television ({})", text(&top["address"])));
    assert_eq!(devices[1][1], "–", "no rate is known at the first look");
    let dark = &run.input["darknet"]["darknet"];
    assert_eq!(seen["rows"][1][1][0], dark["sources"][0]["source"]);
    let events = dark["events"].as_array().unwrap();
    assert_eq!(seen["rows"][2][1][1], events[events.len() - 1]["why"], "the last event is first");
    assert_eq!(texts(&seen["choices"]), [format!("{} (lan)", text(&run.input["interface"]))]);
    // A page from a file has no host name.
    assert_eq!(seen["page"], "http://:6677/traffic/");
    let pages = BINDS.map(|(_, host)| format!("http://{host}:6677/traffic/"));
    assert_eq!(texts(&run.results["status"]["pages"]), pages);
}

#[test]
fn the_graphs_have_the_bars_of_the_json() {
    let Some(run) = run("the_graphs_have_the_bars_of_the_json") else { return };
    let seen = &run.results["status"]["first"];
    let titles = ["Last 60 seconds", "Last 60 minutes", "Last 24 hours", "Last 31 days"];
    assert_eq!(texts(&seen["captions"]), titles);
    assert_eq!(texts(&seen["svg_titles"]), titles);
    for period in ["seconds", "minutes", "hours", "days"] {
        let bars = run.input["summary"]["history"][period].as_array().unwrap();
        let drawn = seen["bars"][period].as_array().unwrap();
        assert_eq!(drawn.len(), bars.len(), "{period}");
        // All have one scale: heights are to each other as bytes are.
        let parts = || {
            bars.iter().zip(drawn).flat_map(|(bar, heights)| {
                let bytes = ["inbound", "outbound", "other"].map(|way| bar[way]["bytes"].as_f64().unwrap());
                bytes
                    .into_iter()
                    .zip(heights.as_array().unwrap().iter().map(|height| height.as_f64().unwrap()))
            })
        };
        let (bytes, height) = parts().fold((0.0, 0.0), |sum, part| (sum.0 + part.0, sum.1 + part.1));
        assert!(bytes > 0.0 && height > 0.0, "{period}");
        for (part, drawn) in parts() {
            assert!((part * height / bytes - drawn).abs() < 1e-6, "{period}: {part} B are {drawn} high");
        }
        let highest =
            drawn.iter().map(|bar| bar.as_array().unwrap().iter().filter_map(Value::as_f64).sum::<f64>());
        let highest = highest.fold(0.0, f64::max);
        assert!((25.0..=136.000_001).contains(&highest), "{period}: {highest} of 136");
    }
    let axis = texts(&seen["axis"]);
    assert!(
        axis.iter().any(|label| label.ends_with("bit/s")) && axis.iter().any(|label| label.ends_with('B'))
    );
}

#[test]
fn a_poll_brings_rates_and_a_choice_another_interface() {
    let Some(run) = run("a_poll_brings_rates_and_a_choice_another_interface") else { return };
    let status = &run.results["status"];
    assert_eq!(status["polls"], json!([5]));
    let devices = &status["later"]["rows"][0];
    assert_eq!(devices[1][1], "1.60\u{a0}kbit/s", "1,000 bytes in 5 s");
    assert_eq!(devices[2][1], "0\u{a0}bit/s");
    let requests = status["chosen"]["requests"].as_array().unwrap();
    assert!(
        requests.iter().any(|request| request["arguments"] == json!({"interface": "wan"})),
        "{requests:?}"
    );
    assert!(requests.iter().all(|request| request["object"] == "duskwatch"));
    assert_eq!(status["chosen"]["chosen"], "wan", "an answer about the former interface changes nothing");
}

#[test]
fn strangers_words_stay_text() {
    let Some(run) = run("strangers_words_stay_text") else { return };
    for moment in ["hostile", "rejected"] {
        let seen = &run.results["status"][moment];
        assert!(text(&seen["text"]).contains(HOSTILE), "{moment}: {seen}");
        assert_eq!(seen["images"], 0, "{moment}");
    }
    let shown = text(&run.results["status"]["hostile"]["text"]).matches(HOSTILE).count();
    assert_eq!(
        shown, 10,
        "the notice, the option's name and role, the host's name and address, the dark network, the source, \
        its MAC address and interface, and the event"
    );
}

#[test]
fn an_error_is_a_sentence_and_old_numbers_go() {
    let Some(run) = run("an_error_is_a_sentence_and_old_numbers_go") else { return };
    let status = &run.results["status"];
    assert!(text(&status["unreachable"]["problem"]).starts_with("duskwatch does not answer."));
    assert!(text(&status["rejected"]["problem"]).starts_with("The router did not answer as expected: "));
    for moment in ["unreachable", "rejected"] {
        assert_eq!(status[moment]["rows"], json!([]), "{moment}");
    }
    let coverage = &status["coverage"];
    for (case, start) in [
        ("unknown", "It is not known how much"),
        ("nothing", "Nothing has passed yet"),
        ("part", "97.5 % of this interface's bytes were seen."),
        ("all", "All bytes"),
    ] {
        assert!(text(&coverage[case]).starts_with(start), "{case}: {coverage}");
    }
}

/// The sections and options of a UCI file, those that are commented out included.
fn uci_options(file: &str) -> BTreeSet<(String, String)> {
    let mut section = String::new();
    let mut options = BTreeSet::new();
    for line in file.lines() {
        let mut words = line.trim().trim_start_matches('#').split_whitespace();
        match (words.next(), words.next()) {
            (Some("config"), Some(name)) => section = name.trim_matches('\'').to_owned(),
            (Some("option" | "list"), Some(name)) => _ = options.insert((section.clone(), name.to_owned())),
            _ => {}
        }
    }
    options
}

#[test]
fn the_settings_are_those_of_the_shipped_configuration() {
    const TEST: &str = "the_settings_are_those_of_the_shipped_configuration";
    let Some(run) = run(TEST) else { return };
    let maps = run.results["settings"].as_array().unwrap();
    assert_eq!(maps.len(), 1);
    assert_eq!(maps[0]["config"], "duskwatch");
    let mut options = BTreeSet::new();
    for section in maps[0]["sections"].as_array().unwrap() {
        for option in section["options"].as_array().unwrap() {
            options.insert((text(&section["name"]).to_owned(), text(&option["name"]).to_owned()));
            assert!(!text(&option["title"]).is_empty() && !text(&option["help"]).is_empty(), "{option}");
            if let Some(datatype) = option["datatype"].as_str() {
                let known = ["port", "cidr", "hostname", "ipaddr(\"nomask\")", "macaddr"];
                assert!(known.contains(&datatype) || datatype.starts_with("range("), "{datatype}");
            }
        }
    }
    let Ok(shipped) = fs::read_to_string(project("openwrt/files/etc/config/duskwatch")) else {
        return skipped(TEST, "openwrt/files/etc/config/duskwatch is not there");
    };
    assert_eq!(options, uci_options(&shipped));
}

#[test]
fn the_settings_check_what_luci_has_no_type_for() {
    let Some(run) = run("the_settings_check_what_luci_has_no_type_for") else { return };
    let accepted = |section: &str, name: &str| -> Vec<&str> {
        let find = |list: &Value, name: &str| -> Value {
            let found = list.as_array().unwrap().iter().find(|entry| entry["name"] == name);
            found.unwrap_or_else(|| panic!("{name}")).clone()
        };
        let option = find(&find(&run.results["settings"][0]["sections"], section)["options"], name);
        let verdicts = option["verdicts"].as_array().expect("it has a check").iter();
        VALUES
            .into_iter()
            .zip(verdicts)
            .filter(|(_, verdict)| **verdict == true)
            .map(|(value, _)| value)
            .collect()
    };
    assert_eq!(accepted("capture", "interface"), ["", "lan", "eth0.7=lan", "1h", "0h", "5M", "none"]);
    assert_eq!(accepted("storage", "dir"), ["", "/etc/x"]);
    assert_eq!(accepted("storage", "interval"), ["", "1h"]);
    assert_eq!(accepted("darknet", "evidence"), ["", "/etc/x", "none"]);
    assert_eq!(accepted("darknet", "evidence_bytes"), ["", "5M"]);
    assert_eq!(accepted("darknet", "evidence_age"), ["", "1h"]);
    assert_eq!(accepted("memory", "ring_size"), ["", "5M"]);
    assert_eq!(accepted("syslog", "target"), ["", "none", "udp://192.168.1.5:514"]);
}

/// The strings within `_('...')`.
fn translatable(source: &str) -> impl Iterator<Item = String> {
    source.split("_('").skip(1).map(|rest| {
        let mut string = String::new();
        let mut letters = rest.chars();
        while let Some(letter) = letters.next().filter(|letter| *letter != '\'') {
            string.push(if letter == '\\' { letters.next().expect("an escaped letter") } else { letter });
        }
        string
    })
}

/// The messages of a catalogue and their translations. Each is on one line, as `msgcat --no-wrap` writes them.
fn catalogue(path: &str) -> BTreeMap<String, String> {
    let unquote = |line: &str| serde_json::from_str::<String>(line).expect("a quoted string");
    let file = read(project(path));
    let lines: Vec<&str> = file.lines().collect();
    lines
        .windows(2)
        .filter_map(|pair| {
            let message = unquote(pair[0].strip_prefix("msgid ")?);
            let translation = unquote(pair[1].strip_prefix("msgstr ")?);
            (!message.is_empty()).then_some((message, translation))
        })
        .collect()
}

#[test]
fn every_string_is_in_the_template_and_has_a_german_translation() {
    let root = "openwrt/luci-app-duskwatch";
    let mut strings: BTreeSet<String> = sources().values().flat_map(|source| translatable(source)).collect();
    for (file, fields) in [
        ("root/usr/share/luci/menu.d/luci-app-duskwatch.json", "title"),
        ("root/usr/share/rpcd/acl.d/luci-app-duskwatch.json", "description"),
    ] {
        let entries: Value = serde_json::from_str(&read(project(root).join(file))).expect("JSON");
        let entries = entries.as_object().unwrap().values();
        strings.extend(entries.map(|entry| text(&entry[fields]).to_owned()));
    }
    let template = catalogue(&format!("{root}/po/templates/duskwatch.pot"));
    assert_eq!(template.keys().cloned().collect::<BTreeSet<_>>(), strings);
    let german = catalogue(&format!("{root}/po/de/duskwatch.po"));
    assert_eq!(german.keys().cloned().collect::<BTreeSet<_>>(), strings);
    for (message, translation) in german {
        assert!(!translation.is_empty(), "{message}");
        let places = |text: &str| (text.matches("%s").count(), text.matches("%%").count());
        assert_eq!(places(&message), places(&translation), "{message}");
    }
}

#[test]
fn the_acl_lets_the_views_call_what_they_call_and_read_only() {
    let acl = read(project("openwrt/luci-app-duskwatch/root/usr/share/rpcd/acl.d/luci-app-duskwatch.json"));
    let acl: Value = serde_json::from_str(&acl).expect("JSON");
    let acl = &acl["luci-app-duskwatch"];
    let allowed: BTreeSet<&str> = texts(&acl["read"]["ubus"]["duskwatch"]).into_iter().collect();
    let sources = sources();
    let called: Vec<&str> = sources["view.duskwatch.status"]
        .split("method: '")
        .skip(1)
        .map(|rest| rest.split('\'').next().expect("a name"))
        .collect();
    assert!(called.len() >= 2 && called.iter().all(|method| allowed.contains(method)), "{called:?}");
    assert!(acl["write"]["ubus"].is_null());
}
