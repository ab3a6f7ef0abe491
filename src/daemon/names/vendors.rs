//! The table of vendors: who made a device, by the first bits of its link-layer address.
//!
//! `vendors/` makes the file, and says there what is in it. Nothing of it is kept in memory: each look-up is a binary
//! search of some twelve reads. The file was opened before privileges were given up, and its checksum was right then;
//! every offset is held against its bounds all the same, since a file can be written to later.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::Name;
use crate::daemon::failure::failure;
use crate::daemon::print::is_unprintable;
use crate::daemon::store::open;
use crate::limits::{VENDOR_BLOCK_BYTES_MAX, VENDORS_FILE_BYTES_MAX};
use crate::packet::Mac;
use crate::snapshot::CRC;

/// Where packages and `make install` put the table.
pub const USUAL_PATHS: [&str; 2] = ["/usr/share/duskwatch/vendors", "/usr/local/share/duskwatch/vendors"];

const MAGIC: &[u8; 8] = b"DUSKVND1";
const HEADER: u64 = 20;
const INDEX_ENTRY: u64 = 11;
/// Bits of an address that the table knows.
const PREFIX_BITS: u32 = 36;

/// What the table is read from.
pub trait Table: Send + Sync {
    /// Fills the buffer with the bytes at an offset.
    ///
    /// # Errors
    /// They are not there, or cannot be read.
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
}

impl Table for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(buffer, offset)
    }
}

impl Table for Vec<u8> {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = usize::try_from(offset).ok().and_then(|start| self.get(start..)?.get(..buffer.len()));
        buffer.copy_from_slice(bytes.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// The open table.
pub struct Vendors {
    table: Box<dyn Table>,
    blocks: u32,
    records: u32,
    names: u32,
}

/// Where a block begins.
struct Block {
    first: u64,
    records: u32,
    names: u32,
}

impl Vendors {
    /// Opens the table.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open(path)?;
        let length = file.metadata()?.len();
        Self::check(Box::new(file), length)
    }

    /// Makes sure that this is a whole table.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(table: Box<dyn Table>, length: u64) -> io::Result<Self> {
        let wrong = |what| Err(failure(io::ErrorKind::InvalidData, what));
        let mut header = [0; HEADER as usize];
        if length < HEADER || table.read_at(&mut header, 0).is_err() || !header.starts_with(MAGIC) {
            return wrong("it is no table of vendors of this version");
        }
        if length > VENDORS_FILE_BYTES_MAX {
            return wrong("it is too large for a table of vendors");
        }
        let [_, _, blocks, records, names] =
            [0, 4, 8, 12, 16].map(|at| little(header.get(at..at + 4).unwrap_or_default()));
        let vendors = Self { table, blocks, records, names };
        if vendors.at_names() + u64::from(names) + 4 != length {
            return wrong("it is cut off, or longer than it says");
        }
        if vendors.checksum(length - 4)? != vendors.number::<4>(length - 4).unwrap_or_default() {
            return wrong("its checksum is wrong");
        }
        Ok(vendors)
    }

    /// Who made the device, if the table says so.
    pub fn name(&self, mac: Mac) -> Option<Name> {
        let [a, b, c, d, e, g] = mac.0;
        let prefix = u64::from_be_bytes([0, 0, a, b, c, d, e, g]) >> (48 - PREFIX_BITS);
        let number = self.block_of(prefix)?;
        let block = self.block(number)?;
        let end = if number + 1 < self.blocks { self.block(number + 1)?.records } else { self.records };
        let mut buffer = [0; VENDOR_BLOCK_BYTES_MAX];
        let records = buffer.get_mut(..end.checked_sub(block.records)? as usize)?;
        self.table.read_at(records, self.at_records() + u64::from(block.records)).ok()?;
        let (start, length) = find(&block, records, prefix)?;
        let mut name = [0; 32];
        let name = name.get_mut(..length)?;
        if u64::from(start) + name.len() as u64 > u64::from(self.names) {
            return None;
        }
        self.table.read_at(name, self.at_names() + u64::from(start)).ok()?;
        let name = str::from_utf8(name).ok().filter(|name| !name.chars().any(is_unprintable))?;
        Name::try_from(name).ok()
    }

    /// The last block that begins at this prefix or before.
    fn block_of(&self, prefix: u64) -> Option<u32> {
        let (mut from, mut to) = (0, self.blocks);
        while from < to {
            let middle = from + (to - from) / 2;
            if self.block(middle)?.first <= prefix {
                from = middle + 1;
            } else {
                to = middle;
            }
        }
        from.checked_sub(1)
    }

