//! Organizations' names, as they are shown beside a device: without what says only how they are organized.
//!
//! The rules, in their order, until none applies:
//! 1. What stands in parentheses goes, and white space is single.
//! 2. A final legal form or word of no use (`ENDINGS`) goes, with the commas and stops around it.
//! 3. A name all in capitals gets lower-case letters, but for words of up to two letters or with digits, and for a
//!    name of up to four letters.
//! 4. Of a name of more than `NAME_MAX` bytes the last words go.

/// Bytes of a name. A record has five bits for it.
pub const NAME_MAX: usize = 32;

/// Final words that do not tell one vendor from another, in lower case and without stops. Some that consist of
/// several are taken away one by one.
const ENDINGS: &[&str] = &[
    "a/s",
    "ab",
    "ag",
    "aps",
    "as",
    "asa",
    "bhd",
    "bv",
    "bvba",
    "co",
    "company",
    "corp",
    "corporate",
    "corporation",
    "doo",
    "enterprise",
    "enterprises",
    "ev",
    "gbr",
    "gmbh",
    "group",
    "holding",
    "holdings",
    "inc",
    "incorporated",
    "international",
    "intl",
    "kft",
    "kg",
    "kgaa",
    "kk",
    "limited",
    "llc",
    "llp",
    "lp",
    "ltd",
    "ltda",
    "mbh",
    "nv",
    "oao",
    "oo",
    "ooo",
    "oy",
    "oyj",
    "plc",
    "pte",
    "pty",
    "pvt",
    "r",
    "rl",
    "sa",
    "sal",
    "sarl",
    "sas",
    "sdn",
    "sl",
    "slu",
    "snc",
    "spa",
    "spzoo",
    "sro",
    "srl",
    "sp",
    "tbk",
    "technologies",
    "technology",
    "the",
    "ug",
    "z",
    "zao",
    "zoo",
];

/// The name as it is shown; empty if nothing is left.
pub fn shorten(name: &str) -> String {
    let mut outside = 0;
    let without: String = name
        .chars()
        .filter(|character| {
            match character {
                '(' => outside += 1,
                ')' => outside = (outside - 1).max(0),
                _ => return outside == 0,
            }
            false
        })
        .map(|character| if character.is_control() || character == '\u{fffd}' { ' ' } else { character })
        .collect();
    let mut words: Vec<&str> =
        without.split_whitespace().flat_map(|word| word.split_inclusive(',')).collect();
    while words.len() > 1 && words.last().is_some_and(|word| is_ending(word)) {
        words.pop();
    }
    let shown = lower(trim(&words.join(" ")));
    cut(&shown).to_owned()
}

/// True for entries that stand for nobody in particular.
pub fn is_nobody(name: &str) -> bool {
    name == "Private" || name.starts_with("IEEE Registration")
}

fn is_ending(word: &str) -> bool {
    let plain: String =
        word.chars().filter(|character| !",.;-&".contains(*character)).flat_map(char::to_lowercase).collect();
    plain.is_empty() || ENDINGS.contains(&plain.as_str())
}

fn trim(name: &str) -> &str {
    name.trim_matches(|character: char| character.is_whitespace() || ",;-&\"'".contains(character))
        .trim_end_matches('.')
}

fn lower(name: &str) -> String {
    if name.len() <= 4 || name.chars().any(char::is_lowercase) {
        return name.to_owned();
    }
    let mut shown = String::new();
    for word in name.split_inclusive(|character: char| !character.is_alphanumeric()) {
        let letters = word.chars().filter(|character| character.is_alphanumeric()).count();
        if letters <= 2 || word.chars().any(|character| character.is_ascii_digit()) {
            shown.push_str(word);
            continue;
        }
        let mut characters = word.chars();
        shown.extend(characters.next());
        shown.extend(characters.flat_map(char::to_lowercase));
    }
    shown
}

fn cut(name: &str) -> &str {
    if name.len() <= NAME_MAX {
        return name;
    }
    let end = (0..=NAME_MAX).rev().find(|end| name.is_char_boundary(*end)).unwrap_or(0);
    let start = &name[..end];
    // The last word is whole only if a space follows it.
    let is_whole = name[end..].starts_with(' ');
    let words = if is_whole { start } else { start.rsplit_once(' ').map_or(start, |(words, _)| words) };
    trim(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_nothing_goes() {
        for (name, shown) in [
            ("Apple, Inc.", "Apple"),
            ("HUAWEI TECHNOLOGIES CO.,LTD", "Huawei"),
            ("Samsung Electronics Co.,Ltd", "Samsung Electronics"),
            ("Intel Corporate", "Intel"),
            ("TP-LINK TECHNOLOGIES CO.,LTD.", "TP-Link"),
            ("zte corporation", "zte"),
            ("AVM Audiovisuelles Marketing und Computersysteme GmbH", "AVM Audiovisuelles Marketing und"),
            ("GUANGDONG OPPO MOBILE TELECOMMUNICATIONS CORP.,LTD", "Guangdong Oppo Mobile"),
            ("Sagemcom Broadband SAS", "Sagemcom Broadband"),
            ("Murata Manufacturing Co., Ltd.", "Murata Manufacturing"),
            ("Espressif Inc.", "Espressif"),
            ("LG Electronics (Mobile Communications)", "LG Electronics"),
            ("Foo Sp. z o.o.", "Foo"),
            ("Bar S.p.A.", "Bar"),
            ("NEW H3C TECHNOLOGIES CO., LTD", "New H3C"),
            ("IBM Corp", "IBM"),
            ("The Company", "The"),
            ("Private", "Private"),
            ("  ", ""),
            ("a\tb\u{7f}c", "a b c"),
        ] {
            assert_eq!(shorten(name), shown, "{name}");
        }
        assert!(shorten(&"ü".repeat(40)).len() <= NAME_MAX);
        assert!(is_nobody(&shorten("IEEE Registration Authority")));
    }
}
