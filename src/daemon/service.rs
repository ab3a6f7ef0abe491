//! The program at work: open, give up privileges, spawn, wait for signals, end.

use std::iter;
use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::admin::password::random;
use super::admin::{self, Admin, Files, SharedPassword};
use super::alarm::{self, Alarm, Captured};
use super::capture::coverage::Meter;
use super::capture::{self, Capture, InterfaceSpec};
use super::clock::{Clock, Zone};
use super::config::{self, Config, Interface, Tables, Wait};
use super::confirm::Asker;
use super::evidence::{self, Evidence};
use super::facts::Known;
use super::ipfix::{self, Exporter};
use super::keeper::{self, Keeper};
use super::names::vendors::{self, Vendors};
use super::names::{self, Names};
use super::privileges::{self, Pidfile};
use super::quotas;
use super::residents;
use super::signals::{Signal, Signals};
use super::store;
use super::system;
use super::tap::{self, Shared, Tap, introduce, lock, tell_due, tell_rest, tell_summary};
use super::threads::{self, Thread};
use super::web::routes::{Pages, Present, Sources, Wishes};
use super::web::{Gate, HostNames, Listeners};
use crate::darknet::Darknet;
use crate::ledger::{Capacity, Ledger};
use crate::limits::{
    FLOW_RECORDS_BYTES, HOSTS_PER_DARK_SOURCE, HOUSEKEEPING_INTERVAL, IPFIX_STOP_PATIENCE, QUOTA_INTERVAL,
    STOP_PATIENCE, SUMMARY_SECONDS, THREAD_STACK_BYTES,
};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::snapshot;
use crate::table::Seed;
use crate::time::Timestamp;
use crate::view::Hidden;

