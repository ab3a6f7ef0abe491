//! The thread that sends what the queue holds.

use std::fmt::{self, Write};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use heapless::String;

use super::Options;
use super::connection::Connection;
use super::format::{Observation, QuotaWarning, Report, Stamp, Statistics, Writer};
use super::queue::{Content, Next, Queue, Queued};
use super::receiver::{Framing, Transport};
use crate::daemon::quotas;
use crate::darknet::About;
use crate::limits::{ALARM_FRAME_BYTES, ALARM_MESSAGE_BYTES, RECEIVER_BACKOFF_FIRST, RECEIVER_BACKOFF_LAST};
use crate::packet::Mac;
use crate::time::Timestamp;

pub(super) struct Sender {
    queue: Arc<Queue>,
    options: Options,
    writer: Writer,
    connection: Option<Connection>,
    backoff: Duration,
    in_trouble: bool,
    /// Messages that went out since the last failure.
    successes: u32,
    message: String<ALARM_MESSAGE_BYTES>,
    frame: String<ALARM_FRAME_BYTES>,
}

impl Sender {
    pub(super) fn new(queue: Arc<Queue>, options: Options, writer: Writer) -> Self {
        Self {
            queue,
            options,
            writer,
            connection: None,
            backoff: RECEIVER_BACKOFF_FIRST,
            in_trouble: false,
            successes: 0,
            message: String::new(),
            frame: String::new(),
        }
    }

    pub(super) fn run(mut self) {
        let mut stats_due = Instant::now() + self.options.stats_interval;
        // Connect before there is anything to say, so that a wrong receiver shows at the start.
        if let Err(error) = self.connect() {
            self.report(&error);
        }
        loop {
            match self.queue.next(stats_due) {
                Next::Send(queued) => self.attempt(queued),
                Next::Timeout => {
                    self.queue.push_stats();
                    stats_due = Instant::now() + self.options.stats_interval;
                }
                Next::Stop => break,
            }
        }
        self.queue.finish();
    }

    /// Does what comes next for this message: connects, so that the queue may have something to say before
    /// it, or sends it. Returns after a pause if that fails.
    fn attempt(&mut self, queued: Queued) {
        let result = if self.connection.is_some() { self.send(queued) } else { self.connect() };
        if let Err(error) = result {
            self.note_failure(&error);
            self.queue.pause(self.backoff);
            self.backoff = (self.backoff * 2).min(RECEIVER_BACKOFF_LAST);
        }
    }

    fn connect(&mut self) -> io::Result<()> {
        self.connection = Some(Connection::open(&self.options.receiver)?);
        self.queue.push_losses_first();
        Ok(())
    }

    fn send(&mut self, queued: Queued) -> io::Result<()> {
        if self.write(queued).is_err() {
            log::warn!("syslog message {} is too long", queued.number);
            self.queue.give_up();
            return Ok(());
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let sent = connection.send(self.frame.as_bytes());
        if sent.is_ok() {
            self.queue.sent(self.frame.len());
        }
        self.queue.came(connection.outstanding());
        sent?;
        self.note_success();
        Ok(())
    }

    /// Writes a message and frames it.
    fn write(&mut self, queued: Queued) -> fmt::Result {
        let (number, out) = (queued.number, &mut self.message);
        out.clear();
        match queued.content {
            Content::Event(event) => {
                let interface = self.options.interfaces.get(usize::from(event.interface));
                let observation = Observation {
                    event: &event,
                    rules: &self.options.rules,
                    interface: interface.map_or("unknown", std::string::String::as_str),
                    source_name: self.options.names.lookup_at(
                        event.source,
                        event.last.seconds,
                        event.source_mac,
                    ),
                };
                self.writer.write(out, Stamp { time: event.last, number }, &observation)?;
            }
            Content::Summary(line) => {
                let source = match line.about {
                    About::Whole(_) => None,
                    About::Source(row) => Some(row),
                };
                let interface =
                    source.and_then(|row| self.options.interfaces.get(usize::from(row.interface)));
                let report = Report {
                    line: &line,
                    interface: interface.map_or("unknown", std::string::String::as_str),
                    source_name: source.and_then(|row| self.options.names.lookup(row.source, Mac::ZERO)),
                };
                self.writer.write(out, Stamp { time: line.end, number }, &report)?;
            }
            Content::Quota(warning) => {
                let interfaces = self.options.interfaces.iter().map(std::string::String::as_str);
                let subject = QuotaWarning {
                    warning: &warning,
                    interface: quotas::interface(&warning.usage, interfaces),
                    name: warning.name(&self.options.names),
                };
                self.writer.write(out, Stamp { time: warning.time, number }, &subject)?;
            }
            Content::Stats => {
                let captured = (self.options.captured)();
                let statistics = Statistics { captured, delivery: self.queue.delivery() };
                self.writer.write(out, Stamp { time: wall_clock(), number }, &statistics)?;
            }
        }
        let (message, out) = (&self.message, &mut self.frame);
        out.clear();
        match (self.options.receiver.transport, self.options.framing) {
            (Transport::Udp, _) => out.write_str(message),
            (Transport::Tcp, Framing::Newline) => writeln!(out, "{message}"),
            (Transport::Tcp, Framing::Octets) => write!(out, "{} {message}", message.len()),
        }
    }

    /// Over UDP the first message after a failure always seems to go out, because a refusal comes later:
    /// only the next one shows that somebody listens.
    fn note_success(&mut self) {
        self.successes = self.successes.saturating_add(1);
        let is_believed = self.successes > 1 || self.options.receiver.transport == Transport::Tcp;
        if is_believed {
            self.backoff = RECEIVER_BACKOFF_FIRST;
            if self.in_trouble {
                self.in_trouble = false;
                log::info!("syslog receiver {} takes messages again", self.options.receiver);
            }
        } else if self.in_trouble {
            self.queue.pause(RECEIVER_BACKOFF_FIRST);
        }
    }

    fn note_failure(&mut self, error: &io::Error) {
        self.queue.send_again();
        self.successes = 0;
        if let Some(connection) = self.connection.take() {
            connection.abort();
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

fn wall_clock() -> Timestamp {
    let since_epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp { seconds: since_epoch.as_secs(), micros: since_epoch.subsec_micros() }
}
