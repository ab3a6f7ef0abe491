//! The books beyond the program's life: the real program on real packets, ended, killed and started
//! again.
#![cfg(feature = "daemon")]

mod damage;
mod flash;
mod kill;
#[path = "../support/netns.rs"]
mod netns;
#[path = "../live/program.rs"]
#[allow(dead_code)]
mod program;
mod restart;
mod scene;
#[path = "../support/skip.rs"]
mod skip;
#[path = "../live/wire.rs"]
#[allow(dead_code)]
mod wire;
