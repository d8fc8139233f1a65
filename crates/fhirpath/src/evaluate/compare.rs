//! `<`, `<=`, `>` and `>=`. N1 §6.2

use std::cmp::Ordering;

use super::{EvaluationFault, Evaluator, Item, equal::as_quantity};
use crate::value::Value;

impl<'d> Evaluator<'d> {
    /// Before, equal or after; nothing where the values do not tell, a fault where their types cannot be compared.
    pub(super) fn order(&mut self, a: &Item<'d>, b: &Item<'d>) -> Result<Option<Ordering>, EvaluationFault> {
        self.spend(1)?;
        let (Some(left), Some(right)) = (self.value_of(a), self.value_of(b)) else {
            let odd = if self.value_of(a).is_none() { a } else { b };
            // A primitive that has only extensions has no value: that is empty, not wrong.
            if odd.element().is_some_and(|element| element.kind() != crate::document::Kind::Object) {
                return Ok(None);
            }
            return Err(EvaluationFault::WrongType { what: "a comparison", found: self.kind_name(odd) });
        };
        match (&left, &right) {
            (Value::Integer(a), Value::Integer(b)) => Ok(Some(a.cmp(b))),
            (Value::String(a), Value::String(b)) => Ok(Some(a.as_str().cmp(b.as_str()))),
            (Value::Temporal(a), Value::Temporal(b)) => Ok(a.compare(**b)),
            _ => match (as_quantity(&left), as_quantity(&right)) {
                (Some(a), Some(b)) => Ok(a.compare(&b)),
                _ => Err(EvaluationFault::WrongType {
                    what: "a comparison",
                    found: format!("{} and {}", left.type_name(), right.type_name()),
                }),
            },
        }
    }
}
