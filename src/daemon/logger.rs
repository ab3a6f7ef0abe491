//! The program's own log: lines to stderr or to the local syslog, which never make the program wait.
//!
//! A line that its reader is too slow for is dropped and counted, and the next one that gets through is
//! followed by the count.

use std::fmt::{self, Write};
use std::io::{self, ErrorKind, IsTerminal};
use std::os::fd::AsFd;
use std::os::unix::net::UnixDatagram;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use heapless::String;
use log::{Level, LevelFilter, Metadata, Record};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use syslog::{Facility, Severity};
use time::OffsetDateTime;

use super::clock::{Clock, Zone};
use super::config;
use super::print::is_unprintable;
use crate::limits::LOG_LINE_BYTES_MAX;

/// Where the machine's own syslog daemon listens.
const SOCKET: &str = "/dev/log";

static LOGGER: OnceLock<Logger> = OnceLock::new();

/// Starts the log. From here on the macros of the `log` crate reach it. Call it before --chroot hides
/// the syslog socket. A syslog daemon that is not there yet is looked for with each line.
///
/// # Errors
/// There is no socket to be had, or the log has been started before.
pub fn start(config: config::Log, zone: Zone) -> Result<(), std::string::String> {
    let sink = match config.syslog {
        true => Sink::Syslog(datagram_socket().map_err(|error| format!("--syslog: {error}"))?),
        false => Sink::Stderr { stamped: io::stderr().is_terminal(), waits: config.waits },
    };
    if let Sink::Syslog(socket) = &sink
        && let Err(error) = socket.connect(SOCKET)
    {
        eprintln!("duskwatch: warning: {SOCKET}: {error}; log lines are lost until syslog runs");
    }
    let clock = Clock::new(None, zone);
    let logger =
        LOGGER.get_or_init(|| Logger { sink, clock, lost: AtomicU32::new(0), unsaid: AtomicU32::new(0) });
    log::set_logger(logger).map_err(|_| "the log has been started already")?;
    log::set_max_level(if config.verbose { LevelFilter::Debug } else { LevelFilter::Info });
    Ok(())
}

/// Lines that could not be delivered since the start.
pub fn lost() -> u64 {
    LOGGER.get().map_or(0, |logger| logger.lost.load(Ordering::Relaxed).into())
}

struct Logger {
    sink: Sink,
    clock: Clock,
    /// In 32 bits, because MIPS has no atomics of 64.
    lost: AtomicU32,
    /// Those of them that the log has not spoken of yet.
    unsaid: AtomicU32,
}

enum Sink {
    Stderr { stamped: bool, waits: bool },
    Syslog(UnixDatagram),
}

impl log::Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            self.deliver(record.level(), *record.args());
        }
    }

    fn flush(&self) {}
}

impl Logger {
    fn deliver(&self, level: Level, message: fmt::Arguments<'_>) {
        if self.send(level, message).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
            self.unsaid.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let unsaid = self.unsaid.swap(0, Ordering::Relaxed);
        let report = format_args!("{unsaid} lines of this log were lost; their reader was too slow");
        if unsaid > 0 && self.send(Level::Warn, report).is_err() {
            self.unsaid.fetch_add(unsaid, Ordering::Relaxed);
        }
    }

    fn send(&self, level: Level, message: fmt::Arguments<'_>) -> io::Result<()> {
        match &self.sink {
            Sink::Stderr { stamped, waits } => {
                let stamp = stamped.then(|| self.local_time());
                let patience = if *waits { None } else { Some(NO_TIME) };
                write_once_ready(&io::stderr(), patience, &stderr_line(stamp, level, message))
            }
            Sink::Syslog(socket) => {
                send_or_reconnect(socket, &syslog_line(self.local_time(), level, message))
            }
        }
    }

    /// The time on the wall, as if it were UTC.
    fn local_time(&self) -> OffsetDateTime {
        let now = self.clock.now();
        let seconds =
            i64::try_from(now.seconds).unwrap_or(0).saturating_add(self.clock.utc_offset(now).into());
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }
}

const NO_TIME: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

/// Writes a line once the file takes it, if that is within this time. A pipe that is ready takes at least
/// 4,096 bytes (pipe(7)), and a line is shorter. The file does not become non-blocking: others write to
/// the same terminal, and expect to wait for it.
fn write_once_ready(file: &impl AsFd, patience: Option<Timespec>, line: &Line) -> io::Result<()> {
    let mut ready = [PollFd::new(file, PollFlags::OUT)];
    poll(&mut ready, patience.as_ref())?;
    let [ready] = ready;
    if !ready.revents().contains(PollFlags::OUT) {
        return Err(ErrorKind::WouldBlock.into());
    }
    let bytes = line.text.as_bytes();
    if rustix::io::write(file, bytes)? == bytes.len() { Ok(()) } else { Err(ErrorKind::WriteZero.into()) }
}

fn datagram_socket() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A syslog daemon that restarts makes a new socket, which has to be found again.
fn send_or_reconnect(socket: &UnixDatagram, line: &Line) -> io::Result<()> {
    let bytes = line.text.as_bytes();
    match socket.send(bytes) {
        Err(error) if error.kind() != ErrorKind::WouldBlock => {
            socket.connect(SOCKET)?;
            socket.send(bytes).map(drop)
        }
        sent => sent.map(drop),
    }
}

/// `12:34:56 warning: message`, the time only for a terminal: other readers have their own.
fn stderr_line(stamp: Option<OffsetDateTime>, level: Level, message: fmt::Arguments<'_>) -> Line {
    let mut line = Line::default();
    if let Some(time) = stamp {
        line.add(format_args!("{:02}:{:02}:{:02} ", time.hour(), time.minute(), time.second()));
    }
    line.add(format_args!("{}{message}", label(level)));
    line.end();
    line
}

