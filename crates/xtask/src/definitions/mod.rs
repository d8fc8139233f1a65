//! `cargo xtask definitions`: the tables of `crates/fhir/definitions` and the package of `crates/validator/definitions`, made anew from
//! a package of the npm registry.

mod core;
mod elements;
mod package;
mod parameters;
mod table;

use std::path::Path;

use anyhow::Result;

use package::Package;

/// Where the tables stand, from the root of the repository.
const FOLDER: &str = "crates/fhir/definitions";
/// Where R4 stands as a compiled package.
const CORE: &str = "crates/validator/definitions/hl7.fhir.r4.core.package";

/// Writes every table and the package; numbers that were given stay.
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
    table::write(&folder.join("elements.tsv"), &elements::lines(types.iter().chain(&resources), &systems))?;
    let all = core::BUNDLES.iter().map(|file| package.resources(file)).collect::<Result<Vec<_>>>()?;
    core::write(Path::new(CORE), all.into_iter().flatten().collect())
}
