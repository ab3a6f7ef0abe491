//! A router in qemu: started, told what to do, asked for its pages, and its power cut.

use std::fmt::Display;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
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

/// A machine as `tests/vm/image` has made it, with a disk of its own for one test.
pub struct Machine {
    /// Its name and the test's, with which files and messages begin.
    name: String,
    directory: PathBuf,
}

impl Machine {
    /// `name` is that of the file in `tests/vm/machines`.
    pub fn new(name: &str, test: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/vm").join(name);
        let machine = Self { name: format!("{name}-{test}"), directory };
        let disk = machine.directory.join("disk");
        fs::copy(&disk, machine.file("disk")).unwrap_or_else(|error| panic!("{}: {error}", disk.display()));
        machine
    }

    fn file(&self, name: &str) -> PathBuf {
        self.directory.join(format!("{}-{name}", self.name))
    }

    /// Starts it, with what its disk has from the time before, and waits until it takes commands.
    /// `start` names this start's console.
    pub fn start(&self, start: &str) -> Router {
        let console = self.file(&format!("{start}.log"));
        // What it said the last time must not be taken for this one's.
        fs::write(&console, "").expect("target/vm can be written");
        let pages = free_address();
        let mut command = self.command(&console, pages);
        let mut qemu = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let shell = qemu.stdin.take().expect("it is piped");
        let lines = lines(qemu.stdout.take().expect("it is piped"));
        let mut router = Router { qemu, shell, lines, name: self.name.clone(), console, pages };
        wait_until("the router has started, and mounted its disk", || {
            if let Some(status) = router.qemu.try_wait().expect("a child can be waited for") {
                panic!("qemu ended with {status}: {command:?}");
            }
            fs::read_to_string(&router.console).is_ok_and(|log| log.contains("the router is ready"))
        });
        router
    }

    /// What all machines have in common: the first serial line is the console, the test's shell is another
    /// one, and the only way out of the router's network is to this computer's loopback.
    fn command(&self, console: &Path, pages: SocketAddr) -> Command {
        let file = |name| self.directory.join(name);
        let own = fs::read_to_string(file("qemu")).expect("tests/vm/image has been run");
        let mut own = own.lines();
        let mut command = Command::new(own.next().expect("the program comes first"));
        command.arg("-serial").arg(format!("file:{}", console.display())).args(own);
        command.args(["-no-reboot", "-monitor", "none", "-display", "none", "-chardev", "stdio,id=shell"]);
        command.arg("-netdev").arg(format!("user,id=network,hostfwd=tcp:{pages}-10.0.2.15:6677"));
        let disk = self.file("disk");
        command.arg("-drive").arg(format!("if=none,id=disk,format=raw,file={}", disk.display()));
        command.arg("-kernel").arg(file("kernel")).arg("-initrd").arg(file("initramfs"));
        let errors = File::create(console.with_extension("qemu.log")).expect("target/vm can be written");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        command
    }
}

/// What comes out of the serial line. What the line says before the shell is there need not be text.
fn lines(output: ChildStdout) -> Receiver<String> {
    let (sender, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end_matches('\r').to_owned();
            if sender.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

/// A running router. Dropping it cuts its power: whatever it has not written to its disk is lost.
pub struct Router {
    qemu: Child,
    shell: ChildStdin,
    lines: Receiver<String>,
    name: String,
    console: PathBuf,
    pages: SocketAddr,
}

impl Router {
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
        wait_until("the pages answer", || {
            let answers = self.try_json("/api/v1/about").is_some();
            let lives = self.try_to_run("kill -0 $(cat /var/run/duskwatch.pid)").1 == "0";
            assert!(lives, "the program has ended");
            answers
        });
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

    /// Says something beside which others may say something.
    pub fn note(&self, text: impl Display) {
        println!("{}: {text}", self.name);
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

/// An address of this computer's loopback that nobody listens on now.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    listener.local_addr().expect("it is bound")
}
