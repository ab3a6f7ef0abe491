//! The shell.

pub mod alarm;
pub mod names;
