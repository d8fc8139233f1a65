//! What a caller may do with which records: one decision for every candidate of every interaction.  Contract 3 "tenancy",
//! SMART App Launch 2.2 §3.0.2
//!
//! A site's plan, the scopes of the token, the patient in context, what the person may see and what patients consent to come to one
//! [`Rule`] for a type and an interaction. A rule is asked of a record that is read or written, and becomes criteria of a search before any limit. What it does
//! not permit is answered as what does not exist.

mod judge;

use std::sync::Arc;

use kernel::{Criteria, Interaction, Level, Permit, Scopes, SmartScopes};

pub(crate) use judge::Reader;

use crate::{
    Standing,
    consent::{Asking, Who, is_exempt},
    parameter::ResourceType,
    site::{Consents, Plan, Subscription},
};

/// Which records a person may see, where scopes name no patient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Those of the whole site: a practitioner's.
    Site,
    /// Those of these patients: their own, those they care for.
    Patients(Arc<[Box<str>]>),
}

/// What a caller may do with records of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What plan, scopes and sight open of them.
    pub grant: Grant,
    /// What is asked of the consents of the records' patients; nothing where they are not asked.
    pub(crate) asking: Option<Asking>,
}

impl Rule {
    /// Nothing is opened.
    pub fn is_nothing(&self) -> bool {
        self.grant == Grant::Nothing
    }

    /// Every record of the site is opened, as far as consents let it be.
    pub fn is_everything(&self) -> bool {
        self.grant == Grant::Everything
    }
}

/// What plan, scopes and sight open of the records of one type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Grant {
    /// Nothing.
    Nothing,
    /// It may be done to every record of the site.
    Everything,
    /// It may be done to records that fulfil one of these.
    AnyOf(Vec<Clause>),
}

/// What a record has to fulfil, all of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clause {
    /// It is in the compartment of one of these patients; none where it need not be in any.
    pub patients: Option<Arc<[Box<str>]>>,
    /// It was made by this owner; none where it may be anybody's.
    pub owner: Option<Arc<str>>,
    /// It matches what a scope asks for.
    pub criteria: Criteria,
}

/// Types whose records are their owner's: what is for patients or for the person is of them those that they made themselves.
const OWNED: [&str; 1] = ["Subscription"];

/// Types whose records we make ourselves: nobody else writes them.
const OURS: [&str; 1] = ["AuditEvent"];

/// The system of the tag by which a record says who made it. Nobody but us gives it.
pub(crate) const OWNER_SYSTEM: &str = "urn:hilum:owner";

/// Who made a record: the client, and the person for whom it did.
pub(crate) fn owner_of(standing: &Standing) -> String {
    match standing.person {
        Some(person) => format!("{}.{person}", standing.client),
        None => standing.client.to_string(),
    }
}

/// Everything that a caller's rules are made of.
#[derive(Debug, Clone)]
pub struct Access {
    plan: Plan,
    scopes: SmartScopes,
    patient: Option<Arc<[Box<str>]>>,
    sight: Sight,
    owner: Option<Arc<str>>,
    asking: Option<Asking>,
    glass: Glass,
}

/// Whether what patients withhold from being read is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Glass {
    Whole,
    Broken,
}

impl Access {
    /// What these scopes permit at a site with this plan; `patient` is the one in context, `sight` what the person may see.
    pub fn new(plan: Plan, scopes: &Scopes, patient: Option<&str>, sight: Sight) -> Self {
        let patient = patient.map(|id| Arc::from([Box::from(id)]));
        Self {
            plan,
            scopes: SmartScopes::of(scopes),
            patient,
            sight,
            owner: None,
            asking: None,
            glass: Glass::Whole,
        }
    }

    /// The same of one who may own records.
    #[must_use]
    pub(crate) fn owning(mut self, standing: &Standing) -> Self {
        self.owner = Some(owner_of(standing).into());
        self
    }

    /// The same for one who is bound by what patients consent to, where the site asks for that.
    #[must_use]
    pub fn bound_by(self, consents: Consents, who: &Who) -> Self {
        Self { asking: (consents == Consents::Enforce).then(|| who.asking()), ..self }
    }

    /// The same for one who asks past what patients withhold: to read and find. What is written is bound as ever.
    #[must_use]
    pub(crate) fn breaking_glass(self) -> Self {
        Self { glass: Glass::Broken, ..self }
    }

    /// The subscription that is missing for this type.
    ///
    /// # Errors
    /// Its name.
    pub fn subscribed(&self, resource_type: &str) -> Result<(), Subscription> {
        self.plan.admits(resource_type)
    }

    /// The rule for a type.
    pub fn rule(&self, resource_type: &str, interaction: Interaction) -> Rule {
        let is_free = ResourceType::named(resource_type).is_some_and(is_exempt);
        let is_past =
            self.glass == Glass::Broken && matches!(interaction, Interaction::Read | Interaction::Search);
        let asking =
            self.asking.as_ref().filter(|_| !is_free && !is_past).map(|asking| asking.to(interaction));
        Rule { grant: self.grant(resource_type, interaction), asking }
    }

