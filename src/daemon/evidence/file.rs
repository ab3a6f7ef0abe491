//! A file of evidence that somebody has downloaded.

use std::fs::File;
use std::path::Path;

use super::pcapng::Packet;
use super::segment::{Blocks, Interface, Next};

/// A file of evidence, opened for reading.
pub struct Evidence(Blocks);

impl Evidence {
    /// Opens a file, if it is one of ours; others, and what is no plain file, are left to those who know them.
    pub fn open(path: &Path) -> Option<Self> {
        if !path.is_file() {
            return None;
        }
        let file = File::open(path).ok()?;
        let length = file.metadata().ok()?.len();
        let mut blocks = Blocks::new(file, length);
        (blocks.advance() == Next::Other).then_some(Self(blocks))
    }

    /// Shows all packets, in their order.
    ///
    /// # Errors
    /// One line: the file ends in the middle of a packet, or goes on with something else.
    pub fn read(mut self, show: &mut dyn FnMut(&Interface, &Packet<'_>)) -> Result<(), String> {
        loop {
            match self.0.advance() {
                Next::Packet => {
                    if let Some((interface, packet, _)) = self.0.packet() {
                        show(interface, &packet);
                    }
                }
                Next::Erased | Next::Other => {}
                Next::End => return Ok(()),
                Next::Damaged => {
                    return Err(format!("damaged evidence behind byte {}", self.0.position()));
                }
            }
        }
    }
}
