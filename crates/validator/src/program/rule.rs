//! One `ElementDefinition`, compiled. <https://hl7.org/fhir/R4/elementdefinition.html>

use std::sync::{Arc, OnceLock};

use fhirpath::document::{Element, Name};
use serde_json::Value;

use super::{Binding, Invariant, ProfileId, Slicing};

/// What a profile says of one element, or of one slice of it.
#[derive(Debug, Default)]
pub struct Rule {
    /// As in FHIRPath: `value` of `value[x]`.
    pub name: Box<str>,
    /// `value[x]`
    pub is_choice: bool,
    /// `sliceName`
    pub slice: Option<Box<str>>,
    /// `Observation.value[x]`
    pub path: Box<str>,
    /// `Observation.value[x]:valueQuantity`
    pub id: Box<str>,
    /// How many there have to be.
    pub min: u32,
    /// How many there may be; nothing is `*`.
    pub max: Option<u32>,
    /// Whether the type that defines it lets it repeat, so that it is an array in JSON.
    pub repeats: bool,
    /// An attribute in XML.
    pub is_attribute: bool,
    /// What it may be.
    pub types: Box<[TypeUse]>,
    /// `fixed[x]` or `pattern[x]`
    pub value: Option<Expected>,
    /// The value set of its codes.
    pub binding: Option<Binding>,
    /// What must hold of it.
    pub invariants: Box<[Arc<Invariant>]>,
    /// How it is sliced.
    pub slicing: Option<Slicing>,
    /// Its slices, as places among the children of its parent.
    pub slices: Box<[u16]>,
    /// The children that this profile itself says something of, slices behind what they slice; numbers of rules.
    pub children: Box<[u32]>,
    /// Children by the names that instances write.
    pub(crate) names: Names,
    /// The rule whose children it has: `contentReference`.
    pub content: Option<u32>,
    /// `maxLength`
    pub max_length: Option<u64>,
    /// `minValue[x]`
    pub min_value: Option<Value>,
    /// `maxValue[x]`
    pub max_value: Option<Value>,
    /// It changes what the element that it stands in means.
    pub is_modifier: bool,
    /// `mustSupport`
    pub is_must_support: bool,
    /// What few definitions ask.
    pub controls: Option<Box<Controls>>,
}

/// What extensions of a definition ask of its element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Controls {
    /// `narrative-source-control`: every part of the narrative says where it comes from.
    pub says_source: bool,
    /// `narrative-language-control`: the languages that the narrative has sections for; `_yes`, `_no` and `_resource` are words of its own.
    pub languages: Box<[Box<str>]>,
    /// `ElementDefinition.valueAlternatives`: extensions of which one is there where the value is not.
    pub alternatives: Box<[Box<str>]>,
    /// `maxSize`: bytes of an attachment.
    pub max_size: Option<u64>,
}

/// A value that an instance must have.
#[derive(Debug, Clone)]
pub enum Expected {
    /// Just this.
    Fixed(Value),
    /// At least this.
    Pattern(Value),
}

impl Expected {
    /// The value.
    pub fn value(&self) -> &Value {
        match self {
            Self::Fixed(value) | Self::Pattern(value) => value,
        }
    }
}

/// A type that an element may have.
#[derive(Debug, Default)]
pub struct TypeUse {
    /// `Quantity`, `Reference`; of FHIRPath's own types, FHIR's.
    pub code: Box<str>,
    /// Profiles, of which it has to conform to one.
    pub profiles: Box<[Box<str>]>,
    /// What a reference may point to, each a profile or a type.
    pub targets: Box<[Box<str>]>,
    /// Whether what it points to may be contained, bundled or elsewhere.
    pub aggregation: Box<[Box<str>]>,
    pub(crate) definition: OnceLock<Option<ProfileId>>,
    pub(crate) profile_ids: OnceLock<Box<[Option<ProfileId>]>>,
}

/// Names of children, by their hash: open addressing, half empty.
#[derive(Debug, Default)]
pub(crate) struct Names {
    slots: Box<[Option<Entry>]>,
}

#[derive(Debug, Clone)]
struct Entry {
    name: Name,
    child: u16,
    of_type: u16,
}

impl Names {
    pub(crate) fn new(names: Vec<(Name, u16, u16)>) -> Self {
        let size = (names.len() * 2).next_power_of_two().max(2);
        let mut slots = vec![None; size];
        for (name, child, of_type) in names {
            let mut at = name.hash() as usize & (size - 1);
            while let Some(Some(entry)) = slots.get(at) {
                let entry: &Entry = entry;
                if entry.name == name {
                    break;
                }
                at = (at + 1) & (size - 1);
            }
            if let Some(slot) = slots.get_mut(at)
                && slot.is_none()
            {
                *slot = Some(Entry { name, child, of_type });
            }
        }
        Self { slots: slots.into() }
    }

    /// The child that an element is, and which of its types.
    pub(crate) fn find(&self, element: Element<'_>) -> Option<(usize, usize)> {
        let mask = self.slots.len().checked_sub(1)?;
        let mut at = element.name_hash() as usize & mask;
        loop {
            let entry = self.slots.get(at)?.as_ref()?;
            if element.is_named(&entry.name) {
                return Some((usize::from(entry.child), usize::from(entry.of_type)));
            }
            at = (at + 1) & mask;
        }
    }
}
