//! What well-known ports and protocols are called, after IANA's registries.

use crate::table::PortKind;

/// One port's service, by transport.
struct Service {
    port: u16,
    tcp: Option<&'static str>,
    udp: Option<&'static str>,
}

const fn both(port: u16, name: &'static str) -> Service {
    Service { port, tcp: Some(name), udp: Some(name) }
}

const fn tcp(port: u16, name: &'static str) -> Service {
    Service { port, tcp: Some(name), udp: None }
}

const fn udp(port: u16, name: &'static str) -> Service {
    Service { port, tcp: None, udp: Some(name) }
}

/// Sorted by port. Names are those of IANA's "Service Name and Transport Protocol Port Number Registry",
/// or the usual one where a service of the home is not in it.
const SERVICES: &[Service] = &[
    tcp(20, "ftp-data"),
    tcp(21, "ftp"),
    tcp(22, "ssh"),
    tcp(23, "telnet"),
    tcp(25, "smtp"),
    both(53, "domain"),
    udp(67, "bootps"),
    udp(68, "bootpc"),
    udp(69, "tftp"),
    both(80, "http"),
    both(88, "kerberos"),
    tcp(110, "pop3"),
    both(111, "sunrpc"),
    udp(123, "ntp"),
    tcp(135, "epmap"),
    udp(137, "netbios-ns"),
    udp(138, "netbios-dgm"),
    tcp(139, "netbios-ssn"),
    tcp(143, "imap"),
    udp(161, "snmp"),
    udp(162, "snmptrap"),
    tcp(179, "bgp"),
    both(389, "ldap"),
    both(443, "https"),
    tcp(445, "microsoft-ds"),
    tcp(465, "submissions"),
    udp(500, "isakmp"),
    both(514, "syslog"),
    tcp(515, "printer"),
    udp(520, "router"),
    udp(546, "dhcpv6-client"),
    udp(547, "dhcpv6-server"),
    tcp(548, "afpovertcp"),
    both(554, "rtsp"),
    tcp(587, "submission"),
    tcp(631, "ipp"),
    tcp(636, "ldaps"),
    both(853, "domain-s"),
    tcp(873, "rsync"),
    tcp(989, "ftps-data"),
    tcp(990, "ftps"),
    tcp(993, "imaps"),
    tcp(995, "pop3s"),
    tcp(1080, "socks"),
    both(1194, "openvpn"),
    tcp(1433, "ms-sql-s"),
    udp(1701, "l2tp"),
    tcp(1723, "pptp"),
    udp(1812, "radius"),
    tcp(1883, "mqtt"),
    udp(1900, "ssdp"),
    both(2049, "nfs"),
    both(3074, "xbox"),
    tcp(3306, "mysql"),
    both(3389, "ms-wbt-server"),
    both(3478, "stun"),
    tcp(3689, "daap"),
    udp(3702, "ws-discovery"),
    udp(4500, "ipsec-nat-t"),
    both(5060, "sip"),
    both(5061, "sips"),
    tcp(5222, "xmpp-client"),
    tcp(5269, "xmpp-server"),
    udp(5351, "nat-pmp"),
    udp(5353, "mdns"),
    udp(5355, "llmnr"),
    tcp(5432, "postgresql"),
    tcp(5671, "amqps"),
    both(5683, "coap"),
    tcp(5900, "rfb"),
    tcp(6379, "redis"),
    udp(6771, "bittorrent-lsd"),
    both(6881, "bittorrent"),
    tcp(8008, "http-alt"),
    tcp(8009, "castv2"),
    tcp(8080, "http-alt"),
    tcp(8443, "https-alt"),
    tcp(8883, "secure-mqtt"),
    tcp(9100, "pdl-datastream"),
    udp(19302, "stun"),
    tcp(32400, "plex"),
    udp(51820, "wireguard"),
];

/// The service that usually has this port, if it is well known.
pub fn service(kind: PortKind, port: u16) -> Option<&'static str> {
    let index = SERVICES.binary_search_by_key(&port, |service| service.port).ok()?;
    let service = SERVICES.get(index)?;
    match kind {
        PortKind::TcpLocal | PortKind::TcpRemote => service.tcp,
        PortKind::UdpLocal | PortKind::UdpRemote => service.udp,
        PortKind::Protocol => None,
    }
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
    use super::*;

    #[test]
    fn every_service_is_found() {
        assert!(SERVICES.is_sorted_by(|one, next| one.port < next.port));
        for entry in SERVICES {
            assert_eq!(service(PortKind::TcpLocal, entry.port), entry.tcp);
            assert_eq!(service(PortKind::UdpRemote, entry.port), entry.udp);
        }
        assert_eq!(service(PortKind::TcpRemote, 443), Some("https"));
        assert_eq!(service(PortKind::TcpRemote, 123), None);
        assert_eq!(service(PortKind::TcpRemote, 65_535), None);
    }
}
