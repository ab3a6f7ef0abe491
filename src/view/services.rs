//! What well-known ports and protocols are called, after IANA's registries.

use core::cmp::Ordering;

use crate::table::PortKind;

/// A line for each service, `PORT NAME`, in order. After the port stands `t` or `u` if the name is that of TCP or of
/// UDP alone. `scripts/services` makes it: as text it takes less than as a table of pointers.
const SERVICES: &str = include_str!("services.txt");

/// The service that usually has this port, if it is well known.
pub fn service(kind: PortKind, port: u16) -> Option<&'static str> {
    let transport = match kind {
        PortKind::TcpLocal | PortKind::TcpRemote => "t",
        PortKind::UdpLocal | PortKind::UdpRemote => "u",
        PortKind::Protocol => return None,
    };
    // Whole lines, among which it is.
    let mut lines = SERVICES;
    while !lines.is_empty() {
        let (before, rest) = lines.split_at_checked(line_start(lines))?;
        let (line, after) = rest.split_once('\n')?;
        let (place, name) = line.split_once(' ')?;
        let number = place.trim_end_matches(['t', 'u']);
        let only = place.get(number.len()..)?;
        let order = number.parse::<u16>().ok()?.cmp(&port);
        match order.then(if only.is_empty() { Ordering::Equal } else { only.cmp(transport) }) {
            Ordering::Less => lines = after,
            Ordering::Equal => return Some(name),
            Ordering::Greater => lines = before,
        }
    }
    None
}

/// Where the line begins in which the middle is.
fn line_start(lines: &str) -> usize {
    let before = lines.as_bytes().get(..lines.len() / 2).unwrap_or_default();
    before.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1)
}

/// The name of an IP protocol (IANA, "Assigned Internet Protocol Numbers"), if it is a usual one.
pub const fn protocol(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "HOPOPT",
        1 => "ICMP",
        2 => "IGMP",
        4 => "IPv4",
        6 => "TCP",
        8 => "EGP",
        17 => "UDP",
        27 => "RDP",
        33 => "DCCP",
        41 => "IPv6",
        43 => "IPv6-Route",
        44 => "IPv6-Frag",
        46 => "RSVP",
        47 => "GRE",
        50 => "ESP",
        51 => "AH",
        58 => "IPv6-ICMP",
        59 => "IPv6-NoNxt",
        60 => "IPv6-Opts",
        88 => "EIGRP",
        89 => "OSPF",
        94 => "IPIP",
        97 => "ETHERIP",
        103 => "PIM",
        108 => "IPComp",
        112 => "VRRP",
        115 => "L2TP",
        132 => "SCTP",
        136 => "UDPLite",
        137 => "MPLS-in-IP",
        253 | 254 => "experimental",
        255 => "Reserved",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    /// Each line as the port, the transports that it is for, and the name.
    fn lines() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
        SERVICES.lines().map(|line| {
            let (place, name) = line.split_once(' ').unwrap();
            let number = place.trim_end_matches(['t', 'u']);
            let only = &place[number.len()..];
            (number.parse().unwrap(), if only.is_empty() { "tu" } else { only }, name)
        })
    }

    #[test]
    fn every_service_is_found_and_nothing_else() {
        let all: Vec<_> = lines().collect();
        assert!(all.is_sorted_by(|one, next| (one.0, one.1) < (next.0, next.1)));
        assert!(SERVICES.is_ascii() && SERVICES.ends_with('\n'));
        for port in 0..=u16::MAX {
            for (kind, transport) in [(PortKind::TcpLocal, "t"), (PortKind::UdpRemote, "u")] {
                let expected = all.binary_search_by_key(&port, |line| line.0).ok();
                let expected = expected.and_then(|place| {
                    let near = &all[place.saturating_sub(1)..(place + 2).min(all.len())];
                    near.iter().find(|line| line.0 == port && line.1.contains(transport))
                });
                assert_eq!(service(kind, port), expected.map(|line| line.2), "{port}{transport}");
            }
            assert_eq!(service(PortKind::Protocol, port), None);
        }
        assert_eq!(service(PortKind::TcpRemote, 443), Some("https"));
        assert_eq!(service(PortKind::TcpRemote, 123), None);
        assert_eq!(service(PortKind::UdpLocal, 123), Some("ntp"));
        assert_eq!(service(PortKind::UdpLocal, 513), Some("who"));
    }
}
