//! A rule, asked of one record.

use std::sync::Arc;

use fhirpath::document::{Document, DocumentLimits};
use kernel::{Interaction, Timestamp};

use super::{Access, Clause, Grant, OWNER_SYSTEM, Rule};
use crate::{
    consent::{Bound, permits},
    index::{Asked, Wanted, extract_wanted},
    parameter::{Compartment, Registry, ResourceType},
    query::{Alone, Handling, Reading, Test, holds, read_test, scope_test},
    resource::{Judge, Version},
    search::Consented,
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
        let opened = self.grant.test(of, reader);
        match &self.asking {
            Some(asking) if self.grant != Grant::Nothing => {
                let consented = Consented { asking: asking.clone(), now: reader.now.as_micros() };
                Test::All(vec![opened, Test::Consented(Arc::new(consented))])
            }
            _ => opened,
        }
    }

    /// What a record has to hold of what scopes ask, without what consents withhold.
    pub(crate) fn opened(&self, of: ResourceType, reader: &Reader) -> Test {
        self.grant.test(of, reader)
    }

    /// The rule as the store asks it of what is stored; none where every record fulfils it.
    pub(crate) fn judge(&self, of: ResourceType, reader: &Reader) -> Option<Judge> {
        if self.is_everything() && self.asking.is_none() {
            return None;
        }
        let (rule, test, reader) = (self.clone(), self.grant.test(of, reader), reader.clone());
        Some(Arc::new(move |version: &Version| {
            let is_open = rule.is_everything() || is_held(&test, version, &reader.registry);
            is_open && rule.is_consented(version, &reader)
        }))
    }

    /// Whether this version may be had to do with. A deletion says nothing that could be asked, so nobody but who may have to do
    /// with every record knows of it.
    pub(crate) fn permits_version(&self, version: &Version, reader: &Reader) -> bool {
        self.opens_version(version, reader) && self.is_consented(version, reader)
    }

    /// Whether what scopes open has this version, which is the caller's own: consents are not asked.
    pub(crate) fn opens_version(&self, version: &Version, reader: &Reader) -> bool {
        match &self.grant {
            Grant::Nothing => false,
            Grant::Everything => true,
            Grant::AnyOf(_) => {
                is_held(&self.grant.test(version.resource_type, reader), version, &reader.registry)
            }
        }
    }

    /// Whether what scopes open has a record like this, under the id that it says.
    pub(crate) fn permits(&self, document: &Document<'_>, of: ResourceType, reader: &Reader) -> bool {
        match &self.grant {
            Grant::Nothing => false,
            Grant::Everything => true,
            Grant::AnyOf(_) => holds_test(&self.grant.test(of, reader), document, &reader.registry),
        }
    }

    /// Whether the consents that were looked up with a version let it be had to do with. Of a deletion nothing can be said: what was
    /// deleted is asked instead. Where nobody has looked, the answer is no.
    pub(crate) fn is_consented(&self, version: &Version, reader: &Reader) -> bool {
        let Some(asking) = &self.asking else { return true };
        match &version.bound {
            _ if version.is_deletion() => false,
            Bound::Unasked => false,
            Bound::Free => true,
            Bound::By(rules) => permits(rules, asking, reader.now),
        }
    }
}

impl Grant {
    fn test(&self, of: ResourceType, reader: &Reader) -> Test {
        match self {
            Self::Nothing => Test::NONE,
            Self::Everything => Test::EVERY,
            Self::AnyOf(clauses) => {
                Test::AnyOf(clauses.iter().map(|clause| clause.test(of, reader)).collect())
            }
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
    let mut asked = Asked::default();
    test.asked(&mut asked);
    let named = document.root().resource_type().and_then(|name| ResourceType::named(&name));
    named.is_some_and(|of| {
        let wanted = Wanted::of(registry, of, &asked);
        extract_wanted(document.root(), registry, &wanted)
            .is_some_and(|entries| holds(test, &entries, &Alone) == Ok(true))
    })
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
