//! Elements of types: what FHIRPath and search parameters ask of a model.

use std::collections::BTreeMap;

use serde_json::Value;

const CANONICAL: &str = "http://hl7.org/fhir/StructureDefinition/";
const SYSTEM: &str = "http://hl7.org/fhirpath/System.";
const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";

/// The package's own additions to R4.
pub(super) const NOT_OF_R4: [&str; 6] =
    ["Meta.project", "Meta.author", "Meta.onBehalfOf", "Meta.account", "Meta.accounts", "Meta.compartment"];

fn text<'a>(of: &'a Value, name: &str) -> &'a str {
    of[name].as_str().unwrap_or_default()
}

fn list<'a>(of: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    of[name].as_array().into_iter().flatten()
}

/// By value set, the one code system that its codes are of.
pub(super) fn systems(value_sets: &[Value]) -> BTreeMap<String, String> {
    let mut systems = BTreeMap::new();
    for value_set in value_sets.iter().filter(|one| one["resourceType"] == "ValueSet") {
        let mut of: Vec<&str> =
            list(&value_set["compose"], "include").map(|one| text(one, "system")).collect();
        of.dedup();
        if let ([system], false) = (of.as_slice(), of.contains(&"")) {
            systems.insert(text(value_set, "url").to_owned(), (*system).to_owned());
        }
    }
    systems
}

/// `Patient`, tab, `DomainResource`; then for each element that the type does not inherit, behind a tab: its name with its
/// marks, its types, and the code system of a required binding.
pub(super) fn lines<'a>(
    definitions: impl Iterator<Item = &'a Value>,
    systems: &BTreeMap<String, String>,
) -> Vec<String> {
    let mut types: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    let own = definitions.filter(|one| one["resourceType"] == "StructureDefinition");
    for definition in own.filter(|one| one["derivation"] != "constraint") {
        let name = text(definition, "type");
        let base = text(definition, "baseDefinition").strip_prefix(CANONICAL).unwrap_or_default();
        let marked =
            if definition["abstract"] == true { format!("{base}\tabstract") } else { base.to_owned() };
        types.entry(name.to_owned()).or_default().0 = marked;
        for element in list(&definition["snapshot"], "element") {
            let path = text(element, "path");
            // Of a resource's own elements the base is itself, of inherited ones that of who has them.
            let is_own = text(&element["base"], "path") == path && !NOT_OF_R4.contains(&path);
            let Some((parent, last)) = path.rsplit_once('.').filter(|_| is_own) else { continue };
            let codes: Vec<String> = types_of(path, element);
            for code in codes.iter().filter(|code| code.as_str() == path) {
                let base = list(element, "type").map(|one| text(one, "code")).next().unwrap_or_default();
                types.entry(code.clone()).or_default().0 = base.to_owned();
            }
            let (codes, marks, system) = (codes.join("|"), marks(element), system(element, systems));
            let line = format!("\t{last}{marks}\t{codes}\t{system}");
            types.entry(parent.to_owned()).or_default().1.push(line.trim_end().to_owned());
        }
    }
    let of = |(name, (base, elements)): (String, (String, Vec<String>))| {
        std::iter::once(format!("{name}\t{base}").trim_end().to_owned()).chain(elements)
    };
    types.into_iter().flat_map(of).collect()
}

/// `*` repeats, `!` has to be there, `^` is of the summary.
fn marks(element: &Value) -> String {
    let repeats = !matches!(text(element, "max"), "0" | "1");
    let is_mandatory = element["min"].as_u64().is_some_and(|min| min > 0);
    let is_of_summary = element["isSummary"] == true;
    let all = [(repeats, '*'), (is_mandatory, '!'), (is_of_summary, '^')];
    all.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect()
}

fn types_of(path: &str, element: &Value) -> Vec<String> {
    if let Some((_, target)) = text(element, "contentReference").rsplit_once('#') {
        return vec![target.to_owned()];
    }
    let types = list(element, "type").map(|of| {
        let code = text(of, "code");
        let said = list(of, "extension").find(|extension| text(extension, "url") == FHIR_TYPE);
        match code.strip_prefix(SYSTEM) {
            // R4's definitions call it a string, its page an id: FHIR-22386.
            Some(_) if path == "Resource.id" => "id".to_owned(),
            Some(system) => {
                said.map_or_else(|| system.to_lowercase(), |said| text(said, "valueUrl").to_owned())
            }
            None if matches!(code, "BackboneElement" | "Element") => path.to_owned(),
            None => code.to_owned(),
        }
    });
    types.collect()
}

fn system<'a>(element: &Value, systems: &'a BTreeMap<String, String>) -> &'a str {
    let binding = &element["binding"];
    if binding["strength"] != "required" {
        return "";
    }
    let (url, _) = text(binding, "valueSet").split_once('|').unwrap_or((text(binding, "valueSet"), ""));
    systems.get(url).map_or("", String::as_str)
}
