//! UCUM, the Unified Code for Units of Measure: which codes are well-formed, what they measure, and how one becomes another.
//! <https://ucum.org/ucum>, case-sensitive codes (`c/s`) of version 2.2.
//!
//! ```
//! use fhirpath::ucum;
//! assert!(ucum::check("mmol/L").is_ok());
//! assert_eq!(ucum::check("g/12h").unwrap_err().to_string(), "a number before `h` needs a dot: `12.h` (at character 2)");
//! let value = "98.6".parse().unwrap();
//! assert_eq!(ucum::convert(value, "[degF]", "Cel").unwrap().to_string(), "37");
//! ```

mod convert;
mod factor;
mod fault;
mod read;
mod scale;
mod table;

pub use convert::{canonical, compare, convert, is_commensurable};
pub use fault::{ConvertFault, UnitFault, UnitProblem};

pub(crate) use read::measure;

use factor::Factor;
use scale::Scale;

/// Limits of a code; each stands in `docs/limits.md`.
pub mod limits {
    /// Longer codes are nobody's unit.
    pub const UNIT_BYTES_MAX: usize = 256;
    /// Parentheses within parentheses.
    pub const UNIT_DEPTH_MAX: usize = 16;
    /// No unit is raised to more, either way.
    pub const UNIT_EXPONENT_MAX: i8 = 99;
}

/// Whether a code is a unit of UCUM, and where it goes wrong if it is not.
///
/// A special unit within a term (`Cel/d`) is well-formed, but measures nothing (UCUM §21), so that it cannot be converted.
pub fn check(code: &str) -> Result<(), UnitFault> {
    read::read(code, table::units()).map(|_| ())
}

/// What a unit measures, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Measure {
    factor: Factor,
    dimensions: Dimensions,
    scale: Scale,
}

impl Measure {
    pub(crate) const ONE: Self =
        Self { factor: Factor::ONE, dimensions: Dimensions::NONE, scale: Scale::Ratio };

    /// Whether it is a plain number.
    pub(crate) fn is_number(&self) -> bool {
        self.dimensions == Dimensions::NONE && self.is_ratio()
    }

    /// Whether its numbers are so many times a unit, and not points of a scale.
    pub(crate) fn is_ratio(&self) -> bool {
        self.scale == Scale::Ratio
    }

    /// Special units take part in no product but with themselves alone (UCUM §21).
    fn times(self, other: Self) -> Option<Self> {
        if self.scale != Scale::Ratio || other.scale != Scale::Ratio {
            return None;
        }
        Some(Self {
            factor: self.factor.times(other.factor)?,
            dimensions: self.dimensions.plus(other.dimensions)?,
            scale: Scale::Ratio,
        })
    }

    fn power(self, exponent: i8) -> Option<Self> {
        if exponent == 1 {
            return Some(self);
        }
        if self.scale != Scale::Ratio {
            return None;
        }
        let factor = self.factor.power(exponent)?;
        Some(Self { factor, dimensions: self.dimensions.times(exponent)?, scale: Scale::Ratio })
    }
}

/// UCUM's seven bases, in the order in which a canonical unit names them.
const BASES: [&str; 7] = ["m", "s", "g", "rad", "K", "C", "cd"];

/// How many different arbitrary units one term may have and still be measured.
const ARBITRARY_MAX: usize = 3;

/// Exponents of the bases, and of arbitrary units: these are no measure of anything but themselves (UCUM §24).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dimensions {
    bases: [i8; BASES.len()],
    /// Number in the table and exponent, those in use first and in the order of the table.
    arbitrary: [(u16, i8); ARBITRARY_MAX],
}

impl Dimensions {
    const NONE: Self = Self { bases: [0; BASES.len()], arbitrary: [(0, 0); ARBITRARY_MAX] };

    fn plus(mut self, other: Self) -> Option<Self> {
        for (sum, more) in self.bases.iter_mut().zip(other.bases) {
            *sum = written(sum.checked_add(more)?)?;
        }
        for (unit, exponent) in other.arbitrary.into_iter().filter(|(_, exponent)| *exponent != 0) {
            let known = self.arbitrary.iter().position(|(own, held)| *held != 0 && *own == unit);
            let free = self.arbitrary.iter().position(|(_, held)| *held == 0);
            let slot = self.arbitrary.get_mut(known.or(free)?)?;
            let sum = written(slot.1.checked_add(exponent)?)?;
            *slot = if sum == 0 { (0, 0) } else { (unit, sum) };
        }
        self.arbitrary.sort_unstable_by_key(|(unit, exponent)| (*exponent == 0, *unit));
        Some(self)
    }

    fn times(mut self, by: i8) -> Option<Self> {
        for (_, exponent) in &mut self.arbitrary {
            *exponent = written(exponent.checked_mul(by)?)?;
        }
        for exponent in &mut self.bases {
            *exponent = written(exponent.checked_mul(by)?)?;
        }
        // To the power of nothing, nothing is measured.
        Some(if by == 0 { Self::NONE } else { self })
    }
}

/// An exponent that a code can have: beyond, the canonical unit would be no unit itself.
fn written(exponent: i8) -> Option<i8> {
    (exponent.unsigned_abs() <= limits::UNIT_EXPONENT_MAX.unsigned_abs()).then_some(exponent)
}

#[cfg(test)]
mod tests;
