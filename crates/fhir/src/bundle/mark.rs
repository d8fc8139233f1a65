//! Where a resource refers to others.

use std::{collections::HashMap, ops::Range};

use fhirpath::document::{Document, DocumentLimits, Element, Kind};

use crate::{
    parameter::ResourceType,
    resource::{DraftFault, Edit},
};

/// Names of elements whose value may be the `fullUrl` of an entry: "Reference, uri, oid, uuid, url".
const NAMES: [&str; 9] = [
    "reference",
    "uri",
    "url",
    "valueUri",
    "valueUrl",
    "valueUuid",
    "valueOid",
    "valueReference",
    "instantiatesUri",
];

/// A reference in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    span: Range<usize>,
    pub(super) to: To,
}

/// What it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum To {
    /// Perhaps an entry.
    Url(String),
    /// `Practitioner?identifier=…`
    Where(ResourceType, String),
}

impl Mark {
    pub(super) fn edit(&self, text: String) -> Edit {
        Edit { span: self.span.clone(), text }
    }
}

/// A resource as text, with its references.
#[derive(Debug, Clone)]
pub(super) struct Marked {
    pub(super) resource_type: ResourceType,
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
}

impl Marked {
    /// Whether its conditional references mean now what they did then.
    pub(super) fn means_the_same(
        &self,
        then: &HashMap<String, String>,
        now: &HashMap<String, String>,
    ) -> bool {
        self.marks.iter().all(|mark| match &mark.to {
            To::Where(_, words) => now.get(words).is_some_and(|now| then.get(words) == Some(now)),
            To::Url(_) => true,
        })
    }
}

pub(super) fn mark(text: &str) -> Result<Marked, DraftFault> {
    let document = Document::from_json(text.as_bytes(), &DocumentLimits::default())?;
    let root = document.root();
    let named = root.resource_type().and_then(|name| ResourceType::named(&name));
    let mut marks = Vec::new();
    // What is in a Bundle refers to what is in it by the addresses that the Bundle gives: it stays as it is.
    if named.is_none_or(|of| of.as_str() != "Bundle") {
        collect(root, &mut marks);
    }
    marks.sort_by_key(|mark| mark.span.start);
    Ok(Marked { resource_type: named.ok_or(DraftFault::UnknownType)?, text: text.to_owned(), marks })
}

/// The reader limits how deep a document is.
fn collect(element: Element<'_>, marks: &mut Vec<Mark>) {
    for child in element.children() {
        if child.kind() == Kind::String && NAMES.contains(&child.name()) {
            marks.extend(of(child));
        }
        collect(child, marks);
    }
}

fn of(element: Element<'_>) -> Option<Mark> {
    let text = element.text()?;
    let span = element.offset()..element.offset() + element.raw().len();
    if element.name() == "reference"
        && let Some((of, _)) = text.split_once('?')
        && let Some(resource_type) = ResourceType::named(of)
    {
        return Some(Mark { span, to: To::Where(resource_type, text.into_owned()) });
    }
    text.contains(':').then(|| Mark { span, to: To::Url(text.into_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_made_anew_where_a_reference_means_something_else() {
        let asks = |words: &str| format!(r#"{{"resourceType":"Basic","author":{{"reference":"{words}"}}}}"#);
        let meant = |id: &str| HashMap::from([("Patient?identifier=a".to_owned(), format!("Patient/{id}"))]);
        for (words, then, now, is) in [
            ("Patient?identifier=a", meant("1"), meant("1"), true),
            ("Patient?identifier=a", meant("1"), meant("2"), false),
            ("Patient?identifier=a", meant("1"), HashMap::new(), false),
            ("Patient?identifier=a", HashMap::new(), HashMap::new(), false),
            ("Patient?identifier=b", meant("1"), meant("1"), false),
            ("urn:uuid:1", HashMap::new(), HashMap::new(), true),
        ] {
            assert_eq!(
                mark(&asks(words)).unwrap().means_the_same(&then, &now),
                is,
                "{words} {then:?} {now:?}"
            );
        }
    }

    #[test]
    fn what_is_in_a_bundle_stays_as_it_is() {
        let of = |what: &str| {
            format!(
                r#"{{"resourceType":"{what}","entry":[{{"fullUrl":"urn:uuid:1","resource":{{"reference":"urn:uuid:1"}}}}]}}"#
            )
        };
        let marks = |what: &str| mark(&of(what)).unwrap().marks.len();
        assert_eq!((marks("Bundle"), marks("Basic")), (0, 1));
    }

    #[test]
    fn references_are_found_where_they_are_references() {
        let text = r#"{"resourceType":"Basic","subject":{"reference":"urn:uuid:1","display":"urn:uuid:1"},
            "identifier":[{"system":"urn:uuid:1","value":"urn:uuid:1"}],"extension":[{"url":"http://x","valueUri":"urn:uuid:2"}],
            "author":{"reference":"Practitioner?identifier=a|b"},"code":{"text":"x"},"created":"2026-01-01"}"#;
        let marked = mark(text).unwrap();
        let found: Vec<_> = marked.marks.iter().map(|mark| (&text[mark.span.clone()], &mark.to)).collect();
        let url = |url: &str| To::Url(url.to_owned());
        let practitioner = ResourceType::named("Practitioner").unwrap();
        assert_eq!(
            found,
            [
                ("urn:uuid:1", &url("urn:uuid:1")),
                ("http://x", &url("http://x")),
                ("urn:uuid:2", &url("urn:uuid:2")),
                (
                    "Practitioner?identifier=a|b",
                    &To::Where(practitioner, "Practitioner?identifier=a|b".to_owned())
                ),
            ]
        );
    }
}
