//! Functions over whole collections. N1 §5.1, §5.3, §5.4, §5.8

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    path::{Function, OpId, Program},
    value::{Temporal, TemporalKind, Value},
};

impl<'d> Evaluator<'d> {
    pub(super) fn collection(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        arguments: &[OpId],
    ) -> Answer {
        use Function as F;
        let other = match (function, arguments.first()) {
            (F::Skip | F::Take, _) | (_, None) => Vec::new(),
            (_, Some(id)) => self.collect(program, *id)?,
        };
        let count = match (function, arguments.first()) {
            (F::Skip | F::Take, Some(id)) => match self.integer_argument(program, *id)? {
                Some(count) => usize::try_from(count.max(0)).unwrap_or(usize::MAX),
                None => {
                    self.stack.truncate(base);
                    return Ok(());
                }
            },
            _ => 0,
        };
        let items = self.pop_all(base);
        match function {
            F::AllTrue | F::AnyTrue | F::AllFalse | F::AnyFalse => {
                let truth = self.quantify(function, &items)?;
                self.push_truth(Some(truth))
            }
            F::SubsetOf => {
                let truth = self.is_subset(&items, &other)?;
                self.push_truth(Some(truth))
            }
            F::SupersetOf => {
                let truth = self.is_subset(&other, &items)?;
                self.push_truth(Some(truth))
            }
            F::Distinct => {
                let distinct = self.distinct(items)?;
                self.push_all(distinct)
            }
            F::IsDistinct => {
                let count = items.len();
                let distinct = self.distinct(items)?;
                self.push_truth(Some(distinct.len() == count))
            }
            F::Tail => self.push_all(items.into_iter().skip(1)),
            F::Skip => self.push_all(items.into_iter().skip(count)),
            F::Take => self.push_all(items.into_iter().take(count)),
            F::Intersect => {
                let mut both = Vec::new();
                for item in self.distinct(items)? {
                    if self.is_among(&item, &other)? {
                        both.push(item);
                    }
                }
                self.push_all(both)
            }
            F::Exclude => {
                for item in items {
                    if !self.is_among(&item, &other)? {
                        self.push(item)?;
                    }
                }
                Ok(())
            }
            F::Union => {
                let all = self.distinct(items.into_iter().chain(other).collect())?;
                self.push_all(all)
            }
            _ => self.push_all(items.into_iter().chain(other)),
        }
    }

    fn push_all(&mut self, items: impl IntoIterator<Item = Item<'d>>) -> Answer {
        items.into_iter().try_for_each(|item| self.push(item))
    }

    fn quantify(&self, function: Function, items: &[Item<'d>]) -> Result<bool, EvaluationFault> {
        let mut truths = Vec::with_capacity(items.len());
        for item in items {
            match self.value_of(item) {
                Some(Value::Boolean(truth)) => truths.push(truth),
                _ => {
                    return Err(EvaluationFault::WrongType {
                        what: function.name(),
                        found: self.kind_name(item),
                    });
                }
            }
        }
        let mut truths = truths.into_iter();
        Ok(match function {
            Function::AllTrue => truths.all(|truth| truth),
            Function::AnyTrue => truths.any(|truth| truth),
            Function::AllFalse => truths.all(|truth| !truth),
            _ => truths.any(|truth| !truth),
        })
    }

    fn is_subset(&mut self, items: &[Item<'d>], of: &[Item<'d>]) -> Result<bool, EvaluationFault> {
        for item in items {
            if !self.is_among(item, of)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(super) fn children(&mut self, base: usize) -> Answer {
        for item in self.pop_all(base) {
            let Item::Element(element) = item else { continue };
            for child in element.children() {
                self.spend(1)?;
                self.push(Item::Element(child))?;
            }
        }
        Ok(())
    }

    /// In the order of the document; without recursion, however deep it is.
    pub(super) fn descendants(&mut self, base: usize) -> Answer {
        for item in self.pop_all(base) {
            let Item::Element(element) = item else { continue };
            let mut at = element;
            while let Some(next) = at.next_within(element) {
                self.spend(1)?;
                if next.is_element() {
                    self.push(Item::Element(next))?;
                }
                at = next;
            }
        }
        Ok(())
    }

    /// `now()`, `today()` and `timeOfDay()`, in UTC.
    pub(super) fn clock(&mut self, base: usize, function: Function) -> Answer {
        self.stack.truncate(base);
        let now = Temporal::of_instant(self.context.now);
        let at = match function {
            Function::Today => now.to_date(),
            Function::TimeOfDay => Temporal { kind: TemporalKind::Time, offset_minutes: None, ..now },
            _ => now,
        };
        self.push_value(Value::Temporal(Box::new(at)))
    }
}
