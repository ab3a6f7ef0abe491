//! The files of the snapshots: two generations, and never a moment without a complete one.
//!
//! A snapshot is written under a name of its own and made durable. Then the present generation takes the
//! place of the previous one, and the new one its place. Wherever a power cut interrupts this, the
//! newest of the files that are complete is either the new snapshot or the one before it.
//!
//! A snapshot of other interfaces than are watched now is put aside, and comes back with them.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::daemon::failure::failure;
use crate::limits::SNAPSHOT_FILE_BYTES_MAX;

/// One of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Generation {
    /// Being written; complete if only the renames were cut off.
    Unfinished,
    /// The latest.
    Present,
    /// The latest of other interfaces, from when those were watched here.
    Other,
    /// The one before the latest.
    Previous,
}

impl Generation {
    /// All, in the order in which they are tried.
    pub const NEWEST_FIRST: [Self; 4] = [Self::Unfinished, Self::Present, Self::Other, Self::Previous];

    const fn name(self) -> &'static str {
        match self {
            Self::Unfinished => "duskwatch.snapshot.new",
            Self::Present => "duskwatch.snapshot",
            Self::Other => "duskwatch.snapshot.other",
            Self::Previous => "duskwatch.snapshot.1",
        }
    }
}

/// Where a snapshot that cannot be restored is kept; the next one takes its place.
const BAD: &str = "duskwatch.snapshot.bad";

/// What is done to save a snapshot, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Write,
    Rotate,
    Publish,
    Sync,
}

impl Step {
    pub(super) const ALL: [Self; 4] = [Self::Write, Self::Rotate, Self::Publish, Self::Sync];
}

/// Keeps other programs out of a directory for as long as the result lives: they would take each other's
/// snapshots for their own. A directory that cannot be opened is left to who writes there, and so is one
/// on a file system that knows no locks.
///
/// # Errors
/// One line for the user: another program was first.
pub fn claim(option: &str, directory: &Path) -> Result<Option<File>, String> {
    let Ok(file) = File::open(directory) else { return Ok(None) };
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(format!(
            "{option} {}: another duskwatch keeps its state there; each needs a directory of its own",
            directory.display()
        )),
        Ok(()) | Err(TryLockError::Error(_)) => Ok(Some(file)),
    }
}

/// The files in their directory.
pub struct Generations {
    directory: PathBuf,
}

impl Generations {
    /// The files in this directory.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Where one of them is.
    pub fn path(&self, generation: Generation) -> PathBuf {
        self.directory.join(generation.name())
    }

    /// Saves a snapshot.
    ///
    /// # Errors
    /// One line. What was saved before is still there.
    pub fn save(&self, bytes: &[u8]) -> Result<(), String> {
        self.take_all(&Step::ALL, bytes)
    }

    /// Ends what a power cut has interrupted after the new snapshot was complete: else the next one,
    /// written under the same name, would put an end to the newest.
    ///
    /// # Errors
    /// One line.
    pub fn publish(&self, bytes: &[u8]) -> Result<(), String> {
        self.take_all(&Step::ALL[1..], bytes)
    }

    fn take_all(&self, steps: &[Step], bytes: &[u8]) -> Result<(), String> {
        for step in steps {
            self.take(*step, bytes).map_err(|error| {
                if *step == Step::Write {
                    let _ = fs::remove_file(self.path(Generation::Unfinished));
                }
                format!("{}: cannot save the snapshot: {error}", self.directory.display())
            })?;
        }
        Ok(())
    }

    pub(super) fn take(&self, step: Step, bytes: &[u8]) -> io::Result<()> {
        let [unfinished, present, _, previous] = Generation::NEWEST_FIRST.map(|each| self.path(each));
        match step {
            Step::Write => write_durably(&unfinished, |file| file.write_all(bytes)),
            Step::Rotate => rename_if_there(&present, &previous),
            Step::Publish => fs::rename(unfinished, present),
            Step::Sync => File::open(&self.directory)?.sync_all(),
        }
    }

    /// The bytes of a file, or `None` if it is not there.
    pub fn read(&self, generation: Generation) -> io::Result<Option<Vec<u8>>> {
        let file = match open(&self.path(generation)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            result => result?,
        };
        let length = file.metadata()?.len();
        if length > SNAPSHOT_FILE_BYTES_MAX {
            return Err(failure(io::ErrorKind::Other, "it is too large"));
        }
        let mut bytes = Vec::with_capacity(length as usize);
        file.take(SNAPSHOT_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// Puts the present snapshot, which is of other interfaces, aside until those are watched again. If the one that
    /// was put aside before `returns`, it becomes the present one. A power cut in between leaves both.
    pub fn exchange(&self, returns: bool) -> io::Result<()> {
        let [unfinished, present, other, _] = Generation::NEWEST_FIRST.map(|each| self.path(each));
        if returns {
            fs::rename(&other, &unfinished)?;
        }
        rename_if_there(&present, &other)?;
        if returns {
            fs::rename(unfinished, present)?;
        }
        File::open(&self.directory)?.sync_all()
    }

    /// Gives a bad file another name, and returns it.
    pub fn set_aside(&self, generation: Generation) -> io::Result<PathBuf> {
        let bad = self.directory.join(BAD);
        fs::rename(self.path(generation), &bad)?;
        Ok(bad)
    }
}

fn rename_if_there(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Opens a plain file for reading. A pipe would block and a device never end, so they are refused.
pub fn open(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(failure(io::ErrorKind::Other, "it is no plain file"));
    }
    Ok(file)
}

/// Creates a file that only its owner can read, and returns when what was written will survive a power
/// cut. A link in the file's place is not followed.
pub fn write_durably(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
    let mut file = options.open(path)?;
    write(&mut file)?;
    file.sync_all()
}