/// Watches interfaces until a signal ends it.
///
/// # Errors
/// One line for the user: something could not be opened, or a thread failed.
pub fn run(config: &Config, interfaces: &[Interface]) -> Result<(), String> {
    privileges::claim_raw_sockets()?;
    let zone = Zone::local();
    let seed = random_seed()?;
    let mut monitor = monitor(config, &names_and_roles(interfaces), Networks::new(), seed)?;
    let mut signals = Signals::catch()?;
    let patience = deadline(config);
    let opened = patiently(patience, &mut signals, || open_capture(config, interfaces))?;
    let Some(capture) = opened else { return Ok(()) };
    let asker = config.confirm.then(Asker::open).transpose()?;
    let Some(gate) = patiently(patience, &mut signals, || open_gate(config))? else { return Ok(()) };
    let vendors = open_vendors(config);
    if config.process.detach {
        system::detach().map_err(|error| format!("--detach: {error}"))?;
    }
    let _pidfile = config.process.pidfile.as_deref().map(Pidfile::write).transpose()?;
    if let Some(directory) = &config.store.directory {
        privileges::provide("--dir", directory, &config.process)?;
    }
    if let Some(evidence) = &config.evidence {
        privileges::provide("--evidence", &evidence.directory, &config.process)?;
    }
    let remark = privileges::give_up(&config.process)?;
    log::info!("{remark}");
    let _claim = config.store.directory.as_deref().map(|path| store::claim("--dir", path)).transpose()?;
    let evidence_directory = config.evidence.as_ref().map(|evidence| evidence.directory.as_path());
    let _evidence_claim = evidence_directory.map(|path| store::claim("--evidence", path)).transpose()?;

    let roles: Vec<Role> = interfaces.iter().map(role).collect();
    let exporter = start_exporter(config, &roles, &mut monitor)?;
    let monitor = Arc::new(Mutex::new(monitor));
    let options = tap::Options {
        networks: own_networks(config),
        learn_dark: config.learning.is_some(),
        hexdump: config.capture.hexdump,
    };
    // Before the books are restored: hosts are guarded as local ones by these networks.
    for (index, presence) in capture.presences().enumerate() {
        introduce(&monitor, index, &presence, &options);
    }
    let mut keeper = Keeper::start(&config.store, Arc::clone(&monitor), zone.clone())?;
    let clock = keeper.clock();
    let names = Names::new(name_options(config), clock.now()).map_err(|error| format!("names: {error}"))?;
    let names = names.with_vendors(vendors);
    keeper.keep(names.clone());
    let alarm = start_alarm(config, &monitor, interfaces, &names, zone, capture.meters())?;
    let evidence =
        config.evidence.as_ref().map(|config| start_evidence(config, interfaces, &clock)).transpose()?;
    let tables = table_bytes(config, interfaces.iter().map(role));
    log::info!("the tables of {} take {} KiB, once and for all", list(interfaces), tables / 1024);
    let store = config.store.directory.is_some().then(|| keeper.status());
    let facts =
        Known::new(clock.now(), tables, store, alarm.clone(), evidence.clone(), names.clone(), config)
            .with_exporter(exporter.clone());
    let password = password(config);
    let files = config.store.directory.clone().map(|directory| Files {
        directory,
        bytes_max: snapshot::size_max(&lock(&monitor)) as u64,
        status: keeper.status(),
        orders: keeper.orders(),
    });
    // The directory is ours alone by now.
    files.iter().for_each(Files::remove_upload);
    let pages = Pages::new(Sources {
        admin: administration(config, password.as_ref(), &monitor, files, &names),
        monitor: Arc::clone(&monitor),
        present: Present::Live(clock.clone()),
        names: names.clone(),
        meters: capture.meters(),
        evidence: evidence.clone(),
        facts: Box::new(facts),
        wishes: wishes(config),
    });
    let tap = Tap::new(
        Arc::clone(&monitor),
        clock.clone(),
        alarm.clone(),
        evidence.clone(),
        exporter.clone(),
        asker,
        options,
    );
    let tell_quotas = || quotas::tell(&monitor, interfaces, &names, alarm.as_ref(), clock.now());
    // Before anything is added to what was restored: a month may have begun meanwhile, or a quota be another.
    tell_quotas();
    let stop = Stop::new()?;
    let threads = [spawn_capture(capture, tap, &stop, &signals)?, spawn_web(gate, pages, &stop, &signals)?];

    if config.learning.is_some() {
        residents::tell(&monitor, &names, clock.now(), true);
    }
    tell_summary(&monitor, alarm.as_ref(), clock.now());
    let mut summarized = clock.now().seconds;
    let mut keep_house = || {
        let now = clock.now();
        names.refresh(now);
        if now.seconds.abs_diff(summarized) >= SUMMARY_SECONDS {
            summarized = now.seconds;
            tell_summary(&monitor, alarm.as_ref(), now);
        }
        if config.learning.is_some() {
            residents::tell(&monitor, &names, now, false);
        }
        tell_due(&monitor, alarm.as_ref(), now);
        if let Some(exporter) = &exporter {
            exporter.collect_due(&mut lock(&monitor), now);
        }
    };
    let reload = || {
        names.reload(clock.now());
        reload_password(config, password.as_ref());
    };
    let mut look_at_quotas = || tell_quotas();
    let mut chores =
        [Chore::new(HOUSEKEEPING_INTERVAL, &mut keep_house), Chore::new(QUOTA_INTERVAL, &mut look_at_quotas)];
    let count = if config.quotas.is_empty() { 1 } else { 2 };
    let result = wait(&mut signals, Some(&mut keeper), &reload, &mut chores[..count]);
    stop.end();
    join(threads);
    // Before the last snapshot: what it has reached will have been told.
    tell_quotas();
    tell_rest(&monitor, alarm.as_ref());
    tell_summary(&monitor, alarm.as_ref(), clock.now());
    keeper.close();
    if let Some(exporter) = exporter {
        for (interface, ledger) in lock(&monitor).ledgers_mut().iter_mut().enumerate() {
            exporter.collect_all(interface, ledger, IPFIX_STOP_PATIENCE);
        }
        exporter.stop();
    }
    if let Some(alarm) = alarm {
        alarm.stop();
    }
    if let Some(evidence) = evidence {
        evidence.stop();
    }
    result
}

