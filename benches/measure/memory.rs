//! Resident memory: at the start, and after a flood.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use traffic::scenarios::Scenario;
use traffic::send::FrameSize;

use crate::live::{PROGRAMS, STATIC_DUSKWATCH, Start, Watcher};
use crate::process::{Process, Resident};
use crate::table::{self, Goal};
use crate::{row, traces};

/// A program that does nothing, for comparison.
const EMPTY: &str = "fn main() { loop { std::thread::park() } }";

/// Above an empty static program.
const GOAL: Goal = Goal::AtMost(4096.0);

/// Prints resident memory.
pub fn measure() -> Result<(), String> {
    table::heading(
        "Resident memory in KiB: two interfaces, default tables",
        "the goal is the static program's, as it runs on a router; `make cross TARGET=x86_64-unknown-linux-musl` builds it",
    );
    let empty = empty()?;
    let mut rows = vec![row!["", "", "resident", "rings", "libraries", "the rest", "above empty", "goal"]];
    rows.push(row!["empty program, static", "", empty, "", "", empty]);
    if Path::new(STATIC_DUSKWATCH).exists() {
        measure_one("duskwatch, static", Watcher::static_duskwatch, Some(GOAL), empty, &mut rows)?;
    } else {
        rows.push(row!["duskwatch, static", "not built"]);
    }
    for (name, start) in PROGRAMS {
        measure_one(name, start, None, empty, &mut rows)?;
    }
    table::print(&rows);
    Ok(())
}

/// At the start, after a flood, and after a second one, which must add nothing.
fn measure_one(
    name: &str,
    start: Start,
    goal: Option<Goal>,
    empty: u64,
    rows: &mut Vec<Vec<String>>,
) -> Result<(), String> {
    let watcher = start(&["w0", "w1"])?;
    for when in ["at start", "after a flood", "after a second"] {
        if when != "at start" {
            for interface in ["s0", "s1"] {
                watcher.send(Scenario::Flood, interface, FrameSize::Scenario)?;
            }
            thread::sleep(Duration::from_secs(2));
        }
        let Resident { all, rings, libraries } = watcher.process().resident();
        let above = (all - libraries).saturating_sub(empty);
        rows.push(row![
            name,
            when,
            all,
            rings,
            libraries,
            all - rings - libraries,
            above,
            goal.map_or(String::new(), |goal| goal.verdict(above as f64))
        ]);
    }
    Ok(())
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
