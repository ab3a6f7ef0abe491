//! duskwatch counts who talks to whom on a router, shows it, remembers it, and watches the dark.
//!
//! The modules stand in the order in which a packet meets them:
//!
//! ```text
//!  shell                  core (no_std; allocates only in constructors; no unsafe)         shell
//!  capture --frame--> packet::decode --Packet--> network --> ledger (hosts, ports, history)
//!                                                   '------> darknet --Event--> alarm --> syslog
//!                                                        view <-- web    snapshot <-- store
//! ```
//!
//! # Invariants
//! 1. The core never blocks, reads a clock, does I/O or panics, on any input; after its constructors
//!    have run it never allocates.
//! 2. Every structure has a capacity. Full means: evict by a written rule and count what was evicted,
//!    or count the loss. Nothing is lost silently: on every interface, packets captured = accounted +
//!    non-IP + discarded (by reason), and the rows of a table plus its "evicted" row add up to the
//!    interface's total, to the byte.
//! 3. One owner of the state, one lock, never held across I/O, formatting or allocation.
//! 4. A snapshot is whole or absent. After a power cut the last complete one is restored.
//!
//! Without the `daemon` feature this library is the core alone, which is how the build proves that
//! the core needs neither a standard library nor an operating system.
#![cfg_attr(not(any(test, feature = "daemon")), no_std)]
#![deny(unsafe_code)]

extern crate alloc;

#[forbid(unsafe_code)]
pub mod limits;
#[forbid(unsafe_code)]
pub mod time;

#[forbid(unsafe_code)]
pub mod packet;

#[forbid(unsafe_code)]
pub mod network;

#[forbid(unsafe_code)]
pub mod table;

#[forbid(unsafe_code)]
pub mod ledger;

#[forbid(unsafe_code)]
pub mod darknet;

#[forbid(unsafe_code)]
pub mod quota;

#[forbid(unsafe_code)]
pub mod monitor;

#[forbid(unsafe_code)]
pub mod view;

#[forbid(unsafe_code)]
pub mod snapshot;

#[cfg(feature = "daemon")]
pub mod daemon;
