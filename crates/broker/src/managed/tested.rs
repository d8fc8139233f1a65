//! How the last test went: written by what talks to the other side, asked before an integration is switched on.  Contract 4, Endpoints

use kernel::{Id, Integration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, Writer, binds};
use utoipa::ToSchema;

/// How a test went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = IntegrationTestStatus)]
pub enum TestStatus {
    /// Everything works.
    Success,
    /// It works, and something should be looked at.
    Warning,
    /// It does not work.
    Error,
}

impl TestStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    /// Reads what [`Self::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Success, Self::Warning, Self::Error].into_iter().find(|status| status.as_str() == text)
    }

    /// Whether it may be switched on.
    pub const fn is_good(self) -> bool {
        matches!(self, Self::Success | Self::Warning)
    }
}

/// Write down how a test of this version went; one of a version that has changed meanwhile says nothing. Returns whether it counts.
///
/// # Errors
/// The database.
pub async fn tested(
    tx: &mut Writer,
    id: Id<Integration>,
    version: i64,
    at: Timestamp,
    status: TestStatus,
) -> Result<bool, DbError> {
    let changed = tx
        .execute(
            "UPDATE integration SET tested_at = $3, test_status = $4 WHERE id = $1 AND version = $2",
            binds![id, version, at, status.as_str()],
        )
        .await?;
    Ok(changed > 0)
}
