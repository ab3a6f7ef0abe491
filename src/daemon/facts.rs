//! What the about page tells of the program itself.

use super::alarm::Alarm;
use super::config::Config;
use super::web::routes::FactSource;
use super::web::{Refusal, Statistics};
use crate::limits::WEB_CONNECTIONS_MAX;
use crate::time::Timestamp;
use crate::view::{AlarmFacts, Facts, WebFacts};

/// Where the facts come from.
pub struct Known {
    started: Timestamp,
    tables_bytes: u64,
    alarm: Option<Alarm>,
    receiver: String,
}

impl Known {
    /// Facts of a program that started at this time.
    pub fn new(started: Timestamp, tables_bytes: usize, alarm: Option<Alarm>, config: &Config) -> Self {
        let receiver = config.syslog_to.as_ref().map(ToString::to_string).unwrap_or_default();
        Self { started, tables_bytes: tables_bytes as u64, alarm, receiver }
    }
}

impl FactSource for Known {
    fn with_facts(&self, statistics: &Statistics, show: &mut dyn FnMut(&Facts<'_>)) {
        let refused = Refusal::ALL.into_iter().map(|refusal| statistics.refused(refusal)).sum();
        let alarm = self.alarm.as_ref().map(|alarm| {
            let counters = alarm.counters();
            AlarmFacts { destination: &self.receiver, sent: counters.sent, lost: counters.lost }
        });
        show(&Facts {
            started: self.started,
            tables_bytes: self.tables_bytes,
            resident_bytes: resident_bytes(),
            web: WebFacts {
                requests: statistics.requests,
                refused,
                closed: statistics.evicted + statistics.idle + statistics.stalled,
                connections: 0,
                connections_max: WEB_CONNECTIONS_MAX as u64,
            },
            store: None,
            alarm,
            names: None,
        });
    }
}

/// The program's resident memory in bytes, from /proc/self/statm.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}
