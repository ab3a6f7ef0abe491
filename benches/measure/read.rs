//! Whole runs over a capture file: `duskwatch --read` and `darkstat -r`.

use traffic::scenarios::Scenario;

use crate::table::{self, Goal};
use crate::tools::{self, PAIRS};
use crate::traces::{self, PACKETS, SCENARIOS};
use crate::{DUSKWATCH, darkstat, row};

/// How many times fewer cycles than darkstat's a trace is to take.
fn goal(scenario: Scenario) -> Goal {
    Goal::AtLeast(match scenario {
        Scenario::Mix => 2.0,
        Scenario::Flood => 4.5,
        Scenario::MixFlood => 5.0,
        _ => 1.3,
    })
}

/// Prints what whole runs cost per packet.
pub fn measure() -> Result<(), String> {
    let cost = if tools::has_cycles() { "cycles" } else { "ns user" };
    table::heading(
        "--read of a file, per packet, side by side with darkstat -r",
        &format!("{cost}: medians of {PAIRS} pairs of runs that take turns; the ratio is the pairs' median"),
    );
    if !darkstat::is_here() {
        return Err("darkstat is not installed".to_owned());
    }
    let mut rows =
        vec![row!["", "instructions", "darkstat", "ratio", "", cost, "darkstat", "ratio", "goal (cycles)"]];
    for scenario in SCENARIOS {
        let file = traces::file(scenario)?;
        let ours = tools::line(&[DUSKWATCH, "--read"], &file);
        let theirs = darkstat::read(&file);
        let per_packet = |count: u64| count as f64 / PACKETS as f64;
        let [instructions, their_instructions] = tools::instructions([&ours, &theirs])?.map(per_packet);
        let pair = tools::pair(&ours, &theirs)?;
        let unit = if tools::has_cycles() { 1.0 } else { 1e9 } / PACKETS as f64;
        rows.push(row![
            scenario.name(),
            format!("{instructions:.0}"),
            format!("{their_instructions:.0}"),
            format!("{:.2}", their_instructions / instructions),
            "",
            format!("{:.0}", pair.ours * unit),
            format!("{:.0}", pair.other * unit),
            format!("{:.2}", pair.ratio),
            goal(scenario).verdict(pair.ratio),
        ]);
    }
    table::print(&rows);
    Ok(())
}
