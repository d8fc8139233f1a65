//! What can go wrong, said once; `web` speaks it in the dialect of each API family.

use std::borrow::Cow;

/// The sort of a fault. Each dialect has its own status and code for every sort (`docs/errors.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong; sending it again unchanged will not help.
    Invalid,
    /// The caller did not prove who it is.
    Unauthenticated,
    /// The caller is known and may not do this.
    Forbidden,
    /// There is no such thing, or none that this caller may know of.
    NotFound,
    /// There was such a thing.
    Gone,
    /// The state of the thing does not allow it.
    Conflict,
    /// Understood, well-formed, and not offered.
    Unsupported,
    /// Too many requests.
    Throttled,
    /// Something that is needed does not answer; trying again later may help.
    Unavailable,
    /// Our mistake.
    Internal,
}

/// One finding of a check: where, and what is wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// The place, in the caller's own terms: `redirect_uri`, `Patient.birthDate`.
    pub path: Cow<'static, str>,
    /// What is wrong there and what would be right.
    pub message: Cow<'static, str>,
    /// The rule that it breaks, in one word, for the dialects that name rules: `required`, `format`.
    pub rule: &'static str,
}

impl Issue {
    /// A finding at a place.
    pub fn at(path: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { path: path.into(), message: message.into(), rule: "invalid" }
    }

    /// The same finding by the word for the rule that it breaks.
    #[must_use]
    pub const fn of_rule(mut self, rule: &'static str) -> Self {
        self.rule = rule;
        self
    }
}

/// A fault of a domain. `Display` and the source chain are for the operator's log; `public` is for the caller.
/// Neither may hold a secret or health data.
pub trait Fault: std::error::Error + Send + Sync + 'static {
    /// Its sort.
    fn kind(&self) -> Kind;
    /// What the caller may read.
    fn public(&self) -> Cow<'static, str>;
    /// A protocol's own word for it: `invalid_grant`, `invalid_scope`.
    fn code(&self) -> Option<&'static str> {
        None
    }
    /// The field at fault.
    fn path(&self) -> Option<Cow<'static, str>> {
        None
    }
    /// All findings, where there is more than one to tell.
    fn issues(&self) -> Vec<Issue> {
        Vec::new()
    }
    /// Seconds after which trying again may help.
    fn retry_after_s(&self) -> Option<u64> {
        None
    }
}
