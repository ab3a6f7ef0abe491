//! Signals that are not about dark addresses, on a real bridge and a routed WAN.

use std::net::{TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::socket;

fn watched(lab: &Lab) -> Program<'_> {
    Program::start(lab, "router", &["-i", "br-lan", "-i", "wan0=wan", "--learning", "0"])
}

/// The first event of this kind and signal.
fn event(program: &Program, kind: &str, signal: &str) -> Option<Value> {
    let json = program.json("/api/v1/darknet");
    let mut events = json["darknet"]["events"].as_array().expect("a list").iter();
    events.find(|event| event["kind"] == kind && event["signal"] == signal).cloned()
}

fn say(socket: &UdpSocket, destination: &str) {
    let _ = socket.send_to(b"anybody there?", destination);
}

#[test]
fn two_networks_that_are_not_here_are_a_notice() {
    let Some(lab) = lab("two_networks_that_are_not_here_are_a_notice", home_network) else { return };
    let program = watched(&lab);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    // The WAN's own network is private as well, and somebody answers there.
    let server = socket(&lab, "server", "10.99.0.2:5001");
    let mut answer = [0; 64];
    say(&one, "10.99.0.2:5001");
    let (_, client) = server.recv_from(&mut answer).expect("the question arrives");
    server.send_to(b"yes", client).unwrap();
    for network in ["10.66.1.5:80", "172.30.9.9:8080"] {
        say(&one, network);
    }
    let mut notice = None;
    wait_until("a notice", || {
        // Time passes with the frames.
        say(&one, "10.99.0.2:5001");
        notice = event(&program, "notice", "bogon");
        notice.is_some()
    });
    let notice = notice.unwrap();
    assert_eq!((&notice["source"], &notice["interface"]), (&"192.168.77.11".into(), &"br-lan".into()));
    assert_eq!(notice["destination"], "172.30.9.9", "{notice}");
    assert!(event(&program, "alert", "bogon").is_none());
    let source = program.json("/api/v1/darknet/192.168.77.11");
    let addresses = source["source"]["dark_addresses"].as_array().expect("a list");
    let addresses: Vec<&str> = addresses.iter().filter_map(|target| target["address"].as_str()).collect();
    assert!(addresses.contains(&"10.66.1.5") && addresses.contains(&"172.30.9.9"), "{addresses:?}");
    assert!(!addresses.contains(&"10.99.0.2"), "{addresses:?}");
}

#[test]
fn arp_from_outside_the_network_is_told() {
    let Some(lab) = lab("arp_from_outside_the_network_is_told", home_network) else { return };
    let program = watched(&lab);
    lab.ip("one", "address add 192.168.5.57/24 dev eth0");
    let one = socket(&lab, "one", "192.168.5.57:5000");
    say(&one, "192.168.5.1:9");
    let mut hit = None;
    wait_until("it is told", || {
        hit = event(&program, "hit", "foreign sender");
        hit.is_some()
    });
    let hit = hit.unwrap();
    assert_eq!((&hit["source"], &hit["destination"]), (&"192.168.5.57".into(), &"192.168.5.1".into()));
    assert_eq!(hit["category"], "misconfiguration");
}

#[test]
fn many_connections_without_an_answer_are_an_alert() {
    let Some(lab) = lab("many_connections_without_an_answer_are_an_alert", home_network) else { return };
    lab.ip("router", "route add blackhole 11.0.0.0/8");
    let program = watched(&lab);
    let begin = Instant::now();
    lab.inside("one", || {
        for host in 0..1000u32 {
            let address = (std::net::Ipv4Addr::from_bits(0x0b00_0001 + host), 445).into();
            let _ = TcpStream::connect_timeout(&address, Duration::from_millis(5));
            // Answers have three seconds.
            if host > 400 && begin.elapsed() > Duration::from_secs(5) {
                break;
            }
        }
    });
    let mut alert = None;
    wait_until("it is an alert", || {
        alert = event(&program, "alert", "fan-out");
        alert.is_some()
    });
    let alert = alert.unwrap();
    assert_eq!((&alert["source"], &alert["port"]), (&"192.168.77.11".into(), &445.into()), "{alert}");
    assert_eq!(alert["signature"], "scan of the internet");
    let page = program.get("/darknet/192.168.77.11/").body;
    assert!(page.contains("<strong>Alert: scan of the internet</strong>"), "{page}");
    assert!(page.contains("nft insert rule inet fw4 forward ether saddr "), "{page}");
}

#[test]
fn what_knocks_at_the_wan_is_counted_and_nobody_accused() {
    let Some(lab) = lab("what_knocks_at_the_wan_is_counted_and_nobody_accused", home_network) else { return };
    let program = watched(&lab);
    lab.inside("server", || {
        for _ in 0..5 {
            let _ = TcpStream::connect_timeout(&([10, 99, 0, 1], 23).into(), Duration::from_millis(100));
        }
    });
    let server = socket(&lab, "server", "10.99.0.2:40000");
    say(&server, "10.99.0.1:5060");
    let row = |port: u16| {
        let json = program.json("/api/v1/darknet");
        let rows = json["darknet"]["radiation"].as_array().expect("a list").clone();
        rows.into_iter().find(|row| row["port"] == port).unwrap_or_default()
    };
    wait_until("all are seen", || row(23)["today"] == 5 && row(5060)["today"] == 1);
    assert_eq!((&row(23)["interface"], &row(23)["answered"]), (&"wan0".into(), &0.into()));
    assert_eq!(row(5060)["protocol"], 17);
    let json = program.json("/api/v1/darknet");
    assert!(json["darknet"]["events"].as_array().expect("a list").is_empty(), "{json}");
    assert!(program.get("/darknet/").body.contains("What came unasked"));
}
