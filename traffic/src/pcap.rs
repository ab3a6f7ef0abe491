//! Classic capture files with microseconds (the format of libpcap's `pcap-savefile`).

use std::io::{self, Read, Write};

/// The link type of Ethernet; the cases name others by their number.
pub const ETHERNET: u32 = 1;

/// The snaplen that cuts nothing, as tcpdump uses it.
pub const WHOLE: u32 = 262_144;

const MAGIC: u32 = 0xa1b2_c3d4;

/// Writes a capture file as it comes: little-endian, so the same bytes on every machine.
pub struct Writer<W> {
    output: W,
    snaplen: u32,
}

impl<W: Write> Writer<W> {
    /// Writes the file header. Give it a buffered output: it makes two writes for each frame.
    pub fn new(mut output: W, link: u32, snaplen: u32) -> io::Result<Self> {
        output.write_all(&MAGIC.to_le_bytes())?;
        output.write_all(&[2, 0, 4, 0])?;
        output.write_all(&[0; 8])?;
        output.write_all(&snaplen.to_le_bytes())?;
        output.write_all(&link.to_le_bytes())?;
        Ok(Self { output, snaplen })
    }

    /// Writes one frame, cut to the snaplen. The time is in microseconds since the Unix epoch;
    /// `wire_length` may say that the frame was longer than `bytes`.
    #[inline]
    pub fn write(&mut self, time_micros: u64, bytes: &[u8], wire_length: u32) -> io::Result<()> {
        let captured = &bytes[..bytes.len().min(self.snaplen as usize)];
        let mut header = [0; 16];
        header[0..4].copy_from_slice(&((time_micros / 1_000_000) as u32).to_le_bytes());
        header[4..8].copy_from_slice(&((time_micros % 1_000_000) as u32).to_le_bytes());
        header[8..12].copy_from_slice(&(captured.len() as u32).to_le_bytes());
        header[12..16].copy_from_slice(&wire_length.to_le_bytes());
        self.output.write_all(&header)?;
        self.output.write_all(captured)
    }

    /// Flushes the output and gives it back.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// One frame of a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Microseconds since the Unix epoch.
    pub time_micros: u64,
    /// The captured bytes.
    pub bytes: Vec<u8>,
    /// The frame's length on the wire.
    pub wire_length: u32,
}

/// Reads back what [`Writer`] wrote; for tests, so it knows no other byte order or magic.
pub fn read(mut input: impl Read) -> io::Result<(u32, Vec<Frame>)> {
    let mut header = [0; 24];
    input.read_exact(&mut header)?;
    if word(&header, 0) != MAGIC {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "no little-endian pcap file"));
    }
    let mut frames = Vec::new();
    let mut record = [0; 16];
    loop {
        match input.read_exact(&mut record) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
            other => other?,
        }
        let mut bytes = vec![0; word(&record, 8) as usize];
        input.read_exact(&mut bytes)?;
        let time_micros = u64::from(word(&record, 0)) * 1_000_000 + u64::from(word(&record, 4));
        frames.push(Frame { time_micros, bytes, wire_length: word(&record, 12) });
    }
    Ok((word(&header, 20), frames))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_comes_back_cut_to_its_snaplen() {
        let mut writer = Writer::new(Vec::new(), 113, 4).unwrap();
        writer.write(1_700_000_000_000_001, &[1, 2, 3, 4, 5, 6], 1514).unwrap();
        writer.write(1_700_000_000_999_999, &[], 60).unwrap();
        let (link, frames) = read(writer.finish().unwrap().as_slice()).unwrap();
        assert_eq!(link, 113);
        let expected = [
            Frame { time_micros: 1_700_000_000_000_001, bytes: vec![1, 2, 3, 4], wire_length: 1514 },
            Frame { time_micros: 1_700_000_000_999_999, bytes: vec![], wire_length: 60 },
        ];
        assert_eq!(frames, expected);
    }
}
