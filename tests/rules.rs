//! Rules as users paste them, through the real program: which packets of a capture each of them finds, and whether
//! tshark finds the same with a filter that says the same in its own language.
//!
//! The packets have names, and all go to dark addresses. They are a millisecond apart, so that an event's time
//! tells its packet.
#![cfg(feature = "daemon")]

use std::fs::{self, File};
use std::io::BufWriter;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use traffic::frame::{self, Tcp, ethertype, flag, protocol};
use traffic::pcap::{ETHERNET, WHOLE, Writer};

#[path = "support/books.rs"]
mod books;
#[path = "support/skip.rs"]
mod skip;
use books::{run, temporary};
use skip::skipped;

const START: u64 = 1_700_000_000_000_000;
const LAN: &str = "192.168.1.57:40000";
const OUTSIDE: &str = "198.51.100.7:443";
const DARK: [&str; 6] = ["--dark", "203.0.113.0/24", "--dark", "2001:db8:dead::/48", "-l", "192.168.1.0/24"];

/// A rule, what tshark calls the same, and the packets that it is about.
struct Case {
    rule: &'static str,
    filter: &'static str,
    packets: &'static [&'static str],
}

/// Each rule gets a number of its own.
const CASES: [Case; 25] = [
    Case {
        rule: r#"alert tcp $HOME_NET any -> any [23,2323] (msg:"telnet probe"; flags:S,CE; rev:2; classtype:attempted-recon;"#,
        filter: "ip.src == 192.168.1.0/24 && tcp.dstport in {23,2323} && tcp.flags.syn == 1 && tcp.flags.ack == 0",
        packets: &["telnet syn", "telnet syn with ecn", "mirai", "zmap"],
    },
    Case {
        rule: r#"alert tcp any any -> any 23 (msg:"telnet login with a factory password"; flags:A+; content:"xc3511"; depth:20; fast_pattern:only;"#,
        filter: "tcp.dstport == 23 && tcp.flags.ack == 1 && tcp.payload contains \"xc3511\"",
        packets: &["telnet login"],
    },
    Case {
        rule: r#"alert udp any any -> any 1900 (msg:"SSDP search"; content:"M-SEARCH"; depth:8; content:"ssdp|3a|discover"; nocase;"#,
        filter: "udp.dstport == 1900 && udp.payload[0:8] == 4d:2d:53:45:41:52:43:48 && udp.payload matches \"(?i)ssdp:discover\"",
        packets: &["ssdp search"],
    },
    Case {
        rule: r#"alert tcp any any -> any [139,445] (msg:"SMB1 negotiation"; content:"|ff|SMB|72|"; offset:4; depth:5;"#,
        filter: "tcp.dstport in {139,445} && tcp.payload[4:5] == ff:53:4d:42:72",
        packets: &["smb negotiation"],
    },
    Case {
        rule: r#"alert tcp any any -> any 3389 (msg:"RDP cookie"; content:"|03 00|"; depth:2; content:"Cookie|3A| mstshash=";"#,
        filter: "tcp.dstport == 3389 && tcp.payload[0:2] == 03:00 && tcp.payload contains \"Cookie: mstshash=\"",
        packets: &["rdp cookie"],
    },
    Case {
        rule: r#"alert udp any any -> any 53 (msg:"DNS version.bind"; content:"|07|version|04|bind|00 00 10 00 03|"; nocase; offset:12;"#,
        filter: "udp.dstport == 53 && udp.payload contains 07:76:65:72:73:69:6f:6e:04:62:69:6e:64:00:00:10:00:03",
        packets: &["dns version"],
    },
    Case {
        rule: r#"alert udp any any -> any 53 (msg:"DNS, but no CHAOS"; content:!"|00 10 00 03|"; dsize:>12;"#,
        filter: "udp.dstport == 53 && !(udp.payload contains 00:10:00:03) && udp.length > 20",
        packets: &["dns query"],
    },
    Case {
        rule: r#"alert udp any any -> any 123 (msg:"NTP monlist"; content:"|00 03 2A|"; offset:1; depth:3;"#,
        filter: "udp.dstport == 123 && udp.payload[1:3] == 00:03:2a",
        packets: &["ntp monlist"],
    },
    Case {
        rule: r#"alert tcp any any -> any any (msg:"ZMap before 4.1"; id:54321; window:65535; flags:S;"#,
        filter: "ip.id == 54321 && tcp.window_size_value == 65535 && tcp.flags == 0x002",
        packets: &["zmap"],
    },
    Case {
        rule: r#"alert tcp any any -> any [23,2323] (msg:"odd window of a SYN"; flags:S; window:!64240; window:!65535;"#,
        filter: "tcp.dstport in {23,2323} && tcp.flags == 0x002 && tcp.window_size_value != 64240 && tcp.window_size_value != 65535",
        packets: &["mirai"],
    },
    Case {
        rule: r#"alert tcp any any -> any any (msg:"NULL scan"; flags:0;"#,
        filter: "tcp.flags == 0x000",
        packets: &["null"],
    },
    Case {
        rule: r#"alert tcp any any -> any any (msg:"Xmas scan"; flags:FPU,12;"#,
        filter: "tcp.flags.fin == 1 && tcp.flags.push == 1 && tcp.flags.urg == 1 && tcp.flags.syn == 0 && tcp.flags.ack == 0 && tcp.flags.reset == 0",
        packets: &["xmas"],
    },
    Case {
        rule: r#"alert tcp any any -> any any (msg:"neither SYN nor ACK"; flags:!SA;"#,
        filter: "tcp && tcp.flags.syn == 0 && tcp.flags.ack == 0",
        packets: &["null", "xmas"],
    },
    Case {
        rule: r#"alert tcp $EXTERNAL_NET 1:1023 -> any any (msg:"answer from outside"; flags:*RA;"#,
        filter: "ip && !(ip.src == 192.168.1.0/24) && tcp.srcport in {1..1023} && (tcp.flags.reset == 1 || tcp.flags.ack == 1)",
        packets: &["syn and ack"],
    },
    Case {
        rule: r#"alert icmp any any -> any any (msg:"ping of either version"; itype:8; icode:0;"#,
        filter: "icmp.type == 8 && icmp.code == 0",
        packets: &["ping", "empty ping"],
    },
    Case {
        rule: r#"alert icmp any any -> any any (msg:"ICMPv6 as well"; itype:>100; icode:<1;"#,
        filter: "icmpv6.type > 100",
        packets: &["ping of ipv6"],
    },
    Case {
        rule: r#"alert icmp any any -> any any (msg:"ping without data"; itype:8; dsize:0;"#,
        filter: "icmp.type == 8 && !data.len",
        packets: &["empty ping"],
    },
    Case {
        rule: r#"alert icmp any any -> any any (msg:"between 3 and 13"; itype:3<>13;"#,
        filter: "icmp.type > 3 && icmp.type < 13",
        packets: &["ping", "empty ping"],
    },
    Case {
        rule: r#"alert udp any any -> any 33434:33534 (msg:"traceroute"; ttl:<5;"#,
        filter: "udp.dstport in {33434..33534} && ip.ttl < 5",
        packets: &["traceroute"],
    },
    Case {
        rule: r#"alert tcp any any -> 2001:db8::/32 ![25,80] (msg:"SYN by IPv6"; flags:S; ttl:60-64;"#,
        filter: "ipv6.dst == 2001:db8::/32 && tcp.flags == 0x002 && ipv6.hlim >= 60 && ipv6.hlim <= 64 && !(tcp.dstport in {25,80})",
        packets: &["syn by ipv6"],
    },
    Case {
        rule: r#"alert ip any any -> [203.0.113.0/24,!203.0.113.0/26] any (msg:"the upper three quarters";"#,
        filter: "ip.dst == 203.0.113.64/26 || ip.dst == 203.0.113.128/25",
        packets: &["gre"],
    },
    Case {
        rule: r#"alert udp any any -> any 11211 (msg:"memcached stats"; content:"stats|0d 0a|"; offset:8; depth:7; dsize:15;"#,
        filter: "udp.dstport == 11211 && udp.payload[8:7] == 73:74:61:74:73:0d:0a && udp.length == 23",
        packets: &["memcached"],
    },
    Case {
        rule: r#"alert tcp any any <> any 8080 (msg:"shell of a camera"; content:"GET /shell?",nocase,offset 0,depth 11;"#,
        filter: "tcp.port == 8080 && tcp.payload matches \"(?i)^GET /shell[?]\"",
        packets: &["camera"],
    },
    Case {
        rule: r#"alert udp any any -> any 9 (msg:"far in the payload"; content:"needle"; offset:850;"#,
        filter: "udp.dstport == 9 && frame contains \"needle\"",
        packets: &["needle"],
    },
    Case {
        rule: r#"alert udp any any -> any 9 (msg:"all of it, cut or not"; dsize:900<>1000;"#,
        filter: "udp.dstport == 9 && udp.length >= 908 && udp.length <= 1008",
        packets: &["needle", "cut needle"],
    },
];

