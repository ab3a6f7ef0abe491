//! `vendors DIRECTORY FILE`: reads the IEEE's lists in a directory and writes the table.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

/// Blocks of 2^24, 2^20 and 2^12 addresses. The older blocks of 2^12 (iab.csv) are left out: none was assigned since
/// 2014, to makers of few devices.
const LISTS: [&str; 3] = ["oui.csv", "mam.csv", "oui36.csv"];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [directory, file] = arguments.as_slice() else {
        eprintln!(
            "usage: vendors DIRECTORY FILE\n\nDIRECTORY has {}, as Debian's ieee-data.",
            LISTS.join(", ")
        );
        return ExitCode::from(2);
    };
    match write(Path::new(directory), Path::new(file)) {
        Ok(size) => {
            println!("{}: {size} bytes", Path::new(file).display());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("vendors: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(directory: &Path, file: &Path) -> Result<usize, String> {
    let mut lists = Vec::new();
    for name in LISTS {
        let path = directory.join(name);
        let bytes = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        lists.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    let lists: Vec<&str> = lists.iter().map(String::as_str).collect();
    let table = vendors::build(&lists)?;
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent).map_err(|error| format!("{}: {error}", parent.display()))?;
    }
    fs::write(file, &table).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(table.len())
}
