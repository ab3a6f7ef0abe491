//! When which local time holds: a rule as POSIX has it in `TZ`, or a file of the zone database (TZif, RFC 9636).

use std::ops::RangeInclusive;

use time::{Date, Month, OffsetDateTime};

/// The Julian day number of 1970-01-01.
const JULIAN_DAY_1970: i32 = 2_440_588;
const SECONDS_OF_DAY: i64 = 86_400;
const SECONDS_OF_HOUR: i32 = 3_600;
/// RFC 9636 has offsets from -24:59:59 to 25:59:59.
const OFFSET_MAX: u32 = 26 * SECONDS_OF_HOUR as u32;

/// The offsets of a zone over time.
#[derive(Debug, Default)]
pub struct Rules {
    /// The offset before the first change, in seconds by which local time is ahead of UTC.
    first: i32,
    /// From which second since 1970 on which offset holds, in order.
    changes: Vec<(i64, i32)>,
    /// What holds after the last change.
    last: Option<Rule>,
}

impl Rules {
    /// The rule of a text such as `CET-1CEST,M3.5.0,M10.5.0/3`; `None` if it is none.
    pub fn from_posix(text: &str) -> Option<Self> {
        Some(Self { last: Some(Rule::parse(text)?), ..Self::default() })
    }

    /// What a file of the zone database says; `None` if it is none. Leap seconds are left out, as the system's clock
    /// leaves them out.
    pub fn from_file(bytes: &[u8]) -> Option<Self> {
        let (version, rules, rest) = Self::block(bytes, 4)?;
        if version == 0 {
            return Some(rules);
        }
        // Since version 2 the same follows with times of 64 bits, and a rule for the time after them.
        let (_, mut rules, rest) = Self::block(rest, 8)?;
        let footer = rest.strip_prefix(b"\n")?.strip_suffix(b"\n")?;
        rules.last = Rule::parse(str::from_utf8(footer).ok()?);
        Some(rules)
    }

    /// Seconds by which local time is ahead of UTC at a second since 1970.
    pub fn offset(&self, time: i64) -> i32 {
        let passed = self.changes.partition_point(|(change, _)| *change <= time);
        match &self.last {
            Some(rule) if passed == self.changes.len() => rule.offset(time),
            _ => passed
                .checked_sub(1)
                .and_then(|last| self.changes.get(last))
                .map_or(self.first, |last| last.1),
        }
    }

    /// Reads a header and what it counts; returns the version and what comes after it. Times have `width` bytes.
    fn block(bytes: &[u8], width: usize) -> Option<(u8, Self, &[u8])> {
        let mut rest = bytes.strip_prefix(b"TZif")?;
        let version = *take(&mut rest, 16)?.first()?;
        let counts: [u8; 24] = take(&mut rest, 24)?.try_into().ok()?;
        let [utc, standard, leaps, changes, kinds, letters] =
            std::array::from_fn(|index| integer(&counts[4 * index..4 * index + 4]) as usize);
        let times = take(&mut rest, changes.checked_mul(width)?)?;
        let kinds_of_changes = take(&mut rest, changes)?;
        let kinds = take(&mut rest, kinds.checked_mul(6)?)?;
        for unused in [letters, leaps.checked_mul(width + 4)?, standard, utc] {
            take(&mut rest, unused)?;
        }
        let offset = |kind: usize| {
            let offset = integer(kinds.chunks_exact(6).nth(kind)?.get(..4)?) as i32;
            (offset.unsigned_abs() < OFFSET_MAX).then_some(offset)
        };
        let changes = times.chunks_exact(width).zip(kinds_of_changes);
        let changes = changes.map(|(time, kind)| Some((integer(time), offset(usize::from(*kind))?)));
        Some((
            version,
            Self { first: offset(0)?, changes: changes.collect::<Option<_>>()?, last: None },
            rest,
        ))
    }
}

/// Splits bytes off the beginning.
fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(taken)
}

/// A signed integer of 4 or 8 bytes, the most significant first.
fn integer(bytes: &[u8]) -> i64 {
    let negative = bytes.first().is_some_and(|byte| byte & 0x80 != 0);
    bytes.iter().fold(if negative { -1 } else { 0 }, |number, byte| number << 8 | i64::from(*byte))
}

/// A rule that holds each year.
#[derive(Debug, PartialEq)]
struct Rule {
    standard: i32,
    summer: Option<Summer>,
}

#[derive(Debug, PartialEq)]
struct Summer {
    offset: i32,
    start: Change,
    end: Change,
}

/// When in a year the clock is changed.
#[derive(Debug, PartialEq)]
struct Change {
    day: Day,
    /// Seconds after midnight by the time that holds before the change; from -167 to 167 hours.
    seconds: i32,
}

