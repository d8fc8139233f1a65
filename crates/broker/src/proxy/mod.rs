//! The allow-listed way through to a third party's API, with the person's credentials attached here.  Contract 1

mod header;
pub(crate) mod pass;
mod rule;

pub(crate) use pass::unanswered;
pub use rule::{CleanPath, MalformedRule, PATH_BYTES_MAX, RULES_MAX, Rule, SEGMENTS_MAX, TrickyPath};
