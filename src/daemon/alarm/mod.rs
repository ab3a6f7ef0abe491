//! Tell: darknet events go to a syslog receiver, from a thread of their own.
//!
//! ```text
//! capture --Event--> queue (bounded, numbers, counters) --> sender thread: format, connect, send --> receiver
//! ```
//!
//! The capture never waits for the receiver: a full queue loses the newest message and counts it, and
//! keeps alerts before all else. A message leaves the queue when the receiver's kernel has it, as far as
//! that can be known: over TCP it acknowledges what it got, over UDP an ICMP error says what it did not.

mod connection;
mod format;
mod queue;
mod receiver;
mod sender;

pub(in crate::daemon) use connection::Connection;
pub use format::Format;
pub use queue::Counters;
pub use receiver::{Framing, NotAReceiver, Receiver, Transport};

use std::io;
use std::sync::Arc;
use std::time::Duration;

use syslog::Facility;

use super::clock::Zone;
use super::names::Names;
use super::quotas::Warning;
use super::threads;
use crate::darknet::rules::Rule;
use crate::darknet::{Event, Summary};
use crate::limits::{ALARM_STATS_INTERVAL, ALARM_STOP_PATIENCE, RESOLVER_STACK_BYTES};
use format::Writer;
use queue::{Content, Queue};
use sender::Sender;

/// What the capture did so far, for STATS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Captured {
    /// Packets captured on all interfaces.
    pub captured: u64,
    /// Packets that the kernel dropped before the capture saw them.
    pub dropped: u64,
}

/// How to tell.
pub struct Options {
    /// Who is told.
    pub receiver: Receiver,
    /// How messages are written.
    pub format: Format,
    /// What separates them on a byte stream.
    pub framing: Framing,
    /// The syslog facility; local4 is what the documentation's receivers expect.
    pub facility: Facility,
    /// Local time, for a format that has it.
    pub zone: Zone,
    /// The interfaces' names, as the events number them.
    pub interfaces: Vec<String>,
    /// The rules of the user's, as the events number them.
    pub rules: Arc<[Rule]>,
    /// Names for the sources.
    pub names: Names,
    /// Asked for each STATS message, by the sender thread.
    pub captured: Box<dyn FnMut() -> Captured + Send>,
    /// The time between two STATS messages.
    pub stats_interval: Duration,
}

impl Options {
    /// The usual format, framing, facility and interval; no zone, no interface, no rules, no
    /// names.
    pub fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            format: Format::default(),
            framing: Framing::default(),
            facility: Facility::LOG_LOCAL4,
            zone: Zone::utc(),
            interfaces: Vec::new(),
            rules: Arc::default(),
            names: Names::none(),
            captured: Box::new(Captured::default),
            stats_interval: ALARM_STATS_INTERVAL,
        }
    }
}

/// The way to the sender thread.
#[derive(Clone)]
pub struct Alarm {
    queue: Arc<Queue>,
}

impl Alarm {
    /// Starts the sender thread. That the receiver cannot be reached is no error: it is logged, and
    /// tried again for as long as the program runs.
    pub fn start(options: Options) -> io::Result<Self> {
        let queue = Arc::new(Queue::new());
        let name = rustix::system::uname();
        let (name, zone) = (name.nodename().to_bytes(), options.zone.clone());
        let writer = Writer::new(options.format, options.facility, name, zone);
        let sender = Sender::new(Arc::clone(&queue), options, writer);
        threads::spawn(
            "alarm",
            RESOLVER_STACK_BYTES,
            Box::new(move || {
                sender.run();
                Ok(())
            }),
        )?;
        Ok(Self { queue })
    }

    /// Hands an event over; returns at once, whatever the receiver does.
    pub fn send(&self, event: Event) {
        self.queue.push(event);
    }

    /// Hands the report of a window over, line by line.
    pub fn summarize(&self, summary: &Summary) {
        summary.lines().for_each(|line| self.queue.push_content(Content::Summary(line)));
    }

    /// Hands a warning over.
    pub fn warn(&self, warning: Warning) {
        self.queue.push_content(Content::Quota(warning));
    }

    /// What became of the messages so far.
    pub fn counters(&self) -> Counters {
        self.queue.counters()
    }

    /// Sends what waits and a last STATS message, stops the thread, and says what became of everything.
    /// Takes `ALARM_STOP_PATIENCE` at most.
    pub fn stop(&self) -> Counters {
        self.queue.push_stats();
        self.queue.stop(ALARM_STOP_PATIENCE)
    }
}
