//! Between the capture and the monitor: frames are decoded as they come, and booked a batch at a time,
//! so that the lock is taken once for many and nothing waits inside it.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::alarm::Alarm;
use super::capture::{Presence, Sink};
use super::clock::Clock;
use crate::darknet::Event;
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
pub fn introduce(
    monitor: &Mutex<Monitor>,
    interface: usize,
    presence: &Presence<'_>,
    named: Option<&Networks>,
) {
    let networks = named.unwrap_or(presence.networks).clone();
    if let Some(ledger) = lock(monitor).ledgers_mut().get_mut(interface) {
        ledger.set_networks(networks);
        if let Some(link) = presence.link {
            ledger.set_link(link);
        }
    }
}

/// What the capture's thread hands its frames to.
pub struct Tap {
    monitor: Shared,
    clock: Clock,
    alarm: Option<Alarm>,
    /// The local networks that the user named, which hold for all interfaces.
    networks: Option<Networks>,
    batch: Vec<(Decoded, Timestamp)>,
    events: Vec<Event>,
    /// Log every frame in hex.
    hexdump: bool,
    /// The second in which time was last told to the monitor.
    second: u64,
}

impl Tap {
    /// A tap that has booked nothing yet. All memory is allocated here.
    pub fn new(
        monitor: Shared,
        clock: Clock,
        alarm: Option<Alarm>,
        networks: Option<Networks>,
        hexdump: bool,
    ) -> Self {
        Self {
            monitor,
            clock,
            alarm,
            networks,
            hexdump,
            batch: Vec::with_capacity(CAPTURE_BATCH),
            events: Vec::with_capacity(2 * CAPTURE_BATCH),
            second: 0,
        }
    }

    /// Keeps a frame for the end of the batch, which is never longer than the memory for it.
    fn keep(&mut self, decoded: Decoded, now: Timestamp) {
        self.batch.push((decoded, self.clock.correct(now)));
    }

    /// Once a second: windows of the darknet may be over, and local time may have changed.
    fn tick(monitor: &mut Monitor, utc_offset: i32, events: &mut Vec<Event>, now: Timestamp) {
        for ledger in monitor.ledgers_mut() {
            ledger.set_utc_offset(utc_offset);
        }
        while events.len() < events.capacity() {
            let Some(event) = monitor.tick(now) else { break };
            events.push(event);
        }
    }
}

impl Sink for Tap {
    fn frame(&mut self, _: usize, frame: &Frame<'_>, now: Timestamp) {
        if self.hexdump {
            log::debug!("{}", Hexdump(frame));
        }
        self.keep(decode(frame), now);
    }

    fn bridged_copy(&mut self, _: usize, now: Timestamp) {
        self.keep(Decoded::Discard(Discard::BridgedCopy), now);
    }

    fn batch_end(&mut self, interface: usize) {
        let Some(&(_, latest)) = self.batch.last() else { return };
        let is_new_second = latest.seconds != self.second;
        let utc_offset = is_new_second.then(|| self.clock.utc_offset(latest));
        let mut monitor = lock(&self.monitor);
        for (decoded, now) in self.batch.drain(..) {
            self.events.extend(monitor.observe(interface, &decoded, now));
        }
        if let Some(utc_offset) = utc_offset {
            self.second = latest.seconds;
            Self::tick(&mut monitor, utc_offset, &mut self.events, latest);
        }
        drop(monitor);
        for event in self.events.drain(..) {
            if let Some(alarm) = &self.alarm {
                alarm.send(event);
            }
        }
    }

    fn changed(&mut self, interface: usize, presence: &Presence<'_>) {
        introduce(&self.monitor, interface, presence, self.networks.as_ref());
    }
}
