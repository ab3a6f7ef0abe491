//! Names for devices and addresses: the owner's own ones, from dnsmasq's leases, from ethers files, from hosts
//! files, from reverse DNS, in this order. The last name of a device's lease is kept when the lease is gone.
//!
//! A name is bytes from a stranger. It is kept only if it looks like a host name, which no markup, no
//! control character and no address does; whoever prints it still escapes it. What the owner calls a device may be
//! anything that can be printed.

pub mod devices;
pub mod ethers;
mod history;
pub mod hosts;
pub mod leases;
mod reverse;
pub mod vendors;

use std::fs::{self, File};
use std::io::{self, Read};
use std::mem;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use crate::daemon::failure::failure;
use crate::limits::{NAME_BYTES_MAX, NAMES_DIRECTORY_ENTRIES_MAX, NAMES_FILE_BYTES_MAX, NAMES_FILES_MAX};
use crate::network::{Networks, Place};
use crate::packet::{Address, Mac};
use crate::time::Timestamp;
use crate::view::{self, NameFacts};
use devices::Devices;
use ethers::Ethers;
use history::History;
use hosts::Hosts;
use leases::Leases;
use reverse::Reverse;
use vendors::Vendors;

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
    /// Names that the owner gives, by link-layer address.
    pub own: Vec<(Mac, Name)>,
    /// Lease files of dnsmasq; one that does not exist is empty.
    pub leases: Vec<PathBuf>,
    /// Files in the format of /etc/ethers.
    pub ethers: Vec<PathBuf>,
    /// Files in the format of /etc/hosts, and directories of such files.
    pub hosts: Vec<PathBuf>,
    /// Whether the resolver may be asked (`--no-dns` says no).
    pub reverse: bool,
}

impl Options {
    /// Nothing at all.
    pub fn none() -> Self {
        Self { own: vec![], leases: vec![], ethers: vec![], hosts: vec![], reverse: false }
    }
}

/// The files of OpenWrt and of Debian, and reverse DNS.
impl Default for Options {
    fn default() -> Self {
        Self {
            own: Vec::new(),
            leases: vec!["/tmp/dhcp.leases".into(), "/var/lib/misc/dnsmasq.leases".into()],
            ethers: vec!["/etc/ethers".into()],
            // OpenWrt's odhcpd writes a file for each network, or one for all before OpenWrt 25.12.
            hosts: vec!["/etc/hosts".into(), "/tmp/hosts".into()],
            reverse: true,
        }
    }
}

/// Names for addresses. Clones share everything. No call waits for the resolver. `new`, `refresh` and `reload` look at
/// files, and `vendor` reads some blocks of its table; all others answer from memory.
#[derive(Clone)]
pub struct Names {
    files: Arc<RwLock<Files>>,
    renamed: Arc<AtomicBool>,
    options: Arc<Options>,
    reverse: Option<Reverse>,
    vendors: Option<Arc<Vendors>>,
}

#[derive(Default)]
struct Files {
    leases: Leases,
    history: History,
    devices: Devices,
    ethers: Ethers,
    hosts: Hosts,
    versions: Vec<Version>,
}

/// When a file was written last, and its length; `None` if that cannot be told.
type Version = Option<(SystemTime, u64)>;

impl Names {
    /// Reads the files and, if allowed, starts the thread that asks the resolver.
    pub fn new(options: Options, now: Timestamp) -> io::Result<Self> {
        let reverse = if options.reverse { Some(Reverse::start()?) } else { None };
        let mut files = read_files(&options);
        files.history.look(now.seconds);
        files.restore(Devices::default(), &options.own, now.seconds);
        let files = Arc::new(RwLock::new(files));
        Ok(Self { files, renamed: Arc::default(), options: Arc::new(options), reverse, vendors: None })
    }

    /// No names at all.
    pub fn none() -> Self {
        let options = Arc::new(Options::none());
        Self { files: Arc::default(), renamed: Arc::default(), options, reverse: None, vendors: None }
    }

    /// The same names, and this table of vendors.
    pub fn with_vendors(self, vendors: Option<Vendors>) -> Self {
        Self { vendors: vendors.map(Arc::new), ..self }
    }

    /// Who made a device, if that is known. A private address says nothing of it.
    pub fn vendor(&self, mac: Mac) -> Option<Name> {
        if mac.is_private() { None } else { self.vendors.as_ref()?.name(mac) }
    }

