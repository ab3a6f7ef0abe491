//! The request head: what a client asks for, or why it is refused (RFC 9110, RFC 9112).

use std::borrow::Cow;

use crate::limits::{WEB_HEAD_BYTES_MAX, WEB_HEADERS_MAX};
use crate::view::languages::{LANGUAGES, Language};

/// The methods that are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The page.
    Get,
    /// What would stand above the page.
    Head,
    /// Something is to be done. Few paths take it.
    Post,
}

/// Why a request gets no answer from the handler. Each is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Refusal {
    /// Not HTTP, or a target that cannot be decoded, or not exactly one Host (400).
    Malformed,
    /// Another method than GET or HEAD, or POST where nothing takes it (405).
    Method,
    /// The head did not arrive in time (408).
    Timeout,
    /// A body was announced where there is none, or a larger one than may be (413).
    Body,
    /// The length of a body was not announced (411).
    Length,
    /// A body of another type than its path takes (415).
    MediaType,
    /// Nobody who may do this, or from a page that is none of ours (403).
    Forbidden,
    /// More wrong passwords than may be (429).
    TooMany,
    /// What was sent cannot be kept (507).
    Storage,
    /// Asked for under a name that is not ours: perhaps DNS rebinding (421).
    Host,
    /// The head is longer than the buffer or has too many lines (431).
    HeadTooLarge,
    /// As many downloads are under way as there may be (503).
    Busy,
    /// The response does not fit into a page (500).
    ResponseTooLarge,
    /// Neither HTTP/1.0 nor HTTP/1.1 (505).
    Version,
}

impl Refusal {
    /// All refusals, in the order of their counters.
    pub const ALL: [Self; 14] = [
        Self::Malformed,
        Self::Method,
        Self::Timeout,
        Self::Body,
        Self::Length,
        Self::MediaType,
        Self::Forbidden,
        Self::TooMany,
        Self::Storage,
        Self::Host,
        Self::HeadTooLarge,
        Self::Busy,
        Self::ResponseTooLarge,
        Self::Version,
    ];

    /// The name that reports use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Method => "method",
            Self::Timeout => "timeout",
            Self::Body => "body",
            Self::Length => "length",
            Self::MediaType => "media_type",
            Self::Forbidden => "forbidden",
            Self::TooMany => "too_many",
            Self::Storage => "storage",
            Self::Host => "host",
            Self::HeadTooLarge => "head_too_large",
            Self::Busy => "busy",
            Self::ResponseTooLarge => "response_too_large",
            Self::Version => "version",
        }
    }
}

/// A well-formed request for a page. It borrows from the head that it was parsed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is to be done.
    pub method: Method,
    /// The host that was asked for, with its port; `None` only from an HTTP/1.0 client.
    pub host: Option<&'a str>,
    /// The client takes a response compressed with gzip.
    pub accepts_gzip: bool,
    /// The connection may serve another request.
    pub keep_alive: bool,
    /// The client understands a body in chunks: it speaks HTTP/1.1.
    pub takes_chunks: bool,
    /// The bytes of the body that follows; `None` if the client does not say.
    pub body_length: Option<u64>,
    /// The body's media type, with its parameters.
    pub media_type: &'a str,
    /// The cookies, as they were sent.
    cookies: &'a str,
    /// Where the page that sent it is from, by `Origin` and by `Sec-Fetch-Site`.
    origin: Option<&'a str>,
    fetch_site: Option<&'a str>,
    path: Cow<'a, str>,
    query: &'a str,
    if_none_match: &'a str,
    accept_language: &'a str,
}

impl<'a> Request<'a> {
    /// The path, percent-decoded; it starts with a slash and has no control characters.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The names and values of the query, decoded, in the order sent; they have no control characters.
    pub fn query(&self) -> impl Iterator<Item = (Cow<'a, str>, Cow<'a, str>)> {
        pairs(self.query)
    }

