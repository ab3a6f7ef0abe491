//! `--export` and `--import`: the records of a snapshot as JSON, one a line.
//!
//! The lines are the records of [`crate::snapshot`], with the same names and in the same order, without
//! the checksum. An import is turned into a snapshot first and so passes the very same checks.
//!
//! ```text
//! {"header":{"format":2,"program":"duskwatch 0.1.0","saved":{"seconds":1700000000,"micros":0},...}}
//! {"interface":{"name":"br-lan","role":"lan",...}}
//! {"protocol":{"number":6,"traffic":{"inbound":{"packets":1,"bytes":60},...}}}
//! {"host":{"row":0,"address":"192.168.1.5",...}}
//! {"port":{"row":0,"kind":"tcp_local","port":443,...}}
//! ```

use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

use super::store::{open, write_durably};
use crate::limits::{EXPORT_BYTES_MAX, EXPORT_LINE_BYTES_MAX, SNAPSHOT_FILE_BYTES_MAX};
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
    let foreign = |rejected: Rejected| std::io::Error::other(rejected.to_string());
    for record in snapshot::records(snapshot).map_err(foreign)? {
        serde_json::to_writer(&mut *output, &record.map_err(foreign)?)?;
        output.write_all(b"\n")?;
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
pub fn parse(mut input: impl BufRead, room: usize) -> Result<Vec<u8>, String> {
    let mut buffer = vec![0; room + FRAME_BYTES];
    let mut line = Vec::with_capacity(EXPORT_LINE_BYTES_MAX);
    let header = match next_record(&mut input, &mut line, 1)? {
        Some(Record::Header(header)) if header.format == VERSION => header,
        Some(Record::Header(header)) => return Err(Rejected::Version(header.format).to_string()),
        _ => return Err("line 1 is no header of an export of duskwatch".into()),
    };
    let mut writer = Writer::new(&mut buffer, &header);
    let mut number = 2;
    while let Some(record) = next_record(&mut input, &mut line, number)? {
        writer.record(&record);
        number += 1;
    }
    let length = writer.finish().ok_or("it is too large")?.len();
    buffer.truncate(length);
    Ok(buffer)
}

/// The record on the next line, or `None` at the end.
fn next_record(input: &mut impl BufRead, line: &mut Vec<u8>, number: u64) -> Result<Option<Record>, String> {
    line.clear();
    let mut limited = input.take(EXPORT_LINE_BYTES_MAX as u64);
    limited.read_until(b'\n', line).map_err(|error| format!("cannot read line {number}: {error}"))?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() == EXPORT_LINE_BYTES_MAX && line.last() != Some(&b'\n') {
        return Err(format!("line {number} is longer than {EXPORT_LINE_BYTES_MAX} bytes"));
    }
    // The parser's own message may quote the file, which does not belong into a log.
    let record = serde_json::from_slice(line)
        .map_err(|error| format!("line {number}, column {}: this is no record", error.column()))?;
    Ok(Some(record))
}
