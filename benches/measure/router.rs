//! What a page costs on a router: the program for mipsel under qemu, and the instructions that it executes.

use std::fs;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::traces;
use crate::web;

const PROGRAM: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/mipsel-unknown-linux-musl/release/duskwatch");
const PLUGIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/measure/instructions.c");

/// The network of the traces.
const HOME: &str = "192.168.1.0/24";

/// How long the program may take to read its capture file, or to end.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is asked for: a path, and whether it is to be compressed.
pub struct Answer {
    pub path: &'static str,
    pub is_compressed: bool,
}

/// Instructions of one answer with a page, from the accepted connection to the last byte: those of a run with
/// `times` requests without those of a run with none.
pub fn instructions_of(answer: &Answer, capture: &Path, times: u64) -> Result<u64, String> {
    if !Path::new(PROGRAM).exists() {
        return Err("the program for mipsel is not there; first: make cross".to_owned());
    }
    let plugin = traces::directory().join("instructions.so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&plugin).arg(PLUGIN);
    if !compiler.status().is_ok_and(|status| status.success()) {
        return Err("cc cannot compile qemu's plugin".to_owned());
    }
    let none = run(&plugin, answer, capture, 0)?;
    let all = run(&plugin, answer, capture, times)?;
    Ok(all.saturating_sub(none) / times)
}

fn run(plugin: &Path, answer: &Answer, capture: &Path, times: u64) -> Result<u64, String> {
    let counted = traces::directory().join("instructions");
    let _ = fs::remove_file(&counted);
    let port = free_port()?;
    // Before it gives up root the program makes sure that it has one thread, and qemu has one more. What is below
    // this directory stands in for the file of that path.
    let root = traces::directory().join("router");
    fs::create_dir_all(root.join("proc/self/task/1"))
        .map_err(|error| format!("{}: {error}", root.display()))?;
    let child = Command::new("qemu-mipsel")
        .arg("-plugin")
        .arg(plugin)
        .arg("-L")
        .arg(root)
        // As root, or it could not write the count at its end.
        .args([
            PROGRAM,
            "--user",
            "root",
            "--serve",
            "--no-dns",
            "-l",
            HOME,
            "-p",
            &port.to_string(),
            "--read",
        ])
        .arg(capture)
        .env("INSTRUCTIONS", &counted)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|error| format!("qemu-mipsel: {error}"))?;
    let asked = ask(port, answer, times);
    let ended = end(&mut child);
    asked.and(ended)?;
    let text = fs::read_to_string(&counted).map_err(|error| format!("qemu's count: {error}"))?;
    text.trim().parse().map_err(|_| format!("qemu's count is '{}'", text.trim()))
}

/// Waits for the pages with a small one, then asks for the one to be measured.
fn ask(port: u16, answer: &Answer, times: u64) -> Result<(), String> {
    let started = Instant::now();
    while web::get(port, "/favicon.svg").is_err() {
        if started.elapsed() > PATIENCE {
            return Err("the program for mipsel does not serve".to_owned());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let get = if answer.is_compressed { web::get_compressed } else { web::get };
    (0..times).try_for_each(|_| get(port, answer.path).map(drop))
}

fn end(child: &mut Child) -> Result<(), String> {
    let process = Pid::from_child(child);
    kill_process(process, Signal::TERM).map_err(|error| format!("the program for mipsel: {error}"))?;
    let started = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(_)) => return Ok(()),
            Ok(None) if started.elapsed() < PATIENCE => thread::sleep(Duration::from_millis(20)),
            _ => {
                let _ = child.kill();
                let _ = child.wait();
                return Err("the program for mipsel does not end".to_owned());
            }
        }
    }
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("127.0.0.1: {error}"))
}
