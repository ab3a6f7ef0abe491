//! A translation as LuCI reads it: the text file that translators edit (`.po`) as LuCI's own `.lmo`.
//!
//! An `.lmo` is the translated texts, each padded to a multiple of four bytes, an index sorted by the hash of
//! the original text, and the index's offset. All numbers have 32 bits, big-endian. The hash is Paul Hsieh's
//! SuperFastHash, which starts from the text's length.

use crate::Error;

/// The `.lmo` of a `.po`. Texts that are not translated are left out.
///
/// # Errors
/// The line that is neither a text, a comment nor empty: contexts and plurals, which our texts do not have.
pub fn compile(po: &str) -> Result<Vec<u8>, Error> {
    let (mut bytes, mut index) = (Vec::new(), Vec::new());
    for (original, translation) in parse(po)? {
        // Without an original it is the file's header.
        if original.is_empty() || translation.is_empty() || original == translation {
            continue;
        }
        index.push([hash(original.as_bytes()), 1, bytes.len() as u32, translation.len() as u32]);
        bytes.extend(translation.as_bytes());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    index.sort_unstable();
    if let Some(twice) = index.windows(2).find(|pair| pair[0][0] == pair[1][0]) {
        return Err(Error::new(format!("two texts have the hash {:08x}", twice[0][0])));
    }
    let offset = bytes.len() as u32;
    bytes.extend(index.into_iter().flatten().chain([offset]).flat_map(u32::to_be_bytes));
    Ok(bytes)
}

/// The originals and their translations, in the file's order.
fn parse(po: &str) -> Result<Vec<(String, String)>, Error> {
    let mut texts: Vec<(String, String)> = Vec::new();
    let mut is_translation = false;
    for (number, line) in po.lines().enumerate() {
        let quoted = if let Some(quoted) = line.strip_prefix("msgid ") {
            texts.push(Default::default());
            is_translation = false;
            quoted
        } else if let Some(quoted) = line.strip_prefix("msgstr ") {
            is_translation = true;
            quoted
        } else if line.is_empty() || line.starts_with('#') {
            continue;
        } else {
            line
        };
        let text = texts.last_mut().map(|(original, translation)| match is_translation {
            true => translation,
            false => original,
        });
        match (text, unquote(quoted)) {
            (Some(text), Some(more)) => text.push_str(&more),
            _ => return Err(Error::new(format!("line {}: no text that can be translated", number + 1))),
        }
    }
    Ok(texts)
}

/// What is between quotes. LuCI's own tool leaves escapes other than these two as they are.
fn unquote(quoted: &str) -> Option<String> {
    let inner = quoted.trim_end().strip_prefix('"')?.strip_suffix('"')?;
    Some(inner.replace("\\\"", "\"").replace("\\\\", "\\"))
}

/// SuperFastHash. Bytes are signed where they stand alone, at the end.
fn hash(text: &[u8]) -> u32 {
    let pair = |bytes: &[u8]| u32::from(u16::from_le_bytes([bytes[0], bytes[1]]));
    let signed = |byte: u8| i32::from(byte as i8) as u32;
    let mut hash = text.len() as u32;
    let chunks = text.chunks_exact(4);
    let rest = chunks.remainder();
    for chunk in chunks {
        hash = hash.wrapping_add(pair(chunk));
        hash = (hash << 16) ^ (pair(&chunk[2..]) << 11) ^ hash;
        hash = hash.wrapping_add(hash >> 11);
    }
    match rest {
        [_, _, last] => {
            hash = hash.wrapping_add(pair(rest));
            hash ^= (hash << 16) ^ (signed(*last) << 18);
            hash = hash.wrapping_add(hash >> 11);
        }
        [_, _] => {
            hash = hash.wrapping_add(pair(rest));
            hash ^= hash << 11;
            hash = hash.wrapping_add(hash >> 17);
        }
        [last] => {
            hash = hash.wrapping_add(signed(*last));
            hash ^= hash << 10;
            hash = hash.wrapping_add(hash >> 1);
        }
        _ => {}
    }
    for (left, right) in [(3, 5), (4, 17), (25, 6)] {
        hash ^= hash << left;
        hash = hash.wrapping_add(hash >> right);
    }
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_has_the_values_that_others_have() {
        for (text, expected) in [("foob", 0x58c9_cbd5), ("fooba", 0xf9d8_71c8), ("foobar", 0xa6bc_dca9)] {
            assert_eq!(hash(text.as_bytes()), expected, "{text}");
        }
        // Every remainder, with bytes that are negative.
        let all: Vec<u8> = (0..=255).collect();
        for (length, expected) in
            [(256, 3_840_866_583), (255, 325_350_515), (254, 2_920_741_773), (253, 3_586_628_615)]
        {
            assert_eq!(hash(&all[..length]), expected, "{length} bytes");
        }
    }

    #[test]
    fn a_catalog_is_texts_an_index_and_its_place() {
        let po = "msgid \"\"\nmsgstr \"\"\n\"Language: de\\n\"\n\n#, javascript-format\nmsgid \"foo\"\n\"bar\"\n\
                  msgstr \"Über \\\"x\\\"\"\n\nmsgid \"fooba\"\nmsgstr \"a\"\n\nmsgid \"new\"\nmsgstr \"\"\n";
        let mut expected = "Über \"x\"\0\0\0a\0\0\0".as_bytes().to_vec();
        for number in [0xa6bc_dca9_u32, 1, 0, 9, 0xf9d8_71c8, 1, 12, 1, 16] {
            expected.extend(number.to_be_bytes());
        }
        assert_eq!(compile(po), Ok(expected));
    }

    #[test]
    fn what_is_no_text_is_refused() {
        for po in [
            "\"text\"",
            "msgid text",
            "msgid \"a\"\nmsgid_plural \"b\"",
            "msgctxt \"a\"",
            "msgid \"a\"\nmsgstr[0] \"b\"",
        ] {
            assert!(compile(po).is_err(), "{po}");
        }
        let twice = "msgid \"a\"\nmsgstr \"b\"\nmsgid \"a\"\nmsgstr \"c\"\n";
        assert!(compile(twice).is_err());
    }
}
