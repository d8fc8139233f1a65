//! Whether a display is one that the code system gives. <https://hl7.org/fhir/R4/datatypes.html#Coding>

use super::system::Concept;

/// How a display compares with those of its concept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Shown<'c> {
    /// As the concept has it, in any of its languages; case and white space aside.
    Right,
    /// Otherwise than the concept has it.
    Otherwise(&'c str),
    /// The concept has none.
    None,
}

/// Compares a display with those of its concept.
pub(super) fn compare<'c>(concept: &'c Concept, display: &str) -> Shown<'c> {
    let besides = concept.designations.iter().map(|one| &*one.value);
    let mut own = concept.display.as_deref().into_iter().chain(besides).peekable();
    let Some(first) = own.peek().copied() else { return Shown::None };
    let said = normal(display);
    if own.any(|text| normal(text) == said) { Shown::Right } else { Shown::Otherwise(first) }
}

impl Concept {
    /// Whether it is called so, in any of its languages; nothing, where it has no name.
    pub fn is_called(&self, display: &str) -> Option<bool> {
        match compare(self, display) {
            Shown::Right => Some(true),
            Shown::Otherwise(_) => Some(false),
            Shown::None => None,
        }
    }
}

/// Whether two displays are one: case and white space aside.
pub fn is_same_display(a: &str, b: &str) -> bool {
    normal(a) == normal(b)
}

fn normal(text: &str) -> String {
    text.split_whitespace().map(str::to_lowercase).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::terminology::System;

    #[test]
    fn case_and_white_space_do_not_count() {
        let system = System::new(&serde_json::json!({"content": "complete", "concept": [
            {"code": "a", "display": "Body  weight", "designation": [{"value": "Körpergewicht"}]}, {"code": "b"}]}));
        let shown = |code: &str, text: &str| {
            system.concept(code).map(|concept| match compare(concept, text) {
                Shown::Right => "right".to_owned(),
                Shown::Otherwise(own) => own.to_owned(),
                Shown::None => "none".to_owned(),
            })
        };
        for (code, text, expected) in [
            ("a", " body Weight", "right"),
            ("a", "KÖRPERGEWICHT", "right"),
            ("a", "weight", "Body  weight"),
            ("b", "weight", "none"),
        ] {
            assert_eq!(shown(code, text).as_deref(), Some(expected), "{code} {text}");
        }
    }
}
