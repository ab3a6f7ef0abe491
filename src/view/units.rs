//! Numbers and times as people read them. The alternate form, `{:#}`, is that of languages with a decimal comma.

use core::fmt::{self, Display, Formatter};

use super::html::Html;
use super::languages::Phrase;

const SECONDS_OF_DAY: i64 = 86_400;

/// The part of a whole in units of which `units` are the whole, rounded down; `None` of nothing. A part that
/// is greater counts as the whole.
// Each copy of a division of 128 bits would be 700 bytes on ARM.
#[inline(never)]
pub fn share(part: u64, whole: u64, units: u16) -> Option<u16> {
    // The product has to fit: of more than 2^48 the last bits make no difference that anybody sees.
    let shift = 16_u32.saturating_sub(whole.leading_zeros());
    let share = ((part.min(whole) >> shift) * u64::from(units)).checked_div(whole >> shift)?;
    Some(share as u16)
}

/// A whole number in groups of three digits.
#[derive(Clone, Copy)]
pub struct Grouped(pub u64);

impl Display for Grouped {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut unit: u64 = 1;
        while self.0 / unit >= 1_000 {
            unit *= 1_000;
        }
        write!(f, "{}", self.0 / unit)?;
        while unit > 1 {
            unit /= 1_000;
            let point = if f.alternate() { '.' } else { ',' };
            write!(f, "{point}{:03}", self.0 / unit % 1_000)?;
        }
        Ok(())
    }
}

/// Three digits and a unit with a decimal prefix, rounded down.
struct Scaled(u64, &'static str);

impl Display for Scaled {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(number, unit) = *self;
        let mut scale: u64 = 1;
        let mut prefixes = ["", "k", "M", "G", "T", "P", "E"].into_iter();
        let mut prefix = prefixes.next().unwrap_or_default();
        while number / scale >= 1_000 {
            scale *= 1_000;
            prefix = prefixes.next().unwrap_or_default();
        }
        let whole = number / scale;
        let thousandths = if scale == 1 { 0 } else { number % scale / (scale / 1_000) };
        let point = if f.alternate() { ',' } else { '.' };
        match whole {
            _ if thousandths == 0 => write!(f, "{whole}")?,
            ..10 => write!(f, "{whole}{point}{:02}", thousandths / 10)?,
            10..100 => write!(f, "{whole}{point}{}", thousandths / 100)?,
            _ => write!(f, "{whole}")?,
        }
        write!(f, "\u{a0}{prefix}{unit}")
    }
}

/// Bytes, with a decimal prefix as internet bills have it.
#[derive(Clone, Copy)]
pub struct Bytes(pub u64);

impl Display for Bytes {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Scaled(self.0, "B").fmt(f)
    }
}

/// Bits in a second.
#[derive(Clone, Copy)]
pub struct Rate(pub u64);

impl Rate {
    /// The mean rate of these bytes over so many seconds.
    pub fn of(bytes: u64, seconds: u64) -> Self {
        Self(bytes.saturating_mul(8) / seconds.max(1))
    }
}

impl Display for Rate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        Scaled(self.0, "bit/s").fmt(f)
    }
}

/// A span of time in its largest unit.
#[derive(Clone, Copy)]
pub struct Span(pub u64);

impl Span {
    /// How many, and of what.
    fn parts(self) -> (u64, Phrase) {
        match self.0 {
            seconds @ ..120 => (seconds, Phrase("s")),
            seconds @ 120..7_200 => (seconds / 60, Phrase("min")),
            seconds @ 7_200..172_800 => (seconds / 3_600, Phrase("h")),
            seconds => (seconds / 86_400, Phrase("days")),
        }
    }

    /// Writes it in the reader's language.
    pub fn write(self, html: &mut Html) {
        let (number, unit) = self.parts();
        html.text(number).markup("\u{a0}").say(unit);
    }

    /// Writes how long ago it began.
    pub fn write_ago(self, html: &mut Html) {
        let (number, unit) = self.parts();
        let unit = html.language().phrase(unit.0);
        html.phrase("% ago", &[&format_args!("{number}\u{a0}{unit}")]);
    }
}

impl Display for Span {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (number, unit) = self.parts();
        write!(f, "{number}\u{a0}{}", unit.0)
    }
}

/// A second of some time zone, split into the fields of the proleptic Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The year.
    pub year: i64,
    /// The month, 1 to 12.
    pub month: u8,
    /// The day of the month, from 1.
    pub day: u8,
    /// The second of the day, from 0.
    pub second: u32,
}

