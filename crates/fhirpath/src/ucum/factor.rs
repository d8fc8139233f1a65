//! How many of one unit make another: exact fractions, as long as they fit.

use crate::value::Decimal;

/// `numerator / denominator · 10^tens · π^pis`, in lowest terms: the numerator is no multiple of ten, the denominator of
/// neither two nor five, so that equal factors look alike. What outgrows 128 bits is rounded to [`Factor::DIGITS_KEPT`] digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Factor {
    numerator: u128,
    denominator: u128,
    tens: i16,
    pis: i8,
}

impl Factor {
    pub(super) const ONE: Self = Self { numerator: 1, denominator: 1, tens: 0, pis: 0 };
    pub(super) const PI: Self = Self { pis: 1, ..Self::ONE };
    /// Two such numbers multiply within 128 bits.
    const DIGITS_KEPT: u32 = 18;
    const PI_DIGITS: Self = Self { numerator: 3_141_592_653_589_793_238, denominator: 1, tens: -18, pis: 0 };

    /// Of a whole number; nothing for zero.
    pub(super) fn whole(number: u128) -> Option<Self> {
        (number != 0).then(|| Self { numerator: number, ..Self::ONE }.reduced())
    }

    /// Of a number without its sign; nothing for zero.
    pub(super) fn of(number: Decimal) -> Option<Self> {
        let tens = -i16::from(number.scale());
        let numerator = number.mantissa().unsigned_abs();
        (numerator != 0).then(|| Self { numerator, tens, ..Self::ONE }.reduced())
    }

