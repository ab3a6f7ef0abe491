//! What the router meets on the machine that runs it: a server with a file, and a syslog receiver.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use crate::machine::PATIENCE;

/// Serves a file of so many bytes to whoever asks, and returns the port of 127.0.0.1.
pub fn serve_file(bytes: usize) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has free ports");
    let port = listener.local_addr().expect("it is bound").port();
    thread::spawn(move || {
        // Whoever goes away early notices that by himself.
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, bytes);
        }
    });
    port
}

fn answer(mut stream: TcpStream, bytes: usize) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {bytes}\r\n\r\n")?;
    stream.write_all(&vec![b'.'; bytes])
}

/// A syslog receiver on UDP.
pub struct SyslogReceiver(UdpSocket);

impl SyslogReceiver {
    /// Listens on a free port of 127.0.0.1.
    pub fn start() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").expect("loopback has free ports"))
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.local_addr().expect("it is bound").port()
    }

    /// Waits for a message with all of these words, and returns it.
    pub fn wait_for(&self, words: &[&str]) -> String {
        let start = Instant::now();
        let mut others = Vec::new();
        while start.elapsed() < PATIENCE {
            self.0.set_read_timeout(Some(Duration::from_secs(1))).expect("a time-out");
            let mut buffer = [0; 2048];
            let Ok(length) = self.0.recv(&mut buffer) else { continue };
            let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if words.iter().all(|word| message.contains(word)) {
                return message;
            }
            others.push(message);
        }
        panic!("waited for a message with {words:?}; there came {others:?}");
    }
}
