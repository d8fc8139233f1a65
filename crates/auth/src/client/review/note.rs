//! What an administrator writes to a developer.

/// The longest note, in characters.
pub const NOTE_CHARACTERS_MAX: usize = 1_000;

/// A note: 1 to 1000 characters of text, in lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note(Box<str>);

impl Note {
    /// Reads a note, without the white space around it.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim().replace("\r\n", "\n");
        let fits = (1..=NOTE_CHARACTERS_MAX).contains(&text.chars().count());
        let is_text = text.chars().all(|letter| letter == '\n' || !letter.is_control());
        (fits && is_text).then(|| Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_some_text() {
        assert_eq!(Note::parse(" Which scopes?\r\nAnd why? ").unwrap().as_str(), "Which scopes?\nAnd why?");
        assert!(Note::parse(&"я".repeat(NOTE_CHARACTERS_MAX)).is_some());
        for text in ["", " \n ", "a\u{7}b", &"a".repeat(NOTE_CHARACTERS_MAX + 1)] {
            assert_eq!(Note::parse(text), None, "{text:?}");
        }
    }
}
