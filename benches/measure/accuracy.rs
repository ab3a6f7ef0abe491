//! How right the host table is under a flood, against what the generator really made.

use std::collections::HashMap;
use std::net::IpAddr;
use std::process::Command;

use serde_json::Value;
use traffic::scenarios::{Options, Scenario};
use traffic::{Activity, Truth};

use crate::table::{self, Goal};
use crate::traces::{self, options};
use crate::{DUSKWATCH, row};

/// Traces that are measured, each from a seed of its own.
const TRACES: u64 = 5;

/// What is asked of the rows: of which hosts, how far off they may be, and how many must be right.
const QUESTIONS: [(&str, f64, Goal); 3] = [
    ("top 25 within 1 %", 0.01, Goal::AtLeast(100.0)),
    ("top 100 within 1 %", 0.01, Goal::AtLeast(99.0)),
    ("local hosts exact", 0.0, Goal::AtLeast(100.0)),
];

/// Prints how many of the true top hosts are right.
pub fn measure() -> Result<(), String> {
    table::heading(
        "Accuracy under mix+flood, with default tables, in percent",
        "hosts by bytes, both ways, against the generator's own count; five traces, the goal is for the mean",
    );
    let shares: Vec<[f64; 4]> = (1..=TRACES).map(measure_one).collect::<Result<_, _>>()?;
    let mut rows = vec![row!["", "least", "mean", "most", "goal"]];
    let names = QUESTIONS.iter().map(|(name, _, goal)| (*name, Some(*goal)));
    for (column, (name, goal)) in names.chain([("bytes in host rows", None)]).enumerate() {
        let of: Vec<f64> = shares.iter().map(|shares| shares[column]).collect();
        let mean = of.iter().sum::<f64>() / of.len() as f64;
        let least = of.iter().copied().fold(f64::INFINITY, f64::min);
        let most = of.iter().copied().fold(0.0, f64::max);
        let verdict = goal.map_or(String::new(), |goal| goal.verdict(mean));
        rows.push(row![name, format!("{least:.1}"), format!("{mean:.1}"), format!("{most:.1}"), verdict]);
    }
    table::print(&rows);
    Ok(())
}

/// The shares of right hosts, question by question, and of the bytes that are in host rows.
fn measure_one(seed: u64) -> Result<[f64; 4], String> {
    let options = Options { seed, ..options() };
    let file = traces::file_of(Scenario::MixFlood, &options)?;
    let output = Command::new(DUSKWATCH).arg("--read").arg(&file).arg("--json").output();
    let output = output.map_err(|error| format!("{DUSKWATCH}: {error}"))?;
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("the report: {error}"))?;
    let counted = rows(&report);

    let mut truth = Truth::default();
    Scenario::MixFlood.packets(&options).for_each(|packet| truth.add(&packet));
    let mut hosts: Vec<(IpAddr, u64)> = truth.hosts.iter().map(|(host, of)| (*host, bytes(of))).collect();
    hosts.sort_unstable_by_key(|&(address, bytes)| (std::cmp::Reverse(bytes), address));
    let local: Vec<_> = hosts.iter().copied().filter(|(address, _)| is_local(address)).collect();

    let [top_25, top_100, all_local] = [&hosts[..25], &hosts[..100], &local[..]];
    let share = |hosts: &[(IpAddr, u64)], tolerance: f64| {
        let right = hosts.iter().filter(|(address, bytes)| {
            let counted = counted.get(address).copied().unwrap_or(0);
            counted.abs_diff(*bytes) as f64 <= *bytes as f64 * tolerance
        });
        100.0 * right.count() as f64 / hosts.len() as f64
    };
    let all: u64 = hosts.iter().map(|(_, bytes)| bytes).sum();
    let held: u64 = counted.values().sum();
    Ok([
        share(top_25, QUESTIONS[0].1),
        share(top_100, QUESTIONS[1].1),
        share(all_local, QUESTIONS[2].1),
        100.0 * held as f64 / all as f64,
    ])
}

fn bytes(activity: &Activity) -> u64 {
    activity.sent.bytes + activity.received.bytes
}

/// The mix lives in 192.168.1.0/24 and 2001:db8:1::/64, of which the latter is not private, so that
/// nothing in a capture file tells that it is local.
fn is_local(address: &IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if v4.is_private())
}

fn rows(report: &Value) -> HashMap<IpAddr, u64> {
    let rows = report["interfaces"][0]["hosts"]["rows"].as_array().into_iter().flatten();
    rows.filter_map(|row| {
        let address = row["address"].as_str()?.parse().ok()?;
        Some((address, row["sent"]["bytes"].as_u64()? + row["received"]["bytes"].as_u64()?))
    })
    .collect()
}
