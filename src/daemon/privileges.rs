//! Giving up what is not needed once the sockets are open.
//!
//! Linux keeps user, groups and capabilities for each thread, and the functions used here change the
//! calling thread alone. That is all of the process as long as it has one thread, which is checked;
//! threads that start later inherit.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::process::{Gid, Uid, getegid, geteuid};
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, clear_ambient_capability_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use super::config::Process;
use super::options::printable;
use super::system::thread_count;
use crate::limits::SYSTEM_FILE_BYTES_MAX;

/// What is kept: an interface that went away has to be opened again.
const KEPT: CapabilitySet = CapabilitySet::NET_RAW;

/// Users to become, the first that exists, unless --user names one.
const USERS: [&str; 2] = ["duskwatch", "nobody"];

/// A line of /etc/passwd.
#[derive(Clone, Debug, PartialEq, Eq)]
struct User {
    name: String,
    uid: u32,
    gid: u32,
}

/// Enters --chroot, becomes --user, and keeps no capability but that of raw sockets. Without root
/// there is no other user to become; the capabilities and the way back to more of them go all the same.
/// Returns a line for the log.
///
/// # Errors
/// A line that says which step failed. The process must then end: some of its privileges may be gone
/// and some not.
pub fn give_up(process: &Process) -> Result<String, String> {
    let threads = thread_count().map_err(|error| format!("/proc/self/task cannot be read: {error}"))?;
    if threads != 1 {
        return Err(format!("privileges cannot be dropped: {threads} threads run already"));
    }
    if !geteuid().is_root() {
        return without_root(process);
    }
    // The list of users is outside the new root directory.
    let user = choose_user(&read_users()?, process.user.as_deref())?;
    if let Some(directory) = &process.chroot {
        enter(directory).map_err(|error| format!("--chroot {}: {error}", directory.display()))?;
    }
    become_user(&user).map_err(|(step, error)| format!("--user {}: {step} failed: {error}", user.name))?;
    Ok(format!("running as user {} ({})", user.name, user.uid))
}

/// Makes sure that captures can be opened, before anything is: libpcap's own words for it name neither
/// the privilege nor a remedy. Where the program's file grants the privilege without putting it into
/// effect (`setcap cap_net_raw=p`), as in the container image, that is done here.
///
/// # Errors
/// A line that names both.
pub fn claim_raw_sockets() -> Result<(), String> {
    let sets = capabilities(None).map_err(|error| format!("capabilities cannot be read: {error}"))?;
    if !sets.permitted.contains(CapabilitySet::NET_RAW) {
        return Err("capturing takes root, or the capability CAP_NET_RAW: setcap cap_net_raw=p on the \
                    program's file, --cap-add NET_RAW for a container"
            .to_owned());
    }
    if sets.effective.contains(CapabilitySet::NET_RAW) {
        return Ok(());
    }
    let claimed = CapabilitySets { effective: sets.effective | CapabilitySet::NET_RAW, ..sets };
    set_capabilities(None, claimed).map_err(|error| format!("CAP_NET_RAW cannot be used: {error}"))
}

/// Makes a directory that does not exist yet, for the user that this process will become. One that
/// exists stays as it is, and with --chroot the user makes it.
///
/// # Errors
/// A line for people.
pub fn provide(option: &str, directory: &Path, process: &Process) -> Result<(), String> {
    if directory.exists() || process.chroot.is_some() {
        return Ok(());
    }
    let failed = |error: io::Error| format!("{option} {}: cannot be made: {error}", directory.display());
    std::fs::DirBuilder::new().mode(0o700).create(directory).map_err(failed)?;
    if geteuid().is_root() {
        let user = choose_user(&read_users()?, process.user.as_deref())?;
        std::os::unix::fs::chown(directory, Some(user.uid), Some(user.gid)).map_err(failed)?;
    }
    Ok(())
}

fn without_root(process: &Process) -> Result<String, String> {
    if process.chroot.is_some() {
        return Err("--chroot: takes root".into());
    }
    let uid = geteuid().as_raw();
    if let Some(name) = &process.user {
        let user = choose_user(&read_users()?, Some(name))?;
        if user.uid != uid {
            return Err(format!("--user {}: takes root, since user {uid} runs this", printable(name)));
        }
    }
    shed_capabilities().map_err(|(step, error)| format!("{step} failed: {error}"))?;
    Ok(format!("running as user number {uid}, which has started this"))
}

fn enter(directory: &Path) -> io::Result<()> {
    rustix::process::chroot(directory)?;
    // Without this the working directory would be a way out.
    rustix::process::chdir("/")?;
    Ok(())
}

