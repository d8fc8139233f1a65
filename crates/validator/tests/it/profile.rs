//! What becomes of one differential: small types and profiles, made for the case.

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use validator::{Library, Package, Snapshots, snapshot::Published};

use crate::archive::{Archive, MANIFEST};

const URL: &str = "http://x/StructureDefinition/";

fn typed(name: &str, kind: &str, elements: Value) -> Value {
    json!({ "resourceType": "StructureDefinition", "id": name, "url": format!("{URL}{name}"), "kind": kind, "type": name,
        "derivation": "specialization", "snapshot": { "element": elements } })
}

fn profile(name: &str, base: &str, elements: Value) -> Value {
    json!({ "resourceType": "StructureDefinition", "id": name, "url": format!("{URL}{name}"), "kind": "resource", "type": "Thing",
        "derivation": "constraint", "baseDefinition": format!("{URL}{base}"), "differential": { "element": elements } })
}

fn types() -> Vec<Value> {
    let element = json!([
        { "path": "Element", "min": 0, "max": "*" },
        { "path": "Element.id", "min": 0, "max": "1" },
        { "path": "Element.extension", "min": 0, "max": "*", "type": [{ "code": "Extension" }] },
    ]);
    let quantity = json!([
        { "path": "Quantity", "min": 0, "max": "*", "constraint": [{ "key": "qty-1" }] },
        { "path": "Quantity.value", "min": 0, "max": "1", "type": [{ "code": "decimal" }] },
        { "path": "Quantity.unit", "min": 0, "max": "1", "type": [{ "code": "string" }] },
    ]);
    let thing = json!([
        { "path": "Thing", "min": 0, "max": "*", "definition": "A thing" },
        { "path": "Thing.extension", "min": 0, "max": "*", "type": [{ "code": "Extension" }] },
        { "path": "Thing.status", "min": 0, "max": "1", "type": [{ "code": "code" }], "isModifier": true,
            "comment": "Said first.", "constraint": [{ "key": "a" }], "alias": ["state"], "binding":
            { "strength": "required", "valueSet": "http://x/v", "description": "All" } },
        { "path": "Thing.part", "min": 0, "max": "*", "type": [{ "code": "BackboneElement" }] },
        { "path": "Thing.part.name", "min": 0, "max": "1", "type": [{ "code": "string" }] },
        { "path": "Thing.part.part", "min": 0, "max": "*", "contentReference": "#Thing.part" },
        { "path": "Thing.value[x]", "min": 0, "max": "1", "type": [{ "code": "Quantity" }, { "code": "string" }] },
    ]);
    vec![
        typed("Element", "complex-type", element),
        typed("Quantity", "complex-type", quantity),
        typed("Thing", "resource", thing),
    ]
}

struct Made {
    elements: Vec<Map<String, Value>>,
    findings: Vec<String>,
}

impl Made {
    fn ids(&self) -> Vec<&str> {
        self.elements.iter().map(|element| element["id"].as_str().unwrap()).collect()
    }

    fn at(&self, id: &str) -> &Map<String, Value> {
        self.elements
            .iter()
            .find(|element| element["id"] == id)
            .unwrap_or_else(|| panic!("{id} of {:?}", self.ids()))
    }
}

fn library(definitions: impl IntoIterator<Item = Value>) -> Library {
    let mut archive = Archive::default().file("package/package.json", MANIFEST);
    for (number, definition) in definitions.into_iter().enumerate() {
        archive = archive.file(format!("package/{number}.json"), definition.to_string());
    }
    Library::new(vec![Package::read(&archive.tgz()).unwrap()])
}

fn made(definitions: impl IntoIterator<Item = Value>, name: &str) -> Made {
    let library = library(types().into_iter().chain(definitions));
    let mut snapshots = Snapshots::new(&library, Published::MadeAnew);
    let elements =
        snapshots.structure(&format!("{URL}{name}")).map(|made| made.elements()).unwrap_or_default();
    Made { elements, findings: snapshots.findings().iter().map(ToString::to_string).collect() }
}

fn one(elements: Value) -> Made {
    made([profile("P", "Thing", elements)], "P")
}

