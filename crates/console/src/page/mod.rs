//! The pages: what each one shows (`<page>.rs`), and how it looks (`templates/<page>.html`).

pub(crate) mod admin;
pub(crate) mod ask;
pub(crate) mod chart;
pub(crate) mod confirm;
pub(crate) mod connected;
pub(crate) mod connection;
pub(crate) mod consent;
pub(crate) mod developer;
pub(crate) mod endpoint;
pub(crate) mod enter;
pub(crate) mod failure;
pub(crate) mod inspect;
pub(crate) mod integration_form;
pub(crate) mod keys;
pub(crate) mod launch;
pub(crate) mod person;
pub(crate) mod plain;
pub(crate) mod registration_form;
pub(crate) mod security;
pub(crate) mod services;
pub(crate) mod site;
pub(crate) mod staff;
pub(crate) mod token;
pub(crate) mod upstream;
pub(crate) mod way;

#[cfg(any(test, feature = "samples"))]
pub(crate) mod sample;
#[cfg(test)]
mod tests;
