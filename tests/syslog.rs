//! The alarm's messages, received by sockets of our own and by a real rsyslogd (Debian's package), and
//! read by a strict RFC 5424 parser that shares nothing with the code that writes them.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use duskwatch::daemon::alarm::{Alarm, Captured, Counters, Options};
use duskwatch::darknet::{Darknet, Event};
use duskwatch::limits::{ALARM_MESSAGE_BYTES, ALARM_QUEUE_MAX, ALARM_STOP_PATIENCE};
use duskwatch::packet::{Address, Decoded, Link, Mac, Packet};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;

#[path = "support/skip.rs"]
mod skip;
use skip::skipped;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn udp_carries_one_message_per_datagram() {
    for loopback in [IpAddr::from(Ipv4Addr::LOCALHOST), "::1".parse().unwrap()] {
        let Ok(socket) = UdpSocket::bind((loopback, 0)) else {
            skipped("udp_carries_one_message_per_datagram", &format!("no {loopback} here"));
            continue;
        };
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let alarm = start(&format!("udp://{}", socket.local_addr().unwrap()));
        for event in events(3) {
            alarm.send(event);
        }
        for number in 1..=3u32 {
            let message = receive(&socket);
            assert_eq!((message.id.as_str(), message.number), ("HIT", number));
            assert_eq!(message.priority, 165, "local4.notice");
            assert_eq!(message.time, format!("2026-11-21T18:31:{number:02}.417Z"), "the packet's own time");
            assert_eq!(message.process_id, std::process::id().to_string());
            assert_eq!(message.values["signature"], "tcp probe of a dark address");
            assert_eq!(message.values["src"], format!("192.168.1.{number}"));
            assert_eq!(message.values["src_mac"], "02:00:00:00:00:09");
            assert_eq!(message.values["dest"], "10.9.0.1");
            assert_eq!(message.values["dest_port"], "23");
            assert_eq!(message.values["iface"], "br-lan");
        }
        assert_eq!(alarm.stop(), Counters { queued: 4, sent: 4, lost: 0 });
        let last = receive(&socket);
        assert_eq!((last.id.as_str(), last.number, last.priority), ("STATS", 4, 166));
        assert_eq!((last.values["sent"].as_str(), last.values["lost"].as_str()), ("3", "0"));
    }
}

#[test]
fn stats_come_by_themselves() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut options = options(&format!("udp://{}", socket.local_addr().unwrap()));
    options.stats_interval = Duration::from_millis(50);
    options.captured = Box::new(|| Captured { captured: 1234, dropped: 5 });
    let alarm = Alarm::start(options).unwrap();
    for number in 1..=3u64 {
        let message = receive(&socket);
        assert_eq!((message.id.as_str(), u64::from(message.number)), ("STATS", number));
        let value = |name: &str| message.values[name].parse::<u64>().unwrap();
        assert_eq!((value("captured"), value("dropped")), (1234, 5));
        assert_eq!((value("queued"), value("sent"), value("lost")), (number, number - 1, 0));
    }
    alarm.stop();
}

#[test]
fn a_message_refused_over_udp_is_counted_as_lost() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let receiver = format!("udp://{}", socket.local_addr().unwrap());
    drop(socket);
    let alarm = start(&receiver);
    for event in events(2) {
        alarm.send(event);
    }
    wait_for("a loss", || alarm.counters().lost > 0);
    assert!(alarm.stop().lost > 0);
}

#[test]
fn tcp_outlives_a_receiver_that_comes_late_and_one_that_goes() {
    let address = free_tcp_port();
    let alarm = start(&format!("tcp://{address}"));
    let events = events(9);
    for event in &events[..3] {
        alarm.send(*event);
    }
    assert_eq!(alarm.counters(), Counters { queued: 3, sent: 0, lost: 0 }, "nobody listens yet");

    let listener = TcpListener::bind(&address).unwrap();
    for turn in 0..3 {
        let (stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        for (index, line) in BufReader::new(&stream).lines().take(3).enumerate() {
            let message = Message::parse(line.unwrap().as_bytes());
            assert_eq!((message.id.as_str(), message.number as usize), ("HIT", turn * 3 + index + 1));
        }
        drop(stream);
        for event in events.iter().skip((turn + 1) * 3).take(3) {
            alarm.send(*event);
        }
    }
    wait_for("the end of the sending", || alarm.counters() == Counters { queued: 9, sent: 9, lost: 0 });
}

#[test]
fn a_full_queue_loses_the_newest_and_the_end_does_not_wait() {
    let alarm = start(&format!("tcp://{}", free_tcp_port()));
    let event = events(1)[0];
    let all = ALARM_QUEUE_MAX as u64 + 10;
    for _ in 0..all {
        alarm.send(event);
    }
    let counters = alarm.counters();
    assert_eq!((counters.queued, counters.sent), (all, 0));
    // The sender may already hold one message in its hand.
    assert!((9..=10).contains(&counters.lost), "{counters:?}");
    let begin = Instant::now();
    let counters = alarm.stop();
    assert!(begin.elapsed() < ALARM_STOP_PATIENCE + Duration::from_secs(1));
    assert_eq!(counters, Counters { queued: all + 1, sent: 0, lost: all + 1 });
}

#[test]
fn a_receiver_that_never_reads_stalls_nobody() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let alarm = start(&format!("tcp://{}", listener.local_addr().unwrap()));
    let (_stream, _) = listener.accept().unwrap();
    let event = events(1)[0];
    // More than loopback's socket buffers hold.
    let mut sent = 0;
    wait_for("a stalled sender", || {
        for _ in 0..ALARM_QUEUE_MAX {
            alarm.send(event);
        }
        let stalled = alarm.counters().sent > 0 && alarm.counters().sent == sent;
        sent = alarm.counters().sent;
        stalled
    });
    let begin = Instant::now();
    assert!(alarm.stop().lost > 0, "what the sender could not send is lost, and said to be");
    assert!(begin.elapsed() < ALARM_STOP_PATIENCE + Duration::from_secs(1));
}

