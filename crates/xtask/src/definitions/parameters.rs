//! Search parameters and compartments.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use serde_json::Value;

/// The package has these, R4 has not.
const NOT_OF_R4: [&str; 3] =
    ["DetectedIssue-status", "DeviceDefinition-classification", "ServiceRequest-order-detail"];

/// The package lets these refer to more than R4 does.
const TARGETS_OF_R4: [(&str, &str); 1] =
    [("MeasureReport-subject", "Practitioner,Group,Device,Patient,PractitionerRole,RelatedPerson,Location")];

/// R4 has the expressions of these components the wrong way round: a code is no reference.
const COMPONENTS_MENDED: [(&str, &str); 1] = [(
    "DocumentReference-relationship",
    "DocumentReference-relatesto=target;DocumentReference-relation=code",
)];

const PREFIX: &str = "http://hl7.org/fhir/SearchParameter/";

fn of_r4(parameters: &[Value]) -> impl Iterator<Item = &Value> {
    parameters.iter().filter(|parameter| {
        parameter["resourceType"] == "SearchParameter"
            && !NOT_OF_R4.iter().any(|id| parameter["id"].as_str() == Some(id))
    })
}

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn words(of: &Value, name: &str) -> String {
    let words = of[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    words.collect::<Vec<_>>().join(",")
}

/// Names of the types that a record can be of.
pub(super) fn resource_types(resources: &[Value]) -> BTreeSet<String> {
    let types = resources.iter().filter(|resource| {
        resource["resourceType"] == "StructureDefinition" && resource["abstract"] == false
    });
    types.map(|resource| text(resource, "type").to_owned()).collect()
}

/// Every code once.
pub(super) fn codes(parameters: &[Value]) -> BTreeSet<String> {
    of_r4(parameters).map(|parameter| text(parameter, "code").to_owned()).collect()
}

/// A line for each parameter: id, code, type, bases, targets, expression, components.
pub(super) fn lines(parameters: &[Value]) -> Result<Vec<String>> {
    let mut lines = BTreeMap::new();
    for parameter in of_r4(parameters) {
        let url = text(parameter, "url");
        let id = url.strip_prefix(PREFIX).with_context(|| format!("{url} is not HL7's"))?;
        let line = [
            id,
            text(parameter, "code"),
            text(parameter, "type"),
            &words(parameter, "base"),
            &targets(id, parameter),
            &text(parameter, "expression").split_whitespace().collect::<Vec<_>>().join(" "),
            &components(id, parameter),
        ]
        .join("\t");
        lines.insert(id.to_owned(), line.trim_end().to_owned());
    }
    Ok(lines.into_values().collect())
}

fn components(id: &str, parameter: &Value) -> String {
    if let Some((_, mended)) = COMPONENTS_MENDED.iter().find(|(own, _)| *own == id) {
        return (*mended).to_owned();
    }
    let components = parameter["component"].as_array().into_iter().flatten().map(|component| {
        let definition = text(component, "definition");
        let definition = definition.strip_prefix(PREFIX).unwrap_or(definition);
        format!("{definition}={}", text(component, "expression"))
    });
    components.collect::<Vec<_>>().join(";")
}

fn targets(id: &str, parameter: &Value) -> String {
    let known = TARGETS_OF_R4.iter().find(|(own, _)| *own == id);
    known.map_or_else(|| words(parameter, "target"), |(_, targets)| (*targets).to_owned())
}

/// A line for each type in each compartment: whose, type, codes of its parameters.
pub(super) fn compartments(resources: &[Value]) -> Vec<String> {
    let mut lines = BTreeSet::new();
    for definition in resources.iter().filter(|one| one["resourceType"] == "CompartmentDefinition") {
        for member in definition["resource"].as_array().into_iter().flatten() {
            let parameters = words(member, "param");
            if !parameters.is_empty() {
                lines.insert(format!("{}\t{}\t{parameters}", text(definition, "code"), text(member, "code")));
            }
        }
    }
    lines.into_iter().collect()
}
