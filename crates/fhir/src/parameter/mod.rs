//! What can be searched by: R4's search parameters and those of loaded packages, their expressions compiled.
//! <https://hl7.org/fhir/R4/searchparameter.html>, <https://hl7.org/fhir/R4/searchparameter-registry.html>

mod added;
mod definition;
mod elements;
mod registry;
mod resource_type;
mod shared;
mod table;
#[cfg(test)]
mod tests;

pub use added::{Added, Standing};
pub use definition::Definition;
pub use elements::Elements;
pub use registry::{Component, Parameter, ParameterFault, Registry, limits};
pub use resource_type::ResourceType;
pub(crate) use shared::Shared;

/// The number of a parameter's code (`family`, `patient`, `_id`) in keys and tables. One number for one code, whatever the type of
/// resource, so that a key is made of type, number and value. R4's stand in `definitions/parameters.tsv` and never change; the
/// numbers from [`ParameterId::ADDED_MIN`] on are for codes of loaded packages, given and kept by whoever stores records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ParameterId(pub u16);

impl ParameterId {
    /// The first number for codes that are not R4's.
    pub const ADDED_MIN: u16 = 0x4000;
    /// `_id`, which every type has.
    pub const ID: Self = Self(2);
    /// `_lastUpdated`, which every type has.
    pub const LAST_UPDATED: Self = Self(3);
}

/// How a parameter's values are compared. <https://hl7.org/fhir/R4/search.html#ptypes>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "they are the words of the specification")]
pub enum ParameterKind {
    Number,
    Date,
    String,
    Token,
    Reference,
    Composite,
    Quantity,
    Uri,
    Special,
}

impl ParameterKind {
    const WORDS: [(&'static str, Self); 9] = [
        ("number", Self::Number),
        ("date", Self::Date),
        ("string", Self::String),
        ("token", Self::Token),
        ("reference", Self::Reference),
        ("composite", Self::Composite),
        ("quantity", Self::Quantity),
        ("uri", Self::Uri),
        ("special", Self::Special),
    ];

    /// By the word of `SearchParameter.type`.
    pub fn named(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(own, _)| *own == word).map(|(_, kind)| *kind)
    }

    /// The word of `SearchParameter.type`.
    pub fn as_str(self) -> &'static str {
        Self::WORDS.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// Whose records a compartment holds. <https://hl7.org/fhir/R4/compartmentdefinition.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "they are the types whose compartments they are")]
pub enum Compartment {
    Patient,
    Encounter,
    Practitioner,
    RelatedPerson,
    Device,
}

impl Compartment {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Patient, Self::Encounter, Self::Practitioner, Self::RelatedPerson, Self::Device];

    /// The type of the record that it belongs to.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "Patient",
            Self::Encounter => "Encounter",
            Self::Practitioner => "Practitioner",
            Self::RelatedPerson => "RelatedPerson",
            Self::Device => "Device",
        }
    }

    /// By the type of the record that it belongs to.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|own| own.as_str() == name)
    }

    /// The number that it has in keys and tables.
    pub fn number(self) -> u16 {
        match self {
            Self::Patient => 1,
            Self::Encounter => 2,
            Self::Practitioner => 3,
            Self::RelatedPerson => 4,
            Self::Device => 5,
        }
    }
}
