//! The alarm's messages, received by sockets of our own and by real servers, and read by strict parsers that
//! share nothing with the code that writes them.

mod message;
mod received;
mod servers;

use std::io::{BufRead, BufReader, Read};
use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use duskwatch::daemon::alarm::{Alarm, Captured, Counters, Format, Framing, Options};
use duskwatch::darknet::{Darknet, Event, Kind};
use duskwatch::limits::{ALARM_MESSAGE_BYTES, ALARM_QUEUE_MAX, ALARM_STOP_PATIENCE};
use duskwatch::packet::{Address, Decoded, Link, Mac, Packet};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;
use message::Message;
use received::{ending, numbers, received};
use servers::Server;

#[path = "../support/skip.rs"]
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
            assert_eq!(message.values["signature"], "TCP probe of a dark address");
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
fn a_message_refused_over_udp_is_sent_again() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    drop(socket);
    let alarm = start(&format!("udp://{address}"));
    let events = events(3);
    alarm.send(events[0]);
    wait_for("a first attempt", || alarm.counters().sent == 1);
    alarm.send(events[1]);
    alarm.send(events[2]);
    wait_for("the news of the refusal", || alarm.counters().sent == 0);
    let socket = UdpSocket::bind(address).unwrap();
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    for number in 1..=3 {
        assert_eq!(receive(&socket).number, number);
    }
    assert_eq!(alarm.stop(), Counters { queued: 4, sent: 4, lost: 0 });
    assert_eq!(receive(&socket).id, "STATS");
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
    assert_eq!(alarm.counters(), Counters { queued: all, sent: 0, lost: 10 });
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
fn after_a_loss_the_first_message_counts_it() {
    let address = free_tcp_port();
    let alarm = start(&format!("tcp://{address}"));
    let events = events(100);
    let full = ALARM_QUEUE_MAX as u32;
    (0..full).for_each(|_| alarm.send(events[0]));
    alarm.send(events[41]);
    alarm.send(Event { kind: Kind::Alert, ..events[98] });
    alarm.send(events[99]);
    assert_eq!(alarm.counters().lost, 3, "two hits that came too late, and one that gave way");

    let listener = TcpListener::bind(&address).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let mut lines = lines_of(&stream);
    let stats = lines.next().unwrap();
    assert_eq!((stats.id.as_str(), stats.number), ("STATS", full + 4));
    assert_eq!((stats.values["lost"].as_str(), stats.values["sent"].as_str()), ("3", "0"));
    assert_eq!(stats.values["lost_since"], "2026-11-21T18:31:42.417Z");
    for number in 1..full {
        assert_eq!(lines.next().unwrap().number, number);
    }
    let alert = lines.next().unwrap();
    assert_eq!((alert.id.as_str(), alert.number, alert.priority), ("ALERT", full + 2, 164));
    assert_eq!(alert.time, "2026-11-21T18:32:39.417Z", "the time of the packet");
    alarm.stop();
    let stats = lines.next().unwrap();
    assert_eq!((stats.id.as_str(), stats.number), ("STATS", full + 5));
    assert!(!stats.values.contains_key("lost_since"), "it has been told");
}

#[test]
fn what_a_receiver_did_not_acknowledge_is_sent_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let alarm = start(&format!("tcp://{}", listener.local_addr().unwrap()));
    let (stream, _) = listener.accept().unwrap();
    let event = events(1)[0];
    (0..ALARM_QUEUE_MAX).for_each(|_| alarm.send(event));
    wait_for_a_stall(&alarm);
    // It has read nothing, and what its kernel took for it goes with it.
    let mut taken = vec![0; 1 << 20];
    let length = stream.peek(&mut taken).unwrap();
    let taken = taken[..length].iter().filter(|byte| **byte == b'\n').count();
    drop(stream);

    let (stream, _) = listener.accept().unwrap();
    let mut lines = lines_of(&stream);
    let first = lines.next().unwrap().number as usize;
    assert!(taken > 1 && first > 1 && first <= taken + 1, "{taken} messages were taken, then came {first}");
    for number in first + 1..=ALARM_QUEUE_MAX {
        assert_eq!(lines.next().unwrap().number as usize, number);
    }
    let all = ALARM_QUEUE_MAX as u64;
    wait_for("the count", || alarm.counters() == Counters { queued: all, sent: all, lost: 0 });
}

