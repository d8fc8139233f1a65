//! Which records an export has, and which parts of them: asked of every record, before anything is counted.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use fhirpath::document::{Document, DocumentLimits};
use kernel::{Interaction, Timestamp};
use store::DbError;

use super::wish::{Level, Wish};
use crate::{
    access::{Access, Reader, Rule},
    bulk::deidentify::{Key, Keyed, Policy, Shown},
    consent,
    index::{Entries, extract},
    interaction::Part,
    parameter::{Compartment, ResourceType},
    query::{Alone, Test, holds},
    resource::Version,
    tenant::Tenant,
};

/// Whose compartment a record has to be in.
enum Whose {
    /// It need not be in any.
    Nobodys,
    /// That of any patient.
    Patients,
    /// That of one of these.
    These(HashSet<String>),
}

/// What is asked of the records of one type.
struct Asked {
    test: Test,
    /// It says what consents leave of them.
    rule: Rule,
    part: Part,
}

/// Which records are exported.
pub(super) struct Pick {
    reader: Reader,
    whose: Whose,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    types: BTreeMap<ResourceType, Asked>,
    hidden: Option<Hidden>,
}

/// What leaves out what tells whose records they are.
pub(super) struct Hidden {
    pub policy: Policy,
    pub key: Key,
    pub base: String,
}

/// The types of which a caller may read and find some records: both, since an export is found as well as read.
pub(in crate::bulk) fn reach(
    access: &Access,
    wanted: &BTreeSet<ResourceType>,
    reader: &Reader,
) -> BTreeMap<ResourceType, Test> {
    let all = ResourceType::all().filter(|of| wanted.is_empty() || wanted.contains(of));
    let test = |of: ResourceType| {
        let rule = |interaction| access.rule(of.as_str(), interaction).opened(of, reader);
        joined([rule(Interaction::Read), rule(Interaction::Search)])
    };
    all.map(|of| (of, test(of))).filter(|(_, test)| *test != Test::NONE).collect()
}

/// All of these; what every record holds is left out.
fn joined(tests: impl IntoIterator<Item = Test>) -> Test {
    let mut kept: Vec<Test> = Vec::new();
    for test in tests {
        match test {
            test if test == Test::NONE => return Test::NONE,
            test if test == Test::EVERY || kept.contains(&test) => {}
            test => kept.push(test),
        }
    }
    match kept.len() {
        1 => kept.pop().unwrap_or(Test::NONE),
        _ => Test::All(kept),
    }
}

impl Pick {
    /// What this wish comes to for a caller with this access; `members` are those of the group. Nothing if what it asks cannot be asked
    /// of this site any more.
    pub fn new(
        wish: &Wish,
        access: &Access,
        reader: Reader,
        members: Option<HashSet<String>>,
    ) -> Option<Self> {
        let filters = wish.tests(&reader.registry, reader.now)?;
        let named = |all: &[String]| -> HashSet<String> { all.iter().cloned().collect() };
        let whose = match (&wish.level, members, wish.patients.as_slice()) {
            (Level::System, ..) => Whose::Nobodys,
            (Level::Patients, _, []) => Whose::Patients,
            (Level::Patients, _, these) => Whose::These(named(these)),
            (Level::Group { .. }, members, []) => Whose::These(members.unwrap_or_default()),
            (Level::Group { .. }, members, these) => {
                let members = members.unwrap_or_default();
                Whose::These(named(these).into_iter().filter(|id| members.contains(id)).collect())
            }
        };
        let types = reach(access, &wish.types(), &reader).into_iter().map(|(of, test)| {
            let own: Vec<Test> =
                filters.iter().filter(|(own, _)| *own == of).map(|(_, test)| test.clone()).collect();
            let filter = if own.is_empty() { Test::EVERY } else { Test::AnyOf(own) };
            let rule = access.rule(of.as_str(), Interaction::Search);
            (of, Asked { test: joined([test, filter]), rule, part: part(wish, of) })
        });
        Some(Self {
            types: types.collect(),
            whose,
            since: wish.since.map(Timestamp::from_micros),
            until: wish.until.map(Timestamp::from_micros),
            reader,
            hidden: None,
        })
    }

