//! Text into files and streams, and what must not get there.

use std::fmt;
use std::io::{self, BufWriter, Write};

use super::failure::failure;

/// True for what nobody sees: control characters, what turns the text around it or breaks its line, and what takes no
/// room. Two names that look alike could differ by it, and a line could read as another.
pub fn is_unprintable(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' // soft hyphen
                | '\u{61c}' // Arabic letter mark
                | '\u{115f}'..='\u{1160}' | '\u{3164}' | '\u{ffa0}' // Hangul fillers
                | '\u{180e}' // Mongolian vowel separator
                | '\u{200b}'..='\u{200f}' // spaces of no width, joiners, marks of direction
                | '\u{2028}'..='\u{202e}' // separators, embeddings, overrides
                | '\u{2060}'..='\u{206f}' // word joiner, isolates, deprecated ones
                | '\u{2800}' // Braille without a dot
                | '\u{feff}' // byte order mark
                | '\u{fff9}'..='\u{fffb}' // annotations
                | '\u{e0000}'..='\u{e0fff}' // tags
        )
}

/// Lets a writer of text write into a file or stream, and keeps the first error.
struct Printer<W: Write> {
    out: BufWriter<W>,
    error: Option<io::Error>,
}

impl<W: Write> fmt::Write for Printer<W> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.out.write_all(text.as_bytes()).map_err(|error| {
            self.error = Some(error);
            fmt::Error
        })
    }
}

/// Writes what `body` says into `out`, whole.
///
/// # Errors
/// The stream's own. A reader that went away, as in `duskwatch --help | head`, is none.
pub fn print(out: impl Write, body: impl FnOnce(&mut dyn fmt::Write) -> fmt::Result) -> io::Result<()> {
    let mut printer = Printer { out: BufWriter::new(out), error: None };
    let done = body(&mut printer);
    let flushed = printer.out.flush();
    match printer.error.or(flushed.err()) {
        Some(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Some(error) => Err(error),
        None if done.is_err() => Err(failure(io::ErrorKind::Other, "the text could not be made")),
        None => Ok(()),
    }
}
