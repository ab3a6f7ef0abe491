//! The sums of all interfaces in the Prometheus text format 0.0.4, which every scraper of metrics reads.
//!
//! Labels take few values (interface, direction, one of four transports, reason): no host or port has a series of
//! its own, nor a device without a quota, so the number of series is bounded however many there are. What they are called
//! and where they are is nobody's business but the owner's, besides: the pages and their JSON have them.

use alloc::vec::Vec;
use core::fmt::{self, Display, Write};

use super::books::{Books, tenths_seen};
use super::{Context, Facts};
use crate::darknet::Totals;
use crate::ledger::{Counters, Directions, Transport};
use crate::limits::{INTERFACE_NAME_MAX, INTERFACES_MAX, QUOTAS_MAX};
use crate::monitor::Monitor;
use crate::network::Direction;
use crate::packet::Discard;
use crate::quota::{Target, Usage};

/// The sums of an interface.
struct Row {
    books: Books,
    transports: [Directions; 4],
}

/// What the darknet counts, if anything is dark.
struct Dark {
    totals: Totals,
    sources: usize,
    alerted: usize,
}

/// The sums of all interfaces.
pub struct MetricsView {
    rows: Vec<Row>,
    dark: Option<Dark>,
    quotas: Vec<Usage>,
}

/// Where a number of an interface is.
type Value = fn(&Books) -> u64;

/// Numbers of which each interface has one: the family's name, its help, and where the number is.
const PER_INTERFACE: [(&str, &str, Value); 9] = [
    ("duskwatch_captured_frames_total", "Frames captured.", |books| books.captured),
    ("duskwatch_dropped_frames_total", "Frames that the kernel dropped before the capture.", |books| {
        books.dropped_by_kernel
    }),
    ("duskwatch_non_ip_frames_total", "Frames without IP.", |books| books.non_ip.packets),
    ("duskwatch_non_ip_bytes_total", "Bytes of frames without IP.", |books| books.non_ip.bytes),
    ("duskwatch_hosts", "Hosts in the table.", |books| books.hosts.0.into()),
    ("duskwatch_hosts_limit", "Hosts that fit.", |books| books.hosts.1.into()),
    ("duskwatch_evicted_hosts_total", "Hosts that made room.", |books| books.evicted.hosts),
    ("duskwatch_port_rows_limit", "Port rows that fit.", |books| books.port_rows.0 as u64),
    ("duskwatch_evicted_port_rows_total", "Port rows that made room.", |books| books.port_rows.1),
];

/// What of the traffic a family counts.
type Column = fn(Counters) -> u64;

/// Families by direction, and by transport and direction, of packets and of bytes.
const TRAFFIC: [(&str, &str, Column); 2] = [
    ("duskwatch_packets_total", "duskwatch_protocol_packets_total", |counters| counters.packets),
    ("duskwatch_bytes_total", "duskwatch_protocol_bytes_total", |counters| counters.bytes),
];

impl Default for MetricsView {
    fn default() -> Self {
        Self::new()
    }
}

impl MetricsView {
    /// The media type of what is written.
    pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

    /// An empty view. All memory is allocated here: 16 KB.
    pub fn new() -> Self {
        Self { rows: Vec::with_capacity(INTERFACES_MAX), dark: None, quotas: Vec::with_capacity(QUOTAS_MAX) }
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
        self.quotas.clear();
        self.quotas.extend(monitor.quotas());
        let darknet = monitor.darknet();
        self.dark = (!darknet.is_empty()).then(|| Dark {
            totals: darknet.totals(),
            sources: darknet.sources().count(),
            alerted: darknet.sources().filter(|source| source.is_alerted()).count(),
        });
    }

    /// Writes the metrics.
    pub fn write(&self, out: &mut dyn Write, context: &Context, facts: &Facts) -> fmt::Result {
        let mut metrics = Metrics { out };
        metrics.family("duskwatch_build_info", "The program.")?;
        metrics.line("duskwatch_build_info", &[("version", env!("CARGO_PKG_VERSION"))], &1)?;
        for (by_direction, by_transport, column) in TRAFFIC {
            self.traffic(&mut metrics, by_direction, column)?;
            self.transports(&mut metrics, by_transport, column)?;
        }
        for (name, help, value) in PER_INTERFACE {
            metrics.family(name, help)?;
            for Row { books, .. } in &self.rows {
                metrics.line(name, &[("interface", &books.name)], &value(books))?;
            }
        }
        self.discarded(&mut metrics)?;
        self.coverage(&mut metrics)?;
        self.darknet(&mut metrics)?;
        self.quotas(&mut metrics, context)?;
        program(&mut metrics, context, facts)
    }