#[test]
fn a_real_rsyslogd_keeps_every_field_and_its_restart_loses_nothing() {
    const TEST: &str = "a_real_rsyslogd_keeps_every_field_and_its_restart_loses_nothing";
    for transport in ["udp", "tcp"] {
        let Some(mut server) = Rsyslogd::start(transport) else {
            return skipped(TEST, "rsyslogd is not installed (Debian: apt-get install rsyslog)");
        };
        let alarm = start(&server.url);
        let events = events(40);
        let send = |events: &[Event]| events.iter().for_each(|event| alarm.send(*event));
        send(&events[..20]);
        wait_for("20 messages", || server.lines().len() == 20);
        if transport == "tcp" {
            server.stop();
            send(&events[20..30]);
            server.run();
            send(&events[30..]);
        } else {
            send(&events[20..]);
        }
        wait_for("40 messages", || server.lines().len() == 40);
        assert_eq!(alarm.stop(), Counters { queued: 41, sent: 41, lost: 0 });
        wait_for("STATS", || server.lines().len() == 41);
        for (index, line) in server.lines().iter().enumerate() {
            let message = Message::parse(line.as_bytes());
            assert_eq!(message.number as usize, index + 1, "{transport}: {line}");
            let Some(event) = events.get(index) else {
                assert_eq!((message.id.as_str(), message.values["sent"].as_str()), ("STATS", "40"));
                continue;
            };
            assert_eq!((message.id.as_str(), message.priority), ("HIT", 165));
            assert_eq!(message.values["src"], event.source.to_string());
            assert_eq!(message.time, format!("2026-11-21T18:31:{:02}.417Z", index + 1));
        }
    }
}

/// Events of as many sources, as the detector raises them, one second apart.
fn events(count: u8) -> Vec<Event> {
    let mut darknet = Darknet::new(&["10.9.0.0/16".parse().unwrap()], 1024, Seed::new(7, 0)).unwrap();
    let event_of = |n: u8| {
        let packet = Packet {
            source: Address::from(IpAddr::from([192, 168, 1, n])),
            destination: Address::from(IpAddr::from([10, 9, 0, 1])),
            bytes: 60,
            source_port: 40_000,
            destination_port: 23,
            protocol: 6,
            has_ports: true,
            tcp_flags: Packet::TCP_SYN,
            link: Link { source_mac: Mac([2, 0, 0, 0, 0, 9]), outgoing: false },
            ..Packet::default()
        };
        let now = Timestamp { seconds: 1_795_285_860 + u64::from(n), micros: 417_999 };
        darknet
            .observe(0, &Decoded::Packet(packet), &[], now)
            .event
            .expect("the first packet of a source raises an event")
    };
    (1..=count).map(event_of).collect()
}

fn options(receiver: &str) -> Options {
    Options { interfaces: vec!["br-lan".to_owned()], ..Options::new(receiver.parse().unwrap()) }
}

fn start(receiver: &str) -> Alarm {
    Alarm::start(options(receiver)).unwrap()
}

fn receive(socket: &UdpSocket) -> Message {
    let mut datagram = [0; 2 * ALARM_MESSAGE_BYTES];
    let length = socket.recv(&mut datagram).unwrap();
    assert!(length <= ALARM_MESSAGE_BYTES);
    Message::parse(&datagram[..length])
}

