//! The core alone: decode, account and suspect, on a trace in memory.

use std::hint::black_box;
use std::time::Instant;

use duskwatch::packet::decode;
use traffic::scenarios::Scenario;

use crate::row;
use crate::table::{self, Goal};
use crate::tools::{self, again, median};
use crate::traces::{self, PACKETS, SCENARIOS, Trace};

/// What is done with every frame. Each mode does what the one before it does and one thing more.
const MODES: [&str; 4] = ["walk", "decode", "account", "suspect"];

/// Passes over the trace of which the median is printed.
const PASSES: usize = 7;

/// One mode over a trace, for callgrind and perf to watch.
pub fn work(mode: &str, trace: &str) {
    pass(mode, &Trace::load(trace));
}

/// The time of one pass in nanoseconds.
fn pass(mode: &str, trace: &Trace) -> f64 {
    let mut monitor = traces::monitor(mode == "suspect");
    let start = Instant::now();
    match mode {
        "walk" => trace.frames().for_each(|(frame, now)| {
            black_box((&frame, now));
        }),
        "decode" => trace.frames().for_each(|(frame, now)| {
            black_box((&decode(&frame), now));
        }),
        _ => trace.frames().for_each(|(frame, now)| {
            let finding = monitor.observe(0, &decode(&frame), frame.bytes, now);
            black_box(&finding);
        }),
    }
    let spent = start.elapsed().as_nanos() as f64;
    black_box(&monitor);
    spent
}

/// Prints what a packet costs.
pub fn measure() -> Result<(), String> {
    table::heading(
        "Core: decode and account, per packet, and what suspecting adds",
        "a trace in memory; the walk over its frames is subtracted; time is the median of 7 passes",
    );
    let mut rows =
        vec![row!["", "decode", "account", "both", "goal", "suspect", "goal", "both", "cycles", "goal"]];
    for scenario in SCENARIOS {
        rows.push(measure_one(scenario)?);
    }
    table::print(&rows);
    Ok(())
}

fn measure_one(scenario: Scenario) -> Result<Vec<String>, String> {
    let file = traces::file(scenario)?.display().to_string();
    let per_packet = |count: f64| count / PACKETS as f64;
    let commands = MODES.map(|mode| again(&["work", "core", mode, &file]));
    let [walk, decode, account, suspect] =
        tools::instructions(commands.each_ref().map(Vec::as_slice))?.map(|count| per_packet(count as f64));
    let cycles = commands.map(|command| tools::cycles(&command).map(|count| per_packet(count as f64)));
    let trace = Trace::load(&file);
    let times = MODES.map(|mode| per_packet(median((0..PASSES).map(|_| pass(mode, &trace)))));
    let both = account - walk;
    let both_cycles = cycles[2].zip(cycles[0]).map(|(account, walk)| account - walk);
    let goal = |goal: f64, value: Option<f64>| match value {
        Some(value) if scenario == Scenario::Mix => Goal::AtMost(goal).verdict(value),
        _ => String::new(),
    };
    Ok(row![
        scenario.name(),
        format!("{:.0}", decode - walk),
        format!("{:.0}", account - decode),
        format!("{both:.0} instructions"),
        goal(250.0, Some(both)),
        format!("{:+.1} %", (suspect - account) / both * 100.0),
        goal(10.0, Some((suspect - account) / both * 100.0)),
        format!("{:.0} ns", times[2] - times[0]),
        both_cycles.map_or("no counters".to_owned(), |cycles| format!("{cycles:.0}")),
        goal(130.0, both_cycles),
    ])
}
