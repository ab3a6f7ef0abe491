//! The values of an ADB, apk-tools' database: written one after the other, read with every offset checked.
//!
//! A value is a word whose top four bits are its type. The others are a small integer itself or the offset at
//! which the value lies. Offsets count from the start of the database, which begins with its version and the
//! root's value.

use std::cell::Cell;

use crate::Error;

/// The bytes before the first value: version and root.
const HEADER_LENGTH: usize = 8;
/// The bits of a value that are not its type.
const PAYLOAD: u32 = 0x0fff_ffff;
/// How many slots of arrays and objects a reader looks at. Without a bound, arrays that share their content
/// would make a small file take forever.
const MAX_SLOTS: usize = 1 << 20;

const NULL: u32 = 0;
const INTEGER: u32 = 0x1000_0000;
const INTEGER_32: u32 = 0x2000_0000;
const INTEGER_64: u32 = 0x3000_0000;
const BLOB_8: u32 = 0x8000_0000;
const BLOB_16: u32 = 0x9000_0000;
const BLOB_32: u32 = 0xa000_0000;
const ARRAY: u32 = 0xd000_0000;
const OBJECT: u32 = 0xe000_0000;

/// A value, or where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(u32);

impl Value {
    /// Nothing: also what an empty blob, array or object is.
    pub const NULL: Self = Self(NULL);

    /// Whether there is nothing.
    pub fn is_null(self) -> bool {
        self == Self::NULL
    }

    fn kind(self) -> u32 {
        self.0 & !PAYLOAD
    }

    fn payload(self) -> u32 {
        self.0 & PAYLOAD
    }
}

/// A database that grows.
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    pub fn new() -> Self {
        Self { bytes: vec![0; HEADER_LENGTH] }
    }

    pub fn integer(&mut self, number: u64) -> Value {
        match u32::try_from(number) {
            Ok(number) if number <= PAYLOAD => Value(INTEGER | number),
            Ok(number) => self.append(INTEGER_32, 4, &number.to_le_bytes()),
            // 64 bits are aligned like 32.
            Err(_) => self.append(INTEGER_64, 4, &number.to_le_bytes()),
        }
    }

    /// Bytes or text.
    pub fn blob(&mut self, bytes: &[u8]) -> Value {
        let length = bytes.len();
        if length == 0 {
            Value::NULL
        } else if let Ok(length) = u8::try_from(length) {
            self.append(BLOB_8, 1, &[&[length], bytes].concat())
        } else if let Ok(length) = u16::try_from(length) {
            self.append(BLOB_16, 2, &[&length.to_le_bytes(), bytes].concat())
        } else {
            // A length that does not fit makes a database that `finish` refuses.
            self.append(BLOB_32, 4, &[&(length as u32).to_le_bytes(), bytes].concat())
        }
    }

    /// Values of the same kind, one after the other.
    pub fn array(&mut self, values: &[Value]) -> Value {
        self.slots(ARRAY, values)
    }

    /// Values by the number of their slot, which counts from 1.
    pub fn object(&mut self, fields: &[(usize, Value)]) -> Value {
        let last = fields.iter().filter(|(_, value)| !value.is_null()).map(|(slot, _)| *slot).max();
        let mut values = vec![Value::NULL; last.unwrap_or(0)];
        for (slot, value) in fields.iter().filter(|(_, value)| !value.is_null()) {
            values[slot - 1] = *value;
        }
        self.slots(OBJECT, &values)
    }

    fn slots(&mut self, kind: u32, values: &[Value]) -> Value {
        if values.is_empty() {
            return Value::NULL;
        }
        // The first slot is their number, itself included.
        let mut bytes = (values.len() as u32 + 1).to_le_bytes().to_vec();
        bytes.extend(values.iter().flat_map(|value| value.0.to_le_bytes()));
        self.append(kind, 4, &bytes)
    }

    fn append(&mut self, kind: u32, alignment: usize, bytes: &[u8]) -> Value {
        self.bytes.resize(self.bytes.len().next_multiple_of(alignment), 0);
        let offset = self.bytes.len() as u32 & PAYLOAD;
        self.bytes.extend_from_slice(bytes);
        Value(kind | offset)
    }

    /// The whole database.
    pub fn finish(mut self, root: Value) -> Result<Vec<u8>, Error> {
        if self.bytes.len() > PAYLOAD as usize {
            return Err(Error::new("the names and scripts are too long for an .apk"));
        }
        self.bytes[4..HEADER_LENGTH].copy_from_slice(&root.0.to_le_bytes());
        Ok(self.bytes)
    }
}

