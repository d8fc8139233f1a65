//! Numbers with units. N1 §4.1.8, §6.1, §6.2 and §6.6

use std::{cmp::Ordering, fmt};

use super::{CalendarUnit, Decimal};
use crate::ucum;

/// The unit of a quantity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A word of the calendar: `day`, `days`.
    Calendar(CalendarUnit, Box<str>),
    /// A code of UCUM.
    Ucum(Box<str>),
}

/// A number with a unit.
#[derive(Debug, Clone)]
pub struct Quantity {
    /// How much.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit,
}

impl Unit {
    /// The unit `1`.
    pub fn one() -> Self {
        Self::Ucum("1".into())
    }

    /// A word of the calendar, singular or plural.
    pub fn calendar(word: &str) -> Option<Self> {
        let unit = match word.strip_suffix('s').unwrap_or(word) {
            "year" => CalendarUnit::Year,
            "month" => CalendarUnit::Month,
            "week" => CalendarUnit::Week,
            "day" => CalendarUnit::Day,
            "hour" => CalendarUnit::Hour,
            "minute" => CalendarUnit::Minute,
            "second" => CalendarUnit::Second,
            "millisecond" => CalendarUnit::Millisecond,
            _ => return None,
        };
        Some(Self::Calendar(unit, word.into()))
    }

    /// As UCUM writes it. A calendar's year and month have no code: they are not always equally long.
    fn code(&self) -> Option<&str> {
        match self {
            Self::Ucum(code) => Some(code),
            Self::Calendar(unit, _) => match unit {
                CalendarUnit::Year | CalendarUnit::Month => None,
                CalendarUnit::Week => Some("wk"),
                CalendarUnit::Day => Some("d"),
                CalendarUnit::Hour => Some("h"),
                CalendarUnit::Minute => Some("min"),
                CalendarUnit::Second => Some("s"),
                CalendarUnit::Millisecond => Some("ms"),
            },
        }
    }

    fn months(&self) -> Option<i64> {
        match self {
            Self::Calendar(CalendarUnit::Year, _) => Some(12),
            Self::Calendar(CalendarUnit::Month, _) => Some(1),
            _ => None,
        }
    }
}

impl Quantity {
    /// A number without a unit.
    pub fn plain(value: Decimal) -> Self {
        Self { value, unit: Unit::one() }
    }

    fn measures(&self, other: &Self) -> Option<(ucum::Measure, ucum::Measure)> {
        let (a, b) = (ucum::measure(self.unit.code()?)?, ucum::measure(other.unit.code()?)?);
        a.is_commensurable(&b).then_some((a, b))
    }

