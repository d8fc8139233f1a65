//! Invariants, each expression compiled once for all elements that have it.

use std::sync::Arc;

use fhirpath::path::Program;

use crate::Severity;

/// `ElementDefinition.constraint`
#[derive(Debug)]
pub struct Invariant {
    /// `dom-6`
    pub key: Box<str>,
    /// How bad it is to break it; best practice is a warning whatever its definition says.
    pub severity: Severity,
    /// What it says in words.
    pub human: Box<str>,
    /// Where it is defined.
    pub source: Option<Box<str>>,
    /// What has to hold.
    pub condition: Condition,
}

/// What has to hold.
#[derive(Debug, Clone)]
pub enum Condition {
    /// Coded by hand: what every element and most resources are asked.
    Native(Native),
    /// An expression.
    Program(Arc<Program>),
    /// An expression that cannot be read, and why.
    Faulty(Box<str>),
    /// Nothing that a computer can check.
    None,
}

/// Invariants that are coded by hand, since every element is asked them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Native {
    /// ele-1: a value or children.
    HasContent,
    /// ext-1: extensions or a value, not both.
    ExtensionsOrValue,
    /// dom-2: nothing contained in what is contained.
    ContainsNothing,
    /// dom-3: what is contained is referred to.
    ContainedIsReferred,
    /// dom-4: no version and time of change in what is contained.
    ContainedHasNoHistory,
    /// dom-5: no security label in what is contained.
    ContainedHasNoSecurity,
    /// dom-6: a narrative.
    HasNarrative,
    /// ref-1: what a local reference names is contained.
    LocalReference,
}

impl Native {
    /// The invariants of R4, by key; a profile that calls its own so has another expression.
    pub(super) fn of(key: &str, expression: &str) -> Option<Self> {
        Some(match (key, expression) {
            ("ele-1", "hasValue() or (children().count() > id.count())") => Self::HasContent,
            ("ext-1", "extension.exists() != value.exists()") => Self::ExtensionsOrValue,
            ("dom-2", "contained.contained.empty()") => Self::ContainsNothing,
            ("dom-3", _) if expression.starts_with("contained.where(") => Self::ContainedIsReferred,
            ("dom-4", _) if expression.starts_with("contained.meta.versionId.empty()") => {
                Self::ContainedHasNoHistory
            }
            ("dom-5", "contained.meta.security.empty()") => Self::ContainedHasNoSecurity,
            ("ref-1", _) if expression.starts_with("reference.startsWith('#').not()") => Self::LocalReference,
            ("dom-6", "text.`div`.exists()" | "text.div.exists()") => Self::HasNarrative,
            _ => return None,
        })
    }
}
