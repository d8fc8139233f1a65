//! A person as administrators see them.

use askama::Template;
use auth::smart::Relation;

use crate::{form::Form, frame::Frame, t};

/// Roles, and records of the health system.
#[derive(Template)]
#[template(path = "admin/person.html")]
pub(crate) struct Person {
    pub(crate) frame: Frame,
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) how: String,
    pub(crate) roles: Form,
    /// None where the account is switched off: it opens nothing.
    pub(crate) records: Option<Records>,
}

/// Which record is the person, and which they may open.
pub(crate) struct Records {
    pub(crate) user: Form,
    pub(crate) patients: Vec<PatientRow>,
    pub(crate) link: Form,
}

/// One patient.
pub(crate) struct PatientRow {
    pub(crate) id: String,
    pub(crate) label: String,
    pub(crate) relation: String,
}

/// What a person is to a patient, in words.
pub(crate) fn relation_in_words(relation: Relation) -> String {
    let said = match relation {
        Relation::Themself => t("person-relation-self"),
        Relation::Proxy => t("person-relation-proxy"),
        Relation::Practitioner => t("person-relation-practitioner"),
    };
    said.into()
}
