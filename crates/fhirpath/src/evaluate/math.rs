//! Arithmetic and the functions of N1 §5.7 and §6.6.

use super::{Answer, EvaluationFault, Evaluator, Item, equal::as_quantity};
use crate::{
    path::{BinaryOperator, Function, OpId, Program},
    value::{CalendarUnit, Decimal, Quantity, Temporal, Text, Unit, Value},
};

impl<'d> Evaluator<'d> {
    pub(super) fn arithmetic(
        &mut self,
        operator: BinaryOperator,
        a: &Item<'d>,
        b: &Item<'d>,
    ) -> Result<Option<Value<'d>>, EvaluationFault> {
        use BinaryOperator as B;
        let wrong = |of: &Self| EvaluationFault::WrongType {
            what: "arithmetic",
            found: format!("{} and {}", of.kind_name(a), of.kind_name(b)),
        };
        let (Some(left), Some(right)) = (self.value_of(a), self.value_of(b)) else { return Err(wrong(self)) };
        let integer = |value: Option<i64>| Ok(value.map(Value::Integer));
        let decimal = |value: Option<Decimal>| Ok(value.map(Value::Decimal));
        match (operator, &left, &right) {
            (B::Add, Value::String(a), Value::String(b)) => {
                let text = format!("{}{}", a.as_str(), b.as_str());
                self.spend_text(text.len())?;
                Ok(Some(Value::String(Text::from(text))))
            }
            (B::Add, Value::Temporal(at), Value::Quantity(by)) => {
                moved(**at, by, 1).map_err(|()| wrong(self))
            }
            (B::Subtract, Value::Temporal(at), Value::Quantity(by)) => {
                moved(**at, by, -1).map_err(|()| wrong(self))
            }
            (B::Add, Value::Integer(a), Value::Integer(b)) => integer(a.checked_add(*b)),
            (B::Subtract, Value::Integer(a), Value::Integer(b)) => integer(a.checked_sub(*b)),
            (B::Multiply, Value::Integer(a), Value::Integer(b)) => integer(a.checked_mul(*b)),
            (B::DivideWhole, Value::Integer(a), Value::Integer(b)) => integer(a.checked_div(*b)),
            (B::Modulo, Value::Integer(a), Value::Integer(b)) => integer(a.checked_rem(*b)),
            (_, Value::Integer(_) | Value::Decimal(_), Value::Integer(_) | Value::Decimal(_)) => {
                let (Some(a), Some(b)) = (number(&left), number(&right)) else { return Err(wrong(self)) };
                match operator {
                    B::Add => decimal(a.checked_add(b)),
                    B::Subtract => decimal(a.checked_sub(b)),
                    B::Multiply => decimal(a.checked_mul(b)),
                    B::Divide => decimal(a.checked_div(b)),
                    B::DivideWhole => integer(a.div_whole(b).and_then(|whole| i64::try_from(whole).ok())),
                    _ => decimal(a.checked_rem(b)),
                }
            }
            (B::Add | B::Subtract | B::Multiply | B::Divide, _, _) => {
                let (Some(a), Some(b)) = (as_quantity(&left), as_quantity(&right)) else {
                    return Err(wrong(self));
                };
                let result = match operator {
                    B::Add => a.checked_add(&b),
                    B::Subtract => a.checked_sub(&b),
                    B::Multiply => a.checked_mul(&b),
                    _ => a.checked_div(&b),
                };
                Ok(result.map(|quantity| Value::Quantity(Box::new(quantity))))
            }
            _ => Err(wrong(self)),
        }
    }

    /// The functions over one number.
    pub(super) fn math(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        arguments: &[OpId],
    ) -> Answer {
        use Function as F;
        let argument = match arguments.first() {
            Some(id) => match self.single(program, *id, function.name())? {
                Some(item) => Some(item),
                None => {
                    self.stack.truncate(base);
                    return Ok(());
                }
            },
            None => None,
        };
        let Some(item) = self.pop_single(base, function.name())? else { return Ok(()) };
        let wrong = |of: &Self, item: &Item<'d>| EvaluationFault::WrongType {
            what: function.name(),
            found: of.kind_name(item),
        };
        let value = self.value_of(&item).ok_or_else(|| wrong(self, &item))?;
        if let (F::Abs, Value::Quantity(quantity)) = (function, &value) {
            let value = quantity.value.abs();
            let made =
                value.map(|value| Value::Quantity(Box::new(Quantity { value, unit: quantity.unit.clone() })));
            return made.map_or(Ok(()), |value| self.push_value(value));
        }
        let Some(of) = number(&value) else { return Err(wrong(self, &item)) };
        let by = match &argument {
            None => None,
            Some(item) => {
                Some(self.value_of(item).as_ref().and_then(number).ok_or_else(|| wrong(self, item))?)
            }
        };
        let whole = |of: Option<Decimal>| {
            of.and_then(Decimal::to_whole).and_then(|n| i64::try_from(n).ok()).map(Value::Integer)
        };
        let float = |number: f64| Decimal::from_f64(number).map(Value::Decimal);
        let integers = matches!(value, Value::Integer(_));
        let result = match function {
            F::Abs if integers => whole(of.abs()),
            F::Abs => of.abs().map(Value::Decimal),
            F::Ceiling => whole(of.ceiling(0)),
            F::Floor => whole(of.floor(0)),
            F::Truncate => whole(of.truncate(0)),
            F::Round => {
                let places = by.map_or(Some(0), |by| u8::try_from(by.to_whole()?).ok());
                let Some(places) = places else { return Err(wrong(self, &item)) };
                // A round to more places than are kept leaves the number as it is.
                Some(Value::Decimal(of.round(places).unwrap_or(of)))
            }
            F::Exp => float(of.to_f64().exp()),
            F::Ln => float(of.to_f64().ln()),
            F::Sqrt => float(of.to_f64().sqrt()),
            F::Log => by.and_then(|by| float(of.to_f64().ln() / by.to_f64().ln())),
            F::Power => by.and_then(|by| match by.to_whole().and_then(|by| u32::try_from(by).ok()) {
                Some(exponent) if integers => {
                    i64::try_from(of.to_whole()?).ok()?.checked_pow(exponent).map(Value::Integer)
                }
                _ => float(of.to_f64().powf(by.to_f64())),
            }),
            _ => None,
        };
        result.map_or(Ok(()), |value| self.push_value(value))
    }
}

pub(super) fn number(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Integer(number) => Some((*number).into()),
        Value::Decimal(number) => Some(*number),
        _ => None,
    }
}

/// N1 §6.6.7: by whole units of the calendar. UCUM's `a` and `mo` are fixed lengths that no calendar has, so they are a fault.
fn moved<'d>(at: Temporal, by: &Quantity, sign: i128) -> Result<Option<Value<'d>>, ()> {
    let unit = match &by.unit {
        Unit::Calendar(unit, _) => *unit,
        Unit::Ucum(code) => match &**code {
            "wk" => CalendarUnit::Week,
            "d" => CalendarUnit::Day,
            "h" => CalendarUnit::Hour,
            "min" => CalendarUnit::Minute,
            "s" => CalendarUnit::Second,
            "ms" => CalendarUnit::Millisecond,
            _ => return Err(()),
        },
    };
    let count =
        by.value.truncate(0).and_then(Decimal::to_whole).and_then(|count| i64::try_from(count * sign).ok());
    Ok(count.and_then(|count| at.plus(count, unit)).map(|at| Value::Temporal(Box::new(at))))
}