#[test]
fn octets_count_each_message() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let receiver = format!("tcp://{}", listener.local_addr().unwrap());
    let alarm = Alarm::start(Options { framing: Framing::Octets, ..options(&receiver) }).unwrap();
    let (stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    events(3).into_iter().for_each(|event| alarm.send(event));
    alarm.stop();
    let mut stream = BufReader::new(stream);
    for number in 1..=4 {
        let mut length = Vec::new();
        stream.read_until(b' ', &mut length).unwrap();
        let length = std::str::from_utf8(&length).unwrap().trim_end();
        assert!(!length.starts_with('0'), "MSG-LEN begins with a digit that is not 0 (RFC 6587, 3.4.1)");
        let mut message = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut message).unwrap();
        assert_eq!(Message::parse(&message).number, number);
    }
    assert_eq!(stream.read(&mut [0]).unwrap(), 0, "and nothing else");
}

const FORMATS: [Format; 4] = [Format::Rfc5424, Format::Rfc3164, Format::Cef, Format::Ecs];

#[test]
fn real_servers_read_all_formats() {
    for kind in servers::Kind::ALL {
        let Some(server) = Server::start(kind, "formats") else {
            skipped("real_servers_read_all_formats", kind.how_to_get());
            continue;
        };
        for format in FORMATS {
            let ways = [("udp", Framing::Newline), ("tcp", Framing::Newline), ("tcp", Framing::Octets)];
            for (transport, framing) in ways {
                let before = server.lines(ending(format)).len();
                let options = options(&server.url(transport, framing));
                let alarm = Alarm::start(Options { format, framing, ..options }).unwrap();
                let events = events(5);
                events.iter().for_each(|event| alarm.send(*event));
                assert_eq!(alarm.stop(), Counters { queued: 6, sent: 6, lost: 0 });
                let what = format!("{format:?} over {transport} with {framing:?} for {kind:?}");
                wait_for(&what, || server.lines(ending(format)).len() == before + 6);
                let lines = server.lines(ending(format));
                for (index, line) in lines[before..].iter().enumerate() {
                    let received = received(kind, format, line);
                    let number = (index + 1).to_string();
                    let expected = match events.get(index) {
                        Some(event) => ["HIT", &number, &event.source.to_string(), "23"].map(str::to_owned),
                        None => ["STATS", &number, "", ""].map(str::to_owned),
                    };
                    assert_eq!(received, expected, "{what}: {line}");
                }
            }
        }
    }
}

#[test]
fn the_restart_of_a_real_server_loses_nothing() {
    for kind in servers::Kind::ALL {
        let Some(mut server) = Server::start(kind, "restart") else {
            skipped("the_restart_of_a_real_server_loses_nothing", kind.how_to_get());
            continue;
        };
        let mut before = 0;
        for transport in ["udp", "tcp"] {
            let alarm = start(&server.url(transport, Framing::Newline));
            let events = events(40);
            let send = |events: &[Event]| events.iter().for_each(|event| alarm.send(*event));
            send(&events[..20]);
            wait_for("20 messages", || server.lines("log").len() == before + 20);
            server.stop();
            send(&events[20..30]);
            server.run();
            send(&events[30..]);
            wait_for("40 messages", || server.lines("log").len() == before + 40);
            assert_eq!(alarm.stop(), Counters { queued: 41, sent: 41, lost: 0 });
            wait_for("STATS", || server.lines("log").len() == before + 41);
            assert_eq!(numbers(kind, &server.lines("log")[before..]), (1..=41).collect::<Vec<usize>>());
            before += 41;
        }
    }
}

#[test]
fn a_real_server_that_reads_nothing_for_a_while_gets_everything() {
    for kind in servers::Kind::ALL {
        let Some(server) = Server::start(kind, "slow") else {
            skipped("a_real_server_that_reads_nothing_for_a_while_gets_everything", kind.how_to_get());
            continue;
        };
        let alarm = start(&server.url("tcp", Framing::Newline));
        let event = events(1)[0];
        alarm.send(event);
        wait_for("a message", || server.lines("log").len() == 1);
        server.signal("STOP");
        (1..ALARM_QUEUE_MAX).for_each(|_| alarm.send(event));
        wait_for_a_stall(&alarm);
        server.signal("CONT");
        wait_for("all messages", || server.lines("log").len() == ALARM_QUEUE_MAX);
        assert_eq!(numbers(kind, &server.lines("log")), (1..=ALARM_QUEUE_MAX).collect::<Vec<usize>>());
        assert_eq!(alarm.stop().lost, 0);
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

/// The messages of a stream, as they come.
fn lines_of(stream: &TcpStream) -> impl Iterator<Item = Message> {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    BufReader::new(stream).lines().map(|line| Message::parse(line.unwrap().as_bytes()))
}

fn wait_for_a_stall(alarm: &Alarm) {
    let mut last = 0;
    wait_for("a stall", || {
        let sent = std::mem::replace(&mut last, alarm.counters().sent);
        sent > 0 && sent == last
    });
    assert!(alarm.counters().sent < ALARM_QUEUE_MAX as u64, "buffers held everything");
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
