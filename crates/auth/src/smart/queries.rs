//! SQL of links, launches and who is who.

use kernel::{Digest, Id, Organisation, Person, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{FhirId, FhirUser, Relation, encounter::ClosedEncounter, launch::LaunchRow, patient::ClosedLink};

pub(super) async fn is_live_person_of(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    person: Id<Person>,
) -> Result<bool, DbError> {
    let row: Option<(i64,)> = tx
        .optional(
            "SELECT 1 FROM person WHERE id = $1 AND organisation_id = $2 AND disabled_at IS NULL",
            binds![person, organisation],
        )
        .await?;
    Ok(row.is_some())
}

pub(super) async fn insert_link(tx: &mut Writer, new: &ClosedLink) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO patient_link (id, person_id, patient_id, relation, label, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![new.id, new.person, new.patient, new.relation, new.label, new.created_at],
    )
    .await
}

pub(super) async fn unlink(tx: &mut Writer, person: Id<Person>, patient: &FhirId) -> Result<u64, DbError> {
    tx.execute("DELETE FROM patient_link WHERE person_id = $1 AND patient_id = $2", binds![person, patient])
        .await
}

pub(super) async fn link(
    tx: &mut Reader,
    person: Id<Person>,
    patient: &FhirId,
) -> Result<Option<ClosedLink>, DbError> {
    tx.optional(
        "SELECT * FROM patient_link WHERE person_id = $1 AND patient_id = $2",
        binds![person, patient],
    )
    .await
}

pub(super) async fn links_of(
    tx: &mut Reader,
    person: Id<Person>,
    rows_max: i64,
) -> Result<Vec<ClosedLink>, DbError> {
    tx.all(
        "SELECT * FROM patient_link WHERE person_id = $1 ORDER BY created_at, id LIMIT $2",
        binds![person, rows_max],
    )
    .await
}

/// The record that a person is and those of the patients they are linked to, in one statement.
pub(super) async fn records_of(
    tx: &mut Reader,
    person: Id<Person>,
    rows_max: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT resource AS record FROM fhir_user WHERE person_id = $1 \
             UNION ALL SELECT 'Patient/' || patient_id AS record FROM patient_link WHERE person_id = $1 LIMIT $2",
            binds![person, rows_max],
        )
        .await?;
    Ok(rows.into_iter().map(|(record,)| record).collect())
}

/// The record that a person is, and the patients' that are their own.
pub(super) async fn own_records(
    tx: &mut Reader,
    person: Id<Person>,
    rows_max: i64,
) -> Result<Vec<String>, DbError> {
    let rows: Vec<(String,)> = tx
        .all(
            "SELECT resource AS record FROM fhir_user WHERE person_id = $1 \
             UNION SELECT 'Patient/' || patient_id AS record FROM patient_link WHERE person_id = $1 \
             AND relation = $2 LIMIT $3",
            binds![person, Relation::Themself.as_str(), rows_max],
        )
        .await?;
    Ok(rows.into_iter().map(|(record,)| record).collect())
}

pub(super) async fn insert_encounter(tx: &mut Writer, new: &ClosedEncounter) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO patient_encounter (id, organisation_id, patient_id, encounter_id, label, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (organisation_id, patient_id, encounter_id) DO NOTHING",
        binds![new.id, new.organisation, new.patient, new.encounter, new.label, new.created_at],
    )
    .await
}

pub(super) async fn encounters_of(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    patient: &FhirId,
    rows_max: i64,
) -> Result<Vec<ClosedEncounter>, DbError> {
    tx.all(
        "SELECT * FROM patient_encounter WHERE organisation_id = $1 AND patient_id = $2 \
         ORDER BY created_at DESC, id DESC LIMIT $3",
        binds![organisation, patient, rows_max],
    )
    .await
}

pub(super) async fn declare_fhir_user(
    tx: &mut Writer,
    person: Id<Person>,
    user: &FhirUser,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO fhir_user (person_id, resource, declared_at) VALUES ($1, $2, $3) ON CONFLICT (person_id) \
         DO UPDATE SET resource = excluded.resource, declared_at = excluded.declared_at \
         WHERE fhir_user.resource <> excluded.resource",
        binds![person, user, now],
    )
    .await
}

pub(super) async fn withdraw_fhir_user(tx: &mut Writer, person: Id<Person>) -> Result<u64, DbError> {
    tx.execute("DELETE FROM fhir_user WHERE person_id = $1", binds![person]).await
}

pub(super) async fn fhir_user(tx: &mut Reader, person: Id<Person>) -> Result<Option<FhirUser>, DbError> {
    let row: Option<(FhirUser,)> =
        tx.optional("SELECT resource FROM fhir_user WHERE person_id = $1", binds![person]).await?;
    Ok(row.map(|(user,)| user))
}

pub(super) async fn insert_launch(
    tx: &mut Writer,
    digest: &Digest,
    launch: &LaunchRow,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO smart_launch (digest, client_id, person_id, context, expires_at) VALUES ($1, $2, $3, $4, $5)",
        binds![digest, launch.client, launch.person, Json(&launch.context), launch.expires_at],
    )
    .await
}

/// The launch is gone with the first who presents it, whoever that is.
pub(super) async fn take_launch(tx: &mut Writer, digest: &Digest) -> Result<Option<LaunchRow>, DbError> {
    tx.optional(
        "DELETE FROM smart_launch WHERE digest = $1 RETURNING client_id, person_id, context, expires_at",
        binds![digest],
    )
    .await
}

impl FromRow for ClosedLink {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            person: row.get("person_id")?,
            patient: row.get("patient_id")?,
            relation: row.get("relation")?,
            label: row.get("label")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl FromRow for ClosedEncounter {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            patient: row.get("patient_id")?,
            encounter: row.get("encounter_id")?,
            label: row.get("label")?,
            created_at: row.get("created_at")?,
        })
    }
}

impl FromRow for LaunchRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            client: row.get("client_id")?,
            person: row.get("person_id")?,
            context: row.get::<Json<_>>("context")?.0,
            expires_at: row.get("expires_at")?,
        })
    }
}
