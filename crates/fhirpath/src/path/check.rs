//! Whether the steps of an expression exist, before it is run: types are followed from the context on.
//!
//! Only what is certainly wrong is told: where a type is abstract, or unknown, nothing is.

use super::{Function, Op, OpId, Program, TypeTest};
use crate::model::{Model, TypeId};

/// A step that no instance can take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// The type has no such element.
    #[error("`{type_name}` has no element `{element}`")]
    NoElement {
        /// The type.
        type_name: String,
        /// The element.
        element: String,
    },
    /// An operation that depends on an order that its items do not have.
    #[error("`{0}` depends on the order of items that have none")]
    Unordered(&'static str),
}

/// Whether operations on unordered items are faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// They are.
    Required,
    /// They are taken as they come.
    AsItComes,
}

/// What is known of a collection: its possible types, all of them, or nothing.
#[derive(Debug, Clone)]
struct Known {
    types: Option<Vec<TypeId>>,
    ordered: bool,
}

impl Known {
    const NOTHING: Self = Self { types: None, ordered: true };
}

impl Program {
    /// Tells the first step that does not exist for a context of this type.
    pub fn check(&self, model: &dyn Model, context: TypeId, order: Order) -> Result<(), PathFault> {
        let this = Known { types: Some(vec![context]), ordered: true };
        Checker { program: self, model, order }.follow(self.root(), &this).map(|_| ())
    }
}

struct Checker<'c> {
    program: &'c Program,
    model: &'c dyn Model,
    order: Order,
}

impl Checker<'_> {
    fn follow(&self, id: OpId, this: &Known) -> Result<Known, PathFault> {
        match self.program.op(id) {
            Op::This => Ok(this.clone()),
            Op::Head(step) => {
                let name = step.name.as_str();
                let named = self
                    .model
                    .type_named(name)
                    .filter(|_| name.starts_with(|first: char| first.is_ascii_uppercase()));
                match (named, &this.types) {
                    (Some(named), Some(types)) if types.iter().any(|own| self.related(*own, named)) => {
                        Ok(this.clone())
                    }
                    _ => self.step(this, name),
                }
            }
            Op::Member(on, step) => {
                let on = self.follow(*on, this)?;
                self.step(&on, step.name.as_str())
            }
            Op::Type { on, test, of } => {
                let on = self.follow(*on, this)?;
                let types =
                    self.model.type_named(&of.name).filter(|_| *test != TypeTest::Is).map(|id| vec![id]);
                Ok(Known { types, ordered: on.ordered })
            }
            Op::At(on, index) => {
                self.follow(*index, this)?;
                self.follow(*on, this)
            }
            Op::Positive(on) | Op::Negative(on) => self.follow(*on, this).map(|_| Known::NOTHING),
            Op::Binary(_, left, right) => {
                self.follow(*left, this)?;
                self.follow(*right, this)?;
                Ok(Known::NOTHING)
            }
            Op::Call { on, function, arguments, .. } => {
                let on = self.follow(*on, this)?;
                self.call(*function, on, arguments, this)
            }
            Op::Literal(_) | Op::Literals(_) | Op::Empty | Op::Index | Op::Total | Op::Variable(_) => {
                Ok(Known::NOTHING)
            }
        }
    }

    fn related(&self, a: TypeId, b: TypeId) -> bool {
        self.model.conforms(a, b) || self.model.conforms(b, a)
    }

    fn call(
        &self,
        function: Function,
        on: Known,
        arguments: &[OpId],
        this: &Known,
    ) -> Result<Known, PathFault> {
        use Function as F;
        let ordered = matches!(function, F::First | F::Last | F::Tail | F::Skip | F::Take);
        if ordered && !on.ordered && self.order == Order::Required {
            return Err(PathFault::Unordered(function.name()));
        }
        match function {
            F::Where | F::All | F::Exists | F::Select => {
                let mut inner = Known::NOTHING;
                for argument in arguments {
                    inner = self.follow(*argument, &on)?;
                }
                Ok(match function {
                    F::Where => on,
                    F::Select => inner,
                    _ => Known::NOTHING,
                })
            }
            F::Repeat | F::Aggregate | F::Sort | F::Trace | F::Iif => Ok(Known::NOTHING),
            F::Children | F::Descendants => Ok(Known { types: None, ordered: false }),
            F::First
            | F::Last
            | F::Tail
            | F::Skip
            | F::Take
            | F::Single
            | F::Distinct
            | F::Intersect
            | F::Exclude => {
                for argument in arguments {
                    self.follow(*argument, this)?;
                }
                Ok(on)
            }
            _ => {
                for argument in arguments {
                    self.follow(*argument, this)?;
                }
                Ok(Known::NOTHING)
            }
        }
    }

    /// A fault only if none of the possible types has the element, and none is abstract.
    fn step(&self, on: &Known, name: &str) -> Result<Known, PathFault> {
        let Some(types) = &on.types else { return Ok(Known { types: None, ordered: on.ordered }) };
        let mut found = Vec::new();
        for of in types {
            if self.model.is_abstract(*of) || self.model.type_name(*of).is_empty() {
                return Ok(Known { types: None, ordered: on.ordered });
            }
            let choices = self.model.choices(*of, name);
            found.extend(choices.iter().map(|(_, element)| element.type_id));
            // A choice is called by its own name, never with its type: https://hl7.org/fhir/R4/fhirpath.html#polymorphism
            if choices.is_empty() && !self.is_written_choice(*of, name) {
                found.extend(self.model.element(*of, name).map(|element| element.type_id));
            }
        }
        match (found.is_empty(), types.first()) {
            (true, Some(first)) => Err(PathFault::NoElement {
                type_name: self.model.type_name(*first).to_owned(),
                element: name.to_owned(),
            }),
            _ => Ok(Known { types: Some(found), ordered: on.ordered }),
        }
    }

    fn is_written_choice(&self, of: TypeId, name: &str) -> bool {
        let capitals = name.char_indices().filter(|(_, character)| character.is_ascii_uppercase());
        capitals.filter_map(|(at, _)| name.get(..at)).any(|choice| {
            self.model.is_choice(choice)
                && self.model.choices(of, choice).iter().any(|(written, _)| written == name)
        })
    }
}