#[derive(Debug, PartialEq)]
enum Day {
    /// `J60`: from 1 on, 29 February not counted.
    Julian(i32),
    /// `59`: from 0 on.
    OfYear(i32),
    /// `M3.5.0`: a weekday, 0 for Sunday, the first to fourth of a month, or 5 for the last.
    Weekday { month: u8, week: u8, weekday: u8 },
}

impl Rule {
    fn parse(mut text: &str) -> Option<Self> {
        let text = &mut text;
        skip_name(text)?;
        let standard = -clock_time(text, 24)?;
        if text.is_empty() {
            return Some(Self { standard, summer: None });
        }
        skip_name(text)?;
        let offset = if text.starts_with(',') { standard + SECONDS_OF_HOUR } else { -clock_time(text, 24)? };
        let summer = Summer { offset, start: Change::parse(text)?, end: Change::parse(text)? };
        text.is_empty().then_some(Self { standard, summer: Some(summer) })
    }

    fn offset(&self, time: i64) -> i32 {
        self.summer.as_ref().and_then(|summer| self.summer_offset(summer, time)).unwrap_or(self.standard)
    }

    /// The offset if it is summer.
    fn summer_offset(&self, summer: &Summer, time: i64) -> Option<i32> {
        let local = time.saturating_add(self.standard.into());
        let year = OffsetDateTime::from_unix_timestamp(local).ok()?.year();
        let start = summer.start.in_year(year)? - i64::from(self.standard);
        let end = summer.end.in_year(year)? - i64::from(summer.offset);
        // South of the equator, summer begins late in the year and ends early.
        let is_summer =
            if start < end { (start..end).contains(&time) } else { !(end..start).contains(&time) };
        is_summer.then_some(summer.offset)
    }
}

impl Change {
    fn parse(text: &mut &str) -> Option<Self> {
        skip(text, ',').then_some(())?;
        let day = if skip(text, 'M') {
            let month = number(text, 1..=12)? as u8;
            let week = skip(text, '.').then(|| number(text, 1..=5))?? as u8;
            let weekday = skip(text, '.').then(|| number(text, 0..=6))?? as u8;
            Day::Weekday { month, week, weekday }
        } else if skip(text, 'J') {
            Day::Julian(number(text, 1..=365)?)
        } else {
            Day::OfYear(number(text, 0..=365)?)
        };
        let seconds = if skip(text, '/') { clock_time(text, 167)? } else { 2 * SECONDS_OF_HOUR };
        Some(Self { day, seconds })
    }

    /// Seconds since 1970, as if local time were UTC; `None` far away in time.
    fn in_year(&self, year: i32) -> Option<i64> {
        let january = Date::from_ordinal_date(year, 1).ok()?.to_julian_day();
        let day = match self.day {
            Day::OfYear(day) => january + day,
            Day::Julian(day) => january + day - i32::from(day < 60 || !time::util::is_leap_year(year)),
            Day::Weekday { month, week, weekday } => {
                let month = Month::try_from(month).ok()?;
                let first = Date::from_calendar_date(year, month, 1).ok()?;
                let until = (7 + weekday - first.weekday().number_days_from_sunday()) % 7;
                let day = until + 7 * (week - 1);
                let day = if day < month.length(year) { day } else { day - 7 };
                first.to_julian_day() + i32::from(day)
            }
        };
        Some(i64::from(day - JULIAN_DAY_1970) * SECONDS_OF_DAY + i64::from(self.seconds))
    }
}

/// Skips a character; `false` if it is another one.
fn skip(text: &mut &str, character: char) -> bool {
    text.strip_prefix(character).map(|rest| *text = rest).is_some()
}

/// Skips a zone's abbreviation, of three letters or more, or in angle brackets.
fn skip_name(text: &mut &str) -> Option<()> {
    let is_bracketed = skip(text, '<');
    let belongs = |character: char| match character {
        '+' | '-' | '0'..='9' => is_bracketed,
        _ => character.is_ascii_alphabetic(),
    };
    let rest = text.trim_start_matches(belongs);
    let length = text.len() - rest.len();
    *text = rest;
    (length >= 3 && (!is_bracketed || skip(text, '>'))).then_some(())
}

/// Reads `[+-]hours[:minutes[:seconds]]` as seconds.
fn clock_time(text: &mut &str, hours: i32) -> Option<i32> {
    let sign = if skip(text, '-') { -1 } else { 1 };
    if sign > 0 {
        skip(text, '+');
    }
    let mut seconds = number(text, 0..=hours)? * SECONDS_OF_HOUR;
    for unit in [60, 1] {
        if skip(text, ':') {
            seconds += number(text, 0..=59)? * unit;
        }
    }
    Some(sign * seconds)
}

