//! Whether an address that counts as unused is somebody's after all: the router asks for it itself.
//!
//! On a switched LAN the router does not hear the answer to somebody else's question, so a device that is
//! there and says nothing looks like nobody. The answer to a question of the router's own is sent to the router,
//! and is then a sign like any other. Unanswered for three seconds means unoccupied, as in LaBrea (Liston, 2001).
//! No verdict waits for it.

use heapless::Vec;

use super::space::Space;
use crate::limits::{
    CONFIRM_AGAIN_SECONDS, CONFIRM_ANSWER_SECONDS, CONFIRM_PAUSE_MILLIS, CONFIRM_QUESTIONS,
    CONFIRM_QUESTIONS_PER_SECOND, CONFIRM_ROWS,
};
use crate::packet::Address;
use crate::time::Timestamp;

/// What became of the addresses that were to be asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Confirmed {
    /// Addresses asked for.
    pub asked: u64,
    /// Those that turned out to be somebody's.
    pub answered: u64,
    /// Those of which nobody was heard.
    pub unanswered: u64,
    /// How often an address was not asked for, for want of room or because nothing could be sent.
    pub skipped: u64,
}

impl Confirmed {
    /// The numbers under the names that the page and the report use.
    pub fn by_name(&self) -> [(&'static str, u64); 4] {
        let Self { asked, answered, unanswered, skipped } = *self;
        [("asked", asked), ("answered", answered), ("unanswered", unanswered), ("skipped", skipped)]
    }
}

/// An IPv4 address that is asked for, or was a while ago.
#[derive(Clone, Copy, Debug)]
struct Row {
    target: u32,
    /// The LAN's number.
    interface: u16,
    /// How often it was asked for.
    asked: u8,
    /// Whether that is all that will be done.
    is_settled: bool,
    /// When it was asked for last, in milliseconds that wrap.
    at: u32,
}

impl Row {
    fn address(&self) -> Address {
        Address::v4(self.target)
    }

    /// Milliseconds since the last question, also if the clock was set back.
    fn age(&self, now: Timestamp) -> u32 {
        (millis(now).wrapping_sub(self.at) as i32).unsigned_abs()
    }

    /// True if it may be forgotten, and its target asked for anew.
    fn is_over(&self, now: Timestamp) -> bool {
        self.is_settled && self.age(now) >= 1000 * CONFIRM_AGAIN_SECONDS
    }
}

/// The addresses that are asked for. A full table takes no more until one of them may be forgotten.
#[derive(Clone, Debug, Default)]
pub(super) struct Confirmations {
    rows: Vec<Row, CONFIRM_ROWS>,
    pub counts: Confirmed,
    /// The second of the last question, and how many there were in it.
    second: (u32, u32),
}

impl Confirmations {
    /// Asks for an IPv4 address on this LAN, unless that was done lately.
    pub fn want(&mut self, interface: usize, target: u32, now: Timestamp) {
        if self.rows.iter().any(|row| row.target == target && !row.is_over(now)) {
            return;
        }
        let interface = interface as u16;
        let row = Row { target, interface, asked: 0, is_settled: false, at: 0 };
        if let Some(old) = self.rows.iter_mut().find(|row| row.is_over(now)) {
            *old = row;
        } else if self.rows.push(row).is_err() {
            self.counts.skipped += 1;
        }
    }

    /// What is to be asked for now, if anything: the LAN's number and the address.
    pub fn next_question(&mut self, space: &Space, now: Timestamp) -> Option<(usize, Address)> {
        let second = now.seconds as u32;
        if self.second.0 != second {
            self.second = (second, 0);
        }
        for row in self.rows.iter_mut().filter(|row| !row.is_settled) {
            let age = row.age(now);
            if row.asked > 0 && space.is_lit(row.address(), second) {
                row.is_settled = true;
                self.counts.answered += 1;
            } else if row.asked == CONFIRM_QUESTIONS {
                row.is_settled = age >= 1000 * CONFIRM_ANSWER_SECONDS;
                self.counts.unanswered += u64::from(row.is_settled);
            } else if self.second.1 < CONFIRM_QUESTIONS_PER_SECOND
                && (row.asked == 0 || age >= CONFIRM_PAUSE_MILLIS)
            {
                self.counts.asked += u64::from(row.asked == 0);
                self.second.1 += 1;
                row.asked += 1;
                row.at = millis(now);
                return Some((row.interface.into(), row.address()));
            }
        }
        None
    }

