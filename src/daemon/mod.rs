//! The shell.

pub mod names;
