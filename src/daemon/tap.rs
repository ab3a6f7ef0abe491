//! Between the capture and the monitor: the lock is taken once for a batch of frames, which are all there
//! by then, and what they lead to is done after it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::alarm::Alarm;
use super::capture::{Batch, Presence, Sink};
use super::clock::Clock;
use super::confirm::Asker;
use super::evidence::Evidence;
use super::ipfix::Exporter;
use crate::darknet::{Event, Touch};
use crate::limits::CAPTURE_BATCH;
use crate::monitor::Monitor;
use crate::network::Networks;
use crate::packet::{Decoded, Discard, Frame, decode};
use crate::time::Timestamp;

/// The monitor behind its one lock.
pub type Shared = Arc<Mutex<Monitor>>;

/// Takes the lock. A thread that panicked inside it has left numbers that still add up to something,
/// which is more than none.
pub fn lock(monitor: &Mutex<Monitor>) -> MutexGuard<'_, Monitor> {
    monitor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Tells what is due because time has passed, where the network may be too quiet for frames to bring it.
pub fn tell_due(monitor: &Mutex<Monitor>, alarm: Option<&Alarm>, now: Timestamp) {
    tell(alarm, || lock(monitor).tick(now));
}

/// Tells who sent how much to the dark in the window that ends now.
pub fn tell_summary(monitor: &Mutex<Monitor>, alarm: Option<&Alarm>, now: Timestamp) {
    let summary = lock(monitor).darknet_mut().summarize(now);
    if let (Some(alarm), Some(summary)) = (alarm, summary) {
        alarm.summarize(&summary);
    }
}

/// Tells at the end what would have been told when its window was over.
pub fn tell_rest(monitor: &Mutex<Monitor>, alarm: Option<&Alarm>) {
    tell(alarm, || lock(monitor).darknet_mut().close());
}

/// The darknet's table bounds how many there are; the lock is free while each is sent.
fn tell(alarm: Option<&Alarm>, next: impl FnMut() -> Option<Event>) {
    for event in std::iter::from_fn(next) {
        if let Some(alarm) = alarm {
            alarm.send(event);
        }
    }
}

/// A frame as a line of the log: its length on the wire and its captured bytes in hex.
pub struct Hexdump<'a>(pub &'a Frame<'a>);

impl fmt::Display for Hexdump<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "frame of {} bytes:", self.0.wire_length)?;
        for (index, byte) in self.0.bytes.iter().enumerate() {
            let space = if index % 2 == 0 { " " } else { "" };
            write!(f, "{space}{byte:02x}")?;
        }
        Ok(())
    }
}

/// Tells the books what is known of an interface now. The networks that the user named, if there are
/// any, hold for all interfaces.
pub fn introduce(monitor: &Mutex<Monitor>, interface: usize, presence: &Presence<'_>, options: &Options) {
    let networks = options.networks.as_ref().unwrap_or(presence.networks).clone();
    let mut monitor = lock(monitor);
    let Some(ledger) = monitor.ledgers_mut().get_mut(interface) else { return };
    ledger.set_networks(networks);
    if let Some(link) = presence.link {
        ledger.set_link(link);
    }
    let role = ledger.role();
    let own_macs = presence.devices.map_or(&[][..], |set| &set.own_macs);
    ledger.set_own_macs(own_macs);
    let none = Networks::new();
    // Those it is connected to, since what the user calls local may lie behind another router.
    let networks = if options.learn_dark { presence.networks } else { &none };
    monitor.darknet_mut().set_interface(interface, role, networks, own_macs);
}

/// What the user wants of the tap.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The local networks that the user named, which hold for all interfaces.
    pub networks: Option<Networks>,
    /// Whether addresses of the LANs that nobody has are dark.
    pub learn_dark: bool,
    /// Log every frame in hex.
    pub hexdump: bool,
}

/// What the capture's thread hands its frames to.
pub struct Tap {
    monitor: Shared,
    clock: Clock,
    alarm: Option<Alarm>,
    evidence: Option<Evidence>,
    exporter: Option<Exporter>,
    asker: Option<Asker>,
    options: Options,
    /// What the batch leads to. There is room for two events of each frame, and what is due.
    events: Vec<Event>,
    /// The second in which time was last told to the monitor.
    second: u64,
}

impl Tap {
    /// A tap that has booked nothing yet. All memory is allocated here.
    pub fn new(
        monitor: Shared,
        clock: Clock,
        alarm: Option<Alarm>,
        evidence: Option<Evidence>,
        exporter: Option<Exporter>,
        asker: Option<Asker>,
        options: Options,
    ) -> Self {
        let events = Vec::with_capacity(2 * CAPTURE_BATCH);
        Self { monitor, clock, alarm, evidence, exporter, asker, options, events, second: 0 }
    }
}

