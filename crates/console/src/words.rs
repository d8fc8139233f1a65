//! Words and how they are put.

/// The first letter of a name, for the square that stands for a thing.
pub(crate) fn monogram(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_else(|| "·".to_owned())
}

/// `must be at most 20` as `Must be at most 20.`
pub(crate) fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    let end = if message.ends_with(char::is_alphanumeric) { "." } else { "" };
    format!("{first}{}{end}", letters.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("must be at most 20"), "Must be at most 20.");
        assert_eq!(sentence("Such as app://"), "Such as app://");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_name_without_letters_still_has_a_mark() {
        assert_eq!(monogram("fitbit"), "F");
        assert_eq!(monogram("…"), "·");
    }
}
