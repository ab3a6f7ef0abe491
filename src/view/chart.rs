//! Bar charts of the history as inline SVG, readable without scripts.

use core::fmt::{self, Display};

use super::html::Html;
use super::languages::Phrase;
use super::page::Page;
use super::units::{Bytes, Moment, Rate, month_name, share};
use crate::ledger::{Bar, Period};

/// The drawing's size and the plot in it, in SVG user units.
const RIGHT: u64 = 632;
const TOP: u64 = 14;
const BOTTOM: u64 = 150;
const PLOT_WIDTH: u64 = 558;
/// A time closer to the right than this would stand out, so it ends there.
const EDGE: u64 = 26;
/// A time closer to the left than this would be written over the axis, so it begins there. On a telephone letters are
/// larger.
const FIRST_EDGE: u64 = 42;
/// Seconds of a day: more than any place is from UTC.
const DAY: i64 = 86_400;
/// Lines across the plot, at most.
const LINES: u64 = 4;
/// The vertical axis goes up to this at least.
const SMALLEST: u64 = 1_000;

/// A period's ring of bars with the times at which they start, oldest first.
pub struct Chart<'a> {
    /// The length of a bar's period.
    pub period: Period,
    /// The bars, no more than the period has.
    pub bars: &'a [(i64, Bar)],
    /// Whether it is a device's, all of whose traffic it received or sent. The values come in a table as well, which is
    /// opened.
    pub of_device: bool,
}

