//! What somebody has filled into a form.

use std::collections::BTreeMap;

use kernel::Secret;
use serde::Deserialize;

/// The answers of a form by the names of its fields. A box of several is its own parameter, `roles.developer=on`,
/// because a parameter that is there twice is refused (`web::Form`). Held as secrets: a password may be among them.
#[derive(Deserialize)]
#[serde(transparent)]
pub(crate) struct Answers(BTreeMap<String, Secret<String>>);

impl Answers {
    /// An answer without the white space around it; nothing where the field is missing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", |answer| answer.expose().trim())
    }

    /// An answer of several lines, where there is such a field.
    pub(crate) fn lines_if_asked(&self, name: &str) -> Option<Vec<String>> {
        self.0.contains_key(name).then(|| self.lines(name))
    }

    /// An answer that must not be shown, exactly as it was typed.
    pub(crate) fn secret(&self, name: &str) -> Secret<String> {
        self.0.get(name).cloned().unwrap_or_else(|| Secret::new(String::new()))
    }

    /// An answer of several lines, without the empty ones.
    pub(crate) fn lines(&self, name: &str) -> Vec<String> {
        self.text(name).lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }

    /// The boxes of a field that are ticked.
    pub(crate) fn ticked(&self, name: &str) -> Vec<String> {
        let boxes = self.0.keys().filter_map(|key| key.strip_prefix(name)?.strip_prefix('.'));
        boxes.map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_found_by_name() {
        let pairs = [
            ("name", " Pulse "),
            ("uris", "a\r\n\r\n b \n"),
            ("roles.developer", "on"),
            ("roles.person", "on"),
        ];
        let answers = pairs.map(|(name, text)| (name.to_owned(), Secret::new(text.to_owned())));
        let answers = Answers(BTreeMap::from(answers));
        assert_eq!(answers.text("name"), "Pulse");
        assert_eq!(answers.text("none"), "");
        assert_eq!(answers.lines("uris"), ["a", "b"]);
        assert_eq!(answers.ticked("roles"), ["developer", "person"]);
        assert!(answers.ticked("role").is_empty());
    }
}
