//! What the administrator does, on a capture file's books.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use duskwatch::daemon::admin::password::Password;

use crate::browser::{Browser, PASSWORD, encode, hash_password, password_file};
use crate::served::Served;

/// The program with a password.
pub fn served(name: &str) -> Served {
    let file = password_file(name);
    Served::start(name, &["--password-file", file.to_str().expect("UTF-8")])
}

#[test]
fn the_line_of_a_password() {
    let output = hash_password("correct horse\nmore\n");
    assert!(output.status.success(), "{output:?}");
    let line = String::from_utf8(output.stdout).unwrap();
    let password: Password = line.strip_suffix('\n').expect("one line").parse().expect(&line);
    assert_eq!(password.check("correct horse").work(u32::MAX), Some(true));
    let again = hash_password("correct horse\r\n").stdout;
    assert_ne!(again, line.as_bytes(), "each has a salt of its own");
    for bad in ["", "\n", "short\n", &"x".repeat(129), "with\ttabs and more\n"] {
        let output = hash_password(bad);
        assert!(output.status.code() == Some(1) && output.stdout.is_empty(), "{bad:?}: {output:?}");
        let message = String::from_utf8(output.stderr).unwrap();
        assert!(message.contains("a password has 8 to 128 bytes"), "{message}");
    }
}

