//! The `.ipk` of opkg: a gzip'd tar of the format's version, the files, and what opkg is told about them.

use std::fmt::Write as _;
use std::io::Read;

use tar::{Archive, Builder, EntryType, Header};

use crate::Error;
use crate::compress;
use crate::contents::{Contents, Entry};
use crate::package::{LICENSE, Package, SOURCE};
use crate::scripts;
use crate::tree::{DIRECTORY_MODE, Node, is_name};

/// The members, in the order in which opkg expects them.
const MEMBERS: [&str; 3] = ["debian-binary", "data.tar.gz", "control.tar.gz"];
const FORMAT_VERSION: &[u8] = b"2.0\n";

/// The name under which opkg's feeds keep a package.
#[must_use]
pub fn file_name(package: &Package) -> String {
    format!("{}_{}_{}.ipk", package.description.name, package.full_version(), architecture(package))
}

fn architecture(package: &Package) -> &str {
    package.architecture.as_deref().unwrap_or("all")
}

/// Writes a package. Equal packages give equal bytes.
///
/// # Errors
/// A path is too long for a tar.
pub fn write(package: &Package) -> Result<Vec<u8>, Error> {
    let mut data = Writer::new(package.time);
    for (path, node) in package.tree.iter() {
        match node {
            Node::Directory => data.directory(path)?,
            Node::File { mode, content } => data.file(path, *mode, content)?,
        }
    }
    let data = data.finish()?;

    let mut conffiles = String::new();
    for (path, _) in package.tree.configuration_files() {
        let _ = writeln!(conffiles, "/{path}");
    }
    let mut control = Writer::new(package.time);
    control.directory("")?;
    if !conffiles.is_empty() {
        control.file("conffiles", 0o644, conffiles.as_bytes())?;
    }
    control.file("control", 0o644, fields(package, data.len()).as_bytes())?;
    for (name, text) in scripts::for_opkg(package) {
        control.file(name, 0o755, text.as_bytes())?;
    }

    let mut whole = Writer::new(package.time);
    let members = [FORMAT_VERSION.to_vec(), compress::gzip(&data)?, compress::gzip(&control.finish()?)?];
    for (name, content) in MEMBERS.into_iter().zip(members) {
        whole.file(name, 0o644, &content)?;
    }
    compress::gzip(&whole.finish()?)
}

/// The control file: one field a line.
fn fields(package: &Package, installed_size: usize) -> String {
    let description = package.description;
    let mut fields = vec![
        ("Package", description.name.to_owned()),
        ("Version", package.full_version()),
        ("Depends", description.depends.join(", ")),
        ("Source", SOURCE.to_owned()),
        ("SourceName", SOURCE.to_owned()),
        ("License", LICENSE.to_owned()),
        ("Section", description.section.to_owned()),
    ];
    fields.extend(description.user.map(|user| ("Require-User", user.to_owned())));
    fields.extend([
        ("SourceDateEpoch", package.time.to_string()),
        ("Architecture", architecture(package).to_owned()),
        ("Installed-Size", installed_size.to_string()),
        ("Description", description.summary.to_owned()),
    ]);
    fields.iter().fold(String::new(), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}: {value}");
        text
    })
}

/// A GNU tar in which everything is root's and of the same time.
struct Writer {
    builder: Builder<Vec<u8>>,
    time: u32,
}

impl Writer {
    fn new(time: u32) -> Self {
        Self { builder: Builder::new(Vec::new()), time }
    }

    fn directory(&mut self, path: &str) -> Result<(), Error> {
        let name = if path.is_empty() { "./".to_owned() } else { format!("./{path}/") };
        self.append(&name, EntryType::Directory, DIRECTORY_MODE, &[])
    }

    fn file(&mut self, path: &str, mode: u32, content: &[u8]) -> Result<(), Error> {
        self.append(&format!("./{path}"), EntryType::Regular, mode, content)
    }

    fn append(&mut self, name: &str, kind: EntryType, mode: u32, content: &[u8]) -> Result<(), Error> {
        let mut header = Header::new_gnu();
        // The library's own way to set a name would drop the dot in front.
        header
            .as_old_mut()
            .name
            .get_mut(..name.len())
            .ok_or_else(|| Error::new(format!("{name} is too long a path for a tar")))?
            .copy_from_slice(name.as_bytes());
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time.into());
        header.set_size(content.len() as u64);
        header.set_cksum();
        self.builder.append(&header, content).map_err(|error| Error::new(format!("{name}: {error}")))
    }

    fn finish(self) -> Result<Vec<u8>, Error> {
        self.builder.into_inner().map_err(|error| Error::new(format!("a tar: {error}")))
    }
}

