use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};

use super::super::{Body, Download, Response, Status};
use super::*;
use crate::limits::{WEB_BODY_BYTES_MAX, WEB_PART_BYTES};

#[derive(Default)]
struct Echo {
    /// How often it has put a form off.
    later: u32,
    /// Where it keeps a file.
    upload: PathBuf,
}

impl Handler for Echo {
    fn respond(&mut self, request: &Request<'_>, statistics: &Statistics, page: &mut Page) -> Response {
        let length = match request.path() {
            "/large" => WEB_BODY_BYTES_MAX,
            "/overflow" => WEB_BODY_BYTES_MAX + 1,
            "/statistics" => {
                write!(page, "{statistics:?}").unwrap();
                0
            }
            path => {
                write!(page, "page {path}").unwrap();
                0
            }
        };
        let _ = page.write_bytes(&vec![b'x'; length]);
        Response::live(Status::Ok, "text/plain")
    }

    fn download(&mut self, request: &Request<'_>) -> Option<Download> {
        let parts = request.path().strip_prefix("/download/")?.parse().ok()?;
        Some(Download { media_type: "text/plain", body: Box::new(Parts { parts, is_full: false }) })
    }

    fn takes(&mut self, request: &Request<'_>, _: Instant) -> Takes {
        match request.path() {
            "/form" | "/later" => Takes::Form,
            "/file" => Takes::File(self.upload.clone(), 1 << 20),
            "/nowhere" => Takes::File("/nowhere/upload".into(), 1 << 20),
            "/forbidden" => Takes::Refused(Refusal::Forbidden),
            _ => Takes::Nothing,
        }
    }

    fn act(&mut self, post: &Post<'_>, page: &mut Page) -> Answer {
        if post.request.path() == "/later" && self.later < 3 {
            self.later += 1;
            return Answer::Later(post.client.now + Duration::from_millis(20));
        }
        match post.upload.map(|upload| upload.path().map(|path| std::fs::read(path).unwrap())) {
            Some(None) => write!(page, "too large").unwrap(),
            Some(Some(bytes)) => write!(page, "{} bytes, {} of them x", bytes.len(), count(&bytes)).unwrap(),
            None => write!(page, "form {}, put off {}", post.form.get("a"), self.later).unwrap(),
        }
        Answer::Ready(Response::live(Status::Ok, "text/plain"))
    }
}

fn count(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'x').count()
}

/// Every second part is empty, as when nothing was found yet.
struct Parts {
    parts: usize,
    is_full: bool,
}

impl Body for Parts {
    fn next(&mut self, page: &mut Page) -> bool {
        self.is_full = !self.is_full;
        if self.is_full && self.parts > 0 {
            self.parts -= 1;
            page.write_bytes(&[b'x'; WEB_PART_BYTES]).unwrap();
        }
        self.parts > 0
    }
}

/// A gate on loopback that has yet to run.
fn local_gate() -> Gate {
    let listeners = Listeners::bind(&["127.0.0.1:0".parse().unwrap()], false).unwrap();
    Gate::new(listeners, HostNames::default())
}

/// A gate in a thread of its own, stopped and joined on drop.
struct Running {
    addresses: Vec<SocketAddr>,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<Result<(), String>>>,
    /// Where a file is kept that comes.
    upload: PathBuf,
}

impl Running {
    fn start(addresses: &[&str]) -> Self {
        let addresses: Vec<SocketAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
        let gate = Gate::new(
            Listeners::bind(&addresses, false).unwrap(),
            HostNames::new(&["router.lan".into()]).unwrap(),
        );
        let addresses = gate.listeners.addresses();
        let (stop, stopped) = UnixStream::pair().unwrap();
        let upload = std::env::temp_dir().join(format!("duskwatch-gate-{}", addresses[0].port()));
        let mut echo = Echo { upload: upload.clone(), ..Echo::default() };
        let thread = std::thread::spawn(move || gate.run(&mut echo, stopped.as_fd()));
        Self { addresses, stop: Some(stop), thread: Some(thread), upload }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.addresses[0]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }

    /// Sends text on a connection of its own and reads until the gate closes it.
    fn exchange(&self, text: &str) -> String {
        let mut stream = self.connect();
        stream.write_all(text.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.stop.take());
        assert_eq!(self.thread.take().unwrap().join().unwrap(), Ok(()));
    }
}

/// Notes the paths in the order in which they are answered.
#[derive(Default)]
struct Log(Vec<String>);

