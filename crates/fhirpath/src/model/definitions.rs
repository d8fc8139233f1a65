//! A model made of `StructureDefinition`s with snapshots: <https://hl7.org/fhir/R4/structuredefinition.html>

use std::{
    collections::{HashMap, HashSet},
    hash::{BuildHasherDefault, Hasher},
};

use super::{ElementType, Model, TypeId};
use crate::document::{Element, hash};

const FHIR_TYPE: &str = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type";
const SYSTEM: &str = "http://hl7.org/fhirpath/System.";
const CANONICAL: &str = "http://hl7.org/fhir/StructureDefinition/";

/// A definition that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DefinitionFault {
    /// Not a `StructureDefinition` of a type.
    #[error("the resource is not a StructureDefinition of a type")]
    NotAType,
    /// It has no snapshot.
    #[error("the definition of `{0}` has no snapshot")]
    NoSnapshot(String),
}

/// A map whose hash is quick. Its keys are those of definitions that an operator chose, not of documents.
type Quick<K, V> = HashMap<K, V, BuildHasherDefault<QuickHasher>>;

/// Mixes as names of elements are mixed.
#[derive(Debug, Default)]
struct QuickHasher(u64);

impl Hasher for QuickHasher {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.write_u32(hash(bytes));
    }
    fn write_u8(&mut self, _: u8) {}
    fn write_u32(&mut self, number: u32) {
        self.0 = (self.0 ^ u64::from(number)).wrapping_mul(0xFF51_AFD7_ED55_8CCD).rotate_left(32);
    }
}

/// Types read from definitions.
#[derive(Debug, Default)]
pub struct Definitions {
    names: Vec<String>,
    ids: Quick<String, TypeId>,
    bases: Quick<TypeId, TypeId>,
    elements: Quick<TypeId, Quick<String, ElementType>>,
    choices: Quick<TypeId, Quick<String, Vec<(String, ElementType)>>>,
    choice_names: HashSet<String>,
    abstracts: HashSet<TypeId>,
}