fn ethernet(packet: &[u8]) -> Vec<u8> {
    let ethertype = if packet[0] >> 4 == 4 { ethertype::IPV4 } else { ethertype::IPV6 };
    frame::ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], ethertype, packet)
}

fn tcp(source: &str, destination: &str, header: &Tcp, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = [source, destination].map(|text| text.parse::<SocketAddr>().unwrap());
    let segment = frame::tcp(&source, &destination, header, payload);
    ethernet(&frame::ip(&source, &destination, protocol::TCP, &segment))
}

fn data(destination: &str, payload: &[u8]) -> Vec<u8> {
    tcp(LAN, destination, &Tcp::flags(flag::PSH | flag::ACK), payload)
}

fn udp(destination: &str, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = [LAN, destination].map(|text| text.parse::<SocketAddr>().unwrap());
    ethernet(&frame::ip(&source, &destination, protocol::UDP, &frame::udp(&source, &destination, payload)))
}

fn ipv4(number: u8, payload: &[u8], host: u8) -> Vec<u8> {
    ethernet(&frame::ipv4(Ipv4Addr::new(192, 168, 1, 57), Ipv4Addr::new(203, 0, 113, host), number, payload))
}

/// Sets bytes of the IPv4 header behind Ethernet's.
fn with_header(mut bytes: Vec<u8>, at: usize, value: &[u8]) -> Vec<u8> {
    bytes[14 + at..14 + at + value.len()].copy_from_slice(value);
    frame::fix_ipv4_checksum(&mut bytes[14..]);
    bytes
}

