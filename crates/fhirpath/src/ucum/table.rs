//! The units and prefixes, read once from the table beside this file.

use std::{collections::HashMap, sync::LazyLock};

use super::{BASES, Dimensions, Factor, Measure, Scale, read, scale::Function};

/// Prefixes of ten and of two, the longer first where one begins as another.
pub(super) const PREFIXES: [(&str, Power); 24] = [
    ("da", Power::Ten(1)),
    ("Ki", Power::Two(10)),
    ("Mi", Power::Two(20)),
    ("Gi", Power::Two(30)),
    ("Ti", Power::Two(40)),
    ("Y", Power::Ten(24)),
    ("Z", Power::Ten(21)),
    ("E", Power::Ten(18)),
    ("P", Power::Ten(15)),
    ("T", Power::Ten(12)),
    ("G", Power::Ten(9)),
    ("M", Power::Ten(6)),
    ("k", Power::Ten(3)),
    ("h", Power::Ten(2)),
    ("d", Power::Ten(-1)),
    ("c", Power::Ten(-2)),
    ("m", Power::Ten(-3)),
    ("u", Power::Ten(-6)),
    ("n", Power::Ten(-9)),
    ("p", Power::Ten(-12)),
    ("f", Power::Ten(-15)),
    ("a", Power::Ten(-18)),
    ("z", Power::Ten(-21)),
    ("y", Power::Ten(-24)),
];

/// What a prefix stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Power {
    Ten(i16),
    Two(u32),
}

impl Power {
    pub(super) fn factor(self) -> Option<Factor> {
        match self {
            Self::Ten(tens) => Some(Factor::ten_to(tens)),
            Self::Two(twos) => Factor::whole(2u128.checked_pow(twos)?),
        }
    }
}

/// A unit of the table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Atom {
    pub(super) measure: Measure,
    /// It takes prefixes.
    pub(super) metric: bool,
}

/// The units by code.
#[derive(Debug, Default)]
pub(super) struct Units {
    atoms: HashMap<&'static str, Atom>,
    arbitrary: Vec<&'static str>,
}

const TABLE: &str = include_str!("units.tsv");

/// The units of UCUM.
pub(super) fn units() -> &'static Units {
    static UNITS: LazyLock<Units> = LazyLock::new(Units::of_the_table);
    &UNITS
}

impl Units {
    pub(super) fn get(&self, code: &str) -> Option<Atom> {
        self.atoms.get(code).copied()
    }

    /// The code of an arbitrary unit by its number.
    pub(super) fn arbitrary(&self, number: u16) -> &'static str {
        self.arbitrary.get(usize::from(number)).copied().unwrap_or_default()
    }

    /// Units are defined by others, in no order: those that can be read are, until none is left.
    fn of_the_table() -> Self {
        let mut units = Self::default();
        for (at, base) in BASES.into_iter().enumerate() {
            let mut dimensions = Dimensions::NONE;
            if let Some(exponent) = dimensions.bases.get_mut(at) {
                *exponent = 1;
            }
            units.atoms.insert(base, Atom { measure: Measure { dimensions, ..Measure::ONE }, metric: true });
        }
        let mut left: Vec<[&'static str; 5]> = rows().collect();
        loop {
            let before = left.len();
            left.retain(|row| match units.defined(*row) {
                Some((code, atom)) => units.atoms.insert(code, atom).is_some(),
                None => true,
            });
            if left.is_empty() || left.len() == before {
                return units;
            }
        }
    }

    fn defined(&mut self, row: [&'static str; 5]) -> Option<(&'static str, Atom)> {
        let [code, metric, kind, magnitude, unit] = row;
        let mut measure = read::read(unit, self).ok()??;
        measure.factor = measure.factor.times(Factor::read(magnitude)?)?;
        match kind {
            "-" => {}
            "pi" => measure.factor = Factor::PI,
            "arbitrary" => {
                let number = u16::try_from(self.arbitrary.len()).ok()?;
                self.arbitrary.push(code);
                if let Some(first) = measure.dimensions.arbitrary.first_mut() {
                    *first = (number, 1);
                }
            }
            _ => measure.scale = Scale::Special(Function::named(kind)?, Factor::ONE),
        }
        Some((code, Atom { measure, metric: metric == "metric" }))
    }
}

/// Code, `metric`, how it is measured, how many of which unit.
fn rows() -> impl Iterator<Item = [&'static str; 5]> {
    let lines = TABLE.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(|line| line.split('\t').collect::<Vec<_>>().try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_unit_of_the_table_is_read() {
        let lines = TABLE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((lines, rows().count()), (305, 305));
        let missing: Vec<_> = rows().filter(|row| units().get(row[0]).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
        assert_eq!(units().atoms.len(), lines + BASES.len());
    }
}
