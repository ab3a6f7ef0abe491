//! Replays the fuzz corpus on stable: what a fuzz target once found stays found.

use std::fs;
use std::path::Path;

#[path = "../fuzz/entry.rs"]
mod entry;

fn replay(target: &str, entry: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let mut replayed = 0;
    for file in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = file.unwrap().path();
        // The harness shows this line only when the test fails: it then names the input.
        println!("{}", path.display());
        entry(&fs::read(&path).unwrap());
        replayed += 1;
    }
    assert!(replayed > 0, "{} is empty", folder.display());
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
    snapshot
    import
}
