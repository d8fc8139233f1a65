//! SQL of clients and their secrets.

use kernel::{ClientSecret, Id, Organisation, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{CHANGED, Client, ClientIdText, STALE, Suffix, origins::Page, secret::SecretRow};

pub(crate) async fn insert(tx: &mut Writer, client: &Client, suffix: &Suffix) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO client (id, organisation_id, client_id, suffix, name, confidentiality, uri, redirect_uris, \
         post_logout_redirect_uris, grant_types, scopes, logo_uri, token_lifetime_s, created_at, updated_at, profile, \
         auth_method, metadata) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        binds![
            client.id,
            client.organisation,
            client.client_id,
            suffix.as_str(),
            client.name,
            client.confidentiality,
            client.uri,
            Json(&client.redirect_uris),
            Json(&client.post_logout_redirect_uris),
            Json(&client.grant_types),
            client.scopes,
            client.logo_uri,
            client.token_lifetime_s,
            client.created_at,
            client.updated_at,
            client.profile,
            client.auth_method,
            Json(&client.metadata)
        ],
    )
    .await?;
    set_resources(tx, client).await?;
    tell(tx, &client.client_id).await
}

pub(crate) async fn update(tx: &mut Writer, client: &Client) -> Result<(), DbError> {
    tx.execute(
        "UPDATE client SET name = $3, uri = $4, redirect_uris = $5, post_logout_redirect_uris = $6, grant_types = $7, \
         scopes = $8, logo_uri = $9, token_lifetime_s = $10, updated_at = $11, verified_at = $12, verified_by = $13, \
         disabled_at = $14, profile = $15, auth_method = $16, metadata = $17 WHERE id = $1 AND organisation_id = $2",
        binds![
            client.id,
            client.organisation,
            client.name,
            client.uri,
            Json(&client.redirect_uris),
            Json(&client.post_logout_redirect_uris),
            Json(&client.grant_types),
            client.scopes,
            client.logo_uri,
            client.token_lifetime_s,
            client.updated_at,
            client.verified_at,
            client.verified_by,
            client.disabled_at,
            client.profile,
            client.auth_method,
            Json(&client.metadata)
        ],
    )
    .await?;
    set_resources(tx, client).await?;
    tx.publish(CHANGED, &client.id.to_string()).await?;
    tell(tx, &client.client_id).await
}

/// Every node forgets what it knows of the client.
pub(crate) async fn tell(tx: &mut Writer, client_id: &ClientIdText) -> Result<(), DbError> {
    tx.publish(STALE, client_id.as_str()).await
}

/// Something beside the client's own row has changed: nodes that hear nothing find it by the time.
pub(crate) async fn touch(tx: &mut Writer, client: &Client, now: Timestamp) -> Result<(), DbError> {
    tx.execute("UPDATE client SET updated_at = $2 WHERE id = $1", binds![client.id, now]).await?;
    tell(tx, &client.client_id).await
}

/// The client ids of what has changed since, and when the last of them did.
pub(super) async fn changed_since(
    tx: &mut Reader,
    since: Timestamp,
    rows_max: i64,
) -> Result<Vec<(ClientIdText, Timestamp)>, DbError> {
    tx.all(
        "SELECT client_id, updated_at FROM client WHERE updated_at >= $1 ORDER BY updated_at LIMIT $2",
        binds![since, rows_max],
    )
    .await
}

/// Where clients that have changed since are redirected to, a page at a time, the first behind this client.
pub(super) async fn redirects_since(
    tx: &mut Reader,
    since: Timestamp,
    after: Id<kernel::Client>,
) -> Result<Vec<Page>, DbError> {
    tx.all(
        "SELECT id, redirect_uris, disabled_at, updated_at FROM client \
         WHERE updated_at > $1 OR (updated_at = $1 AND id > $2) ORDER BY updated_at, id LIMIT 1000",
        binds![since, after],
    )
    .await
}

