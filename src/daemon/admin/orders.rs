//! What a form asks of the main thread, which keeps the snapshots. There is one order at a time.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::SIGUSR1;

use crate::limits::WEB_CONNECTIONS_MAX;
use crate::view::Outcome;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A snapshot.
    Save,
    /// The books of the snapshot that was uploaded to this file.
    Restore(PathBuf),
}

/// Who placed an order and waits for its result; `None` waits for none.
type Customer = Option<u64>;

#[derive(Default)]
enum Slot {
    #[default]
    Empty,
    Ordered(Customer, Order),
    Working(Customer),
}

/// How an order went.
struct Done {
    customer: u64,
    outcome: Outcome,
    what: String,
}

#[derive(Default)]
struct Desk {
    slot: Slot,
    /// Results that wait for their customers. Of more than there can be, the oldest go: nobody comes for them.
    done: VecDeque<Done>,
    /// Something was changed while an order was worked on, whose snapshot may be of before.
    is_stale: bool,
}

impl Desk {
    fn place(&mut self, customer: Customer, order: Order) -> bool {
        if !matches!(self.slot, Slot::Empty) {
            return false;
        }
        self.slot = Slot::Ordered(customer, order);
        wake();
        true
    }

    fn find(&self, number: u64) -> Option<usize> {
        self.done.iter().position(|done| done.customer == number)
    }
}

/// The place for an order, which both threads know.
#[derive(Clone, Default)]
pub struct Orders(Arc<Mutex<Desk>>);

impl Orders {
    /// Places an order and wakes the main thread; false if another is being worked on. The number is the
    /// customer's, who gets the result by it.
    pub fn place(&self, number: u64, order: Order) -> bool {
        self.lock().place(Some(number), order)
    }

    /// Has a snapshot saved, for nobody who waits for it.
    pub fn save(&self) {
        // One lock for both: who ends the other order in between would not know of the change.
        let mut desk = self.lock();
        if !desk.place(None, Order::Save) {
            desk.is_stale = true;
        }
    }

    /// True if the order of this number has been placed and its result was not taken yet.
    pub fn has(&self, number: u64) -> bool {
        let desk = self.lock();
        let placed = match desk.slot {
            Slot::Empty => None,
            Slot::Ordered(customer, _) | Slot::Working(customer) => customer,
        };
        placed == Some(number) || desk.find(number).is_some()
    }

    /// How the order of this number went, once it is done.
    pub fn result(&self, number: u64) -> Option<(Outcome, String)> {
        let mut desk = self.lock();
        let place = desk.find(number)?;
        desk.done.remove(place).map(|done| (done.outcome, done.what))
    }

    /// The order to work on, if there is one.
    pub fn take(&self) -> Option<Order> {
        let mut desk = self.lock();
        match std::mem::take(&mut desk.slot) {
            Slot::Ordered(customer, order) => {
                desk.slot = Slot::Working(customer);
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
        if let Slot::Working(customer) = desk.slot {
            desk.slot = Slot::Empty;
            if let Some(customer) = customer {
                if desk.done.len() >= WEB_CONNECTIONS_MAX {
                    desk.done.pop_front();
                }
                desk.done.push_back(Done { customer, outcome, what });
            }
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
    fn a_result_waits_for_its_customer_whatever_is_ordered_meanwhile() {
        catch();
        let orders = Orders::default();
        let restore = || Order::Restore(PathBuf::from("upload"));
        assert!(orders.place(1, restore()));
        assert_eq!(orders.take(), Some(restore()));
        orders.finish(Outcome::Restored, "1".to_owned());
        orders.save();
        assert_eq!(orders.take(), Some(Order::Save));
        orders.finish(Outcome::Saved, "2".to_owned());
        assert!(orders.place(3, Order::Save));
        assert!(orders.has(1) && orders.has(3) && !orders.has(u64::MAX));
        assert_eq!(orders.take(), Some(Order::Save));
        orders.finish(Outcome::Saved, "3".to_owned());
        assert_eq!(orders.result(1), Some((Outcome::Restored, "1".to_owned())), "it is not done again");
        assert_eq!(orders.result(3), Some((Outcome::Saved, "3".to_owned())));
        assert_eq!(
            (orders.result(u64::MAX), orders.lock().done.len()),
            (None, 0),
            "nobody waits for the other"
        );
    }

    #[test]
    fn results_that_nobody_comes_for_are_bounded() {
        catch();
        let orders = Orders::default();
        for number in 0..2 * WEB_CONNECTIONS_MAX as u64 {
            assert!(orders.place(number, Order::Save) && orders.take().is_some());
            orders.finish(Outcome::Saved, String::new());
        }
        assert_eq!(orders.lock().done.len(), WEB_CONNECTIONS_MAX);
        assert!(!orders.has(0) && orders.has(2 * WEB_CONNECTIONS_MAX as u64 - 1));
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
