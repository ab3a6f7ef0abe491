//! The languages of the pages. English is what the views themselves say; every other language is a file of lines
//! `English = translation` beside this one, in the order of their bytes. JSON, metrics and messages are English.
//!
//! To add a language: its file, a `Language`, its place in [`LANGUAGES`]. The tests say what the file lacks.

use core::cmp::Ordering;

/// Separates a phrase from its translation.
const EQUALS: &str = " = ";

/// What is said to readers, in English. In markup it stands in braces instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Phrase(pub &'static str);

/// A language of the pages.
#[derive(Debug, PartialEq, Eq)]
pub struct Language {
    /// Its tag (RFC 5646), as `--language`, Accept-Language and `<html lang>` have it.
    pub tag: &'static str,
    /// Whether 1.5 is written 1,5, and 1,000 is written 1.000.
    pub has_decimal_comma: bool,
    /// Its file; English has none.
    phrases: &'static str,
}

/// What the views say.
pub static ENGLISH: Language = Language { tag: "en", has_decimal_comma: false, phrases: "" };

/// All languages, the one that is taken if no other is wanted first.
pub static LANGUAGES: [&Language; 2] =
    [&ENGLISH, &Language { tag: "de", has_decimal_comma: true, phrases: include_str!("de.txt") }];

