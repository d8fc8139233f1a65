//! Functions whose argument is run once per item, with `$this` and `$index`. N1 §5.1, §5.2

use std::{cmp::Ordering, collections::HashSet};

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    path::{Function, Op, OpId, Program},
    value::{Text, Value},
};

impl<'d> Evaluator<'d> {
    /// Runs `body` for each item from `base` to `end`; what it left on the stack is judged and taken by `judge`.
    fn each(
        &mut self,
        program: &Program,
        (base, end): (usize, usize),
        body: OpId,
        mut judge: impl FnMut(&mut Self, usize) -> Answer,
    ) -> Answer {
        let (this, index) = (self.this.take(), self.index);
        for at in base..end {
            let Some(item) = self.stack.get(at).cloned() else { break };
            self.this = Some(item);
            self.index = i64::try_from(at - base).unwrap_or(i64::MAX);
            let from = self.stack.len();
            self.run(program, body)?;
            judge(self, from)?;
        }
        (self.this, self.index) = (this, index);
        Ok(())
    }

    /// In its place: what is kept moves up.
    pub(super) fn filter(&mut self, program: &Program, base: usize, body: OpId) -> Answer {
        let (this, index, end) = (self.this.take(), self.index, self.stack.len());
        let mut kept = base;
        for at in base..end {
            let Some(item) = self.stack.get(at).cloned() else { break };
            self.this = Some(item);
            self.index = i64::try_from(at - base).unwrap_or(i64::MAX);
            if self.truth(program, body)? == Some(true) {
                self.stack.swap(kept, at);
                kept += 1;
            }
        }
        (self.this, self.index) = (this, index);
        self.stack.truncate(kept);
        Ok(())
    }

    pub(super) fn select(&mut self, program: &Program, base: usize, body: OpId) -> Answer {
        let end = self.stack.len();
        self.each(program, (base, end), body, |_, _| Ok(()))?;
        self.stack.drain(base..end);
        Ok(())
    }

    /// `exists(criteria)` and `all(criteria)`: whether one item answers what is looked for.
    pub(super) fn any(
        &mut self,
        program: &Program,
        base: usize,
        body: OpId,
        wanted: bool,
    ) -> Result<bool, EvaluationFault> {
        let (this, index, end) = (self.this.take(), self.index, self.stack.len());
        let mut found = false;
        for at in base..end {
            let Some(item) = self.stack.get(at).cloned() else { break };
            self.this = Some(item);
            self.index = i64::try_from(at - base).unwrap_or(i64::MAX);
            found = (self.truth(program, body)? == Some(true)) == wanted;
            if found {
                break;
            }
        }
        (self.this, self.index) = (this, index);
        self.stack.truncate(base);
        Ok(found)
    }

    /// N1 §5.2.3: what was seen is not followed again, so that it ends.
    pub(super) fn repeat(&mut self, program: &Program, base: usize, body: OpId) -> Answer {
        let mut waiting = self.pop_all(base);
        let (mut places, mut values, mut out) = (HashSet::new(), Vec::new(), Vec::new());
        while !waiting.is_empty() {
            for item in std::mem::take(&mut waiting) {
                self.push(item)?;
            }
            let end = self.stack.len();
            self.each(program, (base, end), body, |_, _| Ok(()))?;
            let found = self.stack.split_off(end);
            self.stack.truncate(base);
            for item in found {
                let new = match &item {
                    Item::Element(element) => {
                        places.insert((std::ptr::from_ref(element.document()).addr(), element.index()))
                    }
                    Item::Value(_) if self.is_among(&item, &values)? => false,
                    Item::Value(_) => {
                        values.push(item.clone());
                        true
                    }
                };
                if new {
                    self.spend(1)?;
                    out.push(item.clone());
                    waiting.push(item);
                }
            }
            if out.len() > self.context.budget.items_max {
                return Err(EvaluationFault::TooManyItems { items_max: self.context.budget.items_max });
            }
        }
        out.into_iter().try_for_each(|item| self.push(item))
    }

