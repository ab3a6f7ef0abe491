//! The sockets that are listened on, and the addresses that cannot be listened on yet.
//!
//! On a router an address may come after the program, and a port may still be another program's. That is
//! no reason not to count: with patience such an address is tried again while everything else goes on.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Instant;

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, ipproto, sockopt};

use crate::limits::{
    WEB_BACKLOG, WEB_LISTEN_PAUSE, WEB_LISTENERS_MAX, WEB_RECEIVE_BUFFER_BYTES, WEB_SEND_BUFFER_BYTES,
    WEB_STALL_TIME,
};

/// The sockets of the addresses that were asked for.
#[derive(Debug, Default)]
pub struct Listeners {
    open: Vec<TcpListener>,
    /// What could not be opened, and why not.
    missing: Vec<(SocketAddr, Errno)>,
    /// When those are tried again; `None` to try at once.
    retry_at: Option<Instant>,
}

impl Listeners {
    /// Opens a socket for each address; to be called while the privilege for low ports is there. An
    /// IPv6 address stands for IPv6 alone. The patient try again later what is not possible now.
    ///
    /// # Errors
    /// One line for people: too many addresses, or one that cannot be listened on.
    pub fn bind(addresses: &[SocketAddr], patient: bool) -> Result<Self, String> {
        if addresses.len() > WEB_LISTENERS_MAX {
            return Err(format!(
                "{} addresses to listen on given, {WEB_LISTENERS_MAX} at most are possible",
                addresses.len()
            ));
        }
        let mut listeners = Self { open: Vec::with_capacity(addresses.len()), ..Self::default() };
        for address in addresses {
            match listen(*address) {
                Ok(listener) => listeners.open.push(listener),
                Err(error) if patient => {
                    log::warn!("{}; trying again until it works", refusal(address, error));
                    listeners.missing.push((*address, error));
                }
                Err(error) => return Err(refusal(address, error)),
            }
        }
        Ok(listeners)
    }

    /// The open sockets, whose places never change.
    pub fn open(&self) -> &[TcpListener] {
        &self.open
    }

    /// The addresses listened on, with the ports that the system chose where 0 was asked for.
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.open.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// When there is something to try again.
    pub fn deadline(&self, now: Instant) -> Option<Instant> {
        (!self.missing.is_empty()).then(|| self.retry_at.unwrap_or(now))
    }

    /// Tries again what is missing, if it is time to.
    pub fn retry(&mut self, now: Instant) {
        if self.deadline(now).is_none_or(|at| at > now) {
            return;
        }
        self.retry_at = Some(now + WEB_LISTEN_PAUSE);
        let Self { open, missing, .. } = self;
        missing.retain_mut(|(address, known)| match listen(*address) {
            Ok(listener) => {
                let address = listener.local_addr().unwrap_or(*address);
                log::info!("listening on {address} now");
                open.push(listener);
                false
            }
            Err(error) => {
                // The same again is no news.
                if error != *known {
                    log::warn!("{}", refusal(address, error));
                }
                *known = error;
                true
            }
        });
    }
}

fn refusal(address: &SocketAddr, error: Errno) -> String {
    format!("cannot listen on {address}: {}", io::Error::from(error))
}

/// A listening socket. What is set on it is inherited by the connections accepted from it.
fn listen(address: SocketAddr) -> rustix::io::Result<TcpListener> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        // 0.0.0.0 and [::] side by side, whatever the system's default is.
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    sockopt::set_socket_send_buffer_size(&socket, WEB_SEND_BUFFER_BYTES)?;
    sockopt::set_socket_recv_buffer_size(&socket, WEB_RECEIVE_BUFFER_BYTES)?;
    // Responses leave in one piece; waiting for more (Nagle) only delays their last segment.
    sockopt::set_tcp_nodelay(&socket, true)?;
    // What a client that is gone, or that does not read, leaves in the kernel goes after this time.
    sockopt::set_tcp_user_timeout(&socket, WEB_STALL_TIME.as_millis() as u32)?;
    rustix::net::bind(&socket, &address)?;
    rustix::net::listen(&socket, WEB_BACKLOG)?;
    Ok(TcpListener::from(socket))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loopback() -> Listeners {
        Listeners::bind(&["127.0.0.1:0".parse().unwrap()], false).unwrap()
    }

    #[test]
    fn a_port_in_use_is_one_line() {
        let taken = loopback().addresses();
        let holder = loopback();
        let error = Listeners::bind(&holder.addresses(), false).unwrap_err();
        assert!(error.starts_with(&format!("cannot listen on {}: ", holder.addresses()[0])), "{error}");
        assert!(!error.contains('\n'));
        Listeners::bind(&taken, false).expect("a port that was given back is free");
    }

    #[test]
    fn the_patient_get_a_port_once_it_is_free() {
        let holder = loopback();
        let wanted = holder.addresses();
        let mut listeners = Listeners::bind(&wanted, true).unwrap();
        let start = Instant::now();
        assert_eq!((listeners.addresses(), listeners.deadline(start)), (vec![], Some(start)));
        listeners.retry(start);
        let again = start + WEB_LISTEN_PAUSE;
        assert_eq!((listeners.addresses(), listeners.deadline(start)), (vec![], Some(again)));
        drop(holder);
        listeners.retry(start);
        assert_eq!(listeners.addresses(), [], "not before its time");
        listeners.retry(again);
        assert_eq!((listeners.addresses(), listeners.deadline(again)), (wanted, None));
    }

    #[test]
    fn both_families_have_one_port() {
        let four = Listeners::bind(&["0.0.0.0:0".parse().unwrap()], false).unwrap();
        let port = four.addresses()[0].port();
        let Ok(six) = Listeners::bind(&[SocketAddr::new("::".parse().unwrap(), port)], false) else {
            // A machine without IPv6 has nothing to show here.
            assert!(TcpListener::bind("[::1]:0").is_err());
            return;
        };
        assert_eq!(six.addresses()[0].port(), port);
    }
}
