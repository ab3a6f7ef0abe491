//! Writing an `.apk`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::database::{Reader, Value, Writer};
use super::{
    BLOCK_ALIGNMENT, BLOCK_DATABASE, BLOCK_FILE, BLOCK_TYPE_SHIFT, DEFLATED, PLAIN, SCHEMA, SCRIPTS,
    UNIQUE_ID_LENGTH,
};
use super::{acl, dependency, directory, file, info, package as slots};
use crate::package::{LICENSE, Package, SOURCE};
use crate::tree::{DIRECTORY_MODE, Node, Tree};
use crate::{Error, compress, scripts};

/// The files in a directory: name, mode and content.
type Files<'tree> = Vec<(&'tree str, u32, &'tree [u8])>;

/// The name under which apk's feeds keep a package. The architecture is that of the feed.
#[must_use]
pub fn file_name(package: &Package) -> String {
    format!("{}-{}.apk", package.description.name, package.full_version())
}

/// Writes a package. Equal packages give equal bytes.
///
/// # Errors
/// It is too large for the format, or has a file of a name that OpenWrt keeps for itself.
pub fn write(package: &Package) -> Result<Vec<u8>, Error> {
    let tree = with_lists(package)?;
    let directories = directories(&tree);
    let mut plain = [PLAIN.as_slice(), SCHEMA].concat();
    append_block(&mut plain, BLOCK_DATABASE, &database(package, &directories)?)?;
    for (path_index, files) in (1_u32..).zip(directories.values()) {
        for (file_index, (_, _, content)) in (1_u32..).zip(files) {
            if !content.is_empty() {
                let block = [&path_index.to_le_bytes(), &file_index.to_le_bytes(), *content].concat();
                append_block(&mut plain, BLOCK_FILE, &block)?;
            }
        }
    }
    Ok([DEFLATED.as_slice(), &compress::deflate(&plain)?].concat())
}

fn append_block(file: &mut Vec<u8>, kind: u32, payload: &[u8]) -> Result<(), Error> {
    let size = u32::try_from(payload.len() + 4)
        .ok()
        .filter(|size| size >> BLOCK_TYPE_SHIFT == 0)
        .ok_or_else(|| Error::new(format!("{} bytes are too many for an .apk", payload.len())))?;
    file.extend((kind << BLOCK_TYPE_SHIFT | size).to_le_bytes());
    file.extend(payload);
    file.resize(file.len().next_multiple_of(BLOCK_ALIGNMENT), 0);
    Ok(())
}

/// The tree with what OpenWrt's own scripts look up: users, files, and configurations with their hashes.
///
/// The list names what was there before it, so of these four only the users.
fn with_lists(package: &Package) -> Result<Tree, Error> {
    let base = format!("lib/apk/packages/{}", package.description.name);
    let mut tree = package.tree.clone();
    let insert = |tree: &mut Tree, end: &str, text: String| {
        if text.is_empty() { Ok(()) } else { tree.insert(&format!("{base}.{end}"), 0o644, text.into_bytes()) }
    };
    if let Some(user) = package.description.user {
        insert(&mut tree, "rusers", format!("{user}\n"))?;
    }
    let (mut list, mut names, mut hashes) = (String::new(), String::new(), String::new());
    for (path, ..) in tree.files() {
        let _ = writeln!(list, "/{path}");
    }
    for (path, content) in tree.configuration_files() {
        let _ = writeln!(names, "/{path}");
        let _ = write!(hashes, "/{path} ");
        for byte in Sha256::digest(content) {
            let _ = write!(hashes, "{byte:02x}");
        }
        hashes.push('\n');
    }
    insert(&mut tree, "list", list)?;
    insert(&mut tree, "conffiles", names)?;
    insert(&mut tree, "conffiles_static", hashes)?;
    Ok(tree)
}

