//! Compression of responses: a gzip member (RFC 1952) of one deflate block with the fixed codes (RFC 1951).
//!
//! An encoder that looks for the best matches and makes codes of its own keeps hundreds of KB of tables.
//! This one remembers the last four places of each hash of four bytes, 16 KiB in all. A page comes out at a fifth of
//! its length, nearly as with `gzip -1`, for a third to all of the instructions that it took to write it, again.

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

/// Compresses `data` into `out`, and says how many bytes that took; `None` if there is no room for it.
pub(super) fn compress(data: &[u8], out: &mut [u8]) -> Option<usize> {
    let mut bits = Bits { out, length: 0, pending: 0, count: 0 };
    HEADER.iter().try_for_each(|&byte| bits.put(byte.into(), 8))?;
    // The last block, with fixed codes.
    bits.put(0b011, 3)?;
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

    /// Appends a code, which goes from its highest bit.
    fn code(&mut self, code: u32, count: u32) -> Option<()> {
        self.put(code.reverse_bits() >> (32 - count), count)
    }

    /// Appends a literal byte, the end of the block or a match's length by its fixed code (RFC 1951, section 3.2.6).
    fn symbol(&mut self, symbol: u32) -> Option<()> {
        match symbol {
            0..144 => self.code(0x30 + symbol, 8),
            144..256 => self.code(0x190 + symbol - 144, 9),
            256..280 => self.code(symbol - 256, 7),
            _ => self.code(0xc0 + symbol - 280, 8),
        }
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
                self.code(2 * (extra + 1) + (above >> extra & 1), 5)?;
                self.put(above & ((1 << extra) - 1), extra)
            }
            _ => self.code(above, 5),
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
        let mut out = vec![0; 2 * data.len() + 64];
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
