//! A message, read: what its header says, and the records that it brings.

use std::collections::HashSet;

use fhirpath::document::{Document, Element};
use serde_json::Value;
use web::Problem;

use crate::{interaction::posted::invalid, parameter::ResourceType};

/// A message.
pub(super) struct Message {
    /// The header, in JSON.
    pub header: Value,
    /// By what the answer names it.
    pub id: String,
    /// What it brings, the header first.
    pub entries: Vec<Brought>,
}

/// A record that a message brings.
pub(super) struct Brought {
    pub full_url: Option<String>,
    pub resource_type: ResourceType,
    /// In JSON, its references those that entries are named by.
    pub json: String,
}

impl Message {
    /// Reads a Bundle of type `message` with so many entries at the most.
    pub fn read(bundle: &Document<'_>, entries_max: usize) -> Result<Self, Problem> {
        let root = bundle.root();
        if root.resource_type().as_deref() != Some("Bundle") {
            return Err(
                invalid("a message is a Bundle", "resourceType").with_code("MSG_RESOURCE_TYPE_MISMATCH")
            );
        }
        if text(root, "type").as_deref() != Some("message") {
            return Err(invalid("a Bundle that is sent here is of type message", "Bundle.type"));
        }
        let entries: Vec<Element<'_>> = root.members().filter(|member| member.name() == "entry").collect();
        if entries.len() > entries_max {
            return Err(crate::interaction::bundle::too_many(entries_max));
        }
        let urls: HashSet<String> = entries.iter().filter_map(|entry| text(*entry, "fullUrl")).collect();
        let read = |(nth, entry): (usize, &Element<'_>)| {
            brought(*entry, &urls)
                .map_err(|why| invalid(why, "").with_path(format!("Bundle.entry[{nth}].resource")))
        };
        let entries: Vec<Brought> = entries.iter().enumerate().map(read).collect::<Result<_, _>>()?;
        let no_header =
            || invalid("the first entry of a message is its MessageHeader", "Bundle.entry[0].resource");
        let first = entries.first().filter(|first| first.resource_type.as_str() == "MessageHeader");
        let header: Value =
            serde_json::from_str(&first.ok_or_else(no_header)?.json).map_err(|_| no_header())?;
        let own = header.get("id").and_then(Value::as_str).map(str::to_owned);
        let of_bundle = root.child("identifier").and_then(|identifier| text(identifier, "value"));
        let of_entry = || {
            first.and_then(|first| first.full_url.as_deref()?.strip_prefix("urn:uuid:").map(str::to_owned))
        };
        let id = own.or(of_bundle).or_else(|| text(root, "id")).or_else(of_entry);
        let id = id.filter(|id| !id.is_empty()).ok_or_else(|| {
            invalid(
                "a message has an id, so that it is processed once: MessageHeader.id",
                "Bundle.entry[0].resource.id",
            )
        })?;
        Ok(Self { header, id, entries })
    }
}

fn text(of: Element<'_>, name: &str) -> Option<String> {
    of.child(name).and_then(|it| it.text().map(|text| text.into_owned()))
}

fn brought(entry: Element<'_>, urls: &HashSet<String>) -> Result<Brought, &'static str> {
    let resource = entry.child("resource").ok_or("resource is missing")?;
    let of = resource.resource_type().as_deref().and_then(ResourceType::named);
    let full_url = text(entry, "fullUrl");
    let json = resource.to_json();
    let json = match full_url.as_deref().and_then(base) {
        Some(base) => absolute(&json, base, urls).unwrap_or(json),
        None => json,
    };
    Ok(Brought { resource_type: of.ok_or("resourceType is none of FHIR R4")?, full_url, json })
}

/// `https://a.example/fhir/` of `https://a.example/fhir/Patient/1`
fn base(url: &str) -> Option<&str> {
    let mut parts = url.rsplitn(3, '/');
    let (_, of, _) = (parts.next()?, parts.next()?, parts.next()?);
    ResourceType::named(of)?;
    url.rfind(&format!("/{of}/")).and_then(|at| url.get(..=at))
}

/// References that are relative to the address of the entry, as the addresses of the entries that they mean.
/// <https://hl7.org/fhir/R4/bundle.html#references>
fn absolute(json: &str, base: &str, urls: &HashSet<String>) -> Option<String> {
    let document = Document::from_json(json.as_bytes(), &crate::interaction::posted::limits()).ok()?;
    let mut spans = Vec::new();
    let mut open = vec![document.root()];
    while let Some(element) = open.pop() {
        for child in element.children() {
            if child.name() == "reference"
                && let Some(near) = child.text().map(|text| format!("{base}{text}"))
                && urls.contains(&near)
            {
                spans.push((child.offset()..child.offset() + child.raw().len(), near));
            }
            open.push(child);
        }
    }
    spans.sort_by_key(|(span, _)| std::cmp::Reverse(span.start));
    let mut text = document.source().to_owned();
    for (span, url) in spans {
        // What stands between the quotes.
        let quoted = Value::from(url).to_string();
        text.replace_range(span, quoted.strip_prefix('"')?.strip_suffix('"')?);
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bundle: &Value) -> Result<Message, Problem> {
        let text = bundle.to_string();
        let document = Document::from_json(text.as_bytes(), &Default::default()).unwrap();
        Message::read(&document, 3)
    }

    #[test]
    fn a_message_is_named_by_its_header_or_by_what_stands_for_it() {
        let bundle = |more: Value, header: Value, url: &str| {
            let mut bundle = serde_json::json!({"resourceType": "Bundle", "type": "message", "entry": [{"fullUrl": url, "resource": header}]});
            bundle.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            bundle
        };
        let header = || serde_json::json!({"resourceType": "MessageHeader"});
        let of_bundle = serde_json::json!({"id": "b", "identifier": {"value": "i"}});
        let named = serde_json::json!({"resourceType": "MessageHeader", "id": "h"});
        for (bundle, id) in [
            (bundle(of_bundle.clone(), named, "urn:uuid:u"), Some("h")),
            (bundle(of_bundle, header(), "urn:uuid:u"), Some("i")),
            (bundle(serde_json::json!({"id": "b"}), header(), "urn:uuid:u"), Some("b")),
            (bundle(serde_json::json!({}), header(), "urn:uuid:u"), Some("u")),
            (bundle(serde_json::json!({}), header(), "http://u"), None),
        ] {
            assert_eq!(read(&bundle).ok().map(|message| message.id).as_deref(), id, "{bundle}");
        }
    }

    #[test]
    fn what_is_near_an_entry_is_found_by_its_address() {
        let resource = r#"{"resourceType":"Observation","value":1.10,"subject":{"reference":"Patient/1"},"focus":[{"reference":"Patient/2"}]}"#;
        let urls = ["http://a/fhir/Patient/1".to_owned()].into_iter().collect();
        let near = absolute(resource, base("http://a/fhir/Observation/x").unwrap(), &urls).unwrap();
        assert_eq!(near, resource.replace("\"Patient/1\"", "\"http://a/fhir/Patient/1\""));
        assert_eq!((base("urn:uuid:1"), base("http://a/fhir/Thing/1")), (None, None));
    }
}