#[test]
fn an_element_is_laid_over_its_base() {
    let made = one(json!([
        { "path": "Thing.status", "min": 1, "comment": "...Said next.", "mustSupport": true, "isModifier": false,
          "constraint": [{ "key": "a", "human": "other" }, { "key": "b" }], "alias": ["state", "phase"],
          "binding": { "strength": "required", "valueSet": "http://x/w" } },
    ]));
    assert_eq!(made.findings, [""; 0]);
    let status = made.at("Thing.status");
    assert_eq!((&status["min"], &status["max"]), (&json!(1), &json!("1")));
    assert_eq!(status["comment"], "Said first.\r\nSaid next.");
    assert_eq!(
        status["constraint"],
        json!([{ "key": "a" }, { "key": "b" }]),
        "a rule of the base is not rewritten"
    );
    assert_eq!(status["alias"], json!(["state", "phase"]));
    assert_eq!(status["binding"], json!({ "strength": "required", "valueSet": "http://x/w" }));
    assert_eq!((&status["isModifier"], &status["mustSupport"]), (&json!(true), &json!(true)));
    assert_eq!(status["base"], json!({ "path": "Thing.status", "min": 0, "max": "1" }));
    assert_eq!(made.elements.len(), 7);
}

#[test]
fn the_order_of_the_differential_does_not_matter() {
    let in_order = json!([
        { "id": "Thing.status", "path": "Thing.status", "min": 1 },
        { "id": "Thing.part", "path": "Thing.part", "slicing": { "rules": "open" } },
        { "id": "Thing.part:a", "path": "Thing.part", "sliceName": "a" },
        { "id": "Thing.part:a.name", "path": "Thing.part.name", "min": 1 },
    ]);
    let mut reversed = in_order.as_array().unwrap().clone();
    reversed.reverse();
    assert_eq!(one(in_order).elements, one(Value::Array(reversed)).elements);
}

#[test]
fn slices_and_slices_of_slices() {
    let base = profile(
        "Base",
        "Thing",
        json!([
            { "path": "Thing.part", "slicing": { "discriminator": [{ "type": "value", "path": "name" }], "rules": "open" }, "min": 1 },
            { "path": "Thing.part", "sliceName": "a", "max": "2" },
            { "path": "Thing.part.name", "fixedString": "a" },
            { "path": "Thing.part", "sliceName": "b", "min": 1 },
        ]),
    );
    let derived = profile(
        "Derived",
        "Base",
        json!([
            { "path": "Thing.part", "sliceName": "a/1", "max": "1" },
            { "path": "Thing.part", "sliceName": "c" },
            { "path": "Thing.part", "sliceName": "b", "mustSupport": true },
        ]),
    );
    let made = made([base, derived], "Derived");
    assert_eq!(made.findings, [""; 0]);
    let parts: Vec<&str> = made
        .ids()
        .into_iter()
        .filter(|id| id.starts_with("Thing.part") && id.split('.').count() == 2)
        .collect();
    assert_eq!(parts, ["Thing.part", "Thing.part:a", "Thing.part:a/1", "Thing.part:b", "Thing.part:c"]);
    let limits = |id: &str| (made.at(id)["min"].clone(), made.at(id)["max"].clone());
    assert_eq!(limits("Thing.part"), (json!(1), json!("*")));
    assert_eq!(
        limits("Thing.part:a"),
        (json!(0), json!("2")),
        "a slice need not be there because the whole must"
    );
    assert_eq!(limits("Thing.part:a/1"), (json!(0), json!("1")));
    assert_eq!(limits("Thing.part:b"), (json!(1), json!("*")));
    assert_eq!(made.at("Thing.part:a/1.name")["fixedString"], "a");
    assert_eq!(made.at("Thing.part:b")["mustSupport"], true);
    assert!(made.at("Thing.part:a").get("slicing").is_none());
}

#[test]
fn a_choice_is_sliced_by_its_short_form() {
    let made = one(
        json!([{ "path": "Thing.valueQuantity", "mustSupport": true }, { "path": "Thing.valueQuantity.value", "min": 1 }]),
    );
    assert_eq!(made.findings, [""; 0]);
    let head = made.at("Thing.value[x]");
    assert_eq!(
        head["slicing"],
        json!({ "discriminator": [{ "type": "type", "path": "$this" }], "ordered": false, "rules": "open" })
    );
    let slice = made.at("Thing.value[x]:valueQuantity");
    assert_eq!(
        (&slice["path"], &slice["type"]),
        (&json!("Thing.value[x]"), &json!([{ "code": "Quantity" }]))
    );
    let value = made.at("Thing.value[x]:valueQuantity.value");
    assert_eq!((&value["min"], &value["base"]["path"]), (&json!(1), &json!("Quantity.value")));
    let needed = one(json!([{ "path": "Thing.valueString", "min": 1 }]));
    assert_eq!(needed.at("Thing.value[x]")["type"], json!([{ "code": "string" }]));
    assert_eq!(needed.at("Thing.value[x]")["slicing"]["rules"], "closed");
}