/// All packets and their names.
fn packets() -> Vec<(&'static str, Vec<u8>)> {
    let syn = Tcp::flags(flag::SYN);
    let telnet = "203.0.113.1:23";
    let needle = [&[b'x'; 900][..], b"needle", &[b'x'; 50]].concat();
    let ecn = Tcp::flags(flag::SYN | flag::ECE | flag::CWR);
    let zmap = tcp(LAN, telnet, &Tcp { window: 65535, ..syn }, b"");
    let mirai = Tcp { window: 14_600, sequence: 0xcb00_7102, ..syn };
    let xmas = Tcp::flags(flag::FIN | flag::PSH | flag::URG);
    let dns = |class: u8, name: &[u8], kind: u8| {
        [&[0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0], name, &[0, 0, kind, 0, class]].concat()
    };
    let query = "2001:db8:1::5".parse::<Ipv6Addr>().unwrap();
    let dark = "2001:db8:dead::7".parse::<Ipv6Addr>().unwrap();
    let ping6 = frame::icmpv6(query, dark, 128, 0, &[0, 1, 0, 1, 1, 2, 3, 4]);
    vec![
        ("telnet syn", tcp(LAN, telnet, &syn, b"")),
        ("telnet syn with ecn", tcp(LAN, "203.0.113.1:2323", &ecn, b"")),
        ("telnet login", data(telnet, b"root\r\nxc3511\r\n")),
        ("mirai", tcp(LAN, "203.0.113.2:2323", &mirai, b"")),
        ("zmap", with_header(zmap, 4, &54_321u16.to_be_bytes())),
        ("syn and ack", tcp(OUTSIDE, "203.0.113.1:40000", &Tcp::flags(flag::SYN | flag::ACK), b"")),
        ("null", tcp(LAN, "203.0.113.1:22", &Tcp::flags(0), b"")),
        ("xmas", tcp(LAN, "203.0.113.1:22", &xmas, b"")),
        ("ssdp search", udp("203.0.113.3:1900", b"M-SEARCH * HTTP/1.1\r\nMAN: \"SSDP:Discover\"\r\n\r\n")),
        ("ssdp notice", udp("203.0.113.3:1900", b"NOTIFY * HTTP/1.1\r\nNTS: ssdp:alive\r\nM-SEARCH\r\n\r\n")),
        ("smb negotiation", data("203.0.113.4:445", b"\0\0\0\x2f\xffSMB\x72\0\0\0\0\x18\x53\xc8")),
        ("smb2 negotiation", data("203.0.113.4:445", b"\0\0\0\x2f\xfeSMB\x40\0\xffSMB\x72")),
        ("rdp cookie", data("203.0.113.4:3389", b"\x03\0\0\x2a\x25\xe0\0\0\0\0\0Cookie: mstshash=hello\r\n")),
        ("dns version", udp("203.0.113.5:53", &dns(3, b"\x07version\x04bind", 16))),
        ("dns query", udp("203.0.113.5:53", &dns(1, b"\x07example\x03org", 1))),
        ("ntp monlist", udp("203.0.113.6:123", b"\x17\0\x03\x2a\0\0\0\0")),
        ("ntp question", udp("203.0.113.6:123", &[&[0x23][..], &[0; 47]].concat())),
        ("ping", ipv4(protocol::ICMP, &frame::icmp(8, 0, [0, 1, 0, 1], b"abcdefgh"), 7)),
        ("empty ping", ipv4(protocol::ICMP, &frame::icmp(8, 0, [0, 1, 0, 2], b""), 7)),
        ("time stamp", ipv4(protocol::ICMP, &frame::icmp(13, 0, [0, 1, 0, 1], &[0; 12]), 7)),
        ("ping of ipv6", ethernet(&frame::ipv6(query, dark, protocol::ICMPV6, &ping6))),
        ("syn by ipv6", tcp("[2001:db8:1::5]:4000", "[2001:db8:dead::7]:22", &syn, b"")),
        ("web by ipv6", tcp("[2001:db8:1::5]:4000", "[2001:db8:dead::7]:80", &syn, b"")),
        ("gre", ipv4(protocol::GRE, &frame::gre(ethertype::IPV4, b"\x45"), 200)),
        ("traceroute", with_header(udp("203.0.113.8:33435", b"probe"), 8, &[1])),
        ("far traceroute", udp("203.0.113.8:33436", b"probe")),
        ("memcached", udp("203.0.113.9:11211", b"\0\0\0\0\0\x01\0\0stats\r\n")),
        ("camera", data("203.0.113.10:8080", b"GeT /Shell?cd+/tmp HTTP/1.1\r\n\r\n")),
        ("web", data("203.0.113.10:8080", b"POST / HTTP/1.1\r\nX: GET /shell?\r\n\r\n")),
        ("needle", udp("203.0.113.11:9", &needle)),
        ("cut needle", udp("203.0.113.11:9", &needle)),
    ]
}

