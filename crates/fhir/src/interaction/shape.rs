//! How a record is shown: laid out, in XML, or in part. What is kept stays as it is; numbers keep their digits.
//! <https://hl7.org/fhir/R4/search.html#elements>, <https://hl7.org/fhir/R4/search.html#summary>

use std::collections::BTreeSet;

use fhirpath::{
    document::{Document, DocumentLimits, Element, Kind},
    model::{Model, TypeId},
};
use serde_json::json;

use crate::{parameter::Elements, query::limits::ELEMENTS_MAX};

/// How far one level is laid out from the one around it.
const INDENT: &str = "  ";

/// Which part of a record is shown.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) enum Part {
    /// All of it.
    #[default]
    Whole,
    /// `_summary=true`: what R4's definitions say is of the summary, at every level.
    Summary,
    /// `_summary=text`: narrative, id, meta and what has to be there.
    Text,
    /// `_summary=data`: all but the narrative.
    Data,
    /// `_elements`: these, and what has to be there.
    Named(BTreeSet<Box<str>>),
}

impl Part {
    /// The elements that are named.
    ///
    /// # Errors
    /// In words: what is wrong with them.
    pub fn named(text: &str) -> Result<Self, &'static str> {
        let names: BTreeSet<Box<str>> = text.split(',').map(|name| name.trim().into()).collect();
        let is_name = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
        // `Patient.name` means `name`; below the first level nothing is told apart.
        let bare = |name: &str| name.rsplit('.').next().unwrap_or_default().to_owned();
        if names.len() > ELEMENTS_MAX {
            return Err("_elements names too many elements");
        }
        let names: BTreeSet<Box<str>> = names.iter().map(|name| bare(name).into()).collect();
        if names.iter().all(|name| is_name(name)) {
            Ok(Self::Named(names))
        } else {
            Err("_elements must be names of elements, with commas between them")
        }
    }

    fn shows(&self, of: Option<TypeId>, name: &str) -> bool {
        let always = ["resourceType", "id", "meta"].contains(&name);
        let r4 = Elements::r4();
        let is_mandatory = || of.is_none_or(|of| r4.is_mandatory(of, name));
        match self {
            Self::Whole => true,
            Self::Data => name != "text",
            Self::Text => always || name == "text" || is_mandatory(),
            Self::Summary => always || is_mandatory() || of.is_some_and(|of| r4.is_of_summary(of, name)),
            Self::Named(names) => {
                let is_choice = |choice: &str| {
                    let written = of.map(|of| r4.choices(of, choice)).unwrap_or_default();
                    written.iter().any(|(written, _)| written == name)
                };
                always || names.iter().any(|own| &**own == name || is_choice(own)) || is_mandatory()
            }
        }
    }

    /// The part of a record, marked as a part.
    pub fn of(&self, body: &str) -> String {
        if *self == Self::Whole {
            return body.to_owned();
        }
        let Ok(document) = Document::from_json(body.as_bytes(), &DocumentLimits::default()) else {
            return body.to_owned();
        };
        let root = document.root();
        let of = root.resource_type().and_then(|name| Elements::r4().type_named(&name));
        let mut members: Vec<Element<'_>> = root.members().collect();
        members.retain(|member| self.shows(of, member.name()));
        let mut parts = Vec::new();
        if root.child("meta").is_none() {
            parts.push(format!(r#""meta":{{"tag":[{}]}}"#, subsetted()));
        }
        for group in members.chunk_by(|one, other| one.name() == other.name()) {
            match group {
                [meta] if meta.name() == "meta" => parts.push(format!("\"meta\":{}", tagged(*meta))),
                [first, ..] => {
                    parts.push(written(first.name(), group, &|one| self.inner(one, of, first.name())));
                }
                [] => {}
            }
        }
        format!("{{{}}}", parts.join(","))
    }

    /// What is shown of the inside of an element; all of it but for a summary.
    fn inner(&self, element: Element<'_>, around: Option<TypeId>, name: &str) -> String {
        let r4 = Elements::r4();
        let own = element.resource_type().and_then(|name| r4.type_named(&name));
        let of = own.or_else(|| Some(r4.element(around?, name)?.type_id));
        if *self != Self::Summary || of.is_none() || element.kind() != Kind::Object {
            return element.to_json();
        }
        let members: Vec<Element<'_>> = element
            .members()
            .filter(|member| member.name() == "resourceType" || self.shows_within(of, member.name()))
            .collect();
        let groups = members.chunk_by(|one, other| one.name() == other.name());
        let parts = groups.filter_map(|group| {
            let name = group.first()?.name();
            Some(written(name, group, &|one| self.inner(one, of, name)))
        });
        format!("{{{}}}", parts.collect::<Vec<_>>().join(","))
    }

    /// Below the first level ids are not of the summary by themselves.
    fn shows_within(&self, of: Option<TypeId>, name: &str) -> bool {
        name != "id" && self.shows(of, name)
    }
}

fn subsetted() -> String {
    json!({"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"})
        .to_string()
}

/// The metadata with the tag that says that something is left out.
fn tagged(meta: Element<'_>) -> String {
    let text = meta.to_json();
    let Some(inside) = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}')) else {
        return text;
    };
    let kept: Vec<String> = meta
        .members()
        .filter(|member| member.name() != "tag")
        .map(|member| member.name().to_owned())
        .collect::<BTreeSet<_>>()
        .iter()
        .map(|name| {
            let group: Vec<Element<'_>> = meta.members().filter(|member| member.name() == name).collect();
            written(name, &group, &|one| one.to_json())
        })
        .collect();
    let tags: Vec<String> =
        meta.members().filter(|member| member.name() == "tag").map(|tag| tag.to_json()).collect();
    let tags = tags.into_iter().chain([subsetted()]).collect::<Vec<_>>().join(",");
    match inside.trim().is_empty() {
        true => format!(r#"{{"tag":[{tags}]}}"#),
        false => format!(r#"{{{}{}"tag":[{tags}]}}"#, kept.join(","), if kept.is_empty() { "" } else { "," }),
    }
}

/// Elements of one name as JSON writes them, the ids and extensions of primitives beside them.
fn written(name: &str, group: &[Element<'_>], inner: &dyn Fn(Element<'_>) -> String) -> String {
    let is_primitive = |element: &Element<'_>| element.kind() != Kind::Object;
    let many = group.len() > 1 || group.first().is_some_and(Element::repeats);
    let list = |all: Vec<String>| match many {
        true => format!("[{}]", all.join(",")),
        false => all.join(","),
    };
    if group.iter().any(|element| element.kind() == Kind::EmptyArray) {
        return format!("\"{name}\":[]");
    }
    let values: Vec<String> = group
        .iter()
        .map(|element| match element.kind() {
            Kind::Absent | Kind::Null => "null".to_owned(),
            _ => inner(*element),
        })
        .collect();
    let halves: Vec<String> = group
        .iter()
        .map(|element| match is_primitive(element) && element.members().next().is_some() {
            true => {
                let names: BTreeSet<&str> = element.members().map(|member| member.name()).collect();
                let inner: Vec<String> = names
                    .iter()
                    .map(|inner| {
                        let group: Vec<Element<'_>> =
                            element.members().filter(|member| member.name() == *inner).collect();
                        written(inner, &group, &|one| one.to_json())
                    })
                    .collect();
                format!("{{{}}}", inner.join(","))
            }
            false => "null".to_owned(),
        })
        .collect();
    let has_halves = halves.iter().any(|half| half != "null");
    let has_values = values.iter().any(|value| value != "null");
    let mut parts = Vec::new();
    if has_values || !has_halves {
        parts.push(format!("\"{name}\":{}", list(values)));
    }
    if has_halves {
        parts.push(format!("\"_{name}\":{}", list(halves)));
    }
    parts.join(",")
}

/// JSON laid out for people; strings and numbers stay as they are written.
pub(crate) fn pretty(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut in_string, mut escaped, mut is_open) = (0_usize, false, false, false);
    for c in json.chars() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        if c.is_ascii_whitespace() {
            continue;
        }
        let closes = matches!(c, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
            if !is_open {
                line(&mut out, depth);
            }
        } else if is_open {
            line(&mut out, depth);
        }
        is_open = matches!(c, '{' | '[');
        out.push(c);
        match c {
            '"' => in_string = true,
            '{' | '[' => depth += 1,
            ',' => line(&mut out, depth),
            ':' => out.push(' '),
            _ => {}
        }
    }
    out.push('\n');
    out
}

