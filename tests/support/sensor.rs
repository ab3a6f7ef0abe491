//! A machine that watches its one interface, and a client on the other end of the cable: what one sends and
//! what the pages of the other, on 127.0.0.1:6677, say of it; and what /proc says of the program.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use serde_json::Value;

use crate::netns::Lab;

/// Where the pages are in the sensor's namespace, as linux/duskwatch.conf has it.
const PAGES: ([u8; 4], u16) = ([127, 0, 0, 1], 6677);

/// How long anything on the cable or a page may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// The namespaces `sensor` and `client`, each with one end of the cable as eth0, or why there cannot be any.
pub fn sensor_and_client(test: &str) -> Result<Lab, String> {
    let mut lab = Lab::new(test)?;
    lab.add("sensor");
    lab.add("client");
    lab.cable("sensor", "eth0", "client", "eth0");
    lab.ip("sensor", "addr add 192.168.78.1/24 brd + dev eth0");
    lab.ip("client", "addr add 192.168.78.2/24 brd + dev eth0");
    Ok(lab)
}

/// Sends datagrams to the sensor, and makes sure that each arrives.
pub fn send(lab: &Lab, count: u64) {
    let socket =
        |space, address| lab.inside(space, || UdpSocket::bind(address).expect("the address is free"));
    let sensor: UdpSocket = socket("sensor", "192.168.78.1:5000");
    sensor.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    let client = socket("client", "192.168.78.2:5000");
    for _ in 0..count {
        client.send_to(&[7; 72], "192.168.78.1:5000").expect("the cable is there");
        sensor.recv(&mut [0; 100]).expect("the datagram arrives");
    }
}

/// Packets that the client has sent, according to the pages.
pub fn sent_by_client(lab: &Lab) -> u64 {
    let host = try_json(lab, "/api/v1/hosts/192.168.78.2?interface=eth0").unwrap_or_default();
    host["host"]["sent"]["packets"].as_u64().unwrap_or(0)
}

/// A field of /proc/PID/status.
pub fn field<'a>(status: &'a str, name: &str) -> &'a str {
    status.lines().find_map(|line| line.strip_prefix(name)).expect(name).trim()
}

/// Checks in /proc/PID/status that the program may open raw sockets, and has no way to more than that.
pub fn has_raw_sockets_alone(status: &str) {
    for set in ["CapEff:", "CapPrm:", "CapBnd:"] {
        // CAP_NET_RAW is number 13.
        assert_eq!(field(status, set), "0000000000002000", "{set}");
    }
    assert_eq!(field(status, "CapAmb:"), "0000000000000000");
    assert_eq!(field(status, "NoNewPrivs:"), "1");
}

/// A page that is JSON, or `None` if it does not come.
pub fn try_json(lab: &Lab, path: &str) -> Option<Value> {
    let address = SocketAddr::from(PAGES);
    let mut stream = lab.inside("sensor", || TcpStream::connect(address)).ok()?;
    stream.set_read_timeout(Some(PATIENCE)).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200 ").then(|| serde_json::from_str(body).ok()).flatten()
}
