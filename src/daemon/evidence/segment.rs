//! A segment: a file of its own, which any reader of pcapng understands, read through a buffer of fixed size.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::pcapng::{self, Block, Fault, Packet};
use crate::limits::{EVIDENCE_INTERFACES_MAX, EVIDENCE_READ_BYTES, INTERFACE_NAME_MAX};
use crate::packet::LinkType;

/// Where a packet came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The interface's name.
    pub name: heapless::String<INTERFACE_NAME_MAX>,
    /// How its frames begin.
    pub link: LinkType,
}

impl Interface {
    /// An interface of this name, or of the empty one if it is too long.
    pub fn new(name: &str, link: LinkType) -> Self {
        Self { name: name.try_into().unwrap_or_default(), link }
    }
}

/// The interfaces of a section, in the order of their numbers.
pub type Interfaces = heapless::Vec<Interface, EVIDENCE_INTERFACES_MAX>;

/// The file of the segment that begins with the packet of this number. The names sort by it.
pub fn path(directory: &Path, first: u64) -> PathBuf {
    directory.join(format!("evidence-{first:020}.pcapng"))
}

/// The number in the name of a segment's file.
pub fn first_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("evidence-")?.strip_suffix(".pcapng")?;
    if digits.len() == 20 { digits.parse().ok() } else { None }
}

/// What a file holds next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// A packet, which [`Blocks::packet`] has.
    Packet,
    /// A packet that was erased.
    Erased,
    /// The head of a section, an interface, or what is passed over.
    Other,
    /// The end.
    End,
    /// It goes on, but cannot be read, or is not what we write.
    Damaged,
}

/// The blocks of a file, one after the other.
pub struct Blocks {
    file: File,
    /// Where the file ends, or what is read of it.
    end: u64,
    /// Where the next block begins.
    at: u64,
    interfaces: Interfaces,
    buffer: Box<[u8]>,
    /// The block that was looked at last begins here in the buffer, ...
    block: usize,
    /// ... the next one here ...
    from: usize,
    /// ... and what is read ends here.
    to: usize,
}

impl Blocks {
    /// The blocks of the first `end` bytes of a file.
    pub fn new(file: File, end: u64) -> Self {
        let buffer = vec![0; EVIDENCE_READ_BYTES].into_boxed_slice();
        Self { file, end, at: 0, interfaces: Interfaces::new(), buffer, block: 0, from: 0, to: 0 }
    }

    /// Where the next block begins: all before it is whole.
    pub fn position(&self) -> u64 {
        self.at
    }

    /// The interfaces described so far.
    pub fn interfaces(&self) -> &Interfaces {
        &self.interfaces
    }

    /// Looks at the next block.
    pub fn advance(&mut self) -> Next {
        loop {
            match pcapng::read(&self.buffer[self.from..self.to]) {
                Ok((block, length)) => {
                    let Some(next) = accept(block, self.at == 0, &mut self.interfaces) else {
                        return Next::Damaged;
                    };
                    self.block = self.from;
                    self.from += length;
                    self.at += length as u64;
                    return next;
                }
                Err(Fault::Damaged) => return Next::Damaged,
                Err(Fault::Partial) if self.at == self.end => return Next::End,
                Err(Fault::Partial) => match self.fill() {
                    Ok(read) if read > 0 => {}
                    _ => return Next::Damaged,
                },
            }
        }
    }

    /// The packet that was looked at last, where it came from, and its block.
    pub fn packet(&self) -> Option<(&Interface, Packet<'_>, &[u8])> {
        let block = &self.buffer[self.block..self.from];
        let Ok((Block::Packet(packet), _)) = pcapng::read(block) else { return None };
        Some((self.interfaces.get(packet.interface as usize)?, packet, block))
    }

    /// Reads on, and says how many bytes there were.
    fn fill(&mut self) -> io::Result<usize> {
        self.buffer.copy_within(self.from..self.to, 0);
        self.to -= self.from;
        self.from = 0;
        let at = self.at + self.to as u64;
        let wanted = (self.end - at).min((self.buffer.len() - self.to) as u64) as usize;
        let read = self.file.read_at(&mut self.buffer[self.to..self.to + wanted], at)?;
        self.to += read;
        Ok(read)
    }
}

/// What a block is, and its share of what is known of the interfaces. `None` for one that is not where it belongs.
fn accept(block: Block<'_>, is_first: bool, interfaces: &mut Interfaces) -> Option<Next> {
    match block {
        Block::Section => interfaces.clear(),
        // Whatever begins with something else is no file of ours.
        _ if is_first => return None,
        Block::Interface(name, link) => interfaces.push(Interface::new(name, link?)).ok()?,
        Block::Packet(packet) => return interfaces.get(packet.interface as usize).map(|_| Next::Packet),
        Block::Erased => return Some(Next::Erased),
        Block::Other => {}
    }
    Some(Next::Other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_by_their_number() {
        for number in [0, 7, u64::MAX] {
            let path = path(Path::new("/run"), number);
            assert_eq!(first_of(path.file_name().unwrap().to_str().unwrap()), Some(number));
        }
        for other in ["evidence-7.pcapng", "evidence-.pcapng", "evidence-0000000000000000000x.pcapng", ""] {
            assert_eq!(first_of(other), None, "{other}");
        }
    }
}
