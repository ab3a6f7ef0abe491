//! The messages that wait for the sender, and the count of what became of all of them.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::darknet::Event;
use crate::limits::ALARM_QUEUE_MAX;

/// RFC 5424, 7.3.1.
const NUMBER_MAX: u32 = 2_147_483_647;

/// Between two attempts while the program ends.
const PAUSE_AT_END: Duration = Duration::from_millis(50);

/// What became of the messages since the start. `queued - sent - lost` still wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages handed over for sending.
    pub queued: u64,
    /// Messages handed to the network.
    pub sent: u64,
    /// Messages given up: the queue was full, the receiver refused them, or time was up at the end.
    pub lost: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Event(Event),
    /// Written with the numbers of the moment in which it is sent.
    Stats,
}

/// A message and its place among all of them, the lost ones included: a gap shows a loss.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Queued {
    pub(super) number: u32,
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

/// A bounded queue; when it is full the newest message is lost. Its lock is held for a few instructions
/// only, so the capture may call it.
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    waiting: VecDeque<Queued>,
    number: u32,
    counters: Counters,
    /// Set once the sender is to stop, at this time at the latest.
    stop: Option<Instant>,
    finished: bool,
}

impl State {
    fn push(&mut self, content: Content, capacity: usize) {
        self.counters.queued += 1;
        self.number = self.number % NUMBER_MAX + 1;
        if self.waiting.len() < capacity {
            self.waiting.push_back(Queued { number: self.number, content });
        } else {
            self.counters.lost += 1;
        }
    }

    fn time_is_up(&self) -> bool {
        self.stop.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        let state = State {
            waiting: VecDeque::with_capacity(ALARM_QUEUE_MAX + 1),
            number: 0,
            counters: Counters::default(),
            stop: None,
            finished: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }

    pub(super) fn push(&self, event: Event) {
        self.lock().push(Content::Event(event), ALARM_QUEUE_MAX);
        self.changed.notify_all();
    }

    /// STATS has a slot of its own, so that a full queue cannot hide how full it was.
    pub(super) fn push_stats(&self) {
        self.lock().push(Content::Stats, ALARM_QUEUE_MAX + 1);
        self.changed.notify_all();
    }

    /// Waits for a message, until `timeout` at most.
    pub(super) fn next(&self, timeout: Instant) -> Next {
        let mut state = self.lock();
        loop {
            if state.time_is_up() || state.stop.is_some() && state.waiting.is_empty() {
                return Next::Stop;
            }
            let now = Instant::now();
            if now >= timeout {
                return Next::Timeout;
            }
            if let Some(queued) = state.waiting.pop_front() {
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

    pub(super) fn count_sent(&self) {
        self.lock().counters.sent += 1;
    }

    pub(super) fn count_lost(&self) {
        self.lock().counters.lost += 1;
    }

    /// A message that was counted as sent turned out to be refused.
    pub(super) fn count_refused(&self) {
        let counters = &mut self.lock().counters;
        if let Some(sent) = counters.sent.checked_sub(1) {
            counters.sent = sent;
            counters.lost += 1;
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
mod tests {
    use std::thread;

    use super::*;
    use crate::darknet::Signal;
    use crate::packet::Packet;
    use crate::time::Timestamp;

    fn event() -> Event {
        Event::of_packet(0, &Packet::default(), Signal::Given, Timestamp::default())
    }

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    #[test]
    fn a_full_queue_loses_the_newest_and_the_numbers_show_the_gap() {
        let queue = Queue::new();
        for _ in 0..ALARM_QUEUE_MAX + 3 {
            queue.push(event());
        }
        let all = ALARM_QUEUE_MAX as u64 + 3;
        assert_eq!(queue.counters(), Counters { queued: all, sent: 0, lost: 3 });
        queue.push_stats();
        for number in 1..=ALARM_QUEUE_MAX as u32 {
            assert_eq!(queue.next(soon()), Next::Send(Queued { number, content: Content::Event(event()) }));
        }
        let number = all as u32 + 1;
        assert_eq!(queue.next(soon()), Next::Send(Queued { number, content: Content::Stats }));
        assert_eq!(queue.next(Instant::now()), Next::Timeout);
    }

    #[test]
    fn the_queue_never_grows() {
        let queue = Queue::new();
        let capacity = queue.lock().waiting.capacity();
        for _ in 0..3 * ALARM_QUEUE_MAX {
            queue.push(event());
            queue.push_stats();
        }
        assert_eq!(queue.lock().waiting.capacity(), capacity);
    }

    #[test]
    fn numbers_start_again_at_one() {
        let queue = Queue::new();
        queue.lock().number = NUMBER_MAX - 1;
        queue.push(event());
        queue.push(event());
        for number in [NUMBER_MAX, 1] {
            assert_eq!(queue.next(soon()), Next::Send(Queued { number, content: Content::Event(event()) }));
        }
    }

    #[test]
    fn the_end_cuts_a_pause_short() {
        let queue = Queue::new();
        thread::scope(|scope| {
            let pause = scope.spawn(|| queue.pause(Duration::from_secs(3600)));
            let stop = scope.spawn(|| queue.stop(Duration::from_secs(60)));
            assert!(pause.join().unwrap(), "one more attempt");
            queue.finish();
            stop.join().unwrap();
        });
    }

    #[test]
    fn what_was_not_sent_at_the_end_is_lost() {
        let queue = Queue::new();
        queue.push(event());
        queue.push(event());
        queue.count_sent();
        assert_eq!(queue.stop(Duration::ZERO), Counters { queued: 2, sent: 1, lost: 1 });
        assert_eq!(queue.next(soon()), Next::Stop);
        assert!(!queue.pause(Duration::from_secs(60)));
    }
}
