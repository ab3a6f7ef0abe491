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
    /// The checksum of what is on disk.
    written: u32,
}

impl KeptNames {
    /// Takes over the names that are on disk. What is wrong with the file is logged.
    pub fn new(directory: &Path, names: Names, now: Timestamp) -> Self {
        let path = directory.join(FILE);
        let kept = read(&path).unwrap_or_else(|error| {
            log::warn!("{}: the names of devices are not restored: {error}", path.display());
            Vec::new()
        });
        let skipped = names.restore(&kept, now);
        if skipped > 0 {
            log::warn!("{}: {skipped} lines skipped as invalid or too many", path.display());
        }
        Self { names, directory: directory.to_owned(), written: snapshot::checksum(&kept) }
    }

    /// True if somebody waits for a name to be kept.
    pub fn is_urgent(&self) -> bool {
        self.names.is_renamed()
    }

    /// Writes the names if they have changed and the budget allows it; the `last` time it may use up the rest.
    ///
    /// # Errors
    /// One line. The names that were kept before still are.
    pub fn save(&mut self, budget: &mut Budget, last: bool) -> Result<(), String> {
        let text = self.names.kept();
        let checksum = snapshot::checksum(text.as_bytes());
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

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = match open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        result => result?,
    };
    let mut bytes = Vec::new();
    file.take(DEVICE_NAMES_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
