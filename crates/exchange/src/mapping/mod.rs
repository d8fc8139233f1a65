//! What records of other systems become in FHIR, declared as data: streams of records, and for each the resources that a record becomes.
//! How it is written stands in `docs/mapping.md`.
//!
//! It is read once, against the types of R4, so that an element that there is not, a value of another type and an expression that is none are
//! told by their field. Applying it is pure: the same record becomes the same resources under the same ids.

mod apply;
mod date;
mod node;
mod read;
mod rule;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod value;

use std::{collections::BTreeMap, sync::Arc};

use kernel::Digest;
use serde_json::Value;

use rule::Rule;

/// Streams of one mapping.
pub const STREAMS_MAX: usize = 64;
/// Resources that a record of one stream may become, `each` counted once.
pub const RULES_MAX: usize = 32;
/// Elements that one rule sets.
pub const ELEMENTS_MAX: usize = 200;
/// Code maps of one mapping.
pub const CODE_MAPS_MAX: usize = 64;
/// Codes of one code map.
pub const CODES_MAX: usize = 2_000;
/// Parts of a key.
pub const KEY_PARTS_MAX: usize = 8;
/// The largest number that a target may name in brackets.
pub const REPETITION_MAX: usize = 31;
/// Items of one record that `each` goes through; a record with more is not mapped.
pub const EACH_MAX: usize = 10_000;
/// Values that one expression may bring for one element.
pub const VALUES_MAX: usize = 1_000;
/// The longest expression and the longest target, in bytes.
pub const TEXT_BYTES_MAX: usize = 2_000;
/// Steps that one FHIRPath expression may take on one record.
pub const STEPS_MAX: u64 = 200_000;
/// The largest record that FHIRPath looks at, as JSON, in bytes.
pub const RECORD_BYTES_MAX: usize = 4 << 20;
/// The longest source key, all its parts together, in bytes.
pub const KEY_BYTES_MAX: usize = 4_096;

/// What records become. It was checked as a whole when it was read.
#[derive(Debug, Default)]
pub struct Mapping {
    streams: BTreeMap<String, Vec<Rule>>,
}

/// Makes ids of source keys: the same key has the same id in every run, and nobody without the key of the digest can tell the one from the other.
#[derive(Clone)]
pub struct Ids(Arc<dyn Fn(&str) -> Digest + Send + Sync>);

/// Bytes of a digest that an id shows, as hexadecimal digits.
const ID_BYTES: usize = 20;

impl Ids {
    /// By this keyed digest, which must be another one for each integration.
    pub fn new(digest: impl Fn(&str) -> Digest + Send + Sync + 'static) -> Self {
        Self(Arc::new(digest))
    }

    /// Those of one integration, by the keys of its tenant.
    pub fn of(vault: &vault::TenantVault, integration: kernel::Id<kernel::Integration>) -> Self {
        let vault = vault.clone();
        Self::new(move |text| vault.blind("exchange.mapped_id", &format!("{integration}\0{text}")))
    }

    /// The same within one account of several: equal keys of two accounts are two ids.
    #[must_use]
    pub fn within(&self, account: &str) -> Self {
        let (own, account) = (self.clone(), account.to_owned());
        Self::new(move |text| (own.0)(&format!("account\0{account}\0{text}")))
    }

    fn id(&self, rule: &str, key: &[String]) -> String {
        // Lengths keep ("a", "bc") and ("ab", "c") apart.
        let mut text = format!("{}:{rule}", rule.len());
        for part in key {
            text.push_str(&format!("\0{}:{part}", part.len()));
        }
        let digest = (self.0)(&text);
        digest.as_bytes().iter().take(ID_BYTES).map(|byte| format!("{byte:02x}")).collect()
    }
}

/// References that whoever brings a record knows beside it, by name: `patient` for a linked account's person.
pub type Given = BTreeMap<String, String>;

/// One resource that a record became, or why it did not.
#[derive(Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The name of the rule.
    pub rule: String,
    /// `Patient`
    pub of: String,
    /// Its id here: made of the source key.
    pub id: String,
    /// The resource in JSON, or why the record is not taken.
    pub resource: Result<String, Unmapped>,
}

/// Why a record does not become a resource. The words may quote the record: they are for those who may see it.
#[derive(Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// A code of <http://hl7.org/fhir/R4/valueset-issue-type.html>: `required`, `value`, `structure`, `code-invalid`, `too-costly`
    pub code: &'static str,
    /// The element or the part of the rule, and what is wrong.
    pub words: String,
}

impl Unmapped {
    fn new(code: &'static str, words: impl Into<String>) -> Self {
        Self { code, words: words.into() }
    }

    fn at(self, place: &str) -> Self {
        Self { words: format!("{place}: {}", self.words), ..self }
    }
}

impl Mapping {
    /// Whether there is such a stream.
    pub fn has(&self, stream: &str) -> bool {
        self.streams.contains_key(stream)
    }

    /// The names of its streams, in order.
    pub fn streams(&self) -> impl Iterator<Item = &str> {
        self.streams.keys().map(String::as_str)
    }

    /// The types that its records become, each once.
    pub fn types(&self) -> std::collections::BTreeSet<&str> {
        self.streams.values().flatten().map(|rule| rule.target.as_str()).collect()
    }

    /// What a record becomes. A stream that is not declared and a record that no rule is for become nothing.
    pub fn apply(&self, ids: &Ids, given: &Given, stream: &str, record: &Value) -> Vec<Mapped> {
        apply::apply(self, ids, given, (stream, record))
    }

    /// Which resources a record has become, as far as its keys tell: for one that the source says is gone.
    pub fn names(&self, ids: &Ids, stream: &str, record: &Value) -> Vec<(String, String)> {
        apply::names(self, ids, (stream, record))
    }
}
