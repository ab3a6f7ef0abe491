//! tshark's opinion: what each address sent and received of each protocol, and how much there was of it,
//! in every case and scenario of the generator and in the captures that come with tcpdump's source.
//!
//! The frames go to tshark as they are, all of one link type in one file, since starting it takes
//! longer than reading. What it says of each frame's outermost IP header is added up here, after the
//! rules in [`Opinion`] where the two count differently on purpose, and compared with the report.
#![cfg(feature = "daemon")]

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::{Debug, Display};
use std::fs::{self, File};
use std::io::BufWriter;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use duskwatch::packet::LinkType;
use traffic::scenarios::{Options, Scenario};
use traffic::{Activity, Counters, cases, pcap as capture_file};

#[path = "support/books.rs"]
mod books;
#[path = "support/skip.rs"]
mod skip;
use books::{Books, LOCAL, temporary};
use skip::skipped;

/// A capture file and what libpcap reads in it.
struct Capture {
    name: String,
    path: PathBuf,
    /// The link type as capture files number it.
    link: u32,
    frames: Vec<Frame>,
    /// False if the file ends in the middle of a packet.
    whole: bool,
}

struct Frame {
    bytes: Vec<u8>,
    wire_length: usize,
}

impl Capture {
    /// Reads a file; `None` if libpcap cannot or its link type is not one that is understood, which the
    /// program has to say as well.
    fn read(path: &Path) -> Option<Self> {
        let mut file = pcap::Capture::from_file(path).ok()?;
        let dlt = file.get_datalink().0;
        LinkType::from_dlt(dlt)?;
        // The types that are understood have the same numbers in files, but for this one.
        let link = if dlt == 12 { 101 } else { dlt as u32 };
        let mut frames = Vec::new();
        let end = loop {
            let packet = match file.next_packet() {
                Ok(packet) => packet,
                Err(end) => break end,
            };
            // A broken file may say that the wire carried less than was captured.
            let wire_length = packet.data.len().max(packet.header.len as usize);
            frames.push(Frame { bytes: packet.data.to_vec(), wire_length });
        };
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Some(Self { name, path: path.to_owned(), link, frames, whole: end == pcap::Error::NoMorePackets })
    }
}

impl Capture {
    /// What the program reports, with room for every address and protocol.
    fn report(&self) -> Sums {
        let hosts_max = (2 * self.frames.len()).clamp(1_024, 65_535).to_string();
        let arguments = [&LOCAL[..], &["--hosts-max", &hosts_max, "--ports-max", "65535"]].concat();
        if self.whole {
            return Sums::of_report(&Books::read(&self.path, &arguments));
        }
        let (books, error) = Books::read_broken(&self.path, &arguments);
        assert_eq!(error.lines().count(), 1, "{}: {error}", self.name);
        books.as_ref().map(Sums::of_report).unwrap_or_default()
    }
}

/// What tshark is asked for.
const FIELDS: [&str; 19] = [
    "frame.protocols",
    "mpls.label",
    "ip.len",
    "ip.src",
    "ip.dst",
    "ip.proto",
    "ipv6.plen",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.nxt",
    "ipv6.hopopts.nxt",
    "ipv6.hopopts.len_oct",
    "ipv6.dstopts.nxt",
    "ipv6.dstopts.len_oct",
    "ipv6.routing.nxt",
    "ipv6.routing.len_oct",
    "ipv6.fraghdr.nxt",
    "ah.next_header",
    "ah.length",
];

/// Fragments stay as they are, and what is behind a transport header is left alone.
const PREFERENCES: [&str; 4] =
    ["ip.defragment:FALSE", "ip.tso_support:TRUE", "ipv6.defragment:FALSE", "ipv6.tso_support:TRUE"];
const NOT_DISSECTED: [&str; 4] = ["tcp", "udp", "sctp", "dccp"];

