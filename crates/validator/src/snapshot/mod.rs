//! Snapshots from differentials. <https://hl7.org/fhir/R4/profiling.html#snapshot>, <https://hl7.org/fhir/R4/elementdefinition.html#interpretation>
//!
//! What the specification leaves open is done as HL7's own tool does it, for that is what published snapshots were made with.

mod choice;
mod differential;
mod element;
mod finding;
mod merge;
mod slice;
mod tree;
mod unfold;

use std::{collections::HashMap, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    Library,
    package::{Kept, Kind, Resource},
};

pub use finding::{SnapshotFinding, SnapshotFound};
pub use tree::Node;

use differential::Differential;

/// `SNAPSHOT_ELEMENTS_MAX`: the elements of one snapshot.
pub const SNAPSHOT_ELEMENTS_MAX: usize = 20_000;
/// `DIFFERENTIAL_ELEMENTS_MAX`: the elements of one differential.
pub const DIFFERENTIAL_ELEMENTS_MAX: usize = 20_000;
/// `BASES_MAX`: profiles behind one another, by base or by type.
pub const BASES_MAX: usize = 64;
/// `PATH_PARTS_MAX`: parts of an element's path.
pub const PATH_PARTS_MAX: usize = 64;

/// A structure with its snapshot, as a tree.
#[derive(Debug)]
pub struct Structure {
    /// Its canonical url.
    pub url: Box<str>,
    /// The type that it defines or constrains.
    pub defines: Box<str>,
    /// `resource`, `complex-type`, `primitive-type` or `logical`.
    pub kind: Box<str>,
    /// It constrains another, and defines no type.
    pub is_constraint: bool,
    /// The snapshot; its name is the first part of every path.
    pub root: Arc<Node>,
}

impl Structure {
    /// `StructureDefinition.snapshot.element`
    pub fn elements(&self) -> Vec<Map<String, Value>> {
        self.root.elements()
    }
}

/// What becomes of snapshots that profiles were published with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Published {
    /// They are taken as they are, as HL7's validator does.
    Kept,
    /// They are made anew, for some were made by tools with faults. Those of FHIR itself are kept all the same.
    MadeAnew,
}

/// Whether elements keep what they say to people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Kept,
    LeftOut,
}

/// Makes snapshots over a library, each once.
pub struct Snapshots<'a> {
    library: &'a Library,
    published: Published,
    words: Words,
    made: HashMap<Box<str>, Option<Arc<Structure>>>,
    making: Vec<Box<str>>,
    findings: Vec<SnapshotFinding>,
}

