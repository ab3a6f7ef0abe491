use std::net::{Ipv4Addr, SocketAddr};

use traffic::frame::{self, Tcp, ethertype, flag, protocol};

use super::*;
use crate::darknet::rules::{Action, Field, Flags, Limit, Net, Test, Threshold};
use crate::darknet::{Darknet, Event, Kind};
use crate::limits::{RULE_ITEMS_MAX, RULE_NAME_BYTES_MAX, RULE_TRACKERS};
use crate::network::{Networks, Role};
use crate::packet::{Frame, LinkType, decode};
use crate::table::Seed;
use crate::time::Timestamp;

fn rules(text: &str) -> Vec<Rule> {
    parse("f", text).unwrap_or_else(|error| panic!("{text}: {error}")).all().to_vec()
}

/// A rule for everything, with these options and a number.
fn with(options: &str) -> String {
    format!("alert tcp any any -> any any ({options} sid:1;)")
}

fn tests(options: &str) -> Vec<Test> {
    rules(&with(options)).remove(0).tests
}

fn refusal(text: &str) -> String {
    parse("f", text).expect_err(text).0
}

#[test]
fn a_rule_is_what_it_says() {
    let text = "# a comment\n\n  alert tcp $EXTERNAL_NET [1:1023, !22] <> [10.0.0.0/8,![10.1.0.0/16,10.2.0.3]] \
                any ( msg:\"it's \\\"here\\\"; \\\\ now\" ; \\\n  sid:7; rev:3; classtype:misc; \
                reference:url,example.org/a; metadata:a b, c d; threshold: type limit, track by_src, count 1, \
                seconds 60; )  \r\nlog ip any any -> any any (sid:8)\n";
    let rules = rules(text);
    let rule = &rules[0];
    assert_eq!((rule.action, rule.name.as_str(), rule.sid), (Action::Alert, "it's \"here\"; \\ now", 7));
    assert_eq!(rule.source.addresses.0, [(true, Net::Home)]);
    assert_eq!(rule.source.ports.0, [(false, (1, 1023)), (true, (22, 22))]);
    let net = |text: &str| Net::Prefix(text.parse().unwrap());
    let expected = [(false, net("10.0.0.0/8")), (true, net("10.1.0.0/16")), (true, net("10.2.0.3"))];
    assert_eq!(rule.destination.addresses.0, expected);
    assert!(rule.destination.ports.0.is_empty() && rule.both_ways && rule.tests.is_empty());
    let threshold = Threshold { limit: Limit::First, by_destination: false, count: 1, seconds: 60 };
    assert_eq!(rule.threshold, Some(threshold));
    assert_eq!((rules[1].action, rules[1].name.as_str()), (Action::Log, "rule 8"));
}

#[test]
fn the_documentation_has_rules_that_are_read() {
    let text = include_str!("../../../docs/rules.md");
    let indented: Vec<&str> = text.lines().take_while(|line| !line.starts_with("The file")).collect();
    let example: String = indented
        .iter()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    let sids: Vec<u32> = rules(&example).iter().map(|rule| rule.sid).collect();
    assert_eq!(sids, [1_000_001, 1_000_002, 1_000_003]);
    assert!(text.contains(" is not supported; docs/rules.md says what is\n"));
}

#[test]
fn numbers_have_ranges() {
    for (options, first, last, negated) in [
        ("ttl:64;", 64, 64, false),
        ("ttl:<5;", 0, 4, false),
        ("ttl:>5;", 6, 255, false),
        ("ttl:<=5;", 0, 5, false),
        ("ttl:>= 5;", 5, 255, false),
        ("ttl:3-5;", 3, 5, false),
        ("ttl:-5;", 0, 5, false),
        ("ttl:5-;", 5, 255, false),
        ("ttl:=5;", 5, 5, false),
        ("ttl:3<>5;", 4, 4, false),
        ("ttl:3<=>5;", 3, 5, false),
        ("dsize:300<>400;", 300, 400, false),
        ("window:!16;", 16, 16, true),
        ("id:54321;", 54_321, 54_321, false),
    ] {
        match tests(options).as_slice() {
            [Test::Number { first: f, last: l, negated: n, .. }] => {
                assert_eq!((*f, *l, *n), (first, last, negated), "{options}");
            }
            other => panic!("{options}: {other:?}"),
        }
    }
    let icmp = rules("alert icmp any any -> any any (itype:8; icode:0; sid:1;)");
    let number = |field, number| Test::Number { field, first: number, last: number, negated: false };
    assert_eq!(icmp[0].tests, [number(Field::IcmpType, 8), number(Field::IcmpCode, 0)]);
}