impl Sink for Tap {
    type Batch<'a> = Booking<'a>;

    fn begin(&mut self, interface: usize) -> Booking<'_> {
        let Self { monitor, clock, alarm, evidence, exporter, options, events, second, .. } = self;
        Booking {
            interface,
            shared: monitor,
            monitor: None,
            clock,
            alarm: alarm.as_ref(),
            evidence: evidence.as_ref(),
            exporter: exporter.as_ref(),
            events,
            hexdump: options.hexdump,
            second,
            latest: None,
        }
    }

    fn changed(&mut self, interface: usize, presence: &Presence<'_>) {
        if let Some(exporter) = &self.exporter {
            // Which way a flow goes may change.
            let monitor = &mut *lock(&self.monitor);
            if let Some(ledger) = monitor.ledgers_mut().get_mut(interface) {
                exporter.collect_all(interface, ledger, Duration::ZERO);
            }
        }
        introduce(&self.monitor, interface, presence, &self.options);
        if let Some(asker) = &mut self.asker {
            asker.set_interface(interface, presence);
        }
    }

    /// Asks the darknet's questions.
    fn caught_up(&mut self) -> Option<Duration> {
        let asker = self.asker.as_ref()?;
        let now = self.clock.now();
        loop {
            let mut monitor = lock(&self.monitor);
            let Some((interface, target)) = monitor.darknet_mut().next_question(now) else {
                return monitor.darknet().is_asking().then_some(Duration::from_secs(1));
            };
            drop(monitor);
            if !asker.ask(interface, target) {
                lock(&self.monitor).darknet_mut().could_not_ask(target);
            }
        }
    }
}

/// A batch of frames on its way into the books.
pub struct Booking<'a> {
    interface: usize,
    shared: &'a Mutex<Monitor>,
    /// Locked from the first frame on.
    monitor: Option<MutexGuard<'a, Monitor>>,
    clock: &'a Clock,
    alarm: Option<&'a Alarm>,
    evidence: Option<&'a Evidence>,
    exporter: Option<&'a Exporter>,
    events: &'a mut Vec<Event>,
    hexdump: bool,
    second: &'a mut u64,
    /// The last frame's time.
    latest: Option<Timestamp>,
}

impl Booking<'_> {
    /// Books a frame, and says what it was if it counts for the darknet, and when it was.
    fn book(&mut self, decoded: &Decoded, bytes: &[u8], now: Timestamp) -> Option<(Touch, Timestamp)> {
        let now = self.clock.correct(now);
        self.latest = Some(now);
        let monitor = self.monitor.get_or_insert_with(|| lock(self.shared));
        let finding = monitor.observe(self.interface, decoded, bytes, now);
        self.events.extend(finding.events());
        finding.touch.map(|touch| (touch, now))
    }

    /// Once a second: windows of the darknet may be over, and local time may have changed.
    fn tick(&mut self, now: Timestamp) {
        if now.seconds == *self.second {
            return;
        }
        *self.second = now.seconds;
        let utc_offset = self.clock.utc_offset(now);
        let monitor = self.monitor.get_or_insert_with(|| lock(self.shared));
        for ledger in monitor.ledgers_mut() {
            ledger.set_utc_offset(utc_offset);
        }
        while self.events.len() < self.events.capacity() {
            let Some(event) = monitor.tick(now) else { break };
            self.events.push(event);
        }
    }
}

impl Batch for Booking<'_> {
    fn frame(&mut self, frame: &Frame<'_>, now: Timestamp) {
        if self.hexdump {
            // Nobody waits for the lock while a frame is printed.
            self.monitor = None;
            log::debug!("{}", Hexdump(frame));
        }
        if let Some((touch, now)) = self.book(&decode(frame), frame.bytes, now)
            && let Some(evidence) = self.evidence
        {
            evidence.keep(self.interface, frame, touch, now);
        }
    }

    fn bridged_copy(&mut self, now: Timestamp) {
        self.book(&Decoded::Discard(Discard::BridgedCopy), &[], now);
    }

    fn end(mut self) {
        if let Some(latest) = self.latest {
            self.tick(latest);
        }
        if let (Some(exporter), Some(monitor)) = (self.exporter, &mut self.monitor)
            && let Some(ledger) = monitor.ledgers_mut().get_mut(self.interface)
        {
            exporter.collect(self.interface, ledger, Duration::ZERO);
        }
        self.monitor = None;
        for event in self.events.drain(..) {
            if let Some(alarm) = self.alarm {
                alarm.send(event);
            }
        }
    }
}
