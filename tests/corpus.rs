//! Replays the fuzz corpus, and inputs that are close to it: what a fuzz target once found stays found,
//! also where nobody fuzzes.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use traffic::rng::Rng;

#[path = "../fuzz/entry.rs"]
mod entry;

/// Inputs made from each of the corpus.
const NEIGHBORS: usize = 100;

fn replay(target: &str, entry: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 5, "{} has only {} files", folder.display(), files.len());
    let mut random = Rng::new(1);
    for path in files {
        let original = fs::read(&path).unwrap();
        check(entry, &original, &path);
        for _ in 0..NEIGHBORS {
            check(entry, &neighbor(&original, &mut random), &path);
        }
    }
}

/// A failure shows the file that the input was made from, and the input.
fn check(entry: fn(&[u8]), input: &[u8], origin: &Path) {
    if catch_unwind(AssertUnwindSafe(|| entry(input))).is_err() {
        panic!("from {}: \"{}\"", origin.display(), input.escape_ascii());
    }
}

/// The input with up to four bytes changed, and half of the time cut.
fn neighbor(original: &[u8], random: &mut Rng) -> Vec<u8> {
    let mut input = original.to_vec();
    let mut below = |bound: usize| random.below(bound as u32) as usize;
    if !input.is_empty() {
        for _ in 0..1 + below(4) {
            input[below(original.len())] = below(256) as u8;
        }
        input.truncate(1 + below(2 * original.len()));
    }
    input
}

/// A test for each target: the folder of its corpus and the function of `entry` bear its name.
macro_rules! targets {
    ($($target:ident)*) => {
        $(
            #[test]
            fn $target() {
                replay(stringify!($target), entry::$target);
            }
        )*
    };
}

targets! {
    packet
    request
    config
    rules
    leases
    neighbors
    hosts
    ethers
    names
    vendors
    evidence
    snapshot
    import
}