#[test]
fn flags_and_contents_are_read() {
    for (options, compare, flags, ignored) in [
        ("flags:S;", Flags::Exactly, 0x02, 0),
        ("flags:S,12;", Flags::Exactly, 0x02, 0xc0),
        ("flags:SA+;", Flags::All, 0x12, 0),
        ("flags:*FPU;", Flags::Any, 0x29, 0),
        ("flags:!A, CE;", Flags::None, 0x10, 0xc0),
        ("flags:0;", Flags::Exactly, 0, 0),
    ] {
        assert_eq!(tests(options), [Test::Flags { compare, flags, ignored }], "{options}");
    }
    let content = |options: &str| match tests(options).remove(0) {
        Test::Content(content) => content,
        other => panic!("{options}: {other:?}"),
    };
    let plain = content("content:\"a|0d 0A|b\\\"\\|c\\;\";");
    assert_eq!(plain.pattern, b"a\r\nb\"|c;");
    assert_eq!((plain.ignore_case, plain.negated, plain.offset, plain.depth), (false, false, 0, usize::MAX));
    let modified = content("content:!\"abc\"; nocase; offset:4; depth:10; fast_pattern:only; rawbytes;");
    assert_eq!(
        (modified.ignore_case, modified.negated, modified.offset, modified.depth),
        (true, true, 4, 10)
    );
    assert_eq!(content("content:!\"abc\", nocase, offset 4, depth 10, fast_pattern;"), modified);
}

#[test]
fn each_refusal_names_the_line_and_the_part() {
    let header = "takes ACTION PROTOCOL ADDRESS PORT -> ADDRESS PORT (OPTIONS)";
    let networks =
        "takes any, a network, $HOME_NET, $EXTERNAL_NET, or a list such as [10.0.0.0/8,!10.1.0.0/16]";
    let ports = "takes any, a port, a range such as 1024:, or a list such as [22,23,!2000:2100]";
    for (text, message) in [
        ("alert tcp any any", "alert tcp any any: takes options in parentheses at its end".to_owned()),
        ("alert tcp any -> any any (sid:1;)", format!("alert tcp any -> any any: {header}")),
        ("ipvar HOME_NET any", "ipvar HOME_NET any: takes options in parentheses at its end".into()),
        ("drop tcp any any -> any any (sid:1;)", "drop: is no action; takes alert, log or pass".into()),
        ("alert http any any -> any any (sid:1;)", "http: is no protocol; takes ip, icmp, tcp or udp".into()),
        ("alert tcp any any <- any any (sid:1;)", "<-: is no direction; takes -> or <>".into()),
        ("alert tcp any $HTTP_PORTS -> any any (sid:1;)", format!("$HTTP_PORTS: {ports}")),
        ("alert tcp any 9:1 -> any any (sid:1;)", format!("9:1: {ports}")),
        ("alert tcp any any -> $DNS any (sid:1;)", format!("$DNS: {networks}")),
        ("alert tcp any any -> !any any (sid:1;)", format!("!any: {networks}")),
        ("alert tcp any any -> ![10.0.0.0/8,!10.1.0.0/16] any (sid:1;)", {
            format!("![10.0.0.0/8,!10.1.0.0/16]: {networks}")
        }),
        ("alert tcp any any -> [[[[[::1]]]]] any (sid:1;)", format!("[[[[[::1]]]]]: {networks}")),
        ("alert icmp any 8 -> any any (sid:1;)", "8: takes any, as neither ip nor icmp has ports".into()),
        ("alert tcp any any -> any any (msg:\"x\";)", {
            "alert tcp any any -> any any (msg:\"x\";): takes sid:NUMBER; as well".into()
        }),
        ("alert udp any any -> any any (flags:S; sid:1;)", "flags:S: takes a rule for tcp".into()),
        ("alert udp any any -> any any (window:1; sid:1;)", "window:1: takes a rule for tcp".into()),
        ("alert tcp any any -> any any (itype:8; sid:1;)", "itype:8: takes a rule for icmp".into()),
    ] {
        assert_eq!(refusal(&format!("\n{text}\n")), format!("f:2: {message}"));
    }
}

