//! The whole books as one JSON document: what `--read FILE --json` prints.
//!
//! ```text
//! { "schema": 1, "program": "duskwatch x.y.z",
//!   "interfaces": [ { "name", "role", "link", "local": [prefix],
//!       "first", "last": seconds.micros | null,
//!       "captured": {"packets"}, "dropped_by_kernel",
//!       "coverage": {"percent", "kernel", "captured", "merged"} | null,
//!       "discarded": {reason: frames},
//!       "total", "inbound", "outbound", "internal", "transit", "non_ip": {"packets", "bytes"},
//!       "protocols": [ {"number", "name": text | null, "inbound", "outbound", "other"} ],
//!       "hosts": { "rows": [ {"address", "name": text | null, "mac": text | null, "local",
//!                             "received", "sent", "first_seen", "last_seen",
//!                             "protocols": { "rows": [ {"number", "name": text | null,
//!                                                       "inbound", "outbound"} ],
//!                                            "others": {"rows", "inbound", "outbound"},
//!                                            "evicted": {"inbound", "outbound"} } } ],
//!                  "others", "evicted": {"hosts", "received", "sent"} },
//!       "ports": { "tcp", "udp": { "local", "remote": {
//!           "rows": [ {"port", "service": text | null, "inbound", "outbound", "syns"} ],
//!           "others": {"rows", "inbound", "outbound"},
//!           "evicted", "portless": {"inbound", "outbound"} } } },
//!       "history": { "seconds", "minutes", "hours", "days", "months":
//!           [ {"start", "inbound", "outbound", "other"} ] } } ],
//!   "darknet": { "dark": [prefix], "lans": [prefix], "forgotten_addresses",
//!       "total": {"packets", "bytes", "events", "passed"},
//!       "sources": [ {"source", "source_mac", "interface", "alert": bool, "dark_targets", "packets",
//!                     "bytes", "first", "last"} ],
//!       "evicted": {"sources", "packets", "bytes"},
//!       "radiation": [ {"interface" or "dark", "protocol", "port", "today", "yesterday", "answered"} ],
//!       "other_radiation",
//!       "events": [ {"kind": "hit" | "notice" | "alert" | "clear", "time", "first", "interface", "source",
//!                    "source_mac", "destination", "port", "carrier": "ip" | "arp" |
//!                    "neighbor solicitation", "protocol", "protocol_name", "signal", "signature", "sid": number | null,
//!                    "category", "pattern": text | null, "tool": text | null, "dark_targets", "packets", "bytes", "why"} ] } }
//! ```
//!
//! captured = total + non_ip + discarded, in packets. Each packet is sent by its source and received by
//! its destination: the received (and the sent) sums of host rows + others + evicted are the total. Of
//! TCP and UDP, port rows + others + evicted + portless are the protocol's inbound (and outbound), where
//! an internal packet counts as both on the local side and a transit packet does on the remote side. Of
//! each host, the inbound (and outbound) sums of protocol rows + others + evicted are what it received
//! (and sent).
//! "others" are rows that a view has no place for; the report has place for all.
//!
//! Live, the darknet has two fields more: "learned_at", the Unix second from which on all "lans" are learned, or null,
//! and with `--dark-confirm` "confirm": {"asked", "answered", "unanswered", "skipped"}, in addresses.

use alloc::vec::Vec;
use core::cmp::Reverse;
use core::fmt;

use super::json::Json;
use super::top::{Ranked, Rest};
use super::{
    Context, DarknetView, HostRow, HostsQuery, HostsView, PROGRAM, PortLine, PortsView, ProtocolsView,
    SCHEMA, Sort,
};
use crate::ledger::{Ledger, Period};
use crate::monitor::Monitor;
use crate::packet::Address;
use crate::table::PortKind;

