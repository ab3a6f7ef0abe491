//! Exports: the lines are those that serde makes of the records, and an import takes what serde takes.

mod books;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use books::{Random, encode, filled};
use duskwatch::daemon::export;
use duskwatch::ledger::{self, Capacity, Counters, Period, Traffic};
use duskwatch::limits::EXPORT_LINE_BYTES_MAX;
use duskwatch::network::Role;
use duskwatch::packet::Mac;
use duskwatch::snapshot::{
    self, Account, AccountBars, Bar, ByDirection, Discarded, Header, Host, Interface, MacAddress, Owner,
    Peers, Port, PortKind, Protocol, Record, Segment, Time, Today, Warning, Writer,
};
use serde_json::Value;

const ROOMY: Capacity = Capacity { hosts: 512, port_rows: 65_536, devices: 256 };
const TIGHT: Capacity = Capacity { hosts: 64, port_rows: 256, devices: 16 };

/// What makes a text hard to quote, to encode or to cut.
const CHARACTERS: [char; 20] = [
    'a',
    'Z',
    ' ',
    '"',
    '\\',
    '/',
    '\0',
    '\x08',
    '\t',
    '\n',
    '\x0b',
    '\x0c',
    '\r',
    '\x1f',
    '\x7f',
    'ö',
    '€',
    '\u{2028}',
    '\u{ffff}',
    '\u{1f980}',
];

fn number(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => [0, 1, 127, 128, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX][random.below(8) as usize],
        _ => (random.below(1 << 30) << 34 | random.below(1 << 30) << 17) >> random.below(64),
    }
}

fn text<const N: usize>(random: &mut Random) -> heapless::String<N> {
    let mut text = heapless::String::new();
    let length = random.below(N as u64 + 1);
    while text.len() < length as usize {
        let character = CHARACTERS[random.below(CHARACTERS.len() as u64) as usize];
        if text.push(character).is_err() {
            break;
        }
    }
    text
}

fn time(random: &mut Random) -> Time {
    Time { seconds: number(random), micros: number(random) as u32 }
}

fn counters(random: &mut Random) -> Counters {
    Counters::new(number(random), number(random))
}

fn traffic(random: &mut Random) -> Traffic {
    Traffic { sent: counters(random), received: counters(random) }
}

fn by_direction(random: &mut Random) -> ByDirection {
    ByDirection {
        inbound: counters(random),
        outbound: counters(random),
        internal: counters(random),
        transit: counters(random),
    }
}

fn address(random: &mut Random) -> IpAddr {
    let bits = u128::from(number(random)) << 64 | u128::from(number(random));
    match random.below(3) {
        0 => Ipv4Addr::from_bits(bits as u32).into(),
        1 => Ipv6Addr::from_bits(0xffff_0000_0000 | bits as u32 as u128).into(),
        _ => Ipv6Addr::from_bits(bits << random.below(128)).into(),
    }
}

fn optional<T>(random: &mut Random, some: fn(&mut Random) -> T) -> Option<T> {
    if random.below(2) == 0 { None } else { Some(some(random)) }
}

fn one_of<T: Copy>(random: &mut Random, all: &[T]) -> T {
    all[random.below(all.len() as u64) as usize]
}

fn mac(random: &mut Random) -> MacAddress {
    let [_, _, mac @ ..] = number(random).to_be_bytes();
    MacAddress(Mac(mac))
}

/// At most so many bars, of numbers as they are kept: an account's record has to fit.
fn bars(random: &mut Random, max: u64) -> AccountBars {
    let mut bar = || number(random) >> 16;
    let bars: Vec<_> = (0..max).map(|_| [bar(), bar()]).collect();
    bars.into_iter().take(random.below(max + 1) as usize).collect()
}

