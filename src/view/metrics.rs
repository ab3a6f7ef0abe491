//! The sums of all interfaces in the OpenMetrics text format 1.0, for Prometheus and its kin.
//!
//! Labels take few values (interface, direction, one of four transports, reason): no host and no port
//! has a series of its own, so the number of series is bounded however many hosts there are.

use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use Kind::{Counter, Gauge};

use super::books::{Books, Tenths, tenths_seen};
use super::{Context, Facts};
use crate::ledger::{Counters, Directions, Transport};
use crate::limits::INTERFACES_MAX;
use crate::monitor::Monitor;
use crate::network::Direction;
use crate::packet::Discard;

/// The sums of an interface.
struct Row {
    books: Books,
    transports: [Directions; 4],
}

/// The sums of all interfaces.
pub struct MetricsView {
    rows: Vec<Row>,
}

impl Default for MetricsView {
    fn default() -> Self {
        Self::new()
    }
}

impl MetricsView {
    /// The media type of what is written.
    pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

    /// An empty view. All memory is allocated here: 15 KB.
    pub fn new() -> Self {
        Self { rows: Vec::with_capacity(INTERFACES_MAX) }
    }

    /// Copies the sums. Allocates nothing.
    pub fn copy(&mut self, monitor: &Monitor) {
        self.rows.clear();
        for ledger in monitor.ledgers().iter().take(INTERFACES_MAX) {
            let mut transports = [Directions::default(); 4];
            for (number, sum) in ledger.protocols() {
                let transport = &mut transports[Transport::of(number) as usize];
                for direction in Direction::ALL {
                    transport.add(direction, sum.of(direction));
                }
            }
            self.rows.push(Row { books: Books::of(ledger), transports });
        }
    }

    /// Writes the metrics.
    pub fn write(&self, out: &mut dyn Write, context: &Context, facts: &Facts) -> fmt::Result {
        let mut metrics = Metrics { out };
        metrics.family("duskwatch", "info", "The program.")?;
        metrics.sample("duskwatch_info", &[("version", env!("CARGO_PKG_VERSION"))], 1)?;
        self.traffic(&mut metrics)?;
        self.transports(&mut metrics)?;
        self.frames(&mut metrics)?;
        self.tables(&mut metrics)?;
        program(&mut metrics, context, facts)?;
        metrics.out.write_str("# EOF\n")
    }

    fn traffic(&self, metrics: &mut Metrics) -> fmt::Result {
        for column in Column::BOTH {
            let (family, name) = match column {
                Column::Packets => ("duskwatch_packets", "duskwatch_packets_total"),
                Column::Bytes => ("duskwatch_bytes", "duskwatch_bytes_total"),
            };
            metrics.family(family, "counter", "IP traffic accounted, by direction.")?;
            for Row { books, .. } in &self.rows {
                for direction in Direction::ALL {
                    let labels = [("interface", books.name.as_str()), ("direction", direction.name())];
                    metrics.sample(name, &labels, column.of(books.totals.of(direction)))?;
                }
            }
        }
        Ok(())
    }

    fn transports(&self, metrics: &mut Metrics) -> fmt::Result {
        for column in Column::BOTH {
            let (family, name) = match column {
                Column::Packets => ("duskwatch_protocol_packets", "duskwatch_protocol_packets_total"),
                Column::Bytes => ("duskwatch_protocol_bytes", "duskwatch_protocol_bytes_total"),
            };
            metrics.family(family, "counter", "IP traffic accounted, by transport and direction.")?;
            for Row { books, transports } in &self.rows {
                for (transport, sum) in Transport::ALL.into_iter().zip(transports) {
                    for direction in Direction::ALL {
                        let labels = [
                            ("interface", books.name.as_str()),
                            ("protocol", transport.name()),
                            ("direction", direction.name()),
                        ];
                        metrics.sample(name, &labels, column.of(sum.of(direction)))?;
                    }
                }
            }
        }
        Ok(())
    }

