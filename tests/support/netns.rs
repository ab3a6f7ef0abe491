//! Network namespaces for tests: a router with a bridge, two clients and a server, all on one machine.
//!
//! Everything is named after the process and the test, and removed when the [`Lab`] is dropped.
#![allow(dead_code)] // Each test program uses a part of this.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

use crate::skip::skipped;

/// A set of network namespaces.
pub struct Lab {
    prefix: String,
    spaces: Vec<String>,
    mounts: Vec<PathBuf>,
}

impl Lab {
    /// An empty lab, or why there cannot be one here.
    pub fn new(test: &str) -> Result<Self, String> {
        let lab = Self {
            prefix: format!("dwlab-{}-{test}-", std::process::id()),
            spaces: Vec::new(),
            mounts: Vec::new(),
        };
        let probe =
            Command::new("ip").args(["netns", "list"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
        match probe {
            Ok(status) if status.success() => Ok(lab),
            _ => Err("needs the `ip` program and network namespaces in the kernel".to_owned()),
        }
    }

    /// Adds a namespace, with loopback up and IPv6 off, so that nothing talks by itself.
    pub fn add(&mut self, space: &str) {
        let name = format!("{}{space}", self.prefix);
        run("ip", &["netns", "add", &name]);
        self.spaces.push(name);
        self.ip(space, "link set lo up");
        self.inside(space, || {
            for scope in ["all", "default"] {
                let _ = fs::write(format!("/proc/sys/net/ipv6/conf/{scope}/disable_ipv6"), "1");
            }
        });
    }

    /// `ip -n SPACE ARGUMENTS`, which must succeed.
    pub fn ip(&self, space: &str, arguments: &str) {
        let name = self.name(space);
        let mut all = vec!["-n", &name];
        all.extend(arguments.split_whitespace());
        run("ip", &all);
    }

    /// A program that will run in a namespace.
    pub fn command(&self, space: &str, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.name(space), program]).args(arguments);
        command
    }

    /// Two connected devices: `device` in one namespace, `peer` in the other.
    pub fn cable(&self, space: &str, device: &str, peer_space: &str, peer: &str) {
        let peer_name = self.name(peer_space);
        self.ip(space, &format!("link add {device} type veth peer name {peer} netns {peer_name}"));
        self.ip(space, &format!("link set {device} up"));
        self.ip(peer_space, &format!("link set {peer} up"));
    }

    /// Two connected devices in one namespace.
    pub fn add_device_pair(&self, space: &str, device: &str, peer: &str) {
        self.ip(space, &format!("link add {device} type veth peer name {peer}"));
        self.ip(space, &format!("link set {device} up"));
        self.ip(space, &format!("link set {peer} up"));
    }

    /// Runs a function on a thread inside a namespace. Sockets that it makes stay there.
    pub fn inside<T: Send>(&self, space: &str, work: impl FnOnce() -> T + Send) -> T {
        let enter = self.entrance(space);
        thread::scope(|scope| {
            let worker = scope.spawn(move || {
                enter();
                work()
            });
            worker.join().expect("the work in the namespace panicked")
        })
    }

    /// What moves the calling thread into a namespace.
    pub fn entrance(&self, space: &str) -> impl FnOnce() + Send + 'static {
        let file = File::open(self.file(space)).expect("namespace");
        move || {
            move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).expect("setns");
        }
    }

    /// The file that stands for a namespace, for programs that take one.
    pub fn file(&self, space: &str) -> PathBuf {
        Path::new("/run/netns").join(self.name(space))
    }

    /// The namespace's own /sys, which other namespaces do not see.
    pub fn sysfs(&mut self, space: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("{}{space}", self.prefix));
        fs::create_dir_all(&directory).expect("directory");
        let network = format!("--net={}", self.file(space).display());
        run("nsenter", &[&network, "mount", "-t", "sysfs", "sysfs", directory.to_str().expect("UTF-8")]);
        self.mounts.push(directory.clone());
        directory
    }

    fn name(&self, space: &str) -> String {
        format!("{}{space}", self.prefix)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        for directory in &self.mounts {
            let _ = Command::new("umount").arg(directory).status();
            let _ = fs::remove_dir(directory);
        }
        for name in &self.spaces {
            let _ = Command::new("ip").args(["netns", "del", name]).status();
        }
    }
}

