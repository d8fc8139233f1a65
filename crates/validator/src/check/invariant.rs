//! Invariants of an element: those of every rule that it is looked at with, each once.

use std::sync::Arc;

use fhirpath::document::{Element, Kind};

use super::{Run, messages};
use crate::{
    Severity,
    program::{Condition, Invariant, Native},
};

impl<'a, 'd> Run<'a, 'd> {
    pub(super) fn check_invariants(&mut self, element: Element<'d>, base: usize, end: usize) {
        let mut natives = 0_u32;
        for at in base..end {
            let Some(active) = self.active(at) else { break };
            for (place, invariant) in active.rule.invariants.iter().enumerate() {
                match &invariant.condition {
                    Condition::Native(native) => {
                        let bit = 1 << (*native as u32);
                        if natives & bit == 0 {
                            natives |= bit;
                            self.check_native(element, *native, invariant);
                        }
                    }
                    Condition::None => {}
                    Condition::Program(program) => {
                        if !self.is_repeated(base, at, place, program) {
                            // A rule of what holds a resource speaks of that.
                            let outer = element.parent().filter(|_| {
                                matches!(element.name(), "resource" | "contained")
                                    && active.rule.path.contains('.')
                            });
                            self.evaluator.context_mut().resource = outer.map(|outer| outer.resource());
                            self.check_program(element, program, invariant);
                            self.evaluator.context_mut().resource = None;
                        }
                    }
                    Condition::Faulty(why) => {
                        self.tell(
                            element,
                            Severity::Warning,
                            &messages::INVARIANT_UNDECIDED,
                            &[&invariant.key, why],
                        );
                    }
                }
            }
        }
    }

    /// Whether a rule before has the same invariant.
    fn is_repeated(
        &self,
        base: usize,
        at: usize,
        place: usize,
        program: &Arc<fhirpath::path::Program>,
    ) -> bool {
        let before = |at: usize| self.active(at).map(|active| &*active.rule.invariants).unwrap_or_default();
        let is_it = |known: &Arc<Invariant>| matches!(&known.condition, Condition::Program(own) if Arc::ptr_eq(own, program));
        (base..at).any(|at| before(at).iter().any(is_it)) || before(at).iter().take(place).any(is_it)
    }

    fn check_program(
        &mut self,
        element: Element<'d>,
        program: &'d Arc<fhirpath::path::Program>,
        invariant: &'d Invariant,
    ) {
        if !self.spend(1) {
            return;
        }
        let truth = self.evaluator.holds(program, element.into());
        let steps = usize::try_from(self.evaluator.steps_spent()).unwrap_or(usize::MAX);
        if !self.spend(steps) {
            return;
        }
        match truth {
            Ok(Some(true)) => {}
            // Nothing is not true.
            Ok(_) => self.broken(element, invariant),
            Err(why) => {
                self.tell(
                    element,
                    Severity::Warning,
                    &messages::INVARIANT_UNDECIDED,
                    &[&invariant.key, &why.to_string()],
                );
            }
        }
    }

    fn broken(&mut self, element: Element<'d>, invariant: &Invariant) {
        let source = invariant.source.as_deref().unwrap_or("the profile");
        self.tell(
            element,
            invariant.severity,
            &messages::INVARIANT,
            &[&invariant.key, &invariant.human, source],
        );
    }

    fn check_native(&mut self, element: Element<'d>, native: Native, invariant: &Invariant) {
        let contained = || element.children().filter(|child| child.name() == "contained");
        let holds = match native {
            Native::HasContent => {
                // An object without members is told as that.
                element.has_value()
                    || element.kind() == Kind::Null
                    || element.children().any(|child| child.name() != "id")
                    || (element.kind() == Kind::Object && element.resource_type().is_some())
                    || (element.kind() == Kind::Object && element.children().next().is_none())
            }
            Native::ExtensionsOrValue => {
                let has_value = element.children().any(|child| child.name().starts_with("value"));
                let has_extensions = element.children().any(|child| child.name() == "extension");
                has_value != has_extensions
            }
            Native::ContainsNothing => {
                contained().all(|inner| inner.children().all(|child| child.name() != "contained"))
            }
            Native::ContainedHasNoHistory => {
                contained().filter_map(|inner| inner.child("meta")).all(|meta| {
                    meta.children().all(|child| !matches!(child.name(), "versionId" | "lastUpdated"))
                })
            }
            Native::ContainedHasNoSecurity => contained()
                .filter_map(|inner| inner.child("meta"))
                .all(|meta| meta.children().all(|child| child.name() != "security")),
            Native::HasNarrative => {
                element.child("text").is_some_and(|text| text.children().any(|child| child.name() == "div"))
            }
            Native::LocalReference => {
                element.child("reference").and_then(|own| own.text()).is_none_or(|said| {
                    !said.starts_with('#') || self.links.resolve(&said, element).found().is_some()
                })
            }
            Native::ContainedIsReferred => {
                self.check_contained(element);
                true
            }
        };
        if !holds {
            self.broken(element, invariant);
        }
    }
}
