//! What a resource is, read from its head without building a tree. `.index.json` is not asked: it may say anything.

use std::borrow::Cow;

use serde::Deserialize;

/// The few elements by which resources are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// `StructureDefinition`
    pub resource_type: Box<str>,
    /// `Resource.id`
    pub id: Option<Box<str>>,
    /// The canonical url.
    pub url: Option<Box<str>>,
    /// The business version.
    pub version: Option<Box<str>>,
    /// What sort of structure, code system …
    pub kind: Kind,
}

/// What is asked of a resource before it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A `StructureDefinition`.
    Structure {
        /// `resource`, `complex-type`, `primitive-type` or `logical`.
        kind: Box<str>,
        /// The type that it defines or constrains.
        defines: Box<str>,
        /// It constrains another, and defines no type.
        is_constraint: bool,
    },
    /// A `CodeSystem` that adds to the one of this url.
    Supplement(Box<str>),
    /// Anything else.
    Other,
}

#[derive(Deserialize)]
struct HeadIn<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource_type: Option<Cow<'a, str>>,
    #[serde(borrow)]
    id: Option<Loose<'a>>,
    #[serde(borrow)]
    url: Option<Loose<'a>>,
    #[serde(borrow)]
    version: Option<Loose<'a>>,
    #[serde(borrow)]
    kind: Option<Loose<'a>>,
    #[serde(borrow, rename = "type")]
    of_type: Option<Loose<'a>>,
    #[serde(borrow)]
    derivation: Option<Loose<'a>>,
    #[serde(borrow)]
    supplements: Option<Loose<'a>>,
}

/// `type` and others are a code in one resource and a structure in the next.
#[derive(Deserialize)]
#[serde(untagged)]
enum Loose<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Else(serde::de::IgnoredAny),
}

impl Loose<'_> {
    fn text(self) -> Option<Box<str>> {
        match self {
            Self::Text(text) => Some(text.into()),
            Self::Else(_) => None,
        }
    }
}

impl Head {
    /// The head of a resource; `Ok(None)` where the JSON is no resource.
    pub(super) fn read(json: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        if json.trim_ascii_start().first() == Some(&b'[') {
            return Ok(None);
        }
        let read: HeadIn<'_> = serde_json::from_slice(json)?;
        let text = |value: Option<Loose<'_>>| value.and_then(Loose::text);
        let Some(resource_type) = read.resource_type.map(Box::<str>::from) else { return Ok(None) };
        let kind = match &*resource_type {
            "StructureDefinition" => Kind::Structure {
                kind: text(read.kind).unwrap_or_default(),
                defines: text(read.of_type).unwrap_or_default(),
                is_constraint: text(read.derivation).as_deref() == Some("constraint"),
            },
            "CodeSystem" => text(read.supplements).map_or(Kind::Other, Kind::Supplement),
            _ => Kind::Other,
        };
        Ok(Some(Self {
            resource_type,
            id: text(read.id),
            url: text(read.url),
            version: text(read.version),
            kind,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_whatever_else_is_there() {
        let json =
            br#"{"type":{"coding":[]},"resourceType":"Patient","id":"a","url":null,"kind":3,"x":[[{}]]}"#;
        let head = Head::read(json).unwrap().unwrap();
        assert_eq!((&*head.resource_type, head.id.as_deref(), head.url), ("Patient", Some("a"), None));
        assert_eq!(Head::read(b"[1]").unwrap(), None);
        assert_eq!(Head::read(b"{}").unwrap(), None);
        assert!(Head::read(b"{").is_err());
        assert!(Head::read(br#"{"resourceType":"A","resourceType":"B"}"#).is_err(), "twice");
    }
}
