//! Resident memory: at the start, and after a flood.

use std::process::Command;
use std::thread;
use std::time::Duration;

use traffic::scenarios::Scenario;
use traffic::send::FrameSize;

use crate::live::PROGRAMS;
use crate::process::{Process, Resident};
use crate::table::{self, Goal};
use crate::{row, traces};

/// A program that does nothing, for comparison.
const EMPTY: &str = "fn main() { loop { std::thread::park() } }";

/// Prints resident memory.
pub fn measure() -> Result<(), String> {
    table::heading(
        "Resident memory in KiB: two interfaces, default tables",
        "these programs are linked dynamically: the goal, meant for a static one, is judged without libraries",
    );
    let empty = empty()?;
    let mut rows = vec![row!["", "", "resident", "rings", "libraries", "the rest", "above empty", "goal"]];
    rows.push(row!["empty program, static", "", empty, "", "", empty]);
    for (name, start) in PROGRAMS {
        let watcher = start(&["w0", "w1"])?;
        rows.push(measured(name, "at start", watcher.process().resident(), empty));
        for interface in ["s0", "s1"] {
            watcher.send(Scenario::Flood, interface, FrameSize::Scenario)?;
        }
        thread::sleep(Duration::from_secs(2));
        rows.push(measured(name, "after a flood", watcher.process().resident(), empty));
    }
    table::print(&rows);
    Ok(())
}

fn measured(name: &str, when: &str, resident: Resident, empty: u64) -> Vec<String> {
    let Resident { all, rings, libraries } = resident;
    let above = (all - libraries).saturating_sub(empty);
    let goal = if name == "duskwatch" { Goal::AtMost(4096.0).verdict(above as f64) } else { String::new() };
    row![name, when, all, rings, libraries, all - rings - libraries, above, goal]
}

fn empty() -> Result<u64, String> {
    let source = traces::directory().join("empty.rs");
    let program = traces::directory().join("empty");
    std::fs::write(&source, EMPTY).map_err(|error| format!("{}: {error}", source.display()))?;
    let flags = ["-O", "-C", "panic=abort", "-C", "strip=symbols", "-C", "target-feature=+crt-static", "-o"];
    let built = Command::new("rustc").args(flags).arg(&program).arg(&source).status();
    if !built.is_ok_and(|status| status.success()) {
        return Err("rustc cannot build an empty static program".to_owned());
    }
    let process = Process::start(&mut Command::new(&program))?;
    thread::sleep(Duration::from_millis(300));
    Ok(process.resident().all)
}
