//! The program that a test drives.

use std::env;
use std::process::Command;

/// The program that cargo built, or the command in `DUSKWATCH_PROGRAM`, such as `qemu-mips-static
/// target/mips-unknown-linux-musl/release/duskwatch`, to which the test's arguments are added.
pub fn program() -> Command {
    let Ok(command) = env::var("DUSKWATCH_PROGRAM") else {
        return native();
    };
    let mut words = command.split_whitespace();
    let mut program = Command::new(words.next().expect("DUSKWATCH_PROGRAM names a program"));
    program.args(words);
    program
}

/// The program that cargo built for this machine.
pub fn native() -> Command {
    Command::new(env!("CARGO_BIN_EXE_duskwatch"))
}
