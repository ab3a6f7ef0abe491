//! The thread that makes messages of what the queue holds, and sends them.

use std::io;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Options;
use super::message::Message;
use super::queue::Queue;
use crate::daemon::alarm::Connection;
use crate::limits::{INTERFACES_MAX, RECEIVER_BACKOFF_FIRST, RECEIVER_BACKOFF_LAST};

pub(super) struct Sender {
    queue: Arc<Queue>,
    options: Options,
    connection: Option<Connection>,
    message: Message,
    /// The interface that the message is about.
    interface: usize,
    /// For each interface the records sent so far, modulo 2^32.
    sequence: [u32; INTERFACES_MAX],
    /// Records of the last message that was sent, of which a refusal may still come.
    unsure: u32,
    backoff: Duration,
    in_trouble: bool,
}

impl Sender {
    pub(super) fn new(queue: Arc<Queue>, options: Options) -> Self {
        Self {
            queue,
            message: Message::new(options.macs),
            options,
            connection: None,
            interface: 0,
            sequence: [0; INTERFACES_MAX],
            unsure: 0,
            backoff: RECEIVER_BACKOFF_FIRST,
            in_trouble: false,
        }
    }

    pub(super) fn run(mut self) {
        // Connect before there is anything to say, so that a wrong collector shows at the start.
        if let Err(error) = self.connect() {
            self.report(&error);
        }
        self.message.begin(1);
        loop {
            // No more than there are now: the queue bounds how much is sent in each interval.
            let waiting = self.queue.gather();
            if waiting == 0 {
                break;
            }
            for _ in 0..waiting {
                self.add();
            }
            self.send();
        }
        self.queue.finish();
    }

    /// Adds the next flow to the message, which is sent before if it is full or about another interface.
    fn add(&mut self) {
        let Some((interface, flow)) = self.queue.pop() else { return };
        let interface = usize::from(interface);
        let role = self.options.roles.get(interface).copied().unwrap_or_default();
        if interface != self.interface || !self.message.add(&flow, role) {
            self.send();
            self.interface = interface;
            self.message.begin(interface as u32 + 1);
            self.message.add(&flow, role);
        }
    }

    /// Sends the message, if there are records in it, and begins the next. It is tried until it is on its way or
    /// the program ends.
    #[inline(never)]
    fn send(&mut self) {
        let records = self.message.records;
        while let Err(error) = self.attempt() {
            self.note_failure(&error);
            if !self.queue.pause(self.backoff) {
                self.queue.lose(records.into());
                break;
            }
            self.backoff = (self.backoff * 2).min(RECEIVER_BACKOFF_LAST);
        }
        self.message.begin(self.interface as u32 + 1);
    }

    fn attempt(&mut self) -> io::Result<()> {
        if self.message.records == 0 {
            return Ok(());
        }
        self.connect()?;
        let Some(connection) = &mut self.connection else { return Ok(()) };
        let records = self.message.records;
        let Some(sequence) = self.sequence.get_mut(self.interface) else { return Ok(()) };
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        connection.send(self.message.finish(now.as_secs() as u32, *sequence))?;
        *sequence = sequence.wrapping_add(records);
        self.queue.sent(records.into());
        // The first datagram after a failure always seems to go out, because a refusal comes later: only the
        // next one shows that somebody listens.
        if self.unsure > 0 {
            self.backoff = RECEIVER_BACKOFF_FIRST;
            if self.in_trouble {
                self.in_trouble = false;
                self.queue.set_trouble(false);
                log::info!("IPFIX collector {} takes records again", self.options.collector);
            }
        }
        self.unsure = records;
        Ok(())
    }

    fn connect(&mut self) -> io::Result<()> {
        if self.connection.is_none() {
            self.connection = Some(Connection::open(&self.options.collector)?);
        }
        Ok(())
    }

    fn note_failure(&mut self, error: &io::Error) {
        if error.kind() == io::ErrorKind::ConnectionRefused {
            self.queue.refused(self.unsure.into());
        }
        self.unsure = 0;
        self.connection = None;
        self.report(error);
    }

    fn report(&mut self, error: &io::Error) {
        if !self.in_trouble {
            self.in_trouble = true;
            self.queue.set_trouble(true);
            let collector = &self.options.collector;
            log::warn!("IPFIX collector {collector} cannot be reached, will try again: {error}");
        }
    }
}
