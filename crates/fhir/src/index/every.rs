//! Records of every type with every element that R4 has, so that every parameter of every type finds something.

use std::collections::{BTreeMap, BTreeSet};

use fhirpath::{
    document::{Document, DocumentLimits},
    model::{Model, TypeId},
};
use serde_json::{Map, Value as Json, json};

use super::{extract, tests};
use crate::parameter::{Elements, Registry, ResourceType};

/// Records of each type: more than a choice has types, so that each is met.
const VARIANTS: usize = 12;
/// Elements within elements.
const DEPTH_MAX: usize = 5;

/// Numbers that repeat from run to run.
struct Maker {
    variant: usize,
    state: usize,
}

impl Maker {
    fn one_of<'w>(&mut self, words: &[&'w str]) -> &'w str {
        self.state =
            self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        words[(self.state >> 33) % words.len()]
    }

    fn object(&mut self, of: TypeId, depth: usize) -> Map<String, Json> {
        let model = Elements::r4();
        let mut made = Map::new();
        let mut choices: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, _) in model.written(of) {
            // `valueQuantity` is of `value`: one of its kind is written.
            let choice = (1..name.len()).rev().filter(|at| name.is_char_boundary(*at)).find_map(|at| {
                model
                    .choices(of, &name[..at])
                    .iter()
                    .any(|(written, _)| written == name)
                    .then(|| name[..at].to_owned())
            });
            choices.entry(choice.unwrap_or_else(|| name.to_owned())).or_default().push(name.to_owned());
        }
        for names in choices.values() {
            let name = &names[self.variant % names.len()];
            let Some(element) = model.element(of, name) else { continue };
            if matches!(name.as_str(), "extension" | "modifierExtension" | "contained") {
                continue;
            }
            let count = if element.repeats && depth < 2 { 2 } else { 1 };
            let values: Vec<Json> =
                (0..count).filter_map(|_| self.value(name, element.type_id, depth)).collect();
            match (element.repeats, values.into_iter().next()) {
                (_, None) => {}
                (false, Some(value)) => drop(made.insert(name.clone(), value)),
                (true, Some(value)) => {
                    let more = (1..count).filter_map(|_| self.value(name, element.type_id, depth));
                    made.insert(name.clone(), std::iter::once(value).chain(more).collect());
                }
            }
        }
        made
    }

    fn value(&mut self, name: &str, of: TypeId, depth: usize) -> Option<Json> {
        let type_name = Elements::r4().type_name(of);
        Some(match type_name {
            "boolean" => json!(true),
            "integer" | "positiveInt" | "unsignedInt" => json!(3),
            "decimal" => json!(1.5),
            "date" => json!("2024-05-06"),
            "dateTime" | "instant" => json!("2024-05-06T07:08:09Z"),
            "time" => json!("07:08:09"),
            "code" if name == "comparator" => json!("<"),
            "code" if name == "system" => json!(self.one_of(&["phone", "email"])),
            "code" => {
                json!(self.one_of(&["composed-of", "depends-on", "derived-from", "predecessor", "successor"]))
            }
            "xhtml" => json!("<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"),
            "uri" | "url" | "canonical" | "oid" | "uuid" => json!(format!("http://x.example/{name}|1")),
            "id" | "string" | "markdown" | "base64Binary" => json!(format!("x{}", name.len())),
            "Reference" => {
                let to = self.one_of(&["Patient", "Practitioner", "Location", "RelatedPerson", "Device"]);
                json!({"reference": format!("{to}/1"), "identifier": {"system": "urn:i", "value": "7"}})
            }
            "Resource" => json!({"resourceType": self.one_of(&["Composition", "MessageHeader"]), "id": "c"}),
            _ if depth >= DEPTH_MAX => return None,
            _ => Json::Object(self.object(of, depth + 1)),
        })
    }
}

/// A record of a type with every element that it has.
pub(super) fn record(of: ResourceType, variant: usize) -> String {
    let type_id = Elements::r4().type_named(of.as_str()).unwrap();
    let mut made = Maker { variant, state: variant }.object(type_id, 0);
    made.insert("resourceType".to_owned(), json!(of.as_str()));
    Json::Object(made).to_string()
}

#[test]
fn every_parameter_of_every_type_finds_what_fhirpath_selects() {
    let registry = Registry::r4();
    let (mut programs, mut counts) = (BTreeMap::new(), BTreeMap::new());
    let mut without = Vec::new();
    for of in ResourceType::all() {
        let mut found = BTreeSet::new();
        for variant in 0..VARIANTS {
            let json = record(of, variant);
            let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
            tests::compare(document.root(), &mut programs, &mut counts);
            let entries = extract(document.root(), &registry).unwrap();
            found.extend(entries.entries.iter().map(|entry| entry.parameter));
        }
        let lacking = registry.parameters(of).filter(|own| !found.contains(&own.id));
        without.extend(lacking.map(|own| format!("{of}.{}", own.code)));
    }
    assert_eq!(without, Vec::<String>::new());
    assert_eq!(counts.len(), 8, "{counts:?}");
}
