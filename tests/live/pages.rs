//! The pages as HTTP: what is there, what is not, and what stands above it.

use serde_json::Value;

use crate::ROUTER;
use crate::netns::{home_network, lab, wait_until};
use crate::program::{Program, Response};
use crate::wire::{exchange, hosts, socket};

/// Pages and their twins in JSON.
const PAGES: [(&str, &str); 6] = [
    ("/", "/api/v1/summary"),
    ("/hosts/", "/api/v1/hosts"),
    ("/hosts/192.168.77.11/", "/api/v1/hosts/192.168.77.11"),
    ("/ports/", "/api/v1/ports"),
    ("/protocols/", "/api/v1/protocols"),
    ("/about/", "/api/v1/about"),
];

fn check_headers(path: &str, response: &Response) {
    let header = |name: &str| response.header(name).unwrap_or_else(|| panic!("{path} lacks {name}"));
    let policy = header("Content-Security-Policy");
    assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    assert_eq!(header("X-Content-Type-Options"), "nosniff", "{path}");
    assert_eq!(header("Referrer-Policy"), "same-origin", "{path}");
    assert_eq!(header("Cross-Origin-Resource-Policy"), "same-origin", "{path}");
}

#[test]
fn every_page_and_its_twin_are_there() {
    let Some(lab) = lab("every_page_and_its_twin_are_there", home_network) else { return };
    let program = Program::start(&lab, "router", &ROUTER);
    let one = socket(&lab, "one", "0.0.0.0:5000");
    let server = socket(&lab, "server", "0.0.0.0:5000");
    exchange(&one, &server, "10.99.0.2:5000", 10, 100);
    wait_until("it is seen", || hosts(&program, "wan0").len() == 2 && hosts(&program, "br-lan").len() == 2);

    for (page, twin) in PAGES {
        let (html, json) = (program.get(page), program.get(twin));
        assert_eq!((html.status(), json.status()), (200, 200), "{page}");
        check_headers(page, &html);
        check_headers(twin, &json);
        assert_eq!(html.header("Content-Type"), Some("text/html; charset=utf-8"));
        assert!(html.body.starts_with("<!DOCTYPE html>") && html.body.ends_with("</html>\n"), "{page}");
        assert_eq!(json.header("Content-Type"), Some("application/json"));
        let json: Value = serde_json::from_str(&json.body).unwrap_or_else(|error| panic!("{twin}: {error}"));
        assert_eq!(json["schema"], 1, "{twin}");
        assert_eq!(json["interface"], "br-lan", "{twin}: the LAN comes first");
        for path in [page, twin] {
            let head = program
                .request(&format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
            assert_eq!((head.status(), head.body.as_str()), (200, ""), "{path}");
            check_headers(path, &head);
        }
    }
    // Behind NAT the client is not to be seen on the other side.
    assert_eq!(program.get("/hosts/10.99.0.1/?interface=wan0").status(), 200);
    assert_eq!(program.get("/hosts/192.168.77.11/?interface=wan0").status(), 404);
    check_metrics(&program.get("/metrics"));
}

fn check_metrics(response: &Response) {
    assert_eq!(response.status(), 200);
    check_headers("/metrics", response);
    assert_eq!(response.header("Content-Type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    for interface in ["br-lan", "wan0"] {
        assert!(response.body.contains(&format!("interface=\"{interface}\"")), "{interface}");
    }
}

#[test]
fn what_is_not_there_is_refused_without_an_echo() {
    let Some(lab) = lab("what_is_not_there_is_refused_without_an_echo", home_network) else { return };
    let program = Program::start(&lab, "router", &ROUTER);
    let missing = [
        "/x7q9",
        "/hosts/x7q9/",
        "/hosts/203.0.113.77/",
        "/api/v1/x7q9",
        "/api/v1/hosts/203.0.113.77",
        "/?interface=x7q9",
        "/api/v1/hosts?interface=x7q9",
        "/%3Cscript%3Ex7q9",
        "/../../etc/passwd",
    ];
    for path in missing {
        let response = program.get(path);
        assert_eq!(response.status(), 404, "{path}");
        check_headers(path, &response);
        for echo in ["x7q9", "203.0.113.77", "<script>", "passwd"] {
            assert!(!response.head.contains(echo) && !response.body.contains(echo), "{path}: {response:?}");
        }
    }

    // A stranger's name that leads to the router's address, as in DNS rebinding.
    let asked_as =
        |host: &str| program.request(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"));
    for host in ["x7q9.example", "x7q9.example:667", "127.0.0.1.x7q9.example"] {
        let response = asked_as(host);
        assert!((400..500).contains(&response.status()), "{host}: {}", response.head);
        assert!(!response.head.contains("x7q9") && !response.body.contains("x7q9"), "{response:?}");
    }
    for host in ["localhost", "127.0.0.1:1234", "[::1]"] {
        assert_eq!(asked_as(host).status(), 200, "{host}");
    }
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE"] {
        let response =
            program.request(&format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        assert_eq!((response.status(), response.header("Allow")), (405, Some("GET, HEAD")), "{method}");
    }
}
