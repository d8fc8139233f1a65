//! The record in the health system that is the person.  SMART App Launch 2.2 §3.0.4.1

use std::str::FromStr;

use kernel::{Id, Person};
use store::Reader;

use super::{FhirId, REACH_ROWS_MAX, SmartFault, queries};
use crate::{Acting, Auth, row::text_column};

/// What a person can be in a health system.
const TYPES: [&str; 5] = ["Patient", "Practitioner", "PractitionerRole", "RelatedPerson", "Person"];

/// A record that is a person: `Practitioner/5`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FhirUser(String);

/// The text does not name such a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be Patient, Practitioner, PractitionerRole, RelatedPerson or Person, a slash and an id")]
pub struct MalformedFhirUser;

impl FhirUser {
    /// The record's address below the FHIR base.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FhirUser {
    type Err = MalformedFhirUser;
    fn from_str(text: &str) -> Result<Self, MalformedFhirUser> {
        let (resource_type, id) = text.split_once('/').ok_or(MalformedFhirUser)?;
        if TYPES.contains(&resource_type) && id.parse::<FhirId>().is_ok() {
            Ok(Self(text.to_owned()))
        } else {
            Err(MalformedFhirUser)
        }
    }
}
text_column!(FhirUser, "the record that is a person", |text| text.parse().ok());

/// Say which record is a person of the acting person's organisation.
///
/// # Errors
/// [`SmartFault::NoPerson`].
pub async fn declare_fhir_user(
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
    user: &FhirUser,
) -> Result<(), SmartFault> {
    let (world, acting, user) = (auth.world().clone(), acting.clone(), user.clone());
    let now = auth.world().now();
    auth.db()
        .write(async move |tx| -> Result<(), SmartFault> {
            if !queries::is_live_person_of(tx, acting.organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            if queries::declare_fhir_user(tx, person, &user, now).await? > 0 {
                let entry = acting.entry("person.fhir_user_declared", person, serde_json::Value::Null);
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}

/// Say no longer which record is a person of the acting person's organisation.
///
/// # Errors
/// [`SmartFault::NoPerson`].
pub async fn withdraw_fhir_user(auth: &Auth, acting: &Acting, person: Id<Person>) -> Result<(), SmartFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), SmartFault> {
            if !queries::is_live_person_of(tx, acting.organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            if queries::withdraw_fhir_user(tx, person).await? > 0 {
                let entry = acting.entry("person.fhir_user_withdrawn", person, serde_json::Value::Null);
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}

/// Which record a person of the acting person's organisation is declared to be.
///
/// # Errors
/// [`SmartFault::NoPerson`].
pub async fn named_fhir_user(
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
) -> Result<Option<FhirUser>, SmartFault> {
    let organisation = acting.organisation;
    auth.db()
        .scan(async move |tx| {
            if !queries::is_live_person_of(tx, organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            Ok(queries::fhir_user(tx, person).await?)
        })
        .await
}

/// The records that are the person: the one that is declared (`Practitioner/5`), and those of patients that are their own.
///
/// # Errors
/// The database.
pub async fn own_records(auth: &Auth, person: Id<Person>) -> Result<Vec<String>, SmartFault> {
    Ok(queries::own_records(&mut auth.db().read().await?, person, REACH_ROWS_MAX).await?)
}

/// The address of the record that is the person, where one is declared.
///
/// # Errors
/// The database.
pub async fn fhir_user_of(
    auth: &Auth,
    tx: &mut Reader,
    person: Id<Person>,
) -> Result<Option<String>, SmartFault> {
    let user = queries::fhir_user(tx, person).await?;
    Ok(user.map(|user| format!("{}/{}", auth.config().fhir_base(), user.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_a_record_of_a_few_types() {
        for text in ["Patient/1", "Practitioner/dr-5", "RelatedPerson/a.b"] {
            assert!(text.parse::<FhirUser>().is_ok(), "{text}");
        }
        for text in
            ["", "Patient", "Patient/", "Observation/1", "patient/1", "Patient/1/2", "https://x/Patient/1"]
        {
            assert_eq!(text.parse::<FhirUser>(), Err(MalformedFhirUser), "{text}");
        }
    }
}
