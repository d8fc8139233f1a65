//! Encounters among which somebody may choose at a launch.  SMART App Launch 2.2 §3.0.3.1

use kernel::{Id, Organisation, Timestamp};
use vault::{Place, Sealed};

use super::{DeclaredEncounter, FhirId, SmartFault, patient::read_label, queries};
use crate::{Acting, Auth};

/// How many encounters of a patient somebody chooses among.
pub const ENCOUNTERS_SHOWN_MAX: i64 = 200;

/// An encounter that can be chosen.
#[derive(Debug, Clone)]
pub struct Encounter {
    /// The record.
    pub encounter: FhirId,
    /// By what people know it.
    pub label: String,
}

/// An encounter as its row holds it.
#[derive(Clone)]
pub(super) struct ClosedEncounter {
    pub id: Id<DeclaredEncounter>,
    pub organisation: Id<Organisation>,
    pub patient: FhirId,
    pub encounter: FhirId,
    pub label: Sealed,
    pub created_at: Timestamp,
}

fn place(id: Id<DeclaredEncounter>) -> Place {
    Place { table: "patient_encounter", row: *id.as_bytes(), column: "label", purpose: "patient_encounter" }
}

/// Let an encounter of a patient be chosen in the acting person's organisation. One that is declared already stays as it is.
///
/// # Errors
/// [`SmartFault::Refused`] for a label that is empty or too long.
pub async fn declare_encounter(
    auth: &Auth,
    acting: &Acting,
    patient: &FhirId,
    encounter: &Encounter,
) -> Result<(), SmartFault> {
    let label = read_label(&encounter.label)?;
    let vault = auth.vault().tenant(acting.organisation).await?;
    let id: Id<DeclaredEncounter> = auth.world().new_id();
    let row = ClosedEncounter {
        id,
        organisation: acting.organisation,
        patient: patient.clone(),
        encounter: encounter.encounter.clone(),
        label: vault.seal(place(id), label.as_bytes()),
        created_at: auth.world().now(),
    };
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), SmartFault> {
            if queries::insert_encounter(tx, &row).await? > 0 {
                let entry = acting.entry("encounter.declared", row.id, serde_json::Value::Null);
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}

/// The encounters of a patient that can be chosen, the newest first; [`ENCOUNTERS_SHOWN_MAX`] at the most.
///
/// # Errors
/// The database, the vault.
pub async fn encounters_of(
    auth: &Auth,
    organisation: Id<Organisation>,
    patient: &FhirId,
) -> Result<Vec<Encounter>, SmartFault> {
    let mut tx = auth.db().read().await?;
    let rows = queries::encounters_of(&mut tx, organisation, patient, ENCOUNTERS_SHOWN_MAX).await?;
    let vault = auth.vault().tenant(organisation).await?;
    let open = |row: ClosedEncounter| -> Result<Encounter, SmartFault> {
        let label = vault.open_text(place(row.id), &row.label)?.expose().clone();
        Ok(Encounter { encounter: row.encounter, label })
    };
    rows.into_iter().map(open).collect()
}
