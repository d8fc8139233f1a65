//! The developer portal.  contract 1, Developer portal

pub(crate) mod applications;
pub(crate) mod edit;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod register;
pub(crate) mod secret;
pub(crate) mod show;
pub(crate) mod trust;