impl Handler for Log {
    fn respond(&mut self, request: &Request<'_>, _: &Statistics, _: &mut Page) -> Response {
        self.0.push(request.path().to_string());
        Response::live(Status::Ok, "text/plain")
    }
}

/// A client with this address in 127.0.0.0/8 that asks for a path; accepted by the time it is returned.
fn ask(gate: &mut Gate, address: [u8; 4], path: &str, now: Instant) -> TcpStream {
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddr::from((address, 0))).unwrap();
    rustix::net::connect(&socket, &gate.listeners.addresses()[0]).unwrap();
    let mut client = TcpStream::from(socket);
    write!(client, "GET {path} HTTP/1.1\r\nHost: [::1]\r\n\r\n").unwrap();
    let accepted = gate.statistics.accepted;
    let limit = Instant::now() + Duration::from_secs(10);
    while gate.statistics.accepted == accepted {
        assert!(Instant::now() < limit, "{address:?} was not accepted");
        gate.accept(0, now);
    }
    client
}

#[test]
fn addresses_take_turns() {
    let mut gate = local_gate();
    let mut log = Log::default();
    let start = Instant::now();
    let [later, now] = [1, 2].map(|milliseconds| start + Duration::from_millis(milliseconds));
    let _greedy: Vec<_> = (0..3).map(|_| ask(&mut gate, [127, 0, 0, 2], "/greedy", start)).collect();
    let _modest = ask(&mut gate, [127, 0, 0, 3], "/modest", later);
    assert_eq!(gate.next_page(now), Some(now));
    for _ in 0..4 {
        gate.answer_next(now, &mut log);
    }
    assert_eq!(log.0, ["/greedy", "/modest", "/greedy", "/greedy"]);
    assert_eq!(gate.next_page(now), None);
}

#[test]
fn a_full_gate_has_room_for_an_address_that_has_less() {
    let mut gate = local_gate();
    let now = Instant::now();
    let most = WEB_CONNECTIONS_PER_ADDRESS_MAX;
    let greedy = (0..WEB_CONNECTIONS_MAX).map(|index| [127, 0, 0, 2 + (index / most) as u8]);
    let _greedy: Vec<_> = greedy.map(|address| ask(&mut gate, address, "/", now)).collect();
    assert_eq!((gate.connections.iter().flatten().count(), gate.statistics.evicted), (48, 0));
    // All of them wait for answers, and yet there is room, until everybody has one connection.
    let modest = (0..WEB_CONNECTIONS_MAX as u8).map(|number| [127, 0, 1, number]);
    let _modest: Vec<_> =
        modest.map_while(|address| gate.room(now).map(|_| ask(&mut gate, address, "/", now))).collect();
    assert_eq!(gate.room(now), None);
    let shares =
        gate.connections.iter().flatten().map(Connection::peer).collect::<std::collections::HashSet<_>>();
    assert_eq!((shares.len(), gate.statistics.evicted), (WEB_CONNECTIONS_MAX, 44));
}

#[test]
fn an_address_with_several_downloads_gives_one_up_and_so_does_a_slow_reader() {
    let mut gate = local_gate();
    let start = Instant::now();
    let [greedy, second, third] = [2, 3, 4].map(|last| [127, 0, 0, last]);
    // Who has a download under way after this address has asked for one.
    let mut downloads = |address: [u8; 4], now| {
        let client = ask(&mut gate, address, "/download/100000", now);
        gate.answer_next(now, &mut Echo::default());
        let loading = gate.connections.iter().flatten().filter(|open| open.part_since().is_some());
        let mut addresses: Vec<_> = loading.map(Connection::peer).collect();
        addresses.sort();
        (addresses, gate.statistics.evicted, gate.statistics.refused(Refusal::Busy), client)
    };
    let addresses = |of: &[[u8; 4]]| of.iter().map(|address| IpAddr::from(*address)).collect::<Vec<_>>();
    let mut clients = Vec::new();
    let mut expect = |address, now, of: &[[u8; 4]], evicted, refused| {
        let (loading, is_evicted, is_refused, client) = downloads(address, now);
        clients.push(client);
        assert_eq!((loading, is_evicted, is_refused), (addresses(of), evicted, refused), "{address:?}");
    };
    expect(greedy, start, &[greedy], 0, 0);
    expect(greedy, start, &[greedy, greedy], 0, 0);
    // No more for itself, but another address has its turn at once, and nothing is taken from it.
    expect(greedy, start, &[greedy, greedy], 0, 1);
    expect(second, start, &[greedy, second], 1, 1);
    expect(greedy, start, &[greedy, second], 1, 2);
    // A third one must wait until one of them proves to be slow.
    let now = start + WEB_PART_TIME;
    expect(third, now - Duration::from_millis(1), &[greedy, second], 1, 3);
    expect(third, now, &[second, third], 2, 3);
}