/// Serves what a capture file gave until a signal ends it.
///
/// # Errors
/// One line for the user.
pub fn serve(config: &Config, monitor: Monitor, last: Timestamp) -> Result<(), String> {
    let gate = open_gate(config)?;
    let vendors = open_vendors(config);
    let mut signals = Signals::catch()?;
    let remark = privileges::give_up(&config.process)?;
    log::debug!("{remark}");
    // The files speak for the time of the capture, however late they are read.
    let always = Timestamp::default();
    let names = Names::new(name_options(config), always).map_err(|error| format!("names: {error}"))?;
    let names = names.with_vendors(vendors);
    let zone = Zone::local();
    let password = password(config);
    let monitor = Arc::new(Mutex::new(monitor));
    let pages = Pages::new(Sources {
        admin: administration(config, password.as_ref(), &monitor, None, &names),
        monitor,
        present: Present::Fixed(last, zone.clone()),
        names: names.clone(),
        meters: Vec::new(),
        evidence: None,
        facts: Box::new(Known::new(
            Clock::new(None, zone).now(),
            table_bytes(config, iter::once(Role::Lan)),
            None,
            None,
            None,
            names.clone(),
            config,
        )),
        wishes: wishes(config),
    });
    let stop = Stop::new()?;
    let threads = [spawn_web(gate, pages, &stop, &signals)?];
    let reload = || {
        names.reload(always);
        reload_password(config, password.as_ref());
    };
    let mut refresh = || names.refresh(always);
    let mut chores = [Chore::new(HOUSEKEEPING_INTERVAL, &mut refresh)];
    let result = wait(&mut signals, None, &reload, &mut chores);
    stop.end();
    join(threads);
    result
}

