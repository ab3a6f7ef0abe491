//! What one packet to a dark address looks like by itself.
//!
//! The classes are those of the published darknet taxonomies (CAIDA's corsaro, Merit's darknet-events).

use crate::packet::Packet;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

/// UDP services whose answers are abused to flood forged senders: chargen, DNS, NTP, SNMP, CLDAP, SSDP
/// and memcached.
const REFLECTORS: [u16; 7] = [19, 53, 123, 161, 389, 1900, 11211];

/// Ports of the services that a company has inside: DNS, Kerberos, LDAP and SMB.
const INSIDE: [u16; 4] = [53, 88, 389, 445];

/// True if a packet to this port looks meant for a company's own network.
pub(super) fn is_inside(port: u16) -> bool {
    INSIDE.contains(&port)
}

/// What a packet to a dark address suggests about its sender.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Category {
    /// A question: the sender looks for something (a SYN, an ICMP request, TCP flags that no connection has).
    Scan,
    /// An answer to something that the dark address never sent: its sender is the victim of a flood
    /// with forged sources (SYN+ACK, RST, ICMP answers and errors).
    Backscatter,
    /// The same from a UDP service that amplifies.
    Reflection,
    /// The same packet again and again: one address, one port at most.
    Misconfiguration,
    /// What a company's machine asks inside its network only (names, Kerberos, directories, shares), sent
    /// where that network is not: a tunnel is down, or its route leaks.
    LeakedRoute,
    /// One packet does not tell.
    #[default]
    Other,
}

impl Category {
    /// The category of one packet.
    pub fn of(packet: &Packet) -> Self {
        match packet.protocol {
            TCP => of_tcp(packet),
            UDP if is_reflected(packet) => Self::Reflection,
            ICMP => packet.icmp.map_or(Self::Other, |(kind, _)| of_icmp(kind)),
            ICMPV6 => packet.icmp.map_or(Self::Other, |(kind, _)| of_icmpv6(kind)),
            _ => Self::Other,
        }
    }

    /// The name that the report and the log use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scan => "scan",
            Self::Backscatter => "backscatter",
            Self::Reflection => "reflection",
            Self::Misconfiguration => "misconfiguration",
            Self::LeakedRoute => "leaked route",
            Self::Other => "other",
        }
    }
}

fn of_tcp(packet: &Packet) -> Category {
    const ANSWER: u8 = Packet::TCP_ACK | Packet::TCP_RST;
    // Behind its SYN each segment of a connection has an ACK or ends it with a RST (RFC 9293): those without are
    // probes that want to slip past a filter.
    if packet.is_syn() || packet.has_ports && packet.tcp_flags & ANSWER == 0 {
        Category::Scan
    } else if packet.is_syn_ack() || packet.tcp_flags & Packet::TCP_RST != 0 {
        Category::Backscatter
    } else {
        Category::Other
    }
}

fn is_reflected(packet: &Packet) -> bool {
    packet.has_ports && REFLECTORS.contains(&packet.source_port) && packet.destination_port >= 1024
}

/// RFC 792, RFC 950: the answers and errors, and the requests that ask for them.
fn of_icmp(kind: u8) -> Category {
    match kind {
        0 | 3 | 4 | 5 | 11 | 12 | 14 | 16 | 18 => Category::Backscatter,
        8 | 13 | 15 | 17 => Category::Scan,
        _ => Category::Other,
    }
}

/// RFC 4443: errors and the echo reply, and the echo request.
fn of_icmpv6(kind: u8) -> Category {
    match kind {
        1..=4 | 129 => Category::Backscatter,
        128 => Category::Scan,
        _ => Category::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(flags: u8) -> Category {
        Category::of(&Packet { protocol: TCP, has_ports: true, tcp_flags: flags, ..Packet::default() })
    }

    fn udp(source_port: u16, destination_port: u16) -> Category {
        let has_ports = true;
        Category::of(&Packet { protocol: UDP, has_ports, source_port, destination_port, ..Packet::default() })
    }

    fn icmp(protocol: u8, kind: u8) -> Category {
        Category::of(&Packet { protocol, icmp: Some((kind, 0)), ..Packet::default() })
    }

    #[test]
    fn tcp_goes_by_its_flags() {
        assert_eq!(tcp(0x02), Category::Scan);
        assert_eq!(tcp(0xc2), Category::Scan, "a SYN that offers ECN");
        assert_eq!(tcp(0x12), Category::Backscatter);
        assert_eq!(tcp(0x04), Category::Backscatter);
        assert_eq!(tcp(0x14), Category::Backscatter);
        assert_eq!(tcp(0x10), Category::Other);
        for (probe, flags) in [("NULL", 0x00), ("FIN", 0x01), ("Xmas", 0x29)] {
            assert_eq!(tcp(flags), Category::Scan, "{probe}");
        }
        let fragment = Packet { protocol: TCP, later_fragment: true, ..Packet::default() };
        assert_eq!(Category::of(&fragment), Category::Other);
    }

    #[test]
    fn a_reflected_answer_goes_to_a_high_port() {
        assert_eq!(udp(53, 40_000), Category::Reflection);
        assert_eq!(udp(11211, 1024), Category::Reflection);
        assert_eq!(udp(53, 53), Category::Other);
        assert_eq!(udp(40_000, 53), Category::Other);
        let fragment = Packet { protocol: UDP, later_fragment: true, ..Packet::default() };
        assert_eq!(Category::of(&fragment), Category::Other);
    }

    #[test]
    fn icmp_goes_by_its_type() {
        for kind in [0, 3, 4, 5, 11, 12, 14, 16, 18] {
            assert_eq!(icmp(ICMP, kind), Category::Backscatter, "type {kind}");
        }
        assert_eq!(icmp(ICMP, 8), Category::Scan);
        assert_eq!(icmp(ICMP, 42), Category::Other);
        assert_eq!(icmp(ICMPV6, 128), Category::Scan);
        assert_eq!(icmp(ICMPV6, 129), Category::Backscatter);
        assert_eq!(icmp(ICMPV6, 135), Category::Other);
        assert_eq!(Category::of(&Packet { protocol: ICMP, ..Packet::default() }), Category::Other);
    }
}
