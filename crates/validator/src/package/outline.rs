//! What the model asks of a type's definition, and nothing else: thirty million bytes of definitions become one million.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// A `StructureDefinition` with what [`fhirpath::model::Definitions`] reads of it.
#[derive(Deserialize, Serialize)]
struct Outline<'a> {
    #[serde(rename = "resourceType", borrow)]
    resource_type: Cow<'a, str>,
    #[serde(rename = "type", borrow)]
    defines: Cow<'a, str>,
    #[serde(rename = "baseDefinition", borrow, skip_serializing_if = "Option::is_none")]
    base: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    derivation: Option<Cow<'a, str>>,
    #[serde(rename = "abstract", skip_serializing_if = "Option::is_none")]
    is_abstract: Option<bool>,
    #[serde(borrow)]
    snapshot: Snapshot<'a>,
}

#[derive(Deserialize, Serialize)]
struct Snapshot<'a> {
    #[serde(borrow)]
    element: Vec<Element<'a>>,
}

#[derive(Deserialize, Serialize)]
struct Element<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    max: Option<Cow<'a, str>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    base: Option<Base<'a>>,
    #[serde(rename = "contentReference", borrow, skip_serializing_if = "Option::is_none")]
    content: Option<Cow<'a, str>>,
    #[serde(rename = "type", borrow, default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<Type<'a>>,
}

#[derive(Deserialize, Serialize)]
struct Base<'a> {
    #[serde(borrow)]
    path: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
struct Type<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    extension: Option<Vec<Extension<'a>>>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    code: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Serialize)]
struct Extension<'a> {
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(rename = "valueUrl", borrow, skip_serializing_if = "Option::is_none")]
    value: Option<Cow<'a, str>>,
}

/// The outline of a definition; `None`, where it is written in any unusual way: then the whole is read.
pub(super) fn outline(json: &[u8]) -> Option<Vec<u8>> {
    serde_json::to_vec(&serde_json::from_slice::<Outline<'_>>(json).ok()?).ok()
}