impl Moment {
    /// The fields of a time in seconds since 1970.
    pub fn of(seconds: i64) -> Self {
        // The year is taken to begin in March, so that the leap day is its last.
        let day = seconds.div_euclid(SECONDS_OF_DAY).saturating_add(719_468);
        let era = day.div_euclid(146_097);
        let day = day.rem_euclid(146_097);
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let in_next_year = month >= 10;
        Self {
            year: era * 400 + year + i64::from(in_next_year),
            month: (if in_next_year { month - 9 } else { month + 3 }) as u8,
            day: (day - (153 * month + 2) / 5 + 1) as u8,
            second: seconds.rem_euclid(SECONDS_OF_DAY) as u32,
        }
    }

    /// The month's short name.
    pub fn month_name(&self) -> Phrase {
        month_name(self.month)
    }

    /// `2023-11-15`.
    pub fn date(self) -> impl Display {
        Part(self, |moment, f| write!(f, "{:04}-{:02}-{:02}", moment.year, moment.month, moment.day))
    }

    /// `12:00`.
    pub fn minute(self) -> impl Display {
        Part(self, |moment, f| write!(f, "{:02}:{:02}", moment.second / 3_600, moment.second / 60 % 60))
    }

    /// `12:00:00`.
    pub fn time(self) -> impl Display {
        Part(self, |moment, f| write!(f, "{}:{:02}", moment.minute(), moment.second % 60))
    }
}

/// `2023-11-15 12:00:00`.
impl Display for Moment {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.date(), self.time())
    }
}

/// The short name of a month, 1 to 12.
pub fn month_name(month: u8) -> Phrase {
    const NAMES: [Phrase; 12] = [
        Phrase("Jan"),
        Phrase("Feb"),
        Phrase("Mar"),
        Phrase("Apr"),
        Phrase("May"),
        Phrase("Jun"),
        Phrase("Jul"),
        Phrase("Aug"),
        Phrase("Sep"),
        Phrase("Oct"),
        Phrase("Nov"),
        Phrase("Dec"),
    ];
    NAMES.get(usize::from(month.wrapping_sub(1))).copied().unwrap_or(NAMES[0])
}

struct Part(Moment, fn(&Moment, &mut Formatter<'_>) -> fmt::Result);

impl Display for Part {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        (self.1)(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        for (number, grouped, bytes) in [
            (0, "0", "0\u{a0}B"),
            (999, "999", "999\u{a0}B"),
            (1_000, "1,000", "1\u{a0}kB"),
            (1_050, "1,050", "1.05\u{a0}kB"),
            (12_345, "12,345", "12.3\u{a0}kB"),
            (999_999, "999,999", "999\u{a0}kB"),
            (20_000_001, "20,000,001", "20\u{a0}MB"),
            (u64::MAX, "18,446,744,073,709,551,615", "18.4\u{a0}EB"),
        ] {
            assert_eq!(Grouped(number).to_string(), grouped);
            assert_eq!(Bytes(number).to_string(), bytes);
            let swap = |text: &str| text.replace(',', "_").replace('.', ",").replace('_', ".");
            assert_eq!(alloc::format!("{:#}", Grouped(number)), swap(grouped));
            assert_eq!(alloc::format!("{:#}", Bytes(number)), swap(bytes));
        }
        assert_eq!(Rate::of(u64::MAX, 0).to_string(), "18.4\u{a0}Ebit/s");
        assert_eq!(Rate::of(125_000, 1).to_string(), "1\u{a0}Mbit/s");
        assert_eq!(Span(7_199).to_string(), "119\u{a0}min");
    }

    #[test]
    fn moments_follow_the_calendar() {
        assert_eq!(Moment::of(0).to_string(), "1970-01-01 00:00:00");
        assert_eq!(Moment::of(1_700_049_600).to_string(), "2023-11-15 12:00:00");
        assert_eq!(Moment::of(1_709_251_199).to_string(), "2024-02-29 23:59:59");
        assert_eq!(Moment::of(1_735_689_600).to_string(), "2025-01-01 00:00:00");
        assert_eq!(Moment::of(-1).to_string(), "1969-12-31 23:59:59");
        let _ = Moment::of(i64::MAX).to_string();
        let _ = Moment::of(i64::MIN).to_string();
    }
}
