//! Who is lost, who is sent again, and what is said of it.

use std::thread;

use super::*;
use crate::darknet::Signal;
use crate::packet::Packet;
use crate::quota::{Quota, Target, Usage};

const FULL: u32 = ALARM_QUEUE_MAX as u32;

fn event(kind: Kind, seconds: u64) -> Event {
    Event { kind, ..Event::of_packet(0, &Packet::default(), Signal::Given, Timestamp::from_seconds(seconds)) }
}

fn hit() -> Event {
    event(Kind::Hit, 0)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}

fn next(queue: &Queue) -> (u32, Content) {
    match queue.next(soon()) {
        Next::Send(queued) => (queued.number, queued.content),
        other => panic!("{other:?}"),
    }
}

/// Sends everything, as over a network that loses nothing.
fn drain(queue: &Queue) -> Vec<(u32, Content)> {
    let mut all = Vec::new();
    let is_waiting = |Counters { queued, sent, lost }| queued > sent + lost;
    while is_waiting(queue.counters())
        && let Next::Send(queued) = queue.next(soon())
    {
        all.push((queued.number, queued.content));
        if queued.content == Content::Stats {
            queue.delivery();
        }
        queue.sent(100);
        queue.came(0);
    }
    all
}

fn numbers(queue: &Queue) -> Vec<u32> {
    drain(queue).into_iter().map(|(number, _)| number).collect()
}

#[test]
fn a_full_queue_loses_the_newest_and_the_numbers_show_the_gap() {
    let queue = Queue::new();
    for _ in 0..FULL + 3 {
        queue.push(hit());
    }
    let all = u64::from(FULL) + 3;
    assert_eq!(queue.counters(), Counters { queued: all, sent: 0, lost: 3 });
    queue.push_stats();
    let expected: Vec<u32> = (1..=FULL).chain([FULL + 4]).collect();
    assert_eq!(numbers(&queue), expected);
    assert_eq!(queue.next(Instant::now()), Next::Timeout);
}

#[test]
fn an_alert_takes_the_place_of_the_newest_hit() {
    for kind in [Kind::Alert, Kind::Clear, Kind::Notice] {
        let queue = Queue::new();
        queue.push(event(Kind::Alert, 0));
        for _ in 1..FULL {
            queue.push(hit());
        }
        queue.push_stats();
        queue.push(event(kind, 0));
        queue.push(event(kind, 0));
        queue.push(hit());
        assert_eq!(queue.counters().lost, 3);
        // 1 is an alert, 2 to FULL are hits, FULL + 1 is STATS.
        let expected: Vec<u32> = (1..=FULL - 2).chain(FULL + 1..=FULL + 3).collect();
        assert_eq!(numbers(&queue), expected, "{kind:?}");
    }
}

#[test]
fn so_does_a_quota() {
    let quota = Quota { target: Target::Interface(0), bytes: 1_000 };
    let usage = Usage { quota, used: 800 };
    let queue = Queue::new();
    for _ in 0..FULL {
        queue.push(hit());
    }
    queue.push_content(Content::Quota(Warning { usage, address: None, time: Timestamp::default() }));
    assert_eq!(queue.counters().lost, 1);
    assert_eq!(numbers(&queue), (1..FULL).chain([FULL + 1]).collect::<Vec<u32>>());
}

#[test]
fn among_alerts_the_newest_is_lost() {
    let queue = Queue::new();
    for _ in 0..FULL + 2 {
        queue.push(event(Kind::Alert, 0));
    }
    queue.push(event(Kind::Clear, 0));
    assert_eq!(queue.counters().lost, 3);
    assert_eq!(numbers(&queue), (1..=FULL).collect::<Vec<u32>>());
}

#[test]
fn what_is_being_sent_gives_way_to_nothing() {
    let queue = Queue::new();
    queue.push(hit());
    queue.push(hit());
    for _ in 2..FULL {
        queue.push(event(Kind::Alert, 0));
    }
    next(&queue);
    queue.sent(100);
    assert_eq!(next(&queue).0, 2, "one is in flight, the other in the sender's hand");
    queue.push(event(Kind::Alert, 0));
    assert_eq!(queue.counters().lost, 1);
    assert_eq!(next(&queue).0, 2);
}

#[test]
fn a_new_connection_first_hears_of_losses() {
    let queue = Queue::new();
    queue.push_losses_first();
    assert_eq!(queue.next(Instant::now()), Next::Timeout, "there is nothing to say");
    for second in 0..u64::from(FULL) + 7 {
        queue.push(event(Kind::Hit, second));
    }
    queue.push_stats();
    queue.push_losses_first();
    queue.push_losses_first();
    let (number, content) = next(&queue);
    assert_eq!((number, content), (FULL + 8, Content::Stats), "that which waited already");
    let Delivery { counters, lost_since } = queue.delivery();
    assert_eq!((counters.lost, lost_since), (7, Some(Timestamp::from_seconds(FULL.into()))));
    queue.sent(100);
    assert_eq!(next(&queue).0, 1, "then the rest in its order");

    // It did not come, and more is lost meanwhile.
    queue.send_again();
    queue.push(event(Kind::Hit, 9999));
    queue.push_losses_first();
    assert_eq!(next(&queue), (FULL + 8, Content::Stats));
    assert_eq!(queue.delivery().counters.lost, 8);
    queue.sent(100);
    queue.came(0);
    queue.push_losses_first();
    assert_eq!(next(&queue).0, 1, "it knows");
    assert_eq!(queue.delivery().lost_since, None);
}

#[test]
fn a_message_goes_when_it_has_come() {
    let queue = Queue::new();
    for _ in 0..4 {
        queue.push(hit());
    }
    for bytes in [100, 200, 300] {
        next(&queue);
        queue.sent(bytes);
    }
    let in_flight = |outstanding| {
        queue.came(outstanding);
        queue.lock().in_flight
    };
    for (outstanding, left) in [(600, 3), (501, 3), (500, 2), (499, 2), (300, 1), (1, 1)] {
        assert_eq!(in_flight(outstanding), left, "{outstanding} bytes");
    }
    assert_eq!(queue.counters().sent, 3);
    queue.send_again();
    assert_eq!(queue.counters(), Counters { queued: 4, sent: 2, lost: 0 });
    assert_eq!(numbers(&queue), [3, 4]);
}

#[test]
fn the_queue_never_grows() {
    let queue = Queue::new();
    let capacity = queue.lock().messages.capacity();
    for n in 0..3 * FULL {
        queue.push(event(if n % 3 == 0 { Kind::Alert } else { Kind::Hit }, 0));
        queue.push_stats();
        queue.push_losses_first();
    }
    assert_eq!(queue.lock().messages.capacity(), capacity);
}

#[test]
fn numbers_start_again_at_one() {
    let queue = Queue::new();
    queue.lock().number = NUMBER_MAX - 1;
    queue.push(hit());
    queue.push(hit());
    assert_eq!(numbers(&queue), [NUMBER_MAX, 1]);
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
    queue.push(hit());
    queue.push(hit());
    queue.sent(100);
    assert_eq!(queue.stop(Duration::ZERO), Counters { queued: 2, sent: 1, lost: 1 });
    assert_eq!(queue.next(soon()), Next::Stop);
    assert!(!queue.pause(Duration::from_secs(60)));
}

#[test]
fn a_message_takes_what_the_limits_say() {
    assert!(size_of::<Queued>() <= 120, "{}", size_of::<Queued>());
}