fn capture(test: &str) -> PathBuf {
    let path = temporary(&format!("rules-{test}.pcap"));
    let mut writer = Writer::new(BufWriter::new(File::create(&path).unwrap()), ETHERNET, WHOLE).unwrap();
    for ((name, bytes), number) in packets().iter().zip(0..) {
        let captured = if name.starts_with("cut ") { 192 } else { bytes.len() };
        writer.write(START + number * 1_000, &bytes[..captured], bytes.len() as u32).unwrap();
    }
    writer.finish().unwrap();
    path
}

/// The events that these rules raise in a capture.
fn events(test: &str, capture: &Path, rules: &str) -> Vec<Value> {
    let file = temporary(&format!("rules-{test}.rules"));
    fs::write(&file, rules).unwrap();
    let output = run(capture, &[&["--json", "--rules", file.to_str().unwrap()], &DARK[..]].concat());
    assert!(output.status.success(), "{rules}: {}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let all = report["darknet"]["events"].as_array().unwrap();
    all.iter().filter(|event| !event["sid"].is_null()).cloned().collect()
}

/// The names of the packets with these numbers, from 0.
fn names(numbers: impl Iterator<Item = usize>) -> Vec<&'static str> {
    let packets = packets();
    numbers.map(|number| packets[number].0).collect()
}