/// Any record; most of them would not pass as part of a snapshot.
fn record(random: &mut Random) -> Record {
    match random.below(11) {
        0 => Record::Header(Header {
            format: number(random) as u16,
            program: text(random),
            saved: time(random),
            started: time(random),
            day: number(random) as u32,
            written: number(random),
        }),
        1 => Record::Interface(Interface {
            name: text(random),
            role: one_of(random, &[Role::Lan, Role::Wan]),
            first: optional(random, time),
            last: time(random),
            captured: number(random),
            non_ip: counters(random),
            total: by_direction(random),
            tcp_portless: by_direction(random),
            udp_portless: by_direction(random),
            hosts_evicted: number(random),
            evicted: traffic(random),
            ports_evicted: number(random),
        }),
        2 => Record::Discarded(Discarded { reason: text(random), packets: number(random) }),
        3 => Record::Protocol(Protocol { number: number(random) as u8, traffic: by_direction(random) }),
        4 => Record::Bar(Bar {
            period: one_of(random, &Period::ALL),
            newest: number(random) as i64,
            traffic: ledger::Bar {
                inbound: counters(random),
                outbound: counters(random),
                other: counters(random),
            },
        }),
        5 => Record::Host(Host {
            row: number(random) as u16,
            address: address(random),
            mac: optional(random, mac),
            local: random.below(2) == 0,
            segment: one_of(random, &[Segment::Probation, Segment::Protected, Segment::Pinned]),
            tcp: traffic(random),
            udp: traffic(random),
            icmp: traffic(random),
            other: traffic(random),
            first_seen: number(random) as u32,
            last_seen: number(random) as u32,
        }),
        6 => Record::Account(Account {
            owner: one_of(
                random,
                &[Owner::Others, Owner::Unknown, Owner::Router, Owner::Network, Owner::Device],
            ),
            mac: optional(random, mac),
            network: optional(random, address),
            length: number(random) as u8,
            first_seen: number(random) as u32,
            last_seen: number(random) as u32,
            ipv4: traffic(random),
            ipv6: traffic(random),
            until: number(random) as i64,
            hours: bars(random, 24),
            days: bars(random, 31),
            months: bars(random, 24),
        }),
        7 => Record::Today(Today {
            row: number(random) as u16,
            day: number(random) as u32,
            received: number(random),
            sent: number(random),
        }),
        8 => Record::Peers(Peers {
            first: number(random) as u16,
            second: number(random) as u16,
            first_sent: counters(random),
            second_sent: counters(random),
        }),
        9 => Record::Warning(Warning {
            target: text(random),
            bytes: number(random),
            percent: number(random) as u8,
        }),
        _ => Record::Port(Port {
            row: optional(random, |random| number(random) as u16),
            kind: one_of(
                random,
                &[
                    PortKind::TcpLocal,
                    PortKind::TcpRemote,
                    PortKind::UdpLocal,
                    PortKind::UdpRemote,
                    PortKind::Protocol,
                ],
            ),
            port: number(random) as u16,
            inbound: counters(random),
            outbound: counters(random),
            syns: number(random) as u32,
        }),
    }
}

/// What an import makes of a line.
fn import(line: &[u8]) -> Result<Record, String> {
    let mut text =
        serde_json::to_vec(&Record::Header(Header { format: snapshot::VERSION, ..Header::default() }))
            .unwrap();
    text.push(b'\n');
    text.extend(line);
    let bytes = export::parse(text.as_slice(), text.len())?;
    let records: Vec<_> = snapshot::records(&bytes).unwrap().collect();
    assert_eq!(records.len(), 2, "{}", String::from_utf8_lossy(line));
    Ok(snapshot::decode(records[1]).expect("what was imported is a record"))
}

#[test]
fn every_record_is_printed_as_serde_prints_it() {
    let mut random = Random::new(1);
    let records: Vec<_> = (0..5_000).map(|_| record(&mut random)).collect();
    let mut buffer = vec![0; records.len() * 512];
    let mut writer = Writer::new(&mut buffer, &Header::default());
    records.iter().for_each(|record| writer.record(record));
    let text = export(writer.finish().unwrap());
    assert_eq!(text.lines().count(), 1 + records.len());
    for (record, line) in records.iter().zip(text.lines().skip(1)) {
        assert_eq!(line, serde_json::to_string(record).unwrap());
        assert_eq!(import(line.as_bytes()).as_ref(), Ok(record), "{line}");
    }
}

