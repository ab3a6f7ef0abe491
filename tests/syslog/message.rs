//! Parsers as strict as the formats' specifications, which share nothing with the code that writes them.

use std::collections::HashMap;

pub type Values = HashMap<String, String>;

/// A message in the default format, read as strictly as RFC 5424, section 6, is written.
pub struct Message {
    pub priority: u8,
    pub time: String,
    pub process_id: String,
    pub id: String,
    pub number: u32,
    pub values: Values,
}

impl Message {
    pub fn parse(bytes: &[u8]) -> Self {
        let (header, number, message) = parse_5424(bytes);
        Self { number, values: parse_values(message), ..header }
    }
}

fn parse_5424(bytes: &[u8]) -> (Message, u32, &str) {
    let (priority, rest) = parse_priority(bytes);
    let rest = rest.strip_prefix("1 ").expect("VERSION");
    let fields: Vec<&str> = rest.splitn(6, ' ').collect();
    let [time, host, program, process_id, id, rest] = fields[..] else { panic!("header: {rest}") };
    assert_time(time);
    for (field, longest) in [(host, 255), (program, 48), (process_id, 128), (id, 32)] {
        assert!((1..=longest).contains(&field.len()), "{field:?}");
    }
    assert_eq!(program, "duskwatch");
    let (number, message) = parse_meta(rest);
    let (time, process_id, id) = (time.to_owned(), process_id.to_owned(), id.to_owned());
    (Message { priority, time, process_id, id, number, values: Values::new() }, number, message)
}

/// `<PRI>`, and what follows.
fn parse_priority(bytes: &[u8]) -> (u8, &str) {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    assert!(text.bytes().all(|byte| (b' '..=b'~').contains(&byte)), "printable ASCII alone: {text:?}");
    let (priority, rest) = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).expect("PRI");
    assert!(priority == "0" || !priority.starts_with('0'), "PRI has leading zeros");
    let priority = priority.parse().unwrap();
    assert!(priority <= 191);
    (priority, rest)
}

/// `2026-11-21T18:31:02.417Z`: three decimals, UTC.
fn assert_time(time: &str) {
    let shape: String = time.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert_eq!(shape, "0000-00-00T00:00:00.000Z");
}

/// `[meta sequenceId="N"] MSG`.
fn parse_meta(text: &str) -> (u32, &str) {
    let text = text.strip_prefix("[meta sequenceId=\"").expect("SD-ELEMENT");
    let (number, message) = text.split_once("\"] ").expect("the end of the SD-ELEMENT");
    let value: u32 = number.parse().unwrap();
    assert!((1..=2_147_483_647).contains(&value) && value.to_string() == number);
    (value, message)
}

/// `Nov 21 19:31:02 host `, the header of RFC 3164, 4.1.2, and what follows.
fn parse_3164(bytes: &[u8]) -> &str {
    let (_, rest) = parse_priority(bytes);
    let (time, rest) = rest.split_at(16);
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    assert!(months.contains(&&time[..3]), "{time:?}");
    let shape: String = time[3..].chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    assert!([" 00 00:00:00 ", "  0 00:00:00 "].contains(&shape.as_str()), "{time:?}");
    let (host, rest) = rest.split_once(' ').expect("HOSTNAME");
    assert!(!host.is_empty());
    rest
}

/// The extension behind `CEF:0|duskwatch|duskwatch|VERSION|ID|NAME|SEVERITY|`, and the ID as `id`.
pub fn parse_cef(bytes: &[u8]) -> Values {
    let message = parse_3164(bytes);
    let mut header = message.splitn(8, '|');
    let mut next = || header.next().expect("seven fields and the extension");
    assert_eq!(
        [next(), next(), next(), next()],
        ["CEF:0", "duskwatch", "duskwatch", env!("CARGO_PKG_VERSION")]
    );
    let (id, name, severity, mut extension) = (next(), next(), next(), next());
    assert!(!name.is_empty() && severity.parse::<u8>().is_ok_and(|severity| severity <= 10));
    let mut values = Values::from([("id".to_owned(), id.to_owned())]);
    // Keys have no spaces, values may: a value ends before the last word in front of the next bare `=`.
    while let Some((key, rest)) = extension.split_once('=') {
        assert!(!key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{key:?}");
        let bytes = rest.as_bytes();
        let next = (1..bytes.len()).find(|&at| bytes[at] == b'=' && bytes[at - 1] != b'\\');
        let end = next.map_or(rest.len(), |next| rest[..next].rfind(' ').expect("a key behind a space"));
        let value = rest[..end].replace("\\=", "=").replace("\\\\", "\\");
        assert!(values.insert(key.to_owned(), value).is_none(), "{key} twice");
        extension = rest[end..].trim_start();
    }
    assert!(extension.is_empty(), "{extension:?}");
    values
}

/// One object of JSON: its strings and numbers.
pub fn parse_json(text: &str) -> Values {
    let json: serde_json::Value =
        serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let value = |value: &serde_json::Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    json.as_object().expect("an object").iter().map(|(key, json)| (key.clone(), value(json))).collect()
}

/// `key=value key="quoted value"` as logfmt has it; each key once.
pub fn parse_values(mut text: &str) -> Values {
    let mut values = Values::new();
    while !text.is_empty() {
        let (key, rest) = text.split_once('=').expect("key=value");
        assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{key:?}");
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => parse_quoted(quoted),
            None => {
                let (value, rest) = rest.split_once(' ').map_or((rest, ""), |(value, rest)| (value, rest));
                assert!(!value.is_empty() && !value.contains(['"', '\\', '=']), "{value:?}");
                (value.to_owned(), rest)
            }
        };
        assert!(values.insert(key.to_owned(), value).is_none(), "{key} twice");
        text = rest;
    }
    values
}

/// The value up to its closing quote, and what follows behind a space.
fn parse_quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.chars();
    loop {
        match characters.next().expect("a closing quote") {
            '\\' => value.push(characters.next().expect("an escaped character")),
            '"' => break,
            character => value.push(character),
        }
    }
    let rest = characters.as_str();
    assert!(rest.is_empty() || rest.starts_with(' '), "{rest:?} behind a quoted value");
    (value, rest.trim_start_matches(' '))
}
