//! `--check-health`: whether the pages of a running program answer, for a supervisor in a place that has no
//! other program to ask with.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};

use super::config::Web;
use crate::limits::{HEALTH_PATIENCE, WEB_RESPONSE_HEAD_BYTES_MAX};

/// A page that needs the books, so that its answer says that their lock is free as well.
const PAGE: &str = "/api/v1/about";

/// Asks the pages that a program with these settings serves, at the first of its addresses.
///
/// # Errors
/// One line for the user: nobody answers there, or not as the program does.
pub fn check(web: &Web) -> Result<(), String> {
    let address = web.listen.first().copied().map(reachable).ok_or("there is no address to ask")?;
    let url = format!("http://{address}{}{PAGE}", web.base);
    let head = ask(address, &web.base).map_err(|error| match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            format!("{url} does not answer within {} seconds", HEALTH_PATIENCE.as_secs())
        }
        _ => format!("{url} does not answer: {error}"),
    })?;
    match head.starts_with(b"HTTP/1.1 200 ") {
        true => Ok(()),
        false => Err(format!("{url} answers, but not with the page")),
    }
}

/// The address at which a listener on `address` is reached from the same machine.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

/// The head of the page's response.
fn ask(address: SocketAddr, base: &str) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, HEALTH_PATIENCE)?;
    stream.set_write_timeout(Some(HEALTH_PATIENCE))?;
    stream.set_read_timeout(Some(HEALTH_PATIENCE))?;
    write!(stream, "HEAD {base}{PAGE} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut head = Vec::new();
    stream.take(WEB_RESPONSE_HEAD_BYTES_MAX as u64).read_to_end(&mut head)?;
    Ok(head)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_asked_on_loopback() {
        for (listener, asked) in [
            ("0.0.0.0:667", "127.0.0.1:667"),
            ("[::]:80", "[::1]:80"),
            ("192.168.1.1:80", "192.168.1.1:80"),
            ("[fd00::1]:80", "[fd00::1]:80"),
        ] {
            assert_eq!(reachable(listener.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