const LAST: &str = "Host: 127.0.0.1\r\nConnection: close\r\n\r\n";

#[test]
fn requests_are_answered_in_order_on_one_connection() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let mut text = String::new();
    for number in 0..40 {
        write!(text, "GET /{number} HTTP/1.1\r\nHost: ROUTER.lan:80\r\n\r\n").unwrap();
    }
    let answer = gate.exchange(&format!("{text}GET /last HTTP/1.1\r\n{LAST}"));
    let pages: Vec<&str> = answer.split("\r\n\r\n").skip(1).collect();
    assert_eq!(pages.len(), 41);
    for (number, page) in pages[..40].iter().enumerate() {
        assert!(page.starts_with(&format!("page /{number}HTTP/1.1 200 OK\r\n")), "{page}");
    }
    assert_eq!(pages[40], "page /last");
    assert_eq!(answer.matches("Connection: keep-alive").count(), 40);
}

#[test]
fn a_slow_reader_gets_a_large_page_whole() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let answer = gate.exchange(&format!("GET /large HTTP/1.1\r\n{LAST}"));
    let body = answer.split_once("\r\n\r\n").unwrap().1;
    assert!(body.len() == WEB_BODY_BYTES_MAX && body.bytes().all(|byte| byte == b'x'));
    let head = gate.exchange(&format!("HEAD /large HTTP/1.1\r\n{LAST}"));
    assert!(head.ends_with("\r\n\r\n") && head.contains(&format!("Content-Length: {WEB_BODY_BYTES_MAX}")));
}

/// The bytes of a body in chunks, which must be whole.
fn unchunk(mut body: &str) -> usize {
    let mut length = 0;
    loop {
        let (size, rest) = body.split_once("\r\n").expect("a size");
        let size = usize::from_str_radix(size, 16).expect("in hex");
        length += size;
        let (chunk, rest) = rest.split_at(size);
        assert!(chunk.bytes().all(|byte| byte == b'x'));
        body = rest.strip_prefix("\r\n").expect("a chunk ends");
        if size == 0 {
            assert_eq!(body, "", "nothing follows the last chunk");
            return length;
        }
    }
}

#[test]
fn a_download_is_as_long_as_it_is() {
    let gate = Running::start(&["127.0.0.1:0"]);
    for parts in [0, 1, 2, 700] {
        let answer = gate.exchange(&format!("GET /download/{parts} HTTP/1.1\r\n{LAST}"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(
            head.contains("\r\nTransfer-Encoding: chunked\r\n") && !head.contains("Content-Length"),
            "{head}"
        );
        assert_eq!(unchunk(body), parts * WEB_PART_BYTES);

        // A client that knows no chunks reads until the end.
        let answer = gate.exchange(&format!("GET /download/{parts} HTTP/1.0\r\n\r\n"));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("Transfer-Encoding") && !head.contains("Content-Length"), "{head}");
        assert!(head.ends_with("Connection: close") && body.len() == parts * WEB_PART_BYTES);
    }
    let head = gate.exchange(&format!("HEAD /download/9 HTTP/1.1\r\n{LAST}"));
    assert!(head.contains("chunked") && head.ends_with("\r\n\r\n"), "{head}");
    // The connection serves another request behind the last chunk.
    let two = format!("GET /download/1 HTTP/1.1\r\nHost: a.b\r\n\r\nGET /after HTTP/1.1\r\n{LAST}");
    let answer = gate.exchange(&two.replace("a.b", "127.0.0.1"));
    assert!(answer.contains("\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n") && answer.ends_with("page /after"));
}

#[test]
fn downloads_take_no_page_from_others_and_there_are_two_at_once() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let request = format!("GET /download/100000 HTTP/1.1\r\n{LAST}");
    let begin = || {
        let mut stream = gate.connect();
        stream.write_all(request.as_bytes()).unwrap();
        let mut first = [0; 1];
        stream.read_exact(&mut first).unwrap();
        stream
    };
    let slow = [begin(), begin()];
    let third = gate.exchange(&request);
    assert!(third.starts_with("HTTP/1.1 503 ") && third.contains("\r\nRetry-After: 10\r\n"), "{third}");
    for _ in 0..20 {
        let answer = gate.exchange(&format!("GET /large HTTP/1.1\r\n{LAST}"));
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.len() > WEB_BODY_BYTES_MAX);
    }
    // Who reads on, if slowly, is served on; who goes away makes room.
    let [mut first, second] = slow;
    first.read_exact(&mut vec![0; 1 << 20]).unwrap();
    drop(second);
    let limit = Instant::now() + Duration::from_secs(10);
    while !gate.exchange(&format!("GET /download/1 HTTP/1.1\r\n{LAST}")).starts_with("HTTP/1.1 200 ") {
        assert!(Instant::now() < limit, "the place of the one that is gone is not free");
    }
    first.read_exact(&mut vec![0; 1 << 20]).unwrap();
}

