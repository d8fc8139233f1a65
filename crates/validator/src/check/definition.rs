//! Definitions: whether a snapshot can be made of a structure, whose obligations it inherits, and what search parameters are made of.

use fhirpath::document::Element;
use serde_json::Value;

use super::{Run, findings::Place, messages};
use crate::{
    Package,
    Severity::Error,
    Snapshots,
    snapshot::{Published, SnapshotFound},
};

impl<'a, 'd> Run<'a, 'd> {
    /// What a differential names has to be in what it is built on.
    pub(super) fn check_structure(&mut self, structure: Element<'d>) {
        self.check_obligations(structure);
        let Some(url) = structure.child("url").and_then(|url| url.text()) else { return };
        if structure.child("differential").is_none() {
            return;
        }
        let file = ("structure.json".to_owned(), structure.to_json().into_bytes());
        let package = Package::of_files("structure", [file], self.programs.model());
        let library = self.programs.library().with([package]);
        let mut snapshots = Snapshots::new(&library, Published::MadeAnew);
        let _made = snapshots.structure(&url);
        let is_wrong =
            |found: &SnapshotFound| matches!(found, SnapshotFound::NotInBase | SnapshotFound::BadPath);
        for finding in snapshots.findings() {
            let is_own = finding.structure.split('|').next() == Some(&*url);
            if is_own && is_wrong(&finding.found) {
                let why = finding.to_string();
                self.tell_at(structure, Place::Nowhere, Error, &messages::SNAPSHOT, &[&why]);
            }
        }
    }

    /// Obligations come from profiles that have nothing else, and of the same base.
    /// <https://hl7.org/fhir/extensions/StructureDefinition-inherit-obligations.html>
    fn check_obligations(&mut self, structure: Element<'d>) {
        let base = structure.child("baseDefinition").and_then(|base| base.text()).unwrap_or_default();
        for inherits in structure.children().filter(|child| child.name() == "extension") {
            let url = inherits.child("url").and_then(|url| url.text()).unwrap_or_default();
            let canonical = inherits.child("valueCanonical").and_then(|value| value.text());
            let Some(canonical) = canonical.filter(|_| *url == *INHERITS) else { continue };
            let Some(profile) = self.programs.library().canonical_of_type(&canonical, "StructureDefinition")
            else {
                self.unknown_profile(inherits, &canonical);
                continue;
            };
            let Ok(profile) = profile.parse() else { continue };
            let own = profile.get("baseDefinition").and_then(Value::as_str).unwrap_or_default();
            if !is_of_obligations(&profile) {
                self.tell_at(inherits, Place::Nowhere, Error, &messages::NOT_OF_OBLIGATIONS, &[&canonical]);
            } else if own != base {
                let arguments = [&*canonical, own, &*base];
                self.tell_at(inherits, Place::Nowhere, Error, &messages::OBLIGATIONS_OF_OTHERS, &arguments);
            }
        }
    }

    /// A composite is made of two values at least. <https://hl7.org/fhir/R4/searchparameter.html>
    pub(super) fn check_search_parameter(&mut self, parameter: Element<'d>) {
        let is_composite = parameter.child("type").and_then(|of| of.text()).as_deref() == Some("composite");
        let components = parameter.children().filter(|child| child.name() == "component").count();
        if is_composite && components < 2 {
            self.tell_at(
                parameter,
                Place::Nowhere,
                Error,
                &messages::COMPONENTS_FEW,
                &[&components.to_string()],
            );
        }
    }
}

const INHERITS: &str = "http://hl7.org/fhir/StructureDefinition/inherit-obligations";

fn is_of_obligations(profile: &Value) -> bool {
    let extensions = profile.get("extension").and_then(Value::as_array).into_iter().flatten();
    let mut flags = extensions.filter(|one| {
        let url = one.get("url").and_then(Value::as_str);
        url.is_some_and(|url| {
            url.ends_with("/obligation-profile") || url.ends_with("/obligation-profile-flag")
        })
    });
    flags.any(|flag| flag.get("valueBoolean") == Some(&Value::Bool(true)))
}
