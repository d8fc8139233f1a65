//! Values within a value: `,`, `|` and `$` part them unless a `\` stands before. <https://hl7.org/fhir/R4/search.html#escaping>

use std::borrow::Cow;

/// The parts between separators, still escaped.
pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let end = text.char_indices().find(|(_, character)| {
            let parts = *character == separator && !escaped;
            escaped = *character == '\\' && !escaped;
            parts
        });
        let Some((at, _)) = end else {
            rest = None;
            return Some(text);
        };
        rest = text.get(at + separator.len_utf8()..);
        text.get(..at)
    })
}

/// A part without its escapes.
pub(super) fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match characters.peek() {
            Some(next @ (',' | '|' | '$' | '\\')) if character == '\\' => {
                out.push(*next);
                characters.next();
            }
            _ => out.push(character),
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn escaped_separators_part_nothing() {
        for (text, parts) in [
            ("a,b", &["a", "b"][..]),
            ("a\\,b,c", &["a,b", "c"]),
            ("a\\\\,b", &["a\\", "b"]),
            ("", &[""]),
            (",", &["", ""]),
            ("a\\", &["a\\"]),
            ("a\\x", &["a\\x"]),
            ("é,ü\\,", &["é", "ü,"]),
        ] {
            let own: Vec<_> = split(text, ',').map(unescape).collect();
            assert_eq!(own, parts, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(parts in proptest::collection::vec("[a,|$\\\\é]{0,5}", 1..4)) {
            let escape = |part: &String| part.replace('\\', "\\\\").replace(',', "\\,").replace('|', "\\|").replace('$', "\\$");
            let text = parts.iter().map(escape).collect::<Vec<_>>().join(",");
            let own: Vec<String> = split(&text, ',').map(|part| unescape(part).into_owned()).collect();
            prop_assert_eq!(own, parts);
        }
    }
}
