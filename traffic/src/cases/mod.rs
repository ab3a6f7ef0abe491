//! Small named captures: one for each link layer, header and oddity that a decoder meets.
//!
//! A case is fixed: its bytes change only when somebody changes it here.

mod internet;
mod link;
mod odd;
mod snapped;
mod transport;

use std::io::{self, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::frame::{self, Mac, ethertype, protocol};
use crate::pcap::{self, Frame};

/// One capture.
#[derive(Clone, Debug)]
pub struct Case {
    /// Its name, fit for a file.
    pub name: String,
    /// The capture's link type, numbered as in capture files (LINKTYPE; most are equal to DLT).
    pub link: u32,
    /// The frames, a millisecond apart.
    pub frames: Vec<Frame>,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// True if every length, checksum and header is right, so that any dissector has to agree.
    pub well_formed: bool,
}

impl Case {
    /// A case of whole frames that are as they should be.
    fn new(name: &str, link: u32, frames: Vec<Vec<u8>>, about: &'static str) -> Self {
        let frames = frames.into_iter().map(|bytes| {
            let wire_length = bytes.len() as u32;
            (bytes, wire_length)
        });
        Self::cut(name, link, frames.collect(), about)
    }

    /// A case of whole frames of which at least one is not as it should be.
    fn odd(name: &str, link: u32, frames: Vec<Vec<u8>>, about: &'static str) -> Self {
        Self { well_formed: false, ..Self::new(name, link, frames, about) }
    }

    /// A case of captured bytes and wire lengths.
    fn cut(name: &str, link: u32, frames: Vec<(Vec<u8>, u32)>, about: &'static str) -> Self {
        let stamp = |(number, (bytes, wire_length)): (u64, _)| {
            let time_micros = 1_700_000_000_000_000 + number * 1_000;
            Frame { time_micros, bytes, wire_length }
        };
        let frames = (0..).zip(frames).map(stamp).collect();
        Self { name: name.to_owned(), link, frames, about, well_formed: true }
    }

    /// Writes it as a capture file.
    pub fn write(&self, output: impl Write) -> io::Result<()> {
        let mut writer = pcap::Writer::new(output, self.link, pcap::WHOLE)?;
        for frame in &self.frames {
            writer.write(frame.time_micros, &frame.bytes, frame.wire_length)?;
        }
        writer.finish()?;
        Ok(())
    }
}

/// All cases, every name once.
pub fn all() -> Vec<Case> {
    [link::cases(), internet::cases(), transport::cases(), odd::cases(), snapped::cases()].concat()
}

/// Link types as capture files number them.
mod link_type {
    pub const NULL: u32 = 0;
    pub const ETHERNET: u32 = 1;
    pub const PPP: u32 = 9;
    pub const PPP_HDLC: u32 = 50;
    pub const PPP_ETHER: u32 = 51;
    pub const RAW: u32 = 101;
    pub const LOOP: u32 = 108;
    pub const LINUX_SLL: u32 = 113;
    pub const IPV4: u32 = 228;
    pub const IPV6: u32 = 229;
    pub const LINUX_SLL2: u32 = 276;
}

/// The LAN host of every case.
const LOCAL_MAC: Mac = [0x3c, 0x22, 0xfb, 0x10, 0x20, 0x30];
/// The router, behind which everybody else is.
const ROUTER_MAC: Mac = [0x00, 0x0d, 0xb9, 0x4e, 0x10, 0x01];
const LOCAL_V4: Ipv4Addr = Ipv4Addr::new(192, 168, 1, 10);
const REMOTE_V4: Ipv4Addr = Ipv4Addr::new(198, 51, 100, 7);
const LOCAL_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x10);
const REMOTE_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, 7);
const LINK_LOCAL: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0x3e22, 0xfbff, 0xfe10, 0x2030);

/// The client's end of the cases' conversation over IPv4.
fn local_v4() -> SocketAddr {
    SocketAddr::from((LOCAL_V4, 50_000))
}

/// The server's end over IPv4. Nobody registered the port, so that no dissector reads the payload.
fn remote_v4() -> SocketAddr {
    SocketAddr::from((REMOTE_V4, 40_000))
}

fn local_v6() -> SocketAddr {
    SocketAddr::from((LOCAL_V6, 50_000))
}

fn remote_v6() -> SocketAddr {
    SocketAddr::from((REMOTE_V6, 40_000))
}

/// 40 bytes of payload.
const PAYLOAD: &[u8] = b"the quick brown fox jumps over a lazy do";

/// From the LAN host to the remote one: a UDP datagram in IPv4.
fn udp_v4() -> Vec<u8> {
    let datagram = frame::udp(&local_v4(), &remote_v4(), PAYLOAD);
    frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::UDP, &datagram)
}

/// The same in IPv6.
fn udp_v6() -> Vec<u8> {
    let datagram = frame::udp(&local_v6(), &remote_v6(), PAYLOAD);
    frame::ipv6(LOCAL_V6, REMOTE_V6, protocol::UDP, &datagram)
}

/// The answer, from the remote host to the LAN host, in IPv4.
fn udp_v4_answer() -> Vec<u8> {
    let datagram = frame::udp(&remote_v4(), &local_v4(), b"yes, it does");
    frame::ipv4(REMOTE_V4, LOCAL_V4, protocol::UDP, &datagram)
}

/// The same in IPv6.
fn udp_v6_answer() -> Vec<u8> {
    let datagram = frame::udp(&remote_v6(), &local_v6(), b"yes, it does");
    frame::ipv6(REMOTE_V6, LOCAL_V6, protocol::UDP, &datagram)
}

/// A SYN with its usual options, from the LAN host, in IPv4.
fn syn_v4() -> Vec<u8> {
    let header = frame::Tcp { options: &frame::SYN_OPTIONS, ..frame::Tcp::flags(frame::flag::SYN) };
    frame::ipv4(LOCAL_V4, REMOTE_V4, protocol::TCP, &frame::tcp(&local_v4(), &remote_v4(), &header, &[]))
}

/// The same in IPv6.
fn syn_v6() -> Vec<u8> {
    let header = frame::Tcp { options: &frame::SYN_OPTIONS, ..frame::Tcp::flags(frame::flag::SYN) };
    frame::ipv6(LOCAL_V6, REMOTE_V6, protocol::TCP, &frame::tcp(&local_v6(), &remote_v6(), &header, &[]))
}

/// A frame from the LAN host to the router, padded as a network card does it.
fn to_router(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    frame::padded(frame::ethernet(LOCAL_MAC, ROUTER_MAC, ethertype, payload))
}

/// A frame from the router to the LAN host.
fn from_router(ethertype: u16, payload: &[u8]) -> Vec<u8> {
    frame::padded(frame::ethernet(ROUTER_MAC, LOCAL_MAC, ethertype, payload))
}

/// An IPv4 packet as a frame of the LAN host.
fn frame_v4(packet: &[u8]) -> Vec<u8> {
    to_router(ethertype::IPV4, packet)
}

/// An IPv6 packet as a frame of the LAN host.
fn frame_v6(packet: &[u8]) -> Vec<u8> {
    to_router(ethertype::IPV6, packet)
}

#[cfg(test)]
mod tests;
