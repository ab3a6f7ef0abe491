//! Naming a test that could not run, so that it is not passed over in silence.

use std::env;
use std::fs::OpenOptions;
use std::io::Write;

/// Says that a test could not run, to the reader and to the list that `make test` prints at its end.
pub fn skipped(test: &str, reason: &str) {
    let line = format!("SKIPPED {test}: {reason}");
    eprintln!("{line}");
    if let Some(path) = env::var_os("DUSKWATCH_SKIPPED") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "{line}"));
    }
}
