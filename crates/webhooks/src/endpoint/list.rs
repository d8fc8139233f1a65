//! The endpoints of an organisation, a page at a time.

use axum::{Extension, extract::State as Held, response::IntoResponse};
use kernel::Permission;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use web::{Answer, Bearer, Context, Json, Paging, Query, links};

use super::{
    ENDPOINTS_MAX, State,
    queries::{self, Filter},
    view::EndpointOut,
};
use crate::{WebhookFault, Webhooks, access::Access, fault::refused};

/// Which endpoints, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListIn {
    /// Only those that stand so.
    #[param(inline)]
    state: Option<State>,
    /// Only those whose name or address holds this text, in any case.
    q: Option<String>,
    /// 1 where it is left out.
    #[param(minimum = 1, maximum = 10000)]
    page: Option<i64>,
    /// 20 where it is left out, 100 at the most.
    #[param(minimum = 1, maximum = 100)]
    size: Option<i64>,
}

/// A page of endpoints.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WebhookEndpoints)]
pub(crate) struct EndpointsOut {
    items: Vec<EndpointOut>,
    #[serde(flatten)]
    paging: Paging,
}

/// The endpoints of the caller's organisation, in the order in which they were made.
#[utoipa::path(get, path = "/api/v1/integrations/webhooks", tag = "webhooks", operation_id = "list_webhook_endpoints",
    params(ListIn),
    responses((status = 200, description = "A page of endpoints", body = EndpointsOut, headers(("Link" = String)))),
    security(("bearer" = ["webhook:read"])))]
pub(crate) async fn list_endpoints(
    Held(webhooks): Held<Webhooks>,
    bearer: Bearer,
    Extension(context): Extension<Context>,
    Query(asked): Query<ListIn>,
) -> Answer<impl IntoResponse> {
    let access = Access::of(&bearer, Permission::WebhookRead)?;
    let (organisation, now) = (bearer.0.organisation, webhooks.world.now());
    let filter = filter(&asked);
    let window =
        Paging::asked(asked.page, asked.size).map_err(|issues| refused(WebhookFault::Refused(issues)))?;
    let mut reader = webhooks.db.read().await?;
    let (total, rows) = match access.is_whole() {
        true => {
            let total = queries::count(&mut reader, organisation, &filter).await?;
            (total, queries::page(&mut reader, organisation, &filter, window.rows()).await?)
        }
        // Which of them are of whose studies is for access alone to say.
        false => {
            let mut all = queries::page(&mut reader, organisation, &filter, (ENDPOINTS_MAX, 0)).await?;
            all.retain(|row| access.covers(&row.wanted.studies));
            let (size, from) = window.rows();
            let skipped = usize::try_from(from).unwrap_or(usize::MAX);
            let taken = usize::try_from(size).unwrap_or(usize::MAX);
            let total = i64::try_from(all.len()).unwrap_or(i64::MAX);
            (total, all.into_iter().skip(skipped).take(taken).collect::<Vec<_>>())
        }
    };
    let paging = window.of(total);
    let items = rows.iter().map(|row| EndpointOut::of(row, now)).collect();
    let said = [("state", asked.state.map(State::as_str)), ("q", asked.q.as_deref())];
    Ok((links(&context, &paging, &said), Json(EndpointsOut { items, paging })))
}

fn filter(asked: &ListIn) -> Filter {
    let text = asked.q.as_deref().unwrap_or_default().to_lowercase();
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    Filter { state: asked.state.map_or("", State::as_str).to_owned(), pattern: format!("%{escaped}%") }
}
