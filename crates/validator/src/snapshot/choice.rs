//! Choice types: `value[x]`, and `valueQuantity` for it. <https://hl7.org/fhir/R4/formats.html#choice>

use serde_json::{Map, Value, json};

use super::{differential::Differential, tree::Node};

/// The types of an element, by their codes.
pub(super) fn codes(fields: &Map<String, Value>) -> impl Iterator<Item = &str> {
    let types = fields.get("type").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    types.iter().filter_map(|of_type| of_type.get("code")?.as_str())
}

/// The type that a differential's name picks of a choice: `Quantity` for `valueQuantity`.
pub(super) fn picked<'a>(head: &'a Node, diff: &Differential) -> Option<&'a str> {
    let rest = diff.name.strip_prefix(head.name.strip_suffix("[x]")?)?;
    codes(&head.fields).find(|code| is_capital_of(rest, code))
}

/// Whether a differential's element means this element of the base.
pub(super) fn is_meant(head: &Node, diff: &Differential) -> bool {
    diff.name == head.name || picked(head, diff).is_some()
}

/// `value` + `Quantity`
pub(super) fn slice_name(head: &Node, code: &str) -> String {
    let stem = head.name.strip_suffix("[x]").unwrap_or(&head.name);
    let mut code = code.chars();
    let first = code.next().map(|c| c.to_ascii_uppercase());
    stem.chars().chain(first).chain(code).collect()
}

fn is_capital_of(capital: &str, code: &str) -> bool {
    let (mut a, mut b) = (capital.chars(), code.chars());
    match (a.next(), b.next()) {
        (Some(first), Some(of)) => first == of.to_ascii_uppercase() && a.as_str() == b.as_str(),
        _ => false,
    }
}

/// The slicing by type, which is always of this form.
pub(super) fn slicing(rules: &str) -> Value {
    json!({ "discriminator": [{ "type": "type", "path": "$this" }], "ordered": false, "rules": rules })
}
