//! From a snapshot's record to a line of JSON.

use std::fmt::Write;
use std::net::IpAddr;

use serde::Deserialize;

use super::schema::{RECORDS, Shape};
use crate::snapshot::MacAddress;

/// Adds a record's JSON to the line, or returns `None` if it is no record.
pub(super) fn print(mut record: &[u8], line: &mut String) -> Option<()> {
    let (name, shape) = RECORDS.get(usize::from(take::<u8>(&mut record)?))?;
    write!(line, "{{\"{name}\":").ok()?;
    value(shape, &mut record, line)?;
    line.push('}');
    record.is_empty().then_some(())
}

/// Prints the value at the beginning of the bytes, and takes it from them.
fn value(shape: &Shape, bytes: &mut &[u8], line: &mut String) -> Option<()> {
    match *shape {
        Shape::Bool => write!(line, "{}", take::<bool>(bytes)?).ok(),
        Shape::Byte => write!(line, "{}", take::<u8>(bytes)?).ok(),
        Shape::Unsigned(_) => write!(line, "{}", take::<u64>(bytes)?).ok(),
        Shape::Signed => write!(line, "{}", take::<i64>(bytes)?).ok(),
        Shape::Text(_) => quote(take(bytes)?, line),
        Shape::Address => write!(line, "\"{}\"", take::<IpAddr>(bytes)?).ok(),
        Shape::Mac => write!(line, "\"{}\"", take::<MacAddress>(bytes)?.0).ok(),
        Shape::Name(names) => quote(names.get(usize::from(take::<u8>(bytes)?))?, line),
        Shape::Optional(shape) if take(bytes)? => value(shape, bytes, line),
        Shape::Optional(_) => line.write_str("null").ok(),
        Shape::Bars(_) => {
            line.push('[');
            for index in 0..take::<u64>(bytes)? {
                let separator = if index > 0 { "," } else { "" };
                write!(line, "{separator}[{},{}]", take::<u64>(bytes)?, take::<u64>(bytes)?).ok()?;
            }
            line.push(']');
            Some(())
        }
        Shape::Struct(fields) => {
            let mut separator = '{';
            for (name, shape) in fields {
                write!(line, "{separator}\"{name}\":").ok()?;
                value(shape, bytes, line)?;
                separator = ',';
            }
            line.write_char('}').ok()
        }
    }
}

/// Prints a text as a JSON string (RFC 8259, 7), and escapes no more than it must.
fn quote(text: &str, line: &mut String) -> Option<()> {
    line.push('"');
    for character in text.chars() {
        let escape = match character {
            '"' | '\\' => character,
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0c' => 'f',
            '\r' => 'r',
            '\0'..='\x1f' => {
                write!(line, "\\u{:04x}", u32::from(character)).ok()?;
                continue;
            }
            _ => {
                line.push(character);
                continue;
            }
        };
        line.push('\\');
        line.push(escape);
    }
    line.push('"');
    Some(())
}

fn take<'b, T: Deserialize<'b>>(bytes: &mut &'b [u8]) -> Option<T> {
    let (value, rest) = postcard::take_from_bytes(bytes).ok()?;
    *bytes = rest;
    Some(value)
}
