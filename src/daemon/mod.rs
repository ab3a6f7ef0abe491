//! The shell: everything that meets the operating system.

pub mod capture;
