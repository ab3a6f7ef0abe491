//! Starting threads.

use std::io;
use std::thread::{Builder, JoinHandle};

/// A thread of the program, and how it ended.
pub type Thread = JoinHandle<Result<(), String>>;

/// Starts a thread. What it does is boxed, so that the standard library's part of it is compiled once.
///
/// # Errors
/// The system has no room for one more.
pub fn spawn(
    name: &str,
    stack_bytes: usize,
    work: Box<dyn FnOnce() -> Result<(), String> + Send>,
) -> io::Result<Thread> {
    Builder::new().name(name.to_owned()).stack_size(stack_bytes).spawn(work)
}
