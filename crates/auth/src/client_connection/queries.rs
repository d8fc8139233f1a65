//! SQL of client types and connections.

use kernel::{Client, Digest, Id, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::{
    ClientConnection, ClientType, Connected, clients::ClientRow, list::Filter, paging::Window, view::Pair,
};

pub(super) async fn is_client_of(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    client: Id<Client>,
) -> Result<bool, DbError> {
    let found: Option<(i64,)> = tx
        .optional("SELECT 1 FROM client WHERE id = $1 AND organisation_id = $2", binds![client, organisation])
        .await?;
    Ok(found.is_some())
}

pub(super) async fn client_type(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    client: Id<Client>,
) -> Result<Option<ClientType>, DbError> {
    let found: Option<(ClientType,)> = tx
        .optional(
            "SELECT client_type.client_type FROM client_type JOIN client ON client.id = client_type.client_id \
             WHERE client.id = $1 AND client.organisation_id = $2",
            binds![client, organisation],
        )
        .await?;
    Ok(found.map(|(kind,)| kind))
}

/// The type of a client that is switched on.
pub(super) async fn live_client_type(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    client: Id<Client>,
) -> Result<Option<ClientType>, DbError> {
    let found: Option<(ClientType,)> = tx
        .optional(
            "SELECT client_type.client_type FROM client_type JOIN client ON client.id = client_type.client_id \
             WHERE client.id = $1 AND client.organisation_id = $2 AND client.disabled_at IS NULL",
            binds![client, organisation],
        )
        .await?;
    Ok(found.map(|(kind,)| kind))
}

pub(super) async fn set_client_type(
    tx: &mut Writer,
    client: Id<Client>,
    to: &ClientType,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO client_type (client_id, client_type, set_at) VALUES ($1, $2, $3) \
         ON CONFLICT (client_id) DO UPDATE SET client_type = excluded.client_type, set_at = excluded.set_at",
        binds![client, to, now],
    )
    .await
}

pub(super) async fn clear_client_type(tx: &mut Writer, client: Id<Client>) -> Result<u64, DbError> {
    tx.execute("DELETE FROM client_type WHERE client_id = $1", binds![client]).await
}

pub(super) async fn client(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    client: Id<Client>,
) -> Result<Option<ClientRow>, DbError> {
    tx.optional(
        "SELECT client.id, client.name, client_type.client_type, client.disabled_at, client.created_at, client.updated_at \
         FROM client LEFT JOIN client_type ON client_type.client_id = client.id \
         WHERE client.id = $1 AND client.organisation_id = $2",
        binds![client, organisation],
    )
    .await
}

pub(super) async fn count_clients(tx: &mut Reader, organisation: Id<Organisation>) -> Result<u64, DbError> {
    let (count,): (i64,) =
        tx.one("SELECT count(*) FROM client WHERE organisation_id = $1", binds![organisation]).await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) async fn clients(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    window: Window,
) -> Result<Vec<ClientRow>, DbError> {
    tx.all(
        "SELECT client.id, client.name, client_type.client_type, client.disabled_at, client.created_at, client.updated_at \
         FROM client LEFT JOIN client_type ON client_type.client_id = client.id \
         WHERE client.organisation_id = $1 ORDER BY client.id LIMIT $2 OFFSET $3",
        binds![organisation, window.limit, window.offset],
    )
    .await
}

pub(super) async fn count_connections(
    tx: &mut Reader,
    client: Id<Client>,
    filter: &Filter,
) -> Result<u64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT count(*) FROM client_connection WHERE client_id = $1 AND (consumer_id = $2 OR $2 IS NULL) \
             AND lower(redirect_uri) LIKE $3 ESCAPE '\\'",
            binds![client, filter.consumer, filter.redirect],
        )
        .await?;
    Ok(u64::try_from(count).unwrap_or(0))
}

pub(super) async fn connections(
    tx: &mut Reader,
    client: Id<Client>,
    filter: &Filter,
    window: Window,
) -> Result<Vec<ClientConnection>, DbError> {
    tx.all(
        "SELECT * FROM client_connection WHERE client_id = $1 AND (consumer_id = $2 OR $2 IS NULL) \
         AND lower(redirect_uri) LIKE $3 ESCAPE '\\' ORDER BY id LIMIT $4 OFFSET $5",
        binds![client, filter.consumer, filter.redirect, window.limit, window.offset],
    )
    .await
}

/// A client's connections with what is known of their consumers.
pub(super) async fn with_consumers(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    client: Id<Client>,
    rows_max: u32,
) -> Result<Vec<Connected>, DbError> {
    tx.all(
        "SELECT client_connection.*, client.name, client.disabled_at, client_type.client_type FROM client_connection \
         JOIN client ON client.id = client_connection.consumer_id \
         LEFT JOIN client_type ON client_type.client_id = client.id \
         WHERE client_connection.client_id = $1 AND client_connection.organisation_id = $2 \
         ORDER BY client_connection.id LIMIT $3",
        binds![client, organisation, rows_max],
    )
    .await
}