    fn frames(&self, metrics: &mut Metrics) -> fmt::Result {
        self.each(metrics, Counter, "duskwatch_captured_frames", "Frames captured.", |books| books.captured)?;
        self.each(
            metrics,
            Counter,
            "duskwatch_dropped_frames",
            "Frames that the kernel dropped.",
            |books| books.dropped_by_kernel,
        )?;
        metrics.family("duskwatch_discarded_frames", "counter", "Frames not accounted, by reason.")?;
        for Row { books, .. } in &self.rows {
            for (reason, frames) in Discard::ALL.into_iter().zip(books.discarded) {
                let labels = [("interface", books.name.as_str()), ("reason", reason.name())];
                metrics.sample("duskwatch_discarded_frames_total", &labels, frames)?;
            }
        }
        self.each(metrics, Counter, "duskwatch_non_ip_frames", "Frames without IP.", |books| {
            books.non_ip.packets
        })?;
        self.each(metrics, Counter, "duskwatch_non_ip_bytes", "Bytes of frames without IP.", |books| {
            books.non_ip.bytes
        })?;
        metrics.family("duskwatch_coverage_percent", "gauge", "Bytes seen of those that passed.")?;
        for Row { books, .. } in &self.rows {
            if let Some(tenths) = books.coverage.as_ref().and_then(tenths_seen) {
                let labels = [("interface", books.name.as_str())];
                metrics.sample("duskwatch_coverage_percent", &labels, Tenths(tenths))?;
            }
        }
        Ok(())
    }

    fn tables(&self, metrics: &mut Metrics) -> fmt::Result {
        self.each(metrics, Gauge, "duskwatch_hosts", "Hosts in the table.", |books| books.hosts.0.into())?;
        self.each(metrics, Gauge, "duskwatch_hosts_limit", "Hosts that fit.", |books| books.hosts.1.into())?;
        self.each(metrics, Counter, "duskwatch_evicted_hosts", "Hosts that made room.", |books| {
            books.evicted.hosts
        })?;
        self.each(metrics, Gauge, "duskwatch_port_rows_limit", "Port rows that fit.", |books| {
            books.port_rows.0 as u64
        })?;
        self.each(metrics, Counter, "duskwatch_evicted_port_rows", "Port rows that made room.", |books| {
            books.port_rows.1
        })
    }

    /// One number of each interface.
    fn each(
        &self,
        metrics: &mut Metrics,
        kind: Kind,
        family: &'static str,
        help: &'static str,
        value: impl Fn(&Books) -> u64,
    ) -> fmt::Result {
        metrics.family(family, kind.name(), help)?;
        for Row { books, .. } in &self.rows {
            metrics.line(family, kind.suffix(), &[("interface", books.name.as_str())], value(books))?;
        }
        Ok(())
    }
}

fn program(metrics: &mut Metrics, context: &Context, facts: &Facts) -> fmt::Result {
    metrics.single(
        Gauge,
        "duskwatch_uptime_seconds",
        "Time since the start.",
        context.now.seconds.saturating_sub(facts.started.seconds),
    )?;
    metrics.single(Gauge, "duskwatch_tables_bytes", "Memory of all tables.", facts.tables_bytes)?;
    if let Some(resident) = facts.resident_bytes {
        metrics.single(Gauge, "duskwatch_resident_bytes", "Memory of the program.", resident)?;
    }
    metrics.single(Counter, "duskwatch_web_requests", "Requests answered.", facts.web.requests)?;
    metrics.single(Counter, "duskwatch_web_refused", "Requests refused.", facts.web.refused)?;
    metrics.single(Counter, "duskwatch_web_closed", "Connections closed as too slow.", facts.web.closed)?;
    metrics.single(Gauge, "duskwatch_web_connections", "Connections open.", facts.web.connections)?;
    if let Some(store) = &facts.store {
        metrics.single(Gauge, "duskwatch_flash_bytes", "Bytes written today.", store.written_today)?;
        metrics.single(Counter, "duskwatch_snapshot_failures", "Snapshots that failed.", store.failures)?;
    }
    if let Some(alarm) = &facts.alarm {
        metrics.single(Counter, "duskwatch_syslog_sent", "Messages sent.", alarm.sent)?;
        metrics.single(Counter, "duskwatch_syslog_lost", "Messages lost.", alarm.lost)?;
    }
    Ok(())
}

