//! From a line of JSON (RFC 8259) to a snapshot's record.
//!
//! Fields may come in any order. One that is unknown or there twice is refused, as is one that is missing
//! and may not be `null`. The recursion is as deep as the table of records, whatever the line says.

use std::net::IpAddr;

use heapless::String;
use serde::Serialize;

use super::schema::{FIELDS_MAX, Field, RECORDS, Shape};
use crate::limits::INTERFACE_NAME_MAX;
use crate::packet::Mac;
use crate::snapshot::{ACCOUNT_BARS_MAX, MacAddress};

const _: () = assert!(ACCOUNT_BARS_MAX < 128);

/// A string of the line; none that is part of a record is longer than an interface's name.
type Text = String<INTERFACE_NAME_MAX>;

/// Puts the record on a line into a buffer and returns its length.
///
/// # Errors
/// The column at which the line turned out to be no record.
pub(super) fn parse(line: &[u8], record: &mut [u8]) -> Result<usize, usize> {
    let text = str::from_utf8(line).map_err(|error| error.valid_up_to() + 1)?;
    let mut rest = Rest(text);
    rest.record(record).ok_or(text.len() - rest.0.len() + 1)
}

/// What is still to be read of a line.
struct Rest<'l>(&'l str);

impl<'l> Rest<'l> {
    /// An object whose only field is the record.
    fn record(&mut self, room: &mut [u8]) -> Option<usize> {
        self.expect("{")?;
        let kind = self.key(&RECORDS)?;
        let (first, room) = room.split_first_mut()?;
        *first = kind as u8;
        let length = self.value(&RECORDS[kind].1, room)?;
        self.expect("}")?;
        self.skip_space();
        self.0.is_empty().then_some(1 + length)
    }

    /// Encodes the next value and returns its length.
    fn value(&mut self, shape: &Shape, room: &mut [u8]) -> Option<usize> {
        match *shape {
            Shape::Bool if self.accept("true") => put(&true, room),
            Shape::Bool => self.expect("false").and_then(|()| put(&false, room)),
            Shape::Byte => put(&u8::try_from(self.unsigned()?).ok()?, room),
            Shape::Unsigned(max) => put(&self.unsigned().filter(|number| *number <= max)?, room),
            Shape::Signed => put(&self.number()?.parse::<i64>().ok()?, room),
            Shape::Text(max) => {
                let text = self.text().filter(|text| text.len() <= max)?;
                put(text.as_str(), room)
            }
            Shape::Address => put(&self.text()?.parse::<IpAddr>().ok()?, room),
            Shape::Mac => put(&MacAddress(Mac::parse(&self.text()?)?), room),
            Shape::Name(names) => {
                let text = self.text()?;
                put(&(names.iter().position(|name| *name == text)? as u8), room)
            }
            Shape::Optional(_) if self.accept("null") => put(&false, room),
            Shape::Optional(shape) => {
                let (some, room) = room.split_first_mut()?;
                *some = 1;
                Some(1 + self.value(shape, room)?)
            }
            Shape::Bars(max) => self.bars(max, room),
            Shape::Struct(fields) => self.fields(fields, room),
        }
    }

    /// Encodes an object's fields in the order of the table.
    fn fields(&mut self, fields: &[Field], room: &mut [u8]) -> Option<usize> {
        let mut object = Object { room, end: 0, lengths: [0; FIELDS_MAX] };
        self.expect("{")?;
        while !self.accept("}") {
            if object.end > 0 {
                self.expect(",")?;
            }
            let index = self.key(fields)?;
            object.add(index, &fields[index].1, self)?;
        }
        for (index, (_, shape)) in fields.iter().enumerate() {
            if object.lengths[index] == 0 {
                object.add(index, shape, &mut Rest("null"))?;
            }
        }
        Some(object.end)
    }