    /// The same, with what tells whose records they are left out.
    pub fn hiding(mut self, hidden: Option<Hidden>) -> Self {
        self.hidden = hidden;
        self
    }

    /// Whether records of this type can be among them, and changed when they should be.
    pub fn may_take(&self, of: ResourceType, at: Timestamp) -> bool {
        self.types.contains_key(&of)
            && self.since.is_none_or(|since| at > since)
            && self.until.is_none_or(|until| at < until)
    }

    /// Look up what consents say of a version that may be among them.
    pub async fn weigh(
        &self,
        reader: &mut store::Reader,
        tenant: &Tenant,
        version: &mut Version,
    ) -> Result<(), DbError> {
        consent::weigh(reader, &self.reader.registry, tenant, version).await
    }

    /// Whether what was deleted is told.
    pub const fn tells_of_deletions(&self) -> bool {
        self.since.is_some()
    }

    /// From when on.
    pub const fn since(&self) -> Option<Timestamp> {
        self.since
    }

    /// The line for a record; none if it is not among them.
    pub fn line(&self, version: &Version) -> Option<String> {
        let asked = self.types.get(&version.resource_type)?;
        let body = version.body.as_ref()?.as_str();
        let part = self.takes(asked, (version, body)).then(|| asked.part.of(body))?;
        match &self.hidden {
            None => Some(part),
            Some(hidden) => hidden.shown(self.reader.now).record(&part, self.patient_of(body).as_deref()),
        }
    }

    /// Whether what this version says is of those.
    pub fn has(&self, version: &Version) -> bool {
        let asked = self.types.get(&version.resource_type);
        asked
            .zip(version.body.as_ref())
            .is_some_and(|(asked, body)| self.takes(asked, (version, body.as_str())))
    }

    /// How a record is referred to.
    pub fn reference(&self, version: &Version) -> String {
        match &self.hidden {
            None => version.reference(),
            Some(hidden) => hidden.key.reference(version.resource_type.as_str(), version.id.as_str()),
        }
    }

    /// The patient in whose compartment a record is; of several the first by id.
    fn patient_of(&self, body: &str) -> Option<String> {
        let document = Document::from_json(body.as_bytes(), &DocumentLimits::default()).ok()?;
        let entries = extract(document.root(), &self.reader.registry)?;
        let patients = entries.compartments.iter().filter(|one| one.compartment == Compartment::Patient);
        patients.map(|one| one.id.clone().into_owned()).min()
    }

    /// What cannot be decided by the record alone does not open it.
    fn takes(&self, asked: &Asked, (version, body): (&Version, &str)) -> bool {
        if !asked.rule.is_consented(version, &self.reader) {
            return false;
        }
        if asked.test == Test::EVERY && matches!(self.whose, Whose::Nobodys) {
            return true;
        }
        let Ok(document) = Document::from_json(body.as_bytes(), &DocumentLimits::default()) else {
            return false;
        };
        extract(document.root(), &self.reader.registry).is_some_and(|entries| {
            self.whose.has(&entries) && holds(&asked.test, &entries, &Alone) == Ok(true)
        })
    }
}

impl Hidden {
    fn shown(&self, now: Timestamp) -> Shown<'_> {
        Shown { policy: &self.policy, key: &self.key, base: &self.base, now }
    }
}

impl Whose {
    fn has(&self, entries: &Entries<'_>) -> bool {
        let mut patients = entries.compartments.iter().filter(|one| one.compartment == Compartment::Patient);
        match self {
            Self::Nobodys => true,
            Self::Patients => patients.next().is_some(),
            Self::These(ids) => patients.any(|one| ids.contains(&*one.id)),
        }
    }
}

/// The elements that are shown of a type: those that are named for it, or for all; of a type for which none is, everything.
fn part(wish: &Wish, of: ResourceType) -> Part {
    let own = |name: &&String| name.split_once('.').is_none_or(|(named, _)| named == of.as_str());
    let names: Vec<&str> = wish.elements.iter().filter(own).map(String::as_str).collect();
    match names.is_empty() {
        true => Part::Whole,
        false => Part::named(&names.join(",")).unwrap_or(Part::Text),
    }
}
