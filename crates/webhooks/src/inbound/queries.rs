//! The SQL of what comes in.

use kernel::{Digest, Id, Organisation, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};
use vault::Sealed;

use super::{Inbound, Message, Recipe};

/// An inbound address.
#[derive(Debug, Clone)]
pub(super) struct InboundRow {
    pub id: Id<Inbound>,
    pub organisation: Id<Organisation>,
    pub name: String,
    pub integration: String,
    pub recipe: Recipe,
    pub secret: Option<Sealed>,
    pub created_at: Timestamp,
}

impl FromRow for InboundRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            name: row.get("name")?,
            integration: row.get("integration")?,
            recipe: row.get::<Json<Recipe>>("recipe")?.0,
            secret: row.get("secret")?,
            created_at: row.get("created_at")?,
        })
    }
}

pub(super) async fn insert(tx: &mut Writer, row: &InboundRow, address: Digest) -> Result<(), DbError> {
    let sql = "INSERT INTO webhook_inbound (id, organisation_id, name, integration, address, recipe, secret, created_at) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let values = binds![
        row.id,
        row.organisation,
        row.name,
        row.integration,
        address,
        Json(&row.recipe),
        row.secret,
        row.created_at
    ];
    tx.execute(sql, values).await.map(|_| ())
}

pub(super) async fn at_address(reader: &mut Reader, address: Digest) -> Result<Option<InboundRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, integration, recipe, secret, created_at FROM webhook_inbound \
               WHERE address = $1";
    reader.optional(sql, binds![address]).await
}

pub(super) async fn find(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<Inbound>,
) -> Result<Option<InboundRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, integration, recipe, secret, created_at FROM webhook_inbound \
               WHERE organisation_id = $1 AND id = $2";
    reader.optional(sql, binds![organisation, id]).await
}

pub(super) async fn count(reader: &mut Reader, organisation: Id<Organisation>) -> Result<i64, DbError> {
    let sql = "SELECT COUNT(*) FROM webhook_inbound WHERE organisation_id = $1";
    Ok(reader.one::<(i64,)>(sql, binds![organisation]).await?.0)
}

pub(super) async fn page(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    (limit, offset): (i64, i64),
) -> Result<Vec<InboundRow>, DbError> {
    let sql = "SELECT id, organisation_id, name, integration, recipe, secret, created_at FROM webhook_inbound \
               WHERE organisation_id = $1 ORDER BY created_at, id LIMIT $2 OFFSET $3";
    reader.all(sql, binds![organisation, limit, offset]).await
}

/// Its messages are swept with the others when their time has come.
pub(super) async fn delete(tx: &mut Writer, id: Id<Inbound>) -> Result<(), DbError> {
    tx.execute("DELETE FROM webhook_inbound WHERE id = $1", binds![id]).await.map(|_| ())
}

/// A message that came in.
pub(super) struct NewMessage {
    pub id: Id<Message>,
    pub digest: Digest,
    pub body: Sealed,
}

/// False if it is there already.
pub(super) async fn keep(
    tx: &mut Writer,
    inbound: &InboundRow,
    message: &NewMessage,
    now: Timestamp,
) -> Result<bool, DbError> {
    let sql = "INSERT INTO webhook_message (id, inbound_id, organisation_id, digest, body, at) \
               VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (inbound_id, digest) DO NOTHING";
    let values = binds![message.id, inbound.id, inbound.organisation, message.digest, message.body, now];
    Ok(tx.execute(sql, values).await? == 1)
}

/// The message's body, and when it came.
pub(super) async fn message(
    reader: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<Message>,
) -> Result<Option<(Id<Inbound>, Sealed, Timestamp)>, DbError> {
    let sql = "SELECT inbound_id, body, at FROM webhook_message WHERE organisation_id = $1 AND id = $2";
    reader.optional(sql, binds![organisation, id]).await
}

/// Delete messages from before then; how many went.
pub(crate) async fn sweep(tx: &mut Writer, before: Timestamp, rows_max: i64) -> Result<u64, DbError> {
    let sql = "DELETE FROM webhook_message WHERE id IN \
               (SELECT id FROM webhook_message WHERE at < $1 ORDER BY at LIMIT $2)";
    tx.execute(sql, binds![before, rows_max]).await
}
