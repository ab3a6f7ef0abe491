//! The shell around the core: everything that has a clock, a socket, a file or a thread.

pub mod admin;
pub mod alarm;
pub mod capture;
pub mod clock;
pub mod config;
pub mod confirm;
pub mod daylog;
pub mod evidence;
pub mod export;
pub mod facts;
pub mod failure;
pub mod health;
mod housekeeping;
pub mod ipfix;
pub mod keeper;
pub mod logger;
pub mod names;
pub mod neighbors;
pub mod options;
pub mod print;
pub mod privileges;
pub mod quotas;
pub mod read;
pub mod residents;
pub mod rules;
pub mod service;
pub mod setup;
pub mod signals;
pub mod store;
pub mod system;
pub mod tap;
pub mod threads;
pub mod web;
pub mod zone;

use std::fmt::Display;
use std::process::ExitCode;

use clock::Zone;
use config::{Command, Config, Source};
use print::print;

/// The exit status of a command line that cannot be followed.
const USAGE: u8 = 2;

/// The program.
pub fn run() -> ExitCode {
    let config = match config::load(std::env::args_os().skip(1)) {
        Ok(Command::Run(config)) => config,
        Ok(Command::Help) => return show(&options::help()),
        Ok(Command::Version) => return show(concat!("duskwatch ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::HashPassword) => {
            return admin::password::ask().map_or_else(|error| complain(&error, 1), |line| show(&line));
        }
        Ok(Command::CheckHealth(web)) => {
            return health::check(&web).map_or_else(|error| complain(&error, 1), |()| ExitCode::SUCCESS);
        }
        Err(error) => return complain(&error, USAGE),
    };
    match work(&config) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log::error!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn work(config: &Config) -> Result<(), String> {
    logger::start(config.log, Zone::local())?;
    for remark in &config.remarks {
        log::info!("{remark}");
    }
    if let Some(notice) = &config.web.notice {
        log::warn!("{notice}");
    }
    match &config.source {
        Source::Live(interfaces) => service::run(config, interfaces),
        Source::Read { file, output } => read::run(config, file, *output),
    }
}

/// Says on stderr what went wrong, where there is no log yet.
fn complain(error: &dyn Display, status: u8) -> ExitCode {
    eprintln!("duskwatch: {error}");
    ExitCode::from(status)
}

fn show(text: &str) -> ExitCode {
    match print(std::io::stdout(), |out| out.write_str(text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
