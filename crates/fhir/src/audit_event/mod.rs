//! AuditEvents: who did what to which record, whether it was done or refused, in the shape of IHE's Basic Audit Log Patterns.
//! <https://profiles.ihe.net/ITI/BALP/1.1.4/>, <https://hl7.org/fhir/R4/auditevent.html>
//!
//! Every interaction leaves one row, small whatever it was about: what was written says its places among the versions of the site, in the
//! transaction that writes them. Events are made of rows when they are asked for, one for each record and each of its patients, and found by
//! asking what was made. How and why: `docs/decisions/0021-audit-events-made-when-asked.md`.

mod agent;
mod call;
mod did;
mod event;
mod find;
mod name;
mod narrow;
mod patients;
mod queries;
mod render;
mod retire;
mod row;
mod trace;
mod trail;

pub use agent::Agent;
pub use find::{AUDIT_COUNTED_MAX, AUDIT_EXAMINED_MAX};
pub use narrow::AUDIT_PATIENTS_ASKED_MAX;
pub use retire::{AUDIT_KEPT, AUDIT_RETIRED_EVERY, AUDIT_RETIRED_ROWS, AUDIT_RETIREMENTS_MAX};
pub use row::AGENTS_KNOWN_MAX;
pub use trace::ASKED_BYTES_MAX;
pub use trail::{AUDIT_GATHERED, AUDIT_GROUP_MAX, AUDIT_QUEUE_MAX, AUDIT_WAIT};

pub(crate) use did::Did;
pub(crate) use find::{count, is_audit_event, only_read, read, search};
pub(crate) use row::{Agents, Row};
pub(crate) use trace::{Trace, attend};
pub(crate) use trail::{Trail, keep_writing};

use std::collections::BTreeSet;

use jobs::Worker;
use store::{DbError, Writer};

use crate::{
    Fhir, key,
    parameter::ResourceType,
    resource::{Author, Inserts, Records, Rid},
    tenant::Tenant,
};

/// Say that versions at these places were written, in the unit that writes them; `targets` are the patients whose they are.
pub(crate) async fn wrote(
    (tx, inserts): (&mut Writer, &mut Inserts),
    records: &Records,
    tenant: &Tenant,
    author: &Author,
    (places, targets): ((Rid, Rid), &BTreeSet<i64>),
) -> Result<(), DbError> {
    let row = Row {
        id: records.world().new_id(),
        agent: author.agent.clone(),
        did: Did::Wrote,
        status: 200,
        places: Some(places),
        named: None,
        asked: None,
        patients: Vec::new(),
        request: author.request.clone(),
    };
    let told = row.told(tenant, targets);
    row::add((tx, inserts), records.agents(), &[(tenant.clone(), told)]).await?;
    author.kept.keep();
    Ok(())
}

/// What happens by itself.
#[must_use]
pub(crate) fn jobs(fhir: &Fhir, worker: Worker) -> Worker {
    worker.register::<retire::Retire>(fhir.clone()).every(AUDIT_RETIRED_EVERY, |_| retire::Retire {})
}

/// The identities of patients.
fn targets(tenant: &Tenant, patients: &BTreeSet<String>) -> BTreeSet<i64> {
    let patient = ResourceType::named("Patient");
    let targets = |of: ResourceType| patients.iter().map(move |id| key::identity(tenant, of, id));
    patient.into_iter().flat_map(targets).collect()
}
