//! A router with 64 MB in qemu: started, told what to do, asked for its pages, and its power cut.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long anything may take. It is minutes, because the machine is emulated, and perhaps beside others.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// What stands before a command's status, on a line of its own: see `router/init`.
const STATUS: &str = "=> ";

/// Waits until something holds, and says what it waited for if it never does.
pub fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < PATIENCE, "waited {} s for this: {what}", PATIENCE.as_secs());
        thread::sleep(Duration::from_millis(100));
    }
}

/// Where `tests/vm/image` puts what a router is started from, and where its console goes.
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/vm").join(name)
}

/// A running router. Dropping it cuts its power: whatever it has not written to its disk is lost.
pub struct Router {
    qemu: Child,
    shell: ChildStdin,
    lines: Receiver<String>,
    console: PathBuf,
    pages: SocketAddr,
}

impl Router {
    /// Starts it, with what its disk has from the time before, and waits until it takes commands.
    /// `name` is that of the file to which its console is written.
    pub fn start(name: &str) -> Self {
        let console = file(name).with_extension("log");
        // What it said the last time must not be taken for this one's.
        fs::write(&console, "").expect("target/vm can be written");
        let pages = free_address();
        let mut qemu = command(&console, pages).spawn().expect("qemu-system-mipsel is installed");
        let shell = qemu.stdin.take().expect("it is piped");
        let output = BufReader::new(qemu.stdout.take().expect("it is piped"));
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            // What the line says before the shell is there need not be text.
            for line in output.split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        let mut router = Self { qemu, shell, lines, console, pages };
        wait_until("the router has started, and mounted its disk", || {
            if let Some(status) = router.qemu.try_wait().expect("a child can be waited for") {
                panic!("qemu ended with {status}");
            }
            fs::read_to_string(&router.console).is_ok_and(|log| log.contains("the router is ready"))
        });
        router
    }

    /// Runs a command in the router's shell, and returns what it printed. It must succeed.
    pub fn run(&mut self, command: &str) -> String {
        let (output, status) = self.try_to_run(command);
        assert_eq!(status, "0", "{command}\n{output}");
        output
    }

    /// Runs a command in the router's shell, and returns what it printed and its status.
    pub fn try_to_run(&mut self, command: &str) -> (String, String) {
        assert!(!command.contains('\n'), "a command is a line: {command}");
        writeln!(self.shell, "{command}").expect("qemu runs");
        let start = Instant::now();
        let mut output = String::new();
        loop {
            match self.lines.recv_timeout(PATIENCE.saturating_sub(start.elapsed())) {
                Ok(line) => match line.strip_prefix(STATUS) {
                    Some(status) => return (output.trim_end().to_owned(), status.to_owned()),
                    None => output.extend([&line, "\n"]),
                },
                Err(RecvTimeoutError::Timeout) => panic!("waited for the end of: {command}\n{output}"),
                Err(RecvTimeoutError::Disconnected) => panic!("qemu ended during: {command}\n{output}"),
            }
        }
    }

    /// A page that is JSON, or `None` if it does not answer so.
    pub fn try_json(&self, path: &str) -> Option<Value> {
        let mut stream = TcpStream::connect(self.pages).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", self.pages).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.starts_with("HTTP/1.1 200 ").then(|| serde_json::from_str(body).ok()).flatten()
    }

    /// A page that is JSON.
    pub fn json(&self, path: &str) -> Value {
        self.try_json(path).unwrap_or_else(|| panic!("no JSON at {path}"))
    }

    /// Starts the service, and waits until its pages answer.
    pub fn start_service(&mut self) {
        self.run("/etc/init.d/duskwatch start");
        wait_until("the pages answer", || self.try_json("/api/v1/about").is_some());
    }

    /// The most memory that the program has had so far, in KiB.
    pub fn peak_memory(&mut self) -> u64 {
        let line = self.run("grep VmHWM: /proc/$(cat /var/run/duskwatch.pid)/status");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// The program's command line.
    pub fn command_line(&mut self) -> String {
        self.run("tr '\\0' ' ' </proc/$(cat /var/run/duskwatch.pid)/cmdline")
    }

    /// Cuts its power.
    pub fn cut_power(self) {}
}

impl Drop for Router {
    fn drop(&mut self) {
        let _ = self.qemu.kill();
        let _ = self.qemu.wait();
        if thread::panicking() {
            let log = fs::read(&self.console).unwrap_or_default();
            let log = String::from_utf8_lossy(&log);
            let lines: Vec<_> = log.lines().collect();
            let last = &lines[lines.len().saturating_sub(30)..];
            eprintln!("The end of {}:\n{}", self.console.display(), last.join("\n"));
        }
    }
}

/// The first serial line is the console, the second the test's shell. The only way out of the router's
/// network is to this machine's loopback.
fn command(console: &Path, pages: SocketAddr) -> Command {
    let serial = format!("file:{}", console.display());
    let disk = format!("file={},format=raw,if=ide", file("disk").display());
    let network = format!("user,id=network,hostfwd=tcp:{pages}-10.0.2.15:6677");
    let errors = File::create(console.with_extension("qemu.log")).expect("target/vm can be written");
    let mut command = Command::new("qemu-system-mipsel");
    command.args(["-M", "malta", "-cpu", "24Kc", "-m", "64", "-no-reboot", "-monitor", "none"]);
    command.args(["-vga", "none", "-display", "none", "-serial", &serial, "-serial", "stdio"]);
    command.args(["-drive", &disk, "-netdev", &network, "-device", "pcnet,netdev=network,romfile="]);
    command.args(["-append", "console=ttyS0 panic=-1"]);
    command.arg("-kernel").arg(file("kernel")).arg("-initrd").arg(file("initramfs"));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
    command
}

/// An address of this machine's loopback that nobody listens on now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound")
}
