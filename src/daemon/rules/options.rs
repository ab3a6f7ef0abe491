//! A rule's options: `name:value;` or `name;`, one after the other.

use super::{Refused, split};
use crate::darknet::rules::{Content, Field, Flags, Limit, Protocol, Rule, Test, Threshold};
use crate::limits::{RULE_ITEMS_MAX, RULE_NAME_BYTES_MAX};

/// What an option does to a rule, or what it takes.
type Outcome = Result<(), &'static str>;

const NUMBER: &str = "takes a number that it can have, or a range such as <5, >10 or 3<>7";

/// Reads options into a rule.
pub(super) fn parse<'a>(options: &'a str, rule: &mut Rule) -> Result<(), Refused<'a>> {
    for option in split(options, |character| character == ';') {
        let (name, value) = option.split_once(':').unwrap_or((option, ""));
        read(name.trim_ascii_end(), value.trim_ascii_start(), rule).map_err(|takes| (option, takes))?;
    }
    Ok(())
}

fn read(name: &str, value: &str, rule: &mut Rule) -> Outcome {
    match name {
        "msg" => read_name(value, rule),
        "sid" if rule.sid == 0 => {
            rule.sid = number(value).filter(|sid| *sid > 0).ok_or("takes a number above 0")?;
            Ok(())
        }
        "threshold" | "detection_filter" if rule.threshold.is_none() => {
            rule.threshold = Some(threshold(value, name == "detection_filter")?);
            Ok(())
        }
        "sid" | "threshold" | "detection_filter" => Err("is there twice"),
        "content" => read_content(value, rule),
        "nocase" | "offset" | "depth" => {
            let content = rule.tests.iter_mut().rev().find_map(|test| match test {
                Test::Content(content) => Some(content),
                Test::Number { .. } | Test::Flags { .. } => None,
            });
            modify(content.ok_or("takes a content before it")?, name, value)
        }
        "flags" if rule.protocol == Protocol::Tcp => {
            let flags = flags(value).ok_or("takes some of FSRPAUCE, or 0, and one of + * !")?;
            add(rule, flags)
        }
        "flags" => Err("takes a rule for tcp"),
        // What tells people, or helps a search that this program does not do.
        "rev" | "gid" | "classtype" | "priority" | "reference" | "metadata" | "fast_pattern" | "rawbytes" => {
            Ok(())
        }
        _ => read_number(name, value, rule),
    }
}

fn add(rule: &mut Rule, test: Test) -> Outcome {
    if rule.tests.len() == RULE_ITEMS_MAX {
        return Err("is one too many; a rule may have 32 that test something");
    }
    rule.tests.push(test);
    Ok(())
}

fn read_name(value: &str, rule: &mut Rule) -> Outcome {
    const TAKES: &str = "takes a text in quotes of up to 96 bytes, once";
    let name = String::from_utf8(unquote(value, false)?).map_err(|_| TAKES)?;
    let is_fit = (1..=RULE_NAME_BYTES_MAX).contains(&name.len()) && !name.contains(char::is_control);
    if !is_fit || !rule.name.is_empty() {
        return Err(TAKES);
    }
    rule.name = name;
    Ok(())
}

/// The options that compare a number.
fn read_number(name: &str, value: &str, rule: &mut Rule) -> Outcome {
    use Protocol::{Icmp, Tcp};
    let (field, most, protocol) = match name {
        "ttl" => (Field::Ttl, 255, None),
        "id" => (Field::Id, 65_535, None),
        "dsize" => (Field::Size, 65_535, None),
        "window" => (Field::Window, 65_535, Some((Tcp, "takes a rule for tcp"))),
        "itype" => (Field::IcmpType, 255, Some((Icmp, "takes a rule for icmp"))),
        "icode" => (Field::IcmpCode, 255, Some((Icmp, "takes a rule for icmp"))),
        _ => return Err("is not supported; docs/rules.md says what is"),
    };
    if let Some((_, takes)) = protocol.filter(|(protocol, _)| *protocol != rule.protocol) {
        return Err(takes);
    }
    let (negated, range) = match value.strip_prefix('!') {
        Some(range) => (true, range),
        None => (false, value),
    };
    let (first, last) = range_of(range, most, field == Field::Size).ok_or(NUMBER)?;
    add(rule, Test::Number { field, first, last, negated })
}

/// The lowest and the highest number of a range. Snort's `<>` leaves out both ends, but not those of `dsize`.
fn range_of(text: &str, most: u32, is_closed: bool) -> Option<(u32, u32)> {
    let is_sign = |byte: &u8| b"<>=-".contains(byte);
    let begin = text.bytes().take_while(|byte| !is_sign(byte)).count();
    let (before, rest) = text.split_at_checked(begin)?;
    let (sign, behind) = rest.split_at_checked(rest.bytes().take_while(is_sign).count())?;
    let open = u32::from(!is_closed);
    let (first, last) = match (before, sign, behind) {
        (only, "", "") | ("", "=", only) => (number(only)?, number(only)?),
        ("", "<", last) => (0, number(last)?.checked_sub(1)?),
        ("", "<=" | "-", last) => (0, number(last)?),
        ("", ">", first) => (number(first)?.checked_add(1)?, most),
        ("", ">=", first) | (first, "-", "") => (number(first)?, most),
        (first, "<>", last) => (number(first)?.checked_add(open)?, number(last)?.checked_sub(open)?),
        (first, "<=>" | "-", last) => (number(first)?, number(last)?),
        _ => return None,
    };
    (first <= last && last <= most).then_some((first, last))
}

