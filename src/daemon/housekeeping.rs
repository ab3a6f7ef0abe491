//! What is looked after while packets come and pages go: once a minute, and once more at the end.

use std::cell::Cell;

use super::alarm::Alarm;
use super::clock::Clock;
use super::config::{Config, Interface};
use super::ipfix::Exporter;
use super::names::Names;
use super::quotas;
use super::residents;
use super::tap::{Shared, lock, tell_due, tell_rest, tell_summary};
use crate::limits::{IPFIX_STOP_PATIENCE, SUMMARY_SECONDS};

/// Whom the books' news is told, and who is asked for what the packets do not say.
pub(super) struct Housekeeping<'a> {
    pub(super) config: &'a Config,
    pub(super) interfaces: &'a [Interface],
    pub(super) monitor: Shared,
    pub(super) clock: Clock,
    pub(super) names: Names,
    pub(super) alarm: Option<Alarm>,
    pub(super) exporter: Option<Exporter>,
    /// The second of the last summary.
    pub(super) summarized: Cell<u64>,
}

impl Housekeeping<'_> {
    /// What a restart must not forget to tell, and whom it must not take for unused.
    pub(super) fn begin(&self) {
        if self.config.learning.is_some() {
            residents::tell(&self.monitor, &self.names, self.clock.now(), true);
        }
        self.summarize();
    }

    /// What is due each minute.
    pub(super) fn work(&self) {
        let now = self.clock.now();
        self.names.refresh(now);
        if now.seconds.abs_diff(self.summarized.get()) >= SUMMARY_SECONDS {
            self.summarize();
        }
        if self.config.learning.is_some() {
            residents::tell(&self.monitor, &self.names, now, false);
        }
        tell_due(&self.monitor, self.alarm.as_ref(), now);
        if let Some(exporter) = &self.exporter {
            exporter.collect_due(&mut lock(&self.monitor), now);
        }
    }

    /// Warns whom a quota says to.
    pub(super) fn look_at_quotas(&self) {
        quotas::tell(&self.monitor, self.interfaces, &self.names, self.alarm.as_ref(), self.clock.now());
    }

    /// Tells what would have been told later. Before the last snapshot: what it has reached will have been told.
    pub(super) fn tell_rest(&self) {
        self.look_at_quotas();
        tell_rest(&self.monitor, self.alarm.as_ref());
        self.summarize();
    }

    /// Sends what is still to be sent.
    pub(super) fn end(self) {
        if let Some(exporter) = self.exporter {
            for (interface, ledger) in lock(&self.monitor).ledgers_mut().iter_mut().enumerate() {
                exporter.collect_all(interface, ledger, IPFIX_STOP_PATIENCE);
            }
            exporter.stop();
        }
        if let Some(alarm) = self.alarm {
            alarm.stop();
        }
    }

    fn summarize(&self) {
        let now = self.clock.now();
        self.summarized.set(now.seconds);
        tell_summary(&self.monitor, self.alarm.as_ref(), now);
    }
}