#[test]
fn a_slice_that_is_said_in_both_ways_is_one() {
    let made = one(json!([
        { "path": "Thing.value[x]", "sliceName": "valueQuantity", "type": [{ "code": "Quantity" }] },
        { "path": "Thing.valueQuantity", "mustSupport": true },
        { "path": "Thing.valueQuantity.unit", "min": 1 },
    ]));
    let slices = made.ids().into_iter().filter(|id| *id == "Thing.value[x]:valueQuantity").count();
    assert_eq!(slices, 1, "{:?}", made.ids());
    assert_eq!(made.at("Thing.value[x]:valueQuantity")["mustSupport"], true);
    assert_eq!(made.at("Thing.value[x]:valueQuantity.unit")["min"], 1);
}

#[test]
fn a_content_reference_is_walked_into() {
    let made = one(json!([{ "path": "Thing.part.part.part.name", "max": "0" }]));
    assert_eq!(made.findings, [""; 0]);
    assert_eq!(made.at("Thing.part.part.part.name")["max"], "0");
    assert_eq!(made.at("Thing.part.part")["type"], json!([{ "code": "BackboneElement" }]));
    assert!(made.at("Thing.part.part").get("contentReference").is_none());
    assert_eq!(
        made.at("Thing.part.part.part.part")["contentReference"],
        "#Thing.part",
        "no deeper than the differential"
    );
}

#[test]
fn a_datatype_profile_brings_its_rules() {
    let exact = json!({ "resourceType": "StructureDefinition", "id": "Exact", "url": format!("{URL}Exact"), "kind": "complex-type",
        "type": "Quantity", "derivation": "constraint", "baseDefinition": format!("{URL}Quantity"),
        "differential": { "element": [{ "path": "Quantity", "constraint": [{ "key": "exact" }] }, { "path": "Quantity.unit", "min": 1 }] } });
    let with = profile(
        "P",
        "Thing",
        json!([
            { "path": "Thing.value[x]", "type": [{ "code": "Quantity", "profile": [format!("{URL}Exact")] }] },
            { "path": "Thing.value[x].value", "min": 1 },
        ]),
    );
    let made = made([exact, with], "P");
    assert_eq!(made.findings, [""; 0]);
    assert_eq!(made.at("Thing.value[x].unit")["min"], 1);
    assert_eq!(made.at("Thing.value[x]")["constraint"], json!([{ "key": "qty-1" }, { "key": "exact" }]));
    assert_eq!(made.at("Thing.value[x]")["max"], "1");
}

#[test]
fn a_logical_model_brings_its_elements() {
    let model = json!({ "resourceType": "StructureDefinition", "id": "M", "url": format!("{URL}M"), "kind": "logical", "type": format!("{URL}M"),
        "derivation": "specialization", "baseDefinition": format!("{URL}Element"), "differential": { "element": [
            { "path": "Model", "short": "A model" },
            { "path": "Model.part", "min": 0, "max": "*", "type": [{ "code": "BackboneElement" }] },
            { "path": "Model.part.size", "min": 1, "max": "1", "type": [{ "code": "Quantity" }] },
        ] } });
    let made = made([model], "M");
    assert_eq!(made.findings, [""; 0]);
    assert_eq!(made.ids(), ["Model", "Model.id", "Model.extension", "Model.part", "Model.part.size"]);
    assert_eq!(
        made.at("Model.part.size")["base"],
        json!({ "path": "Model.part.size", "min": 1, "max": "1" })
    );
    assert_eq!(made.at("Model.id")["base"]["path"], "Element.id");
}

#[test]
fn what_cannot_be_done_is_told_and_the_rest_is_done() {
    let made = one(json!([
        { "path": "Thing.colour", "min": 1 },
        { "path": "Other.status" },
        { "min": 1 },
        { "path": "Thing.status", "min": 1 },
        { "path": "Thing.status", "min": 1 },
        { "path": "Thing.part", "sliceName": "a" },
        { "path": "Thing.value[x]", "max": "*" },
        { "path": "Thing.value[x].unit", "min": 1 },
    ]));
    assert_eq!(made.at("Thing.status")["min"], 1);
    let said = |text: &str| made.findings.iter().any(|finding| finding.contains(text));
    for text in [
        "Thing.colour: the base has no such element",
        "Other.status: the element has no path",
        "Thing.status: the element is there twice",
        "Thing.part: slices are given, but no slicing",
        "Thing.value[x]: max is wider than in the base",
        "Thing.value[x]: children are given, but the element has not exactly one type",
    ] {
        assert!(said(text), "{text} in {:?}", made.findings);
    }
}

