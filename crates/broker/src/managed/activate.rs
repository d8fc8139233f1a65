//! Staff switch an integration on, once a test has shown that it works, and off.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use kernel::{Kind as Sort, Permission, RequestId};
use store::Writer;
use web::{Answer, Bearer, Path, Problem};

use super::{
    Managed, Status, change,
    door::Asking,
    view::{ManagedOut, shown},
};
use crate::Broker;

/// Switch an integration on.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/activate", tag = "integrations", operation_id = "activate_managed_integration",
    params(("id" = String, Path, description = "The integration's id"),
        ("X-Change-Reason" = Option<String>, Header, description = "Why", min_length = 1, max_length = 500)),
    responses((status = 200, description = "As it is now", body = ManagedOut)),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn activate(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, request, Permission::Update)?;
    broker.switch(&asking, &id, &headers, (Status::Active, change::ACTIVATED)).await
}

/// Switch an integration off.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/deactivate", tag = "integrations", operation_id = "deactivate_managed_integration",
    params(("id" = String, Path, description = "The integration's id"),
        ("X-Change-Reason" = Option<String>, Header, description = "Why", min_length = 1, max_length = 500)),
    responses((status = 200, description = "As it is now", body = ManagedOut)),
    security(("bearer" = ["integration:write"])))]
pub(crate) async fn deactivate(
    State(broker): State<Broker>,
    bearer: Bearer,
    axum::Extension(request): axum::Extension<RequestId>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Answer<Response> {
    let asking = Asking::enter(bearer, request, Permission::Update)?;
    broker.switch(&asking, &id, &headers, (Status::Inactive, change::DEACTIVATED)).await
}

/// Whether it may be in that state: on only after a test that went well and is of what is there now.
fn judge(there: &Managed, to: Status) -> Result<(), Problem> {
    let is_tested = there.tested.is_some_and(|(_, how)| how.is_good());
    match (to, there.status) {
        (Status::Active, _) if !is_tested => Err(Problem::new(
            Sort::Conflict,
            "test the integration first: it becomes active only after a successful test of what is configured now",
        )
        .with_path("status")),
        (Status::Inactive, Status::Pending) => {
            Err(Problem::new(Sort::Conflict, "the integration was never switched on").with_path("status"))
        }
        _ => Ok(()),
    }
}

impl Broker {
    async fn switch(
        &self,
        asking: &Asking,
        id: &str,
        headers: &HeaderMap,
        (to, act): (Status, change::Act),
    ) -> Result<Response, Problem> {
        let reason = change::reason_of(headers)?;
        let (own, asking, id) = (self.clone(), asking.clone(), id.to_owned());
        let unit = async move |tx: &mut Writer| -> Result<Managed, Problem> {
            let there = asking.find_live(tx, &id, Permission::Update).await?;
            if there.status == to {
                return Ok(there);
            }
            judge(&there, to)?;
            let after = Managed { status: to, ..asking.next(&there, own.world.now()) };
            let after = own.scheduled(tx, after).await?;
            change::make(tx, &own, &asking, (&there, &after), act, reason.as_deref()).await?;
            Ok(after)
        };
        let after = self.db.write(unit).await?;
        self.integrations.forget(&after.slug);
        Ok(shown(&HeaderMap::new(), &after, StatusCode::OK))
    }
}
