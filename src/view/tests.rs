//! What holds for all pages: they are whole, escaped, and fit a response.

use core::fmt;

use super::page::CoverageText;
use super::samples::{EVIL, EvilNames, SEED, address, dark, empty, seeded};
use super::{
    AboutView, AlarmFacts, Context, DarknetView, Facts, Header, Hidden, HostName, HostView, HostsQuery,
    HostsView, MetricsView, NameSource, NoNames, PortsView, ProtocolsView, SourceView, StoreFacts,
    SummaryView,
};
use crate::darknet::Darknet;
use crate::ledger::{Bar, Capacity, Counters, Coverage, Host, Ledger, Period, Traffic};
use crate::limits::{
    HOSTS_SHOWN_MAX, INTERFACE_NAME_MAX, NAME_BYTES_MAX, PORTS_SHOWN_MAX, WEB_BODY_BYTES_MAX,
};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::packet::{Address, Mac};
use crate::table::{PortKind, PortRow, Seed, Segment};
use crate::time::Timestamp;

/// All pages of the interface of this name.
fn pages(monitor: &Monitor, names: &dyn NameSource, facts: &Facts, name: Option<&str>) -> Vec<String> {
    let context = Context {
        now: Timestamp::from_seconds(1_700_050_300),
        utc_offset: 3_600,
        base: "/",
        names,
        hidden: Hidden::default(),
        notice: None,
    };
    let mut pages = vec![String::new(); 8];
    let mut summary = SummaryView::new();
    summary.copy(monitor, name).unwrap();
    summary.write_html(&mut pages[0], &context).unwrap();
    let mut hosts = HostsView::with_capacity(64, 10);
    hosts.copy(monitor, name, HostsQuery { offset: 1, count: 10, ..HostsQuery::default() }).unwrap();
    hosts.write_html(&mut pages[1], &context).unwrap();
    let mut ports = PortsView::with_capacity(5);
    ports.copy(monitor, name).unwrap();
    ports.write_html(&mut pages[2], &context).unwrap();
    let mut protocols = ProtocolsView::new();
    protocols.copy(monitor, name).unwrap();
    protocols.write_html(&mut pages[3], &context).unwrap();
    let mut about = AboutView::new();
    about.copy(monitor, name).unwrap();
    about.write_html(&mut pages[4], &context, facts).unwrap();
    let mut darknet = DarknetView::default();
    darknet.copy(monitor, name).unwrap();
    darknet.write_html(&mut pages[6], &context).unwrap();
    let mut source = SourceView::new(true);
    if let Some(suspect) = monitor.darknet().sources().next() {
        source.copy(monitor, name, suspect.address()).unwrap();
        source.write_html(&mut pages[7], &context).unwrap();
    }
    let mut host = HostView::new();
    if host.copy(monitor, name, address("192.168.1.5")).is_ok() {
        host.write_html(&mut pages[5], &context).unwrap();
    }
    pages.retain(|page| !page.is_empty());
    pages
}

fn no_dark() -> Darknet {
    Darknet::new(&[], 0, Seed::new(1, 0)).unwrap()
}

/// Panics unless every tag is closed in turn and nothing runs a script or sets a style.
fn check(page: &str) {
    let mut open = Vec::new();
    for tag in page.split('<').skip(1) {
        let (tag, text) = tag.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "{text}");
        let name = tag.split([' ', '/']).next().unwrap();
        if let Some(closed) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(closed), "{page}");
        } else if !tag.ends_with('/') && !["!DOCTYPE", "meta", "link", "img", "br"].contains(&name) {
            open.push(name);
        }
        assert!(!tag.contains(" style=") && !tag.contains(" on"), "{tag}");
        assert!(tag != "script" && tag != "style", "{tag}");
        assert_eq!(tag.matches('"').count() % 2, 0, "{tag}");
    }
    assert!(open.is_empty());
    assert!(!page.chars().any(|character| character.is_control() && character != '\n'));
}

