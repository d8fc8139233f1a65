//! Who asks, in the words of consents.

use std::sync::Arc;

use kernel::Interaction;

use super::purpose;
use crate::resource::LogicalId;

/// Who asks, as consents name those who act.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Who {
    /// Records that stand for who asks: `Practitioner/1`, `Device/…`.
    pub references: Vec<String>,
    /// Identifiers of who asks: system, where there is one, and value.
    pub identifiers: Vec<(Option<String>, String)>,
    /// The patients that the person is: nobody is barred from their own records.
    pub own: Vec<String>,
    /// What for, by codes of <http://terminology.hl7.org/CodeSystem/v3-ActReason>, or `system|code`: what the token states, or the one
    /// that the request states. More than one is as none.
    #[serde(default)]
    pub purposes: Vec<String>,
}

/// What is done to a record, by the codes of <http://terminology.hl7.org/CodeSystem/consentaction>.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// It is read, found, counted: `access`, and what a rule calls `use` or `disclose`.
    Access,
    /// It is changed or deleted: `correct`.
    Correct,
    /// It is made: `collect`.
    Collect,
}

impl Action {
    pub const fn word(self) -> &'static str {
        match self {
            Self::Access => "action access",
            Self::Correct => "action correct",
            Self::Collect => "action collect",
        }
    }

    /// Who changes a record has to do with what stands in it.
    pub const fn of(interaction: Interaction) -> &'static [Self] {
        match interaction {
            Interaction::Read | Interaction::Search => &[Self::Access],
            Interaction::Update | Interaction::Delete => &[Self::Access, Self::Correct],
            Interaction::Create => &[Self::Collect],
        }
    }
}

/// The word for an actor that is a record.
pub(crate) fn reference_word(reference: &str) -> String {
    format!("actor {reference}")
}

/// The word for an actor with an identifier; without a system for one of whatever system.
pub(crate) fn identifier_word(system: Option<&str>, value: &str) -> String {
    format!("identifier {} {value}", system.unwrap_or("*"))
}

/// The word for what something is asked for.
pub(crate) fn purpose_word(code: &str) -> String {
    format!("purpose {code}")
}

pub(super) fn is_purpose(word: &str) -> bool {
    word.starts_with("purpose ")
}

/// A question to the consents of a patient: may these do this?
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asking {
    /// What may be said of who asks, without the action.
    pub words: Arc<[String]>,
    /// Patients whose consents do not bind who asks.
    pub own: Arc<[LogicalId]>,
    /// What is done: all of it has to be permitted.
    pub actions: &'static [Action],
}

impl Who {
    /// The same, for these purposes, as a token names them.
    #[must_use]
    pub fn stating<'p>(self, purposes: impl Iterator<Item = &'p str>) -> Self {
        let read = |text: &str| purpose::read(text).unwrap_or_else(|| text.to_owned());
        Self { purposes: purposes.map(read).collect(), ..self }
    }

    pub(crate) fn asking(&self) -> Asking {
        let references = self.references.iter().map(|one| reference_word(one));
        let identifiers = self.identifiers.iter().flat_map(|(system, value)| {
            let any = identifier_word(None, value);
            [any].into_iter().chain(system.as_deref().map(|system| identifier_word(Some(system), value)))
        });
        let purposes = match self.purposes.as_slice() {
            [one] => purpose::with_those_above(one).into_iter().map(purpose_word).collect(),
            _ => vec![purpose::NONE.to_owned()],
        };
        Asking {
            words: references.chain(identifiers).chain(purposes).collect(),
            own: self.own.iter().filter_map(|id| id.parse().ok()).collect(),
            actions: &[],
        }
    }
}

impl Asking {
    pub fn to(&self, interaction: Interaction) -> Self {
        Self { actions: Action::of(interaction), ..self.clone() }
    }
}
