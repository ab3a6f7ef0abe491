//! The seeded hash behind every table.

use crate::packet::Address;

/// The secret of a table's hash, drawn when the program starts, so that nobody outside can choose
/// addresses or ports that collide.
#[derive(Clone, Copy, Debug)]
pub struct Seed {
    first: u64,
    second: u64,
}

impl Seed {
    /// A seed from 128 random bits. Few random bits make a poor secret, but still a good hash.
    pub const fn new(first: u64, second: u64) -> Self {
        // The first 128 fractional bits of e: nothing up the sleeve.
        const E: (u64, u64) = (0xb7e1_5162_8aed_2a6a, 0xbf71_5880_9cf4_f3c7);
        let first = fold(first ^ E.0, E.1);
        Self { first, second: fold(second ^ E.1, first ^ E.0) }
    }

    /// The hash of one word.
    #[inline]
    pub const fn word(&self, word: u64) -> u64 {
        fold(word ^ self.first, self.second | 1)
    }

    /// The hash of an address.
    #[inline]
    pub const fn address(&self, address: Address) -> u64 {
        fold(address.high ^ self.first, address.low ^ self.second)
    }

    /// A hash with one more word in it.
    #[inline]
    pub const fn mix(&self, hash: u64, word: u64) -> u64 {
        fold(word ^ self.first, hash ^ self.second)
    }

    /// The hash of some bytes, and of how many they are.
    pub fn bytes(&self, bytes: &[u8]) -> u64 {
        let word = |chunk: &[u8]| chunk.iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
        bytes.chunks(8).fold(self.word(bytes.len() as u64), |hash, chunk| self.mix(hash, word(chunk)))
    }

    /// The hash of two addresses and a word, the same in either order of the addresses. They are added
    /// up, so who can choose both of them can make pairs collide: this is for a cache, where that costs
    /// no more than a miss.
    #[inline]
    pub const fn pair(&self, a: Address, b: Address, word: u64) -> u64 {
        let low = a.low.wrapping_add(b.low);
        let high = a.high.wrapping_add(b.high).wrapping_add(word);
        fold(low ^ self.first, high ^ self.second)
    }
}

/// Multiplies to 128 bits and folds the halves together, so that every input bit reaches both ends.
#[inline]
const fn fold(a: u64, b: u64) -> u64 {
    let product = a as u128 * b as u128;
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The fullest of 1,024 buckets under 16,384 keys holds 16 on average; a random function stays
    /// below 48 for all practical purposes. Some tables take the highest bits, others the lowest.
    fn fullest_bucket(hashes: impl Iterator<Item = u64>) -> usize {
        let mut buckets = [[0; 1024]; 2];
        for hash in hashes {
            buckets[0][(hash >> 54) as usize] += 1;
            buckets[1][(hash & 1023) as usize] += 1;
        }
        buckets.into_iter().flatten().max().unwrap()
    }

    #[test]
    fn regular_keys_spread() {
        let seed = Seed::new(1, 2);
        let address = |n: u32| Address::v4(0xc0a8_0000 + n);
        assert!(fullest_bucket((0..16_384).map(|n| seed.address(address(n)))) < 48);
        assert!(fullest_bucket((0..16_384).map(|n| seed.word(n << 16))) < 48);
        let pair = |n: u32| seed.pair(address(n), address(1), u64::from(n % 7) << 32);
        assert!(fullest_bucket((0..16_384).map(pair)) < 48);
    }

    #[test]
    fn a_pair_has_no_order() {
        let seed = Seed::new(1, 2);
        let (a, b) = (Address::v4(1), Address::v4(2));
        assert_eq!(seed.pair(a, b, 7), seed.pair(b, a, 7));
        assert_ne!(seed.pair(a, b, 7), seed.pair(a, b, 8));
    }
}