/// The same JSON as somebody else might write it: fields shuffled, those that are null left out,
/// white space, needless escapes.
fn restyle(value: &Value, random: &mut Random, out: &mut String) {
    let space =
        |random: &mut Random, out: &mut String| out.push_str(one_of(random, &["", "", " ", "\t", "\r \t"]));
    space(random, out);
    match value {
        Value::String(text) => {
            out.push('"');
            for character in text.chars() {
                match (character, random.below(3)) {
                    ('/', 0) => out.push_str("\\/"),
                    ('"' | '\\' | '\0'..='\x1f', _) | (_, 0) => {
                        for unit in character.encode_utf16(&mut [0; 2]) {
                            out.push_str(&format!("\\u{unit:04X}"));
                        }
                    }
                    _ => out.push(character),
                }
            }
            out.push('"');
        }
        Value::Object(fields) => {
            let mut fields: Vec<_> =
                fields.iter().filter(|(_, value)| !value.is_null() || random.below(2) == 0).collect();
            for end in (1..fields.len()).rev() {
                fields.swap(end, random.below(end as u64 + 1) as usize);
            }
            out.push('{');
            for (index, (name, value)) in fields.into_iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                restyle(&Value::String(name.clone()), random, out);
                out.push(':');
                restyle(value, random, out);
            }
            out.push('}');
        }
        other => out.push_str(&other.to_string()),
    }
    space(random, out);
}

#[test]
fn a_record_may_be_written_in_other_ways() {
    let mut random = Random::new(2);
    for _ in 0..2_000 {
        let record = record(&mut random);
        let mut line = String::new();
        restyle(&serde_json::to_value(&record).unwrap(), &mut random, &mut line);
        if line.len() < EXPORT_LINE_BYTES_MAX {
            assert_eq!(serde_json::from_str::<Record>(&line).unwrap(), record, "{line}");
            assert_eq!(import(line.as_bytes()), Ok(record), "{line}");
        }
    }
}

#[test]
fn an_import_takes_and_refuses_what_serde_does() {
    const PIECES: [&str; 24] = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u", "\\ud83e", "\\udd80", "-", "+", "0", "9", ".0",
        "e1", "null", "true", " ", "\t", "\x0b", "\x01", "ö",
    ];
    let mut random = Random::new(3);
    let mut taken = 0;
    for _ in 0..20_000 {
        let mut line = serde_json::to_vec(&record(&mut random)).unwrap();
        for _ in 0..=random.below(2) {
            let at = random.below(line.len() as u64) as usize;
            let to = (at + random.below(4) as usize).min(line.len());
            match random.below(3) {
                0 => drop(line.splice(at..to, one_of(&mut random, &PIECES).bytes())),
                1 => line[at] = one_of(&mut random, b"\x800123456789abcdef{}:,\"\\"),
                _ => drop(line.splice(at..at, one_of(&mut random, &PIECES).bytes())),
            }
        }
        if line.contains(&b'\n') {
            continue;
        }
        let expected = serde_json::from_slice::<Record>(&line);
        taken += u32::from(expected.is_ok());
        assert_eq!(import(&line).ok(), expected.ok(), "{}", String::from_utf8_lossy(&line));
    }
    assert!(taken > 1_000, "only {taken} lines were harmless: the test tests too little");
}

/// The snapshot's records as JSON, one a line.
fn export(snapshot: &[u8]) -> String {
    let mut text = Vec::new();
    export::print(snapshot, &mut text).unwrap();
    String::from_utf8(text).unwrap()
}

#[test]
fn an_export_becomes_the_same_snapshot_again() {
    for seed in 1..=4 {
        let bytes = encode(&filled(&["br-lan", "a \"name\"\n\u{1f}ö"], ROOMY, 2_000, 200, seed));
        let text = export(&bytes);
        assert_eq!(export::parse(text.as_bytes(), text.len()).unwrap(), bytes, "seed {seed}");
        assert!(text.lines().all(|line| line.len() < EXPORT_LINE_BYTES_MAX / 2));
    }
}

