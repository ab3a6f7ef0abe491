//! The scripts that run on the router when a package comes or goes.
//!
//! OpenWrt's `default_postinst` creates users, runs uci-defaults, enables and starts services; `default_prerm`
//! stops and disables them. Under opkg both find the package's name in `$0`, under apk in `$pkgname`.

use crate::package::Package;

/// An image builder says so when it installs into a directory and runs no scripts.
const UNLESS_IN_IMAGE: &str = "[ \"${IPKG_NO_SCRIPT}\" = \"1\" ] && exit 0\n";
const FUNCTIONS: &str = "[ -s \"${IPKG_INSTROOT}/lib/functions.sh\" ] || exit 0\n\
                         . \"${IPKG_INSTROOT}/lib/functions.sh\"\n";
/// rpcd looks for plugins and access lists only when it starts or is told to; LuCI keeps its menu in a cache.
/// So it is told when they come and when they are gone. An image without LuCI may have no rpcd.
const TELL_RPCD: &str = "if [ -z \"${IPKG_INSTROOT}\" ]; then\n\
                         \x20   rm -rf /tmp/luci-indexcache.* /tmp/luci-modulecache\n\
                         \x20   [ ! -x /etc/init.d/rpcd ] || /etc/init.d/rpcd reload\n\
                         fi\n\
                         exit 0\n";

/// A script's name in the package, and its text.
pub type Script = (&'static str, String);

/// The files that opkg runs, in the order of their names.
pub fn for_opkg(package: &Package) -> Vec<Script> {
    let mut scripts = vec![(
        "postinst",
        format!("#!/bin/sh\n{UNLESS_IN_IMAGE}{FUNCTIONS}default_postinst \"$0\" \"$@\"\n"),
    )];
    if package.concerns_rpcd() {
        // default_postinst reads it.
        scripts.push(("postinst-pkg", format!("#!/bin/sh\n{TELL_RPCD}")));
    }
    if package.concerns_rpcd() {
        scripts.push(("postrm", format!("#!/bin/sh\n{TELL_RPCD}")));
    }
    scripts.push(("prerm", format!("#!/bin/sh\n{FUNCTIONS}default_prerm \"$0\" \"$@\"\n")));
    scripts
}

/// The scripts that apk runs, in the order of its numbers for them.
pub fn for_apk(package: &Package) -> Vec<Script> {
    let name = package.description.name;
    let variables = format!("export root=\"${{IPKG_INSTROOT}}\"\nexport pkgname=\"{name}\"\n");
    let tell_rpcd = if package.concerns_rpcd() { TELL_RPCD } else { "" };
    let install =
        format!("{UNLESS_IN_IMAGE}{FUNCTIONS}{variables}add_group_and_user\ndefault_postinst\n{tell_rpcd}");
    let mut scripts = vec![
        ("post-install", format!("#!/bin/sh\n{install}")),
        ("pre-deinstall", format!("#!/bin/sh\n{FUNCTIONS}{variables}default_prerm\n")),
    ];
    if package.concerns_rpcd() {
        scripts.push(("post-deinstall", format!("#!/bin/sh\n{TELL_RPCD}")));
    }
    scripts.push(("post-upgrade", format!("#!/bin/sh\nexport PKG_UPGRADE=1\n{install}")));
    scripts
}
