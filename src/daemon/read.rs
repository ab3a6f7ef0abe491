//! `--read`: a capture file takes the place of an interface, and its time stamps that of the clock, so
//! that the same file gives the same result on every machine.

use std::fmt;
use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::time::Instant;

use pcap::Capture;

use super::clock::Zone;
use super::config::{self, Config, Output};
use super::evidence::export::Format;
use super::evidence::file::Evidence;
use super::evidence::pcapng;
use super::evidence::segment::Interface;
use super::evidence::words::Words;
use super::ipfix::Exporter;
use super::names::{self, Names};
use super::print::print;
use super::service;
use super::setup;
use super::tap::Hexdump;
use crate::darknet::Touch;
use crate::ledger::Ledger;
use crate::limits::{HOUSEKEEPING_INTERVAL, IPFIX_ROOM_PATIENCE, READ_BATCH, READ_PROGRESS_INTERVAL};
use crate::monitor::Monitor;
use crate::network::{Networks, Role};
use crate::packet::{Frame, LinkType, decode};
use crate::time::Timestamp;
use crate::view::{Context, SummaryView, report};

/// The same hash on every machine, so that the same rows make room in a table that is too small.
const SEED: (u64, u64) = (0, 0);

/// Bytes in front of a packet in a pcap file, and those in front of the first.
const PACKET_HEADER_BYTES: u64 = 16;
const FILE_HEADER_BYTES: u64 = 24;

/// Accounts a capture file and shows the result as the user wants it.
///
/// # Errors
/// One line for the user. What could be read is shown all the same.
pub fn run(config: &Config, file: &Path, output: Output) -> Result<(), String> {
    let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy();
    let networks = Networks::private();
    let mut monitor = setup::monitor(config, &[(&name, Role::Lan)], networks, SEED)?;
    if config.learning.is_some()
        && let Some(networks) = setup::own_networks(config)
    {
        monitor.darknet_mut().set_interface(0, Role::Lan, &networks, &[]);
    }
    // Only files that the user names: those of this machine say nothing of the capture's network.
    let known = names::Options {
        own: config.names.own.clone(),
        leases: config.names.leases.clone(),
        ethers: config.names.ethers.clone(),
        hosts: config.names.hosts.clone(),
        reverse: false,
    };
    let known = Names::new(known, Timestamp::default()).map_err(|error| format!("names: {error}"))?;
    let exporter = setup::start_exporter(config, &[Role::Lan], &mut monitor)?;
    if let Output::Packets(format) = output {
        return export(config, file, format, &known, &mut monitor);
    }
    let result = read(file, &config.capture, &known, &mut monitor, exporter.as_ref(), &mut |_, _, _| {});
    if let Some(exporter) = exporter {
        let counters = exporter.stop();
        if counters.lost > 0 {
            log::warn!("{} flow records were lost, {} were sent", counters.lost, counters.sent);
        }
    }
    if result.is_err() && monitor.ledgers().iter().all(|ledger| ledger.captured() == 0) {
        return result;
    }
    let last = monitor.ledgers().first().map(Ledger::last).unwrap_or_default();
    let context = Context {
        utc_offset: Zone::local().utc_offset(last),
        hidden: setup::hidden(config),
        ..Context::at(last)
    };
    match output {
        Output::Json => print(stdout(), |out| {
            report::write(out, &monitor, &context)?;
            out.write_char('\n')
        }),
        Output::Summary => print(stdout(), |out| {
            let mut summary = SummaryView::new();
            summary.copy(&monitor, None).map_err(|_| fmt::Error)?;
            summary.write_text(out, &context)
        }),
        Output::Packets(_) => Ok(()),
        Output::Serve => {
            if let Err(error) = &result {
                log::warn!("{error}");
            }
            return service::serve(config, monitor, last);
        }
    }
    .map_err(|error| format!("standard output: {error}"))?;
    result
}

