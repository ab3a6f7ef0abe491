//! What a hostile client can do to a web server, and the client that must not suffer from it.
//!
//! Everything here takes an address and a process id, so it can be pointed at any process that serves
//! HTTP on loopback. Attackers come from addresses of their own in 127.0.0.0/8.
#![allow(dead_code)] // Each test program uses a part of this.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketFlags, SocketType};

/// In what time the well-behaved client gets a whole page.
pub const IN_TIME: Duration = Duration::from_secs(1);

/// The process under attack.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Where it listens, on 127.0.0.1.
    pub address: SocketAddr,
    /// Its process id.
    pub pid: u32,
    /// The path of its largest page.
    pub large: &'static str,
}

/// When the attacks end, and what they got done.
#[derive(Default)]
pub struct Course {
    over: AtomicBool,
    blows: AtomicU64,
}

impl Course {
    fn goes_on(&self) -> bool {
        !self.over.load(Ordering::Relaxed)
    }

    /// Counts something done to the target, and leaves the processor to others for a moment.
    fn blow(&self) {
        self.blows.fetch_add(1, Ordering::Relaxed);
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// An attack goes on until the course is over; the number keeps its address apart from others'.
pub type Attack = fn(Target, u8, &Course);

/// All attacks, by name.
pub const ATTACKS: [(&str, Attack); 10] = [
    ("idle connections", hold_idle_connections),
    ("heads byte by byte", send_heads_byte_by_byte),
    ("endless header line", send_endless_header),
    ("endless small headers", send_endless_headers),
    ("huge content length", announce_huge_body),
    ("pipelined requests, never read", pipeline_and_never_read),
    ("large pages read byte by byte", read_byte_by_byte),
    ("random bytes", send_random_bytes),
    ("HTTP/2 preface", send_http2_preface),
    ("half-closed sockets", close_one_half),
];

/// What an attack did.
#[derive(Debug)]
pub struct Outcome {
    /// Things done to the target.
    pub blows: u64,
    /// Pages that the well-behaved client got meanwhile.
    pub pages: u32,
    /// The longest that it waited for one.
    pub slowest: Duration,
    /// Resident memory of the target at its highest, in KiB.
    pub resident_kib: u64,
    /// Open descriptors of the target at their highest.
    pub descriptors: usize,
}

/// Runs the attacks all at once for that long, while a well-behaved client asks for `/`, and now and
/// then for the largest page, again and again.
///
/// The promise, without exception: a client that has an address of its own gets every page whole within
/// [`IN_TIME`], its connection included. Panics if one page does not come or comes late.
///
/// Attackers have processors of their own in life. Here they share two with the server, so they step
/// back behind it a little (nice 10): they still take all that it leaves, and yet what a machine busy
/// with other things has to give goes to the server first. A late page is then the server's doing.
pub fn endure(target: Target, attacks: &[(&str, Attack)], time: Duration) -> Outcome {
    let course = Course::default();
    std::thread::scope(|scope| {
        for (number, (_, attack)) in attacks.iter().enumerate() {
            let course = &course;
            scope.spawn(move || {
                // It fails only for want of a privilege, which no process needs to be modest.
                let _ = rustix::process::nice(10);
                attack(target, number as u8, course);
            });
        }
        let end = Instant::now() + time;
        let mut outcome =
            Outcome { blows: 0, pages: 0, slowest: Duration::ZERO, resident_kib: 0, descriptors: 0 };
        let mut failure = None;
        while failure.is_none() && (Instant::now() < end || course.blows.load(Ordering::Relaxed) == 0) {
            let start = Instant::now();
            let path = if outcome.pages % 4 == 3 { target.large } else { "/" };
            let page = get(target.address, path, IN_TIME);
            let waited = start.elapsed();
            failure = page.err().or_else(|| (waited > IN_TIME).then(|| "late".to_string()));
            failure = failure.map(|error| format!("{path} after {waited:?}: {error}"));
            outcome.slowest = outcome.slowest.max(waited);
            outcome.pages += 1;
            outcome.resident_kib = outcome.resident_kib.max(resident_kib(target.pid));
            outcome.descriptors = outcome.descriptors.max(descriptors(target.pid));
            std::thread::sleep(Duration::from_millis(5));
        }
        course.over.store(true, Ordering::Relaxed);
        outcome.blows = course.blows.load(Ordering::Relaxed);
        let names: Vec<&str> = attacks.iter().map(|(name, _)| *name).collect();
        assert_eq!(failure, None, "a well-behaved client suffered under {names:?}: {outcome:?}");
        outcome
    })
}

/// One page, as a well-behaved client asks for it. The error says what went wrong.
pub fn get(address: SocketAddr, path: &str, patience: Duration) -> Result<String, String> {
    let start = Instant::now();
    let left = || Some(patience.saturating_sub(start.elapsed()).max(Duration::from_millis(1)));
    let mut stream =
        TcpStream::connect_timeout(&address, patience).map_err(|error| format!("connect: {error}"))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(|error| format!("send: {error}"))?;
    let mut answer = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        stream.set_read_timeout(left()).map_err(|error| error.to_string())?;
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) => return Err(format!("receive after {} bytes: {error}", answer.len())),
        }
    }
    let answer = String::from_utf8(answer).map_err(|error| error.to_string())?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(format!("no whole head: {answer:?}"))?;
    let length = format!("\r\nContent-Length: {}", body.len());
    if !head.starts_with("HTTP/1.1 200 ") || !head.contains(&length) {
        return Err(format!("{} bytes came with the head {head:?}", body.len()));
    }
    Ok(body.to_string())
}

