//! The validated configuration: what the options mean, with every default filled in.

mod resolve;
mod values;

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::admin::password::Password;
use super::alarm::{Format, Framing, Receiver};
use super::evidence::export;
use super::evidence::ring::Limits;
use super::names::Name;
use super::options::{Key, Options, UsageError, parse_config_file, printable};
use super::rules;
use crate::darknet::{Exclusion, Rules};
use crate::limits::{CONFIG_FILE_BYTES_MAX, WEB_STYLE_BYTES_MAX};
use crate::network::{Prefix, Role};
use crate::packet::Mac;
use crate::quota::Quota;
use crate::view::languages::Language;

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Print the help and exit.
    Help,
    /// Print the version and exit.
    Version,
    /// Ask for a password, print what is kept of it, and exit.
    HashPassword,
    /// Ask the pages of a running program, and exit.
    CheckHealth(Web),
    /// Do the work.
    Run(Box<Config>),
}

/// Everything that the options decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Where packets come from.
    pub source: Source,
    /// Local networks, up to `LOCAL_PREFIXES_MAX`; empty means each interface's own.
    pub networks: Vec<Prefix>,
    /// How frames are captured.
    pub capture: Capture,
    /// The sizes of the tables.
    pub tables: Tables,
    /// What devices and interfaces may move in a month, up to `QUOTAS_MAX`, one for each.
    pub quotas: Vec<Quota>,
    /// The web server.
    pub web: Web,
    /// The file of the administrator's password, and what it holds.
    pub password: Option<(PathBuf, Password)>,
    /// Where names come from.
    pub names: Names,
    /// What is kept on disk.
    pub store: Store,
    /// Dark networks that the user declares, up to `DARK_PREFIXES_MAX`.
    pub dark: Vec<Prefix>,
    /// What the darknet leaves out, up to `DARK_EXCLUSIONS_MAX`.
    pub dark_except: Vec<Exclusion>,
    /// Seconds for which a LAN is watched before those of its addresses that nobody has are dark; `None` if
    /// they never are.
    pub learning: Option<u32>,
    /// Whether to ask LANs for addresses of theirs that seem to be nobody's.
    pub confirm: bool,
    /// Rules for packets to dark addresses, up to `RULES_MAX`.
    pub rules: Rules,
    /// Where alerts go.
    pub syslog_to: Option<Receiver>,
    /// How they are written.
    pub syslog_format: Format,
    /// What separates them over TCP.
    pub syslog_framing: Framing,
    /// Where flow records go.
    pub ipfix_to: Option<Receiver>,
    /// What is kept of packets to the dark, if anything.
    pub evidence: Option<Evidence>,
    /// How the process runs.
    pub process: Process,
    /// Where the log goes and how much of it.
    pub log: Log,
    /// What the log should say once about options that were accepted and do not do what they say.
    pub remarks: Vec<String>,
}

/// Where packets come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Live interfaces: 1 to `INTERFACES_MAX`, each once.
    Live(Vec<Interface>),
    /// A capture file.
    Read {
        /// The file.
        file: PathBuf,
        /// What becomes of the result.
        output: Output,
    },
}

/// An interface to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Its name, as the kernel would accept it.
    pub name: String,
    /// What it leads to, if the user said so.
    pub role: Option<Role>,
}

/// What becomes of a capture file's account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// A table for people.
    Summary,
    /// The report as JSON.
    Json,
    /// The pages, until a signal comes.
    Serve,
    /// The packets to the dark, each as a row.
    Packets(export::Format),
}

/// How frames are captured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capture {
    /// A pcap filter expression, not compiled yet.
    pub filter: Option<String>,
    /// Make the device promiscuous.
    pub promiscuous: bool,
    /// Open no device but the interfaces themselves.
    pub named_only: bool,
    /// Bytes kept of each frame.
    pub snaplen: u32,
    /// The ring of each device in bytes.
    pub ring_bytes: u32,
    /// What to do about what is not there at start.
    pub wait: Wait,
    /// Log each frame in hex.
    pub hexdump: bool,
}

/// What to do about an interface that is not there at start, or an address that cannot be listened on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// It is an error.
    No,
    /// Wait this many seconds for it.
    Seconds(u32),
    /// Wait until it comes.
    Forever,
}

/// The sizes of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tables {
    /// Host rows of each interface, at least 1.
    pub hosts: u16,
    /// Port rows of each interface, at least 1.
    pub ports: u16,
    /// Ports above this one get no rows.
    pub highest_port: u16,
    /// Devices of each LAN; 0 for none.
    pub devices: u16,
}

/// The web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Web {
    /// Where to listen: 1 to `WEB_LISTENERS_MAX`, each once.
    pub listen: Vec<SocketAddr>,
    /// True if the user chose the addresses. Of the default pair one may be missing on the machine.
    pub listen_chosen: bool,
    /// The path before the pages' own: empty, or `/path` without a slash at the end.
    pub base: String,
    /// More names of ours in a request's Host header, in lower case, up to `WEB_HOST_NAMES_MAX`.
    pub host_names: Vec<String>,
    /// List only local hosts.
    pub local_only: bool,
    /// Show MAC addresses.
    pub show_macs: bool,
    /// Show when hosts were last seen.
    pub show_last_seen: bool,
    /// A warning for the readers, up to `NOTICE_BYTES_MAX` bytes without control characters.
    pub notice: Option<String>,
    /// A style sheet for the pages, up to `WEB_STYLE_BYTES_MAX` bytes.
    pub style: Option<Vec<u8>>,
    /// The pages' language; if there is none, each reader's own.
    pub language: Option<&'static Language>,
}

