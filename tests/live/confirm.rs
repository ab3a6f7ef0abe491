//! The router's own questions, on a switched LAN, where it does not hear what others answer each other.

use rustix::fd::OwnedFd;
use rustix::io::Errno;
use rustix::net::{AddressFamily, Protocol, RecvFlags, SocketType, recv, socket as open};

use serde_json::Value;

use crate::darknet::{events, look_for, source};
use crate::netns::{Lab, lab, wait_until};
use crate::program::Program;
use crate::wire::socket;

const ROUTER: [u8; 6] = [2, 0, 0, 0, 77, 1];

/// The router, `one` (.11) and `quiet` (.12) on a switch of their own. The router's LAN is a bridge with one port,
/// or a device.
fn switched(test: &str, device: &str) -> Result<Lab, String> {
    let mut lab = Lab::new(test)?;
    for space in ["router", "one", "quiet", "switch"] {
        lab.add(space);
    }
    lab.ip("switch", "link add sw type bridge mcast_snooping 0");
    for (port, space, peer) in [("p1", "router", "eth0"), ("p2", "one", "eth0"), ("p3", "quiet", "eth0")] {
        lab.cable("switch", port, space, peer);
        lab.ip("switch", &format!("link set {port} master sw"));
    }
    lab.ip("switch", "link set sw up");
    if device != "eth0" {
        lab.ip("router", &format!("link add {device} type bridge mcast_snooping 0"));
        lab.ip("router", &format!("link set eth0 master {device}"));
    }
    lab.ip("router", &format!("link set {device} address 02:00:00:00:4d:01"));
    lab.ip("router", &format!("link set {device} up"));
    lab.ip("router", &format!("addr add 192.168.77.1/24 brd + dev {device}"));
    lab.ip("one", "addr add 192.168.77.11/24 brd + dev eth0");
    lab.ip("quiet", "addr add 192.168.77.12/24 brd + dev eth0");
    Ok(lab)
}

/// Hears all ARP that reaches a host.
fn listen(lab: &Lab, space: &str) -> OwnedFd {
    let arp = Protocol::from_raw(u32::from(0x0806u16.to_be()).try_into().expect("not zero"));
    lab.inside(space, || open(AddressFamily::PACKET, SocketType::RAW, Some(arp))).expect("a packet socket")
}

/// The requests of the router's since the last call, by the last byte of the address asked for.
fn questions(listener: &OwnedFd) -> Vec<u8> {
    let mut targets = Vec::new();
    let mut frame = [0; 128];
    loop {
        match recv(listener, &mut frame, RecvFlags::DONTWAIT) {
            Ok((length, _)) => targets.extend(question(&frame[..length])),
            Err(Errno::AGAIN) => return targets,
            Err(error) => panic!("{error}"),
        }
    }
}

fn question(frame: &[u8]) -> Option<u8> {
    if frame[6..12] != ROUTER {
        return None;
    }
    let mut expected = vec![0xff; 6];
    expected.extend(ROUTER);
    expected.extend([8, 6, 0, 1, 8, 0, 6, 4, 0, 1]);
    expected.extend(ROUTER);
    expected.extend([192, 168, 77, 1, 0, 0, 0, 0, 0, 0, 192, 168, 77]);
    assert_eq!(&frame[..expected.len()], expected);
    Some(frame[expected.len()])
}

fn confirm(program: &Program) -> Value {
    program.json("/api/v1/darknet")["darknet"]["confirm"].clone()
}

fn asks_for_who_is_there(device: &str, lab: &Lab) {
    let program = Program::start(lab, "router", &["-i", device, "--learning", "0", "--dark-confirm"]);
    let listener = listen(lab, "one");
    let one = socket(lab, "one", "0.0.0.0:5000");
    look_for(&one, 12);
    wait_until("the quiet one answers the router", || confirm(&program)["answered"] == 1);
    assert!(questions(&listener).iter().all(|target| *target == 12), "at most twice");
    for host in 100..103 {
        look_for(&one, host);
    }
    wait_until("nobody else answers", || confirm(&program)["unanswered"] == 3);
    let mut asked = questions(&listener);
    asked.sort_unstable();
    assert_eq!(asked, [100, 100, 101, 101, 102, 102]);
    assert_eq!(source(&program, "192.168.77.11")["dark_targets"], 4);
    assert_eq!(events(&program, "192.168.77.11"), ["hit"], "one of the four is somebody's");
    look_for(&one, 103);
    wait_until("four are nobody's", || events(&program, "192.168.77.11") == ["hit", "alert"]);
    look_for(&one, 104);
    wait_until("it is seen", || source(&program, "192.168.77.11")["dark_targets"] == 6);
    assert!(source(&program, "192.168.77.1").is_null(), "the router's own questions are not its scan");
    assert!(questions(&listener).is_empty(), "there is an alert, and no doubt");
    assert_eq!(confirm(&program)["asked"], 4);
    assert!(
        program.get("/darknet/").body.contains("Asking back: 4 asked, 1 answered, 3 unanswered, 0 skipped.")
    );
}

#[test]
fn the_router_asks_for_who_is_there_on_a_bridge() {
    let test = "the_router_asks_for_who_is_there_on_a_bridge";
    let Some(lab) = lab(test, |test| switched(test, "br-lan")) else { return };
    asks_for_who_is_there("br-lan", &lab);
}

#[test]
fn the_router_asks_for_who_is_there_on_a_device() {
    let test = "the_router_asks_for_who_is_there_on_a_device";
    let Some(lab) = lab(test, |test| switched(test, "eth0")) else { return };
    asks_for_who_is_there("eth0", &lab);
}

#[test]
fn without_being_told_the_router_asks_nobody() {
    let test = "without_being_told_the_router_asks_nobody";
    let Some(lab) = lab(test, |test| switched(test, "br-lan")) else { return };
    let program = Program::start(&lab, "router", &["-i", "br-lan", "--learning", "0"]);
    let listener = listen(&lab, "one");
    let one = socket(&lab, "one", "0.0.0.0:5000");
    for host in [12, 100, 101, 102] {
        look_for(&one, host);
    }
    wait_until("a quiet one counts as nobody", || {
        events(&program, "192.168.77.11").last().is_some_and(|kind| kind == "alert")
    });
    assert!(questions(&listener).is_empty());
    assert!(confirm(&program).is_null());
}