    /// The first value of that name in the query.
    pub fn parameter(&self, name: &str) -> Option<Cow<'a, str>> {
        self.query().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// True if the client says that it has this version of the page: `If-None-Match`, compared as
    /// RFC 9110 asks for, weakly.
    pub fn has_version(&self, tag: &str) -> bool {
        list(self.if_none_match).any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag)
    }

    /// Of the languages that there are, the one that the reader likes most: `Accept-Language` (RFC 9110, section
    /// 12.5.4).
    pub fn language(&self) -> &'static Language {
        let [default, ..] = LANGUAGES;
        let known = list(self.accept_language).filter_map(|item| {
            let (tag, weight) = weighted(item);
            let language = if tag == "*" { default } else { Language::of(tag)? };
            Some((language, weight))
        });
        // Of equals the first.
        known.fold((default, 0), |best, next| if next.1 > best.1 { next } else { best }).0
    }

    /// The values of all cookies of that name.
    pub fn cookies(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let pairs = self.cookies.split(';').filter_map(|pair| pair.trim_ascii().split_once('='));
        pairs.filter(move |(key, _)| *key == name).map(|(_, value)| value)
    }

    /// False if the browser says that the request comes from a page of another origin. Every browser says
    /// so with a POST; what sends neither header is no browser, and nobody's cookies go with it.
    pub fn is_same_origin(&self) -> bool {
        let is_ours = |origin: &str| {
            let host = origin.strip_prefix("http://").or(origin.strip_prefix("https://"));
            host.zip(self.host).is_some_and(|(one, other)| one.eq_ignore_ascii_case(other))
        };
        self.origin.is_none_or(is_ours) && self.fetch_site.is_none_or(|site| site == "same-origin")
    }

    /// True if the browser says that it got the page of the form over HTTPS: a proxy stands between.
    pub fn is_from_https(&self) -> bool {
        self.origin.is_some_and(|origin| origin.starts_with("https://"))
    }

    fn from_head(head: &httparse::Request<'_, 'a>) -> Result<Self, Refusal> {
        let method = match head.method {
            Some("GET") => Method::Get,
            Some("HEAD") => Method::Head,
            Some("POST") => Method::Post,
            _ => return Err(Refusal::Method),
        };
        let (authority, target) = split_target(head.path.unwrap_or_default()).ok_or(Refusal::Malformed)?;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        decode_query(query).ok_or(Refusal::Malformed)?;
        let is_http_11 = head.version == Some(1);
        let mut request = Self {
            method,
            host: None,
            accepts_gzip: false,
            keep_alive: is_http_11,
            takes_chunks: is_http_11,
            body_length: None,
            media_type: "",
            cookies: "",
            origin: None,
            fetch_site: None,
            path: decode(path).ok_or(Refusal::Malformed)?,
            query,
            if_none_match: "",
            accept_language: "",
        };
        for header in head.headers.iter() {
            request.take_header(header.name, header.value)?;
        }
        if is_http_11 && request.host.is_none() {
            return Err(Refusal::Malformed);
        }
        let has_body = request.body_length.is_some_and(|length| length > 0);
        if has_body && method != Method::Post {
            return Err(Refusal::Body);
        }
        // A host in the target outranks the header (RFC 9112, section 3.2.2).
        request.host = authority.or(request.host);
        Ok(request)
    }

    fn take_header(&mut self, name: &str, value: &'a [u8]) -> Result<(), Refusal> {
        let text = str::from_utf8(value);
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        if is("host") {
            let host = text.map_err(|_| Refusal::Malformed)?.trim_ascii();
            if self.host.replace(host).is_some() {
                return Err(Refusal::Malformed);
            }
        } else if is("transfer-encoding") {
            // Two ways to say where a request ends are how one is smuggled behind another.
            return Err(if self.method == Method::Post { Refusal::Length } else { Refusal::Body });
        } else if is("content-length") {
            if self.body_length.replace(length(value.trim_ascii())?).is_some() {
                return Err(Refusal::Malformed);
            }
        } else if is("content-type") {
            self.media_type = text.unwrap_or_default();
        } else if is("cookie") {
            self.cookies = text.unwrap_or_default();
        } else if is("origin") {
            self.origin = Some(text.unwrap_or_default());
        } else if is("sec-fetch-site") {
            self.fetch_site = Some(text.unwrap_or_default());
        } else if is("connection") {
            self.keep_alive &= !list(text.unwrap_or("close")).any(|item| item.eq_ignore_ascii_case("close"));
        } else if is("if-none-match") {
            self.if_none_match = text.unwrap_or_default();
        } else if is("accept-language") {
            self.accept_language = text.unwrap_or_default();
        } else if is("accept-encoding") {
            self.accepts_gzip |= list(text.unwrap_or_default()).any(takes_gzip);
        }
        Ok(())
    }
}

