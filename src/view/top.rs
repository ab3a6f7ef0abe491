//! The heaviest of many rows, in bounded memory.

use alloc::vec::Vec;

use crate::ledger::Counters;

/// What a list of the heaviest rows needs to know of a row.
pub trait Ranked: Copy {
    /// The greater, the further up.
    fn weight(&self) -> u64;
    /// Decides between equals, the smaller further up, so that every order is the same each time.
    fn tie(&self) -> u128;
    /// What the row received or what came in, and what it sent or what went out.
    fn traffic(&self) -> (Counters, Counters);
}

/// The rows that a list of the heaviest has no place for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// How many.
    pub rows: u64,
    /// What they received, or what came in.
    pub inbound: Counters,
    /// What they sent, or what went out.
    pub outbound: Counters,
}

impl Rest {
    fn add(&mut self, row: &impl Ranked) {
        self.add_traffic(row.traffic());
    }

    /// Adds a row with this traffic.
    pub(super) fn add_traffic(&mut self, (inbound, outbound): (Counters, Counters)) {
        self.rows += 1;
        self.inbound += inbound;
        self.outbound += outbound;
    }
}

/// A list of at most so many rows, the heaviest that were offered. It has room for twice as many: each
/// time that is full, the lighter half goes, which costs a row the same small time however many come.
#[derive(Clone, Debug)]
pub struct Top<T> {
    rows: Vec<T>,
    limit: usize,
    rest: Rest,
}

impl<T: Ranked> Top<T> {
    /// An empty list. All memory is allocated here.
    pub fn with_limit(limit: usize) -> Self {
        let limit = limit.max(1);
        Self { rows: Vec::with_capacity(2 * limit), limit, rest: Rest::default() }
    }

    /// Starts again.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.rest = Rest::default();
    }

    /// Offers all these rows in place of those before.
    pub fn fill(&mut self, rows: impl Iterator<Item = T>) {
        self.clear();
        for row in rows {
            self.offer(row);
        }
        self.finish();
    }

    /// Offers a row. After the last one comes [`Top::finish`].
    pub fn offer(&mut self, row: T) {
        // Once rows were left out, those before the limit are in order, and no row behind the last of them
        // can have a place.
        if let Some(last) = self.rows.get(self.limit - 1)
            && self.rest.rows > 0
            && Self::order(last) < Self::order(&row)
        {
            return self.rest.add(&row);
        }
        if self.rows.len() == 2 * self.limit {
            self.finish();
        }
        self.rows.push(row);
    }

    /// Puts the rows in their order, the heaviest first.
    pub fn finish(&mut self) {
        self.rows.sort_unstable_by_key(Self::order);
        self.cut();
    }

    /// The rows; in order after [`Top::finish`].
    pub fn rows(&self) -> &[T] {
        &self.rows
    }

    /// The rows that had no place.
    pub fn rest(&self) -> Rest {
        self.rest
    }

    fn order(row: &T) -> (core::cmp::Reverse<u64>, u128) {
        (core::cmp::Reverse(row.weight()), row.tie())
    }

    fn cut(&mut self) {
        self.rows.iter().skip(self.limit).for_each(|row| self.rest.add(row));
        self.rows.truncate(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq)]
    struct Row(u64);

    impl Ranked for Row {
        fn weight(&self) -> u64 {
            self.0 / 2
        }
        fn tie(&self) -> u128 {
            self.0.into()
        }
        fn traffic(&self) -> (Counters, Counters) {
            (Counters::new(1, self.0), Counters::default())
        }
    }

    #[test]
    fn the_heaviest_stay_and_the_rest_is_summed() {
        for limit in [1, 2, 7, 100] {
            for count in [0, 1, 6, 14, 15, 99, 1_000] {
                let mut top = Top::with_limit(limit);
                let capacity = top.rows.capacity();
                // 7,919 is prime: every value below it comes once, in a scattered order.
                let values = (0..count).map(|n| n * 7_919 % 1_009);
                top.fill(values.clone().map(Row));
                let mut sorted: Vec<u64> = values.collect();
                sorted.sort_by_key(|&value| (core::cmp::Reverse(value / 2), value));
                let (kept, left) = sorted.split_at(limit.min(sorted.len()));
                assert_eq!(top.rows().iter().map(|row| row.0).collect::<Vec<_>>(), kept);
                assert_eq!(top.rest().inbound, Counters::new(left.len() as u64, left.iter().sum()));
                assert_eq!(top.rows.capacity(), capacity, "filling never allocates");
            }
        }
    }
}