    /// Takes back a question that could not be sent.
    pub fn failed(&mut self, target: Address) {
        let is_it = |row: &&mut Row| row.address() == target && row.asked > 0 && !row.is_settled;
        if let Some(row) = self.rows.iter_mut().find(is_it) {
            row.is_settled = true;
            self.counts.asked -= 1;
            self.counts.skipped += 1;
        }
    }

    /// True if time alone will bring something to do.
    pub fn is_busy(&self) -> bool {
        self.rows.iter().any(|row| !row.is_settled)
    }
}

/// Wraps after 49 days, which does no harm: of two times that far apart it is not known how far.
fn millis(time: Timestamp) -> u32 {
    (time.seconds as u32).wrapping_mul(1000).wrapping_add(time.micros / 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Networks, Role};
    use crate::table::Seed;

    /// A LAN of 256 addresses, of which none is known to be somebody's.
    fn space() -> Space {
        let mut space = Space::new(&[], 256, Seed::new(7, 0)).unwrap();
        let mut networks = Networks::new();
        networks.add("192.168.1.0/24".parse().unwrap());
        space.set_interface(0, Role::Lan, &networks, &[]);
        space
    }

    const HOST: u32 = 0xc0a8_0109;
    const ADDRESS: Address = Address::v4(HOST);

    /// A time after a start that is not 1970.
    fn at(millis: u64) -> Timestamp {
        Timestamp { seconds: 1_000_000 + millis / 1000, micros: (millis % 1000 * 1000) as u32 }
    }

    /// All addresses that are asked for now.
    fn asked(confirmations: &mut Confirmations, space: &Space, now: Timestamp) -> std::vec::Vec<Address> {
        std::iter::from_fn(|| confirmations.next_question(space, now)).map(|(_, address)| address).collect()
    }

    const AGAIN: u64 = 1000 * CONFIRM_AGAIN_SECONDS as u64;
    const ANSWER: u64 = 1000 * CONFIRM_ANSWER_SECONDS as u64;
    const PAUSE: u64 = CONFIRM_PAUSE_MILLIS as u64;

    #[test]
    fn an_address_costs_what_limits_says() {
        assert!(size_of::<Row>() <= 12, "{}", size_of::<Row>());
    }

    #[test]
    fn nobody_is_asked_for_twice_and_given_up_after_three_seconds() {
        let (mut confirmations, space) = (Confirmations::default(), space());
        assert!(!confirmations.is_busy());
        confirmations.want(0, HOST, at(0));
        let mut times = std::vec::Vec::new();
        for tenth in 0..100 {
            confirmations.want(0, HOST, at(100 * tenth));
            times.extend(asked(&mut confirmations, &space, at(100 * tenth)).iter().map(|_| 100 * tenth));
            let end = PAUSE + ANSWER;
            assert_eq!(confirmations.is_busy(), 100 * tenth < end, "{tenth}");
        }
        assert_eq!(times, [0, PAUSE]);
        let counts = Confirmed { asked: 1, unanswered: 1, ..Confirmed::default() };
        assert_eq!(confirmations.counts, counts);
    }

    #[test]
    fn an_answer_ends_the_questions() {
        for answered_after in [1, 2] {
            let (mut confirmations, mut space) = (Confirmations::default(), space());
            confirmations.want(0, HOST, at(0));
            for n in 0..answered_after {
                assert_eq!(asked(&mut confirmations, &space, at(1000 * n)), [ADDRESS]);
            }
            space.note(0, ADDRESS, 1_000_002);
            assert_eq!(asked(&mut confirmations, &space, at(2000)), []);
            assert!(!confirmations.is_busy());
            let counts = Confirmed { asked: 1, answered: 1, ..Confirmed::default() };
            assert_eq!(confirmations.counts, counts);
        }
    }

    #[test]
    fn an_address_is_asked_for_once_in_ten_minutes() {
        let (mut confirmations, space) = (Confirmations::default(), space());
        let mut last = 0;
        for second in 0..3000 {
            confirmations.want(0, HOST, at(1000 * second));
            if !asked(&mut confirmations, &space, at(1000 * second)).is_empty() && second - last > 1 {
                assert!(1000 * (second - last) >= AGAIN, "{second}");
                last = second;
            }
        }
        assert_eq!(confirmations.counts.asked, 5);
    }

    #[test]
    fn there_are_so_many_questions_in_a_second() {
        let (mut confirmations, space) = (Confirmations::default(), space());
        (0..20).for_each(|host| confirmations.want(0, HOST + host, at(0)));
        let mut all = std::vec::Vec::new();
        for tenth in 0..100 {
            all.push(asked(&mut confirmations, &space, at(100 * tenth)).len());
        }
        for second in all.chunks(10) {
            assert!(second.iter().sum::<usize>() <= CONFIRM_QUESTIONS_PER_SECOND as usize, "{all:?}");
        }
        assert_eq!(all.iter().sum::<usize>(), 40);
    }

    #[test]
    fn a_full_table_takes_no_more_until_there_is_room() {
        let (mut confirmations, space) = (Confirmations::default(), space());
        let rows = CONFIRM_ROWS as u32;
        (0..rows + 10).for_each(|host| confirmations.want(0, HOST + host, at(0)));
        assert_eq!(confirmations.counts.skipped, 10);
        let mut second = 0;
        while confirmations.is_busy() {
            asked(&mut confirmations, &space, at(1000 * second));
            second += 1;
            assert!(second < 60);
        }
        let unanswered = u64::from(rows);
        let counts = Confirmed { asked: unanswered, unanswered, answered: 0, skipped: 10 };
        assert_eq!(confirmations.counts, counts);
        confirmations.want(0, HOST + 191, at(1000 * second));
        assert!(!confirmations.is_busy());
        confirmations.want(0, HOST + 191, at(1000 * second + AGAIN));
        assert_eq!(asked(&mut confirmations, &space, at(1000 * second + AGAIN)), [Address::v4(HOST + 191)]);
        assert_eq!(confirmations.counts.skipped, 11);
    }

    #[test]
    fn a_clock_set_back_stops_nothing() {
        let (mut confirmations, space) = (Confirmations::default(), space());
        confirmations.want(0, HOST, at(AGAIN));
        assert_eq!(asked(&mut confirmations, &space, at(AGAIN)), [ADDRESS]);
        assert_eq!(asked(&mut confirmations, &space, at(0)), [ADDRESS]);
        assert_eq!(asked(&mut confirmations, &space, Timestamp::default()), []);
        assert!(!confirmations.is_busy());
        confirmations.want(0, HOST, Timestamp::default());
        assert_eq!(asked(&mut confirmations, &space, Timestamp::default()), [ADDRESS]);
    }

    #[test]
    fn what_could_not_be_sent_is_skipped() {
        let (mut confirmations, space) = (Confirmations::default(), space());
        confirmations.want(0, HOST, at(0));
        asked(&mut confirmations, &space, at(0));
        confirmations.failed(Address::v4(HOST + 1));
        confirmations.failed(ADDRESS);
        confirmations.failed(ADDRESS);
        let counts = Confirmed { skipped: 1, ..Confirmed::default() };
        assert_eq!(confirmations.counts, counts);
        assert!(!confirmations.is_busy());
    }
}