impl Chart<'_> {
    /// Writes the chart as a figure.
    pub fn write(&self, html: &mut Html, page: &Page) {
        let total = self.bars.iter().fold(Bar::default(), |mut sum, (_, bar)| {
            sum += *bar;
            sum
        });
        let [inward, outward] = self.ways();
        html.markup("<figure>\n<figcaption>").say(self.title()).markup(" <span>").say(inward).markup(" ");
        html.text(Bytes(total.inbound.bytes)).markup(" · ").say(outward).markup(" ");
        html.text(Bytes(total.outbound.bytes));
        if total.other.bytes > 0 {
            html.markup(" · {other} ").text(Bytes(total.other.bytes));
        }
        html.markup("</span></figcaption>\n<svg class=\"chart\" viewBox=\"0 0 640 172\" role=\"img\">");
        html.markup("<title>").say(self.title()).markup("</title>\n");
        let scale = Scale::over(self.bars.iter().map(|(_, bar)| self.height(bytes_of(bar))).max());
        self.lines(html, scale);
        self.times(html, page);
        self.columns(html, page);
        // Each stands behind the next, so that what is seen of it is its own part.
        self.outline(html, scale, "other", |bar| (bar.other.bytes, bytes_of(bar)));
        self.outline(html, scale, "out", |bar| {
            (bar.outbound.bytes, bar.inbound.bytes.saturating_add(bar.outbound.bytes))
        });
        self.outline(html, scale, "in", |bar| (bar.inbound.bytes, bar.inbound.bytes));
        html.markup("</svg>\n");
        if self.of_device {
            self.values(html, page);
        }
        html.markup("</figure>\n");
    }

    /// The bars' values, for whoever cannot point at one.
    fn values(&self, html: &mut Html, page: &Page) {
        html.markup("<details>\n<summary>{Values}</summary>\n<table>\n<caption class=\"skip\">")
            .say(self.title());
        html.markup(
            "</caption>\n<thead><tr><th scope=\"col\">{Time}</th><th scope=\"col\" class=\"n\">{Received}</th>",
        );
        html.markup("<th scope=\"col\" class=\"n\">{Sent}</th></tr></thead>\n<tbody>\n");
        for (start, bar) in self.bars.iter().filter(|(_, bar)| bytes_of(bar) > 0) {
            html.markup("<tr><th scope=\"row\">");
            self.start(html, page.moment(*start));
            html.markup("</th>");
            for counters in [bar.inbound, bar.outbound] {
                html.markup("<td class=\"n\">")
                    .text(self.amount(self.height(counters.bytes)))
                    .markup("</td>");
            }
            html.markup("</tr>\n");
        }
        html.markup("</tbody>\n</table>\n</details>\n");
    }

    const fn title(&self) -> Phrase {
        match self.period {
            Period::Second => Phrase("Last 60 seconds"),
            Period::Minute => Phrase("Last 60 minutes"),
            Period::Hour => Phrase("Last 24 hours"),
            Period::Day => Phrase("Last 31 days"),
            Period::Month => Phrase("Last 24 months"),
        }
    }

    /// What inbound and outbound are called.
    const fn ways(&self) -> [Phrase; 2] {
        if self.of_device { [Phrase("received"), Phrase("sent")] } else { [Phrase("in"), Phrase("out")] }
    }

    /// Short periods are shown as rates, long ones as volumes.
    const fn rate_seconds(&self) -> Option<u64> {
        match self.period {
            Period::Second => Some(1),
            Period::Minute => Some(60),
            Period::Hour | Period::Day | Period::Month => None,
        }
    }

    fn height(&self, bytes: u64) -> u64 {
        self.rate_seconds().map_or(bytes, |seconds| Rate::of(bytes, seconds).0)
    }

    fn amount(&self, height: u64) -> Amount {
        Amount { is_rate: self.rate_seconds().is_some(), number: height }
    }

    /// When a bar's period starts, in as many words as its length deserves.
    fn start(&self, html: &mut Html, moment: Moment) {
        let Moment { day, year, .. } = moment;
        let month = html.language().phrase(moment.month_name().0);
        match self.period {
            Period::Second => html.text(moment.time()),
            Period::Minute => html.text(moment.minute()),
            Period::Hour => html.phrase("% %", &[&day, &month]).markup(" ").text(moment.minute()),
            Period::Day => html.phrase("% % %", &[&day, &month, &year]),
            Period::Month => html.text(month).markup(" ").text(year),
        };
    }

    const fn slot_width(&self) -> u64 {
        PLOT_WIDTH / self.period.bars() as u64
    }

    fn left(&self) -> u64 {
        RIGHT - self.slot_width() * self.period.bars() as u64
    }

    /// The lines across the plot with their numbers.
    fn lines(&self, html: &mut Html, scale: Scale) {
        for line in 0..=scale.lines {
            let number = line.saturating_mul(scale.step);
            let y = scale.y(number);
            html.markup("<path class=\"line\" d=\"M").text(self.left()).markup(" ").text(y);
            html.markup("H").text(RIGHT).markup("\"/><text class=\"y\" x=\"").text(self.left() - 6);
            html.markup("\" y=\"").text(y + 4).markup("\">").text(self.amount(number));
            html.markup("</text>\n");
        }
    }

    /// The times below the plot. The slots of a ring that is not full yet have theirs too.
    fn times(&self, html: &mut Html, page: &Page) {
        // Before the first frame there is no time.
        let Some(&(newest, _)) = self.bars.last().filter(|(newest, _)| *newest > DAY) else { return };
        let count = self.period.bars() as u64;
        for slot in 0..count {
            let Some(label) = Label::of(self.period, page, newest, count - 1 - slot) else { continue };
            let x = self.left() + slot * self.slot_width() + self.slot_width() / 2;
            if x < self.left() + FIRST_EDGE {
                html.markup("<text x=\"").text(self.left());
            } else if x + EDGE > RIGHT {
                html.markup("<text class=\"x last\" x=\"").text(RIGHT);
            } else {
                html.markup("<text class=\"x\" x=\"").text(x);
            }
            html.markup("\" y=\"168\">");
            label.write(html);
            html.markup("</text>\n");
        }
    }

    /// The slots with traffic and their left edges.
    fn slots(&self) -> impl Iterator<Item = (u64, &(i64, Bar))> {
        let first = self.period.bars().saturating_sub(self.bars.len()) as u64;
        let edges = (first..).map(|slot| self.left() + slot * self.slot_width());
        edges.zip(self.bars).filter(|(_, (_, bar))| bytes_of(bar) > 0)
    }

    /// The columns of the bars, each with a title that shows when it is pointed at.
    fn columns(&self, html: &mut Html, page: &Page) {
        for (x, (start, bar)) in self.slots() {
            html.markup("<g><title>");
            self.start(html, page.moment(*start));
            for (way, counters) in self.ways().into_iter().zip([bar.inbound, bar.outbound]) {
                html.markup("\n").say(way).markup(" ").text(self.amount(self.height(counters.bytes)));
            }
            if bar.other.bytes > 0 {
                html.markup("\n{other} ").text(self.amount(self.height(bar.other.bytes)));
            }
            html.markup("</title><path d=\"M").text(x).markup(" 14v136h").text(self.slot_width());
            html.markup("V14z\"/></g>\n");
        }
    }

    /// The bars of a part of the traffic, as one path that goes from one to the next along the axis: a path for each
    /// would be half of the page. Of a bar `part` says the part's bytes, and those with all that stands before it.
    fn outline(&self, html: &mut Html, scale: Scale, class: &'static str, part: fn(&Bar) -> (u64, u64)) {
        let mut end = None;
        for (x, (_, bar)) in self.slots() {
            let (bytes, top) = part(bar);
            if bytes == 0 {
                continue;
            }
            match end {
                None => {
                    html.markup("<path class=\"").markup(class).markup("\" d=\"M").text(x + 1).markup(" 150")
                }
                Some(end) => html.markup("h").text(x + 1 - end),
            };
            // The smallest traffic shows as one unit.
            let top = scale.y(self.height(top)).min(BOTTOM - 1);
            html.markup("V").text(top).markup("h").text(self.slot_width() - 2).markup("V150");
            end = Some(x + self.slot_width() - 1);
        }
        html.markup(if end.is_some() { "\"/>\n" } else { "" });
    }
}