    /// What is asked of consents about a record that is kept: may this one gather it?
    pub(crate) fn collecting(&self) -> Option<Asking> {
        self.asking.as_ref().map(|asking| asking.to(Interaction::Create))
    }

    fn grant(&self, resource_type: &str, interaction: Interaction) -> Grant {
        let is_written = !matches!(interaction, Interaction::Read | Interaction::Search);
        if self.plan.admits(resource_type).is_err() || (is_written && OURS.contains(&resource_type)) {
            return Grant::Nothing;
        }
        let is_owned = OWNED.contains(&resource_type);
        let mut clauses = Vec::new();
        for level in [Level::Patient, Level::User, Level::System] {
            let patients = match (level, &self.patient, &self.sight) {
                (Level::Patient | Level::User, ..) if is_owned => None,
                (Level::Patient, Some(patient), _) => Some(Arc::clone(patient)),
                (Level::Patient, None, _) => continue,
                (Level::User, _, Sight::Patients(patients)) => Some(Arc::clone(patients)),
                (Level::User, _, Sight::Site) | (Level::System, _, _) => None,
            };
            let owner = match (is_owned && level != Level::System, &self.owner) {
                (true, None) => continue,
                (true, Some(owner)) => Some(Arc::clone(owner)),
                (false, _) => None,
            };
            if patients.as_ref().is_some_and(|patients| patients.is_empty()) {
                continue;
            }
            let clause = |criteria| Clause { patients: patients.clone(), owner: owner.clone(), criteria };
            match self.scopes.permits(level, resource_type, interaction) {
                Permit::Nothing => {}
                Permit::Everything if patients.is_none() && owner.is_none() => return Grant::Everything,
                Permit::Everything => clauses.push(clause(Criteria::default())),
                Permit::Matching(criteria) => clauses.extend(criteria.into_iter().map(clause)),
            }
        }
        if clauses.is_empty() { Grant::Nothing } else { Grant::AnyOf(clauses) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        [Subscription::Base, Subscription::Clinical].into_iter().collect()
    }

    fn patients(ids: &[&str]) -> Arc<[Box<str>]> {
        ids.iter().map(|id| Box::from(*id)).collect()
    }

    fn shown(rule: &Grant) -> String {
        match rule {
            Grant::Nothing => "-".to_owned(),
            Grant::Everything => "*".to_owned(),
            Grant::AnyOf(clauses) => {
                let clause = |clause: &Clause| {
                    let whose = clause.patients.as_ref().map_or("*".to_owned(), |all| all.join(","));
                    format!("{whose}?{}", clause.criteria)
                };
                clauses.iter().map(clause).collect::<Vec<_>>().join(" | ")
            }
        }
    }

    #[test]
    fn what_scopes_context_and_sight_come_to() {
        use Interaction::{Create, Delete, Read, Search};
        let (site, own, none) =
            (Sight::Site, Sight::Patients(patients(&["1", "2"])), Sight::Patients(patients(&[])));
        for (scopes, patient, sight, resource_type, interaction, expected) in [
            ("", Some("1"), &site, "Observation", Read, "-"),
            ("patient/*.read", Some("1"), &site, "Observation", Read, "1?"),
            ("patient/*.read", Some("1"), &site, "Observation", Create, "-"),
            ("patient/*.read", None, &site, "Observation", Read, "-"),
            ("patient/*.rs", Some("1"), &own, "Claim", Read, "-"),
            ("patient/Observation.s", Some("1"), &site, "Observation", Read, "-"),
            ("patient/Observation.s", Some("1"), &site, "Observation", Search, "1?"),
            ("user/*.cruds", None, &site, "Observation", Delete, "*"),
            ("user/*.cruds", None, &own, "Observation", Delete, "1,2?"),
            ("user/*.cruds", None, &none, "Observation", Delete, "-"),
            ("system/*.*", None, &none, "Observation", Delete, "*"),
            ("system/Observation.rs?category=a", None, &none, "Observation", Search, "*?category=a"),
            ("system/Observation.rs?category=a system/Observation.r", None, &none, "Observation", Read, "*"),
            (
                "patient/Observation.rs?category=a user/Observation.rs?code=b",
                Some("1"),
                &own,
                "Observation",
                Read,
                "1?category=a | 1,2?code=b",
            ),
            ("patient/*.read user/Patient.read", Some("1"), &site, "Patient", Read, "*"),
        ] {
            let access = Access::new(plan(), &scopes.parse().unwrap(), patient, sight.clone());
            let rule = access.rule(resource_type, interaction);
            assert_eq!(
                shown(&rule.grant),
                expected,
                "{scopes} {patient:?} {sight:?} {resource_type} {interaction:?}"
            );
        }
    }

    #[test]
    fn without_a_subscription_there_is_nothing() {
        let access = Access::new(plan(), &"system/*.*".parse().unwrap(), None, Sight::Site);
        assert_eq!(access.subscribed("Claim"), Err(Subscription::Financial));
        assert_eq!(access.rule("Claim", Interaction::Read).grant, Grant::Nothing);
        assert_eq!(access.subscribed("Patient"), Ok(()));
    }
}
