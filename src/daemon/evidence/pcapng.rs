//! The four kinds of blocks that evidence is made of, written and read (draft-ietf-opsawg-pcapng).
//!
//! ```text
//! section header, interface descriptions, enhanced packets: [kind][length][body ... options][length]
//! ```
//!
//! Everything is little-endian and in microseconds, on every machine. Only what this program wrote is read:
//! other people's files are libpcap's business.

use crate::limits::{EVIDENCE_BLOCK_BYTES_MAX, EVIDENCE_COMMENT_BYTES_MAX, EVIDENCE_FRAME_BYTES_MAX};
use crate::packet::LinkType;
use crate::time::Timestamp;
use crate::view::PROGRAM;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// A packet that was erased: a kind for local use, which readers pass over.
const ERASED: u32 = 0x8000_0000 | PACKET;

const BYTE_ORDER: u32 = 0x1a2b_3c4d;

/// Options: the end of them, a comment, the program that wrote a section, an interface's name and the
/// resolution of its time stamps.
const END: u16 = 0;
const COMMENT: u16 = 1;
const PROGRAM_NAME: u16 = 4;
const NAME: u16 = 2;
const RESOLUTION: u16 = 9;

/// Negative power of ten: microseconds.
const MICROSECONDS: u8 = 6;

/// Kind and length in front of a body, and the length once more behind it.
const AROUND: usize = 12;

/// A captured frame and what is said about it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Packet<'a> {
    /// The interface, as numbered by the section's descriptions.
    pub interface: u32,
    /// When it was captured.
    pub time: Timestamp,
    /// Its length on the wire, in bytes.
    pub wire_length: u32,
    /// Its captured bytes.
    pub bytes: &'a [u8],
    /// The words about it.
    pub comment: &'a str,
}

/// What a block holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block<'a> {
    /// The head of a section of ours: interfaces are numbered from 0 again.
    Section,
    /// An interface's name and link type; one whose link type is not understood has no packets.
    Interface(&'a str, Option<LinkType>),
    /// A packet.
    Packet(Packet<'a>),
    /// A packet that was there.
    Erased,
    /// Something that is passed over.
    Other,
}

/// Why there is no block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It goes on behind these bytes.
    Partial,
    /// It is none, or none of ours.
    Damaged,
}