fn bytes_of(bar: &Bar) -> u64 {
    bar.inbound.bytes.saturating_add(bar.outbound.bytes).saturating_add(bar.other.bytes)
}

/// The numbers of the vertical axis: up to [`LINES`] steps of 1, 2 or 5 times a power of ten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Scale {
    step: u64,
    lines: u64,
}

impl Scale {
    fn over(greatest: Option<u64>) -> Self {
        let greatest = greatest.unwrap_or(0).max(SMALLEST);
        let wanted = greatest.div_ceil(LINES).max(1);
        let mut power: u64 = 1;
        while power <= wanted / 10 {
            power *= 10;
        }
        let steps = [1, 2, 5, 10].map(|factor| power.saturating_mul(factor));
        let step = steps.into_iter().find(|step| *step >= wanted).unwrap_or(wanted);
        Self { step, lines: greatest.div_ceil(step).max(1) }
    }

    /// Where a number lies on the vertical axis.
    fn y(self, number: u64) -> u64 {
        let height = share(number, self.step.saturating_mul(self.lines), (BOTTOM - TOP) as u16);
        BOTTOM - u64::from(height.unwrap_or(0))
    }
}

struct Amount {
    is_rate: bool,
    number: u64,
}

impl Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.number {
            0 => f.write_str("0"),
            number if self.is_rate => Rate(number).fmt(f),
            number => Bytes(number).fmt(f),
        }
    }
}

/// A time below the horizontal axis.
enum Label {
    Time(Moment),
    Minute(Moment),
    Day(Moment),
    Month(u8),
    Year(i64),
}

impl Label {
    /// The label of the slot that lies `age` periods before the newest, if it is one that has a label.
    fn of(period: Period, page: &Page, newest: i64, age: u64) -> Option<Self> {
        let before = |seconds: i64| page.moment(newest.saturating_sub(age as i64 * seconds));
        match period {
            Period::Second => {
                let moment = before(1);
                (moment.second % 15 == 0).then_some(Self::Time(moment))
            }
            Period::Minute => {
                let moment = before(60);
                (moment.second / 60 % 15 == 0).then_some(Self::Minute(moment))
            }
            Period::Hour => {
                let moment = before(3_600);
                (moment.second / 3_600 % 6 == 0).then_some(Self::Minute(moment))
            }
            Period::Day => {
                let moment = before(86_400);
                (moment.day < 29 && moment.day % 7 == 1).then_some(Self::Day(moment))
            }
            Period::Month => {
                let moment = page.moment(newest);
                let month = moment.year * 12 + i64::from(moment.month) - 1 - age as i64;
                match month.rem_euclid(12) {
                    0 => Some(Self::Year(month.div_euclid(12))),
                    month @ (3 | 6 | 9) => Some(Self::Month(month as u8 + 1)),
                    _ => None,
                }
            }
        }
    }
}

