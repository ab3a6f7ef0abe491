//! What the configuration means for each part of the program: how large its tables are, what it opens and starts.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::alarm::{self, Alarm, Captured};
use super::capture::coverage::Meter;
use super::capture::{self, Capture, InterfaceSpec};
use super::clock::{Clock, Zone};
use super::config::{self, Config, Interface, Tables, Wait};
use super::evidence::{self, Evidence};
use super::ipfix::{self, Exporter};
use super::keeper;
use super::names::vendors::{self, Vendors};
use super::names::{self, Names};
use super::tap::{Shared, lock};
use super::web::sources::Wishes;
use super::web::{Gate, HostNames, Listeners};
use crate::darknet::Darknet;
use crate::ledger::{Capacity, Ledger};
use crate::limits::{FLOW_RECORDS_BYTES, HOSTS_PER_DARK_SOURCE};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::table::Seed;
use crate::time::Timestamp;
use crate::view::Hidden;

/// The monitor of these interfaces, with everything allocated.
///
/// # Errors
/// One line for the user.
pub(super) fn monitor(
    config: &Config,
    interfaces: &[(&str, Role)],
    networks: Networks,
    (first, second): (u64, u64),
) -> Result<Monitor, String> {
    let networks = own_networks(config).unwrap_or(networks);
    let ledger = |&(name, role): &(&str, Role)| {
        let mut ledger =
            Ledger::new(name, role, networks.clone(), capacity(config, role), Seed::new(first, second));
        ledger.set_highest_port(config.tables.highest_port);
        ledger
    };
    let darknet = Darknet::new(&config.dark, dark_sources(config), Seed::new(first, second));
    let mut darknet = darknet.ok_or("--dark: there are more of them than fit")?;
    darknet.set_learning(config.learning.unwrap_or_default());
    darknet.set_rules(config.rules.clone());
    if config.confirm {
        darknet.confirm();
    }
    if !darknet.set_exclusions(&config.dark_except) {
        return Err("--dark-except: there are more of them than fit".to_owned());
    }
    for (index, (_, role)) in interfaces.iter().enumerate() {
        darknet.set_interface(index, *role, &Networks::new(), &[]);
    }
    let mut monitor = Monitor::new(interfaces.iter().map(ledger).collect(), darknet);
    monitor.set_quotas(&config.quotas);
    Ok(monitor)
}

/// How many sources are watched; none if nothing can be dark.
fn dark_sources(config: &Config) -> usize {
    let is_dark = config.learning.is_some() || !config.dark.is_empty();
    if is_dark { usize::from(config.tables.hosts).div_ceil(HOSTS_PER_DARK_SOURCE) } else { 0 }
}

/// What all tables take.
pub(super) fn table_bytes(config: &Config, roles: impl Iterator<Item = Role>) -> usize {
    let darknet = match dark_sources(config) {
        0 => 0,
        sources => Darknet::bytes(sources),
    };
    let records = if config.ipfix_to.is_some() { FLOW_RECORDS_BYTES } else { 0 };
    roles.map(|role| capacity(config, role).bytes() + records).sum::<usize>() + darknet
}

/// The sizes of an interface's tables. What is local on a WAN is this machine itself, which is no device.
fn capacity(config: &Config, role: Role) -> Capacity {
    let Tables { hosts, ports, devices, .. } = config.tables;
    Capacity { hosts, port_rows: ports.into(), devices: if role == Role::Wan { 0 } else { devices } }
}

pub(super) fn role(interface: &Interface) -> Role {
    interface.role.unwrap_or_default()
}

pub(super) fn names_and_roles(interfaces: &[Interface]) -> Vec<(&str, Role)> {
    interfaces.iter().map(|interface| (interface.name.as_str(), role(interface))).collect()
}

/// The networks that the user named, which then hold for every interface.
pub(super) fn own_networks(config: &Config) -> Option<Networks> {
    let mut networks = Networks::new();
    for prefix in &config.networks {
        networks.add(*prefix);
    }
    (!config.networks.is_empty()).then_some(networks)
}

pub(super) fn wishes(config: &Config) -> Wishes {
    Wishes {
        base: format!("{}/", config.web.base),
        hidden: hidden(config),
        notice: config.web.notice.clone(),
        style: config.web.style.clone(),
        language: config.web.language,
        local_only: config.web.local_only,
    }
}

/// What the user wants left out of pages and reports.
pub(super) fn hidden(config: &Config) -> Hidden {
    Hidden { macs: !config.web.show_macs, last_seen: !config.web.show_last_seen }
}

fn name_options(config: &Config) -> names::Options {
    let mut options = names::Options { reverse: config.names.dns, ..names::Options::default() };
    options.own.clone_from(&config.names.own);
    put_first(&mut options.leases, &config.names.leases);
    put_first(&mut options.ethers, &config.names.ethers);
    put_first(&mut options.hosts, &config.names.hosts);
    options
}

