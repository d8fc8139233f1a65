//! What an expression may ask of its surroundings. Whatever is not in here, it cannot reach.

use kernel::Timestamp;

use super::{Budget, Item};
use crate::{document::Element, model::Model};

/// The clock that the time of a run is measured by.
pub type NowDuring<'d> = Box<dyn Fn() -> Timestamp + Send + 'd>;

/// A question that needed more than the document and was not answered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{function}` could not be decided: {why}")]
pub struct PortFault {
    /// The function that asked.
    pub function: &'static str,
    /// Why there is no answer.
    pub why: String,
}

impl PortFault {
    fn unconnected(function: &'static str) -> Self {
        Self { function, why: "nothing here can answer it".to_owned() }
    }
}

/// Answers from outside the document. What is not filled in is undecided: it never looks like a "no".
pub trait Ports<'d> {
    /// What a reference points to; nothing if it points nowhere. A reference within the resource (`#id`) is never asked.
    fn resolve(&self, _reference: &str, _from: Element<'d>) -> Result<Option<Element<'d>>, PortFault> {
        Err(PortFault::unconnected("resolve"))
    }

    /// Whether a code, Coding or `CodeableConcept` is in a value set.
    fn member_of(&self, _item: &Item<'d>, _value_set: &str) -> Result<Option<bool>, PortFault> {
        Err(PortFault::unconnected("memberOf"))
    }

    /// Whether one code subsumes another.
    fn subsumes(&self, _item: &Item<'d>, _other: &Item<'d>) -> Result<Option<bool>, PortFault> {
        Err(PortFault::unconnected("subsumes"))
    }

    /// Whether an element conforms to a profile.
    fn conforms_to(&self, _element: Element<'d>, _profile: &str) -> Result<bool, PortFault> {
        Err(PortFault::unconnected("conformsTo"))
    }

    /// The definition of an element.
    fn element_definition(&self, _element: Element<'d>) -> Result<Option<Element<'d>>, PortFault> {
        Err(PortFault::unconnected("elementDefinition"))
    }

    /// Whether an element is in a slice of a profile.
    fn is_in_slice(&self, _element: Element<'d>, _profile: &str, _slice: &str) -> Result<bool, PortFault> {
        Err(PortFault::unconnected("slice"))
    }

    /// Is told what `trace` is told.
    fn trace(&self, _name: &str, _items: &[Item<'d>]) {}
}

/// Nothing outside can be asked.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPorts;

impl Ports<'_> for NoPorts {}

/// What an expression may ask of its surroundings.
pub struct Context<'d> {
    /// The types.
    pub model: &'d dyn Model,
    /// Answers from outside.
    pub ports: &'d dyn Ports<'d>,
    /// What `now()`, `today()` and `timeOfDay()` answer, the same throughout a run (N1 §5.8.2).
    pub now: Timestamp,
    /// `%resource`; the innermost resource of the item, if nothing is set.
    pub resource: Option<Element<'d>>,
    /// `%rootResource`; the container of `%resource`, if nothing is set.
    pub root_resource: Option<Element<'d>>,
    /// Variables of the caller, without `%`.
    pub variables: Vec<(String, Vec<Item<'d>>)>,
    /// What a run may cost.
    pub budget: Budget,
    /// The clock for [`Budget::until`].
    pub now_during: Option<NowDuring<'d>>,
}

impl<'d> Context<'d> {
    /// With types and the time; no ports, no variables, default budgets.
    pub fn new(model: &'d dyn Model, now: Timestamp) -> Self {
        Self {
            model,
            ports: &NoPorts,
            now,
            resource: None,
            root_resource: None,
            variables: Vec::new(),
            budget: Budget::default(),
            now_during: None,
        }
    }

    /// With answers from outside.
    pub fn with_ports(self, ports: &'d dyn Ports<'d>) -> Self {
        Self { ports, ..self }
    }

    /// With limits.
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget, ..self }
    }
}
