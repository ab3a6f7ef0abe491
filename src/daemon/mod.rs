//! The shell around the core: everything that has a clock, a socket, a file or a thread.

pub mod alarm;
pub mod capture;
pub mod config;
pub mod daylog;
pub mod export;
pub mod names;
pub mod options;
pub mod read;
pub mod store;
pub mod web;

use std::io::Write;
use std::process::ExitCode;

use config::Command;

/// The exit status of a command line that cannot be followed.
const USAGE: u8 = 2;

/// The program.
pub fn run() -> ExitCode {
    match config::load(std::env::args_os().skip(1)) {
        Ok(Command::Help) => show(&options::help()),
        Ok(Command::Version) => show(concat!("duskwatch ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(_)) => {}
        Err(error) => {
            eprintln!("duskwatch: {error}");
            return ExitCode::from(USAGE);
        }
    }
    ExitCode::SUCCESS
}

/// Prints to stdout. A reader that went away, as in `duskwatch --help | head`, is no error.
fn show(text: &str) {
    let _ = std::io::stdout().write_all(text.as_bytes());
}
