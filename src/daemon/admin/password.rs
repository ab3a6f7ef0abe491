//! The administrator's password: the line that is kept of it, and the slow check of one that is given.
//!
//! A line reads `$pbkdf2-sha256$i=ITERATIONS,l=32$SALT$HASH`, with salt and hash in Base64 without padding: the
//! PHC string format, for PBKDF2 (RFC 8018) with HMAC-SHA-256. The salt is random and the iterations are many,
//! so that whoever gets the line has to try passwords one by one, and slowly.

use std::fmt;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, BufRead, IsTerminal, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::str::FromStr;

use hmac::{Hmac, Mac};
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use sha2::Sha256;

use crate::limits::{
    PASSWORD_BYTES_MAX, PASSWORD_BYTES_MIN, PASSWORD_FILE_BYTES_MAX, PASSWORD_ITERATIONS,
    PASSWORD_ITERATIONS_MAX, PASSWORD_ITERATIONS_MIN,
};

const SALT_BYTES: usize = 16;
const HASH_BYTES: usize = 32;

/// What is kept of a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password {
    iterations: u32,
    salt: [u8; SALT_BYTES],
    hash: [u8; HASH_BYTES],
}

impl Password {
    /// What is kept of this one. The salt should be random. Takes as long as a check.
    pub fn new(password: &str, salt: [u8; SALT_BYTES], iterations: u32) -> Self {
        let mut derivation = Derivation::new(password.as_bytes(), &salt, iterations);
        let hash = derivation.work(u32::MAX).unwrap_or_default();
        Self { iterations, salt, hash }
    }

    /// Begins to check a password.
    pub fn check(&self, password: &str) -> Check {
        let derivation = Derivation::new(password.as_bytes(), &self.salt, self.iterations);
        Check { derivation, hash: self.hash }
    }

    /// Reads the line that a file holds.
    ///
    /// # Errors
    /// A line for people: it cannot be read, others may read or change it, or it holds something else.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut text = String::new();
        let file = File::open(path).map_err(|error| match error.kind() {
            io::ErrorKind::PermissionDenied => {
                format!("cannot be read: {error}: give it to the program's group, with mode 640")
            }
            _ => format!("cannot be read: {error}"),
        })?;
        let mode = file.metadata().map_err(|error| format!("cannot be read: {error}"))?.mode();
        if mode & 0o027 != 0 {
            return Err("others may read or change it: take that away with chmod 640".to_owned());
        }
        file.take(PASSWORD_FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(|error| format!("cannot be read: {error}"))?;
        text.trim_ascii().parse().map_err(str::to_owned)
    }
}

impl fmt::Display for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "$pbkdf2-sha256$i={},l={HASH_BYTES}$", self.iterations)?;
        base64(f, &self.salt)?;
        f.write_str("$")?;
        base64(f, &self.hash)
    }
}

impl FromStr for Password {
    type Err = &'static str;

    fn from_str(line: &str) -> Result<Self, &'static str> {
        let fields = || {
            let (parameters, rest) = line.strip_prefix("$pbkdf2-sha256$i=")?.split_once('$')?;
            let (salt, hash) = rest.split_once('$')?;
            let iterations = parameters.strip_suffix(",l=32").unwrap_or(parameters).parse().ok()?;
            Some(Self { iterations, salt: from_base64(salt)?, hash: from_base64(hash)? })
        };
        let password = fields().ok_or("holds no line of duskwatch --hash-password")?;
        if !(PASSWORD_ITERATIONS_MIN..=PASSWORD_ITERATIONS_MAX).contains(&password.iterations) {
            return Err("takes 1000 to 500000 iterations");
        }
        Ok(password)
    }
}

/// A password's check, which can be worked off in slices.
pub struct Check {
    derivation: Derivation,
    hash: [u8; HASH_BYTES],
}

impl Check {
    /// Works off some iterations. Says whether the password is right when none is left.
    pub fn work(&mut self, iterations: u32) -> Option<bool> {
        Some(same(&self.derivation.work(iterations)?, &self.hash))
    }
}

/// PBKDF2 for a key as long as a hash, so that there is one block.
struct Derivation {
    keyed: Hmac<Sha256>,
    last: [u8; HASH_BYTES],
    sum: [u8; HASH_BYTES],
    left: u32,
}

impl Derivation {
    fn new(password: &[u8], salt: &[u8], iterations: u32) -> Self {
        // HMAC takes a key of any length; a shorter error than a panic is the empty key.
        let keyed = Hmac::new_from_slice(password).unwrap_or_else(|_| Hmac::new(&Default::default()));
        let first = keyed.clone().chain_update(salt).chain_update(1u32.to_be_bytes());
        let last = first.finalize().into_bytes().into();
        Self { keyed, last, sum: last, left: iterations.saturating_sub(1) }
    }

    fn work(&mut self, iterations: u32) -> Option<[u8; HASH_BYTES]> {
        for _ in 0..iterations.min(self.left) {
            self.last = self.keyed.clone().chain_update(self.last).finalize().into_bytes().into();
            for (sum, byte) in self.sum.iter_mut().zip(self.last) {
                *sum ^= byte;
            }
        }
        self.left = self.left.saturating_sub(iterations);
        (self.left == 0).then_some(self.sum)
    }
}

/// Compares secrets of one length in a time that does not depend on where they differ.
pub fn same(one: &[u8], other: &[u8]) -> bool {
    let difference = one.iter().zip(other).fold(0, |sum, (a, b)| black_box(sum | (a ^ b)));
    one.len() == other.len() && difference == 0
}

