//! Whose records a person may open.  SMART App Launch 2.2 §3.0.3.1

use std::str::FromStr;

use kernel::{Id, Organisation, Person, Timestamp};
use serde::{Deserialize, Serialize};
use vault::{Place, Sealed, TenantVault};

use super::{Link, SmartFault, queries};
use crate::{Acting, Auth, SignedIn, row::text_column};

/// How many patients a person chooses among.
pub const PATIENTS_SHOWN_MAX: i64 = 200;

/// The longest label, in characters.
pub const LABEL_CHARACTERS_MAX: usize = 200;

/// The logical id of a record: 1 to 64 of `A-Z a-z 0-9 - .`.  FHIR R4 §2.24.0.5
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FhirId(String);

/// The text is not the id of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be 1 to 64 letters, digits, hyphens or dots")]
pub struct MalformedFhirId;

impl FhirId {
    /// The id as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for FhirId {
    type Err = MalformedFhirId;
    fn from_str(text: &str) -> Result<Self, MalformedFhirId> {
        let good = (1..=64).contains(&text.len())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
        if good { Ok(Self(text.to_owned())) } else { Err(MalformedFhirId) }
    }
}
impl TryFrom<String> for FhirId {
    type Error = MalformedFhirId;
    fn try_from(text: String) -> Result<Self, MalformedFhirId> {
        text.parse()
    }
}
impl From<FhirId> for String {
    fn from(id: FhirId) -> Self {
        id.0
    }
}
text_column!(FhirId, "the id of a record", |text| text.parse().ok());

/// What a person is to a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Relation {
    /// The record is their own.
    Themself,
    /// They look after the patient: a parent, a carer.
    Proxy,
    /// They treat the patient.
    Practitioner,
}

impl Relation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Themself, Self::Proxy, Self::Practitioner];

    /// The word for it in the database and in declarations.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Themself => "self",
            Self::Proxy => "proxy",
            Self::Practitioner => "practitioner",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|relation| relation.as_str() == text)
    }
}
text_column!(Relation, "self, proxy or practitioner", Self::parse);

/// A patient whose record a person may open.
#[derive(Debug, Clone)]
pub struct PatientLink {
    /// The record.
    pub patient: FhirId,
    /// What the person is to the patient.
    pub relation: Relation,
    /// By what the person knows the patient.
    pub label: String,
}

/// A link as its row holds it.
#[derive(Clone)]
pub(super) struct ClosedLink {
    pub id: Id<Link>,
    pub person: Id<Person>,
    pub patient: FhirId,
    pub relation: Relation,
    pub label: Sealed,
    pub created_at: Timestamp,
}

fn place(id: Id<Link>) -> Place {
    Place { table: "patient_link", row: *id.as_bytes(), column: "label", purpose: "patient_link" }
}

/// Let a person of the acting person's organisation open a patient's record. What was declared before is replaced.
///
/// # Errors
/// [`SmartFault::NoPerson`], [`SmartFault::Refused`] for a label that is empty or too long.
pub async fn link_patient(
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
    link: &PatientLink,
) -> Result<(), SmartFault> {
    let label = read_label(&link.label)?;
    let vault = auth.vault().tenant(acting.organisation).await?;
    let id: Id<Link> = auth.world().new_id();
    let row = ClosedLink {
        id,
        person,
        patient: link.patient.clone(),
        relation: link.relation,
        label: vault.seal(place(id), label.as_bytes()),
        created_at: auth.world().now(),
    };
    let wanted = PatientLink { label, ..link.clone() };
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), SmartFault> {
            if !queries::is_live_person_of(tx, acting.organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            let before = queries::link(tx, person, &wanted.patient).await?;
            if before.is_some_and(|before| is_same(&vault, &before, &wanted)) {
                return Ok(());
            }
            queries::unlink(tx, person, &wanted.patient).await?;
            queries::insert_link(tx, &row).await?;
            let details = serde_json::json!({ "relation": row.relation.as_str() });
            Ok(audit::record(tx, &world, &acting.entry("patient.linked", person, details)).await?)
        })
        .await
}