impl FromRow for Page {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            redirect_uris: row.get::<Json<_>>("redirect_uris")?.0,
            disabled_at: row.get("disabled_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// The APIs that the client serves. One that another client serves stays that client's.
async fn set_resources(tx: &mut Writer, client: &Client) -> Result<(), DbError> {
    tx.execute("DELETE FROM resource_server WHERE client_id = $1", binds![client.id]).await?;
    for uri in &client.metadata.resources {
        tx.execute(
            "INSERT INTO resource_server (uri, client_id) VALUES ($1, $2) ON CONFLICT (uri) DO NOTHING",
            binds![uri.as_str(), client.id],
        )
        .await?;
    }
    Ok(())
}

/// Which client serves this API.
pub(crate) async fn server_of(tx: &mut Reader, uri: &str) -> Result<Option<Id<kernel::Client>>, DbError> {
    let row: Option<(Id<kernel::Client>,)> =
        tx.optional("SELECT client_id FROM resource_server WHERE uri = $1", binds![uri]).await?;
    Ok(row.map(|(client,)| client))
}

pub(crate) async fn by_id(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<kernel::Client>,
) -> Result<Option<Client>, DbError> {
    tx.optional("SELECT * FROM client WHERE id = $1 AND organisation_id = $2", binds![id, organisation]).await
}

pub(crate) async fn of_any_organisation(
    tx: &mut Reader,
    id: Id<kernel::Client>,
) -> Result<Option<Client>, DbError> {
    tx.optional("SELECT * FROM client WHERE id = $1", binds![id]).await
}

pub(crate) async fn by_client_id(
    tx: &mut Reader,
    client_id: &ClientIdText,
) -> Result<Option<Client>, DbError> {
    tx.optional("SELECT * FROM client WHERE client_id = $1", binds![client_id]).await
}

pub(super) async fn of_organisation(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    after: Option<Id<kernel::Client>>,
    rows_max: i64,
) -> Result<Vec<Client>, DbError> {
    let after = after.unwrap_or(Id::from_bytes([0; 16]));
    tx.all(
        "SELECT * FROM client WHERE organisation_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        binds![organisation, after, rows_max],
    )
    .await
}

pub(crate) async fn insert_secret(tx: &mut Writer, secret: &SecretRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO client_secret (id, client_id, digest, created_at, expires_at, sealed) \
         VALUES ($1, $2, $3, $4, $5, $6)",
        binds![
            secret.id,
            secret.client,
            secret.digest,
            secret.created_at,
            secret.expires_at,
            secret.sealed.clone()
        ],
    )
    .await?;
    Ok(())
}

/// The live and past secrets of a client, the newest first. A client that is used for years has drawn hundreds at most.
pub(crate) async fn secrets(tx: &mut Reader, client: Id<kernel::Client>) -> Result<Vec<SecretRow>, DbError> {
    tx.all("SELECT * FROM client_secret WHERE client_id = $1 ORDER BY id DESC LIMIT 200", binds![client])
        .await
}

/// Lets every live secret end by then, if it would not end earlier.
pub(crate) async fn end_secrets(
    tx: &mut Writer,
    client: Id<kernel::Client>,
    at: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE client_secret SET expires_at = $2 \
         WHERE client_id = $1 AND retired_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
        binds![client, at],
    )
    .await
}

pub(super) async fn retire_secret(
    tx: &mut Writer,
    client: Id<kernel::Client>,
    secret: Id<ClientSecret>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE client_secret SET retired_at = $3 \
         WHERE id = $2 AND client_id = $1 AND retired_at IS NULL AND (expires_at IS NULL OR expires_at > $3)",
        binds![client, secret, now],
    )
    .await
}

/// Written with the next group of writes: when a secret was last used is worth knowing and not worth waiting for.
pub(super) const TOUCH_SECRET: &str = "UPDATE client_secret SET last_used_at = $2 WHERE id = $1";

impl FromRow for Client {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            client_id: row.get("client_id")?,
            name: row.get("name")?,
            confidentiality: row.get("confidentiality")?,
            profile: row.get("profile")?,
            auth_method: row.get("auth_method")?,
            uri: row.get("uri")?,
            redirect_uris: row.get::<Json<_>>("redirect_uris")?.0,
            post_logout_redirect_uris: row.get::<Json<_>>("post_logout_redirect_uris")?.0,
            grant_types: row.get::<Json<_>>("grant_types")?.0,
            scopes: row.get("scopes")?,
            logo_uri: row.get("logo_uri")?,
            token_lifetime_s: row.get("token_lifetime_s")?,
            metadata: row.get::<Json<_>>("metadata")?.0,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            verified_at: row.get("verified_at")?,
            verified_by: row.get("verified_by")?,
            disabled_at: row.get("disabled_at")?,
        })
    }
}

impl FromRow for SecretRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            client: row.get("client_id")?,
            digest: row.get("digest")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            last_used_at: row.get("last_used_at")?,
            retired_at: row.get("retired_at")?,
            sealed: row.get("sealed")?,
        })
    }
}
