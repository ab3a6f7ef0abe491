//! The real program on real packets: bridges, clients and a routed WAN in network namespaces.
#![cfg(feature = "daemon")]

mod accounts;
mod again;
mod alarm;
mod api;
#[path = "../attacks/mod.rs"]
mod attacks;
mod confirm;
mod darknet;
mod devices;
mod ending;
mod evidence;
mod memory;
#[path = "../support/netns.rs"]
mod netns;
mod numbers;
mod pages;
mod peers;
mod program;
mod quotas;
mod response;
#[path = "../support/schema.rs"]
mod schema;
mod signals;
#[path = "../support/skip.rs"]
mod skip;
mod tools;
mod wire;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Both interfaces of the lab's router.
const ROUTER: [&str; 4] = ["-i", "br-lan", "-i", "wan0=wan"];

/// Held by tests that load the machine or hold the program to a time, so that they do not do both.
static LOAD: Mutex<()> = Mutex::new(());

fn load() -> MutexGuard<'static, ()> {
    LOAD.lock().unwrap_or_else(PoisonError::into_inner)
}
