//! Live on a cable between two network namespaces: losses, processor time and wake-ups.

use std::thread;
use std::time::{Duration, Instant};

use traffic::scenarios::{Options, Scenario};
use traffic::send::{FrameSize, Report, send};

use crate::netns::Lab;
use crate::process::Process;
use crate::table::{self, Goal};
use crate::tools::Line;
use crate::{DUSKWATCH, darkstat, row, web};

/// Frames per second.
const RATE: u32 = 100_000;

/// For how long they come.
const SECONDS: f64 = 5.0;

/// How long nothing happens while wake-ups are counted.
const IDLE: Duration = Duration::from_secs(10);

/// Where either program serves its pages, in its own namespace.
const PORT: u16 = 6677;

/// Starts a program on some interfaces.
pub type Start = fn(&[&str]) -> Result<Watcher, String>;

/// What `make cross` builds for this processor, if it has.
pub const STATIC_DUSKWATCH: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/target/x86_64-unknown-linux-musl/release/duskwatch");

/// The programs that are compared.
pub const PROGRAMS: [(&str, Start); 2] = [("duskwatch", Watcher::duskwatch), ("darkstat", Watcher::darkstat)];

/// A program that captures on `w0` (and `w1`), to which frames come that are sent on `s0` (and `s1`).
pub struct Watcher {
    lab: Lab,
    process: Process,
    captured: fn() -> Result<(u64, u64), String>,
}

impl Watcher {
    /// duskwatch on these interfaces.
    pub fn duskwatch(interfaces: &[&str]) -> Result<Self, String> {
        Self::of(DUSKWATCH, interfaces)
    }

    /// duskwatch as the static program for this processor.
    pub fn static_duskwatch(interfaces: &[&str]) -> Result<Self, String> {
        Self::of(STATIC_DUSKWATCH, interfaces)
    }

    fn of(program: &str, interfaces: &[&str]) -> Result<Self, String> {
        let mut line: Line = vec![program.into(), "-n".into(), "-p".into(), PORT.to_string()];
        for interface in interfaces {
            line.extend(["-i".into(), (*interface).to_owned()]);
        }
        Self::start("ours", &line, || {
            let text = String::from_utf8(web::get(PORT, "/api/v1/summary")?).unwrap_or_default();
            let json: serde_json::Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
            let books = &json["books"];
            let number = |value: &serde_json::Value| value.as_u64().ok_or("a number is missing".to_owned());
            Ok((number(&books["captured"]["packets"])?, number(&books["dropped_by_kernel"])?))
        })
    }

    /// darkstat on these interfaces.
    pub fn darkstat(interfaces: &[&str]) -> Result<Self, String> {
        if !darkstat::is_here() {
            return Err("darkstat is not installed".to_owned());
        }
        Self::start("theirs", &darkstat::live(interfaces, PORT), || {
            let text = String::from_utf8(web::get(PORT, "/graphs.xml")?).unwrap_or_default();
            let number = |name: &str| {
                let rest = text.split(&format!("{name}=\"")).nth(1)?;
                rest.split('"').next()?.parse().ok()
            };
            // Its "captured" is libpcap's ps_recv, which holds what was dropped as well.
            let counts = number("pc").zip(number("pd"));
            let counts =
                counts.map(|(received, dropped): (u64, u64)| (received.saturating_sub(dropped), dropped));
            counts.ok_or_else(|| "its page has no counters".to_owned())
        })
    }

