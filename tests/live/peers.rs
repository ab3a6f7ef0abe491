//! Who talks to whom, how fast now, and how much today.

use serde_json::Value;

use crate::ROUTER;
use crate::netns::{home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{Counters, exchange, hosts, socket};

fn host(program: &Program, interface: &str, address: &str) -> Value {
    program.json(&format!("/api/v1/hosts/{address}?interface={interface}"))["host"].take()
}

/// A host's peers: their addresses, what it sent to each and received from it.
fn peers(program: &Program, interface: &str, address: &str) -> Vec<(String, Counters, Counters)> {
    let json = host(program, interface, address)["peers"].take();
    for beside in ["others", "evicted"] {
        assert_eq!(Counters::of(&json[beside]["sent"]), Counters::default(), "{json}");
    }
    let rows = json["rows"].as_array().unwrap().iter();
    rows.map(|row| {
        let address = row["address"].as_str().unwrap().to_owned();
        (address, Counters::of(&row["sent"]), Counters::of(&row["received"]))
    })
    .collect()
}

#[test]
fn peers_rates_and_today_are_those_of_real_packets() {
    let Some(lab) = lab("peers_rates_and_today_are_those_of_real_packets", home_network) else { return };
    let program = Program::start(&lab, "router", &ROUTER);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let server = socket(&lab, "server", "10.99.0.2:5000");
    let between = exchange(&one, &two, "192.168.77.12:5000", 300, 1000);
    let back = exchange(&two, &one, "192.168.77.11:5000", 100, 500);
    let out = exchange(&one, &server, "10.99.0.2:5000", 50, 800);

    let sent = |interface: &str, address: &str| hosts(&program, interface).get(address).map(|row| row.0);
    wait_until("all is read", || {
        sent("br-lan", "192.168.77.11") == Some(between + out)
            && sent("br-lan", "192.168.77.12") == Some(back)
            && sent("wan0", "10.99.0.1") == Some(out)
    });
    let named = |address: &str| address.to_owned();
    assert_eq!(
        peers(&program, "br-lan", "192.168.77.11"),
        [(named("192.168.77.12"), between, back), (named("10.99.0.2"), out, Counters::default())]
    );
    assert_eq!(peers(&program, "br-lan", "192.168.77.12"), [(named("192.168.77.11"), back, between)]);
    assert_eq!(peers(&program, "br-lan", "10.99.0.2"), [(named("192.168.77.11"), Counters::default(), out)]);
    // Behind the router's own address, on the other side.
    let router = [(named("10.99.0.1"), Counters::default(), out)];
    assert_eq!(peers(&program, "wan0", "10.99.0.2"), router);
    let page = program.get("/hosts/192.168.77.11/");
    assert!(page.body.contains("<caption>Peers</caption>") && page.body.contains("/hosts/10.99.0.2/"));
    let exact = |Counters(packets, bytes): Counters| format!("title=\"{bytes} bytes in {packets} packets\"");
    for part in [exact(out), exact(back), "<h2>Device: <a href=\"/devices/192.168.77.11/".to_owned()] {
        assert!(page.body.replace(',', "").contains(&part), "{part} is not in {}", page.body);
    }

    // All of it came within the last seconds, however long the test took to say so.
    let one_now = host(&program, "br-lan", "192.168.77.11");
    let rate = one_now["bits_per_second"]["sent"].as_u64().unwrap();
    assert!(rate > 0 && rate <= 8 * (between + out).1, "{one_now}");
    let today = one_now["today"]["sent"].as_u64().unwrap();
    // Midnight may have been a moment ago.
    assert!(today <= (between + out).1, "{one_now}");
    wait_until("nobody sends any more", || {
        host(&program, "br-lan", "192.168.77.11")["bits_per_second"]["sent"] == 0
    });
    assert_eq!(program.json("/api/v1/summary?top=now")["top_local"].as_array().unwrap().len(), 0);

    let found = |query: &str| {
        let json = program.json(&format!("/api/v1/hosts?interface=br-lan&{query}"));
        let rows = json["hosts"]["rows"].as_array().unwrap().clone();
        rows.iter().map(|row| row["address"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("search=77.12"), ["192.168.77.12"]);
    assert_eq!(found("search=77.1&sort=name"), ["192.168.77.11", "192.168.77.12"]);
    assert_eq!(found("search=%3Cscript%3E"), Vec::<String>::new());
    assert_eq!(found("show=v6"), Vec::<String>::new());
}
