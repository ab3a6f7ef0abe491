//! The option table: one row for each option drives the command line, `--config FILE` and `--help`.
//!
//! Here an option is still a word and a text; [`config`](super::config) turns texts into values. A row
//! with a darkstat name means what it means there, in version 2 or 3, whichever has it.

mod table;

use std::ffi::OsString;
use std::fmt::{self, Write};
use std::rc::Rc;

pub use table::{GROUPS, Group, Key, Kind, Row};

use Kind::{Flag, List, Value};

use super::print::is_unprintable;
use crate::limits::{CONFIG_FILE_BYTES_MAX, OPTION_USES_MAX, OPTION_VALUE_BYTES_MAX};

/// Why the command line or a file cannot be followed: one line that names the option and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsageError(pub String);

impl fmt::Display for UsageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One use of an option.
#[derive(Clone, Debug)]
pub struct Use {
    /// The option's row.
    pub row: &'static Row,
    /// Its value; empty for a flag.
    pub value: String,
    /// The file's name and the number of the line, or `None` for the command line.
    line: Option<(Rc<str>, usize)>,
}

impl Use {
    /// The error that this use is wrong: the place, the option, the value, and `takes`, which starts
    /// with that word and says what would be right.
    pub fn error(&self, takes: impl fmt::Display) -> UsageError {
        UsageError(format!("{self}: {takes}"))
    }
}

/// `--port 70000`, or `duskwatch.conf:7: port 70000`.
impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.line {
            Some((name, number)) => write!(f, "{name}:{number}: {}", self.row.long)?,
            None => write!(f, "--{}", self.row.long)?,
        }
        if self.value.is_empty() { Ok(()) } else { write!(f, " {}", printable(&self.value)) }
    }
}

/// The uses of options from the command line, from a file, or from both.
#[derive(Clone, Debug, Default)]
pub struct Options {
    uses: Vec<Use>,
}

impl Options {
    /// Reads the command line, without the program's name.
    ///
    /// # Errors
    /// The first argument that is no option, is an unknown one, or lacks its value.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, UsageError> {
        let mut parser = lexopt::Parser::from_args(arguments);
        let mut options = Self::default();
        while let Some(argument) = parser.next().map_err(|error| UsageError(error.to_string()))? {
            let row = match argument {
                lexopt::Arg::Short(letter) => rows().find(|row| row.short.contains(&letter)),
                lexopt::Arg::Long(name) => rows().find(|row| row.long == name),
                lexopt::Arg::Value(value) => {
                    let value = printable(&value.to_string_lossy());
                    return Err(UsageError(format!("{value}: no option before it; see duskwatch --help")));
                }
            };
            let Some(row) = row else { return Err(unknown(argument)) };
            let value = match row.kind {
                Flag => match parser.optional_value() {
                    Some(_) => return Err(UsageError(format!("--{}: takes no value", row.long))),
                    None => OsString::new(),
                },
                Value(placeholder) | List(placeholder) => parser
                    .value()
                    .map_err(|_| UsageError(format!("--{}: takes a value, {placeholder}", row.long)))?,
            };
            let value = value
                .into_string()
                .map_err(|_| UsageError(format!("--{}: takes text in UTF-8", row.long)))?;
            options.push(Use { row, value, line: None })?;
        }
        Ok(options)
    }

    /// These options, and for those that they leave open, what the file says. A list is taken from one
    /// of the two. So is the choice between interfaces and a capture file.
    pub fn or(mut self, file: Self) -> Self {
        let source_given = self.has(Key::Interface) || self.has(Key::Read);
        let open = |key: Key| match key {
            Key::Interface | Key::Read => !source_given,
            key => !self.has(key),
        };
        let from_file: Vec<Use> = file.uses.into_iter().filter(|one| open(one.row.key)).collect();
        self.uses.extend(from_file);
        self
    }

    /// True if the option was used.
    pub fn has(&self, key: Key) -> bool {
        self.get(key).is_some()
    }

    /// The last use of the option, which is the one that counts.
    pub fn get(&self, key: Key) -> Option<&Use> {
        self.uses.iter().rev().find(|one| one.row.key == key)
    }

    /// All uses of the option, in order.
    pub fn all(&self, key: Key) -> impl Iterator<Item = &Use> {
        self.uses.iter().filter(move |one| one.row.key == key)
    }

    fn push(&mut self, one: Use) -> Result<(), UsageError> {
        if one.value.len() > OPTION_VALUE_BYTES_MAX {
            return Err(one.error(format_args!("takes up to {OPTION_VALUE_BYTES_MAX} bytes")));
        }
        if one.row.kind != Flag && one.value.is_empty() {
            return Err(one.error("takes a value that is not empty"));
        }
        if self.uses.len() == OPTION_USES_MAX {
            return Err(one.error(format_args!("is one of more than {OPTION_USES_MAX} options")));
        }
        self.uses.push(one);
        Ok(())
    }
}

