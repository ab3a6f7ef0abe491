//! Tell: darknet events go to a syslog receiver, from a thread of their own.
//!
//! ```text
//! capture --Event--> queue (bounded, numbers, counters) --> sender thread: format, connect, send --> receiver
//! ```
//!
//! The capture never waits for the receiver: a full queue loses the newest message and counts it. A
//! message leaves the queue when the network took it; what a receiver over UDP did with it, only an
//! ICMP error tells.

mod format;
mod queue;
mod receiver;

pub use queue::Counters;
pub use receiver::{NotAReceiver, Receiver, Transport};

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use syslog::{Facility, LogFormat, Severity};

use super::names::Names;
use super::threads;
use crate::darknet::rules::Rule;
use crate::darknet::{Event, Kind};
use crate::limits::{
    ALARM_MESSAGE_BYTES, ALARM_STATS_INTERVAL, ALARM_STOP_PATIENCE, RECEIVER_BACKOFF_FIRST,
    RECEIVER_BACKOFF_LAST, RESOLVER_STACK_BYTES,
};
use crate::time::Timestamp;
use format::{EventText, Format, Message, StatsText};
use queue::{Content, Next, Queue, Queued};
use receiver::Connection;

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
    /// The syslog facility; local4 is what the documentation's receivers expect.
    pub facility: Facility,
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
    /// The usual facility and interval, no interface, no rules, no names.
    pub fn new(receiver: Receiver) -> Self {
        Self {
            receiver,
            facility: Facility::LOG_LOCAL4,
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
        let host_name = rustix::system::uname();
        let format = Format::new(options.facility, host_name.nodename().to_bytes(), std::process::id());
        let sender = Sender {
            queue: Arc::clone(&queue),
            format,
            options,
            connection: None,
            backoff: RECEIVER_BACKOFF_FIRST,
            in_trouble: false,
            line: [0; ALARM_MESSAGE_BYTES + 1],
        };
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

struct Sender {
    queue: Arc<Queue>,
    format: Format,
    options: Options,
    connection: Option<Connection>,
    backoff: Duration,
    in_trouble: bool,
    /// The message being sent and its newline.
    line: [u8; ALARM_MESSAGE_BYTES + 1],
}

impl Sender {
    fn run(mut self) {
        let mut stats_due = Instant::now() + self.options.stats_interval;
        // Connect before there is anything to say, so that a wrong receiver shows at the start.
        if let Err(error) = self.connect() {
            self.report(&error);
        }
        loop {
            match self.queue.next(stats_due) {
                Next::Send(queued) => self.deliver(queued),
                Next::Timeout => {
                    self.queue.push_stats();
                    stats_due = Instant::now() + self.options.stats_interval;
                }
                Next::Stop => break,
            }
        }
        self.queue.finish();
    }

    /// Tries until the message is sent, or the program ends.
    fn deliver(&mut self, queued: Queued) {
        let mut at_first_try = true;
        loop {
            let length = match self.write(queued) {
                Ok(length) => length,
                Err(error) => {
                    log::warn!("syslog message {} cannot be written: {error}", queued.number);
                    return self.queue.count_lost();
                }
            };
            match self.send(length) {
                Ok(()) => {
                    self.queue.count_sent();
                    return self.note_success(at_first_try);
                }
                Err(error) => {
                    self.note_failure(&error);
                    at_first_try = false;
                }
            }
            if !self.queue.pause(self.backoff) {
                return;
            }
            self.backoff = (self.backoff * 2).min(RECEIVER_BACKOFF_LAST);
        }
    }

    /// Writes a message into `line` and returns its length with the newline.
    fn write(&mut self, queued: Queued) -> syslog::Result<usize> {
        let (number, mut rest) = (queued.number, &mut self.line[..ALARM_MESSAGE_BYTES]);
        match queued.content {
            Content::Event(event) => {
                let interface = self.options.interfaces.get(usize::from(event.interface));
                let text = EventText {
                    event: &event,
                    rules: &self.options.rules,
                    interface: interface.map_or("unknown", String::as_str),
                    source_name: self.options.names.lookup(event.source),
                };
                let message = Message { time: event.last, id: message_id(event.kind), number, text: &text };
                let severity = match event.kind {
                    Kind::Alert => Severity::LOG_WARNING,
                    Kind::Hit | Kind::Notice | Kind::Clear => Severity::LOG_NOTICE,
                };
                self.format.format(&mut rest, severity, message)?;
            }
            Content::Stats => {
                let Captured { captured, dropped } = (self.options.captured)();
                let text = StatsText { captured, dropped, counters: self.queue.counters() };
                let message = Message { time: wall_clock(), id: "STATS", number, text: &text };
                self.format.format(&mut rest, Severity::LOG_INFO, message)?;
            }
        }
        let length = ALARM_MESSAGE_BYTES - rest.len();
        self.line[length] = b'\n';
        Ok(length + 1)
    }

    fn send(&mut self, length: usize) -> io::Result<()> {
        let result = match &mut self.connection {
            Some(connection) => connection.send(&self.line[..length]),
            None => {
                self.connect()?;
                return self.send(length);
            }
        };
        if result.is_err() {
            self.connection = None;
        }
        result
    }

    fn connect(&mut self) -> io::Result<()> {
        self.connection = Some(Connection::open(&self.options.receiver)?);
        Ok(())
    }

    /// Over UDP a second attempt always succeeds, because the refusal comes later: only a message that
    /// went out at the first try shows that somebody listens.
    fn note_success(&mut self, at_first_try: bool) {
        if at_first_try || self.options.receiver.transport == Transport::Tcp {
            self.backoff = RECEIVER_BACKOFF_FIRST;
            if self.in_trouble {
                self.in_trouble = false;
                log::info!("syslog receiver {} takes messages again", self.options.receiver);
            }
        }
    }

    fn note_failure(&mut self, error: &io::Error) {
        let is_udp = self.options.receiver.transport == Transport::Udp;
        if is_udp && error.kind() == io::ErrorKind::ConnectionRefused {
            // The error is the answer to the message before this one.
            self.queue.count_refused();
        }
        self.report(error);
    }

    fn report(&mut self, error: &io::Error) {
        if !self.in_trouble {
            self.in_trouble = true;
            log::warn!(
                "syslog receiver {} cannot be reached, will try again: {error}",
                self.options.receiver
            );
        }
    }
}

fn message_id(kind: Kind) -> &'static str {
    match kind {
        Kind::Hit => "HIT",
        Kind::Notice => "NOTICE",
        Kind::Alert => "ALERT",
        Kind::Clear => "CLEAR",
    }
}

fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: since_epoch.as_secs(), micros: since_epoch.subsec_micros() }
}