/// Writes the report on settled books. It makes room for all rows first, so it is for a program that
/// has nothing else to do.
pub fn write(out: &mut dyn fmt::Write, monitor: &Monitor, context: &Context) -> fmt::Result {
    Json::write(out, |json| {
        json.object(|json| {
            json.field("schema", SCHEMA);
            json.field("program", PROGRAM);
            json.key("interfaces").array(|json| {
                for ledger in monitor.ledgers() {
                    json.object(|json| write_interface(json, ledger, context));
                }
            });
            let mut darknet = DarknetView::with_capacity(monitor.darknet().sources().count());
            // Without an interface there is nothing to name, and nothing that touched the dark.
            let _ = darknet.header.copy(monitor, None);
            darknet.copy_dark(monitor.darknet());
            darknet.write_field(json, context);
        });
    })
}

fn write_interface(json: &mut Json, ledger: &Ledger, context: &Context) {
    let count = usize::from(ledger.hosts_used().0);
    let mut hosts = HostsView::with_capacity(count, count);
    *hosts.header.books = super::Books::of(ledger);
    hosts.copy_rows(ledger, HostsQuery { count, ..HostsQuery::default() });
    let mut ports = PortsView::with_capacity(ledger.port_rows().0);
    ports.copy_rows(ledger);
    let mut protocols = ProtocolsView::new();
    protocols.copy_rows(ledger);

    hosts.header.books.write_fields(json);
    protocols.write_rows(json);
    let host_protocols = host_protocols(ledger);
    hosts.write_rows(json, context, |json, row| {
        let first = host_protocols.partition_point(|(address, _)| address.bits() < row.address.bits());
        let lines = host_protocols[first..].iter().take_while(|(address, _)| *address == row.address);
        row.write_protocols(json, lines.map(|(_, line)| *line), Rest::default());
    });
    ports.write_rows(json);
    json.key("history").object(|json| {
        for period in Period::ALL {
            json.key(period.name()).array(|json| ledger.history(period).for_each(|bar| json.value(bar)));
        }
    });
}

