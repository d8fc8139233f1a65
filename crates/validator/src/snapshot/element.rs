//! One element of a differential over the element that it constrains.
//! <https://hl7.org/fhir/R4/elementdefinition.html#interpretation>, the column "derived profile".

use serde_json::{Map, Value};

use super::SnapshotFound;

type Fields = Map<String, Value>;

/// What is said of an element where it is defined, and not of those that are built on it.
const NOT_INHERITED: [&str; 12] = [
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-standards-status-reason",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-category",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fmm",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-implements",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-explicit-type-name",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-security-category",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-wg",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version",
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-summary",
    "http://hl7.org/fhir/StructureDefinition/obligation",
    "http://hl7.org/fhir/tools/StructureDefinition/obligation-profile",
];

/// Types that a binding means something for.
const BINDABLE: [&str; 7] =
    ["Coding", "CodeableConcept", "Quantity", "uri", "string", "code", "CodeableReference"];

/// Lays the differential over what is inherited.
pub(super) fn lay(over: &mut Fields, diff: &Fields, tell: &mut dyn FnMut(SnapshotFound)) {
    inherit_extensions(over);
    for (name, value) in diff {
        match name.as_str() {
            "short" | "definition" | "comment" | "requirements" | "meaningWhenMissing" | "label" => {
                text(over, name, value)
            }
            "extension" => by_key(over, name, value, "url"),
            "constraint" => add(over, name, value, |a, b| a.get("key") == b.get("key")),
            "mapping" => {
                add(over, name, value, |a, b| {
                    a.get("identity") == b.get("identity") && a.get("map") == b.get("map")
                });
            }
            "alias" | "condition" | "example" | "code" => add(over, name, value, |a, b| a == b),
            "min" => min(over, value, tell),
            "max" => max(over, value, tell),
            "binding" => binding(over, value),
            // Whose slicing it is, the slices' rules decide.
            "slicing" | "base" | "contentReference" => {}
            "isSummary" if over.contains_key("isSummary") => {}
            // What modifies does so in every profile.
            "isModifier" if over.get("isModifier") == Some(&Value::Bool(true)) => {}
            "mustSupport" if over.get("mustSupport") == Some(&Value::Bool(true)) => {}
            _ => {
                one_of_a_kind(over, name);
                over.insert(name.clone(), value.clone());
            }
        }
    }
    let codes: Vec<&str> = super::choice::codes(over).collect();
    let is_bindable = codes.is_empty() || codes.iter().any(|code| BINDABLE.contains(code));
    if !is_bindable {
        over.remove("binding");
    }
}

pub(super) fn inherit_extensions(over: &mut Fields) {
    let Some(Value::Array(extensions)) = over.get_mut("extension") else { return };
    extensions.retain(|extension| {
        let url = extension.get("url").and_then(Value::as_str).unwrap_or_default();
        !NOT_INHERITED.contains(&url)
    });
    if extensions.is_empty() {
        over.remove("extension");
    }
}

/// A profile's root as an element of another profile: what the root does not say, the element says.
/// Whether an element is in summaries and what its conditions are, the root says alone, as published snapshots have it.
pub(super) fn fill(root: &Fields, element: &Fields) -> Fields {
    let mut filled = root.clone();
    for (name, value) in element {
        match name.as_str() {
            "constraint" => add(&mut filled, name, value, |a, b| a.get("key") == b.get("key")),
            "mapping" => {
                add(&mut filled, name, value, |a, b| {
                    a.get("identity") == b.get("identity") && a.get("map") == b.get("map")
                });
            }
            "alias" | "code" => add(&mut filled, name, value, |a, b| a == b),
            "base" | "type" => {
                filled.insert(name.clone(), value.clone());
            }
            "slicing" | "isSummary" | "condition" => {}
            "isModifier" | "isModifierReason" if element.get("isModifier") == Some(&Value::Bool(true)) => {
                filled.insert(name.clone(), value.clone());
            }
            _ if filled.contains_key(name) => {}
            _ => {
                filled.insert(name.clone(), value.clone());
            }
        }
    }
    filled
}

/// Text that begins with `...` is added to what is inherited.
fn text(over: &mut Fields, name: &str, value: &Value) {
    let added = value.as_str().and_then(|text| text.strip_prefix("..."));
    let text = match (added, over.get(name).and_then(Value::as_str)) {
        (Some(added), Some(inherited)) => Value::String(format!("{inherited}\r\n{added}")),
        (Some(added), None) => Value::String(added.to_owned()),
        (None, _) => value.clone(),
    };
    over.insert(name.to_owned(), text);
}

fn list<'a>(over: &'a mut Fields, name: &str) -> Option<&'a mut Vec<Value>> {
    over.entry(name).or_insert_with(|| Value::Array(Vec::new())).as_array_mut()
}

fn add(over: &mut Fields, name: &str, value: &Value, is_same: impl Fn(&Value, &Value) -> bool) {
    let (Some(there), Some(values)) = (list(over, name), value.as_array()) else { return };
    for value in values {
        if !there.iter().any(|old| is_same(old, value)) {
            there.push(value.clone());
        }
    }
}

/// Entries with the same key are replaced.
fn by_key(over: &mut Fields, name: &str, value: &Value, key: &str) {
    let (Some(there), Some(values)) = (list(over, name), value.as_array()) else { return };
    there.retain(|old| !values.iter().any(|new| new.get(key) == old.get(key)));
    there.extend(values.iter().cloned());
}

fn min(over: &mut Fields, value: &Value, tell: &mut dyn FnMut(SnapshotFound)) {
    if over.get("min").and_then(Value::as_u64) > value.as_u64() {
        tell(SnapshotFound::Widened("min"));
    }
    over.insert("min".to_owned(), value.clone());
}

fn max(over: &mut Fields, value: &Value, tell: &mut dyn FnMut(SnapshotFound)) {
    if is_above(value, over.get("max")) {
        tell(SnapshotFound::Widened("max"));
    }
    over.insert("max".to_owned(), value.clone());
}

/// `*` is above every number.
pub(super) fn is_above(max: &Value, other: Option<&Value>) -> bool {
    let number = |value: &Value| match value.as_str() {
        Some("*") => Some(u64::MAX),
        Some(text) => text.parse().ok(),
        None => None,
    };
    matches!((number(max), other.and_then(number)), (Some(max), Some(other)) if max > other)
}

/// Strength and value set are inherited, what was said of them is not.
fn binding(over: &mut Fields, value: &Value) {
    let Some(new) = value.as_object() else { return };
    let mut binding = match over.get("binding") {
        Some(Value::Object(old)) => old.clone(),
        _ => Fields::new(),
    };
    binding.remove("extension");
    binding.remove("description");
    binding.extend(new.iter().map(|(name, value)| (name.clone(), value.clone())));
    over.insert("binding".to_owned(), Value::Object(binding));
}

/// `fixedUri` takes the place of any other `fixed[x]`.
fn one_of_a_kind(over: &mut Fields, name: &str) {
    let kinds = ["fixed", "pattern", "minValue", "maxValue", "defaultValue"];
    let kind = kinds
        .iter()
        .find(|kind| name.strip_prefix(**kind).is_some_and(|rest| rest.starts_with(char::is_uppercase)));
    if let Some(kind) = kind {
        over.retain(|key, _| !key.trim_start_matches('_').starts_with(kind));
    }
}
