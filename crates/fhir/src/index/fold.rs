//! Texts as searches compare them: "case- and accent-insensitive".  <https://hl7.org/fhir/R4/search.html#string>

use std::borrow::Cow;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// Letters whose strokes and ligatures Unicode takes for letters of their own, where people write them without.
const PLAIN: [(char, &str); 8] =
    [('ø', "o"), ('ł', "l"), ('đ', "d"), ('ð', "d"), ('ħ', "h"), ('æ', "ae"), ('œ', "oe"), ('ı', "i")];

/// Without case and accents, with one space for any white space within and none around. Folding twice changes nothing.
///
/// ```
/// assert_eq!(fhir::index::fold(" Jos\u{e9}  O'Brien "), "jose o'brien");
/// ```
pub fn fold(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !byte.is_ascii_uppercase();
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    if text.is_ascii() {
        push_words(text.chars().map(|character| character.to_ascii_lowercase()), &mut out);
    } else {
        let cased = text.nfkd().flat_map(char::to_uppercase).flat_map(char::to_lowercase);
        // Lower case may bring marks of its own (İ), so these go last.
        let letters = cased.nfkd().filter(|character| !is_combining_mark(*character)).flat_map(plain);
        push_words(letters, &mut out);
    }
    Cow::Owned(out)
}

fn plain(character: char) -> impl Iterator<Item = char> {
    let known = PLAIN.iter().find(|(letter, _)| *letter == character).map(|(_, plain)| *plain);
    let own = known.is_none().then_some(character);
    known.unwrap_or_default().chars().chain(own)
}

fn push_words(characters: impl Iterator<Item = char>, out: &mut String) {
    let mut gap = false;
    for character in characters {
        if character.is_whitespace() || character.is_control() {
            gap = true;
            continue;
        }
        if std::mem::take(&mut gap) && !out.is_empty() {
            out.push(' ');
        }
        out.push(character);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_spaces_are_folded() {
        for (text, folded) in [
            ("", ""),
            ("plain", "plain"),
            ("Peter", "peter"),
            ("  a \t b\n", "a b"),
            ("Éva Müller", "eva muller"),
            ("E\u{301}va", "eva"),
            ("Straße", "strasse"),
            ("STRASSE", "strasse"),
            ("Søren Ægir Łódź", "soren aegir lodz"),
            ("İstanbul ılık", "istanbul ilik"),
            ("ΣΟΦΌΣ", "σοφοσ"),
            ("ﬁne", "fine"),
            ("李", "李"),
            ("O'Brien-Smith", "o'brien-smith"),
            ("a\u{a0}b", "a b"),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,24}") {
            let once = fold(&text).into_owned();
            prop_assert_eq!(fold(&once), once.as_str());
        }

        #[test]
        fn what_was_folded_has_no_case(text in "[a-zà-þA-ZÀ-Þ ]{0,24}") {
            let (upper, lower) = (text.to_uppercase(), text.to_lowercase());
            prop_assert_eq!(fold(&upper), fold(&lower));
        }
    }
}
