//! The only unsafe code: system calls that no crate of ours offers as a safe function.
#![allow(unsafe_code)]

use std::io;

/// Leaves the terminal: a child goes on in a session of its own, with /dev/null for its standard
/// files, and this process ends with success. The working directory stays, so that the paths on the
/// command line keep their meaning.
///
/// # Errors
/// The system call's own, and `Other` if this process has another thread: a child has only the one
/// that forked, and a lock that another held would never be opened.
pub fn detach() -> io::Result<()> {
    if thread_count()? != 1 {
        return Err(io::Error::other("other threads run already"));
    }
    // SAFETY: the call takes no pointer, and nothing but this thread runs, so the child that goes on
    // finds every lock and every structure as this thread left it.
    match unsafe { libc::daemon(1, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// How many threads this process has.
///
/// # Errors
/// /proc is not mounted.
pub fn thread_count() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}