    /// The address's name as far as it is known now. An unknown one is put on the resolver's list, so
    /// that it may be known at the next call. `mac` is the link-layer address of the device that has the address, if
    /// it is known; that of the lease goes before, because a Wi-Fi repeater puts its own into others' frames.
    pub fn lookup(&self, address: Address, mac: Mac) -> Option<Name> {
        let files = self.read();
        let lease = files.leases.get(address);
        let mac = lease.and_then(|lease| lease.mac).unwrap_or(mac);
        let known = files
            .devices
            .own(mac)
            .or_else(|| lease?.name.as_ref())
            .or_else(|| files.ethers.name(mac))
            .or_else(|| files.hosts.name(address))
            // The DNS has a provider's name for a telephone's IPv6 address, if any.
            .or_else(|| files.devices.last(mac))
            .cloned();
        drop(files);
        known.or_else(|| self.reverse.as_ref()?.lookup(address))
    }

    /// The name of a device: the owner's, that of its last lease, or that of an ethers file. Hosts files and the DNS
    /// know addresses alone: [`Names::lookup`].
    pub fn device(&self, mac: Mac) -> Option<Name> {
        let files = self.read();
        let devices = &files.devices;
        devices.own(mac).or_else(|| devices.last(mac)).or_else(|| files.ethers.name(mac)).cloned()
    }

    /// Gives a device a name that is kept and goes before all others; an empty one takes it away again.
    ///
    /// # Errors
    /// One line for the user: it is no name, or there is no room for one more.
    pub fn rename(&self, mac: Mac, name: &str) -> Result<(), String> {
        if !mac.is_station() {
            return Err(format!("{mac}: no device has this address"));
        }
        let own = if name.trim().is_empty() { None } else { Some(devices::own_name(name)?) };
        if !self.write().devices.rename(mac, own) {
            return Err("there are too many names; take one away first".to_owned());
        }
        self.renamed.store(true, Relaxed);
        Ok(())
    }

    /// Takes over the names that were kept. Returns how many lines of them are no names, or too many.
    pub fn restore(&self, kept: &[u8], now: Timestamp) -> usize {
        let devices = devices::parse(kept);
        let skipped = devices.skipped();
        self.write().restore(devices, &self.options.own, now.seconds);
        skipped
    }

    /// The names that outlast the program, as [`Names::restore`] reads them.
    pub fn kept(&self) -> String {
        self.renamed.store(false, Relaxed);
        self.read().devices.text()
    }

    /// True if somebody has renamed a device since [`Names::kept`] was asked: that is kept without delay.
    pub fn is_renamed(&self) -> bool {
        self.renamed.load(Relaxed)
    }

    /// The name that the address had at a time in Unix seconds: that of the lease, if it has another one now.
    pub fn lookup_at(&self, address: Address, time: u64, mac: Mac) -> Option<Name> {
        let files = self.read();
        let now = files.leases.get(address);
        let then = files.history.lease(now, address, time, mac);
        let is_now =
            then.as_ref().map(|lease| (lease.mac, &lease.name)) == now.map(|lease| (lease.mac, &lease.name));
        // Packets from elsewhere come from the router before this one, whatever that is called.
        let is_near = Networks::private().place(address) != Place::Remote;
        let mac = then.as_ref().and_then(|lease| lease.mac).unwrap_or(if is_near { mac } else { Mac::ZERO });
        let own = files.devices.own(mac).cloned();
        let in_hosts = files.hosts.name(address).cloned();
        drop(files);
        match then {
            _ if own.is_some() => own,
            _ if is_now => self.lookup(address, mac),
            then => then.and_then(|lease| lease.name).or(in_hosts),
        }
    }

    /// The lease of an address at a time in Unix seconds, as far as is remembered. In the minute in which it changed
    /// hands, that of the device with this link-layer address goes before.
    pub fn lease(&self, address: Address, time: u64, mac: Mac) -> Option<view::Lease> {
        let files = self.read();
        files.history.lease(files.leases.get(address), address, time, mac)
    }

    /// What the look-up by reverse DNS has done so far, if it is on.
    pub fn statistics(&self) -> Option<NameFacts> {
        Some(self.reverse.as_ref()?.statistics())
    }

    /// The addresses that are leased at this time, and those of the hosts files.
    pub fn addresses(&self, now: Timestamp) -> Vec<Address> {
        let files = self.read();
        let leased = files.leases.all().iter().filter(|lease| lease.expiry > now.seconds);
        let named = files.hosts.all().iter().map(|(address, _)| *address);
        leased.map(|lease| lease.address).chain(named).collect()
    }

    /// Reads the files again if one of them has changed, so that what is wrong with them is not logged
    /// each time.
    pub fn refresh(&self, now: Timestamp) {
        let versions = versions(&self.options);
        let mut files = self.write();
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
        let mut files = self.write();
        new.history = mem::take(&mut files.history);
        new.history.note(&files.leases, &new.leases, now.seconds);
        new.devices = mem::take(&mut files.devices);
        new.see_devices(now.seconds);
        *files = new;
    }

