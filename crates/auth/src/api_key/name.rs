//! What a person calls a key, and what becomes of it in the API Key Id.

use crate::client::Suffix;

/// The longest name, in characters.
const NAME_CHARACTERS_MAX: usize = 60;

/// A name: letters `a` to `z` in any case, digits and spaces, at most 40 without the spaces.
#[derive(Debug, Clone)]
pub struct KeyName {
    text: String,
    folded: Suffix,
}

/// The text is no name of a key. Letters that look like others would make two ids look the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be letters a to z, digits and spaces, 1 to 40 of them without the spaces")]
pub struct MalformedKeyName;

impl KeyName {
    /// Read a name.
    ///
    /// # Errors
    /// [`MalformedKeyName`].
    pub fn parse(text: &str) -> Result<Self, MalformedKeyName> {
        let text = text.trim_matches(' ');
        if text.len() > NAME_CHARACTERS_MAX || !text.is_ascii() {
            return Err(MalformedKeyName);
        }
        let folded = text.replace(' ', "").to_ascii_lowercase();
        Ok(Self { text: text.to_owned(), folded: folded.parse().map_err(|_| MalformedKeyName)? })
    }

    /// The name as it was chosen.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// In lower case and without spaces: the end of the API Key Id.
    pub(super) fn folded(&self) -> &Suffix {
        &self.folded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_folded_to_small_letters_without_spaces() {
        for (name, folded) in [
            ("Lab Reports", "labreports"),
            ("  lab  reports 2 ", "labreports2"),
            ("LABREPORTS", "labreports"),
            ("7", "7"),
        ] {
            assert_eq!(KeyName::parse(name).unwrap().folded().as_str(), folded, "{name}");
        }
        assert_eq!(KeyName::parse(" Lab Reports ").unwrap().as_str(), "Lab Reports");
        let long = "a".repeat(41);
        let spaced = format!("a{}b", " ".repeat(60));
        for name in [
            "",
            "   ",
            "lab-reports",
            "lab.reports",
            "lab_reports",
            "läb",
            "lаb",
            "ＬＡＢ",
            "lab\treports",
            "lab\nreports",
            "lab\u{a0}reports",
            "K\u{212a}",
            "\u{130}",
            "a:b",
            &long,
            &spaced,
        ] {
            assert!(KeyName::parse(name).is_err(), "{name:?}");
        }
    }
}
