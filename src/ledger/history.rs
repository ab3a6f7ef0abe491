//! Traffic over time: rings of bars. Hours, days and months are those of local time; seconds and minutes are
//! counted in UTC, because a change to or from daylight saving time is none to them.
//!
//! A packet costs the history nothing: once a second the growth of the totals since the last look is
//! added to the newest bar of every ring, and the rings move on.

use alloc::collections::VecDeque;

use super::{Counters, Directions};
use crate::limits::{
    HISTORY_DAYS, HISTORY_HOURS, HISTORY_MINUTES, HISTORY_MONTHS, HISTORY_SECONDS, REORDER_SECONDS,
};
use crate::network::Direction;

/// The traffic of one period.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Bar {
    /// To local addresses from elsewhere.
    pub inbound: Counters,
    /// From local addresses to elsewhere.
    pub outbound: Counters,
    /// Between local addresses, and between others.
    pub other: Counters,
}

impl core::ops::AddAssign for Bar {
    fn add_assign(&mut self, more: Self) {
        self.inbound += more.inbound;
        self.outbound += more.outbound;
        self.other += more.other;
    }
}

impl Bar {
    /// All of an interface's traffic as one bar.
    pub fn of(totals: &Directions) -> Self {
        Self {
            inbound: totals.of(Direction::Inbound),
            outbound: totals.of(Direction::Outbound),
            other: totals.other(),
        }
    }

    fn since(self, earlier: Self) -> Self {
        Self {
            inbound: self.inbound - earlier.inbound,
            outbound: self.outbound - earlier.outbound,
            other: self.other - earlier.other,
        }
    }
}

/// The length of a ring's periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Period {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// One hour of local time.
    Hour,
    /// One day of local time.
    Day,
    /// One calendar month of local time.
    Month,
}

impl Period {
    /// All periods, from the shortest.
    pub const ALL: [Self; 5] = [Self::Second, Self::Minute, Self::Hour, Self::Day, Self::Month];

    /// The name of the period's ring in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Second => "seconds",
            Self::Minute => "minutes",
            Self::Hour => "hours",
            Self::Day => "days",
            Self::Month => "months",
        }
    }

    /// How many bars the period's ring has.
    pub const fn bars(self) -> usize {
        match self {
            Self::Second => HISTORY_SECONDS,
            Self::Minute => HISTORY_MINUTES,
            Self::Hour => HISTORY_HOURS,
            Self::Day => HISTORY_DAYS,
            Self::Month => HISTORY_MONTHS,
        }
    }

    /// The seconds to add to UTC for the time in which the ring's periods are numbered.
    fn offset(self, utc_offset: i32) -> i64 {
        match self {
            Self::Second | Self::Minute => 0,
            Self::Hour | Self::Day | Self::Month => utc_offset.into(),
        }
    }

    /// The number of the period that holds this second of local time.
    pub(super) fn number(self, local: i64) -> i64 {
        match self {
            Self::Second => local,
            Self::Minute => local.div_euclid(60),
            Self::Hour => local.div_euclid(3_600),
            Self::Day => local.div_euclid(86_400),
            Self::Month => month_of_day(local.div_euclid(86_400)),
        }
    }

    /// The local time in seconds at which a period starts.
    pub(super) fn start(self, number: i64) -> i64 {
        match self {
            Self::Second => number,
            Self::Minute => number * 60,
            Self::Hour => number * 3_600,
            Self::Day => number * 86_400,
            Self::Month => first_day_of_month(number) * 86_400,
        }
    }
}