#[test]
fn a_download_that_nobody_reads_is_given_up() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let mut stream = gate.connect();
    stream.write_all(format!("GET /download/100000 HTTP/1.1\r\n{LAST}").as_bytes()).unwrap();
    let limit = Instant::now() + Duration::from_secs(30);
    while !gate.exchange(&format!("GET /statistics HTTP/1.1\r\n{LAST}")).contains("stalled: 1,") {
        assert!(Instant::now() < limit, "it is not given up");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn refusals_end_the_connection_and_reflect_nothing() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let long = "mark".repeat(1000);
    for (status, text) in [
        (400, "GET mark HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".to_string()),
        (405, "POST /mark HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\nmark".to_string()),
        (413, format!("GET / HTTP/1.1\r\nContent-Length: 1000000000000\r\n{LAST}mark")),
        (421, "GET /mark HTTP/1.1\r\nHost: mark.example\r\n\r\n".to_string()),
        (431, format!("GET /{long} HTTP/1.1\r\n{LAST}")),
        (500, format!("GET /overflow?mark HTTP/1.1\r\n{LAST}")),
        (505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nmark".to_string()),
    ] {
        let answer = gate.exchange(&text);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{text} gave {answer}");
        assert!(answer.contains("Connection: close\r\n\r\n") && !answer.contains("mark"), "{answer}");
    }
    let head = gate.exchange("HEAD / HTTP/1.1\r\nHost: mark.example\r\n\r\n");
    assert!(head.starts_with("HTTP/1.1 421 ") && head.ends_with("\r\n\r\n"), "{head}");
    let statistics = gate.exchange(&format!("GET /statistics HTTP/1.1\r\n{LAST}"));
    assert!(statistics.contains("accepted: 9, requests: 0"), "{statistics}");
    assert!(statistics.contains("refused: [1, 1, 0, 1, 0, 0, 0, 0, 0, 2, 1, 0, 1, 1]"), "{statistics}");
}

#[test]
fn a_client_that_has_finished_sending_is_answered() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let mut stream = gate.connect();
    stream.write_all(b"GET /a HTTP/1.0\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("page /a"), "{answer}");
}

#[test]
fn an_unfinished_head_is_told_so() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let answer = gate.exchange("GET / HTTP/1.1\r\nHost: ");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
}

