//! Who looks for addresses that nobody has, on a real bridge with real ARP.

use std::net::UdpSocket;
use std::time::Instant;

use serde_json::Value;

use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{exchange, hosts, socket};

/// What the darknet says of a source.
pub fn source(program: &Program, address: &str) -> Value {
    let json = program.json("/api/v1/darknet");
    let mut sources = json["darknet"]["sources"].as_array().expect("a list").iter();
    sources.find(|source| source["source"] == address).cloned().unwrap_or_default()
}

/// The kinds of the events about a source, oldest first.
pub fn events(program: &Program, address: &str) -> Vec<String> {
    let json = program.json("/api/v1/darknet");
    let all = json["darknet"]["events"].as_array().expect("a list");
    let of_source = all.iter().filter(|event| event["source"] == address);
    of_source.map(|event| event["kind"].as_str().expect("a kind").to_owned()).collect()
}

/// The kernel asks by ARP, three times in three seconds, and gives up.
pub fn look_for(socket: &UdpSocket, host: u8) {
    let _ = socket.send_to(b"anybody there?", ("192.168.77.".to_owned() + &host.to_string(), 9));
}

fn watched(lab: &Lab) -> Program<'_> {
    Program::start(lab, "router", &["-i", "br-lan", "-i", "wan0=wan", "--learning", "0"])
}

#[test]
fn a_sweep_of_unused_addresses_is_an_alert() {
    let Some(lab) = lab("a_sweep_of_unused_addresses_is_an_alert", home_network) else { return };
    let program = watched(&lab);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    // Both are there, and the router knows it from now on.
    exchange(&one, &two, "192.168.77.12:5000", 1, 100);
    wait_until("they are seen", || hosts(&program, "br-lan").len() == 2);

    for host in 100..103 {
        look_for(&one, host);
    }
    // The hit was its question for the other client, which then turned out to be there.
    wait_until("three more are not enough", || source(&program, "192.168.77.11")["dark_targets"] == 4);
    assert_eq!(events(&program, "192.168.77.11"), ["hit"]);
    let begin = Instant::now();
    look_for(&one, 103);
    wait_until("the fourth is an alert", || events(&program, "192.168.77.11").len() == 2);
    // A block of the ring is handed over after half a second.
    assert!(begin.elapsed().as_millis() < 2000, "{:?}", begin.elapsed());
    assert_eq!(events(&program, "192.168.77.11"), ["hit", "alert"]);
    let scanner = source(&program, "192.168.77.11");
    assert_eq!((&scanner["alert"], &scanner["interface"]), (&true.into(), &"br-lan".into()));
    let json = program.json("/api/v1/darknet");
    assert_eq!(json["darknet"]["lans"], serde_json::json!(["192.168.77.0/24"]));
    let page = program.get("/darknet/").body;
    assert!(page.contains("<strong>Alert: ARP sweep of unused addresses</strong>"), "{page}");

    // Many times the same one, and those that somebody has.
    for _ in 0..20 {
        look_for(&two, 100);
        look_for(&two, 1);
        look_for(&two, 11);
    }
    wait_until("it is seen", || source(&program, "192.168.77.12")["packets"].as_u64() >= Some(3));
    assert_eq!(events(&program, "192.168.77.12"), ["hit"]);
    assert_eq!(source(&program, "192.168.77.12")["alert"], false);
    assert!(events(&program, "192.168.77.1").is_empty(), "the router asks for nobody of itself");
}

#[test]
fn what_the_router_forwards_to_nobody_is_the_senders() {
    let Some(lab) = lab("what_the_router_forwards_to_nobody_is_the_senders", home_network) else { return };
    let program = watched(&lab);
    lab.ip("server", "route add 192.168.77.0/24 via 10.99.0.1");
    let server = socket(&lab, "server", "10.99.0.2:5000");
    for host in 100..110 {
        look_for(&server, host);
    }
    wait_until("they are seen", || source(&program, "10.99.0.2")["dark_targets"] == 8);
    assert!(source(&program, "192.168.77.1").is_null(), "the router's own questions are not its scan");
    // Nobody is alerted for what comes from outside.
    assert_eq!(events(&program, "10.99.0.2"), ["hit"]);
}

#[test]
fn a_rule_raises_an_alert_and_another_keeps_packets_from_being_told() {
    let name = "a_rule_raises_an_alert_and_another_keeps_packets_from_being_told";
    let Some(lab) = lab(name, home_network) else { return };
    let rules = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("live.rules");
    let text = "alert udp $HOME_NET any -> any 1900 (msg:\"SSDP search\"; content:\"M-SEARCH\"; depth:8; sid:7;)\n\
                pass udp any any -> any 9 (sid:8;)\n";
    std::fs::write(&rules, text).expect("a file of rules");
    let rules = rules.to_str().expect("UTF-8");
    let program =
        Program::start(&lab, "router", &["-i", "br-lan", "--dark", "10.66.0.0/16", "--rules", rules]);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let total = || program.json("/api/v1/darknet")["darknet"]["total"].clone();
    let _ = one.send_to(b"quiet", "10.66.0.1:9");
    wait_until("the packet is passed", || total()["passed"] == 1);
    assert!(events(&program, "192.168.77.11").is_empty());
    let _ = one.send_to(b"M-SEARCH * HTTP/1.1\r\n", "10.66.0.1:1900");
    wait_until("the rule speaks", || !events(&program, "192.168.77.11").is_empty());
    assert_eq!(events(&program, "192.168.77.11"), ["alert", "hit"]);
    assert_eq!(program.json("/api/v1/darknet")["darknet"]["events"][0]["sid"], 7);
    for path in ["/darknet/", "/darknet/192.168.77.11/"] {
        let page = program.get(path).body;
        assert!(page.contains("<strong>Alert: SSDP search</strong>"), "{path}: {page}");
    }
    let source = program.json("/api/v1/darknet/192.168.77.11");
    assert_eq!(source["source"]["events"][0]["signature"], "SSDP search");
}

#[test]
fn the_page_says_until_when_a_network_is_learned() {
    let Some(lab) = lab("the_page_says_until_when_a_network_is_learned", home_network) else { return };
    let program = Program::start(&lab, "router", &["-i", "br-lan", "--learning", "300"]);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    look_for(&one, 100);
    let mut until = None;
    wait_until("the network was heard", || {
        until = program.json("/api/v1/darknet")["darknet"]["learned_at"].as_u64();
        until.is_some()
    });
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    assert!((now + 1..=now + 300).contains(&until.unwrap()), "{until:?}, now {now}");
    let page = program.get("/darknet/").body;
    assert!(page.contains("<strong>A network is still being learned, until <time "), "{page}");
    let learned = Program::start(&lab, "router", &["-i", "br-lan", "--learning", "0"]);
    wait_until("it is heard there, too", || {
        look_for(&one, 100);
        learned.json("/api/v1/darknet")["darknet"]["learned_at"].is_u64()
    });
    assert!(!learned.get("/darknet/").body.contains("still being learned"));
}