/// The step that failed, and how.
type Failed = (&'static str, rustix::io::Errno);

/// Makes this thread the user's, with [`KEPT`] alone.
fn become_user(user: &User) -> Result<(), Failed> {
    let (uid, gid) = (Uid::from_raw(user.uid), Gid::from_raw(user.gid));
    // In a user namespace that knows only one user, the changes below are forbidden even where they
    // would change nothing.
    if (geteuid(), getegid()) != (uid, gid) {
        // Otherwise the change of user would take all capabilities along.
        set_keep_capabilities(true).map_err(|error| ("keeping capabilities", error))?;
        set_thread_groups(&[]).map_err(|error| ("leaving the groups", error))?;
        set_thread_res_gid(gid, gid, gid).map_err(|error| ("changing the group", error))?;
        set_thread_res_uid(uid, uid, uid).map_err(|error| ("changing the user", error))?;
        set_keep_capabilities(false).map_err(|error| ("keeping no more capabilities", error))?;
    }
    shed_capabilities()
}

/// Keeps of the permitted capabilities [`KEPT`] alone, and gives up the means to gain others.
fn shed_capabilities() -> Result<(), Failed> {
    let failed = |error| ("dropping capabilities", error);
    clear_ambient_capability_set().map_err(failed)?;
    let permitted = capabilities(None).map_err(failed)?.permitted;
    // A service manager that permits no more than this may forbid the call as well.
    if !KEPT.contains(permitted) {
        let kept = permitted & KEPT;
        let sets = CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
        set_capabilities(None, sets).map_err(failed)?;
    }
    set_no_new_privs(true).map_err(|error| ("refusing new privileges", error))
}

fn read_users() -> Result<String, String> {
    let mut text = Vec::new();
    File::open("/etc/passwd")
        .and_then(|file| file.take(SYSTEM_FILE_BYTES_MAX).read_to_end(&mut text))
        .map_err(|error| format!("/etc/passwd cannot be read: {error}"))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn choose_user(passwd: &str, wanted: Option<&str>) -> Result<User, String> {
    match wanted {
        Some(name) => find_user(passwd, name)
            .ok_or_else(|| format!("--user {}: takes a user of this machine", printable(name))),
        None => USERS.iter().find_map(|name| find_user(passwd, name)).ok_or_else(|| {
            let [ours, anyone] = USERS;
            format!("there is neither a user {ours} nor {anyone} to become: name one with --user")
        }),
    }
}

fn find_user(passwd: &str, wanted: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| *name == wanted && !name.is_empty())?;
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(User { name: name.to_owned(), uid, gid })
    })
}

/// A file with the process number, removed when this is dropped, if the directory still allows it.
#[derive(Debug)]
pub struct Pidfile {
    path: PathBuf,
}

impl Pidfile {
    /// Writes the file. Do it after detaching, which changes the number, and as root.
    ///
    /// # Errors
    /// A line for people. A symbolic link is refused: root would write wherever it leads.
    pub fn write(path: &Path) -> Result<Self, String> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(0o644).custom_flags(libc::O_NOFOLLOW);
        options
            .open(path)
            .and_then(|mut file| writeln!(file, "{}", std::process::id()))
            .map_err(|error| format!("--pidfile {}: {error}", path.display()))?;
        Ok(Self { path: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()) })
    }
}

impl Drop for Pidfile {
    fn drop(&mut self) {
        // A directory that only root may write keeps the file, as with every daemon that drops root.
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/ash\n\
                          # a comment\nbroken:x\nbad:x:minus:1::\n\
                          nobody:*:65534:65533:nobody:/var:/bin/false\n";

    #[test]
    fn users_are_found_by_their_whole_name() {
        let nobody = User { name: "nobody".into(), uid: 65_534, gid: 65_533 };
        assert_eq!(choose_user(PASSWD, None), Ok(nobody.clone()));
        assert_eq!(choose_user(PASSWD, Some("nobody")), Ok(nobody));
        let own = format!("{PASSWD}duskwatch:x:77:78::/:/bin/false");
        assert_eq!(choose_user(&own, None).map(|user| user.uid), Ok(77));
        for missing in ["nob", "broken", "bad", "", "x"] {
            assert!(choose_user(PASSWD, Some(missing)).is_err(), "{missing}");
        }
        assert!(choose_user("", None).is_err());
    }

    #[test]
    fn a_process_with_threads_keeps_its_privileges() {
        let (release, wait) = std::sync::mpsc::channel::<()>();
        let other = std::thread::spawn(move || wait.recv());
        let process = Process { detach: false, user: None, chroot: None, pidfile: None };
        assert!(give_up(&process).unwrap_err().contains("threads run already"));
        drop(release);
        assert!(other.join().is_ok());
    }

    #[test]
    fn a_pidfile_goes_away_with_the_program_and_follows_no_link() {
        let directory = std::env::temp_dir().join(format!("duskwatch-pidfile-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let path = directory.join("pid");
        let pidfile = Pidfile::write(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", std::process::id()));
        drop(pidfile);
        assert!(!path.exists());
        std::os::unix::fs::symlink(directory.join("target"), &path).unwrap();
        assert!(Pidfile::write(&path).is_err());
        assert!(!directory.join("target").exists());
        fs::remove_dir_all(&directory).unwrap();
    }
}
