//! What a form asks of the main thread, which keeps the snapshots. There is one order at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::SIGUSR1;

use crate::view::Outcome;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A snapshot.
    Save,
    /// The books of the snapshot that was uploaded to this file.
    Restore(PathBuf),
}

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Ordered(u64, Order),
    Working(u64),
    Done(u64, Outcome, String),
}

#[derive(Default)]
struct Desk {
    slot: Slot,
    /// Something was changed while an order was worked on, whose snapshot may be of before.
    is_stale: bool,
}

/// The place for an order, which both threads know.
#[derive(Clone, Default)]
pub struct Orders(Arc<Mutex<Desk>>);

impl Orders {
    /// Places an order and wakes the main thread; false if another is being worked on. The number is the
    /// customer's, who gets the result by it.
    pub fn place(&self, number: u64, order: Order) -> bool {
        let mut desk = self.lock();
        if let Slot::Ordered(..) | Slot::Working(_) = desk.slot {
            return false;
        }
        desk.slot = Slot::Ordered(number, order);
        wake();
        true
    }

    /// Has a snapshot saved, for nobody who waits for it.
    pub fn save(&self) {
        if !self.place(u64::MAX, Order::Save) {
            self.lock().is_stale = true;
        }
    }

    /// True if the order of this number has been placed and its result was not taken yet.
    pub fn has(&self, number: u64) -> bool {
        match self.lock().slot {
            Slot::Empty => false,
            Slot::Ordered(known, _) | Slot::Working(known) | Slot::Done(known, ..) => known == number,
        }
    }

    /// How the order of this number went, once it is done.
    pub fn result(&self, number: u64) -> Option<(Outcome, String)> {
        let mut desk = self.lock();
        match std::mem::take(&mut desk.slot) {
            Slot::Done(known, outcome, what) if known == number => Some((outcome, what)),
            other => {
                desk.slot = other;
                None
            }
        }
    }

    /// The order to work on, if there is one.
    pub fn take(&self) -> Option<Order> {
        let mut desk = self.lock();
        match std::mem::take(&mut desk.slot) {
            Slot::Ordered(number, order) => {
                desk.slot = Slot::Working(number);
                // The snapshot is still to be made.
                desk.is_stale = false;
                Some(order)
            }
            other => {
                desk.slot = other;
                std::mem::take(&mut desk.is_stale).then_some(Order::Save)
            }
        }
    }

    /// Says how the order went that is being worked on.
    pub fn finish(&self, outcome: Outcome, what: String) {
        let mut desk = self.lock();
        if let Slot::Working(number) = desk.slot {
            desk.slot = Slot::Done(number, outcome, what);
        }
        if desk.is_stale {
            wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes the main thread.
fn wake() {
    // It can only fail for a signal that does not exist.
    let _ = signal_hook::low_level::raise(SIGUSR1);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flag that is set by the signal that wakes the main thread, and that would end this program.
    fn catch() -> Arc<std::sync::atomic::AtomicBool> {
        let flag = Arc::default();
        signal_hook::flag::register(SIGUSR1, Arc::clone(&flag)).unwrap();
        flag
    }

    #[test]
    fn one_order_at_a_time() {
        let flag = catch();
        let orders = Orders::default();
        assert_eq!(orders.take(), None);
        assert!(orders.place(1, Order::Save) && !orders.place(2, Order::Save));
        assert!(flag.load(std::sync::atomic::Ordering::SeqCst));
        assert!(orders.has(1) && !orders.has(2));
        assert_eq!((orders.take(), orders.take()), (Some(Order::Save), None));
        assert!(!orders.place(2, Order::Save) && orders.result(1).is_none());
        orders.finish(Outcome::Saved, "7".to_owned());
        assert!(orders.result(2).is_none());
        assert_eq!(orders.result(1), Some((Outcome::Saved, "7".to_owned())));
        assert!(orders.result(1).is_none() && !orders.has(1));
        assert!(orders.place(2, Order::Save));
    }

    #[test]
    fn what_is_changed_during_a_snapshot_is_in_the_next() {
        catch();
        let orders = Orders::default();
        orders.save();
        orders.save();
        assert_eq!((orders.take(), orders.take()), (Some(Order::Save), None), "one has both changes");
        orders.save();
        orders.finish(Outcome::Saved, String::new());
        assert_eq!((orders.take(), orders.take()), (Some(Order::Save), None));
        orders.finish(Outcome::Saved, String::new());
        assert_eq!(orders.take(), None);
    }
}
