//! How a site takes what is written.

use std::str::FromStr;

/// Whether what is written is validated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Validation {
    /// It is not.
    Off,
    /// What was found is told beside the record.
    Warn,
    /// What has errors is refused.
    #[default]
    Enforce,
}

/// Whether a record may be made under an id that the caller names.  <https://hl7.org/fhir/R4/http.html#upsert>
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Upsert {
    /// It may.
    #[default]
    Allowed,
    /// The server names ids.
    Refused,
}

/// Whether patients' Consents are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Consents {
    /// They are records like others.
    Off,
    /// What they withhold is not there.
    #[default]
    Enforce,
}

/// How a site takes what is written, and what it asks of what is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Policy {
    /// Whether it is validated.
    pub validation: Validation,
    /// Whether callers name ids.
    pub upsert: Upsert,
    /// Whether patients' Consents are asked.
    pub consent: Consents,
}

/// The text is none of the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownWord(&'static str);

impl Validation {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Warn => "warn",
            Self::Enforce => "enforce",
        }
    }
}

impl FromStr for Validation {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Off, Self::Warn, Self::Enforce];
        all.into_iter().find(|one| one.as_str() == text).ok_or(UnknownWord("off, warn, enforce"))
    }
}

impl Upsert {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Refused => "refused",
        }
    }
}

impl FromStr for Upsert {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Allowed, Self::Refused];
        all.into_iter().find(|one| one.as_str() == text).ok_or(UnknownWord("allowed, refused"))
    }
}

impl Consents {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Enforce => "enforce",
        }
    }
}

impl FromStr for Consents {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        let all = [Self::Off, Self::Enforce];
        all.into_iter().find(|one| one.as_str() == text).ok_or(UnknownWord("off, enforce"))
    }
}