    /// N1 §7: `$total` is what the item before left.
    pub(super) fn aggregate(&mut self, program: &Program, base: usize, arguments: &[OpId]) -> Answer {
        let end = self.stack.len();
        let start = match arguments.get(1) {
            Some(start) => self.collect(program, *start)?,
            None => Vec::new(),
        };
        let outer = std::mem::replace(&mut self.total, start);
        if let Some(body) = arguments.first() {
            self.each(program, (base, end), *body, |run, from| {
                run.total = run.pop_all(from);
                Ok(())
            })?;
        }
        self.stack.truncate(base);
        let total = std::mem::replace(&mut self.total, outer);
        total.into_iter().try_for_each(|item| self.push(item))
    }

    /// N1 §5.5.1: only the chosen branch is run. The condition has to be a Boolean, and is asked of at most one item.
    pub(super) fn iif(&mut self, program: &Program, base: usize, arguments: &[OpId]) -> Answer {
        let on = self.pop_single(base, "iif")?;
        let outer = self.this.clone();
        if on.is_some() {
            self.this = on;
        }
        let truth = match arguments.first() {
            Some(condition) => self.condition(program, *condition)?,
            None => false,
        };
        let branch = if truth { arguments.get(1) } else { arguments.get(2) };
        if let Some(branch) = branch {
            self.run(program, *branch)?;
        }
        self.this = outer;
        Ok(())
    }

    fn condition(&mut self, program: &Program, id: OpId) -> Result<bool, EvaluationFault> {
        let Some(item) = self.single(program, id, "iif")? else { return Ok(false) };
        match self.value_of(&item) {
            Some(Value::Boolean(truth)) => Ok(truth),
            _ => Err(EvaluationFault::WrongType { what: "iif", found: self.kind_name(&item) }),
        }
    }

    /// `trace(name, projection)`: what is traced is not what is answered.
    pub(super) fn trace(&mut self, program: &Program, base: usize, arguments: &[OpId]) -> Answer {
        let end = self.stack.len();
        let name = match arguments.first() {
            Some(name) => self.string_argument(program, *name, Function::Trace)?,
            None => None,
        };
        let name = name.as_ref().map_or("", Text::as_str);
        if let Some(projection) = arguments.get(1) {
            self.each(program, (base, end), *projection, |_, _| Ok(()))?;
            let traced = self.pop_all(end);
            self.context.ports.trace(name, &traced);
        } else {
            self.context.ports.trace(name, self.stack.get(base..end).unwrap_or_default());
        }
        Ok(())
    }

    /// `sort(key, -key)`: a minus before a key turns its order round. Items without a key come first, either way.
    pub(super) fn sort(&mut self, program: &Program, base: usize, keys: &[OpId]) -> Answer {
        let end = self.stack.len();
        let mut rows: Vec<(Item<'d>, Vec<Option<Item<'d>>>)> = Vec::new();
        let keys: Vec<(OpId, bool)> = keys
            .iter()
            .map(|key| match program.op(*key) {
                Op::Negative(of) => (*of, true),
                _ => (*key, false),
            })
            .collect();
        for at in base..end {
            if let Some(item) = self.stack.get(at).cloned() {
                rows.push((item.clone(), if keys.is_empty() { vec![Some(item)] } else { Vec::new() }));
            }
        }
        for (key, _) in &keys {
            let mut row = 0;
            self.each(program, (base, end), *key, |run, from| {
                let found = run.pop_single(from, "sort")?;
                if let Some((_, columns)) = rows.get_mut(row) {
                    columns.push(found);
                }
                row += 1;
                Ok(())
            })?;
        }
        self.stack.truncate(base);
        let mut fault = None;
        rows.sort_by(|(_, a), (_, b)| {
            for (column, (a, b)) in a.iter().zip(b).enumerate() {
                let (Some(a), Some(b)) = (a, b) else {
                    let order = a.is_some().cmp(&b.is_some());
                    if order == Ordering::Equal {
                        continue;
                    }
                    return order;
                };
                let order = self.order(a, b).unwrap_or_else(|found| {
                    fault = Some(found);
                    None
                });
                match order {
                    None | Some(Ordering::Equal) => {}
                    Some(order) if keys.get(column).is_some_and(|(_, down)| *down) => return order.reverse(),
                    Some(order) => return order,
                }
            }
            Ordering::Equal
        });
        match fault {
            Some(fault) => Err(fault),
            None => rows.into_iter().try_for_each(|(item, _)| self.push(item)),
        }
    }
}
