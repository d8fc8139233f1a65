//! R4 as a package that the binary carries: what records are validated with, without what is said to people alone.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use validator::package::{NO_RULES, Package, R4, R4_CONTENT};

use super::elements::NOT_OF_R4;

/// The Bundles that hold it.
pub(super) const BUNDLES: [&str; 7] = [
    "profiles-resources.json",
    "profiles-types.json",
    "profiles-others.json",
    "extension-definitions.json",
    "valuesets.json",
    "v2-tables.json",
    "v3-codesystems.json",
];

/// The types that validation asks for.
const TYPES: [&str; 3] = ["StructureDefinition", "CodeSystem", "ValueSet"];

/// Compiles the package into the file.
pub(super) fn write(path: &Path, resources: Vec<Value>) -> Result<()> {
    let manifest = json!({"name": R4.0, "version": R4.1, "fhirVersions": [R4.1], "license": "CC0-1.0"});
    let mut files = vec![("package/package.json".to_owned(), manifest.to_string().into_bytes())];
    let is_asked = |resource: &Value| TYPES.iter().any(|of| resource["resourceType"] == *of);
    for mut resource in resources.into_iter().filter(is_asked) {
        let text = |name: &str| resource.get(name).and_then(Value::as_str).context("no type or id");
        let name = format!("package/{}-{}.json", text("resourceType")?, text("id")?);
        lighten(&mut resource);
        files.push((name, resource.to_string().into_bytes()));
    }
    let package = Package::unpacked(files)?;
    let bytes = package.to_bytes(&R4_CONTENT).context("the package is too large for its form")?;
    std::fs::write(path, &bytes).with_context(|| path.display().to_string())?;
    eprintln!("{}: {} resources, {} bytes", path.display(), package.resources().count(), bytes.len());
    Ok(())
}

fn lighten(resource: &mut Value) {
    let is_structure = resource["resourceType"] == "StructureDefinition";
    let Some(fields) = resource.as_object_mut() else { return };
    fields.remove("text");
    fields.remove("contact");
    if !is_structure {
        return;
    }
    // Those of FHIR itself are taken as they are published, so nothing is made of their differentials.
    for unread in ["mapping", "keyword", "differential"] {
        fields.remove(unread);
    }
    let elements = fields.get_mut("snapshot").and_then(|snapshot| snapshot.get_mut("element"));
    let Some(elements) = elements.and_then(Value::as_array_mut) else { return };
    elements.retain(|element| !NOT_OF_R4.iter().any(|path| element["path"] == *path));
    for element in elements.iter_mut().filter_map(Value::as_object_mut) {
        for word in NO_RULES {
            element.remove(word);
        }
        for constraint in element.get_mut("constraint").and_then(Value::as_array_mut).into_iter().flatten() {
            constraint.as_object_mut().map(|constraint| constraint.remove("xpath"));
        }
    }
}
