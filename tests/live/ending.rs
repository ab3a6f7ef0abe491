//! How the program ends, what it does on a signal, and what it may do meanwhile.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rustix::process::Signal;

use crate::netns::{home_network, lab, wait_until};
use crate::program::{Program, has_other_users};
use crate::skip::skipped;
use crate::wire::{exchange, hosts, socket};
use crate::{ROUTER, load};

/// What a user may be asked to wait.
const SOON: Duration = Duration::from_secs(1);

#[test]
fn signals_end_it_at_once_and_well() {
    let Some(lab) = lab("signals_end_it_at_once_and_well", home_network) else { return };
    let _alone = load();
    for signal in [Signal::TERM, Signal::INT] {
        let mut program = Program::start(&lab, "router", &ROUTER);
        let (status, time) = program.end(signal);
        assert!(status.success(), "{status}");
        assert!(time < SOON, "{time:?}");
    }
}

/// Datagrams without end, until this is dropped.
struct Load(Arc<AtomicBool>);

impl Load {
    fn start(socket: UdpSocket, destination: &'static str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&over);
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                let _ = socket.send_to(&[0; 18], destination);
            }
        });
        Self(over)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn neither_load_nor_a_dead_receiver_delays_the_end() {
    let Some(lab) = lab("neither_load_nor_a_dead_receiver_delays_the_end", home_network) else { return };
    let _alone = load();
    // One receiver where nobody listens, one that never reads, one that never answers.
    let full = lab.inside("router", || TcpListener::bind("127.0.0.1:0").unwrap());
    let closed = lab.inside("router", || UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap());
    let receivers = [
        format!("udp://{closed}"),
        format!("tcp://{}", full.local_addr().unwrap()),
        "tcp://10.99.0.99:1".into(),
    ];
    for receiver in &receivers {
        let options = ["-i", "br-lan", "-i", "wan0=wan", "--dark", "10.9.0.0/16", "--syslog-to", receiver];
        let mut program = Program::start(&lab, "router", &options);
        let one = socket(&lab, "one", "0.0.0.0:0");
        let load = Load::start(one, "10.9.1.1:9");
        wait_until("the load is felt", || {
            hosts(&program, "br-lan").get("10.9.1.1").is_some_and(|(_, received)| received.0 > 10_000)
        });
        let (status, time) = program.end(Signal::TERM);
        drop(load);
        println!("{receiver}: ended after {time:?}");
        assert!(status.success(), "{receiver}: {status}");
        assert!(time < SOON, "{receiver}: {time:?}");
    }
}

#[test]
fn a_hangup_reads_the_names_again() {
    let Some(lab) = lab("a_hangup_reads_the_names_again", home_network) else { return };
    let leases = Path::new(env!("CARGO_TARGET_TMPDIR")).join("leases");
    let _ = fs::remove_file(&leases);
    let options = ["-i", "br-lan", "--leases", leases.to_str().unwrap()];
    let program = Program::start(&lab, "router", &options);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    exchange(&one, &two, "192.168.77.12:5000", 1, 100);
    wait_until("it is seen", || hosts(&program, "br-lan").len() == 2);
    let name = || program.json("/api/v1/hosts/192.168.77.11")["host"]["name"].as_str().map(str::to_owned);
    assert_eq!(name(), None);
    fs::write(&leases, "0 02:00:00:00:00:05 192.168.77.11 printer *\n").unwrap();
    program.signal(Signal::HUP);
    wait_until("the name is known", || name().as_deref() == Some("printer"));
}

#[test]
fn it_keeps_no_privilege_but_raw_sockets() {
    let Some(lab) = lab("it_keeps_no_privilege_but_raw_sockets", home_network) else { return };
    let passwd = fs::read_to_string("/etc/passwd").unwrap();
    let number = |name: &str| {
        let line = passwd.lines().find_map(|line| line.strip_prefix(&format!("{name}:")))?;
        line.split(':').nth(1)?.parse::<u64>().ok()
    };
    let user = match has_other_users() {
        true => number("duskwatch").or_else(|| number("nobody")).expect("every system has nobody"),
        false => 0,
    };
    let program = Program::start(&lab, "router", &ROUTER);
    // It logs this once it has given up root.
    wait_until("the tables are told", || program.log().iter().any(|line| line.ends_with("once and for all")));
    for task in fs::read_dir(format!("/proc/{}/task", program.pid())).unwrap().flatten() {
        let status = fs::read_to_string(task.path().join("status")).unwrap();
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(field("Uid:"), vec![user.to_string(); 4]);
        // CAP_NET_RAW is number 13.
        for set in ["CapEff:", "CapPrm:"] {
            assert_eq!(field(set), ["0000000000002000"], "{set}");
        }
        for set in ["CapInh:", "CapAmb:"] {
            assert_eq!(field(set), ["0000000000000000"], "{set}");
        }
        assert_eq!(field("NoNewPrivs:"), ["1"]);
    }
}

#[test]
fn without_the_privilege_one_line_says_so() {
    let program = env!("CARGO_BIN_EXE_duskwatch");
    // Root loses the privilege by a closed bounding set, and can still reach the program's file.
    let mut command = match rustix::process::geteuid().is_root() {
        true => Command::new("setpriv"),
        false => Command::new(program),
    };
    if rustix::process::geteuid().is_root() {
        command.args(["--bounding-set", "-net_raw", "--inh-caps", "-net_raw", program]);
    }
    let output = command.args(["-i", "lo", "-p", "0", "-n"]).stdin(Stdio::null()).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => return skipped("without_the_privilege_one_line_says_so", &format!("setpriv: {error}")),
    };
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert_eq!(error.lines().count(), 1, "{error}");
    assert!(error.contains("root") && error.contains("CAP_NET_RAW"), "{error}");
}