    /// Of a number as the table writes it, with an exponent beyond those of decimals.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (digits, tens) = text.split_once('e').unwrap_or((text, "0"));
        Self::of(digits.parse().ok()?)?.times(Self::ten_to(tens.parse().ok()?))
    }

    pub(super) fn ten_to(tens: i16) -> Self {
        Self { tens, ..Self::ONE }
    }

    pub(super) fn inverse(self) -> Option<Self> {
        let (numerator, denominator) = (self.denominator, self.numerator);
        Some(
            Self { numerator, denominator, tens: self.tens.checked_neg()?, pis: self.pis.checked_neg()? }
                .reduced(),
        )
    }

    pub(super) fn times(self, other: Self) -> Option<Self> {
        let tens = self.tens.checked_add(other.tens)?;
        let pis = self.pis.checked_add(other.pis)?;
        let (across, back) = (gcd(self.numerator, other.denominator), gcd(other.numerator, self.denominator));
        let numerator = (self.numerator / across).checked_mul(other.numerator / back);
        let denominator = (self.denominator / back).checked_mul(other.denominator / across);
        if let (Some(numerator), Some(denominator)) = (numerator, denominator) {
            return Some(Self { numerator, denominator, tens, pis }.reduced());
        }
        let (a, b) = (self.rounded(Self::DIGITS_KEPT)?, other.rounded(Self::DIGITS_KEPT)?);
        let numerator = a.numerator.checked_mul(b.numerator)?;
        Some(Self { numerator, denominator: 1, tens: a.tens.checked_add(b.tens)?, pis }.reduced())
    }

    pub(super) fn power(self, exponent: i8) -> Option<Self> {
        let base = if exponent < 0 { self.inverse()? } else { self };
        (0..exponent.unsigned_abs()).try_fold(Self::ONE, Self::times_of(base))
    }

    fn times_of(base: Self) -> impl Fn(Self, u8) -> Option<Self> {
        move |power, _| power.times(base)
    }

    /// As many as there are of a number, with its sign.
    pub(super) fn of_these(self, number: Decimal) -> Option<Decimal> {
        let Some(own) = Self::of(number) else { return Some(Decimal::ZERO) };
        let product = own.times(self)?.decimal()?;
        if number.is_negative() { product.checked_neg() } else { Some(product) }
    }

    /// In digits: all of them if they end and fit, else the first.
    pub(super) fn decimal(self) -> Option<Decimal> {
        let mut digits = self;
        while digits.pis != 0 {
            let pi = if digits.pis > 0 { Self::PI_DIGITS } else { Self::PI_DIGITS.inverse()? };
            let pis = digits.pis - digits.pis.signum();
            digits = Self { pis: 0, ..digits }.times(pi)?;
            digits.pis = pis;
        }
        digits.exactly().or_else(|| {
            // Fewer digits where the number is so small that its places would not fit.
            (4..=28).rev().step_by(4).find_map(|count| digits.rounded(count)?.exactly())
        })
    }

    fn exactly(self) -> Option<Decimal> {
        if self.denominator != 1 {
            return None;
        }
        let mantissa = i128::try_from(self.numerator).ok()?;
        match u8::try_from(-i32::from(self.tens)) {
            Ok(scale) => Decimal::new(mantissa, scale),
            Err(_) => {
                let raise = 10i128.checked_pow(u32::try_from(self.tens).ok()?)?;
                Decimal::new(mantissa.checked_mul(raise)?, 0)
            }
        }
    }

    /// Without a denominator, to so many digits.
    fn rounded(self, count: u32) -> Option<Self> {
        let most = 10u128.checked_pow(count)?;
        let (above, mut below, mut tens) = (self.numerator, self.denominator, self.tens);
        // So that a remainder can be raised by ten.
        while below > u128::MAX / 10 {
            (below, tens) = (below / 10, tens.checked_sub(1)?);
        }
        let (mut digits, mut rest) = (above.checked_div(below)?, above.checked_rem(below)?);
        while rest != 0 && digits < most {
            rest *= 10;
            digits = digits * 10 + rest / below;
            rest %= below;
            tens = tens.checked_sub(1)?;
        }
        while digits >= most {
            digits = digits / 10 + u128::from(digits % 10 >= 5);
            tens = tens.checked_add(1)?;
        }
        Some(Self { numerator: digits, denominator: 1, tens, pis: self.pis }.reduced())
    }

    fn reduced(mut self) -> Self {
        let common = gcd(self.numerator, self.denominator).max(1);
        (self.numerator, self.denominator) = (self.numerator / common, self.denominator / common);
        for (prime, other) in [(2, 5), (5, 2)] {
            while self.denominator.is_multiple_of(prime) {
                let (Some(raised), Some(tens)) =
                    (self.numerator.checked_mul(other), self.tens.checked_sub(1))
                else {
                    break;
                };
                (self.numerator, self.tens) = (raised, tens);
                self.denominator /= prime;
            }
        }
        while self.numerator != 0 && self.numerator.is_multiple_of(10) {
            let Some(tens) = self.tens.checked_add(1) else { break };
            (self.numerator, self.tens) = (self.numerator / 10, tens);
        }
        self
    }
}

fn gcd(a: u128, b: u128) -> u128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Factor {
        Factor::of(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn fractions_are_exact() {
        let third = of("1").times(of("3").inverse().unwrap()).unwrap();
        assert_eq!(third.times(of("3")), Some(Factor::ONE));
        assert_eq!(third.decimal().unwrap().to_string(), "0.3333333333333333333333333333");
        assert_eq!(of("0.125"), of("8").inverse().unwrap());
        assert_eq!(of("2.50").times(of("4")), of("10").times(Factor::ONE));
    }

    #[test]
    fn what_outgrows_the_digits_is_rounded() {
        let large = of("7").power(90).unwrap();
        let back = large.times(of("7").power(-90).unwrap()).unwrap().decimal().unwrap();
        let off = back.checked_sub(1.into()).unwrap().abs().unwrap();
        assert!(off < "0.000000000000001".parse().unwrap(), "{back}");
        assert_eq!(Factor::ten_to(i16::MAX).times(Factor::ten_to(1)), None);
    }

    #[test]
    fn pi_is_told_only_at_the_end() {
        assert_eq!(Factor::PI.times(Factor::PI.inverse().unwrap()), Some(Factor::ONE));
        assert!(Factor::PI.decimal().unwrap().to_string().starts_with("3.14159265358979323"));
        assert!(
            Factor::PI.power(-2).unwrap().decimal().unwrap().to_string().starts_with("0.10132118364233777")
        );
    }
}
