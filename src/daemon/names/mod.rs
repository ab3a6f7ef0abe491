//! Names for addresses: from dnsmasq's leases, from hosts files, from reverse DNS, in this order.
//!
//! A name is bytes from a stranger. It is kept only if it looks like a host name, which no markup, no
//! control character and no address does; whoever prints it still escapes it.

mod history;
pub mod hosts;
pub mod leases;
mod reverse;

use std::fs::{self, File};
use std::io::{self, Read};
use std::mem;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::SystemTime;

use crate::limits::{NAME_BYTES_MAX, NAMES_DIRECTORY_ENTRIES_MAX, NAMES_FILE_BYTES_MAX, NAMES_FILES_MAX};
use crate::packet::{Address, Mac};
use crate::time::Timestamp;
use crate::view::{self, NameFacts};
use history::History;
use hosts::Hosts;
use leases::Leases;
use reverse::Reverse;

/// The name of a host: letters, digits, hyphens, underscores and dots.
pub type Name = heapless::String<NAME_BYTES_MAX>;

/// The bytes as a name, without a final dot; `None` if they are not one, or too long.
pub fn validate(bytes: &[u8]) -> Option<Name> {
    let bytes = bytes.strip_suffix(b".").unwrap_or(bytes);
    let is_name_byte = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let text = str::from_utf8(bytes).ok()?;
    let is_name = bytes.iter().all(is_name_byte)
        && text.split('.').all(|label| !label.is_empty())
        // A name that reads like an address would point at somebody else.
        && text.parse::<Ipv4Addr>().is_err();
    if is_name { Name::try_from(text).ok() } else { None }
}

/// Where names come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Lease files of dnsmasq; one that does not exist is empty.
    pub leases: Vec<PathBuf>,
    /// Files in the format of /etc/hosts, and directories of such files.
    pub hosts: Vec<PathBuf>,
    /// Whether the resolver may be asked (`--no-dns` says no).
    pub reverse: bool,
}

/// The files of OpenWrt and of Debian, and reverse DNS.
impl Default for Options {
    fn default() -> Self {
        Self {
            leases: vec!["/tmp/dhcp.leases".into(), "/var/lib/misc/dnsmasq.leases".into()],
            // OpenWrt's odhcpd writes a file for each network, or one for all before OpenWrt 25.12.
            hosts: vec!["/etc/hosts".into(), "/tmp/hosts".into()],
            reverse: true,
        }
    }
}

/// Names for addresses. Clones share everything; no call waits for the resolver or for a file, but
/// `reload`.
#[derive(Clone)]
pub struct Names {
    files: Arc<RwLock<Files>>,
    options: Arc<Options>,
    reverse: Option<Reverse>,
}

#[derive(Default)]
struct Files {
    leases: Leases,
    history: History,
    hosts: Hosts,
    versions: Vec<Version>,
}

/// When a file was written last, and its length; `None` if that cannot be told.
type Version = Option<(SystemTime, u64)>;

impl Names {
    /// Reads the files and, if allowed, starts the thread that asks the resolver.
    pub fn new(options: Options, now: Timestamp) -> io::Result<Self> {
        let reverse = if options.reverse { Some(Reverse::start()?) } else { None };
        let files = read_files(&options);
        let names = Self { files: Arc::new(RwLock::new(files)), options: Arc::new(options), reverse };
        names.files.write().unwrap_or_else(PoisonError::into_inner).history.look(now.seconds);
        Ok(names)
    }

    /// No names at all.
    pub fn none() -> Self {
        let options = Options { leases: Vec::new(), hosts: Vec::new(), reverse: false };
        Self { files: Arc::default(), options: Arc::new(options), reverse: None }
    }

    /// The address's name as far as it is known now. An unknown one is put on the resolver's list, so
    /// that it may be known at the next call.
    pub fn lookup(&self, address: Address) -> Option<Name> {
        let known = {
            let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
            files.leases.name(address).or_else(|| files.hosts.name(address)).cloned()
        };
        known.or_else(|| self.reverse.as_ref()?.lookup(address))
    }

