//! Structures: whether a snapshot can be made of them.

use fhirpath::document::Element;

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
}
