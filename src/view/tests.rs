//! What holds for all pages: they are whole, escaped, and fit a response.

use core::fmt;

use super::languages::{LANGUAGES, Language};
use super::page::CoverageText;
use super::query::Search;
use super::samples::{EVIL, EvilNames, Random, SEED, address, dark, empty, frame, seeded};
use super::{
    AboutView, Context, DarknetView, DeviceKey, DeviceSort, DeviceView, DevicesView, Facts, Header, Hidden,
    HostName, HostView, HostsQuery, HostsView, MetricsView, NameSource, NoNames, PortsView, ProtocolsView,
    SenderFacts, SideBySideView, SourceView, StoreFacts, SummaryView,
};
use crate::darknet::Darknet;
use crate::ledger::{Account, Bar, Capacity, Counters, Coverage, Host, Ledger, Owner, Period, Traffic};
use crate::limits::{
    DEVICES_SHOWN_MAX, HOST_PEERS_SHOWN_MAX, HOST_ROW_BYTES, HOSTS_LISTED_MAX, HOSTS_SHOWN_MAX,
    INTERFACE_NAME_MAX, NAME_BYTES_MAX, PORTS_SHOWN_MAX, SEARCH_BYTES_MAX, WEB_BODY_BYTES_MAX,
    WEB_PART_BYTES,
};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::packet::{Address, Mac};
use crate::table::{PortKind, PortRow, Seed, Segment};
use crate::time::Timestamp;

/// All pages of the interface of this name.
fn pages(monitor: &Monitor, names: &dyn NameSource, facts: &Facts, name: Option<&str>) -> Vec<String> {
    let context = Context { utc_offset: 3_600, names, ..Context::at(Timestamp::from_seconds(1_700_050_300)) };
    let mut pages = vec![String::new(); 12];
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
    let mut all = SideBySideView::with_interfaces(monitor.ledgers().len());
    all.copy(monitor).unwrap();
    all.write_ports_html(&mut pages[8], &context).unwrap();
    all.write_protocols_html(&mut pages[9], &context).unwrap();
    let mut devices = DevicesView::with_capacity(64);
    devices.copy(monitor, name, DeviceSort::Now, 1).unwrap();
    devices.write_html(&mut pages[10], &context).unwrap();
    let mut device = DeviceView::new();
    let key = DeviceKey::parse("02:00:00:00:00:05").unwrap();
    let has_device = device.copy(monitor, name, key).is_ok();
    if has_device {
        device.write_html(&mut pages[11], &context).unwrap();
    }
    let mut host = HostView::new();
    if host.copy(monitor, name, address("192.168.1.5")).is_ok() {
        assert!(has_device);
        host.write_html(&mut pages[5], &context, Some(&device)).unwrap();
    }
    pages.retain(|page| !page.is_empty());
    pages
}

