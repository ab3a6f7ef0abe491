//! The darknet's verdicts over weeks: false alarms of good homes, and what a source and a flood cost.

use crate::home::{Watcher, watch};
use crate::row;
use crate::table::{self, Goal};

const SEEDS: u64 = 20;
const DAYS: u64 = 14;

/// Prints how often good homes are suspected.
pub fn measure() -> Result<(), String> {
    homes();
    Ok(())
}

fn homes() {
    table::heading(
        "Darknet: clean homes of 30 devices",
        &format!("{SEEDS} seeds of {DAYS} days; source-days by distinct dark addresses touched"),
    );
    let mut rows =
        vec![row!["watched from", "frames", "hits", "0-1", "2-3", "4 and more", "most", "alerts", "goal"]];
    for (name, watcher) in [("the router", Watcher::Router), ("a machine of the LAN", Watcher::Neighbor)] {
        let outcomes: Vec<_> = (1..=SEEDS).map(|seed| watch(seed, DAYS, watcher)).collect();
        for (seed, outcome) in (1..).zip(&outcomes) {
            outcome.alerts.iter().for_each(|alert| println!("  seed {seed}: {alert}"));
        }
        let touched = |range: std::ops::Range<usize>| {
            outcomes
                .iter()
                .flat_map(|outcome| outcome.touched.range(range.clone()))
                .map(|(_, days)| days)
                .sum::<usize>()
        };
        let alerts = outcomes.iter().map(|outcome| outcome.alerts.len()).sum::<usize>();
        rows.push(row![
            name,
            outcomes.iter().map(|outcome| outcome.frames).sum::<u64>(),
            outcomes.iter().map(|outcome| outcome.hits).sum::<u64>(),
            touched(0..2),
            touched(2..4),
            touched(4..usize::MAX),
            outcomes.iter().filter_map(|outcome| outcome.touched.keys().last()).max().unwrap_or(&0),
            alerts,
            Goal::AtMost(0.0).verdict(alerts as f64),
        ]);
    }
    table::print(&rows);
}
