//! Records without what tells whose they are, by rules that are declared.  45 CFR 164.514(b)(2), `docs/fhir.md`
//!
//! What no rule speaks of is left out: an element of a complex type is looked into, a value is not shown.

pub(crate) mod manage;
mod policy;
mod queries;
#[cfg(test)]
mod tests;
mod value;
mod walk;

pub(crate) use policy::Rule;
pub(super) use policy::{Policy, SAFE_HARBOR};
pub(super) use queries::{rules, tenant_of};
pub(super) use walk::{Key, Keyed, Shown};
