//! What a reader finds in a package.

use std::fmt;

/// A file or directory in a package. It belongs to root, or else the package would have been refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The path without a slash at either end; the root's is empty.
    pub path: String,
    /// The permissions.
    pub mode: u32,
    /// When it was changed, in seconds since 1970. An .apk has no times of directories.
    pub time: Option<u64>,
    /// What is in a file. None is a directory.
    pub content: Option<Vec<u8>>,
}

/// All that is in a package, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contents {
    /// What it says about itself: a field's name and value.
    pub fields: Vec<(String, String)>,
    /// What runs on the router when it comes or goes, and opkg's `conffiles`: name and text.
    pub scripts: Vec<(String, String)>,
    /// Its files and directories.
    pub entries: Vec<Entry>,
}

impl Contents {
    /// A field's value.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// A script's text.
    #[must_use]
    pub fn script(&self, name: &str) -> Option<&str> {
        self.scripts.iter().find(|(script, _)| script == name).map(|(_, text)| text.as_str())
    }

    /// The entry at a path without a slash in front.
    #[must_use]
    pub fn entry(&self, path: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.path == path)
    }
}

impl fmt::Display for Contents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.fields {
            writeln!(formatter, "{name}: {}", value.escape_debug())?;
        }
        for (name, text) in &self.scripts {
            writeln!(formatter, "{name}: {} lines", text.lines().count())?;
        }
        for entry in &self.entries {
            let path = entry.path.escape_debug();
            match &entry.content {
                Some(content) => writeln!(formatter, "{:04o} {:>9} /{path}", entry.mode, content.len())?,
                None => writeln!(formatter, "{:04o} directory /{path}", entry.mode)?,
            }
        }
        Ok(())
    }
}
