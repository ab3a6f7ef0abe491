//! One function for each parser of foreign bytes. The fuzz targets call them on a nightly toolchain, and
//! `tests/corpus.rs` replays the corpus through the same functions on stable.
#![allow(dead_code, missing_docs, reason = "each fuzz target calls one of them")]

use duskwatch::packet::{Decoded, Frame, LinkType, decode, neighbor_message};

/// The first byte chooses the link type, the second the length that the wire claims to have carried.
pub fn packet(input: &[u8]) {
    let [link, wire_length, bytes @ ..] = input else { return };
    let link = LinkType::ALL[usize::from(*link) % LinkType::ALL.len()];
    let frame = Frame { link, bytes, wire_length: u32::from(*wire_length) * 16 };
    let on_wire = frame.wire_length.max(bytes.len() as u32);
    match decode(&frame) {
        Decoded::Packet(packet) => {
            assert!(packet.bytes >= 20 && packet.bytes + u32::from(packet.network_offset) <= on_wire);
            assert!(packet.has_ports || (packet.source_port, packet.destination_port) == (0, 0));
            assert!(!packet.later_fragment || !packet.has_ports && packet.icmp.is_none());
            assert_eq!(packet.source.is_v4(), packet.destination.is_v4());
            let _ = neighbor_message(bytes, &packet);
        }
        Decoded::NonIp(frame) => assert_eq!(frame.bytes, on_wire),
        Decoded::Discard(_) => {}
    }
}
