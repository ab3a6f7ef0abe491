//! The texts of single values. Each error says what the option takes.

use std::net::IpAddr;

use super::Interface;
use crate::daemon::alarm::Receiver;
use crate::daemon::evidence::export::Format;
use crate::daemon::names::Name;
use crate::daemon::names::devices::own_name;
use crate::darknet::Exclusion;
use crate::limits::{
    EVIDENCE_BYTES_MAX, EVIDENCE_BYTES_MIN, NOTICE_BYTES_MAX, QUOTA_BYTES_MAX, QUOTA_BYTES_MIN, RING_MAX,
    RING_MIN,
};
use crate::network::{NotAPrefix, Prefix, Role};
use crate::packet::Mac;
use crate::quota::{Quota, Target};
use crate::view::languages::Language;

type Parsed<T> = Result<T, &'static str>;

/// `eth0`, `eth0=lan` or `eth0=wan`.
pub fn interface(text: &str) -> Parsed<Interface> {
    let (name, role) = match text.rsplit_once('=') {
        None => (text, None),
        Some((name, "lan")) => (name, Some(Role::Lan)),
        Some((name, "wan")) => (name, Some(Role::Wan)),
        Some(_) => return Err("takes an interface, and lan or wan after its ="),
    };
    // What the kernel refuses as a name, and a forgotten value that took the next option for its own.
    let bad = |byte: u8| !byte.is_ascii_graphic() || byte == b'/' || byte == b':';
    let wrong = name.is_empty() || name.len() > 15 || name == "." || name == "..";
    if wrong || name.starts_with('-') || name.bytes().any(bad) {
        return Err("takes the name of an interface, such as br-lan, or IF=lan or IF=wan");
    }
    Ok(Interface { name: name.to_owned(), role })
}

/// An IPv4 or IPv6 prefix.
pub fn prefix(text: &str) -> Result<Prefix, NotAPrefix> {
    text.parse()
}

/// A prefix, a port or a link-layer address.
pub fn exclusion(text: &str) -> Parsed<Exclusion> {
    if let Ok(prefix) = text.parse() {
        return Ok(Exclusion::Prefix(prefix));
    }
    if let Some(mac) = Mac::parse(text) {
        return Ok(Exclusion::Mac(mac));
    }
    let port = text.parse().ok().filter(|port| *port > 0).map(Exclusion::Port);
    port.ok_or("takes a network such as 192.168.1.9 or 10.66.0.0/16, a port, or a MAC address")
}

/// `MAC=NAME`.
pub fn device_name(text: &str) -> Result<(Mac, Name), String> {
    let split = text.split_once('=').and_then(|(mac, name)| Some((Mac::parse(mac)?, name)));
    let Some((mac, name)) = split.filter(|(mac, _)| mac.is_station()) else {
        return Err("takes a MAC address and a name, such as 02:00:00:00:00:05=nas".to_owned());
    };
    Ok((mac, own_name(name)?))
}

/// An address to listen on.
pub fn address(text: &str) -> Parsed<IpAddr> {
    text.parse().map_err(|_| "takes an address of this machine, such as 192.168.1.1, 0.0.0.0 or ::")
}

/// `stats`, `/stats/` or `/`, as `/stats` or nothing. It goes into every link of every page.
pub fn base_path(text: &str) -> Parsed<String> {
    let path = text.trim_matches('/');
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    if text.len() > 64 || !path.bytes().all(plain) || path.split('/').any(|part| part == "..") {
        return Err("takes a path of up to 64 letters, digits and -._~/");
    }
    Ok(if path.is_empty() { String::new() } else { format!("/{path}") })
}

/// A name for the Host header, in lower case.
pub fn host_name(text: &str) -> Parsed<String> {
    if is_host_name(text) {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("takes a host name, such as router.lan")
    }
}

/// A warning for the pages, as it is: whoever shows it escapes it.
pub fn notice(text: &str) -> Result<String, String> {
    if text.len() > NOTICE_BYTES_MAX || text.chars().any(char::is_control) {
        return Err(format!("takes a line of up to {NOTICE_BYTES_MAX} bytes"));
    }
    Ok(text.to_owned())
}

/// A language of the pages.
pub fn language(text: &str) -> Parsed<&'static Language> {
    Language::of(text).ok_or("takes en or de")
}