impl Label {
    fn write(&self, html: &mut Html) {
        match self {
            Self::Time(moment) => html.text(moment.time()),
            Self::Minute(moment) => html.text(moment.minute()),
            Self::Day(moment) => {
                let month = html.language().phrase(moment.month_name().0);
                html.phrase("% %", &[&moment.day, &month])
            }
            Self::Month(month) => html.say(month_name(*month)),
            Self::Year(year) => html.text(year),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::Counters;
    use crate::view::Context;
    use crate::view::books::Header;
    use crate::view::languages::ENGLISH;
    use crate::view::page::Place;

    fn drawn(period: Period, newest: i64, of_device: bool) -> String {
        let context = Context {
            utc_offset: -3_600,
            ..Context::at(crate::time::Timestamp::from_seconds(1_700_000_000))
        };
        let page = Page { header: &Header::default(), context: &context, place: Place::Devices };
        let bar = Bar { inbound: Counters::new(1, 5_000), outbound: Counters::new(1, 250), ..Bar::default() };
        let bars: Vec<(i64, Bar)> = (0..60)
            .map(|age| (newest - 59 + age, if age % 20 == 0 { bar } else { Bar::default() }))
            .collect();
        let mut out = String::new();
        let chart = Chart { period, bars: &bars[60 - period.bars().min(60)..], of_device };
        Html::write(&mut out, &ENGLISH, |html| chart.write(html, &page)).unwrap();
        out
    }

    #[test]
    fn no_time_is_written_over_the_vertical_axis() {
        // Of the 59 seconds after it the first and every fifteenth has a time.
        let out = drawn(Period::Second, 1_700_000_039, false);
        let left = RIGHT - PLOT_WIDTH / 60 * 60;
        assert!(out.contains(&format!("<text x=\"{left}\" y=\"168\">21:13:00</text>")), "{out}");
        assert_eq!(out.matches(" y=\"168\"").count(), 4);
        // Before the first frame there is no time to be told.
        for period in Period::ALL {
            assert!(!drawn(period, 0, false).contains(" y=\"168\""), "{period:?}");
        }
    }

    #[test]
    fn values_can_be_read_without_pointing_at_anything() {
        let out = drawn(Period::Minute, 1_700_000_039, true);
        let (_, table) = out.split_once("<details>").unwrap();
        assert_eq!(table.matches("<th scope=\"row\">21:1").count(), 3, "{table}");
        let cells = [5_000, 250].map(|bytes| format!("<td class=\"n\">{}</td>", Rate::of(bytes, 60)));
        assert_eq!(table.matches(&cells.concat()).count(), 3, "{table}");
        assert!(!drawn(Period::Minute, 1_700_000_039, false).contains("<details>"));
    }

    #[test]
    fn scales_are_round_and_hold_everything() {
        for greatest in (0..2_000).chain([999_999, 1_000_001, 123_456_789, u64::MAX - 1, u64::MAX]) {
            let scale = Scale::over(Some(greatest));
            assert!((1..=LINES).contains(&scale.lines), "{greatest}: {scale:?}");
            assert!(u128::from(scale.step) * u128::from(scale.lines) >= greatest.into());
            assert!((TOP..=BOTTOM).contains(&scale.y(greatest)));
        }
        assert_eq!(Scale::over(Some(9_000)), Scale { step: 5_000, lines: 2 });
        assert_eq!(Scale::over(None), Scale { step: 500, lines: 2 });
    }
}