impl Definitions {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one type. Profiles (`derivation` = `constraint`) are no types and are passed over.
    pub fn add(&mut self, definition: Element<'_>) -> Result<(), DefinitionFault> {
        let text = |of: Element<'_>, name: &str| {
            of.child(name).and_then(|child| child.text()).unwrap_or_default().into_owned()
        };
        if definition.resource_type().as_deref() != Some("StructureDefinition")
            || text(definition, "type").is_empty()
        {
            return Err(DefinitionFault::NotAType);
        }
        if text(definition, "derivation") == "constraint" {
            return Ok(());
        }
        let name = text(definition, "type");
        let id = self.intern(&name);
        if let Some(base) = text(definition, "baseDefinition").strip_prefix(CANONICAL) {
            let base = self.intern(base);
            self.bases.insert(id, base);
        }
        if text(definition, "abstract") == "true" {
            self.abstracts.insert(id);
        }
        let snapshot =
            definition.child("snapshot").ok_or_else(|| DefinitionFault::NoSnapshot(name.clone()))?;
        for element in snapshot.children().filter(|child| child.name() == "element") {
            self.element_of(&text(element, "path"), element);
        }
        Ok(())
    }

    fn intern(&mut self, name: &str) -> TypeId {
        if let Some(id) = self.ids.get(name) {
            return *id;
        }
        let id = TypeId(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push(name.to_owned());
        self.ids.insert(name.to_owned(), id);
        id
    }

    fn element_of(&mut self, path: &str, element: Element<'_>) {
        let Some((parent, name)) = path.rsplit_once('.') else { return };
        let parent = self.intern(parent);
        let repeats = element
            .child("max")
            .and_then(|max| max.text())
            .is_some_and(|max| max == "*" || max.parse::<u32>().is_ok_and(|max| max > 1));
        let types = self.types_of(path, element);
        let Some(choice) = name.strip_suffix("[x]") else {
            if let Some(type_id) = types.first() {
                self.elements
                    .entry(parent)
                    .or_default()
                    .insert(name.to_owned(), ElementType { type_id: *type_id, repeats });
            }
            return;
        };
        self.choice_names.insert(choice.to_owned());
        for type_id in types {
            let written = format!("{choice}{}", capital(self.type_name(type_id)));
            let what = ElementType { type_id, repeats };
            self.elements.entry(parent).or_default().insert(written.clone(), what);
            let known = self.choices.entry(parent).or_default().entry(choice.to_owned()).or_default();
            known.retain(|(name, _)| *name != written);
            known.push((written, what));
        }
    }

    /// Types by code; an element with elements of its own has a type of its own, called by its path.
    fn types_of(&mut self, path: &str, element: Element<'_>) -> Vec<TypeId> {
        let text = |of: Element<'_>, name: &str| {
            of.child(name).and_then(|child| child.text()).map(|text| text.into_owned())
        };
        if let Some(reference) = text(element, "contentReference") {
            let target = reference.rsplit_once('#').map_or(reference.as_str(), |(_, path)| path);
            return vec![self.intern(target)];
        }
        let mut types = Vec::new();
        for of in element.children().filter(|child| child.name() == "type") {
            let Some(code) = text(of, "code") else { continue };
            let said = of.children().filter(|child| child.name() == "extension");
            let said = said.filter(|extension| text(*extension, "url").as_deref() == Some(FHIR_TYPE));
            let said = said.filter_map(|extension| text(extension, "valueUrl")).next();
            types.push(match code.strip_prefix(SYSTEM) {
                // R4's definitions call `Resource.id` a string, its page an id: FHIR-22386.
                Some(_) if is_resource_id(element) => self.intern("id"),
                Some(system) => self.intern(&said.unwrap_or_else(|| system.to_lowercase())),
                None if matches!(code.as_str(), "BackboneElement" | "Element") && path.contains('.') => {
                    let own = self.intern(path);
                    let base = self.intern(&code);
                    self.bases.insert(own, base);
                    own
                }
                None => self.intern(&code),
            });
        }
        types
    }
}

fn is_resource_id(element: Element<'_>) -> bool {
    let base = element.child("base").and_then(|base| base.child("path"));
    base.and_then(|path| path.text()).is_some_and(|path| path == "Resource.id")
}

fn capital(name: &str) -> String {
    let mut characters = name.chars();
    characters
        .next()
        .map_or_else(String::new, |first| first.to_ascii_uppercase().to_string() + characters.as_str())
}

impl Model for Definitions {
    fn type_named(&self, name: &str) -> Option<TypeId> {
        self.ids.get(name).copied()
    }

    fn type_name(&self, id: TypeId) -> &str {
        self.names.get(id.0 as usize).map_or("", String::as_str)
    }

    fn base(&self, id: TypeId) -> Option<TypeId> {
        self.bases.get(&id).copied()
    }

    fn element(&self, of: TypeId, written: &str) -> Option<ElementType> {
        let mut at = Some(of);
        for _ in 0..32 {
            let of = at?;
            if let Some(element) = self.elements.get(&of).and_then(|elements| elements.get(written)) {
                return Some(*element);
            }
            at = self.base(of);
        }
        None
    }

    fn choices(&self, of: TypeId, name: &str) -> Vec<(String, ElementType)> {
        let mut at = Some(of);
        for _ in 0..32 {
            let Some(of) = at else { break };
            if let Some(choices) = self.choices.get(&of).and_then(|choices| choices.get(name)) {
                return choices.clone();
            }
            at = self.base(of);
        }
        Vec::new()
    }

    fn is_choice(&self, name: &str) -> bool {
        self.choice_names.contains(name)
    }

    fn is_abstract(&self, id: TypeId) -> bool {
        self.abstracts.contains(&id)
    }
}
