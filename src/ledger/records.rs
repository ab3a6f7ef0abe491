//! The flow records of an interface, for a collector.

use super::Ledger;
use crate::table::Flow;
use crate::time::Timestamp;

impl Ledger {
    /// From now on there are flow records, which somebody has to take after each batch of frames. Their
    /// memory is allocated here.
    pub fn record_flows(&mut self) {
        self.flows.record();
    }

    /// Makes the records that are due because time has passed, as far as there is room. False if none wait to
    /// be taken after that.
    #[inline(never)]
    pub fn report_flows(&mut self, now: Timestamp) -> bool {
        loop {
            let Some(records) = self.flows.records() else { return false };
            let Some(place) = records.next_due(now.seconds) else { return !records.is_empty() };
            let flow = self.flows.report(place);
            if !flow.is_empty() {
                self.book(&flow);
            }
        }
    }

    /// All flows are due for a record.
    pub fn hurry_flow_records(&mut self) {
        if let Some(records) = self.flows.records() {
            records.hurry();
        }
    }

    /// The oldest flow record that waits: what both ends sent since the flow's last one.
    pub fn next_flow_record(&mut self) -> Option<Flow> {
        self.flows.records()?.pop()
    }

    /// The number of records that were lost since the last call, each way of a flow being one, because nobody
    /// took those that waited.
    pub fn take_lost_flow_records(&mut self) -> u64 {
        self.flows.records().map_or(0, |records| records.take_lost())
    }
}
