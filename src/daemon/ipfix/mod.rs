//! Report: flow records go to an IPFIX collector (RFC 7011) over UDP, from a thread of their own.
//!
//! ```text
//! ledger --records--> at the end of a batch: queue (bounded, counts losses) --> sender thread --> collector
//! ```
//!
//! The capture never waits for the collector: what a full queue has no room for is lost and counted.

mod message;
mod queue;
mod sender;

pub use queue::Counters;

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::alarm::Receiver;
use super::threads;
use crate::ledger::Ledger;
use crate::limits::{IPFIX_STOP_PATIENCE, RESOLVER_STACK_BYTES};
use crate::monitor::Monitor;
use crate::network::Role;
use crate::time::Timestamp;
use queue::Queue;
use sender::Sender;

/// What to report, and to whom.
pub struct Options {
    /// The collector.
    pub collector: Receiver,
    /// The interfaces' roles, by which it is known what came in. Their numbers, from 1, are the observation domains.
    pub roles: Vec<Role>,
    /// Whether link-layer addresses are told.
    pub macs: bool,
}

/// The way to the sender thread.
#[derive(Clone)]
pub struct Exporter {
    queue: Arc<Queue>,
}

impl Exporter {
    /// Starts the sender thread. That the collector cannot be reached is no error: it is logged, and tried
    /// again for as long as the program runs.
    ///
    /// # Errors
    /// There is no room for a thread.
    pub fn start(options: Options) -> io::Result<Self> {
        let queue = Arc::new(Queue::new());
        let sender = Sender::new(Arc::clone(&queue), options);
        let work = move || {
            sender.run();
            Ok(())
        };
        threads::spawn("ipfix", RESOLVER_STACK_BYTES, Box::new(work))?;
        Ok(Self { queue })
    }

    /// Takes an interface's records that wait. While the queue is full it waits for `patience` at most, and not
    /// at all if the collector cannot be reached; live traffic has none.
    pub fn collect(&self, interface: usize, ledger: &mut Ledger, patience: Duration) {
        let deadline = Instant::now() + patience;
        self.queue.lose(ledger.take_lost_flow_records());
        while let Some(flow) = ledger.next_flow_record() {
            self.queue.push(interface as u8, flow, deadline);
        }
    }

    /// Takes the records that are due though no frame came.
    pub fn collect_due(&self, monitor: &mut Monitor, now: Timestamp) {
        for (interface, ledger) in monitor.ledgers_mut().iter_mut().enumerate() {
            while ledger.report_flows(now) {
                self.collect(interface, ledger, Duration::ZERO);
            }
        }
    }

    /// Takes a record of every flow of an interface, because its local networks change or the program ends.
    pub fn collect_all(&self, interface: usize, ledger: &mut Ledger, patience: Duration) {
        ledger.hurry_flow_records();
        while ledger.report_flows(ledger.last()) {
            self.collect(interface, ledger, patience);
        }
    }

    /// What became of the records so far.
    pub fn counters(&self) -> Counters {
        self.queue.counters()
    }

    /// Sends what waits, stops the thread, and says what became of everything. Takes `IPFIX_STOP_PATIENCE`
    /// at most.
    pub fn stop(&self) -> Counters {
        self.queue.stop(IPFIX_STOP_PATIENCE)
    }
}
