//! The messages that wait for the sender, or for the receiver's word that they came, and the count of what
//! became of all of them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::daemon::quotas::Warning;
use crate::darknet::{Event, Kind, SummaryLine};
use crate::limits::ALARM_QUEUE_MAX;
use crate::time::Timestamp;

/// RFC 5424, 7.3.1.
const NUMBER_MAX: u32 = 2_147_483_647;

/// STATS messages have slots of their own: one for that which waits, one for that which is being sent.
const STATS_SLOTS: usize = 2;

/// Between two attempts while the program ends.
const PAUSE_AT_END: Duration = Duration::from_millis(50);

/// What became of the messages since the start. `queued - sent - lost` still wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed over for sending.
    pub queued: u64,
    /// Messages handed to the network, without those that are known not to have come.
    pub sent: u64,
    /// Messages given up: the queue was full, or time was up at the end.
    pub lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Event(Event),
    Summary(SummaryLine),
    Quota(Warning),
    /// Written with the numbers of the moment in which it is sent.
    Stats,
}

impl Content {
    /// Verdicts and their ends, and quotas, which are kept before everything else.
    fn is_alert(&self) -> bool {
        match self {
            Self::Event(event) => event.kind != Kind::Hit,
            Self::Quota(_) => true,
            Self::Summary(_) | Self::Stats => false,
        }
    }

    /// What makes room for an alert.
    fn gives_way(&self) -> bool {
        !self.is_alert() && *self != Self::Stats
    }
}

/// A message and its place among all of them, the lost ones included: a gap shows a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) number: u32,
    /// Its length on the way; 0 until it is sent.
    bytes: u16,
    pub(super) content: Content,
}

/// What the sender is to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    Send(Queued),
    /// The time until which it wanted to wait is over.
    Timeout,
    Stop,
}

/// What a STATS message says of the messages themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delivery {
    pub(super) counters: Counters,
    /// The time of the first message that is lost and that no STATS message has counted yet.
    pub(super) lost_since: Option<Timestamp>,
}

/// A bounded queue, from which a message goes once it has come as far as the sender can know. When it is
/// full the newest message is lost; but an alert takes the place of the newest that is none. Its lock is
/// held for a few instructions, so the capture may call it.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// The oldest first, those in flight before those that wait.
    messages: VecDeque<Queued>,
    /// How many of them are sent and may not have come.
    in_flight: usize,
    number: u32,
    counters: Counters,
    /// `counters.lost` as the last STATS message that was written has it, and as the last that came.
    lost_written: u64,
    lost_told: u64,
    lost_since: Option<Timestamp>,
    /// Set once the sender is to stop, at this time at the latest.
    stop: Option<Instant>,
    finished: bool,
}

impl State {
    fn push(&mut self, content: Content, capacity: usize) {
        let newest = self.enumerate(content);
        if self.messages.len() < capacity {
            self.messages.push_back(newest);
            return;
        }
        let lost = match self.newest_that_gives_way().filter(|_| content.is_alert()) {
            Some(index) => {
                let lost = self.messages.remove(index);
                self.messages.push_back(newest);
                lost
            }
            None => Some(newest),
        };
        self.counters.lost += 1;
        let time = match lost.map(|lost| lost.content) {
            Some(Content::Event(event)) => Some(event.last),
            Some(Content::Summary(line)) => Some(line.end),
            Some(Content::Quota(warning)) => Some(warning.time),
            Some(Content::Stats) | None => None,
        };
        self.lost_since = self.lost_since.or(time);
    }

    fn enumerate(&mut self, content: Content) -> Queued {
        self.counters.queued += 1;
        self.number = self.number % NUMBER_MAX + 1;
        Queued { number: self.number, bytes: 0, content }
    }

    /// Only among those that wait behind the first, which the sender may have in its hand.
    fn newest_that_gives_way(&self) -> Option<usize> {
        let waiting = self.in_flight + 1..self.messages.len();
        waiting.rev().find(|index| self.messages.get(*index).is_some_and(|one| one.content.gives_way()))
    }