/// A form's names and values (`application/x-www-form-urlencoded`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Form<'a>(&'a str);

impl<'a> Form<'a> {
    /// The form that a body holds, if all of it can be decoded to text without control characters.
    pub fn of(body: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(body).ok()?;
        decode_query(text)?;
        Some(Self(text))
    }

    /// The first value of that name; none counts as empty.
    pub fn get(&self, name: &str) -> Cow<'a, str> {
        pairs(self.0).find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
    }
}

/// Names and values, decoded. The whole was found decodable, so each part is.
fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode_query(name).unwrap_or_default(), decode_query(value).unwrap_or_default())
    })
}

/// What stands at the beginning of the bytes received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parsed<'a> {
    /// The beginning of a head: more must come.
    Partial,
    /// A request, and the length of its head in bytes.
    Complete(Request<'a>, usize),
    /// Something that will not be answered; what follows it cannot be trusted either.
    Refused(Refusal),
}

/// Parses the request head at the beginning of `bytes`. The head has no more than
/// `WEB_HEAD_BYTES_MAX` bytes and `WEB_HEADERS_MAX` lines; a longer one is refused.
pub fn parse(bytes: &[u8]) -> Parsed<'_> {
    let bytes = bytes.get(..WEB_HEAD_BYTES_MAX).unwrap_or(bytes);
    let mut headers = [httparse::EMPTY_HEADER; WEB_HEADERS_MAX];
    let mut head = httparse::Request::new(&mut headers);
    match head.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => match Request::from_head(&head) {
            Ok(request) => Parsed::Complete(request, length),
            Err(refusal) => Parsed::Refused(refusal),
        },
        Ok(httparse::Status::Partial) if bytes.len() < WEB_HEAD_BYTES_MAX => Parsed::Partial,
        Ok(httparse::Status::Partial) => Parsed::Refused(Refusal::HeadTooLarge),
        Err(httparse::Error::TooManyHeaders) => Parsed::Refused(Refusal::HeadTooLarge),
        Err(httparse::Error::Version) => Parsed::Refused(Refusal::Version),
        Err(_) => Parsed::Refused(Refusal::Malformed),
    }
}

/// Splits `/path?query` or `http://host/path?query` into host and rest; other forms of a target are
/// for proxies.
fn split_target(target: &str) -> Option<(Option<&str>, &str)> {
    if target.starts_with('/') {
        return Some((None, target));
    }
    let (scheme, rest) = target.split_at_checked("http://".len())?;
    if !scheme.eq_ignore_ascii_case("http://") {
        return None;
    }
    match rest.find(['/', '?']) {
        Some(end) if rest[end..].starts_with('/') => Some((Some(&rest[..end]), &rest[end..])),
        Some(_) => None,
        None => Some((Some(rest), "/")),
    }
}

/// The number of bytes that a header announces.
fn length(value: &[u8]) -> Result<u64, Refusal> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Refusal::Malformed);
    }
    // A number with more digits than fit is larger than anything that is taken.
    Ok(str::from_utf8(value).ok().and_then(|digits| digits.parse().ok()).unwrap_or(u64::MAX))
}

