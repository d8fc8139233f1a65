//! The part of UCUM that clinical quantities use: its grammar, its prefixes, and about eighty units with exact factors.
//! <https://ucum.org/ucum>. A unit that is not in the table cannot be converted, and is only ever equal to itself;
//! neither can the special units (`Cel`, `[pH]`, `B`), whose scales are not multiples of one another.

use super::Decimal;

/// Metre, second, gram, radian, kelvin, coulomb, candela; then the units that UCUM calls arbitrary, which are no measure of anything else.
pub(super) const DIMENSIONS: usize = 10;

/// A unit in base units.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Measure {
    pub(super) factor: Decimal,
    pub(super) dimensions: [i8; DIMENSIONS],
}

/// Longer codes are nobody's unit.
const CODE_BYTES_MAX: usize = 64;

/// Code, factor, what it is a multiple of, and whether it takes prefixes. What it is a multiple of is read by this table again.
const ATOMS: &[(&str, &str, &str, bool)] = &[
    ("l", "1000", "cm3", true),
    ("L", "1000", "cm3", true),
    ("ar", "100", "m2", true),
    ("min", "60", "s", false),
    ("h", "3600", "s", false),
    ("d", "86400", "s", false),
    ("wk", "604800", "s", false),
    ("mo", "2629800", "s", false),
    ("a", "31557600", "s", false),
    ("t", "1000000", "g", true),
    ("u", "0.00000000000000000000000166053904020", "g", true),
    ("Hz", "1", "s-1", true),
    ("N", "1000", "g.m/s2", true),
    ("Pa", "1000", "g/m/s2", true),
    ("J", "1000", "g.m2/s2", true),
    ("W", "1000", "g.m2/s3", true),
    ("V", "1000", "g.m2/s2/C", true),
    ("A", "1", "C/s", true),
    ("bar", "100000", "Pa", true),
    ("atm", "101325", "Pa", false),
    ("m[H2O]", "9806.65", "Pa", true),
    ("m[Hg]", "133322", "Pa", true),
    ("eq", "602213670000000000000000", "1", true),
    ("mol", "602213670000000000000000", "1", true),
    ("osm", "602213670000000000000000", "1", true),
    ("kat", "602213670000000000000000", "/s", true),
    ("U", "10036894500000000", "/s", true),
    ("cal", "4.184", "J", true),
    ("[Cal]", "4184", "J", false),
    ("Gy", "1", "m2/s2", true),
    ("Sv", "1", "m2/s2", true),
    ("Bq", "1", "s-1", true),
    ("Ci", "37000000000", "s-1", true),
    ("deg", "0.01745329251994329577", "rad", false),
    ("%", "0.01", "1", false),
    ("[ppth]", "0.001", "1", false),
    ("[ppm]", "0.000001", "1", false),
    ("[ppb]", "0.000000001", "1", false),
    ("[in_i]", "0.0254", "m", false),
    ("[ft_i]", "0.3048", "m", false),
    ("[yd_i]", "0.9144", "m", false),
    ("[mi_i]", "1609.344", "m", false),
    ("[lb_av]", "453.59237", "g", false),
    ("[oz_av]", "28.349523125", "g", false),
    ("[gr]", "0.06479891", "g", false),
    ("[dr_av]", "1.7718451953125", "g", false),
    ("[stone_av]", "6350.29318", "g", false),
    ("[gal_us]", "3785.411784", "cm3", false),
    ("[qt_us]", "946.352946", "cm3", false),
    ("[pt_us]", "473.176473", "cm3", false),
    ("[cup_us]", "236.5882365", "cm3", false),
    ("[foz_us]", "29.5735295625", "cm3", false),
    ("[tbs_us]", "14.78676478125", "cm3", false),
    ("[tsp_us]", "4.92892159375", "cm3", false),
    ("[drp]", "0.05", "cm3", false),
    ("[psi]", "6894.757293168", "Pa", false),
];

const BASES: [&str; DIMENSIONS] = ["m", "s", "g", "rad", "K", "C", "cd", "[iU]", "[arb'U]", "[CFU]"];
const SYNONYMS: &[(&str, &str)] = &[("[IU]", "[iU]"), ("[degF]", ""), ("Cel", "")];

const PREFIXES: &[(&str, i8)] = &[
    ("da", 1),
    ("h", 2),
    ("k", 3),
    ("M", 6),
    ("G", 9),
    ("T", 12),
    ("d", -1),
    ("c", -2),
    ("m", -3),
    ("u", -6),
    ("n", -9),
    ("p", -12),
    ("f", -15),
];

/// Reads a unit; nothing if it is not UCUM's, or not of the table.
pub(super) fn read(code: &str) -> Option<Measure> {
    if code.is_empty() || code.len() > CODE_BYTES_MAX || !code.is_ascii() {
        return None;
    }
    let mut reader = Reader { rest: code, depth: 0 };
    let measure = reader.term()?;
    reader.rest.is_empty().then_some(measure)
}

const ONE: Measure = Measure { factor: Decimal::ZERO, dimensions: [0; DIMENSIONS] };

fn one() -> Measure {
    Measure { factor: Decimal::from(1), ..ONE }
}

struct Reader<'c> {
    rest: &'c str,
    depth: u8,
}