#[test]
fn each_rule_finds_the_packets_that_it_is_about() {
    let capture = capture("each");
    for (Case { rule, packets, .. }, sid) in CASES.iter().zip(1_000_001..) {
        let rule = format!("{rule} sid:{sid};)\n");
        let found = events("each", &capture, &rule);
        let number =
            |event: &Value| (event["time"].as_f64().unwrap() * 1e6 - START as f64).round() as usize / 1_000;
        assert_eq!(names(found.iter().map(number)), *packets, "{rule}");
        for event in &found {
            assert_eq!(
                (&event["sid"], &event["kind"], &event["packets"]),
                (&sid.into(), &"alert".into(), &1.into())
            );
            assert!(rule.contains(event["signature"].as_str().unwrap()), "{event}");
        }
    }
}

#[test]
fn tshark_finds_the_same_packets() {
    if Command::new("tshark").arg("--version").output().is_err() {
        return skipped("tshark_finds_the_same_packets", "needs tshark");
    }
    let capture = capture("tshark");
    for Case { rule, filter, packets } in CASES.iter() {
        let mut tshark = Command::new("tshark");
        // Each packet by itself, as the program sees it.
        for option in ["ip.defragment:FALSE", "tcp.desegment_tcp_streams:FALSE"] {
            tshark.args(["-o", option]);
        }
        let output = tshark
            .arg("-r")
            .arg(&capture)
            .args(["-Y", filter, "-T", "fields", "-e", "frame.number"])
            .output();
        let output = output.expect("tshark ran before");
        assert!(output.status.success(), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let numbers = text.lines().map(|number| number.parse::<usize>().unwrap() - 1);
        assert_eq!(names(numbers), *packets, "{rule}\n{filter}");
    }
}

#[test]
fn all_rules_at_once_and_in_their_order() {
    let capture = capture("all");
    let rules = "# what is known to be harmless\n\
                 pass udp $HOME_NET any -> any 1900 (sid:1;)\n\
                 log tcp any any -> any any (msg:\"any tcp\"; sid:2;)\n\
                 alert tcp any any -> any [23,2323] (msg:\"telnet\"; sid:3; \\\n    \
                 threshold:type limit, track by_src, count 2, seconds 60;)\n";
    let found = events("all", &capture, rules);
    let of = |sid: u64| found.iter().filter(|event| event["sid"] == sid).count();
    // Five packets for telnet, of which three are held back, and ten others by TCP.
    assert_eq!((of(1), of(2), of(3)), (0, 10, 2));
    assert!(found.iter().all(|event| event["kind"] == if event["sid"] == 2 { "hit" } else { "alert" }));
    let file = temporary("rules-all.rules");
    let output = run(&capture, &[&["--json", "--rules", file.to_str().unwrap()], &DARK[..]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["darknet"]["total"]["passed"], 2);
    assert_eq!(report["darknet"]["total"]["packets"], packets().len());
}

#[test]
fn bad_rules_are_one_line_and_status_2() {
    let capture = capture("bad");
    let path = temporary("rules-bad.rules");
    let file = path.to_str().unwrap();
    for (rules, message) in [
        (
            "# a comment\n\nalert tcp any any -> any 80 (msg:\"web\"; flow:to_server,established; sid:1;)\n",
            format!("{file}:3: flow:to_server,established: is not supported; docs/rules.md says what is"),
        ),
        (
            "alert tcp any any -> $HTTP_SERVERS 80 (sid:1;)\n",
            format!("{file}:1: $HTTP_SERVERS: takes any, a network"),
        ),
        ("\u{7}", format!("{file}:1: \\u{{7}}: takes options in parentheses")),
    ] {
        fs::write(&path, rules).unwrap();
        let output = run(&capture, &["--json", "--rules", file]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), error.lines().count()), (Some(2), 1), "{error}");
        assert!(error.starts_with(&format!("duskwatch: {message}")), "{error}");
        assert!(output.stdout.is_empty());
    }
    fs::write(&path, b"alert \xff").unwrap();
    for file in [file, "/nowhere/rules"] {
        let output = run(&capture, &["--rules", file]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(error.starts_with(&format!("duskwatch: --rules {file}: cannot be read: ")), "{error}");
    }
}