impl<'a> Snapshots<'a> {
    /// Nothing is made before it is asked for.
    pub fn new(library: &'a Library, published: Published) -> Self {
        Self {
            library,
            published,
            words: Words::Kept,
            made: HashMap::new(),
            making: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// As a validator needs them: those that are published are kept, and elements have no words for people, of which most of a snapshot
    /// is made.
    pub fn of_rules(library: &'a Library) -> Self {
        Self { words: Words::LeftOut, ..Self::new(library, Published::Kept) }
    }

    /// The structure of a canonical url. `None`, with a finding, where it or what it is built on is missing.
    pub fn structure(&mut self, canonical: &str) -> Option<Arc<Structure>> {
        match self.library.canonical_of_type(canonical, "StructureDefinition") {
            Some(resource) => self.of(resource),
            None => {
                self.tell("", SnapshotFound::Missing(canonical.into()));
                None
            }
        }
    }

    /// The structure that defines a type of FHIR.
    pub fn of_type(&mut self, name: &str) -> Option<Arc<Structure>> {
        // A logical model's type is a url.
        let resource = self
            .library
            .type_definition(name)
            .or_else(|| self.library.canonical_of_type(name, "StructureDefinition"));
        match resource {
            Some(resource) => self.of(resource),
            None => {
                self.tell("", SnapshotFound::Missing(name.into()));
                None
            }
        }
    }

    /// What was found on the way.
    pub fn findings(&self) -> &[SnapshotFinding] {
        &self.findings
    }

    fn of(&mut self, resource: Resource<'_>) -> Option<Arc<Structure>> {
        let key = key(resource);
        if let Some(made) = self.made.get(&key) {
            return made.clone();
        }
        if self.making.contains(&key) {
            self.tell("", SnapshotFound::Cycle(key));
            return None;
        }
        if self.making.len() >= BASES_MAX {
            self.tell("", SnapshotFound::OverLimit("BASES_MAX"));
            return None;
        }
        self.making.push(key.clone());
        let made = self.make(resource).map(Arc::new);
        self.making.pop();
        self.made.insert(key, made.clone());
        made
    }

    fn make(&mut self, resource: Resource<'_>) -> Option<Structure> {
        let read = match self.words {
            Words::Kept => resource.parse(),
            Words::LeftOut => resource.parse_kept(Kept::Rules),
        };
        let mut definition = match read {
            Ok(definition) => definition,
            Err(why) => {
                self.tell("", SnapshotFound::Unreadable(why.to_string()));
                return None;
            }
        };
        let is_constraint = matches!(&resource.head.kind, Kind::Structure { is_constraint: true, .. });
        let is_kept = !is_constraint || self.published == Published::Kept || resource.package.is_core();
        let root = self.root(&mut definition, is_constraint, is_kept)?;
        if root.size > SNAPSHOT_ELEMENTS_MAX {
            self.tell("", SnapshotFound::OverLimit("SNAPSHOT_ELEMENTS_MAX"));
            return None;
        }
        let text = |name: &str| definition.get(name).and_then(Value::as_str).unwrap_or_default().into();
        Some(Structure { url: text("url"), defines: text("type"), kind: text("kind"), is_constraint, root })
    }

    fn root(&mut self, definition: &mut Value, is_constraint: bool, is_kept: bool) -> Option<Arc<Node>> {
        let mut list = |part: &str| match definition.get_mut(part).and_then(|part| part.get_mut("element")) {
            Some(Value::Array(elements)) => std::mem::take(elements),
            _ => Vec::new(),
        };
        let (snapshot, differential) = (list("snapshot"), list("differential"));
        if !snapshot.is_empty() && (is_kept || differential.is_empty()) {
            return self.read(snapshot);
        }
        if differential.len() > DIFFERENTIAL_ELEMENTS_MAX {
            self.tell("", SnapshotFound::OverLimit("DIFFERENTIAL_ELEMENTS_MAX"));
            return None;
        }
        let Some(base) = definition.get("baseDefinition").and_then(Value::as_str) else {
            // `Element` and `Resource` of some versions have none.
            return if differential.is_empty() { None } else { self.read(differential) };
        };
        let base = self.structure(base)?;
        let root = match differential.first().and_then(|element| element.get("path")).and_then(Value::as_str)
        {
            Some(path) => path.split('.').next().unwrap_or_default().to_owned(),
            None => base.root.name.to_string(),
        };
        let differential = Differential::read(differential, &mut |path, found| self.tell(path, found));
        let mut merged = self.merge_root(&base, &differential, is_constraint);
        if let Some(node) = Arc::get_mut(&mut merged).filter(|node| *node.name != *root) {
            node.name = root.into();
        }
        Some(merged)
    }

    fn read(&mut self, snapshot: Vec<Value>) -> Option<Arc<Node>> {
        tree::read(snapshot, &mut |path, found| self.tell(path, found))
    }

    fn tell(&mut self, path: &str, found: SnapshotFound) {
        let structure = self.making.last().cloned().unwrap_or_default();
        let finding = SnapshotFinding { structure, path: path.into(), found };
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }
}

/// `url|version`, or the file where a structure has no url.
fn key(resource: Resource<'_>) -> Box<str> {
    match (&resource.head.url, &resource.head.version) {
        (Some(url), Some(version)) => format!("{url}|{version}").into(),
        (Some(url), None) => url.clone(),
        (None, _) => resource.name.into(),
    }
}
