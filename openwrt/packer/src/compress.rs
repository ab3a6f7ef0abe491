//! DEFLATE (RFC 1951) and gzip (RFC 1952), as small as zopfli can, and bounded in the other direction.

use flate2::{Decompress, FlushDecompress, Status, bufread::GzDecoder};
use std::io::Read;

use crate::Error;

/// What a package may unpack to, in bytes: far more than a router's flash holds. It is 64 MiB.
const MAX_UNPACKED: usize = 64 << 20;
/// How much the output grows at a time, in bytes.
const STEP: usize = 1 << 16;

/// Compresses to gzip, with neither a name nor a time.
pub fn gzip(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    zopfli(bytes, zopfli::Format::Gzip)
}

/// Compresses to DEFLATE without any header.
pub fn deflate(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    zopfli(bytes, zopfli::Format::Deflate)
}

/// Blocks that a file is split into, at most.
const BLOCK_SPLITS_MAX: u16 = 30;

fn zopfli(bytes: &[u8], format: zopfli::Format) -> Result<Vec<u8>, Error> {
    let mut packed = Vec::new();
    // A program's parts differ more from each other than a text's: more blocks, each with its own code, than the
    // usual 15 take one part in 500 less.
    let options = zopfli::Options { maximum_block_splits: BLOCK_SPLITS_MAX, ..zopfli::Options::default() };
    zopfli::compress(options, format, bytes, &mut packed)
        .map_err(|error| Error::new(format!("compression failed: {error}")))?;
    Ok(packed)
}

/// Unpacks gzip and compares its checksum. `what` is named in errors.
pub fn gunzip(packed: &[u8], what: &str) -> Result<Vec<u8>, Error> {
    let mut decoder = GzDecoder::new(packed);
    let mut bytes = Vec::new();
    decoder
        .by_ref()
        .take(MAX_UNPACKED as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| Error::new(format!("{what} is no whole gzip file: {error}")))?;
    if bytes.len() > MAX_UNPACKED {
        return Err(too_large(what));
    }
    if !decoder.into_inner().is_empty() {
        return Err(Error::new(format!("{what} has bytes after its end")));
    }
    Ok(bytes)
}

/// Unpacks DEFLATE that must end where the input ends. `what` is named in errors.
pub fn inflate(packed: &[u8], what: &str) -> Result<Vec<u8>, Error> {
    let mut decompress = Decompress::new(false);
    let mut bytes = Vec::new();
    let mut rest = packed;
    loop {
        bytes.reserve(STEP);
        let (read, written) = (decompress.total_in(), bytes.len());
        let status = decompress
            .decompress_vec(rest, &mut bytes, FlushDecompress::None)
            .map_err(|error| Error::new(format!("{what} is not DEFLATE: {error}")))?;
        let taken = usize::try_from(decompress.total_in() - read).unwrap_or(usize::MAX);
        rest = rest.get(taken..).unwrap_or_default();
        if bytes.len() > MAX_UNPACKED {
            return Err(too_large(what));
        }
        match status {
            Status::StreamEnd if rest.is_empty() => return Ok(bytes),
            Status::StreamEnd => return Err(Error::new(format!("{what} has bytes after its end"))),
            _ if taken == 0 && bytes.len() == written => {
                return Err(Error::new(format!("{what} ends too early")));
            }
            _ => {}
        }
    }
}

fn too_large(what: &str) -> Error {
    Error::new(format!("{what} unpacks to more than {MAX_UNPACKED} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_comes_back_and_only_whole() {
        let bytes: Vec<u8> = (0..30_000_u32).map(|number| (number * number / 700) as u8).collect();
        let packed = deflate(&bytes).expect("memory is enough");
        assert_eq!(inflate(&packed, "x").as_deref(), Ok(bytes.as_slice()));
        assert!(inflate(&packed[..packed.len() - 1], "x").is_err());
        assert!(inflate(&[packed.as_slice(), b"x"].concat(), "x").is_err());
        assert!(inflate(b"", "x").is_err());

        let packed = gzip(&bytes).expect("memory is enough");
        assert_eq!(gunzip(&packed, "x").as_deref(), Ok(bytes.as_slice()));
        // The magic, DEFLATE, no flags, no time.
        assert_eq!(packed[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
        assert!(gunzip(&packed[..packed.len() - 1], "x").is_err());
        assert!(gunzip(&[packed.as_slice(), b"x"].concat(), "x").is_err());
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        use std::io::Write;
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        for _ in 0..70 {
            encoder.write_all(&vec![0; 1 << 20]).expect("memory is enough");
        }
        let packed = encoder.finish().expect("memory is enough");
        assert!(inflate(&packed, "x").expect_err("too large").to_string().contains("more than"));
    }
}
