//! Real syslog servers, with the configurations of docs/syslog.md, on loopback and in a directory of their own.

use std::fs;
use std::net::{TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use duskwatch::daemon::alarm::Framing;

use super::wait_for;

/// Debian 12's version of syslog-ng, which names a directory.
const SYSLOG_NG: &str = "3.38";

const DOCUMENT: &str = include_str!("../../docs/syslog.md");

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Rsyslog,
    SyslogNg,
}

impl Kind {
    pub const ALL: [Self; 2] = [Self::Rsyslog, Self::SyslogNg];

    /// Its program, and where its libraries are if it is not installed: Debian's packages of the two exclude
    /// each other, so scripts/fetch-syslog-ng unpacks one of them.
    fn program(self) -> Option<(PathBuf, Option<PathBuf>)> {
        let (installed, unpacked) = match self {
            Self::Rsyslog => ("/usr/sbin/rsyslogd", "target/rsyslog"),
            Self::SyslogNg => ("/usr/sbin/syslog-ng", "target/syslog-ng"),
        };
        if Path::new(installed).exists() {
            return Some((installed.into(), None));
        }
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(unpacked);
        let program = root.join(installed.trim_start_matches('/'));
        program.exists().then_some((program, Some(root)))
    }

    pub fn how_to_get(self) -> &'static str {
        match self {
            Self::Rsyslog => "rsyslogd is not installed (Debian: apt-get install rsyslog)",
            Self::SyslogNg => "syslog-ng is not there (Debian: scripts/fetch-syslog-ng)",
        }
    }

    /// The documented configuration, for these ports and this directory.
    fn configuration(self, ports: &Ports, directory: &Path) -> String {
        let (title, address) = match self {
            Self::Rsyslog => ("# /etc/rsyslog.d/duskwatch.conf\n", r#" address="127.0.0.1" port="#),
            Self::SyslogNg => ("# /etc/syslog-ng/conf.d/duskwatch.conf\n", r#" ip("127.0.0.1") port("#),
        };
        let (_, block) = DOCUMENT.split_once(title).expect("the block with this title");
        let (block, _) = block.split_once("```").expect("the block's end");
        let block = block
            .replace(" port=", address)
            .replace(r#"ip("0.0.0.0") port("#, address)
            .replace("514", &ports.newline.to_string())
            .replace("601", &ports.octets.to_string())
            .replace("/var/log", directory.to_str().unwrap());
        if self == Self::SyslogNg { format!("@version: {SYSLOG_NG}\n{block}") } else { block }
    }
}

struct Ports {
    newline: u16,
    octets: u16,
}

impl Ports {
    /// One that is free for both transports, and another.
    fn free() -> Self {
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let newline = loop {
            let port = port();
            if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
                break port;
            }
        };
        let octets = loop {
            let port = port();
            if port != newline {
                break port;
            }
        };
        Self { newline, octets }
    }
}

/// A syslog server, gone when dropped.
pub struct Server {
    kind: Kind,
    ports: Ports,
    directory: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// `None` if there is none on this machine.
    pub fn start(kind: Kind, test: &str) -> Option<Self> {
        kind.program()?;
        let directory =
            std::env::temp_dir().join(format!("duskwatch-{kind:?}-{test}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let ports = Ports::free();
        fs::write(directory.join("conf"), kind.configuration(&ports, &directory)).unwrap();
        let mut server = Self { kind, ports, directory, child: None };
        server.run();
        Some(server)
    }

    /// Where it listens. Rsyslog finds out by itself how messages are framed; syslog-ng has a port for each.
    pub fn url(&self, transport: &str, framing: Framing) -> String {
        let port = match (self.kind, framing) {
            (Kind::SyslogNg, Framing::Octets) => self.ports.octets,
            _ => self.ports.newline,
        };
        format!("{transport}://127.0.0.1:{port}")
    }

    pub fn run(&mut self) {
        let (program, root) = self.kind.program().unwrap();
        let mut command = Command::new(program);
        let file = |name: &str| self.directory.join(name).into_os_string();
        match self.kind {
            Kind::Rsyslog => command.arg("-n").arg("-f").arg(file("conf")).arg("-i").arg(file("pid")),
            Kind::SyslogNg => command
                .args(["--foreground", "--no-caps", "--persist-file"])
                .arg(file("persist"))
                .arg("--pidfile")
                .arg(file("pid"))
                .arg("--control")
                .arg(file("control"))
                .arg("--cfgfile")
                .arg(file("conf")),
        };
        if let Some(root) = root {
            let libraries = root.join("usr/lib");
            let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
            let path =
                [libraries.join("syslog-ng"), libraries.join(&machine), root.join("lib").join(machine)];
            command.env("LD_LIBRARY_PATH", std::env::join_paths(path).unwrap());
            let modules = libraries.join("syslog-ng").join(SYSLOG_NG);
            command.arg("--module-path").arg(modules);
        }
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(self.directory.join("stderr")).unwrap())
            .spawn()
            .unwrap();
        self.child = Some(child);
        wait_for("socket of the server", || self.is_listening());
    }

    /// True once the kernel lists the server's ports as open to everybody.
    fn is_listening(&self) -> bool {
        let is_open = |transport: &str, port: u16| {
            let table = fs::read_to_string(format!("/proc/net/{transport}")).unwrap();
            table.contains(&format!(" 0100007F:{port:04X} 00000000:0000 "))
        };
        let Ports { newline, octets } = self.ports;
        let has_octets = self.kind == Kind::Rsyslog || is_open("tcp", octets);
        is_open("udp", newline) && is_open("tcp", newline) && has_octets
    }

    pub fn signal(&self, name: &str) {
        let id = self.child.as_ref().expect("it runs").id();
        assert!(Command::new("kill").args(["-s", name, &id.to_string()]).status().unwrap().success());
    }

    pub fn stop(&mut self) {
        if self.child.is_some() {
            self.signal("CONT");
            self.signal("TERM");
        }
        if let Some(mut child) = self.child.take() {
            let _ = child.wait();
        }
    }

    /// What it has written into the file with this ending.
    pub fn lines(&self, ending: &str) -> Vec<String> {
        let path = self.directory.join(format!("duskwatch.{ending}"));
        fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}