/// A decimal number without a sign.
fn number(text: &str) -> Option<u32> {
    let text = text.trim_ascii();
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

/// `S`, `SA+`, `!F`, `*UP` or `S,CE`; 1 and 2 are old names of C and E.
fn flags(value: &str) -> Option<Test> {
    let (there, ignored) = value.split_once(',').unwrap_or((value, ""));
    let mut compare = Flags::Exactly;
    let mut flags = 0;
    for letter in there.bytes() {
        match letter {
            b'+' => compare = Flags::All,
            b'*' => compare = Flags::Any,
            b'!' => compare = Flags::None,
            letter => flags |= flag(letter)?,
        }
    }
    let ignored = ignored.trim_ascii().bytes().try_fold(0, |all, letter| Some(all | flag(letter)?))?;
    (!there.is_empty()).then_some(Test::Flags { compare, flags, ignored })
}

fn flag(letter: u8) -> Option<u8> {
    Some(match letter.to_ascii_uppercase() {
        b'F' => 0x01,
        b'S' => 0x02,
        b'R' => 0x04,
        b'P' => 0x08,
        b'A' => 0x10,
        b'U' => 0x20,
        b'E' | b'2' => 0x40,
        b'C' | b'1' => 0x80,
        b'0' => 0,
        _ => return None,
    })
}

/// `"text|00 01|"`, or `!"..."`, and perhaps what else Snort 3 puts behind it.
fn read_content(value: &str, rule: &mut Rule) -> Outcome {
    let (negated, value) = match value.strip_prefix('!') {
        Some(value) => (true, value.trim_ascii_start()),
        None => (false, value),
    };
    let mut parts = split(value, |character| character == ',').into_iter();
    let pattern = unquote(parts.next().unwrap_or_default(), true)?;
    if pattern.is_empty() {
        return Err("takes a text that is not empty");
    }
    let mut content = Content { pattern, ignore_case: false, negated, offset: 0, depth: usize::MAX };
    for part in parts {
        let (name, value) = part.split_once(' ').unwrap_or((part, ""));
        modify(&mut content, name, value)?;
    }
    add(rule, Test::Content(content))
}

fn modify(content: &mut Content, name: &str, value: &str) -> Outcome {
    let count = number(value).filter(|count| *count <= 65_535);
    match (name, count) {
        ("nocase", _) if value.is_empty() => content.ignore_case = true,
        ("fast_pattern", _) => {}
        ("offset", Some(count)) => content.offset = count as usize,
        ("depth", Some(count)) if count as usize >= content.pattern.len() => content.depth = count as usize,
        ("depth", _) => return Err("takes a number from the content's length to 65535"),
        ("offset", _) => return Err("takes a number up to 65535"),
        _ => return Err("takes no more than nocase, offset and depth"),
    }
    Ok(())
}

/// `type limit, track by_src, count 1, seconds 60`; a filter has no type.
fn threshold(value: &str, is_filter: bool) -> Result<Threshold, &'static str> {
    let takes = if is_filter {
        "takes track by_src or by_dst, count NUMBER, seconds NUMBER"
    } else {
        "takes type limit, threshold or both, track by_src or by_dst, count NUMBER, seconds NUMBER"
    };
    let mut limit = is_filter.then_some(Limit::After);
    let (mut by_destination, mut count, mut seconds) = (None, None, None);
    for part in split(value, |character| character == ',') {
        let (name, value) = part.split_once(' ').unwrap_or((part, ""));
        let number = number(value).filter(|number| *number > 0);
        match (name, value.trim_ascii_start()) {
            ("type", "limit") if !is_filter => limit = Some(Limit::First),
            ("type", "threshold") if !is_filter => limit = Some(Limit::Every),
            ("type", "both") if !is_filter => limit = Some(Limit::Once),
            ("track", "by_src") => by_destination = Some(false),
            ("track", "by_dst") => by_destination = Some(true),
            ("count", _) => count = number,
            ("seconds", _) => seconds = number,
            _ => return Err(takes),
        }
    }
    match (limit, by_destination, count, seconds) {
        (Some(limit), Some(by_destination), Some(count), Some(seconds)) => {
            Ok(Threshold { limit, by_destination, count, seconds })
        }
        _ => Err(takes),
    }
}

/// The bytes of a quoted text: `\` takes the next character as it is, and between bars are bytes in hex.
fn unquote(text: &str, has_hex: bool) -> Result<Vec<u8>, &'static str> {
    const HEX: &str = "takes pairs of hexadecimal digits between two bars, |0d 0a|";
    const TEXT: &str = "takes a text in quotes, with a \\ before each quote in it";
    let text = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).ok_or(TEXT)?;
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    let mut is_hex = false;
    while let Some(byte) = rest.next() {
        match byte {
            b'|' if has_hex => is_hex = !is_hex,
            b' ' if is_hex => {}
            byte if is_hex => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let pair = digit(byte).zip(rest.next().and_then(digit));
                bytes.push(pair.map(|(high, low)| (high << 4 | low) as u8).ok_or(HEX)?);
            }
            b'\\' => bytes.push(rest.next().ok_or(TEXT)?),
            b'"' => return Err(TEXT),
            byte => bytes.push(byte),
        }
    }
    if is_hex { Err(HEX) } else { Ok(bytes) }
}