    fn traffic(&self, metrics: &mut Metrics, name: &str, column: Column) -> fmt::Result {
        metrics.family(name, "IP traffic accounted, by direction.")?;
        for Row { books, .. } in &self.rows {
            for direction in Direction::ALL {
                let labels = [("interface", books.name.as_str()), ("direction", direction.name())];
                metrics.line(name, &labels, &column(books.totals.of(direction)))?;
            }
        }
        Ok(())
    }

    fn transports(&self, metrics: &mut Metrics, name: &str, column: Column) -> fmt::Result {
        metrics.family(name, "IP traffic accounted, by transport and direction.")?;
        for Row { books, transports } in &self.rows {
            for (transport, sum) in Transport::ALL.into_iter().zip(transports) {
                for direction in Direction::ALL {
                    let labels = [
                        ("interface", books.name.as_str()),
                        ("protocol", transport.name()),
                        ("direction", direction.name()),
                    ];
                    metrics.line(name, &labels, &column(sum.of(direction)))?;
                }
            }
        }
        Ok(())
    }

    fn discarded(&self, metrics: &mut Metrics) -> fmt::Result {
        let name = "duskwatch_discarded_frames_total";
        metrics.family(name, "Frames not accounted, by reason.")?;
        for Row { books, .. } in &self.rows {
            for (reason, frames) in Discard::ALL.into_iter().zip(books.discarded) {
                metrics.line(name, &[("interface", &books.name), ("reason", reason.name())], &frames)?;
            }
        }
        Ok(())
    }

    fn coverage(&self, metrics: &mut Metrics) -> fmt::Result {
        let name = "duskwatch_coverage_ratio";
        metrics.family(name, "Bytes seen of those that passed by the kernel's counters.")?;
        for Row { books, .. } in &self.rows {
            if let Some(tenths) = books.coverage.as_ref().and_then(tenths_seen) {
                let ratio = format_args!("{}.{:03}", tenths / 1_000, tenths % 1_000);
                metrics.line(name, &[("interface", &books.name)], &ratio)?;
            }
        }
        Ok(())
    }

    /// Of devices only those have series that somebody has named in an option, and only if link-layer addresses
    /// are shown.
    fn quotas(&self, metrics: &mut Metrics, context: &Context) -> fmt::Result {
        if self.quotas.is_empty() {
            return Ok(());
        }
        let families: [(&str, &str, OfQuota); 2] = [
            ("duskwatch_quota_bytes", "Bytes that may be moved in a month.", |usage| usage.quota.bytes),
            ("duskwatch_quota_used_bytes", "Bytes moved this month.", |usage| usage.used),
        ];
        for (name, help, value) in families {
            metrics.family(name, help)?;
            for usage in &self.quotas {
                let mut target = heapless::String::<INTERFACE_NAME_MAX>::new();
                match usage.quota.target {
                    Target::Device(mac) if context.mac(mac).is_some() => write!(target, "{mac}")?,
                    Target::Device(_) => continue,
                    Target::Interface(index) => {
                        let row = self.rows.get(usize::from(index));
                        target.write_str(row.map_or("", |row| &row.books.name))?;
                    }
                }
                metrics.line(name, &[("target", &target)], &value(usage))?;
            }
        }
        Ok(())
    }

    fn darknet(&self, metrics: &mut Metrics) -> fmt::Result {
        let Some(Dark { totals, sources, alerted }) = &self.dark else { return Ok(()) };
        for (name, help, value) in [
            ("duskwatch_dark_packets_total", "Packets and questions for dark addresses.", totals.packets),
            ("duskwatch_dark_bytes_total", "Bytes for dark addresses.", totals.bytes),
            ("duskwatch_dark_events_total", "Events in the dark.", totals.events),
            ("duskwatch_dark_sources", "Sources remembered.", *sources as u64),
            ("duskwatch_dark_alerted_sources", "Sources that scan.", *alerted as u64),
        ] {
            metrics.single(name, help, value)?;
        }
        Ok(())
    }
}

