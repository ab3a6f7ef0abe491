//! Small named captures.
use crate::pcap::{self, Frame};
use std::io::{self, Write};
/// One.
pub struct Case {
    /// Its name: file name without ending.
    pub name: String,
    /// The capture's link type, numbered as in capture files.
    pub link: u32,
    /// The frames.
    pub frames: Vec<Frame>,
    /// What it is for, in one sentence.
    pub about: &'static str,
    /// False if a dissector may rightly complain.
    pub well_formed: bool,
}
impl Case {
    /// Writes it as a capture file.
    pub fn write(&self, output: impl Write) -> io::Result<()> {
        let mut writer = pcap::Writer::new(output, self.link, pcap::WHOLE)?;
        for frame in &self.frames {
            writer.write(frame.time_micros, &frame.bytes, frame.wire_length)?;
        }
        writer.finish()?;
        Ok(())
    }
}
/// All.
pub fn all() -> Vec<Case> {
    Vec::new()
}
