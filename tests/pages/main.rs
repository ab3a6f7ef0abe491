//! The pages as people meet them: in Debian's Chromium, driven by Playwright, with scripts and without; as valid
//! HTML; and in a text browser. The programs that serve are started here, what looks at them is in the files
//! `*.cjs`, and `scripts/fetch-page-tools` installs what those need.
//!
//! Pictures of all pages are in `target/screenshots` afterwards.
#![cfg(feature = "daemon")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use duskwatch::daemon::admin::password::Password;
use duskwatch::view::units::Bytes;
use serde_json::{Map, Value};
use traffic::scenarios::{Options, Packet, Scenario};

#[allow(dead_code)] // Other tests use more of it.
#[path = "../support/served.rs"]
mod served;
#[path = "../support/skip.rs"]
mod skip;
use served::Served;
use skip::skipped;

fn project(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Why no browser can be driven here, if it cannot.
fn obstacle() -> Option<&'static str> {
    let runs = |program: &str| {
        let status =
            Command::new(program).arg("--version").stdin(Stdio::null()).stdout(Stdio::null()).status();
        status.is_ok_and(|status| status.success())
    };
    if !runs("chromium") {
        return Some("chromium is not installed (Debian: apt-get install chromium)");
    }
    if !runs("node") {
        return Some("node is not installed (Debian: apt-get install nodejs)");
    }
    let tools = project("target/page-tools/node_modules/playwright-core");
    (!tools.exists()).then_some("its tools are not there (scripts/fetch-page-tools)")
}

/// Runs `tests/pages/SCRIPT.cjs` with the addresses of these servers.
fn browse(test: &str, script: &str, servers: &[(&str, &Served)]) {
    if let Some(obstacle) = obstacle() {
        return skipped(test, obstacle);
    }
    let addresses: Map<String, Value> = servers
        .iter()
        .map(|(name, served)| ((*name).to_owned(), format!("http://{}/", served.address).into()))
        .collect();
    let screenshots = project("target/screenshots");
    fs::create_dir_all(&screenshots).expect("the target directory can be written");
    let output = Command::new("timeout")
        .args(["300", "node", "--test-reporter=spec"])
        .arg(project("tests/pages").join(format!("{script}.cjs")))
        .env("NODE_PATH", project("target/page-tools/node_modules"))
        .env("DUSKWATCH_SERVERS", Value::from(addresses).to_string())
        .env("DUSKWATCH_SCREENSHOTS", screenshots)
        .env("DUSKWATCH_PASSWORD", PASSWORD)
        .stdin(Stdio::null())
        .output()
        .expect("coreutils have timeout");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{test}\n{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}

/// Opens the forms of administration.
const PASSWORD: &str = "correct horse & battery";

/// A device's name as its owner's worst enemy would choose it; a lease has no spaces in it.
const HOSTILE: &str = "<img/src=x/onerror=window.hacked=1>";

fn mix(packets: u64) -> impl Iterator<Item = Packet> {
    Scenario::Mix.packets(&Options { packets, ..Options::default() })
}

/// The file of a password, as the program makes it but with few iterations: a debug build takes its time.
fn password_file() -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages.password");
    fs::write(&path, format!("{}\n", Password::new(PASSWORD, [7; 16], 1_000))).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its owner may");
    path
}

#[test]
fn every_page_is_sound() {
    let password = password_file();
    let home = Served::start("pages-home", &["--password-file", password.to_str().expect("UTF-8")]);
    browse("who_knows_the_password_may_do_more", "administration", &[("home", &home)]);
    browse("every_page_is_sound", "every_page", &[("home", &home)]);
}

#[test]
fn every_page_has_its_picture() {
    let home = Served::start("pages-pictures", &[]);
    browse("every_page_has_its_picture", "pictures", &[("home", &home)]);
}

