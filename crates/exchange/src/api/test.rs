//! A connection is tested, and the tests of before are listed.

use std::borrow::Cow;

use axum::{Extension, extract::State};
use kernel::{Permission, RequestId, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use watch::TestStatus;
use web::{Answer, Bearer, Json, Path, Query};

use super::{door::Asking, id, page::Part};
use crate::{
    Exchange,
    check::check,
    tested::{self, Details, Tested},
};

/// How a test went.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationTest)]
pub(super) struct TestOut {
    #[schema(example = "int_019a0b6e0000700080000000000000ab")]
    integration_id: String,
    #[schema(value_type = String, format = DateTime)]
    tested_at: Timestamp,
    tested_by: String,
    /// With `success` and `warning` the integration may be switched on.
    status: TestStatus,
    #[schema(value_type = String)]
    message: Cow<'static, str>,
    details: Details,
}

impl From<Tested> for TestOut {
    fn from(Tested { integration, at, by, status, message, details, .. }: Tested) -> Self {
        Self {
            integration_id: id::write(integration),
            tested_at: at,
            tested_by: by,
            status,
            message,
            details,
        }
    }
}

/// Talk to the other side, to see whether it works.
#[utoipa::path(post, path = "/api/v1/integrations/{id}/test", tag = "integrations", operation_id = "test_integration",
    params(("id" = String, Path, description = "The integration's id: `int_…`")),
    responses((status = 200, description = "How it went: also where the other side cannot be reached", body = TestOut)),
    security(("bearer" = ["integration:sync"])))]
pub(super) async fn test(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
) -> Answer<Json<TestOut>> {
    let asking = Asking::enter(bearer, request, Permission::Test)?;
    let (integration, about) = asking.integration(&exchange, &text, Permission::Test).await?;
    let tested = check(&exchange, (about.organisation, integration), asking.by()).await?;
    Ok(Json(tested.into()))
}

/// Which tests.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Page {
    /// `next_cursor` of the page before.
    #[param(pattern = "^test_[0-9a-f]{32}$")]
    cursor: Option<String>,
    /// 1 to 100; 20 unless it is said.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<i64>,
}

/// The last tests of an integration, the newest first.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationTests)]
pub(super) struct TestsOut {
    items: Vec<TestOut>,
    /// Where the next page begins; null if there is none.
    next_cursor: Option<String>,
}

/// List the last 50 tests of an integration, each with its steps. One that the integration has changed under is not among them.
#[utoipa::path(get, path = "/api/v1/integrations/{id}/tests", tag = "integrations", operation_id = "list_integration_tests",
    params(Page, ("id" = String, Path, description = "The integration's id: `int_…`")),
    responses((status = 200, description = "A page of them", body = TestsOut)),
    security(("bearer" = ["integration:read"])))]
pub(super) async fn list(
    State(exchange): State<Exchange>,
    bearer: Bearer,
    Extension(request): Extension<RequestId>,
    Path(text): Path<String>,
    Query(page): Query<Page>,
) -> Answer<Json<TestsOut>> {
    let asking = Asking::enter(bearer, request, Permission::Logs)?;
    let (integration, about) = asking.integration(&exchange, &text, Permission::Logs).await?;
    let part = Part::read(page.cursor.as_deref(), page.limit)?;
    let mut reader = exchange.db.read().await?;
    let of = (about.organisation, integration);
    let found = tested::of_integration(&mut reader, of, part.before, part.limit).await?;
    let next_cursor = part.next(&found, |test| test.id);
    Ok(Json(TestsOut { items: found.into_iter().map(TestOut::from).collect(), next_cursor }))
}