/// What kind of number a family has.
#[derive(Clone, Copy)]
enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
        }
    }

    /// What the names of its samples have behind the family's.
    const fn suffix(self) -> &'static str {
        match self {
            Self::Counter => "_total",
            Self::Gauge => "",
        }
    }
}

#[derive(Clone, Copy)]
enum Column {
    Packets,
    Bytes,
}

impl Column {
    const BOTH: [Self; 2] = [Self::Packets, Self::Bytes];

    const fn of(self, counters: Counters) -> u64 {
        match self {
            Self::Packets => counters.packets,
            Self::Bytes => counters.bytes,
        }
    }
}

/// The text format on its way into a writer.
struct Metrics<'w> {
    out: &'w mut dyn Write,
}

impl Metrics<'_> {
    fn family(&mut self, name: &'static str, kind: &'static str, help: &'static str) -> fmt::Result {
        writeln!(self.out, "# TYPE {name} {kind}\n# HELP {name} {help}")
    }

    fn sample(&mut self, name: &'static str, labels: &[(&str, &str)], value: impl Display) -> fmt::Result {
        self.line(name, "", labels, value)
    }

    /// One number of the program.
    fn single(&mut self, kind: Kind, family: &'static str, help: &'static str, value: u64) -> fmt::Result {
        self.family(family, kind.name(), help)?;
        self.line(family, kind.suffix(), &[], value)
    }

    fn line(
        &mut self,
        name: &str,
        suffix: &str,
        labels: &[(&str, &str)],
        value: impl Display,
    ) -> fmt::Result {
        write!(self.out, "{name}{suffix}")?;
        for (index, (label, text)) in labels.iter().enumerate() {
            let open = if index == 0 { '{' } else { ',' };
            write!(self.out, "{open}{label}=\"{}\"", LabelValue(text))?;
        }
        let close = if labels.is_empty() { "" } else { "}" };
        writeln!(self.out, "{close} {value}")
    }
}

/// A label's value with the three escapes of the format; other control characters become spaces.
struct LabelValue<'a>(&'a str);

impl Display for LabelValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                character if character.is_control() => f.write_char(' ')?,
                character => f.write_char(character)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::samples::seeded;
    use crate::view::{Hidden, NoNames};

    #[test]
    fn every_sample_belongs_to_the_family_before_it() {
        let monitor = seeded("a\"b\\c\nd\u{1}", 16, 64, 1_000, 20);
        let mut view = MetricsView::new();
        view.copy(&monitor);
        let mut out = String::new();
        let context = Context {
            now: monitor.ledgers()[0].last(),
            utc_offset: 0,
            base: "/",
            names: &NoNames,
            hidden: Hidden::default(),
            notice: None,
        };
        view.write(&mut out, &context, &Facts::default()).unwrap();
        assert!(out.ends_with("\n# EOF\n"));
        let mut families = Vec::new();
        let mut kind = "";
        for line in out.lines().filter(|line| *line != "# EOF") {
            if let Some(family) = line.strip_prefix("# TYPE ") {
                let (name, of) = family.split_once(' ').unwrap();
                assert!(!families.contains(&name), "{name} twice");
                families.push(name);
                kind = of;
            } else if !line.starts_with("# HELP ") {
                let suffix = match kind {
                    "counter" => "_total",
                    "info" => "_info",
                    _ => "",
                };
                let sample = line.strip_prefix(families[families.len() - 1]).unwrap();
                assert!(sample.strip_prefix(suffix).unwrap().starts_with(['{', ' ']), "{line}");
            }
        }
        let inbound = monitor.ledgers()[0].totals().of(Direction::Inbound).bytes;
        let label = "{interface=\"a\\\"b\\\\c\\nd \",direction=\"inbound\"}";
        assert!(out.contains(&format!("duskwatch_bytes_total{label} {inbound}\n")), "{out}");
    }
}
