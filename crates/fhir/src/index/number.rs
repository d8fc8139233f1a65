//! Numbers and quantities. <https://hl7.org/fhir/R4/search.html#number>, <https://hl7.org/fhir/R4/search.html#quantity>

use std::borrow::Cow;

use fhirpath::{document::Element, ucum, value::Decimal};

use super::{Canonical, Quantity, Range, Value};

/// The system of UCUM's codes.
const UCUM: &str = "http://unitsofmeasure.org";
/// The system of currencies: ISO 4217.
const CURRENCY: &str = "urn:iso:std:iso:4217";

impl Range {
    /// A number that is known exactly.
    pub(crate) fn point(number: Decimal) -> Self {
        Self { lo: Some(number), hi: Some(number) }
    }
}

fn text<'d>(of: Element<'d>, name: &str) -> Option<Cow<'d, str>> {
    of.child(name)?.text()
}

fn decimal(of: Element<'_>, name: &str) -> Option<Decimal> {
    of.child(name)?.raw().parse().ok()
}

pub(super) fn of_number<'d>(element: Element<'d>) -> Option<Value<'d>> {
    element.raw().parse().ok().map(|number| Value::Number(Range::point(number)))
}

/// A Range where a number is looked for: its unit does not count.
pub(super) fn of_number_range<'d>(element: Element<'d>) -> Option<Value<'d>> {
    ends(element).map(|(range, _)| Value::Number(range))
}

pub(super) fn of_quantity<'d>(element: Element<'d>) -> Option<Value<'d>> {
    let value = decimal(element, "value")?;
    // What is only known to be less or more reaches from there without end.
    let range = match text(element, "comparator").as_deref() {
        Some("<" | "<=") => Range { lo: None, hi: Some(value) },
        Some(">" | ">=") => Range { lo: Some(value), hi: None },
        _ => Range::point(value),
    };
    Some(quantity(range, element))
}

pub(super) fn of_money<'d>(element: Element<'d>) -> Option<Value<'d>> {
    let range = Range::point(decimal(element, "value")?);
    let code = text(element, "currency");
    let system = code.is_some().then_some(Cow::Borrowed(CURRENCY));
    Some(Value::Quantity(Quantity { range, system, code, unit: None, canonical: None }))
}

pub(super) fn of_range<'d>(element: Element<'d>) -> Option<Value<'d>> {
    ends(element).map(|(range, unit)| quantity(range, unit))
}

/// Both ends of a Range, and the quantity whose unit they have.
fn ends(element: Element<'_>) -> Option<(Range, Element<'_>)> {
    let (low, high) = (element.child("low"), element.child("high"));
    let unit = low.or(high)?;
    let end = |end: Option<Element<'_>>| end.and_then(|end| decimal(end, "value"));
    let range = Range { lo: end(low), hi: end(high) };
    (range.lo.is_some() || range.hi.is_some()).then_some((range, unit))
}

/// From the least to the greatest of the values that were measured.
pub(super) fn of_sampled<'d>(element: Element<'d>) -> Option<Value<'d>> {
    let origin = element.child("origin")?;
    let zero = decimal(origin, "value")?;
    let factor = decimal(element, "factor").unwrap_or(Decimal::from(1));
    let data = text(element, "data")?;
    let measured = data.split_ascii_whitespace().filter_map(|word| word.parse::<Decimal>().ok());
    let told = measured.filter_map(|value| value.checked_mul(factor)?.checked_add(zero));
    let (lo, hi) = told.fold((None, None), |(lo, hi): (Option<Decimal>, Option<Decimal>), value| {
        (Some(lo.map_or(value, |lo| lo.min(value))), Some(hi.map_or(value, |hi| hi.max(value))))
    });
    (lo.is_some()).then(|| quantity(Range { lo, hi }, origin))
}

fn quantity<'d>(range: Range, of: Element<'d>) -> Value<'d> {
    let (system, code) = (text(of, "system"), text(of, "code"));
    let canonical = match (system.as_deref(), code.as_deref()) {
        (Some(system), Some(code)) => canonical_quantity(range, system, code),
        _ => None,
    };
    Value::Quantity(Quantity { range, system, code, unit: text(of, "unit"), canonical })
}

/// A range of some unit of UCUM, in base units; nothing of other systems, nor where it cannot be told in numbers.
pub(crate) fn canonical_quantity(range: Range, system: &str, code: &str) -> Option<Canonical> {
    if system != UCUM {
        return None;
    }
    let mut unit = None;
    let mut told = |end: Option<Decimal>| match end {
        None => Some(None),
        Some(end) => {
            let (value, of) = ucum::canonical(end, code).ok()?;
            unit = Some(of);
            Some(Some(value))
        }
    };
    let range = Range { lo: told(range.lo)?, hi: told(range.hi)? };
    Some(Canonical { range, unit: unit?.into() })
}
