//! Checksums: the Internet's (RFC 1071), with the pseudo-headers of IPv4 and IPv6, and SCTP's CRC32c.

use std::net::IpAddr;

/// A running Internet checksum: the one's complement sum of 16-bit words.
#[derive(Clone, Copy, Debug, Default)]
pub struct Checksum {
    sum: u64,
}

impl Checksum {
    /// The sum of nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// The sum of a pseudo-header (RFC 9293 3.1, RFC 8200 8.1). `length` is the transport header's
    /// and its payload's. Addresses of different families make no packet; their sum is of no use.
    #[inline]
    pub fn pseudo_header(source: IpAddr, destination: IpAddr, protocol: u8, length: usize) -> Self {
        let mut sum = Self { sum: u64::from(protocol) + length as u64 };
        for address in [source, destination] {
            match address {
                IpAddr::V4(address) => sum.add(&address.octets()),
                IpAddr::V6(address) => sum.add(&address.octets()),
            }
        }
        sum
    }

    /// Adds bytes. Only the last piece may have an odd number of them.
    #[inline]
    pub fn add(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<4>();
        for word in words {
            self.sum += u64::from(u32::from_be_bytes(*word));
        }
        for (index, byte) in rest.iter().enumerate() {
            self.sum += u64::from(*byte) << if index % 2 == 0 { 8 } else { 0 };
        }
    }

    /// The checksum, as it stands in a header.
    #[inline]
    pub fn finish(self) -> u16 {
        let mut sum = self.sum;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The Internet checksum of these bytes.
pub fn internet(bytes: &[u8]) -> u16 {
    let mut sum = Checksum::new();
    sum.add(bytes);
    sum.finish()
}

/// CRC32c (Castagnoli), as SCTP uses it (RFC 9260 appendix A).
pub fn crc32c(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        assert_eq!(internet(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn odd_bytes_count_as_if_followed_by_zero() {
        for length in 0..9 {
            let bytes = vec![0xa5; length];
            let mut padded = bytes.clone();
            padded.push(0);
            padded.truncate(length + length % 2);
            assert_eq!(internet(&bytes), internet(&padded));
        }
    }

    #[test]
    fn a_packet_with_its_checksum_sums_to_zero() {
        // An IPv4 header that is printed in many books.
        let header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01,
            0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert_eq!(internet(&header), 0);
    }

    #[test]
    fn the_check_value_of_crc32c() {
        assert_eq!(crc32c(b"123456789"), 0xe306_9283);
    }
}