#[test]
fn each_refusal_names_the_option() {
    let number = "takes a number that it can have, or a range such as <5, >10 or 3<>7";
    let quotes = "takes a text in quotes, with a \\ before each quote in it";
    let hex = "takes pairs of hexadecimal digits between two bars, |0d 0a|";
    let unsupported = "is not supported; docs/rules.md says what is";
    let threshold =
        "takes type limit, threshold or both, track by_src or by_dst, count NUMBER, seconds NUMBER";
    let filter = "takes track by_src or by_dst, count NUMBER, seconds NUMBER";
    for (option, takes) in [
        ("flow:to_server,established", unsupported),
        ("pcre:\"/a;b/i\"", unsupported),
        ("byte_test:4,>,1000,20", unsupported),
        ("Nocase", unsupported),
        ("ttl:256", number),
        ("ttl:<0", number),
        ("ttl:>255", number),
        ("ttl:5-3", number),
        ("ttl:+5", number),
        ("id:0x10", number),
        ("id", number),
        ("dsize:", number),
        ("window:!", number),
        ("flags:SX", "takes some of FSRPAUCE, or 0, and one of + * !"),
        ("flags:", "takes some of FSRPAUCE, or 0, and one of + * !"),
        ("msg:hello", quotes),
        ("msg:\"\"", "takes a text in quotes of up to 96 bytes, once"),
        ("content:\"|0|\"", hex),
        ("content:\"|0g|\"", hex),
        ("content:\"|00\"", hex),
        ("content:\"\"", "takes a text that is not empty"),
        ("content:\"abc\", within 4", "takes no more than nocase, offset and depth"),
        ("content:\"abc\", depth 2", "takes a number from the content's length to 65535"),
        ("nocase", "takes a content before it"),
        ("sid:0", "takes a number above 0"),
        ("sid:x", "takes a number above 0"),
        ("threshold:type limit, track by_src, count 1", threshold),
        ("threshold:type limits, track by_src, count 1, seconds 60", threshold),
        ("threshold:type limit, track by_src, count 0, seconds 60", threshold),
        ("detection_filter:track by_rule, count 1, seconds 60", filter),
        ("detection_filter:type limit, track by_src, count 1, seconds 60", filter),
    ] {
        assert_eq!(refusal(&with(&format!("{option};"))), format!("f:1: {option}: {takes}"));
    }
    let twice = "threshold:type both, track by_dst, count 1, seconds 60; detection_filter:x;";
    assert_eq!(refusal(&with(twice)), "f:1: detection_filter:x: is there twice");
    assert_eq!(refusal(&with("sid:2;")), "f:1: sid:1: is there twice");
    // A quote that is open takes in the rest.
    assert_eq!(refusal(&with("msg:\"a;")), format!("f:1: msg:\"a; sid:1;: {quotes}"));
    let offset = with("content:\"a\"; offset:65536;");
    assert_eq!(refusal(&offset), "f:1: offset:65536: takes a number up to 65535");
}

