//! A file that a form brings: it goes to the disk as it comes, and is gone when its request is answered.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The body of a form with one file (`multipart/form-data`, RFC 7578), on disk.
pub struct Upload {
    file: File,
    path: PathBuf,
    missing: u64,
    too_large: bool,
    failed: bool,
}

impl Upload {
    /// Makes room at this path for a body of so many bytes. A link in the file's place is not followed. A body of
    /// more than `bytes_max` is not kept; it comes all the same, since browsers and proxies that cannot send all of
    /// theirs show no answer.
    ///
    /// # Errors
    /// The system's own.
    pub fn create(path: &Path, bytes: u64, bytes_max: u64) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o600).custom_flags(libc::O_NOFOLLOW);
        let (path, file) = (path.to_owned(), options.open(path)?);
        Ok(Self { file, path, missing: bytes, too_large: bytes > bytes_max, failed: false })
    }

    /// True if it was not kept because of its size.
    pub fn is_too_large(&self) -> bool {
        self.too_large
    }

    /// Bytes that are still to come.
    pub fn missing(&self) -> u64 {
        self.missing
    }

    /// Takes the next bytes; those after the end are left out. After a failure to write, the rest is only counted.
    pub(super) fn take(&mut self, bytes: &[u8]) {
        let length = bytes.len().min(usize::try_from(self.missing).unwrap_or(usize::MAX));
        self.missing -= length as u64;
        if !self.too_large && !self.failed {
            self.failed = self.file.write_all(&bytes[..length]).is_err();
        }
    }

    /// Where the body is, if all of it could be written.
    pub fn path(&self) -> Option<&Path> {
        (!self.too_large && !self.failed && self.missing == 0).then_some(&self.path)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        // If it cannot be removed, the next upload takes its place.
        let _ = fs::remove_file(&self.path);
    }
}

/// Reads the file out of a form's body on disk.
///
/// # Errors
/// A line for people.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(|error| format!("the upload cannot be read: {error}"))?;
    file.read_to_end(&mut bytes).map_err(|error| format!("the upload cannot be read: {error}"))?;
    let (start, length) =
        content(&bytes).map(|(start, content)| (start, content.len())).ok_or("no file came")?;
    bytes.truncate(start + length);
    bytes.drain(..start);
    Ok(bytes)
}

/// Where the file begins in the body of a form that has nothing but it, and its bytes.
pub fn content(body: &[u8]) -> Option<(usize, &[u8])> {
    let line = body.windows(2).position(|two| two == b"\r\n")?;
    let boundary = body.get(..line).filter(|boundary| boundary.starts_with(b"--"))?;
    let start = body.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let content =
        body.get(start..)?.strip_suffix(b"--\r\n")?.strip_suffix(boundary)?.strip_suffix(b"\r\n")?;
    Some((start, content))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str =
        "Content-Disposition: form-data; name=\"state\"; filename=\"a\"\r\nContent-Type: x/y\r\n\r\n";

    #[test]
    fn the_file_is_what_is_in_the_frame() {
        for file in ["", "duskwatch\r\n\u{1a}", "\r\n\r\n--B\r\n\r\n--B-", "--B--\r\n"] {
            let body = format!("--B\r\n{HEAD}{file}\r\n--B--\r\n");
            let (start, content) = content(body.as_bytes()).unwrap();
            assert_eq!((start, content), (5 + HEAD.len(), file.as_bytes()));
        }
    }

    #[test]
    fn what_is_no_frame_is_no_file() {
        let body = format!("--B\r\n{HEAD}file\r\n--B--\r\n");
        for length in 0..body.len() {
            assert_eq!(content(&body.as_bytes()[..length]), None, "{length}");
        }
        for (from, to) in [("--B\r", "B\r"), ("--B\r", "--C\r"), ("\r\n\r\n", "\r\n"), ("--B--", "--B-")] {
            assert_eq!(content(body.replacen(from, to, 1).as_bytes()), None, "{from}");
        }
        assert_eq!(content(b"--B\r\n\r\n--B--\r\n"), None, "no head, and the frame's end is its beginning");
    }

    #[test]
    fn it_is_on_disk_until_it_is_answered() {
        let path = std::env::temp_dir().join(format!("duskwatch-upload-{}", std::process::id()));
        let mut upload = Upload::create(&path, 6, 6).unwrap();
        upload.take(b"abc");
        assert_eq!((upload.missing(), upload.path()), (3, None));
        upload.take(b"defghi");
        assert_eq!((upload.missing(), upload.path()), (0, Some(path.as_path())));
        assert_eq!(fs::read(&path).unwrap(), b"abcdef");
        assert_eq!(read(&path), Err("no file came".to_owned()));
        drop(upload);
        assert!(!path.exists());

        let mut upload = Upload::create(&path, 7, 6).unwrap();
        upload.take(b"abcdefg");
        assert!(upload.is_too_large() && upload.missing() == 0 && upload.path().is_none());
        assert_eq!(fs::read(&path).unwrap(), b"");
    }
}
