//! Decimals that keep their written scale: `1.00` is not `1.0` to a precision, though they are equal.
//! FHIRPath asks for 28 digits and 8 places (N1 §4.1.4); these have up to 38 digits.

use std::{cmp::Ordering, fmt, str::FromStr};

/// `mantissa / 10^scale`. Packed, since the alignment of 128 bits would double the size of all values.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(8))]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

/// The number has more digits than are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a decimal of at most {} digits", Decimal::DIGITS_MAX)]
pub struct NotADecimal;

impl Decimal {
    /// Digits that are kept.
    pub const DIGITS_MAX: u8 = 38;
    /// Places that a division is worked out to.
    const DIVISION_SCALE: u8 = 16;
    /// Nothing.
    pub const ZERO: Self = Self { mantissa: 0, scale: 0 };

    /// `mantissa / 10^scale`; nothing if the scale is more than 38.
    pub fn new(mantissa: i128, scale: u8) -> Option<Self> {
        (scale <= Self::DIGITS_MAX).then_some(Self { mantissa, scale })
    }

    /// Digits after the point.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// The number without its point.
    pub fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// Below nothing.
    pub fn is_negative(self) -> bool {
        self.mantissa < 0
    }

    /// Both with the larger scale.
    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        let raise = |of: Self| of.mantissa.checked_mul(power_of_ten(scale - of.scale)?);
        Some((raise(self)?, raise(other)?, scale))
    }

    /// The sum, if it can be kept.
    pub fn checked_add(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other).or_else(|| self.trimmed().aligned(other.trimmed()))?;
        Some(Self { mantissa: a.checked_add(b)?, scale })
    }

    /// The difference, if it can be kept.
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.checked_add(other.checked_neg()?)
    }

    /// The product, if it can be kept.
    pub fn checked_mul(self, other: Self) -> Option<Self> {
        let product =
            |a: Self, b: Self| Self::new(a.mantissa.checked_mul(b.mantissa)?, a.scale.checked_add(b.scale)?);
        product(self, other).or_else(|| product(self.trimmed(), other.trimmed()))
    }

    /// The quotient, to 16 places; nothing for division by zero.
    pub fn checked_div(self, other: Self) -> Option<Self> {
        if other.mantissa == 0 {
            return None;
        }
        let (a, b, _) = self.trimmed().aligned(other.trimmed())?;
        (0..=Self::DIVISION_SCALE).rev().find_map(|scale| {
            let raised = a.checked_mul(power_of_ten(scale)?)?;
            let (whole, rest) = (raised.checked_div(b)?, raised.checked_rem(b)?);
            let up = rest.unsigned_abs() >= b.unsigned_abs() - rest.unsigned_abs();
            let away = if (a < 0) == (b < 0) { 1 } else { -1 };
            Some(Self { mantissa: whole.checked_add(if up { away } else { 0 })?, scale }.trimmed())
        })
    }

    /// The whole quotient, towards zero.
    pub fn div_whole(self, other: Self) -> Option<i128> {
        let (a, b, _) = self.aligned(other)?;
        a.checked_div(b)
    }

    /// What the whole division leaves.
    pub fn checked_rem(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Self { mantissa: a.checked_rem(b)?, scale })
    }

    /// With the other sign.
    pub fn checked_neg(self) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_neg()?, scale: self.scale })
    }

    /// Without its sign.
    pub fn abs(self) -> Option<Self> {
        Some(Self { mantissa: self.mantissa.checked_abs()?, scale: self.scale })
    }

    /// Without zeros at the end of the fraction.
    pub fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }

    /// To so many places, halves away from zero.
    pub fn round(self, scale: u8) -> Option<Self> {
        self.scaled(scale, |whole, rest, half| match rest.unsigned_abs().cmp(&half.unsigned_abs()) {
            Ordering::Less => Some(whole),
            _ => whole.checked_add(rest.signum()),
        })
    }

    /// To so many places, towards minus infinity.
    pub fn floor(self, scale: u8) -> Option<Self> {
        self.scaled(scale, |whole, rest, _| if rest < 0 { whole.checked_sub(1) } else { Some(whole) })
    }

    /// To so many places, towards infinity.
    pub fn ceiling(self, scale: u8) -> Option<Self> {
        self.scaled(scale, |whole, rest, _| if rest > 0 { whole.checked_add(1) } else { Some(whole) })
    }

    /// To so many places, towards zero.
    pub fn truncate(self, scale: u8) -> Option<Self> {
        self.scaled(scale, |whole, _, _| Some(whole))
    }

    fn scaled(self, scale: u8, choose: impl Fn(i128, i128, i128) -> Option<i128>) -> Option<Self> {
        if scale >= self.scale {
            return Self::new(self.mantissa.checked_mul(power_of_ten(scale - self.scale)?)?, scale);
        }
        let unit = power_of_ten(self.scale - scale)?;
        let mantissa = choose(self.mantissa / unit, self.mantissa % unit, unit / 2)?;
        Some(Self { mantissa, scale })
    }

    /// The number if it has no fraction.
    pub fn to_whole(self) -> Option<i128> {
        let trimmed = self.trimmed();
        (trimmed.scale == 0).then_some(trimmed.mantissa)
    }

    /// Near enough for logarithms and roots.
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The decimal with 15 significant digits, which is what a double holds.
    pub fn from_f64(number: f64) -> Option<Self> {
        if !number.is_finite() {
            return None;
        }
        format!("{number:.14e}").parse().ok().map(Self::trimmed)
    }
}