    fn read(&self) -> RwLockReadGuard<'_, Files> {
        self.files.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Files> {
        self.files.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    /// Puts kept names into the place of all others of devices, but for those of options and leases.
    fn restore(&mut self, kept: Devices, own: &[(Mac, Name)], now: u64) {
        self.devices = kept;
        for (mac, name) in own {
            self.devices.give(*mac, name.clone());
        }
        self.see_devices(now);
    }

    /// Takes note of the names in the leases.
    fn see_devices(&mut self, now: u64) {
        for lease in self.leases.all() {
            if let (Some(mac), Some(name)) = (lease.mac, &lease.name) {
                self.devices.see(mac, name, now);
            }
        }
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
    for path in &options.ethers {
        let more = ethers::parse(&read(path));
        report_skipped(path, more.skipped());
        files.ethers.merge(more);
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
    options.leases.iter().chain(&options.ethers).cloned().chain(hosts).map(version).collect()
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
        return Err(failure(io::ErrorKind::InvalidInput, "not a regular file"));
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
        let options = Options { leases: vec![leases.clone()], hosts: vec![hosts.clone()], ..Options::none() };
        let names = Names::new(options, NOW).unwrap();
        assert_eq!(names.lookup(address("192.168.1.5"), Mac::ZERO).as_deref(), Some("from-hosts"));

        fs::write(&leases, "0 02:00:00:00:00:05 192.168.1.5 from-lease *\n").unwrap();
        names.clone().reload(NOW);
        assert_eq!(names.lookup(address("192.168.1.5"), Mac::ZERO).as_deref(), Some("from-lease"));
        assert_eq!(names.lookup(address("192.168.1.6"), Mac::ZERO).as_deref(), Some("only-hosts"));
        assert_eq!(names.lookup(address("192.168.1.7"), Mac::ZERO), None);

        fs::write(&leases, "0 02:00:00:00:00:05 192.168.1.5 from-another-lease *\n").unwrap();
        names.refresh(NOW);
        assert_eq!(names.lookup(address("192.168.1.5"), Mac::ZERO).as_deref(), Some("from-another-lease"));

        fs::write(&hosts, "192.168.1.6 cut\n".repeat(NAMES_FILE_BYTES_MAX / 8)).unwrap();
        names.reload(NOW);
        assert_eq!(
            names.lookup(address("192.168.1.6"), Mac::ZERO).as_deref(),
            Some("cut"),
            "the start of a huge file"
        );
        fs::remove_dir_all(&directory).unwrap();
        names.reload(NOW);
        assert_eq!(names.lookup(address("192.168.1.6"), Mac::ZERO), None);
    }

    const PHONE: Mac = Mac([2, 0, 0, 0, 0, 5]);
    const REPEATER: Mac = Mac([2, 0, 0, 0, 0, 9]);

    /// Each source has a name for the telephone.
    #[test]
    fn the_order_of_the_sources() {
        let directory = std::env::temp_dir().join(format!("duskwatch-order-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let [leases, ethers, hosts] = ["leases", "ethers", "hosts"].map(|name| directory.join(name));
        fs::write(&leases, "0 02:00:00:00:00:05 192.168.1.5 lease *\n").unwrap();
        fs::write(&ethers, "02:00:00:00:00:05 ethers\n").unwrap();
        fs::write(&hosts, "192.168.1.5 hosts\n").unwrap();
        let names = Names::new(
            Options {
                own: vec![(PHONE, devices::own_name("option").unwrap())],
                leases: vec![leases.clone()],
                ethers: vec![ethers.clone()],
                hosts: vec![hosts.clone()],
                reverse: false,
            },
            NOW,
        )
        .unwrap();
        let known = || {
            let by_address = names.lookup(address("192.168.1.5"), PHONE);
            (by_address.unwrap().to_string(), names.device(PHONE).map(|name| name.to_string()))
        };
        let both = |name: &str| (name.to_owned(), Some(name.to_owned()));
        assert_eq!(known(), both("option"));
        names.rename(PHONE, " Anna's phone ").unwrap();
        assert_eq!(known(), both("Anna's phone"), "what is given at run time goes before the option");
        names.rename(PHONE, "").unwrap();
        assert_eq!(known(), both("option"));

        let names = Names::new(Options { own: Vec::new(), ..(*names.options).clone() }, NOW).unwrap();
        let by_address = || names.lookup(address("192.168.1.5"), PHONE).unwrap();
        assert_eq!(by_address(), "lease");
        fs::write(&leases, "").unwrap();
        names.refresh(NOW);
        assert_eq!(by_address(), "ethers");
        assert_eq!(names.device(PHONE).unwrap(), "lease", "the last one is kept");
        fs::write(&ethers, "").unwrap();
        names.refresh(NOW);
        assert_eq!(by_address(), "hosts");
        fs::write(&hosts, "").unwrap();
        names.refresh(NOW);
        assert_eq!(by_address(), "lease", "the last one is kept");
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_devices_name_is_that_of_all_its_addresses_but_not_of_others() {
        let directory = std::env::temp_dir().join(format!("duskwatch-device-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let leases = directory.join("leases");
        fs::write(&leases, "0 02:00:00:00:00:05 192.168.1.5 phone *\n").unwrap();
        let names = Names::new(Options { leases: vec![leases], ..Options::none() }, NOW).unwrap();
        let name = |text, mac| names.lookup(address(text), mac).map(|name| name.to_string());
        assert_eq!(name("2001:db8::5", PHONE).as_deref(), Some("phone"));
        names.rename(REPEATER, "repeater").unwrap();
        assert_eq!(name("192.168.1.5", REPEATER).as_deref(), Some("phone"), "it stands before a repeater");
        names.rename(PHONE, "Anna").unwrap();
        assert_eq!(name("192.168.1.5", REPEATER).as_deref(), Some("Anna"));
        assert_eq!(name("192.168.1.9", REPEATER).as_deref(), Some("repeater"));
        let at = |text, mac| names.lookup_at(address(text), NOW.seconds, mac).map(|name| name.to_string());
        assert_eq!(at("192.168.1.9", REPEATER).as_deref(), Some("repeater"));
        assert_eq!(at("198.51.100.9", REPEATER), None, "that comes from behind it");
        assert_eq!(at("192.168.1.5", REPEATER).as_deref(), Some("Anna"));
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_is_kept_is_restored() {
        let names = Names::none();
        assert!(!names.is_renamed());
        for (mac, name) in [(PHONE, "<img src=x onerror=alert(1)>"), (REPEATER, "Gr\u{fc}n = \u{1f4f1}")] {
            names.rename(mac, name).unwrap();
        }
        assert!(names.is_renamed());
        let kept = names.kept();
        assert!(!names.is_renamed());
        let again = Names::none();
        assert_eq!(again.restore(kept.as_bytes(), NOW), 0);
        assert_eq!(again.device(PHONE).unwrap(), "<img src=x onerror=alert(1)>");
        assert_eq!(again.kept(), kept);
        let error = again.rename(PHONE, "a\nown 02:00:00:00:00:09 b").unwrap_err();
        assert_eq!(error, "takes a name of up to 63 bytes, such as Anna's laptop");
        assert!(again.rename(Mac([0xff; 6]), "all").unwrap_err().contains("no device has this address"));
        assert_eq!(again.kept(), kept);
    }

    #[test]
    fn a_directory_is_its_files() {
        let directory = std::env::temp_dir().join(format!("duskwatch-hosts-{}", std::process::id()));
        fs::create_dir_all(directory.join("no-file")).unwrap();
        let options = Options { hosts: vec![directory.clone()], ..Options::none() };
        let names = Names::new(options, NOW).unwrap();
        assert_eq!(names.lookup(address("fd00::5"), Mac::ZERO), None);

        fs::write(directory.join("odhcpd.hosts.lan"), "fd00::5\tnas.lan\tnas\n").unwrap();
        fs::write(directory.join("odhcpd.hosts.guest"), "fd00::6\ttv.lan\ttv\n").unwrap();
        fs::write(directory.join(".odhcpd.hosts.lan"), "fd00::7 unfinished\n").unwrap();
        names.refresh(NOW);
        assert_eq!(names.lookup(address("fd00::5"), Mac::ZERO).as_deref(), Some("nas.lan"));
        assert_eq!(names.lookup(address("fd00::6"), Mac::ZERO).as_deref(), Some("tv.lan"));
        assert_eq!(names.lookup(address("fd00::7"), Mac::ZERO), None);

        for file in 0..2 * NAMES_FILES_MAX {
            fs::write(directory.join(format!("a{file:03}")), format!("fd00::{:x} a\n", 256 + file)).unwrap();
        }
        names.refresh(NOW);
        let known = (0..2 * NAMES_FILES_MAX)
            .filter(|file| names.lookup(address(&format!("fd00::{:x}", 256 + file)), Mac::ZERO).is_some());
        assert_eq!(known.count(), NAMES_FILES_MAX);
        fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn what_is_not_a_file_is_not_read() {
        assert_eq!(read(Path::new("/dev/zero")), b"");
        assert_eq!(read(Path::new("/")), b"");
    }
}