#[test]
fn everything_has_a_bound() {
    let many: String =
        (1..=RULES_MAX).map(|sid| format!("pass ip any any -> any any (sid:{sid};)\n")).collect();
    assert_eq!(rules(&many).len(), RULES_MAX);
    let one_more = refusal(&format!("{many}pass ip any any -> any any (sid:999;)"));
    assert!(one_more.ends_with(&format!("is one too many; there may be {RULES_MAX}")), "{one_more}");
    let twice = format!("{0}\n{0}", with(""));
    assert!(refusal(&twice).ends_with(": has the sid of an earlier rule"));
    assert!(refusal(&twice).starts_with("f:2: "));
    let long = refusal(&with(&format!("reference:{};", "x\\\n".repeat(RULE_BYTES_MAX))));
    assert!(long.ends_with(&format!("...: is longer than {RULE_BYTES_MAX} bytes")), "{long}");
    let large = "#".repeat(RULES_FILE_BYTES_MAX + 1);
    assert_eq!(refusal(&large), format!("f: takes up to {RULES_FILE_BYTES_MAX} bytes"));
    assert_eq!(tests(&"ttl:1;".repeat(RULE_ITEMS_MAX)).len(), RULE_ITEMS_MAX);
    let items = refusal(&with(&"ttl:1;".repeat(RULE_ITEMS_MAX + 1)));
    let message = format!("ttl:1: is one too many; a rule may have {RULE_ITEMS_MAX} that test something");
    assert_eq!(items, format!("f:1: {message}"));
    let list = |count| format!("alert tcp any [{}] -> any any (sid:1;)", vec!["1"; count].join(","));
    assert_eq!(rules(&list(RULE_ITEMS_MAX))[0].source.ports.0.len(), RULE_ITEMS_MAX);
    assert!(refusal(&list(RULE_ITEMS_MAX + 1)).contains("takes any, a port"));
    let name = |length| with(&format!("msg:\"{}\";", "n".repeat(length)));
    assert_eq!(rules(&name(RULE_NAME_BYTES_MAX))[0].name.len(), RULE_NAME_BYTES_MAX);
    assert!(refusal(&name(RULE_NAME_BYTES_MAX + 1)).contains("of up to 96 bytes"));
}

const LOCAL: &str = "192.168.1.57:40000";

/// A darknet with these rules in which 203.0.113.0/24 and 2001:db8:dead::/48 are dark.
fn darknet(text: &str) -> Darknet {
    let dark = ["203.0.113.0/24", "2001:db8:dead::/48"].map(|prefix| prefix.parse().unwrap());
    let mut darknet = Darknet::new(&dark, 64, Seed::new(1, 2)).unwrap();
    let mut networks = Networks::new();
    networks.add("192.168.1.0/24".parse().unwrap());
    darknet.set_interface(0, Role::Lan, &networks, &[]);
    darknet.set_rules(parse("f", text).unwrap_or_else(|error| panic!("{text}: {error}")));
    darknet
}

fn show(darknet: &mut Darknet, bytes: &[u8], seconds: u64) -> Option<Event> {
    let frame = Frame { link: LinkType::Ethernet, bytes, wire_length: bytes.len() as u32 };
    darknet.observe(0, &decode(&frame), bytes, Timestamp::from_seconds(1_700_000_000 + seconds)).ruled
}

fn matches(options: &str, bytes: &[u8]) -> bool {
    show(&mut darknet(&with(options)), bytes, 0).is_some()
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    let ethertype = if packet[0] >> 4 == 4 { ethertype::IPV4 } else { ethertype::IPV6 };
    frame::ethernet([2, 0, 0, 0, 0, 1], [2, 0, 0, 0, 0, 2], ethertype, packet)
}

fn tcp(source: &str, destination: &str, flags: u8, payload: &[u8]) -> Vec<u8> {
    let [source, destination] = [source, destination].map(|text| text.parse::<SocketAddr>().unwrap());
    let segment = frame::tcp(&source, &destination, &Tcp::flags(flags), payload);
    ethernet(&frame::ip(&source, &destination, protocol::TCP, &segment))
}