/// Where names come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// Ask the DNS.
    pub dns: bool,
    /// What devices are called, up to `NAME_OPTIONS_MAX`, each once.
    pub own: Vec<(Mac, Name)>,
    /// Lease files of dnsmasq beside the usual ones, up to `NAMES_PATHS_MAX`.
    pub leases: Vec<PathBuf>,
    /// Files like /etc/ethers beside that, up to `NAMES_PATHS_MAX`.
    pub ethers: Vec<PathBuf>,
    /// The table of vendors, if the user chose one.
    pub vendors: Option<PathBuf>,
    /// Hosts files and directories of them beside the usual ones, up to `NAMES_PATHS_MAX`.
    pub hosts: Vec<PathBuf>,
}

/// What is kept on disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    /// The directory of the snapshots.
    pub directory: Option<PathBuf>,
    /// Seconds between snapshots, at least 1.
    pub interval: u64,
    /// Bytes that may be written in a day.
    pub flash_budget: Option<u64>,
    /// The export to start from.
    pub import: Option<PathBuf>,
    /// Where to export to.
    pub export: Option<PathBuf>,
    /// Where each day's totals go.
    pub daylog: Option<PathBuf>,
}

/// What is kept of packets to the dark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// The directory of the segments.
    pub directory: PathBuf,
    /// How much and for how long.
    pub limits: Limits,
}

/// How the process runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Leave the terminal.
    pub detach: bool,
    /// The user to become, if the user chose one.
    pub user: Option<String>,
    /// The new root directory.
    pub chroot: Option<PathBuf>,
    /// Where to write the process number.
    pub pidfile: Option<PathBuf>,
}

/// Where the log goes and how much of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Log {
    /// To the local syslog instead of stderr.
    pub syslog: bool,
    /// More of it.
    pub verbose: bool,
    /// Wait for whoever reads it: a capture file can wait, live traffic cannot.
    pub waits: bool,
}

/// Reads the command line, without the program's name, and the files of options, rules and style that it names.
///
/// # Errors
/// The first mistake in any of them.
pub fn load(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, UsageError> {
    let mut options = Options::from_arguments(arguments)?;
    if options.has(Key::Help) {
        return Ok(Command::Help);
    }
    if options.has(Key::Version) {
        return Ok(Command::Version);
    }
    if options.has(Key::HashPassword) {
        return Ok(Command::HashPassword);
    }
    if let Some(one) = options.get(Key::Config) {
        let text = read_config_file(Path::new(&one.value)).map_err(|error| one.error(error))?;
        let file = parse_config_file(&printable(&one.value), &text)?;
        options = options.or(file);
    }
    if options.has(Key::CheckHealth) {
        return resolve::web(&options).map(Command::CheckHealth);
    }
    let routes = std::fs::read_to_string("/proc/self/net/route").unwrap_or_default();
    let mut config = Config::new(&options, default_interface(&routes))?;
    if let Some(one) = options.get(Key::Rules) {
        config.rules = rules::load(one)?;
    }
    if let Some(one) = options.get(Key::Css) {
        config.web.style = Some(read_style(Path::new(&one.value)).map_err(|error| one.error(error))?);
    }
    if let Some(one) = options.get(Key::PasswordFile) {
        let path = PathBuf::from(&one.value);
        let password = Password::read(&path).map_err(|error| one.error(error))?;
        config.password = Some((path, password));
    }
    Ok(Command::Run(Box::new(config)))
}

/// The device of the default route with the lowest metric, in the kernel's /proc/net/route.
fn default_interface(routes: &str) -> Option<&str> {
    let default = |line| {
        let fields: Vec<&str> = str::split_whitespace(line).collect();
        match fields.as_slice() {
            [device, "00000000", _, _, _, _, metric, "00000000", ..] => {
                Some((metric.parse::<u32>().ok()?, *device))
            }
            _ => None,
        }
    };
    routes.lines().filter_map(default).min_by_key(|(metric, _)| *metric).map(|(_, device)| device)
}

fn read_config_file(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(CONFIG_FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text))
        .map_err(|error| format!("cannot be read: {error}"))?;
    Ok(text)
}

fn read_style(path: &Path) -> Result<Vec<u8>, String> {
    let mut style = Vec::new();
    File::open(path)
        .and_then(|file| file.take(WEB_STYLE_BYTES_MAX as u64 + 1).read_to_end(&mut style))
        .map_err(|error| format!("cannot be read: {error}"))?;
    if style.len() > WEB_STYLE_BYTES_MAX {
        return Err(format!("takes a file of up to {WEB_STYLE_BYTES_MAX} bytes"));
    }
    Ok(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_interface_has_the_lowest_metric() {
        let routes = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
                      wwan0\t00000000\t0100A8C0\t0003\t0\t0\t700\t00000000\t0\t0\t0\n\
                      eth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n\
                      eth1\t0000A8C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n";
        assert_eq!(default_interface(routes), Some("eth0"));
        assert_eq!(default_interface(""), None);
    }
}
