//! Errors of input and output that speak of this program and not of the system.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};

/// A text as an error, which for programmers says the same as for people. Of a bare text, an [`io::Error`] prints
/// escapes for programmers, whose tables are 2 kB of the compressed program for 32-bit ARM.
struct Failure(&'static str);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Failure {}

/// An error of this kind that says this.
pub fn failure(kind: ErrorKind, text: &'static str) -> io::Error {
    io::Error::new(kind, Failure(text))
}
