//! The progress line of `--read` on a terminal, which here is a pseudo terminal.
#![cfg(feature = "daemon")]

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;

use duskwatch::limits::{READ_BATCH, READ_PROGRESS_INTERVAL};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use traffic::pcap::{ETHERNET, WHOLE, Writer};

/// A capture file of two batches of frames with nothing in them.
fn capture(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let file = File::create(&path).expect("the target directory can be written");
    let mut writer = Writer::new(BufWriter::new(file), ETHERNET, WHOLE).expect("a header is written");
    for _ in 0..2 * READ_BATCH {
        writer.write(1_700_000_000_000_000, &[0; 14], 60).expect("a frame is written");
    }
    writer.finish().expect("the file is written");
    path
}

/// A terminal: what a program writes to it, and what is then on the screen.
fn terminal() -> (File, File) {
    let screen = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are pseudo terminals");
    grantpt(&screen).and_then(|()| unlockpt(&screen)).expect("it is ours");
    let name = ptsname(&screen, Vec::new()).expect("it has a name");
    let terminal = OpenOptions::new().write(true).open(OsStr::from_bytes(name.as_bytes()));
    (terminal.expect("a terminal can be opened"), File::from(screen))
}

/// Starts to read the file and to log all of it.
fn start(file: &Path, errors: impl Into<Stdio>) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_duskwatch"));
    command.args(["--hexdump", "--read"]).arg(file);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors);
    command.spawn().expect("the program was built before its tests")
}

/// What the program shows until its end, read so slowly that a progress line comes due.
fn watch(child: Child, mut screen: impl Read) -> String {
    let mut shown = vec![0];
    screen.read_exact(&mut shown).expect("it logs the first frame");
    // It logs more than a terminal or a pipe holds, so it is still at work on the first batch after this.
    thread::sleep(READ_PROGRESS_INTERVAL);
    // A terminal that nobody has open any more ends with an error.
    let _ = screen.read_to_end(&mut shown);
    let output = child.wait_with_output().expect("a child can be waited for");
    assert!(output.status.success());
    let summary = String::from_utf8(output.stdout).expect("the program speaks UTF-8");
    assert!(!summary.is_empty() && !summary.contains("% read"), "{summary}");
    String::from_utf8(shown).expect("the program speaks UTF-8")
}

#[test]
fn progress_is_shown_on_a_terminal_and_wiped_off() {
    let file = capture("terminal.pcap");
    let (terminal, mut screen) = terminal();
    let shown = watch(start(&file, terminal), &mut screen);
    let (before, after) = shown.split_once("\r 50 % read, ").expect("half of it has been read");
    assert!(!before.contains("% read"), "it comes after the first batch");
    let seconds = after.split_once(" s left ").expect("an estimate").0;
    assert!(seconds.parse::<u64>().is_ok(), "{seconds:?}");
    let end = shown.rsplit('\n').next().expect("there are lines");
    assert!(end.ends_with(&format!("\r{:40}\r", "")), "{end:?}");
    fs::remove_file(file).expect("it is ours");
}

#[test]
fn a_log_file_has_no_progress_in_it() {
    let file = capture("pipe.pcap");
    let mut child = start(&file, Stdio::piped());
    let errors = child.stderr.take().expect("it is piped");
    let shown = watch(child, errors);
    // Every line of it is there: a file waits for whoever reads the log.
    assert!(shown.lines().count() >= 2 * READ_BATCH && !shown.contains("% read"));
    fs::remove_file(file).expect("it is ours");
}
