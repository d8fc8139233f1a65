//! A rule, asked of one record.

use std::sync::Arc;

use fhirpath::document::{Document, DocumentLimits};
use kernel::{Interaction, Timestamp};

use super::{Access, Clause, OWNER_SYSTEM, Rule};
use crate::{
    index::extract,
    parameter::{Compartment, Registry, ResourceType},
    query::{Alone, Handling, Reading, Test, holds, read_test, scope_test},
    resource::{Judge, Version},
};

/// What rules are read with.
#[derive(Clone)]
pub(crate) struct Reader {
    pub registry: Arc<Registry>,
    pub now: Timestamp,
}

impl Rule {
    /// What a record of a type has to hold. What a scope asks and nobody knows is held by none.
    pub(crate) fn test(&self, of: ResourceType, reader: &Reader) -> Test {
        match self {
            Self::Nothing => Test::NONE,
            Self::Everything => Test::EVERY,
            Self::AnyOf(clauses) => {
                Test::AnyOf(clauses.iter().map(|clause| clause.test(of, reader)).collect())
            }
        }
    }

    /// The rule as the store asks it of what is stored; none where every record fulfils it.
    pub(crate) fn judge(&self, of: ResourceType, reader: &Reader) -> Option<Judge> {
        if *self == Self::Everything {
            return None;
        }
        let (test, registry) = (self.test(of, reader), Arc::clone(&reader.registry));
        Some(Arc::new(move |version: &Version| is_held(&test, version, &registry)))
    }

    /// Whether this version may be had to do with. A deletion says nothing that could be asked, so nobody but who may have to do
    /// with every record knows of it.
    pub(crate) fn permits_version(&self, version: &Version, reader: &Reader) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::AnyOf(_) => is_held(&self.test(version.resource_type, reader), version, &reader.registry),
        }
    }

    /// Whether a record like this, under the id that it says, may be had to do with.
    pub(crate) fn permits(&self, document: &Document<'_>, of: ResourceType, reader: &Reader) -> bool {
        match self {
            Self::Nothing => false,
            Self::Everything => true,
            Self::AnyOf(_) => holds_test(&self.test(of, reader), document, &reader.registry),
        }
    }
}

/// What was kept was read before it was; one that is gone holds nothing.
fn is_held(test: &Test, version: &Version, registry: &Registry) -> bool {
    version.body.as_ref().is_some_and(|body| {
        Document::from_json(body.as_str().as_bytes(), &DocumentLimits::default())
            .is_ok_and(|document| holds_test(test, &document, registry))
    })
}

/// What cannot be decided by the record alone does not open it.
fn holds_test(test: &Test, document: &Document<'_>, registry: &Registry) -> bool {
    extract(document.root(), registry).is_some_and(|entries| holds(test, &entries, &Alone) == Ok(true))
}

impl Access {
    /// The rules of all types, as the store asks them of what is stored.
    pub(crate) fn judge(&self, interaction: Interaction, reader: &Reader) -> Judge {
        let (access, reader) = (self.clone(), reader.clone());
        Arc::new(move |version: &Version| {
            access.rule(version.resource_type.as_str(), interaction).permits_version(version, &reader)
        })
    }
}

impl Clause {
    fn test(&self, of: ResourceType, reader: &Reader) -> Test {
        let reading = Reading { registry: &reader.registry, now: reader.now, handling: Handling::Strict };
        let whose = self
            .patients
            .as_ref()
            .map(|patients| Test::In { compartment: Compartment::Patient, ids: patients.to_vec() });
        let made = self.owner.as_ref().map(|owner| {
            let tag = format!("{OWNER_SYSTEM}|{owner}");
            read_test("_tag", &tag, &[of], &reading).unwrap_or(Test::NONE)
        });
        let asked = scope_test(&self.criteria, of, &reading).alone();
        Test::All(whose.into_iter().chain(made).chain([asked]).collect())
    }
}
