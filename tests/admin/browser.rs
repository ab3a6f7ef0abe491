//! What a browser does with forms, without a browser.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

pub const PASSWORD: &str = "correct horse & battery";

/// The file of the password, as the program makes it but with few iterations: a debug build takes its time.
pub fn password_file(name: &str) -> PathBuf {
    use duskwatch::daemon::admin::password::Password;
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.password"));
    fs::write(&path, format!("{}\n", Password::new(PASSWORD, [7; 16], 1_000))).expect("a file");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("its owner may");
    path
}

/// `duskwatch --hash-password` with this on its standard input.
pub fn hash_password(input: &str) -> std::process::Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_duskwatch"))
        .arg("--hash-password")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built before its tests");
    child.stdin.take().expect("it is piped").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("it ends")
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Response {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.head.lines().skip(1).filter_map(|line| line.split_once(": "));
        headers.find(|(found, _)| found.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).expect("UTF-8")
    }
}

/// Somebody at these pages.
pub struct Browser {
    pub address: SocketAddr,
    /// The cookie's value, once there is one.
    pub cookie: String,
    /// The token of the forms.
    pub token: String,
}

impl Browser {
    pub fn new(address: SocketAddr) -> Self {
        Self { address, cookie: String::new(), token: String::new() }
    }

    /// Somebody who has logged in.
    pub fn logged_in(address: SocketAddr) -> Self {
        let mut browser = Self::new(address);
        let response = browser.log_in(PASSWORD);
        assert_eq!(response.status, 303, "{}", response.head);
        browser
    }

    /// Sends bytes and reads until the connection is closed.
    pub fn send(&self, request: &[u8]) -> Response {
        let mut stream = TcpStream::connect(self.address).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a time-out");
        // What refuses a request need not read all of it.
        let _ = stream.write_all(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").expect("a head ends");
        let head = String::from_utf8(answer[..end].to_vec()).expect("a head is text");
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
        Response { status, head, body: answer[end + 4..].to_vec() }
    }

    /// The headers that a browser would send.
    fn headers(&self) -> String {
        let cookie =
            if self.cookie.is_empty() { String::new() } else { format!("Cookie: {}\r\n", self.cookie) };
        format!("Host: {}\r\nConnection: close\r\n{cookie}", self.address)
    }

    pub fn get(&self, path: &str) -> Response {
        self.send(format!("GET {path} HTTP/1.1\r\n{}\r\n", self.headers()).as_bytes())
    }

    /// Sends a form from our own page.
    pub fn post(&self, path: &str, form: &str) -> Response {
        self.post_from(path, form, &format!("Origin: http://{}\r\n", self.address))
    }

    /// Sends a form with these headers.
    pub fn post_from(&self, path: &str, form: &str, headers: &str) -> Response {
        let head = format!(
            "POST {path} HTTP/1.1\r\n{}{headers}Content-Type: application/x-www-form-urlencoded\r\n\
             Content-Length: {}\r\n\r\n",
            self.headers(),
            form.len()
        );
        self.send((head + form).as_bytes())
    }

    /// Sends a file, as the form for it does.
    pub fn upload(&self, token: &str, file: &[u8]) -> Response {
        let mut body =
            b"------x\r\nContent-Disposition: form-data; name=\"state\"; filename=\"a\"\r\n\r\n".to_vec();
        body.extend(file);
        body.extend(b"\r\n------x--\r\n");
        let head = format!(
            "POST /admin/restore?token={token} HTTP/1.1\r\n{}Content-Type: multipart/form-data; boundary=----x\r\n\
             Content-Length: {}\r\n\r\n",
            self.headers(),
            body.len()
        );
        self.send(&[head.as_bytes(), &body].concat())
    }

    /// Gives a password; takes the cookie and the token if there are any.
    pub fn log_in(&mut self, password: &str) -> Response {
        let response = self.post("/admin/login", &format!("password={}", encode(password)));
        if let Some(cookie) = response.header("Set-Cookie") {
            self.cookie = cookie.split(';').next().unwrap_or_default().to_owned();
            self.token = token(self.get("/admin/").text());
        }
        response
    }

    /// Does something, and returns what the page says of it.
    pub fn act(&self, action: &str, fields: &str) -> String {
        let response = self.post(&format!("/admin/{action}"), &format!("token={}{fields}", self.token));
        assert_eq!(response.status, 303, "{action}: {} {}", response.head, response.text());
        assert_eq!(response.header("Location"), Some("/admin/"));
        self.said()
    }

    /// What the page says of the latest action.
    pub fn said(&self) -> String {
        said(self.get("/admin/").text())
    }

    pub fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.get(path).body).expect("JSON")
    }
}

/// The token of the forms' page.
pub fn token(page: &str) -> String {
    let (_, token) = page.split_once("name=\"token\" value=\"").expect("forms have a token");
    token.split('"').next().unwrap_or_default().to_owned()
}

/// What the forms' page says of the latest action.
pub fn said(page: &str) -> String {
    let (_, said) = page.split_once("role=\"status\">").unwrap_or_else(|| panic!("{page}"));
    said.split("</p>").next().unwrap_or_default().to_owned()
}

/// A form's value.
pub fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}