    /// Before, equal or after; nothing if the units differ in kind.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        if self.unit == other.unit {
            return Some(self.value.cmp(&other.value));
        }
        if let (Some(a), Some(b)) = (self.unit.months(), other.unit.months()) {
            let months = |of: &Self, months: i64| of.value.checked_mul(Decimal::from(months));
            return Some(months(self, a)?.cmp(&months(other, b)?));
        }
        let (a, b) = self.measures(other)?;
        a.compare(self.value, other.value, &b)
    }

    /// Whether they can be compared at all.
    pub fn is_comparable(&self, other: &Self) -> bool {
        self.compare(other).is_some()
    }

    /// Equal to the precision of the less precise (N1 §6.1.2).
    pub fn is_equivalent(&self, other: &Self) -> bool {
        let years = |of: &Self| match of.unit.code() {
            Some("a") => Some(12),
            Some("mo") => Some(1),
            _ => of.unit.months(),
        };
        let (a, b) = if let (Some(a), Some(b)) = (years(self), years(other)) {
            (self.value.checked_mul(Decimal::from(a)), other.value.checked_mul(Decimal::from(b)))
        } else {
            // Both in the coarser unit, since the digits that are written count there.
            let Some((a, b)) = self.measures(other) else {
                return self.compare(other) == Some(Ordering::Equal);
            };
            let unit = if b.is_coarser(&a) { b } else { a };
            (a.told_in(self.value, &unit), b.told_in(other.value, &unit))
        };
        let (Some(a), Some(b)) = (a, b) else { return false };
        let scale = self.value.trimmed().scale().min(other.value.trimmed().scale());
        matches!((a.round(scale), b.round(scale)), (Some(a), Some(b)) if a == b)
    }

    /// The sum, in this one's unit.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let (_, b) = (self.unit == other.unit)
            .then_some((self.value, other.value))
            .or_else(|| self.in_own_unit(other))?;
        Some(Self { value: self.value.checked_add(b)?, unit: self.unit.clone() })
    }

    /// The difference, in this one's unit.
    pub fn checked_sub(&self, other: &Self) -> Option<Self> {
        self.checked_add(&Self { value: other.value.checked_neg()?, unit: other.unit.clone() })
    }

    fn in_own_unit(&self, other: &Self) -> Option<(Decimal, Decimal)> {
        let (a, b) = self.measures(other)?;
        (a.is_ratio() && b.is_ratio()).then(|| b.told_in(other.value, &a).map(|value| (self.value, value)))?
    }

    /// The product.
    pub fn checked_mul(&self, other: &Self) -> Option<Self> {
        self.combined(other, self.value.checked_mul(other.value)?, '.')
    }

    /// The quotient.
    pub fn checked_div(&self, other: &Self) -> Option<Self> {
        self.combined(other, self.value.checked_div(other.value)?, '/')
    }

    fn combined(&self, other: &Self, value: Decimal, sign: char) -> Option<Self> {
        let (a, b) = (self.unit.code()?, other.unit.code()?);
        let unit = match (a, b) {
            (_, "1") => return Some(Self { value, unit: self.unit.clone() }),
            ("1", _) if sign == '.' => return Some(Self { value, unit: other.unit.clone() }),
            (a, b) if a == b && sign == '/' => return Some(Self::plain(value)),
            ("1", b) => format!("/({b})"),
            (a, b) if sign == '/' && b.contains(['.', '/']) => format!("{a}/({b})"),
            (a, b) => format!("{a}{sign}{b}"),
        };
        let measure = ucum::measure(&unit)?;
        if measure.is_number() {
            return Some(Self::plain(measure.told_in(value, &ucum::Measure::ONE)?));
        }
        Some(Self { value, unit: Unit::Ucum(unit.into()) })
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(_, word) => write!(f, "{} {word}", self.value),
            Unit::Ucum(code) => write!(f, "{} '{code}'", self.value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn q(value: &str, unit: &str) -> Quantity {
        let unit = Unit::calendar(unit).unwrap_or_else(|| Unit::Ucum(unit.into()));
        Quantity { value: value.parse().unwrap(), unit }
    }

    #[test]
    fn units_of_one_kind_are_compared() {
        for (a, b, expected) in [
            (q("4.0000", "g"), q("4000.0", "mg"), Some(Ordering::Equal)),
            (q("7", "days"), q("1", "wk"), Some(Ordering::Equal)),
            (q("1", "year"), q("12", "months"), Some(Ordering::Equal)),
            (q("1", "a"), q("1", "year"), None),
            (q("1", "[in_i]"), q("2.54", "cm"), Some(Ordering::Equal)),
            (q("1", "cm"), q("1", "s"), None),
            (q("2", "mm[Hg]"), q("1", "mm[Hg]"), Some(Ordering::Greater)),
            (q("1", "nonsense"), q("1", "m"), None),
            (q("98.6", "[degF]"), q("37.0", "Cel"), Some(Ordering::Equal)),
            (q("3", "[ft_us]"), q("1", "[yd_us]"), Some(Ordering::Equal)),
            (q("-1", "m"), q("1", "cm"), Some(Ordering::Less)),
            (q("0", "m"), q("0.0", "cm"), Some(Ordering::Equal)),
            (q("1", "[iU]"), q("1000", "m[IU]"), Some(Ordering::Equal)),
            (q("1", "[iU]"), q("1", "[arb'U]"), None),
        ] {
            assert_eq!(a.compare(&b), expected, "{a} {b}");
        }
    }

    #[test]
    fn units_are_multiplied() {
        assert_eq!(
            q("2.0", "cm").checked_mul(&q("2.0", "m")).unwrap().compare(&q("0.040", "m2")),
            Some(Ordering::Equal)
        );
        assert_eq!(
            q("4.0", "g").checked_div(&q("2.0", "m")).unwrap().compare(&q("2", "g/m")),
            Some(Ordering::Equal)
        );
        assert_eq!(q("1", "m").checked_div(&q("1", "cm")).unwrap().to_string(), "100 '1'");
        assert_eq!(q("1", "h").checked_add(&q("30", "min")).unwrap().to_string(), "1.5 'h'");
    }
}