/// A database that somebody else wrote.
pub struct Reader<'bytes> {
    bytes: &'bytes [u8],
    slots_left: Cell<usize>,
}

impl<'bytes> Reader<'bytes> {
    pub fn new(bytes: &'bytes [u8]) -> Self {
        Self { bytes, slots_left: Cell::new(MAX_SLOTS) }
    }

    /// The value that holds all others.
    pub fn root(&self) -> Result<Value, Error> {
        // A reader must know the first version; the second only tells of what it may ignore.
        match self.slice(0, 1, 1)? {
            [0] => Ok(Value(self.word(4)?)),
            version => Err(Error::new(format!("the database has version {version:?}, not 0"))),
        }
    }

    /// An integer.
    pub fn integer(&self, value: Value) -> Result<u64, Error> {
        let offset = value.payload() as usize;
        match value.kind() {
            INTEGER => Ok(value.payload().into()),
            INTEGER_32 => Ok(self.word(offset)?.into()),
            INTEGER_64 => {
                self.slice(offset, 8, 4)?;
                Ok(u64::from(self.word(offset)?) | u64::from(self.word(offset + 4)?) << 32)
            }
            _ => Err(unexpected(value, "an integer")),
        }
    }

    /// Bytes.
    pub fn blob(&self, value: Value) -> Result<&'bytes [u8], Error> {
        Ok(&self.bytes[self.blob_range(value)?])
    }

    /// Where bytes are in the database.
    pub fn blob_range(&self, value: Value) -> Result<std::ops::Range<usize>, Error> {
        let width = match value.kind() {
            NULL if value.is_null() => return Ok(0..0),
            BLOB_8 => 1,
            BLOB_16 => 2,
            BLOB_32 => 4,
            _ => return Err(unexpected(value, "a blob")),
        };
        let offset = value.payload() as usize;
        let length = self
            .slice(offset, width, width)?
            .iter()
            .rev()
            .fold(0, |length, byte| length << 8 | usize::from(*byte));
        let start = offset + width;
        self.slice(start, length, 1)?;
        Ok(start..start + length)
    }

    /// Text.
    pub fn text(&self, value: Value) -> Result<String, Error> {
        let text = std::str::from_utf8(self.blob(value)?);
        text.map(str::to_owned).map_err(|_| Error::new("a text in the database is not UTF-8"))
    }

    /// The values of an array. apk-tools gives most of its arrays the type of objects.
    pub fn array(&self, value: Value) -> Result<Vec<Value>, Error> {
        match value.kind() {
            NULL if value.is_null() => Ok(Vec::new()),
            ARRAY | OBJECT => self.slots(value),
            _ => Err(unexpected(value, "an array")),
        }
    }

    /// The fields of an object that has slots up to `last`.
    pub fn object(&self, value: Value, last: usize) -> Result<Fields, Error> {
        let values = match value.kind() {
            NULL if value.is_null() => Vec::new(),
            OBJECT => self.slots(value)?,
            _ => return Err(unexpected(value, "an object")),
        };
        if values.len() > last {
            return Err(Error::new(format!(
                "an object of the database has {} fields, not {last}",
                values.len()
            )));
        }
        Ok(Fields(values))
    }

    fn slots(&self, value: Value) -> Result<Vec<Value>, Error> {
        let offset = value.payload() as usize;
        let number = self.word(offset)? as usize;
        let left = self.slots_left.get().checked_sub(number).ok_or_else(|| {
            Error::new(format!("the database has arrays and objects of more than {MAX_SLOTS} slots"))
        })?;
        self.slots_left.set(left);
        let slots = self.slice(offset, number.saturating_mul(4), 4)?;
        let (words, _) = slots.as_chunks::<4>();
        match words.split_first() {
            Some((_, values)) => Ok(values.iter().map(|word| Value(u32::from_le_bytes(*word))).collect()),
            None => Err(Error::new("an array of the database has no slot for its own size")),
        }
    }

    fn word(&self, offset: usize) -> Result<u32, Error> {
        let bytes = self.slice(offset, 4, 4)?;
        Ok(bytes.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte)))
    }

    fn slice(&self, offset: usize, length: usize, alignment: usize) -> Result<&'bytes [u8], Error> {
        if !offset.is_multiple_of(alignment) {
            return Err(Error::new(format!(
                "a value of the database lies at {offset}, which is not aligned"
            )));
        }
        offset.checked_add(length).and_then(|end| self.bytes.get(offset..end)).ok_or_else(|| {
            Error::new(format!("a value of {length} bytes at {offset} is outside the database"))
        })
    }
}