/// The files of each directory, all in the order of their names' bytes.
fn directories(tree: &Tree) -> BTreeMap<&str, Files<'_>> {
    let mut directories: BTreeMap<&str, Files<'_>> = BTreeMap::new();
    for (path, node) in tree.iter() {
        match node {
            Node::Directory => {
                directories.entry(path).or_default();
            }
            Node::File { mode, content } => {
                let (directory, name) = path.rsplit_once('/').unwrap_or(("", path));
                directories.entry(directory).or_default().push((name, *mode, content));
            }
        }
    }
    directories
}

/// The database, with the hash of itself inside.
fn database(package: &Package, directories: &BTreeMap<&str, Files<'_>>) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new();
    let paths: Vec<_> = directories
        .iter()
        .map(|(name, files)| directory_object(&mut writer, name, files, package.time))
        .collect();
    let paths = writer.array(&paths);
    let size: u64 = directories.values().flatten().map(|(_, _, content)| content.len() as u64).sum();
    let (info, unique_id) = info_object(&mut writer, package, size.max(1));
    let scripts: Vec<_> = scripts::for_apk(package)
        .into_iter()
        .filter_map(|(name, text)| {
            let slot = SCRIPTS.iter().position(|script| *script == name)? + 1;
            Some((slot, writer.blob(text.as_bytes())))
        })
        .collect();
    let scripts = writer.object(&scripts);
    let root = writer.object(&[(slots::INFO, info), (slots::PATHS, paths), (slots::SCRIPTS, scripts)]);
    let mut bytes = writer.finish(root)?;

    // The hash is that of the database with zeros in its place.
    let hash = Sha256::digest(&bytes);
    let place = Reader::new(&bytes).blob_range(unique_id)?;
    bytes[place].copy_from_slice(&hash[..UNIQUE_ID_LENGTH]);
    Ok(bytes)
}

/// The package's description, and where its own hash goes.
fn info_object(writer: &mut Writer, package: &Package, size: u64) -> (Value, Value) {
    let description = package.description;
    let mut depends = description.depends.to_vec();
    depends.sort_unstable();
    let depends: Vec<_> = depends
        .iter()
        .map(|name| {
            let name = writer.blob(name.as_bytes());
            writer.object(&[(dependency::NAME, name)])
        })
        .collect();
    let unique_id = writer.blob(&[0; UNIQUE_ID_LENGTH]);
    let fields = [
        (info::NAME, writer.blob(description.name.as_bytes())),
        (info::VERSION, writer.blob(package.full_version().as_bytes())),
        (info::UNIQUE_ID, unique_id),
        (info::DESCRIPTION, writer.blob(description.summary.as_bytes())),
        (info::ARCHITECTURE, writer.blob(package.architecture.as_deref().unwrap_or("noarch").as_bytes())),
        (info::LICENSE, writer.blob(LICENSE.as_bytes())),
        (info::ORIGIN, writer.blob(SOURCE.as_bytes())),
        (info::BUILD_TIME, writer.integer(package.time.into())),
        (info::INSTALLED_SIZE, writer.integer(size)),
        (info::DEPENDS, writer.array(&depends)),
    ];
    (writer.object(&fields), unique_id)
}

fn directory_object(writer: &mut Writer, name: &str, files: &Files<'_>, time: u32) -> Value {
    let files: Vec<_> = files
        .iter()
        .map(|(name, mode, content)| {
            let fields = [
                (file::NAME, writer.blob(name.as_bytes())),
                (file::ACL, acl_object(writer, *mode)),
                (file::SIZE, writer.integer(content.len() as u64)),
                (file::TIME, writer.integer(time.into())),
                (file::SHA256, writer.blob(&Sha256::digest(content))),
            ];
            writer.object(&fields)
        })
        .collect();
    let fields = [
        (directory::NAME, writer.blob(name.as_bytes())),
        (directory::ACL, acl_object(writer, DIRECTORY_MODE)),
        (directory::FILES, writer.array(&files)),
    ];
    writer.object(&fields)
}

fn acl_object(writer: &mut Writer, mode: u32) -> Value {
    let fields = [
        (acl::MODE, writer.integer(mode.into())),
        (acl::USER, writer.blob(b"root")),
        (acl::GROUP, writer.blob(b"root")),
    ];
    writer.object(&fields)
}
