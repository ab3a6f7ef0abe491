//! What lines look like, and that no field can break one.

use super::*;
use crate::daemon::alarm::Captured;
use crate::daemon::alarm::queue::{Counters, Delivery};
use crate::daemon::names::Name;
use crate::daemon::quotas::Warning;
use crate::darknet::{
    About, Carrier, Category, Event, Kind, Pattern, Signal, SummaryLine, SummaryRow, Tool, Whole,
};
use crate::limits::{ALARM_MESSAGE_BYTES, NAME_BYTES_MAX, RULE_NAME_BYTES_MAX};
use crate::packet::{Address, Mac};
use crate::quota::{Quota, Target, Usage};

const FORMATS: [Format; 4] = [Format::Rfc5424, Format::Rfc3164, Format::Cef, Format::Ecs];

/// The same as in `docs/syslog.md`.
fn hit() -> Event {
    Event {
        kind: Kind::Hit,
        signal: Signal::Given,
        carrier: Carrier::Ip,
        interface: 0,
        source: Address::v4(0xc0a8_0139),
        source_mac: Mac([2, 0, 0, 0, 0, 0x5a]),
        destination: Address::v4(0x0a09_0001),
        ports: Some((40_000, 23)),
        protocol: 6,
        tcp_flags: 2,
        icmp: None,
        category: Category::Scan,
        pattern: None,
        tool: None,
        rule: None,
        dark_targets: 1,
        packets: 4,
        bytes: 240,
        first: Timestamp { seconds: 1_795_285_861, micros: 999_999 },
        last: Timestamp { seconds: 1_795_285_862, micros: 417_999 },
    }
}

fn alert() -> Event {
    Event {
        kind: Kind::Alert,
        tool: Some(Tool::Mirai),
        dark_targets: 4,
        packets: 6,
        bytes: 264,
        last: Timestamp { seconds: 1_795_285_869, micros: 3_000 },
        ..hit()
    }
}

fn notice() -> Event {
    Event {
        kind: Kind::Notice,
        signal: Signal::Bogon,
        source: Address::v4(0xc0a8_013c),
        destination: Address::v4(0x0a42_0001),
        ports: None,
        protocol: 0,
        category: Category::LeakedRoute,
        dark_targets: 2,
        packets: 1,
        bytes: 60,
        last: Timestamp { seconds: 1_795_289_470, micros: 250_000 },
        ..hit()
    }
}

fn clear() -> Event {
    Event {
        kind: Kind::Clear,
        packets: 0,
        bytes: 0,
        last: Timestamp { seconds: 1_795_289_469, micros: 3_000 },
        ..alert()
    }
}

/// What a device, or the interface br-lan, has used of 50 GB.
fn quota(target: Target, used: u64) -> Warning {
    let usage = Usage { quota: Quota { target, bytes: 50_000_000_000 }, used };
    let address = matches!(target, Target::Device(_)).then_some(Address::v4(0xc0a8_0139));
    Warning { usage, address, time: Timestamp { seconds: 1_795_289_510, micros: 250_000 } }
}

fn quota_line(format: Format, number: u32, warning: &Warning, name: Option<&str>) -> String {
    let name = name.map(|name| Name::try_from(name).unwrap());
    write(&writer(format), warning.time, number, &QuotaWarning { warning, interface: "br-lan", name })
}

fn writer(format: Format) -> Writer {
    let zone = Zone::named("CET-1CEST,M3.5.0,M10.5.0/3");
    Writer { process_id: 812, ..Writer::new(format, Facility::LOG_LOCAL4, b"router", zone) }
}

fn write(writer: &Writer, time: Timestamp, number: u32, subject: &dyn Subject) -> String {
    let mut line = String::new();
    writer.write(&mut line, Stamp { time, number }, subject).unwrap();
    assert!(line.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "printable ASCII alone: {line:?}");
    line
}

fn line(format: Format, number: u32, event: &Event, interface: &str, name: Option<&str>) -> String {
    let source_name = name.map(|name| Name::try_from(name).unwrap());
    write(&writer(format), event.last, number, &Observation { event, rules: &[], interface, source_name })
}

fn statistics(format: Format, number: u32) -> String {
    let delivery = Delivery {
        counters: Counters { queued: 4713, sent: 4689, lost: 23 },
        lost_since: Some(Timestamp { seconds: 1_795_285_862, micros: 417_999 }),
    };
    let captured = Captured { captured: 1_234_567, dropped: 5 };
    let time = Timestamp { seconds: 1_795_289_500, micros: 0 };
    write(&writer(format), time, number, &Statistics { captured, delivery })
}

