//! How an endpoint does.

use std::time::Duration;

use axum::extract::State as Held;
use kernel::{Id, Organisation, Permission, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use web::{Answer, Bearer, Json, Path};

use super::queries::{self, Glance};
use crate::{
    WebhookFault, Webhooks,
    access::Access,
    endpoint::{self, Endpoint, State},
    fault::refused,
};

/// How far back calls are looked at.
pub const HEALTH_WINDOW: Duration = Duration::from_hours(24);
/// The most calls that are looked at: the newest.
pub const HEALTH_ROWS: i64 = 1_000;

/// How an endpoint does.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookHealth)]
pub struct HealthOut {
    /// How it stands.
    pub state: State,
    /// Why it is disabled.
    pub reason: Option<String>,
    /// Deliveries that wait.
    pub pending: i64,
    /// Calls of the last day, the newest thousand of them.
    pub calls: usize,
    /// Which part of them was taken; none where there were none.
    pub success_rate: Option<f64>,
    /// How long nineteen of twenty of them took at the most.
    pub p95_ms: Option<i64>,
    /// The newest call of them that failed.
    pub last_failure: Option<FailureOut>,
    /// Calls in a row that have failed by now, and since when.
    pub failures_in_a_row: u32,
    /// Since when they fail.
    #[schema(value_type = Option<String>, format = "date-time")]
    pub failing_since: Option<Timestamp>,
}

/// A call that failed.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookFailure)]
pub struct FailureOut {
    /// When it was begun.
    #[schema(value_type = String, format = "date-time")]
    pub at: Timestamp,
    /// The status of the answer; none where there was none.
    pub status: Option<u16>,
    /// Why it failed.
    pub error: Option<String>,
}

/// How an endpoint does.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks/{endpoint}/health", tag = "webhooks",
    operation_id = "get_webhook_health",
    params(("endpoint" = String, Path, description = "The endpoint's id")),
    responses((status = 200, description = "How it does", body = HealthOut)),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn get_health(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Path(id): Path<Id<Endpoint>>,
) -> Answer<Json<HealthOut>> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    webhooks.health(&access, (bearer.0.organisation, id)).await.map(Json).map_err(refused)
}

impl Webhooks {
    pub(crate) async fn health(
        &self,
        access: &Access,
        (organisation, id): (Id<Organisation>, Id<Endpoint>),
    ) -> Result<HealthOut, WebhookFault> {
        let mut reader = self.db.read().await?;
        let row = access.admit(endpoint::queries::find(&mut reader, organisation, id).await?)?;
        let since = self.world.now() - HEALTH_WINDOW;
        let glances = queries::glances(&mut reader, id, (since, HEALTH_ROWS)).await?;
        let pending = queries::count(&mut reader, id, &("pending".to_owned(), String::new())).await?;
        let (failures_in_a_row, failing_since) = queries::standing(&mut reader, id).await?;
        let figures = figures(&glances);
        let failure = |glance: &Glance| FailureOut {
            at: glance.at,
            status: glance.status,
            error: glance.error.clone(),
        };
        Ok(HealthOut {
            state: row.state,
            reason: row.reason,
            pending,
            calls: glances.len(),
            success_rate: figures.map(|(rate, _)| rate),
            p95_ms: figures.map(|(_, p95)| p95),
            last_failure: glances.iter().find(|glance| glance.error.is_some()).map(failure),
            failures_in_a_row,
            failing_since,
        })
    }
}

/// The part that was taken, and the duration that nineteen of twenty do not exceed.
fn figures(glances: &[Glance]) -> Option<(f64, i64)> {
    let mut durations: Vec<i64> = glances.iter().map(|glance| glance.duration_ms).collect();
    durations.sort_unstable();
    let nth = (durations.len() * 95).div_ceil(100).checked_sub(1)?;
    let taken = glances.iter().filter(|glance| glance.error.is_none()).count();
    let part = |count: usize| u32::try_from(count).map(f64::from).unwrap_or(f64::MAX);
    Some((part(taken) / part(glances.len()), *durations.get(nth)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_what_was_called() {
        let glance = |duration_ms, error: Option<&str>| Glance {
            at: Timestamp::from_seconds(0),
            duration_ms,
            status: None,
            error: error.map(str::to_owned),
        };
        assert_eq!(figures(&[]), None);
        assert_eq!(figures(&[glance(7, Some("x"))]), Some((0.0, 7)));
        let mut all: Vec<Glance> = (1..=20).map(|n| glance(n, None)).collect();
        assert_eq!(figures(&all), Some((1.0, 19)));
        all.truncate(3);
        all.push(glance(100, Some("x")));
        assert_eq!(figures(&all), Some((0.75, 100)));
    }
}