/// Opens a package and checks that its members, files and fields are what opkg wants.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Contents, Error> {
    let members = read_tar(&compress::gunzip(bytes, "the package")?, "the package")?;
    if !members.iter().map(|member| member.path.as_str()).eq(MEMBERS) {
        return Err(Error::new(format!("the package's members are not {}", MEMBERS.join(", "))));
    }
    let content =
        |index: usize| members.get(index).and_then(|member| member.content.as_deref()).unwrap_or_default();
    if content(0) != FORMAT_VERSION {
        return Err(Error::new("debian-binary does not say 2.0"));
    }
    let data = compress::gunzip(content(1), MEMBERS[1])?;
    let entries = read_tar(&data, MEMBERS[1])?;
    let control = read_tar(&compress::gunzip(content(2), MEMBERS[2])?, MEMBERS[2])?;

    let mut fields = Vec::new();
    let mut scripts = Vec::new();
    for Entry { path, content, .. } in control {
        let Some(content) = content else { continue };
        let text = String::from_utf8(content).map_err(|_| Error::new(format!("{path} is not UTF-8")))?;
        if path == "control" {
            fields = read_fields(&text)?;
        } else {
            scripts.push((path, text));
        }
    }
    let contents = Contents { fields, scripts, entries };
    for name in ["Package", "Version", "Architecture", "Description"] {
        if contents.field(name).is_none_or(str::is_empty) {
            return Err(Error::new(format!("the control file has no {name}")));
        }
    }
    if contents.field("Installed-Size") != Some(&data.len().to_string()) {
        return Err(Error::new(format!("Installed-Size is not {}, the size of the files' tar", data.len())));
    }
    for line in contents.script("conffiles").unwrap_or_default().lines() {
        if contents.entry(line.trim_start_matches('/')).is_none_or(|entry| entry.content.is_none()) {
            return Err(Error::new(format!("conffiles names {line}, which is no file of the package")));
        }
    }
    Ok(contents)
}

fn read_fields(text: &str) -> Result<Vec<(String, String)>, Error> {
    text.lines()
        .map(|line| {
            let (name, value) = line
                .split_once(": ")
                .ok_or_else(|| Error::new(format!("the control file's line '{line}' is no field")))?;
            Ok((name.to_owned(), value.to_owned()))
        })
        .collect()
}

/// Reads a tar whose entries are root's files and directories below `./`, in order, each once.
fn read_tar(bytes: &[u8], what: &str) -> Result<Vec<Entry>, Error> {
    let broken = |error: std::io::Error| Error::new(format!("{what} is no whole tar: {error}"));
    let mut entries: Vec<Entry> = Vec::new();
    let mut archive = Archive::new(bytes);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|_| Error::new(format!("{what} has a name that is not UTF-8")))?;
        let refuse = |why: &str| Error::new(format!("{name} in {what} {why}"));
        let header = entry.header();
        if header.uid().map_err(broken)? != 0 || header.gid().map_err(broken)? != 0 {
            return Err(refuse("does not belong to root"));
        }
        let mode = header.mode().map_err(broken)?;
        let time = Some(header.mtime().map_err(broken)?);
        let kind = header.entry_type();
        let path = name.strip_prefix("./").ok_or_else(|| refuse("does not begin with ./"))?;
        let path = match kind {
            EntryType::Directory => path.strip_suffix('/').unwrap_or(path),
            EntryType::Regular => path,
            _ => return Err(refuse("is neither a file nor a directory")),
        };
        let is_root = path.is_empty() && kind == EntryType::Directory;
        if !is_root && !path.split('/').all(is_name) {
            return Err(refuse("is no path for a package"));
        }
        let content = if kind == EntryType::Directory {
            None
        } else {
            let mut content = Vec::new();
            entry.read_to_end(&mut content).map_err(broken)?;
            if content.len() as u64 != entry.size() {
                return Err(refuse("is cut off"));
            }
            Some(content)
        };
        entries.push(Entry { path: path.to_owned(), mode, time, content });
    }
    let mut paths: Vec<_> = entries.iter().map(|entry| &entry.path).collect();
    paths.sort_unstable();
    match paths.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(Error::new(format!("{what} has {} twice", pair[0]))),
        None => Ok(entries),
    }
}