impl Reader<'_> {
    /// `/component`, then `.component` and `/component`, from left to right.
    fn term(&mut self) -> Option<Measure> {
        self.depth = self.depth.checked_add(1).filter(|depth| *depth < 8)?;
        let mut total = if self.rest.starts_with('/') { one() } else { self.component()? };
        loop {
            let negative = match self.rest.chars().next() {
                Some('.') => false,
                Some('/') => true,
                _ => break,
            };
            self.rest = self.rest.get(1..)?;
            let next = self.component()?;
            total = times(total, power(next, if negative { -1 } else { 1 })?)?;
        }
        self.depth -= 1;
        Some(total)
    }

    fn component(&mut self) -> Option<Measure> {
        if let Some(rest) = self.rest.strip_prefix('(') {
            self.rest = rest;
            let inner = self.term()?;
            self.rest = self.rest.strip_prefix(')')?;
            return Some(inner);
        }
        if self.rest.starts_with('{') {
            self.annotation()?;
            return Some(one());
        }
        let end = self.end_of_symbol();
        let (symbol, rest) = (self.rest.get(..end)?, self.rest.get(end..)?);
        self.rest = rest;
        let measure = annotated(symbol)?;
        if self.rest.starts_with('{') {
            self.annotation()?;
        }
        Some(measure)
    }

    fn annotation(&mut self) -> Option<()> {
        let (_, rest) = self.rest.split_once('}')?;
        self.rest = rest;
        Some(())
    }

    /// Within square brackets anything is part of the symbol.
    fn end_of_symbol(&self) -> usize {
        let mut within = false;
        for (at, character) in self.rest.char_indices() {
            match character {
                '[' => within = true,
                ']' => within = false,
                '.' | '/' | '(' | ')' | '{' if !within => return at,
                _ => {}
            }
        }
        self.rest.len()
    }
}

/// A number, or a unit with an exponent.
fn annotated(symbol: &str) -> Option<Measure> {
    if let Some(power) = symbol.strip_prefix("10*").or_else(|| symbol.strip_prefix("10^")) {
        let exponent: i8 =
            if power.is_empty() { 1 } else { power.strip_prefix('+').unwrap_or(power).parse().ok()? };
        return Some(Measure { factor: ten_to(exponent)?, ..ONE });
    }
    if symbol.bytes().all(|byte| byte.is_ascii_digit()) && !symbol.is_empty() {
        return Some(Measure { factor: symbol.parse().ok()?, ..ONE });
    }
    let base = symbol.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches(['+', '-']);
    let exponent = symbol.get(base.len()..)?;
    let exponent: i8 =
        if exponent.is_empty() { 1 } else { exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()? };
    power(simple(base)?, exponent)
}

fn simple(symbol: &str) -> Option<Measure> {
    let symbol = SYNONYMS.iter().find(|(other, _)| *other == symbol).map_or(symbol, |(_, own)| own);
    if let Some((measure, _)) = atom(symbol) {
        return Some(measure);
    }
    PREFIXES.iter().find_map(|(prefix, exponent)| {
        let (measure, takes_prefix) = atom(symbol.strip_prefix(prefix)?)?;
        let factor = measure.factor.checked_mul(ten_to(*exponent)?)?;
        takes_prefix.then_some(Measure { factor, ..measure })
    })
}

fn atom(symbol: &str) -> Option<(Measure, bool)> {
    if let Some(at) = BASES.iter().position(|base| *base == symbol) {
        let mut measure = one();
        if let Some(dimension) = measure.dimensions.get_mut(at) {
            *dimension = 1;
        }
        return Some((measure, at < 7));
    }
    let (_, factor, of, takes_prefix) = ATOMS.iter().find(|(code, ..)| *code == symbol)?;
    let base = read(of)?;
    Some((Measure { factor: base.factor.checked_mul(factor.parse().ok()?)?, ..base }, *takes_prefix))
}

fn ten_to(exponent: i8) -> Option<Decimal> {
    format!("1e{exponent}").parse().ok()
}

fn times(a: Measure, b: Measure) -> Option<Measure> {
    let mut dimensions = a.dimensions;
    for (sum, more) in dimensions.iter_mut().zip(b.dimensions) {
        *sum = sum.checked_add(more)?;
    }
    Some(Measure { factor: a.factor.checked_mul(b.factor)?, dimensions })
}

fn power(measure: Measure, exponent: i8) -> Option<Measure> {
    let mut factor = Decimal::from(1);
    for _ in 0..exponent.unsigned_abs() {
        factor = if exponent < 0 {
            factor.checked_div(measure.factor)?
        } else {
            factor.checked_mul(measure.factor)?
        };
    }
    let mut dimensions = measure.dimensions;
    for dimension in &mut dimensions {
        *dimension = dimension.checked_mul(exponent)?;
    }
    Some(Measure { factor, dimensions })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_what_they_are_made_of() {
        for (a, b) in [
            ("mg/dL", "g/m3/100"),
            ("mm[Hg]", "133.322Pa"),
            ("/min", "1/min"),
            ("10*3/uL", "10*9/L"),
            ("kg/m2", "g/cm2/10"),
            ("mmol/L", "umol/mL"),
            ("{score}", "1"),
            ("mL/min/{1.73_m2}", "mL/min"),
            ("[IU]/L", "m[IU]/mL"),
        ] {
            let Some(left) = read(a) else { panic!("{a}") };
            if let Some(right) = read(b) {
                assert_eq!(left.dimensions, right.dimensions, "{a} {b}");
            }
        }
        assert_eq!(read("mmol/L"), read("umol/mL"));
        assert_eq!(read("10*3/uL"), read("10*9/L"));
        assert_eq!(read("{score}"), read("1"));
    }

    #[test]
    fn what_is_not_known_is_not_guessed() {
        for code in [
            "",
            "lbs",
            "Cel",
            "[degF]",
            "kmin",
            "m//s",
            "(m",
            "m)",
            "m{",
            &"m.".repeat(50),
            "µg",
            "((((((((m))))))))",
        ] {
            assert_eq!(read(code), None, "{code}");
        }
    }
}