/// Prints each packet to the dark as a row. In a file of evidence these are all packets, and what was found
/// stands beside each; in any other, it is found out now.
fn export(
    config: &Config,
    file: &Path,
    format: Format,
    known: &Names,
    monitor: &mut Monitor,
) -> Result<(), String> {
    let mut result = Ok(());
    let printed = print(stdout(), |out| {
        format.begin(out)?;
        let mut written = Ok(());
        if let Some(evidence) = Evidence::open(file) {
            result = read_evidence(file, evidence, &mut |interface, packet| {
                let words = Words::of(packet.comment);
                written = written.and_then(|()| format.row(out, interface, packet, &words));
            });
        } else {
            let name = monitor.ledgers().first().map(|ledger| ledger.name().to_owned()).unwrap_or_default();
            result = read(file, &config.capture, known, monitor, None, &mut |frame, touch, time| {
                let interface = Interface::new(&name, frame.link);
                let Frame { bytes, wire_length, .. } = *frame;
                let packet = pcapng::Packet { time, wire_length, bytes, ..pcapng::Packet::default() };
                written = written.and_then(|()| format.row(out, &interface, &packet, &touch.into()));
            });
        }
        written?;
        // A script that is not whole must not be taken for one that is.
        if result.is_ok() { format.end(out) } else { Ok(()) }
    });
    printed.map_err(|error| format!("standard output: {error}"))?;
    result
}

fn read_evidence(
    file: &Path,
    evidence: Evidence,
    show: &mut dyn FnMut(&Interface, &pcapng::Packet<'_>),
) -> Result<(), String> {
    evidence.read(show).map_err(|error| format!("--read {}: {error}", file.display()))
}

/// Accounts a capture file on the monitor's only interface, and shows what is for the dark. `-` is the standard
/// input. Who is `known` has an address without a frame that says so.
///
/// # Errors
/// One line for the user. If the file ends in the middle of a packet, all before it is accounted.
pub fn read(
    file: &Path,
    options: &config::Capture,
    known: &Names,
    monitor: &mut Monitor,
    exporter: Option<&Exporter>,
    show_dark: &mut dyn FnMut(&Frame<'_>, Touch, Timestamp),
) -> Result<(), String> {
    let mut reader = Reader {
        known,
        monitor,
        exporter,
        show_dark,
        hexdump: options.hexdump,
        zone: Zone::local(),
        last: Timestamp::default(),
        told: 0,
    };
    // libpcap takes no file with packets of several link types, as evidence may have them.
    let result = match Evidence::open(file).filter(|_| options.filter.is_none()) {
        Some(evidence) => read_evidence(file, evidence, &mut |interface, packet| {
            let pcapng::Packet { bytes, wire_length, time, .. } = *packet;
            reader.take(&Frame { link: interface.link, bytes, wire_length }, time);
        }),
        None => read_capture(file, options, &mut reader),
    };
    let Reader { monitor, last, .. } = reader;
    while monitor.darknet_mut().close().is_some() {}
    monitor.settle(last);
    if let (Some(exporter), [ledger]) = (exporter, monitor.ledgers_mut()) {
        exporter.collect_all(0, ledger, IPFIX_ROOM_PATIENCE);
    }
    result
}

/// What the packets of a file go through.
struct Reader<'a> {
    known: &'a Names,
    monitor: &'a mut Monitor,
    exporter: Option<&'a Exporter>,
    show_dark: &'a mut dyn FnMut(&Frame<'_>, Touch, Timestamp),
    hexdump: bool,
    zone: Zone,
    last: Timestamp,
    /// The second in which the monitor was told last who is known: as live, once a minute.
    told: u64,
}