/// Reads a `--config` file: long options without `--`, one a line, as `option`, `option value` or
/// `option = value`. A `#` at the start of a line or after a blank begins a comment.
///
/// # Errors
/// The first line that is no option, with `name` and its number.
pub fn parse_config_file(name: &str, text: &str) -> Result<Options, UsageError> {
    if text.len() > CONFIG_FILE_BYTES_MAX {
        return Err(UsageError(format!("{name}: takes up to {CONFIG_FILE_BYTES_MAX} bytes")));
    }
    let name: Rc<str> = name.into();
    let mut options = Options::default();
    for (index, line) in text.lines().enumerate() {
        let line = without_comment(line).trim();
        if line.is_empty() {
            continue;
        }
        let (word, value) = split_option(line);
        let at = |message: &str| UsageError(format!("{name}:{}: {}: {message}", index + 1, printable(word)));
        let row = rows().find(|row| row.long == word).ok_or_else(|| at("unknown option"))?;
        match (row.key, row.kind) {
            (Key::Config | Key::Help | Key::Version, _) => return Err(at("belongs on the command line")),
            (_, Flag) if !value.is_empty() => return Err(at("takes no value")),
            _ => {}
        }
        options.push(Use { row, value: value.to_owned(), line: Some((Rc::clone(&name), index + 1)) })?;
    }
    Ok(options)
}

/// The text of `--help`.
pub fn help() -> String {
    let mut text = String::from(
        "duskwatch counts who talks to whom on a network, and watches the dark.\n\n\
         usage: duskwatch -i INTERFACE [OPTION...]\n       duskwatch -r FILE [--json | --serve] [OPTION...]\n",
    );
    for group in GROUPS {
        let _ = write!(text, "\n{}:\n", group.title);
        for row in group.rows {
            help_for(&mut text, row);
        }
    }
    text
}

const HELP_COLUMN: usize = 30;

fn help_for(text: &mut String, row: &Row) {
    let letters: String = row.short.iter().map(|letter| format!("-{letter}, ")).collect();
    let placeholder = match row.kind {
        Flag => String::new(),
        Value(placeholder) | List(placeholder) => format!(" {placeholder}"),
    };
    let left = format!("  {letters:4}--{}{placeholder}", row.long);
    let mut lines = row.help.lines();
    if left.len() + 2 <= HELP_COLUMN {
        let _ = writeln!(text, "{left:HELP_COLUMN$}{}", lines.next().unwrap_or_default());
    } else {
        let _ = writeln!(text, "{left}");
    }
    for line in lines {
        let _ = writeln!(text, "{:HELP_COLUMN$}{line}", "");
    }
}

/// A text from outside in one short line: what nobody sees is escaped, and cut after 80 characters.
pub fn printable(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut escaped = String::new();
    for character in text.chars().take(LONGEST) {
        if is_unprintable(character) {
            let _ = write!(escaped, "{}", character.escape_default());
        } else {
            escaped.push(character);
        }
    }
    if text.chars().nth(LONGEST).is_some() {
        escaped.push_str("...");
    }
    escaped
}