    /// Encodes an array of pairs. Their number comes first, and takes one byte because there are few.
    fn bars(&mut self, max: usize, room: &mut [u8]) -> Option<usize> {
        let mut end = 1;
        let mut count = 0;
        self.expect("[")?;
        while !self.accept("]") {
            if count > 0 {
                self.expect(",")?;
            }
            for before in ["[", ","] {
                self.expect(before)?;
                end += put(&self.unsigned()?, room.get_mut(end..)?)?;
            }
            self.expect("]")?;
            count += 1;
        }
        *room.first_mut()? = count as u8;
        (count <= max).then_some(end)
    }

    /// The index of the field whose name and colon come next.
    fn key(&mut self, fields: &[Field]) -> Option<usize> {
        let name = self.text()?;
        self.expect(":")?;
        fields.iter().position(|(field, _)| *field == name)
    }

    fn unsigned(&mut self) -> Option<u64> {
        self.number()?.parse().ok()
    }

    /// A number's digits, with a sign in front. There are no fractions, exponents and needless zeros.
    fn number(&mut self) -> Option<&'l str> {
        self.skip_space();
        let end = self.0.find(|character| !matches!(character, '-' | '0'..='9'))?;
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        let needless = number.len() > 1 && number.trim_start_matches('-').starts_with('0');
        (!needless).then_some(number)
    }

    fn text(&mut self) -> Option<Text> {
        self.expect("\"")?;
        let mut text = Text::new();
        loop {
            let character = match self.next()? {
                '"' => return Some(text),
                '\\' => self.escaped()?,
                '\0'..='\x1f' => return None,
                character => character,
            };
            text.push(character).ok()?;
        }
    }

    /// The character that is meant by what follows a backslash.
    fn escaped(&mut self) -> Option<char> {
        match self.next()? {
            character @ ('"' | '\\' | '/') => Some(character),
            'b' => Some('\x08'),
            't' => Some('\t'),
            'n' => Some('\n'),
            'f' => Some('\x0c'),
            'r' => Some('\r'),
            'u' => match self.unit()? {
                high @ 0xd800..0xdc00 => {
                    let low = (self.next()? == '\\' && self.next()? == 'u').then(|| self.unit())??;
                    let low = low.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
                    char::from_u32(0x1_0000 + ((high - 0xd800) << 10 | low))
                }
                unit => char::from_u32(unit),
            },
            _ => None,
        }
    }

    /// Four hexadecimal digits: a code unit of UTF-16.
    fn unit(&mut self) -> Option<u32> {
        (0..4).try_fold(0, |unit, _| Some(unit << 4 | self.next()?.to_digit(16)?))
    }

    fn next(&mut self) -> Option<char> {
        let mut characters = self.0.chars();
        let character = characters.next()?;
        self.0 = characters.as_str();
        Some(character)
    }

    fn expect(&mut self, token: &str) -> Option<()> {
        self.accept(token).then_some(())
    }

    /// True if the token comes next: then it is taken.
    fn accept(&mut self, token: &str) -> bool {
        self.skip_space();
        let rest = self.0.strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches([' ', '\t', '\n', '\r']);
    }
}

/// An object's fields on their way into the order of the table.
struct Object<'r> {
    room: &'r mut [u8],
    /// The length of all values so far.
    end: usize,
    /// The values' lengths. No value takes no byte: a field without a length is not there yet.
    lengths: [usize; FIELDS_MAX],
}

impl Object<'_> {
    /// Encodes a field's value behind the others, then moves it to its place among them.
    fn add(&mut self, index: usize, shape: &Shape, line: &mut Rest) -> Option<()> {
        if self.lengths[index] > 0 {
            return None;
        }
        let length = line.value(shape, self.room.get_mut(self.end..)?)?;
        self.lengths[index] = length;
        self.end += length;
        let begin = self.lengths[..index].iter().sum();
        self.room.get_mut(begin..self.end)?.rotate_right(length);
        Some(())
    }
}

/// Encodes a value and returns its length.
fn put<T: Serialize + ?Sized>(value: &T, room: &mut [u8]) -> Option<usize> {
    postcard::to_slice(value, room).ok().map(|bytes| bytes.len())
}
