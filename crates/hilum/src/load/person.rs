//! Declared people, and whose records they may open.

use anyhow::Context;
use auth::{
    Acting,
    person::{Email, NewPerson, by_email, register},
    role,
    smart::{self, Encounter, PatientLink, Relation},
};

use kernel::{Id, Person};

use super::{EncounterDeclared, LoadFault, PersonDeclared};
use crate::wire::House;

pub(super) async fn declare(house: &House, acting: &Acting, declared: &PersonDeclared) -> anyhow::Result<()> {
    let email = Email::parse(&declared.email).context("the e-mail address of a person")?;
    // An id that were made from the address would let anybody test addresses against the ids that are public.
    if let Some(there) = by_email(&house.auth, acting.organisation, &email).await? {
        return declare_records(house, acting, there.id, declared).await;
    }
    let new = NewPerson {
        id: None,
        email: declared.email.clone(),
        display_name: declared.name.clone(),
        password: declared.password.clone(),
        roles: role::read(&house.auth, acting, &declared.roles).await.context("the roles of a person")?,
    };
    let person = register(&house.auth, acting, new).await.context("a person")?;
    declare_records(house, acting, person.id, declared).await
}

/// Which record is the person, and which they may open.
async fn declare_records(
    house: &House,
    acting: &Acting,
    person: Id<Person>,
    declared: &PersonDeclared,
) -> anyhow::Result<()> {
    if let Some(user) = &declared.fhir_user {
        let user = user.parse().context("fhir_user of a person")?;
        smart::declare_fhir_user(&house.auth, acting, person, &user).await?;
    }
    for patient in &declared.patients {
        let name = || format!("patient `{}` of a person", patient.id);
        let relation = Relation::parse(&patient.relation);
        let link = PatientLink {
            patient: patient.id.parse().with_context(name)?,
            relation: relation
                .ok_or_else(|| LoadFault::Unknown { what: "relation", name: patient.relation.clone() })?,
            label: patient.label.clone(),
        };
        smart::link_patient(&house.auth, acting, person, &link).await.with_context(name)?;
    }
    Ok(())
}

pub(super) async fn declare_encounter(
    house: &House,
    acting: &Acting,
    declared: &EncounterDeclared,
) -> anyhow::Result<()> {
    let name = || format!("encounter `{}`", declared.id);
    let patient = declared.patient.parse().with_context(name)?;
    let encounter =
        Encounter { encounter: declared.id.parse().with_context(name)?, label: declared.label.clone() };
    smart::declare_encounter(&house.auth, acting, &patient, &encounter).await.with_context(name)
}
