//! Datagrams through the lab, and what the pages say of them.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::UdpSocket;
use std::time::Duration;

use serde_json::Value;

use crate::netns::Lab;
use crate::program::Program;

/// A UDP socket in a namespace.
pub fn socket(lab: &Lab, space: &str, address: &str) -> UdpSocket {
    lab.inside(space, || {
        let socket = UdpSocket::bind(address).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket
    })
}

/// Sends datagrams with that much payload and makes sure that each arrives, so that what the program
/// must have seen is known. Returns that.
pub fn exchange(from: &UdpSocket, to: &UdpSocket, destination: &str, count: u64, payload: usize) -> Counters {
    let mut buffer = [0; 2048];
    for _ in 0..count {
        from.send_to(&vec![7; payload], destination).unwrap();
        assert_eq!(to.recv(&mut buffer).expect("the datagram arrives"), payload);
    }
    // An IPv4 and a UDP header go with each.
    Counters(count, count * (28 + payload as u64))
}

/// Packets and IP bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters(pub u64, pub u64);

impl Counters {
    /// The object that the JSON has for them.
    pub fn of(json: &Value) -> Self {
        let number = |name: &str| json[name].as_u64().unwrap_or_else(|| panic!("no {name} in {json}"));
        Self(number("packets"), number("bytes"))
    }
}

impl std::ops::Add for Counters {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0, self.1 + other.1)
    }
}

/// What the page of hosts says: address, sent, received.
pub fn hosts(program: &Program, interface: &str) -> BTreeMap<String, (Counters, Counters)> {
    let json = program.json(&format!("/api/v1/hosts?interface={interface}"));
    let rows = json["hosts"]["rows"].as_array().unwrap();
    let row = |row: &Value| {
        let address = row["address"].as_str().unwrap().to_owned();
        (address, (Counters::of(&row["sent"]), Counters::of(&row["received"])))
    };
    rows.iter().map(row).collect()
}

/// True if a message has this word.
pub fn has(line: &str, word: &str) -> bool {
    line.split_whitespace().any(|found| found == word)
}

/// The next message that comes.
pub fn receive(receiver: &UdpSocket) -> String {
    receiver.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    let mut buffer = [0; 2048];
    let length = loop {
        match receiver.recv(&mut buffer) {
            // By a machine that was put to sleep for a moment.
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            received => break received.expect("a message comes"),
        }
    };
    String::from_utf8(buffer[..length].to_vec()).expect("it is UTF-8")
}

/// The link-layer address of a device in a namespace.
pub fn mac(lab: &Lab, space: &str, device: &str) -> String {
    let output = lab.command(space, "cat", &[&format!("/sys/class/net/{device}/address")]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