/// One line for each frame of a file.
fn tshark(file: &Path) -> Vec<String> {
    let output = Command::new("tshark")
        .args(PREFERENCES.map(|preference| format!("-o{preference}")))
        .args(NOT_DISSECTED.map(|name| format!("--disable-protocol={name}")))
        .args(["-n", "-T", "fields", "-E", "separator=/t", "-E", "occurrence=a"])
        .args(FIELDS.map(|field| format!("-e{field}")))
        .arg("-r")
        .arg(file)
        .output()
        .expect("tshark was there");
    assert!(output.status.success(), "tshark: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

/// tshark's line of a frame.
struct Line<'a> {
    fields: HashMap<&'static str, &'a str>,
    frame: &'a Frame,
}

impl<'a> Line<'a> {
    fn new(line: &'a str, frame: &'a Frame) -> Self {
        Self { fields: FIELDS.into_iter().zip(line.split('\t')).collect(), frame }
    }

    /// The values of a field, outermost first.
    fn all<T: FromStr>(&self, name: &str) -> impl Iterator<Item = T> + use<'a, T> {
        self.fields[name].split(',').map_while(|text| text.parse().ok())
    }

    fn first<T: FromStr>(&self, name: &str) -> Option<T> {
        self.all(name).next()
    }

    /// The layers in front of the outermost IP header, and its name; `None` if there is no IP.
    fn layers(&self) -> Option<(Vec<&'a str>, &'a str)> {
        let layers: Vec<&str> = self.fields["frame.protocols"].split(':').collect();
        let internet = layers.iter().position(|layer| ["ip", "ipv6"].contains(layer))?;
        Some((layers[..internet].to_vec(), layers[internet]))
    }
}

/// An IP packet as tshark sees it, counted by our rules.
struct Opinion {
    source: IpAddr,
    destination: IpAddr,
    bytes: usize,
    protocol: u8,
}

/// Why a frame is not accounted as IP.
type Reason = &'static str;

impl Opinion {
    /// What a line says of a frame.
    fn of(line: &Line) -> Result<Self, Reason> {
        let (outside, internet) = line.layers().ok_or("without IP")?;
        // tshark finds IP in more layers than a router's links have: to us, those frames have none.
        const LINK_LAYERS: [&str; 11] =
            ["eth", "ethertype", "vlan", "ieee8021ad", "pppoes", "ppp", "mpls", "llc", "sll", "null", "raw"];
        if !outside.iter().all(|layer| LINK_LAYERS.contains(layer)) {
            return Err("IP in a layer that is not followed");
        }
        let tags = outside.iter().filter(|layer| ["vlan", "ieee8021ad"].contains(layer)).count();
        if tags + line.all::<u32>("mpls.label").count() > ENCAPSULATIONS_MAX {
            return Err("IP behind more tags or labels than are followed");
        }
        if internet == "ip" {
            Self::v4(line).ok_or("IPv4 without a header that can be used")
        } else {
            let packet = Self::v6(line).ok_or("IPv6 without a header that can be used")?;
            if [packet.source, packet.destination].iter().any(is_mapped) {
                return Err("IPv6 from or to an IPv4-mapped address, which must not be on a wire");
            }
            Ok(packet)
        }
    }

    fn v4(line: &Line) -> Option<Self> {
        let source: Ipv4Addr = line.first("ip.src")?;
        let frame = line.frame;
        let destination = match line.first::<Ipv4Addr>("ip.dst") {
            Some(destination) => destination,
            // Of a header that is cut in its options tshark does not name the destination, which is
            // there, behind the source.
            None => {
                let behind = frame.find(4, 12, &source.octets())? + 16;
                Ipv4Addr::from(*frame.bytes.get(behind..)?.first_chunk::<4>()?)
            }
        };
        let header = frame.find(4, 12, &[source.octets(), destination.octets()].concat())?;
        // Never more than the wire carried.
        let bytes = line.first::<usize>("ip.len")?.min(frame.wire_length - header);
        let (source, destination) = (source.into(), destination.into());
        Some(Self { source, destination, bytes, protocol: line.first("ip.proto")? })
    }

