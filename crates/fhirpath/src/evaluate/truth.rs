//! Conditions, counts and first items without collections: what most invariants ask needs no stack.
//!
//! Each of these answers what running the operation and looking at what it left would answer; where an operation is not one of
//! the usual ones, that is what they do.

use std::cmp::Ordering;

use super::{EvaluationFault, Evaluator, Item};
use crate::{
    document::{Element, Kind, Name},
    path::{BinaryOperator, Function, Op, OpId, Program, Step},
    value::Value,
};

type Truth = Result<Option<bool>, EvaluationFault>;

impl<'d> Evaluator<'d> {
    /// An operation as a condition (N1 §4.5).
    pub(super) fn truth(&mut self, program: &Program, id: OpId) -> Truth {
        if let Some(truth) = self.quick_truth(program, id)? {
            return Ok(truth.into());
        }
        let base = self.stack.len();
        self.run(program, id)?;
        self.pop_truth(base)
    }

    /// An operation that answers with at most one Boolean, as that; nothing for any other.
    pub(super) fn quick_truth(
        &mut self,
        program: &Program,
        id: OpId,
    ) -> Result<Option<Told>, EvaluationFault> {
        use BinaryOperator as B;
        use Function as F;
        let told = match program.op(id) {
            Op::Literal(Value::Boolean(truth)) => Some(*truth),
            Op::Call { on, function, arguments, .. } => match (function, arguments.first()) {
                (F::Exists, None) => Some(self.exists(program, *on)?),
                (F::Empty, _) => Some(!self.exists(program, *on)?),
                (F::Exists, Some(body)) => Some(self.all_or_any(program, *on, *body, true)?),
                (F::All, Some(body)) => Some(!self.all_or_any(program, *on, *body, false)?),
                (F::Not, _) => self.truth(program, *on)?.map(|truth| !truth),
                (F::HasValue, _) if matches!(program.op(*on), Op::This) => match &self.this {
                    Some(Item::Element(element)) => Some(element.has_value()),
                    _ => return Ok(None),
                },
                _ => return Ok(None),
            },
            Op::Binary(operator, left, right) => match operator {
                B::And | B::Or | B::Xor | B::Implies => self.logic(program, *operator, *left, *right)?,
                B::Equal => self.equality(program, *left, *right)?,
                B::NotEqual => self.equality(program, *left, *right)?.map(|same| !same),
                B::Less | B::LessOrEqual | B::Greater | B::GreaterOrEqual => {
                    self.comparison(program, *operator, *left, *right)?
                }
                B::In => self.membership(program, *left, *right)?,
                _ => return Ok(None),
            },
            _ => return Ok(None),
        };
        self.spend(1)?;
        Ok(Some(Told(told)))
    }

    /// The three-valued tables of N1 §6.5; the right side is not run where the left decides.
    fn logic(&mut self, program: &Program, operator: BinaryOperator, left: OpId, right: OpId) -> Truth {
        use BinaryOperator as B;
        let a = self.truth(program, left)?;
        match (operator, a) {
            (B::And, Some(false)) => return Ok(Some(false)),
            (B::Or, Some(true)) | (B::Implies, Some(false)) => return Ok(Some(true)),
            _ => {}
        }
        let b = self.truth(program, right)?;
        Ok(match (operator, a, b) {
            (B::And, Some(true), b) => b,
            (B::And, None, b) => b.filter(|b| !b),
            (B::Or, Some(false), b) => b,
            (B::Or, None, b) => b.filter(|b| *b),
            (B::Xor, Some(a), Some(b)) => Some(a != b),
            (B::Implies, Some(true), b) => b,
            (B::Implies, None, b) => b.filter(|b| *b),
            _ => None,
        })
    }

    fn all_or_any(
        &mut self,
        program: &Program,
        on: OpId,
        body: OpId,
        wanted: bool,
    ) -> Result<bool, EvaluationFault> {
        let base = self.stack.len();
        self.run(program, on)?;
        self.any(program, base, body, wanted)
    }

    /// Whether an operation leaves anything.
    fn exists(&mut self, program: &Program, id: OpId) -> Result<bool, EvaluationFault> {
        match program.op(id) {
            Op::This => return Ok(self.this.is_some()),
            Op::Head(step) => {
                if let Some(Item::Element(this)) = self.this {
                    if self.is_own_type(this, step) {
                        return Ok(true);
                    }
                    return self.has(this, step);
                }
            }
            Op::Member(on, step) => return self.any_has(program, *on, step),
            Op::Binary(BinaryOperator::Union, left, right) => {
                return Ok(self.exists(program, *left)? || self.exists(program, *right)?);
            }
            Op::Call { on, function: Function::Where, arguments, .. } => {
                if let Some(body) = arguments.first() {
                    return self.all_or_any(program, *on, *body, true);
                }
            }
            _ => {}
        }
        let base = self.stack.len();
        self.run(program, id)?;
        let any = self.stack.len() > base;
        self.stack.truncate(base);
        Ok(any)
    }

