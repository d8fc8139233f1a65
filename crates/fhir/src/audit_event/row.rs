//! Rows: what is kept of an interaction.

use std::{
    collections::{BTreeSet, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use kernel::{EventRow, Id, RequestId};
use store::{DbError, FromRow, Row as DbRow, ToValue, Value, Writer};

use super::{Agent, Did};
use crate::{
    key,
    parameter::ResourceType,
    resource::{Inserts, Rid},
    tenant::Tenant,
};

/// Who stands behind interactions, as far as it is remembered to be written; when there are more, all are forgotten and written again.
pub const AGENTS_KNOWN_MAX: usize = 65_536;

/// What is kept of an interaction.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub id: Id<EventRow>,
    pub agent: Arc<Agent>,
    pub did: Did,
    pub status: u16,
    /// The places of the versions that it is about.
    pub places: Option<(Rid, Rid)>,
    /// The record that was named, of which there is no version to be shown: `Patient/1`.
    pub named: Option<String>,
    /// The search, or the address of an operation, below the base.
    pub asked: Option<String>,
    /// Whose records there were in the answer.
    pub patients: Vec<String>,
    pub request: Option<RequestId>,
}

/// A row, and the identities of all patients who occur in its events.
#[derive(Clone)]
pub(crate) struct Told {
    pub row: Row,
    pub targets: BTreeSet<i64>,
}

impl Row {
    /// With those who occur in it.
    pub(super) fn told(self, tenant: &Tenant, of_versions: &BTreeSet<i64>) -> Told {
        let patient = ResourceType::named("Patient");
        let named = self.named.as_deref().and_then(|named| named.strip_prefix("Patient/"));
        let ids = self.patients.iter().map(String::as_str).chain(named).chain(self.agent.patients());
        let targets = ids.filter_map(|id| Some(key::identity(tenant, patient?, id)));
        let targets = targets.chain(of_versions.iter().copied()).collect();
        Told { row: self, targets }
    }
}

/// Agents that are written.
#[derive(Default)]
pub(crate) struct Agents(Mutex<HashSet<(i64, i64)>>);

impl Agents {
    fn lock(&self) -> MutexGuard<'_, HashSet<(i64, i64)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn has(&self, key: (i64, i64)) -> bool {
        self.lock().contains(&key)
    }

    /// They are durable now.
    pub(super) fn know(&self, keys: impl IntoIterator<Item = (i64, i64)>) {
        let mut known = self.lock();
        if known.len() >= AGENTS_KNOWN_MAX {
            known.clear();
        }
        known.extend(keys);
    }
}

/// Write rows of whatever sites; the agents that will be known when this is durable.
pub(super) async fn write(
    tx: &mut Writer,
    agents: &Agents,
    told: &[(Tenant, Told)],
) -> Result<Vec<(i64, i64)>, DbError> {
    let mut inserts = Inserts::default();
    let named = add((tx, &mut inserts), agents, told).await?;
    inserts.send(tx).await?;
    Ok(named)
}

/// The same, sent with what else there is to insert.
pub(super) async fn add(
    (tx, inserts): (&mut Writer, &mut Inserts),
    agents: &Agents,
    told: &[(Tenant, Told)],
) -> Result<Vec<(i64, i64)>, DbError> {
    let (mut rows, mut links, mut unknown) = (Vec::new(), Vec::new(), Vec::new());
    let mut named = HashSet::new();
    for (tenant, Told { row, targets }) in told {
        let said = row.agent.said();
        let key = (tenant.number(), Agent::key(tenant, &said));
        if !agents.has(key) && named.insert(key) {
            unknown.extend([Value::Int(key.0), Value::Int(key.1), said.to_value()]);
        }
        rows.extend(values(key, row));
        links.extend(targets.iter().map(|target| (key.0, *target, row.id)));
    }
    // One after the other on the same page.
    links.sort_unstable();
    let links = links
        .into_iter()
        .flat_map(|(tenant, target, id)| [Value::Int(tenant), Value::Int(target), id.to_value()]);
    let rest = " ON CONFLICT (tenant, agent) DO NOTHING";
    inserts.add(tx, "INSERT INTO fhir_agent (tenant, agent, said) VALUES ", (3, unknown), rest).await?;
    let into = "INSERT INTO fhir_audit (tenant, id, agent, did, status, first, last, named, asked, patients, request) VALUES ";
    inserts.add(tx, into, (11, rows), "").await?;
    let into = "INSERT INTO fhir_audit_patient (tenant, target, id) VALUES ";
    inserts.add(tx, into, (3, links.collect()), "").await?;
    Ok(named.into_iter().collect())
}

fn values((tenant, agent): (i64, i64), row: &Row) -> [Value; 11] {
    let patients = (!row.patients.is_empty()).then(|| row.patients.join(","));
    [
        Value::Int(tenant),
        row.id.to_value(),
        Value::Int(agent),
        Value::Int(row.did.number()),
        row.status.to_value(),
        row.places.map(|(first, _)| first.0).to_value(),
        row.places.map(|(_, last)| last.0).to_value(),
        row.named.to_value(),
        row.asked.to_value(),
        patients.to_value(),
        row.request.as_ref().map(RequestId::as_str).to_value(),
    ]
}

impl FromRow for Row {
    fn from_row(row: &DbRow<'_>) -> Result<Self, DbError> {
        let places = row.get::<Option<i64>>("first")?.zip(row.get::<Option<i64>>("last")?);
        let patients: Option<String> = row.get("patients")?;
        let request: Option<String> = row.get("request")?;
        Ok(Self {
            id: row.get("id")?,
            agent: Arc::new(Agent::read(&row.get::<String>("said")?)),
            did: Did::numbered(row.get("did")?),
            status: row.get("status")?,
            places: places.map(|(first, last)| (Rid(first), Rid(last))),
            named: row.get("named")?,
            asked: row.get("asked")?,
            patients: patients.iter().flat_map(|all| all.split(',')).map(str::to_owned).collect(),
            request: request.as_deref().and_then(RequestId::parse),
        })
    }
}
