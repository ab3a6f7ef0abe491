//! The real program, serving the pages of a generated capture on a free loopback port.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use traffic::scenarios::{Options, Packet, Scenario};

/// How long the program may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program; it ends when this is dropped.
pub struct Served {
    /// Where its pages are.
    pub address: SocketAddr,
    /// The capture's file name, which stands in for the interface's, if there is one.
    pub interface: String,
    process: Child,
    file: Option<PathBuf>,
    /// Held so that the program can go on writing.
    _errors: BufReader<ChildStderr>,
}

impl Served {
    /// Serves an evening in a home, with names and a dark address. `name` tells tests apart.
    pub fn start(name: &str, options: &[&str]) -> Self {
        let home = Options { packets: 3_000, ..Options::default() };
        let home = Scenario::Home.packets(&home);
        let names = concat!(env!("CARGO_MANIFEST_DIR"), "/traffic/home.hosts");
        let dark = ["--dark", "192.168.1.200/32", "--hosts-file", names];
        Self::packets(name, home, &[&dark, options].concat())
    }

    /// Serves packets of the home's networks; what is served is called after the `name`.
    pub fn packets(name: &str, packets: impl Iterator<Item = Packet>, options: &[&str]) -> Self {
        let interface = format!("{name}.pcap");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&interface);
        let output = BufWriter::new(File::create(&file).expect("the target directory can be written"));
        traffic::write_packets(packets, 96, output).expect("a capture is written");
        let capture = ["--read", file.to_str().expect("UTF-8"), "--serve"];
        let locals = ["--local", "192.168.1.0/24", "--local", "2001:db8:1::/64"];
        let mut served = Self::run(&[&capture[..], &locals, options].concat());
        served.interface = interface;
        served.file = Some(file);
        served
    }

    /// Runs the program with these options until it serves.
    pub fn run(options: &[&str]) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_duskwatch"))
            .args(["--port", "0", "--bind", "127.0.0.1", "--no-dns", "--verbose"])
            .args(options)
            .env("TZ", "UTC")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program was built before its tests");
        let mut errors = BufReader::new(process.stderr.take().expect("it is piped"));
        let mut said = String::new();
        let address = loop {
            let start = said.len();
            let length = errors.read_line(&mut said).expect("the program speaks UTF-8");
            assert!(length > 0, "it ended: {said}");
            let url = said[start..].split_once("http://").and_then(|(_, rest)| rest.split_once('/'));
            if let Some(address) = url.and_then(|(address, _)| address.parse().ok()) {
                break address;
            }
        };
        Self { address, interface: String::new(), process, file: None, _errors: errors }
    }

    /// The JSON that it has at this path.
    pub fn get(&self, path: &str) -> serde_json::Value {
        serde_json::from_str(&self.page(path)).expect("JSON")
    }

    /// What it has at this path.
    pub fn page(&self, path: &str) -> String {
        let (head, body) = self.answer(path);
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        body
    }

    /// The head and the body of its answer.
    pub fn answer(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let host = self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head ends");
        (head.to_owned(), body.to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if let Some(file) = &self.file {
            let _ = fs::remove_file(file);
        }
    }
}
