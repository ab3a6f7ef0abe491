//! The traces that everything is measured on, made by the seeded generator.

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;

use duskwatch::darknet::Darknet;
use duskwatch::ledger::{Capacity, Ledger};
use duskwatch::limits::{DEVICES_DEFAULT, HOSTS_DEFAULT, PORTS_DEFAULT};
use duskwatch::monitor::Monitor;
use duskwatch::network::{Networks, Role};
use duskwatch::packet::{Frame, LinkType};
use duskwatch::table::Seed;
use duskwatch::time::Timestamp;
use traffic::scenarios::{HOME_NETWORK, Options, Scenario};

/// Packets of each trace.
pub const PACKETS: u64 = 1_000_000;

/// Bytes captured of each frame.
const SNAPLEN: u32 = 96;

/// The traces that speed is measured on.
pub const SCENARIOS: [Scenario; 4] = [Scenario::Mix, Scenario::Flood, Scenario::MixFlood, Scenario::Sweep];

/// Where this program keeps what it makes, outside the repository's files.
pub fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// What every trace is made with.
pub fn options() -> Options {
    Options { packets: PACKETS, ..Options::default() }
}

/// A scenario's capture file, made anew: the generator may have changed.
pub fn file(scenario: Scenario) -> Result<PathBuf, String> {
    file_of(scenario, &options())
}

/// The same with other options.
pub fn file_of(scenario: Scenario, options: &Options) -> Result<PathBuf, String> {
    let path = directory().join(format!("{}.pcap", scenario.name()));
    let write = || {
        let output = BufWriter::with_capacity(1 << 18, File::create(&path)?);
        traffic::write_packets(scenario.packets(options), SNAPLEN, output)
    };
    write().map_err(|error: std::io::Error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// A capture file in memory.
pub struct Trace(Vec<u8>);

impl Trace {
    /// Reads a file of [`file`]'s.
    pub fn load(path: &str) -> Self {
        Self(std::fs::read(path).expect("the trace"))
    }

    /// Its frames with their times. The file is ours: little-endian, and whole.
    pub fn frames(&self) -> impl Iterator<Item = (Frame<'_>, Timestamp)> {
        let mut rest = self.0.get(24..).unwrap_or_default();
        std::iter::from_fn(move || {
            let (header, behind) = rest.split_first_chunk::<16>()?;
            let word =
                |at: usize| u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
            let (bytes, next) = behind.split_at_checked(word(8) as usize)?;
            rest = next;
            let frame = Frame { link: LinkType::Ethernet, bytes, wire_length: word(12) };
            Some((frame, Timestamp { seconds: word(0).into(), micros: word(4) }))
        })
    }
}

/// A monitor as `--read` has it, with default tables. If it is to `suspect`, it learns which addresses of
/// the traces' LAN nobody has.
pub fn monitor(suspect: bool) -> Monitor {
    let capacity =
        Capacity { hosts: HOSTS_DEFAULT, port_rows: PORTS_DEFAULT.into(), devices: DEVICES_DEFAULT };
    let seed = Seed::new(0, 0);
    let ledger = Ledger::new("trace", Role::Lan, Networks::private(), capacity, seed);
    let mut darknet = Darknet::new(&[], HOSTS_DEFAULT.into(), seed).expect("no prefix is not too many");
    if suspect {
        let mut networks = Networks::new();
        networks.add(HOME_NETWORK.parse().expect("a prefix"));
        darknet.set_interface(0, Role::Lan, &networks, &[]);
    }
    Monitor::new(vec![ledger], darknet)
}