fn power_of_ten(exponent: u8) -> Option<i128> {
    10i128.checked_pow(u32::from(exponent))
}

impl From<i64> for Decimal {
    fn from(whole: i64) -> Self {
        Self { mantissa: i128::from(whole), scale: 0 }
    }
}

impl FromStr for Decimal {
    type Err = NotADecimal;

    /// JSON's and XML's numbers: a sign, digits, a fraction, an exponent.
    fn from_str(text: &str) -> Result<Self, NotADecimal> {
        let (digits, exponent) = match text.split_once(['e', 'E']) {
            Some((digits, exponent)) => (digits, exponent.parse::<i32>().map_err(|_| NotADecimal)?),
            None => (text, 0),
        };
        let (negative, digits) = match digits.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, digits.strip_prefix('+').unwrap_or(digits)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let digit = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || !digit(whole) || !digit(fraction) || digits.ends_with('.') {
            return Err(NotADecimal);
        }
        let mut mantissa = 0i128;
        for byte in whole.bytes().chain(fraction.bytes()) {
            mantissa = mantissa
                .checked_mul(10)
                .and_then(|raised| raised.checked_add(i128::from(byte - b'0')))
                .ok_or(NotADecimal)?;
        }
        let scale = i32::try_from(fraction.len())
            .map_err(|_| NotADecimal)?
            .checked_sub(exponent)
            .ok_or(NotADecimal)?;
        let mantissa = if negative { -mantissa } else { mantissa };
        if mantissa == 0 && scale < 0 {
            return Ok(Self::ZERO);
        }
        if scale >= 0 {
            return u8::try_from(scale).ok().and_then(|scale| Self::new(mantissa, scale)).ok_or(NotADecimal);
        }
        let raise = u8::try_from(-scale).ok().and_then(power_of_ten).ok_or(NotADecimal)?;
        mantissa.checked_mul(raise).map(|mantissa| Self { mantissa, scale: 0 }).ok_or(NotADecimal)
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = self.mantissa.unsigned_abs().to_string();
        let scale = usize::from(self.scale);
        if scale == 0 {
            return write!(f, "{sign}{digits}");
        }
        let padded = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Decimal {}
impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        let (a, b) = (self.trimmed(), other.trimmed());
        // What cannot be aligned differs by more than 38 digits: the doubles tell which is larger.
        a.aligned(b).map_or_else(|| a.to_f64().total_cmp(&b.to_f64()), |(a, b, _)| a.cmp(&b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn d(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn what_is_written_is_shown_and_compared_without_its_scale() {
        for text in ["0", "0.0", "-0.5", "1.00", "12345678901234567890.123456789", "-7"] {
            assert_eq!(d(text).to_string(), text);
        }
        assert_eq!(d("1.00"), d("1"));
        assert_eq!(d("1e2").to_string(), "100");
        assert_eq!(d("1.5E-3").to_string(), "0.0015");
        for bad in ["", ".", "1.", ".5", "1e", "1e999", "x", "--1", &"9".repeat(40)] {
            assert!(bad.parse::<Decimal>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_four_rules() {
        assert_eq!(d("1.8").checked_sub(d("1.2")).unwrap(), d("0.6"));
        assert_eq!(d("1.2").checked_mul(d("1.8")).unwrap().to_string(), "2.16");
        assert_eq!(d("1").checked_div(d("3")).unwrap().to_string(), "0.3333333333333333");
        assert_eq!(d("-2").checked_div(d("3")).unwrap().to_string(), "-0.6666666666666667");
        assert_eq!(d("1").checked_div(d("0")), None);
        assert_eq!(d("2.2").checked_rem(d("1.8")).unwrap(), d("0.4"));
        assert_eq!(d("2.2").div_whole(d("1.8")), Some(1));
        assert_eq!(Decimal::new(i128::MAX, 0).unwrap().checked_add(d("1")), None);
    }

    #[test]
    fn rounding_knows_four_ways() {
        let both = |round: fn(Decimal, u8) -> Option<Decimal>| {
            [d("1.25"), d("-1.25")].map(|n| round(n, 1).unwrap().to_string())
        };
        assert_eq!(both(Decimal::round), ["1.3", "-1.3"]);
        assert_eq!(both(Decimal::floor), ["1.2", "-1.3"]);
        assert_eq!(both(Decimal::ceiling), ["1.3", "-1.2"]);
        assert_eq!(both(Decimal::truncate), ["1.2", "-1.2"]);
        assert_eq!(d("1").round(2).unwrap().to_string(), "1.00");
    }
}
