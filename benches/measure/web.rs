//! The smallest HTTP client, for both programs' pages.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// The body of a page on this machine, as it is.
pub fn get(port: u16, path: &str) -> Result<Vec<u8>, String> {
    get_with(port, path, "")
}

/// The same as browsers ask for it: compressed, if the server can.
pub fn get_compressed(port: u16, path: &str) -> Result<Vec<u8>, String> {
    get_with(port, path, "Accept-Encoding: gzip\r\n")
}

fn get_with(port: u16, path: &str, header: &str) -> Result<Vec<u8>, String> {
    fetch(port, path, header).map_err(|error| format!("http://127.0.0.1:{port}{path}: {error}"))
}

fn fetch(port: u16, path: &str, header: &str) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{header}\r\n")?;
    let mut response = Vec::new();
    stream.read_to_end(&mut response)?;
    let head = response.windows(4).position(|window| window == b"\r\n\r\n");
    let ok = response.starts_with(b"HTTP/1.1 200") || response.starts_with(b"HTTP/1.0 200");
    match head {
        Some(end) if ok => Ok(response.split_off(end + 4)),
        _ => Err(std::io::Error::other("not a page")),
    }
}
