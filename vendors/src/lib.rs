//! Makes the table of vendors that duskwatch reads, from the IEEE's lists of the prefixes of MAC addresses.
//!
//! The table, in which numbers are little-endian unless something else is said:
//!
//! | Bytes | What |
//! |---|---|
//! | 8 | `DUSKVND1`, the format and its version |
//! | 4, 4, 4 | how many blocks there are, how many bytes of records, and how many of names |
//! | 11 for each block | its first prefix (5, big-endian), where its records begin (3), and its new names (3) |
//! | | the records, `BLOCK` to a block, sorted by prefix |
//! | | the names, one after the other |
//! | 4 | CRC-32 (ISO-HDLC) of everything before |
//!
//! A prefix is counted in units of 4,096 addresses, which are the upper 36 bits of an address. A record begins with a
//! byte: the size of the prefix in its upper two bits (0: 2^24 addresses, 1: 2^20, 2: 2^12), then a bit that says
//! whether the name was there before, and the length of the name less 1. Then, seven bits to a byte, the lowest
//! first, how many prefixes of this size are free between the record before and this one. Then, of a name that was
//! there before, where it is among the names (3); any other is the next of the block's new names.
//!
//! Names stand in the order of the prefixes: a table of names in alphabetical order would need a number in each
//! record, which compresses badly: with Debian's lists of 2022 that table was larger by a tenth, compressed.

pub mod names;
pub mod registry;
mod table;

pub use registry::Assignment;
pub use table::{BLOCK, encode};

/// Makes the table of these lists, which are the texts of the IEEE's CSV files.
///
/// # Errors
/// One line: a list is none, or there is nothing in them.
pub fn build(lists: &[&str]) -> Result<Vec<u8>, String> {
    let mut assignments = Vec::new();
    for list in lists {
        for (prefix, name) in registry::parse(list)? {
            let name = names::shorten(&name);
            if !name.is_empty() && !names::is_nobody(&name) {
                assignments.push(Assignment { prefix, name });
            }
        }
    }
    if assignments.is_empty() {
        return Err("the lists assign no prefix to anybody".to_owned());
    }
    encode(assignments)
}
