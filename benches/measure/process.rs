//! What the kernel says about a running process.

use std::fs;
use std::process::{Child, Command, Stdio};

/// What of a process is in memory, in KiB.
#[derive(Clone, Copy, Default)]
pub struct Resident {
    /// Everything.
    pub all: u64,
    /// Capture rings.
    pub rings: u64,
    /// Shared libraries, other programs' pages of them included.
    pub libraries: u64,
}

/// A process that ends with its owner.
pub struct Process(Child);

impl Process {
    /// Starts a program, without its output.
    pub fn start(command: &mut Command) -> Result<Self, String> {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        child.map(Self).map_err(|error| format!("{:?}: {error}", command.get_program()))
    }

    /// Resident memory in KiB.
    pub fn resident(&self) -> Resident {
        let text = fs::read_to_string(self.path("smaps")).unwrap_or_default();
        let mut resident = Resident::default();
        let mut mapping = "";
        for line in text.lines() {
            // A mapping begins with a line of six fields, the last of which is what is mapped.
            if !line.split(' ').next().unwrap_or_default().ends_with(':') {
                mapping = line.split_whitespace().nth(5).unwrap_or_default();
            } else if line.starts_with("Rss:") {
                let kib = number(line, "Rss:");
                resident.all += kib;
                if mapping.starts_with("socket:") {
                    resident.rings += kib;
                } else if mapping.contains(".so") {
                    resident.libraries += kib;
                }
            }
        }
        resident
    }

    /// User and system time of all threads so far, in seconds.
    pub fn cpu_time(&self) -> (f64, f64) {
        const TICKS_PER_SECOND: f64 = 100.0;
        let text = fs::read_to_string(self.path("stat")).unwrap_or_default();
        // Behind the name, which may contain anything, the fields are numbered from 3.
        let fields: Vec<&str> = text.rsplit(") ").next().unwrap_or_default().split(' ').collect();
        let ticks =
            |number: usize| fields.get(number - 3).and_then(|field| field.parse().ok()).unwrap_or(0.0);
        (ticks(14) / TICKS_PER_SECOND, ticks(15) / TICKS_PER_SECOND)
    }

    /// How often any thread has been given a processor.
    pub fn switches(&self) -> u64 {
        let tasks = fs::read_dir(self.path("task")).into_iter().flatten().flatten();
        tasks
            .map(|task| {
                let text = fs::read_to_string(task.path().join("status")).unwrap_or_default();
                number(&text, "voluntary_ctxt_switches:") + number(&text, "nonvoluntary_ctxt_switches:")
            })
            .sum()
    }

    fn path(&self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0.id())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The number on the line that begins with this name.
fn number(text: &str, name: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
