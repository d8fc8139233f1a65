//! Profiles as programs: each `StructureDefinition` compiled once, when it is first asked for, and never changed after that.

mod binding;
mod compile;
mod invariant;
mod library;
mod rule;
mod slicing;

pub use binding::{Binding, Strength};
pub use invariant::{Condition, Invariant, Native};
pub(crate) use library::Globals;
pub use library::{PROFILES_MAX, ProfileId, Programs};
pub use rule::{Controls, Expected, Rule, TypeUse};
pub use slicing::{Discriminator, DiscriminatorKind, Slicing, SlicingRules, Step};

use std::sync::Arc;

use serde_json::Value;

/// A compiled `StructureDefinition`.
#[derive(Debug)]
pub struct Profile {
    /// Its canonical url.
    pub url: Box<str>,
    /// Its business version.
    pub version: Option<Box<str>>,
    /// `url|version`, as findings name it.
    pub shown: Arc<str>,
    /// The type that it defines or constrains.
    pub defines: Box<str>,
    /// What sort of type that is.
    pub kind: TypeKind,
    /// It constrains another.
    pub is_constraint: bool,
    /// No instance is of this type itself.
    pub is_abstract: bool,
    /// The profile that this one is built on.
    pub base: Option<Box<str>>,
    /// Where an extension may stand.
    pub contexts: Box<[ExtensionContext]>,
    /// What must hold where an extension stands.
    pub context_invariants: Box<[Box<str>]>,
    /// Its elements; the first is the root.
    pub rules: Box<[Rule]>,
    /// The whole definition without its elements, for what is asked seldom.
    pub definition: Value,
}

/// `StructureDefinition.kind`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeKind {
    /// A primitive type.
    Primitive,
    /// A type with elements.
    Complex,
    /// A resource.
    Resource,
    /// A logical model.
    Logical,
}

/// `StructureDefinition.context`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExtensionContext {
    /// `element`, `extension` or `fhirpath`.
    pub kind: Box<str>,
    /// A path, a url or an expression.
    pub expression: Box<str>,
}

impl Profile {
    /// The element that the profile is about.
    pub fn root(&self) -> Option<&Rule> {
        self.rules.first()
    }

    /// A rule by its number.
    pub fn rule(&self, number: u32) -> Option<&Rule> {
        self.rules.get(number as usize)
    }
}
