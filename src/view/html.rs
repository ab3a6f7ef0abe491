//! An HTML writer that allocates nothing and escapes by construction: markup is `&'static str`, which
//! nothing from the network can be, and everything else goes through [`Html::text`] or [`Html::url`].
//!
//! After the writer behind it has failed once, everything is ignored, and [`Html::write`] says so.

use core::fmt::{self, Display, Write};

/// HTML on its way into a writer.
pub struct Html<'w> {
    out: &'w mut dyn Write,
    result: fmt::Result,
}

impl Html<'_> {
    /// Writes what `body` says; an error is the writer's.
    pub fn write(out: &mut dyn Write, body: impl FnOnce(&mut Html)) -> fmt::Result {
        let mut html = Html { out, result: Ok(()) };
        body(&mut html);
        html.result
    }

    /// Writes markup of our own.
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        if self.result.is_ok() {
            self.result = self.out.write_str(markup);
        }
        self
    }

    /// Writes a text, or the value of an attribute in double quotes. Control characters, which HTML does
    /// not have, become U+FFFD.
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        self.through(escape, text)
    }

    /// Writes a segment of a path, or a name or value in a query: all but the unreserved characters of
    /// RFC 3986 and the colon of IPv6 addresses is percent-encoded.
    pub fn url(&mut self, part: impl Display) -> &mut Self {
        self.through(percent_encode, part)
    }

    fn through(&mut self, escape: Escape, text: impl Display) -> &mut Self {
        if self.result.is_ok() {
            self.result = write!(Escaper { out: self.out, escape }, "{text}");
        }
        self
    }
}

type Escape = fn(&mut dyn Write, &str) -> fmt::Result;

struct Escaper<'a> {
    out: &'a mut dyn Write,
    escape: Escape,
}

impl Write for Escaper<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        (self.escape)(self.out, text)
    }
}

fn escape(out: &mut dyn Write, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(must_escape) {
        let (plain, tail) = rest.split_at(at);
        out.write_str(plain)?;
        let mut characters = tail.chars();
        out.write_str(match characters.next() {
            Some('&') => "&amp;",
            Some('<') => "&lt;",
            Some('>') => "&gt;",
            Some('"') => "&quot;",
            Some('\'') => "&#39;",
            _ => "\u{fffd}",
        })?;
        rest = characters.as_str();
    }
    out.write_str(rest)
}

fn must_escape(character: char) -> bool {
    matches!(character, '&' | '<' | '>' | '"' | '\'') || character.is_control()
}

fn percent_encode(out: &mut dyn Write, text: &str) -> fmt::Result {
    for &byte in text.as_bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte) {
            out.write_char(char::from(byte))?;
        } else {
            write!(out, "%{byte:02X}")?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_leave_its_place() {
        let mut out = String::new();
        let evil = "<img src=x onerror=\"a('&')\">\0\n\u{9b}é";
        Html::write(&mut out, |html| {
            html.markup("<b title=\"").text(evil).markup("\">").url(evil).markup("</b>");
        })
        .unwrap();
        assert_eq!(
            out,
            "<b title=\"&lt;img src=x onerror=&quot;a(&#39;&amp;&#39;)&quot;&gt;\u{fffd}\u{fffd}\u{fffd}é\">\
             %3Cimg%20src%3Dx%20onerror%3D%22a%28%27%26%27%29%22%3E%00%0A%C2%9B%C3%A9</b>"
        );
    }

    #[test]
    fn a_writer_that_fails_is_reported() {
        let mut out = heapless::String::<3>::new();
        assert!(Html::write(&mut out, |html| _ = html.markup("<p>").text("&")).is_err());
        assert_eq!(out, "<p>");
    }
}
