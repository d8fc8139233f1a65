//! Integrations with third-party services: what they want (`provider`) and what is done with them (`action`).

pub mod action;
pub mod provider;
