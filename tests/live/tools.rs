//! What people scan with, as Debian has it: each is found out, and named if its packets tell.

use std::process::{Child, Command, Stdio};

use serde_json::Value;

use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::skip::skipped;

/// Lets a client scan, and returns the alert about it. `None` if the tool is not there.
fn alert(test: &str, command: impl FnOnce(&Lab) -> Vec<String>) -> Option<Value> {
    let lab = scene(test)?;
    let program = watched(&lab);
    let _scan = scan(test, &lab, &command(&lab))?;
    let mut found = Value::Null;
    wait_until("there is an alert", || {
        let json = program.json("/api/v1/darknet");
        let mut events = json["darknet"]["events"].as_array().expect("a list").iter();
        found = events.find(|event| event["kind"] == "alert").cloned().unwrap_or_default();
        !found.is_null()
    });
    assert_eq!(found["source"], "192.168.77.11", "{found}");
    Some(found)
}

/// A home from which nobody answers for the dark, not even the router.
fn scene(test: &str) -> Option<Lab> {
    let lab = lab(test, home_network)?;
    lab.ip("router", "route add blackhole 10.9.0.0/16");
    Some(lab)
}

fn watched(lab: &Lab) -> Program<'_> {
    let options = ["-i", "br-lan", "-i", "wan0=wan", "--dark", "10.9.0.0/16", "--learning", "0"];
    Program::start(lab, "router", &options)
}

/// Lets a client scan. `None` if the tool is not there.
fn scan(test: &str, lab: &Lab, words: &[String]) -> Option<Scan> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if Command::new(words[0]).arg("--version").output().is_err() {
        skipped(test, &format!("{} is not installed", words[0]));
        return None;
    }
    let mut tool = lab.command("one", words[0], &words[1..]);
    tool.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Some(Scan(tool.spawn().expect("ip is there")))
}

/// A tool at work. On a quiet link Masscan does not end by itself.
struct Scan(Child);

impl Drop for Scan {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

/// The link-layer address of the router on the LAN.
pub fn router_mac(lab: &Lab) -> String {
    mac_of(lab, "router", "br-lan")
}

/// The link-layer address of a device in a namespace.
pub fn mac_of(lab: &Lab, space: &str, device: &str) -> String {
    let output = lab.command(space, "ip", &["-brief", "link", "show", device]).output().expect("ip is there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.split_whitespace().find(|word| word.matches(':').count() == 5).expect("an address").to_owned()
}

fn nmap(test: &str, how: &str) {
    let command = format!("nmap -n -Pn {how} -p 23,80 --max-retries 0 --host-timeout 20s 10.9.0.1-8");
    let Some(alert) = alert(test, |_| words(&command)) else { return };
    assert_eq!((&alert["tool"], &alert["category"]), (&"nmap".into(), &"scan".into()), "{alert}");
}

#[test]
fn nmap_is_found_out() {
    nmap("nmap_is_found_out", "-sS");
}

#[test]
fn nmap_with_null_is_found_out() {
    nmap("nmap_with_null_is_found_out", "-sN");
}

#[test]
fn nmap_with_fin_is_found_out() {
    nmap("nmap_with_fin_is_found_out", "-sF");
}

#[test]
fn nmap_with_xmas_is_found_out() {
    nmap("nmap_with_xmas_is_found_out", "-sX");
}

#[test]
fn hping_is_found_out() {
    let command = "hping3 --rand-dest 10.9.7.x -I eth0 -S -p 445 -i u20000 -c 40";
    let Some(alert) = alert("hping_is_found_out", |_| words(command)) else { return };
    assert_eq!((&alert["tool"], &alert["category"]), (&Value::Null, &"scan".into()), "{alert}");
    assert_eq!((&alert["port"], &alert["dark_targets"]), (&445.into(), &4.into()), "{alert}");
}

#[test]
fn hping_makes_backscatter_that_is_no_alert() {
    const TEST: &str = "hping_makes_backscatter_that_is_no_alert";
    let Some(lab) = scene(TEST) else { return };
    let program = watched(&lab);
    let command = "hping3 --rand-dest 10.9.7.x -I eth0 -S -A -s 80 -k -p 40000 -i u20000 -c 40";
    let Some(_scan) = scan(TEST, &lab, &words(command)) else { return };
    let mut darknet = Value::Null;
    wait_until("the answers are seen", || {
        darknet = program.json("/api/v1/darknet")["darknet"].take();
        darknet["sources"][0]["packets"].as_u64() >= Some(20)
    });
    assert_eq!(darknet["sources"][0]["alert"], false, "{darknet}");
    let events = darknet["events"].as_array().expect("a list");
    assert!(!events.is_empty() && events.iter().all(|event| event["kind"] == "hit"), "{darknet}");
    assert_eq!(events[0]["category"], "backscatter", "{darknet}");
}

#[test]
fn masscan_is_found_out() {
    let command = |lab: &Lab| {
        let mac = router_mac(lab);
        words(&format!("masscan 10.9.0.0/28 -p 23 --rate 100 --wait 0 -e eth0 --router-mac {mac}"))
    };
    let Some(alert) = alert("masscan_is_found_out", command) else { return };
    assert_eq!(alert["tool"], "masscan", "{alert}");
    assert!(alert["dark_targets"].as_u64() <= Some(2), "with the second packet: {alert}");
}

#[test]
fn zmap_is_found_out() {
    let command = |lab: &Lab| {
        let mac = router_mac(lab);
        words(&format!("zmap -p 23 -i eth0 -G {mac} -r 100 -c 0 -b /dev/null -o /dev/null 10.9.0.0/28"))
    };
    let Some(alert) = alert("zmap_is_found_out", command) else { return };
    assert_eq!(alert["tool"], "zmap", "{alert}");
}

#[test]
fn arp_scan_is_found_out() {
    let command = "arp-scan --interface eth0 192.168.77.0/24";
    let Some(alert) = alert("arp_scan_is_found_out", |_| words(command)) else { return };
    assert_eq!(
        (&alert["signature"], &alert["tool"]),
        (&"ARP sweep of unused addresses".into(), &Value::Null)
    );
}
