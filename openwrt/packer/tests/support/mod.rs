//! What the tests share: a tree on disk, packages of it, and chance from a seed.
#![allow(dead_code)] // Each test program uses its own part.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use packer::{DUSKWATCH, LUCI_APP, Package, Tree};

/// 2025-11-22 01:40:00 UTC.
pub const TIME: u32 = 1_763_775_600;

/// Xorshift (Marsaglia, 2003).
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below a bound that is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// A directory of a test's own, empty.
pub fn directory(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&path);
    fs::create_dir_all(&path).expect("a directory");
    path
}

/// The files of a service, and whether they are executable.
pub const FILES: [(&str, bool, &str); 5] = [
    ("etc/config/duskwatch", false, "config duskwatch 'general'\n"),
    ("etc/init.d/duskwatch", true, "#!/bin/sh /etc/rc.common\n"),
    ("lib/upgrade/keep.d/duskwatch", false, "/etc/duskwatch/\n"),
    ("usr/libexec/rpcd/duskwatch", true, "#!/bin/sh\n"),
    ("usr/share/empty", false, ""),
];

/// What stands in for the program.
pub fn program() -> Vec<u8> {
    let mut chance = Chance::new(1);
    (0..9_000).map(|_| chance.next() as u8 & 3).collect()
}

/// Lays out `files/` and the program below a directory. A file that is not executable gets `plain`, another
/// `executable`.
pub fn lay_out(top: &Path, plain: u32, executable: u32) {
    for (path, is_executable, content) in FILES {
        let path = top.join("files").join(path);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, content).expect("a file");
        let mode = if is_executable { executable } else { plain };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("a mode");
    }
    fs::write(top.join("program"), program()).expect("a file");
}

/// A package of those files.
pub fn package() -> Package {
    let mut tree = Tree::default();
    tree.insert("usr/sbin/duskwatch", 0o755, program()).expect("new");
    insert_files(&mut tree);
    Package {
        description: &DUSKWATCH,
        version: "1.2.3".to_owned(),
        architecture: Some("mipsel_24kc".to_owned()),
        time: TIME,
        tree,
    }
}

/// The same without the program: it is small, so that a test can take its time with each byte.
pub fn small_package() -> Package {
    let mut tree = Tree::default();
    insert_files(&mut tree);
    Package { tree, ..package() }
}

/// A package without program and user.
pub fn luci_package() -> Package {
    let mut tree = Tree::default();
    tree.insert("usr/share/rpcd/acl.d/luci-app-duskwatch.json", 0o644, b"{}\n".to_vec()).expect("new");
    tree.insert("www/luci-static/resources/view/duskwatch/status.js", 0o644, b"'use strict';\n".to_vec())
        .expect("new");
    Package { description: &LUCI_APP, architecture: None, tree, ..package() }
}

fn insert_files(tree: &mut Tree) {
    for (path, is_executable, content) in FILES {
        let mode = if path.starts_with("etc/config/") {
            0o600
        } else if is_executable {
            0o755
        } else {
            0o644
        };
        tree.insert(path, mode, content.as_bytes().to_vec()).expect("new");
    }
}

/// Runs the packer.
pub fn packer(arguments: &[&str], source_date_epoch: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packer"));
    command.args(arguments).env_remove("SOURCE_DATE_EPOCH");
    if let Some(time) = source_date_epoch {
        command.env("SOURCE_DATE_EPOCH", time);
    }
    command.output().expect("the packer runs")
}

/// Runs something that must succeed, and returns what it prints.
pub fn output(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}