/// The IP protocols of all hosts by address, of each host those with the most bytes first. The table is
/// gone through once for all hosts and not for each.
fn host_protocols(ledger: &Ledger) -> Vec<(Address, PortLine)> {
    let kept = HostRow::all(ledger, Sort::default())
        .flat_map(|row| row.protocols().map(move |line| (row.address, line)));
    let rows = ledger.host_protocols().map(|(address, number, row)| {
        (address, PortLine { kind: PortKind::Protocol, port: number.into(), row: *row })
    });
    let mut all: Vec<_> = kept.chain(rows).collect();
    all.sort_unstable_by_key(|(address, line)| (address.bits(), Reverse(line.weight()), line.tie()));
    all
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::ledger::{Counters, Coverage};
    use crate::network::Direction;
    use crate::time::Timestamp;

    use crate::view::samples::{EVIL, EvilNames, address, empty, seeded};
    use crate::view::{Hidden, NameSource, NoNames};

    fn report(monitor: &Monitor, names: &dyn NameSource) -> Value {
        let mut out = String::new();
        let (now, hidden) = (Timestamp::default(), Hidden::default());
        write(&mut out, monitor, &Context { names, hidden, ..Context::at(now) }).unwrap();
        serde_json::from_str(&out).unwrap()
    }

    fn counters(value: &Value) -> Counters {
        Counters::new(value["packets"].as_u64().unwrap(), value["bytes"].as_u64().unwrap())
    }

    /// The sum of one column over the rows of a list and what it says beside them.
    fn sum(list: &Value, column: &str, beside: &[&str]) -> Counters {
        let rows = list["rows"].as_array().unwrap().iter();
        let rows: Counters = rows.map(|row| counters(&row[column])).sum();
        rows + beside.iter().map(|name| counters(&list[name][column])).sum()
    }

    /// Large and small tables: the second has evicted hosts and ports.
    fn monitors() -> [Monitor; 2] {
        [seeded("br-lan", 1_024, 8_192, 20_000, 400), seeded("br-lan", 16, 64, 20_000, 400)]
    }

    #[test]
    fn every_number_is_the_ledgers() {
        for monitor in monitors() {
            let ledger = &monitor.ledgers()[0];
            let report = report(&monitor, &NoNames);
            assert_eq!(report["schema"], 1);
            let interface = &report["interfaces"][0];
            assert_eq!(interface["name"], "br-lan");
            assert_eq!(interface["role"], "lan");
            assert_eq!(interface["link"], "ethernet");
            assert_eq!(interface["first"].as_f64().unwrap(), ledger.first().unwrap().as_seconds_f64());
            assert_eq!(interface["last"].as_f64().unwrap(), ledger.last().as_seconds_f64());
            assert_eq!(interface["captured"]["packets"], ledger.captured());
            assert_eq!(counters(&interface["total"]), ledger.totals().total());
            for direction in Direction::ALL {
                assert_eq!(counters(&interface[direction.name()]), ledger.totals().of(direction));
            }
            let rows = interface["hosts"]["rows"].as_array().unwrap();
            assert_eq!(rows.len(), ledger.hosts().count());
            for row in rows {
                let host = ledger.host(address(row["address"].as_str().unwrap())).unwrap();
                assert_eq!(counters(&row["received"]), host.total().received);
                assert_eq!(counters(&row["sent"]), host.total().sent);
                assert_eq!(row["first_seen"], host.first_seen);
                assert_eq!(row["last_seen"], host.last_seen);
                assert_eq!(row["local"], host.local);
                assert!(row["name"].is_null());
            }
            for period in Period::ALL {
                let bars = interface["history"][period.name()].as_array().unwrap();
                assert_eq!(bars.len(), ledger.history(period).count());
                for (bar, (start, expected)) in bars.iter().zip(ledger.history(period)) {
                    assert_eq!(bar["start"], start);
                    assert_eq!(counters(&bar["inbound"]), expected.inbound);
                }
            }
        }
    }

    #[test]
    fn rows_and_what_is_beside_them_are_the_total() {
        for monitor in monitors() {
            let report = report(&monitor, &NoNames);
            let interface = &report["interfaces"][0];
            let total = counters(&interface["total"]);
            let discarded = interface["discarded"].as_object().unwrap().values();
            let discarded: u64 = discarded.map(|count| count.as_u64().unwrap()).sum();
            let non_ip = counters(&interface["non_ip"]).packets;
            assert!(discarded > 0 && non_ip > 0);
            assert_eq!(interface["captured"]["packets"], total.packets + non_ip + discarded);
            for column in ["received", "sent"] {
                assert_eq!(sum(&interface["hosts"], column, &["others", "evicted"]), total);
            }
            for name in ["TCP", "UDP"] {
                let protocols = interface["protocols"].as_array().unwrap();
                let protocol = protocols.iter().find(|row| row["name"] == name).unwrap();
                let lists = &interface["ports"][name.to_lowercase()];
                for column in ["inbound", "outbound"] {
                    let beside = ["others", "evicted", "portless"];
                    let remote = sum(&lists["remote"], column, &beside);
                    assert_eq!(remote, counters(&protocol[column]), "no transit packets here");
                    let local = sum(&lists["local"], column, &beside);
                    assert_eq!(local, remote + counters(&protocol["other"]), "internal packets twice");
                }
            }
        }
    }

    #[test]
    fn any_name_survives() {
        let report = report(&seeded(EVIL, 16, 64, 100, 10), &EvilNames);
        assert_eq!(report["interfaces"][0]["name"], EVIL);
        assert_eq!(report["interfaces"][0]["hosts"]["rows"][0]["name"], EVIL);
    }

    #[test]
    fn nothing_seen_is_a_report_too() {
        let mut monitor = empty("x", 4, 4);
        let interface = &report(&monitor, &NoNames)["interfaces"][0];
        assert!(interface["first"].is_null() && interface["last"].is_null());
        assert!(interface["link"].is_null() && interface["coverage"].is_null());
        assert!(interface["hosts"]["rows"].as_array().unwrap().is_empty());
        let coverage = Coverage {
            kernel: Counters::new(9, 3_000),
            captured: Counters::new(8, 2_999),
            merged: 2,
            ..Coverage::default()
        };
        monitor.ledgers_mut()[0].set_capture_state(5, Some(coverage));
        let interface = &report(&monitor, &NoNames)["interfaces"][0];
        assert_eq!(interface["coverage"]["percent"], 99.9);
        assert_eq!(interface["dropped_by_kernel"], 5);
    }
}