/// The items of a header that is a list.
fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(str::trim_ascii).filter(|item| !item.is_empty())
}

/// True for `gzip` or `*` unless its weight is zero.
fn takes_gzip(item: &str) -> bool {
    let (coding, weight) = weighted(item);
    (coding.eq_ignore_ascii_case("gzip") || coding == "*") && weight > 0
}

/// An item of a list, and its weight in thousandths (RFC 9110, section 12.4.2); one that makes no sense is zero.
/// Parsing it as a number would bring ten kilobytes of tables for floating-point numbers into the program.
fn weighted(item: &str) -> (&str, u32) {
    let (item, weight) = item.split_once(';').unwrap_or((item, "q=1"));
    let (name, value) = weight.split_once('=').unwrap_or_default();
    let value = value.trim_ascii();
    let (whole, fraction) = value.split_once('.').unwrap_or((value, ""));
    let digits = fraction.bytes().chain(*b"000").take(3);
    let weight = digits.fold(u32::from(whole == "1"), |sum, digit| {
        10 * sum + u32::from(digit.is_ascii_digit()) * u32::from(digit.wrapping_sub(b'0'))
    });
    (item.trim_ascii(), if name.trim_ascii().eq_ignore_ascii_case("q") { weight.min(1_000) } else { 0 })
}

/// Like `decode`, and `+` means a space: how browsers send forms.
fn decode_query(text: &str) -> Option<Cow<'_, str>> {
    if text.contains('+') {
        return decode(&text.replace('+', " ")).map(|text| Cow::Owned(text.into_owned()));
    }
    decode(text)
}

/// Percent-decodes (RFC 3986, section 2.1); `None` for a broken escape, for what is not UTF-8, and
/// for control characters, which no page needs.
fn decode(text: &str) -> Option<Cow<'_, str>> {
    let decoded = match text.split_once('%') {
        None => Cow::Borrowed(text),
        Some((plain, _)) => {
            let mut bytes = Vec::with_capacity(text.len());
            bytes.extend_from_slice(plain.as_bytes());
            let mut rest = text.as_bytes()[plain.len()..].iter();
            while let Some(&byte) = rest.next() {
                bytes.push(if byte == b'%' { hex(rest.next())? << 4 | hex(rest.next())? } else { byte });
            }
            Cow::Owned(String::from_utf8(bytes).ok()?)
        }
    };
    (!decoded.contains(char::is_control)).then_some(decoded)
}

