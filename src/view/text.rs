//! The overview as a table for a terminal: what `--read FILE` prints to a person.

use core::fmt::{self, Display, Write};

use heapless::String;

use super::units::{Bytes, Grouped, Moment};
use super::{Context, HostRow, SummaryView, Top};
use crate::ledger::Counters;
use crate::network::Direction;

/// Characters of the first column.
const NAME_COLUMNS: usize = 40;

impl SummaryView {
    /// Writes the overview as plain text. Characters that could steer a terminal are replaced.
    pub fn write_text(&self, out: &mut dyn Write, context: &Context) -> fmt::Result {
        let books = &self.header.books;
        write!(out, "{}", Plain(&books.name))?;
        if let Some(first) = books.first {
            let local = |seconds: u64| Moment::of((seconds as i64).saturating_add(context.utc_offset.into()));
            write!(out, ", {} to {}", local(first.seconds), local(books.last.seconds))?;
        }
        writeln!(out, "\n")?;
        line(out, &"", &"packets", &"bytes")?;
        counters(out, "total", books.totals.total())?;
        for direction in Direction::ALL {
            counters(out, direction.name(), books.totals.of(direction))?;
        }
        counters(out, "not IP", books.non_ip)?;
        line(out, &"discarded", &Grouped(books.discarded_total()), &"")?;
        line(out, &"captured", &Grouped(books.captured), &"")?;
        text_hosts(out, context, "local hosts", &self.local)?;
        text_hosts(out, context, "remote hosts", &self.remote)?;
        if books.evicted.hosts > 0 {
            let traffic = books.evicted.traffic;
            let label = format_args!("{} hosts that made room", Grouped(books.evicted.hosts));
            line(out, &label, &Bytes(traffic.received.bytes), &Bytes(traffic.sent.bytes))?;
        }
        writeln!(out)?;
        line(out, &"remote ports", &"in", &"out")?;
        for row in self.services.rows() {
            let transport = if row.is_tcp() { "tcp" } else { "udp" };
            let label = format_args!("{}/{transport} {}", row.port, row.name().unwrap_or_default());
            line(out, &label, &Bytes(row.row.inbound.bytes), &Bytes(row.row.outbound.bytes))?;
        }
        Ok(())
    }
}

fn text_hosts(out: &mut dyn Write, context: &Context, title: &str, top: &Top<HostRow>) -> fmt::Result {
    writeln!(out)?;
    line(out, &title, &"received", &"sent")?;
    for row in top.rows() {
        let total = row.host.total();
        let name = context.names.name(row.address, row.host.mac);
        let label: &dyn Display = match &name {
            Some(name) => &Plain(name),
            None => &row.address,
        };
        line(out, label, &Bytes(total.received.bytes), &Bytes(total.sent.bytes))?;
    }
    let rest = top.rest();
    if rest.rows > 0 {
        let label = format_args!("{} others", Grouped(rest.rows));
        line(out, &label, &Bytes(rest.inbound.bytes), &Bytes(rest.outbound.bytes))?;
    }
    Ok(())
}

fn counters(out: &mut dyn Write, label: &str, counters: Counters) -> fmt::Result {
    line(out, &label, &Grouped(counters.packets), &Bytes(counters.bytes))
}

/// A line of three columns: left, right, right.
fn line(out: &mut dyn Write, label: &dyn Display, first: &dyn Display, second: &dyn Display) -> fmt::Result {
    let [label, first, second] = [label, first, second].map(Column::of);
    writeln!(out, "{:NAME_COLUMNS$} {:>16} {:>12}", label.text, first.text, second.text)
}

/// The beginning of a text, as much as a column shows.
#[derive(Default)]
struct Column {
    text: String<{ 4 * NAME_COLUMNS }>,
    characters: usize,
}

impl Column {
    fn of(text: &dyn Display) -> Self {
        let mut column = Self::default();
        // It never fails: what there is no place for is left out.
        let _ = write!(column, "{text}");
        column
    }
}

impl Write for Column {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars().take(NAME_COLUMNS - self.characters) {
            // There is room for the longest characters.
            let _ = self.text.push(character);
            self.characters += 1;
        }
        Ok(())
    }
}

/// A text without control characters.
struct Plain<'a>(&'a str);

impl Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            f.write_char(if character.is_control() { '?' } else { character })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {

    use crate::view::samples::{EVIL, EvilNames, seeded};
    use crate::view::{Context, SummaryView};

    #[test]
    fn lines_are_aligned_and_steer_no_terminal() {
        let monitor = seeded(EVIL, 64, 64, 3_000, 20);
        let mut view = SummaryView::new();
        view.copy(&monitor, None).unwrap();
        let mut out = std::string::String::new();
        let now = monitor.ledgers()[0].last();
        view.write_text(&mut out, &Context { names: &EvilNames, ..Context::at(now) }).unwrap();
        assert!(!out.chars().any(|character| character.is_control() && character != '\n'));
        assert!(out.contains(", 2023-11-15 12:00:00 to 2023-11-15 12:09:59\n"));
        for line in out.lines().skip(2).filter(|line| !line.is_empty()) {
            assert_eq!(line.chars().count(), 70, "{line}");
        }
    }
}
