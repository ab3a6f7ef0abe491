//! A device that moves more than its quota, and a network that nears its own.

use rustix::process::Signal;
use serde_json::Value;

use crate::netns::{home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::{exchange, has, mac, receive, socket};

fn device(program: &Program, mac: &str) -> Value {
    program.json(&format!("/api/v1/devices/{mac}?interface=br-lan"))["device"].take()
}

#[test]
fn a_device_over_its_quota_is_told_of_everywhere() {
    let Some(lab) = lab("a_device_over_its_quota_is_told_of_everywhere", home_network) else { return };
    let directory = std::env::temp_dir().join(format!("duskwatch-quotas-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let receiver = socket(&lab, "router", "127.0.0.1:0");
    let television = mac(&lab, "one", "eth0");
    let options = [
        "-i",
        "br-lan",
        "--no-darknet",
        "--quota",
        &format!("{television}=100K"),
        "--quota",
        "br-lan=10M",
        "--name",
        &format!("{television}=Television"),
        "--syslog-to",
        &format!("udp://{}", receiver.local_addr().unwrap()),
        "--user",
        "root",
        "--dir",
        directory.to_str().unwrap(),
    ];
    let mut program = Program::start(&lab, "router", &options);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    let logged = |program: &Program| {
        let warnings = program.log().into_iter().filter(|line| line.contains(" has used "));
        warnings.collect::<Vec<_>>()
    };

    // 83 datagrams of 1,000 bytes, in both directions.
    let sent = exchange(&one, &two, "192.168.77.12:5000", 43, 972);
    let received = exchange(&two, &one, "192.168.77.11:5000", 40, 972);
    assert_eq!((sent + received).1, 83_000);
    let line = receive(&receiver);
    assert!(line.starts_with("<165>1 ") && line.contains(" QUOTA "), "{line}");
    let mac_field = format!("src_mac={television}");
    for part in ["src=192.168.77.11", &mac_field, "src_name=Television", "percent=83", "quota=100000"] {
        assert!(has(&line, part), "{part} in {line}");
    }
    let near = "Television has used 83 % of its 100 kB of this month";
    wait_until("the log has it", || !logged(&program).is_empty());
    assert_eq!(logged(&program).len(), 1);
    assert!(logged(&program)[0].ends_with(near), "{:?}", logged(&program));

    // A restart is no reason to say it again.
    assert!(program.end(Signal::TERM).0.success());
    assert!(receive(&receiver).contains(" STATS "));
    let program = Program::start(&lab, "router", &options);
    assert_eq!(device(&program, &television)["quota"]["used"], 83_000);
    exchange(&one, &two, "192.168.77.12:5000", 17, 972);
    let line = receive(&receiver);
    assert!(line.starts_with("<164>1 ") && line.contains(" QUOTA "), "{line}");
    for part in ["signature=\"monthly", "percent=100", "used=100000", "severity=medium"] {
        assert!(has(&line, part), "{part} in {line}");
    }
    wait_until("the log has it", || !logged(&program).is_empty());
    let over = near.replace("83", "100");
    assert!(logged(&program).len() == 1 && logged(&program)[0].ends_with(&over), "{:?}", logged(&program));

    // Where lines do not break between a number and its unit, and a quota that is used up is told from one that nearly is.
    let sentence = "Television has used up its 100\u{a0}kB of this month: 100\u{a0}%";
    for path in ["/".to_owned(), format!("/devices/{television}/")] {
        let page = program.get(&path).body;
        assert!(page.contains(sentence), "{path}: {page}");
    }
    assert!(program.get("/devices/").body.contains("100\u{a0}% of 100\u{a0}kB this month"));
    let summary = program.json("/api/v1/summary");
    assert_eq!(summary["quotas"][0]["name"], "Television");
    assert_eq!(summary["quotas"][1]["interface"], "br-lan");
    assert_eq!(summary["quotas"][1]["used"], 0, "nothing went in or out of the network");
    assert_eq!(summary["top_devices"][0]["quota"]["percent"], 100);
    let metrics = program.get("/metrics").body;
    for line in [
        format!("duskwatch_quota_bytes{{target=\"{television}\"}} 100000"),
        format!("duskwatch_quota_used_bytes{{target=\"{television}\"}} 100000"),
        "duskwatch_quota_bytes{target=\"br-lan\"} 10000000".to_owned(),
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}: {metrics}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
