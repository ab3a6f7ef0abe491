//! The file of `--rules`: a subset of Snort's language, one rule a line. docs/rules.md says which.
//!
//! ```text
//! alert tcp any any -> $HOME_NET 23 (msg:"telnet probe"; flags:S; sid:1000001;)
//! '----------- header -----------'   '------------- options -------------'
//! ```

mod header;
mod options;

use std::fs::File;
use std::io::Read;

use super::options::{UsageError, Use, printable};
use crate::darknet::Rules;
use crate::darknet::rules::Rule;
use crate::limits::{RULE_BYTES_MAX, RULES_FILE_BYTES_MAX, RULES_MAX};

/// A part of a rule that cannot be, and what would be right.
type Refused<'a> = (&'a str, &'static str);

/// Reads the file that the option names.
///
/// # Errors
/// That it cannot be read, or the first of its rules that cannot be followed.
pub fn load(one: &Use) -> Result<Rules, UsageError> {
    let mut text = String::new();
    File::open(&one.value)
        .and_then(|file| file.take(RULES_FILE_BYTES_MAX as u64 + 1).read_to_string(&mut text))
        .map_err(|error| one.error(format_args!("cannot be read: {error}")))?;
    parse(&printable(&one.value), &text)
}

/// Reads rules. A line that begins with `#` is a comment, and one that ends with `\` goes on in the next.
///
/// # Errors
/// The first rule that cannot be followed: `name`, the number of its line, the part and what it takes.
pub fn parse(name: &str, text: &str) -> Result<Rules, UsageError> {
    if text.len() > RULES_FILE_BYTES_MAX {
        return Err(UsageError(format!("{name}: takes up to {RULES_FILE_BYTES_MAX} bytes")));
    }
    let mut rules = Vec::new();
    let mut lines = text.lines().zip(1..);
    while let Some((first, number)) = lines.next() {
        let mut line = first.trim_ascii().to_owned();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        while line.ends_with('\\') {
            line.pop();
            line.push_str(lines.next().map_or("", |(more, _)| more.trim_ascii_end()));
        }
        let rule = parse_rule(&line, &rules)
            .map_err(|(what, takes)| UsageError(format!("{name}:{number}: {}: {takes}", printable(what))))?;
        rules.push(rule);
    }
    Ok(Rules::new(rules))
}

/// The parts of a text between separators that are not inside of quotes or brackets.
fn split(text: &str, is_separator: fn(char) -> bool) -> Vec<&str> {
    let (mut depth, mut is_quoted, mut is_escaped) = (0, false, false);
    let is_between = |character: char| {
        if std::mem::take(&mut is_escaped) {
            return false;
        }
        match character {
            '\\' => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            '[' if !is_quoted => depth += 1,
            ']' if !is_quoted => depth -= 1,
            _ => return depth == 0 && !is_quoted && is_separator(character),
        }
        false
    };
    text.split(is_between).map(str::trim_ascii).filter(|part| !part.is_empty()).collect()
}

fn parse_rule<'a>(line: &'a str, others: &[Rule]) -> Result<Rule, Refused<'a>> {
    if line.len() > RULE_BYTES_MAX {
        return Err((line, "is longer than 4096 bytes"));
    }
    if others.len() == RULES_MAX {
        return Err((line, "is one too many; there may be 256"));
    }
    let options = line.split_once('(').and_then(|(header, rest)| Some((header, rest.strip_suffix(')')?)));
    let (header, options) = options.ok_or((line, "takes options in parentheses at its end"))?;
    let mut rule = header::parse(header)?;
    options::parse(options, &mut rule)?;
    if rule.sid == 0 {
        return Err((line, "takes sid:NUMBER; as well"));
    }
    if others.iter().any(|other| other.sid == rule.sid) {
        return Err((line, "has the sid of an earlier rule"));
    }
    if rule.name.is_empty() {
        rule.name = format!("rule {}", rule.sid);
    }
    Ok(rule)
}

#[cfg(test)]
mod tests;
