//! Compression of responses: a gzip member (RFC 1952) of one deflate block (RFC 1951), whose codes were made once for
//! what this program says.
//!
//! An encoder that looks for the best matches and makes codes for each answer keeps hundreds of KB of tables.
//! This one remembers the last four places of each hash of four bytes, 16 KiB in all. A page comes out at a sixth of
//! its length, between `gzip -1` and `-9`, for a third to all of the instructions that it took to write it, again.

use crate::snapshot::checksum;

/// The header: deflate, no name, no time, an unknown system.
const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The hash has this many bits.
const HASH_BITS: u32 = 11;

/// So many places are remembered of each hash.
const CANDIDATES: usize = 4;

/// A match is found by its first bytes, which are this many.
const MATCH_MIN: usize = 4;

/// The longest match that has a code.
const MATCH_MAX: usize = 258;

/// The farthest that a match may be away.
const DISTANCE_MAX: usize = 32 * 1024;

/// The code that ends the block.
const END_OF_BLOCK: u32 = 256;

/// The code of the shortest match, three bytes.
const FIRST_LENGTH: u32 = 257;

/// The bits of each code for a literal byte, the end of the block, or a range of matches' lengths: those that
/// `scripts/gzip-codes` finds for all kinds of pages and reports of `make demo`. They save a sixth of what the fixed
/// codes take. The block begins with the lengths, so any decoder knows the codes.
#[rustfmt::skip]
const SYMBOL_CODE_LENGTHS: [u8; 286] = [
    13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 9, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
    6, 12, 6, 12, 13, 13, 13, 13, 13, 13, 13, 12, 6, 9, 6, 7, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 6, 13, 7, 8, 7, 13,
    13, 10, 11, 11, 10, 11, 12, 12, 12, 11, 13, 13, 12, 11, 11, 11, 9, 13, 11, 10, 10, 13, 11, 11, 13, 12, 11, 13, 13, 12, 13, 11,
    13, 6, 8, 7, 7, 5, 8, 8, 7, 6, 12, 8, 7, 7, 6, 6, 7, 13, 6, 6, 6, 7, 8, 9, 11, 9, 11, 12, 10, 10, 13, 13,
    13, 13, 13, 13, 13, 13, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
    10, 13, 13, 13, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 12, 13, 13, 13, 13, 13, 13, 13, 13,
    13, 13, 10, 11, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
    13, 13, 12, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13, 13,
    12, 13, 4, 5, 6, 6, 6, 7, 6, 5, 6, 7, 7, 6, 6, 7, 6, 6, 8, 9, 9, 8, 8, 10, 10, 11, 11, 11, 13, 10,
];

/// The bits of each code for a range of matches' distances.
#[rustfmt::skip]
const DISTANCE_CODE_LENGTHS: [u8; 30] = [
    11, 11, 11, 9, 11, 8, 7, 6, 6, 5, 5, 5, 4, 4, 5, 4, 4, 4, 4, 5, 4, 5, 4, 5, 4, 5, 4, 5, 5, 6,
];

static SYMBOL_CODES: [Code; 286] = codes(SYMBOL_CODE_LENGTHS);
static DISTANCE_CODES: [Code; 30] = codes(DISTANCE_CODE_LENGTHS);

/// A code, its first bit lowest.
#[derive(Clone, Copy)]
struct Code {
    bits: u16,
    length: u8,
}

/// Codes of these lengths: shorter ones first, those of one length in their order (RFC 1951, section 3.2.2).
const fn codes<const N: usize>(lengths: [u8; N]) -> [Code; N] {
    let mut codes = [Code { bits: 0, length: 0 }; N];
    let mut next: u16 = 0;
    let mut length: u8 = 1;
    while length < 16 {
        let mut symbol = 0;
        while symbol < N {
            if lengths[symbol] == length {
                codes[symbol] = Code { bits: next.reverse_bits() >> (16 - length), length };
                next += 1;
            }
            symbol += 1;
        }
        next <<= 1;
        length += 1;
    }
    codes
}

