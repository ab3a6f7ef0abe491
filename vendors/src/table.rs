//! Writes the table.

use std::collections::HashMap;

use crc::{CRC_32_ISO_HDLC, Crc};

use crate::names::NAME_MAX;
use crate::registry::{Assignment, Prefix};

/// Records to a block. A reader walks half a block on average; an index entry is 11 bytes.
pub const BLOCK: usize = 64;

/// Writes these assignments. Of overlapping ones the first by address counts, and of those the largest.
///
/// # Errors
/// One line: there are more than the format has room for.
pub fn encode(mut assignments: Vec<Assignment>) -> Result<Vec<u8>, String> {
    assignments.sort_by_key(|one| (one.prefix.first, one.prefix.bits));
    let mut end = 0;
    assignments.retain(|one| {
        let is_free = one.prefix.first >= end;
        if is_free {
            end = one.prefix.first + one.prefix.size();
        }
        is_free
    });
    let (mut index, mut records, mut names) = (Vec::new(), Vec::new(), Vec::new());
    let mut known = HashMap::new();
    for block in assignments.chunks(BLOCK) {
        let mut free = block[0].prefix.first;
        index.extend(&free.to_be_bytes()[3..]);
        put_offset(&mut index, records.len())?;
        put_offset(&mut index, names.len())?;
        for Assignment { prefix, name } in block {
            let before = known.get(name.as_str()).copied();
            records.push(head(*prefix, before.is_some(), name));
            put_number(&mut records, (prefix.first - free.next_multiple_of(prefix.size())) / prefix.size());
            free = prefix.first + prefix.size();
            match before {
                Some(place) => put_offset(&mut records, place)?,
                None => {
                    known.insert(name.as_str(), names.len());
                    names.extend(name.bytes());
                }
            }
        }
    }
    let blocks = assignments.len().div_ceil(BLOCK);
    let mut table = b"DUSKVND1".to_vec();
    for count in [blocks, records.len(), names.len()] {
        table.extend((count as u32).to_le_bytes());
    }
    for part in [index, records, names] {
        table.extend(part);
    }
    let sum = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(&table);
    table.extend(sum.to_le_bytes());
    Ok(table)
}

fn head(prefix: Prefix, is_known: bool, name: &str) -> u8 {
    assert!((1..=NAME_MAX).contains(&name.len()), "names are shortened: {name}");
    let size = match prefix.bits {
        24 => 0,
        28 => 1,
        _ => 2,
    };
    size << 6 | u8::from(is_known) << 5 | (name.len() - 1) as u8
}

fn put_offset(out: &mut Vec<u8>, offset: usize) -> Result<(), String> {
    if offset >= 1 << 24 {
        return Err("there are more names than the table has room for".to_owned());
    }
    out.extend(&(offset as u32).to_le_bytes()[..3]);
    Ok(())
}

fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number > 0x7f {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}