fn number(text: &mut &str, range: RangeInclusive<i32>) -> Option<i32> {
    let rest = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let digits = text.strip_suffix(rest)?;
    *text = rest;
    digits.parse().ok().filter(|number| range.contains(number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offsets(text: &str, times: &[i64]) -> Vec<i32> {
        let rules = Rules::from_posix(text).unwrap();
        times.iter().map(|time| rules.offset(*time)).collect()
    }

    #[test]
    fn a_rule_changes_on_its_days() {
        // 2026: 29 March 01:00 UTC, 25 October 01:00 UTC.
        let berlin = [1_774_745_999, 1_774_746_000, 1_792_889_999, 1_792_890_000];
        assert_eq!(offsets("CET-1CEST,M3.5.0,M10.5.0/3", &berlin), [3600, 7200, 7200, 3600]);
        // 2026: 4 April 16:00 UTC, 3 October 16:00 UTC, south of the equator.
        let sydney = [1_775_318_399, 1_775_318_400, 1_791_043_199, 1_791_043_200];
        assert_eq!(offsets("AEST-10AEDT,M10.1.0,M4.1.0/3", &sydney), [39_600, 36_000, 36_000, 39_600]);
        // 1 March of a leap year and of another one: the 60th day, and the day after 59 others.
        for text in ["AAA0BBB,J60/0,J300", "AAA0BBB,59/0,299"] {
            assert_eq!(offsets(text, &[1_772_323_199, 1_772_323_200]), [0, 3600], "{text}");
        }
        assert_eq!(offsets("AAA0BBB,J60/0,J300", &[1_709_251_199, 1_709_251_200]), [0, 3600]);
        assert_eq!(offsets("AAA0BBB,59/0,299", &[1_709_164_799, 1_709_164_800]), [0, 3600]);
        // Summer all year, and hours before the day.
        assert_eq!(offsets("XXX3EDT4,0/0,J365/23", &[1_767_225_600, 1_790_000_000]), [-14_400; 2]);
        assert_eq!(
            offsets("<-02>2<-01>,M3.5.0/-1,M10.5.0/0", &[1_774_745_999, 1_774_746_000]),
            [-7200, -3600]
        );
    }

    #[test]
    fn what_is_no_rule_is_none() {
        for text in [
            "",
            "CET",
            "CE-1",
            "CET-25",
            "CET-1:60",
            "CET-1CEST",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M3.6.0,M10.5.0",
            "CET-1CEST,M3.5,M10.5.0",
            "CET-1CEST,M13.5.0,M10.5.0",
            "CET-1CEST,J0,J9",
            "CET-1CEST,1,366",
            "CET-1CEST,M3.5.0,M10.5.0/168",
            "CET-1CEST,M3.5.0,M10.5.0x",
            "<+1-1",
            "<ä>1",
            "C-1T-1",
            "1",
            "CET--1",
            "CET-+1",
            "CET99999999999",
        ] {
            assert!(Rules::from_posix(text).is_none(), "{text}");
        }
    }

    /// A block with these changes, whose times have `width` bytes, and two kinds, of 0 and 3600 seconds.
    fn block(version: u8, width: usize, changes: &[(i64, u8)]) -> Vec<u8> {
        let mut bytes = [b"TZif".as_slice(), &[version], &[0; 15]].concat();
        for count in [1, 1, 1, changes.len() as u32, 2, 4] {
            bytes.extend(count.to_be_bytes());
        }
        changes.iter().for_each(|(time, _)| bytes.extend(&time.to_be_bytes()[8 - width..]));
        bytes.extend(changes.iter().map(|(_, kind)| *kind));
        bytes.extend([0, 0, 0, 0, 0, 0, 0, 0, 14, 16, 1, 0]);
        bytes.extend(b"CET\0");
        bytes.extend(vec![0; width + 4 + 2]);
        bytes
    }

    #[test]
    fn a_file_has_changes_and_a_rule_for_later() {
        let changes = [(-2_000_000_000, 1), (1_000_000_000, 0)];
        let old = block(0, 4, &changes);
        let rules = Rules::from_file(&old).unwrap();
        let times = [i64::MIN, -2_000_000_001, -2_000_000_000, 999_999_999, 1_000_000_000, i64::MAX];
        assert_eq!(times.map(|time| rules.offset(time)), [0, 0, 3600, 3600, 0, 0]);

        let far = [(-20_000_000_000, 1), (1_000_000_000, 0)];
        let new = [block(b'2', 4, &[]), block(b'2', 8, &far), b"\n<+02>-2\n".to_vec()].concat();
        let rules = Rules::from_file(&new).unwrap();
        let times = [i64::MIN, -20_000_000_000, 999_999_999, 1_000_000_000, i64::MAX];
        assert_eq!(times.map(|time| rules.offset(time)), [0, 3600, 3600, 7200, 7200]);

        for length in 0..new.len() {
            assert!(Rules::from_file(&new[..length]).is_none(), "{length}");
        }
        assert!(Rules::from_file(&block(0, 4, &[(0, 2)])).is_none(), "a kind that is not there");
    }
}
