//! The duskwatch program.

use std::process::ExitCode;

fn main() -> ExitCode {
    duskwatch::daemon::run()
}
