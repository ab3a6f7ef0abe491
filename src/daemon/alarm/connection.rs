//! The bytes on their way to a receiver of messages or of flow records.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs, UdpSocket};

use rustix::net::{RecvFlags, recv, sockopt};

use super::receiver::{Receiver, Transport};
use crate::daemon::failure::failure;
use crate::daemon::system;
use crate::limits::{RECEIVER_ADDRESSES_MAX, RECEIVER_BUFFER_BYTES, RECEIVER_STALL, RECEIVER_TIMEOUT};

/// An open way to a receiver. To open one blocks for `RECEIVER_TIMEOUT` per address at most, and for what
/// the resolver takes; to send, for `RECEIVER_STALL`.
pub(in crate::daemon) enum Connection {
    /// The socket, and the bytes of the last datagram, unless it is known to be on its way.
    Udp(UdpSocket, usize),
    Tcp(TcpStream),
}

impl Connection {
    /// Looks the receiver up and connects to the first of its addresses that lets us.
    #[inline(never)]
    pub(in crate::daemon) fn open(receiver: &Receiver) -> io::Result<Self> {
        let mut last = failure(io::ErrorKind::NotFound, "the name has no address");
        for address in (receiver.host.as_str(), receiver.port).to_socket_addrs()?.take(RECEIVER_ADDRESSES_MAX)
        {
            let opened = match receiver.transport {
                Transport::Udp => open_udp(address).map(|socket| Self::Udp(socket, 0)),
                Transport::Tcp => open_tcp(address).map(Self::Tcp),
            };
            match opened {
                Ok(connection) => return Ok(connection),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Sends a message. After an error, ask what is outstanding and abort.
    #[inline(never)]
    pub(in crate::daemon) fn send(&mut self, frame: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket, last) => match socket.send(frame) {
                Ok(_) => *last = frame.len(),
                // The answer to the datagram before this one.
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => return Err(error),
                Err(error) => {
                    *last = 0;
                    return Err(error);
                }
            },
            Self::Tcp(stream) => {
                refuse_if_closed(stream)?;
                stream.write_all(frame)?;
            }
        }
        Ok(())
    }

    /// Of the bytes that were sent, how many of the last may not have come. What a stream's peer has
    /// acknowledged has come as far as its kernel; a datagram has if it is not refused by the time that
    /// the next one is sent.
    pub(in crate::daemon) fn outstanding(&self) -> usize {
        match self {
            Self::Udp(_, last) => *last,
            Self::Tcp(stream) => system::unacknowledged(stream).unwrap_or(0),
        }
    }

    /// Closes without sending what is outstanding, because it will be sent again.
    pub(in crate::daemon) fn abort(self) {
        if let Self::Tcp(stream) = self {
            let _ = sockopt::set_socket_linger(&stream, Some(std::time::Duration::ZERO));
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
    stream.set_write_timeout(Some(RECEIVER_STALL))?;
    stream.set_nodelay(true)?;
    sockopt::set_socket_send_buffer_size(&stream, RECEIVER_BUFFER_BYTES)?;
    sockopt::set_tcp_user_timeout(&stream, RECEIVER_STALL.as_millis() as u32)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    Ok(stream)
}

/// A stream that the receiver closed still takes one write, which is then lost. So look first. A
/// receiver has nothing to say to us; what it does say is thrown away.
fn refuse_if_closed(stream: &TcpStream) -> io::Result<()> {
    let mut scrap = [0u8; 256];
    match recv(stream, &mut scrap, RecvFlags::DONTWAIT) {
        Ok((_, 0)) => Err(failure(io::ErrorKind::UnexpectedEof, "the receiver closed the connection")),
        Ok(_) | Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