/// Opens the table of vendors before privileges are given up. That there is none at the usual places is no trouble.
pub(super) fn open_vendors(config: &Config) -> Option<Vendors> {
    let usual = vendors::USUAL_PATHS.map(Path::new).into_iter().find(|path| path.exists());
    let path = config.names.vendors.as_deref().or(usual)?;
    let opened = Vendors::open(path);
    opened.map_err(|error| log::warn!("{}: no vendors are shown: {error}", path.display())).ok()
}

/// The names of hosts and devices, as far as the files know them at this time.
///
/// # Errors
/// One line for the user.
pub(super) fn open_names(config: &Config, now: Timestamp, vendors: Option<Vendors>) -> Result<Names, String> {
    let names = Names::new(name_options(config), now).map_err(|error| format!("names: {error}"))?;
    Ok(names.with_vendors(vendors))
}

fn put_first(paths: &mut Vec<PathBuf>, chosen: &[PathBuf]) {
    paths.retain(|known| !chosen.contains(known));
    paths.splice(..0, chosen.iter().cloned());
}

/// Opens the capture.
pub(super) fn open_capture(config: &Config, interfaces: &[Interface]) -> Result<Capture, String> {
    let specs: Vec<InterfaceSpec> = interfaces
        .iter()
        .map(|interface| InterfaceSpec { name: interface.name.clone(), role: role(interface) })
        .collect();
    let options = capture::Options {
        filter: config.capture.filter.clone(),
        promiscuous: config.capture.promiscuous,
        snaplen: config.capture.snaplen,
        ring_size: config.capture.ring_bytes,
        wait: config.capture.wait == Wait::Forever,
        named_only: config.capture.named_only,
        ..capture::Options::default()
    };
    Capture::open(&specs, options)
}

/// Opens the web server's sockets. Of the default addresses, those of a family that the machine does not
/// have are left out.
pub(super) fn open_gate(config: &Config) -> Result<Gate, String> {
    let mut names = config.web.host_names.clone();
    names.extend(rustix::system::uname().nodename().to_str().ok().map(str::to_ascii_lowercase));
    let names = HostNames::new(&names)?;
    let mut addresses = config.web.listen.clone();
    if !config.web.listen_chosen {
        addresses.retain(|address| TcpListener::bind((address.ip(), 0)).is_ok());
    }
    let listeners = Listeners::bind(&addresses, config.capture.wait == Wait::Forever)?;
    for address in listeners.addresses() {
        log::info!("serving http://{address}{}/", config.web.base);
    }
    Ok(Gate::new(listeners, names))
}

/// Starts the sender of syslog messages, if somebody receives them.
///
/// # Errors
/// One line for the user.
pub(super) fn start_alarm(
    config: &Config,
    monitor: &Shared,
    interfaces: &[Interface],
    names: &Names,
    zone: Zone,
    meters: Vec<Arc<Meter>>,
) -> Result<Option<Alarm>, String> {
    let Some(receiver) = &config.syslog_to else { return Ok(None) };
    let monitor = Arc::clone(monitor);
    let captured = move || Captured {
        captured: lock(&monitor).ledgers().iter().map(|ledger| ledger.captured()).sum(),
        dropped: meters.iter().map(|meter| meter.coverage().dropped).sum(),
    };
    let options = alarm::Options {
        format: config.syslog_format,
        framing: config.syslog_framing,
        zone,
        interfaces: interfaces.iter().map(|interface| interface.name.clone()).collect(),
        rules: Arc::clone(config.rules.all()),
        names: names.clone(),
        captured: Box::new(captured),
        ..alarm::Options::new(receiver.clone())
    };
    Alarm::start(options).map(Some).map_err(|error| format!("--syslog-to: {error}"))
}

/// Starts the sender of flow records, if there is a collector. The monitor makes records from then on.
///
/// # Errors
/// One line for the user.
pub(super) fn start_exporter(
    config: &Config,
    roles: &[Role],
    monitor: &mut Monitor,
) -> Result<Option<Exporter>, String> {
    let Some(collector) = &config.ipfix_to else { return Ok(None) };
    monitor.ledgers_mut().iter_mut().for_each(Ledger::record_flows);
    let options =
        ipfix::Options { collector: collector.clone(), roles: roles.to_vec(), macs: config.web.show_macs };
    Exporter::start(options).map(Some).map_err(|error| format!("--ipfix-to: {error}"))
}

/// Starts what keeps the packets to the dark, if they are kept.
///
/// # Errors
/// One line for the user.
pub(super) fn start_evidence(
    config: &Config,
    interfaces: &[Interface],
    clock: &Clock,
) -> Result<Option<Evidence>, String> {
    let Some(config::Evidence { directory, limits }) = &config.evidence else { return Ok(None) };
    keeper::check_writable("--evidence", directory)?;
    let options = evidence::Options {
        directory: directory.clone(),
        limits: *limits,
        interfaces: interfaces.iter().map(|interface| interface.name.clone()).collect(),
    };
    Evidence::start(options, clock.clone())
        .map(Some)
        .map_err(|error| format!("--evidence {}: {error}", directory.display()))
}
