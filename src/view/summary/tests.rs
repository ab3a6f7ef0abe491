use super::*;
use crate::network::{Networks, Role};
use crate::packet::{Address, Decoded, Packet, protocol};
use crate::time::Timestamp;

use crate::view::samples::{NOON, address, dark, empty, knock, seeded};

#[test]
fn rates_are_the_mean_of_complete_seconds() {
    let mut monitor = seeded("br-lan", 64, 64, 6_000, 20);
    let mut view = SummaryView::new();
    view.copy(&monitor, None).unwrap();
    let bytes: u64 = monitor.ledgers()[0]
        .history(Period::Second)
        .filter(|(start, _)| (NOON as i64 + 594..NOON as i64 + 599).contains(start))
        .map(|(_, bar)| bar.inbound.bytes)
        .sum();
    assert!(bytes > 0);
    assert_eq!(view.now().0.0, bytes * 8 / 5);
    monitor.settle(Timestamp::from_seconds(NOON + 700));
    view.copy(&monitor, None).unwrap();
    assert_eq!(view.now().0.0, 0);
    view.copy(&empty("x", 4, 4), None).unwrap();
    assert_eq!(view.now().0.0, 0);
}

#[test]
fn the_lists_and_their_rest_are_all_hosts() {
    let monitor = seeded("br-lan", 1_024, 64, 6_000, 200);
    let mut view = SummaryView::new();
    view.copy(&monitor, None).unwrap();
    for (top, local) in [(&view.local, true), (&view.remote, false)] {
        assert_eq!(top.rows().len(), TOP_SHOWN);
        assert!(top.rows().iter().all(|row| row.host.local == local));
        let hosts = monitor.ledgers()[0].hosts().filter(|(_, host)| host.local == local);
        assert_eq!(top.rest().rows + TOP_SHOWN as u64, hosts.count() as u64);
    }
}

#[test]
fn the_lists_are_of_now_and_of_today_as_well() {
    let monitor = seeded("br-lan", 1_024, 64, 6_000, 200);
    let mut view = SummaryView::new();
    let context = Context::at(monitor.ledgers()[0].last());
    for by in [Sort::Now, Sort::Today, Sort::Total] {
        view.by = by;
        view.copy(&monitor, None).unwrap();
        let value = |row: &HostRow| match by {
            Sort::Now => row.lately.rate.received + row.lately.rate.sent,
            Sort::Today => row.lately.today.iter().sum(),
            _ => row.host.total().both().bytes,
        };
        for (top, local) in [(&view.local, true), (&view.remote, false)] {
            let mut all: Vec<u64> = HostRow::all(&monitor.ledgers()[0], by)
                .filter(|row| row.host.local == local && value(row) > 0)
                .map(|row| value(&row))
                .collect();
            all.sort_unstable_by_key(|value| core::cmp::Reverse(*value));
            let rest = all.split_off(all.len().min(TOP_SHOWN));
            assert!(!all.is_empty());
            assert_eq!(top.rows().iter().map(value).collect::<Vec<_>>(), all);
            let beside = top.rest();
            assert_eq!((beside.inbound + beside.outbound).bytes, rest.iter().sum::<u64>());
        }
        // The day is not over, and all is of today.
        if by == Sort::Today {
            assert_eq!(view.whole(), view.header.books.totals.total().bytes);
        }
        let mut out = String::new();
        view.write_html(&mut out, &context).unwrap();
        assert!(out.contains(&format!("?top={}\" aria-current=\"true\">", by.name())), "{out}");
    }
}

#[test]
fn the_heaviest_devices_are_listed_where_there_are_any() {
    let context = Context::at(Timestamp::from_seconds(NOON + 599));
    let caption = "<caption>Devices</caption>";
    let monitor = seeded("br-lan", 1_024, 64, 6_000, 200);
    let accounts = monitor.ledgers()[0].accounts();
    let mut view = SummaryView::new();
    for by in [Sort::Now, Sort::Today, Sort::Total] {
        view.by = by;
        view.copy(&monitor, None).unwrap();
        let row = |(place, account): (usize, &ledger::Account)| match (account.owner, by) {
            (Owner::Device(_), Sort::Now) => {
                let rate = monitor.ledgers()[0].account_rate(place);
                rate.received + rate.sent
            }
            (Owner::Device(_), Sort::Today) => accounts.bytes_in(place, Period::Day, 0).iter().sum(),
            (Owner::Device(_), _) => account.total().both().bytes,
            _ => 0,
        };
        let mut all: Vec<u64> = accounts.iter().map(row).filter(|value| *value > 0).collect();
        all.sort_unstable_by_key(|value| core::cmp::Reverse(*value));
        let rest = all.split_off(all.len().min(TOP_SHOWN));
        assert_eq!(view.devices.iter().map(|row| weight(row, by)).collect::<Vec<_>>(), all, "{by:?}");
        let others = view.other_devices;
        assert_eq!(others.rows, rest.len() as u64);
        assert_eq!((others.inbound + others.outbound).bytes, rest.iter().sum::<u64>());
        let mut out = String::new();
        view.write_html(&mut out, &context).unwrap();
        let first = &view.devices[0];
        let Owner::Device(mac) = first.account.owner else { panic!("{first:?}") };
        assert!(out.contains(caption) && out.contains(&format!("<a href=\"/devices/{mac}/\">{mac}</a>")));
        assert_eq!(first.addresses_count, 1);
    }
    view.copy(&empty("br-lan", 4, 4), None).unwrap();
    let mut out = String::new();
    view.write_html(&mut out, &context).unwrap();
    assert!(!out.contains(caption), "{out}");
}