    fn time_is_up(&self) -> bool {
        self.stop.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        let state = State {
            messages: VecDeque::with_capacity(ALARM_QUEUE_MAX + STATS_SLOTS),
            in_flight: 0,
            number: 0,
            counters: Counters::default(),
            lost_written: 0,
            lost_told: 0,
            lost_since: None,
            stop: None,
            finished: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn push(&self, event: Event) {
        self.push_content(Content::Event(event));
    }

    pub(super) fn push_content(&self, content: Content) {
        self.lock().push(content, ALARM_QUEUE_MAX);
        self.changed.notify_all();
    }

    /// A full queue cannot hide how full it was: STATS always finds room. One that waits will say what a
    /// second one would.
    pub(super) fn push_stats(&self) {
        let mut state = self.lock();
        let mut waiting = state.messages.iter().skip(state.in_flight + 1);
        if !waiting.any(|one| one.content == Content::Stats) {
            state.push(Content::Stats, ALARM_QUEUE_MAX + STATS_SLOTS);
            self.changed.notify_all();
        }
    }

    /// Puts a STATS message before all others if messages are lost of which the receiver does not know.
    /// For a new connection, on which nothing is in flight.
    pub(super) fn push_losses_first(&self) {
        let mut state = self.lock();
        if state.counters.lost == state.lost_told {
            return;
        }
        let waiting = state.messages.iter().position(|one| one.content == Content::Stats);
        let stats = waiting.and_then(|index| state.messages.remove(index));
        let stats = stats.unwrap_or_else(|| state.enumerate(Content::Stats));
        state.messages.push_front(stats);
    }

    /// Waits for a message, until `timeout` at most. It stays the next one until `sent` or `give_up` is
    /// called.
    pub(super) fn next(&self, timeout: Instant) -> Next {
        let mut state = self.lock();
        loop {
            let next = state.messages.get(state.in_flight).copied();
            if state.time_is_up() || state.stop.is_some() && next.is_none() {
                return Next::Stop;
            }
            let now = Instant::now();
            if now >= timeout {
                return Next::Timeout;
            }
            if let Some(queued) = next {
                return Next::Send(queued);
            }
            state = self.wait(state, timeout - now);
        }
    }

    /// Waits before another attempt; false if there will be none because time is up. Once the sender is
    /// to stop, pauses are short, so that a receiver that just came back still gets what waits.
    pub(super) fn pause(&self, duration: Duration) -> bool {
        let begin = Instant::now();
        let mut state = self.lock();
        loop {
            if state.time_is_up() {
                return false;
            }
            let duration = if state.stop.is_some() { duration.min(PAUSE_AT_END) } else { duration };
            let Some(left) = duration.checked_sub(begin.elapsed()).filter(|left| !left.is_zero()) else {
                return true;
            };
            state = self.wait(state, left);
        }
    }

    /// What a STATS message is to say that is written now.
    pub(super) fn delivery(&self) -> Delivery {
        let mut state = self.lock();
        state.lost_written = state.counters.lost;
        Delivery { counters: state.counters, lost_since: state.lost_since }
    }

    /// The next message was handed to the network, in this many bytes.
    pub(super) fn sent(&self, bytes: usize) {
        let state = &mut *self.lock();
        if let Some(queued) = state.messages.get_mut(state.in_flight) {
            queued.bytes = u16::try_from(bytes).unwrap_or(u16::MAX);
            state.in_flight += 1;
            state.counters.sent += 1;
        }
    }

    /// Of all bytes that were sent, no more than the last `outstanding` may not have come: messages that
    /// have come go.
    pub(super) fn came(&self, outstanding: usize) {
        let state = &mut *self.lock();
        let in_flight = state.messages.iter().take(state.in_flight);
        let mut behind: usize = in_flight.map(|one| usize::from(one.bytes)).sum();
        while state.in_flight > 0
            && let Some(first) = state.messages.front()
        {
            behind -= usize::from(first.bytes);
            if behind < outstanding {
                return;
            }
            if first.content == Content::Stats {
                state.lost_told = state.lost_written;
                state.lost_since = state.lost_since.filter(|_| state.lost_told < state.counters.lost);
            }
            state.messages.pop_front();
            state.in_flight -= 1;
        }
    }

    /// What is in flight will not come: it is to be sent again.
    pub(super) fn send_again(&self) {
        let mut state = self.lock();
        state.counters.sent = state.counters.sent.saturating_sub(state.in_flight as u64);
        state.in_flight = 0;
    }

    /// The next message cannot be sent at all.
    pub(super) fn give_up(&self) {
        let state = &mut *self.lock();
        if state.messages.remove(state.in_flight).is_some() {
            state.counters.lost += 1;
        }
    }

    pub(super) fn counters(&self) -> Counters {
        self.lock().counters
    }

    /// Asks the sender to send what waits and to stop, and waits for it until `patience` is over. What
    /// was not sent by then is lost.
    pub(super) fn stop(&self, patience: Duration) -> Counters {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        state.stop = Some(deadline);
        self.changed.notify_all();
        while !state.finished {
            let now = Instant::now();
            if now >= deadline {
                break;
            }
            state = self.wait(state, deadline - now);
        }
        let Counters { queued, sent, .. } = state.counters;
        Counters { queued, sent, lost: queued - sent }
    }

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

#[cfg(test)]
mod tests;