    fn v6(line: &Line) -> Option<Self> {
        let source: Ipv6Addr = line.first("ipv6.src")?;
        let destination: Ipv6Addr = line.first("ipv6.dst")?;
        let frame = line.frame;
        let header = frame.find(6, 8, &[source.octets(), destination.octets()].concat())?;
        let on_wire = frame.wire_length - header;
        let bytes = match line.first::<usize>("ipv6.plen")? {
            0 if line.first("ipv6.nxt") != Some(NO_NEXT_HEADER) => on_wire,
            // Never more than the wire carried.
            length => on_wire.min(40 + length),
        };
        let protocol = Self::upper_protocol(line, frame.bytes.get(header..)?)?;
        Some(Self { source: source.into(), destination: destination.into(), bytes, protocol })
    }

    /// The last next header on the way through the extension headers.
    fn upper_protocol(line: &Line, packet: &[u8]) -> Option<u8> {
        let mut protocol = line.first("ipv6.nxt")?;
        if protocol == HOP_BY_HOP && line.first("ipv6.plen") == Some(0) {
            // A jumbo option of less than 65,536 bytes is wrong, and tshark goes no further.
            return packet.get(40).copied();
        }
        let headers = |name| line.all::<u8>(name);
        let lengths = |name| line.all::<usize>(name);
        let mut hop_by_hop = headers("ipv6.hopopts.nxt").zip(lengths("ipv6.hopopts.len_oct"));
        let mut destination = headers("ipv6.dstopts.nxt").zip(lengths("ipv6.dstopts.len_oct"));
        let mut routing = headers("ipv6.routing.nxt").zip(lengths("ipv6.routing.len_oct"));
        let mut authentication = headers("ah.next_header").zip(lengths("ah.length").map(|n| 4 * (n + 2)));
        let mut fragment = headers("ipv6.fraghdr.nxt").map(|next| (next, 8));
        let mut end = 40;
        for _ in 0..EXTENSION_HEADERS_MAX {
            let header = match protocol {
                HOP_BY_HOP => hop_by_hop.next(),
                DESTINATION => destination.next(),
                ROUTING => routing.next(),
                AUTHENTICATION => authentication.next(),
                FRAGMENT => fragment.next(),
                _ => None,
            };
            // tshark believes a header of which it sees two bytes, we want eight.
            let Some((next, length)) = header.filter(|_| end + 8 <= packet.len()) else { break };
            protocol = next;
            end += length;
        }
        Some(protocol)
    }
}

fn is_mapped(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.to_ipv4_mapped().is_some())
}

/// How deep we look.
const ENCAPSULATIONS_MAX: usize = 8;
const EXTENSION_HEADERS_MAX: usize = 8;

/// IPv6 extension headers.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const NO_NEXT_HEADER: u8 = 59;
const DESTINATION: u8 = 60;

impl Frame {
    /// Where the header of this IP version is that has its addresses at this distance.
    fn find(&self, version: u8, distance: usize, addresses: &[u8]) -> Option<usize> {
        let found = |&header: &usize| {
            self.bytes[header] >> 4 == version && self.bytes[header + distance..].starts_with(addresses)
        };
        (0..(self.bytes.len() + 1).saturating_sub(distance + addresses.len())).find(found)
    }
}

/// What the report and tshark both say of a capture.
#[derive(Default)]
struct Sums {
    hosts: BTreeMap<IpAddr, Activity>,
    protocols: BTreeMap<u8, Counters>,
    /// By address and protocol.
    host_protocols: BTreeMap<String, Activity>,
}

