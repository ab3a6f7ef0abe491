//! This machine's /usr, booted in a container of systemd-nspawn, and the service in it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, geteuid, kill_process};

use crate::command::output;
use crate::netns::wait_until;

/// A booted container; it is shut down when this is dropped.
pub struct Machine {
    nspawn: Child,
    network: PathBuf,
    console: PathBuf,
}

/// The running program, as this machine's /proc has it.
pub struct Program(PathBuf);

impl Program {
    /// Its file in /proc.
    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("it runs")
    }
}

impl Machine {
    /// Why it cannot be done here, if it cannot.
    pub fn impossible() -> Option<&'static str> {
        if !geteuid().is_root() {
            return Some("systemd-nspawn takes root");
        }
        if !Path::new("/sys/fs/cgroup/cgroup.controllers").exists()
            && !Path::new("/sys/fs/cgroup/systemd").exists()
        {
            return Some("there are no control groups for a systemd");
        }
        let found = Command::new("systemd-nspawn").arg("--version").output().is_ok();
        (!found).then_some("systemd-nspawn is not installed (Debian: apt-get install systemd-container)")
    }

    /// Boots into the service that `make install` has put below `root` with the prefix /usr/local, in a
    /// network namespace. The rest of the machine is /usr and an empty /etc and /var in memory.
    pub fn boot(root: &Path, network: &Path) -> Self {
        // What the unit forbids, it answers with an error, which the program might not mind. Here it dies.
        let strict = root.join("strict.conf");
        fs::write(&strict, "[Service]\nSystemCallErrorNumber=kill\n").expect("the directory is ours");
        let bind = |from: PathBuf, to: &str| format!("--bind-ro={}:{to}", from.display());
        let console = root.join("console.log");
        let log = fs::File::create(&console).expect("the directory is ours");
        let mut nspawn = Command::new("systemd-nspawn");
        nspawn.args([
            "--directory=/",
            "--volatile=yes",
            "--keep-unit",
            "--register=no",
            "--console=read-only",
        ]);
        nspawn.arg(format!("--machine=duskwatch-test-{}", std::process::id()));
        nspawn.arg(format!("--network-namespace-path={}", network.display()));
        nspawn.arg(bind(root.join("usr/local"), "/usr/local"));
        nspawn.arg(bind(root.join("etc/duskwatch.conf"), "/etc/duskwatch.conf"));
        nspawn.arg(bind(strict, "/etc/systemd/system/duskwatch.service.d/strict.conf"));
        nspawn.args(["--boot", "systemd.unit=duskwatch.service", "systemd.firstboot=no"]);
        nspawn.stdin(Stdio::null()).stdout(log.try_clone().expect("a file")).stderr(log);
        let nspawn = nspawn.spawn().expect("it ran before");
        Self { nspawn, network: network.to_owned(), console }
    }

    /// The program, which is the only one of its name in the network namespace.
    pub fn program(&self) -> Program {
        let network = fs::metadata(&self.network).expect("the namespace is there").ino();
        let here = |process: &Path| {
            let name = fs::read_to_string(process.join("comm")).unwrap_or_default();
            let inside = fs::metadata(process.join("ns/net")).is_ok_and(|file| file.ino() == network);
            name.trim_end() == "duskwatch" && inside
        };
        let mut processes =
            fs::read_dir("/proc").expect("/proc is mounted").flatten().map(|entry| entry.path());
        Program(processes.find(|process| here(process)).expect("it runs"))
    }

    /// Runs `systemctl` inside, which must succeed, and returns what it printed.
    pub fn systemctl(&self, arguments: &[&str]) -> String {
        let leader = format!("/proc/{pid}/task/{pid}/children", pid = self.nspawn.id());
        let leader = fs::read_to_string(leader).expect("it runs");
        let leader = leader.split(' ').next().unwrap_or_default();
        let mut enter = Command::new("nsenter");
        enter.args(["--target", leader, "--mount", "--uts", "--ipc", "--pid", "--cgroup", "systemctl"]);
        output(enter.args(arguments))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.nspawn.id() as i32).expect("a process has a number");
        // It hands this on as an orderly shutdown.
        let _ = kill_process(pid, Signal::TERM);
        if std::thread::panicking() {
            eprintln!("{}", fs::read_to_string(&self.console).unwrap_or_default());
            let _ = self.nspawn.kill();
        }
        wait_until("the machine is shut down", || {
            self.nspawn.try_wait().is_ok_and(|status| status.is_some())
        });
    }
}