#[test]
fn pages_of_too_much_and_of_nothing_are_sound() {
    let options = Options { packets: 4_000, ..Options::default() };
    let many = Served::packets("pages-many", Scenario::MixFlood.packets(&options), &["--hosts-max", "1024"]);
    assert_eq!(many.get("/api/v1/about")["tables"]["hosts"], 1024);
    let none = Served::packets("pages-none", mix(0), &[]);
    // The clock goes three months ahead, and a day back.
    let jumping = mix(3_000).zip(0..).map(|(packet, number)| {
        let days = [0, 90, 89][number / 1_000];
        Packet { time_micros: packet.time_micros + days * 86_400_000_000, ..packet }
    });
    let jump = Served::packets("pages-jump", jumping, &[]);
    browse(
        "pages_of_too_much_and_of_nothing_are_sound",
        "every_page",
        &[("many", &many), ("none", &none), ("jump", &jump)],
    );
}

#[test]
fn the_script_takes_nothing_from_the_reader() {
    const TEST: &str = "the_script_takes_nothing_from_the_reader";
    let home = Served::start("pages-script", &[]);
    let live = rustix::process::geteuid().is_root().then(|| Served::run(&["--interface", "lo"]));
    if live.is_none() {
        skipped(TEST, "only root may capture, so real traffic was not shown live");
    }
    let mut servers = vec![("home", &home)];
    servers.extend(live.iter().map(|live| ("live", live)));
    browse(TEST, "live", &servers);
}

#[test]
fn strangers_names_do_nothing() {
    let leases = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages.leases");
    let lines: String =
        (1..255).map(|n| format!("0 02:00:00:00:00:{n:02x} 192.168.1.{n} {HOSTILE} *\n")).collect();
    fs::write(&leases, lines).expect("the target directory can be written");
    let options = ["--leases", leases.to_str().expect("UTF-8"), "--dark", "192.168.1.200/32"];
    let home = Scenario::Home.packets(&Options { packets: 3_000, ..Options::default() });
    let hostile = Served::packets("<svg onload=window.hacked=2>", home, &options);
    browse("strangers_names_do_nothing", "strangers", &[("hostile", &hostile)]);
    fs::remove_file(leases).expect("it is ours");
}

#[test]
fn hosts_are_found_and_turned_over() {
    let home = Served::start("pages-hosts", &[]);
    let options = Options { packets: 4_000, ..Options::default() };
    let many = Served::packets("pages-flood", Scenario::MixFlood.packets(&options), &["--hosts-max", "1024"]);
    browse("hosts_are_found_and_turned_over", "hosts", &[("home", &home), ("many", &many)]);
}

#[test]
fn all_hosts_are_one_page_however_many() {
    let options = Options { packets: 4_000, ..Options::default() };
    let many = Served::packets("pages-all", Scenario::MixFlood.packets(&options), &["--hosts-max", "1024"]);
    for query in ["count=all", "count=4096&sort=name&order=reverse", "count=all&search=.&show=remote"] {
        let (head, body) = many.answer(&format!("/hosts/?{query}"));
        assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("Transfer-Encoding: chunked"), "{head}");
        assert!(head.contains("Content-Security-Policy: default-src 'none'"), "{head}");
        let page = joined(&body);
        let matching = many.get(&format!("/api/v1/hosts?{query}"))["matching"].as_u64().expect("a number");
        assert!(matching > 100 && page.matches("<th scope=\"row\"><a").count() as u64 == matching, "{query}");
        assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    }
    // What fits is a response like any other, and JSON has its pages.
    let (head, _) = many.answer("/hosts/?count=all&search=192.168.1.1");
    assert!(head.contains("Content-Length: "), "{head}");
    let rows = many.get("/api/v1/hosts?count=all")["hosts"]["rows"].as_array().expect("rows").len();
    assert_eq!(rows, 100);
    assert!(many.answer("/hosts/?count=all&interface=none").0.starts_with("HTTP/1.1 404 "));
}

#[test]
fn nothing_is_sorted_by_what_is_hidden() {
    let open = Served::start("pages-open", &[]);
    let hidden = Served::start("pages-hidden", &["--no-lastseen"]);
    for (path, parameter) in [
        ("/hosts/", "sort"),
        ("/api/v1/hosts", "sort"),
        ("/devices/", "sort"),
        ("/api/v1/devices", "sort"),
        ("/", "top"),
        ("/api/v1/summary", "top"),
    ] {
        let last = format!("{path}?{parameter}=last");
        assert_ne!(open.page(&last), open.page(path), "{path}");
        assert_eq!(hidden.page(&last), hidden.page(path), "{path}");
    }
}

