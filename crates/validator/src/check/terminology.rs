//! What the checks ask of terminology. [`crate::terminology`] answers it from the code systems and value sets of the packages.

use fhirpath::{document::Element, evaluate::Item};

use super::Findings;
use crate::program::Binding;

/// How an element holds its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coded {
    /// `code`, `string`, `uri` …: the value itself, of the system that the value set says.
    Code,
    /// A `Coding`, also one within a `CodeableConcept` that no binding reaches.
    Coding,
    /// A `CodeableConcept`.
    CodeableConcept,
    /// A `Quantity`: the code of its unit.
    Quantity,
}

/// Answers about codes.
pub trait Terminology: Send + Sync {
    /// Checks one coded element: its codes against their systems, and, where its definition has a binding, against the value set.
    fn check<'d>(
        &self,
        element: Element<'d>,
        coded: Coded,
        binding: Option<&Binding>,
        findings: &mut Findings<'d>,
    );

    /// Whether an element or a value is in a value set; nothing, if that cannot be decided here. Slices by binding and `memberOf` ask it.
    fn is_in(&self, item: &Item<'_>, value_set: &str) -> Option<bool>;
}

impl<T: Terminology + ?Sized> Terminology for &T {
    fn check<'d>(
        &self,
        element: Element<'d>,
        coded: Coded,
        binding: Option<&Binding>,
        findings: &mut Findings<'d>,
    ) {
        (**self).check(element, coded, binding, findings);
    }
    fn is_in(&self, item: &Item<'_>, value_set: &str) -> Option<bool> {
        (**self).is_in(item, value_set)
    }
}

/// Nobody knows any code: nothing is checked and nothing decided.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoTerminology;

impl Terminology for NoTerminology {
    fn check<'d>(&self, _: Element<'d>, _: Coded, _: Option<&Binding>, _: &mut Findings<'d>) {}
    fn is_in(&self, _: &Item<'_>, _: &str) -> Option<bool> {
        None
    }
}
