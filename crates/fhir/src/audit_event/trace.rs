//! What becomes known of a request while it is answered, and the row that comes of it when it is.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::StatusCode;
use kernel::RequestId;

use super::{Agent, Did, Row, call::Call};
use crate::{
    Fhir,
    parameter::Registry,
    resource::{Kept, Rid, Version},
    tenant::Tenant,
};

/// Bytes that are kept of what was asked for; of a longer search the beginning.
pub const ASKED_BYTES_MAX: usize = 8 << 10;

/// What becomes known of one request.
#[derive(Clone, Default)]
pub(crate) struct Trace(Arc<Mutex<Seen>>);

#[derive(Default)]
struct Seen {
    /// Who asks, and of which site: nothing is kept of who is not known.
    by: Option<(Tenant, Arc<Agent>, Option<RequestId>)>,
    kept: Kept,
    did: Option<Did>,
    place: Option<Rid>,
    asked: Option<String>,
    patients: BTreeSet<String>,
}

impl Trace {
    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who asks is known.
    pub fn by(&self, tenant: &Tenant, agent: &Arc<Agent>, request: Option<&RequestId>) {
        self.lock().by = Some((tenant.clone(), Arc::clone(agent), request.cloned()));
    }

    /// Whether a write has left its row.
    pub fn kept(&self) -> Kept {
        self.lock().kept.clone()
    }

    /// This version is the answer.
    pub fn read(&self, registry: &Registry, version: &Version) {
        let patients = super::patients::of(registry, version);
        let mut seen = self.lock();
        seen.place = Some(version.rid);
        seen.patients.extend(patients);
    }

    /// Nothing was written: what was there already is the answer.
    pub fn found(&self, registry: &Registry, version: &Version) {
        self.read(registry, version);
        self.lock().did = Some(Did::Read);
    }

    /// These are in the answer.
    pub fn listed<'v>(&self, registry: &Registry, versions: impl IntoIterator<Item = &'v Version>) {
        let mut all = BTreeSet::new();
        for version in versions {
            all.extend(super::patients::of(registry, version));
        }
        self.lock().patients.extend(all);
    }

    /// The answer is about these patients.
    pub fn about(&self, patients: impl IntoIterator<Item = String>) {
        self.lock().patients.extend(patients);
    }

    /// This was asked for, below the base.
    pub fn asked(&self, place: &str, question: &str) {
        let mut asked = String::with_capacity(place.len() + question.len() + 1);
        asked.push_str(place);
        if !question.is_empty() {
            asked.push('?');
            asked.push_str(question);
        }
        self.lock().asked = Some(asked);
    }

    /// The entries of a Bundle tell what was done, each for itself.
    pub fn told_by_entries(&self) {
        let mut seen = self.lock();
        seen.did = Some(Did::Batch);
        seen.kept.keep();
    }

    fn row(&self, fhir: &Fhir, call: Call, status: StatusCode) -> Option<(Tenant, Row, BTreeSet<String>)> {
        let mut seen = self.lock();
        let is_refused = status.is_client_error() || status.is_server_error();
        if seen.kept.is_kept() && !is_refused {
            return None;
        }
        let (tenant, agent, request) = seen.by.take()?;
        let did = seen.did.unwrap_or(call.did);
        // Who is refused learned nothing of anybody.
        let place = seen.place.filter(|_| !is_refused);
        let patients = if is_refused { BTreeSet::new() } else { std::mem::take(&mut seen.patients) };
        let asked = did.is_question().then(|| cut(seen.asked.take().unwrap_or(call.address)));
        let is_of_a_version = place.is_some();
        let row = Row {
            id: fhir.world.new_id(),
            agent,
            did,
            status: status.as_u16(),
            places: place.map(|place| (place, place)),
            named: call.named.filter(|_| !is_of_a_version),
            asked,
            patients: if is_of_a_version { Vec::new() } else { patients.iter().cloned().collect() },
            request,
        };
        Some((tenant, row, patients))
    }
}

fn cut(mut asked: String) -> String {
    let mut end = ASKED_BYTES_MAX.min(asked.len());
    while !asked.is_char_boundary(end) {
        end -= 1;
    }
    asked.truncate(end);
    asked
}

/// Answer a request, and keep that it was. What cannot be kept is not answered.
pub(crate) async fn attend(State(fhir): State<Fhir>, mut request: Request, next: Next) -> Response {
    let trace = Trace::default();
    request.extensions_mut().insert(trace.clone());
    let (method, uri) = (request.method().clone(), request.uri().clone());
    let response = next.run(request).await;
    let Some((tenant, row, patients)) = trace.row(&fhir, Call::of(&method, &uri), response.status()) else {
        return response;
    };
    match fhir.trail.keep(&fhir, tenant, row, &patients).await {
        Ok(()) => response,
        Err(full) => web::Problem::from(full).into_response(),
    }
}
