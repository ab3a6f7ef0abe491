//! The words about a packet, which are its comment in a segment: what was found, as `key=value` pairs.

use crate::darknet::Touch;
use crate::limits::EVIDENCE_COMMENT_BYTES_MAX;

/// A comment.
pub type Comment = heapless::String<EVIDENCE_COMMENT_BYTES_MAX>;

/// What is said of a packet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Words<'a> {
    /// What it was found to be.
    pub signature: &'a str,
    /// What it looks like by itself.
    pub category: &'a str,
    /// Whether its source has an alert.
    pub is_alert: bool,
}

impl<'a> Words<'a> {
    /// What a comment says.
    pub fn of(comment: &'a str) -> Self {
        let rest = comment.strip_prefix("signature=\"").unwrap_or_default();
        let (signature, rest) = rest.split_once('"').unwrap_or_default();
        let rest = rest.strip_prefix(" category=").unwrap_or_default();
        let (category, verdict) = rest.split_once(' ').unwrap_or((rest, ""));
        Self { signature, category, is_alert: verdict == "verdict=alert" }
    }

    /// The same as a comment. What does not fit, which no signature of ours comes near, is left out.
    pub fn comment(&self) -> Comment {
        let mut comment = Comment::new();
        for part in
            ["signature=\"", self.signature, "\" category=", self.category, " verdict=", self.verdict()]
        {
            let _ = comment.push_str(part);
        }
        comment
    }

    /// The verdict on its source.
    pub fn verdict(&self) -> &'static str {
        if self.is_alert { "alert" } else { "none" }
    }
}

impl From<Touch> for Words<'_> {
    fn from(touch: Touch) -> Self {
        Self { signature: touch.signature, category: touch.category.name(), is_alert: touch.is_alerted }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_round_trip() {
        for is_alert in [false, true] {
            let words = Words { signature: "TCP probe of a dark address", category: "scan", is_alert };
            assert_eq!(Words::of(&words.comment()), words);
        }
        for foreign in ["", "hello", "signature=\"", "signature=\"a\" b", "signature=\"a\" category="] {
            assert!(!Words::of(foreign).is_alert, "{foreign}");
        }
    }
}