    /// The name that the address had at a time in Unix seconds: that of the lease, if it has another one now.
    pub fn lookup_at(&self, address: Address, time: u64, mac: Mac) -> Option<Name> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let now = files.leases.get(address);
        let then = files.history.lease(now, address, time, mac);
        let is_now =
            then.as_ref().map(|lease| (lease.mac, &lease.name)) == now.map(|lease| (lease.mac, &lease.name));
        let in_hosts = files.hosts.name(address).cloned();
        drop(files);
        if is_now { self.lookup(address) } else { then.and_then(|lease| lease.name).or(in_hosts) }
    }

    /// The lease of an address at a time in Unix seconds, as far as is remembered. In the minute in which it changed
    /// hands, that of the device with this link-layer address goes before.
    pub fn lease(&self, address: Address, time: u64, mac: Mac) -> Option<view::Lease> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        files.history.lease(files.leases.get(address), address, time, mac)
    }

    /// What the look-up by reverse DNS has done so far, if it is on.
    pub fn statistics(&self) -> Option<NameFacts> {
        Some(self.reverse.as_ref()?.statistics())
    }

    /// The link-layer address to which this address is leased.
    pub fn mac(&self, address: Address) -> Option<Mac> {
        self.files.read().unwrap_or_else(PoisonError::into_inner).leases.mac(address)
    }

    /// The addresses that are leased at this time, and those of the hosts files.
    pub fn addresses(&self, now: Timestamp) -> Vec<Address> {
        let files = self.files.read().unwrap_or_else(PoisonError::into_inner);
        let leased = files.leases.all().iter().filter(|lease| lease.expiry > now.seconds);
        let named = files.hosts.all().iter().map(|(address, _)| *address);
        leased.map(|lease| lease.address).chain(named).collect()
    }

    /// Reads the files again if one of them has changed, so that what is wrong with them is not logged
    /// each time.
    pub fn refresh(&self, now: Timestamp) {
        let versions = versions(&self.options);
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        if files.versions == versions {
            files.history.look(now.seconds);
        } else {
            drop(files);
            self.reload(now);
        }
    }

    /// Reads the files again. One that cannot be read is logged and counts as empty.
    pub fn reload(&self, now: Timestamp) {
        let mut new = read_files(&self.options);
        // dnsmasq writes its leases in place: half of them would look as if the others had ended.
        if new.versions != versions(&self.options) {
            new = read_files(&self.options);
        }
        let mut files = self.files.write().unwrap_or_else(PoisonError::into_inner);
        new.history = mem::take(&mut files.history);
        new.history.note(&files.leases, &new.leases, now.seconds);
        *files = new;
    }
}

fn read_files(options: &Options) -> Files {
    // A change while they are read shows by their versions.
    let mut files = Files { versions: versions(options), ..Files::default() };
    for path in &options.leases {
        let more = leases::parse(&read(path));
        report_skipped(path, more.skipped());
        files.leases.merge(more);
    }
    for path in options.hosts.iter().flat_map(|path| files_of(path)) {
        let more = hosts::parse(&read(&path));
        report_skipped(&path, more.skipped());
        files.hosts.merge(more);
    }
    files
}

fn versions(options: &Options) -> Vec<Version> {
    let version = |path: PathBuf| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    let hosts = options.hosts.iter().flat_map(|path| files_of(path));
    options.leases.iter().cloned().chain(hosts).map(version).collect()
}

/// What a path stands for: itself, or if it is a directory the first `NAMES_FILES_MAX` of its files by name.
/// Hidden ones are still being written.
fn files_of(path: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(path) else { return vec![path.to_owned()] };
    let is_shown = |entry: &fs::DirEntry| !entry.file_name().as_encoded_bytes().starts_with(b".");
    let mut files: Vec<_> = entries
        .take(NAMES_DIRECTORY_ENTRIES_MAX)
        .filter_map(Result::ok)
        .filter(is_shown)
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    files.sort_unstable();
    files.truncate(NAMES_FILES_MAX);
    files
}

/// The start of a file, up to its last whole line within `NAMES_FILE_BYTES_MAX`; nothing if there is no
/// such file.
fn read(path: &Path) -> Vec<u8> {
    match read_start(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            log::warn!("{}: no names from this file: {error}", path.display());
            Vec::new()
        }
    }
}

fn read_start(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a FIFO would wait for its writer.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut bytes = Vec::new();
    let limit = NAMES_FILE_BYTES_MAX as u64 + 1;
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > NAMES_FILE_BYTES_MAX {
        log::warn!("{}: only the first {NAMES_FILE_BYTES_MAX} bytes are read", path.display());
        let end = bytes.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
        bytes.truncate(end);
    }
    Ok(bytes)
}