#[test]
fn a_file_of_a_password_that_others_may_read_is_refused() {
    let file = password_file("refused-password");
    let start = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_duskwatch"));
        program.args(["-i", "nowhere0", "--password-file"]).arg(&file);
        let output = program.output().expect("it starts");
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    for mode in [0o644, 0o602, 0o620, 0o604] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let (status, message) = start();
        assert_eq!(status, Some(2), "{mode:o}: {message}");
        assert!(message.contains("others may read or change it: take that away with chmod 640"), "{message}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&file, "correct horse\n").unwrap();
    assert!(start().1.contains("holds no line of duskwatch --hash-password"), "{}", start().1);
    fs::remove_file(&file).unwrap();
    assert!(start().1.contains("cannot be read"), "{}", start().1);
}

#[test]
fn without_a_password_there_is_nothing_to_log_in_to() {
    let served = Served::start("admin-none", &[]);
    let browser = Browser::new(served.address);
    assert!(!browser.get("/").text().contains("/admin/"));
    let page = browser.get("/admin/");
    assert!(page.status == 200 && !page.text().contains("<form"), "{}", page.text());
    assert!(page.text().contains("--hash-password") && page.text().contains("--password-file"));
    for action in ["login", "logout", "reset", "forget", "snapshot", "restore", ""] {
        let answer = browser.post(&format!("/admin/{action}"), "password=x");
        assert_eq!((answer.status, answer.header("Allow")), (405, Some("GET, HEAD")), "{action}");
    }
}

#[test]
fn pages_lead_to_their_forms_filled_in() {
    let served = served("admin-links");
    let mut browser = Browser::new(served.address);
    let device = &served.get("/api/v1/devices?sort=month")["devices"][0].clone();
    let (mac, address) =
        (device["mac"].as_str().expect("a MAC"), device["addresses"][0].as_str().expect("an address"));
    let (rename, forget) = (format!("/admin/?mac={mac}"), format!("/admin/?address={address}"));
    let leads_to =
        |page: &str, link: &str| browser.get(page).text().contains(&format!("<a href=\"{link}\">"));
    let [of_device, of_host] = [format!("/devices/{mac}/"), format!("/hosts/{address}/")];
    assert!(leads_to(&of_device, &rename) && !leads_to(&of_device, &forget));
    assert!(leads_to(&of_host, &rename) && leads_to(&of_host, &forget));
    let without = Served::start("admin-links-none", &[]);
    assert!(!Browser::new(without.address).get(&of_host).text().contains("admin/"));

    // A login between, and even a wrong password, does not lose what was wanted.
    let hidden = format!("<input type=\"hidden\" name=\"mac\" value=\"{mac}\">");
    assert!(browser.get(&rename).text().contains(&hidden));
    let wrong = browser.post("/admin/login", &format!("password=wrong+horse&mac={mac}"));
    assert!(wrong.status == 403 && wrong.text().contains(&hidden), "{}", wrong.text());
    let login =
        |wanted: &str| browser.post("/admin/login", &format!("password={}&{wanted}", encode(PASSWORD)));
    assert_eq!(login(&format!("mac={mac}")).header("Location"), Some(rename.as_str()));
    assert_eq!(login(&format!("address={address}")).header("Location"), Some(forget.as_str()));
    assert_eq!(
        login("mac=x%0d%0aY:+z&address=%22").header("Location"),
        None,
        "no form has control characters"
    );
    assert_eq!(login("mac=//evil.example&address=%22").header("Location"), Some("/admin/"));

    browser.log_in(PASSWORD);
    let value = |path: &str, name: &str| {
        let page = browser.get(path);
        let field = page.text().split_once(&format!("name=\"{name}\"")).expect("a field").1;
        let tag = field.split('>').next().expect("a tag ends");
        tag.split_once(" value=\"").map(|(_, value)| value.trim_end_matches('"').to_owned())
    };
    assert_eq!((value(&rename, "mac"), value(&rename, "address")), (Some(mac.to_owned()), None));
    assert_eq!((value(&forget, "address"), value(&forget, "mac")), (Some(address.to_owned()), None));
    assert_eq!(value("/admin/?mac=%22%3E", "mac"), None);
    browser.act("rename", &format!("&mac={}&name=Kitchen", encode(mac)));
    assert_eq!(value(&rename, "name").as_deref(), Some("Kitchen"));
}

#[test]
fn logging_in_and_out() {
    let served = served("admin-login");
    let mut browser = Browser::new(served.address);
    let page = browser.get("/admin/");
    assert!(page.text().contains("action=\"/admin/login\"") && !page.text().contains("/admin/reset"));
    // The script leaves pages with such forms alone, or it would keep a session alive.
    assert!(page.text().contains("<form method=\"post\""));
    assert!(include_str!("../../src/view/assets/refresh.js").contains("form[method=post]"));
    assert!(browser.get("/").text().contains("<a href=\"/admin/\">Administration</a>"));

    let wrong = browser.log_in("wrong horse");
    assert_eq!((wrong.status, wrong.header("Set-Cookie")), (403, None));
    assert!(wrong.text().contains("The password is wrong.") && wrong.text().contains("/admin/login"));

    let right = browser.log_in(PASSWORD);
    assert_eq!((right.status, right.header("Location")), (303, Some("/admin/")));
    let cookie = right.header("Set-Cookie").expect("a cookie");
    let attributes: Vec<_> = cookie.split("; ").skip(1).collect();
    assert_eq!(attributes, ["Path=/admin", "HttpOnly", "SameSite=Strict"], "{cookie}");
    assert_eq!(browser.cookie.len(), "duskwatch=".len() + 32);
    assert!(browser.get("/admin/").text().contains("/admin/reset"));

    let out = browser.post("/admin/logout", &format!("token={}", browser.token));
    assert!(out.status == 303 && out.header("Set-Cookie").is_some_and(|cookie| cookie.contains("Max-Age=0")));
    // Over HTTPS, which a proxy speaks, the browser keeps it to itself elsewhere.
    let origin = format!("Origin: https://{}\r\n", served.address);
    let form = format!("password={}", encode(PASSWORD));
    let cookie = |from: &str| {
        let answer = browser.post_from("/admin/login", &form, from);
        answer.header("Set-Cookie").expect("a cookie").to_owned()
    };
    assert!(cookie(&origin).ends_with("; SameSite=Strict; Secure"));
    assert!(!cookie(&origin.replace("https", "http")).contains("Secure"));
    // The cookie is worth nothing, also to who has kept it.
    assert!(!browser.get("/admin/").text().contains("/admin/reset"));
    assert_eq!(browser.post("/admin/reset", &format!("token={}", browser.token)).status, 403);
}

#[test]
fn forgetting_a_host_and_resetting_the_counters() {
    let served = served("admin-reset");
    let browser = Browser::logged_in(served.address);
    let total = browser.json("/api/v1/hosts")["total"].clone();
    let host = browser.json("/api/v1/hosts?sort=total")["hosts"]["rows"][0]["address"].clone();
    let host = host.as_str().expect("an address");
    let evicted = || browser.json("/api/v1/hosts")["hosts"]["evicted"].clone();
    let before = evicted();
    assert_eq!(browser.act("forget", &format!("&address=+{host}")), format!(" {host} is forgotten."));
    assert_eq!(browser.get(&format!("/hosts/{host}/")).status, 404);
    assert_ne!(evicted(), before);
    assert_eq!(browser.json("/api/v1/hosts")["total"], total, "its traffic is still in the sum");
    for unknown in [host, "garbage", "", "%3Cimg+src%3Dx%3E"] {
        let said = browser.act("forget", &format!("&address={unknown}"));
        assert!(said.ends_with("is not known here.") && !said.contains('<'), "{said}");
    }
    assert!(browser.get("/admin/").text().contains("<h1>Administration</h1>\n<h2>"), "it is said once");

    assert_eq!(browser.act("reset", "&interface=nowhere"), "nowhere is not known here.");
    assert_eq!(browser.json("/api/v1/hosts")["total"], total);
    let interface = &served.interface;
    let said = browser.act("reset", &format!("&interface={interface}"));
    assert_eq!(said, format!("The counters of {interface} start at zero."));
    let summary = browser.json("/api/v1/summary");
    assert_eq!(summary["books"]["captured"]["packets"], 0);
    assert_eq!(summary["books"]["total"]["bytes"], 0);
    assert_eq!(browser.json("/api/v1/hosts")["hosts"]["rows"].as_array().map(Vec::len), Some(0));
    assert_eq!(browser.act("reset", ""), "All counters start at zero.");
    // There is no directory for the state.
    for action in ["snapshot", "restore"] {
        assert_eq!(
            browser.post(&format!("/admin/{action}"), &format!("token={}", browser.token)).status,
            405
        );
    }
    assert_eq!(browser.get("/admin/duskwatch.snapshot").status, 404);
}

#[test]
fn the_base_is_before_all_of_it() {
    let file = password_file("admin-base");
    let served = Served::start("admin-base", &["--base", "/dusk", "--password-file", file.to_str().unwrap()]);
    let browser = Browser::new(served.address);
    assert!(browser.get("/dusk/admin/").text().contains("action=\"/dusk/admin/login\""));
    let answer = browser.post("/dusk/admin/login", "password=correct+horse+%26+battery");
    assert_eq!((answer.status, answer.header("Location")), (303, Some("/dusk/admin/")));
    assert!(
        answer.header("Set-Cookie").is_some_and(|cookie| cookie.contains("; Path=/dusk/admin;")),
        "{answer:?}"
    );
    assert_eq!(browser.post("/admin/login", "password=x").status, 405);
}
