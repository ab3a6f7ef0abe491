//! What a responder finds on a source's page: who had the address, and what would keep it away.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use rustix::process::Signal;
use serde_json::Value;

use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::tools::mac_of;
use crate::wire::socket;

const ONE: &str = "192.168.77.11";
/// Nobody in the lab has it.
const OTHER: &str = "02:00:00:00:00:99";

fn source(program: &Program, address: &str) -> Value {
    program.json(&format!("/api/v1/darknet/{address}"))["source"].clone()
}

#[test]
fn who_had_the_address_then_is_told_though_it_has_gone_to_another() {
    let name = "who_had_the_address_then_is_told_though_it_has_gone_to_another";
    let Some(lab) = lab(name, home_network) else { return };
    let file = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("live.leases");
    let mac = mac_of(&lab, "one", "eth0");
    let write = |mac: &str, name: &str| {
        fs::write(&file, format!("4000000000 {mac} {ONE} {name} *\n")).expect("a lease file");
    };
    write(&mac, "telephone");
    let path = file.to_str().expect("UTF-8");
    let options = ["-i", "br-lan", "--dark", "10.66.0.0/16", "--leases", path, "--learning", "0"];
    let program = Program::start(&lab, "router", &options);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let touch = || _ = one.send_to(b"anybody there?", "10.66.0.1:9");
    touch();
    wait_until("it is seen", || program.get(&format!("/darknet/{ONE}/")).status() == 200);
    let before = source(&program, ONE);
    assert_eq!(before["leases"]["last"]["mac"], mac, "{before}");
    assert_eq!((&before["name"], &before["leases"]["has_gone"]), (&"telephone".into(), &false.into()));
    assert_eq!(before["leases"]["last"]["until"], 4_000_000_000u64);

    write(OTHER, "television");
    program.signal(Signal::HUP);
    wait_until("it is read", || source(&program, ONE)["leases"]["now"]["name"] == "television");
    let after = source(&program, ONE);
    let leases = &after["leases"];
    assert_eq!((&after["name"], &leases["last"]["name"]), (&"telephone".into(), &"telephone".into()));
    assert_eq!((&leases["has_gone"], &leases["mac_differs"]), (&true.into(), &false.into()), "{after}");
    assert_eq!((&leases["last"]["mac"], &leases["now"]["mac"]), (&mac.into(), &OTHER.into()));
    let page = program.get(&format!("/darknet/{ONE}/")).body;
    assert!(page.contains("The address is another device's by now."), "{page}");
    assert!(page.contains("<h1><bdi>telephone</bdi>"), "{page}");
    assert!(program.get("/darknet/").body.contains("<bdi>telephone</bdi>"), "an event keeps its name");

    // The same device goes on with an address that is leased to another.
    wait_until("the frames give it away", || {
        touch();
        source(&program, ONE)["leases"]["mac_differs"] == true
    });
    let page = program.get(&format!("/darknet/{ONE}/")).body;
    assert!(
        page.contains("The last packets came from another MAC address than that of the lease."),
        "{page}"
    );
    assert!(page.contains("The address changed hands"), "{page}");
    fs::remove_file(file).expect("it is there");
}

/// Gives nft a firewall like that of OpenWrt in the namespace, and the line of a page. True if it takes both.
fn nft(lab: &Lab, arguments: &[&str], line: &str) -> bool {
    let mut child = lab
        .command("router", "nft", arguments)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("nft is there");
    let line = line.strip_prefix("nft ").expect("a command");
    let text = format!(
        "table inet fw4 {{ chain forward {{ type filter hook forward priority filter; policy accept; }}; }}\n{line}\n"
    );
    child.stdin.take().expect("it is piped").write_all(text.as_bytes()).expect("it reads");
    child.wait().expect("it ends").success()
}

#[test]
fn the_line_for_nft_is_one_that_it_takes_and_that_drops() {
    let Some(lab) = lab("the_line_for_nft_is_one_that_it_takes_and_that_drops", home_network) else { return };
    lab.inside("server", || fs::write("/proc/sys/net/ipv6/conf/eth0/disable_ipv6", "0")).expect("IPv6");
    lab.ip("server", "-6 address add fd09::2/64 dev eth0 nodad");
    lab.ip("server", "-6 route add fd66::/64 via fd09::1");
    let router = mac_of(&lab, "router", "wan0");
    lab.ip("server", &format!("-6 neighbor add fd09::1 lladdr {router} dev eth0"));
    lab.ip("server", "route add 10.66.0.0/16 via 10.99.0.1");
    let options = [
        "-i",
        "br-lan",
        "-i",
        "wan0=wan",
        "--dark",
        "10.66.0.0/16",
        "--dark",
        "fd66::/64",
        "--learning",
        "0",
    ];
    let program = Program::start(&lab, "router", &options);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let _ = one.send_to(b"anybody there?", "10.66.0.1:9");
    let _ = socket(&lab, "server", "10.99.0.2:5000").send_to(b"anybody there?", "10.66.0.1:9");
    socket(&lab, "server", "[fd09::2]:5000").send_to(b"anybody there?", "[fd66::1]:9").expect("it is sent");

    let mac = format!("ether saddr {}", mac_of(&lab, "one", "eth0"));
    let expected =
        [(ONE, mac.as_str()), ("10.99.0.2", "ip saddr 10.99.0.2"), ("fd09::2", "ip6 saddr fd09::2")];
    let lines = expected.map(|(address, matched)| {
        let path = format!("/darknet/{address}/");
        wait_until(&format!("{address} is seen"), || program.get(&path).status() == 200);
        let line = source(&program, address)["containment"].as_str().expect("a text").to_owned();
        assert!(line.contains(matched), "{line}");
        assert!(program.get(&path).body.contains(&format!("<pre>{line}</pre>")), "{line}");
        assert!(nft(&lab, &["-c", "-f", "-"], &line), "{line}");
        assert!(!nft(&lab, &["-c", "-f", "-"], &line.replace("saddr", "sadr")), "it refuses nothing");
        line
    });

    let server = socket(&lab, "server", "0.0.0.0:6000");
    let mut buffer = [0; 64];
    one.send_to(b"before", "10.99.0.2:6000").expect("it is sent");
    assert_eq!(server.recv(&mut buffer).expect("it arrives"), 6);
    assert!(nft(&lab, &["-f", "-"], &lines[0]));
    one.send_to(b"after", "10.99.0.2:6000").expect("it is sent");
    wait_until("it is dropped", || {
        let rules =
            lab.command("router", "nft", &["list", "table", "inet", "fw4"]).output().expect("nft is there");
        String::from_utf8_lossy(&rules.stdout).contains("counter packets 1 ")
    });
    server.set_nonblocking(true).expect("a socket");
    assert!(server.recv(&mut buffer).is_err());
}
