//! Packages of duskwatch for OpenWrt: the `.ipk` that opkg installs and the `.apk` of apk-tools 3.
//!
//! A [`Tree`] is what the router gets, a [`Package`] adds what its package manager wants to know. [`ipk`] and
//! [`apk`] write a package, to the same bytes each time, and read it again with every length, hash and
//! offset checked. What is read is the same [`Contents`] for both.

pub mod apk;
mod architecture;
pub mod catalog;
mod compress;
mod contents;
mod error;
pub mod ipk;
mod package;
mod scripts;
mod tree;

pub use architecture::{ARCHITECTURES, rust_target};
pub use contents::{Contents, Entry};
pub use error::Error;
pub use package::{DUSKWATCH, Description, LUCI_APP, Package, VENDORS};
pub use tree::{Node, Tree};

/// Opens a package of either format, whichever its first bytes say.
///
/// # Errors
/// What is wrong with it, in one line.
pub fn read(bytes: &[u8]) -> Result<Contents, Error> {
    match bytes {
        [b'A', b'D', b'B', ..] => apk::read(bytes),
        [0x1f, 0x8b, ..] => ipk::read(bytes),
        _ => Err(Error::new("this is neither an .apk of apk-tools 3 nor an .ipk")),
    }
}
