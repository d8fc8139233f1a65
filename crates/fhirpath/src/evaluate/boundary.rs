//! The least and the greatest value that a written precision allows; `precision` and `comparable`.
//! FHIRPath 3.0 draft §5.9, as HL7's R4 suite tests it.

use super::{Answer, Evaluator, equal::as_quantity};
use crate::{
    path::{Function, OpId, Program},
    value::{Decimal, Precision, Quantity, Temporal, TemporalKind, Value, days_in},
};

/// More places than this have no answer.
const PLACES_MAX: i64 = 28;
const PLACES: i64 = 8;

impl<'d> Evaluator<'d> {
    pub(super) fn boundaries(
        &mut self,
        program: &Program,
        base: usize,
        function: Function,
        argument: Option<OpId>,
    ) -> Answer {
        if function == Function::Comparable {
            return self.comparable(program, base, argument);
        }
        let places = match argument {
            Some(id) => match self.integer_argument(program, id)? {
                Some(places) => Some(places),
                None => {
                    self.stack.truncate(base);
                    return Ok(());
                }
            },
            None => None,
        };
        let Some(item) = self.pop_single(base, function.name())? else { return Ok(()) };
        let Some(value) = self.value_of(&item) else { return Ok(()) };
        if function == Function::Precision {
            let digits = match &value {
                Value::Decimal(number) => Some(i64::from(number.scale())),
                Value::Integer(_) => Some(0),
                Value::Temporal(at) => Some(at.digits()),
                _ => return Err(self.wrong_type("precision", &item)),
            };
            return digits.map_or(Ok(()), |digits| self.push_value(Value::Integer(digits)));
        }
        let high = function == Function::HighBoundary;
        let found = match value {
            Value::Integer(number) => edge(number.into(), places, high).map(Value::Decimal),
            Value::Decimal(number) => edge(number, places, high).map(Value::Decimal),
            Value::Quantity(quantity) => edge(quantity.value, places, high)
                .map(|value| Value::Quantity(Box::new(Quantity { value, unit: quantity.unit.clone() }))),
            Value::Temporal(at) => moment(*at, places, high).map(|at| Value::Temporal(Box::new(at))),
            _ => return Err(self.wrong_type(function.name(), &item)),
        };
        found.map_or(Ok(()), |value| self.push_value(value))
    }

    fn comparable(&mut self, program: &Program, base: usize, argument: Option<OpId>) -> Answer {
        let other = match argument {
            Some(id) => self.single(program, id, "comparable")?,
            None => None,
        };
        let item = self.pop_single(base, "comparable")?;
        let (Some(item), Some(other)) = (item, other) else { return Ok(()) };
        let quantity = |run: &Self, item| run.value_of(item).as_ref().and_then(as_quantity);
        match (quantity(self, &item), quantity(self, &other)) {
            (Some(a), Some(b)) => self.push_truth(Some(a.is_comparable(&b))),
            _ => Err(self.wrong_type("comparable", &item)),
        }
    }
}

/// Half a unit of the last written place away. To fewer places the outer end is rounded and the inner one cut, as HL7's tests have it.
fn edge(number: Decimal, places: Option<i64>, high: bool) -> Option<Decimal> {
    let places =
        u8::try_from(places.unwrap_or(PLACES)).ok().filter(|places| i64::from(*places) <= PLACES_MAX)?;
    let half = Decimal::new(5, number.scale().checked_add(1)?)?;
    let at = if high { number.checked_add(half)? } else { number.checked_sub(half)? };
    let outwards = if high { !number.is_negative() } else { number <= Decimal::ZERO };
    if outwards { at.round(places) } else { at.truncate(places) }
}

/// The first or last moment of what is written; without an offset, where on earth it comes first or last.
fn moment(at: Temporal, digits: Option<i64>, high: bool) -> Option<Temporal> {
    let time = at.kind == TemporalKind::Time;
    let whole = if at.kind == TemporalKind::Date {
        8
    } else if time {
        9
    } else {
        17
    };
    let precision = match digits.unwrap_or(whole) + if time { 8 } else { 0 } {
        4 => Precision::Year,
        6 => Precision::Month,
        8 => Precision::Day,
        10 => Precision::Hour,
        12 => Precision::Minute,
        14 => Precision::Second,
        17 => Precision::Millisecond,
        _ => return None,
    };
    let mut edge = at;
    if high && at.precision < Precision::Month {
        edge.month = 12;
    }
    if high && at.precision < Precision::Day {
        edge.day = days_in(edge.year, edge.month);
    }
    if high {
        edge.hour = if at.precision < Precision::Hour { 23 } else { at.hour };
        edge.minute = if at.precision < Precision::Hour { 59 } else { at.minute };
        edge.second = if at.precision < Precision::Second { 59 } else { at.second };
        edge.nanosecond = if at.precision < Precision::Millisecond { 999_000_000 } else { at.nanosecond };
    }
    edge.precision = precision;
    edge.fraction_digits = 3;
    if !time && precision >= Precision::Hour {
        edge.kind = TemporalKind::DateTime;
        edge.offset_minutes = edge.offset_minutes.or(Some(if high { -12 * 60 } else { 14 * 60 }));
    } else {
        edge.offset_minutes = None;
    }
    Some(edge)
}
