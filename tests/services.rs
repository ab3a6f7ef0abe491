//! The table of services is what its script makes of Debian's list.

use std::fs;
use std::process::Command;

#[path = "support/skip.rs"]
mod skip;
use skip::skipped;

/// The version of Debian's netbase that the table was made from.
const NETBASE: &str = "6.4";

#[test]
fn the_table_is_what_the_script_makes() {
    const TEST: &str = "the_table_is_what_the_script_makes";
    let query = Command::new("dpkg-query").args(["--show", "--showformat=${Version}", "netbase"]).output();
    let installed =
        query.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    if installed != NETBASE {
        return skipped(TEST, &format!("netbase {NETBASE} is not installed, but {installed:?}"));
    }
    let root = env!("CARGO_MANIFEST_DIR");
    let made = Command::new(format!("{root}/scripts/services")).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let committed = fs::read_to_string(format!("{root}/src/view/services.txt")).unwrap();
    assert_eq!(String::from_utf8_lossy(&made.stdout), committed, "scripts/services >src/view/services.txt");
}
