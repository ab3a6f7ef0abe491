//! Text into files and streams.

use std::fmt;
use std::io::{self, BufWriter, Write};

use super::failure::failure;

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