/// Compresses `data` into `out`, and says how many bytes that took; `None` if there is no room for it.
pub(super) fn compress(data: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut bits = Bits { out, length: 0, pending: 0, count: 0 };
    HEADER.iter().try_for_each(|&byte| bits.put(byte.into(), 8))?;
    bits.describe_codes()?;
    deflate(data, &mut bits)?;
    bits.symbol(END_OF_BLOCK)?;
    bits.put(0, (8 - bits.count % 8) % 8)?;
    for word in [checksum(data), data.len() as u32] {
        bits.put(word & 0xffff, 16)?;
        bits.put(word >> 16, 16)?;
    }
    Some(bits.length)
}

/// The same bytes, once more.
#[derive(Clone, Copy, Default)]
struct Match {
    length: usize,
    distance: usize,
}

fn deflate(data: &[u8], bits: &mut Bits) -> Option<()> {
    let mut places = Places([[0; CANDIDATES]; 1 << HASH_BITS]);
    let mut at = 0;
    let mut found = places.find(data, at);
    while let Some(&byte) = data.get(at) {
        let next = places.find(data, at + 1);
        // A longer match may begin with the next byte.
        if found.length < MATCH_MIN || next.length > found.length {
            bits.symbol(byte.into())?;
            at += 1;
            found = next;
            continue;
        }
        bits.length_and_distance(found.length as u32, found.distance as u32)?;
        let end = at + found.length;
        (at + 2..end).for_each(|at| _ = places.remember(data, at));
        at = end;
        found = places.find(data, at);
    }
    Some(())
}

/// The low halves of the places where each hash was seen last, the latest first. What is there may be something else.
struct Places([[u16; CANDIDATES]; 1 << HASH_BITS]);

impl Places {
    /// Remembers a place, and finds the longest match for what is there; of equal ones the nearest.
    fn find(&mut self, data: &[u8], at: usize) -> Match {
        let mut best = Match::default();
        for place in self.remember(data, at) {
            let distance = usize::from((at as u16).wrapping_sub(place));
            let Some(before) = at.checked_sub(distance) else { continue };
            if (1..=DISTANCE_MAX).contains(&distance) {
                let length = same(data, before, at);
                if length > best.length {
                    best = Match { length, distance };
                }
            }
        }
        best
    }

    /// Remembers the place by its hash, and returns those before.
    fn remember(&mut self, data: &[u8], at: usize) -> [u16; CANDIDATES] {
        let Some(&[a, b, c, d]) = data.get(at..at + MATCH_MIN) else { return [at as u16; CANDIDATES] };
        // Knuth's multiplicative hash.
        let hash = u32::from_le_bytes([a, b, c, d]).wrapping_mul(2_654_435_761) >> (32 - HASH_BITS);
        let places = &mut self.0[hash as usize];
        let before = *places;
        places.copy_within(..CANDIDATES - 1, 1);
        places[0] = at as u16;
        before
    }
}

/// How many bytes are the same at both places.
fn same(data: &[u8], before: usize, at: usize) -> usize {
    let pairs = data[at..].iter().zip(&data[before..]).take(MATCH_MAX);
    pairs.take_while(|(one, other)| one == other).count()
}

/// Bits on their way into bytes, the lowest first.
struct Bits<'a> {
    out: &'a mut [u8],
    length: usize,
    pending: u32,
    count: u32,
}

