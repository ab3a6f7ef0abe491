//! The real program, running in a network namespace, and what one can learn of it from outside.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::netns::{Lab, wait_until};

/// How long a page may take on a machine that has other things to do as well.
const PATIENCE: Duration = Duration::from_secs(10);

/// duskwatch in a namespace of a lab; killed when this is dropped.
pub struct Program<'a> {
    lab: &'a Lab,
    space: &'static str,
    child: Child,
    log: Arc<Mutex<Vec<String>>>,
    /// Where it serves its pages.
    pub address: SocketAddr,
}

/// An HTTP response.
#[derive(Debug)]
pub struct Response {
    /// The status line and the headers.
    pub head: String,
    /// What follows them.
    pub body: String,
}

impl Response {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status line")
    }

    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

impl<'a> Program<'a> {
    /// Starts it with these options, without DNS and with the pages on a free port of 127.0.0.1, and
    /// waits until they are served. The capture runs by then.
    pub fn start(lab: &'a Lab, space: &'static str, options: &[&str]) -> Self {
        Self::start_as(lab, space, lab.command(space, env!("CARGO_BIN_EXE_duskwatch"), options))
    }

    /// Starts it by a command of its own, to which the options of [`Program::start`] are added.
    pub fn start_as(lab: &'a Lab, space: &'static str, mut command: Command) -> Self {
        command.args(always());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let log = collect_lines(&mut child);
        // The address is not known yet; the program is killed if it never is.
        let address = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut program = Self { lab, space, child, log, address };
        wait_until("the pages are served", || {
            if let Some(status) = program.child.try_wait().expect("a child can be waited for") {
                panic!("the program ended with {status}: {:?}", program.log());
            }
            let address = program.log().iter().find_map(|line| {
                line.split_once("serving http://")?.1.split('/').next()?.parse::<SocketAddr>().ok()
            });
            address.map(|address| program.address = address).is_some()
        });
        program
    }

    /// The lines that it has logged so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().expect("no reader panics").clone()
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Works where its pages can be reached, at this address.
    pub fn inside<T: Send>(&self, work: impl FnOnce(SocketAddr) -> T + Send) -> T {
        self.lab.inside(self.space, || work(self.address))
    }

    /// Sends a request's bytes and reads the response until the connection is closed.
    pub fn request(&self, request: &str) -> Response {
        self.lab.inside(self.space, || {
            let mut stream = TcpStream::connect(self.address).expect("it listens");
            stream.set_read_timeout(Some(PATIENCE)).expect("a time limit");
            stream.write_all(request.as_bytes()).expect("it reads");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("it answers in UTF-8");
            let (head, body) = answer.split_once("\r\n\r\n").expect("a head and a body");
            Response { head: head.to_owned(), body: body.to_owned() }
        })
    }

    /// Asks for a page.
    pub fn get(&self, path: &str) -> Response {
        self.request(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.address))
    }

    /// Asks for a page that is JSON.
    pub fn json(&self, path: &str) -> Value {
        let response = self.get(path);
        assert_eq!(response.status(), 200, "{path}: {}", response.head);
        serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.child.id() as i32).expect("a process has a number");
        kill_process(pid, signal).expect("it runs");
    }

    /// Sends it a signal, and says how it ended and how long that took.
    pub fn end(&mut self, signal: Signal) -> (ExitStatus, Duration) {
        let begin = Instant::now();
        self.signal(signal);
        let mut status = None;
        while status.is_none() && begin.elapsed() < PATIENCE {
            thread::sleep(Duration::from_millis(1));
            status = self.child.try_wait().expect("a child can be waited for");
        }
        let status = status.unwrap_or_else(|| panic!("it goes on after {signal:?}: {:?}", self.log()));
        (status, begin.elapsed())
    }

    /// Processor time that all its threads have used so far.
    pub fn cpu_time(&self) -> Duration {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("it runs");
        let fields = text.rsplit(") ").next().expect("the name is in brackets").split(' ');
        // utime and stime are fields 14 and 15, in ticks of 10 ms; the name was field 2.
        let ticks: u64 = fields.skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number")).sum();
        Duration::from_millis(ticks * 10)
    }

    /// How often its threads have left the processor so far.
    pub fn context_switches(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.pid())).expect("it runs");
        tasks.flatten().map(|task| number(&task.path().join("status"), "ctxt_switches:")).sum()
    }

    /// The sum of the fields of /proc/PID/status whose names end so.
    pub fn status(&self, field: &str) -> u64 {
        number(format!("/proc/{}/status", self.pid()).as_ref(), field)
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("the program's log: {:#?}", self.log());
        }
    }
}

/// False in a user namespace that has nobody but its root.
pub fn has_other_users() -> bool {
    let map = fs::read_to_string("/proc/self/uid_map").expect("/proc is mounted");
    map.split_whitespace().nth(2) != Some("1")
}

/// The options of every start.
pub fn always() -> Vec<&'static str> {
    let mut options = vec!["-n", "-p", "0", "-b", "127.0.0.1"];
    if !has_other_users() {
        options.extend(["--user", "root"]);
    }
    options
}

fn number(path: &std::path::Path, field: &str) -> u64 {
    let text = fs::read_to_string(path).expect("it runs");
    let values = text.lines().filter_map(|line| {
        let (_, value) = line.split_once(field)?;
        value.split_whitespace().next()?.parse::<u64>().ok()
    });
    values.sum()
}

fn collect_lines(child: &mut Child) -> Arc<Mutex<Vec<String>>> {
    let log = Arc::new(Mutex::new(Vec::new()));
    let lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
    let collected = Arc::clone(&log);
    thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            collected.lock().expect("no reader panics").push(line);
        }
    });
    log
}
