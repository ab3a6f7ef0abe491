//! The command line of the packer.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::prelude::*;
use packer::{ARCHITECTURES, DUSKWATCH, Error, LUCI_APP, Package, Tree, VENDORS, apk, catalog, ipk};

const HELP: &str = "\
Makes and verifies duskwatch's packages for OpenWrt.

    packer ipk|apk ARCHITECTURE --program FILE --version V [--files DIR] [-o DIR]
        Pack the program and the service.
    packer ipk|apk luci --version V [--files DIR] [-o DIR]
        Pack the pages for LuCI, which are the same for all architectures.
    packer ipk|apk vendors --vendors FILE --version V [-o DIR]
        Pack the table of vendors, likewise.
    packer list FILE
        Open a package, verify it, and list what is in it.
    packer target ARCHITECTURE
        Say for which of Rust's targets the program must be built.
    packer architectures
        List OpenWrt's architectures with their targets.

    --program FILE      the static program
    --vendors FILE      the table of vendors
    --version V         its version, such as 1.2.3
    --files DIR         the directory of files/ and luci-app-duskwatch/ (openwrt)
    -o, --output DIR    where to put the package (target/packages)

SOURCE_DATE_EPOCH, in seconds since 1970, is the time of all files in a package.
";

#[derive(Default)]
struct Arguments {
    words: Vec<String>,
    program: Option<PathBuf>,
    vendors: Option<PathBuf>,
    version: Option<String>,
    files: Option<PathBuf>,
    output: Option<PathBuf>,
}

fn main() -> ExitCode {
    let arguments = match parse() {
        Ok(Some(arguments)) => arguments,
        Ok(None) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Err(error) => return fail(&error, 2),
    };
    let words: Vec<_> = arguments.words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["ipk" | "apk", _] => pack(&arguments),
        ["list", file] => list(Path::new(file)),
        ["target", architecture] => packer::rust_target(architecture).map(|target| println!("{target}")),
        ["architectures"] => {
            for (architecture, target) in ARCHITECTURES {
                println!("{architecture:26} {target}");
            }
            Ok(())
        }
        _ => return fail(&"this is no command; `packer --help` lists them", 2),
    };
    done.map_or_else(|error| fail(&error, 1), |()| ExitCode::SUCCESS)
}

fn fail(error: &dyn std::fmt::Display, status: u8) -> ExitCode {
    eprintln!("packer: {error}");
    ExitCode::from(status)
}

/// None where help is asked for.
fn parse() -> Result<Option<Arguments>, lexopt::Error> {
    let mut arguments = Arguments::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(word) => arguments.words.push(word.string()?),
            Long("program") => arguments.program = Some(parser.value()?.into()),
            Long("vendors") => arguments.vendors = Some(parser.value()?.into()),
            Long("version") => arguments.version = Some(parser.value()?.string()?),
            Long("files") => arguments.files = Some(parser.value()?.into()),
            Short('o') | Long("output") => arguments.output = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(None),
            _ => return Err(argument.unexpected()),
        }
    }
    Ok(Some(arguments))
}

fn list(path: &Path) -> Result<(), Error> {
    let bytes = fs::read(path).map_err(|error| Error::file(path, &error))?;
    let contents =
        packer::read(&bytes).map_err(|error| Error::new(format!("{}: {error}", path.display())))?;
    print!("{contents}");
    Ok(())
}

fn pack(arguments: &Arguments) -> Result<(), Error> {
    let package = package(arguments)?;
    let output = arguments.output.clone().unwrap_or_else(|| "target/packages".into());
    let (bytes, path) = if arguments.words[0] == "ipk" {
        (ipk::write(&package)?, output.join(ipk::file_name(&package)))
    } else {
        let architecture = package.architecture.as_deref().unwrap_or("noarch");
        (apk::write(&package)?, output.join(architecture).join(apk::file_name(&package)))
    };
    // What does not open again does not leave the house.
    packer::read(&bytes)?;
    let directory = path.parent().unwrap_or(&output);
    fs::create_dir_all(directory).map_err(|error| Error::file(directory, &error))?;
    fs::write(&path, &bytes).map_err(|error| Error::file(&path, &error))?;
    println!("{}: {} bytes", path.display(), bytes.len());
    Ok(())
}

fn package(arguments: &Arguments) -> Result<Package, Error> {
    let time = env::var("SOURCE_DATE_EPOCH")
        .ok()
        .and_then(|time| time.parse().ok())
        .ok_or_else(|| Error::new("SOURCE_DATE_EPOCH must be set to seconds since 1970"))?;
    let version = arguments
        .version
        .clone()
        .filter(|version| is_version(version))
        .ok_or_else(|| Error::new("--version must be given, such as 1.2.3"))?;
    let files = arguments.files.as_deref().unwrap_or(Path::new("openwrt"));
    let mut tree = Tree::default();
    if arguments.words[1] == "luci" {
        let app = files.join(LUCI_APP.name);
        tree.insert_all("", &app.join("root"))?;
        tree.insert_all("www", &app.join("htdocs"))?;
        insert_translations(&mut tree, &app.join("po"))?;
        return Ok(Package { description: &LUCI_APP, version, architecture: None, time, tree });
    }
    if arguments.words[1] == "vendors" {
        let table = arguments.vendors.as_deref();
        let table = table.ok_or_else(|| Error::new("--vendors must name the table to pack"))?;
        tree.insert_file("usr/share/duskwatch/vendors", 0o644, table)?;
        return Ok(Package { description: &VENDORS, version, architecture: None, time, tree });
    }
    let architecture = arguments.words[1].clone();
    packer::rust_target(&architecture)?;
    let program =
        arguments.program.as_deref().ok_or_else(|| Error::new("--program must name the program to pack"))?;
    tree.insert_file("usr/sbin/duskwatch", 0o755, program)?;
    tree.insert_all("", &files.join("files"))?;
    Ok(Package { description: &DUSKWATCH, version, architecture: Some(architecture), time, tree })
}

/// Adds each language's `.lmo` to where LuCI looks. A directory of `po` bears the language's name; `templates`
/// has what is to be translated.
fn insert_translations(tree: &mut Tree, po: &Path) -> Result<(), Error> {
    let broken = |error| Error::file(po, &error);
    for entry in fs::read_dir(po).map_err(broken)? {
        let language = entry.map_err(broken)?.file_name();
        let Some(language) = language.to_str().filter(|language| *language != "templates") else { continue };
        let file = po.join(language).join("duskwatch.po");
        let text = fs::read_to_string(&file).map_err(|error| Error::file(&file, &error))?;
        let compiled =
            catalog::compile(&text).map_err(|error| Error::new(format!("{}: {error}", file.display())))?;
        tree.insert(&format!("usr/lib/lua/luci/i18n/duskwatch.{language}.lmo"), 0o644, compiled)?;
    }
    Ok(())
}

/// Numbers with dots between: what both package managers compare alike.
fn is_version(version: &str) -> bool {
    version.split('.').all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}
