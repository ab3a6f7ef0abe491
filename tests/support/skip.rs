//! Tests that cannot run here say so by name.

use std::io::Write as _;

/// Names a test that cannot run here, and why: on the standard output, and in the file that `make test`
/// shows at its end.
pub fn skip(name: &str, reason: &str) {
    let line = format!("SKIPPED {name}: {reason}");
    println!("{line}");
    if let Some(path) = std::env::var_os("DUSKWATCH_SKIPPED") {
        let file = std::fs::OpenOptions::new().create(true).append(true).open(path);
        let _ = file.and_then(|mut file| writeln!(file, "{line}"));
    }
}
