//! Verdicts over days and weeks: good homes raise no alert, and whoever looks around does.

mod chance;
mod home;
mod verdicts;

use home::{Watcher, watch};

/// Long enough for a weekend away; `make bench PART=darknet` takes more seeds.
const DAYS: u64 = 7;

#[test]
fn a_week_of_a_clean_home_raises_no_alert() {
    for (seed, watcher) in [(1, Watcher::Router), (2, Watcher::Router), (3, Watcher::Neighbor)] {
        let outcome = watch(seed, DAYS, watcher);
        println!("seed {seed}: {outcome:?}");
        assert!(outcome.alerts.is_empty(), "seed {seed}, {watcher:?}: {:#?}", outcome.alerts);
        assert!(outcome.hits > 50, "seed {seed}, {watcher:?}: what nobody hears is no proof: {outcome:?}");
    }
}

#[test]
fn chance_makes_no_more_alerts_than_it_must() {
    // Where the model is that of the verdict, four addresses of which one in twenty is dark, it errs in one of
    // 160,000 days; the bench takes millions.
    const DAYS: u64 = 200_000;
    for (contacts, probability) in [(4, 0.05), (10, 0.05), (30, 0.01)] {
        let alerts = chance::false_alerts(11, DAYS, contacts, probability) as f64;
        let expected = chance::four_of(contacts, probability) * DAYS as f64;
        let spread = 5.0 * expected.sqrt() + 3.0;
        assert!((alerts - expected).abs() <= spread, "{contacts}, {probability}: {alerts} of {expected}");
    }
}

#[test]
fn a_flood_of_forged_sources_costs_no_source_of_the_lan() {
    let flooded = chance::flood(1_000_000);
    assert_eq!(flooded.own, chance::OWN_SOURCES as usize);
    assert_eq!(flooded.sources, chance::TABLE);
    assert_eq!(flooded.accounted, flooded.packets);
    assert_eq!(flooded.evicted + flooded.sources as u64, 1_000_000 + u64::from(chance::OWN_SOURCES));
}
