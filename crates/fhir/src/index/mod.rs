//! What a record can be found by: the typed values that its search parameters select, ready to be kept in tables or compared.
//! <https://hl7.org/fhir/R4/search.html#ptypes>
//!
//! One [`Entry`] is one row of one table, told by the variant of its [`Value`]:
//!
//! | variant | asked by | row |
//! |---|---|---|
//! | [`Value::Token`] | `code=`, `:not`, `:in`, `_id`, `_tag` | system and code |
//! | [`Value::TokenText`] | `code:text=`, `subject:text=` | folded text, asked for its beginning |
//! | [`Value::TypedToken`] | `identifier:of-type=` | system and code of the type, value |
//! | [`Value::Text`] | `name=`, `:exact`, `:contains` | folded text for prefixes, written text for `:exact` |
//! | [`Value::Reference`] | `subject=`, chains, `_has`, includes | type and id, or a URL |
//! | [`Value::Identifier`] | `subject:identifier=` | system and value |
//! | [`Value::Date`] | `date=` with prefixes | first and last microsecond |
//! | [`Value::Number`], [`Value::Quantity`] | `probability=`, `value-quantity=` | lowest and highest |
//! | [`Value::Uri`] | `url=`, `:above`, `:below` | the text |
//! | [`Value::Composite`] | `code-value-quantity=` | the parts of one element together |
//! | [`Value::Position`] | `near=` | degrees |
//!
//! [`extract`] makes them. Entries are sorted by parameter and hold nothing twice. That a parameter has any entry is what `:missing=false` asks.

mod date;
#[cfg(test)]
mod every;
mod extract;
mod fold;
mod number;
mod path;
mod plan;
mod reference;
#[cfg(test)]
mod tests;
mod token;
mod wanted;
mod words;

use std::borrow::Cow;

use fhirpath::value::Decimal;

use crate::parameter::{Compartment, ParameterId, ResourceType};

pub use extract::{extract, limits, patients};
pub use fold::fold;
pub use words::{Within, says, words};

pub(crate) use date::range as date_range;
pub(crate) use extract::extract_wanted;
pub(crate) use number::canonical_quantity;
pub(crate) use plan::Plan;
pub(crate) use reference::{canonical as canonical_url, is_id, read as read_reference};
pub(crate) use wanted::{Asked, Wanted};

/// All that a record can be found by. It borrows the document it was extracted from.
#[derive(Debug, Clone, PartialEq)]
pub struct Entries<'d> {
    /// The record's type.
    pub resource_type: ResourceType,
    /// Its logical id; empty if it has none yet.
    pub id: Cow<'d, str>,
    /// Sorted by parameter; nothing twice.
    pub entries: Vec<Entry<'d>>,
    /// The compartments that it is in, each once: whose record it is.
    pub compartments: Vec<Membership<'d>>,
    /// Parameters whose expression could not be evaluated on this record, so that it is not found by them.
    pub unindexed: Vec<ParameterId>,
}

/// One value of one parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry<'d> {
    /// Whose value it is.
    pub parameter: ParameterId,
    /// The value.
    pub value: Value<'d>,
}

/// A record is in the compartment of this record. <https://hl7.org/fhir/R4/compartmentdefinition.html>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Membership<'d> {
    /// Of which type.
    pub compartment: Compartment,
    /// The id of the Patient, Encounter, … whose it is.
    pub id: Cow<'d, str>,
}