/// One of them.
pub(super) async fn with_consumer(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    Pair { client, connection }: Pair,
) -> Result<Option<Connected>, DbError> {
    tx.optional(
        "SELECT client_connection.*, client.name, client.disabled_at, client_type.client_type FROM client_connection \
         JOIN client ON client.id = client_connection.consumer_id \
         LEFT JOIN client_type ON client_type.client_id = client.id \
         WHERE client_connection.id = $1 AND client_connection.client_id = $2 \
         AND client_connection.organisation_id = $3",
        binds![connection, client, organisation],
    )
    .await
}

pub(super) async fn connection(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    Pair { client, connection }: Pair,
) -> Result<Option<ClientConnection>, DbError> {
    tx.optional(
        "SELECT * FROM client_connection WHERE id = $1 AND client_id = $2 AND organisation_id = $3",
        binds![connection, client, organisation],
    )
    .await
}

pub(super) async fn of_pair(
    tx: &mut Reader,
    client: Id<Client>,
    consumer: Id<Client>,
) -> Result<Option<ClientConnection>, DbError> {
    tx.optional(
        "SELECT * FROM client_connection WHERE client_id = $1 AND consumer_id = $2",
        binds![client, consumer],
    )
    .await
}

pub(super) async fn by_secret(tx: &mut Reader, digest: &Digest) -> Result<Option<ClientConnection>, DbError> {
    tx.optional("SELECT * FROM client_connection WHERE secret_digest = $1", binds![digest]).await
}

/// The connection of this client with this secret, and when it was last used; none whose consumer is switched off.
pub(super) async fn live_by_secret(
    tx: &mut Reader,
    client: Id<Client>,
    digest: &Digest,
) -> Result<Option<(Id<kernel::ClientConnection>, Option<Timestamp>)>, DbError> {
    tx.optional(
        "SELECT client_connection.id, client_connection.last_used_at FROM client_connection \
         JOIN client ON client.id = client_connection.consumer_id \
         WHERE client_connection.secret_digest = $2 AND client_connection.client_id = $1 AND client.disabled_at IS NULL",
        binds![client, digest],
    )
    .await
}

/// Whether this is where a connection of the client redirects to; none whose consumer is switched off.
pub(super) async fn is_live_redirect(
    tx: &mut Reader,
    client: Id<Client>,
    redirect_uri: &str,
) -> Result<bool, DbError> {
    let found: Option<(i64,)> = tx
        .optional(
            "SELECT 1 FROM client_connection JOIN client ON client.id = client_connection.consumer_id \
             WHERE client_connection.client_id = $1 AND client_connection.redirect_uri = $2 \
             AND client.disabled_at IS NULL LIMIT 1",
            binds![client, redirect_uri],
        )
        .await?;
    Ok(found.is_some())
}

/// Where this connection of the client redirects to; nowhere where its consumer is switched off.
pub(super) async fn live_redirect(
    tx: &mut Reader,
    client: Id<Client>,
    connection: Id<kernel::ClientConnection>,
) -> Result<Option<String>, DbError> {
    let found: Option<(String,)> = tx
        .optional(
            "SELECT client_connection.redirect_uri FROM client_connection \
             JOIN client ON client.id = client_connection.consumer_id \
             WHERE client_connection.id = $2 AND client_connection.client_id = $1 AND client.disabled_at IS NULL",
            binds![client, connection],
        )
        .await?;
    Ok(found.map(|(redirect_uri,)| redirect_uri))
}

/// Written with the next group of writes: when a secret was last used is worth knowing and not worth waiting for.
pub(super) const TOUCH: &str = "UPDATE client_connection SET last_used_at = $2 WHERE id = $1";

pub(super) async fn insert(tx: &mut Writer, new: &ClientConnection, secret: &Digest) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO client_connection (id, organisation_id, client_id, consumer_id, redirect_uri, secret_digest, \
         inserted_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        binds![
            new.id,
            new.organisation,
            new.client,
            new.consumer,
            new.redirect_uri,
            secret,
            new.inserted_at,
            new.updated_at
        ],
    )
    .await
}

pub(super) async fn set_redirect(tx: &mut Writer, after: &ClientConnection) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE client_connection SET redirect_uri = $2, updated_at = $3 WHERE id = $1",
        binds![after.id, after.redirect_uri, after.updated_at],
    )
    .await
}

pub(super) async fn set_secret(
    tx: &mut Writer,
    after: &ClientConnection,
    secret: &Digest,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE client_connection SET secret_digest = $2, updated_at = $3 WHERE id = $1",
        binds![after.id, secret, after.updated_at],
    )
    .await
}

pub(super) async fn delete(tx: &mut Writer, id: Id<kernel::ClientConnection>) -> Result<u64, DbError> {
    tx.execute("DELETE FROM client_connection WHERE id = $1", binds![id]).await
}

impl FromRow for ClientConnection {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            client: row.get("client_id")?,
            consumer: row.get("consumer_id")?,
            redirect_uri: row.get("redirect_uri")?,
            inserted_at: row.get("inserted_at")?,
            updated_at: row.get("updated_at")?,
            last_used_at: row.get("last_used_at")?,
        })
    }
}

impl FromRow for Connected {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            connection: ClientConnection::from_row(row)?,
            consumer_name: row.get("name")?,
            consumer_type: row.get("client_type")?,
            consumer_disabled_at: row.get("disabled_at")?,
        })
    }
}

impl FromRow for ClientRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            name: row.get("name")?,
            client_type: row.get("client_type")?,
            disabled_at: row.get("disabled_at")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}