fn is_same(vault: &TenantVault, before: &ClosedLink, wanted: &PatientLink) -> bool {
    let label = vault.open_text(place(before.id), &before.label);
    before.relation == wanted.relation && label.is_ok_and(|label| *label.expose() == wanted.label)
}

/// Take a patient's record from a person of the acting person's organisation.
///
/// # Errors
/// [`SmartFault::NoPerson`], [`SmartFault::NotLinked`].
pub async fn unlink_patient(
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
    patient: &FhirId,
) -> Result<(), SmartFault> {
    let (world, acting, patient) = (auth.world().clone(), acting.clone(), patient.clone());
    auth.db()
        .write(async move |tx| -> Result<(), SmartFault> {
            if !queries::is_live_person_of(tx, acting.organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            if queries::unlink(tx, person, &patient).await? == 0 {
                return Err(SmartFault::NotLinked);
            }
            let entry = acting.entry("patient.unlinked", person, serde_json::Value::Null);
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await
}

/// The patients whose records the person may open, in the order in which they were linked; [`PATIENTS_SHOWN_MAX`] at the most.
///
/// # Errors
/// The database, the vault.
pub async fn patients_of(auth: &Auth, who: &SignedIn) -> Result<Vec<PatientLink>, SmartFault> {
    let rows = queries::links_of(&mut auth.db().read().await?, who.person, PATIENTS_SHOWN_MAX).await?;
    opened(auth, who.organisation, rows).await
}

/// The same of a person of the acting person's organisation.
///
/// # Errors
/// [`SmartFault::NoPerson`].
pub async fn links_of(
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
) -> Result<Vec<PatientLink>, SmartFault> {
    let organisation = acting.organisation;
    let rows = auth
        .db()
        .scan(async move |tx| {
            if !queries::is_live_person_of(tx, organisation, person).await? {
                return Err(SmartFault::NoPerson);
            }
            Ok(queries::links_of(tx, person, PATIENTS_SHOWN_MAX).await?)
        })
        .await?;
    opened(auth, organisation, rows).await
}

async fn opened(
    auth: &Auth,
    organisation: Id<Organisation>,
    rows: Vec<ClosedLink>,
) -> Result<Vec<PatientLink>, SmartFault> {
    let vault = auth.vault().tenant(organisation).await?;
    let open = |row: ClosedLink| -> Result<PatientLink, SmartFault> {
        let label = vault.open_text(place(row.id), &row.label)?.expose().clone();
        Ok(PatientLink { patient: row.patient, relation: row.relation, label })
    };
    rows.into_iter().map(open).collect()
}

/// Whether there is anybody whose record the person may open.
///
/// # Errors
/// The database.
pub async fn has_patients(auth: &Auth, who: &SignedIn) -> Result<bool, SmartFault> {
    Ok(!queries::links_of(&mut auth.db().read().await?, who.person, 1).await?.is_empty())
}

pub(super) fn read_label(text: &str) -> Result<String, SmartFault> {
    let label = text.trim();
    let good = !label.is_empty()
        && label.chars().count() <= LABEL_CHARACTERS_MAX
        && !label.chars().any(char::is_control);
    if good { Ok(label.to_owned()) } else { Err(SmartFault::at("label", "must be 1 to 200 characters")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_fhir_calls_one() {
        for text in ["1", "a-B.9", &"x".repeat(64)] {
            assert_eq!(text.parse::<FhirId>().map(|id| id.as_str().to_owned()), Ok(text.to_owned()));
        }
        for text in ["", "a/b", "a b", "../1", "ü", "a?b", "a|b", &"x".repeat(65)] {
            assert_eq!(text.parse::<FhirId>(), Err(MalformedFhirId), "{text}");
        }
    }

    #[test]
    fn every_relation_has_its_word() {
        for relation in Relation::ALL {
            assert_eq!(Relation::parse(relation.as_str()), Some(relation));
        }
        assert_eq!(Relation::parse("friend"), None);
    }
}
