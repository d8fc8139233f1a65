//! Conversions. N1 §5.5

use super::{Answer, EvaluationFault, Evaluator, Item};
use crate::{
    path::{Function, OpId, Program},
    value::{Decimal, Quantity, Temporal, TemporalKind, Text, Unit, Value},
};

impl<'d> Evaluator<'d> {
    pub(super) fn conversion(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        argument: Option<OpId>,
    ) -> Answer {
        use Function as F;
        let unit = match argument {
            Some(id) => self.string_argument(program, id, function)?,
            None => None,
        };
        let Some(item) = self.pop_single(base, function.name())? else { return Ok(()) };
        let value = self.value_of(&item);
        let converted = value.as_ref().and_then(|value| match function {
            F::ToBoolean | F::ConvertsToBoolean => boolean(value).map(Value::Boolean),
            F::ToInteger | F::ConvertsToInteger => integer(value).map(Value::Integer),
            F::ToDecimal | F::ConvertsToDecimal => decimal(value).map(Value::Decimal),
            F::ToDate | F::ConvertsToDate => temporal(value, TemporalKind::Date),
            F::ToDateTime | F::ConvertsToDateTime => temporal(value, TemporalKind::DateTime),
            F::ToTime | F::ConvertsToTime => temporal(value, TemporalKind::Time),
            F::ToQuantity | F::ConvertsToQuantity => {
                let quantity = quantity(value)?;
                let wanted = unit
                    .as_ref()
                    .map(Text::as_str)
                    .map(|code| Unit::calendar(code).unwrap_or_else(|| Unit::Ucum(code.into())));
                let fits = wanted
                    .is_none_or(|unit| quantity.is_comparable(&Quantity { value: quantity.value, unit }));
                fits.then(|| Value::Quantity(Box::new(quantity)))
            }
            F::ToString | F::ConvertsToString => Some(Value::String(Text::from(value.to_string()))),
            _ => None,
        });
        match function {
            F::ToBoolean
            | F::ToInteger
            | F::ToDecimal
            | F::ToDate
            | F::ToDateTime
            | F::ToTime
            | F::ToQuantity
            | F::ToString => converted.map_or(Ok(()), |value| self.push_value(value)),
            _ => self.push_truth(Some(converted.is_some())),
        }
    }

    /// What `wrong` operations say of an item.
    pub(super) fn wrong_type(&self, what: &'static str, item: &Item<'d>) -> EvaluationFault {
        EvaluationFault::WrongType { what, found: self.kind_name(item) }
    }
}

fn boolean(value: &Value<'_>) -> Option<bool> {
    match value {
        Value::Boolean(truth) => Some(*truth),
        Value::Integer(0) => Some(false),
        Value::Integer(1) => Some(true),
        Value::Decimal(number) if *number == Decimal::from(0) => Some(false),
        Value::Decimal(number) if *number == Decimal::from(1) => Some(true),
        Value::String(text) => match text.as_str().to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// `(\+|-)?\d+`
fn integer(value: &Value<'_>) -> Option<i64> {
    match value {
        Value::Integer(number) => Some(*number),
        Value::Boolean(truth) => Some(i64::from(*truth)),
        Value::String(text) => text.as_str().parse().ok(),
        _ => None,
    }
}

/// `(\+|-)?\d+(\.\d+)?`
fn decimal(value: &Value<'_>) -> Option<Decimal> {
    match value {
        Value::Decimal(number) => Some(*number),
        Value::String(text) if text.as_str().contains(['e', 'E']) => None,
        Value::String(text) => text.as_str().parse().ok(),
        _ => integer(value).map(Decimal::from),
    }
}

fn temporal<'d>(value: &Value<'_>, kind: TemporalKind) -> Option<Value<'d>> {
    let at = match (value, kind) {
        (Value::Temporal(at), TemporalKind::Date) if at.kind != TemporalKind::Time => Some(at.to_date()),
        (Value::Temporal(at), TemporalKind::DateTime) if at.kind != TemporalKind::Time => {
            Some(Temporal { kind, ..**at })
        }
        (Value::Temporal(at), TemporalKind::Time) if at.kind == TemporalKind::Time => Some(**at),
        (Value::String(text), TemporalKind::Date) => {
            let text = text.as_str();
            Temporal::date(text).or_else(|| Temporal::date_time(text).map(Temporal::to_date))
        }
        (Value::String(text), TemporalKind::DateTime) => Temporal::date_time(text.as_str()),
        (Value::String(text), TemporalKind::Time) => {
            let text = text.as_str();
            Temporal::time(text.strip_prefix('T').unwrap_or(text))
        }
        _ => None,
    };
    at.map(|at| Value::Temporal(Box::new(at)))
}

/// `(?'value'(\+|-)?\d+(\.\d+)?)\s*('(?'unit'[^']+)'|(?'time'[a-zA-Z]+))?`
fn quantity(value: &Value<'_>) -> Option<Quantity> {
    let text = match value {
        Value::Quantity(quantity) => return Some((**quantity).clone()),
        Value::String(text) => text.as_str(),
        _ => return decimal(value).map(Quantity::plain),
    };
    let signed = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = signed
        .find(|character: char| !character.is_ascii_digit() && character != '.')
        .unwrap_or(signed.len());
    let (number, unit) = text.split_at_checked(text.len() - signed.len() + digits)?;
    let (value, unit) = (number.parse().ok()?, unit.trim());
    if unit.is_empty() {
        return Some(Quantity::plain(value));
    }
    let code =
        unit.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')).filter(|code| !code.is_empty());
    let unit = match code {
        Some(code) => Unit::Ucum(code.into()),
        None => Unit::calendar(unit)?,
    };
    Some(Quantity { value, unit })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Value<'static> {
        Value::String(Text::from(text.to_owned()))
    }

    #[test]
    fn what_converts_and_what_does_not() {
        for (of, expected) in [
            ("1 day", Some("1 day")),
            ("1 'wk'", Some("1 'wk'")),
            ("1 wk", None),
            ("1.a", None),
            ("-1.5", Some("-1.5 '1'")),
            ("", None),
            ("'mg'", None),
            ("1 ''", None),
        ] {
            assert_eq!(quantity(&text(of)).map(|q| q.to_string()).as_deref(), expected, "{of}");
        }
        assert_eq!(boolean(&text("False")), Some(false));
        assert_eq!(boolean(&Value::Integer(2)), None);
        assert_eq!(integer(&text("+7")), Some(7));
        assert_eq!(integer(&text("1.0")), None);
        assert_eq!(decimal(&text("1e3")), None);
    }
}
