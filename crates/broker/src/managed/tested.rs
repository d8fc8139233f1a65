//! How the last test went: written by what talks to the other side, asked before an integration is switched on.  Contract 4, Endpoints

use kernel::{Id, Integration, Timestamp};
use store::{DbError, Writer, binds};
use watch::TestStatus;

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
