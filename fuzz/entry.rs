//! One function for each parser of foreign bytes. The fuzz targets call them under libFuzzer, and
//! `tests/corpus.rs` replays the corpus through the same functions.
#![allow(dead_code, missing_docs, reason = "each fuzz target calls one of them")]

use duskwatch::daemon::config::Config;
use duskwatch::daemon::evidence::export::Format;
use duskwatch::daemon::evidence::pcapng::{self, Block};
use duskwatch::daemon::evidence::segment::Interface;
use duskwatch::daemon::evidence::words::Words;
use duskwatch::daemon::export;
use duskwatch::daemon::names::vendors::Vendors;
use duskwatch::daemon::names::{devices, ethers, hosts, leases};
use duskwatch::daemon::neighbors;
use duskwatch::daemon::options::parse_config_file;
use duskwatch::daemon::rules;
use duskwatch::daemon::web::request::{Form, Method, Parsed, parse};
use duskwatch::daemon::web::upload;
use duskwatch::darknet::Darknet;
use duskwatch::ledger::{Capacity, Ledger, Owner, PortOwner, Traffic};
use duskwatch::limits::{
    CONFIRM_ROWS, DEVICE_NAMES_FILE_BYTES_MAX, DEVICE_NAMES_MAX, ETHERS_NAMES_MAX, HOSTS_FILE_NAMES_MAX,
    LEASES_MAX, NEIGHBORS_MAX, RULES_MAX, WEB_HEAD_BYTES_MAX,
};
use duskwatch::limits::{
    EVIDENCE_BLOCK_BYTES_MAX, EVIDENCE_COMMENT_BYTES_MAX, EVIDENCE_FRAME_BYTES_MAX, EVIDENCE_ROW_BYTES,
};
use duskwatch::monitor::Monitor;
use duskwatch::network::{Networks, Role};
use duskwatch::packet::{Decoded, Frame, LinkType, Mac, decode, neighbor_message};
use duskwatch::table::{PortKind, Seed};
use duskwatch::time::Timestamp;

/// The first byte chooses the link type, the second the length that the wire claims to have carried.
pub fn packet(input: &[u8]) {
    let [link, wire_length, bytes @ ..] = input else { return };
    let link = LinkType::ALL[usize::from(*link) % LinkType::ALL.len()];
    let frame = Frame { link, bytes, wire_length: u32::from(*wire_length) * 16 };
    let on_wire = frame.wire_length.max(bytes.len() as u32);
    suspect(&frame);
    match decode(&frame) {
        Decoded::Packet(packet) => {
            assert!(packet.bytes >= 20 && packet.bytes + u32::from(packet.network_offset) <= on_wire);
            assert!(packet.has_ports || (packet.source_port, packet.destination_port) == (0, 0));
            assert!(!packet.later_fragment || !packet.has_ports && packet.icmp.is_none());
            assert_eq!(packet.source.is_v4(), packet.destination.is_v4());
            let _ = neighbor_message(bytes, &packet);
        }
        Decoded::NonIp(frame) => assert_eq!(frame.bytes, on_wire),
        Decoded::Discard(_) => {}
    }
}

/// Shows a frame twice to a darknet in which nearly everything is dark. Its first bytes say how long after, or before.
fn suspect(frame: &Frame) {
    let prefixes = ["0.0.0.0/1", "::/1"].map(|prefix| prefix.parse().expect("a prefix"));
    let mut darknet = Darknet::new(&prefixes, 8, Seed::new(1, 0)).expect("two are not too many");
    let mut networks = Networks::new();
    networks.add("128.0.0.0/1".parse().expect("a prefix"));
    networks.add("8000::/1".parse().expect("a prefix"));
    darknet.set_interface(0, Role::Lan, &networks, &[]);
    darknet.set_learning(0);
    darknet.confirm();
    let pause = frame.bytes.first_chunk().map_or(1, |bytes| i32::from_be_bytes(*bytes));
    let mut was_dark = false;
    for seconds in [1_700_000_000, 1_700_000_000 + i64::from(pause)] {
        let now = Timestamp::from_seconds(seconds.unsigned_abs());
        assert!(core::iter::from_fn(|| darknet.tick(now)).count() <= 8);
        let finding = darknet.observe(0, &decode(frame), frame.bytes, now);
        assert!(core::iter::from_fn(|| darknet.next_question(now)).count() <= CONFIRM_ROWS);
        // Some signals are told wherever the frame goes, such as a scanner's mark, and an event may be about the
        // first time.
        was_dark |= finding.is_dark;
        assert!(was_dark || finding.event.is_none_or(|event| !event.signal.is_dark()));
    }
    let told: u64 = darknet.recent().filter(|event| event.rule.is_none()).map(|event| event.packets).sum();
    let rest: u64 = core::iter::from_fn(|| darknet.close()).map(|event| event.packets).sum();
    assert_eq!(told + rest, darknet.totals().packets);
}

