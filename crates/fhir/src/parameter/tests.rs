//! The table against R4's own definitions, and parameters of packages.

use std::collections::{BTreeMap, BTreeSet};

use fhirpath::{
    document::{Document, DocumentLimits},
    model::Model,
};
use serde_json::Value as Json;

use super::{
    Compartment, Definition, Elements, ParameterFault, ParameterId, ParameterKind, Registry, ResourceType,
    Standing, registry::limits, table,
};
use crate::{index::extract, material};

fn words(of: &Json) -> Vec<&str> {
    of.as_array().into_iter().flatten().filter_map(Json::as_str).collect()
}

#[test]
fn the_table_says_what_r4_says() {
    let Some(data) = material::data("the_table_says_what_r4_says") else { return };
    let bytes = std::fs::read(data.join("fhir/definitions/search-parameters-r4.json")).unwrap();
    let bundle: Json = serde_json::from_slice(&bytes).unwrap();
    let all: Vec<&Json> =
        bundle["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
    assert_eq!(all.len(), 1375);
    let rows: BTreeMap<&str, table::Row> = table::rows().map(|row| (row.id, row)).collect();
    let mut compared = 0;
    for own in all.iter().filter(|own| own["expression"].is_string()) {
        let id = own["url"].as_str().unwrap().strip_prefix("http://hl7.org/fhir/SearchParameter/").unwrap();
        let row = &rows[id];
        let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(own["code"], row.code, "{id}");
        assert_eq!(own["type"], row.kind.as_str(), "{id}");
        assert_eq!(plain(own["expression"].as_str().unwrap()), row.expression, "{id}");
        assert_eq!(words(&own["base"]).join(","), row.bases, "{id}");
        assert_eq!(words(&own["target"]).join(","), row.targets, "{id}");
        let components: Vec<String> = own["component"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|part| {
                let definition = part["definition"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
                format!("{definition}={}", part["expression"].as_str().unwrap())
            })
            .collect();
        if id == "DocumentReference-relationship" {
            // R4 has the expressions of its components the wrong way round: a code is no reference.
            assert_eq!(
                components.join(";"),
                "DocumentReference-relatesto=code;DocumentReference-relation=target"
            );
            assert_eq!(row.components, "DocumentReference-relatesto=target;DocumentReference-relation=code");
        } else {
            assert_eq!(components.join(";"), row.components, "{id}");
        }
        compared += 1;
    }
    assert_eq!((compared, rows.len()), (1372, 1372));
}

#[test]
fn marks_of_elements_are_those_of_r4() {
    let Some(data) = material::data("marks_of_elements_are_those_of_r4") else { return };
    let all = Elements::r4();
    let mut compared = 0;
    for (name, bytes) in
        material::package(&data.join("fhir/packages/hl7.fhir.r4.core-4.0.1-reconstructed.tgz"))
    {
        if !name.contains("/StructureDefinition-") {
            continue;
        }
        let definition: Json = serde_json::from_slice(&bytes).unwrap();
        if definition["derivation"] == "constraint" {
            continue;
        }
        for element in definition["snapshot"]["element"].as_array().into_iter().flatten() {
            let path = element["path"].as_str().unwrap();
            let Some((of, last)) = path.rsplit_once('.') else { continue };
            let Some(of) = all.type_named(of) else { continue };
            let written = match last.strip_suffix("[x]") {
                Some(choice) => all.choices(of, choice).first().map(|(written, _)| written.clone()),
                None => Some(last.to_owned()).filter(|last| all.element(of, last).is_some()),
            };
            let Some(written) = written else { continue };
            let said = (element["min"].as_u64() > Some(0), element["isSummary"] == true);
            assert_eq!((all.is_mandatory(of, &written), all.is_of_summary(of, &written)), said, "{path}");
            compared += 1;
        }
    }
    assert!(compared > 4_500, "{compared}");
}

#[test]
fn parameters_of_packages_are_added_and_found_by() {
    let Some(data) = material::data("parameters_of_packages_are_added_and_found_by") else { return };
    let mut registry = Registry::r4();
    let mut next = ParameterId::ADDED_MIN;
    let mut faults = Vec::new();
    for name in [
        "us_core_610.tgz",
        "hl7.fhir.uv.genomics-reporting-3.0.0-rebuilt.tgz",
        "hl7.fhir.uv.sdc-2022-03-01-rebuilt.tgz",
    ] {
        for (file, bytes) in material::package(&data.join("fhir/packages").join(name)) {
            let Ok(document) = Document::from_json(&bytes, &DocumentLimits::default()) else { continue };
            if document.root().resource_type().as_deref() != Some("SearchParameter") {
                continue;
            }
            let added = Definition::read(document.root()).and_then(|definition| {
                // R4's own stay.
                let is_new = |of: &ResourceType| registry.parameter(*of, &definition.code).is_none();
                let types: Vec<ResourceType> = definition.types().filter(is_new).collect();
                next += 1;
                registry.add(&definition.of(&types), ParameterId(next), Standing::Ready)
            });
            match added {
                Ok(parameter) => assert!(registry.by_url(&parameter.url).is_some()),
                Err(fault) => faults.push(format!("{file}: {fault}")),
            }
        }
    }
    assert_eq!(faults, Vec::<String>::new());
    let patient = ResourceType::named("Patient").unwrap();
    let race = registry.parameter(patient, "race").unwrap();
    assert_eq!((race.id.0 >= ParameterId::ADDED_MIN, race.kind), (true, ParameterKind::Token));
    let json = r#"{"resourceType":"Patient","id":"x","extension":[{"url":"http://hl7.org/fhir/us/core/StructureDefinition/us-core-race",
        "extension":[{"url":"ombCategory","valueCoding":{"system":"urn:oid:2.16.840.1.113883.6.238","code":"2106-3"}}]}]}"#;
    let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
    let entries = extract(document.root(), &registry).unwrap();
    assert_eq!(entries.of(race.id).count(), 1, "{}", race.expression);
    assert!(entries.unindexed.is_empty());
}

