//! The shell around the core: everything that has a clock, a socket, a file or a thread.

pub mod alarm;
pub mod capture;
pub mod clock;
pub mod config;
pub mod daylog;
pub mod export;
pub mod facts;
pub mod keeper;
pub mod logger;
pub mod names;
pub mod options;
pub mod print;
pub mod privileges;
pub mod read;
pub mod service;
pub mod signals;
pub mod store;
pub mod system;
pub mod tap;
pub mod web;

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
        Err(error) => {
            eprintln!("duskwatch: {error}");
            return ExitCode::from(USAGE);
        }
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

fn show(text: &str) -> ExitCode {
    match print(std::io::stdout(), |out| out.write_str(text)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
