//! What the pages say, against what was sent.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use crate::ROUTER;
use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{Counters, exchange, hosts, socket};

fn expected<const N: usize>(rows: [(&str, Counters, Counters); N]) -> BTreeMap<String, (Counters, Counters)> {
    rows.map(|(address, sent, received)| (address.to_owned(), (sent, received))).into()
}

/// Lets a client fetch some bytes from the server by TCP. Returns what the kernel's firewall counted
/// on the way: what the client sent, and what it received.
fn download(lab: &Lab, size: usize) -> (Counters, Counters) {
    // Without offloading a segment is a packet, to whoever counts.
    for (space, device) in [("one", "eth0"), ("server", "eth0"), ("router", "lan1"), ("router", "wan0")] {
        lab.ip(space, &format!("link set {device} gso_max_segs 1"));
    }
    let rules = "add table ip truth; \
                 add chain ip truth forward { type filter hook forward priority 0; }; \
                 add rule ip truth forward ip saddr 192.168.77.11 meta l4proto tcp counter; \
                 add rule ip truth forward ip daddr 192.168.77.11 meta l4proto tcp counter";
    assert!(lab.command("router", "nft", &[rules]).status().unwrap().success());
    let listener = lab.inside("server", || TcpListener::bind("10.99.0.2:80").unwrap());
    std::thread::scope(|scope| {
        scope.spawn(|| listener.accept().unwrap().0.write_all(&vec![1; size]).unwrap());
        let mut stream = lab.inside("one", || TcpStream::connect("10.99.0.2:80").unwrap());
        assert_eq!(stream.read_to_end(&mut Vec::new()).unwrap(), size);
    });
    // The last acknowledgements are on their way still.
    let (mut last, mut same) = (Vec::new(), 0);
    wait_until("the connection is quiet", || {
        let counted = firewall_counters(lab);
        same = if counted == last { same + 1 } else { 0 };
        last = counted;
        same == 20
    });
    (last[0], last[1])
}

fn firewall_counters(lab: &Lab) -> Vec<Counters> {
    let output = lab.command("router", "nft", &["list", "chain", "ip", "truth", "forward"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut words = text.split_whitespace();
    let mut number = |name: &str| words.by_ref().skip_while(|word| *word != name).nth(1)?.parse().ok();
    std::iter::from_fn(|| Some(Counters(number("packets")?, number("bytes")?))).collect()
}

fn mac(lab: &Lab, space: &str) -> String {
    let output = lab.command(space, "cat", &["/sys/class/net/eth0/address"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn every_host_is_counted_to_the_byte() {
    let Some(lab) = lab("every_host_is_counted_to_the_byte", home_network) else { return };
    let program = Program::start(&lab, "router", &ROUTER);
    let own = Program::start(&lab, "router", &["-i", "br-lan", "-l", "10.99.0.0/24"]);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let server = socket(&lab, "server", "10.99.0.2:5000");

    let between = exchange(&one, &two, "192.168.77.12:5000", 1000, 100);
    let back = exchange(&two, &one, "192.168.77.11:5000", 200, 1000);
    let out = exchange(&two, &server, "10.99.0.2:5000", 300, 500);
    two.send_to(b"who am I", "10.99.0.2:5000").unwrap();
    let out = out + Counters(1, 36);
    let (_, nat) = server.recv_from(&mut [0; 64]).unwrap();
    assert_eq!(nat.ip().to_string(), "10.99.0.1");
    let reply = exchange(&server, &two, &nat.to_string(), 150, 1400);
    let (asked, got) = download(&lab, 3_000_000);
    assert!(got.1 > 3_000_000 + 40 * 2000, "{got:?}");

    let lan = expected([
        ("192.168.77.11", between + asked, back + got),
        ("192.168.77.12", back + out, between + reply),
        ("10.99.0.2", reply + got, out + asked),
    ]);
    let wan = expected([("10.99.0.1", out + asked, reply + got), ("10.99.0.2", reply + got, out + asked)]);
    for (interface, expected) in [("br-lan", lan), ("wan0", wan)] {
        let total =
            |hosts: &BTreeMap<_, (Counters, Counters)>| hosts.values().map(|row| row.0.0).sum::<u64>();
        wait_until("the last packets are read", || total(&hosts(&program, interface)) >= total(&expected));
        assert_eq!(hosts(&program, interface), expected, "{interface}");
        wait_until("the coverage is whole", || coverage(&program, interface) >= 99.0);
    }

    let json = program.json("/api/v1/hosts?interface=br-lan");
    for row in json["hosts"]["rows"].as_array().unwrap() {
        let (local, address) = match row["address"].as_str().unwrap() {
            "192.168.77.11" => (true, Some(mac(&lab, "one"))),
            "192.168.77.12" => (true, Some(mac(&lab, "two"))),
            _ => (false, None),
        };
        assert_eq!(row["local"], local, "{row}");
        assert_eq!(row["mac"].as_str(), address.as_deref(), "{row}");
    }
    wait_until("the other program has read all", || hosts(&own, "br-lan") == hosts(&program, "br-lan"));
    let json = own.json("/api/v1/hosts?interface=br-lan");
    for row in json["hosts"]["rows"].as_array().unwrap() {
        assert_eq!(row["local"], row["address"] == "10.99.0.2", "{row}");
    }
}

#[test]
fn coverage_is_unknown_with_a_filter_not_before_the_first_frame() {
    const TEST: &str = "coverage_is_unknown_with_a_filter_not_before_the_first_frame";
    let Some(lab) = lab(TEST, home_network) else { return };
    let coverage_of = |options: &[&str]| {
        let program = Program::start(&lab, "router", options);
        program.json("/api/v1/about")["books"]["coverage"].take()
    };
    assert!(coverage_of(&["-i", "wan0"]).is_object());
    assert!(coverage_of(&["-i", "wan0", "-f", "udp"]).is_null());
}

/// The share of the traffic that was seen, in percent; negative while it is unknown.
fn coverage(program: &Program, interface: &str) -> f64 {
    let json = program.json(&format!("/api/v1/about?interface={interface}"));
    json["books"]["coverage"]["percent"].as_f64().unwrap_or(-1.0)
}