impl Sums {
    fn add(&mut self, opinion: &Opinion) {
        let bytes = opinion.bytes as u32;
        self.hosts.entry(opinion.source).or_default().sent.add(bytes);
        self.hosts.entry(opinion.destination).or_default().received.add(bytes);
        self.protocols.entry(opinion.protocol).or_default().add(bytes);
        let [sender, receiver] = [opinion.source, opinion.destination]
            .map(|address| Self::host_protocol(address, opinion.protocol));
        self.host_protocols.entry(sender).or_default().sent.add(bytes);
        self.host_protocols.entry(receiver).or_default().received.add(bytes);
    }

    /// A host counts both ICMPs as the one of its own IP version.
    fn host_protocol(address: IpAddr, protocol: u8) -> String {
        let protocol = match (protocol, address) {
            (1 | 58, IpAddr::V4(_)) => 1,
            (1 | 58, IpAddr::V6(_)) => 58,
            _ => protocol,
        };
        format!("{address} protocol {protocol}")
    }

    fn differences(&self, theirs: &Self) -> impl Iterator<Item = String> {
        let protocols = differences(&self.protocols, &theirs.protocols);
        let protocols = protocols.into_iter().map(|line| format!("protocol {line}"));
        let host_protocols = differences(&self.host_protocols, &theirs.host_protocols);
        differences(&self.hosts, &theirs.hosts).into_iter().chain(protocols).chain(host_protocols)
    }

    fn of_report(books: &Books) -> Self {
        let protocol = |row: &serde_json::Value| {
            let number = row["number"].as_u64().and_then(|number| number.try_into().ok()).expect("a number");
            let columns = ["inbound", "outbound", "other"].map(|column| books::counters(&row[column]));
            (number, books::sum(columns))
        };
        let of_host = |((address, protocol), activity)| (format!("{address} protocol {protocol}"), activity);
        Self {
            hosts: books.hosts().into_iter().collect(),
            protocols: books.rows("/protocols").iter().map(protocol).collect(),
            host_protocols: books.host_protocols().into_iter().map(of_host).collect(),
        }
    }
}

/// The keys on which two maps differ.
fn differences<K: Ord + Display, V: Copy + PartialEq + Debug>(
    ours: &BTreeMap<K, V>,
    theirs: &BTreeMap<K, V>,
) -> Vec<String> {
    let keys: BTreeSet<&K> = ours.keys().chain(theirs.keys()).collect();
    let differ = keys.into_iter().filter(|key| ours.get(key) != theirs.get(key));
    differ.map(|key| format!("{key}: {:?}, tshark {:?}", ours.get(key), theirs.get(key))).collect()
}

/// Compares all captures, and prints how many frames there were of each kind.
fn compare(captures: &[Capture]) {
    let mut kinds = BTreeMap::new();
    let mut wrong = Vec::new();
    let links: BTreeSet<u32> = captures.iter().map(|capture| capture.link).collect();
    for link in links {
        let these: Vec<&Capture> = captures.iter().filter(|capture| capture.link == link).collect();
        let lines = opinions(link, &these);
        let mut lines = lines.iter();
        for capture in these {
            let lines = lines.by_ref().take(capture.frames.len());
            let lines: Vec<Line> =
                lines.zip(&capture.frames).map(|(line, frame)| Line::new(line, frame)).collect();
            assert_eq!(lines.len(), capture.frames.len(), "a line for each frame of {}", capture.name);
            let mut theirs = Sums::default();
            for line in &lines {
                let opinion = Opinion::of(line);
                let kind = opinion.as_ref().map_or_else(|reason| *reason, |_| "IP packets");
                *kinds.entry(kind).or_insert(0) += 1;
                if let Ok(packet) = opinion {
                    theirs.add(&packet);
                }
            }
            wrong.extend(
                capture.report().differences(&theirs).map(|line| format!("{}: {line}", capture.name)),
            );
        }
    }
    println!("{} captures with frames:", captures.len());
    kinds.iter().for_each(|(kind, count)| println!("{count:8} {kind}"));
    assert!(wrong.is_empty(), "we and tshark differ:\n{}", wrong.join("\n"));
}

