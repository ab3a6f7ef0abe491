//! The file of the devices' names, in the directory of the snapshots.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::budget::Budget;
use super::files::{open, write_durably};
use crate::daemon::names::Names;
use crate::limits::DEVICE_NAMES_FILE_BYTES_MAX;
use crate::snapshot;
use crate::time::Timestamp;

const FILE: &str = "duskwatch.names";

/// Names that are kept on disk. They are written only if they have changed.
pub struct KeptNames {
    names: Names,
    directory: PathBuf,
    /// The checksum of the names on disk.
    written: u32,
    /// The file was set aside, and what could be read of it is still to be written.
    is_due: bool,
}

impl KeptNames {
    /// Takes over the names that are on disk. A file with which something is wrong is kept under another name.
    pub fn new(directory: &Path, names: Names, now: Timestamp) -> Self {
        let path = directory.join(FILE);
        let (kept, mut trouble) = match read(&path) {
            Ok((kept, false)) => (kept, None),
            Ok((kept, true)) => {
                (kept, Some(format!("only its first {DEVICE_NAMES_FILE_BYTES_MAX} bytes are read")))
            }
            Err(error) => (Vec::new(), Some(format!("the names of devices are not restored: {error}"))),
        };
        let skipped = names.restore(&kept, now);
        if skipped > 0 && trouble.is_none() {
            trouble = Some(format!("{skipped} lines skipped as invalid or too many"));
        }
        if let Some(trouble) = &trouble {
            set_aside(&path, trouble);
        }
        let is_whole = trouble.is_none();
        let written = if is_whole { checksum(&kept) } else { 0 };
        Self { names, directory: directory.to_owned(), written, is_due: !is_whole }
    }

    /// True if somebody waits for a name to be kept, or if the good lines of a bad file are.
    pub fn is_urgent(&self) -> bool {
        self.is_due || self.names.is_renamed()
    }

    /// Writes the names if they have changed and the budget allows it; the `last` time it may use up the rest.
    ///
    /// # Errors
    /// One line. The names that were kept before still are.
    pub fn save(&mut self, budget: &mut Budget, last: bool) -> Result<(), String> {
        self.is_due = false;
        let text = self.names.kept();
        let checksum = checksum(text.as_bytes());
        let size = text.len() as u64;
        if checksum == self.written || !budget.allows(size, last) {
            return Ok(());
        }
        budget.add(size);
        self.write(&text).map_err(|error| {
            format!("{}: cannot save the names of devices: {error}", self.directory.display())
        })?;
        self.written = checksum;
        Ok(())
    }

    /// In a power cut, either the old file or the new one is whole.
    fn write(&self, text: &str) -> io::Result<()> {
        let path = self.directory.join(FILE);
        let unfinished = path.with_extension("names.new");
        write_durably(&unfinished, |file| file.write_all(text.as_bytes()))?;
        fs::rename(unfinished, path)?;
        File::open(&self.directory)?.sync_all()
    }
}

/// One of the lines in any order: that devices come and go is no reason to wear out the flash.
fn checksum(text: &[u8]) -> u32 {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.fold(0, |sum, line| sum.wrapping_add(snapshot::checksum(line)))
}

/// The file's whole lines within the limit, and whether there are more.
fn read(path: &Path) -> io::Result<(Vec<u8>, bool)> {
    let file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((Vec::new(), false)),
        result => result?,
    };
    let mut bytes = Vec::new();
    file.take(DEVICE_NAMES_FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    let is_long = bytes.len() as u64 > DEVICE_NAMES_FILE_BYTES_MAX;
    if is_long {
        // Half a name would be another one.
        let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        bytes.truncate(end);
    }
    Ok((bytes, is_long))
}

/// Gives a file another name before the next save takes its place: somebody may have edited it.
fn set_aside(path: &Path, trouble: &str) {
    let bad = path.with_extension("names.bad");
    match fs::rename(path, &bad) {
        Ok(()) => log::warn!("{}: {trouble}; it is kept as {}", path.display(), bad.display()),
        Err(error) => log::warn!("{}: {trouble}; it cannot be set aside: {error}", path.display()),
    }
}
