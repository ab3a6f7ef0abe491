//! Signals, as words that the main thread waits for.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGTERM and SIGINT: save and end.
    End,
    /// SIGHUP: read the names again.
    Reload,
    /// SIGUSR1 and SIGUSR2: save now.
    Save,
    /// No signal: a [`Farewell`] was dropped.
    ThreadEnded,
}

/// One pipe for each word, so that no number of signals of one kind hides another.
const WORDS: [(Signal, &[i32]); 3] =
    [(Signal::End, &[SIGTERM, SIGINT]), (Signal::Reload, &[SIGHUP]), (Signal::Save, &[SIGUSR1, SIGUSR2])];

/// Wakes [`Signals::wait`] when it is dropped: by the thread that owns it, however that ends.
pub struct Farewell(UnixStream);

impl Drop for Farewell {
    fn drop(&mut self) {
        // If there is no room, others have written before.
        let _ = self.0.write(&[0]);
    }
}

/// The signals that the program listens to, from the moment that this is made.
pub struct Signals {
    pipes: [UnixStream; WORDS.len()],
    farewell: UnixStream,
    farewells: UnixStream,
}

impl Signals {
    /// Catches the signals from now on.
    ///
    /// # Errors
    /// One line: the system has no descriptors left.
    pub fn catch() -> Result<Self, String> {
        let pipe = |signals: &[i32]| -> std::io::Result<UnixStream> {
            let (reader, writer) = UnixStream::pair()?;
            reader.set_nonblocking(true)?;
            for &signal in signals {
                signal_hook::low_level::pipe::register(signal, writer.try_clone()?)?;
            }
            Ok(reader)
        };
        let all = || {
            let (farewells, farewell) = UnixStream::pair()?;
            farewell.set_nonblocking(true)?;
            let pipes = [pipe(WORDS[0].1)?, pipe(WORDS[1].1)?, pipe(WORDS[2].1)?];
            Ok(Self { pipes, farewell, farewells })
        };
        all().map_err(|error: std::io::Error| format!("signals: {error}"))
    }

    /// What a thread is given so that its end is noticed.
    ///
    /// # Errors
    /// One line: the system has no descriptors left.
    pub fn farewell(&self) -> Result<Farewell, String> {
        self.farewell.try_clone().map(Farewell).map_err(|error| format!("signals: {error}"))
    }

    /// Waits for a signal, no longer than `patience`. Signals of one kind that came together are one. After
    /// the end of a thread there is nothing else any more.
    pub fn wait(&mut self, patience: Option<Duration>) -> Option<Signal> {
        let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
        let all = self.pipes.iter().chain([&self.farewells]);
        let mut polled = heapless::Vec::<_, { WORDS.len() + 1 }>::new();
        polled.extend(all.map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        // An interruption is a signal, which has written into its pipe before the call returns.
        let _ = poll(&mut polled, timeout.as_ref());
        let thread_ended = polled.last().is_some_and(|pipe| !pipe.revents().is_empty());
        drop(polled);
        let mut bytes = [0; 64];
        let signal =
            WORDS.iter().zip(&mut self.pipes).find_map(|((word, _), pipe)| match pipe.read(&mut bytes) {
                Ok(1..) => Some(*word),
                _ => None,
            });
        signal.or(thread_ended.then_some(Signal::ThreadEnded))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_arrive_as_words_and_time_runs_out() {
        let mut signals = Signals::catch().unwrap();
        assert_eq!(signals.wait(Some(Duration::ZERO)), None);
        signal_hook::low_level::raise(SIGUSR1).unwrap();
        signal_hook::low_level::raise(SIGUSR1).unwrap();
        signal_hook::low_level::raise(SIGHUP).unwrap();
        assert_eq!(signals.wait(Some(Duration::from_secs(5))), Some(Signal::Reload));
        assert_eq!(signals.wait(Some(Duration::from_secs(5))), Some(Signal::Save));
        assert_eq!(signals.wait(Some(Duration::ZERO)), None);
    }

    #[test]
    fn a_thread_that_fails_says_farewell() {
        let mut signals = Signals::catch().unwrap();
        let farewell = signals.farewell().unwrap();
        assert_eq!(signals.wait(Some(Duration::ZERO)), None);
        let thread = std::thread::spawn(move || {
            let _farewell = farewell;
            std::panic::resume_unwind(Box::new(()));
        });
        assert_eq!(signals.wait(Some(Duration::from_secs(5))), Some(Signal::ThreadEnded));
        assert!(thread.join().is_err());
    }
}