/// A request that is accepted has a path that can be shown, and is the same without what follows it. Only a POST
/// has a body, which is decoded as a form and as one with a file.
pub fn request(input: &[u8]) {
    let parsed = parse(input);
    let Parsed::Complete(request, length) = &parsed else {
        assert!(parsed != Parsed::Partial || input.len() < WEB_HEAD_BYTES_MAX);
        return;
    };
    assert!(*length <= input.len().min(WEB_HEAD_BYTES_MAX));
    assert!(request.path().starts_with('/') && !request.path().contains(char::is_control));
    let _ = request.language();
    for (name, value) in request.query() {
        assert!(!name.contains(char::is_control) && !value.contains(char::is_control));
    }
    assert!(request.method == Method::Post || request.body_length.unwrap_or_default() == 0);
    assert!(request.cookies("id").all(|value| !value.contains(';')));
    let _ = request.is_same_origin();
    let body = &input[*length..];
    if let Some(form) = Form::of(body) {
        assert!(!form.get("a").contains(char::is_control));
    }
    if let Some((start, content)) = upload::content(body) {
        assert!(start + content.len() < body.len());
    }
    assert_eq!(parse(&input[..*length]), parsed);
    assert_eq!(parse(&input[..length - 1]), Parsed::Partial);
}

/// A refusal is one line that can be printed as it is.
pub fn config(input: &[u8]) {
    let outcome = parse_config_file("config", &String::from_utf8_lossy(input))
        .and_then(|options| Config::new(&options, None));
    if let Err(error) = outcome {
        assert!(!error.0.contains(char::is_control), "{error}");
    }
}

/// A text of rules, and after its first zero byte a frame that they are asked about. A refusal is one line.
pub fn rules(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let bytes = input.get(end + 1..).unwrap_or_default();
    let rules = match rules::parse("rules", &String::from_utf8_lossy(&input[..end])) {
        Ok(rules) => rules,
        Err(error) => return assert!(!error.0.contains(char::is_control), "{error}"),
    };
    assert!(rules.all().len() <= RULES_MAX);
    let frame = Frame { link: LinkType::Ethernet, bytes, wire_length: bytes.len() as u32 };
    let prefixes = ["0.0.0.0/0", "::/0"].map(|prefix| prefix.parse().expect("a prefix"));
    let mut darknet = Darknet::new(&prefixes, 8, Seed::new(1, 0)).expect("two are not too many");
    darknet.set_rules(rules.clone());
    for seconds in 1_700_000_000..1_700_000_003 {
        let finding = darknet.observe(0, &decode(&frame), bytes, Timestamp::from_seconds(seconds));
        if let Some(event) = finding.ruled {
            assert!(event.packets == 1 && event.rule_of(rules.all()).is_some());
        }
    }
    let told: u64 = darknet.recent().filter(|event| event.rule.is_none()).map(|event| event.packets).sum();
    let rest: u64 = core::iter::from_fn(|| darknet.close()).map(|event| event.packets).sum();
    assert_eq!(told + rest + darknet.totals().passed_packets, darknet.totals().packets);
}

/// Each address has one lease, in order.
pub fn leases(input: &[u8]) {
    let leases = leases::parse(input);
    assert!(leases.all().len() <= LEASES_MAX);
    assert!(leases.all().is_sorted_by(|one, next| one.address < next.address));
}

/// The kernel's answers, in which the last message may lie about its length.
pub fn neighbors(input: &[u8]) {
    let mut found = Vec::new();
    neighbors::parse(input, u16::MAX, &mut found);
    assert!(found.len() <= NEIGHBORS_MAX.min(input.len() / 28));
}

/// What others may have made of a segment. A block is not longer than it says, its packet is inside it, and a row
/// made of it is bounded and one line.
pub fn evidence(input: &[u8]) {
    let mut rest = input;
    while let Ok((block, length)) = pcapng::read(rest) {
        assert!((12..=EVIDENCE_BLOCK_BYTES_MAX.min(rest.len())).contains(&length));
        if let Block::Packet(packet) = block {
            assert!(packet.bytes.len() + packet.comment.len() < length);
            rows(&packet);
        }
        rest = &rest[length..];
    }
}

fn rows(packet: &pcapng::Packet<'_>) {
    let interface =
        Interface::new("=br\"lan'", LinkType::ALL[packet.interface as usize % LinkType::ALL.len()]);
    let words = Words::of(packet.comment);
    let mut again = Vec::new();
    pcapng::put_packet(&mut again, packet);
    assert!(again.len() <= EVIDENCE_BLOCK_BYTES_MAX);
    for format in [Format::Csv, Format::JsonLines, Format::Sql] {
        let mut row = String::new();
        format.row(&mut row, &interface, packet, &words).expect("a String takes everything");
        let is_cut = packet.bytes.len() > EVIDENCE_FRAME_BYTES_MAX;
        assert!(
            is_cut || packet.comment.len() > EVIDENCE_COMMENT_BYTES_MAX || row.len() <= EVIDENCE_ROW_BYTES
        );
        let line = row.strip_suffix('\n').expect("a line ends");
        assert!(!line.strip_suffix('\r').unwrap_or(line).contains(|char| char < ' '), "{line:?}");
    }
}