fn free_tcp_port() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn wait_for(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "no {what} within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A message, read as strictly as RFC 5424, section 6, is written.
struct Message {
    priority: u8,
    time: String,
    process_id: String,
    id: String,
    number: u32,
    values: HashMap<String, String>,
}

impl Message {
    fn parse(bytes: &[u8]) -> Self {
        let text = std::str::from_utf8(bytes).expect("UTF-8");
        assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "printable ASCII alone: {text:?}");
        let (priority, rest) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).expect("PRI");
        assert!(priority == "0" || !priority.starts_with('0'), "PRI has leading zeros");
        let rest = rest.strip_prefix("1 ").expect("VERSION");
        let fields: Vec<&str> = rest.splitn(6, ' ').collect();
        let [time, host, program, process_id, id, rest] = fields[..] else { panic!("header: {text}") };
        assert_time(time);
        for (field, longest) in [(host, 255), (program, 48), (process_id, 128), (id, 32)] {
            assert!((1..=longest).contains(&field.len()), "{field:?}");
        }
        assert_eq!(program, "duskwatch");
        let (number, message) = parse_meta(rest);
        let priority = priority.parse().unwrap();
        assert!(priority <= 191);
        let (time, process_id, id) = (time.to_owned(), process_id.to_owned(), id.to_owned());
        Self { priority, time, process_id, id, number, values: parse_values(message) }
    }
}

/// `2026-11-21T18:31:02.417Z`: three decimals, UTC.
fn assert_time(time: &str) {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z");
}

/// `[meta sequenceId="N"] MSG`.
fn parse_meta(text: &str) -> (u32, &str) {
    let text = text.strip_prefix("[meta sequenceId=\"").expect("SD-ELEMENT");
    let (number, message) = text.split_once("\"] ").expect("the end of the SD-ELEMENT");
    let value: u32 = number.parse().unwrap();
    assert!((1..=2_147_483_647).contains(&value) && value.to_string() == number);
    (value, message)
}

/// `key=value key="quoted value"` as logfmt has it; each key once.
fn parse_values(mut text: &str) -> HashMap<String, String> {
    let mut values = HashMap::new();
    while !text.is_empty() {
        let (key, rest) = text.split_once('=').expect("key=value");
        assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{key:?}");
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => parse_quoted(quoted),
            None => {
                let (value, rest) = rest.split_once(' ').map_or((rest, ""), |(value, rest)| (value, rest));
                assert!(!value.is_empty() && !value.contains(['"', '\\', '=']), "{value:?}");
                (value.to_owned(), rest)
            }
        };
        assert!(values.insert(key.to_owned(), value).is_none(), "{key} twice");
        text = rest;
    }
    values
}

/// The value up to its closing quote, and what follows behind a space.
fn parse_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next().expect("a closing quote") {
            '\\' => value.push(characters.next().expect("an escaped character")),
            '"' => break,
            character => value.push(character),
        }
    }
    let rest = characters.as_str();
    assert!(rest.is_empty() || rest.starts_with(' '), "{rest:?} behind a quoted value");
    (value, rest.trim_start_matches(' '))
}

/// A syslog server with files and a port of its own, gone when dropped.
struct Rsyslogd {
    url: String,
    directory: PathBuf,
    child: Option<Child>,
}

impl Rsyslogd {
    /// `None` if there is none on this machine.
    fn start(transport: &str) -> Option<Self> {
        if !Path::new("/usr/sbin/rsyslogd").exists() {
            return None;
        }
        let directory = std::env::temp_dir().join(format!("duskwatch-{transport}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let address = match transport {
            "udp" => UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string(),
            _ => free_tcp_port(),
        };
        let port = address.strip_prefix("127.0.0.1:").unwrap();
        let log = directory.join("log");
        let configuration = format!(
            "module(load=\"im{transport}\")\n\
             input(type=\"im{transport}\" address=\"127.0.0.1\" port=\"{port}\")\n\
             action(type=\"omfile\" file=\"{}\" template=\"RSYSLOG_SyslogProtocol23Format\")\n",
            log.display()
        );
        fs::write(directory.join("conf"), configuration).unwrap();
        let mut server = Self { url: format!("{transport}://{address}"), directory, child: None };
        server.run();
        Some(server)
    }

    fn run(&mut self) {
        let child = Command::new("/usr/sbin/rsyslogd")
            .arg("-n")
            .arg("-f")
            .arg(self.directory.join("conf"))
            .arg("-i")
            .arg(self.directory.join("pid"))
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_for("socket of rsyslogd", || self.is_listening());
    }

    /// True once the kernel lists the server's port as open to everybody.
    fn is_listening(&self) -> bool {
        let (transport, address) = self.url.split_once("://").unwrap();
        let port: u16 = address.strip_prefix("127.0.0.1:").unwrap().parse().unwrap();
        let table = fs::read_to_string(format!("/proc/net/{transport}")).unwrap();
        table.contains(&format!(" 0100007F:{port:04X} 00000000:0000 "))
    }

    fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }

    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.directory.join("log")).unwrap_or_default();
        text.lines().filter(|line| line.contains(" duskwatch ")).map(str::to_owned).collect()
    }
}

impl Drop for Rsyslogd {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
