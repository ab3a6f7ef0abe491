//! Devices, of both families of addresses and under several of them.

use std::fs;

use serde_json::Value;

use crate::ROUTER;
use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{Counters, exchange, mac, socket};

/// Gives a client an IPv6 address, and says who has the other's, so that nobody asks.
fn add_ipv6(lab: &Lab, client: &str, address: &str, peer: &str, peer_mac: &str) {
    lab.inside(client, || {
        for (name, value) in [("accept_dad", "0"), ("router_solicitations", "0"), ("disable_ipv6", "0")] {
            fs::write(format!("/proc/sys/net/ipv6/conf/eth0/{name}"), value).expect("IPv6");
        }
    });
    lab.ip(client, &format!("addr add {address}/64 dev eth0 nodad"));
    lab.ip(client, &format!("neigh replace {peer} lladdr {peer_mac} dev eth0"));
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).expect("JSON")
}

/// What a device sent and received by a family.
fn family(device: &Value, name: &str) -> (Counters, Counters) {
    (Counters::of(&device[name]["sent"]), Counters::of(&device[name]["received"]))
}

#[test]
fn a_device_is_one_by_ipv4_and_ipv6_and_under_a_new_address() {
    const TEST: &str = "a_device_is_one_by_ipv4_and_ipv6_and_under_a_new_address";
    let Some(lab) = lab(TEST, home_network) else { return };
    let [one_mac, two_mac] = ["one", "two"].map(|space| mac(&lab, space, "eth0"));
    let networks = ["-l", "192.168.77.0/24", "-l", "fd77::/64"];
    let program = Program::start(&lab, "router", &[&ROUTER[..], &networks[..]].concat());
    let no_macs = Program::start(&lab, "router", &[&["-i", "br-lan", "--no-macs"], &networks[..]].concat());
    add_ipv6(&lab, "one", "fd77::11", "fd77::12", &two_mac);
    add_ipv6(&lab, "two", "fd77::12", "fd77::11", &one_mac);

    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let sent = exchange(&one, &two, "192.168.77.12:5000", 100, 100);
    let received = exchange(&two, &one, "192.168.77.11:5000", 50, 1000);
    // What an address receives is its device's once something came from it, and was booked.
    wait_until("both are known", || {
        let list = program.json("/api/v1/devices?interface=br-lan");
        let is_there = |mac: &str| list["devices"].as_array().unwrap().iter().any(|row| row["mac"] == mac);
        is_there(&one_mac) && is_there(&two_mac)
    });
    // The lease is another's now.
    drop(one);
    lab.ip("one", "addr del 192.168.77.11/24 dev eth0");
    lab.ip("one", "addr add 192.168.77.31/24 brd + dev eth0");
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let sent = sent + exchange(&one, &two, "192.168.77.12:5000", 10, 10);
    let router = socket(&lab, "router", "192.168.77.1:5000");
    let from_router = exchange(&router, &two, "192.168.77.12:5000", 3, 100);
    let one = socket(&lab, "one", "[fd77::11]:5001");
    let two = socket(&lab, "two", "[fd77::12]:5001");
    // Its header is larger. Who has an address is known once something came from it.
    let larger = |Counters(packets, bytes)| Counters(packets, bytes + 20 * packets);
    let early = larger(exchange(&two, &one, "[fd77::11]:5001", 1, 50));
    wait_until("the first is read", || {
        let unknown = program.get("/api/v1/devices/unknown?interface=br-lan");
        unknown.status() == 200 && family(&json(&unknown.body)["device"], "ipv6").1 == early
    });
    let ipv6 = larger(exchange(&one, &two, "[fd77::12]:5001", 20, 200));
    let answers = larger(exchange(&two, &one, "[fd77::11]:5001", 5, 50));

    let device =
        |mac: &str| program.json(&format!("/api/v1/devices/{mac}?interface=br-lan"))["device"].take();
    wait_until("all is read", || {
        let list = program.json("/api/v1/devices?interface=br-lan");
        let rows = list["devices"].as_array().unwrap();
        let row = rows.iter().find(|row| row["mac"] == one_mac.as_str());
        row.is_some_and(|row| family(row, "ipv6") == (ipv6, answers) && row["addresses_count"] == 3)
    });
    let row = device(&one_mac);
    assert_eq!(family(&row, "ipv4"), (sent, received));
    assert_eq!(family(&row, "ipv6"), (ipv6, answers));
    assert_eq!(row["addresses"][0], "fd77::11");
    assert_eq!(row["online"], true);
    for ring in ["hours", "days", "months"] {
        let sum = row[ring].as_array().unwrap().iter().map(|bar| bar["sent"].as_u64().unwrap()).sum::<u64>();
        assert_eq!(sum, (sent + ipv6).1, "{ring}");
    }
    let other = device(&two_mac);
    assert_eq!(family(&other, "ipv4"), (received, sent + from_router));
    assert_eq!(family(&other, "ipv6"), (early + answers, ipv6));
    // Between two devices of one network each packet is sent there and received there.
    let list = program.json("/api/v1/devices?interface=br-lan");
    let network =
        list["networks"].as_array().unwrap().iter().find(|row| row["network"] == "fd77::/64").unwrap();
    assert_eq!(family(network, "ipv6"), (early + ipv6 + answers, early + ipv6 + answers));

    assert_eq!(
        json(&program.get("/api/v1/devices/fd77::%2F64?interface=br-lan").body)["device"]["ipv6"],
        network["ipv6"]
    );
    let page = program.get("/devices/fd77::/64/?interface=br-lan");
    assert!(page.status() == 200 && page.body.contains("<h1>fd77::/64</h1>"), "{}", page.body);

    let page = program.get(&format!("/devices/{one_mac}/?interface=br-lan")).body;
    assert!(page.contains("/hosts/192.168.77.31/") && page.contains("/hosts/fd77::11/"), "{page}");
    assert_eq!(program.json("/api/v1/devices?interface=wan0")["devices"], Value::Array(Vec::new()));

    // Where link-layer addresses are shown to nobody, a device is known by any of its addresses.
    wait_until("the other program has read it", || no_macs.get("/devices/192.168.77.31/").status() == 200);
    assert_eq!(no_macs.get(&format!("/devices/{one_mac}/")).status(), 404);
    let page = no_macs.get("/devices/192.168.77.31/").body;
    for page in [page, no_macs.get("/devices/").body, no_macs.get("/api/v1/devices").body] {
        assert!(!page.contains(&one_mac) && page.contains("192.168.77.31"), "{page}");
    }
    let router = program.json("/api/v1/devices/router?interface=br-lan");
    assert_eq!(family(&router["device"], "ipv4"), (from_router, Counters(0, 0)));
}