#[test]
fn nothing_from_the_network_becomes_markup() {
    let seen = seeded(EVIL, 64, 64, 3_000, 200);
    let all = [seen, empty("second", 4, 4), dark(100)];
    let facts = Facts {
        store: Some(StoreFacts { directory: EVIL, budget: Some(1), ..StoreFacts::default() }),
        alarm: Some(AlarmFacts { destination: EVIL, ..AlarmFacts::default() }),
        ..Facts::default()
    };
    for monitor in &all {
        for page in pages(monitor, &EvilNames, &facts, None) {
            check(&page);
            assert!(!page.contains("<img src=x"));
        }
    }
}

#[test]
fn interfaces_are_chosen_by_name_and_the_first_is_a_lan() {
    let capacity = Capacity { hosts: 4, port_rows: 4 };
    let ledger = |name, role| Ledger::new(name, role, Networks::private(), capacity, SEED);
    let monitor = Monitor::new(vec![ledger("wan", Role::Wan), ledger(EVIL, Role::Lan)], no_dark());
    for (name, shown) in [(None, EVIL), (Some("wan"), "wan"), (Some(EVIL), EVIL)] {
        let mut header = Header::default();
        header.copy(&monitor, name).unwrap();
        assert_eq!(header.books.name, shown);
        for page in pages(&monitor, &NoNames, &Facts::default(), name) {
            check(&page);
            assert!(page.contains("?interface=%3Cimg%20src%3Dx%20onerror%3D"));
        }
    }
    assert!(Header::default().copy(&monitor, Some("lo")).is_err());
    assert!(Header::default().copy(&Monitor::new(vec![], no_dark()), None).is_err());
}

#[test]
fn a_notice_is_escaped_on_the_overview_and_the_about_page() {
    let monitor = seeded("br-lan", 64, 64, 300, 20);
    let context = Context {
        now: Timestamp::from_seconds(1_700_050_300),
        utc_offset: 0,
        base: "/",
        names: &NoNames,
        hidden: Hidden::default(),
        notice: Some(EVIL),
    };
    let (mut summary, mut about, mut hosts) =
        (SummaryView::new(), AboutView::new(), HostsView::with_capacity(64, 10));
    summary.copy(&monitor, None).unwrap();
    about.copy(&monitor, None).unwrap();
    hosts.copy(&monitor, None, HostsQuery::default()).unwrap();
    let mut pages = [const { String::new() }; 5];
    summary.write_html(&mut pages[0], &context).unwrap();
    about.write_html(&mut pages[1], &context, &Facts::default()).unwrap();
    hosts.write_html(&mut pages[2], &context).unwrap();
    pages[..3].iter().for_each(|page| check(page));
    let shown = pages.each_ref().map(|page| page.contains("class=\"notice\">&lt;img src=x"));
    assert_eq!(shown, [true, true, false, false, false]);
    summary.write_json(&mut pages[3], &context).unwrap();
    about.write_json(&mut pages[4], &context, &Facts::default()).unwrap();
    for json in &pages[3..] {
        let json: serde_json::Value = serde_json::from_str(json).unwrap();
        assert_eq!(json["notice"], EVIL);
    }
}

struct LongNames;

impl NameSource for LongNames {
    fn name(&self, _: Address) -> Option<HostName> {
        HostName::try_from([b'w'; NAME_BYTES_MAX].map(char::from).iter().collect::<String>().as_str()).ok()
    }
}