    fn start(
        name: &str,
        line: &[String],
        captured: fn() -> Result<(u64, u64), String>,
    ) -> Result<Self, String> {
        let mut lab = Lab::new(&format!("bench-{name}"))?;
        lab.add("watch");
        lab.add("send");
        for number in 0..2 {
            lab.cable("watch", &format!("w{number}"), "send", &format!("s{number}"));
        }
        let arguments: Vec<&str> = line.iter().skip(1).map(String::as_str).collect();
        let process = Process::start(&mut lab.command("watch", &line[0], &arguments))?;
        let watcher = Self { lab, process, captured };
        let deadline = Instant::now() + Duration::from_secs(20);
        while watcher.captured().is_err() {
            if Instant::now() > deadline {
                return Err(format!("{} does not answer", line[0]));
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(watcher)
    }

    /// The process that captures.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// Sends a scenario to it from an interface of the other namespace.
    pub fn send(&self, scenario: Scenario, interface: &str, size: FrameSize) -> Result<Report, String> {
        let packets = (f64::from(RATE) * SECONDS) as u64;
        let sent = self.lab.inside("send", || {
            let packets = scenario.packets(&Options { packets, ..Options::default() });
            send(packets, interface, size, RATE, SECONDS)
        });
        sent.map_err(|error| format!("sending: {error}"))
    }

    /// One of its pages.
    pub fn get(&self, path: &str) -> Result<Vec<u8>, String> {
        self.lab.inside("watch", || web::get(PORT, path))
    }

    /// The same as a browser asks for it.
    pub fn get_compressed(&self, path: &str) -> Result<Vec<u8>, String> {
        self.lab.inside("watch", || web::get_compressed(PORT, path))
    }

    /// Captured and dropped frames, by the program's own page.
    pub fn captured(&self) -> Result<(u64, u64), String> {
        self.lab.inside("watch", self.captured)
    }

    /// The same, when what was sent has had time to come to the page: both programs look at a quiet
    /// link's ring once a second.
    fn settled(&self) -> Result<(u64, u64), String> {
        thread::sleep(Duration::from_secs(3));
        self.captured()
    }
}

/// Prints losses and costs.
pub fn measure() -> Result<(), String> {
    table::heading(
        &format!("Live: the mix at {RATE} frames/s for {SECONDS} s over a veth pair, default rings"),
        "processor time of the whole process per captured frame, in steps of 10 ms in all; pages asked for included",
    );
    let mut rows = vec![row![
        "",
        "frame bytes",
        "sent",
        "frames/s",
        "captured",
        "dropped",
        "lost",
        "user ns",
        "sys ns",
        "goal"
    ]];
    for (name, start) in PROGRAMS {
        for (size_name, size) in
            [("60", FrameSize::Fixed(60)), ("IMIX", FrameSize::Imix), ("1514", FrameSize::Fixed(1_514))]
        {
            let watcher = start(&["w0"])?;
            let before = watcher.process.cpu_time();
            let sent = watcher.send(Scenario::Mix, "s0", size)?;
            let (captured, dropped) = watcher.settled()?;
            let after = watcher.process.cpu_time();
            let per_frame = |seconds: f64| format!("{:.0}", seconds * 1e9 / captured.max(1) as f64);
            rows.push(row![
                name,
                size_name,
                sent.frames,
                format!("{:.0}", sent.frames as f64 / sent.seconds),
                captured,
                dropped,
                format!("{:.1} %", 100.0 * (1.0 - captured as f64 / sent.frames as f64).max(0.0)),
                per_frame(after.0 - before.0),
                per_frame(after.1 - before.1),
                if name == "duskwatch" { Goal::AtMost(0.0).verdict(dropped as f64) } else { String::new() },
            ]);
        }
    }
    table::print(&rows);

    let mut rows = Vec::new();
    for (name, start) in PROGRAMS {
        let watcher = start(&["w0"])?;
        thread::sleep(Duration::from_secs(2));
        let before = watcher.process.switches();
        thread::sleep(IDLE);
        let rate = (watcher.process.switches() - before) as f64 / IDLE.as_secs_f64();
        let goal = if name == "duskwatch" { Goal::AtMost(2.0).verdict(rate) } else { String::new() };
        rows.push(row![format!("wake-ups per second when idle, {name}"), format!("{rate:.1}"), goal]);
    }
    table::print(&rows);
    Ok(())
}
