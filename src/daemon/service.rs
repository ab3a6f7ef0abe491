//! The program at work: open, give up privileges, spawn, wait for signals, end.

use std::net::TcpListener;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::rand::{GetRandomFlags, getrandom};

use super::alarm::{self, Alarm, Captured};
use super::capture::coverage::Meter;
use super::capture::{self, Capture, InterfaceSpec};
use super::clock::{Clock, Zone};
use super::config::{self, Config, Interface, Wait};
use super::confirm::Asker;
use super::evidence::{self, Evidence};
use super::facts::Known;
use super::keeper::{self, Keeper};
use super::names::{self, Names};
use super::privileges::{self, Pidfile};
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
    HOSTS_PER_DARK_SOURCE, HOUSEKEEPING_INTERVAL, STOP_PATIENCE, SUMMARY_SECONDS, THREAD_STACK_BYTES,
};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
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
    let monitor = monitor(config, &names_and_roles(interfaces), Networks::new(), seed)?;
    let mut signals = Signals::catch()?;
    let patience = deadline(config);
    let opened = patiently(patience, &mut signals, || open_capture(config, interfaces))?;
    let Some(capture) = opened else { return Ok(()) };
    let asker = config.confirm.then(Asker::open).transpose()?;
    let Some(gate) = patiently(patience, &mut signals, || open_gate(config))? else { return Ok(()) };
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
    let alarm = start_alarm(config, &monitor, interfaces, &names, zone, capture.meters())?;
    let evidence =
        config.evidence.as_ref().map(|config| start_evidence(config, interfaces, &clock)).transpose()?;
    let tables = table_bytes(config, interfaces.len());
    log::info!("the tables of {} take {} KiB, once and for all", list(interfaces), tables / 1024);
    let store = config.store.directory.is_some().then(|| keeper.status());
    let facts =
        Known::new(clock.now(), tables, store, alarm.clone(), evidence.clone(), names.clone(), config);
    let pages = Pages::new(Sources {
        monitor: Arc::clone(&monitor),
        present: Present::Live(clock.clone()),
        names: names.clone(),
        meters: capture.meters(),
        evidence: evidence.clone(),
        facts: Box::new(facts),
        wishes: wishes(config),
    });
    let tap = Tap::new(Arc::clone(&monitor), clock.clone(), alarm.clone(), evidence.clone(), asker, options);
    let stop = Stop::new()?;
    let threads = [spawn_capture(capture, tap, &stop, &signals)?, spawn_web(gate, pages, &stop, &signals)?];

    if config.learning.is_some() {
        residents::tell(&monitor, &names, clock.now(), true);
    }
    tell_summary(&monitor, alarm.as_ref(), clock.now());
    let mut summarized = clock.now().seconds;
    let mut keep_house = || {
        let now = clock.now();
        if now.seconds.abs_diff(summarized) >= SUMMARY_SECONDS {
            summarized = now.seconds;
            tell_summary(&monitor, alarm.as_ref(), now);
        }
        if config.learning.is_some() {
            residents::tell(&monitor, &names, now, false);
        }
        tell_due(&monitor, alarm.as_ref(), now);
    };
    let result = wait(&mut signals, &names, Some(&mut keeper), &|| clock.now(), &mut keep_house);
    stop.end();
    join(threads);
    tell_rest(&monitor, alarm.as_ref());
    tell_summary(&monitor, alarm.as_ref(), clock.now());
    keeper.close();
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
    let mut signals = Signals::catch()?;
    let remark = privileges::give_up(&config.process)?;
    log::debug!("{remark}");
    // The files speak for the time of the capture, however late they are read.
    let always = Timestamp::default();
    let names = Names::new(name_options(config), always).map_err(|error| format!("names: {error}"))?;
    let zone = Zone::local();
    let pages = Pages::new(Sources {
        monitor: Arc::new(Mutex::new(monitor)),
        present: Present::Fixed(last, zone.clone()),
        names: names.clone(),
        meters: Vec::new(),
        evidence: None,
        facts: Box::new(Known::new(
            Clock::new(None, zone).now(),
            table_bytes(config, 1),
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
    let result = wait(&mut signals, &names, None, &|| always, &mut || ());
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
    let capacity = capacity(config);
    let networks = own_networks(config).unwrap_or(networks);
    let ledger = |&(name, role): &(&str, Role)| {
        let mut ledger = Ledger::new(name, role, networks.clone(), capacity, Seed::new(first, second));
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
    Ok(Monitor::new(interfaces.iter().map(ledger).collect(), darknet))
}

/// How many sources are watched; none if nothing can be dark.
fn dark_sources(config: &Config) -> usize {
    let is_dark = config.learning.is_some() || !config.dark.is_empty();
    if is_dark { usize::from(config.tables.hosts).div_ceil(HOSTS_PER_DARK_SOURCE) } else { 0 }
}

/// What all tables take.
fn table_bytes(config: &Config, interfaces: usize) -> usize {
    let darknet = match dark_sources(config) {
        0 => 0,
        sources => Darknet::bytes(sources),
    };
    capacity(config).bytes() * interfaces + darknet
}

fn capacity(config: &Config) -> Capacity {
    Capacity { hosts: config.tables.hosts, port_rows: config.tables.ports.into() }
}

/// The interfaces' names, as a sentence has them.
fn list(interfaces: &[Interface]) -> String {
    let names: Vec<&str> = interfaces.iter().map(|interface| interface.name.as_str()).collect();
    names.join(", ")
}

/// A seed that nobody outside can know, for the tables' hashes.
fn random_seed() -> Result<(u64, u64), String> {
    let mut bytes = [0; 16];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(16) => {
            let bits = u128::from_ne_bytes(bytes);
            Ok(((bits >> 64) as u64, bits as u64))
        }
        Ok(_) => Err("the system gave too few random bytes".to_owned()),
        Err(error) => Err(format!("the system gives no random bytes: {error}")),
    }
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

fn wishes(config: &Config) -> Wishes {
    Wishes {
        base: format!("{}/", config.web.base),
        hidden: hidden(config),
        notice: config.web.notice.clone(),
        local_only: config.web.local_only,
    }
}

/// What the user wants left out of pages and reports.
pub fn hidden(config: &Config) -> Hidden {
    Hidden { macs: !config.web.show_macs, last_seen: !config.web.show_last_seen }
}

fn name_options(config: &Config) -> names::Options {
    let mut options = names::Options { reverse: config.names.dns, ..names::Options::default() };
    put_first(&mut options.leases, &config.names.leases);
    put_first(&mut options.hosts, &config.names.hosts);
    options
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

/// Waits for the signal that ends the program, and does what the others ask for meanwhile.
fn wait(
    signals: &mut Signals,
    names: &Names,
    mut keeper: Option<&mut Keeper>,
    now: &dyn Fn() -> Timestamp,
    keep_house: &mut dyn FnMut(),
) -> Result<(), String> {
    let mut housekeeping = Instant::now() + HOUSEKEEPING_INTERVAL;
    loop {
        let due = keeper.as_mut().and_then(|keeper| keeper.poll());
        let patience = housekeeping.saturating_duration_since(Instant::now());
        match (signals.wait(Some(due.map_or(patience, |due| due.min(patience)))), &mut keeper) {
            (Some(Signal::End), _) => return Ok(()),
            (Some(Signal::ThreadEnded), _) => {
                return Err("a thread of the program has ended; the log says why".to_owned());
            }
            (Some(Signal::Reload), _) => names.reload(now()),
            (Some(Signal::Save), Some(keeper)) => keeper.request(),
            (Some(Signal::Save), None) | (None, _) => {}
        }
        if Instant::now() >= housekeeping {
            housekeeping = Instant::now() + HOUSEKEEPING_INTERVAL;
            names.refresh(now());
            keep_house();
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