fn json(line: &str) -> serde_json::Value {
    let (_, text) = line.split_once(" - ").unwrap();
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_documentation_has_these_lines() {
    let document = include_str!("../../../../docs/syslog.md");
    let name = Some("nas.lan");
    let lines = FORMATS.map(|format| {
        [
            line(format, 4711, &hit(), "br-lan", name),
            line(format, 4712, &alert(), "br-lan", name),
            line(format, 4713, &clear(), "br-lan", name),
            line(format, 4714, &notice(), "br-lan", None),
            statistics(format, 4715),
            quota_line(format, 4716, &quota(Target::Device(hit().source_mac), 41_500_000_000), name),
        ]
    });
    let is_missing = |line: &&String| !document.lines().any(|documented| documented == *line);
    let missing: Vec<&String> = lines.iter().flatten().filter(is_missing).collect();
    assert!(missing.is_empty(), "docs/syslog.md has not:\n{missing:#?}");
}

#[test]
fn a_hit_reads_like_this() {
    assert_eq!(
        line(Format::Rfc5424, 4711, &hit(), "br-lan", Some("nas.lan")),
        "<165>1 2026-11-21T18:31:02.417Z router duskwatch 812 HIT [meta sequenceId=\"4711\"] \
         signature=\"TCP probe of a dark address\" category=scan severity=low action=observed \
         src=192.168.1.57 src_mac=02:00:00:00:00:5a src_name=nas.lan src_port=40000 dest=10.9.0.1 \
         dest_port=23 transport=tcp dark_dests=1 packets=4 bytes=240 iface=br-lan"
    );
    let address = Address::v6(*b"\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x57");
    let ping = Event {
        source: address,
        destination: address,
        ports: None,
        protocol: 1,
        icmp: Some((8, 0)),
        source_mac: Mac::ZERO,
        ..hit()
    };
    assert_eq!(
        line(Format::Rfc3164, 7, &ping, "odd \"if\\\u{e4}\n", None),
        "<165>Nov 21 19:31:02 router duskwatch[812]: msgid=HIT sequence=7 \
         signature=\"ICMP probe of a dark address\" category=scan severity=low action=observed src=fd00::57 \
         dest=fd00::57 transport=icmp icmp_type=8 icmp_code=0 dark_dests=1 packets=4 bytes=240 \
         iface=\"odd \\\"if\\\\??\""
    );
    assert_eq!(
        line(Format::Cef, 7, &ping, "a=b|c\\\r", None),
        concat!(
            "<165>Nov 21 19:31:02 router CEF:0|duskwatch|duskwatch|",
            env!("CARGO_PKG_VERSION"),
            "|HIT|ICMP probe of a dark address|3|rt=1795285862417 externalId=7 cat=scan act=observed \
             msg=fd00::57 sent 4 packets to the dark address fd00::57 \
             c6a2Label=Source IPv6 Address c6a2=fd00::57 c6a3Label=Destination IPv6 Address c6a3=fd00::57 \
             proto=icmp cn2Label=icmp_type cn2=8 cn3Label=icmp_code cn3=0 cn1Label=dark_dests cn1=1 cnt=4 \
             in=240 deviceInboundInterface=a\\=b|c\\\\?"
        )
    );
    let gre = line(Format::Rfc5424, 1, &Event { protocol: 47, category: Category::Other, ..hit() }, "", None);
    assert!(gre.contains(" severity=informational ") && gre.contains(" transport=47 "));
    assert!(gre.ends_with(" iface=\"\""));
}

#[test]
fn ecs_is_json_with_the_schema_s_types() {
    let json = json(&line(Format::Ecs, 4712, &alert(), "odd \"if\\\u{e4}\n", Some("nas.lan")));
    assert_eq!(
        json,
        serde_json::json!({
            "@timestamp": "2026-11-21T18:31:09.003Z",
            "ecs.version": "8.11.0",
            "event.module": "duskwatch",
            "event.kind": "alert",
            "event.category": ["intrusion_detection"],
            "event.code": "ALERT",
            "event.severity": 8,
            "event.sequence": 4712,
            "rule.name": "mirai scan",
            "event.action": "scan",
            "message": "192.168.1.57 sent 6 packets to dark addresses such as 10.9.0.1, port 23, and touched 4 in all; its \
                        packets bear the mark of mirai",
            "source.ip": "192.168.1.57",
            "source.mac": "02-00-00-00-00-5A",
            "source.domain": "nas.lan",
            "source.port": 40000,
            "destination.ip": "10.9.0.1",
            "destination.port": 23,
            "network.transport": "tcp",
            "threat.software.name": "mirai",
            "duskwatch.dark_dests": 4,
            "source.packets": 6,
            "source.bytes": 264,
            "observer.ingress.interface.name": "odd \"if\\??",
        })
    );
}

#[test]
fn the_longest_message_fits() {
    let address = Address::from_bits(u128::MAX - 0xfff);
    let longest = Event {
        source: address,
        destination: address,
        source_mac: Mac([0xff; 6]),
        ports: None,
        protocol: 58,
        icmp: Some((255, 255)),
        category: Category::Misconfiguration,
        pattern: Some(Pattern::Horizontal),
        packets: u64::MAX,
        bytes: u64::MAX,
        dark_targets: u8::MAX,
        last: Timestamp { seconds: 253_402_300_799, micros: 999_999 },
        ..hit()
    };
    let rule = format!(
        "alert ip any any -> any any (msg:\"{}\"; sid:4294967295;)",
        "\\\"".repeat(RULE_NAME_BYTES_MAX)
    );
    let rules = crate::daemon::rules::parse("f", &rule).unwrap();
    for format in FORMATS {
        let most = if format == Format::Ecs { ALARM_MESSAGE_BYTES } else { 1024 };
        let host_name = [b'h'; HOST_NAME_BYTES_MAX];
        let writer = Writer::new(format, Facility::LOG_LOCAL7, &host_name, Zone::utc());
        let writer = Writer { process_id: u32::MAX, ..writer };
        let kinds = [Kind::Hit, Kind::Notice, Kind::Alert, Kind::Clear];
        let signals = [Signal::Given, Signal::Bogon, Signal::ForeignSender, Signal::FanOut];
        let tools = [(None, None), (Some(Tool::Unicornscan), None), (None, Some(0))];
        let all = kinds.iter().flat_map(|kind| signals.map(|signal| (*kind, signal)));
        for (kind, signal, (tool, rule)) in
            all.flat_map(|(kind, signal)| tools.map(|tool| (kind, signal, tool)))
        {
            let event = Event { kind, signal, tool, rule, ..longest };
            // Linux keeps interface names below 16 bytes.
            let (interface, name) = ("\\".repeat(15), "n".repeat(NAME_BYTES_MAX));
            let source_name = Some(Name::try_from(name.as_str()).unwrap());
            let observation =
                Observation { event: &event, rules: rules.all(), interface: &interface, source_name };
            let line = write(&writer, event.last, u32::MAX, &observation);
            assert!(
                line.len() <= most,
                "{format:?} {kind:?} {signal:?} {tool:?} {rule:?}: {} bytes",
                line.len()
            );
        }
        let counters = Counters { queued: u64::MAX, sent: u64::MAX, lost: u64::MAX };
        let delivery = Delivery { counters, lost_since: Some(longest.last) };
        let captured = Captured { captured: u64::MAX, dropped: u64::MAX };
        let line = write(&writer, longest.last, u32::MAX, &Statistics { captured, delivery });
        assert!(line.len() <= most, "{format:?} STATS: {} bytes", line.len());
    }
}

#[test]
fn a_quota_reads_like_this() {
    assert!(quota_line(Format::Rfc5424, 7, &quota(Target::Interface(0), 50_500_000_000), None).ends_with(
        " QUOTA [meta sequenceId=\"7\"] signature=\"monthly quota used up\" severity=medium percent=101 \
             used=50500000000 quota=50000000000 iface=br-lan"
    ));
    let unnamed = quota_line(Format::Cef, 7, &quota(Target::Device(hit().source_mac), 40_000_000_000), None);
    assert!(
        unnamed.contains(" msg=02:00:00:00:00:5a has used 80 % of its 50 GB of this month "),
        "{unnamed}"
    );
    for format in FORMATS {
        let name = "n".repeat(NAME_BYTES_MAX);
        let line =
            quota_line(format, u32::MAX, &quota(Target::Device(Mac([0xff; 6])), u64::MAX), Some(&name));
        assert!(line.len() <= 1024, "{format:?}: {} bytes", line.len());
    }
}

#[test]
fn a_time_that_cannot_be_written_is_a_dash() {
    assert_eq!(Time(Timestamp::default()).to_string(), "1970-01-01T00:00:00.000Z");
    assert_eq!(Time(Timestamp::from_seconds(253_402_300_799)).to_string(), "9999-12-31T23:59:59.000Z");
    for seconds in [253_402_300_800, u64::MAX] {
        assert_eq!(Time(Timestamp::from_seconds(seconds)).to_string(), "-");
        assert_eq!(LocalTime(Timestamp::from_seconds(seconds), &Zone::utc()).to_string(), "Jan  1 00:00:00");
    }
}

#[test]
fn local_time_is_that_of_the_day() {
    let zone = Zone::named("CET-1CEST,M3.5.0,M10.5.0/3");
    // 2026-07-01 and 2026-12-31, each an hour before midnight in UTC.
    for (seconds, text) in [(1_782_946_800, "Jul  2 01:00:00"), (1_798_758_000, "Jan  1 00:00:00")] {
        assert_eq!(LocalTime(Timestamp::from_seconds(seconds), &zone).to_string(), text);
    }
}

#[test]
fn a_host_name_that_a_header_does_not_take_is_a_dash() {
    let name =
        |bytes: &[u8]| Writer::new(Format::Rfc5424, Facility::LOG_LOCAL4, bytes, Zone::utc()).host_name;
    assert_eq!(name(b"router"), "router");
    for bad in [&b""[..], b"a b", b"a\n", "\u{e4}".as_bytes(), &[b'a'; HOST_NAME_BYTES_MAX + 1]] {
        assert_eq!(name(bad), "-");
    }
}

#[test]
fn a_summary_reads_like_this() {
    let host_name = [b'h'; HOST_NAME_BYTES_MAX];
    let writer = |format| Writer::new(format, Facility::LOG_LOCAL4, &host_name, Zone::utc());
    let line = |format, about, rank, name: Option<&str>| {
        let (start, end) = (Timestamp::from_seconds(1_795_285_861), Timestamp::from_seconds(1_795_289_461));
        let line = SummaryLine { start, end, rank, about };
        let source_name = name.map(|name| Name::try_from(name).unwrap());
        let report = Report { line: &line, interface: "br-lan", source_name };
        write(&writer(format), end, 7, &report)
    };
    let whole = Whole { packets: 465, sources: 30, other_packets: 55, other_sources: 10 };
    let text = line(Format::Rfc5424, About::Whole(whole), 0, None);
    assert!(text.starts_with("<166>1 2026-11-21T19:31:01.000Z "), "{text}");
    assert!(
        text.ends_with(
            " SUMMARY [meta sequenceId=\"7\"] start=2026-11-21T18:31:01.000Z end=2026-11-21T19:31:01.000Z \
             sources=30 packets=465 others=10 other_packets=55"
        ),
        "{text}"
    );
    let row = SummaryRow {
        source: Address::v4(0xc0a8_0139),
        interface: 0,
        packets: 300,
        kinds: 2,
        destinations: 40,
        payloads: 0,
    };
    let text = line(Format::Rfc3164, About::Source(row), 1, Some("nas.lan"));
    assert!(
        text.ends_with(
            " rank=1 src=192.168.1.57 src_name=nas.lan packets=300 types=2 dests=40 payloads=0 iface=br-lan"
        ),
        "{text}"
    );
    let most = SummaryRow { packets: u64::MAX, kinds: u16::MAX, destinations: u16::MAX, ..row };
    let most = SummaryRow { source: Address::from_bits(u128::MAX - 0xfff), payloads: u16::MAX, ..most };
    for format in FORMATS {
        let line = line(format, About::Source(most), u8::MAX, Some(&"n".repeat(NAME_BYTES_MAX)));
        assert!(line.len() <= ALARM_MESSAGE_BYTES, "{format:?}: {} bytes", line.len());
        if format == Format::Ecs {
            let (_, json) = line.split_once(" - ").unwrap();
            let json: serde_json::Value = serde_json::from_str(json).unwrap();
            assert_eq!((&json["event.code"], &json["duskwatch.dests"]), (&"SUMMARY".into(), &65_535.into()));
        }
    }
}
