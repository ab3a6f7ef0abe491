//! The files of a package, as the router will see them.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::Error;

/// The mode of every directory.
pub const DIRECTORY_MODE: u32 = 0o755;
/// Where OpenWrt keeps configurations. They hold what others on the router should not read.
const CONFIGURATION: &str = "etc/config/";

/// A file or a directory. All belong to root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    /// A directory, which everyone may list.
    Directory,
    /// A regular file.
    File {
        /// Its permissions, such as 0o644.
        mode: u32,
        /// What is in it.
        content: Vec<u8>,
    },
}

/// Files and directories by their path, in the order of its bytes: a directory comes before what is in it.
///
/// Paths have no slash at either end. The root, of which the path is empty, is always there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tree {
    nodes: BTreeMap<String, Node>,
}

impl Default for Tree {
    fn default() -> Self {
        Self { nodes: BTreeMap::from([(String::new(), Node::Directory)]) }
    }
}

impl Tree {
    /// Everything, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// The regular files, in order: path, mode and content.
    pub fn files(&self) -> impl Iterator<Item = (&str, u32, &[u8])> {
        self.iter().filter_map(|(path, node)| match node {
            Node::Directory => None,
            Node::File { mode, content } => Some((path, *mode, content.as_slice())),
        })
    }

    /// The files that a user edits, and that an upgrade therefore leaves alone.
    pub fn configuration_files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files()
            .filter(|(path, ..)| path.starts_with(CONFIGURATION))
            .map(|(path, _, content)| (path, content))
    }

    /// Adds a file, and the directories above it.
    ///
    /// # Errors
    /// Something is at that path already.
    pub fn insert(&mut self, path: &str, mode: u32, content: Vec<u8>) -> Result<(), Error> {
        for (slash, _) in path.match_indices('/') {
            self.insert_directory(&path[..slash])?;
        }
        match self.nodes.insert(path.to_owned(), Node::File { mode, content }) {
            None => Ok(()),
            Some(_) => Err(Error::new(format!("/{path} would be in the package twice"))),
        }
    }

    fn insert_directory(&mut self, path: &str) -> Result<(), Error> {
        match self.nodes.entry(path.to_owned()).or_insert(Node::Directory) {
            Node::Directory => Ok(()),
            Node::File { .. } => Err(Error::new(format!("/{path} would be both a file and a directory"))),
        }
    }

    /// Adds a file from the disk under a name of the router's.
    ///
    /// # Errors
    /// It cannot be read, or something is at that path already.
    pub fn insert_file(&mut self, path: &str, mode: u32, source: &Path) -> Result<(), Error> {
        let content = fs::read(source).map_err(|error| Error::file(source, &error))?;
        self.insert(path, mode, without_comments(content))
    }

    /// Adds a directory's content under a directory of the router's; the empty path is its root.
    ///
    /// Of the permissions on disk, only the owner's execute bit counts, as in git: others depend on the umask
    /// of whoever checked the files out. Configurations are for root alone.
    ///
    /// # Errors
    /// Something cannot be read, is neither file nor directory, or is there already.
    pub fn insert_all(&mut self, path: &str, source: &Path) -> Result<(), Error> {
        let broken = |error| Error::file(source, &error);
        for entry in fs::read_dir(source).map_err(broken)? {
            let entry = entry.map_err(broken)?;
            let source = entry.path();
            let name = entry.file_name();
            let name = name
                .to_str()
                .filter(|name| is_name(name))
                .ok_or_else(|| Error::new(format!("{}: no such name in a package", source.display())))?;
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            // This does not follow symbolic links.
            let metadata = entry.metadata().map_err(|error| Error::file(&source, &error))?;
            if metadata.is_dir() {
                self.insert_directory(&path)?;
                self.insert_all(&path, &source)?;
            } else if metadata.is_file() {
                let mode = match metadata.permissions().mode() & 0o100 {
                    _ if path.starts_with(CONFIGURATION) => 0o600,
                    0 => 0o644,
                    _ => 0o755,
                };
                self.insert_file(&path, mode, &source)?;
            } else {
                return Err(Error::new(format!("{}: neither a file nor a directory", source.display())));
            }
        }
        Ok(())
    }
}

/// A shell script without the lines that are comments alone, which take 3 kB of a package; anything else as it
/// is. Whoever wants to know reads the source.
fn without_comments(content: Vec<u8>) -> Vec<u8> {
    if !content.starts_with(b"#!/bin/sh") {
        return content;
    }
    let is_comment = |line: &[u8]| line.trim_ascii_start().starts_with(b"#") && !line.starts_with(b"#!");
    let mut lines = content.split_inclusive(|byte| *byte == b'\n').collect::<Vec<_>>();
    lines.retain(|line| !is_comment(line));
    lines.concat()
}

/// Whether a package may name a file like this.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && !name.contains(|character: char| character == '/' || character.is_control())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_packed_without_comments() {
        let script = b"#!/bin/sh /etc/rc.common\n# Why.\n\nstart() { # here\n\t# And there.\n\techo '#'\n}\n";
        let packed = b"#!/bin/sh /etc/rc.common\n\nstart() { # here\n\techo '#'\n}\n";
        assert_eq!(without_comments(script.to_vec()), packed);
        assert_eq!(without_comments(b"# An option.\n".to_vec()), b"# An option.\n");
    }

    #[test]
    fn directories_come_first_and_nothing_comes_twice() {
        let mut tree = Tree::default();
        tree.insert("usr/sbin/x", 0o755, vec![1]).expect("new");
        tree.insert("etc/config/x", 0o600, vec![]).expect("new");
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["", "etc", "etc/config", "etc/config/x", "usr", "usr/sbin", "usr/sbin/x"]);
        assert_eq!(tree.configuration_files().map(|(path, _)| path).collect::<Vec<_>>(), ["etc/config/x"]);
        assert!(tree.insert("usr/sbin/x", 0o755, vec![2]).is_err());
        assert!(tree.insert("usr/sbin/x/y", 0o755, vec![2]).is_err());
        assert!(tree.insert("usr", 0o755, vec![2]).is_err());
    }
}
