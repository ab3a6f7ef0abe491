//! Packets into the dark, and what tshark and the pages then have of them.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::netns::{home_network, lab, wait_until};
use crate::program::Program;
use crate::wire::socket;

/// The body of a response in chunks, which must be whole.
fn download(program: &Program, path: &str) -> Vec<u8> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", program.address);
    let answer = program.inside(|address| {
        let mut stream = TcpStream::connect(address).expect("it listens");
        stream.write_all(request.as_bytes()).expect("it reads");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("it answers");
        answer
    });
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head ends") + 4;
    let head = String::from_utf8_lossy(&answer[..end]);
    assert!(head.starts_with("HTTP/1.1 200 ") && head.contains("chunked"), "{head}");
    let mut rest = &answer[end..];
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|part| part == b"\r\n").expect("a size");
        let size = usize::from_str_radix(str::from_utf8(&rest[..end]).expect("text"), 16).expect("in hex");
        if size == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[end + 2 + size + 2..];
    }
}

/// What tshark prints of a file with these arguments, a line for each packet.
fn tshark(file: &[u8], arguments: &[&str]) -> Vec<String> {
    let mut child = Command::new("tshark")
        .args(["-r", "-"])
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("tshark is there");
    child.stdin.take().expect("it is piped").write_all(file).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success(), "tshark ended with {}", output.status);
    String::from_utf8(output.stdout).expect("text").lines().map(str::to_owned).collect()
}

/// Packets that the dark has seen and those that are kept, by the pages.
fn counts(program: &Program) -> (u64, u64) {
    let darknet = program.json("/api/v1/darknet")["darknet"]["total"]["packets"].as_u64().expect("a number");
    let about = program.json("/api/v1/about");
    (darknet, about["evidence"]["packets"].as_u64().expect("a number"))
}

#[test]
fn every_packet_into_the_dark_is_evidence() {
    let Some(lab) = lab("every_packet_into_the_dark_is_evidence", home_network) else { return };
    let directory = std::env::temp_dir().join(format!("duskwatch-live-evidence-{}", std::process::id()));
    let path = directory.to_str().expect("UTF-8");
    let options = ["-i", "br-lan", "-i", "wan0=wan", "--dark", "10.9.0.0/16", "--evidence", path];
    let mut program = Program::start(&lab, "router", &options);
    lab.ip("router", "route add unreachable 10.9.0.0/16");
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let two = socket(&lab, "two", "0.0.0.0:5000");
    // One is a scanner by the fourth address, the other is not.
    for host in 1..=40 {
        let _ = one.send_to(b"anybody there?", format!("10.9.1.{host}:{}", 1000 + u16::from(host as u8)));
    }
    for _ in 0..5 {
        let _ = two.send_to(b"=me too", "10.9.2.1:23");
    }
    wait_until("all packets are seen", || counts(&program).0 == 45);
    wait_until("all packets are kept", || counts(&program).1 == 45);

    let fields = ["-T", "fields", "-e", "ip.src", "-e", "udp.dstport", "-e", "frame.comment"];
    let packets = tshark(&download(&program, "/darknet/evidence.pcapng"), &fields);
    assert_eq!(packets.len(), 45, "{packets:#?}");
    let of = |source: &str| packets.iter().filter(|line| line.starts_with(source)).collect::<Vec<_>>();
    let (scanner, other) = (of("192.168.77.11"), of("192.168.77.12"));
    assert_eq!((scanner.len(), other.len()), (40, 5));
    for (port, line) in (1001..).zip(scanner) {
        let words = "signature=\"packet to a dark address\" category=other verdict=alert";
        assert_eq!(*line, format!("192.168.77.11\t{port}\t{words}"));
    }
    assert!(other[0].ends_with("verdict=none"), "{other:?}");

    // The way that the source's page shows.
    let source = program.json("/api/v1/darknet/192.168.77.12");
    let link = source["source"]["evidence"].as_str().expect("a link");
    let page = program.get("/darknet/192.168.77.12/").body;
    assert!(page.contains(&format!("<a href=\"{link}\">")), "{page}");
    let some = download(&program, link);
    assert_eq!(tshark(&some, &[]).len(), 5);
    assert_eq!(tshark(&some, &["-Y", "ip.src == 192.168.77.12"]).len(), 5);
    assert_eq!(tshark(&some, &["-Y", "frame.interface_name == \"br-lan\""]).len(), 5);
    assert_eq!(tshark(&download(&program, "/darknet/evidence.pcapng?to=5"), &[]).len(), 0);
    let page = program.get("/darknet/").body;
    for file in ["evidence.pcapng", "export.csv", "export.sql", "export.jsonl"] {
        assert!(page.contains(&format!("<a href=\"/darknet/{file}\">")), "{file}: {page}");
        assert!(!download(&program, &format!("/darknet/{file}")).is_empty(), "{file}");
    }
    let csv =
        String::from_utf8(download(&program, "/darknet/export.csv?source=192.168.77.12")).expect("text");
    assert_eq!(csv.lines().count(), 6, "{csv}");
    let sql = download(&program, "/darknet/export.sql");
    assert!(sql.ends_with(b"COMMIT;\n") && sql.starts_with(b"BEGIN;\n"));
    assert_eq!(program.get("/darknet/evidence.pcapng?source=nobody").status(), 400);
    assert_eq!(program.get("/darknet/evidence.pcapng?from=-1").status(), 400);
    assert!(program.get("/about/").body.contains("Packets kept as evidence"));

    // Killed in the middle of its work, the next run goes on.
    let _ = two.send_to(b"last words", "10.9.2.1:24");
    wait_until("it is kept", || counts(&program).1 == 46);
    program.end(Signal::KILL);
    let program = Program::start(&lab, "router", &options);
    assert_eq!(tshark(&download(&program, "/darknet/evidence.pcapng"), &[]).len(), 46);
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &fs::metadata(&directory).expect("it is there").permissions(),
    );
    assert_eq!(mode & 0o777, 0o700);
    drop(program);
    fs::remove_dir_all(&directory).expect("it is there");
}

#[test]
fn without_a_directory_there_is_no_evidence() {
    let Some(lab) = lab("without_a_directory_there_is_no_evidence", home_network) else { return };
    let program = Program::start(&lab, "router", &["-i", "br-lan", "--dark", "10.9.0.0/16"]);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let _ = one.send_to(b"anybody there?", "10.9.1.1:9");
    wait_until("it is seen", || program.get("/darknet/192.168.77.11/").status() == 200);
    let page = program.get("/darknet/192.168.77.11/").body;
    assert!(page.contains("--evidence DIRECTORY") && !page.contains("evidence.pcapng"), "{page}");
    assert!(program.json("/api/v1/darknet/192.168.77.11")["source"]["evidence"].is_null());
    for path in ["/darknet/evidence.pcapng", "/darknet/export.csv", "/darknet/export.xml"] {
        assert_eq!(program.get(path).status(), 404, "{path}");
    }
    assert!(program.json("/api/v1/about")["evidence"].is_null());
}
