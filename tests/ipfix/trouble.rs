//! A collector that is absent, comes back, is slow or has no address: the capture never waits, and every record is
//! sent or counted as lost.

use std::net::UdpSocket;
use std::time::{Duration, Instant};

use duskwatch::daemon::ipfix::{Exporter, Options};
use duskwatch::ledger::{Capacity, Ledger};
use duskwatch::limits::{IPFIX_QUEUE_MAX, IPFIX_STOP_PATIENCE};
use duskwatch::network::{Networks, Role};
use duskwatch::packet::{Address, Decoded, Packet};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;

use crate::netns::wait_until;

/// An exporter and the books whose flows it reports.
struct Scene {
    exporter: Exporter,
    ledger: Ledger,
    flows: u64,
}

impl Scene {
    fn start(url: &str) -> Self {
        let collector = url.parse().expect("a URL");
        let options = Options { collector, roles: vec![Role::Lan], macs: true };
        let exporter = Exporter::start(options).expect("there is room for a thread");
        let capacity = Capacity { hosts: 64, port_rows: 64, devices: 8 };
        let mut ledger = Ledger::new("lan", Role::Lan, Networks::private(), capacity, Seed::new(1, 2));
        ledger.record_flows();
        Self { exporter, ledger, flows: 0 }
    }

    /// So many flows of one packet each come, in batches, and end.
    fn see(&mut self, flows: u64) {
        for number in 0..flows {
            self.flows += 1;
            let packet = Packet {
                source: Address::v4(0xc0a8_0000 + self.flows as u32),
                destination: Address::v4(0x0909_0909),
                bytes: 100,
                protocol: 17,
                ..Packet::default()
            };
            self.ledger.observe(&Decoded::Packet(packet), Timestamp::from_seconds(1_700_000_000));
            if number % 256 == 255 {
                self.exporter.collect(0, &mut self.ledger, Duration::ZERO);
            }
        }
        self.exporter.collect_all(0, &mut self.ledger, Duration::ZERO);
    }

    fn is_all_accounted(&self) -> bool {
        let counters = self.exporter.counters();
        counters.sent + counters.lost == self.flows
    }
}

/// The next message's sequence number, and how many records of 56 bytes are in it.
fn receive(socket: &UdpSocket) -> (u32, u32) {
    let mut message = [0; 2_000];
    let length = socket.recv(&mut message).expect("a message comes");
    let number =
        |at: usize| u32::from_be_bytes([message[at], message[at + 1], message[at + 2], message[at + 3]]);
    assert_eq!(number(0), 10 << 16 | length as u32, "the version and the length");
    assert_eq!(number(12), 1, "the observation domain");
    assert_eq!(number(16), 2 << 16 | 116, "the set of templates");
    assert_eq!(number(16 + 116) >> 16, 256, "the set of records");
    (number(8), (length as u32 - 16 - 116 - 4) / 56)
}

fn socket(address: &str) -> UdpSocket {
    let socket = UdpSocket::bind(address).expect("the port is free");
    socket.set_read_timeout(Some(Duration::from_secs(20))).expect("a time limit");
    socket
}

#[test]
fn a_collector_that_comes_back_understands_the_first_message() {
    let first = socket("127.0.0.1:0");
    let address = first.local_addr().expect("it is bound").to_string();
    let mut scene = Scene::start(&format!("udp://{address}"));
    scene.see(10);
    assert_eq!(receive(&first), (0, 10));
    drop(first);

    // A refusal comes after the message that caused it, and is noticed at the next.
    wait_until("losses are noticed", || {
        scene.see(1);
        scene.exporter.counters().lost > 0
    });
    let second = socket(&address);
    let sequence = loop {
        let (sequence, records) = receive(&second);
        if scene.exporter.counters().sent >= 10 && scene.is_all_accounted() {
            break sequence + records;
        }
        scene.see(1);
    };
    scene.see(5);
    assert_eq!(receive(&second), (sequence, 5), "nothing is between two messages");
    scene.exporter.stop();
    assert!(scene.is_all_accounted(), "{:?} of {}", scene.exporter.counters(), scene.flows);
}

#[test]
fn what_comes_faster_than_it_is_sent_is_lost_and_counted() {
    let slow = socket("127.0.0.1:0");
    let mut scene = Scene::start(&format!("udp://{}", slow.local_addr().expect("it is bound")));
    scene.see(20_000);
    let lost = scene.exporter.counters().lost;
    assert!(lost > 20_000 - 4 * IPFIX_QUEUE_MAX as u64, "{lost}");
    wait_until("the rest is sent", || scene.is_all_accounted());
    scene.exporter.stop();
    assert_eq!(scene.exporter.counters().lost, lost);
}

#[test]
fn nobody_waits_for_a_name_without_an_address() {
    let mut scene = Scene::start("udp://collector.invalid:4739");
    let start = Instant::now();
    scene.see(20_000);
    let spent = start.elapsed();
    let counters = scene.exporter.stop();
    assert!(start.elapsed() < spent + 2 * IPFIX_STOP_PATIENCE);
    assert_eq!(counters.sent, 0);
    assert!(counters.lost > 20_000 - IPFIX_QUEUE_MAX as u64, "{counters:?}");
    wait_until("all is accounted", || scene.is_all_accounted());
}
