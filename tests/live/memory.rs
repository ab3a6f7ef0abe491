//! Fixed memory: what a flood or an attack on the pages must not change.

use std::time::Duration;

use traffic::scenarios::{Options, Scenario};
use traffic::send::{self, FrameSize};

use crate::attacks::{ATTACKS, Target, endure};
use crate::netns::{Lab, home_network, lab, wait_until};
use crate::program::Program;
use crate::{ROUTER, load};

/// Frames of each flood, on each of two interfaces.
const FLOOD: u64 = 150_000;

/// What may come on top, in KiB: pages of the allocator.
const SLACK_KIB: u64 = 100;

/// Sends packets from ever new sources into both interfaces, and looks at all pages meanwhile.
fn flood(lab: &Lab, program: &Program, seed: u64) {
    let frames = |interface: &str| {
        let json = program.json(&format!("/api/v1/about?interface={interface}"));
        let lost = json["books"]["dropped_by_kernel"].as_u64().unwrap();
        lost + json["books"]["captured"]["packets"].as_u64().unwrap()
    };
    let before = (frames("br-lan"), frames("wan0"));
    for (number, space) in ["one", "server"].into_iter().enumerate() {
        let seed = 2 * seed + number as u64;
        let sent = lab.inside(space, || {
            let packets = Scenario::Flood.packets(&Options { packets: FLOOD, seed, ..Options::default() });
            send::send(packets, "eth0", FrameSize::Scenario, 50_000, 60.0).expect("it can send").frames
        });
        assert_eq!(sent, FLOOD);
    }
    wait_until("the floods are captured, or counted as lost", || {
        frames("br-lan") >= before.0 + FLOOD && frames("wan0") >= before.1 + FLOOD
    });
    for path in ["/", "/hosts/?count=256", "/ports/", "/protocols/", "/about/", "/metrics"] {
        assert_eq!(program.get(path).status(), 200);
    }
}

#[test]
fn a_flood_of_sources_costs_no_memory() {
    let Some(lab) = lab("a_flood_of_sources_costs_no_memory", home_network) else { return };
    let _alone = load();
    let program = Program::start(&lab, "router", &ROUTER);
    let start = program.status("VmRSS:");
    flood(&lab, &program, 1);
    // All tables are full now, and all their memory has been touched.
    let first = program.status("VmHWM:");
    flood(&lab, &program, 2);
    let second = program.status("VmHWM:");
    println!("resident: {start} KiB at the start, {first} KiB after a flood, {second} KiB after another");
    assert!(second <= first + SLACK_KIB, "{first} KiB, then {second} KiB");
}

#[test]
fn the_pages_endure_each_attack_and_all_at_once() {
    let Some(lab) = lab("the_pages_endure_each_attack_and_all_at_once", home_network) else { return };
    let _alone = load();
    let program = Program::start(&lab, "router", &ROUTER);
    let target = Target { address: program.address, pid: program.pid(), large: "/hosts/?count=256" };
    let attack = || {
        let one_by_one = ATTACKS.chunks(1).map(|attack| (attack, Duration::from_secs(1)));
        let at_once = std::iter::once((&ATTACKS[..], Duration::from_secs(5)));
        let resident = one_by_one.chain(at_once).map(|(attacks, time)| {
            let outcome = lab.inside("router", || endure(target, attacks, time));
            println!("{} from {}: {outcome:?}", attacks.len(), attacks[0].0);
            outcome.resident_kib
        });
        resident.max().expect("there are attacks")
    };
    let (first, second) = (attack(), attack());
    assert!(second <= first + SLACK_KIB, "{first} KiB, then {second} KiB");
}