/// The longest names and addresses, and numbers that no link reaches in a lifetime.
fn largest() -> Monitor {
    let huge = Counters::new(888_888_888_888_888, 888_888_888_888_888_888);
    let traffic = Traffic { sent: huge, received: huge };
    let host = Host { transports: [traffic; 4], local: true, mac: Mac([0x88; 6]), ..Host::default() };
    let capacity = Capacity { hosts: 256, port_rows: 65_536 };
    let ledger = |first: &str| {
        let name = [first, &"w".repeat(INTERFACE_NAME_MAX - 1)].concat();
        let mut ledger = Ledger::new(&name, Role::Lan, Networks::private(), capacity, SEED);
        for n in 0..256 {
            ledger.restore_host(Address::from_bits(u128::MAX - 0x8888 - n), Segment::Probation, host);
        }
        for (kind, port) in
            PortKind::ALL.into_iter().flat_map(|kind| (50_000..50_200).map(move |n| (kind, n)))
        {
            let row = PortRow { inbound: huge, outbound: huge, syns: u32::MAX };
            ledger.restore_port(None, kind, port, row);
            ledger.restore_port(Some(Address::from_bits(u128::MAX - 0x8888)), kind, port, row);
        }
        let bar = Bar { inbound: huge, outbound: huge, other: huge };
        for period in Period::ALL {
            (0..period.bars()).for_each(|_| ledger.restore_bar(period, 1_000_000, bar));
        }
        ledger
    };
    Monitor::new("abcdefgh".split_terminator("").skip(1).map(ledger).collect(), no_dark())
}

#[test]
fn the_largest_pages_fit_a_response() {
    let monitor = largest();
    let context = Context {
        now: Timestamp::default(),
        utc_offset: 0,
        base: "/",
        names: &LongNames,
        hidden: Hidden::default(),
        notice: None,
    };
    let mut sizes = Vec::new();
    let mut measure = |page: &str, write: &dyn Fn(&mut String) -> fmt::Result| {
        let mut out = String::new();
        write(&mut out).unwrap();
        println!("{page}: {} bytes", out.len());
        sizes.push(out.len());
    };
    let mut summary = SummaryView::new();
    summary.copy(&monitor, None).unwrap();
    measure("/", &|out| summary.write_html(out, &context));
    measure("summary", &|out| summary.write_json(out, &context));
    let mut hosts = HostsView::with_capacity(256, HOSTS_SHOWN_MAX);
    hosts.copy(&monitor, None, HostsQuery { count: usize::MAX, ..HostsQuery::default() }).unwrap();
    assert_eq!(hosts.rows().len(), HOSTS_SHOWN_MAX);
    measure("/hosts/", &|out| hosts.write_html(out, &context));
    measure("hosts", &|out| hosts.write_json(out, &context));
    let mut host = HostView::new();
    host.copy(&monitor, None, Address::from_bits(u128::MAX - 0x8888)).unwrap();
    measure("/hosts/ADDRESS/", &|out| host.write_html(out, &context));
    measure("hosts/ADDRESS", &|out| host.write_json(out, &context));
    let mut ports = PortsView::with_capacity(PORTS_SHOWN_MAX);
    ports.copy(&monitor, None).unwrap();
    measure("/ports/", &|out| ports.write_html(out, &context));
    measure("ports", &|out| ports.write_json(out, &context));
    let mut metrics = MetricsView::new();
    metrics.copy(&monitor);
    measure("/metrics", &|out| metrics.write(out, &context, &Facts::default()));
    assert!(sizes.into_iter().all(|size| size <= WEB_BODY_BYTES_MAX));
}

#[test]
fn coverage_is_told_in_plain_words() {
    let text = |seen: u64, passed: u64, merged: u64| {
        let coverage = Coverage {
            kernel: Counters::new(1, passed),
            captured: Counters::new(1, seen),
            merged,
            ..Coverage::default()
        };
        CoverageText(Some(&coverage)).to_string()
    };
    assert!(text(999_999, 1_000_000, 0).starts_with("99.9 % of this interface's bytes were seen;"));
    assert_eq!(text(2_000, 1_000, 0), "All bytes that passed this interface were seen.");
    assert!(text(5, 0, 0).starts_with("Nothing passed yet"));
    assert!(text(1, 1, 1_234).contains("1,234 frames had been merged"));
    assert!(CoverageText(None).to_string().contains("unknown"));
}
