//! What a package manager is told about a package.

use crate::tree::Tree;

/// The Debian-like revision of the packaging. It is 1 since the files are packed with the program's version.
const RELEASE: &str = "r1";

/// What is the same in every build of a package.
#[derive(Debug)]
pub struct Description {
    /// The package's name.
    pub name: &'static str,
    /// The packages that it needs, by name.
    pub depends: &'static [&'static str],
    /// The menu in which OpenWrt's configuration shows it.
    pub section: &'static str,
    /// The user and group that are created when it is installed: `user:group`.
    pub user: Option<&'static str>,
    /// One line on what it does.
    pub summary: &'static str,
}

/// The program, its service and its plugin for rpcd.
pub const DUSKWATCH: Description = Description {
    name: "duskwatch",
    // The program is static, but its service is a script of OpenWrt's userland, of which this stands for all.
    depends: &["libc"],
    section: "net",
    user: Some("duskwatch:duskwatch"),
    summary: "A network traffic monitor with fixed memory: who uses the network, for what, and who knocks on \
              addresses that nobody has.",
};

/// The pages and the form in LuCI.
pub const LUCI_APP: Description = Description {
    name: "luci-app-duskwatch",
    depends: &["duskwatch", "luci-base"],
    section: "luci",
    user: None,
    summary: "LuCI pages for duskwatch: status and settings.",
};

/// Who made which device.
pub const VENDORS: Description = Description {
    name: "duskwatch-vendors",
    depends: &["duskwatch"],
    section: "net",
    user: None,
    summary: "The vendors of network devices by MAC address, for duskwatch's pages.",
};

/// The project that all packages are made from.
pub const SOURCE: &str = "duskwatch";
/// Its licenses, in SPDX's terms.
pub const LICENSE: &str = "MIT OR Apache-2.0";

/// A package, ready to be written.
#[derive(Debug)]
pub struct Package {
    /// What it is.
    pub description: &'static Description,
    /// The program's version, such as 1.2.3.
    pub version: String,
    /// OpenWrt's name of the processor, none for a package without programs.
    pub architecture: Option<String>,
    /// When everything in it was last changed, in seconds since 1970.
    pub time: u32,
    /// The files.
    pub tree: Tree,
}

impl Package {
    /// The version that package managers compare.
    #[must_use]
    pub fn full_version(&self) -> String {
        format!("{}-{RELEASE}", self.version)
    }

    /// Whether rpcd must read its directories again to see what this package adds.
    #[must_use]
    pub fn concerns_rpcd(&self) -> bool {
        self.tree
            .files()
            .any(|(path, ..)| path.starts_with("usr/libexec/rpcd/") || path.starts_with("usr/share/rpcd/"))
    }
}
