//! The applications that may act for a person, and how that ends.  contract 2, Must work (consent)

pub(crate) mod revoke;
pub(crate) mod show;
