//! Administration.  contract 1, Rules and Developer portal

pub(crate) mod application;
pub(crate) mod audit;
pub(crate) mod integration;
pub(crate) mod organisation;
pub(crate) mod overview;
pub(crate) mod person;
pub(crate) mod provider;
pub(crate) mod record;
pub(crate) mod review;
pub(crate) mod site;
pub(crate) mod token;
pub(crate) mod trust;
pub(crate) mod upstream;
pub(crate) mod upstream_form;
