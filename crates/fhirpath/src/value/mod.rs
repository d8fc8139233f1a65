//! The values of FHIRPath's own types (`System.…`), N1 §4.1.

mod decimal;
mod quantity;
mod temporal;

use std::sync::Arc;

pub use decimal::{Decimal, NotADecimal};
pub use quantity::{Quantity, Unit};
pub use temporal::{CalendarUnit, Precision, Temporal, TemporalKind, days_in};

/// A text that a document lends, or one that was made.
#[derive(Debug, Clone)]
pub enum Text<'d> {
    /// From the document or program.
    Borrowed(&'d str),
    /// Made by a function.
    Made(Arc<str>),
}

impl Text<'_> {
    /// The characters.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl<'d> From<std::borrow::Cow<'d, str>> for Text<'d> {
    fn from(text: std::borrow::Cow<'d, str>) -> Self {
        match text {
            std::borrow::Cow::Borrowed(text) => Self::Borrowed(text),
            std::borrow::Cow::Owned(text) => Self::Made(text.into()),
        }
    }
}

impl From<String> for Text<'_> {
    fn from(text: String) -> Self {
        Self::Made(text.into())
    }
}

/// What `type()` answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TypeInfo {
    /// `System` or `FHIR`.
    pub namespace: &'static str,
    /// `Integer`, `Patient`.
    pub name: Arc<str>,
}

/// A value of one of FHIRPath's own types.
#[derive(Debug, Clone)]
pub enum Value<'d> {
    /// `System.Boolean`
    Boolean(bool),
    /// `System.Integer`
    Integer(i64),
    /// `System.Decimal`
    Decimal(Decimal),
    /// `System.String`
    String(Text<'d>),
    /// `System.Date`, `System.DateTime` and `System.Time`
    Temporal(Box<Temporal>),
    /// `System.Quantity`
    Quantity(Box<Quantity>),
    /// `System.SimpleTypeInfo` and its kin
    Type(Box<TypeInfo>),
}

impl Value<'_> {
    /// The name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Boolean(_) => "Boolean",
            Self::Integer(_) => "Integer",
            Self::Decimal(_) => "Decimal",
            Self::String(_) => "String",
            Self::Temporal(at) => match at.kind {
                TemporalKind::Date => "Date",
                TemporalKind::DateTime => "DateTime",
                TemporalKind::Time => "Time",
            },
            Self::Quantity(_) => "Quantity",
            Self::Type(_) => "SimpleTypeInfo",
        }
    }
}

impl std::fmt::Display for Value<'_> {
    /// As `toString()` writes it (N1 §5.5.6).
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Integer(value) => write!(f, "{value}"),
            Self::Decimal(value) => write!(f, "{value}"),
            Self::String(value) => f.write_str(value.as_str()),
            Self::Temporal(value) => write!(f, "{value}"),
            Self::Quantity(value) => write!(f, "{value}"),
            Self::Type(value) => write!(f, "{}.{}", value.namespace, value.name),
        }
    }
}