#[test]
fn bars_start_in_local_time_whatever_the_season() {
    const JANUARY: i64 = 1_704_067_200; // 2024-01-01 00:00, of any clock
    let mut monitor = empty("br-lan", 64, 64);
    let mut random = Random(7);
    monitor.ledgers_mut()[0].set_utc_offset(3_600);
    for second in 0..100 {
        let now = Timestamp::from_seconds(JANUARY as u64 - 3_600 + second);
        monitor.observe(0, &frame(&mut random, 5), &[], now);
    }
    monitor.ledgers_mut()[0].set_utc_offset(7_200);
    let july = Timestamp::from_seconds(JANUARY as u64 + 190 * 86_400);
    monitor.settle(july);
    let context = Context { utc_offset: 7_200, ..Context::at(july) };
    let starts_in_january = |holder: &serde_json::Value, months: &serde_json::Value| {
        assert_eq!(months.as_array().unwrap().len(), 7);
        assert_eq!(months[0]["start"].as_i64().unwrap() + holder["utc_offset"].as_i64().unwrap(), JANUARY);
    };
    let mut out = String::new();
    let mut summary = SummaryView::new();
    summary.copy(&monitor, None).unwrap();
    summary.write_json(&mut out, &context).unwrap();
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    starts_in_january(&json, &json["history"]["months"]);
    out.clear();
    let mut device = DeviceView::new();
    device.copy(&monitor, None, DeviceKey::parse("192.168.0.0/16").unwrap()).unwrap();
    device.write_json(&mut out, &context).unwrap();
    let json: serde_json::Value = serde_json::from_str(&out).unwrap();
    starts_in_january(&json["device"], &json["device"]["months"]);
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
        } else if !tag.ends_with('/') && !["!DOCTYPE", "meta", "link", "img", "br", "input"].contains(&name) {
            open.push(name);
        }
        // Attributes, without their values: what is searched for comes back in one.
        let names: String = tag.split('"').step_by(2).collect();
        assert!(!names.contains(" style=") && !names.contains(" on"), "{tag}");
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
        store: Some(StoreFacts { budget: Some(1), ..StoreFacts::default() }),
        alarm: Some(SenderFacts { destination: EVIL, ..SenderFacts::default() }),
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
    let capacity = Capacity { hosts: 4, port_rows: 4, devices: 4 };
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
        notice: Some(EVIL),
        administration: true,
        ..Context::at(Timestamp::from_seconds(1_700_050_300))
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
    fn vendor(&self, _: Mac) -> Option<HostName> {
        HostName::try_from("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww").ok()
    }

    fn name(&self, _: Address, _: Mac) -> Option<HostName> {
        HostName::try_from([b'w'; NAME_BYTES_MAX].map(char::from).iter().collect::<String>().as_str()).ok()
    }
}

