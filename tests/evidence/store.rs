//! A ring in a directory of its own, and packets for it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use duskwatch::daemon::evidence::download::Download;
use duskwatch::daemon::evidence::export::Format;
use duskwatch::daemon::evidence::pcapng::{Packet, put_packet};
use duskwatch::daemon::evidence::ring::{Limits, Ring, Statistics, lock, provisional};
use duskwatch::daemon::evidence::walk::{Selection, Step, Walk};
use duskwatch::daemon::evidence::words::Words;
use duskwatch::daemon::web::{Body, Page};
use duskwatch::limits::WEB_PART_BYTES;
use duskwatch::packet::{Address, LinkType};
use duskwatch::time::Timestamp;
use traffic::frame;

/// A time of day.
pub const NOON: u64 = 1_800_014_400;

/// The names of the interfaces.
pub const NAMES: [&str; 2] = ["br-lan", "wan \"0\""];

/// All packets.
pub const ALL: Selection = Selection { source: None, from: 0, to: u64::MAX };

/// A ring and its directory, which goes when this is dropped.
pub struct Store {
    pub directory: PathBuf,
    pub ring: Ring,
    limits: Limits,
}

impl Store {
    /// A ring in an empty directory.
    pub fn new(name: &str, limits: Limits) -> Self {
        let directory =
            std::env::temp_dir().join(format!("duskwatch-evidence-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir_all(&directory).expect("a directory");
        let ring = Ring::open(&directory, limits, at(NOON)).expect("an empty directory");
        Self { directory, ring, limits }
    }

    /// The next run of the program.
    pub fn reopen(&mut self, now: u64) {
        self.ring = Ring::open(&self.directory, self.limits, at(now)).expect("the directory is there");
    }

    /// Appends packets all at once.
    pub fn append(&mut self, packets: &[Sent]) {
        append(&mut self.ring, packets);
    }

    /// The payloads' marks of the selected packets, in their order.
    pub fn marks(&self, selection: Selection) -> Vec<u32> {
        let mut walk = Walk::new(self.ring.index(), &self.directory, selection);
        let mut marks = Vec::new();
        loop {
            match walk.step() {
                Step::Packet => marks.push(mark_of(walk.packet().expect("a packet").2.bytes)),
                Step::Passed => {}
                Step::End => return marks,
            }
        }
    }

    /// A download of the selected packets, all of it.
    pub fn download(&self, selection: Selection, format: Option<Format>) -> Vec<u8> {
        let walk = Walk::new(self.ring.index(), &self.directory, selection);
        let mut download = Download::new(walk, format);
        let mut page = Page::new();
        let mut bytes = Vec::new();
        loop {
            page.clear();
            let has_more = download.next(&mut page);
            assert!(!page.has_overflowed() && page.body().len() <= WEB_PART_BYTES);
            bytes.extend_from_slice(page.body());
            if !has_more {
                return bytes;
            }
        }
    }

    /// The segments' files and their bytes, oldest first.
    pub fn files(&self) -> Vec<(PathBuf, u64)> {
        files(&self.directory)
    }

    /// Bytes of all files.
    pub fn bytes(&self) -> u64 {
        self.files().iter().map(|(_, bytes)| bytes).sum()
    }

    pub fn statistics(&self) -> Statistics {
        lock(&self.ring.index()).statistics
    }

    /// Whether a source is known to have an alert.
    pub fn has_alert(&self, source: Ipv4Addr) -> bool {
        lock(&self.ring.index()).ends.has(Address::from(std::net::IpAddr::from(source)))
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

pub fn files(directory: &Path) -> Vec<(PathBuf, u64)> {
    let entries = fs::read_dir(directory).expect("the directory").map(|entry| entry.expect("a file"));
    let mut files: Vec<_> =
        entries.map(|entry| (entry.path(), entry.metadata().expect("its length").len())).collect();
    files.sort();
    files
}

pub fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

/// A datagram into the dark.
#[derive(Clone, Debug)]
pub struct Sent {
    pub source: Ipv4Addr,
    pub time: u64,
    /// Tells packets apart: the first bytes of the payload.
    pub mark: u32,
    pub payload: usize,
    pub interface: usize,
    pub is_alert: bool,
    pub signature: &'static str,
}

impl Default for Sent {
    fn default() -> Self {
        Self {
            source: Ipv4Addr::new(192, 168, 1, 57),
            time: NOON,
            mark: 0,
            payload: 60,
            interface: 0,
            is_alert: false,
            signature: "packet to a dark address",
        }
    }
}

impl Sent {
    pub fn frame(&self) -> Vec<u8> {
        let mut payload = vec![0x2e; self.payload.max(4)];
        payload[..4].copy_from_slice(&self.mark.to_be_bytes());
        let source = SocketAddr::from((self.source, 4000));
        let destination = SocketAddr::from(([10, 9, 0, 1], 53_000));
        let packet = frame::ip(&source, &destination, 17, &frame::udp(&source, &destination, &payload));
        frame::ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], 0x0800, &packet)
    }
}

fn mark_of(bytes: &[u8]) -> u32 {
    // Ethernet, IPv4 and UDP.
    u32::from_be_bytes(*bytes[14 + 20 + 8..].first_chunk().expect("a mark"))
}

/// Marked packets, a second apart.
pub fn series(marks: std::ops::Range<u32>) -> Vec<Sent> {
    marks.map(|mark| Sent { mark, time: NOON + u64::from(mark), ..Sent::default() }).collect()
}

pub fn append(ring: &mut Ring, packets: &[Sent]) {
    let mut blocks = Vec::new();
    for sent in packets {
        let frame = sent.frame();
        let words = Words { signature: sent.signature, category: "other", is_alert: sent.is_alert };
        let comment = words.comment();
        put_packet(
            &mut blocks,
            &Packet {
                interface: provisional(sent.interface, LinkType::Ethernet),
                time: at(sent.time),
                wire_length: frame.len() as u32,
                bytes: &frame,
                comment: &comment,
            },
        );
    }
    ring.append(&mut blocks, &NAMES.map(str::to_owned));
}