/// Resident memory of a process in KiB, without the pages of files: those of the program itself come as
/// they are first used.
pub fn resident_kib(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("the target lives");
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a process has RssAnon");
    line.trim().trim_end_matches(" kB").parse().expect("RssAnon is a number")
}

/// Open descriptors of a process.
pub fn descriptors(pid: u32) -> usize {
    open_descriptors(pid).len()
}

fn open_descriptors(pid: u32) -> Vec<u64> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("the target lives");
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// Lets a process open only `spare` descriptors more than it has now, and returns the old limit.
pub fn limit_descriptors(pid: u32, spare: usize) -> rustix::process::Rlimit {
    let open = open_descriptors(pid);
    // The limit is on the number of the next one, and the lowest free number is taken.
    let current = (0..).filter(|number| !open.contains(number)).nth(spare);
    let old = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    set_descriptor_limit(pid, rustix::process::Rlimit { current, ..old })
}

/// Sets the limit of a process's descriptors and returns the old one.
pub fn set_descriptor_limit(pid: u32, limit: rustix::process::Rlimit) -> rustix::process::Rlimit {
    let pid = rustix::process::Pid::from_raw(pid as i32);
    rustix::process::prlimit(pid, rustix::process::Resource::Nofile, limit).expect("the target is ours")
}