    fn any_has(&mut self, program: &Program, on: OpId, step: &Step) -> Result<bool, EvaluationFault> {
        let base = self.stack.len();
        self.run(program, on)?;
        let mut found = false;
        for at in base..self.stack.len() {
            found = match self.stack.get(at) {
                Some(Item::Element(element)) => {
                    let element = *element;
                    self.has(element, step)?
                }
                Some(Item::Value(value)) => {
                    matches!(value, Value::Type(_)) && matches!(step.name.as_str(), "name" | "namespace")
                }
                None => false,
            };
            if found {
                break;
            }
        }
        self.stack.truncate(base);
        Ok(found)
    }

    fn has(&mut self, element: Element<'d>, step: &Step) -> Result<bool, EvaluationFault> {
        Ok(self.first_named(element, step)?.is_some())
    }

    /// The first element that a step leads to.
    pub(super) fn first_named(
        &mut self,
        element: Element<'d>,
        step: &Step,
    ) -> Result<Option<Element<'d>>, EvaluationFault> {
        let mut first = None;
        let passed = element.visit_named(&step.name, |child| {
            first = Some(child);
            Err(())
        });
        self.spend(passed.unwrap_or(1))?;
        if first.is_none() && step.may_be_choice {
            first = element.children().find(|child| self.is_choice(element, *child, step));
        }
        Ok(first)
    }

    /// How many items an operation leaves.
    pub(super) fn count(&mut self, program: &Program, id: OpId) -> Result<usize, EvaluationFault> {
        match (program.op(id), &self.this) {
            (Op::Head(step), Some(Item::Element(this))) => {
                let this = *this;
                if !step.may_be_choice && !self.is_own_type(this, step) {
                    let mut count = 0;
                    let passed = this.visit_named(&step.name, |_| {
                        count += 1;
                        Ok::<(), EvaluationFault>(())
                    })?;
                    self.spend(passed)?;
                    return Ok(count);
                }
            }
            (Op::Call { on, function: Function::Children, .. }, Some(Item::Element(this)))
                if matches!(program.op(*on), Op::This) =>
            {
                let count = this.children().count();
                self.spend(count as u64)?;
                return Ok(count);
            }
            _ => {}
        }
        let base = self.stack.len();
        self.run(program, id)?;
        let count = self.stack.len() - base;
        self.stack.truncate(base);
        Ok(count)
    }

    /// The number that an operation certainly is: a count, or one that is written.
    fn whole(&mut self, program: &Program, id: OpId) -> Result<Option<i64>, EvaluationFault> {
        Ok(match program.op(id) {
            Op::Literal(Value::Integer(number)) => Some(*number),
            Op::Call { on, function: Function::Count, .. } => {
                Some(i64::try_from(self.count(program, *on)?).unwrap_or(i64::MAX))
            }
            _ => None,
        })
    }

    fn comparison(&mut self, program: &Program, operator: BinaryOperator, left: OpId, right: OpId) -> Truth {
        use BinaryOperator as B;
        let order = if is_whole(program, left) && is_whole(program, right) {
            let (a, b) = (self.whole(program, left)?, self.whole(program, right)?);
            a.zip(b).map(|(a, b)| a.cmp(&b))
        } else {
            let a = self.single(program, left, "a comparison")?;
            let b = self.single(program, right, "a comparison")?;
            let (Some(a), Some(b)) = (a, b) else { return Ok(None) };
            self.order(&a, &b)?
        };
        Ok(order.map(|order| match operator {
            B::Less => order == Ordering::Less,
            B::LessOrEqual => order != Ordering::Greater,
            B::Greater => order == Ordering::Greater,
            _ => order != Ordering::Less,
        }))
    }

    /// `=`, on the stack: most compare one item with one, and most of these an element with a text that is written.
    fn equality(&mut self, program: &Program, left: OpId, right: OpId) -> Truth {
        let literal = match program.op(right) {
            Op::Literal(Value::String(text)) => Some(text.as_str()),
            _ => None,
        };
        if let (Op::Head(step), Some(text), Some(Item::Element(this))) =
            (program.op(left), literal, &self.this)
            && let Some(only) = only_named(*this, &step.name)
            && let Some(same) = same_text(only, text)
            && !step.names_a_type
        {
            self.spend(1)?;
            return Ok(Some(same));
        }
        if is_truth(program, left) && is_truth(program, right) {
            let (a, b) = (self.truth(program, left)?, self.truth(program, right)?);
            return Ok(a.zip(b).map(|(a, b)| a == b));
        }
        if is_whole(program, left) && is_whole(program, right) {
            return Ok(Some(self.whole(program, left)? == self.whole(program, right)?));
        }
        let base = self.stack.len();
        self.run(program, left)?;
        if let (Some(text), Some([Item::Element(element)])) = (literal, self.stack.get(base..))
            && let Some(same) = same_text(*element, text)
        {
            self.stack.truncate(base);
            return Ok(Some(same));
        }
        let middle = self.stack.len();
        self.run(program, right)?;
        let answer = match (middle - base, self.stack.len() - middle) {
            (0, _) | (_, 0) => None,
            (1, 1) => match (self.stack.pop(), self.stack.pop()) {
                (Some(b), Some(a)) => self.equal_items(&a, &b)?,
                _ => None,
            },
            (a, b) if a != b => Some(false),
            _ => {
                let b = self.pop_all(middle);
                let a = self.pop_all(base);
                self.equal(&a, &b)?
            }
        };
        self.stack.truncate(base);
        Ok(answer)
    }

    fn membership(&mut self, program: &Program, left: OpId, right: OpId) -> Truth {
        let base = self.stack.len();
        self.run(program, left)?;
        if let (Op::Literals(values), Some([Item::Element(element)])) =
            (program.op(right), self.stack.get(base..))
            && let Some(found) = among_texts(*element, values)
        {
            self.stack.truncate(base);
            self.spend(values.len() as u64)?;
            return Ok(Some(found));
        }
        let Some(item) = self.pop_single(base, "a membership")? else { return Ok(None) };
        let items = self.collect(program, right)?;
        self.is_among(&item, &items).map(Some)
    }

    /// The first item that an operation leaves, on the stack.
    pub(super) fn first(&mut self, program: &Program, on: OpId) -> super::Answer {
        let base = self.stack.len();
        match (program.op(on), &self.this) {
            (Op::Head(step), Some(Item::Element(this))) if !step.names_a_type => {
                let this = *this;
                if let Some(first) = self.first_named(this, step)? {
                    self.push(Item::Element(first))?;
                }
            }
            (Op::Member(of, step), _) => {
                self.run(program, *of)?;
                for at in base..self.stack.len() {
                    let Some(Item::Element(element)) = self.stack.get(at) else { continue };
                    let element = *element;
                    if let Some(first) = self.first_named(element, step)? {
                        self.stack.truncate(base);
                        return self.push(Item::Element(first));
                    }
                }
                // Only values of `type()` are left, which have parts of these names.
                self.stack.truncate(base);
                if matches!(step.name.as_str(), "name" | "namespace") {
                    self.run(program, on)?;
                }
            }
            _ => self.run(program, on)?,
        }
        self.stack.truncate(base + 1);
        Ok(())
    }
}