/// Bytes that nobody can know.
///
/// # Errors
/// A line for people: the system has none.
pub fn random() -> Result<[u8; 16], String> {
    let mut bytes = [0; 16];
    match getrandom(&mut bytes, GetRandomFlags::empty()) {
        Ok(16) => Ok(bytes),
        Ok(_) => Err("the system gives too few random bytes".to_owned()),
        Err(error) => Err(format!("the system gives no random bytes: {error}")),
    }
}

/// `--hash-password`: reads a password from standard input, twice and unseen where that is a terminal, and
/// returns the line for the file.
///
/// # Errors
/// A line for people: there is no such password, or the two differ.
pub fn ask() -> Result<String, String> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() {
        let shown = tcgetattr(&stdin).map_err(|error| format!("the terminal: {error}"))?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let set = |attributes| {
            tcsetattr(&stdin, OptionalActions::Flush, attributes)
                .map_err(|error| format!("the terminal: {error}"))
        };
        set(&hidden)?;
        let both = ["Password: ", "\nAgain: "].map(|prompt| {
            eprint!("{prompt}");
            read_line()
        });
        eprintln!();
        set(&shown)?;
        let [one, other] = both;
        let one = one?;
        if one != other? {
            return Err("the two passwords differ".to_owned());
        }
        one
    } else {
        read_line()?
    };
    if !(PASSWORD_BYTES_MIN..=PASSWORD_BYTES_MAX).contains(&password.len())
        || password.contains(char::is_control)
    {
        return Err(format!(
            "a password has {PASSWORD_BYTES_MIN} to {PASSWORD_BYTES_MAX} bytes and no control characters"
        ));
    }
    Ok(format!("{}\n", Password::new(&password, random()?, PASSWORD_ITERATIONS)))
}

fn read_line() -> Result<String, String> {
    let mut line = String::new();
    let room = 2 * PASSWORD_BYTES_MAX as u64;
    io::stdin()
        .lock()
        .take(room)
        .read_line(&mut line)
        .map_err(|error| format!("the password cannot be read: {error}"))?;
    Ok(line.trim_end_matches(['\n', '\r']).to_owned())
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes Base64 (RFC 4648, section 4) without padding.
fn base64(out: &mut dyn fmt::Write, bytes: &[u8]) -> fmt::Result {
    for chunk in bytes.chunks(3) {
        let bits =
            chunk.iter().fold(0, |bits, byte| bits << 8 | usize::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            out.write_char(char::from(ALPHABET[bits >> (18 - 6 * place) & 63]))?;
        }
    }
    Ok(())
}

/// Reads so many bytes of Base64 without padding.
fn from_base64<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    let mut free = bytes.iter_mut();
    let (mut bits, mut count) = (0, 0);
    for character in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == character)?;
        bits = (bits << 6 | digit) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            *free.next()? = (bits >> count) as u8;
        }
    }
    (free.next().is_none() && count < 6 && bits & ((1 << count) - 1) == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7914, section 11: the first block of the key.
    #[test]
    fn the_rfcs_vectors() {
        for (password, salt, iterations, hash) in [
            ("passwd", "salt", 1, "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"),
            ("Password", "NaCl", 80_000, "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56"),
        ] {
            let mut derivation = Derivation::new(password.as_bytes(), salt.as_bytes(), iterations);
            let mut slices = 1;
            let key = loop {
                match derivation.work(1_000) {
                    Some(key) => break key,
                    None => slices += 1,
                }
            };
            assert_eq!(slices, iterations.div_ceil(1_000));
            let key: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            assert_eq!(key, hash, "{password}");
        }
    }

    #[test]
    fn a_line_is_read_as_it_was_written() {
        let password = Password::new("correct horse", *b"0123456789abcdef", 1_000);
        let line = password.to_string();
        // As Python's hashlib.pbkdf2_hmac and base64 have it.
        assert_eq!(
            line,
            "$pbkdf2-sha256$i=1000,l=32$MDEyMzQ1Njc4OWFiY2RlZg$cBg8D2DungRB9k76szThf5ehfyBz991ay6PT8Srwk4M"
        );
        assert_eq!(line.parse(), Ok(password.clone()));
        assert_eq!(line.replace(",l=32", "").parse(), Ok(password.clone()));
        assert_eq!(password.check("correct horse").work(u32::MAX), Some(true));
        for wrong in ["", "correct horsf", "correct horse "] {
            assert_eq!(password.check(wrong).work(u32::MAX), Some(false), "{wrong}");
        }
    }

    #[test]
    fn other_lines_are_refused() {
        let line = Password::new("correct horse", [7; 16], 1_000).to_string();
        let parse = |line: &str| line.parse::<Password>();
        for (from, to) in [
            ("$pbkdf2", "pbkdf2"),
            ("sha256", "sha512"),
            ("i=1000", "i=-1"),
            ("i=1000", "i=999"),
            ("i=1000", "i=500001"),
            ("l=32", "l=64"),
            ("l=32$", "l=32$A"),
            ("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcHB*"),
            ("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcHBx"),
            ("BwcHBwcHBwcHBwcHBwcHBw", "BwcHBwcHBwcHBwcHBwcH"),
        ] {
            assert!(line.contains(from), "{line} lacks {from}");
            assert!(parse(&line.replacen(from, to, 1)).is_err(), "{from} -> {to}");
        }
        for length in 0..line.len() {
            assert!(parse(&line[..length]).is_err(), "{length}");
        }
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same(b"abc", b"abc") && same(b"", b""));
        for other in ["abd", "bbc", "ab", "abcd", ""] {
            assert!(!same(b"abc", other.as_bytes()), "{other}");
        }
    }
}