/// A value, as its kind of parameter compares it.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum Value<'d> {
    /// Token.
    Token(Token<'d>),
    /// What a coding, concept, identifier's type or reference says in words, for `:text`.
    TokenText(Text<'d>),
    /// An identifier with the type that it has, for `:of-type`; one for each coding of the type.
    TypedToken(TypedToken<'d>),
    /// String.
    Text(Text<'d>),
    /// Reference.
    Reference(Reference<'d>),
    /// The identifier of a logical reference, for `:identifier`.
    Identifier(Token<'d>),
    /// Date.
    Date(DateRange),
    /// Number.
    Number(Range),
    /// Quantity.
    Quantity(Quantity<'d>),
    /// Uri.
    Uri(Cow<'d, str>),
    /// One value for each component, in the order of the definition, all of one element.
    Composite(Box<[Value<'d>]>),
    /// Where it is, for `near`.
    Position(Position),
}

/// <https://hl7.org/fhir/R4/search.html#token>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Token<'d> {
    /// None if the element says none: what `|code` asks for. Of a `code` the system that its binding implies, if there is but one.
    pub system: Option<Cow<'d, str>>,
    /// Empty if the element says a system alone.
    pub code: Cow<'d, str>,
}

/// <https://hl7.org/fhir/R4/search.html#token>, `:of-type`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TypedToken<'d> {
    /// Of the identifier's type.
    pub type_system: Cow<'d, str>,
    /// Of the identifier's type.
    pub type_code: Cow<'d, str>,
    /// Of the identifier.
    pub value: Cow<'d, str>,
}

/// <https://hl7.org/fhir/R4/search.html#string>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Text<'d> {
    /// As it was written, for `:exact`.
    pub exact: Cow<'d, str>,
}

impl Text<'_> {
    /// Without case, accents and double spaces, for everything else: see [`fold`].
    pub fn folded(&self) -> Cow<'_, str> {
        fold(&self.exact)
    }
}

/// <https://hl7.org/fhir/R4/search.html#reference>
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference<'d> {
    /// To a record of this server, or one that might be: `Patient/1`, `Patient/1/_history/2`.
    Local {
        /// Its type.
        resource_type: ResourceType,
        /// Its id.
        id: Cow<'d, str>,
        /// If the reference names one.
        version: Option<Cow<'d, str>>,
    },
    /// To a record elsewhere: `https://example.org/fhir/Patient/1`, `urn:uuid:…`.
    Absolute {
        /// All of it, without `/_history/…`.
        url: Cow<'d, str>,
    },
    /// To a definition, by its canonical URL.
    Canonical {
        /// Without version and fragment.
        url: Cow<'d, str>,
        /// What stands behind `|`.
        version: Option<Cow<'d, str>>,
    },
}

/// From the first to the last microsecond since 1970 in UTC that the value may mean, both included.
/// <https://hl7.org/fhir/R4/search.html#date>
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DateRange {
    /// [`i64::MIN`] if it has no beginning.
    pub lo: i64,
    /// [`i64::MAX`] if it has no end.
    pub hi: i64,
}

/// From the lowest to the highest number that the value may mean, both included; of a plain number both are the number itself.
/// <https://hl7.org/fhir/R4/search.html#number>
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
pub struct Range {
    /// None if it has no lower end.
    pub lo: Option<Decimal>,
    /// None if it has no upper end.
    pub hi: Option<Decimal>,
}

impl Range {
    /// Both ends as the nearest binary numbers, for a column: order is kept, but close numbers may become equal. A table has to be
    /// asked with `<=` and `>=`, and what it finds asked again.
    pub fn to_f64(self) -> (f64, f64) {
        let lo = self.lo.map_or(f64::NEG_INFINITY, Decimal::to_f64);
        (lo, self.hi.map_or(f64::INFINITY, Decimal::to_f64))
    }
}

/// <https://hl7.org/fhir/R4/search.html#quantity>
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub struct Quantity<'d> {
    /// As it was written.
    pub range: Range,
    /// The system of its code.
    pub system: Option<Cow<'d, str>>,
    /// Its code.
    pub code: Option<Cow<'d, str>>,
    /// Its unit in words.
    pub unit: Option<Cow<'d, str>>,
    /// In UCUM's base units, if its code is one of UCUM's: what makes `1 g` equal `1000 mg`.
    pub canonical: Option<Canonical>,
}

/// A quantity in UCUM's base units.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub struct Canonical {
    /// The value in them.
    pub range: Range,
    /// They.
    pub unit: Box<str>,
}

/// WGS84 degrees. <https://hl7.org/fhir/R4/location.html#search>
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
#[expect(missing_docs, reason = "they are the words of the specification")]
pub struct Position {
    pub latitude: f64,
    pub longitude: f64,
}
