//! Snapshots by form: saved, downloaded, and put in the place of the books.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::browser::{Browser, PASSWORD, encode, password_file};
use crate::netns::{lab, wait_until};
use crate::program::Program;
use crate::scene::{Folder, Pair, books, cable, captured, check_sums, names};

#[test]
fn the_state_goes_out_and_comes_back() {
    let Some(lab) = lab("the_state_goes_out_and_comes_back", cable) else { return };
    let folder = Folder::new("admin-state");
    let directory = folder.path("books");
    let password = password_file("admin-state");
    let options = ["-i", "lan0", "--dir", &directory, "--password-file", password.to_str().unwrap(), "-v"];
    let pair = Pair::new(&lab);
    let mut program = Program::start(&lab, "router", &options);
    pair.send(&program, 20);
    let before = books(&program);

    let (state, browser) = program.inside(|address: SocketAddr| {
        let browser = Browser::logged_in(address);
        let said = browser.act("snapshot", "");
        assert!(said.starts_with("A snapshot of ") && said.ends_with(" bytes was saved."), "{said}");
        let state = browser.get("/admin/duskwatch.snapshot");
        assert_eq!(state.status, 200);
        let stranger = Browser::new(address);
        assert_eq!(stranger.get("/admin/duskwatch.snapshot").status, 404);
        (dechunked(&state.body), browser)
    });
    assert_eq!(state, fs::read(Path::new(&directory).join("duskwatch.snapshot")).unwrap());

    pair.send(&program, 5);
    let now = books(&program);
    assert_ne!(now, before);
    program.inside(|address| {
        // What is no whole snapshot changes nothing.
        let mut forged = state.clone();
        forged[40] ^= 1;
        let garbage =
            [b"garbage".as_slice(), b"", &state[..state.len() - 1], &state[..20], &forged, b"\r\n\r\n"];
        for file in garbage {
            assert_eq!(browser.upload(&browser.token, file).status, 303);
            assert!(browser.said().starts_with("Not done: it "), "{}", browser.said());
        }
        // What is too large comes to its end all the same, so that the answer is read.
        assert_eq!(browser.upload(&browser.token, &vec![0; 8_000_000]).status, 303);
        assert_eq!(browser.said(), "Not done: it is larger than a snapshot of these books can be");
        // Who has no session does not get to send it.
        let stranger = Browser::new(address);
        for (browser, token) in [(&stranger, browser.token.as_str()), (&browser, "x"), (&browser, "")] {
            assert_eq!(browser.upload(token, &state).status, 403);
        }
    });
    assert_eq!(books(&program), now);
    assert!(!names(Path::new(&directory)).contains(&"duskwatch.upload".to_owned()));

    program.inside(|_| {
        assert_eq!(browser.upload(&browser.token, &state).status, 303);
        let said = browser.said();
        assert!(said.starts_with("The books are restored;"), "{said}");
    });
    assert_eq!(books(&program), before);
    pair.send(&program, 3);
    assert_eq!(check_sums(&program, "counting goes on"), 23);
    // The books of before are the previous snapshot.
    fs::copy(Path::new(&directory).join("duskwatch.snapshot.1"), folder.path("previous")).unwrap();
    program.end(Signal::TERM);
    assert_eq!(names(Path::new(&directory)), ["duskwatch.snapshot", "duskwatch.snapshot.1"]);

    // What a power cut has left of an upload goes.
    let rest = Path::new(&directory).join("duskwatch.upload");
    fs::write(&rest, "rest").unwrap();
    let mut program = Program::start(&lab, "router", &options);
    assert_eq!(captured(&program), 23);
    assert!(!rest.exists());
    let previous = fs::read(folder.path("previous")).unwrap();
    program.inside(|address| {
        let browser = Browser::logged_in(address);
        assert_eq!(browser.upload(&browser.token, &previous).status, 303);
    });
    assert_eq!(books(&program), now);

    // What was forgotten stays so, also if the power goes.
    // For a moment there is none: the last one has become the previous one.
    let saved = || fs::read(Path::new(&directory).join("duskwatch.snapshot")).ok();
    let last = saved();
    program.inside(|address| {
        let browser = Browser::logged_in(address);
        browser.act("reset", "");
    });
    wait_until("a snapshot is saved", || saved().is_some() && saved() != last);
    program.end(Signal::KILL);
    let program = Program::start(&lab, "router", &options);
    assert_eq!(captured(&program), 0);
}

