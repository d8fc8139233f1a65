//! What a reference points to. <https://hl7.org/fhir/R4/references.html>

use std::borrow::Cow;

use fhirpath::document::Element;

use super::{Reference, Value};
use crate::parameter::ResourceType;

/// The longest id of a record. <https://hl7.org/fhir/R4/datatypes.html#id>
const ID_BYTES_MAX: usize = 64;

/// Whether a text can be the id of a record.
pub(crate) fn is_id(text: &str) -> bool {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    !text.is_empty() && text.len() <= ID_BYTES_MAX && text.bytes().all(good)
}

/// The text of a reference; nothing of one that points into its own record (`#…`) or nowhere.
pub(crate) fn read<'d>(text: Cow<'d, str>, base: Option<&str>) -> Option<Reference<'d>> {
    match text {
        Cow::Borrowed(text) => read_str(text, base),
        Cow::Owned(text) => read_str(&text, base).map(Reference::into_owned),
    }
}

fn read_str<'t>(text: &'t str, base: Option<&str>) -> Option<Reference<'t>> {
    let relative = base.and_then(|base| text.strip_prefix(base)?.strip_prefix('/')).unwrap_or(text);
    if let Some((resource_type, id, version)) = local(relative) {
        let version = version.map(Cow::Borrowed);
        return Some(Reference::Local { resource_type, id: id.into(), version });
    }
    let has_scheme = text.split_once(':').is_some_and(|(scheme, rest)| {
        !rest.is_empty() && !scheme.is_empty() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
    });
    let (url, _) = text.split_once("/_history/").unwrap_or((text, ""));
    has_scheme.then_some(Reference::Absolute { url: url.into() })
}

/// `Patient/1`, `Patient/1/_history/2`
pub(crate) fn local(text: &str) -> Option<(ResourceType, &str, Option<&str>)> {
    let mut parts = text.split('/');
    let resource_type = ResourceType::named(parts.next()?)?;
    let id = parts.next().filter(|id| is_id(id))?;
    let version = match parts.next() {
        None => return Some((resource_type, id, None)),
        Some("_history") => parts.next().filter(|version| is_id(version))?,
        Some(_) => return None,
    };
    parts.next().is_none().then_some((resource_type, id, Some(version)))
}

/// `http://example.org/ValueSet/x|1.0#part`: a definition; one that is written as a record's address is such a reference.
pub(super) fn of_canonical<'d>(element: Element<'d>, base: Option<&str>) -> Option<Reference<'d>> {
    let text = element.text()?;
    if let Some(local @ Reference::Local { .. }) = read(text.clone(), base) {
        return Some(local);
    }
    match text {
        Cow::Borrowed(text) => canonical(text),
        Cow::Owned(text) => canonical(&text)?.into_owned().into(),
    }
}

pub(crate) fn canonical(text: &str) -> Option<Reference<'_>> {
    let (text, _) = text.split_once('#').unwrap_or((text, ""));
    let (url, version) = text.split_once('|').map_or((text, None), |(url, version)| (url, Some(version)));
    let version = version.filter(|version| !version.is_empty()).map(Cow::Borrowed);
    (!url.is_empty()).then_some(Reference::Canonical { url: url.into(), version })
}

/// A Reference, by what it says; its identifier is a value of its own.
pub(super) fn of_reference<'d>(element: Element<'d>, base: Option<&str>) -> Option<Value<'d>> {
    read(element.child("reference")?.text()?, base).map(Value::Reference)
}

/// A record that stands in another, as those of a Bundle do, if it is of one of these types.
pub(super) fn of_inline<'d>(element: Element<'d>, of: &[ResourceType]) -> Option<Value<'d>> {
    let resource_type = ResourceType::named(&element.resource_type()?).filter(|own| of.contains(own))?;
    let id = element.child("id")?.text()?;
    Some(Value::Reference(Reference::Local { resource_type, id, version: None }))
}

/// The type that a reference leads to, as far as it tells.
pub(super) fn leads_to(element: Element<'_>, wanted: &str) -> bool {
    let said = element.child("reference").and_then(|reference| reference.text());
    let Some(said) = said else {
        return element.child("type").and_then(|of| of.text()).as_deref() == Some(wanted);
    };
    if let Some(id) = said.strip_prefix('#') {
        return contained(element, id).is_some_and(|found| found.resource_type().as_deref() == Some(wanted));
    }
    // A conditional reference, which only what is asked without being stored still has.
    if let Some((own, _)) = said.split_once('?') {
        return own == wanted;
    }
    let (path, _) = said.split_once("/_history/").unwrap_or((&said, ""));
    let named =
        path.rsplit_once('/').map(|(before, _)| before.rsplit_once('/').map_or(before, |(_, own)| own));
    match named {
        Some(own) => own == wanted,
        // `urn:uuid:…` does not tell; its type may be said beside it.
        None => element.child("type").and_then(|of| of.text()).as_deref() == Some(wanted),
    }
}

fn contained<'d>(from: Element<'d>, id: &str) -> Option<Element<'d>> {
    let mut record = from.resource();
    if record.name() == "contained" {
        record = record.parent()?.resource();
    }
    let mut within = record.children().filter(|child| child.name() == "contained");
    within.find(|child| child.child("id").and_then(|own| own.text()).as_deref() == Some(id))
}

impl Reference<'_> {
    /// Without the document.
    pub fn into_owned(self) -> Reference<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        match self {
            Self::Local { resource_type, id, version } => {
                Reference::Local { resource_type, id: owned(id), version: version.map(owned) }
            }
            Self::Absolute { url } => Reference::Absolute { url: owned(url) },
            Self::Canonical { url, version } => {
                Reference::Canonical { url: owned(url), version: version.map(owned) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_told_apart() {
        let base = Some("https://h.example/fhir");
        let told = |text: &str| {
            read(Cow::Borrowed(text), base).map(|reference| match reference {
                Reference::Local { resource_type, id, version } => {
                    format!("{resource_type} {id} {}", version.unwrap_or_default())
                }
                Reference::Absolute { url } => format!("<{url}>"),
                Reference::Canonical { .. } => String::new(),
            })
        };
        for (text, expected) in [
            ("Patient/1", Some("Patient 1 ")),
            ("Patient/1/_history/2", Some("Patient 1 2")),
            ("https://h.example/fhir/Patient/1", Some("Patient 1 ")),
            ("https://h.example/fhir2/Patient/1", Some("<https://h.example/fhir2/Patient/1>")),
            ("http://o.example/Patient/1/_history/3", Some("<http://o.example/Patient/1>")),
            (
                "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
                Some("<urn:uuid:c757873d-ec9a-4326-a141-556f43239520>"),
            ),
            ("#p1", None),
            ("", None),
            ("Patient", None),
            ("Patient?identifier=1", None),
            ("Nobody/1", None),
            ("Patient/a_b", None),
            ("Patient/1/x", None),
            ("Patient/1/_history", None),
        ] {
            assert_eq!(told(text).as_deref(), expected, "{text}");
        }
    }
}
