//! What packages say can be searched by, and what a site gets of it.

use std::sync::Arc;

use fhirpath::document::{Document, DocumentLimits, Element};
use validator::Package;

use super::PackageId;
use crate::parameter::{Definition, ParameterId, Registry, ResourceType, Standing};

/// A `SearchParameter` of a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// Whose it is.
    pub package: PackageId,
    /// Its canonical URL; empty where it has none.
    pub url: String,
    /// What stands in a search.
    pub code: String,
    /// The types that are meant here.
    pub types: Vec<ResourceType>,
    /// What becomes of it.
    pub verdict: Verdict,
}

/// What becomes of a parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Records are found by it.
    Added(Definition),
    /// There is one already that selects the same.
    Known,
    /// It cannot be used, for this reason.
    Refused(String),
}

/// What packages say, in their order: the first of those that mean different things by one word has it.
pub(super) fn offered(packages: &[Arc<Package>], r4: &Registry) -> Vec<Offered> {
    let (mut registry, mut all) = (r4.clone(), Vec::new());
    let own = packages.iter().filter(|package| !package.manifest.is_core());
    let resources = own.flat_map(|package| package.resources());
    for resource in resources.filter(|one| &*one.head.resource_type == "SearchParameter") {
        let package = PackageId::of_manifest(resource.package);
        let json = resource.json();
        let Ok(document) = Document::from_json(&json, &DocumentLimits::default()) else {
            let why = Verdict::Refused("it cannot be read".to_owned());
            let (url, code) = (resource.name.to_owned(), String::new());
            all.push(Offered { package, url, code, types: Vec::new(), verdict: why });
            continue;
        };
        match Definition::read(document.root()) {
            Ok(definition) => weigh(&mut registry, &package, definition, &mut all),
            Err(fault) => all.push(Offered {
                package,
                url: text(document.root(), "url"),
                code: text(document.root(), "code"),
                types: Vec::new(),
                verdict: Verdict::Refused(fault.to_string()),
            }),
        }
    }
    all
}

fn text(of: Element<'_>, name: &str) -> String {
    of.child(name).and_then(|child| child.text()).map(std::borrow::Cow::into_owned).unwrap_or_default()
}

/// Type by type: what is there already, what something else has the words of, and what comes in.
fn weigh(registry: &mut Registry, package: &PackageId, definition: Definition, all: &mut Vec<Offered>) {
    let tell = |types: Vec<ResourceType>, verdict| Offered {
        package: package.clone(),
        url: definition.url.clone(),
        code: definition.code.clone(),
        types,
        verdict,
    };
    let (mut new, mut known) = (Vec::new(), Vec::new());
    for of in definition.types() {
        match registry.parameter(of, &definition.code) {
            None => new.push(of),
            Some(other) if definition.is_within(other, of) => known.push(of),
            Some(other) => {
                let why =
                    format!("{} is `{}` of {of} and selects something else", other.url, definition.code);
                all.push(tell(vec![of], Verdict::Refused(why)));
            }
        }
    }
    if !known.is_empty() {
        all.push(tell(known, Verdict::Known));
    }
    if !new.is_empty() {
        let verdict = match taken(registry, definition.clone().of(&new)) {
            Ok(definition) => Verdict::Added(definition),
            Err(why) => Verdict::Refused(why),
        };
        all.push(tell(new, verdict));
    }
}

/// With the parameter in the registry, if it selects anything.
fn taken(registry: &mut Registry, definition: Definition) -> Result<Definition, String> {
    // Which number it would have is of no account here, as long as no other has it.
    let number = registry.added_count().checked_add(ParameterId::ADDED_MIN).ok_or("there are too many")?;
    let mut tried = registry.clone();
    tried.add(&definition, ParameterId(number), Standing::Ready).map_err(|fault| fault.to_string())?;
    let lacking = definition.types().find(|of| !tried.selects(*of, ParameterId(number)));
    match lacking {
        Some(of) => Err(format!("its expression selects nothing of {of} that such a parameter compares")),
        None => {
            *registry = tried;
            Ok(definition)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::material;

    #[test]
    fn guides_of_others_add_what_r4_does_not_have() {
        let Some(data) = material::data("guides_of_others_add_what_r4_does_not_have") else { return };
        for (file, expected) in [
            (
                "us_core_610.tgz",
                "asserted-date description discharge-disposition ethnicity gender-identity race role",
            ),
            ("hl7.fhir.us.core-3.1.1.tgz", "ethnicity race"),
            ("fhir.nwgenomics.nhs.uk-0.0.7-rebuilt.tgz", "assigner"),
        ] {
            let bytes = std::fs::read(data.join("fhir/packages").join(file)).unwrap();
            let all = offered(&[Arc::new(Package::read(&bytes).unwrap())], &Registry::r4());
            let mut added: Vec<&str> = Vec::new();
            for one in &all {
                match &one.verdict {
                    Verdict::Added(definition) => added.push(&definition.code),
                    Verdict::Known => {}
                    Verdict::Refused(why) => panic!("{file}: {} of {:?}: {why}", one.code, one.types),
                }
            }
            added.sort_unstable();
            assert_eq!(added.join(" "), expected, "{file}");
        }
    }
}
