//! What goes back: a bounded page, the headers above it, and the short pages of refusals.

use std::fmt;
use std::io::{self, Write as _};

use tiny_http::{HTTPVersion, Header, StatusCode};

use super::Body;
use super::gzip;
use super::request::{Method, Refusal, Request};
use crate::limits::{
    LOGIN_WINDOW, WEB_BODY_BYTES_MAX, WEB_GZIP_BYTES_MIN, WEB_PART_BYTES, WEB_RESPONSE_HEAD_BYTES_MAX,
    WEB_RETRY_SECONDS,
};

/// What a browser may load and run: only what the page's own origin serves, and nothing inline.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; \
     img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const PLAIN_TEXT: &str = "text/plain; charset=utf-8";

/// How a request that reached the handler went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The page follows (200).
    Ok,
    /// A parameter of the query makes no sense (400).
    BadRequest,
    /// There is no such page (404).
    NotFound,
    /// It was done, or not; another page tells (303).
    SeeOther,
    /// Not without the password (403).
    Forbidden,
}

impl Status {
    const fn code(self) -> u16 {
        match self {
            Self::Ok => 200,
            Self::BadRequest => 400,
            Self::NotFound => 404,
            Self::SeeOther => 303,
            Self::Forbidden => 403,
        }
    }
}

/// How long a browser may keep a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cache {
    /// Not at all: it shows the present.
    Never,
    /// That many seconds.
    Seconds(u32),
}

/// What stands above a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// How it went.
    pub status: Status,
    /// The media type with its character set, in ASCII.
    pub media_type: &'static str,
    /// How long it may be kept.
    pub cache: Cache,
    /// The version of the body, if it has one: a browser that has it is told so instead of sent it.
    pub version: Option<u64>,
    /// The body is in the reader's language.
    pub by_language: bool,
    /// More headers; short ones, of our own making.
    pub headers: Vec<(&'static str, String)>,
}

impl Response {
    /// A response that is made anew for each request.
    pub const fn live(status: Status, media_type: &'static str) -> Self {
        Self {
            status,
            media_type,
            cache: Cache::Never,
            version: None,
            by_language: false,
            headers: Vec::new(),
        }
    }
}

/// An answer that is made while it is sent.
pub struct Download {
    /// The media type.
    pub media_type: &'static str,
    /// What makes it.
    pub body: Box<dyn Body + Send>,
}

/// A download's body on its way.
pub(super) struct Parts {
    body: Box<dyn Body + Send>,
    /// In chunks, so that the client sees whether it is whole; else it ends with the connection.
    chunked: bool,
}

/// One response in memory: a body of at most `WEB_BODY_BYTES_MAX` bytes, written by `fmt::Write`,
/// and room for its head right before it, so that both leave in one piece. Allocated once and reused.
pub struct Page {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    overflowed: bool,
    /// The body is a gzip member.
    compressed: bool,
}

/// Where the body begins.
const BODY: usize = WEB_RESPONSE_HEAD_BYTES_MAX;