/// A home network: `router` has the bridge br-lan (192.168.77.1/24) with the ports lan1 and lan2, and
/// wan0 (10.99.0.1/24) with NAT; `one` (.11) and `two` (.12) are clients, `server` is 10.99.0.2.
pub fn home_network(test: &str) -> Result<Lab, String> {
    let mut lab = Lab::new(test)?;
    for space in ["router", "one", "two", "server"] {
        lab.add(space);
    }
    lab.cable("router", "lan1", "one", "eth0");
    lab.cable("router", "lan2", "two", "eth0");
    lab.cable("router", "wan0", "server", "eth0");
    // A bridge that snoops on multicast joins a group, and says so.
    lab.ip("router", "link add br-lan type bridge mcast_snooping 0");
    for port in ["lan1", "lan2"] {
        lab.ip("router", &format!("link set {port} master br-lan"));
    }
    lab.ip("router", "link set br-lan up");
    lab.ip("router", "addr add 192.168.77.1/24 brd + dev br-lan");
    lab.ip("router", "addr add 10.99.0.1/24 brd + dev wan0");
    lab.ip("server", "addr add 10.99.0.2/24 brd + dev eth0");
    for (client, host) in [("one", 11), ("two", 12)] {
        lab.ip(client, &format!("addr add 192.168.77.{host}/24 brd + dev eth0"));
        lab.ip(client, "route add default via 192.168.77.1");
    }
    lab.inside("router", || fs::write("/proc/sys/net/ipv4/ip_forward", "1")).expect("forwarding");
    let rules = "add table ip nat; \
                 add chain ip nat post { type nat hook postrouting priority 100; }; \
                 add rule ip nat post oifname wan0 masquerade";
    let nat = lab.command("router", "nft", &[rules]).stderr(Stdio::null()).status();
    match nat {
        Ok(status) if status.success() => Ok(lab),
        _ => Err("needs nftables with NAT".to_owned()),
    }
}

/// A test's lab, for `let Some(lab) = lab("the test's name", home_network) else { return };`. `None` if the
/// test is not to run here: where this user may not make network namespaces, it has run in a user
/// namespace where he may, and where there is none either, it is named as skipped.
pub fn lab(test: &str, build: impl FnOnce(&str) -> Result<Lab, String>) -> Option<Lab> {
    let lab = match rustix::process::geteuid().is_root() {
        true => build(test).map(Some),
        false => run_as_root_of_a_user_namespace(test).map(|()| None),
    };
    lab.unwrap_or_else(|reason| {
        skipped(test, &reason);
        None
    })
}

/// Starts this program once more for one test, as root of namespaces of its own, in which `ip netns`
/// finds a /run that it may write to.
fn run_as_root_of_a_user_namespace(test: &str) -> Result<(), String> {
    let unshare = |script: &str| {
        let program = std::env::current_exe().expect("a program knows where it is");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "--net", "sh", "-c"]).arg(script).arg(program);
        command
    };
    let probe = unshare("mount -t tmpfs tmpfs /run && ip netns add probe").output();
    if !probe.is_ok_and(|output| output.status.success()) {
        return Err("needs root, or user namespaces, for network namespaces".to_owned());
    }
    let script = "mount -t tmpfs tmpfs /run && exec \"$0\" --nocapture \"$1\"";
    let status = unshare(script).arg(test).status().expect("it started before");
    assert!(status.success(), "{test} failed in a user namespace");
    Ok(())
}

/// Waits until a condition holds; fails the test with `what` if it does not within a minute.
pub fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

fn run(program: &str, arguments: &[&str]) {
    let output = Command::new(program).args(arguments).output().expect(program);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {error}", arguments.join(" "));
}
