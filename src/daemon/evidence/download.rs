//! Evidence on its way to whoever asked for it: made in parts, as fast as they are taken.

use super::export::Format;
use super::pcapng::{self, Packet};
use super::segment::{Interface, Interfaces};
use super::walk::{Step, Walk, source_of};
use super::words::Words;
use crate::daemon::web::{Body, Page};
use crate::limits::{EVIDENCE_BLOCK_BYTES_MAX, EVIDENCE_ROW_BYTES};

/// Steps for one part at most: so long nobody else is served.
const STEPS: usize = 256;

/// Packets in one of the formats, or as they were captured.
pub struct Download {
    walk: Walk,
    /// `None` for a pcapng file.
    format: Option<Format>,
    has_begun: bool,
    /// The interfaces that the file has described so far.
    described: Interfaces,
    block: Vec<u8>,
}

impl Download {
    /// What this way leads along.
    pub fn new(walk: Walk, format: Option<Format>) -> Self {
        let block = Vec::with_capacity(2 * EVIDENCE_BLOCK_BYTES_MAX);
        Self { walk, format, has_begun: false, described: Interfaces::new(), block }
    }

    fn begin(&mut self, page: &mut Page) {
        match self.format {
            Some(format) => drop(format.begin(page)),
            None => {
                self.block.clear();
                pcapng::put_section(&mut self.block);
                let _ = page.write_bytes(&self.block);
            }
        }
    }

    /// Writes the packet that the way has come to.
    fn write(&mut self, page: &mut Page) {
        let Some((_, interface, packet)) = self.walk.packet() else { return };
        let mut words = Words::of(packet.comment);
        let source = source_of(interface.link, &packet);
        words.is_alert |= source.is_some_and(|source| self.walk.is_alerted(source));
        if let Some(format) = self.format {
            let _ = format.row(page, interface, &packet, &words);
            return;
        }
        self.block.clear();
        let number = describe(&mut self.described, interface, &mut self.block);
        let comment = words.comment();
        pcapng::put_packet(&mut self.block, &Packet { interface: number, comment: &comment, ..packet });
        let _ = page.write_bytes(&self.block);
    }
}

/// The number of an interface in the file. One that the file does not have yet is described first, and if there
/// are too many, a new section begins.
fn describe(described: &mut Interfaces, interface: &Interface, block: &mut Vec<u8>) -> u32 {
    if let Some(number) = described.iter().position(|known| known == interface) {
        return number as u32;
    }
    if described.is_full() {
        described.clear();
        pcapng::put_section(block);
    }
    pcapng::put_interface(block, &interface.name, interface.link);
    let _ = described.push(interface.clone());
    described.len() as u32 - 1
}

impl Body for Download {
    fn next(&mut self, page: &mut Page) -> bool {
        if !self.has_begun {
            self.has_begun = true;
            self.begin(page);
        }
        for _ in 0..STEPS {
            if page.room() < EVIDENCE_ROW_BYTES {
                break;
            }
            match self.walk.step() {
                Step::Packet => self.write(page),
                Step::Passed => {}
                Step::End => {
                    if let Some(format) = self.format {
                        let _ = format.end(page);
                    }
                    return false;
                }
            }
        }
        true
    }
}
