//! Integrations as whatever fetches data from them sees them, and what it writes down.

use jobs::Schedule;
use kernel::{Id, Integration, Organisation, Study, Timestamp};
use store::{DbError, Reader, Writer, binds};

use super::{Managed, Status, queries};
use crate::Broker;

impl Broker {
    /// The integration of this id, whosever it is and whatever its state: for what runs by itself. Who may see it is for whoever asks.
    ///
    /// # Errors
    /// The database.
    pub async fn managed(&self, id: Id<Integration>) -> Result<Option<Managed>, DbError> {
        queries::by_id(&mut self.db.read().await?, id).await
    }

    /// The integrations of an organisation that are not archived.
    ///
    /// # Errors
    /// The database.
    pub async fn managed_of(
        &self,
        organisation: Id<Organisation>,
        rows_max: i64,
    ) -> Result<Vec<Managed>, DbError> {
        self.db
            .scan(async move |reader: &mut Reader| -> Result<Vec<Managed>, DbError> {
                let mut statement = queries::rows();
                statement.text("WHERE i.organisation_id = ").bind(&organisation);
                statement.text(" AND i.status <> 'archived' ORDER BY i.id LIMIT ").bind(&rows_max);
                queries::select(reader, &statement).await
            })
            .await
    }

    /// The same integration with the next time that data is fetched: by its schedule while it is active, not at all otherwise. In the unit of
    /// the change.
    pub(super) async fn scheduled(&self, tx: &mut Writer, of: Managed) -> Result<Managed, DbError> {
        let is_pulled = !of.links && of.kind.capabilities().contains(&"sync_incremental");
        let next_sync = if is_pulled && of.status == Status::Active {
            let schedule = of.sync_frequency.parse().unwrap_or_else(|_| Schedule::manual());
            self.syncs.keep(tx, (of.organisation, of.id), &schedule, of.updated_at).await?
        } else {
            self.syncs.end(tx, of.id).await?;
            None
        };
        Ok(Managed { next_sync, ..of })
    }
}

/// The studies that an integration belongs to; none where there is no such integration.
///
/// # Errors
/// The database.
pub async fn studies_of(tx: &mut Writer, id: Id<Integration>) -> Result<Vec<Id<Study>>, DbError> {
    Ok(queries::by_id(tx, id).await?.map(|found| found.studies).unwrap_or_default())
}

/// Write down that all that the other side had has come.
///
/// # Errors
/// The database.
pub async fn synced(tx: &mut Writer, id: Id<Integration>, at: Timestamp) -> Result<(), DbError> {
    tx.execute("UPDATE integration SET last_sync = $2 WHERE id = $1", binds![id, at]).await.map(|_| ())
}

/// Write down when data is fetched next, if the integration is active still.
///
/// # Errors
/// The database.
pub async fn due(tx: &mut Writer, id: Id<Integration>, next: Option<Timestamp>) -> Result<(), DbError> {
    let sql = "UPDATE integration SET next_sync = $2 WHERE id = $1 AND status = 'active'";
    tx.execute(sql, binds![id, next]).await.map(|_| ())
}
