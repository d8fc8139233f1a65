//! Scales that are no multiples of one another: UCUM §21 and §22, table 17 and those of levels, acidity and dilution.

use super::Factor;
use crate::value::Decimal;

/// How a number of a unit becomes one of the unit that it is defined by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scale {
    /// So many times as much.
    Ratio,
    /// By a function, of so many times the number: `dB` is a tenth of a `B`.
    Special(Function, Factor),
}

/// The functions of special units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Celsius,
    Fahrenheit,
    Reaumur,
    /// A hundred times the tangent of an angle.
    Slope,
    /// The negative decadic logarithm.
    Acidity,
    Neper,
    Bel,
    /// Of a field, whose square is the power.
    BelOfField,
    Bits,
    Root,
    /// Homeopathic: one part of so many, as often.
    Dilution(u32),
}

impl Function {
    /// As the table calls it.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "celsius" => Self::Celsius,
            "fahrenheit" => Self::Fahrenheit,
            "reaumur" => Self::Reaumur,
            "slope" => Self::Slope,
            "acidity" => Self::Acidity,
            "neper" => Self::Neper,
            "bel" => Self::Bel,
            "bel2" => Self::BelOfField,
            "bits" => Self::Bits,
            "root" => Self::Root,
            "dilution10" => Self::Dilution(10),
            "dilution100" => Self::Dilution(100),
            "dilution1000" => Self::Dilution(1000),
            "dilution50000" => Self::Dilution(50_000),
            _ => return None,
        })
    }

    /// Degrees from where they begin; nothing for other scales.
    fn zero(self) -> Option<Decimal> {
        match self {
            Self::Celsius | Self::Reaumur => Decimal::new(27_315, 2),
            Self::Fahrenheit => Decimal::new(45_967, 2),
            _ => None,
        }
    }

    /// From the scale to its unit, whose factor is `factor`, in base units. Temperatures are exact.
    pub(super) fn to_base(self, number: Decimal, factor: Factor) -> Option<Decimal> {
        match (self, self.zero()) {
            (Self::Fahrenheit, Some(zero)) => factor.of_these(number.checked_add(zero)?),
            (_, Some(zero)) => factor.of_these(number)?.checked_add(zero),
            _ => factor.of_these(Decimal::from_f64(self.forward(number.to_f64()))?),
        }
    }

    /// From base units to the scale.
    pub(super) fn told_of_base(self, number: Decimal, factor: Factor) -> Option<Decimal> {
        let back = factor.inverse()?;
        match (self, self.zero()) {
            (Self::Fahrenheit, Some(zero)) => back.of_these(number)?.checked_sub(zero),
            (_, Some(zero)) => back.of_these(number.checked_sub(zero)?),
            _ => Decimal::from_f64(self.backward(back.of_these(number)?.to_f64())),
        }
    }

    fn forward(self, x: f64) -> f64 {
        match self {
            Self::Slope => (x / 100.0).atan(),
            Self::Acidity => 10f64.powf(-x),
            Self::Neper => x.exp(),
            Self::Bel => 10f64.powf(x),
            Self::BelOfField => 10f64.powf(x / 2.0),
            Self::Bits => x.exp2(),
            Self::Root => x * x,
            Self::Dilution(parts) => f64::from(parts).powf(-x),
            Self::Celsius | Self::Fahrenheit | Self::Reaumur => x,
        }
    }

    fn backward(self, x: f64) -> f64 {
        match self {
            Self::Slope => x.tan() * 100.0,
            Self::Acidity => -x.log10(),
            Self::Neper => x.ln(),
            Self::Bel => x.log10(),
            Self::BelOfField => x.log10() * 2.0,
            Self::Bits => x.log2(),
            Self::Root => x.sqrt(),
            Self::Dilution(parts) => -x.ln() / f64::from(parts).ln(),
            Self::Celsius | Self::Fahrenheit | Self::Reaumur => x,
        }
    }
}
