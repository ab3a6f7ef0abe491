//! The only unsafe code: system calls that no crate of ours offers as a safe function.
#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd;
use std::ptr;

use rustix::net::{AddressFamily, SocketType, socket};

use super::capture::addresses::DeviceAddress;
use super::failure::failure;

/// Leaves the terminal: a child goes on in a session of its own, with /dev/null for its standard
/// files, and this process ends with success. The working directory stays, so that the paths on the
/// command line keep their meaning.
///
/// # Errors
/// The system call's own, and `Other` if this process has another thread: a child has only the one
/// that forked, and a lock that another held would never be opened.
pub fn detach() -> io::Result<()> {
    if thread_count()? != 1 {
        return Err(failure(io::ErrorKind::Other, "other threads run already"));
    }
    // SAFETY: the call takes no pointer, and nothing but this thread runs, so the child that goes on
    // finds every lock and every structure as this thread left it.
    match unsafe { libc::daemon(1, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `struct vlan_ioctl_args` of <linux/if_vlan.h>.
#[repr(C)]
struct VlanRequest {
    command: libc::c_int,
    device: [u8; VLAN_NAME_BYTES],
    /// A union: a name, or a number in its first four bytes.
    answer: VlanAnswer,
    qos: libc::c_short,
}

const VLAN_NAME_BYTES: usize = 24;

#[repr(C, align(4))]
struct VlanAnswer([u8; VLAN_NAME_BYTES]);

/// The number of a VLAN device and the name of the one below it; `None` if it is no VLAN device. Anybody may
/// ask this; /proc/net/vlan/config is for root alone.
pub fn vlan(name: &str) -> Option<(u16, String)> {
    const GET_REAL_DEVICE_NAME: libc::c_int = 8;
    const GET_NUMBER: libc::c_int = 9;
    let [a, b, c, d, ..] = ask_for_vlan(name, GET_NUMBER)?;
    let number = u32::from_ne_bytes([a, b, c, d]).try_into().ok()?;
    let below = ask_for_vlan(name, GET_REAL_DEVICE_NAME)?;
    let below = CStr::from_bytes_until_nul(&below).ok()?.to_str().ok()?;
    Some((number, below.to_owned()))
}

fn ask_for_vlan(name: &str, command: libc::c_int) -> Option<[u8; VLAN_NAME_BYTES]> {
    /// SIOCGIFVLAN of <linux/sockios.h>.
    const GET_VLAN: u32 = 0x8982;
    let mut device = [0; VLAN_NAME_BYTES];
    // The last byte stays zero: the kernel takes the name for a string.
    device[..VLAN_NAME_BYTES - 1].get_mut(..name.len())?.copy_from_slice(name.as_bytes());
    let mut request = VlanRequest { command, device, answer: VlanAnswer([0; VLAN_NAME_BYTES]), qos: 0 };
    let socket = socket(AddressFamily::INET, SocketType::DGRAM, None).ok()?;
    // SAFETY: the pointer is to a structure of the layout that this request takes, which outlives the call,
    // and the kernel writes nothing beyond it.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), GET_VLAN as _, &raw mut request) };
    (result == 0).then_some(request.answer.0)
}

/// Bytes written to a TCP socket that its peer has not acknowledged (SIOCOUTQ, tcp(7)), also after the
/// connection has failed.
///
/// # Errors
/// The system call's own.
pub fn unacknowledged(socket: &impl AsRawFd) -> io::Result<usize> {
    let mut bytes: libc::c_int = 0;
    // SAFETY: the pointer is to an integer of the size that this request takes, which outlives the call.
    match unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ as _, &raw mut bytes) } {
        0 => Ok(usize::try_from(bytes).unwrap_or(0)),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends an ARP message to everybody on an Ethernet device's link, by a packet socket that leaves the header to
/// the kernel (packet(7)). Never waits.
///
/// # Errors
/// The system call's own.
pub fn broadcast_arp(socket: &impl AsRawFd, device: u32, message: &[u8; 28]) -> io::Result<()> {
    let receiver = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as _,
        sll_protocol: (libc::ETH_P_ARP as u16).to_be(),
        sll_ifindex: device as _,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: [0xff; 8],
    };
    let (length, flags) = (size_of_val(&receiver) as _, libc::MSG_DONTWAIT);
    let (receiver, message_at) = (&raw const receiver, message.as_ptr());
    // SAFETY: both pointers are to as many bytes as is said beside them, which outlive the call, and the kernel
    // only reads them.
    let sent = unsafe {
        libc::sendto(socket.as_raw_fd(), message_at.cast(), message.len(), flags, receiver.cast(), length)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// The IP addresses of all devices.
///
/// # Errors
/// The system call's own.
pub fn device_addresses() -> io::Result<Vec<DeviceAddress>> {
    let mut first = ptr::null_mut();
    // SAFETY: the pointer is to one that the call sets.
    if unsafe { libc::getifaddrs(&raw mut first) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mut all = Vec::new();
    let mut next: *const libc::ifaddrs = first;
    // SAFETY: the call succeeded, so each pointer is null or to an entry that lives until the list is freed below.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: the addresses and the name live as long as the entry; addresses are as long as their family
        // says, and the name ends with a zero.
        let (address, netmask, name) =
            unsafe { (ip(entry.ifa_addr), ip(entry.ifa_netmask), CStr::from_ptr(entry.ifa_name)) };
        let (Some(address), Ok(name)) = (address, name.to_str()) else { continue };
        // An address may have a label, the device's name and a colon before more.
        let device = name.split(':').next().unwrap_or(name).to_owned();
        all.push(DeviceAddress { device, address, netmask });
    }
    // SAFETY: the list is what the call made, and nothing of it is used any more.
    unsafe { libc::freeifaddrs(first) };
    Ok(all)
}

/// An IP address; `None` if it is null or of another family.
///
/// # Safety
/// The pointer is null or to an address as long as its family says.
unsafe fn ip(address: *const libc::sockaddr) -> Option<IpAddr> {
    // SAFETY: the caller's promise, for this and for what is read once the family is known.
    unsafe {
        match libc::c_int::from(address.as_ref()?.sa_family) {
            libc::AF_INET => {
                let bytes = address.cast::<libc::sockaddr_in>().read().sin_addr.s_addr.to_ne_bytes();
                Some(Ipv4Addr::from(bytes).into())
            }
            libc::AF_INET6 => {
                let bytes = address.cast::<libc::sockaddr_in6>().read().sin6_addr.s6_addr;
                Some(Ipv6Addr::from(bytes).into())
            }
            _ => None,
        }
    }
}

/// How many threads this process has.
///
/// # Errors
/// /proc is not mounted.
pub fn thread_count() -> io::Result<usize> {
    Ok(std::fs::read_dir("/proc/self/task")?.count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_device_has_its_address() {
        let all = device_addresses().unwrap();
        let netmask = Some(IpAddr::from([255, 0, 0, 0]));
        let home = DeviceAddress { device: "lo".into(), address: Ipv4Addr::LOCALHOST.into(), netmask };
        assert!(all.contains(&home), "{all:?}");
    }

    #[test]
    fn what_is_no_vlan_is_none() {
        assert_eq!(size_of::<VlanRequest>(), 56, "as the kernel has it");
        for name in ["lo", "", "nothing", "a name of more than the 23 bytes that there is room for"] {
            assert_eq!(vlan(name), None, "{name}");
        }
    }
}