/// Months since year 0 of the day, counted in days since 1970-01-01 (proleptic Gregorian calendar; the
/// year is taken to begin in March, so that the leap day is its last).
fn month_of_day(day: i64) -> i64 {
    let day = day + 719_468;
    let era = day.div_euclid(146_097);
    let day = day.rem_euclid(146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    (era * 400 + year) * 12 + month + 2
}

/// The first day of a month, the inverse of [`month_of_day`].
fn first_day_of_month(month: i64) -> i64 {
    let month = month - 2;
    let (year, month) = (month.div_euclid(12), month.rem_euclid(12));
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    era * 146_097 + year * 365 + year / 4 - year / 100 + (153 * month + 2) / 5 - 719_468
}

/// The bars of one period length. There is room for all of them from the start.
#[derive(Clone, Debug)]
struct Ring {
    period: Period,
    bars: VecDeque<Bar>,
    /// The number of the newest bar's period.
    newest: i64,
}

impl Ring {
    fn new(period: Period) -> Self {
        Self { period, bars: VecDeque::with_capacity(period.bars()), newest: 0 }
    }

    /// Books the growth on the newest bar, then moves on to the period of this time, which is local where the
    /// ring's periods are.
    fn advance(&mut self, local: i64, growth: Bar) {
        if let Some(bar) = self.bars.back_mut() {
            *bar += growth;
            let number = self.period.number(local);
            if number > self.newest {
                self.forward(number);
            } else if number < self.newest && local + REORDER_SECONDS < self.period.start(self.newest) {
                self.backward(number);
            }
        } else {
            self.push(growth);
            self.newest = self.period.number(local);
        }
    }

    /// Time has passed: periods without traffic are zero bars.
    fn forward(&mut self, number: i64) {
        let gap = number.saturating_sub(self.newest).min(self.period.bars() as i64);
        for _ in 0..gap {
            self.push(Bar::default());
        }
        self.newest = number;
    }

    /// The clock was set back. Bars of times that are now to come are added to the present one; if all
    /// are, the clock was so wrong that only their order means something, and the ring keeps that.
    fn backward(&mut self, number: i64) {
        let ahead = self.newest.saturating_sub(number);
        if ahead < self.bars.len() as i64 {
            for _ in 0..ahead {
                let future = self.bars.pop_back().unwrap_or_default();
                if let Some(bar) = self.bars.back_mut() {
                    *bar += future;
                }
            }
        }
        self.newest = number;
    }

    fn push(&mut self, bar: Bar) {
        if self.bars.len() >= self.period.bars() {
            self.bars.pop_front();
        }
        self.bars.push_back(bar);
    }
}

/// The rings of one interface. Oldest bars come first; periods without traffic are zero bars.
#[derive(Clone, Debug)]
pub struct History {
    rings: [Ring; 5],
    /// The totals up to which traffic is in the bars.
    booked: Bar,
    /// Seconds to add to UTC for local time.
    utc_offset: i32,
}

impl Default for History {
    fn default() -> Self {
        Self { rings: Period::ALL.map(Ring::new), booked: Bar::default(), utc_offset: 0 }
    }
}

impl History {
    /// Sets the seconds to add to UTC for local time, from now on.
    pub fn set_utc_offset(&mut self, seconds: i32) {
        self.utc_offset = seconds;
    }

    /// The seconds to add to UTC for local time, by which the starts of all bars are told.
    pub const fn utc_offset(&self) -> i32 {
        self.utc_offset
    }

    /// Empties all rings, for totals that start at zero.
    pub fn clear(&mut self) {
        for ring in &mut self.rings {
            ring.bars.clear();
            ring.newest = 0;
        }
        self.booked = Bar::default();
    }

    /// Adds what the totals have grown by since the last call to the newest bars, then moves the rings
    /// on to this second (UTC).
    pub fn advance(&mut self, seconds: u64, totals: &Directions) {
        let now = Bar::of(totals);
        let growth = now.since(self.booked);
        self.booked = now;
        let seconds = seconds.min(u32::MAX.into()) as i64;
        for ring in &mut self.rings {
            ring.advance(seconds + ring.period.offset(self.utc_offset), growth);
        }
    }

    /// A ring's bars with the times (UTC, seconds since 1970) at which their periods start, oldest
    /// first.
    pub fn bars(&self, period: Period) -> impl Iterator<Item = (i64, Bar)> {
        let ring = &self.rings[period as usize];
        let offset = period.offset(self.utc_offset);
        let oldest = ring.newest - ring.bars.len() as i64 + 1;
        (oldest..).zip(&ring.bars).map(move |(number, bar)| (period.start(number) - offset, *bar))
    }

    /// The number of a ring's newest period, counted in periods of local time from hours upwards.
    pub fn newest(&self, period: Period) -> i64 {
        self.rings[period as usize].newest
    }

    /// Puts back a bar of a snapshot. Bars come oldest first, each with its ring's newest number.
    pub fn restore(&mut self, period: Period, newest: i64, bar: Bar) {
        let ring = &mut self.rings[period as usize];
        ring.push(bar);
        // A number that no clock gives would make later arithmetic overflow.
        ring.newest = newest.clamp(0, i64::from(u32::MAX) * 2);
    }

    /// Says that these totals are in the restored bars already.
    pub fn set_booked(&mut self, totals: &Directions) {
        self.booked = Bar::of(totals);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: u64 = 1_700_049_600; // 2023-11-15 12:00 UTC

    /// A history with its interface's totals, to which bytes come one inbound packet at a time.
    #[derive(Default)]
    struct Interface {
        history: History,
        totals: Directions,
    }

    impl Interface {
        fn receive(&mut self, seconds: u64, bytes: u64) {
            self.history.advance(seconds, &self.totals);
            self.totals.add(Direction::Inbound, Counters::new(1, bytes));
        }

        fn bars(&mut self, now: u64, period: Period) -> Vec<(i64, u64)> {
            self.history.advance(now, &self.totals);
            self.history.bars(period).map(|(start, bar)| (start, bar.inbound.bytes)).collect()
        }

        fn sum(&mut self, now: u64, period: Period) -> u64 {
            self.bars(now, period).into_iter().map(|(_, bytes)| bytes).sum()
        }
    }

    #[test]
    fn gaps_are_zero_bars() {
        let mut interface = Interface::default();
        interface.receive(NOON, 10);
        interface.receive(NOON + 3, 7);
        let noon = NOON as i64;
        let seconds = interface.bars(NOON + 4, Period::Second);
        assert_eq!(seconds, [(noon, 10), (noon + 1, 0), (noon + 2, 0), (noon + 3, 7), (noon + 4, 0)]);
        assert_eq!(interface.bars(NOON + 4, Period::Minute), [(noon, 17)]);
        assert_eq!(interface.bars(NOON + 4, Period::Month), [(1_698_796_800, 17)]);
    }

    #[test]
    fn rings_keep_their_length_and_drop_the_oldest() {
        let mut interface = Interface::default();
        for second in 0..200 {
            interface.receive(NOON + second, 1);
        }
        let seconds = interface.bars(NOON + 199, Period::Second);
        assert_eq!(seconds.len(), 60);
        assert_eq!(seconds[0], (NOON as i64 + 140, 1));
        assert_eq!(interface.sum(NOON + 199, Period::Minute), 200);
    }

    #[test]
    fn days_and_months_follow_local_time() {
        let mut interface = Interface::default();
        interface.history.set_utc_offset(3_600);
        let midnight = 1_701_385_200; // 2023-12-01 00:00 in UTC+1
        interface.receive(midnight - 1, 5);
        interface.receive(midnight, 6);
        let midnight = midnight as i64;
        assert_eq!(interface.bars(midnight as u64, Period::Day), [(midnight - 86_400, 5), (midnight, 6)]);
        let november = midnight - 30 * 86_400;
        assert_eq!(interface.bars(midnight as u64, Period::Month), [(november, 5), (midnight, 6)]);
    }

    #[test]
    fn daylight_saving_time_leaves_seconds_and_minutes_alone() {
        for change in [3_600, -3_600, 1_800] {
            let mut interface = Interface::default();
            interface.history.set_utc_offset(7_200);
            for second in 0..7_200 {
                interface.receive(NOON + second, 1);
            }
            let end = NOON + 7_199;
            let before = [Period::Second, Period::Minute].map(|period| interface.bars(end, period));
            interface.history.set_utc_offset(7_200 + change);
            let after = [Period::Second, Period::Minute].map(|period| interface.bars(end, period));
            assert_eq!(before, after, "{change}");
            let [seconds, minutes] = after;
            assert_eq!((seconds.len(), seconds[0]), (60, (end as i64 - 59, 1)));
            assert_eq!((minutes.len(), minutes[0]), (60, (NOON as i64 + 3_600, 60)));
            for period in [Period::Hour, Period::Day, Period::Month] {
                assert_eq!(interface.sum(end, period), 7_200);
            }
        }
    }

    #[test]
    fn months_and_days_convert_both_ways() {
        for month in 1970 * 12..2107 * 12 {
            let first = first_day_of_month(month);
            assert_eq!(month_of_day(first), month);
            assert_eq!(month_of_day(first - 1), month - 1);
        }
        assert_eq!(first_day_of_month(1970 * 12), 0);
        assert_eq!(first_day_of_month(2024 * 12 + 2), 19_783); // 2024-03-01
    }

    #[test]
    fn late_packets_are_no_clock_jump() {
        let mut interface = Interface::default();
        interface.receive(NOON + 1, 1);
        interface.receive(NOON, 1);
        interface.receive(NOON + 1, 1);
        assert_eq!(interface.bars(NOON + 1, Period::Second), [(NOON as i64 + 1, 3)]);
    }

    #[test]
    fn a_clock_set_back_loses_nothing() {
        let mut interface = Interface::default();
        for hour in 0..6 {
            interface.receive(NOON + hour * 3_600, 1);
        }
        interface.receive(NOON + 2 * 3_600, 1);
        let hours = interface.bars(NOON + 2 * 3_600, Period::Hour);
        assert_eq!(hours.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), [1, 1, 5]);
        assert_eq!(hours[2].0, NOON as i64 + 2 * 3_600);
        for period in Period::ALL {
            assert!(interface.bars(NOON, period).len() <= period.bars());
        }
    }

    #[test]
    fn a_clock_set_back_by_years_keeps_the_order() {
        let mut interface = Interface::default();
        for day in 0..5 {
            interface.receive(NOON + day * 86_400, day + 1);
        }
        let past = NOON - 4_000 * 86_400;
        interface.receive(past, 9);
        let days: Vec<_> = interface.bars(past, Period::Day);
        assert_eq!(days.iter().map(|(_, bytes)| *bytes).collect::<Vec<_>>(), [1, 2, 3, 4, 14]);
        assert_eq!(days[4].0, past as i64 / 86_400 * 86_400);
    }

    #[test]
    fn a_clock_set_forward_leaves_zero_bars_and_ends() {
        let mut interface = Interface::default();
        interface.receive(NOON, 1);
        interface.receive(u64::MAX, 1);
        for period in Period::ALL {
            assert_eq!(interface.bars(u64::MAX, period).len(), period.bars());
        }
    }
}