impl Reader<'_> {
    // One copy of the books' busiest part is enough for both kinds of files.
    #[inline(never)]
    fn take(&mut self, frame: &Frame<'_>, now: Timestamp) {
        if self.hexdump {
            log::debug!("{}", Hexdump(frame));
        }
        // Events are told to others from live traffic only; here they show in the report.
        if now.seconds != self.last.seconds {
            // As live: the history's days are days of local time.
            let utc_offset = self.zone.utc_offset(now);
            for ledger in self.monitor.ledgers_mut() {
                ledger.set_utc_offset(utc_offset);
            }
            if now.seconds.abs_diff(self.told) >= HOUSEKEEPING_INTERVAL.as_secs() {
                self.told = now.seconds;
                let darknet = self.monitor.darknet_mut();
                self.known.addresses(now).iter().for_each(|&address| darknet.note(address, now));
            }
            while self.monitor.tick(now).is_some() {}
        }
        let finding = self.monitor.observe(0, &decode(frame), frame.bytes, now);
        if let Some(touch) = finding.touch {
            (self.show_dark)(frame, touch, now);
        }
        if let (Some(exporter), [ledger]) = (self.exporter, self.monitor.ledgers_mut()) {
            exporter.collect(0, ledger, IPFIX_ROOM_PATIENCE);
        }
        self.last = now;
    }
}

fn read_capture(file: &Path, options: &config::Capture, reader: &mut Reader<'_>) -> Result<(), String> {
    let name = file.display();
    let mut capture =
        Capture::from_file(file).map_err(|error| format!("--read {name}: {}", in_one_line(&error)))?;
    let dlt = capture.get_datalink();
    let Some(link) = LinkType::from_dlt(dlt.0) else {
        let kind = dlt.get_name().unwrap_or_else(|_| dlt.0.to_string());
        return Err(format!("--read {name}: its link type, {kind}, is not one that duskwatch understands"));
    };
    if let Some(filter) = &options.filter {
        let compiled = capture.filter(filter, true);
        compiled.map_err(|error| format!("--filter '{filter}': {}", in_one_line(&error)))?;
    }
    for ledger in reader.monitor.ledgers_mut() {
        ledger.set_link(link);
    }
    let mut progress = Progress::of(file);
    loop {
        let batch = capture.dispatch(Some(READ_BATCH), |packet| {
            let header = packet.header;
            let frame = Frame { link, bytes: packet.data, wire_length: header.len };
            reader.take(&frame, Timestamp::from_timeval(header.ts.tv_sec, header.ts.tv_usec));
            progress.bytes += PACKET_HEADER_BYTES + u64::from(header.caplen);
        });
        match batch {
            Ok(0) => break,
            Ok(_) => progress.show(),
            Err(error) => {
                progress.clear();
                return Err(format!("--read {name}: {}", in_one_line(&error)));
            }
        }
    }
    progress.clear();
    Ok(())
}

/// libpcap's messages may have several lines.
fn in_one_line(error: &pcap::Error) -> String {
    let text = match error {
        pcap::Error::PcapError(text) => text.clone(),
        other => other.to_string(),
    };
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The share of a large file that has been read, on a terminal.
struct Progress {
    bytes: u64,
    of: Option<u64>,
    shown: Option<Instant>,
    start: Instant,
}

impl Progress {
    fn of(file: &Path) -> Self {
        let on_terminal = std::io::stderr().is_terminal();
        let size = std::fs::metadata(file).ok().filter(std::fs::Metadata::is_file);
        Self {
            bytes: FILE_HEADER_BYTES,
            of: size.map(|metadata| metadata.len()).filter(|&bytes| on_terminal && bytes > 0),
            shown: None,
            start: Instant::now(),
        }
    }

    fn show(&mut self) {
        let Some(of) = self.of else { return };
        let since = self.shown.unwrap_or(self.start).elapsed();
        if since < READ_PROGRESS_INTERVAL {
            return;
        }
        self.shown = Some(Instant::now());
        // In whole numbers: nothing else in the program prints fractions, and the code for that is large.
        // KiB and milliseconds, of which a product fits for all that can be read in a month.
        let (read, of) = (self.bytes.min(of) / 1024 + 1, of / 1024 + 1);
        let left = self.start.elapsed().as_millis() as u64 * (of - read) / read / 1000;
        let _ = write!(std::io::stderr(), "\r{:3} % read, {left} s left ", read * 100 / of);
    }

    fn clear(&mut self) {
        if self.shown.is_some() {
            let _ = write!(std::io::stderr(), "\r{:40}\r", "");
        }
    }
}
