//! How threads start and end.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread::{self, Builder, JoinHandle};
use std::time::{Duration, Instant};

use crate::limits::STOP_PATIENCE;

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

/// What ends the threads: the reading end of a pipe is ready once the writing end is closed.
pub struct Stop {
    reader: Arc<OwnedFd>,
    writer: OwnedFd,
}

impl Stop {
    /// Nothing is to end yet.
    ///
    /// # Errors
    /// One line: there are no descriptors left.
    pub fn new() -> Result<Self, String> {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)
            .map_err(|error| format!("pipe: {error}"))?;
        Ok(Self { reader: Arc::new(reader), writer })
    }

    /// What a thread watches.
    pub fn reader(&self) -> Arc<OwnedFd> {
        Arc::clone(&self.reader)
    }

    /// Now they are to end.
    pub fn end(self) {
        drop(self.writer);
    }
}

/// Waits for the threads to end, but not for ever: what must be saved is saved without them.
pub fn join(threads: impl IntoIterator<Item = Thread>) {
    let deadline = Instant::now() + STOP_PATIENCE;
    for thread in threads {
        while !thread.is_finished() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
        if thread.is_finished() {
            match thread.join() {
                Ok(Ok(())) => {}
                Ok(Err(error)) => log::error!("{error}"),
                Err(_) => log::error!("a thread of the program failed"),
            }
        }
    }
}