/// Each address has one name, in order.
pub fn hosts(input: &[u8]) {
    let hosts = hosts::parse(input);
    assert!(hosts.all().len() <= HOSTS_FILE_NAMES_MAX);
    assert!(hosts.all().is_sorted_by(|one, next| one.0 < next.0));
}

/// Each device has one name, in order.
pub fn ethers(input: &[u8]) {
    let ethers = ethers::parse(input);
    assert!(ethers.all().len() <= ETHERS_NAMES_MAX);
    assert!(ethers.all().is_sorted_by(|one, next| one.0.0 < next.0.0));
}

/// What is restored is kept as it is.
pub fn names(input: &[u8]) {
    let text = devices::parse(input).text();
    assert!(text.lines().count() <= DEVICE_NAMES_MAX && text.len() as u64 <= DEVICE_NAMES_FILE_BYTES_MAX);
    let again = devices::parse(text.as_bytes());
    assert_eq!((again.text(), again.skipped()), (text, 0));
}

/// The table as it is, and with the checksum that would let it pass. The first bytes are the address that is looked for.
pub fn vendors(input: &[u8]) {
    let Some((mac, table)) = input.split_first_chunk() else { return };
    let mut whole = table.to_vec();
    if let Some(body) = whole.len().checked_sub(4) {
        let sum = duskwatch::snapshot::checksum(&whole[..body]);
        whole[body..].copy_from_slice(&sum.to_le_bytes());
    }
    for table in [table.to_vec(), whole] {
        let length = table.len() as u64;
        if let Ok(vendors) = Vendors::check(Box::new(table), length) {
            let name = vendors.name(Mac(*mac));
            assert!(name.is_none_or(|name| !name.is_empty() && !name.chars().any(char::is_control)));
        }
    }
}

/// The input as it is, and with the checksum that would let it pass.
pub fn snapshot(input: &[u8]) {
    restore(input);
    if let Some((body, _)) = input.split_last_chunk::<4>() {
        let mut sealed = body.to_vec();
        sealed.extend(duskwatch::snapshot::checksum(body).to_le_bytes());
        restore(&sealed);
    }
}

/// What the import makes a snapshot of has every right to be refused as one, but prints as it was read.
pub fn import(input: &[u8]) {
    let Ok(snapshot) = export::parse(input, input.len()) else { return };
    restore(&snapshot);
    let mut text = Vec::new();
    export::print(&snapshot, &mut text).expect("records that were just written can be read");
    assert_eq!(export::parse(text.as_slice(), text.len()), Ok(snapshot));
}

/// Restores into small books. What is accepted adds up and goes on counting.
fn restore(snapshot: &[u8]) {
    let capacity = Capacity { hosts: 4, port_rows: 8, devices: 4 };
    let seed = Seed::new(0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344);
    let ledger = Ledger::new("br-lan", Role::Lan, Networks::private(), capacity, seed);
    let darknet = Darknet::new(&[], 0, Seed::new(1, 0)).expect("no prefix is not too many");
    let mut monitor = Monitor::new(vec![ledger], darknet);
    let is_whole = duskwatch::snapshot::verify(snapshot).is_ok();
    let is_ours = duskwatch::snapshot::find_watched(snapshot, &monitor).is_ok();
    let accepted = duskwatch::snapshot::restore(snapshot, &mut monitor).is_ok();
    assert_eq!(accepted, is_whole && is_ours);
    let reason = duskwatch::packet::Discard::Truncated;
    monitor.observe(0, &Decoded::Discard(reason), &[], Timestamp::from_seconds(1_700_000_000));
    monitor.settle(Timestamp::from_seconds(1_700_000_001));
    for ledger in monitor.ledgers() {
        let total = ledger.totals().total();
        let mut hosts = ledger.evicted().traffic;
        ledger.hosts().for_each(|(_, host)| hosts += host.total());
        assert_eq!(hosts, Traffic { sent: total, received: total });
        let devices = ledger.accounts().iter().filter(|(_, row)| !matches!(row.owner, Owner::Network(_)));
        let devices: u64 = devices.map(|(_, row)| row.total().both().bytes).sum();
        assert!(devices <= 2 * total.bytes);
        let mut of_interface = ledger.ports(PortOwner::Interface);
        assert!(of_interface.all(|(kind, ..)| kind != PortKind::Protocol));
        assert!(ledger.host_protocols().all(|(address, ..)| ledger.host(address).is_some()));
    }
}