impl Language {
    /// The language with this tag, whatever its case; a region or script is ignored (`de-AT`).
    pub fn of(tag: &str) -> Option<&'static Self> {
        let primary = tag.split('-').next()?;
        LANGUAGES.into_iter().find(|language| primary.eq_ignore_ascii_case(language.tag))
    }

    /// What a phrase is in this language; itself, if the file does not have it.
    pub fn phrase(&self, english: &'static str) -> &'static str {
        let mut rest = self.phrases;
        while !rest.is_empty() {
            let start = rest.as_bytes()[..rest.len() / 2]
                .iter()
                .rposition(|&byte| byte == b'\n')
                .map_or(0, |at| at + 1);
            let (before, tail) = rest.split_at(start);
            let (line, after) = tail.split_once('\n').unwrap_or((tail, ""));
            let (phrase, translation) = line.split_once(EQUALS).unwrap_or((line, line));
            rest = match english.cmp(phrase) {
                Ordering::Less => before,
                Ordering::Equal => return translation,
                Ordering::Greater => after,
            };
        }
        english
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::BTreeSet;
    use alloc::string::String;
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::darknet::{Carrier, Category, Event, Kind, Pattern, Signal, Tool};
    use crate::limits::DARK_TARGETS_MAX;
    use crate::packet::Packet;
    use crate::time::Timestamp;

    /// The phrases in a source file: those in braces in its markup, and what `phrase(` and `Phrase(` are given.
    fn phrases_of(source: &str, phrases: &mut BTreeSet<String>) {
        // What the tests of a file say is for nobody.
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        let mut rest = source;
        while let Some(at) = rest.find("markup(") {
            rest = &rest[at + "markup(".len()..];
            let call = argument(rest);
            for text in literals(call) {
                let mut text = text.as_str();
                while let Some((_, tail)) = text.split_once('{') {
                    let (phrase, tail) = tail.split_once('}').expect("a phrase in braces ends");
                    phrases.insert(phrase.into());
                    text = tail;
                }
            }
        }
        for call in [".phrase(", "Phrase("] {
            let mut rest = source;
            while let Some(at) = rest.find(call) {
                rest = &rest[at + call.len()..];
                phrases.extend(literals(argument(rest)).next());
            }
        }
    }

    /// A call's arguments, up to the parenthesis that ends it.
    fn argument(source: &str) -> &str {
        let mut depth = 0;
        let mut in_literal = false;
        let mut escaped = false;
        for (at, character) in source.char_indices() {
            match character {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => in_literal = !in_literal,
                '(' if !in_literal => depth += 1,
                ')' if !in_literal && depth == 0 => return &source[..at],
                ')' if !in_literal => depth -= 1,
                _ => {}
            }
        }
        source
    }

    /// The values of the string literals in a piece of source.
    fn literals(source: &str) -> impl Iterator<Item = String> {
        let mut found = alloc::vec::Vec::new();
        let mut literal: Option<String> = None;
        let mut characters = source.chars();
        while let Some(character) = characters.next() {
            match (&mut literal, character) {
                (None, '"') => literal = Some(String::new()),
                (None, _) => {}
                (Some(_), '"') => found.extend(literal.take()),
                (Some(text), '\\') => match characters.next() {
                    Some('n') => text.push('\n'),
                    // A character by its number: `\u{a0}`.
                    Some('u') => while characters.next().is_some_and(|character| character != '}') {},
                    Some('\n') => {
                        let indented = characters.as_str();
                        characters = indented.trim_start().chars();
                    }
                    Some(other) => text.push(other),
                    None => {}
                },
                (Some(text), other) => text.push(other),
            }
        }
        found.into_iter()
    }

    /// All phrases of the views.
    fn all_phrases() -> BTreeSet<String> {
        let mut phrases = BTreeSet::new();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/view");
        for file in fs::read_dir(folder).expect("the views' folder").flatten() {
            if file.path().extension().is_some_and(|extension| extension == "rs")
                && !file.path().ends_with("html.rs")
            {
                phrases_of(&fs::read_to_string(file.path()).expect("a view's source"), &mut phrases);
            }
        }
        phrases
    }

    /// What the darknet says, which pages translate and the log does not: the phrases of all events.
    fn events_phrases(phrases: &mut BTreeSet<String>) {
        use Category::*;
        use Signal::*;
        let packet = Event::of_packet(0, &Packet::default(), Given, Timestamp::default());
        let tools = [Tool::Mirai, Tool::Masscan, Tool::Zmap, Tool::ZmapLike, Tool::Nmap, Tool::Unicornscan];
        for kind in [Kind::Hit, Kind::Notice, Kind::Alert, Kind::Clear] {
            for signal in [Given, Unused, Left, Learning, Bogon, ForeignSender, Mark, FanOut] {
                for category in [Scan, Backscatter, Reflection, Misconfiguration, LeakedRoute, Other] {
                    for carrier in [Carrier::Ip, Carrier::Arp, Carrier::Solicitation] {
                        let event = Event { kind, signal, category, carrier, ..packet };
                        for dark_targets in [1, 2, DARK_TARGETS_MAX as u8] {
                            event_phrases(&Event { dark_targets, ports: Some((1, 2)), ..event }, phrases);
                            event_phrases(&Event { dark_targets, packets: 2, ..event }, phrases);
                        }
                        event_phrases(&Event { protocol: 6, ..event }, phrases);
                        event_phrases(&Event { rule: Some(0), ..event }, phrases);
                        tools
                            .iter()
                            .for_each(|tool| event_phrases(&Event { tool: Some(*tool), ..event }, phrases));
                    }
                }
            }
        }
        let patterns = [Pattern::Horizontal, Pattern::Vertical, Pattern::Random];
        phrases.extend(patterns.map(|pattern| pattern.name().into()));
    }

    fn event_phrases(event: &Event, phrases: &mut BTreeSet<String>) {
        phrases.extend([event.signature(), event.category.name()].map(String::from));
        event.tell(&mut |phrase, values| {
            assert_eq!(phrase.matches('%').count(), values.len(), "{phrase}");
            phrases.insert(phrase.into());
        });
    }

    #[test]
    fn every_language_has_all_phrases_and_no_other() {
        let mut phrases = all_phrases();
        events_phrases(&mut phrases);
        assert!(phrases.len() > 20, "{phrases:?}");
        for language in &LANGUAGES[1..] {
            let lines: alloc::vec::Vec<_> = language.phrases.lines().collect();
            assert!(lines.is_sorted_by(|one, next| key(one) < key(next)), "{}: not sorted", language.tag);
            let known: BTreeSet<String> = lines.iter().map(|line| key(line).into()).collect();
            let missing: alloc::vec::Vec<_> = phrases.difference(&known).collect();
            let unused: alloc::vec::Vec<_> = known.difference(&phrases).collect();
            assert!(
                missing.is_empty() && unused.is_empty(),
                "{}.txt lacks {missing:#?}\nand nobody says {unused:#?}",
                language.tag
            );
            for line in lines {
                let (phrase, translation) = line.split_once(EQUALS).expect(line);
                assert_eq!(phrase.matches('%').count(), translation.matches('%').count(), "{line}");
                assert!(!line.contains(['<', '>', '&', '"']), "{line}");
            }
        }
    }

    fn key(line: &str) -> &str {
        line.split_once(EQUALS).unwrap_or((line, "")).0
    }

    #[test]
    fn every_phrase_of_a_file_is_found() {
        for language in LANGUAGES {
            for line in language.phrases.lines() {
                let (phrase, translation) = line.split_once(EQUALS).unwrap();
                assert_eq!(language.phrase(phrase), translation);
            }
            assert_eq!(language.phrase("No such phrase"), "No such phrase");
            assert_eq!(language.phrase(""), "");
            assert_eq!(language.phrase("\u{10ffff}"), "\u{10ffff}");
        }
    }

    #[test]
    fn tags_are_matched_by_their_first_part() {
        for (tag, found) in
            [("de", Some("de")), ("DE-at", Some("de")), ("en-GB", Some("en")), ("fr", None), ("", None)]
        {
            assert_eq!(Language::of(tag).map(|language| language.tag), found, "{tag}");
        }
    }
}
