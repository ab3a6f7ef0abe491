//! An HTML writer that allocates nothing and escapes by construction: markup is `&'static str`, which
//! nothing from the network can be, and everything else goes through [`Html::text`] or [`Html::url`].
//!
//! It also translates: what stands in braces in markup is a phrase for readers, and is written in theirs.
//!
//! After the writer behind it has failed once, everything is ignored, and [`Html::write`] says so.

use core::fmt::{self, Display, Write};

use super::languages::{Language, Phrase};

/// HTML on its way into a writer.
pub struct Html<'w> {
    out: &'w mut dyn Write,
    language: &'static Language,
    escape: Escape,
    result: fmt::Result,
}

impl Html<'_> {
    /// Writes what `body` says; an error is the writer's.
    pub fn write(
        out: &mut dyn Write,
        language: &'static Language,
        body: impl FnOnce(&mut Html),
    ) -> fmt::Result {
        let mut html = Html { out, language, escape, result: Ok(()) };
        body(&mut html);
        html.result
    }

    /// Writes what `body` says as plain text, in which nothing is escaped.
    pub fn plain(
        out: &mut dyn Write,
        language: &'static Language,
        body: impl FnOnce(&mut Html),
    ) -> fmt::Result {
        let mut html = Html { out, language, escape: |out, text| out.write_str(text), result: Ok(()) };
        body(&mut html);
        html.result
    }

    /// Writes markup of our own, and `{phrases}` in it in the reader's language.
    pub fn markup(&mut self, markup: &'static str) -> &mut Self {
        let mut rest = markup;
        while let Some((before, after)) = rest.split_once('{') {
            let (phrase, tail) = after.split_once('}').unwrap_or((after, ""));
            self.raw(before).say(Phrase(phrase));
            rest = tail;
        }
        self.raw(rest)
    }

    fn raw(&mut self, markup: &str) -> &mut Self {
        if self.result.is_ok() {
            self.result = self.out.write_str(markup);
        }
        self
    }

    /// Writes a phrase in the reader's language. Phrases have no characters that mean something in markup.
    pub fn say(&mut self, phrase: Phrase) -> &mut Self {
        self.raw(self.language.phrase(phrase.0))
    }

    /// Writes a phrase in the reader's language, in which each `%` stands for the next value.
    pub fn phrase(&mut self, phrase: &'static str, values: &[&dyn Display]) -> &mut Self {
        let mut values = values.iter();
        for (place, part) in self.language.phrase(phrase).split('%').enumerate() {
            if place > 0
                && let Some(value) = values.next()
            {
                self.text(value);
            }
            self.raw(part);
        }
        self
    }

    /// The reader's language.
    pub fn language(&self) -> &'static Language {
        self.language
    }

    /// Writes a text, or the value of an attribute in double quotes. Control characters, which HTML does
    /// not have, become U+FFFD. In a language with a decimal comma it is formatted with the alternate flag,
    /// `{:#}`, by which the numbers in [`super::units`] know.
    // Inlined, it would be twice as long as the call, and there are hundreds.
    #[inline(never)]
    pub fn text(&mut self, text: impl Display) -> &mut Self {
        self.through(self.escape, &text)
    }

    /// Writes the end of a path, or a name or value in a query: all but the unreserved characters of RFC 3986,
    /// the colon of IPv6 addresses and the slash of networks is percent-encoded.
    pub fn url(&mut self, part: impl Display) -> &mut Self {
        self.through(percent_encode, &part)
    }

    fn through(&mut self, escape: Escape, text: &dyn Display) -> &mut Self {
        if self.result.is_ok() {
            let mut out = Escaper { out: self.out, escape };
            self.result = match self.language.has_decimal_comma {
                true => write!(out, "{text:#}"),
                false => write!(out, "{text}"),
            };
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
        if byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte) {
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
    use crate::view::languages::{ENGLISH, LANGUAGES};
    use crate::view::units::Grouped;

    #[test]
    fn phrases_are_translated_and_their_values_are_text() {
        for (language, expected) in [
            (&ENGLISH, "<b>in</b>1,000 bytes in &lt; packets"),
            (LANGUAGES[1], "<b>ein</b>1.000 Byte in &lt; Paketen"),
        ] {
            let mut out = String::new();
            Html::write(&mut out, language, |html| {
                html.markup("<b>{in}</b>").phrase("% bytes in % packets", &[&Grouped(1_000), &'<']);
            })
            .unwrap();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn text_cannot_leave_its_place() {
        let mut out = String::new();
        let evil = "<img src=x onerror=\"a('&')\">\0\n\u{9b}é";
        Html::write(&mut out, &ENGLISH, |html| {
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
        assert!(Html::write(&mut out, &ENGLISH, |html| _ = html.markup("<p>").text("&")).is_err());
        assert_eq!(out, "<p>");
    }
}
