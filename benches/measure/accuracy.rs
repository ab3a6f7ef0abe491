//! How right the host table is under a flood, against what the generator really made.

use std::collections::HashMap;
use std::net::IpAddr;
use std::process::Command;

use serde_json::Value;
use traffic::scenarios::Scenario;
use traffic::{Activity, Truth};

use crate::table::{self, Goal};
use crate::traces::{self, options};
use crate::{DUSKWATCH, row};

/// Prints how many of the true top hosts are right.
pub fn measure() -> Result<(), String> {
    table::heading(
        "Accuracy under mix+flood, with default tables",
        "hosts by bytes, both ways, against the generator's own count",
    );
    let file = traces::file(Scenario::MixFlood)?;
    let output = Command::new(DUSKWATCH).arg("--read").arg(&file).arg("--json").output();
    let output = output.map_err(|error| format!("{DUSKWATCH}: {error}"))?;
    let report: Value =
        serde_json::from_slice(&output.stdout).map_err(|error| format!("the report: {error}"))?;
    let counted = rows(&report);

    let mut truth = Truth::default();
    Scenario::MixFlood.packets(&options()).for_each(|packet| truth.add(&packet));
    let mut hosts: Vec<(IpAddr, u64)> = truth.hosts.iter().map(|(host, of)| (*host, bytes(of))).collect();
    hosts.sort_unstable_by_key(|&(address, bytes)| (std::cmp::Reverse(bytes), address));
    let local: Vec<_> = hosts.iter().copied().filter(|(address, _)| is_local(address)).collect();

    let share = |hosts: &[(IpAddr, u64)], tolerance: f64| {
        let right = hosts.iter().filter(|(address, bytes)| {
            let counted = counted.get(address).copied().unwrap_or(0);
            counted.abs_diff(*bytes) as f64 <= *bytes as f64 * tolerance
        });
        100.0 * right.count() as f64 / hosts.len() as f64
    };
    let mut table = Vec::new();
    for (name, hosts, tolerance, goal) in [
        ("top 25 exact", &hosts[..25], 0.0, 100.0),
        ("top 100 within 1 %", &hosts[..100], 0.01, 99.0),
        ("local hosts exact", &local[..], 0.0, 100.0),
    ] {
        let share = share(hosts, tolerance);
        table.push(row![
            name,
            format!("{} hosts", hosts.len()),
            format!("{share:.1} %"),
            Goal::AtLeast(goal).verdict(share)
        ]);
    }
    let all: u64 = hosts.iter().map(|(_, bytes)| bytes).sum();
    let held: u64 = counted.values().sum();
    table.push(row!["bytes in host rows", "", format!("{:.1} %", 100.0 * held as f64 / all as f64)]);
    table::print(&table);
    Ok(())
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
