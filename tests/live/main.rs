//! The real program on real packets: bridges, clients and a routed WAN in network namespaces.
#![cfg(feature = "daemon")]

#[path = "../support/netns.rs"]
mod netns;
mod numbers;
mod program;
#[path = "../support/skip.rs"]
mod skip;

/// Both interfaces of the lab's router.
const ROUTER: [&str; 4] = ["-i", "br-lan", "-i", "wan0=wan"];
