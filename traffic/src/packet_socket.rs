//! A packet socket that sends (packet(7)): everything here that the compiler cannot check.

use std::ffi::CString;
use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::ptr;

/// A socket that sends whole Ethernet frames on one interface and receives nothing.
pub struct PacketSocket {
    descriptor: OwnedFd,
}

impl PacketSocket {
    /// Opens the socket; this takes CAP_NET_RAW.
    pub fn open(interface: &str) -> io::Result<Self> {
        let name = CString::new(interface)?;
        // SAFETY: the name is a string that ends with a zero byte and lives through the call.
        let index = unsafe { libc::if_nametoindex(name.as_ptr()) };
        if index == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: socket(2) takes no pointers. Protocol 0 receives nothing.
        let raw = unsafe { libc::socket(libc::AF_PACKET, libc::SOCK_RAW | libc::SOCK_CLOEXEC, 0) };
        if raw < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor is open, and nobody else has it.
        let descriptor = unsafe { OwnedFd::from_raw_fd(raw) };
        // SAFETY: sockaddr_ll consists of integers, for which zero is valid.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = index as i32;
        // SAFETY: the pointer and the length describe `address`, which lives through the call.
        let status = unsafe {
            libc::bind(
                descriptor.as_raw_fd(),
                ptr::from_ref(&address).cast(),
                mem::size_of_val(&address) as libc::socklen_t,
            )
        };
        if status < 0 { Err(io::Error::last_os_error()) } else { Ok(Self { descriptor }) }
    }

    /// Sends frames in one system call, in order, and says how many the kernel took: at least one.
    pub fn send(&self, frames: &[Vec<u8>]) -> io::Result<usize> {
        let mut pieces: Vec<libc::iovec> = frames
            .iter()
            .map(|frame| libc::iovec { iov_base: frame.as_ptr().cast_mut().cast(), iov_len: frame.len() })
            .collect();
        let mut messages: Vec<libc::mmsghdr> = pieces
            .iter_mut()
            .map(|piece| {
                // SAFETY: mmsghdr consists of integers and pointers, for which zero is valid.
                let mut message: libc::mmsghdr = unsafe { mem::zeroed() };
                message.msg_hdr.msg_iov = piece;
                message.msg_hdr.msg_iovlen = 1;
                message
            })
            .collect();
        // SAFETY: the messages point into `pieces`, and those into `frames`; all live through the
        // call, and sendmmsg(2) reads what they point to without writing there.
        let sent = unsafe {
            libc::sendmmsg(self.descriptor.as_raw_fd(), messages.as_mut_ptr(), messages.len() as u32, 0)
        };
        if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(sent as usize) }
    }
}