fn hex(digit: Option<&u8>) -> Option<u8> {
    char::from(*digit?).to_digit(16).map(|value| value as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(head: &str) -> Request<'_> {
        match parse(head.as_bytes()) {
            Parsed::Complete(request, length) => {
                assert_eq!(length, head.len());
                request
            }
            other => panic!("{head:?} gave {other:?}"),
        }
    }

    #[track_caller]
    fn refused(head: &str, refusal: Refusal) {
        assert_eq!(parse(head.as_bytes()), Parsed::Refused(refusal), "{head:?}");
    }

    #[test]
    fn a_browsers_request() {
        let request = complete(
            "GET /hosts/?sort=in&filter=caf%C3%A9+au&flag HTTP/1.1\r\nHost: 192.168.1.1:667\r\n\
             Accept-Encoding: gzip, deflate\r\nIf-None-Match: \"a\", W/\"b\"\r\nConnection: keep-alive\r\n\r\n",
        );
        assert_eq!(request.method, Method::Get);
        assert_eq!(request.path(), "/hosts/");
        assert_eq!(request.host, Some("192.168.1.1:667"));
        assert!(request.accepts_gzip && request.keep_alive);
        assert_eq!(request.parameter("filter").as_deref(), Some("café au"));
        assert_eq!(request.parameter("flag").as_deref(), Some(""));
        assert_eq!(request.parameter("none"), None);
        assert_eq!(request.query().count(), 3);
        assert!(request.has_version("\"b\"") && !request.has_version("\"c\""));
    }

    #[test]
    fn paths_are_decoded() {
        let request = complete("HEAD /hosts/fe80%3a%3A1/ HTTP/1.0\r\n\r\n");
        assert_eq!((request.method, request.path()), (Method::Head, "/hosts/fe80::1/"));
        assert_eq!((request.host, request.keep_alive), (None, false));
        for target in
            ["/%", "/%2", "/%zz", "/%+1", "/%00", "/a%0d%0ab", "/%ff", "/%c3", "/?q=%0a", "/?%", "x", "*"]
        {
            refused(&format!("GET {target} HTTP/1.1\r\nHost: a\r\n\r\n"), Refusal::Malformed);
        }
    }

    #[test]
    fn the_target_may_name_the_host() {
        let request = complete("GET http://10.0.0.1:667/ports/?a=b HTTP/1.1\r\nHost: evil\r\n\r\n");
        assert_eq!((request.host, request.path()), (Some("10.0.0.1:667"), "/ports/"));
        assert_eq!(complete("GET HTTP://r HTTP/1.1\r\nHost: a\r\n\r\n").path(), "/");
        refused("GET ftp://10.0.0.1/ HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Malformed);
    }

    #[test]
    fn one_host_is_needed() {
        refused("GET / HTTP/1.1\r\n\r\n", Refusal::Malformed);
        refused("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", Refusal::Malformed);
    }

    #[test]
    fn bodies_are_refused() {
        for header in ["Content-Length: 1", "content-length: 1000000000000", "Transfer-Encoding: chunked"] {
            refused(&format!("GET / HTTP/1.1\r\nHost: a\r\n{header}\r\n\r\n"), Refusal::Body);
        }
        refused("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", Refusal::Malformed);
        complete("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    }

    #[test]
    fn a_post_says_how_long_its_body_is() {
        let post = |headers: &str| format!("POST /admin/login HTTP/1.1\r\nHost: a\r\n{headers}\r\n");
        let head = post("Content-Length: 5\r\nContent-Type: application/x-www-form-urlencoded\r\n");
        let request = complete(&head);
        assert_eq!((request.method, request.body_length), (Method::Post, Some(5)));
        assert_eq!(request.media_type, "application/x-www-form-urlencoded");
        assert_eq!(complete(&post("")).body_length, None);
        let endless = post("Content-Length: 99999999999999999999999\r\n");
        assert_eq!(complete(&endless).body_length, Some(u64::MAX));
        refused(&post("Transfer-Encoding: chunked\r\n"), Refusal::Length);
        refused(&post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), Refusal::Length);
        for lengths in ["5, 5", "5\r\nContent-Length: 5", "+5", "0x5", "5 5", ""] {
            refused(&post(&format!("Content-Length: {lengths}\r\n")), Refusal::Malformed);
        }
    }

    #[test]
    fn cookies_are_found_among_garbage() {
        let cookies = |value: &str| {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {value}\r\n\r\n");
            complete(&head).cookies("id").map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(cookies("id=1"), ["1"]);
        assert_eq!(cookies("a=b; id=1;id=2; xid=3; id; =; ;;id=="), ["1", "2", "="]);
        for garbage in ["", ";", "=", "id", "ID=1", "a=id=1", "\"id=1\""] {
            assert_eq!(cookies(garbage), [""; 0], "{garbage}");
        }
    }

    #[test]
    fn a_page_of_another_origin_is_told_apart() {
        let is_same = |headers: &str| {
            let head = format!("POST / HTTP/1.1\r\nHost: router.lan:667\r\n{headers}\r\n");
            complete(&head).is_same_origin()
        };
        for headers in [
            "",
            "Origin: http://router.lan:667\r\n",
            "Origin: https://ROUTER.lan:667\r\nSec-Fetch-Site: same-origin\r\n",
        ] {
            assert!(is_same(headers), "{headers}");
            let head = format!("POST / HTTP/1.1\r\nHost: router.lan:667\r\n{headers}\r\n");
            assert_eq!(complete(&head).is_from_https(), headers.contains("https://"), "{headers}");
        }
        for headers in [
            "Origin: http://router.lan\r\n",
            "Origin: http://evil.example\r\n",
            "Origin: http://router.lan:667.evil.example\r\n",
            "Origin: router.lan:667\r\n",
            "Origin: null\r\n",
            "Origin: \r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
            "Origin: http://router.lan:667\r\nSec-Fetch-Site: none\r\n",
        ] {
            assert!(!is_same(headers), "{headers}");
        }
    }

    #[test]
    fn forms_are_decoded_or_refused() {
        let form = Form::of(b"a=1+2&b=%26%3d&a=3&c&=d").unwrap();
        assert_eq!([form.get("a"), form.get("b"), form.get("c"), form.get("x")], ["1 2", "&=", "", ""]);
        for body in [&b"a=%"[..], b"a=%zz", b"a=%00", b"a=%0d%0ab", b"a=\xff", b"a=\n", b"\0"] {
            assert_eq!(Form::of(body), None, "{body:?}");
        }
    }

    #[test]
    fn methods_and_versions() {
        refused("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n", Refusal::Method);
        refused("get / HTTP/1.1\r\nHost: a\r\n\r\n", Refusal::Method);
        refused("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Refusal::Version);
        refused("GET / HTTP/0.9\r\n\r\n", Refusal::Version);
        refused("GET /\r\n\r\n", Refusal::Malformed);
        refused("\0\0\0\0", Refusal::Malformed);
        refused("GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n", Refusal::Malformed);
    }

    #[test]
    fn gzip_is_taken_from_those_who_take_it() {
        for (value, expected) in [
            ("gzip", true),
            ("br, GZIP;q=0.5", true),
            ("*", true),
            ("gzip;q=0", false),
            ("gzip; q=0.000", false),
            ("br", false),
            ("", false),
        ] {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {value}\r\n\r\n");
            assert_eq!(complete(&head).accepts_gzip, expected, "{value}");
        }
    }

    #[test]
    fn a_reader_gets_the_language_that_they_like_most() {
        for (value, expected) in [
            ("de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "de"),
            ("en-GB,de;q=0.5", "en"),
            ("fr, DE;q=0.333, en ; q = 0.32", "de"),
            ("*, de;q=0.5", "en"),
            ("de;q=0, fr", "en"),
            ("de;q=0.001", "de"),
            ("de;q=x, de;q=-1, de;q=, de;p=1, ;q=1", "en"),
            ("fr", "en"),
            ("", "en"),
        ] {
            let head = format!("GET / HTTP/1.1\r\nHost: a\r\nAccept-Language: {value}\r\n\r\n");
            assert_eq!(complete(&head).language().tag, expected, "{value}");
        }
    }

    #[test]
    fn keep_alive_ends_when_asked() {
        assert!(!complete("GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n").keep_alive);
        assert!(!complete("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
    }

    #[test]
    fn heads_are_bounded() {
        let start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
        let fits = format!("{start}{}\r\n\r\n", "x".repeat(WEB_HEAD_BYTES_MAX - start.len() - 4));
        complete(&fits);
        assert_eq!(parse(&fits.as_bytes()[..WEB_HEAD_BYTES_MAX - 1]), Parsed::Partial);
        refused(&format!("{start}{}\r\n\r\n", "x".repeat(WEB_HEAD_BYTES_MAX)), Refusal::HeadTooLarge);
        let lines = "X: y\r\n".repeat(WEB_HEADERS_MAX);
        refused(&format!("GET / HTTP/1.1\r\n{lines}Host: a\r\n\r\n"), Refusal::HeadTooLarge);
    }

    #[test]
    fn what_follows_the_head_is_left_alone() {
        let head = "GET /a HTTP/1.1\r\nHost: a\r\n\r\n";
        let two = format!("{head}{head}");
        assert!(matches!(parse(two.as_bytes()), Parsed::Complete(_, length) if length == head.len()));
    }
}
