//! The web server under attack: a well-behaved client keeps getting answers within a second, and the
//! process does not grow.

mod attacks;

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use attacks::{ATTACKS, Target, endure};
use duskwatch::daemon::web::{
    Gate, Handler, HostNames, Listeners, Page, Request, Response, Statistics, Status,
};
use duskwatch::limits::{WEB_BODY_BYTES_MAX, WEB_CONNECTIONS_MAX, WEB_HEAD_TIME, WEB_PAGES_MAX};

/// Set for the process that is attacked: this test program, started again.
const TARGET: &str = "DUSKWATCH_TEST_WEB_TARGET";

/// Pages of the size that the real ones have.
struct Pages;

impl Handler for Pages {
    fn respond(&mut self, request: &Request<'_>, statistics: &Statistics, page: &mut Page) -> Response {
        let _ = match request.path() {
            "/" => page.write_bytes(&[b'x'; 12 * 1024]),
            "/large" => page.write_bytes(&[b'x'; WEB_BODY_BYTES_MAX]),
            _ => write!(page, "{statistics:?}"),
        };
        Response::live(Status::Ok, "text/plain")
    }
}

/// Not a test: the program that the tests attack. It serves until its standard input ends.
#[test]
fn serve_as_target() {
    if std::env::var_os(TARGET).is_none() {
        return;
    }
    let address = SocketAddr::from(([127, 0, 0, 1], 0));
    let listeners = Listeners::bind(&[address], false).expect("loopback has a free port");
    println!("\nlistening {}", listeners.addresses()[0]);
    let gate = Gate::new(listeners, HostNames::default());
    gate.run(&mut Pages, std::io::stdin().as_fd()).expect("the gate runs until it is stopped");
}

/// The process that serves; it ends when this is dropped.
struct Server {
    target: Target,
    process: Child,
    stop: Option<ChildStdin>,
    /// Held so that the process can go on writing.
    _output: BufReader<ChildStdout>,
}

impl Server {
    fn start() -> Self {
        let program = std::env::current_exe().expect("a test is a program");
        let mut process = Command::new(program)
            .args(["--exact", "serve_as_target", "--nocapture", "--test-threads=1"])
            .env(TARGET, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a test starts twice");
        let mut output = BufReader::new(process.stdout.take().expect("it is piped"));
        let address = output
            .by_ref()
            .lines()
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("listening ")?.parse().ok())
            .expect("the target says where it listens");
        let stop = process.stdin.take();
        let target = Target { address, pid: process.id(), large: "/large" };
        Self { target, process, stop, _output: output }
    }

    fn statistics(&self) -> String {
        attacks::get(self.target.address, "/statistics", Duration::from_secs(1)).expect("it still answers")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.process.wait();
        if !std::thread::panicking() {
            assert!(ended.expect("it was started").success(), "the target ended badly");
        }
    }
}

/// What the server may come to occupy beyond what it starts with: every page and head buffer in use,
/// and a little for the allocator.
const GROWTH_KIB: u64 =
    ((WEB_PAGES_MAX * WEB_BODY_BYTES_MAX + WEB_CONNECTIONS_MAX * 2304) / 1024 + 128) as u64;

#[test]
fn each_attack_alone_is_endured() {
    let server = Server::start();
    let before = attacks::resident_kib(server.target.pid);
    for attack in &ATTACKS {
        let outcome = endure(server.target, std::slice::from_ref(attack), Duration::from_secs(1));
        println!("{}: {outcome:?}", attack.0);
        assert!(
            outcome.resident_kib <= before + GROWTH_KIB,
            "{} began at {before} KiB: {outcome:?}",
            attack.0
        );
    }
    println!("{}", server.statistics());
}

#[test]
fn all_attacks_at_once_are_endured_in_fixed_memory() {
    let server = Server::start();
    let before = attacks::resident_kib(server.target.pid);
    let idle_descriptors = attacks::descriptors(server.target.pid);
    // Longer than the patience for a head, so that time-outs happen too.
    let time = WEB_HEAD_TIME + Duration::from_secs(1);
    let first = endure(server.target, &ATTACKS, time);
    let second = endure(server.target, &ATTACKS, time);
    println!("began at {before} KiB, first {first:?}, second {second:?}\n{}", server.statistics());
    assert!(first.resident_kib <= before + GROWTH_KIB, "began at {before} KiB: {first:?}");
    // What was touched once is used again: the second time may only add pages of the allocator.
    assert!(second.resident_kib <= first.resident_kib + 64, "{first:?}, then {second:?}");
    // A connection being accepted or closed is one more.
    let most = idle_descriptors + WEB_CONNECTIONS_MAX + 1;
    assert!(first.descriptors <= most && second.descriptors <= most, "{first:?}, then {second:?}");
}

#[test]
fn running_out_of_descriptors_is_endured() {
    let server = Server::start();
    let before = attacks::limit_descriptors(server.target.pid, 12);
    // Those that hold on to descriptors.
    let outcome = endure(server.target, &ATTACKS[..2], Duration::from_secs(3));
    println!("{outcome:?}\n{}", server.statistics());
    let failures = server.statistics();
    assert!(!failures.contains("accept_failures: 0"), "the limit was never reached: {failures}");
    attacks::set_descriptor_limit(server.target.pid, before);
}

#[test]
fn without_any_descriptor_it_waits_and_does_not_spin() {
    let server = Server::start();
    let processor_time = || {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.target.pid)).expect("it lives");
        let fields = stat.rsplit(") ").next().expect("the name is in brackets").split(' ');
        // utime and stime are fields 14 and 15, in ticks of 10 ms; the name was field 2.
        fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum::<u64>() * 10
    };
    let before = attacks::limit_descriptors(server.target.pid, 0);
    let (start, used) = (Instant::now(), processor_time());
    assert!(attacks::get(server.target.address, "/", Duration::from_secs(1)).is_err());
    let used = processor_time() - used;
    assert!(used < 100, "{used} ms of processor time in {:?}", start.elapsed());
    attacks::set_descriptor_limit(server.target.pid, before);
    // The pause ends by itself.
    attacks::get(server.target.address, "/", Duration::from_secs(1)).expect("descriptors are there again");
}
