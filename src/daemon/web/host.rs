//! Under which names the page may be asked for: the guard against DNS rebinding.
//!
//! A stranger's web site can point its own name at the router's address and so have a visitor's
//! browser read the page for it. The browser then sends the stranger's name as `Host`. An address
//! cannot be abused like this, and neither can a name that nobody outside can define.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::limits::WEB_HOST_NAMES_MAX;

/// The names allowed in a `Host` header besides addresses and `localhost`.
#[derive(Clone, Debug, Default)]
pub struct HostNames {
    names: Vec<String>,
}

impl HostNames {
    /// Allows these names: the machine's own and those of the configuration. Case and a trailing dot
    /// do not matter. Fails with a line for people if there are more than `crate::limits` has room for.
    pub fn new(names: &[String]) -> Result<Self, String> {
        if names.len() > WEB_HOST_NAMES_MAX {
            return Err(format!(
                "{} host names given, {WEB_HOST_NAMES_MAX} at most are allowed",
                names.len()
            ));
        }
        let names = names.iter().map(|name| without_dot(name).to_ascii_lowercase()).collect();
        Ok(Self { names })
    }

    /// True if a `Host` header's value is an address or an allowed name, with or without a port.
    pub fn allows(&self, host: &str) -> bool {
        if let Some(rest) = host.strip_prefix('[') {
            return rest
                .split_once(']')
                .is_some_and(|(address, port)| address.parse::<Ipv6Addr>().is_ok() && is_port(port));
        }
        let (name, port) = host.split_at(host.find(':').unwrap_or(host.len()));
        let name = without_dot(name);
        is_port(port)
            && (name.parse::<Ipv4Addr>().is_ok()
                || name.eq_ignore_ascii_case("localhost")
                || self.names.iter().any(|allowed| name.eq_ignore_ascii_case(allowed)))
    }
}

fn without_dot(name: &str) -> &str {
    name.strip_suffix('.').unwrap_or(name)
}

/// Nothing, or a colon and digits; RFC 3986 allows none after the colon.
fn is_port(text: &str) -> bool {
    text.is_empty()
        || text
            .strip_prefix(':')
            .is_some_and(|digits| digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_known_names_pass() {
        let names = HostNames::new(&["OpenWrt".into(), "openwrt.lan.".into()]).unwrap();
        for host in [
            "192.168.1.1",
            "192.168.1.1:667",
            "[::1]",
            "[fe80::1]:667",
            "localhost",
            "LOCALHOST:6677",
            "openwrt",
            "OPENWRT.lan:80",
            "openwrt.lan.",
            "openwrt:",
        ] {
            assert!(names.allows(host), "{host}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let names = HostNames::new(&["openwrt".into()]).unwrap();
        for host in [
            "",
            ":667",
            "evil.example",
            "openwrt.evil.example",
            "localhost.evil.example",
            "192.168.1.1.evil.example",
            "1.2.3",
            "192.168.1.1@evil.example",
            "[::1",
            "[::1]evil.example",
            "[evil]",
            "openwrt:80:80",
            "openwrt:8x",
            "openwrt:123456",
            "openwrt ",
        ] {
            assert!(!names.allows(host), "{host}");
        }
    }

    #[test]
    fn too_many_names_are_an_error() {
        let names: Vec<String> = (0..=WEB_HOST_NAMES_MAX).map(|n| format!("name{n}")).collect();
        assert!(HostNames::new(&names).is_err());
        assert!(HostNames::new(&names[1..]).is_ok());
    }
}
