//! The types of R4's resources, each with a number for keys and tables. <https://hl7.org/fhir/R4/resourcelist.html>

use std::{collections::HashMap, fmt, sync::LazyLock};

/// A line for each: number, name. Made by `cargo xtask definitions`; a number that was given is never given again.
const TABLE: &str = include_str!("../../definitions/resource-types.tsv");

/// A type of resource.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResourceType(u16);

struct Names {
    by_number: Vec<&'static str>,
    by_name: HashMap<&'static str, ResourceType>,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let mut names = Names { by_number: Vec::new(), by_name: HashMap::new() };
    let lines = TABLE.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once('\t'));
    for (number, name) in lines.filter_map(|(number, name)| Some((number.parse::<u16>().ok()?, name))) {
        let at = usize::from(number);
        if names.by_number.len() <= at {
            names.by_number.resize(at + 1, "");
        }
        if let Some(slot) = names.by_number.get_mut(at) {
            *slot = name;
        }
        names.by_name.insert(name, ResourceType(number));
    }
    names
});

impl ResourceType {
    /// By its name: `Patient`.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.by_name.get(name).copied()
    }

    /// By the number that it has in keys and tables.
    pub fn numbered(number: u16) -> Option<Self> {
        let name = NAMES.by_number.get(usize::from(number))?;
        (!name.is_empty()).then_some(Self(number))
    }

    /// The number that it has in keys and tables: the same in every release of Hilum.
    pub fn number(self) -> u16 {
        self.0
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        NAMES.by_number.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// All of them, by number.
    pub fn all() -> impl Iterator<Item = Self> {
        let count = u16::try_from(NAMES.by_number.len()).unwrap_or(u16::MAX);
        (0..count).filter_map(Self::numbered)
    }
}

impl fmt::Display for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_names_lead_to_one_another() {
        assert_eq!(ResourceType::all().count(), 148);
        for one in ResourceType::all() {
            assert_eq!(ResourceType::named(one.as_str()), Some(one));
            assert_eq!(ResourceType::numbered(one.number()), Some(one));
        }
        assert_eq!(ResourceType::numbered(0), None);
        assert_eq!(ResourceType::named("patient"), None);
    }

    /// They stand in the keys of what was stored: one that moves would find other records.
    #[test]
    fn numbers_stay() {
        let numbers = ["Account", "Bundle", "Encounter", "Observation", "Patient", "VisionPrescription"]
            .map(|name| ResourceType::named(name).map(ResourceType::number));
        assert_eq!(numbers, [1, 12, 44, 97, 104, 148].map(Some));
    }
}