#[test]
fn what_was_not_captured_is_unknown() {
    let whole = tcp(LOCAL, "203.0.113.1:23", flag::PSH | flag::ACK, &[b'x'; 100]);
    for yes in ["content:\"xx\";", "content:!\"y\";", "dsize:100;", "window:64240;", "flags:A+;", "ttl:64;"] {
        assert!(matches(yes, &whole), "{yes}");
    }
    let cut = |length: usize, options: &str| {
        let frame =
            Frame { link: LinkType::Ethernet, bytes: &whole[..length], wire_length: whole.len() as u32 };
        let mut darknet = darknet(&with(options));
        darknet
            .observe(0, &decode(&frame), frame.bytes, Timestamp::from_seconds(1_700_000_000))
            .ruled
            .is_some()
    };
    let header = whole.len() - 100;
    for yes in ["content:\"xx\";", "dsize:100;", "content:!\"y\"; depth:10;", "content:!\"y\"; offset:100;"] {
        assert!(cut(header + 10, yes), "{yes}");
    }
    for no in ["content:!\"y\";", "content:!\"y\"; depth:11;", "content:\"xxxxxxxxxxx\";"] {
        assert!(!cut(header + 10, no), "{no}");
    }
    assert!(cut(header, "window:!1;") && !cut(header - 6, "window:!1;"));
    assert!(cut(header, "flags:!S;") && !cut(header - 7, "flags:!S;"));
    assert!(!cut(header - 8, "dsize:!1;") && cut(header - 16, "id:!1;") && !cut(header - 17, "id:!1;"));
}

#[test]
fn padding_is_no_payload_and_fragments_have_no_ports() {
    let padded = frame::padded(tcp(LOCAL, "203.0.113.1:23", flag::SYN, b""));
    assert!(padded.len() == 60 && matches("dsize:0; content:!\"|00|\";", &padded));
    let mut ip =
        frame::Ipv4::new(Ipv4Addr::new(192, 168, 1, 57), Ipv4Addr::new(203, 0, 113, 1), protocol::TCP);
    ip.fragment_offset = 8;
    let later = ethernet(&ip.packet(b"abc"));
    assert!(!matches("", &later));
    let any = "alert ip any any -> any any (content:\"abc\"; dsize:3; sid:1;)";
    assert!(show(&mut darknet(any), &later, 0).is_some());
}

#[test]
fn no_rule_is_about_what_is_lit_and_while_learning_rules_only_pass() {
    let mut darknet = darknet("alert ip any any -> any any (sid:1;)");
    assert_eq!(show(&mut darknet, &tcp(LOCAL, "198.51.100.1:23", flag::SYN, b""), 0), None);
    darknet.set_learning(600);
    let unused = tcp(LOCAL, "192.168.1.99:23", flag::SYN, b"");
    assert_eq!(show(&mut darknet, &unused, 0), None);
    assert!(show(&mut darknet, &unused, 600).is_some());
}

#[test]
fn pass_comes_before_alert_and_alert_before_log() {
    let text = "log tcp any any -> any any (msg:\"logged\"; sid:1;)\n\
                alert tcp any any -> any 23 (msg:\"alerted\"; sid:2;)\n\
                alert tcp any any -> any any (dsize:0; ttl:<64; sid:3;)\n\
                pass tcp 192.168.1.9 any -> any any (sid:4;)\n";
    let mut darknet = darknet(text);
    let mut raised = |source, destination| {
        let event = show(&mut darknet, &tcp(source, destination, flag::SYN, b""), 0);
        event.map(|event| (event.kind, event.rule, event.packets))
    };
    assert_eq!(raised(LOCAL, "203.0.113.1:23"), Some((Kind::Alert, Some(1), 1)));
    assert_eq!(raised(LOCAL, "203.0.113.1:24"), Some((Kind::Hit, Some(0), 1)));
    assert_eq!(raised("192.168.1.9:1", "203.0.113.1:23"), None);
    let totals = darknet.totals();
    assert_eq!((totals.packets, totals.passed_packets, totals.events), (3, 1, 3), "a hit and two of rules");
    assert_eq!(darknet.sources().count(), 1);
    let text = darknet.recent().next().unwrap().to_string();
    let sentence = "192.168.1.57 sent 1 packet to the dark address 203.0.113.1, port 23; it matches a rule";
    assert_eq!(text, sentence);
}