#[test]
fn profiles_that_are_built_on_themselves_end() {
    let a = profile("A", "B", json!([{ "path": "Thing" }]));
    let b = profile("B", "A", json!([{ "path": "Thing" }]));
    let round = made([a, b], "A");
    assert!(round.elements.is_empty());
    assert_eq!(round.findings, [format!("{URL}B: {URL}A is built on itself")]);

    let itself = json!([{ "path": "Thing.value[x]", "type": [{ "code": "Quantity", "profile": [format!("{URL}P")] }] },
        { "path": "Thing.value[x].unit", "min": 1 }]);
    let by_type = one(itself);
    assert_eq!(by_type.at("Thing.value[x].unit")["min"], 1, "the type itself stands in");
    assert_eq!(by_type.findings, [format!("{URL}P: {URL}P is built on itself")]);

    let missing = made([profile("P", "Gone", json!([]))], "P");
    assert_eq!(missing.findings, [format!("{URL}P: {URL}Gone is in none of the loaded packages")]);

    let chain =
        (0..100).map(|n| profile(&format!("C{n}"), &format!("C{}", n + 1), json!([{ "path": "Thing" }])));
    assert!(made(chain, "C0").findings[0].contains("BASES_MAX"));
}

#[test]
fn a_profile_cannot_grow_without_end() {
    // Each is within the limit of a differential, and adds its slices to those of the one before.
    let growing = (1..=2).map(|n| {
        let base = if n == 1 { "Thing".to_owned() } else { format!("D{}", n - 1) };
        let slices =
            (0..4000).map(|slice| json!({ "path": "Thing.part", "sliceName": format!("{n}-{slice}") }));
        let elements: Vec<Value> = [json!({ "path": "Thing.part", "slicing": { "rules": "open" } })]
            .into_iter()
            .chain(slices)
            .collect();
        profile(&format!("D{n}"), &base, Value::Array(elements))
    });
    let made = made(growing, "D2");
    assert!(made.elements.is_empty());
    assert!(made.findings[0].contains("SNAPSHOT_ELEMENTS_MAX"), "{:?}", made.findings);
    let deep = "Thing".to_owned() + &".part".repeat(2000);
    assert!(one(json!([{ "path": deep, "min": 1 }])).findings[0].contains("the element has no path"));
}

fn random_element() -> impl Strategy<Value = Value> {
    let part = prop::sample::select(vec![
        "Thing",
        "part",
        "name",
        "value[x]",
        "valueQuantity",
        "valueString",
        "value",
        "extension",
        "status",
        "",
        "é",
        "id",
    ]);
    let name =
        prop::option::of(prop::sample::select(vec!["a", "b", "a/b", "a/b/c", "valueQuantity", "", "/"]));
    let extra = prop::sample::select(vec![
        json!({}),
        json!({ "slicing": { "rules": "closed" } }),
        json!({ "slicing": 1, "min": "x", "max": 3, "type": "x" }),
        json!({ "type": [{ "code": "Quantity", "profile": ["http://x/StructureDefinition/P"] }] }),
        json!({ "type": [{}, 1], "constraint": [1], "binding": [], "alias": {} }),
        json!({ "max": "0", "min": 7 }),
        json!({ "contentReference": "#Thing.part" }),
        json!({ "slicing": { "discriminator": [{ "type": "type", "path": "$this" }] } }),
    ]);
    (prop::collection::vec(part, 0..5), name, extra, any::<bool>()).prop_map(
        |(parts, name, mut extra, has_id)| {
            let path = ["Thing"].into_iter().chain(parts).collect::<Vec<_>>().join(".");
            if has_id {
                extra["id"] = format!("{path}:{}", name.unwrap_or("x")).into();
            }
            extra["path"] = path.into();
            extra["sliceName"] = name.into();
            extra
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn no_differential_makes_a_panic(elements in prop::collection::vec(random_element(), 0..12)) {
        let made = one(Value::Array(elements));
        let ids: std::collections::BTreeSet<&str> = made.ids().into_iter().collect();
        prop_assert_eq!(ids.len(), made.elements.len(), "an id is there twice: {:?}", made.ids());
    }
}
