//! The unkind scenarios: floods from spoofed sources, and a port sweep.

use std::net::{IpAddr, Ipv4Addr};

use super::world::{self, ROUTER_MAC};
use super::{Body, Clock, Host, Options, Packet, Packets, TcpOptions, mix};
use crate::frame::flag;
use crate::rng::Rng;

/// The LAN host that a flood is for.
pub const FLOOD_TARGET: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 168, 1, 10));

/// How many LAN hosts are quiet during the flood of `quiet`.
pub const QUIET_HOSTS: u64 = 20;

/// How many requests each of them sends, each answered, if the trace has that many packets.
pub const QUIET_EXCHANGES: u64 = 6;

/// Packets per second of a flood of its own: a million of them span 50 seconds.
const RATE: u32 = 20_000;

/// The address of a quiet host by its number: 192.168.1.100 and up.
pub fn quiet_host(number: u64) -> IpAddr {
    Ipv4Addr::new(192, 168, 1, 100 + number as u8).into()
}

/// Every packet from another source.
pub fn flood(options: &Options) -> Packets {
    flood_at(options, RATE)
}

fn flood_at(options: &Options, rate: u32) -> Packets {
    let options = *options;
    let mut rng = Rng::new(options.seed ^ 0xf100d);
    let mut clock = Clock::new(&options, rate);
    let target = Host { mac: [0x3c, 0x22, 0xfb, 0x10, 0x00, 0x00], address: FLOOD_TARGET };
    Box::new((0..options.packets).map(move |number| {
        let address = world::public_v4(number as u32, options.seed as u32).into();
        let source = Host { mac: ROUTER_MAC, address };
        flood_packet(clock.tick(&mut rng), source, target, options.flood_size, &mut rng)
    }))
}

/// A bare SYN where the size leaves room for nothing else, a UDP datagram where it is larger.
fn flood_packet(time_micros: u64, source: Host, destination: Host, size: u16, rng: &mut Rng) -> Packet {
    let source_port = rng.between(1_024, 65_535) as u16;
    let (body, headers) = if size <= 40 {
        (syn(source_port, 443, rng), 40)
    } else {
        (Body::Udp { source_port, destination_port: 443 }, 28)
    };
    Packet { time_micros, source, destination, body, payload_length: size.saturating_sub(headers) }
}

fn syn(source_port: u16, destination_port: u16, rng: &mut Rng) -> Body {
    Body::Tcp {
        source_port,
        destination_port,
        flags: flag::SYN,
        sequence: rng.next_u32(),
        acknowledgment: 0,
        options: TcpOptions::None,
    }
}

/// Half of the packets from the mix, the other half from a flood of the same length in time.
pub fn mix_and_flood(options: &Options) -> Packets {
    let flood = flood_at(&Options { packets: options.packets / 2, ..*options }, mix::RATE);
    let mix = mix::mix(&Options { packets: options.packets - options.packets / 2, ..*options });
    let (mut mix, mut flood) = (mix.peekable(), flood.peekable());
    Box::new(std::iter::from_fn(move || match (mix.peek(), flood.peek()) {
        (Some(ours), Some(theirs)) if theirs.time_micros < ours.time_micros => flood.next(),
        (Some(_), _) => mix.next(),
        (None, _) => flood.next(),
    }))
}

/// SYNs between two hosts, with random ports at both ends.
pub fn sweep(options: &Options) -> Packets {
    let mut rng = Rng::new(options.seed);
    let mut clock = Clock::new(options, RATE);
    let (source, destination) = (world::lan_v4(0), world::remote_v4(0));
    Box::new((0..options.packets).map(move |_| {
        let time_micros = clock.tick(&mut rng);
        let body = syn(rng.between(1, 65_535) as u16, rng.between(1, 65_535) as u16, &mut rng);
        Packet { time_micros, source, destination, body, payload_length: 0 }
    }))
}

/// A flood in which, evenly spread, quiet hosts ask for the time and get answers.
pub fn quiet(options: &Options) -> Packets {
    const QUIET_PACKETS: u64 = QUIET_HOSTS * QUIET_EXCHANGES * 2;
    let total = options.packets;
    let quiet_packets = QUIET_PACKETS.min(total);
    let flood = flood_at(options, RATE).enumerate();
    Box::new(flood.map(move |(index, packet)| {
        // Packet number n of the quiet ones stands where n steps of total / quiet_packets begin.
        let done = |index: u64| (u128::from(index) * u128::from(quiet_packets) / u128::from(total)) as u64;
        let (before, after) = (done(index as u64), done(index as u64 + 1));
        if before == after { packet } else { quiet_packet(before, packet.time_micros) }
    }))
}

/// Request and answer alternate, and the hosts take turns.
fn quiet_packet(number: u64, time_micros: u64) -> Packet {
    let host = number / 2 % QUIET_HOSTS;
    let client = Host { mac: [0x3c, 0x22, 0xfb, 0x20, 0x00, host as u8], address: quiet_host(host) };
    let server = world::remote_v4(host as usize);
    let (source, destination) = if number.is_multiple_of(2) { (client, server) } else { (server, client) };
    let body = Body::Udp { source_port: 123, destination_port: 123 };
    Packet { time_micros, source, destination, body, payload_length: 48 }
}