/// `udp://HOST:PORT` or `tcp://HOST:PORT`, where `:PORT` may be missing and an IPv6 address has brackets.
pub fn syslog_target(text: &str) -> Parsed<Receiver> {
    text.parse().map_err(|_| "takes udp://HOST:PORT or tcp://HOST:PORT")
}

/// `udp://HOST:PORT`, where `:PORT` may be missing and an IPv6 address has brackets.
pub fn ipfix_target(text: &str) -> Parsed<Receiver> {
    Receiver::collector(text).map_err(|_| "takes udp://HOST:PORT")
}

/// Seconds between snapshots.
pub fn interval(text: &str) -> Parsed<u64> {
    const LONGEST: u64 = 30 * 86_400;
    scaled(text, &[("s", 1), ("m", 60), ("h", 3600), ("d", 86_400)])
        .filter(|seconds| (1..=LONGEST).contains(seconds))
        .ok_or("takes a time from 1s to 30d, such as 30m or 1h")
}

/// Bytes of a capture ring.
pub fn ring_size(text: &str) -> Parsed<u32> {
    scaled(text, SIZES)
        .and_then(|bytes| u32::try_from(bytes).ok())
        .filter(|bytes| (RING_MIN..=RING_MAX).contains(bytes))
        .ok_or("takes a size from 64K to 256M")
}

/// Bytes written in a day.
pub fn flash_budget(text: &str) -> Parsed<u64> {
    scaled(text, SIZES).filter(|bytes| *bytes > 0).ok_or("takes bytes for each day, such as 512K or 10M")
}

/// Bytes of evidence.
pub fn evidence_bytes(text: &str) -> Parsed<u64> {
    scaled(text, SIZES)
        .filter(|bytes| (EVIDENCE_BYTES_MIN..=EVIDENCE_BYTES_MAX).contains(bytes))
        .ok_or("takes a size from 64K to 1G")
}

/// `MAC=SIZE` or `INTERFACE=SIZE`, of one of these interfaces.
pub fn quota(text: &str, interfaces: &[Interface]) -> Parsed<Quota> {
    let (name, size) =
        text.rsplit_once('=').ok_or("takes a MAC address or an interface, and a size, such as br-lan=50G")?;
    let device = || Mac::parse(name).filter(|mac| mac.is_station()).map(Target::Device);
    let interface = interfaces.iter().position(|interface| interface.name == name);
    let target = interface
        .map(|index| Target::Interface(index as u8))
        .or_else(device)
        .ok_or("takes a MAC address, or an interface that is watched, before its =")?;
    let bytes = scaled(size, DECIMAL_SIZES)
        .filter(|bytes| (QUOTA_BYTES_MIN..=QUOTA_BYTES_MAX).contains(bytes))
        .ok_or("takes a size from 1K to 100T after its =, such as 500M or 50G")?;
    Ok(Quota { target, bytes })
}

/// How packets are told.
pub fn export_format(text: &str) -> Parsed<Format> {
    match text {
        "csv" => Ok(Format::Csv),
        "jsonl" => Ok(Format::JsonLines),
        "sql" => Ok(Format::Sql),
        _ => Err("takes csv, jsonl or sql"),
    }
}

const SIZES: &[(&str, u64)] = &[("K", 1 << 10), ("M", 1 << 20), ("G", 1 << 30)];

/// What a provider counts by, and a page shows.
const DECIMAL_SIZES: &[(&str, u64)] =
    &[("K", 1_000), ("M", 1_000_000), ("G", 1_000_000_000), ("T", 1_000_000_000_000)];

/// A number with one of the units at its end, or without any.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, scale) = units
        .iter()
        .find_map(|(unit, scale)| text.strip_suffix(unit).map(|digits| (digits, *scale)))
        .unwrap_or((text, 1));
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse::<u64>().ok()?.checked_mul(scale)
}

