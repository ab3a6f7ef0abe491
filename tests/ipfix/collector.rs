//! Debian's collector of flows, nfcapd, and what nfdump finds in its files.

use std::collections::HashMap;
use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use traffic::{Activity, Counters};

use crate::command::output;
use crate::netns::wait_until;

/// A collector; it ends when this is dropped.
pub struct Collector {
    child: Child,
    port: u16,
    directory: PathBuf,
}

/// A flow record as nfdump prints it.
pub struct Record {
    /// Source and destination.
    pub addresses: [IpAddr; 2],
    /// Their ports.
    pub ports: [u16; 2],
    /// TCP is 6.
    pub protocol: u8,
    /// Packets and bytes.
    pub counters: Counters,
    /// The numbers of the interfaces by which the packets came in and went out.
    pub interfaces: [u32; 2],
    /// The observation domain.
    pub domain: u32,
    /// Where the frames came from.
    pub mac: String,
}

/// True if the collector is there.
pub fn is_installed() -> bool {
    ["/usr/bin/nfcapd", "/usr/bin/nfdump"].iter().all(|program| Path::new(program).exists())
}

impl Collector {
    /// Starts it on a port of 127.0.0.1 by a command that may lead to a namespace. `name` tells tests apart.
    pub fn start(name: &str, mut command: Command, port: u16) -> Self {
        let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("nfcapd-{name}"));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("the target directory can be written");
        let log = directory.with_extension("log");
        let file = File::create(&log).expect("the target directory can be written");
        command.arg("-w").arg(&directory).args(["-b", "127.0.0.1", "-p", &port.to_string(), "-t", "86400"]);
        command.stdin(Stdio::null()).stdout(file.try_clone().expect("a descriptor")).stderr(file);
        let child = command.spawn().expect("it is installed");
        wait_until("nfcapd has started", || {
            fs::read_to_string(&log).is_ok_and(|text| text.contains("Startup nfcapd"))
        });
        Self { child, port, directory }
    }

    /// True if it waits for a datagram and none waits for it.
    fn has_read_all(&self) -> bool {
        let ask = |what| fs::read_to_string(format!("/proc/{}/{what}", self.child.id())).unwrap_or_default();
        let port = format!(":{:04X}", self.port);
        let sockets = ask("net/udp");
        let socket = sockets
            .lines()
            .find(|line| line.split_whitespace().nth(1).is_some_and(|address| address.ends_with(&port)));
        let waiting = socket.and_then(|line| line.split_whitespace().nth(4)?.split(':').nth(1));
        waiting == Some("00000000") && ask("status").contains("State:\tS")
    }

    /// Lets it read what has come to its port, which a signal would keep it from. Then ends it, checks that it had nothing to complain about, and returns what it has collected.
    pub fn end(mut self) -> Vec<Record> {
        wait_until("nfcapd has read all", || self.has_read_all());
        self.terminate();
        let log = fs::read_to_string(self.directory.with_extension("log")).expect("it has a log");
        assert!(log.contains("Sequence Errors: 0, Bad Packets: 0"), "{log}");
        let format = "fmt:%sa|%da|%sp|%dp|%pr|%pkt|%byt|%in|%out|%exp|%ismc|";
        let mut nfdump = Command::new("nfdump");
        nfdump.arg("-R").arg(&self.directory).args(["-q", "-N", "-6", "-o", format]);
        output(&mut nfdump).lines().filter(|line| line.contains('|')).map(Record::parse).collect()
    }

    fn terminate(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = Command::new("kill").arg(self.child.id().to_string()).status();
            let _ = self.child.wait();
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.terminate();
    }
}

impl Record {
    fn parse(line: &str) -> Self {
        let fields: Vec<&str> = line.split('|').map(str::trim).collect();
        let number =
            |index: usize| fields[index].parse::<u64>().unwrap_or_else(|_| panic!("{index}: {line}"));
        let address = |index: usize| fields[index].parse().unwrap_or_else(|_| panic!("{index}: {line}"));
        Self {
            addresses: [address(0), address(1)],
            // Of ICMP the second one is printed as a type and a code.
            ports: [2, 3].map(|index| fields[index].parse().unwrap_or(0)),
            protocol: number(4) as u8,
            counters: Counters { packets: number(5), bytes: number(6) },
            interfaces: [number(7) as u32, number(8) as u32],
            domain: number(9) as u32,
            mac: fields[10].to_owned(),
        }
    }
}

/// What each address sent and received.
pub fn by_address(records: &[Record]) -> HashMap<IpAddr, Activity> {
    let mut hosts: HashMap<IpAddr, Activity> = HashMap::new();
    for Record { addresses: [source, destination], counters, .. } in records {
        add(&mut hosts.entry(*source).or_default().sent, *counters);
        add(&mut hosts.entry(*destination).or_default().received, *counters);
    }
    hosts
}

/// What came from or went to each port of a protocol; what did both counts twice.
pub fn by_port(records: &[Record], protocol: u8) -> HashMap<u16, Counters> {
    let mut ports: HashMap<u16, Counters> = HashMap::new();
    for record in records.iter().filter(|record| record.protocol == protocol) {
        for port in record.ports {
            add(ports.entry(port).or_default(), record.counters);
        }
    }
    ports
}

/// Adds to a sum.
pub fn add(sum: &mut Counters, counters: Counters) {
    sum.packets += counters.packets;
    sum.bytes += counters.bytes;
}
