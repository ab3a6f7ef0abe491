//! Flow records for a collector: what was counted of a flow since its last record.
//!
//! Sums leave the flow cache whenever somebody looks, and a collector must not get a record for each look.
//! So what has been booked and is in no record yet is kept beside the cache. A record is made when a flow
//! loses its place, and once in [`FLOW_RECORD_SECONDS`] while it keeps it (the active time-out of RFC 5470,
//! 5.1.1, which here is the idle one as well).

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;

use super::flows::Flow;
use crate::limits::{FLOW_RECORD_SECONDS, FLOW_RECORDS, FLOW_RECORDS_BYTES, FLOW_RECORDS_KEPT_FREE, FLOWS};

/// What has been booked of a flow and is in no record.
#[derive(Clone, Copy, Default)]
struct Unreported {
    bytes: [u64; 2],
    packets: [u32; 2],
    /// The first packet's time.
    first: u32,
}

const _: () =
    assert!(FLOWS * size_of::<Unreported>() + FLOW_RECORDS * size_of::<Flow>() <= FLOW_RECORDS_BYTES);

/// The records that wait to be taken, and what will be in the next ones.
pub struct FlowRecords {
    /// For each place of the flow cache.
    unreported: Box<[Unreported]>,
    waiting: VecDeque<Flow>,
    /// Records that did not fit, each way of a flow being one.
    lost: u64,
    /// Where the walk over the places goes on, and how many of them are due.
    next: usize,
    due: usize,
    /// The second up to which that is known.
    second: u64,
}

impl FlowRecords {
    /// No records yet of a cache with so many places.
    pub fn new(places: usize) -> Self {
        Self {
            unreported: vec![Unreported::default(); places].into_boxed_slice(),
            waiting: VecDeque::with_capacity(FLOW_RECORDS),
            lost: 0,
            next: 0,
            due: 0,
            second: 0,
        }
    }

    /// The flow in this place has been booked and stays.
    pub fn keep(&mut self, place: usize, booked: &Flow) {
        let Some(sum) = self.unreported.get_mut(place) else { return };
        if sum.packets == [0; 2] {
            sum.first = booked.first;
        }
        for end in [0, 1] {
            sum.bytes[end] = sum.bytes[end].saturating_add(booked.bytes[end]);
            // Nothing brings four billion packets between two records.
            sum.packets[end] = sum.packets[end].saturating_add(booked.packets[end]);
        }
    }

    /// The flow in this place has its record now: `flow` says whose it is.
    pub fn report(&mut self, place: usize, flow: &Flow) {
        let Some(sum) = self.unreported.get_mut(place) else { return };
        let Unreported { bytes, packets, first } = core::mem::take(sum);
        let mut record = *flow;
        (record.bytes, record.packets, record.first) = (bytes, packets, first);
        self.push(&record);
    }

    /// The flow leaves this place with these counts. Out of line, as most routers have no collector.
    #[inline(never)]
    pub fn leave(&mut self, place: usize, flow: &Flow) {
        self.keep(place, flow);
        self.report(place, flow);
    }

    /// A record of what has never had a place.
    #[inline(never)]
    pub fn push(&mut self, record: &Flow) {
        if record.is_empty() {
            return;
        }
        if self.waiting.len() < FLOW_RECORDS {
            self.waiting.push_back(*record);
        } else {
            self.lost += record.ways();
        }
    }

    /// The oldest record.
    pub fn pop(&mut self) -> Option<Flow> {
        self.waiting.pop_front()
    }

    /// True if none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The number of records that did not fit since the last call.
    pub fn take_lost(&mut self) -> u64 {
        core::mem::take(&mut self.lost)
    }

    /// From now on all places are due.
    pub fn hurry(&mut self) {
        self.due = self.unreported.len();
    }

    /// The next place that is due for a record in this second. None while there is only as much room as
    /// packets may need.
    pub fn next_due(&mut self, second: u64) -> Option<usize> {
        let places = self.unreported.len();
        let elapsed = second.saturating_sub(self.second).min(FLOW_RECORD_SECONDS) as usize;
        self.second = second;
        self.due = (self.due + elapsed * places.div_ceil(FLOW_RECORD_SECONDS as usize)).min(places);
        if self.due == 0 || self.waiting.len() + FLOW_RECORDS_KEPT_FREE >= FLOW_RECORDS {
            return None;
        }
        self.due -= 1;
        self.next = (self.next + 1) % places;
        Some(self.next)
    }
}