/// 320 connections that never say a word, from eight addresses; each that is closed is opened again.
pub fn hold_idle_connections(target: Target, number: u8, course: &Course) {
    let mut held: Vec<Option<TcpStream>> = (0..320).map(|_| None).collect();
    while course.goes_on() {
        for (index, slot) in held.iter_mut().enumerate() {
            if slot.as_ref().is_none_or(is_closed) {
                *slot = connect(target, number, index as u8 % 8);
                course.blow();
            }
            if !course.goes_on() {
                return;
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Thirty heads at a time, one byte each every few milliseconds.
pub fn send_heads_byte_by_byte(target: Target, number: u8, course: &Course) {
    let head = format!("GET / HTTP/1.1\r\nHost: {}\r\nX: {}", target.address, "x".repeat(1500));
    let mut held: Vec<(Option<TcpStream>, usize)> = (0..30).map(|_| (None, 0)).collect();
    while course.goes_on() {
        for (index, (slot, sent)) in held.iter_mut().enumerate() {
            let byte = &head.as_bytes()[*sent..=*sent];
            if slot.as_mut().is_none_or(|stream| stream.write_all(byte).is_err()) {
                (*slot, *sent) = (connect(target, number, index as u8 % 3), 0);
                course.blow();
            } else {
                *sent = (*sent + 1) % head.len();
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A header line without end, as fast as it goes.
pub fn send_endless_header(target: Target, number: u8, course: &Course) {
    send_forever(target, number, course, "GET / HTTP/1.1\r\nX: ", &"x".repeat(64 * 1024));
}

/// Header lines without end.
pub fn send_endless_headers(target: Target, number: u8, course: &Course) {
    send_forever(target, number, course, "GET / HTTP/1.1\r\n", &"X: y\r\n".repeat(10_000));
}

/// A terabyte announced, and as much of it as goes.
pub fn announce_huge_body(target: Target, number: u8, course: &Course) {
    for method in ["GET", "POST"].into_iter().cycle().take_while(|_| course.goes_on()) {
        let head = format!(
            "{method} / HTTP/1.1\r\nHost: {}\r\nContent-Length: 1000000000000\r\n\r\n",
            target.address
        );
        send_until_closed(target, number, course, &head, &"x".repeat(64 * 1024));
    }
}

/// Sixteen connections from two addresses that ask and ask and never read.
pub fn pipeline_and_never_read(target: Target, number: u8, course: &Course) {
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target.large, target.address).repeat(100);
    let mut held: Vec<Option<TcpStream>> = (0..16).map(|_| None).collect();
    while course.goes_on() {
        for (index, slot) in held.iter_mut().enumerate() {
            let written = slot.as_mut().map(|stream| stream.write(request.as_bytes()));
            match written {
                Some(Ok(_)) => {}
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                _ => {
                    *slot = connect(target, number, index as u8 % 2);
                    course.blow();
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Twelve clients that take a large page a byte at a time, so that each always makes some progress.
pub fn read_byte_by_byte(target: Target, number: u8, course: &Course) {
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target.large, target.address);
    let mut held: Vec<Option<TcpStream>> = (0..12).map(|_| None).collect();
    while course.goes_on() {
        for slot in &mut held {
            let read = slot.as_mut().map(|stream| stream.read(&mut [0]));
            match read {
                Some(Ok(1..)) => {}
                Some(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                _ => {
                    *slot = connect(target, number, 0);
                    if let Some(stream) = slot {
                        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&*stream, 2048);
                        let _ = stream.write(request.as_bytes());
                    }
                    course.blow();
                }
            }
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Noise: NUL bytes, random bytes, and requests in which bytes were changed. The seed is fixed.
pub fn send_random_bytes(target: Target, number: u8, course: &Course) {
    let mut random = Random(0x5eed);
    while course.goes_on() {
        let mut noise: Vec<u8> = match random.next() % 3 {
            0 => vec![0; 1 + random.next() as usize % 4096],
            1 => (0..1 + random.next() % 4096).map(|_| random.next() as u8).collect(),
            _ => format!("GET /?a=%41 HTTP/1.1\r\nHost: {}\r\n\r\n", target.address).into_bytes(),
        };
        for _ in 0..random.next() % 4 {
            let index = random.next() as usize % noise.len();
            noise[index] = random.next() as u8;
        }
        if let Some(mut stream) = connect(target, number, 0) {
            let _ = stream.write(&noise);
            if random.next().is_multiple_of(2) {
                wait_until_closed(&mut stream, Duration::from_millis(50), course);
            }
        }
        course.blow();
    }
}

/// What an HTTP/2 client says first (RFC 9113), and a frame.
pub fn send_http2_preface(target: Target, number: u8, course: &Course) {
    while course.goes_on() {
        if let Some(mut stream) = connect(target, number, 0) {
            let _ = stream.write(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
            wait_until_closed(&mut stream, Duration::from_millis(50), course);
        }
        course.blow();
    }
}

/// Connections of which the client closes its half: before a word, in the middle of a head, after a
/// request that it then does not read, and in the middle of a response.
pub fn close_one_half(target: Target, number: u8, course: &Course) {
    let request = format!("GET {} HTTP/1.1\r\nHost: {}\r\n\r\n", target.large, target.address);
    let mut held = std::collections::VecDeque::new();
    for length in [0, 20, request.len(), request.len()].into_iter().cycle().take_while(|_| course.goes_on()) {
        if let Some(mut stream) = connect(target, number, held.len() as u8 % 4) {
            let _ = stream.write(&request.as_bytes()[..length]);
            let half = if held.len() % 2 == 0 { Shutdown::Write } else { Shutdown::Read };
            let _ = stream.shutdown(half);
            held.push_back(stream);
        }
        if held.len() > 40 {
            held.pop_front();
        }
        course.blow();
    }
}

fn send_forever(target: Target, number: u8, course: &Course, start: &str, rest: &str) {
    while course.goes_on() {
        send_until_closed(target, number, course, start, rest);
    }
}

/// Sends the start once and the rest again and again until the target has had enough.
fn send_until_closed(target: Target, number: u8, course: &Course, start: &str, rest: &str) {
    let Some(mut stream) = connect(target, number, 0) else { return course.blow() };
    let _ = stream.write(start.as_bytes());
    while course.goes_on() {
        match stream.write(rest.as_bytes()) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1));
            }
            Err(_) => break,
        }
    }
    course.blow();
}

/// A non-blocking connection from an attacker's own address; `None` if it does not come about soon.
fn connect(target: Target, number: u8, sibling: u8) -> Option<TcpStream> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).ok()?;
    let source = Ipv4Addr::new(127, 66, number, 1 + sibling);
    rustix::net::bind(&socket, &SocketAddrV4::new(source, 0)).ok()?;
    match rustix::net::connect(&socket, &target.address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Some(TcpStream::from(socket)),
        Err(_) => None,
    }
}

fn is_closed(stream: &TcpStream) -> bool {
    match stream.peek(&mut [0]) {
        Ok(length) => length == 0,
        Err(error) => error.kind() != ErrorKind::WouldBlock,
    }
}

fn wait_until_closed(stream: &mut TcpStream, patience: Duration, course: &Course) {
    let end = Instant::now() + patience;
    let mut buffer = [0; 4096];
    while course.goes_on() && Instant::now() < end {
        match stream.read(&mut buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                std::thread::sleep(Duration::from_millis(1))
            }
            _ => return,
        }
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
