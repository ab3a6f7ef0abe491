//! Where the messages go.

use std::fmt;
use std::str::FromStr;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram per message (RFC 5426).
    Udp,
    /// A byte stream, in which a [`Framing`] separates the messages.
    Tcp,
}

/// What separates messages on a byte stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// A newline ends each of them (RFC 6587, 3.4.2).
    #[default]
    Newline,
    /// Its length in bytes and a space begin each of them (RFC 6587, 3.4.1).
    Octets,
}

impl FromStr for Framing {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "newline" => Ok(Self::Newline),
            "octets" => Ok(Self::Octets),
            _ => Err("takes newline or octets"),
        }
    }
}

/// The port of a receiver that names none (RFC 5426, 3.3).
const SYSLOG_PORT: u16 = 514;

/// The port of an IPFIX collector of which none is named (RFC 7011, 10.3.4).
const IPFIX_PORT: u16 = 4739;

/// A receiver: `udp://HOST:PORT` or `tcp://HOST:PORT`; IPv6 addresses in brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receiver {
    /// How messages travel to it.
    pub transport: Transport,
    /// Its name or address.
    pub host: String,
    /// Its port, not 0.
    pub port: u16,
}

/// A text names no receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAReceiver;

impl fmt::Display for NotAReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "takes udp://HOST:PORT or tcp://HOST:PORT, such as udp://192.168.1.2:514 or tcp://[fd00::2]:601",
        )
    }
}

impl FromStr for Receiver {
    type Err = NotAReceiver;

    fn from_str(text: &str) -> Result<Self, NotAReceiver> {
        Self::parse(text, SYSLOG_PORT)
    }
}

impl Receiver {
    /// An IPFIX collector, which takes datagrams.
    pub fn collector(text: &str) -> Result<Self, NotAReceiver> {
        let collector = Self::parse(text, IPFIX_PORT)?;
        if collector.transport == Transport::Udp { Ok(collector) } else { Err(NotAReceiver) }
    }

    fn parse(text: &str, port_left_out: u16) -> Result<Self, NotAReceiver> {
        let (transport, rest) = match text.split_once("://") {
            Some(("udp", rest)) => (Transport::Udp, rest),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            _ => return Err(NotAReceiver),
        };
        // Colons inside brackets belong to the address.
        let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| NotAReceiver)?),
            None => (rest, port_left_out),
        };
        if port == 0 {
            return Err(NotAReceiver);
        }
        let host = match host.strip_prefix('[') {
            Some(literal) => literal.strip_suffix(']').filter(|literal| literal.contains(':')),
            None => Some(host).filter(|host| !host.contains([':', ']'])),
        };
        let is_host = |host: &&str| {
            (1..=255).contains(&host.len())
                && host.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/')
        };
        let host = host.filter(is_host).ok_or(NotAReceiver)?;
        Ok(Self { transport, host: host.to_owned(), port })
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = match self.transport {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn receivers_parse_and_print() {
        for text in [
            "udp://192.168.1.2:514",
            "tcp://[fd00::2]:601",
            "udp://logs.example:5514",
            "udp://[fe80::1%eth0]:514",
        ] {
            assert_eq!(text.parse::<Receiver>().unwrap().to_string(), text);
        }
        for bad in [
            "",
            "192.168.1.2:514",
            "http://a:1",
            "udp://",
            "udp://a:",
            "udp://a:0",
            "udp://a:65536",
            "udp://:514",
            "udp://fd00::2:514",
            "udp://[a]:514",
            "udp://[fd00::2:514",
            "udp://a b:514",
            "udp://a:514/",
            "udp://a/b:514",
            "udp://\u{e4}:514",
        ] {
            assert_eq!(bad.parse::<Receiver>(), Err(NotAReceiver), "{bad:?}");
        }
        assert!(format!("udp://{}:1", "a".repeat(256)).parse::<Receiver>().is_err());
    }

    #[test]
    fn a_port_may_be_left_out() {
        assert_eq!("tcp://logs".parse::<Receiver>().unwrap().port, 514);
        assert_eq!(Receiver::collector("udp://[fd00::2]").unwrap().to_string(), "udp://[fd00::2]:4739");
        assert_eq!(Receiver::collector("udp://a:2055").unwrap().port, 2055);
        assert_eq!(Receiver::collector("tcp://a:2055"), Err(NotAReceiver));
    }
}