#[test]
fn a_line_is_refused_at_its_column() {
    for (line, column) in [
        (" {\"secret\":{}}", 12),
        (r#"{"discarded":{"reason":"x","packets":1}} 1"#, 42),
        (r#"{"discarded":{"reason":"x","packets":1},"bar":{}}"#, 40),
        (r#"{"discarded":{"reason":"x","packets":1,}}"#, 40),
        (r#"{"discarded":{"reason":"x","packets":01}}"#, 40),
        (r#"{"discarded":{"reason":"x","packets":-0}}"#, 40),
        (r#"{"discarded":{"reason":"x","packets":1.0}}"#, 39),
        (r#"{"discarded":{"reason":"x","packets":18446744073709551616}}"#, 58),
        (r#"{"discarded":{"reason":"x","packets":"1"}}"#, 38),
        (r#"{"discarded":{"reason":"x","packets":null}}"#, 38),
        (r#"{"discarded":{"reason":"x"}}"#, 28),
        (r#"{"discarded":{"reason":"x","reason":"x","packets":1}}"#, 37),
        (r#"{"discarded":{"reason":"x","packets":1,"more":1}}"#, 47),
        (r#"{"discarded":{"reason":"\ud83e","packets":1}}"#, 32),
        (r#"{"discarded":{"reason":"\udd80","packets":1}}"#, 31),
        (r#"{"discarded":{"reason":"\u+123","packets":1}}"#, 28),
        (r#"{"discarded":{"reason":"123456789012345678901234567890123","packets":1}}"#, 59),
        (r#"{"discarded":{"reason":[[[["x"]]]],"packets":1}}"#, 24),
    ] {
        assert!(serde_json::from_str::<Record>(line).is_err(), "{line}");
        assert_eq!(
            import(line.as_bytes()),
            Err(format!("line 2, column {column}: this is no record")),
            "{line}"
        );
    }
    // What serde takes and nobody writes: an array for an object, and more in a counter than it holds.
    for line in [
        r#"{"discarded":["x",1]}"#,
        r#"{"protocol":{"number":6,"traffic":{"inbound":{"packets":1,"bytes":60,"more":1}}}}"#,
    ] {
        assert!(import(line.as_bytes()).is_err(), "{line}");
    }
}

#[test]
fn hostile_lines_are_refused_by_their_number() {
    let good = export(&encode(&filled(&["br-lan"], TIGHT, 200, 20, 1)));
    let (header, rest) = good.split_once('\n').unwrap();
    let import = |text: &[u8]| -> Result<(), String> {
        let bytes = export::parse(text, text.len())?;
        snapshot::verify(&bytes).map(drop).map_err(|rejected| rejected.to_string())
    };
    assert_eq!(import(good.as_bytes()), Ok(()));
    for (text, error) in [
        (String::new(), "line 1 is no header"),
        ("\n".into(), "line 1, column"),
        (rest.into(), "line 1 is no header"),
        (good.replace("\"format\":2", "\"format\":3"), "version 3"),
        (format!("{header}\n{header}\n{rest}"), "second header"),
        (format!("{header}\n{{\"host\":{{}}}}\n"), "line 2, column"),
        (format!("{header}\n{{\"secret\":{{}}}}\n"), "line 2, column"),
        (format!("{header}\n{}\n", "[".repeat(2_000)), "line 2, column"),
        (format!("{header}\n{}\n", "x".repeat(1 << 20)), "longer than"),
        (format!("{header}\n\n{rest}"), "line 2, column"),
        (good.replace("\"captured\":", "\"captured\":-"), "line 2, column"),
        (good.replace("\"captured\":", "\"captured\":9"), "contradicts itself"),
        (good.replace("\"captured\":", "\"extra\":1,\"captured\":"), "line 2, column"),
        (good.replace("\"name\":\"br-lan\"", &format!("\"name\":\"{}\"", "x".repeat(65))), "line 2, column"),
        (good.replacen("\"address\":\"", "\"address\":\"x", 1), "this is no record"),
    ] {
        let found = import(text.as_bytes()).expect_err(error);
        assert!(found.contains(error), "{found:?} does not say {error:?}");
    }
    let mut random = books::Random::new(5);
    for _ in 0..2_000 {
        let mut text = good.clone().into_bytes();
        for _ in 0..=random.below(4) {
            let position = random.below(text.len() as u64) as usize;
            text[position] = random.below(256) as u8;
        }
        let _ = import(&text);
    }
}
