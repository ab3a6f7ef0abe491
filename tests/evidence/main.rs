//! Evidence on disk and on its way to an analyst: what is kept and for how long, what a killed program and a full
//! disk leave of it, and what tshark, SQLite and Python read in what comes out.
#![cfg(feature = "daemon")]

mod disk;
mod formats;
mod offline;
mod ring;
#[path = "../support/skip.rs"]
mod skip;
mod store;
