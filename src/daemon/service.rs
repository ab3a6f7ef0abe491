//! The program at work: open, give up privileges, spawn, wait for signals, end.

use std::cell::Cell;
use std::fs::File;
use std::iter;
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::admin::password::random;
use super::admin::{self, Admin, Files, SharedPassword};
use super::capture::Capture;
use super::clock::{Clock, Zone};
use super::config::{Config, Interface, Wait};
use super::confirm::Asker;
use super::facts::Known;
use super::housekeeping::Housekeeping;
use super::keeper::Keeper;
use super::names::Names;
use super::names::vendors::Vendors;
use super::privileges::{self, Pidfile};
use super::setup;
use super::signals::{Signal, Signals};
use super::store;
use super::system;
use super::tap::{self, Shared, Tap, introduce, lock};
use super::threads::{self, Stop, Thread, join};
use super::web::Gate;
use super::web::pages::Pages;
use super::web::sources::{Present, Sources};
use crate::limits::{HOUSEKEEPING_INTERVAL, QUOTA_INTERVAL, THREAD_STACK_BYTES};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::snapshot;
use crate::time::Timestamp;

/// Watches interfaces until a signal ends it.
///
/// # Errors
/// One line for the user: something could not be opened, or a thread failed.
pub fn run(config: &Config, interfaces: &[Interface]) -> Result<(), String> {
    privileges::claim_raw_sockets()?;
    let zone = Zone::local();
    let seed = random_seed()?;
    let mut monitor = setup::monitor(config, &setup::names_and_roles(interfaces), Networks::new(), seed)?;
    let mut signals = Signals::catch()?;
    let Some(opened) = open(config, interfaces, &mut signals)? else { return Ok(()) };
    let Opened { capture, asker, gate, vendors } = opened;
    let _claims = settle(config)?;

    let roles: Vec<Role> = interfaces.iter().map(setup::role).collect();
    let exporter = setup::start_exporter(config, &roles, &mut monitor)?;
    let monitor = Arc::new(Mutex::new(monitor));
    let options = tap::Options {
        networks: setup::own_networks(config),
        learn_dark: config.learning.is_some(),
        hexdump: config.capture.hexdump,
    };
    // Before the books are restored: hosts are guarded as local ones by these networks.
    for (index, presence) in capture.presences().enumerate() {
        introduce(&monitor, index, &presence, &options);
    }
    let mut keeper = Keeper::start(&config.store, Arc::clone(&monitor), zone.clone())?;
    let clock = keeper.clock();
    let names = setup::open_names(config, clock.now(), vendors)?;
    keeper.keep(names.clone());
    let alarm = setup::start_alarm(config, &monitor, interfaces, &names, zone, capture.meters())?;
    let evidence = setup::start_evidence(config, interfaces, &clock)?;
    let tables = setup::table_bytes(config, interfaces.iter().map(setup::role));
    log::info!("the tables of {} take {} KiB, once and for all", list(interfaces), tables / 1024);
    let store = config.store.directory.is_some().then(|| keeper.status());
    let facts =
        Known::new(clock.now(), tables, store, alarm.clone(), evidence.clone(), names.clone(), config)
            .with_exporter(exporter.clone());
    let password = password(config);
    let files = state_files(config, &monitor, &keeper);
    let pages = Pages::new(Sources {
        admin: administration(config, password.as_ref(), &monitor, files, &names),
        monitor: Arc::clone(&monitor),
        present: Present::Live(clock.clone()),
        names: names.clone(),
        meters: capture.meters(),
        evidence: evidence.clone(),
        facts: Box::new(facts),
        wishes: setup::wishes(config),
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
    let housekeeping = Housekeeping {
        config,
        interfaces,
        monitor: Arc::clone(&monitor),
        clock: clock.clone(),
        names: names.clone(),
        alarm,
        exporter,
        summarized: Cell::new(0),
    };
    // Before anything is added to what was restored: a month may have begun meanwhile, or a quota be another.
    housekeeping.look_at_quotas();
    let stop = Stop::new()?;
    let threads = [spawn_capture(capture, tap, &stop, &signals)?, spawn_web(gate, pages, &stop, &signals)?];

    housekeeping.begin();
    let reload = || {
        names.reload(clock.now());
        reload_password(config, password.as_ref());
    };
    let (mut work, mut look_at_quotas) = (|| housekeeping.work(), || housekeeping.look_at_quotas());
    let mut chores =
        [Chore::new(HOUSEKEEPING_INTERVAL, &mut work), Chore::new(QUOTA_INTERVAL, &mut look_at_quotas)];
    let count = if config.quotas.is_empty() { 1 } else { 2 };
    let result = wait(&mut signals, Some(&mut keeper), &reload, &mut chores[..count]);
    stop.end();
    join(threads);
    housekeeping.tell_rest();
    keeper.close();
    housekeeping.end();
    if let Some(evidence) = evidence {
        evidence.stop();
    }
    result
}

/// What is opened while the program may still open everything.
struct Opened {
    capture: Capture,
    asker: Option<Asker>,
    gate: Gate,
    vendors: Option<Vendors>,
}

/// Opens the interfaces and the ports, and waits for those that are to be waited for. `None` if a signal ends that.
fn open(config: &Config, interfaces: &[Interface], signals: &mut Signals) -> Result<Option<Opened>, String> {
    let patience = deadline(config);
    let capture = patiently(patience, signals, || setup::open_capture(config, interfaces))?;
    let Some(capture) = capture else { return Ok(None) };
    let asker = config.confirm.then(Asker::open).transpose()?;
    let Some(gate) = patiently(patience, signals, || setup::open_gate(config))? else { return Ok(None) };
    let vendors = setup::open_vendors(config);
    Ok(Some(Opened { capture, asker, gate, vendors }))
}

/// What is the program's own until it ends: its process id's file and its directories.
struct Claims {
    _pidfile: Option<Pidfile>,
    _directories: [Option<File>; 2],
}

/// Leaves the terminal, provides the directories, gives up privileges, and claims what is the program's own.
fn settle(config: &Config) -> Result<Claims, String> {
    if config.process.detach {
        system::detach().map_err(|error| format!("--detach: {error}"))?;
    }
    let pidfile = config.process.pidfile.as_deref().map(Pidfile::write).transpose()?;
    let directory = config.store.directory.as_deref();
    let evidence = config.evidence.as_ref().map(|evidence| evidence.directory.as_path());
    for (option, directory) in [("--dir", directory), ("--evidence", evidence)] {
        directory.map_or(Ok(()), |path| privileges::provide(option, path, &config.process))?;
    }
    let remark = privileges::give_up(&config.process)?;
    log::info!("{remark}");
    let claim = |path: Option<&Path>, option| path.map_or(Ok(None), |path| store::claim(option, path));
    let directories = [claim(directory, "--dir")?, claim(evidence, "--evidence")?];
    Ok(Claims { _pidfile: pidfile, _directories: directories })
}

/// Serves what a capture file gave until a signal ends it.
///
/// # Errors
/// One line for the user.
pub fn serve(config: &Config, monitor: Monitor, last: Timestamp) -> Result<(), String> {
    let gate = setup::open_gate(config)?;
    let vendors = setup::open_vendors(config);
    let mut signals = Signals::catch()?;
    let remark = privileges::give_up(&config.process)?;
    log::debug!("{remark}");
    // The files speak for the time of the capture, however late they are read.
    let always = Timestamp::default();
    let names = setup::open_names(config, always, vendors)?;
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
            setup::table_bytes(config, iter::once(Role::Lan)),
            None,
            None,
            None,
            names.clone(),
            config,
        )),
        wishes: setup::wishes(config),
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

fn password(config: &Config) -> Option<SharedPassword> {
    config.password.as_ref().map(|(_, password)| Arc::new(Mutex::new(password.clone())))
}

fn reload_password(config: &Config, password: Option<&SharedPassword>) {
    if let (Some((path, _)), Some(password)) = (&config.password, password) {
        admin::reload(password, path);
    }
}

/// The files of the state, for whoever may fetch and replace it. The directory must be ours alone by now: what an
/// upload left in it is removed.
fn state_files(config: &Config, monitor: &Shared, keeper: &Keeper) -> Option<Files> {
    let files = Files {
        directory: config.store.directory.clone()?,
        bytes_max: snapshot::size_max(&lock(monitor)) as u64,
        status: keeper.status(),
        orders: keeper.orders(),
    };
    files.remove_upload();
    Some(files)
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
    let stop = stop.reader();
    spawn("capture", signals, move || capture.run(&mut tap, stop.as_fd()))
}

fn spawn_web(gate: Gate, mut pages: Box<Pages>, stop: &Stop, signals: &Signals) -> Result<Thread, String> {
    let stop = stop.reader();
    spawn("web", signals, move || gate.run(&mut *pages, stop.as_fd()))
}
