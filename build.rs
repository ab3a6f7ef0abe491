//! Compresses the files that pages refer to. They never change, so the best compression costs a router nothing.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;

const FOLDER: &str = "src/view/assets";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed={FOLDER}");
    let out = env::var("OUT_DIR")?;
    for entry in fs::read_dir(FOLDER)? {
        let path = entry?.path();
        let name = path.file_name().ok_or("a file without a name")?.to_string_lossy();
        let compressed = File::create(Path::new(&out).join(format!("{name}.gz")))?;
        zopfli::compress(
            zopfli::Options::default(),
            zopfli::Format::Gzip,
            fs::read(&path)?.as_slice(),
            compressed,
        )?;
    }
    Ok(())
}
