//! Other people's programs.

use std::process::Command;

/// Runs a command that must succeed.
pub fn run(command: &mut Command) {
    output(command);
}

/// Runs a command that must succeed, and returns what it printed.
pub fn output(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks UTF-8")
}