/// Appends a section's head.
pub fn put_section(out: &mut Vec<u8>) {
    let start = begin(out, SECTION);
    put_number(out, BYTE_ORDER);
    // Version 1.0, of unknown length.
    put(out, &[1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
    put_option(out, PROGRAM_NAME, PROGRAM.as_bytes());
    end(out, start);
}

/// Appends an interface's description.
pub fn put_interface(out: &mut Vec<u8>, name: &str, link: LinkType) {
    let start = begin(out, INTERFACE);
    put_number(out, link.number().into());
    // No limit of a packet's length.
    put_number(out, 0);
    put_option(out, NAME, name.as_bytes());
    put_option(out, RESOLUTION, &[MICROSECONDS]);
    end(out, start);
}

/// Appends a packet. Of a long frame and a long comment the rest is cut.
pub fn put_packet(out: &mut Vec<u8>, packet: &Packet<'_>) {
    let bytes = packet.bytes.get(..EVIDENCE_FRAME_BYTES_MAX).unwrap_or(packet.bytes);
    let comment = &packet.comment[..packet.comment.floor_char_boundary(EVIDENCE_COMMENT_BYTES_MAX)];
    let micros = packet.time.seconds.saturating_mul(1_000_000).saturating_add(packet.time.micros.into());
    let start = begin(out, PACKET);
    put_number(out, packet.interface);
    put_number(out, (micros >> 32) as u32);
    put_number(out, micros as u32);
    put_number(out, bytes.len() as u32);
    // The wire carried what was captured at least, even if a broken file's wire length says less.
    put_number(out, packet.wire_length.max(packet.bytes.len() as u32));
    put_padded(out, bytes);
    put_option(out, COMMENT, comment.as_bytes());
    end(out, start);
}

/// Makes a packet's block one of an erased packet, of the same length.
pub fn erase(block: &mut [u8]) {
    let Some(body) = block.len().checked_sub(4).and_then(|end| block.get_mut(8..end)) else { return };
    body.fill(0);
    block[..4].copy_from_slice(&ERASED.to_le_bytes());
}

/// Changes the number of the interface in a packet's block.
pub fn renumber(block: &mut [u8], interface: u32) {
    if let Some(number) = block.get_mut(8..12) {
        number.copy_from_slice(&interface.to_le_bytes());
    }
}

// None of these is worth a copy of it at each place that calls it.

#[inline(never)]
fn put(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend_from_slice(bytes);
}

fn put_number(out: &mut Vec<u8>, number: u32) {
    put(out, &number.to_le_bytes());
}

#[inline(never)]
fn put_padded(out: &mut Vec<u8>, bytes: &[u8]) {
    put(out, bytes);
    put(out, &[0; 3][..bytes.len().wrapping_neg() % 4]);
}

#[inline(never)]
fn put_option(out: &mut Vec<u8>, code: u16, value: &[u8]) {
    put_number(out, u32::from(code) | (value.len() as u32) << 16);
    put_padded(out, value);
}

/// Begins a block, and says where; its length is put in at its end.
#[inline(never)]
fn begin(out: &mut Vec<u8>, kind: u32) -> usize {
    put_number(out, kind);
    put_number(out, 0);
    out.len() - 8
}

#[inline(never)]
fn end(out: &mut Vec<u8>, start: usize) {
    put_option(out, END, &[]);
    let length = (out.len() - start + 4) as u32;
    out[start + 4..start + 8].copy_from_slice(&length.to_le_bytes());
    put_number(out, length);
}

/// Reads the block at the beginning of these bytes, and says how long it is.
///
/// # Errors
/// There is none, or not all of it.
pub fn read(bytes: &[u8]) -> Result<(Block<'_>, usize), Fault> {
    let mut reader = Reader(bytes);
    let (Some(kind), Some(length)) = (reader.number(), reader.number()) else { return Err(Fault::Partial) };
    let length = length as usize;
    if !(AROUND..=EVIDENCE_BLOCK_BYTES_MAX).contains(&length) || !length.is_multiple_of(4) {
        return Err(Fault::Damaged);
    }
    let block = bytes.get(..length).ok_or(Fault::Partial)?;
    let (body, end) = block[8..].split_last_chunk::<4>().ok_or(Fault::Damaged)?;
    if u32::from_le_bytes(*end) as usize != length {
        return Err(Fault::Damaged);
    }
    let body = Reader(body);
    let block = match kind {
        SECTION => section(body),
        INTERFACE => interface(body),
        PACKET => packet(body),
        ERASED => Some(Block::Erased),
        _ => Some(Block::Other),
    };
    Ok((block.ok_or(Fault::Damaged)?, length))
}

fn section(mut body: Reader<'_>) -> Option<Block<'_>> {
    let byte_order = body.number()?;
    body.take(12)?;
    let program = body.option(PROGRAM_NAME)?;
    (byte_order == BYTE_ORDER && program.starts_with(b"duskwatch ")).then_some(Block::Section)
}

fn interface(mut body: Reader<'_>) -> Option<Block<'_>> {
    let link = u16::from_le_bytes(*body.take(8)?.first_chunk()?);
    let name = str::from_utf8(body.option(NAME)?).ok()?;
    let link = LinkType::ALL.into_iter().find(|known| known.number() == link);
    (body.option(RESOLUTION)? == [MICROSECONDS]).then_some(Block::Interface(name, link))
}

fn packet(mut body: Reader<'_>) -> Option<Block<'_>> {
    let interface = body.number()?;
    let micros = u64::from(body.number()?) << 32 | u64::from(body.number()?);
    let captured = body.number()? as usize;
    let wire_length = body.number()?;
    let bytes = body.take(captured)?;
    body.take(captured.wrapping_neg() % 4)?;
    let comment = str::from_utf8(body.option(COMMENT)?).ok()?;
    let time = Timestamp { seconds: micros / 1_000_000, micros: (micros % 1_000_000) as u32 };
    Some(Block::Packet(Packet { interface, time, wire_length, bytes, comment }))
}

/// The bytes that are still to be read.
#[derive(Clone, Copy)]
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    /// The value of an option; only options are left.
    fn option(self, wanted: u16) -> Option<&'a [u8]> {
        let mut rest = self;
        loop {
            let head = rest.number()?;
            let (code, length) = (head as u16, (head >> 16) as usize);
            let value = rest.take(length)?;
            if code == wanted {
                return Some(value);
            }
            rest.take(length.wrapping_neg() % 4)?;
            if code == END {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Timestamp = Timestamp { seconds: 1_800_000_000, micros: 123_456 };

    #[test]
    fn what_is_written_is_read() {
        let packet = Packet {
            interface: 3,
            time: TIME,
            wire_length: 60,
            bytes: b"seven b",
            comment: "scan of ünused",
        };
        let mut bytes = Vec::new();
        put_section(&mut bytes);
        put_interface(&mut bytes, "br-lan", LinkType::LinuxSll2);
        put_packet(&mut bytes, &packet);
        let mut rest = &bytes[..];
        for expected in
            [Block::Section, Block::Interface("br-lan", Some(LinkType::LinuxSll2)), Block::Packet(packet)]
        {
            let (block, length) = read(rest).unwrap();
            assert_eq!(block, expected);
            for cut in 0..length {
                assert_eq!(read(&rest[..cut]), Err(Fault::Partial), "{cut} bytes of {expected:?}");
            }
            rest = &rest[length..];
        }
        assert_eq!(rest, b"");
    }

    #[test]
    fn every_link_type_has_its_number() {
        for link in LinkType::ALL {
            let mut bytes = Vec::new();
            put_interface(&mut bytes, "", link);
            assert_eq!(read(&bytes).unwrap().0, Block::Interface("", Some(link)));
            assert_eq!(LinkType::from_dlt(link.number().into()), Some(link));
        }
    }

    #[test]
    fn the_longest_packet_fits_and_what_is_longer_is_cut() {
        let comment = "c".repeat(EVIDENCE_COMMENT_BYTES_MAX + 1);
        let bytes = vec![7; EVIDENCE_FRAME_BYTES_MAX + 1];
        let mut out = Vec::new();
        put_packet(&mut out, &Packet { bytes: &bytes, comment: &comment, ..Packet::default() });
        assert!(out.len() <= EVIDENCE_BLOCK_BYTES_MAX, "{}", out.len());
        let Ok((Block::Packet(packet), _)) = read(&out) else { panic!("it cannot be read") };
        assert_eq!(packet.bytes, &bytes[1..]);
        assert_eq!(packet.comment, &comment[1..]);
        assert_eq!(packet.wire_length as usize, bytes.len());
    }

    #[test]
    fn an_erased_packet_is_gone_and_takes_as_much_room() {
        let mut out = Vec::new();
        put_packet(&mut out, &Packet { bytes: b"secret", comment: "secret", ..Packet::default() });
        let length = out.len();
        erase(&mut out);
        assert_eq!(read(&out), Ok((Block::Erased, length)));
        assert!(!out.windows(6).any(|bytes| bytes == b"secret"));
    }

    #[test]
    fn other_peoples_sections_are_not_ours() {
        let mut bytes = Vec::new();
        put_section(&mut bytes);
        let at = bytes.windows(9).position(|name| name == b"duskwatch").unwrap();
        bytes[at] = b'b';
        assert_eq!(read(&bytes), Err(Fault::Damaged));
    }
}