impl Bits<'_> {
    /// Appends the low `count` bits of `value`, sixteen at most; `None` if there is no room.
    fn put(&mut self, value: u32, count: u32) -> Option<()> {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            *self.out.get_mut(self.length)? = self.pending as u8;
            self.length += 1;
            self.pending >>= 8;
            self.count -= 8;
        }
        Some(())
    }

    /// Begins the only block, with the lengths of its codes. Those have codes of four bits each, which are the lengths
    /// themselves from the highest bit; three that would stand for runs have none (RFC 1951, section 3.2.7).
    fn describe_codes(&mut self) -> Option<()> {
        self.put(0b101, 3)?;
        self.put(SYMBOL_CODES.len() as u32 - 257, 5)?;
        self.put(DISTANCE_CODES.len() as u32 - 1, 5)?;
        self.put(19 - 4, 4)?;
        self.put(0, 3 * 3)?;
        (0..16).try_for_each(|_| self.put(4, 3))?;
        let mut lengths = SYMBOL_CODES.iter().chain(&DISTANCE_CODES).map(|code| code.length);
        lengths.try_for_each(|length| self.put(u32::from(length.reverse_bits() >> 4), 4))
    }

    /// Appends a literal byte, the end of the block or the range of a match's length.
    fn symbol(&mut self, symbol: u32) -> Option<()> {
        self.code(SYMBOL_CODES[symbol as usize])
    }

    fn code(&mut self, code: Code) -> Option<()> {
        self.put(code.bits.into(), code.length.into())
    }

    /// Appends a match. Codes stand for ranges that double every four lengths and every two distances; the
    /// place in the range follows (RFC 1951, section 3.2.5).
    fn length_and_distance(&mut self, length: u32, distance: u32) -> Option<()> {
        let above = length - 3;
        match (length as usize, above.checked_ilog2()) {
            (MATCH_MAX, _) => self.symbol(285)?,
            (_, Some(log @ 3..)) => {
                let extra = log - 2;
                self.symbol(FIRST_LENGTH + 4 * (extra + 1) + (above >> extra & 3))?;
                self.put(above & ((1 << extra) - 1), extra)?;
            }
            _ => self.symbol(FIRST_LENGTH + above)?,
        }
        let above = distance - 1;
        match above.checked_ilog2() {
            Some(log @ 2..) => {
                let extra = log - 1;
                self.code(DISTANCE_CODES[(2 * (extra + 1) + (above >> extra & 1)) as usize])?;
                self.put(above & ((1 << extra) - 1), extra)
            }
            _ => self.code(DISTANCE_CODES[above as usize]),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::process::{Command, Stdio};
    use std::thread;

    use super::*;

    /// What gzip itself makes of it.
    fn decompress(compressed: &[u8]) -> Vec<u8> {
        let mut gzip = Command::new("gzip")
            .args(["--decompress", "--stdout"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("every system has gzip");
        let mut input = gzip.stdin.take().unwrap();
        let compressed = compressed.to_vec();
        let writer = thread::spawn(move || input.write_all(&compressed));
        let output = gzip.wait_with_output().unwrap();
        writer.join().unwrap().unwrap();
        assert!(output.status.success());
        output.stdout
    }

    fn check(data: &[u8]) -> usize {
        let mut out = vec![0; 2 * data.len() + 256];
        let length = compress(data, &mut out).expect("it fits");
        assert!(decompress(&out[..length]) == data, "{} bytes", data.len());
        assert_eq!(compress(data, &mut out[..length]), Some(length));
        assert_eq!(compress(data, &mut out[..length - 1]), None, "it is cut nowhere");
        length
    }

    #[test]
    fn gzip_gets_back_what_was_compressed() {
        check(b"");
        check(b"a");
        check(b"abcabcabcabcabc");
        // Every length of a match, at every distance that is the first or last of its code.
        let mut data = Vec::new();
        for power in 0..15 {
            for distance in [1 << power, (1 << power) + 1, (3 << power) / 2, (2 << power) - 1] {
                let start = data.len();
                let mut state = distance as u32;
                data.extend((0..distance.min(DISTANCE_MAX)).map(|_| {
                    state = state.wrapping_mul(1_103_515_245).wrapping_add(12_345);
                    (state >> 16) as u8
                }));
                let length = (distance * 7 + power) % 300;
                (0..length).for_each(|n| data.push(data[start + n]));
            }
        }
        check(&data);
        for length in 0..600 {
            check_length(length);
        }
    }

    fn check_length(length: usize) {
        let mut data = b"0123456789".to_vec();
        data.resize(data.len() + length, b'=');
        let mut out = vec![0; 1_000];
        let end = compress(&data, &mut out).expect("it fits");
        // A process for each would take long: sixteen times is enough beside the first and last codes.
        if length < 24 || length.is_multiple_of(37) || (255..262).contains(&length) {
            assert!(decompress(&out[..end]) == data, "{length}");
        }
    }

    #[test]
    fn the_style_becomes_a_third() {
        let style = include_bytes!("../../view/assets/style.css");
        let length = check(style);
        println!("{} of {} bytes", length, style.len());
        assert!(length * 2 < style.len());
    }
}