fn line(out: &mut String, depth: usize) {
    out.push('\n');
    (0..depth).for_each(|_| out.push_str(INDENT));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One of its elements is none of R4's.
    const PATIENT: &str = r#"{"resourceType":"Patient","id":"1","meta":{"versionId":"2","tag":[{"code":"x"}]},"text":{"status":"generated","div":"<div/>"},"birthDate":"1970-01-01","_birthDate":{"id":"b"},"given":["a",null],"_given":[null,{"id":"g"}],"name":[{"family":"A \"q\" \\"}],"multipleBirthInteger":1.50}"#;

    fn read(text: &str) -> serde_json::Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_part_is_marked_and_keeps_what_has_to_be_there() {
        let part = Part::named("birthDate,Patient.given,name").unwrap().of(PATIENT);
        let part = read(&part);
        assert_eq!(part["birthDate"], "1970-01-01");
        assert_eq!(part["_birthDate"]["id"], "b");
        assert_eq!(part["given"], json!(["a", null]));
        assert_eq!(part["_given"], json!([null, {"id": "g"}]));
        assert_eq!(part["name"][0]["family"], "A \"q\" \\");
        assert_eq!(part["meta"]["versionId"], "2");
        assert_eq!(part["meta"]["tag"][0]["code"], "x");
        assert_eq!(part["meta"]["tag"][1]["code"], "SUBSETTED");
        assert!(part.get("text").is_none() && part.get("multipleBirthInteger").is_none());
        let part = read(&Part::Data.of(PATIENT));
        assert!(part.get("text").is_none() && part["meta"]["tag"][1]["code"] == "SUBSETTED");
        assert!(Part::Data.of(PATIENT).contains("1.50"));
        let part = read(&Part::Text.of(r#"{"resourceType":"Basic","code":{"text":"a"},"text":{}}"#));
        assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED");
        assert_eq!(part["code"]["text"], "a");
        assert_eq!(Part::Whole.of(PATIENT), PATIENT);
    }

    #[test]
    fn a_summary_is_what_the_definitions_say() {
        let patient = r#"{"resourceType":"Patient","id":"1","text":{"div":"<div/>"},"extension":[{"url":"x"}],"active":true,"name":[{"id":"n","family":"A"},{"family":"B"}],"contact":[{"name":{"family":"C"}}],"photo":[{"url":"x"}],"deceasedBoolean":false,"link":[{"other":{"reference":"Patient/2"},"type":"seealso","extension":[{"url":"x"}]}]}"#;
        let summary = read(&Part::Summary.of(patient));
        assert_eq!(
            summary,
            json!({
                "resourceType": "Patient", "id": "1", "active": true, "name": [{"family": "A"}, {"family": "B"}],
                "deceasedBoolean": false, "link": [{"other": {"reference": "Patient/2"}, "type": "seealso"}],
                "meta": {"tag": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]},
            })
        );
        let report = r#"{"resourceType":"DiagnosticReport","status":"final","code":{"text":"x"},"presentedForm":[{"data":"AA=="}],"media":[{"comment":"x","link":{"reference":"Media/1"}}]}"#;
        let summary = read(&Part::Summary.of(report));
        assert_eq!(summary["media"], json!([{"link": {"reference": "Media/1"}}]));
        assert!(summary.get("presentedForm").is_none());
        let claim = r#"{"resourceType":"Claim","status":"active","use":"claim","subType":{"text":"x"},"priority":{"text":"x"},"total":{"value":1.50}}"#;
        let text = read(&Part::Text.of(claim));
        assert_eq!(
            (text["use"].as_str(), text.get("subType"), text.get("total")),
            (Some("claim"), None, None)
        );
        let named = Part::named("value").unwrap();
        let seen = r#"{"resourceType":"Observation","status":"final","code":{},"valueInteger":7,"note":[{"text":"x"}]}"#;
        let seen = read(&named.of(seen));
        assert_eq!(
            (seen["valueInteger"].as_i64(), seen["status"].as_str(), seen.get("note")),
            (Some(7), Some("final"), None)
        );
    }

    #[test]
    fn names_of_elements_are_names() {
        for text in ["", "a,,b", "a b", "a\"", &"a,".repeat(70)] {
            assert!(Part::named(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn laid_out_it_is_the_same() {
        let laid_out = pretty(PATIENT);
        assert_eq!(read(&laid_out), read(PATIENT));
        assert!(laid_out.contains("\"multipleBirthInteger\": 1.50\n}"), "{laid_out}");
        assert_eq!(
            pretty(r#"{"a":[],"b":{},"c":[1,{"d":"e,{"}]}"#),
            "{\n  \"a\": [],\n  \"b\": {},\n  \"c\": [\n    1,\n    {\n      \"d\": \"e,{\"\n    }\n  ]\n}\n"
        );
    }
}
