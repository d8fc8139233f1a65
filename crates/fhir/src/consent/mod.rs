//! What patients permit and deny: their active Consents of scope `patient-privacy`, as rules that the one access decision asks.
//! <https://hl7.org/fhir/R4/consent.html>, `docs/decisions/0015-consent-in-the-access-decision.md`
//!
//! [`read`] makes rules of a Consent, and says what it does not understand of it: that denies and never permits. The rules stand in
//! tables that are written with the Consent itself, beside which records they are about, so that a search leaves out in SQL what is
//! withheld; a single record is asked with the rules of its patients, on the same snapshot.

mod decide;
pub(crate) mod purpose;
mod read;
mod record;
mod settle;
mod table;
mod tell;
mod who;

use std::sync::Arc;

use crate::{parameter::ResourceType, resource::Rid};

pub use read::{Unclear, read};
pub use who::Who;

pub(crate) use decide::{Bearing, permits};
pub(crate) use settle::{Settled, settle};
pub(crate) use table::{Rules, has_any, lets_keep, patients_of, weigh};
pub(crate) use tell::told;
pub(crate) use who::{Action, Asking};

/// Provisions of one Consent. One with more is not understood.
pub const PROVISIONS_MAX: usize = 60;
/// Provisions within provisions. A Consent with more is not understood.
pub const NESTED_PROVISIONS_MAX: usize = 8;
/// Words (actors, actions, purposes) and conditions on records that one provision names, with those that it stands in. One with more
/// is not understood.
pub const PROVISION_WORDS_MAX: usize = 500;
/// Records that are looked at at once when a Consent is written.
pub const CONSENTED_FETCHED: usize = 500;

/// What a rule says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It may be done.
    Permit,
    /// It may not.
    Deny,
}

/// The rules of one Consent.
#[derive(Debug, Clone, PartialEq)]
pub struct Consent {
    /// Whose records it is about.
    pub patient: Box<str>,
    /// `Consent.dateTime`, in microseconds; the beginning of time where it does not say: every other one is newer.
    pub at: i64,
    /// In the order of the document: what stands in a provision follows it.
    pub rules: Vec<Rule>,
    /// What is not understood, and so denies.
    pub unclear: Vec<Unclear>,
}

/// A base or a provision, with all that those it stands in demand.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// What it says.
    pub effect: Effect,
    /// Its number in the Consent.
    pub number: usize,
    /// The number of the last one that stands in it; its own if none does.
    pub last: usize,
    /// By which kinds of conditions it is narrowed: see [`dims`].
    pub dims: i64,
    /// The first moment at which it holds.
    pub from: i64,
    /// The first moment at which it does no more.
    pub until: i64,
    /// Of each of these one has to be said of who asks.
    pub asks: Vec<Vec<String>>,
    /// What a record has to fulfil, all of it.
    pub records: Vec<record::Condition>,
}

/// Kinds of conditions, as bits: a newer permission lifts an older denial only if it is narrowed by all that the denial is narrowed by.
pub(crate) mod dims {
    pub const ACTOR: i64 = 1;
    pub const ACTION: i64 = 1 << 1;
    pub const PURPOSE: i64 = 1 << 2;
    pub const LABEL: i64 = 1 << 3;
    pub const CLASS: i64 = 1 << 4;
    pub const CODE: i64 = 1 << 5;
    pub const DATA: i64 = 1 << 6;
    pub const DATA_PERIOD: i64 = 1 << 7;
    /// No permission has it: what is not understood is lifted by nothing that is said elsewhere.
    pub const UNCLEAR: i64 = 1 << 8;
}

/// What consents say of one version, as far as it was looked up.
#[derive(Debug, Clone, Default)]
pub(crate) enum Bound {
    /// Nobody has looked: whoever has to ask is denied.
    #[default]
    Unasked,
    /// No consent is about it.
    Free,
    /// These rules are about it.
    By(Arc<[Bearing]>),
}

/// Records that consents do not withhold: consents themselves, or nobody could take one back that was written wrongly, and the trail
/// of who did what.
pub(crate) fn is_exempt(of: ResourceType) -> bool {
    matches!(of.as_str(), "Consent" | "AuditEvent")
}

/// The number of a rule among all of its site: that of the version of its Consent, and its own.
pub(crate) fn rule_number(consent: Rid, number: usize) -> i64 {
    consent.0.saturating_mul(RULES_OF_A_CONSENT).saturating_add(i64::try_from(number).unwrap_or(i64::MAX))
}

/// A base, a root and provisions have room in it.
const RULES_OF_A_CONSENT: i64 = 64;

/// The numbers that a Consent's rules have.
pub(crate) fn rule_numbers(consent: Rid) -> (i64, i64) {
    (rule_number(consent, 0), rule_number(consent, 0).saturating_add(RULES_OF_A_CONSENT - 1))
}
