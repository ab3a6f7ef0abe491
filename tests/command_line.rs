//! The command line as a user meets it, through the real program.
#![cfg(feature = "daemon")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use duskwatch::daemon::options::GROUPS;

#[path = "support/program.rs"]
#[allow(dead_code)]
mod program;
use program::program;

fn duskwatch(arguments: &[&str]) -> Output {
    program().args(arguments).stdin(Stdio::null()).output().expect("the program was built before its tests")
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("the program speaks UTF-8")
}

/// Checks that the program refuses: nothing on stdout, one line on stderr, exit status 2.
fn refuses(arguments: &[&str], line: &str) {
    let output = duskwatch(arguments);
    assert_eq!(text(&output.stderr), format!("duskwatch: {line}\n"), "{arguments:?}");
    assert_eq!(text(&output.stdout), "", "{arguments:?}");
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
}

/// A file with this text, in the directory that cargo keeps for tests.
fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).expect("the target directory can be written");
    path
}

#[test]
fn help_names_every_option() {
    for flag in ["-h", "--help"] {
        let output = duskwatch(&[flag]);
        assert!(output.status.success());
        let help = text(&output.stdout);
        for row in GROUPS.iter().flat_map(|group| group.rows) {
            assert!(help.contains(&format!("--{}", row.long)), "{}", row.long);
        }
    }
}

#[test]
fn help_comes_before_other_mistakes() {
    assert!(duskwatch(&["--port", "x", "--help"]).status.success());
}

#[test]
fn the_readme_shows_the_help_as_it_is() {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let help = duskwatch::daemon::options::help();
    assert!(readme.expect("the README can be read").contains(help.trim_end()), "paste this:\n{help}");
}

#[test]
fn help_for_a_reader_that_leaves_is_no_crash() {
    let mut child = program()
        .arg("--help")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program was built before its tests");
    drop(child.stdout.take());
    let output = child.wait_with_output().expect("a child can be waited for");
    assert_eq!(text(&output.stderr), "");
    assert!(output.status.success());
}

#[test]
fn version() {
    for flag in ["-V", "--version"] {
        let output = duskwatch(&[flag]);
        assert!(output.status.success());
        assert_eq!(text(&output.stdout), concat!("duskwatch ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

#[test]
fn mistakes_are_one_line_and_status_2() {
    refuses(&["--nope"], "--nope: unknown option; see duskwatch --help");
    refuses(&["-i"], "--interface: takes a value, IF[=ROLE]");
    refuses(&["eth0"], "eth0: no option before it; see duskwatch --help");
    refuses(&["-i", "lo", "-p", "65536"], "--port 65536: takes a number from 0 to 65535");
    refuses(&["-i", "lo", "-r", "t"], "--interface lo: excludes --read; take one of the two");
    refuses(&["-i", "lo", "-i", "lo"], "--interface lo: is there twice; once is enough");
    refuses(&["-r", "t", "--snapshot-interval", "1h"], "--snapshot-interval 1h: takes --dir DIR as well");
    refuses(
        &["-i", "lo", "-b", "localhost"],
        "--bind localhost: takes an address of this machine, such as 192.168.1.1, 0.0.0.0 or ::",
    );
    refuses(
        &["-i", "lo", "--dark", "10.0.0.0/40"],
        "--dark 10.0.0.0/40: takes a prefix such as 192.168.1.0/24, 192.168.1.0/255.255.255.0 or fd00::/8",
    );
}

#[test]
fn without_a_source_it_says_what_to_do() {
    let output = duskwatch(&[]);
    assert_eq!(output.status.code(), Some(2));
    let line = text(&output.stderr);
    assert!(line.starts_with("duskwatch: nothing to capture: name an interface, such as -i "), "{line}");
    assert_eq!(line.lines().count(), 1);
}

#[test]
fn control_characters_do_not_reach_the_terminal() {
    refuses(&["--\u{1b}[31m\n"], "--\\u{1b}[31m\\n: unknown option; see duskwatch --help");
}

#[test]
fn bytes_that_are_no_text_are_refused() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let output = program()
        .arg("-r")
        .arg(OsStr::from_bytes(b"\xff\xfe"))
        .output()
        .expect("the program was built before its tests");
    assert_eq!(text(&output.stderr), "duskwatch: --read: takes text in UTF-8\n");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn mistakes_in_a_file_name_its_line() {
    let path = file("mistake.conf", "interface lo\n\n# the pages\nport = 70000\n");
    let path = path.to_str().expect("the target directory's name is text");
    refuses(&["--config", path], &format!("{path}:4: port 70000: takes a number from 0 to 65535"));
}

#[test]
fn the_command_line_replaces_what_a_file_says() {
    let path = file("replaced.conf", "interface lo\nport 70000\nlocal nonsense\n");
    let path = path.to_str().expect("the target directory's name is text");
    // The file's port is replaced, so its mistake is not looked at; its networks are not.
    let prefix = "takes a prefix such as 192.168.1.0/24, 192.168.1.0/255.255.255.0 or fd00::/8";
    refuses(&["--config", path, "-p", "80"], &format!("{path}:3: local nonsense: {prefix}"));
    // A list on the command line replaces the whole list of the file.
    refuses(
        &["--config", path, "-l", "10.0.0.0/8"],
        &format!("{path}:2: port 70000: takes a number from 0 to 65535"),
    );
}

#[test]
fn a_missing_file_is_named() {
    refuses(
        &["--config", "/nonexistent.conf"],
        "--config /nonexistent.conf: cannot be read: No such file or directory (os error 2)",
    );
}
