//! Staff put an integration away, and bring it back.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode};
use kernel::{Permission, RequestId};
use serde::Deserialize;
use store::Writer;
use utoipa::IntoParams;
use web::{Answer, Bearer, Path, Problem, Query};

use super::{
    Managed, Status, change,
    door::{Asking, nothing},
    view::{ManagedOut, shown},
};
use crate::Broker;

/// Whether it is to be gone for good.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Asked {
    /// `true` removes an archived integration for good: administrators, after the retention time.
    purge: Option<bool>,
}

/// Archive an integration.
#[utoipa::path(delete, path = "/api/v1/integrations/{id}", tag = "integrations", operation_id = "archive_managed_integration",
    params(Asked, ("id" = String, Path, description = "The integration's id"),
        ("X-Change-Reason" = Option<String>, Header, description = "Why; needed to purge", min_length = 1, max_length = 500)),
    responses((status = 204, description = "It is archived, or with `purge` gone")),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn archive(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> Answer<Response> {
    let reason = change::reason_of(&headers)?;
    if asked.purge == Some(true) {
        let asking = Asking::enter(bearer, request, Permission::Purge)?;
        broker.purge(&asking, &id, reason).await?;
    } else {
        let asking = Asking::enter(bearer, request, Permission::Archive)?;
        broker.put_away(&asking, &id, reason).await?;
    }
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Bring an archived integration back.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/restore", tag = "integrations", operation_id = "restore_managed_integration",
    params(("id" = String, Path, description = "The integration's id"),
        ("X-Change-Reason" = Option<String>, Header, description = "Why", min_length = 1, max_length = 500)),
    responses((status = 200, description = "As it is now: off, until it is tested and switched on", body = ManagedOut)),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn restore(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, request, Permission::Archive)?;
    let reason = change::reason_of(&headers)?;
    let own = broker.clone();
    let unit = async move |tx: &mut Writer| -> Result<Managed, Problem> {
        let there = asking.find(tx, &id, Permission::Archive).await?;
        if there.status != Status::Archived {
            return Err(nothing());
        }
        let after = Managed {
            status: Status::Inactive,
            archived_at: None,
            tested: None,
            ..asking.next(&there, own.world.now())
        };
        change::make(tx, &own, &asking, (&there, &after), change::RESTORED, reason.as_deref()).await?;
        Ok(after)
    };
    let after = broker.db.write(unit).await?;
    broker.integrations.forget(&after.slug);
    Ok(shown(&HeaderMap::new(), &after, StatusCode::OK))
}

impl Broker {
    async fn put_away(&self, asking: &Asking, id: &str, reason: Option<String>) -> Result<(), Problem> {
        let (own, asking, id) = (self.clone(), asking.clone(), id.to_owned());
        let slug = self
            .db
            .write(async move |tx: &mut Writer| -> Result<String, Problem> {
                let there = asking.find_live(tx, &id, Permission::Archive).await?;
                let now = own.world.now();
                let after =
                    Managed { status: Status::Archived, archived_at: Some(now), ..asking.next(&there, now) };
                let after = own.scheduled(tx, after).await?;
                change::make(tx, &own, &asking, (&there, &after), change::ARCHIVED, reason.as_deref())
                    .await?;
                Ok(after.slug)
            })
            .await?;
        self.integrations.forget(&slug);
        Ok(())
    }
}