    fn block(&self, number: u32) -> Option<Block> {
        let mut entry = [0; INDEX_ENTRY as usize];
        self.table.read_at(&mut entry, HEADER + u64::from(number) * INDEX_ENTRY).ok()?;
        let [a, b, c, d, e, records @ .., x, y, z] = entry;
        let first = u64::from_be_bytes([0, 0, 0, a, b, c, d, e]);
        Some(Block { first, records: little(&records), names: little(&[x, y, z]) })
    }

    fn at_records(&self) -> u64 {
        HEADER + u64::from(self.blocks) * INDEX_ENTRY
    }

    fn at_names(&self) -> u64 {
        self.at_records() + u64::from(self.records)
    }

    fn number<const N: usize>(&self, at: u64) -> Option<u32> {
        let mut bytes = [0; N];
        self.table.read_at(&mut bytes, at).ok()?;
        Some(little(&bytes))
    }

    /// The checksum of the first bytes.
    fn checksum(&self, length: u64) -> io::Result<u32> {
        let mut digest = CRC.digest();
        let (mut buffer, mut at) = ([0; 4096], 0);
        while at < length {
            let part = (length - at).min(buffer.len() as u64);
            let bytes = buffer.get_mut(..part as usize).unwrap_or_default();
            self.table.read_at(bytes, at)?;
            digest.update(bytes);
            at += part;
        }
        Ok(digest.finalize())
    }
}

/// Where the name of a prefix is among the names, and how long it is.
fn find(block: &Block, records: &[u8], prefix: u64) -> Option<(u32, usize)> {
    let (mut records, mut free, mut new) = (records.iter().copied(), block.first, block.names);
    loop {
        let head = records.next()?;
        let length = (head & 0x1f) + 1;
        let size = 1u64 << [12u8, 8, 0].get(usize::from(head >> 6))?;
        let gap = number(&mut records)?;
        let first = free.next_multiple_of(size) + gap * size;
        let name = if head & 0x20 == 0 {
            let name = new;
            new = new.checked_add(length.into())?;
            name
        } else {
            little(&[records.next()?, records.next()?, records.next()?])
        };
        if prefix < first {
            return None;
        }
        free = first + size;
        if prefix < free {
            return Some((name, length.into()));
        }
    }
}

