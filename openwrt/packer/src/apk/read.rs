//! Reading an `.apk`, from anyone.

use sha2::{Digest, Sha256};

use super::database::{Fields, Reader, Value};
use super::{
    BLOCK_ALIGNMENT, BLOCK_DATABASE, BLOCK_FILE, BLOCK_SIGNATURE, BLOCK_TYPE_SHIFT, DEFLATED, PLAIN, SCHEMA,
    SCRIPTS, UNIQUE_ID_LENGTH,
};
use super::{acl, dependency, directory, file, info, package as slots};
use crate::contents::{Contents, Entry};
use crate::tree::is_name;
use crate::{Error, compress};

/// Opens a package and checks every length, offset and hash in it.
///
/// A signature is skipped, since only the router knows whom to trust. Symbolic links, devices and
/// extended attributes are refused: our packages have none.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Contents, Error> {
    let plain = match bytes.split_first_chunk::<4>() {
        Some((DEFLATED, packed)) => compress::inflate(packed, "the package")?,
        Some((PLAIN, _)) => bytes.to_vec(),
        _ => {
            return Err(Error::new(
                "this is no .apk of apk-tools 3, or one in a compression other than DEFLATE",
            ));
        }
    };
    let header = [PLAIN.as_slice(), SCHEMA].concat();
    let mut rest = plain
        .strip_prefix(header.as_slice())
        .ok_or_else(|| Error::new("this is a database of apk-tools 3, but not a package"))?;

    let (kind, database) = take_block(&mut rest)?;
    if kind != BLOCK_DATABASE {
        return Err(Error::new("the first block is not the database"));
    }
    let (mut contents, files) = read_database(database)?;
    let mut files = files.into_iter();
    let mut signatures_allowed = true;
    while !rest.is_empty() {
        let (kind, payload) = take_block(&mut rest)?;
        match kind {
            BLOCK_SIGNATURE if signatures_allowed => {}
            BLOCK_FILE => {
                signatures_allowed = false;
                let file = files.next().ok_or_else(|| Error::new("there are more contents than files"))?;
                let entry =
                    contents.entries.get_mut(file.entry).ok_or_else(|| Error::new("no such entry"))?;
                entry.content = Some(file.content(payload, &entry.path)?);
            }
            _ => return Err(Error::new(format!("there is a block of type {kind} where none may be"))),
        }
    }
    match files.next().and_then(|file| contents.entries.get(file.entry)) {
        Some(entry) => Err(Error::new(format!("/{} has no content", entry.path))),
        None => Ok(contents),
    }
}

/// Takes a block with its padding from the front.
fn take_block<'bytes>(rest: &mut &'bytes [u8]) -> Result<(u32, &'bytes [u8]), Error> {
    let cut_off = || Error::new("a block is cut off");
    let head = u32::from_le_bytes(*rest.first_chunk().ok_or_else(cut_off)?);
    let size = (head & ((1 << BLOCK_TYPE_SHIFT) - 1)) as usize;
    let block = rest.get(..size.next_multiple_of(BLOCK_ALIGNMENT)).ok_or_else(cut_off)?;
    let payload = block.get(4..size).ok_or_else(|| Error::new("a block is smaller than its head"))?;
    if block[size..].iter().any(|byte| *byte != 0) {
        return Err(Error::new("a block's padding is not zero"));
    }
    *rest = &rest[block.len()..];
    Ok((head >> BLOCK_TYPE_SHIFT, payload))
}

/// A file whose content follows the database.
struct Expected {
    /// Its place among the entries.
    entry: usize,
    /// The number of its directory, and its own in that, both from 1.
    indices: [u32; 2],
    size: u64,
    hash: Vec<u8>,
}

impl Expected {
    /// The content in a block, if it is this file's.
    fn content(&self, payload: &[u8], path: &str) -> Result<Vec<u8>, Error> {
        let [path_index, file_index] = self.indices.map(u32::to_le_bytes);
        let content = payload
            .strip_prefix([path_index, file_index].concat().as_slice())
            .ok_or_else(|| Error::new(format!("the content at the place of /{path} is another file's")))?;
        if content.len() as u64 != self.size {
            return Err(Error::new(format!("/{path} has {} bytes, not {}", content.len(), self.size)));
        }
        if Sha256::digest(content).as_slice() != self.hash {
            return Err(Error::new(format!("/{path} is not what its SHA-256 says")));
        }
        Ok(content.to_vec())
    }
}

fn read_database(bytes: &[u8]) -> Result<(Contents, Vec<Expected>), Error> {
    let reader = Reader::new(bytes);
    let root = reader.object(reader.root()?, slots::LAST)?;
    let info = reader.object(root.get(slots::INFO), info::LAST)?;
    let fields = read_info(&reader, &info)?;
    let scripts = reader.object(root.get(slots::SCRIPTS), SCRIPTS.len())?;
    let scripts = (1..)
        .zip(SCRIPTS)
        .filter(|(slot, _)| !scripts.get(*slot).is_null())
        .map(|(slot, name)| Ok((name.to_owned(), reader.text(scripts.get(slot))?)))
        .collect::<Result<_, Error>>()?;
    let (entries, files) = read_paths(&reader, root.get(slots::PATHS))?;

    let size: u64 = files.iter().fold(0, |sum, file| file.size.saturating_add(sum));
    if reader.integer(info.get(info::INSTALLED_SIZE))? != size.max(1) {
        return Err(Error::new(format!("the installed size is not {size}, the sum of the files")));
    }
    check_unique_id(&reader, bytes, info.get(info::UNIQUE_ID))?;
    Ok((Contents { fields, scripts, entries }, files))
}