/// What the C library's syslog() sends: RFC 3164 without a host name, in local time.
fn syslog_line(time: OffsetDateTime, level: Level, message: fmt::Arguments<'_>) -> Line {
    let severity = match level {
        Level::Error => Severity::LOG_ERR,
        Level::Warn => Severity::LOG_WARNING,
        Level::Info => Severity::LOG_INFO,
        Level::Debug | Level::Trace => Severity::LOG_DEBUG,
    };
    let priority = Facility::LOG_DAEMON as u8 | severity as u8;
    let month = time.month().to_string();
    let mut line = Line::default();
    line.add(format_args!(
        "<{priority}>{month:.3} {:2} {:02}:{:02}:{:02} duskwatch[{}]: {message}",
        time.day(),
        time.hour(),
        time.minute(),
        time.second(),
        std::process::id(),
    ));
    line
}

fn label(level: Level) -> &'static str {
    match level {
        Level::Error => "error: ",
        Level::Warn => "warning: ",
        Level::Info | Level::Debug | Level::Trace => "",
    }
}

/// A line in the making: cut when it is full, and without the control and invisible characters that
/// texts from the network may carry.
#[derive(Default)]
struct Line {
    text: String<LOG_LINE_BYTES_MAX>,
}

impl Line {
    fn add(&mut self, text: fmt::Arguments<'_>) {
        // The only error is that the line is full, and a cut line is the answer to that.
        let _ = self.write_fmt(text);
    }

    fn end(&mut self) {
        while self.text.push('\n').is_err() {
            self.text.pop();
        }
    }
}

impl Write for Line {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for character in text.chars() {
            if is_unprintable(character) {
                write!(self.text, "{}", character.escape_default())?;
            } else {
                self.text.push(character).map_err(|_| fmt::Error)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noon() -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_767_614_405).unwrap()
    }

    #[test]
    fn lines_for_each_reader() {
        let text = |line: Line| line.text.as_str().to_owned();
        assert_eq!(text(stderr_line(None, Level::Info, format_args!("up"))), "up\n");
        assert_eq!(text(stderr_line(Some(noon()), Level::Warn, format_args!("x"))), "12:00:05 warning: x\n");
        let id = std::process::id();
        assert_eq!(
            text(syslog_line(noon(), Level::Error, format_args!("x"))),
            format!("<27>Jan  5 12:00:05 duskwatch[{id}]: x")
        );
    }

    #[test]
    fn a_line_stays_one_line() {
        let line = stderr_line(None, Level::Error, format_args!("a\nb\u{1b}[31m\u{9b}\0"));
        assert_eq!(line.text.as_str(), "error: a\\nb\\u{1b}[31m\\u{9b}\\u{0}\n");
        // What would turn the rest of the line around, or not be seen.
        let line = stderr_line(None, Level::Info, format_args!("a\u{202e}b\u{200b}\u{feff}c \u{e9}"));
        assert_eq!(line.text.as_str(), "a\\u{202e}b\\u{200b}\\u{feff}c \u{e9}\n");
    }

    #[test]
    fn a_long_line_is_cut_and_still_ends() {
        let line = stderr_line(None, Level::Info, format_args!("{}", "é".repeat(LOG_LINE_BYTES_MAX)));
        assert!(line.text.len() <= LOG_LINE_BYTES_MAX);
        assert!(line.text.ends_with("é\n"));
    }

    #[test]
    fn a_stalled_syslog_costs_lines_and_no_time() {
        let path = std::env::temp_dir().join(format!("duskwatch-log-{}", std::process::id()));
        let reader = UnixDatagram::bind(&path).unwrap();
        let socket = datagram_socket().unwrap();
        socket.connect(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        let clock = Clock::new(None, Zone::utc());
        let (lost, unsaid) = (AtomicU32::new(0), AtomicU32::new(0));
        let logger = Logger { sink: Sink::Syslog(socket), clock, lost, unsaid };
        // The kernel queues a few hundred datagrams at the most (net.unix.max_dgram_qlen and the
        // socket's buffer); a blocking socket would never come back from this loop.
        for n in 0..10_000 {
            logger.deliver(Level::Info, format_args!("line {n}"));
        }
        let lost = logger.lost.load(Ordering::Relaxed);
        assert!(lost > 0 && lost < 10_000, "{lost}");
        let mut buffer = [0; LOG_LINE_BYTES_MAX];
        for _ in lost..10_000 {
            reader.recv(&mut buffer).unwrap();
        }
        logger.deliver(Level::Info, format_args!("back"));
        let length = reader.recv(&mut buffer).unwrap();
        assert!(buffer[..length].ends_with(b"back"));
        let length = reader.recv(&mut buffer).unwrap();
        let report = std::str::from_utf8(&buffer[..length]).unwrap();
        assert!(report.contains(&format!(": {lost} lines of this log were lost")), "{report}");
    }
    #[test]
    fn a_stalled_pipe_refuses_lines_instead_of_waiting() {
        let (mut reader, writer) = io::pipe().unwrap();
        let line = stderr_line(None, Level::Info, format_args!("{}", "x".repeat(500)));
        let written =
            (0..10_000).take_while(|_| write_once_ready(&writer, Some(NO_TIME), &line).is_ok()).count();
        assert!(written > 0 && written < 10_000, "{written}");
        drop(writer);
        let mut all = Vec::new();
        io::Read::read_to_end(&mut reader, &mut all).unwrap();
        assert_eq!(all.len(), written * line.text.len());
    }
}