fn rows() -> impl Iterator<Item = &'static Row> {
    GROUPS.iter().flat_map(|group| group.rows)
}

fn unknown(argument: lexopt::Arg<'_>) -> UsageError {
    let name = match argument {
        lexopt::Arg::Short(letter) => format!("-{letter}"),
        lexopt::Arg::Long(name) => format!("--{name}"),
        lexopt::Arg::Value(value) => value.to_string_lossy().into_owned(),
    };
    UsageError(format!("{}: unknown option; see duskwatch --help", printable(&name)))
}

fn without_comment(line: &str) -> &str {
    let mut before = ' ';
    for (at, character) in line.char_indices() {
        if character == '#' && before.is_whitespace() {
            return line.get(..at).unwrap_or(line);
        }
        before = character;
    }
    line
}

/// The first word of a line and the rest, without the `=` that may stand between them.
fn split_option(line: &str) -> (&str, &str) {
    let end = line.find(|c: char| c == '=' || c.is_whitespace()).unwrap_or(line.len());
    let (word, rest) = line.split_at(end);
    let rest = rest.trim_start();
    (word, rest.strip_prefix('=').unwrap_or(rest).trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        let all: Vec<&Row> = rows().collect();
        for (index, row) in all.iter().enumerate() {
            for other in &all[..index] {
                assert_ne!(row.key, other.key);
                assert_ne!(row.long, other.long);
                assert!(!row.short.iter().any(|letter| other.short.contains(letter)), "{}", row.long);
            }
        }
    }

    #[test]
    fn help_fits_a_terminal_and_names_everything() {
        let help = help();
        for line in help.lines() {
            assert!(line.len() < 80, "{line}");
        }
        for row in rows() {
            assert!(help.contains(&format!("--{}", row.long)));
        }
    }

    #[test]
    fn files_have_comments_and_three_forms() {
        let text = "# a comment\n\n  port 80\nbind=::1 # not the LAN\nfilter = ip[0] = 0x45#1\r\nno-dns\n";
        let options = parse_config_file("f", text).unwrap();
        let value = |key| options.get(key).map(|one| one.value.as_str());
        assert_eq!(value(Key::Port), Some("80"));
        assert_eq!(value(Key::Bind), Some("::1"));
        assert_eq!(value(Key::Filter), Some("ip[0] = 0x45#1"));
        assert!(options.has(Key::NoDns));
        assert!(!options.has(Key::NoMacs));
    }

    #[test]
    fn errors_of_a_file_name_the_line() {
        for (text, message) in [
            ("\nprot 80", "f:2: prot: unknown option"),
            ("--port 80", "f:1: --port: unknown option"),
            ("no-dns yes", "f:1: no-dns: takes no value"),
            ("help", "f:1: help: belongs on the command line"),
            ("config other", "f:1: config: belongs on the command line"),
            ("port", "f:1: port: takes a value that is not empty"),
            ("\u{7}", "f:1: \\u{7}: unknown option"),
        ] {
            assert_eq!(parse_config_file("f", text).unwrap_err().0, message);
        }
        let long = format!("filter {}", "x".repeat(OPTION_VALUE_BYTES_MAX + 1));
        assert!(parse_config_file("f", &long).unwrap_err().0.ends_with("...: takes up to 4096 bytes"));
        assert!(parse_config_file("f", &"#".repeat(CONFIG_FILE_BYTES_MAX + 1)).is_err());
        let many = "local 10.0.0.0/8\n".repeat(OPTION_USES_MAX + 1);
        assert!(parse_config_file("f", &many).unwrap_err().0.contains("more than 384 options"));
    }

    #[test]
    fn texts_from_outside_stay_on_their_line() {
        assert_eq!(printable("a\nb\u{1b}"), "a\\nb\\u{1b}");
        assert_eq!(printable(&"é".repeat(81)), format!("{}...", "é".repeat(80)));
    }
}
