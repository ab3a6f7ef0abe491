//! Names from the files that the program is told of. Reverse DNS through the system's resolver, against a DNS
//! server of our own: in a network namespace whose /etc/resolv.conf points to it.

use std::fs;
use std::net::{IpAddr, UdpSocket};
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use duskwatch::daemon::names::{Names, Options};
use duskwatch::packet::{Address, Mac};
use duskwatch::time::Timestamp;

#[path = "support/served.rs"]
#[allow(dead_code)]
mod served;
#[path = "support/skip.rs"]
mod skip;
use served::Served;
use skip::skipped;

const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn all_files_that_are_named_are_read() {
    let named = |served: &Served| -> Vec<(String, serde_json::Value)> {
        let answer = served.get("/api/v1/hosts?count=100");
        let rows = answer["hosts"]["rows"].as_array().unwrap().iter();
        rows.map(|host| (host["address"].as_str().unwrap().to_owned(), host["name"].clone())).collect()
    };
    // Three hosts with names from the one hosts file that this always has, and one that has none there.
    let before = named(&Served::start("names-before", &[]));
    let addresses: Vec<&str> =
        before.iter().filter(|host| !host.1.is_null()).map(|host| host.0.as_str()).collect();
    let [first, second, third, ..] = addresses[..] else { panic!("{before:?}") };
    let nameless = &before.iter().find(|host| host.1.is_null()).expect("a host from elsewhere").0;

    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("names-files");
    fs::create_dir_all(&directory).unwrap();
    let file = |name: &str, text: String| {
        let path = directory.join(name);
        fs::write(&path, text).unwrap();
        path.into_os_string().into_string().unwrap()
    };
    let home = file("leases.home", format!("0 02:00:00:00:00:20 {first} from-home *\n"));
    let guest = file("leases.guest", format!("0 02:00:00:00:00:30 {second} from-guest *\n"));
    let more = file("hosts", format!("{first} never\n{third} never\n{nameless} of-the-second-alone\n"));
    let options = ["--leases", &home, "--leases", &guest, "--hosts-file", &more];
    let after = named(&Served::start("names-after", &options));
    let name = |address: &str| after.iter().find(|host| host.0 == address).expect("it is there").1.clone();
    assert_eq!([name(first), name(second)], ["from-home", "from-guest"], "leases go before hosts files");
    assert_eq!(
        name(third),
        before.iter().find(|host| host.0 == third).unwrap().1,
        "the first file that has it"
    );
    assert_eq!(name(nameless), "of-the-second-alone");
    fs::remove_dir_all(&directory).unwrap();
}

#[test]
fn reverse_dns_is_asked_once_and_its_answers_are_not_trusted() {
    const TEST: &str = "reverse_dns_is_asked_once_and_its_answers_are_not_trusted";
    // The mounts and the network are those of the new namespaces alone, and go with them.
    let script = "ip link set lo up \
        && mount -t tmpfs tmpfs /mnt \
        && echo 'nameserver 127.0.0.1' >/mnt/resolv.conf \
        && echo 'hosts: files dns' >/mnt/nsswitch.conf \
        && mount --bind /mnt/resolv.conf /etc/resolv.conf \
        && mount --bind /mnt/nsswitch.conf /etc/nsswitch.conf \
        || exit 77; \
        exec \"$0\" --exact --ignored --nocapture in_a_namespace_with_a_dns_server";
    let output = Command::new("unshare")
        .args(["--map-root-user", "--net", "--mount", "sh", "-c", script])
        .arg(std::env::current_exe().unwrap())
        .output();
    let Ok(output) = output else {
        return skipped(TEST, "unshare is not installed (Debian: apt-get install util-linux)");
    };
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    match output.status.code() {
        Some(0) => assert!(text.contains("1 passed"), "{text}"),
        Some(77 | 1) => skipped(TEST, &format!("no namespaces here: {}", text.trim())),
        _ => panic!("{text}"),
    }
}

#[test]
#[ignore = "needs the namespace that the test above makes for it"]
fn in_a_namespace_with_a_dns_server() {
    let questions = serve();
    let options = Options { reverse: true, ..Options::none() };
    let names = Names::new(options, Timestamp::default()).unwrap();
    let lookup = |last: u8| names.lookup(Address::from(IpAddr::from([192, 168, 1, last])), Mac::ZERO);
    // The thread works in order: once the last is known, all are.
    for last in [6, 7, 8, 9, 5] {
        assert_eq!(lookup(last), None, "no call waits");
    }
    let deadline = Instant::now() + PATIENCE;
    while lookup(5).is_none() {
        assert!(Instant::now() < deadline, "no answer within {PATIENCE:?}");
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(lookup(5).as_deref(), Some("nas.example"));
    for last in [6, 7, 8, 9] {
        assert_eq!(lookup(last), None, "192.168.1.{last}");
    }
    let mut asked: Vec<String> = questions.try_iter().collect();
    asked.sort();
    assert_eq!(asked, ["5.1.168.192", "6.1.168.192", "7.1.168.192", "8.1.168.192", "9.1.168.192"]);
}

/// Answers PTR questions on 127.0.0.1:53 and passes on what was asked.
fn serve() -> Receiver<String> {
    let socket = UdpSocket::bind("127.0.0.1:53").unwrap();
    let (sender, questions) = mpsc::channel();
    thread::spawn(move || {
        let mut buffer = [0; 512];
        while let Ok((length, client)) = socket.recv_from(&mut buffer) {
            let question = &buffer[..length];
            let name = question_name(question);
            let answer: Option<&[&[u8]]> = match name.as_str() {
                "5.1.168.192" => Some(&[b"nas", b"example"]),
                "6.1.168.192" => Some(&[b"<script>alert(1)</script>"]),
                "7.1.168.192" => Some(&[b"8", b"8", b"8", b"8"]),
                "8.1.168.192" => Some(&[&[b'a'; 60], &[b'b'; 60]]),
                _ => None,
            };
            let _ = sender.send(name);
            socket.send_to(&reply(question, answer), client).unwrap();
        }
    });
    questions
}

/// The labels of the question (RFC 1035, 4.1.2) without `in-addr.arpa`.
fn question_name(message: &[u8]) -> String {
    let mut labels = Vec::new();
    let mut rest = &message[12..];
    while let Some((length, tail)) = rest.split_first().filter(|(length, _)| **length > 0) {
        let (label, tail) = tail.split_at(usize::from(*length));
        labels.push(String::from_utf8_lossy(label));
        rest = tail;
    }
    labels.join(".").trim_end_matches(".in-addr.arpa").to_owned()
}

/// The reply to a question: a PTR record, or that there is no such name.
fn reply(question: &[u8], answer: Option<&[&[u8]]>) -> Vec<u8> {
    let end = 12 + question[12..].iter().position(|byte| *byte == 0).unwrap() + 5;
    let mut reply = question[..2].to_vec();
    reply.extend(if answer.is_some() { [0x81, 0x80, 0, 1, 0, 1] } else { [0x81, 0x83, 0, 1, 0, 0] });
    reply.extend([0; 4]);
    reply.extend(&question[12..end]);
    if let Some(labels) = answer {
        let mut name = Vec::new();
        for label in labels {
            name.push(label.len() as u8);
            name.extend(*label);
        }
        name.push(0);
        // The name asked for, PTR, IN, 60 s.
        reply.extend([0xc0, 12, 0, 12, 0, 1, 0, 0, 0, 60, 0, name.len() as u8]);
        reply.extend(name);
    }
    reply
}
