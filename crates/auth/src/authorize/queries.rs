//! SQL of authorization requests, consent and codes.

use kernel::{Client, Digest, Id, Person, Scopes, Timestamp};
use store::{DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{
    NewCode,
    pending::{Request, RequestRow},
    push::PushedRow,
};
use crate::grant::Details;

pub(super) async fn insert_request(tx: &mut Writer, new: &RequestRow) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO authorization_request (id, person_id, client_id, redirect_uri, scopes, state, nonce, \
         code_challenge, details, expires_at, response_mode) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        binds![
            new.id,
            new.person,
            new.client,
            new.redirect_uri,
            new.scopes,
            new.state,
            new.nonce,
            new.code_challenge,
            Json(&new.details),
            new.expires_at,
            new.mode
        ],
    )
    .await
}

pub(super) async fn request(
    tx: &mut Reader,
    person: Id<Person>,
    id: Id<Request>,
) -> Result<Option<RequestRow>, DbError> {
    tx.optional("SELECT * FROM authorization_request WHERE id = $1 AND person_id = $2", binds![id, person])
        .await
}

/// What the person has chosen goes into the request that waits.
pub(crate) async fn set_context(
    tx: &mut Writer,
    person: Id<Person>,
    id: Id<Request>,
    scopes: &Scopes,
    details: &Details,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_request SET scopes = $3, details = $4 WHERE id = $1 AND person_id = $2",
        binds![id, person, scopes, Json(details)],
    )
    .await
}

/// The request is gone with the answer: it is answered once.
pub(super) async fn take_request(
    tx: &mut Writer,
    person: Id<Person>,
    id: Id<Request>,
) -> Result<Option<RequestRow>, DbError> {
    tx.optional(
        "DELETE FROM authorization_request WHERE id = $1 AND person_id = $2 RETURNING *",
        binds![id, person],
    )
    .await
}

pub(super) async fn allowed(
    tx: &mut Reader,
    person: Id<Person>,
    client: Id<Client>,
) -> Result<Scopes, DbError> {
    let row: Option<(Scopes,)> = tx
        .optional(
            "SELECT scopes FROM consent WHERE person_id = $1 AND client_id = $2",
            binds![person, client],
        )
        .await?;
    Ok(row.map(|(scopes,)| scopes).unwrap_or_default())
}

/// What was allowed to a client is forgotten, codes that it has not redeemed included: it has to ask again.
pub(crate) async fn forget_consent(
    tx: &mut Writer,
    person: Id<Person>,
    client: Id<Client>,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM authorization_code WHERE person_id = $1 AND client_id = $2 AND grant_id IS NULL",
        binds![person, client],
    )
    .await?;
    tx.execute("DELETE FROM consent WHERE person_id = $1 AND client_id = $2", binds![person, client]).await
}

pub(super) async fn remember(
    tx: &mut Writer,
    person: Id<Person>,
    client: Id<Client>,
    scopes: &Scopes,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO consent (person_id, client_id, scopes, granted_at) VALUES ($1, $2, $3, $4) \
         ON CONFLICT (person_id, client_id) DO UPDATE SET scopes = excluded.scopes, granted_at = excluded.granted_at",
        binds![person, client, scopes, now],
    )
    .await
}

pub(super) async fn insert_code(tx: &mut Writer, new: &NewCode) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO authorization_code (digest, client_id, person_id, session_id, redirect_uri, scopes, nonce, \
         code_challenge, details, authenticated_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        binds![
            new.digest,
            new.client,
            new.person,
            new.session,
            new.redirect_uri,
            new.scopes,
            new.nonce,
            new.code_challenge,
            Json(&new.details),
            new.authenticated_at,
            new.expires_at
        ],
    )
    .await
}

pub(super) async fn insert_pushed(tx: &mut Writer, new: &PushedRow) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO pushed_request (digest, client_id, request, expires_at) VALUES ($1, $2, $3, $4)",
        binds![new.digest, new.client, new.request.clone(), new.expires_at],
    )
    .await
}

pub(super) async fn pushed(tx: &mut Reader, digest: &Digest) -> Result<Option<PushedRow>, DbError> {
    tx.optional("SELECT * FROM pushed_request WHERE digest = $1", binds![digest]).await
}

pub(super) async fn delete_pushed(tx: &mut Writer, digest: &Digest) -> Result<u64, DbError> {
    tx.execute("DELETE FROM pushed_request WHERE digest = $1", binds![digest]).await
}

impl FromRow for RequestRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            person: row.get("person_id")?,
            client: row.get("client_id")?,
            redirect_uri: row.get("redirect_uri")?,
            scopes: row.get("scopes")?,
            state: row.get("state")?,
            nonce: row.get("nonce")?,
            code_challenge: row.get("code_challenge")?,
            details: row.get::<Json<_>>("details")?.0,
            expires_at: row.get("expires_at")?,
            mode: row.get("response_mode")?,
        })
    }
}

impl FromRow for PushedRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            digest: row.get("digest")?,
            client: row.get("client_id")?,
            request: row.get("request")?,
            expires_at: row.get("expires_at")?,
        })
    }
}
