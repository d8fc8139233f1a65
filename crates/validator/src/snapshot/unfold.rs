//! Children that the base does not have yet: those of a type, of a type's profile, or of what a content reference points at.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::{
    SnapshotFound, Snapshots, Structure, choice, differential::Differential, element, merge::Scope,
    tree::Node,
};

impl Snapshots<'_> {
    /// The differential walks into an element without children.
    pub(super) fn unfold(
        &mut self,
        fields: &mut Map<String, Value>,
        diff: &Differential,
        scope: Scope<'_>,
    ) -> Vec<Arc<Node>> {
        if let Some(Value::String(reference)) = fields.get("contentReference") {
            let reference = reference.clone();
            let Some((top, target)) = self.target(&reference, scope.top) else {
                self.tell(&diff.path, SnapshotFound::NoTarget(reference.into()));
                return Vec::new();
            };
            fields.remove("contentReference");
            fields.extend(target.fields.get("type").map(|types| ("type".to_owned(), types.clone())));
            let scope = Scope { top: &top, is_in_slice: false, ..scope };
            return self.children(&target.children, &diff.children, scope);
        }
        let Some(structure) = self.type_of(fields, diff) else { return Vec::new() };
        let scope = Scope { top: &structure.root, is_in_slice: false, defines: false };
        self.children(&structure.root.children, &diff.children, scope)
    }

    /// `#Questionnaire.item`, or with the url of the structure in front.
    fn target(&mut self, reference: &str, top: &Arc<Node>) -> Option<(Arc<Node>, Arc<Node>)> {
        let (url, id) = reference.split_once('#')?;
        let root = id.split('.').next().unwrap_or_default();
        let here = top.find(id).map(|target| (top.clone(), Arc::new(target.clone())));
        here.or_else(|| {
            let structure = if url.is_empty() { self.of_type(root) } else { self.structure(url) }?;
            let target = Arc::new(structure.root.find(id)?.clone());
            Some((structure.root.clone(), target))
        })
    }

    /// The structure whose children an element has, where that is but one.
    fn type_of(&mut self, fields: &Map<String, Value>, diff: &Differential) -> Option<Arc<Structure>> {
        let mut codes: Vec<&str> = choice::codes(fields).collect();
        codes.dedup();
        match codes.as_slice() {
            [code] => {
                let profile = single_profile(fields);
                profile.and_then(|profile| self.structure(profile)).or_else(|| self.of_type(code))
            }
            [] => {
                self.tell(&diff.path, SnapshotFound::NoOneType);
                None
            }
            // What all types have: `id` and `extension`.
            _ => {
                if diff.children.iter().any(|child| !matches!(&*child.name, "id" | "extension")) {
                    self.tell(&diff.path, SnapshotFound::NoOneType);
                }
                self.of_type("Element")
            }
        }
    }

    /// An extension, datatype or contained resource by its profile: the profile's root is what the element begins with.
    pub(super) fn profile_root(
        &mut self,
        base: &Map<String, Value>,
        diff: &Differential,
    ) -> Option<Map<String, Value>> {
        let said = diff.fields.as_ref()?;
        let profile = single_profile(said).filter(|profile| single_profile(base) != Some(profile))?;
        let structure = self.structure(profile)?;
        let mut root = structure.root.fields.clone();
        root.remove("slicing");
        // `%resource` means another resource there; who checks the profile checks them.
        if &*structure.kind == "resource" {
            root.remove("constraint");
        }
        if &*structure.defines != "Extension" {
            root.remove("min");
            root.remove("max");
        }
        Some(element::fill(&root, base))
    }
}

/// The profile of an element that has one type with one profile. A reference's profiles are about its target.
fn single_profile(fields: &Map<String, Value>) -> Option<&str> {
    let types = fields.get("type")?.as_array()?;
    let [of_type] = types.as_slice() else { return None };
    let code = of_type.get("code")?.as_str()?;
    let [profile] = of_type.get("profile")?.as_array()?.as_slice() else { return None };
    profile.as_str().filter(|_| !matches!(code, "Reference" | "canonical"))
}