fn report_skipped(path: &Path, skipped: usize) {
    if skipped > 0 {
        log::info!("{}: {skipped} lines or names skipped as invalid or too many", path.display());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_700_000_000);

    fn address(text: &str) -> Address {
        Address::from(text.parse::<std::net::IpAddr>().unwrap())
    }

    #[test]
    fn only_host_names_are_names() {
        for good in ["nas", "nas.lan", "a_b-c.example", "4chan.org", "xn--bcher-kva.example", "x1.2.3.4"] {
            assert_eq!(validate(good.as_bytes()).as_deref(), Some(good));
        }
        assert_eq!(validate(b"nas.lan.").as_deref(), Some("nas.lan"));
        assert!(validate(&[b'a'; NAME_BYTES_MAX]).is_some());
        for bad in [
            &b""[..],
            b".",
            b"..",
            b"a..b",
            b".a",
            b"a b",
            b"a\n",
            b"a\0",
            b"<script>",
            b"a\"b",
            b"a\xff",
            b"192.168.1.1",
            b"192.168.1.1.",
            b"a/b",
            b"a:b",
            b"\x1b[31m",
            "n\u{e4}s".as_bytes(),
            &[b'a'; NAME_BYTES_MAX + 1],
        ] {
            assert_eq!(validate(bad), None, "{:?}", bad.escape_ascii().to_string());
        }
    }

    #[test]
    fn leases_come_before_hosts_and_a_reload_sees_changes() {
        let directory = std::env::temp_dir().join(format!("duskwatch-names-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let (leases, hosts) = (directory.join("leases"), directory.join("hosts"));
        fs::write(&hosts, "192.168.1.5 from-hosts\n192.168.1.6 only-hosts\n").unwrap();
        let options = Options { leases: vec![leases.clone()], hosts: vec![hosts.clone()], reverse: false };
        let names = Names::new(options, NOW).unwrap();
        assert_eq!(names.lookup(address("192.168.1.5")).as_deref(), Some("from-hosts"));
        assert_eq!(names.mac(address("192.168.1.5")), None);

        fs::write(&leases, "0 02:00:00:00:00:05 192.168.1.5 from-lease *\n").unwrap();
        names.clone().reload(NOW);
        assert_eq!(names.lookup(address("192.168.1.5")).as_deref(), Some("from-lease"));
        assert_eq!(names.mac(address("192.168.1.5")), Some(Mac([2, 0, 0, 0, 0, 5])));
        assert_eq!(names.lookup(address("192.168.1.6")).as_deref(), Some("only-hosts"));
        assert_eq!(names.lookup(address("192.168.1.7")), None);

        fs::write(&leases, "0 02:00:00:00:00:05 192.168.1.5 from-another-lease *\n").unwrap();
        names.refresh(NOW);
        assert_eq!(names.lookup(address("192.168.1.5")).as_deref(), Some("from-another-lease"));

        fs::write(&hosts, "192.168.1.6 cut\n".repeat(NAMES_FILE_BYTES_MAX / 8)).unwrap();
        names.reload(NOW);
        assert_eq!(names.lookup(address("192.168.1.6")).as_deref(), Some("cut"), "the start of a huge file");
        fs::remove_dir_all(&directory).unwrap();
        names.reload(NOW);
        assert_eq!(names.lookup(address("192.168.1.6")), None);
    }

    #[test]
    fn a_directory_is_its_files() {
        let directory = std::env::temp_dir().join(format!("duskwatch-hosts-{}", std::process::id()));
        fs::create_dir_all(directory.join("no-file")).unwrap();
        let options = Options { leases: Vec::new(), hosts: vec![directory.clone()], reverse: false };
        let names = Names::new(options, NOW).unwrap();
        assert_eq!(names.lookup(address("fd00::5")), None);

        fs::write(directory.join("odhcpd.hosts.lan"), "fd00::5\tnas.lan\tnas\n").unwrap();
        fs::write(directory.join("odhcpd.hosts.guest"), "fd00::6\ttv.lan\ttv\n").unwrap();
        fs::write(directory.join(".odhcpd.hosts.lan"), "fd00::7 unfinished\n").unwrap();
        names.refresh(NOW);
        assert_eq!(names.lookup(address("fd00::5")).as_deref(), Some("nas.lan"));
        assert_eq!(names.lookup(address("fd00::6")).as_deref(), Some("tv.lan"));
        assert_eq!(names.lookup(address("fd00::7")), None);

        for file in 0..2 * NAMES_FILES_MAX {
            fs::write(directory.join(format!("a{file:03}")), format!("fd00::{:x} a\n", 256 + file)).unwrap();
        }
        names.refresh(NOW);
        let known = (0..2 * NAMES_FILES_MAX)
            .filter(|file| names.lookup(address(&format!("fd00::{:x}", 256 + file))).is_some());
        assert_eq!(known.count(), NAMES_FILES_MAX);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_is_not_a_file_is_not_read() {
        assert_eq!(read(Path::new("/dev/zero")), b"");
        assert_eq!(read(Path::new("/")), b"");
    }
}
