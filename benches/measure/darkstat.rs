//! How darkstat (Debian's package of that name) is run for the comparison.

use std::path::Path;
use std::process::Command;

use crate::tools::Line;
use crate::traces;

/// What every run of it has. It insists on a chroot for what it exports, and then ignores it for a file.
fn options() -> Line {
    let directory = traces::directory().display().to_string();
    let words = ["--no-daemon", "--no-dns", "--user", "root", "--chroot", &directory];
    words.map(str::to_owned).to_vec()
}

/// Accounts a file and saves what it has counted, which is all that it can do with one.
pub fn read(file: &Path) -> Line {
    let mut line = vec!["darkstat".to_owned(), "-r".to_owned(), file.display().to_string()];
    line.extend(["--export", "darkstat.db"].map(str::to_owned));
    line.extend(options());
    line
}

/// Captures on interfaces and serves its page.
pub fn live(interfaces: &[&str], port: u16) -> Line {
    let mut line = vec!["darkstat".to_owned(), "-p".to_owned(), port.to_string()];
    for interface in interfaces {
        line.extend(["-i".to_owned(), (*interface).to_owned()]);
    }
    line.extend(options());
    line
}

/// True if it is installed.
pub fn is_here() -> bool {
    Command::new("darkstat").arg("--version").output().is_ok()
}
