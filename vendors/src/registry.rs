//! The IEEE's lists: CSV with the columns Registry, Assignment, Organization Name, Organization Address.

/// Some of the upper bits of a MAC address, which belong to somebody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Prefix {
    /// The upper 36 bits of its first address.
    pub first: u64,
    /// How many bits are given: 24, 28 or 36.
    pub bits: u32,
}

/// A prefix and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// The prefix.
    pub prefix: Prefix,
    /// Who has it, as it will be shown.
    pub name: String,
}

impl Prefix {
    /// A prefix from its 6, 7 or 9 hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let bits = 4 * text.len() as u32;
        if !matches!(bits, 24 | 28 | 36) || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let first = u64::from_str_radix(text, 16).ok()? << (36 - bits);
        Some(Self { first, bits })
    }

    /// How many times 4,096 addresses it has.
    pub fn size(self) -> u64 {
        1 << (36 - self.bits)
    }
}

/// Each prefix of a list with the name of its organization.
///
/// # Errors
/// One line: this is no such list.
pub fn parse(text: &str) -> Result<Vec<(Prefix, String)>, String> {
    let mut rows = rows(text).into_iter();
    let is_list = rows.next().is_some_and(|head| {
        head.get(1).is_some_and(|name| name == "Assignment")
            && head.get(2).is_some_and(|name| name == "Organization Name")
    });
    if !is_list {
        return Err("this is no list of the IEEE's: its second column is not Assignment, or its third not \
                    Organization Name"
            .to_owned());
    }
    let assignment = |row: Vec<String>| {
        let mut fields = row.into_iter().skip(1);
        Some((Prefix::parse(&fields.next()?)?, fields.next()?))
    };
    Ok(rows.filter_map(assignment).collect())
}

/// The rows of CSV (RFC 4180), where fields in quotation marks may have commas, line ends and doubled marks.
fn rows(text: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut field) = (Vec::new(), Vec::new(), String::new());
    let mut is_quoted = false;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => row.push(std::mem::take(&mut field)),
            '\n' if !is_quoted => {
                row.push(std::mem::take(&mut field));
                rows.push(std::mem::take(&mut row));
            }
            '\r' if !is_quoted => {}
            _ => field.push(character),
        }
    }
    if !row.is_empty() || !field.is_empty() {
        row.push(field);
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_as_the_ieee_writes_it() {
        let list = "Registry,Assignment,Organization Name,Organization Address\r\n\
                    MA-L,002272,American Micro-Fuel Device Corp.,\"2181 Buchanan\r\nLoop US \"\r\n\
                    MA-M,0055DA7,\"LinkTech \"\"X\"\", LLC\",\r\nMA-S,70B3D5FFF,Last,there\r\nMA-L,XYZ,Bad,\r\n";
        let found = parse(list).unwrap();
        let found: Vec<(&str, u64, u32)> =
            found.iter().map(|(prefix, name)| (name.as_str(), prefix.first, prefix.size() as u32)).collect();
        assert_eq!(
            found,
            [
                ("American Micro-Fuel Device Corp.", 0x0_0227_2000, 4096),
                ("LinkTech \"X\", LLC", 0x0_055d_a700, 256),
                ("Last", 0x7_0b3d_5fff, 1)
            ]
        );
        assert!(parse("a,b\n").is_err());
        assert!(parse("").is_err());
    }
}