#[test]
fn what_is_no_parameter_is_refused() {
    let of = |code: &str, base: &str, kind: &str, expression: &str| {
        format!(
            r#"{{"resourceType":"SearchParameter","url":"http://x.example/SearchParameter/{code}","code":"{code}","base":["{base}"],"type":"{kind}","expression":"{expression}"}}"#
        )
    };
    let read = |json: String| {
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        Definition::read(document.root()).map(|own| own.code)
    };
    for (json, expected) in [
        (of("shoe", "Patient", "string", "Patient.name.text"), Ok("shoe".to_owned())),
        (of("a b", "Patient", "string", "Patient.name"), Err(ParameterFault::Wrong("code"))),
        (
            of(&"x".repeat(limits::CODE_BYTES_MAX + 1), "Patient", "string", "a"),
            Err(ParameterFault::Wrong("code")),
        ),
        (of("shoe", "Shoe", "string", "Shoe.name"), Err(ParameterFault::Wrong("base"))),
        (of("shoe", "Patient", "shoe", "Patient.name"), Err(ParameterFault::Wrong("type"))),
        (of("shoe", "Patient", "string", ""), Err(ParameterFault::Wrong("expression"))),
    ] {
        assert_eq!(read(json), expected);
    }
    let broken = read(of("shoe", "Patient", "string", "Patient.name.where("));
    assert!(matches!(broken, Err(ParameterFault::Expression(_))), "{broken:?}");
}

#[test]
fn a_type_has_no_more_parameters_than_it_may() {
    let mut registry = Registry::r4();
    let of = ResourceType::named("Basic").unwrap();
    let fault = (0..=limits::PARAMETERS_OF_TYPE_MAX).find_map(|nth| {
        let json = format!(
            r#"{{"resourceType":"SearchParameter","url":"urn:{nth}","code":"c{nth}","base":["Basic"],"type":"token","expression":"Basic.code"}}"#
        );
        let document = Document::from_json(json.as_bytes(), &DocumentLimits::default()).unwrap();
        let id = ParameterId(ParameterId::ADDED_MIN + u16::try_from(nth).unwrap());
        registry.add(&Definition::read(document.root()).unwrap(), id, Standing::Ready).err()
    });
    assert_eq!(fault, Some(ParameterFault::TooMany { resource_type: of }));
    assert_eq!(registry.parameters(of).count(), limits::PARAMETERS_OF_TYPE_MAX);
}

#[test]
fn compartments_name_types_and_their_parameters() {
    let registry = Registry::r4();
    let of = |name: &str| ResourceType::named(name).unwrap();
    let types = registry.member_types(Compartment::Patient);
    assert!(
        types.contains(&of("Patient"))
            && types.contains(&of("Observation"))
            && !types.contains(&of("Organization"))
    );
    assert_eq!(types.iter().collect::<BTreeSet<_>>().len(), types.len());
    let codes: Vec<&str> = registry
        .members(Compartment::Patient, of("Observation"))
        .map(|id| &*registry.parameter_by_id(of("Observation"), id).unwrap().code)
        .collect();
    assert_eq!(codes, ["subject", "performer"]);
    // Every parameter that a compartment names is one of the type.
    for compartment in Compartment::ALL {
        for of in registry.member_types(compartment) {
            for id in registry.members(compartment, of) {
                let parameter = registry.parameter_by_id(of, id);
                assert!(
                    parameter.is_some_and(|own| own.kind == ParameterKind::Reference),
                    "{compartment:?} {of} {id:?}"
                );
            }
        }
    }
}
