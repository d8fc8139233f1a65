//! SQL of clients and their secrets.

use kernel::{ClientSecret, Digest, Id, Organisation, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{
    CHANGED, Client, ClientIdText, Suffix,
    authenticate::{Found, FoundSecret},
    secret::SecretRow,
};

pub(super) async fn insert(tx: &mut Writer, client: &Client, suffix: &Suffix) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO client (id, organisation_id, client_id, suffix, name, confidentiality, uri, redirect_uris, \
         post_logout_redirect_uris, grant_types, scopes, logo_uri, token_lifetime_s, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
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
            client.updated_at
        ],
    )
    .await?;
    Ok(())
}

pub(super) async fn update(tx: &mut Writer, client: &Client) -> Result<(), DbError> {
    tx.execute(
        "UPDATE client SET name = $3, uri = $4, redirect_uris = $5, post_logout_redirect_uris = $6, grant_types = $7, \
         scopes = $8, logo_uri = $9, token_lifetime_s = $10, updated_at = $11, verified_at = $12, verified_by = $13, \
         disabled_at = $14 WHERE id = $1 AND organisation_id = $2",
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
            client.disabled_at
        ],
    )
    .await?;
    tx.publish(CHANGED, &client.id.to_string()).await?;
    Ok(())
}

pub(super) async fn by_id(
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

pub(super) async fn insert_secret(tx: &mut Writer, secret: &SecretRow) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO client_secret (id, client_id, digest, created_at) VALUES ($1, $2, $3, $4)",
        binds![secret.id, secret.client, secret.digest, secret.created_at],
    )
    .await?;
    Ok(())
}

/// The live and past secrets of a client, the newest first. A client that is used for years has drawn hundreds at most.
pub(super) async fn secrets(tx: &mut Reader, client: Id<kernel::Client>) -> Result<Vec<SecretRow>, DbError> {
    tx.all("SELECT * FROM client_secret WHERE client_id = $1 ORDER BY id DESC LIMIT 200", binds![client])
        .await
}

/// Lets every live secret end by then, if it would not end earlier.
pub(super) async fn end_secrets(
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
            uri: row.get("uri")?,
            redirect_uris: row.get::<Json<_>>("redirect_uris")?.0,
            post_logout_redirect_uris: row.get::<Json<_>>("post_logout_redirect_uris")?.0,
            grant_types: row.get::<Json<_>>("grant_types")?.0,
            scopes: row.get("scopes")?,
            logo_uri: row.get("logo_uri")?,
            token_lifetime_s: row.get("token_lifetime_s")?,
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
        })
    }
}

/// A client, and beside it the secret with this digest if it is one of its secrets: one statement, whether there is
/// such a client or not.
pub(super) async fn with_secret(
    tx: &mut Reader,
    client_id: &ClientIdText,
    digest: &Digest,
) -> Result<Option<Found>, DbError> {
    tx.optional(
        "SELECT client.*, client_secret.id AS secret_id, client_secret.expires_at AS secret_expires_at, \
         client_secret.last_used_at AS secret_last_used_at, client_secret.retired_at AS secret_retired_at \
         FROM client LEFT JOIN client_secret ON client_secret.client_id = client.id AND client_secret.digest = $2 \
         WHERE client.client_id = $1",
        binds![client_id, digest],
    )
    .await
}

impl FromRow for Found {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let secret = match row.get("secret_id")? {
            None => None,
            Some(id) => Some(FoundSecret {
                id,
                expires_at: row.get("secret_expires_at")?,
                last_used_at: row.get("secret_last_used_at")?,
                retired_at: row.get("secret_retired_at")?,
            }),
        };
        Ok(Self { client: Client::from_row(row)?, secret })
    }
}