/// A condition that was told, perhaps that it is undecided.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told(Option<bool>);

impl From<Told> for Option<bool> {
    fn from(told: Told) -> Self {
        told.0
    }
}

/// Whether an operation answers with at most one Boolean, whatever it is run on.
fn is_truth(program: &Program, id: OpId) -> bool {
    match program.op(id) {
        Op::Literal(Value::Boolean(_)) => true,
        Op::Call { function, .. } => {
            matches!(function, Function::Exists | Function::Empty | Function::Not | Function::All)
        }
        _ => false,
    }
}

fn is_whole(program: &Program, id: OpId) -> bool {
    matches!(program.op(id), Op::Literal(Value::Integer(_)) | Op::Call { function: Function::Count, .. })
}

/// The element of a name, if there is just one.
fn only_named<'d>(of: Element<'d>, name: &Name) -> Option<Element<'d>> {
    let (mut only, mut several) = (None, false);
    let _ = of.visit_named(name, |child| {
        several = only.is_some();
        only = Some(child);
        if several { Err(()) } else { Ok(()) }
    });
    only.filter(|_| !several)
}

/// Whether an element's text is this one, where that is all that `=` has to know: not of dates, which have other spellings.
fn same_text(element: Element<'_>, text: &str) -> Option<bool> {
    let own = element.plain_text().filter(|_| element.kind() == Kind::String)?;
    (own != text || !text.starts_with(|first: char| first.is_ascii_digit())).then_some(own == text)
}

fn among_texts(element: Element<'_>, values: &[Value<'_>]) -> Option<bool> {
    let mut found = false;
    for value in values {
        let Value::String(text) = value else { return None };
        found |= same_text(element, text.as_str())?;
    }
    Some(found)
}
