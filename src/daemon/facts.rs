//! What the about page tells of the program itself.

use std::sync::PoisonError;

use super::alarm::Alarm;
use super::config::Config;
use super::evidence::Evidence;
use super::ipfix::Exporter;
use super::keeper::SharedStatus;
use super::names::Names;
use super::web::sources::FactSource;
use super::web::{Refusal, Statistics};
use crate::limits::WEB_CONNECTIONS_MAX;
use crate::time::Timestamp;
use crate::view::{EvidenceFacts, Facts, SenderFacts, StoreFacts, WebFacts};

/// Where the facts come from.
pub struct Known {
    started: Timestamp,
    tables_bytes: u64,
    store: Option<SharedStatus>,
    alarm: Option<Alarm>,
    receiver: String,
    exporter: Option<Exporter>,
    collector: String,
    evidence: Option<Evidence>,
    names: Names,
}

impl Known {
    /// Facts of a program that started at this time.
    pub fn new(
        started: Timestamp,
        tables_bytes: usize,
        store: Option<SharedStatus>,
        alarm: Option<Alarm>,
        evidence: Option<Evidence>,
        names: Names,
        config: &Config,
    ) -> Self {
        let receiver = config.syslog_to.as_ref().map(ToString::to_string).unwrap_or_default();
        let collector = config.ipfix_to.as_ref().map(ToString::to_string).unwrap_or_default();
        Self {
            started,
            tables_bytes: tables_bytes as u64,
            store,
            alarm,
            receiver,
            exporter: None,
            collector,
            evidence,
            names,
        }
    }

    /// The same with the sender of flow records, if there is one.
    pub fn with_exporter(mut self, exporter: Option<Exporter>) -> Self {
        self.exporter = exporter;
        self
    }
}

impl FactSource for Known {
    fn with_facts(&self, statistics: &Statistics, show: &mut dyn FnMut(&Facts<'_>)) {
        let refused = Refusal::ALL.into_iter().map(|refusal| statistics.refused(refusal)).sum();
        let alarm = self.alarm.as_ref().map(|alarm| {
            let counters = alarm.counters();
            SenderFacts { destination: &self.receiver, sent: counters.sent, lost: counters.lost }
        });
        let exporter = self.exporter.as_ref().map(|exporter| {
            let counters = exporter.counters();
            SenderFacts { destination: &self.collector, sent: counters.sent, lost: counters.lost }
        });
        show(&Facts {
            started: self.started,
            tables_bytes: self.tables_bytes,
            resident_bytes: resident_bytes(),
            web: WebFacts {
                requests: statistics.requests,
                refused,
                closed: statistics.evicted + statistics.idle + statistics.stalled,
                connections: statistics.open,
                connections_max: WEB_CONNECTIONS_MAX as u64,
            },
            store: self.store_facts(),
            alarm,
            exporter,
            evidence: self.evidence_facts(),
            names: self.names.statistics(),
        });
    }
}

impl Known {
    fn evidence_facts(&self) -> Option<EvidenceFacts> {
        let evidence = self.evidence.as_ref()?;
        let statistics = evidence.statistics();
        Some(EvidenceFacts {
            bytes: statistics.ring.bytes,
            bytes_max: evidence.options().limits.bytes,
            packets: statistics.ring.written,
            lost: statistics.dropped + statistics.ring.failed,
            given_up: statistics.ring.given_up,
        })
    }

    fn store_facts(&self) -> Option<StoreFacts> {
        let status = *self.store.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        Some(StoreFacts {
            saved: status.saved,
            interval: status.interval,
            written_today: status.written_today,
            budget: status.flash_budget,
            failures: status.failures,
            refused: status.refused,
        })
    }
}

/// The program's resident memory in bytes, from /proc/self/status.
///
/// /proc/self/statm counts in pages, and rustix learns their size from /proc/self/auxv on a kernel before
/// 6.4. A program that has given up root may not read that, and rustix panics.
fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
