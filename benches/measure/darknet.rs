//! The darknet's verdicts: false alarms of good homes and of chance, and what a flood costs.

use std::collections::BTreeMap;
use std::time::Instant;

use duskwatch::darknet::Darknet;

use crate::chance::{OWN_SOURCES, TABLE, false_alerts, flood, four_of};
use crate::home::{Outcome, Watcher, watch};
use crate::row;
use crate::table::{self, Goal};

/// Homes, each by a seed of its own, unless HOMES says otherwise. To bound the rate of false alarms by 1e-5 a day
/// with 95 % confidence (three in as many days, if there was none) takes 720.
const HOMES: u64 = 20;
const DAYS: u64 = 14;

/// Days of one source each, for every row.
const SOURCE_DAYS: u64 = 10_000_000;
const FORGED: u32 = 1_000_000;

/// Prints how often good homes are suspected.
pub fn measure() -> Result<(), String> {
    let count = std::env::var("HOMES").ok().filter(|count| !count.is_empty());
    homes(match count {
        Some(count) => count.parse().map_err(|_| format!("HOMES={count}: that is no number"))?,
        None => HOMES,
    });
    by_chance();
    flooded();
    Ok(())
}

fn homes(count: u64) {
    table::heading(
        "Darknet: clean homes of 30 devices and their guests",
        &format!(
            "{count} seeds of {DAYS} days; source-days by distinct dark addresses touched, and by those that count"
        ),
    );
    let mut rows = vec![row![
        "watched from",
        "source-days",
        "touched 1",
        "2-3",
        "4 or more",
        "evidence 1",
        "2",
        "3",
        "4",
        "notices",
        "alerts",
        "goal"
    ]];
    for (name, watcher) in [("the router", Watcher::Router), ("a machine of the LAN", Watcher::Neighbor)] {
        let outcomes: Vec<Outcome> = (1..=count).map(|seed| watch(seed, DAYS, watcher)).collect();
        for (seed, outcome) in (1..).zip(&outcomes) {
            outcome.alerts.iter().for_each(|alert| println!("  seed {seed}: {alert}"));
        }
        let days = |of: fn(&Outcome) -> &BTreeMap<usize, usize>, least: usize, most: usize| -> usize {
            outcomes.iter().flat_map(|outcome| of(outcome).range(least..=most)).map(|(_, days)| days).sum()
        };
        let touched = |least, most| days(|outcome| &outcome.touched, least, most);
        let evidence = |count| days(|outcome| &outcome.evidence, count, count);
        let alerts = outcomes.iter().map(|outcome| outcome.alerts.len()).sum::<usize>();
        rows.push(row![
            name,
            count * DAYS * 30,
            touched(1, 1),
            touched(2, 3),
            touched(4, usize::MAX),
            evidence(1),
            evidence(2),
            evidence(3),
            evidence(4),
            outcomes.iter().map(|outcome| outcome.notices).sum::<u64>(),
            alerts,
            Goal::AtMost(0.0).verdict(alerts as f64),
        ]);
    }
    table::print(&rows);
}

/// New addresses that a source turns to in a day, and how likely each is dark.
const CHANCES: [(u32, f64); 7] =
    [(4, 0.05), (5, 0.05), (10, 0.05), (30, 0.05), (10, 0.01), (13, 0.01), (30, 0.004)];

fn by_chance() {
    table::heading(
        "Darknet: alerts by chance, per source and day",
        &format!(
            "{SOURCE_DAYS} source-days each; every new address is dark by itself with this probability; \
             exact is the binomial distribution"
        ),
    );
    let mut rows = vec![row!["new addresses a day", "each dark", "dark a day", "measured", "exact", "goal"]];
    for (contacts, probability) in CHANCES {
        let measured = false_alerts(1, SOURCE_DAYS, contacts, probability) as f64 / SOURCE_DAYS as f64;
        let exact = four_of(contacts, probability);
        rows.push(row![
            contacts,
            probability,
            format!("{:.2}", f64::from(contacts) * probability),
            format!("{measured:.1e}"),
            format!("{exact:.1e}"),
            Goal::AtMost(1e-5).verdict(exact),
        ]);
    }
    table::print(&rows);
}

fn flooded() {
    table::heading(
        "Darknet: a flood of forged sources",
        &format!("{FORGED} of them against a table of {TABLE}, in which a LAN has {OWN_SOURCES}"),
    );
    let begin = Instant::now();
    let flooded = flood(FORGED);
    let spent = begin.elapsed().as_nanos() as f64 / f64::from(FORGED);
    let lost = OWN_SOURCES as usize - flooded.own;
    let unaccounted = flooded.packets - flooded.accounted;
    table::print(&[
        row![
            "bytes, once and for all",
            "sources",
            "evicted",
            "lost of the LAN",
            "goal",
            "packets unaccounted",
            "goal",
            "each"
        ],
        row![
            Darknet::bytes(TABLE),
            flooded.sources,
            flooded.evicted,
            lost,
            Goal::AtMost(0.0).verdict(lost as f64),
            unaccounted,
            Goal::AtMost(0.0).verdict(unaccounted as f64),
            format!("{spent:.0} ns"),
        ],
    ]);
}
