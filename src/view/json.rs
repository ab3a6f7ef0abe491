//! A streaming JSON writer (RFC 8259) that allocates nothing.
//!
//! After the writer behind it has failed once, everything is ignored, and [`Json::write`] says so.

use core::fmt::{self, Display, Write};

use crate::ledger::{Counters, Traffic};
use crate::time::Timestamp;

/// JSON on its way into a writer.
pub struct Json<'w> {
    out: &'w mut dyn Write,
    result: fmt::Result,
    /// The next key or element needs a comma.
    comma: bool,
}

impl Json<'_> {
    /// Writes what `body` says; an error is the writer's.
    pub fn write(out: &mut dyn Write, body: impl FnOnce(&mut Json)) -> fmt::Result {
        let mut json = Json { out, result: Ok(()), comma: false };
        body(&mut json);
        json.result
    }

    /// Writes an object whose fields are those that `fields` writes.
    pub fn object(&mut self, fields: impl FnOnce(&mut Self)) {
        self.open('{');
        fields(self);
        self.close('}');
    }

    /// Writes an array whose elements are those that `elements` writes.
    pub fn array(&mut self, elements: impl FnOnce(&mut Self)) {
        self.open('[');
        elements(self);
        self.close(']');
    }

    /// Writes a field's name; its value comes next. Names are the schema's, so there is nothing to escape.
    pub fn key(&mut self, name: &'static str) -> &mut Self {
        self.separate();
        self.print(format_args!("\"{name}\":"));
        self.comma = false;
        self
    }

    /// Writes a field.
    pub fn field(&mut self, name: &'static str, value: impl Value) {
        self.key(name);
        value.write(self);
    }

    /// Writes a value: an array's element, or a field's after its key.
    pub fn value(&mut self, value: impl Value) {
        value.write(self);
    }

    fn open(&mut self, bracket: char) {
        self.separate();
        self.print(format_args!("{bracket}"));
        self.comma = false;
    }

    fn close(&mut self, bracket: char) {
        self.print(format_args!("{bracket}"));
        self.comma = true;
    }

    fn scalar(&mut self, text: fmt::Arguments) {
        self.separate();
        self.print(text);
        self.comma = true;
    }

    fn separate(&mut self) {
        if self.comma {
            self.print(format_args!(","));
        }
    }

    fn print(&mut self, text: fmt::Arguments) {
        if self.result.is_ok() {
            self.result = self.out.write_fmt(text);
        }
    }
}

/// What can be written as JSON.
pub trait Value {
    /// Writes the value.
    fn write(&self, json: &mut Json);
}

impl<T: Value + ?Sized> Value for &T {
    fn write(&self, json: &mut Json) {
        (**self).write(json);
    }
}

/// `None` is null.
impl<T: Value> Value for Option<T> {
    fn write(&self, json: &mut Json) {
        match self {
            Some(value) => value.write(json),
            None => json.scalar(format_args!("null")),
        }
    }
}

macro_rules! plain_values {
    ($($type:ty),*) => {
        $(impl Value for $type {
            fn write(&self, json: &mut Json) {
                json.scalar(format_args!("{self}"));
            }
        })*
    };
}

plain_values!(bool, u8, u16, u32, u64, usize, i32, i64);

impl Value for str {
    fn write(&self, json: &mut Json) {
        Text(self).write(json);
    }
}

/// Anything that can be displayed, as a string.
pub struct Text<T>(pub T);

impl<T: Display> Value for Text<T> {
    fn write(&self, json: &mut Json) {
        json.scalar(format_args!("\"{}\"", Escaped(&self.0)));
    }
}

/// What displays as a JSON number.
pub(super) struct Number<T>(pub T);

impl<T: Display> Value for Number<T> {
    fn write(&self, json: &mut Json) {
        json.scalar(format_args!("{}", self.0));
    }
}

/// Seconds since 1970 with microseconds.
impl Value for Timestamp {
    fn write(&self, json: &mut Json) {
        json.scalar(format_args!("{}.{:06}", self.seconds, self.micros));
    }
}

impl Value for Counters {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("packets", self.packets);
            json.field("bytes", self.bytes);
        });
    }
}

impl Value for Traffic {
    fn write(&self, json: &mut Json) {
        json.object(|json| {
            json.field("received", self.received);
            json.field("sent", self.sent);
        });
    }
}

struct Escaped<T>(T);

impl<T: Display> Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        struct Escaper<'a, 'f>(&'a mut fmt::Formatter<'f>);
        impl Write for Escaper<'_, '_> {
            fn write_str(&mut self, text: &str) -> fmt::Result {
                let mut rest = text;
                while let Some(at) = rest.find(must_escape) {
                    let (plain, tail) = rest.split_at(at);
                    self.0.write_str(plain)?;
                    let mut characters = tail.chars();
                    match characters.next() {
                        Some(character @ ('"' | '\\')) => write!(self.0, "\\{character}")?,
                        Some(character) => write!(self.0, "\\u{:04x}", u32::from(character))?,
                        None => {}
                    }
                    rest = characters.as_str();
                }
                self.0.write_str(rest)
            }
        }
        write!(Escaper(f), "{}", self.0)
    }
}

fn must_escape(character: char) -> bool {
    matches!(character, '"' | '\\' | '\0'..='\x1f' | '\x7f')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_as_it_was() {
        let mut text: String = (0..=0x2ff).filter_map(char::from_u32).collect();
        text.push_str("\u{2028}\u{10ffff}<img src=x onerror=alert(1)>");
        let mut out = String::new();
        Json::write(&mut out, |json| json.value(text.as_str())).unwrap();
        assert_eq!(serde_json::from_str::<serde_json::Value>(&out).unwrap(), text);
        assert!(!out.chars().any(|character| character.is_ascii_control()));
    }

    #[test]
    fn commas_stand_between_and_nowhere_else() {
        let mut out = String::new();
        let result = Json::write(&mut out, |json| {
            json.object(|json| {
                json.key("empty").object(|_| {});
                json.key("list").array(|json| {
                    json.value(1u8);
                    json.array(|_| {});
                    json.object(|json| json.field("x", None::<u8>));
                });
                json.field("time", Timestamp { seconds: 7, micros: 5 });
            });
        });
        result.unwrap();
        assert_eq!(out, r#"{"empty":{},"list":[1,[],{"x":null}],"time":7.000005}"#);
    }

    #[test]
    fn a_writer_that_fails_is_reported() {
        let mut out = heapless::String::<3>::new();
        assert!(Json::write(&mut out, |json| json.value("too long")).is_err());
    }
}