/// Where a number of a quota is.
type OfQuota = fn(&Usage) -> u64;

fn program(metrics: &mut Metrics, context: &Context, facts: &Facts) -> fmt::Result {
    let uptime = context.now.seconds.saturating_sub(facts.started.seconds);
    metrics.single("duskwatch_uptime_seconds", "Time since the start.", uptime)?;
    metrics.single("duskwatch_tables_bytes", "Memory of all tables.", facts.tables_bytes)?;
    if let Some(resident) = facts.resident_bytes {
        metrics.single("duskwatch_resident_bytes", "Memory of the program.", resident)?;
    }
    let web = &facts.web;
    metrics.single("duskwatch_web_requests_total", "Requests answered.", web.requests)?;
    metrics.single("duskwatch_web_refused_total", "Requests refused.", web.refused)?;
    metrics.single("duskwatch_web_closed_total", "Connections closed as too slow.", web.closed)?;
    metrics.single("duskwatch_web_connections", "Connections open.", web.connections)?;
    if let Some(store) = &facts.store {
        metrics.single("duskwatch_flash_today_bytes", "Bytes written today.", store.written_today)?;
        metrics.single("duskwatch_snapshot_failures_total", "Snapshots that failed.", store.failures)?;
    }
    if let Some(alarm) = &facts.alarm {
        metrics.single("duskwatch_syslog_sent_total", "Messages sent.", alarm.sent)?;
        metrics.single("duskwatch_syslog_lost_total", "Messages lost.", alarm.lost)?;
    }
    if let Some(evidence) = &facts.evidence {
        metrics.single("duskwatch_evidence_bytes", "Evidence on disk.", evidence.bytes)?;
        metrics.single("duskwatch_evidence_packets_total", "Packets kept.", evidence.packets)?;
        metrics.single("duskwatch_evidence_lost_packets_total", "Packets not kept.", evidence.lost)?;
    }
    if let Some(exporter) = &facts.exporter {
        metrics.single("duskwatch_ipfix_sent_total", "Flow records sent.", exporter.sent)?;
        metrics.single("duskwatch_ipfix_lost_total", "Flow records lost.", exporter.lost)?;
    }
    Ok(())
}

/// The text format on its way into a writer.
struct Metrics<'w> {
    out: &'w mut dyn Write,
}

impl Metrics<'_> {
    /// Begins a family. What is called a total only grows.
    fn family(&mut self, name: &str, help: &str) -> fmt::Result {
        let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
        writeln!(self.out, "# HELP {name} {help}\n# TYPE {name} {kind}")
    }

    /// One number of the program.
    fn single(&mut self, name: &str, help: &str, value: u64) -> fmt::Result {
        self.family(name, help)?;
        self.line(name, &[], &value)
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: &dyn Display) -> fmt::Result {
        self.out.write_str(name)?;
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

    #[test]
    fn every_sample_belongs_to_the_family_before_it() {
        let monitor = seeded("a\"b\\c\nd\u{1}", 16, 64, 1_000, 20);
        let mut view = MetricsView::new();
        view.copy(&monitor);
        let mut out = String::new();
        let context = Context::at(monitor.ledgers()[0].last());
        view.write(&mut out, &context, &Facts::default()).unwrap();
        let mut families = Vec::new();
        for line in out.lines() {
            if let Some(family) = line.strip_prefix("# HELP ") {
                let (name, _) = family.split_once(' ').unwrap();
                assert!(!families.contains(&name), "{name} twice");
                families.push(name);
                continue;
            }
            let line = line.strip_prefix("# TYPE ").unwrap_or(line);
            let rest = line.strip_prefix(families[families.len() - 1]).unwrap();
            assert!(rest.starts_with(['{', ' ']), "{line}");
        }
        let inbound = monitor.ledgers()[0].totals().of(Direction::Inbound).bytes;
        let label = "{interface=\"a\\\"b\\\\c\\nd \",direction=\"inbound\"}";
        assert!(out.contains(&format!("duskwatch_bytes_total{label} {inbound}\n")), "{out}");
    }
}
