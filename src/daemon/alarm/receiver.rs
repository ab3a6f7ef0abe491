//! Where the messages go, and the bytes on their way there.

use std::fmt;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};
use std::str::FromStr;

use rustix::net::{RecvFlags, recv, sockopt};

use crate::limits::{RECEIVER_ADDRESSES_MAX, RECEIVER_TIMEOUT};

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// One datagram per message (RFC 5426).
    Udp,
    /// A byte stream in which a newline ends each message (RFC 6587, 3.4.2).
    Tcp,
}

/// The port of a receiver that names none (RFC 5426, 3.3).
const SYSLOG_PORT: u16 = 514;

/// A syslog receiver: `udp://HOST:PORT` or `tcp://HOST:PORT`; IPv6 addresses in brackets.
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
        let (transport, rest) = match text.split_once("://") {
            Some(("udp", rest)) => (Transport::Udp, rest),
            Some(("tcp", rest)) => (Transport::Tcp, rest),
            _ => return Err(NotAReceiver),
        };
        // Colons inside brackets belong to the address.
        let (host, port) = match rest.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().map_err(|_| NotAReceiver)?),
            None => (rest, SYSLOG_PORT),
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

/// An open way to a receiver. All calls block, for `RECEIVER_TIMEOUT` per address at most; only the
/// lookup of a name takes what the resolver takes.
pub(super) enum Connection {
    Udp(UdpSocket),
    Tcp(TcpStream),
}

impl Connection {
    /// Looks the receiver up and connects to the first of its addresses that lets us.
    pub(super) fn open(receiver: &Receiver) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (receiver.host.as_str(), receiver.port).to_socket_addrs()?.take(RECEIVER_ADDRESSES_MAX)
        {
            let opened = match receiver.transport {
                Transport::Udp => open_udp(address).map(Self::Udp),
                Transport::Tcp => open_tcp(address).map(Self::Tcp),
            };
            match opened {
                Ok(connection) => return Ok(connection),
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    /// Sends a message that ends with a newline: the delimiter on TCP, left out of a datagram. After an
    /// error the connection is of no more use.
    pub(super) fn send(&mut self, line: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket) => {
                let message = line.strip_suffix(b"\n").unwrap_or(line);
                socket.send(message).map(|_| ())
            }
            Self::Tcp(stream) => {
                refuse_if_closed(stream)?;
                stream.write_all(line)
            }
        }
    }
}

fn open_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = if address.is_ipv4() { ([0; 4], 0).into() } else { ([0u16; 8], 0).into() };
    let socket = UdpSocket::bind(any)?;
    // A connected socket hears of ICMP errors: that nobody listens there shows at the next send.
    socket.connect(address)?;
    socket.set_write_timeout(Some(RECEIVER_TIMEOUT))?;
    Ok(socket)
}

fn open_tcp(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, RECEIVER_TIMEOUT)?;
    stream.set_write_timeout(Some(RECEIVER_TIMEOUT))?;
    stream.set_nodelay(true)?;
    // A receiver that lost its power says nothing; without this the kernel would try for 15 minutes.
    sockopt::set_tcp_user_timeout(&stream, RECEIVER_TIMEOUT.as_millis() as u32)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    Ok(stream)
}

/// A stream that the receiver closed still takes one write, which is then lost. So look first. A
/// receiver has nothing to say to us; what it does say is thrown away.
fn refuse_if_closed(stream: &TcpStream) -> io::Result<()> {
    let mut scrap = [0u8; 256];
    match recv(stream, &mut scrap, RecvFlags::DONTWAIT) {
        Ok((_, 0)) => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the receiver closed the connection")),
        Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
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
}
