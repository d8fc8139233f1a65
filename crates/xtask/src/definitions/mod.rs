//! `cargo xtask definitions`: the tables of `crates/fhir/definitions`, made anew from a package of the npm registry.

mod elements;
mod package;
mod parameters;
mod table;

use std::path::Path;

use anyhow::Result;

use package::Package;

/// Where the tables stand, from the root of the repository.
const FOLDER: &str = "crates/fhir/definitions";

/// Writes every table; numbers that were given stay.
pub(crate) fn write() -> Result<()> {
    let package = Package::fetch()?;
    let resources = package.resources("profiles-resources.json")?;
    let types = package.resources("profiles-types.json")?;
    let searches = package.resources("search-parameters.json")?;
    let value_sets = package.resources("valuesets.json")?;
    let folder = Path::new(FOLDER);
    table::write_numbered(&folder.join("resource-types.tsv"), parameters::resource_types(&resources))?;
    table::write_numbered(&folder.join("parameters.tsv"), parameters::codes(&searches))?;
    table::write(&folder.join("search-parameters.tsv"), &parameters::lines(&searches)?)?;
    table::write(&folder.join("compartments.tsv"), &parameters::compartments(&resources))?;
    let systems = elements::systems(&value_sets);
    table::write(&folder.join("elements.tsv"), &elements::lines(types.iter().chain(&resources), &systems))
}