#[test]
fn home_is_the_lans() {
    let home = "alert tcp $HOME_NET any -> $EXTERNAL_NET any (sid:1;)";
    let to_dark = tcp(LOCAL, "203.0.113.1:23", flag::SYN, b"");
    let from_outside = tcp("198.51.100.7:9", "203.0.113.1:23", flag::SYN, b"");
    assert!(show(&mut darknet(home), &to_dark, 0).is_some());
    assert!(show(&mut darknet(home), &from_outside, 0).is_none());
    // Without a network that is known, the private ranges are.
    let mut unknown = darknet(home);
    unknown.set_interface(0, Role::Lan, &Networks::new(), &[]);
    assert!(show(&mut unknown, &to_dark, 0).is_some());
    assert!(show(&mut unknown, &from_outside, 0).is_none());
}

/// The seconds in which a rule with this threshold speaks about packets of these.
fn spoken(threshold: &str, seconds: &[u64]) -> Vec<u64> {
    let mut darknet = darknet(&with(threshold));
    let packet = tcp(LOCAL, "203.0.113.1:23", flag::SYN, b"");
    seconds.iter().copied().filter(|second| show(&mut darknet, &packet, *second).is_some()).collect()
}

#[test]
fn thresholds_hold_back() {
    let seconds: Vec<u64> = (0..12).chain(20..22).collect();
    let spoken = |text: &str| spoken(&format!("{text} track by_src, count 3, seconds 10;"), &seconds);
    assert_eq!(spoken("threshold:type limit,"), [0, 1, 2, 10, 11, 20, 21]);
    assert_eq!(spoken("threshold:type threshold,"), [2, 5, 8, 11]);
    assert_eq!(spoken("threshold:type both,"), [2]);
    assert_eq!(spoken("detection_filter:"), [3, 4, 5, 6, 7, 8, 9]);
}

#[test]
fn a_silent_rule_is_the_last_word_but_a_filter_is_none() {
    let log = "log tcp any any -> any any (sid:2;)\n";
    let kinds = |first: &str| {
        let mut darknet = darknet(&format!("{log}{}", with(first)));
        let packet = tcp(LOCAL, "203.0.113.1:23", flag::SYN, b"");
        let kinds = (0..3).map(|second| show(&mut darknet, &packet, second).map(|event| event.kind));
        kinds.collect::<Vec<_>>()
    };
    let limit = kinds("threshold:type limit, track by_dst, count 1, seconds 60;");
    assert_eq!(limit, [Some(Kind::Alert), None, None]);
    let filter = kinds("detection_filter:track by_dst, count 2, seconds 60;");
    assert_eq!(filter, [Some(Kind::Hit), Some(Kind::Hit), Some(Kind::Alert)]);
}

#[test]
fn a_full_table_forgets_who_began_first() {
    let mut darknet = darknet(&with("threshold:type limit, track by_src, count 1, seconds 3600;"));
    let mut speaks = |n: usize, second| {
        let source = format!("10.0.{}.{}:1", n / 250, n % 250 + 1);
        show(&mut darknet, &tcp(&source, "203.0.113.1:23", flag::SYN, b""), second).is_some()
    };
    for n in 0..RULE_TRACKERS {
        assert!(speaks(n, n as u64));
    }
    assert!(!speaks(0, 500) && !speaks(RULE_TRACKERS - 1, 500));
    assert!(speaks(RULE_TRACKERS, 501));
    assert!(speaks(0, 502), "it made room");
    assert!(!speaks(RULE_TRACKERS - 1, 503));
}
