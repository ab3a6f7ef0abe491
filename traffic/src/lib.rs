//! Seeded network traffic whose truth is known: what duskwatch's tests, benches and demo are fed with.
//!
//! This crate shares no code with duskwatch. It builds frames from the standards alone, so that what
//! duskwatch reads in them is checked against a second opinion. The same seed gives the same bytes,
//! everywhere and always.
//!
//! - [`frame`] builds single frames, layer around layer, with right lengths and checksums;
//! - [`cases`] lists small named captures, one for each header and oddity that a decoder meets;
//! - [`scenarios`] streams traces of any length in constant memory, together with their [`Truth`];
//! - [`week`] lets thirty devices live in a home for days and weeks;
//! - [`pcap`] writes and reads classic capture files;
//! - [`send`] transmits a scenario on an interface at a given rate;
//! - [`rng`] is the randomness behind all of it.
//!
//! ```
//! use traffic::scenarios::{Options, Scenario};
//! let options = Options { packets: 1_000, seed: 7, ..Options::default() };
//! let mut file = Vec::new();
//! let truth = traffic::write_capture(Scenario::Mix, &options, 96, &mut file).unwrap();
//! assert_eq!(truth.total.packets + truth.non_ip.packets, 1_000);
//! ```
#![deny(unsafe_code)]

pub mod cases;
pub mod checksum;
pub mod frame;
#[allow(unsafe_code)]
mod packet_socket;
pub mod pcap;
pub mod rng;
pub mod scenarios;
pub mod send;
mod truth;
pub mod week;

pub use truth::{Activity, Counters, Truth};

use std::io::{self, Write};

use scenarios::{Encoder, Options, Packet, Scenario};

/// Writes a scenario as a capture file of Ethernet frames cut to `snaplen` bytes, and says what is in
/// it. Keeping the truth takes memory for each address; [`write_packets`] does without.
pub fn write_capture(
    scenario: Scenario,
    options: &Options,
    snaplen: u32,
    output: impl Write,
) -> io::Result<Truth> {
    let mut truth = Truth::default();
    let packets = scenario.packets(options).inspect(|packet| truth.add(packet));
    write_packets(packets, snaplen, output)?;
    Ok(truth)
}

/// Writes packets as a capture file of Ethernet frames cut to `snaplen` bytes, in constant memory.
pub fn write_packets(
    packets: impl Iterator<Item = Packet>,
    snaplen: u32,
    output: impl Write,
) -> io::Result<()> {
    let mut writer = pcap::Writer::new(output, pcap::ETHERNET, snaplen)?;
    let mut encoder = Encoder::new();
    for packet in packets {
        let frame = encoder.encode(&packet);
        writer.write(packet.time_micros, frame, frame.len() as u32)?;
    }
    writer.finish()?;
    Ok(())
}