#[test]
fn a_device_has_the_name_that_it_was_given() {
    let Some(lab) = lab("a_device_has_the_name_that_it_was_given", cable) else { return };
    let folder = Folder::new("admin-names");
    let directory = folder.path("books");
    let password = password_file("admin-names");
    let options = ["-i", "lan0", "--dir", &directory, "--password-file", password.to_str().unwrap()];
    let (mac, name) = ("02:00:00:00:00:11", "<img src=x onerror=alert(1)>'s \u{e9}tude");
    let rename = |browser: &Browser, name: &str| {
        browser.act("rename", &format!("&mac={}&name={}", encode(mac), encode(name)))
    };
    let name_of = |program: &Program| program.json("/api/v1/hosts/192.168.77.11")["host"]["name"].clone();
    let mut program = Program::start(&lab, "router", &options);
    Pair::from(&lab, "192.168.77.11:5000").send(&program, 3);
    program.inside(|address| {
        let said = rename(&Browser::logged_in(address), name);
        assert!(said.contains(mac), "{said}");
    });
    wait_until("it has the name", || name_of(&program) == name);
    for page in ["/", "/hosts/", "/devices/", "/hosts/192.168.77.11/", &format!("/devices/{mac}/")] {
        let page = program.get(page).body;
        assert!(page.contains("&lt;img src=x") && !page.contains("<img src=x"), "{page}");
    }
    let kept = || fs::read_to_string(Path::new(&directory).join("duskwatch.names")).unwrap_or_default();
    wait_until("it is kept", || kept() == format!("own {mac} {name}\n"));
    program.end(Signal::KILL);

    let program = Program::start(&lab, "router", &options);
    assert_eq!(name_of(&program), name);
    program.inside(|address| {
        let browser = Browser::logged_in(address);
        for wrong in ["a\u{202e}b", "a\u{200b}b", &"x".repeat(65)] {
            let said = rename(&browser, wrong);
            assert!(said.starts_with("Not done"), "{said}");
        }
        rename(&browser, "");
        browser.act("forget", &format!("&address={}", encode("\u{202e}7.1.861.291")));
    });
    let log = || program.log().join("\n");
    wait_until("it is in the log", || log().contains("Unknown \\u{202e}7.1"));
    assert!(!log().contains('\u{202e}'), "{}", log());
    wait_until("it has none", || name_of(&program).is_null());
}

#[test]
fn a_new_password_ends_the_sessions() {
    let Some(lab) = lab("a_new_password_ends_the_sessions", cable) else { return };
    let folder = Folder::new("admin-reload");
    let file = folder.path("password");
    fs::copy(password_file("admin-reload"), &file).unwrap();
    let group = Command::new("id").args(["-g", "nobody"]).output().unwrap().stdout;
    let group: u32 = String::from_utf8(group).unwrap().trim().parse().unwrap();
    let options = ["-i", "lan0", "--user", "nobody", "--password-file", &file];
    let program = Program::start(&lab, "router", &options);
    let browser = program.inside(Browser::logged_in);
    let is_open = || program.inside(|_| browser.get("/admin/").text().contains("/admin/reset"));

    // Root has read it at first, which the program is no more.
    for (mode, complaint) in [(0o600, "program's group, with mode 640"), (0o644, "with chmod 640")] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        program.signal(Signal::HUP);
        let complaint = format!("{complaint}; the password stays as it was");
        wait_until("it complains", || program.log().iter().any(|line| line.contains(&complaint)));
        assert!(is_open());
    }
    let other = duskwatch::daemon::admin::password::Password::new("another horse", [8; 16], 1_000);
    fs::write(&file, other.to_string()).unwrap();
    chown(&file, None, Some(group)).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    program.signal(Signal::HUP);
    wait_until("the session is over", || !is_open());
    program.inside(|address| {
        let mut browser = Browser::new(address);
        assert_eq!(browser.log_in(PASSWORD).status, 403);
        assert_eq!(browser.log_in("another horse").status, 303);
    });
}

/// A body without its chunks.
fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let end = body.windows(2).position(|two| two == b"\r\n").expect("a chunk has a length");
        let length = usize::from_str_radix(str::from_utf8(&body[..end]).unwrap(), 16).expect("in hex");
        if length == 0 {
            return whole;
        }
        whole.extend(&body[end + 2..end + 2 + length]);
        body = &body[end + length + 4..];
    }
}
