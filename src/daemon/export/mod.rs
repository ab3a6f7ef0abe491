//! `--export` and `--import`: the records of a snapshot as JSON, one a line.
//!
//! The lines are the records of [`crate::snapshot`], with the same names and in the same order, without
//! the checksum. An import is turned into a snapshot first and so passes the very same checks. Its
//! fields may come in any order.
//!
//! ```text
//! {"header":{"format":2,"program":"duskwatch 0.1.0","saved":{"seconds":1700000000,"micros":0},...}}
//! {"interface":{"name":"br-lan","role":"lan",...}}
//! {"protocol":{"number":6,"traffic":{"inbound":{"packets":1,"bytes":60},...}}}
//! {"host":{"row":0,"address":"192.168.1.5",...}}
//! {"port":{"row":0,"kind":"tcp_local","port":443,...}}
//! ```

mod parse;
mod print;
mod schema;

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::store::{open, write_durably};
use crate::limits::{
    EXPORT_BYTES_MAX, EXPORT_LINE_BYTES_MAX, SNAPSHOT_FILE_BYTES_MAX, SNAPSHOT_RECORD_BYTES,
};
use crate::snapshot::{self, Record, Rejected, VERSION, Writer};

/// Room for the parts of a snapshot that an export has not.
const FRAME_BYTES: usize = 64;

/// Writes a snapshot's records to a file, which is replaced only when all of them are written.
///
/// # Errors
/// What failed; the file is as it was.
pub fn write(path: &Path, snapshot: &[u8]) -> Result<(), String> {
    let mut name = path.file_name().ok_or("it takes the name of a file")?.to_owned();
    name.push(".new");
    let unfinished = path.with_file_name(name);
    let written = write_durably(&unfinished, |file| {
        let mut output = BufWriter::new(file);
        print(snapshot, &mut output)?;
        output.flush()
    });
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    written
        .and_then(|()| fs::rename(&unfinished, path))
        .and_then(|()| File::open(directory.unwrap_or(Path::new(".")))?.sync_all())
        .map_err(|error| {
            let _ = fs::remove_file(&unfinished);
            format!("cannot write it: {error}")
        })
}

/// Prints a snapshot's records.
///
/// # Errors
/// Those of the output, and a snapshot that is none.
pub fn print(snapshot: &[u8], output: &mut impl Write) -> std::io::Result<()> {
    let foreign = std::io::Error::other::<Rejected>;
    let mut line = String::with_capacity(EXPORT_LINE_BYTES_MAX);
    for record in snapshot::records(snapshot).map_err(foreign)? {
        line.clear();
        print::print(record, &mut line).ok_or_else(|| foreign(Rejected::Invalid("a record is none")))?;
        line.push('\n');
        output.write_all(line.as_bytes())?;
    }
    Ok(())
}

/// Reads an export, and returns it as a snapshot.
///
/// # Errors
/// What is wrong, and on which line.
pub fn read(path: &Path) -> Result<Vec<u8>, String> {
    let file = open(path).map_err(|error| format!("cannot read it: {error}"))?;
    let length = file.metadata().map_err(|error| format!("cannot read it: {error}"))?.len();
    if length > EXPORT_BYTES_MAX {
        return Err("it is too large".into());
    }
    let room = length.min(SNAPSHOT_FILE_BYTES_MAX) as usize;
    parse(BufReader::new(file.take(length)), room)
}

/// Turns lines into a snapshot. `room` is the length of the lines: a record takes fewer bytes than its
/// line. The sums are left for [`snapshot::restore`] to check.
///
/// # Errors
/// What is wrong, and on which line.
pub fn parse(input: impl BufRead, room: usize) -> Result<Vec<u8>, String> {
    let mut buffer = vec![0; room + FRAME_BYTES];
    let mut lines = Lines::new(input);
    let header = match lines.next_record()?.map(snapshot::decode) {
        Some(Ok(Record::Header(header))) if header.format == VERSION => header,
        Some(Ok(Record::Header(header))) => return Err(Rejected::Version(header.format).to_string()),
        _ => return Err("line 1 is no header of an export of duskwatch".into()),
    };
    let mut writer = Writer::new(&mut buffer, &header);
    while let Some(record) = lines.next_record()? {
        writer.encoded(record);
    }
    let length = writer.finish().ok_or("it is too large")?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// Reads an export line by line.
struct Lines<R> {
    input: R,
    line: Vec<u8>,
    /// The line's number, from 1.
    number: u64,
    record: [u8; SNAPSHOT_RECORD_BYTES],
}

impl<R: BufRead> Lines<R> {
    fn new(input: R) -> Self {
        let line = Vec::with_capacity(EXPORT_LINE_BYTES_MAX);
        Self { input, line, number: 0, record: [0; SNAPSHOT_RECORD_BYTES] }
    }

    /// The record on the next line as a snapshot has it, or `None` at the end.
    fn next_record(&mut self) -> Result<Option<&[u8]>, String> {
        self.line.clear();
        self.number += 1;
        let number = self.number;
        (&mut self.input)
            .take(EXPORT_LINE_BYTES_MAX as u64)
            .read_until(b'\n', &mut self.line)
            .map_err(|error| format!("cannot read line {number}: {error}"))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        if self.line.len() == EXPORT_LINE_BYTES_MAX && self.line.last() != Some(&b'\n') {
            return Err(format!("line {number} is longer than {EXPORT_LINE_BYTES_MAX} bytes"));
        }
        // No word of the file, which does not belong into a log.
        let length = parse::parse(&self.line, &mut self.record)
            .map_err(|column| format!("line {number}, column {column}: this is no record"))?;
        Ok(self.record.get(..length))
    }
}