/// Seven bits to a byte, the lowest first; no more than a prefix has.
fn number(bytes: &mut impl Iterator<Item = u8>) -> Option<u64> {
    let mut number = 0;
    for shift in (0..PREFIX_BITS).step_by(7) {
        let byte = bytes.next()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

fn little(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u32::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "Registry,Assignment,Organization Name,Organization Address\n\
                        MA-L,00000C,\"Cisco Systems, Inc\",x\nMA-L,000142,\"Cisco Systems, Inc\",x\n\
                        MA-M,0055DA7,\"LinkTech, LLC\",x\nMA-L,FCFFFF,Last Corp.,x\n";
    const SMALL: &str = "Registry,Assignment,Organization Name,Organization Address\n\
                         MA-S,70B3D5FFF,Tiny,x\nMA-S,70B3D5000,Gr\u{fc}n,x\n";

    fn vendors(table: Vec<u8>) -> io::Result<Vendors> {
        let length = table.len() as u64;
        Vendors::check(Box::new(table), length)
    }

    fn name(vendors: &Vendors, mac: &str) -> Option<String> {
        vendors.name(Mac::parse(mac).unwrap()).map(|name| name.to_string())
    }

    #[test]
    fn prefixes_of_each_length_are_found_and_their_neighbors_are_not() {
        let vendors = vendors(::vendors::build(&[LIST, SMALL]).unwrap()).unwrap();
        for (mac, expected) in [
            ("00:00:0c:00:00:00", Some("Cisco Systems")),
            ("00:00:0c:ff:ff:ff", Some("Cisco Systems")),
            ("00:01:42:12:34:56", Some("Cisco Systems")),
            ("00:55:da:7f:ff:ff", Some("LinkTech")),
            ("70:b3:d5:ff:ff:ff", Some("Tiny")),
            ("70:b3:d5:00:0f:ff", Some("Gr\u{fc}n")),
            ("fc:ff:ff:ff:ff:ff", Some("Last")),
            ("00:00:0b:ff:ff:ff", None),
            ("00:00:0d:00:00:00", None),
            ("00:55:da:80:00:00", None),
            ("00:55:da:6f:ff:ff", None),
            ("70:b3:d5:00:10:00", None),
            ("70:b3:d5:ff:ef:ff", None),
            ("ff:ff:ff:ff:ff:ff", None),
            ("00:00:00:00:00:00", None),
        ] {
            assert_eq!(name(&vendors, mac).as_deref(), expected, "{mac}");
        }
    }

    /// Many vendors, with prefixes of all lengths: each is found at both ends of its prefix.
    #[test]
    fn every_prefix_of_a_large_table_is_found() {
        let mut list = LIST.to_owned();
        for n in 0..5_000 {
            list += &match n % 3 {
                0 => format!("MA-L,{:06X},Maker {},x\n", 0x10_0000 + 7 * n, n / 9),
                1 => format!("MA-M,{:07X},Maker {},x\n", 0x400_0000 + 3 * n, n / 9),
                _ => format!("MA-S,{:09X},Maker {},x\n", 0x7_0000_0000u64 + 2 * n, n / 9),
            };
        }
        let table = ::vendors::build(&[&list]).unwrap();
        let vendors = vendors(table).unwrap();
        for (prefix, maker) in ::vendors::registry::parse(&list).unwrap().into_iter().skip(4) {
            for (unit, bits) in [(prefix.first, 0), (prefix.first + prefix.size() - 1, 0xfff)] {
                let [_, _, mac @ ..] = (unit << 12 | bits).to_be_bytes();
                assert_eq!(vendors.name(Mac(mac)).unwrap().as_str(), maker, "{prefix:?}");
            }
        }
    }

    #[test]
    fn a_table_that_is_not_whole_is_refused_and_says_why() {
        let table = ::vendors::build(&[LIST, SMALL]).unwrap();
        let refused = |table: &[u8]| vendors(table.to_vec()).err().map(|error| error.to_string());
        for length in 0..table.len() {
            assert!(refused(&table[..length]).is_some(), "{length} bytes");
        }
        for position in 0..table.len() {
            let mut damaged = table.clone();
            damaged[position] ^= 0x10;
            assert!(refused(&damaged).is_some(), "byte {position}");
        }
        assert_eq!(refused(&table[..19]).unwrap(), "it is no table of vendors of this version");
        assert_eq!(refused(&table[..40]).unwrap(), "it is cut off, or longer than it says");
        assert_eq!(
            refused(&[table.clone(), vec![0]].concat()).unwrap(),
            "it is cut off, or longer than it says"
        );
        let huge = Vendors::check(Box::new(table), VENDORS_FILE_BYTES_MAX + 1).err().unwrap();
        assert_eq!(huge.to_string(), "it is too large for a table of vendors");
        assert!(Vendors::open(Path::new("/")).is_err() && Vendors::open(Path::new("/dev/zero")).is_err());
    }

    /// Whatever is written over an open table: a look-up ends, and says something printable or nothing.
    #[test]
    fn a_table_that_changes_later_does_no_harm() {
        let table = ::vendors::build(&[LIST, SMALL]).unwrap();
        let Vendors { blocks, records, names, .. } = vendors(table.clone()).unwrap();
        let mut seed = 0x2545_f491_4f6c_dd1du64;
        for round in 0..20_000 {
            let mut damaged = table.clone();
            for _ in 0..3 {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                let place = seed as usize % damaged.len();
                damaged[place] = (seed >> 32) as u8;
            }
            damaged.truncate(table.len() - round % 7 * 9);
            let vendors = Vendors { table: Box::new(damaged), blocks, records, names };
            for mac in ["00:00:0c:00:00:00", "00:55:da:7f:ff:ff", "70:b3:d5:ff:ff:ff"] {
                assert!(name(&vendors, mac).is_none_or(|name| !name.chars().any(char::is_control)));
            }
        }
    }

    /// The lists that Debian has; what is in them is the world's business.
    #[test]
    fn the_real_lists_make_a_table() {
        let directory = Path::new("/usr/share/ieee-data");
        let lists = ["oui.csv", "mam.csv", "oui36.csv"].map(|name| std::fs::read(directory.join(name)));
        let [Ok(oui), Ok(mam), Ok(oui36)] = lists else {
            return println!("SKIPPED the_real_lists_make_a_table: ieee-data is not installed");
        };
        let lists = [oui, mam, oui36].map(|list| String::from_utf8_lossy(&list).into_owned());
        let table = ::vendors::build(&lists.each_ref().map(String::as_str)).unwrap();
        assert!((200_000..VENDORS_FILE_BYTES_MAX as usize / 2).contains(&table.len()), "{}", table.len());
        let vendors = vendors(table).unwrap();
        assert_eq!(name(&vendors, "00:03:93:00:00:00").as_deref(), Some("Apple"));
        assert_eq!(name(&vendors, "00:00:0c:00:00:00").as_deref(), Some("Cisco Systems"));
        let mut found = 0;
        for (prefix, _) in lists.iter().flat_map(|list| ::vendors::registry::parse(list).unwrap()) {
            let [_, _, mac @ ..] = (prefix.first << 12).to_be_bytes();
            found += usize::from(vendors.name(Mac(mac)).is_some());
        }
        assert!(found > 40_000, "{found}");
    }
}