/// The longest names and addresses, and numbers that no link reaches in a lifetime.
fn largest() -> Monitor {
    let huge = Counters::new(888_888_888_888_888, 888_888_888_888_888_888);
    let traffic = Traffic { sent: huge, received: huge };
    let host = Host { transports: [traffic; 4], local: true, mac: Mac([0x88; 6]), ..Host::default() };
    let capacity = Capacity { hosts: 256, port_rows: 65_536, devices: 256 };
    let ledger = |first: &str| {
        let name = [first, &"w".repeat(INTERFACE_NAME_MAX - 1)].concat();
        let mut ledger = Ledger::new(&name, Role::Lan, Networks::private(), capacity, SEED);
        for n in 0..256 {
            let mac = Mac([0x88, 0x88, 0x88, 0x88, 0x88, 0x88 - n as u8 / 2]);
            let host = Host { local: true, mac, ..host };
            ledger.restore_host(Address::from_bits(u128::MAX - 0x8888 - n), Segment::Probation, host);
            let owner = Owner::Device(mac);
            let last_seen = 1_000_000;
            let account = Account { owner, first_seen: 1, last_seen, ipv4: traffic, ipv6: traffic };
            ledger.restore_account(&account, 1_000_000, [&[[u64::MAX; 2]; 31]; 3]);
        }
        for (kind, port) in
            PortKind::ALL.into_iter().flat_map(|kind| (50_000..50_200).map(move |n| (kind, n)))
        {
            let row = PortRow { inbound: huge, outbound: huge, syns: u32::MAX };
            ledger.restore_port(None, kind, port, row);
            ledger.restore_port(Some(Address::from_bits(u128::MAX - 0x8888)), kind, port, row);
        }
        for n in 0..256 {
            let ends = [0, n].map(|n| Address::from_bits(u128::MAX - 0x8888 - n));
            ledger.restore_peers(ends, [huge; 2]);
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
    for language in LANGUAGES {
        the_largest_pages_fit(&monitor, language);
    }
}

#[test]
fn the_largest_rows_fit_the_parts_of_a_listing() {
    let monitor = largest();
    for (language, names) in LANGUAGES.into_iter().zip([&LongNames as &dyn NameSource, &EvilNames]) {
        let context = Context {
            now: Timestamp::default(),
            utc_offset: 0,
            base: "/",
            names,
            language,
            hidden: Hidden::default(),
            notice: None,
            custom_style: true,
            administration: true,
        };
        let mut hosts = HostsView::with_capacity(256, 256);
        let query = HostsQuery { count: HOSTS_LISTED_MAX, reverse: true, ..HostsQuery::default() };
        hosts.copy(&monitor, None, query).unwrap();
        assert_eq!(hosts.rows().len(), 256);
        // As if somebody had searched for this and the table were larger than the list.
        hosts.query.search = Search::of(&"\"".repeat(SEARCH_BYTES_MAX));
        (hosts.query.offset, hosts.matching) = (50_000, 60_000);
        let mut whole = String::new();
        hosts.write_begin(&mut whole, &context).unwrap();
        println!("before the rows: {} bytes", whole.len());
        assert!(whole.len() <= WEB_PART_BYTES && whole.contains("data-still"));
        for index in 0..=256 {
            let start = whole.len();
            hosts.write_row(&mut whole, &context, index).unwrap();
            assert!(whole.len() - start <= HOST_ROW_BYTES, "{}", &whole[start..]);
            assert_eq!(whole.len() == start, index == 256);
        }
        let start = whole.len();
        hosts.write_end(&mut whole, &context).unwrap();
        println!("after the rows: {} bytes", whole.len() - start);
        assert!(whole.len() - start <= HOST_ROW_BYTES);
        check(&whole);
    }
}

fn the_largest_pages_fit(monitor: &Monitor, language: &'static Language) {
    let context = Context { names: &LongNames, language, ..Context::at(Timestamp::default()) };
    let mut sizes = Vec::new();
    let mut measure = |page: &str, write: &dyn Fn(&mut String) -> fmt::Result| {
        let mut out = String::new();
        write(&mut out).unwrap();
        println!("{page} in {}: {} bytes", language.tag, out.len());
        sizes.push(out.len());
    };
    let mut summary = SummaryView::new();
    summary.copy(monitor, None).unwrap();
    measure("/", &|out| summary.write_html(out, &context));
    measure("summary", &|out| summary.write_json(out, &context));
    let mut hosts = HostsView::with_capacity(256, HOSTS_SHOWN_MAX);
    hosts.copy(monitor, None, HostsQuery { count: usize::MAX, ..HostsQuery::default() }).unwrap();
    assert_eq!(hosts.rows().len(), HOSTS_SHOWN_MAX);
    measure("/hosts/", &|out| hosts.write_html(out, &context));
    measure("hosts", &|out| hosts.write_json(out, &context));
    let mut host = HostView::new();
    host.copy(monitor, None, Address::from_bits(u128::MAX - 0x8888)).unwrap();
    assert_eq!(host.peers.rows().len(), HOST_PEERS_SHOWN_MAX);
    let mut device = DeviceView::new();
    device.copy(monitor, None, DeviceKey::Owner(Owner::Device(Mac([0x88; 6])))).unwrap();
    measure("/hosts/ADDRESS/", &|out| host.write_html(out, &context, Some(&device)));
    measure("hosts/ADDRESS", &|out| host.write_json(out, &context));
    let mut devices = DevicesView::with_capacity(300);
    devices.copy(monitor, None, DeviceSort::Month, 0).unwrap();
    assert!(devices.rows().len() > DEVICES_SHOWN_MAX);
    measure("/devices/", &|out| devices.write_html(out, &context));
    measure("devices", &|out| devices.write_json(out, &context));
    measure("/devices/MAC/", &|out| device.write_html(out, &context));
    measure("devices/MAC", &|out| device.write_json(out, &context));
    let mut ports = PortsView::with_capacity(PORTS_SHOWN_MAX);
    ports.copy(monitor, None).unwrap();
    measure("/ports/", &|out| ports.write_html(out, &context));
    measure("ports", &|out| ports.write_json(out, &context));
    let mut all = SideBySideView::with_interfaces(8);
    all.copy(monitor).unwrap();
    measure("/ports/?interface=all", &|out| all.write_ports_html(out, &context));
    measure("ports?interface=all", &|out| all.write_ports_json(out, &context));
    measure("/protocols/?interface=all", &|out| all.write_protocols_html(out, &context));
    let mut metrics = MetricsView::new();
    metrics.copy(monitor);
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
