//! Administration behind a password: the real program, its administrator, and those who would like to be.
#![cfg(feature = "daemon")]

mod browser;
mod forms;
mod intruder;
#[path = "../support/netns.rs"]
mod netns;
#[path = "../live/program.rs"]
#[allow(dead_code)]
mod program;
mod proxy;
#[path = "../remember/scene.rs"]
#[allow(dead_code)]
mod scene;
#[path = "../support/served.rs"]
#[allow(dead_code)]
mod served;
#[path = "../support/skip.rs"]
mod skip;
mod state;
#[path = "../live/wire.rs"]
#[allow(dead_code)]
mod wire;