/// True for a host name or an IPv4 address (RFC 1123, and the underscores that people use).
fn is_host_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && label.bytes().all(plain)
    };
    text.len() <= 253 && text.strip_suffix('.').unwrap_or(text).split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_have_names_and_roles() {
        assert_eq!(interface("br-lan"), Ok(Interface { name: "br-lan".into(), role: None }));
        assert_eq!(interface("eth0.7=wan"), Ok(Interface { name: "eth0.7".into(), role: Some(Role::Wan) }));
        assert_eq!(interface("a=lan"), Ok(Interface { name: "a".into(), role: Some(Role::Lan) }));
        for bad in [
            "",
            "=lan",
            "eth0=dmz",
            "eth0=",
            "-p",
            "a/b",
            "a b",
            "sixteen-letters-",
            "..",
            "a:0",
            "\u{7f}",
            "é",
        ] {
            assert!(interface(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn syslog_targets() {
        use crate::daemon::alarm::Transport;
        let target = |text| syslog_target(text).map(|t| (t.transport, t.host, t.port));
        assert_eq!(target("udp://logs.lan:1514"), Ok((Transport::Udp, "logs.lan".into(), 1514)));
        assert_eq!(target("tcp://10.0.0.1"), Ok((Transport::Tcp, "10.0.0.1".into(), 514)));
        assert_eq!(target("udp://[fd00::1]:6514"), Ok((Transport::Udp, "fd00::1".into(), 6514)));
        assert_eq!(target("udp://[fd00::1]"), Ok((Transport::Udp, "fd00::1".into(), 514)));
        for bad in [
            "",
            "logs.lan",
            "http://logs.lan",
            "udp://",
            "udp://:514",
            "udp://a:",
            "udp://a:0",
            "udp://a:65536",
            "udp://fd00::1",
            "udp://[fd00::1",
            "udp://[a]:1",
            "udp://[fd00::1]514",
            "udp://a/b",
            "udp://a:+1x",
        ] {
            assert!(target(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sizes_and_times_have_units() {
        assert_eq!(interval("30m"), Ok(1800));
        assert_eq!(interval("1h"), Ok(3600));
        assert_eq!(interval("3600"), Ok(3600));
        assert_eq!(interval("30d"), Ok(2_592_000));
        assert_eq!(ring_size("64K"), Ok(65_536));
        assert_eq!(ring_size("256M"), Ok(268_435_456));
        assert_eq!(flash_budget("10M"), Ok(10_485_760));
        assert_eq!(flash_budget("512K"), Ok(524_288));
        for bad in ["", "0", "h", "1.5h", "-1", "+1", "31d", "1w", "99999999999999999999d", "é"] {
            assert!(interval(bad).is_err(), "{bad}");
        }
        for bad in ["", "63K", "257M", "4G", "18446744073709551615G", "1k"] {
            assert!(ring_size(bad).is_err(), "{bad}");
        }
        assert!(flash_budget("0").is_err());
    }

    #[test]
    fn quotas_are_those_of_devices_and_interfaces() {
        let interfaces = ["br-lan", "a=b"].map(|name| Interface { name: name.into(), role: None });
        let quota = |text| quota(text, &interfaces).map(|quota| (quota.target, quota.bytes));
        let mac = Target::Device(Mac([2, 0, 0, 0, 0, 5]));
        assert_eq!(quota("02:00:00:00:00:05=50G"), Ok((mac, 50_000_000_000)));
        assert_eq!(quota("br-lan=1K"), Ok((Target::Interface(0), 1_000)));
        assert_eq!(quota("a=b=100T"), Ok((Target::Interface(1), 100_000_000_000_000)));
        assert_eq!(quota("a=b=1500"), Ok((Target::Interface(1), 1_500)));
        for bad in [
            "",
            "br-lan",
            "br-lan=",
            "br-lan=50GB",
            "br-lan=0.5G",
            "br-lan=-1G",
            "br-lan=999",
            "br-lan=101T",
            "br-lan=99999999999T",
            "eth0=50G",
            "=50G",
            "ff:ff:ff:ff:ff:ff=50G",
        ] {
            assert!(quota(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_paths_are_harmless() {
        assert_eq!(base_path("stats"), Ok("/stats".into()));
        assert_eq!(base_path("/a/b/"), Ok("/a/b".into()));
        assert_eq!(base_path("/"), Ok(String::new()));
        for bad in ["a b", "a?b", "<script>", "../x", "a\"", &"a".repeat(65)] {
            assert!(base_path(bad).is_err(), "{bad}");
        }
        assert_eq!(host_name("Router.LAN"), Ok("router.lan".into()));
        for bad in ["", ".", "a..b", "-a", "a b", "a:80", "a/b", &"a".repeat(64), &"a.".repeat(127)] {
            assert!(host_name(bad).is_err(), "{bad}");
        }
    }
}
