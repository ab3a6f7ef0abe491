//! The kernel's neighbor table: which addresses on the links it has heard of, by route netlink (rtnetlink(7)).

use std::net::IpAddr;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io;
use rustix::net::{self, AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};

use crate::limits::{NEIGHBORS_MAX, NETLINK_MESSAGE_BYTES_MAX};
use crate::packet::Address;

// Of <linux/netlink.h>, <linux/rtnetlink.h> and <linux/neighbour.h>.
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const NLM_F_REQUEST_DUMP: u16 = 0x1 | 0x300;
const NDA_DST: u16 = 1;
/// Incomplete (1) and failed (0x20) are those that nobody answered for.
const ANSWERED: u16 = 0x2 | 0x4 | 0x8 | 0x10 | 0x80;
/// Stale (4) means that it answered once, which may be long ago.
const ANSWERED_LATELY: u16 = ANSWERED & !0x4;

/// The kernel answers at once.
const PATIENCE: Duration = Duration::from_secs(1);

/// The addresses that answered lately, or at some time if `ever`; at most [`NEIGHBORS_MAX`].
///
/// # Errors
/// The kernel's, on machines that allow no such socket.
pub fn list(ever: bool) -> io::Result<Vec<Address>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = net::socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
    net::send(&socket, &request(), SendFlags::empty())?;
    let states = if ever { ANSWERED } else { ANSWERED_LATELY };
    let mut neighbors = Vec::new();
    let mut buffer = vec![0; NETLINK_MESSAGE_BYTES_MAX];
    let end = Instant::now() + PATIENCE;
    loop {
        let left = Timespec::try_from(end.saturating_duration_since(Instant::now())).unwrap_or_default();
        if poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&left))? == 0 {
            return Err(io::Errno::TIMEDOUT);
        }
        let (_, length) = net::recv(&socket, &mut buffer, RecvFlags::TRUNC)?;
        let whole = buffer.get(..length).ok_or(io::Errno::MSGSIZE)?;
        if parse(whole, states, &mut neighbors) || neighbors.len() == NEIGHBORS_MAX {
            return Ok(neighbors);
        }
    }
}

/// Asks for all neighbors: a netlink header of 16 bytes and a `struct ndmsg` of 12.
fn request() -> [u8; 28] {
    let mut message = [0; 28];
    message[0..4].copy_from_slice(&28u32.to_ne_bytes());
    message[4..6].copy_from_slice(&RTM_GETNEIGH.to_ne_bytes());
    message[6..8].copy_from_slice(&NLM_F_REQUEST_DUMP.to_ne_bytes());
    message
}

/// Adds the neighbors of a netlink datagram that are in one of these states. True if it is the last one.
pub fn parse(mut datagram: &[u8], states: u16, neighbors: &mut Vec<Address>) -> bool {
    while let Some(length) = u32_at(datagram, 0)
        && let Some((message, rest)) = split(datagram, length as usize)
    {
        match u16_at(message, 4) {
            Some(RTM_NEWNEIGH) if neighbors.len() < NEIGHBORS_MAX => {
                neighbors.extend(message.get(16..).and_then(|message| neighbor(message, states)));
            }
            Some(NLMSG_DONE | NLMSG_ERROR) => return true,
            _ => {}
        }
        datagram = rest;
    }
    false
}

/// The address in a `struct ndmsg` and its attributes, if it is in one of these states.
fn neighbor(message: &[u8], states: u16) -> Option<Address> {
    let (fixed, mut attributes) = message.split_first_chunk::<12>()?;
    if u16_at(fixed, 8)? & states == 0 {
        return None;
    }
    while let Some((attribute, rest)) = split(attributes, u16_at(attributes, 0)?.into()) {
        if u16_at(attribute, 2)? == NDA_DST {
            return address(attribute.get(4..)?);
        }
        attributes = rest;
    }
    None
}

fn address(bytes: &[u8]) -> Option<Address> {
    let address = match bytes.len() {
        4 => IpAddr::from(*bytes.first_chunk::<4>()?),
        16 => IpAddr::from(*bytes.first_chunk::<16>()?),
        _ => return None,
    };
    Some(Address::from(address))
}

/// The first `length` bytes, which hold their own length at least, and what follows them and the padding to
/// a multiple of four.
fn split(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let first = bytes.get(..length).filter(|first| first.len() >= 4)?;
    Some((first, bytes.get(length.next_multiple_of(4)..).unwrap_or_default()))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().copied().map(u16::from_ne_bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_ne_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u16, body: &[u8]) -> Vec<u8> {
        let mut message = (16 + body.len() as u32).to_ne_bytes().to_vec();
        message.extend(kind.to_ne_bytes());
        message.extend([0; 10]);
        message.extend(body);
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    fn neighbor(state: u16, address: &[u8]) -> Vec<u8> {
        let mut body = vec![0; 8];
        body.extend(state.to_ne_bytes());
        body.extend([0; 2]);
        for (kind, value) in [(7u16, &[1u8, 2, 3, 4, 5][..]), (NDA_DST, address)] {
            body.extend((4 + value.len() as u16).to_ne_bytes());
            body.extend(kind.to_ne_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        message(RTM_NEWNEIGH, &body)
    }

    fn all(datagram: &[u8], states: u16) -> (bool, Vec<String>) {
        let mut neighbors = Vec::new();
        let is_last = parse(datagram, states, &mut neighbors);
        (is_last, neighbors.iter().map(Address::to_string).collect())
    }

    #[test]
    fn neighbors_are_those_that_answered() {
        let six = "fd00::7".parse::<std::net::Ipv6Addr>().unwrap().octets();
        let datagram = [
            neighbor(0x2, &[192, 168, 1, 7]),
            neighbor(0x4, &[192, 168, 1, 8]),
            neighbor(0x20, &[192, 168, 1, 9]),
            message(99, &[1, 2, 3]),
            neighbor(0x80, &six),
            neighbor(0x2, &[1, 2, 3]),
        ];
        assert_eq!(
            all(&datagram.concat(), ANSWERED_LATELY),
            (false, vec!["192.168.1.7".into(), "fd00::7".into()])
        );
        assert_eq!(all(&datagram.concat(), ANSWERED).1.len(), 3);
        let end = [neighbor(0x2, &[10, 0, 0, 1]), message(NLMSG_DONE, &[0; 4])].concat();
        assert_eq!(all(&end, ANSWERED), (true, vec!["10.0.0.1".into()]));
    }

    #[test]
    fn what_is_cut_or_lies_does_no_harm() {
        let whole = [neighbor(0x2, &[192, 168, 1, 7]), message(NLMSG_DONE, &[0; 4])].concat();
        for length in 0..whole.len() {
            all(&whole[..length], ANSWERED);
            for value in [0, 1, 255] {
                let mut bad = whole.clone();
                bad[length] = value;
                all(&bad, ANSWERED);
            }
        }
        let many: Vec<u8> = (0..2 * NEIGHBORS_MAX).flat_map(|_| neighbor(0x2, &[10, 0, 0, 1])).collect();
        assert_eq!(all(&many, ANSWERED).1.len(), NEIGHBORS_MAX);
    }

    #[test]
    fn the_kernel_answers() {
        list(true).expect("everybody may ask");
    }
}
