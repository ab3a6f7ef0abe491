//! The flow records that wait for the sender, and the count of what became of all of them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::limits::{IPFIX_INTERVAL, IPFIX_QUEUE_MAX};
use crate::table::Flow;

/// What became of the records since the start, each way of a flow being one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Records handed to the network, without those that are known not to have come.
    pub sent: u64,
    /// Records that found no room or did not come.
    pub lost: u64,
}

/// A bounded queue. Its lock is held for a few instructions, so that the capture may call it.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The interface's number, from 0, and what its ends sent.
    flows: VecDeque<(u8, Flow)>,
    counters: Counters,
    /// The collector cannot be reached: nobody should wait for room.
    in_trouble: bool,
    /// Set once the sender is to stop, at this time at the latest.
    stop: Option<Instant>,
    finished: bool,
}

impl Queue {
    /// An empty queue. All memory is allocated here.
    pub(super) fn new() -> Self {
        let state = State {
            flows: VecDeque::with_capacity(IPFIX_QUEUE_MAX),
            counters: Counters::default(),
            in_trouble: false,
            stop: None,
            finished: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    /// Adds what a flow's ends sent. It waits for room until the deadline; if there is none, it is lost.
    pub(super) fn push(&self, interface: u8, flow: Flow, deadline: Instant) {
        let mut state = self.lock();
        while state.flows.len() >= IPFIX_QUEUE_MAX
            && !state.in_trouble
            && let Some(left) = deadline.checked_duration_since(Instant::now())
        {
            state = self.wait(state, left);
        }
        if state.flows.len() >= IPFIX_QUEUE_MAX {
            state.counters.lost += flow.ways();
            return;
        }
        state.flows.push_back((interface, flow));
        if state.flows.len() == 1 {
            self.changed.notify_all();
        }
    }

    /// Waits for records, and a while longer for more of them. Says how many there are; 0 if the sender is to
    /// stop.
    pub(super) fn gather(&self) -> usize {
        let mut state = self.lock();
        while state.flows.is_empty() && state.stop.is_none() {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let until = Instant::now() + IPFIX_INTERVAL;
        while let Some(left) = until.checked_duration_since(Instant::now())
            && state.stop.is_none()
        {
            state = self.wait(state, left);
        }
        state.flows.len()
    }

    /// The oldest flow.
    pub(super) fn pop(&self) -> Option<(u8, Flow)> {
        let mut state = self.lock();
        if state.flows.len() == IPFIX_QUEUE_MAX {
            self.changed.notify_all();
        }
        state.flows.pop_front()
    }

    /// So many records have been sent.
    pub(super) fn sent(&self, records: u64) {
        self.lock().counters.sent += records;
    }

    /// It turns out that so many records that were sent did not come.
    pub(super) fn refused(&self, records: u64) {
        let counters = &mut self.lock().counters;
        counters.sent -= records.min(counters.sent);
        counters.lost += records;
    }

    /// So many records are lost.
    pub(super) fn lose(&self, records: u64) {
        self.lock().counters.lost += records;
    }

    /// Says whether the collector can be reached.
    pub(super) fn set_trouble(&self, in_trouble: bool) {
        self.lock().in_trouble = in_trouble;
        self.changed.notify_all();
    }

    /// Waits for so long. False if the sender is to stop before that is over.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        let until = Instant::now() + duration;
        let mut state = self.lock();
        while let Some(left) = until.checked_duration_since(Instant::now()) {
            if state.stop.is_some_and(|stop| stop < until) {
                return false;
            }
            state = self.wait(state, left);
        }
        true
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Asks the sender to send what waits and to stop, and waits for it until `patience` is over. What was not
    /// sent by then is lost.
    pub(super) fn stop(&self, patience: Duration) -> Counters {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        state.stop = Some(deadline);
        self.changed.notify_all();
        while let Some(left) = deadline.checked_duration_since(Instant::now())
            && !state.finished
        {
            state = self.wait(state, left);
        }
        let left: u64 = state.flows.drain(..).map(|(_, flow)| flow.ways()).sum();
        state.counters.lost += left;
        state.counters
    }

    /// The sender has stopped.
    pub(super) fn finish(&self) {
        self.lock().finished = true;
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, duration: Duration) -> MutexGuard<'a, State> {
        self.changed.wait_timeout(state, duration).unwrap_or_else(PoisonError::into_inner).0
    }
}