/// The chunks of a body in one piece.
fn joined(mut body: &str) -> String {
    let mut whole = String::new();
    loop {
        let (size, rest) = body.split_once("\r\n").expect("a chunk has a size");
        let size = usize::from_str_radix(size, 16).expect("a number");
        if size == 0 {
            return whole;
        }
        whole += &rest[..size];
        body = &rest[size + 2..];
    }
}

#[test]
fn readers_get_their_language() {
    let home = Served::start("pages-languages", &[]);
    let german = Served::start("pages-german", &["--language", "de"]);
    browse("readers_get_their_language", "languages", &[("home", &home), ("german", &german)]);
}

#[test]
fn what_is_not_there_is_a_page_that_leads_on() {
    let german = Served::start("pages-missing", &["--language", "de"]);
    for path in ["/nothing", "/hosts/203.0.113.77/", "/darknet/x", "/?interface=none"] {
        let (head, body) = german.answer(path);
        assert!(
            head.starts_with("HTTP/1.1 404 ") && head.contains("Content-Type: text/html"),
            "{path}: {head}"
        );
        assert!(head.contains("Content-Security-Policy: default-src 'none'"), "{head}");
        assert!(body.contains("<h1>Nicht gefunden</h1>") && body.contains("<a href=\"/hosts/\">"), "{body}");
    }
    for path in ["/api/v1/nothing", "/api/v1/hosts/203.0.113.77", "/assets/custom.css"] {
        let (head, _) = german.answer(path);
        assert!(head.starts_with("HTTP/1.1 404 ") && head.contains("text/plain"), "{path}: {head}");
    }
    // Where all interfaces are not to be had together, the first is shown.
    for path in ["/?interface=all", "/hosts/?interface=all", "/hosts/?interface=all&count=all"] {
        assert!(german.answer(path).0.starts_with("HTTP/1.1 200 "), "{path}");
    }
    assert!(german.answer("/api/v1/hosts?interface=all").0.starts_with("HTTP/1.1 404 "));
}

#[test]
fn a_text_browser_shows_the_numbers() {
    const TEST: &str = "a_text_browser_shows_the_numbers";
    let home = Served::start("pages-text", &[]);
    let url = format!("http://{}/", home.address);
    let Ok(shown) = Command::new("w3m").args(["-dump", "-cols", "120", &url]).stdin(Stdio::null()).output()
    else {
        return skipped(TEST, "w3m is not installed (Debian: apt-get install w3m)");
    };
    let shown = String::from_utf8_lossy(&shown.stdout).replace('\u{a0}', " ");
    let summary = home.get("/api/v1/summary");
    let total = summary["books"]["total"]["bytes"].as_u64().expect("a number");
    let names = summary["top_local"].as_array().expect("rows").iter().filter_map(|row| row["name"].as_str());
    let total = Bytes(total).to_string().replace('\u{a0}', " ");
    for text in names.chain([total.as_str(), "Since the start", "Last 24 hours", "television"]) {
        assert!(shown.contains(text), "{text} is not in\n{shown}");
    }
    assert!(shown.contains(&format!("{total} in ")), "{total} runs into what follows:\n{shown}");
    assert!(!shown.contains("every second"), "what only a script can do is offered without one:\n{shown}");
}

#[test]
fn a_style_sheet_of_the_users_comes_last() {
    let style = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages.css");
    fs::write(&style, "body { color: teal }").expect("the target directory can be written");
    let plain = Served::start("pages-plain", &[]);
    let styled = Served::start("pages-styled", &["--css", style.to_str().expect("UTF-8")]);
    assert!(!plain.page("/").contains("custom.css"));
    assert!(plain.answer("/assets/custom.css").0.starts_with("HTTP/1.1 404 "));
    let page = styled.page("/");
    let [ours, theirs] = ["assets/style.css", "assets/custom.css"].map(|path| page.find(path).expect(path));
    assert!(ours < theirs);
    assert_eq!(styled.page("/assets/custom.css"), "body { color: teal }");
    fs::remove_file(style).expect("it is ours");
}
