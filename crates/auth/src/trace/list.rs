//! The failures of one client, for those whose it is.

use kernel::{Id, Timestamp};
use store::{DbError, FromRow, Reader, Row, binds};

use super::FAILURES_KEPT;
use crate::{
    Acting, Auth,
    client::{self, ClientFault},
};

/// How many failures a page shows.
pub const FAILURES_SHOWN_MAX: i64 = FAILURES_KEPT;

/// A request that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub endpoint: String,
    /// The protocol's word.
    pub error: String,
    /// Our own word for the reason: see [`explain`](super::explain).
    pub why: String,
    /// By which an operator finds the request in the log.
    pub request: Option<String>,
}

/// The newest failures of a client of the acting person's organisation.
///
/// # Errors
/// [`ClientFault::NotFound`] where it is another organisation's.
pub async fn failures_of(
    auth: &Auth,
    acting: &Acting,
    client: Id<kernel::Client>,
) -> Result<Vec<Failure>, ClientFault> {
    client::get(auth, acting, client).await?;
    let rows = auth
        .db()
        .scan(async move |tx: &mut Reader| -> Result<_, DbError> {
            tx.all(
                "SELECT * FROM client_failure WHERE client_id = $1 ORDER BY failed_at DESC, id DESC LIMIT $2",
                binds![client, FAILURES_SHOWN_MAX],
            )
            .await
        })
        .await?;
    Ok(rows)
}

impl FromRow for Failure {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            at: row.get("failed_at")?,
            endpoint: row.get("endpoint")?,
            error: row.get("error")?,
            why: row.get("why")?,
            request: row.get("request")?,
        })
    }
}
