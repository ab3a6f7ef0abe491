//! Signals, as words that the main thread waits for.

use std::io::Read;
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
}

/// One pipe for each word, so that no number of signals of one kind hides another.
const WORDS: [(Signal, &[i32]); 3] =
    [(Signal::End, &[SIGTERM, SIGINT]), (Signal::Reload, &[SIGHUP]), (Signal::Save, &[SIGUSR1, SIGUSR2])];

/// The signals that the program listens to, from the moment that this is made.
pub struct Signals {
    pipes: [UnixStream; WORDS.len()],
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
        let all = || Ok([pipe(WORDS[0].1)?, pipe(WORDS[1].1)?, pipe(WORDS[2].1)?]);
        all().map(|pipes| Self { pipes }).map_err(|error: std::io::Error| format!("signals: {error}"))
    }

    /// Waits for a signal, no longer than `patience`. Signals of one kind that came together are one.
    pub fn wait(&mut self, patience: Option<Duration>) -> Option<Signal> {
        let timeout = patience.and_then(|patience| Timespec::try_from(patience).ok());
        let mut polled = self.pipes.each_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN));
        // An interruption is a signal, which has written into its pipe before the call returns.
        let _ = poll(&mut polled, timeout.as_ref());
        let mut bytes = [0; 64];
        WORDS.iter().zip(&mut self.pipes).find_map(|((word, _), pipe)| match pipe.read(&mut bytes) {
            Ok(1..) => Some(*word),
            _ => None,
        })
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
}
