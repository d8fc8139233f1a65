//! A connection is tested.

use axum::{Extension, extract::State};
use kernel::{Permission, RequestId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;
use watch::TestStatus;
use web::{Answer, Bearer, Json, Path};

use super::{door::Asking, id};
use crate::{
    Exchange,
    check::{Checked, check},
    connector::Step,
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
    message: &'static str,
    details: DetailsOut,
}

/// What a test found.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = IntegrationTestDetails)]
pub(super) struct DetailsOut {
    response_time_ms: u64,
    /// The version that the other side speaks.
    api_version: Option<String>,
    /// The fingerprint of the key that an SSH server has shown: compare it with what its operator says, and set it as `config.host_key`.
    #[schema(example = "SHA256:uNiVztksCsDhcc0u9e8BrZv3tbv1LJ7yWTPAUaXkxC8")]
    #[serde(skip_serializing_if = "Option::is_none")]
    host_key: Option<String>,
    /// What we may do there: `Patient.search`.
    permissions: Vec<String>,
    steps: Vec<Step>,
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
    let checked = check(&exchange, (about.organisation, integration), asking.by()).await?;
    let Checked { at, took_ms, tested, message, findings } = checked;
    Ok(Json(TestOut {
        integration_id: id::write(integration),
        tested_at: at,
        tested_by: asking.by_whom(),
        status: tested,
        message,
        details: DetailsOut {
            response_time_ms: took_ms,
            api_version: findings.api_version,
            host_key: findings.host_key,
            permissions: findings.permissions,
            steps: findings.steps,
        },
    }))
}
