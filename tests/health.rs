//! `--check-health`, asked of the real program and of what is not it.
#![cfg(feature = "daemon")]

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::thread;

#[path = "support/served.rs"]
#[allow(dead_code)]
mod served;
use served::Served;

fn check(options: &[&str]) -> Output {
    let program = env!("CARGO_BIN_EXE_duskwatch");
    Command::new(program).arg("--check-health").args(options).output().expect("the program was built")
}

/// Checks that the program is found healthy: status 0, and no word.
fn is_healthy(options: &[&str]) {
    let output = check(options);
    assert!(output.status.success(), "{options:?}: {output:?}");
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
}

/// Checks that it is not: status 1, and one line that has these words.
fn is_ill(options: &[&str], words: &str) {
    let output = check(options);
    assert_eq!(output.status.code(), Some(1), "{options:?}: {output:?}");
    let line = String::from_utf8(output.stderr).expect("the program speaks UTF-8");
    assert_eq!(line.lines().count(), 1, "{line}");
    assert!(line.starts_with("duskwatch: http://127.0.0.1:") && line.contains(words), "{line}");
}

#[test]
fn a_running_program_is_healthy_until_it_ends() {
    let served = Served::start("healthy", &[]);
    let port = served.address.port().to_string();
    is_healthy(&["-p", &port]);
    is_healthy(&["-p", &port, "-b", "0.0.0.0", "-i", "eth0"]);
    is_ill(&["-p", &port, "--base", "elsewhere"], "answers, but not with the page");
    drop(served);
    is_ill(&["-p", &port], "does not answer: Connection refused");
}

#[test]
fn the_file_says_where_to_ask() {
    let served = Served::start("healthy-by-file", &["--base", "/watch"]);
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("health.conf");
    fs::write(&path, format!("port {}\nbase watch\n", served.address.port())).expect("it can be written");
    is_healthy(&["--config", path.to_str().expect("the target directory's name is text")]);
}

#[test]
fn another_server_is_not_the_program() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port().to_string();
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody asks");
        stream.write_all(b"220 mail.example ESMTP\r\n").expect("it reads");
    });
    let output = check(&["-p", &port]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    other.join().expect("it was asked");
}