#[test]
fn what_passes_through_is_told_and_shares_are_parts_of_the_whole() {
    let mut monitor = empty("wan", 16, 64);
    let now = Timestamp::from_seconds(NOON);
    for n in 0..30 {
        let packet = Packet {
            source: address("198.51.100.1"),
            destination: address("203.0.113.1"),
            source_port: 443,
            destination_port: 50_000 + n % 3,
            has_ports: true,
            protocol: protocol::TCP,
            bytes: 1_000,
            ..Packet::default()
        };
        monitor.observe(0, &Decoded::Packet(packet), &[], now);
        monitor.observe(0, &Decoded::Discard(Discard::BridgedCopy), &[], now);
    }
    monitor.observe(0, &Decoded::Discard(Discard::Truncated), &[], now);
    monitor.settle(now);
    let mut view = SummaryView::new();
    view.copy(&monitor, None).unwrap();
    let context = Context::at(now);
    let mut out = String::new();
    view.write_html(&mut out, &context).unwrap();
    assert!(out.contains("in 0\u{a0}B · out 0\u{a0}B · other 30\u{a0}kB</small>"), "{out}");
    assert!(out.contains("<li>Could not be accounted: 1</li>"), "{out}");
    assert!(out.contains("<li>Left out as a bridge's copies of others: 30</li>"), "{out}");
    let services = out.split("Services used elsewhere, since the start").nth(1).unwrap();
    let services = services.split("</table>").next().unwrap();
    let shares = services.split("<title>").skip(1).map(|rest| rest.split('\u{a0}').next().unwrap());
    let shares: Vec<u64> = shares.map(|share| share.parse().unwrap()).collect();
    assert_eq!(shares, [50, 16, 16, 16]);
}

#[test]
fn the_json_twin_has_the_reports_objects() {
    let monitor = seeded("br-lan", 64, 64, 3_000, 20);
    let mut view = SummaryView::new();
    view.copy(&monitor, Some("br-lan")).unwrap();
    let mut out = String::new();
    let context = Context::at(monitor.ledgers()[0].last());
    view.write_json(&mut out, &context).unwrap();
    let summary: serde_json::Value = serde_json::from_str(&out).unwrap();
    out.clear();
    crate::view::report::write(&mut out, &monitor, &context).unwrap();
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    let report = &report["interfaces"][0];
    assert_eq!(summary["history"], report["history"]);
    for (name, value) in summary["books"].as_object().unwrap() {
        assert_eq!(value, &report[name], "{name}");
    }
    let top = summary["top_remote"][0].as_object().unwrap();
    let rows = report["hosts"]["rows"].as_array().unwrap();
    let row = rows.iter().find(|row| row["address"] == top["address"]).unwrap();
    // A report is of all time.
    for (name, value) in top.iter().filter(|(name, _)| !["bits_per_second", "today"].contains(&name.as_str()))
    {
        assert_eq!(value, &row[name], "{name}");
    }
}

#[test]
fn the_first_words_are_about_the_dark() {
    let said = |monitor: &Monitor| {
        let mut view = SummaryView::new();
        view.copy(monitor, None).unwrap();
        let mut page = String::new();
        view.write_html(&mut page, &Context::at(Timestamp::from_seconds(NOON))).unwrap();
        ["Nobody looks for addresses", "No local device scans", "</strong> looks for addresses"]
            .map(|words| page.contains(words))
    };
    assert_eq!(said(&empty("x", 4, 4)), [false; 3]);
    assert_eq!(said(&dark(0)), [true, false, false]);
    let mut monitor = dark(1);
    assert_eq!(said(&monitor), [false, true, false]);
    monitor.darknet_mut().set_interface(0, Role::Lan, &Networks::private(), &[]);
    for host in 0..64 {
        let scan = knock(address("192.168.1.66"), Address::v4(0x0a09_0100 + host));
        monitor.observe(0, &scan, &[], Timestamp::from_seconds(NOON + 10));
    }
    assert_eq!(said(&monitor), [false, false, true]);
}