fn read_info(reader: &Reader<'_>, info: &Fields) -> Result<Vec<(String, String)>, Error> {
    let depends = reader
        .array(info.get(info::DEPENDS))?
        .into_iter()
        .map(|value| {
            let dependency = reader.object(value, dependency::LAST)?;
            reader.text(dependency.get(dependency::NAME))
        })
        .collect::<Result<Vec<_>, _>>()?;
    let mut fields = Vec::new();
    for (slot, name) in [
        (info::NAME, "name"),
        (info::VERSION, "version"),
        (info::DESCRIPTION, "description"),
        (info::ARCHITECTURE, "arch"),
        (info::LICENSE, "license"),
        (info::ORIGIN, "origin"),
    ] {
        fields.push((name.to_owned(), reader.text(info.get(slot))?));
    }
    if fields.iter().take(2).any(|(_, value)| value.is_empty()) {
        return Err(Error::new("the package has no name or no version"));
    }
    for (slot, name) in [(info::BUILD_TIME, "build-time"), (info::INSTALLED_SIZE, "installed-size")] {
        fields.push((name.to_owned(), reader.integer(info.get(slot))?.to_string()));
    }
    fields.push(("depends".to_owned(), depends.join(" ")));
    Ok(fields)
}

/// The directories and files in order, and which of them have content.
fn read_paths(reader: &Reader<'_>, paths: Value) -> Result<(Vec<Entry>, Vec<Expected>), Error> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut expected = Vec::new();
    let mut last_path: Option<String> = None;
    for (path_index, value) in (1_u32..).zip(reader.array(paths)?) {
        let fields = reader.object(value, directory::LAST)?;
        let path = reader.text(fields.get(directory::NAME))?;
        if !path.is_empty() && !path.split('/').all(is_name) {
            return Err(Error::new(format!("/{path} is no path for a package")));
        }
        if last_path.as_ref().is_some_and(|last| *last >= path) {
            return Err(Error::new(format!("/{path} is out of order")));
        }
        let mode = read_mode(reader, fields.get(directory::ACL), &path)?;
        entries.push(Entry { path: path.clone(), mode, time: None, content: None });

        let mut last_name = String::new();
        for (file_index, value) in (1_u32..).zip(reader.array(fields.get(directory::FILES))?) {
            let fields = reader.object(value, file::LAST)?;
            let name = reader.text(fields.get(file::NAME))?;
            let entry = read_file(reader, &fields, &path, &name)?;
            if last_name >= name {
                return Err(Error::new(format!("/{} is out of order", entry.path)));
            }
            last_name = name;
            let size = reader.integer(fields.get(file::SIZE))?;
            let hash = reader.blob(fields.get(file::SHA256))?.to_vec();
            if size > 0 {
                expected.push(Expected {
                    entry: entries.len(),
                    indices: [path_index, file_index],
                    size,
                    hash,
                });
            } else if Sha256::digest([]).as_slice() != hash {
                return Err(Error::new(format!("/{} is empty, which its SHA-256 does not say", entry.path)));
            }
            entries.push(entry);
        }
        last_path = Some(path);
    }
    Ok((entries, expected))
}

/// A file whose content is still to come.
fn read_file(reader: &Reader<'_>, fields: &Fields, directory: &str, name: &str) -> Result<Entry, Error> {
    let path = if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
    if !is_name(name) {
        return Err(Error::new(format!("/{path} is no path for a package")));
    }
    if !fields.get(file::TARGET).is_null() {
        return Err(Error::new(format!("/{path} is neither a file nor a directory")));
    }
    let mode = read_mode(reader, fields.get(file::ACL), &path)?;
    let time = Some(reader.integer(fields.get(file::TIME))?);
    Ok(Entry { path, mode, time, content: Some(Vec::new()) })
}

fn read_mode(reader: &Reader<'_>, value: Value, path: &str) -> Result<u32, Error> {
    let fields = reader.object(value, acl::LAST)?;
    if reader.blob(fields.get(acl::USER))? != b"root" || reader.blob(fields.get(acl::GROUP))? != b"root" {
        return Err(Error::new(format!("/{path} does not belong to root")));
    }
    let mode = reader.integer(fields.get(acl::MODE))?;
    u32::try_from(mode)
        .ok()
        .filter(|mode| *mode <= 0o7777)
        .ok_or_else(|| Error::new(format!("/{path} has the mode {mode:o}, which is none")))
}

/// Compares the database with its own hash, which was taken with zeros in its place.
fn check_unique_id(reader: &Reader<'_>, bytes: &[u8], value: Value) -> Result<(), Error> {
    let place = reader.blob_range(value)?;
    let mut zeroed = bytes.to_vec();
    let unique_id = zeroed
        .get_mut(place)
        .filter(|place| place.len() == UNIQUE_ID_LENGTH)
        .ok_or_else(|| Error::new(format!("the package's own hash has not {UNIQUE_ID_LENGTH} bytes")))?;
    let stated = unique_id.to_vec();
    unique_id.fill(0);
    if Sha256::digest(&zeroed)[..UNIQUE_ID_LENGTH] == stated {
        Ok(())
    } else {
        Err(Error::new("the database is not what its own hash says"))
    }
}
