//! `=` and `~`. N1 §6.1

use std::{cmp::Ordering, collections::HashSet};

use super::{EvaluationFault, Evaluator, Item};
use crate::{
    document::Element,
    value::{Quantity, TemporalKind, Value},
};

impl<'d> Evaluator<'d> {
    /// `=` of collections: item by item, in order; nothing where a pair does not tell.
    pub(super) fn equal(&mut self, a: &[Item<'d>], b: &[Item<'d>]) -> Result<Option<bool>, EvaluationFault> {
        if a.is_empty() || b.is_empty() {
            return Ok(None);
        }
        if a.len() != b.len() {
            return Ok(Some(false));
        }
        let mut undecided = false;
        for (a, b) in a.iter().zip(b) {
            match self.equal_items(a, b)? {
                Some(true) => {}
                Some(false) => return Ok(Some(false)),
                None => undecided = true,
            }
        }
        Ok((!undecided).then_some(true))
    }

    pub(super) fn equal_items(
        &mut self,
        a: &Item<'d>,
        b: &Item<'d>,
    ) -> Result<Option<bool>, EvaluationFault> {
        self.spend(1)?;
        match (self.value_of(a), self.value_of(b)) {
            (Some(a), Some(b)) => Ok(equal_values(&a, &b)),
            (None, None) => match (a, b) {
                (Item::Element(a), Item::Element(b)) => self.equal_elements(*a, *b).map(Some),
                _ => Ok(Some(false)),
            },
            _ => Ok(Some(false)),
        }
    }

    /// The same place, or the same children with the same names, in order.
    fn equal_elements(&mut self, a: Element<'d>, b: Element<'d>) -> Result<bool, EvaluationFault> {
        if a == b {
            return Ok(true);
        }
        let (mut left, mut right) = (a.children(), b.children());
        loop {
            match (left.next(), right.next()) {
                (None, None) => return Ok(true),
                (Some(a), Some(b)) if a.name() == b.name() => {
                    let values = self.equal_items(&Item::Element(a), &Item::Element(b))? == Some(true);
                    if !values || (a.has_value() && !self.equal_elements(a, b)?) {
                        return Ok(false);
                    }
                }
                _ => return Ok(false),
            }
        }
    }

    /// `~` of collections: the same items in any order.
    pub(super) fn equivalent(&mut self, a: &[Item<'d>], b: &[Item<'d>]) -> Result<bool, EvaluationFault> {
        if a.len() != b.len() {
            return Ok(false);
        }
        let mut left: Vec<&Item<'d>> = b.iter().collect();
        for item in a {
            let mut found = None;
            for (at, other) in left.iter().enumerate() {
                if self.equivalent_items(item, other)? {
                    found = Some(at);
                    break;
                }
            }
            let Some(at) = found else { return Ok(false) };
            left.swap_remove(at);
        }
        Ok(true)
    }

    fn equivalent_items(&mut self, a: &Item<'d>, b: &Item<'d>) -> Result<bool, EvaluationFault> {
        self.spend(1)?;
        match (self.value_of(a), self.value_of(b)) {
            (Some(a), Some(b)) => Ok(equivalent_values(&a, &b)),
            (None, None) => match (a, b) {
                (Item::Element(a), Item::Element(b)) if a == b => Ok(true),
                (Item::Element(a), Item::Element(b)) => {
                    let children = |of: &Element<'d>| of.children().map(Item::Element).collect::<Vec<_>>();
                    let names =
                        |of: &Element<'d>| of.children().map(|child| child.name()).collect::<HashSet<_>>();
                    Ok(names(a) == names(b) && self.equivalent(&children(a), &children(b))?)
                }
                _ => Ok(false),
            },
            _ => Ok(false),
        }
    }

    /// Whether an item equals one of several.
    pub(super) fn is_among(&mut self, item: &Item<'d>, items: &[Item<'d>]) -> Result<bool, EvaluationFault> {
        for other in items {
            if self.equal_items(item, other)? == Some(true) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Each item once, in order. Many strings go through a table, so that a large collection costs no square.
    pub(super) fn distinct(&mut self, items: Vec<Item<'d>>) -> Result<Vec<Item<'d>>, EvaluationFault> {
        if items.len() > 8
            && let Some(texts) = items.iter().map(|item| self.string_of(item)).collect::<Option<Vec<_>>>()
        {
            let mut seen = HashSet::new();
            let firsts: Vec<bool> = texts.iter().map(|text| seen.insert(text.as_str())).collect();
            return Ok(items
                .into_iter()
                .zip(firsts)
                .filter_map(|(item, first)| first.then_some(item))
                .collect());
        }
        let mut out: Vec<Item<'d>> = Vec::new();
        for item in items {
            if !self.is_among(&item, &out)? {
                out.push(item);
            }
        }
        Ok(out)
    }

    fn string_of(&self, item: &Item<'d>) -> Option<crate::value::Text<'d>> {
        match self.value_of(item) {
            Some(Value::String(text)) => Some(text),
            _ => None,
        }
    }
}

pub(super) fn equal_values(a: &Value<'_>, b: &Value<'_>) -> Option<bool> {
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => Some(a == b),
        (Value::Integer(a), Value::Integer(b)) => Some(a == b),
        (Value::String(a), Value::String(b)) => Some(a.as_str() == b.as_str()),
        (Value::Integer(a), Value::Decimal(b)) | (Value::Decimal(b), Value::Integer(a)) => {
            Some(*b == (*a).into())
        }
        (Value::Decimal(a), Value::Decimal(b)) => Some(a == b),
        (Value::Temporal(a), Value::Temporal(b))
            if (a.kind == TemporalKind::Time) != (b.kind == TemporalKind::Time) =>
        {
            Some(false)
        }
        (Value::Temporal(a), Value::Temporal(b)) => a.compare(**b).map(Ordering::is_eq),
        (Value::Type(a), Value::Type(b)) => Some(a == b),
        _ => match (as_quantity(a), as_quantity(b)) {
            (Some(a), Some(b)) => a.compare(&b).map(Ordering::is_eq),
            _ => Some(false),
        },
    }
}

fn equivalent_values(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => loose(a.as_str()) == loose(b.as_str()),
        (Value::Decimal(_) | Value::Integer(_), Value::Decimal(_) | Value::Integer(_)) => {
            let (Some(a), Some(b)) = (as_quantity(a), as_quantity(b)) else { return false };
            let scale = a.value.trimmed().scale().min(b.value.trimmed().scale());
            matches!((a.value.round(scale), b.value.round(scale)), (Some(a), Some(b)) if a == b)
        }
        (Value::Quantity(a), Value::Quantity(b)) => a.is_equivalent(b),
        _ => equal_values(a, b) == Some(true),
    }
}

/// Without capitals, and with every stretch of white space as one space (N1 §6.1.2).
fn loose(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

/// A number is a quantity of the unit `1` where the other side is one.
pub(super) fn as_quantity(value: &Value<'_>) -> Option<Quantity> {
    match value {
        Value::Integer(number) => Some(Quantity::plain((*number).into())),
        Value::Decimal(number) => Some(Quantity::plain(*number)),
        Value::Quantity(quantity) => Some((**quantity).clone()),
        _ => None,
    }
}