/// The monitor of these interfaces, with everything allocated.
///
/// # Errors
/// One line for the user.
pub fn monitor(
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
fn table_bytes(config: &Config, roles: impl Iterator<Item = Role>) -> usize {
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

/// The interfaces' names, as a sentence has them.
fn list(interfaces: &[Interface]) -> String {
    let names: Vec<&str> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
    names.join(", ")
}

/// A seed that nobody outside can know, for the tables' hashes.
fn random_seed() -> Result<(u64, u64), String> {
    let bits = u128::from_ne_bytes(random()?);
    Ok(((bits >> 64) as u64, bits as u64))
}

fn role(interface: &Interface) -> Role {
    interface.role.unwrap_or_default()
}

fn names_and_roles(interfaces: &[Interface]) -> Vec<(&str, Role)> {
    interfaces.iter().map(|interface| (interface.name.as_str(), role(interface))).collect()
}

/// The networks that the user named, which then hold for every interface.
pub fn own_networks(config: &Config) -> Option<Networks> {
    let mut networks = Networks::new();
    for prefix in &config.networks {
        networks.add(*prefix);
    }
    (!config.networks.is_empty()).then_some(networks)
}

fn password(config: &Config) -> Option<SharedPassword> {
    config.password.as_ref().map(|(_, password)| Arc::new(Mutex::new(password.clone())))
}

fn reload_password(config: &Config, password: Option<&SharedPassword>) {
    if let (Some((path, _)), Some(password)) = (&config.password, password) {
        admin::reload(password, path);
    }
}

/// What whoever knows the password may do; nothing without one.
fn administration(
    config: &Config,
    password: Option<&SharedPassword>,
    monitor: &Shared,
    files: Option<Files>,
    names: &Names,
) -> Option<Admin> {
    let base = format!("{}/", config.web.base);
    let names = names.clone();
    let mut admin = Admin::new(Arc::clone(password?), Arc::clone(monitor), files, base);
    admin.rename_by(Box::new(move |mac, name| names.rename(mac, name)));
    Some(admin)
}

fn wishes(config: &Config) -> Wishes {
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
pub fn hidden(config: &Config) -> Hidden {
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
fn open_vendors(config: &Config) -> Option<Vendors> {
    let usual = vendors::USUAL_PATHS.map(Path::new).into_iter().find(|path| path.exists());
    let path = config.names.vendors.as_deref().or(usual)?;
    let opened = Vendors::open(path);
    opened.map_err(|error| log::warn!("{}: no vendors are shown: {error}", path.display())).ok()
}

fn put_first(paths: &mut Vec<PathBuf>, chosen: &[PathBuf]) {
    paths.retain(|known| !chosen.contains(known));
    paths.splice(..0, chosen.iter().cloned());
}

/// When --wait's time is over.
fn deadline(config: &Config) -> Instant {
    let patience = match config.capture.wait {
        Wait::Seconds(seconds) => Duration::from_secs(seconds.into()),
        Wait::No | Wait::Forever => Duration::ZERO,
    };
    Instant::now() + patience
}

/// Tries until it works or time is up, so that an error after that time is still an error at the start.
/// `None` if a signal ends the waiting.
fn patiently<T>(
    deadline: Instant,
    signals: &mut Signals,
    attempt: impl Fn() -> Result<T, String>,
) -> Result<Option<T>, String> {
    loop {
        match attempt() {
            Err(_) if Instant::now() < deadline => {
                if signals.wait(Some(Duration::from_secs(1))) == Some(Signal::End) {
                    return Ok(None);
                }
            }
            result => return result.map(Some),
        }
    }
}

/// Opens the capture.
fn open_capture(config: &Config, interfaces: &[Interface]) -> Result<Capture, String> {
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
fn open_gate(config: &Config) -> Result<Gate, String> {
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

fn start_alarm(
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
pub fn start_exporter(
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

fn start_evidence(
    config: &config::Evidence,
    interfaces: &[Interface],
    clock: &Clock,
) -> Result<Evidence, String> {
    let config::Evidence { directory, limits } = config;
    keeper::check_writable("--evidence", directory)?;
    let options = evidence::Options {
        directory: directory.clone(),
        limits: *limits,
        interfaces: interfaces.iter().map(|interface| interface.name.clone()).collect(),
    };
    Evidence::start(options, clock.clone())
        .map_err(|error| format!("--evidence {}: {error}", directory.display()))
}

/// What ends the threads: the reading end of a pipe is ready once the writing end is closed.
struct Stop {
    reader: Arc<OwnedFd>,
    writer: OwnedFd,
}

impl Stop {
    fn new() -> Result<Self, String> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|error| format!("pipe: {error}"))?;
        Ok(Self { reader: Arc::new(reader), writer })
    }

    fn end(self) {
        drop(self.writer);
    }
}

fn spawn(
    name: &str,
    signals: &Signals,
    work: impl FnOnce() -> Result<(), String> + Send + 'static,
) -> Result<Thread, String> {
    let farewell = signals.farewell()?;
    let work = move || {
        let _farewell = farewell;
        work()
    };
    let work = Box::new(work);
    threads::spawn(name, THREAD_STACK_BYTES, work)
        .map_err(|error| format!("the {name} thread could not start: {error}"))
}

// What a thread works with is small or boxed: on its way into the thread it is moved several times, and
// without optimization each move takes its size of the stack.

fn spawn_capture(
    mut capture: Capture,
    mut tap: Tap,
    stop: &Stop,
    signals: &Signals,
) -> Result<Thread, String> {
    let stop = Arc::clone(&stop.reader);
    spawn("capture", signals, move || capture.run(&mut tap, stop.as_fd()))
}

fn spawn_web(gate: Gate, mut pages: Box<Pages>, stop: &Stop, signals: &Signals) -> Result<Thread, String> {
    let stop = Arc::clone(&stop.reader);
    spawn("web", signals, move || gate.run(&mut *pages, stop.as_fd()))
}

/// What is to be done from time to time.
struct Chore<'a> {
    interval: Duration,
    due: Instant,
    work: &'a mut dyn FnMut(),
}

impl<'a> Chore<'a> {
    /// Work that is due for the first time when an interval is over.
    fn new(interval: Duration, work: &'a mut dyn FnMut()) -> Self {
        Self { interval, due: Instant::now() + interval, work }
    }
}

/// Waits for the signal that ends the program, and does what the others ask for meanwhile.
fn wait(
    signals: &mut Signals,
    mut keeper: Option<&mut Keeper>,
    reload: &dyn Fn(),
    chores: &mut [Chore<'_>],
) -> Result<(), String> {
    loop {
        let snapshot = keeper.as_mut().and_then(|keeper| keeper.poll());
        let chore = chores.iter().map(|chore| chore.due.saturating_duration_since(Instant::now())).min();
        let patience = snapshot.into_iter().chain(chore).min();
        match (signals.wait(patience), &mut keeper) {
            (Some(Signal::End), _) => return Ok(()),
            (Some(Signal::ThreadEnded), _) => {
                return Err("a thread of the program has ended; the log says why".to_owned());
            }
            (Some(Signal::Reload), _) => reload(),
            (Some(Signal::Save), Some(keeper)) => {
                if !keeper.serve() {
                    keeper.request();
                }
            }
            (Some(Signal::Save), None) | (None, _) => {}
        }
        for chore in chores.iter_mut().filter(|chore| Instant::now() >= chore.due) {
            chore.due = Instant::now() + chore.interval;
            (chore.work)();
        }
    }
}

/// Waits for the threads to end, but not for ever: what must be saved is saved without them.
fn join(threads: impl IntoIterator<Item = Thread>) {
    let deadline = Instant::now() + STOP_PATIENCE;
    for thread in threads {
        while !thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        if thread.is_finished() {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => log::error!("{error}"),
                Err(_) => log::error!("a thread of the program failed"),
            }
        }
    }
}