#[test]
fn patience_ends_with_those_who_neither_ask_nor_read() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let _silent = gate.connect();
    let mut greedy = gate.connect();
    greedy.write_all("GET /large HTTP/1.1\r\nHost: [::1]\r\n\r\n".repeat(20).as_bytes()).unwrap();
    // Most of it does not fit into the kernel's buffers, and nobody reads.
    greedy.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let limit = Instant::now() + Duration::from_secs(30);
    loop {
        let _ = greedy.write(b"GET /large HTTP/1.1\r\nHost: [::1]\r\n\r\n");
        let statistics = gate.exchange(&format!("GET /statistics HTTP/1.1\r\n{LAST}"));
        if statistics.contains("idle: 1, stalled: 1,") {
            break;
        }
        assert!(Instant::now() < limit, "{statistics}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A POST of a body of this type, with more headers.
fn post(path: &str, media_type: &str, body: &str, headers: &str) -> String {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nContent-Type: {media_type}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

const FORM: &str = "application/x-www-form-urlencoded";
const FILE: &str = "multipart/form-data; boundary=B";
const KEEP: &str = "Host: 127.0.0.1\r\n";

#[test]
fn a_form_is_read_to_its_end_and_no_further() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let mut stream = gate.connect();
    let text = post("/form", &format!("{FORM} ; charset=utf-8"), "a=1%262", KEEP)
        + &post("/form", FORM, "", KEEP)
        + &post("/later", FORM, "a=2", KEEP)
        + &format!("GET /next HTTP/1.1\r\n{LAST}");
    let (start, end) = text.split_at(text.find("%26").unwrap());
    stream.write_all(start.as_bytes()).unwrap();
    // The head is looked at by itself.
    std::thread::sleep(Duration::from_millis(20));
    stream.write_all(end.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let bodies: Vec<_> =
        answer.split("HTTP/1.1 200 ").map(|one| one.rsplit("\r\n").next().unwrap()).collect();
    assert_eq!(bodies, ["", "form 1&2, put off 0", "form , put off 0", "form 2, put off 3", "page /next"]);
}

#[test]
fn bodies_that_are_not_taken_are_refused() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let large = format!("a={}", "m".repeat(WEB_FORM_BYTES_MAX));
    let fits = "m".repeat(WEB_FORM_BYTES_MAX);
    let padding = format!("X: {}\r\n{LAST}", "m".repeat(1_500));
    let padding = padding.strip_suffix("\r\n").unwrap();
    let last = LAST.strip_suffix("\r\n").unwrap();
    for (status, text) in [
        (405, post("/", FORM, "mark", last)),
        (403, post("/forbidden", FORM, "mark", last)),
        (415, post("/form", "text/plain", "mark", last)),
        (415, post("/form", FILE, "mark", last)),
        (415, post("/file", FORM, "mark", last)),
        (415, format!("POST /form HTTP/1.1\r\nContent-Length: 4\r\n{LAST}mark")),
        (411, format!("POST /form HTTP/1.1\r\nContent-Type: {FORM}\r\n{LAST}mark")),
        (411, format!("POST /form HTTP/1.1\r\nTransfer-Encoding: chunked\r\n{LAST}4\r\nmark\r\n0\r\n\r\n")),
        (413, post("/form", FORM, &large, last)),
        (413, post("/form", FORM, &fits, padding)),
        (400, post("/form", FORM, "mark=%0", last)),
        (400, post("/form", FORM, "mark=%0a", last)),
        (400, post("/form", FORM, "mark", last).replace("Length: 4", "Length: 4\r\nContent-Length: 5")),
        (507, post("/nowhere", FILE, "mark", last)),
        (408, post("/form", FORM, "mark", last).replace("Length: 4", "Length: 5")),
        (408, post("/file", FILE, "mark", last).replace("Length: 4", "Length: 5")),
    ] {
        let answer = gate.exchange(&text);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{text} gave {answer}");
        assert!(answer.contains("Connection: close\r\n\r\n") && !answer.contains("mark"), "{answer}");
    }
    assert!(!gate.upload.exists());
    let whole = gate.exchange(&post("/form", FORM, &fits, last));
    assert!(whole.starts_with("HTTP/1.1 200 "), "{whole}");
}

#[test]
fn the_sender_of_a_file_that_is_too_large_gets_to_read_the_answer() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let last = LAST.strip_suffix("\r\n").unwrap();
    for bytes in [(1 << 20) + 1, 5 << 20] {
        let answer = gate.exchange(&post("/file", FILE, &"x".repeat(bytes), last));
        assert!(answer.ends_with("\r\n\r\ntoo large"), "{answer}");
    }
}

#[test]
fn files_come_one_at_a_time_and_stay_no_longer_than_their_request() {
    let gate = Running::start(&["127.0.0.1:0"]);
    let last = LAST.strip_suffix("\r\n").unwrap();
    let all = post("/file", FILE, &"x".repeat(300_000), last);
    let (start, end) = all.split_at(all.len() - 100_000);
    let mut first = gate.connect();
    first.write_all(start.as_bytes()).unwrap();
    let limit = Instant::now() + Duration::from_secs(10);
    while !gate.upload.exists() {
        assert!(Instant::now() < limit, "nothing is kept of it");
        std::thread::yield_now();
    }
    let busy = gate.exchange(&post("/file", FILE, "second", last));
    assert!(busy.starts_with("HTTP/1.1 503 "), "{busy}");
    // What follows the body is not of it.
    first.write_all(format!("{end}xxx").as_bytes()).unwrap();
    let mut answer = String::new();
    first.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("300000 bytes, 300000 of them x"), "{answer}");
    assert!(!gate.upload.exists());
    // One that breaks off leaves nothing.
    let mut broken = gate.connect();
    broken.write_all(start.as_bytes()).unwrap();
    drop(broken);
    let limit = Instant::now() + Duration::from_secs(10);
    while !gate.exchange(&post("/file", FILE, "", last)).ends_with("0 bytes, 0 of them x") {
        assert!(Instant::now() < limit, "its place is not free");
    }
    assert!(!gate.upload.exists());
}
