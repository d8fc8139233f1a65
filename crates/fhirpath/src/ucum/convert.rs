//! From one unit to another.

use std::cmp::Ordering;

use super::{BASES, ConvertFault, Dimensions, Factor, Measure, Scale, read, table::units};
use crate::value::Decimal;

/// A value of one unit, told in another. Exact where the digits end and fit.
pub fn convert(value: Decimal, from: &str, to: &str) -> Result<Decimal, ConvertFault> {
    if from == to {
        return known(from).map(|_| value);
    }
    let (own, wanted) = (known(from)?, known(to)?);
    if own.dimensions != wanted.dimensions {
        return Err(ConvertFault::Different { from: from.to_owned(), to: to.to_owned() });
    }
    own.told_in(value, &wanted).ok_or(ConvertFault::NoNumber)
}

/// A value in base units, and these: `1 mm[Hg]` is `133322 g.m-1.s-2`. Units of one kind have one canonical unit.
pub fn canonical(value: Decimal, code: &str) -> Result<(Decimal, String), ConvertFault> {
    let measure = known(code)?;
    let value = measure.to_base(value).ok_or(ConvertFault::NoNumber)?;
    Ok((value, measure.dimensions.code()))
}

/// Whether two units measure the same kind of thing.
pub fn is_commensurable(a: &str, b: &str) -> Result<bool, ConvertFault> {
    Ok(known(a)?.dimensions == known(b)?.dimensions)
}

/// Whether a value is less than, equal to or more than another; nothing if they cannot be compared.
pub fn compare(a: (Decimal, &str), b: (Decimal, &str)) -> Option<Ordering> {
    let (own, other) = (read::measure(a.1)?, read::measure(b.1)?);
    own.compare(a.0, b.0, &other)
}

fn known(code: &str) -> Result<Measure, ConvertFault> {
    let read = read::read(code, units());
    let measure = read.map_err(|fault| ConvertFault::Unit { code: code.to_owned(), fault })?;
    measure.ok_or_else(|| ConvertFault::NoMeasure(code.to_owned()))
}

impl Measure {
    /// Whether both measure one kind of thing.
    pub(crate) fn is_commensurable(&self, other: &Self) -> bool {
        self.dimensions == other.dimensions
    }

    /// Whether one of it is more than one of the other; degrees and levels are taken as they stand.
    pub(crate) fn is_coarser(&self, other: &Self) -> bool {
        let one = |of: &Self| of.factor.decimal();
        one(self) > one(other)
    }

    /// A value of this unit, told in another of the same kind.
    pub(crate) fn told_in(self, value: Decimal, to: &Self) -> Option<Decimal> {
        if self.scale == Scale::Ratio && to.scale == Scale::Ratio {
            return self.factor.times(to.factor.inverse()?)?.of_these(value);
        }
        if self == *to {
            return Some(value);
        }
        to.told_of_base(self.to_base(value)?)
    }

    /// Exact: fractions are compared, and only what differs is told in digits.
    pub(crate) fn compare(&self, own: Decimal, value: Decimal, other: &Self) -> Option<Ordering> {
        if self.dimensions != other.dimensions {
            return None;
        }
        if self.scale == Scale::Ratio
            && other.scale == Scale::Ratio
            && own.is_negative() == value.is_negative()
        {
            let of = |measure: &Self, value| Factor::of(value)?.times(measure.factor);
            if of(self, own) == of(other, value) {
                return Some(Ordering::Equal);
            }
        }
        Some(own.cmp(&other.told_in(value, self)?))
    }

    fn to_base(self, value: Decimal) -> Option<Decimal> {
        match self.scale {
            Scale::Ratio => self.factor.of_these(value),
            Scale::Special(function, prefix) => function.to_base(prefix.of_these(value)?, self.factor),
        }
    }

    fn told_of_base(self, value: Decimal) -> Option<Decimal> {
        match self.scale {
            Scale::Ratio => self.factor.inverse()?.of_these(value),
            Scale::Special(function, prefix) => {
                prefix.inverse()?.of_these(function.told_of_base(value, self.factor)?)
            }
        }
    }
}

impl Dimensions {
    /// As a code of UCUM: bases first, then arbitrary units.
    fn code(self) -> String {
        let bases = BASES.into_iter().zip(self.bases);
        let arbitrary =
            self.arbitrary.into_iter().map(|(unit, exponent)| (units().arbitrary(unit), exponent));
        let parts = bases.chain(arbitrary).filter(|(_, exponent)| *exponent != 0);
        let parts = parts.map(|(unit, exponent)| match exponent {
            1 => unit.to_owned(),
            _ => format!("{unit}{exponent}"),
        });
        let parts: Vec<String> = parts.collect();
        if parts.is_empty() { "1".to_owned() } else { parts.join(".") }
    }
}
