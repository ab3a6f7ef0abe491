//! Dropping privileges, entering a new root directory and leaving the terminal, each in a process of
//! its own: this program starts itself with the name of what the child is to do.
#![cfg(feature = "daemon")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use duskwatch::daemon::config::Process;
use duskwatch::daemon::privileges::{Pidfile, claim_raw_sockets, give_up};
use duskwatch::daemon::system::detach;
use rustix::process::geteuid;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

#[path = "support/skip.rs"]
mod skip;
use skip::skipped;

const ROLE: &str = "DUSKWATCH_TEST_CHILD";
const DIRECTORY: &str = env!("CARGO_TARGET_TMPDIR");

fn main() {
    match env::var(ROLE).as_deref() {
        Ok("drop") => child_drops(),
        Ok("chroot") => child_enters(),
        Ok("claim") => child_claims(),
        Ok("detach") => child_detaches(),
        Ok(role) => panic!("there is no part {role}"),
        Err(_) => {
            detaching_leaves_the_terminal();
            if geteuid().is_root() {
                root_keeps_one_capability();
                chroot_is_the_whole_world();
                a_permitted_capability_is_enough();
            } else {
                skipped("root_keeps_one_capability", "it takes root");
                skipped("chroot_is_the_whole_world", "it takes root");
                skipped("a_permitted_capability_is_enough", "it takes root");
            }
        }
    }
}

fn root_keeps_one_capability() {
    let status = output_of("drop");
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap_or_else(|| panic!("no {name} in {status}")).split_whitespace().collect::<Vec<_>>()
    };
    let passwd = fs::read_to_string("/etc/passwd").expect("the machine has users");
    let nobody: Vec<&str> =
        passwd.lines().find(|line| line.starts_with("nobody:")).expect("nobody").split(':').collect();
    assert_eq!(field("Uid:"), [nobody[2]; 4]);
    assert_eq!(field("Gid:"), [nobody[3]; 4]);
    assert!(field("Groups:").is_empty(), "{status}");
    // CAP_NET_RAW is number 13, unless whoever runs the test lacks it.
    let own = fs::read_to_string("/proc/self/status").expect("/proc is mounted");
    let permitted =
        own.lines().find_map(|line| line.strip_prefix("CapPrm:")).expect("capabilities are known");
    let permitted = u64::from_str_radix(permitted.trim(), 16).expect("they are in hex");
    let kept = format!("{:016x}", permitted & (1 << 13));
    assert_eq!(field("CapEff:"), [kept.as_str()]);
    assert_eq!(field("CapPrm:"), [kept.as_str()]);
    for none in ["CapInh:", "CapAmb:"] {
        assert_eq!(field(none), ["0000000000000000"]);
    }
    assert_eq!(field("NoNewPrivs:"), ["1"]);
    eprintln!("test root_keeps_one_capability ... ok");
}

fn child_drops() {
    let line = give_up(&process(Some("nobody"), None)).expect("root may drop its privileges");
    assert!(line.contains("nobody"), "{line}");
    assert!(rustix::thread::set_thread_uid(rustix::process::Uid::ROOT).is_err(), "there is a way back");
    // From here on this process is one that was started without root.
    let refused = |process| give_up(&process).expect_err("an ordinary user has no other user to become");
    assert!(refused(process(Some("root"), None)).starts_with("--user root: takes root"));
    assert!(refused(process(None, Some("/".into()))).starts_with("--chroot: takes root"));
    give_up(&process(None, None)).expect("giving up nothing is allowed");
    give_up(&process(Some("nobody"), None)).expect("nobody is nobody already");
    print!("{}", fs::read_to_string("/proc/self/status").expect("/proc is mounted"));
}

fn a_permitted_capability_is_enough() {
    assert_eq!(output_of("claim"), "claimed, and refused\n");
    eprintln!("test a_permitted_capability_is_enough ... ok");
}

fn child_claims() {
    let set = |permitted| {
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted, inheritable: none })
            .expect("capabilities can be given up");
    };
    let effective = || capabilities(None).expect("capabilities are known").effective;
    // As `setcap cap_net_raw=p` on the program's file has it.
    set(CapabilitySet::NET_RAW);
    claim_raw_sockets().expect("what is permitted can be claimed");
    assert_eq!(effective(), CapabilitySet::NET_RAW);
    set(CapabilitySet::empty());
    assert!(claim_raw_sockets().expect_err("nothing is permitted").contains("CAP_NET_RAW"));
    println!("claimed, and refused");
}

fn chroot_is_the_whole_world() {
    let world = fresh_directory("world");
    fs::write(world.join("only this"), "").expect("the test's directory can be written");
    assert_eq!(output_of("chroot"), "[\"only this\"]\n[\"only this\"]\n");
    eprintln!("test chroot_is_the_whole_world ... ok");
}

fn child_enters() {
    let world = Path::new(DIRECTORY).join("world");
    give_up(&process(Some("nobody"), Some(world))).expect("root may enter a directory");
    for place in ["/", "../.."] {
        let entries = fs::read_dir(place).expect("the directory can be listed");
        println!("{:?}", entries.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>());
    }
}

fn detaching_leaves_the_terminal() {
    let place = fresh_directory("detached");
    let mut child = start("detach");
    let started = child.id();
    assert!(child.wait().expect("a child can be waited for").success());
    let pidfile = place.join("pid");
    let number = wait_for(|| fs::read_to_string(&pidfile).ok().filter(|text| text.ends_with('\n')));
    let number: u32 = number.trim().parse().expect("a pidfile holds a number");
    assert_ne!(number, started);
    let stat = fs::read_to_string(format!("/proc/{number}/stat")).expect("the detached process runs");
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap_or_default().split(' ').collect();
    let (session, terminal) = (fields[3], fields[4]);
    let own = fs::read_to_string("/proc/self/stat").expect("/proc is mounted");
    assert_ne!(Some(session), own.rsplit(") ").next().and_then(|rest| rest.split(' ').nth(3)));
    assert_eq!(terminal, "0");
    for descriptor in 0..3 {
        let target =
            fs::read_link(format!("/proc/{number}/fd/{descriptor}")).expect("the descriptor is open");
        assert_eq!(target, Path::new("/dev/null"));
    }
    fs::write(place.join("leave"), "").expect("the test's directory can be written");
    wait_for(|| (!pidfile.exists()).then_some(()));
    eprintln!("test detaching_leaves_the_terminal ... ok");
}

fn child_detaches() {
    let place = Path::new(DIRECTORY).join("detached");
    detach().expect("a process of one thread can detach");
    let _pidfile = Pidfile::write(&place.join("pid")).expect("the test's directory can be written");
    wait_for(|| place.join("leave").exists().then_some(()));
}

fn process(user: Option<&str>, chroot: Option<PathBuf>) -> Process {
    Process { detach: false, user: user.map(str::to_owned), chroot, pidfile: None }
}

fn start(role: &str) -> std::process::Child {
    Command::new(env::current_exe().expect("a program knows where it is"))
        .env(ROLE, role)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a program can start itself")
}

fn output_of(role: &str) -> String {
    let output = start(role).wait_with_output().expect("a child can be waited for");
    assert!(output.status.success(), "{role}: {}", output.status);
    String::from_utf8(output.stdout).expect("the child speaks UTF-8")
}

fn fresh_directory(name: &str) -> PathBuf {
    let path = Path::new(DIRECTORY).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("the target directory can be written");
    path
}

fn wait_for<T>(mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "it did not happen within 20 seconds");
        std::thread::sleep(Duration::from_millis(5));
    }
}
