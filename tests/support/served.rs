//! The real program, serving the pages of a generated capture on a free loopback port.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use traffic::scenarios::{Options, Scenario};

/// How long the program may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program; it ends when this is dropped.
pub struct Served {
    /// Where its pages are.
    pub address: SocketAddr,
    /// The capture's file name, which stands in for the interface's.
    pub interface: String,
    process: Child,
    file: PathBuf,
    /// Held so that the program can go on writing.
    _errors: BufReader<ChildStderr>,
}

impl Served {
    /// Serves an evening in a home, with names and a dark address. `name` tells tests apart.
    pub fn start(name: &str, options: &[&str]) -> Self {
        let interface = format!("{name}.pcap");
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(&interface);
        let output = BufWriter::new(File::create(&file).expect("the target directory can be written"));
        let home = Options { packets: 3_000, ..Options::default() };
        traffic::write_packets(Scenario::Home.packets(&home), 96, output).expect("a capture is written");
        let mut process = Command::new(env!("CARGO_BIN_EXE_duskwatch"))
            .arg("--read")
            .arg(&file)
            .args(["--serve", "--port", "0", "--bind", "127.0.0.1", "--no-dns", "--verbose"])
            .args(["--local", "192.168.1.0/24", "--local", "2001:db8:1::/64", "--dark", "192.168.1.200/32"])
            .arg("--hosts-file")
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/traffic/home.hosts"))
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
        Self { address, interface, process, file, _errors: errors }
    }

    /// What it has at this path.
    pub fn get(&self, path: &str) -> serde_json::Value {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a time-out");
        let host = self.address;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").expect("it reads");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("it answers");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head ends");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        serde_json::from_str(body).expect("JSON")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.file);
    }
}
