//! The `.apk` of apk-tools 3: a database of all that is known about the package, then the files' contents.
//!
//! apk-tools describes the container in its manual page apk-v3(5). A file is `ADB.` and a schema, then blocks,
//! or `ADBd` and that in DEFLATE. Integers are little-endian throughout.

mod database;
mod read;
mod write;

pub use read::read;
pub use write::{file_name, write};

/// The first bytes of a file that is not compressed.
const PLAIN: &[u8; 4] = b"ADB.";
/// The first bytes of a file that is compressed with DEFLATE.
const DEFLATED: &[u8; 4] = b"ADBd";
/// The schema of a package.
const SCHEMA: &[u8; 4] = b"pckg";

/// A block's type, in the top two bits of its first word. The others are its size without the padding.
const BLOCK_TYPE_SHIFT: u32 = 30;
const BLOCK_DATABASE: u32 = 0;
const BLOCK_SIGNATURE: u32 = 1;
const BLOCK_FILE: u32 = 2;
/// Blocks begin at multiples of this many bytes.
const BLOCK_ALIGNMENT: usize = 8;

/// The bytes of the package's own hash: SHA-256, cut.
const UNIQUE_ID_LENGTH: usize = 20;

/// The slots of a package.
mod package {
    pub const INFO: usize = 1;
    pub const PATHS: usize = 2;
    pub const SCRIPTS: usize = 3;
    pub const LAST: usize = 5;
}

/// The slots of a package's description.
mod info {
    pub const NAME: usize = 1;
    pub const VERSION: usize = 2;
    pub const UNIQUE_ID: usize = 3;
    pub const DESCRIPTION: usize = 4;
    pub const ARCHITECTURE: usize = 5;
    pub const LICENSE: usize = 6;
    pub const ORIGIN: usize = 7;
    pub const BUILD_TIME: usize = 11;
    pub const INSTALLED_SIZE: usize = 12;
    pub const DEPENDS: usize = 15;
    pub const LAST: usize = 21;
}

/// The slots of a dependency. A version and how it compares could follow.
mod dependency {
    pub const NAME: usize = 1;
    pub const LAST: usize = 3;
}

/// The slots of a directory.
mod directory {
    pub const NAME: usize = 1;
    pub const ACL: usize = 2;
    pub const FILES: usize = 3;
    pub const LAST: usize = 3;
}

/// The slots of a file. Those that are links would have a target.
mod file {
    pub const NAME: usize = 1;
    pub const ACL: usize = 2;
    pub const SIZE: usize = 3;
    pub const TIME: usize = 4;
    pub const SHA256: usize = 5;
    pub const TARGET: usize = 6;
    pub const LAST: usize = 6;
}

/// The slots of an owner and permissions. Extended attributes could follow.
mod acl {
    pub const MODE: usize = 1;
    pub const USER: usize = 2;
    pub const GROUP: usize = 3;
    pub const LAST: usize = 3;
}

/// The scripts' names; their slots count from 1.
const SCRIPTS: [&str; 7] = [
    "trigger",
    "pre-install",
    "post-install",
    "pre-deinstall",
    "post-deinstall",
    "pre-upgrade",
    "post-upgrade",
];