/// What tshark says of the frames of these captures, all of one link type, one after the other.
fn opinions(link: u32, captures: &[&Capture]) -> Vec<String> {
    let path = temporary(&format!("oracle-{link}-{}.pcap", captures[0].name));
    let file = BufWriter::new(File::create(&path).expect("a file"));
    let mut writer = capture_file::Writer::new(file, link, capture_file::WHOLE).expect("a header");
    for frame in captures.iter().flat_map(|capture| &capture.frames) {
        writer.write(0, &frame.bytes, frame.wire_length as u32).expect("a frame");
    }
    writer.finish().expect("a file");
    let lines = tshark(&path);
    fs::remove_file(&path).expect("the file is there");
    lines
}

fn missing(test: &str) -> bool {
    let missing = Command::new("tshark").arg("--version").output().is_err();
    if missing {
        skipped(test, "tshark is not installed (Debian: apt-get install tshark)");
    }
    missing
}

#[test]
fn tshark_agrees_on_every_case() {
    if missing("tshark_agrees_on_every_case") {
        return;
    }
    let directory = temporary("oracle-cases");
    fs::create_dir_all(&directory).expect("a directory");
    let captures: Vec<Capture> = cases::all()
        .iter()
        .map(|case| {
            let path = directory.join(&case.name);
            case.write(BufWriter::new(File::create(&path).expect("a file"))).expect("a case");
            Capture::read(&path).expect("a capture")
        })
        .collect();
    compare(&captures);
    fs::remove_dir_all(&directory).expect("the directory is there");
}

#[test]
fn tshark_agrees_on_scenarios() {
    if missing("tshark_agrees_on_scenarios") {
        return;
    }
    let directory = temporary("oracle-scenarios");
    fs::create_dir_all(&directory).expect("a directory");
    let captures: Vec<Capture> = Scenario::ALL
        .into_iter()
        .map(|scenario| {
            let path = directory.join(scenario.name());
            let file = BufWriter::new(File::create(&path).expect("a file"));
            let options = Options { packets: 20_000, seed: 11, ..Options::default() };
            traffic::write_packets(scenario.packets(&options), 96, file).expect("a capture");
            Capture::read(&path).expect("a capture")
        })
        .collect();
    compare(&captures);
    fs::remove_dir_all(&directory).expect("the directory is there");
}

#[test]
fn tshark_agrees_on_the_captures_of_tcpdump() {
    const TEST: &str = "tshark_agrees_on_the_captures_of_tcpdump";
    if missing(TEST) {
        return;
    }
    let paths = tcpdump_captures();
    if paths.is_empty() {
        return skipped(TEST, "tcpdump's source is not there (scripts/fetch-tcpdump-captures)");
    }
    let mut captures = Vec::new();
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    for path in &paths {
        match Capture::read(path) {
            Some(capture) => captures.push(capture),
            None => {
                // We cannot either, and say so in one line.
                let (books, error) = Books::read_broken(path, &[]);
                assert!(books.is_none() && error.lines().count() == 1, "{}: {error}", path.display());
                let reason = error.trim_end().split(": ").skip(2).collect::<Vec<_>>().join(": ");
                *reasons.entry(reason).or_default() += 1;
            }
        }
    }
    println!("{} captures compared; not read:", captures.len());
    for (reason, count) in reasons {
        println!("{count:5} {reason}");
    }
    compare(&captures);
}

/// The captures in tcpdump's source, if it is there.
fn tcpdump_captures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tcpdump");
    let entries =
        |path: PathBuf| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let files = entries(root).flat_map(|source| entries(source.join("tests")));
    let is_capture = |path: &PathBuf| {
        path.extension().is_some_and(|extension| ["pcap", "pcapng"].iter().any(|name| extension == *name))
    };
    let mut captures: Vec<PathBuf> = files.filter(is_capture).collect();
    captures.sort_unstable();
    captures
}