fn unexpected(value: Value, wanted: &str) -> Error {
    Error::new(format!("a value of the database is {:#010x}, not {wanted}", value.0))
}

/// The values of an object.
pub struct Fields(Vec<Value>);

impl Fields {
    /// The value in a slot, which counts from 1.
    pub fn get(&self, slot: usize) -> Value {
        slot.checked_sub(1).and_then(|index| self.0.get(index)).copied().unwrap_or(Value::NULL)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut writer = Writer::new();
        let numbers = [0, 1, 0x0fff_ffff, 0x1000_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX];
        let blobs = [0, 1, 255, 256, 65_535, 65_536].map(|length| vec![7; length]);
        let values: Vec<_> = numbers.iter().map(|number| writer.integer(*number)).collect();
        let integers = writer.array(&values);
        let values: Vec<_> = blobs.iter().map(|blob| writer.blob(blob)).collect();
        let texts = writer.array(&values);
        let root = writer.object(&[(2, integers), (1, texts), (4, Value::NULL)]);
        let bytes = writer.finish(root).expect("it is small");

        let reader = Reader::new(&bytes);
        let fields = reader.object(reader.root().expect("a root"), 4).expect("an object");
        assert_eq!(fields.0.len(), 2, "trailing nulls are left out");
        let read = reader.array(fields.get(2)).expect("an array");
        assert_eq!(
            read.iter().map(|value| reader.integer(*value).expect("a number")).collect::<Vec<_>>(),
            numbers
        );
        let read = reader.array(fields.get(1)).expect("an array");
        assert_eq!(read.iter().map(|value| reader.blob(*value).expect("bytes")).collect::<Vec<_>>(), blobs);
        assert!(fields.get(3).is_null() && fields.get(0).is_null());
    }

    /// Worked out by hand from the format's description.
    #[test]
    fn the_bytes_are_those_of_the_format() {
        let mut writer = Writer::new();
        let text = writer.blob(b"ab");
        let number = writer.integer(5);
        let large = writer.integer(0x6789_abcd);
        let root = writer.object(&[(1, text), (3, number), (4, large)]);
        let bytes = writer.finish(root).expect("it is small");
        let expected = [
            [0, 0, 0, 0],
            [0x10, 0, 0, 0xe0],
            [2, b'a', b'b', 0],
            [0xcd, 0xab, 0x89, 0x67],
            [5, 0, 0, 0],
            [8, 0, 0, 0x80],
            [0, 0, 0, 0],
            [5, 0, 0, 0x10],
            [12, 0, 0, 0x20],
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn arrays_that_share_their_content_do_not_take_forever() {
        let mut writer = Writer::new();
        let large = writer.array(&[Value(INTEGER); 1_000]);
        let bytes = writer.finish(large).expect("it is small");
        let reader = Reader::new(&bytes);
        let read = (0..2_000).take_while(|_| reader.array(large).is_ok()).count();
        assert_eq!(read, MAX_SLOTS / 1_001);
    }

    #[test]
    fn values_outside_or_between_are_refused() {
        let bytes = [[0, 0, 0, 0], [0x08, 0, 0, 0xe0], [3, 0, 0, 0], [0xff; 4], [0; 4]].concat();
        let reader = Reader::new(&bytes);
        assert!(reader.object(reader.root().expect("a root"), 1).is_err(), "two fields, where one is known");
        assert!(reader.array(Value(ARRAY | 12)).is_err(), "four billion slots");
        assert!(reader.integer(Value(INTEGER_32 | 9)).is_err(), "not aligned");
        assert!(reader.integer(Value(INTEGER_64 | 16)).is_err(), "half outside");
        assert!(reader.blob(Value(BLOB_32 | 12)).is_err(), "4 GiB");
        assert!(reader.array(Value(ARRAY | 16)).is_err(), "no slots at all");
        assert!(Reader::new(&[]).root().is_err());
        assert!(Reader::new(&[1, 0, 0, 0, 0, 0, 0, 0]).root().is_err(), "another version");
    }
}
