//! Tests of a connection that were made: the last ones of each integration are kept, with their steps.  Contract 4, `POST /{id}/test`

use std::borrow::Cow;

use kernel::{Id, IdKind, Integration, Organisation, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};
use utoipa::ToSchema;
use watch::TestStatus;

use crate::connector::{Findings, Outcome, Step, StepName};

/// Tests of an integration that are kept: the newest.
pub const TESTS_KEPT: i64 = 50;

/// A test, as ids name it.
#[derive(Debug, Clone, Copy)]
pub enum Test {}
impl IdKind for Test {
    const NAME: &'static str = "integration_test";
}

/// A test that was made, and how it went.
#[derive(Debug, Clone)]
pub struct Tested {
    /// Which one; later ones have greater ids.
    pub id: Id<Test>,
    /// What was tested.
    pub integration: Id<Integration>,
    /// When it began.
    pub at: Timestamp,
    /// Who asked for it.
    pub by: String,
    /// How it went as a whole.
    pub status: TestStatus,
    /// The same in words of ours.
    pub message: Cow<'static, str>,
    /// What it found.
    pub details: Details,
}

/// What a test found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IntegrationTestDetails)]
pub struct Details {
    /// How long it took.
    pub response_time_ms: u64,
    /// The version that the other side speaks.
    pub api_version: Option<String>,
    /// The fingerprint of the key that an SSH server has shown: compare it with what its operator says, and set it as `config.host_key`.
    #[schema(example = "SHA256:uNiVztksCsDhcc0u9e8BrZv3tbv1LJ7yWTPAUaXkxC8")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host_key: Option<String>,
    /// What we may do there: `Patient.search`.
    pub permissions: Vec<String>,
    /// Each step, in the order in which it was come to.
    pub steps: Vec<StepTold>,
}

/// One step. Its words are ours: nothing that the other side says is in them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = IntegrationTestStep)]
pub struct StepTold {
    /// What it looked at.
    pub name: StepName,
    /// How it went.
    pub outcome: Outcome,
    /// How long it took.
    pub duration_ms: u64,
    /// The same in words.
    #[schema(value_type = String)]
    pub message: Cow<'static, str>,
}

impl From<Step> for StepTold {
    fn from(Step { name, outcome, duration_ms, message }: Step) -> Self {
        Self { name, outcome, duration_ms, message: message.into() }
    }
}

impl Details {
    pub(crate) fn of(findings: Findings, response_time_ms: u64) -> Self {
        let Findings { api_version, host_key, permissions, steps } = findings;
        let steps = steps.into_iter().map(StepTold::from).collect();
        Self { response_time_ms, api_version, host_key, permissions, steps }
    }
}

impl FromRow for Tested {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let unreadable =
            || DbError::Column { column: "status".into(), why: "not what this version writes".into() };
        Ok(Self {
            id: row.get("id")?,
            integration: row.get("integration_id")?,
            at: row.get("tested_at")?,
            by: row.get("tested_by")?,
            status: TestStatus::parse(&row.get::<String>("status")?).ok_or_else(unreadable)?,
            message: row.get::<String>("message")?.into(),
            details: row.get::<Json<Details>>("details")?.0,
        })
    }
}

/// Keep a test in the unit that says how it went; the oldest one gives way.
pub(crate) async fn keep(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    test: &Tested,
) -> Result<(), DbError> {
    let sql = "INSERT INTO integration_test (id, integration_id, organisation_id, tested_at, tested_by, status, message, details) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = binds![
        test.id,
        test.integration,
        organisation,
        test.at,
        test.by,
        test.status.as_str(),
        test.message.as_ref(),
        Json(&test.details)
    ];
    tx.execute(sql, values).await?;
    let sql = "DELETE FROM integration_test WHERE integration_id = $1 AND id NOT IN \
               (SELECT id FROM integration_test WHERE integration_id = $1 ORDER BY id DESC LIMIT $2)";
    tx.execute(sql, binds![test.integration, TESTS_KEPT]).await.map(|_| ())
}

/// Tests of an integration, the newest first, behind this one.
pub(crate) async fn of_integration(
    reader: &mut Reader,
    (organisation, integration): (Id<Organisation>, Id<Integration>),
    before: Option<Id<Test>>,
    rows_max: i64,
) -> Result<Vec<Tested>, DbError> {
    let sql = "SELECT id, integration_id, tested_at, tested_by, status, message, details FROM integration_test \
               WHERE integration_id = $1 AND organisation_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4";
    let before = before.unwrap_or_else(|| Id::from_bytes([0xff; 16]));
    reader.all(sql, binds![integration, organisation, before, rows_max]).await
}
