//! The words of a record: for `_text` those of its narrative, for `_content` all.  <https://hl7.org/fhir/R4/search.html#content>

use std::collections::BTreeSet;

use fhirpath::document::Element;

use super::fold;

/// Where words are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Within {
    /// `_text`: the narrative.
    Narrative,
    /// `_content`: the whole record.
    Record,
}

/// The words of a text, folded, each once.
pub fn words(text: &str) -> BTreeSet<Box<str>> {
    let folded = fold(text);
    folded
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(Box::from)
        .collect()
}

/// Whether a record says all of these words.
pub fn says(record: Element<'_>, within: Within, asked: &BTreeSet<Box<str>>) -> bool {
    let mut left = asked.clone();
    match within {
        Within::Narrative => {
            let narrative =
                record.child("text").and_then(|text| text.child("div")).and_then(|div| div.text());
            strike(&mut left, &without_tags(&narrative.unwrap_or_default()));
        }
        Within::Record => take(record, &mut left),
    }
    left.is_empty()
}

fn strike(left: &mut BTreeSet<Box<str>>, text: &str) {
    for word in words(text) {
        left.remove(&word);
    }
}

fn take(element: Element<'_>, left: &mut BTreeSet<Box<str>>) {
    let mut open = vec![element];
    while let Some(element) = open.pop() {
        if left.is_empty() {
            return;
        }
        if let Some(text) = element.text() {
            let is_narrative = element.name() == "div";
            if is_narrative { strike(left, &without_tags(&text)) } else { strike(left, &text) }
        }
        open.extend(element.children());
    }
}

/// What XHTML says, without how it is laid out.
fn without_tags(xhtml: &str) -> String {
    let mut text = String::with_capacity(xhtml.len());
    let mut rest = xhtml;
    while let Some((before, after)) = rest.split_once('<') {
        text.push_str(before);
        // Words on both sides of a tag are two.
        text.push(' ');
        rest = after.split_once('>').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    let entities =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#160;", " "), ("&amp;", "&")];
    entities.iter().fold(text, |text, (entity, letter)| text.replace(entity, letter))
}

#[cfg(test)]
mod tests {
    use fhirpath::document::{Document, DocumentLimits};

    use super::*;

    #[test]
    fn words_are_found_where_they_are_asked_for() {
        let json = r#"{"resourceType":"Patient","text":{"status":"generated","div":"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p class=\"hidden\">Ana<br/>Šmit &amp; Co</p></div>"},
            "name":[{"family":"Ünal"}],"contact":[{"name":{"text":"Old Friend"}}]}"#;
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        for (within, asked, expected) in [
            (Within::Narrative, "smit ANA", true),
            (Within::Narrative, "anasmit", false),
            (Within::Narrative, "unal", false),
            (Within::Narrative, "hidden", false),
            (Within::Narrative, "co", true),
            (Within::Record, "unal friend", true),
            (Within::Record, "smit", true),
            (Within::Record, "smi", false),
            (Within::Record, "hidden", false),
            (Within::Record, "family", false),
        ] {
            assert_eq!(says(document.root(), within, &words(asked)), expected, "{within:?} {asked}");
        }
    }
}