/// What may come behind the last chunk's bytes: its end, and the end of all chunks (RFC 9112, section 7.1).
const CHUNK_END: &[u8] = b"\r\n";
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl Page {
    /// An empty page. Its memory becomes resident as it is used.
    pub fn new() -> Self {
        Self::with_room(WEB_BODY_BYTES_MAX)
    }

    /// An empty page for one part of a download.
    pub(super) fn for_parts() -> Self {
        Self::with_room(WEB_PART_BYTES + CHUNK_END.len() + LAST_CHUNK.len())
    }

    fn with_room(bytes: usize) -> Self {
        let bytes = vec![0; BODY + bytes].into_boxed_slice();
        Self { bytes, start: BODY, end: BODY, overflowed: false, compressed: false }
    }

    /// True for a page that is for parts of downloads.
    pub(super) fn is_for_parts(&self) -> bool {
        self.bytes.len() < BODY + WEB_BODY_BYTES_MAX
    }

    /// Bytes that fit into what is still free of a part.
    pub fn room(&self) -> usize {
        (BODY + WEB_PART_BYTES).saturating_sub(self.end)
    }

    /// Empties the page.
    pub fn clear(&mut self) {
        self.start = BODY;
        self.end = BODY;
        self.overflowed = false;
        self.compressed = false;
    }

    /// Appends bytes, such as an image; fails if they do not fit, and then none of them is written
    /// and the page counts as run over.
    pub fn write_bytes(&mut self, bytes: &[u8]) -> fmt::Result {
        match self.bytes.get_mut(self.end..self.end + bytes.len()) {
            Some(free) if !self.overflowed => {
                free.copy_from_slice(bytes);
                self.end += bytes.len();
                Ok(())
            }
            _ => {
                self.overflowed = true;
                Err(fmt::Error)
            }
        }
    }

    /// Writes a body that is a gzip member already, for a client that takes it.
    pub fn write_compressed(&mut self, bytes: &[u8]) -> fmt::Result {
        self.compressed = true;
        self.write_bytes(bytes)
    }

    /// The body written so far.
    pub fn body(&self) -> &[u8] {
        &self.bytes[BODY..self.end]
    }

    /// True if something did not fit.
    pub fn has_overflowed(&self) -> bool {
        self.overflowed
    }

    /// Completes the page into what is sent: the handler's response to this request.
    pub(super) fn complete(&mut self, response: &Response, request: &Request<'_>, keep_alive: bool) {
        // Before anything is left out, since what would be sent to others is announced in any case.
        let is_compressed = self.compressed || request.accepts_gzip && self.compress();
        let tag = response.version.map(|version| format!("\"{version:016x}\""));
        let is_known =
            response.status == Status::Ok && tag.as_ref().is_some_and(|tag| request.has_version(tag));
        let cache = match response.cache {
            Cache::Never => "no-store".to_string(),
            Cache::Seconds(seconds) => format!("max-age={seconds}"),
        };
        // Weak: the same version is sent in either coding (RFC 9110, section 8.8.1).
        let weak_tag = tag.map(|tag| format!("W/{tag}"));
        let mut headers = vec![
            ("Content-Type", response.media_type),
            ("Cache-Control", &cache),
            ("Vary", "Accept-Encoding"),
        ];
        headers.extend(weak_tag.as_ref().map(|tag| ("ETag", tag.as_str())));
        headers.extend(response.headers.iter().map(|(name, value)| (*name, value.as_str())));
        if is_compressed {
            headers.push(("Content-Encoding", "gzip"));
        }
        if response.by_language {
            headers.push(("Vary", "Accept-Language"));
        }
        let code = if is_known { 304 } else { response.status.code() };
        self.put_head(code, &headers, Length::Bytes(self.end - BODY), keep_alive);
        if is_known || request.method == Method::Head {
            self.end = BODY;
        }
    }

    /// Compresses the body into what is free behind it, then moves it to the front. False, and the body is as it
    /// was, if it is not worth it or does not fit.
    fn compress(&mut self) -> bool {
        let (body, free) = self.bytes[BODY..].split_at_mut(self.end - BODY);
        if body.len() < WEB_GZIP_BYTES_MIN {
            return false;
        }
        // No longer than the body is.
        let room = free.len().min(body.len());
        let Some(length) = gzip::compress(body, &mut free[..room]) else { return false };
        self.bytes.copy_within(self.end..self.end + length, BODY);
        self.end = BODY + length;
        true
    }

    /// Begins a download: puts its head in place, and returns its parts unless the request is for the head alone.
    pub(super) fn begin(
        &mut self,
        download: Download,
        method: Method,
        takes_chunks: bool,
        keep_alive: bool,
    ) -> Option<Parts> {
        self.clear();
        let headers = [("Content-Type", download.media_type), ("Cache-Control", "no-store")];
        let length = if takes_chunks { Length::Chunked } else { Length::UntilClosed };
        self.put_head(200, &headers, length, keep_alive);
        let parts = Parts { body: download.body, chunked: takes_chunks };
        (method == Method::Get).then_some(parts)
    }

    /// Replaces the page, all of which is sent, by the next part of a download; false if it was the last.
    pub(super) fn put_part(&mut self, parts: &mut Parts) -> bool {
        self.clear();
        let has_more = parts.body.next(self);
        let length = self.end - BODY;
        if parts.chunked && length > 0 {
            let mut size = [0; 16];
            let mut rest = &mut size[..];
            // It fits: sixteen bytes are more than any size takes.
            let _ = write!(rest, "{length:x}\r\n");
            let unused = rest.len();
            let size = &size[..size.len() - unused];
            self.start = BODY - size.len();
            self.bytes[self.start..BODY].copy_from_slice(size);
            let _ = self.write_bytes(CHUNK_END);
        }
        if parts.chunked && !has_more {
            let _ = self.write_bytes(LAST_CHUNK);
        }
        has_more
    }

    /// Replaces the page by a refusal, which says nothing of the request. The connection ends with it.
    pub(super) fn refuse(&mut self, refusal: Refusal, with_body: bool) {
        let (code, text) = refusal_text(refusal);
        self.clear();
        // It fits: the page is empty.
        let _ = self.write_bytes(text.as_bytes());
        let mut headers = vec![("Content-Type", PLAIN_TEXT), ("Cache-Control", "no-store")];
        if refusal == Refusal::Method {
            headers.push(("Allow", "GET, HEAD"));
        }
        let seconds = match refusal {
            Refusal::TooMany => LOGIN_WINDOW.as_secs() as u32,
            _ => WEB_RETRY_SECONDS,
        };
        let seconds = seconds.to_string();
        if let Refusal::Busy | Refusal::TooMany = refusal {
            headers.push(("Retry-After", &seconds));
        }
        self.put_head(code, &headers, Length::Bytes(self.end - BODY), false);
        if !with_body {
            self.end = BODY;
        }
    }

    /// What is left to send.
    pub(super) fn unsent(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Counts bytes as sent.
    pub(super) fn mark_sent(&mut self, bytes: usize) {
        self.start = (self.start + bytes).min(self.end);
    }

    /// Puts the head right before the body.
    fn put_head(&mut self, code: u16, headers: &[(&str, &str)], length: Length, keep_alive: bool) {
        let mut head = [0; WEB_RESPONSE_HEAD_BYTES_MAX];
        // A head that does not fit cannot be made from what this file puts in; if it ever were, the
        // connection would end without a byte.
        let length = print_head(&mut head, code, headers, length, keep_alive).unwrap_or(0);
        self.start = BODY - length;
        self.bytes[self.start..BODY].copy_from_slice(&head[..length]);
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Write for Page {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.write_bytes(text.as_bytes())
    }
}

/// The headers of every response.
const COMMON_HEADERS: [(&str, &str); 5] = [
    ("Server", "duskwatch"),
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("X-Content-Type-Options", "nosniff"),
    // To no other site. Without it for our own, browsers would send forms with `Origin: null`.
    ("Referrer-Policy", "same-origin"),
    // No other site's page gets them into its memory, not even as an image.
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// How a client knows where a body ends.
#[derive(Clone, Copy)]
enum Length {
    /// It has so many bytes.
    Bytes(usize),
    /// It is in chunks.
    Chunked,
    /// It ends with the connection.
    UntilClosed,
}

/// Has tiny_http print the head, and adds the one header that it leaves out. Returns the length in
/// bytes; fails if there is no room.
fn print_head(
    head: &mut [u8],
    code: u16,
    headers: &[(&str, &str)],
    length: Length,
    keep_alive: bool,
) -> io::Result<usize> {
    let headers = headers.iter().chain(&COMMON_HEADERS);
    let headers = headers.filter_map(|(name, value)| Header::from_bytes(*name, *value).ok()).collect();
    let body_length = match length {
        Length::Bytes(bytes) => Some(bytes),
        Length::Chunked | Length::UntilClosed => None,
    };
    let mut cursor = io::Cursor::new(&mut *head);
    // Without the threshold a large body would be announced as chunked; without the length, too.
    tiny_http::Response::new(StatusCode(code), headers, io::empty(), body_length, None)
        .with_chunked_threshold(usize::MAX)
        .raw_print(&mut cursor, HTTPVersion(1, 1), &[], true, None)?;
    // The empty line that ends the head moves behind our header.
    let mut end = (cursor.position() as usize).saturating_sub(2);
    if let Length::UntilClosed = length {
        end = without(&mut head[..end], b"Transfer-Encoding: chunked\r\n");
    }
    let mut rest = head.get_mut(end..).unwrap_or_default();
    let room = rest.len();
    let connection = if keep_alive { "keep-alive" } else { "close" };
    write!(rest, "Connection: {connection}\r\n\r\n")?;
    Ok(end + room - rest.len())
}

/// Takes a line out of a head, if it is there, and says how long the rest is.
fn without(head: &mut [u8], line: &[u8]) -> usize {
    let Some(start) = head.windows(line.len()).position(|part| part == line) else { return head.len() };
    head.copy_within(start + line.len().., start);
    head.len() - line.len()
}

const fn refusal_text(refusal: Refusal) -> (u16, &'static str) {
    match refusal {
        Refusal::Malformed => (400, "This is not a request that duskwatch understands.\n"),
        Refusal::Method => (405, "This only shows: it answers GET and HEAD.\n"),
        Refusal::Timeout => (408, "The request did not arrive in time.\n"),
        Refusal::Body => (413, "The request has a body where none is taken, or a larger one than is.\n"),
        Refusal::Length => (411, "The request does not say in advance how long its body is.\n"),
        Refusal::MediaType => (415, "This takes another type of body.\n"),
        Refusal::Forbidden => (
            403,
            "Not done: the session is over, or this did not come from the page of its form. Log in again.\n",
        ),
        Refusal::TooMany => (429, "There were too many wrong passwords. Try again in a minute.\n"),
        Refusal::Storage => {
            (507, "Not done: the directory of the state has no room or cannot be written to.\n")
        }
        Refusal::Host => (
            421,
            "This page was asked for under a name that duskwatch does not know. A web site that points its\n\
             own name at this address could read the page that way, so it is not shown. Use the address\n\
             itself, or start duskwatch with --host-name NAME to allow the name.\n",
        ),
        Refusal::HeadTooLarge => (431, "The head of the request is too large.\n"),
        Refusal::Busy => (503, "As many transfers are under way as there may be. Try again in a while.\n"),
        Refusal::ResponseTooLarge => (500, "The response is too large: ask for fewer rows.\n"),
        Refusal::Version => (505, "duskwatch speaks HTTP/1.0 and HTTP/1.1.\n"),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::super::request::{Parsed, parse};
    use super::*;

    fn complete(page: &mut Page, response: &Response, head: &str) -> String {
        let Parsed::Complete(request, _) = parse(head.as_bytes()) else { panic!("{head:?}") };
        page.complete(response, &request, request.keep_alive);
        String::from_utf8(page.unsent().to_vec()).unwrap()
    }

    fn has_line(text: &str, line: &str) -> bool {
        text.split("\r\n\r\n").next().unwrap().split("\r\n").any(|other| other == line)
    }

    /// A second may begin between two answers.
    fn without_date(text: &str) -> String {
        let lines = text.split("\r\n").filter(|line| !line.starts_with("Date:"));
        lines.collect::<Vec<_>>().join("\r\n")
    }

    #[test]
    fn a_page_and_its_head() {
        let mut page = Page::new();
        write!(page, "<p>{}</p>", 7).unwrap();
        let response = Response::live(Status::Ok, "text/html; charset=utf-8");
        let text = complete(&mut page, &response, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("\r\n\r\n<p>7</p>"), "{text}");
        for line in [
            "Content-Type: text/html; charset=utf-8",
            "Content-Length: 8",
            "Cache-Control: no-store",
            "Server: duskwatch",
            "X-Content-Type-Options: nosniff",
            "Referrer-Policy: same-origin",
            "Cross-Origin-Resource-Policy: same-origin",
            "Connection: keep-alive",
        ] {
            assert!(has_line(&text, line), "{line} is not in {text}");
        }
        assert!(has_line(&text, &format!("Content-Security-Policy: {CONTENT_SECURITY_POLICY}")));
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
    }

    #[test]
    fn head_announces_what_get_sends() {
        let response = Response::live(Status::NotFound, PLAIN_TEXT);
        let answer = |method: &str| {
            let mut page = Page::new();
            page.write_str(&"x".repeat(100_000)).unwrap();
            complete(&mut page, &response, &format!("{method} / HTTP/1.0\r\n\r\n"))
        };
        let (get, head) = (answer("GET"), answer("HEAD"));
        assert!(head.ends_with("\r\n\r\n") && has_line(&head, "Content-Length: 100000"));
        assert!(has_line(&head, "Connection: close"));
        assert_eq!(without_date(&get), format!("{}{}", without_date(&head), "x".repeat(100_000)));
    }

    #[test]
    fn a_known_version_is_not_sent_again() {
        let response = Response {
            cache: Cache::Seconds(3600),
            version: Some(0xabc),
            ..Response::live(Status::Ok, "text/css")
        };
        let mut page = Page::new();
        page.write_bytes(b"p{}").unwrap();
        let text = complete(
            &mut page,
            &response,
            "GET / HTTP/1.1\r\nHost: a\r\nIf-None-Match: \"0000000000000abc\"\r\n\r\n",
        );
        assert!(text.starts_with("HTTP/1.1 304 ") && text.ends_with("\r\n\r\n"), "{text}");
        assert!(has_line(&text, "Content-Length: 3") && has_line(&text, "Cache-Control: max-age=3600"));
        assert!(has_line(&text, "Vary: Accept-Encoding"));
        page.clear();
        page.write_bytes(b"p{}").unwrap();
        let text = complete(&mut page, &response, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        assert!(text.starts_with("HTTP/1.1 200 ") && has_line(&text, "ETag: W/\"0000000000000abc\""));
    }

    #[test]
    fn who_takes_gzip_gets_it_where_it_is_shorter() {
        let response = Response::live(Status::Ok, PLAIN_TEXT);
        let answer = |body: &[u8], head: &str| {
            let mut page = Page::new();
            page.write_bytes(body).unwrap();
            let Parsed::Complete(request, _) = parse(head.as_bytes()) else { panic!("{head:?}") };
            page.complete(&response, &request, request.keep_alive);
            let length = page.body().len();
            let head = page.unsent().strip_suffix(page.body()).unwrap();
            (String::from_utf8(head.to_vec()).unwrap(), length)
        };
        const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n";
        let rows = b"<tr><td>0</td></tr>\n".repeat(2_000);
        let (head, length) = answer(&rows, GET);
        assert!(
            has_line(&head, "Content-Encoding: gzip") && has_line(&head, "Vary: Accept-Encoding"),
            "{head}"
        );
        assert!(length < 600 && has_line(&head, &format!("Content-Length: {length}")), "{head}");
        // The head of the same, without it.
        let (head_only, none) = answer(&rows, &GET.replace("GET", "HEAD"));
        assert_eq!((without_date(&head_only), none), (without_date(&head), 0));
        // Whoever does not take it, what is too short, and what would become longer.
        let noise: Vec<u8> =
            (0..4_000u32).map(|n| (n * n).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        let full = b"x".repeat(WEB_BODY_BYTES_MAX);
        for (body, head) in [
            (&rows[..], "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
            (&rows[..WEB_GZIP_BYTES_MIN - 1], GET),
            (&noise, GET),
            (&full, GET),
        ] {
            let (head, length) = answer(body, head);
            assert!(!head.contains("gzip") && has_line(&head, "Vary: Accept-Encoding"), "{head}");
            assert_eq!(length, body.len());
        }
    }

    #[test]
    fn a_page_is_bounded() {
        let mut page = Page::new();
        page.write_bytes(&vec![b'x'; WEB_BODY_BYTES_MAX]).unwrap();
        assert!(!page.has_overflowed());
        assert!(page.write_char('y').is_err() && page.has_overflowed());
        assert_eq!(page.body().len(), WEB_BODY_BYTES_MAX);
        page.clear();
        assert!(page.write_char('y').is_ok() && !page.has_overflowed());
        assert_eq!(page.body(), b"y");
        // What is written after the loss must not look as if nothing had been lost.
        assert!(page.write_bytes(&vec![b'x'; WEB_BODY_BYTES_MAX]).is_err());
        assert!(page.write_char('z').is_err());
    }

    #[test]
    fn refusals_are_complete_responses() {
        let mut page = Page::new();
        for refusal in Refusal::ALL {
            page.write_str("left over").unwrap();
            page.refuse(refusal, true);
            let text = String::from_utf8(page.unsent().to_vec()).unwrap();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with(&format!("HTTP/1.1 {} ", refusal_text(refusal).0)), "{head}");
            assert!(has_line(&text, &format!("Content-Length: {}", body.len())));
            assert!(has_line(&text, "Connection: close") && body.ends_with(".\n"));
            assert_eq!(has_line(&text, "Allow: GET, HEAD"), refusal == Refusal::Method);
            assert_eq!(has_line(&text, "Retry-After: 10"), refusal == Refusal::Busy);
            assert_eq!(has_line(&text, "Retry-After: 60"), refusal == Refusal::TooMany);
            page.refuse(refusal, false);
            assert!(page.unsent().ends_with(b"\r\n\r\n"));
        }
    }
}
