//! Measures: the libraries that their criteria speak of. <https://hl7.org/fhir/R4/measure.html>

use std::collections::HashSet;

use base64::{Engine, engine::general_purpose};
use fhirpath::document::Element;
use serde_json::Value;

use super::{Run, messages, narrative::attribute};
use crate::Severity::{Error, Information, Warning};

/// A library, as far as criteria need it.
struct Logic {
    url: String,
    name: String,
    /// What it defines, by the compiled form of CQL; nothing, where it has none.
    defines: Option<HashSet<String>>,
}

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn check_measure(&mut self, measure: Element<'d>) {
        let mut libraries = Vec::new();
        for library in named(measure, "library") {
            let Some(canonical) = library.text() else { continue };
            match self
                .programs
                .library()
                .canonical_of_type(&canonical, "Library")
                .and_then(|one| one.parse().ok())
            {
                Some(found) => libraries.push(Logic::new(&found)),
                None => self.tell(measure, Information, &messages::LIBRARY_UNKNOWN, &[&canonical]),
            }
        }
        for stratifier in named(measure, "group").flat_map(|group| named(group, "stratifier")) {
            // Those of components are not looked at by HL7's validator.
            if let Some(criteria) = stratifier.child("criteria") {
                self.check_criteria(criteria, &libraries);
            }
        }
    }

    /// An expression in CQL names a definition of one of the libraries.
    fn check_criteria(&mut self, criteria: Element<'d>, libraries: &[Logic]) {
        let text = |name: &str| criteria.child(name).and_then(|own| own.text()).unwrap_or_default();
        let (language, expression) = (text("language"), text("expression"));
        if !matches!(&*language, "text/cql" | "text/cql.identifier" | "text/cql-identifier") {
            if !language.is_empty() {
                self.tell(criteria, Warning, &messages::CRITERIA_LANGUAGE, &[&language]);
            }
            return;
        }
        let found = match (libraries, expression.split_once('.')) {
            ([], _) => return self.tell(criteria, Error, &messages::CRITERIA_NO_LIBRARY, &[]),
            (_, Some((name, defined))) => {
                let of_name: Vec<&Logic> = libraries.iter().filter(|one| one.name == name).collect();
                match of_name.as_slice() {
                    [only] => (*only, defined),
                    [] => return self.tell(criteria, Error, &messages::CRITERIA_LIBRARY_UNKNOWN, &[name]),
                    _ => return self.tell(criteria, Error, &messages::CRITERIA_LIBRARY_TWICE, &[name]),
                }
            }
            ([only], None) => (only, &*expression),
            _ => return self.tell(criteria, Error, &messages::CRITERIA_WHICH_LIBRARY, &[&expression]),
        };
        let (library, defined) = found;
        match &library.defines {
            None => self.tell(criteria, Error, &messages::CRITERIA_NOT_COMPILED, &[&library.url]),
            Some(defines) if !defines.contains(defined) => {
                self.tell(criteria, Error, &messages::CRITERIA_UNDEFINED, &[defined, &library.url]);
            }
            Some(_) => {}
        }
    }
}

impl Logic {
    fn new(library: &Value) -> Self {
        let text = |name: &str| library.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let contents = library.get("content").and_then(Value::as_array).into_iter().flatten();
        let defines = contents.filter_map(|content| {
            let data = content.get("data").and_then(Value::as_str)?;
            let data =
                general_purpose::STANDARD.decode(data.split_ascii_whitespace().collect::<String>()).ok()?;
            match content.get("contentType").and_then(Value::as_str)? {
                "application/elm+xml" => defined_in_xml(std::str::from_utf8(&data).ok()?),
                "application/elm+json" => defined_in_json(&serde_json::from_slice(&data).ok()?),
                _ => None,
            }
        });
        Self { url: text("url"), name: text("name"), defines: defines.reduce(|all, more| &all | &more) }
    }
}

/// `<library xmlns="urn:hl7-org:elm:r1">…<statements><def name="…">`. <https://cql.hl7.org/elm.html>
fn defined_in_xml(elm: &str) -> Option<HashSet<String>> {
    let library = elm.split_once("<library")?.1.split_once('>')?.0;
    if attribute(library, "xmlns") != Some("urn:hl7-org:elm:r1") {
        return None;
    }
    let statements = elm.split_once("<statements").map_or("", |(_, rest)| rest);
    let statements = statements.split("</statements").next().unwrap_or_default();
    let tags = statements
        .split("<def")
        .skip(1)
        .filter(|tag| tag.starts_with(|next: char| next.is_ascii_whitespace()));
    let names = tags.filter_map(|tag| attribute(tag.split('>').next()?, " name"));
    Some(names.map(plain).collect())
}

fn defined_in_json(elm: &Value) -> Option<HashSet<String>> {
    let defined = elm.get("library")?.pointer("/statements/def").and_then(Value::as_array);
    let names = defined.into_iter().flatten().filter_map(|one| one.get("name").and_then(Value::as_str));
    Some(names.map(str::to_owned).collect())
}

/// Text without XML's five entities.
fn plain(text: &str) -> String {
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    entities.into_iter().fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

fn named<'d>(of: Element<'d>, name: &'static str) -> impl Iterator<Item = Element<'d>> {
    of.children().filter(move |child| child.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elm_says_what_it_defines() {
        let xml = r#"<?xml version="1.0"?><library xmlns="urn:hl7-org:elm:r1" xmlns:a="b"><parameters><def name="P"/></parameters>
            <statements><def locator="1" name="A &lt; B" context="Patient"><expression><define name="x"/></expression></def>
            <def name="C"/></statements></library>"#;
        let names = HashSet::from(["A < B".to_owned(), "C".to_owned()]);
        assert_eq!(defined_in_xml(xml), Some(names));
        assert_eq!(defined_in_xml("<library xmlns=\"urn:hl7-org:elm:r1\"/>"), Some(HashSet::new()));
        for text in ["", "<library", "<library xmlns=\"other\">", "library \"\""] {
            assert_eq!(defined_in_xml(text), None, "{text}");
        }
        let json = serde_json::json!({ "library": { "statements": { "def": [{ "name": "C" }, {}] } } });
        assert_eq!(defined_in_json(&json), Some(HashSet::from(["C".to_owned()])));
        assert_eq!(defined_in_json(&serde_json::json!({})), None);
    }
}
