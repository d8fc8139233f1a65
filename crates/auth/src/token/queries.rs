//! SQL of codes that are redeemed and of what is revoked.

use kernel::{Digest, Id, Timestamp};
use store::{Db, DbError, FromRow, Json, Reader, Row, Writer, binds};

use super::{redeem::CodeRow, revocation::Revoked};
use crate::grant::Grant;

pub(super) async fn spend_code(tx: &mut Writer, digest: &Digest, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE authorization_code SET redeemed_at = $2 WHERE digest = $1 AND redeemed_at IS NULL",
        binds![digest, now],
    )
    .await
}

pub(super) async fn code(tx: &mut Reader, digest: &Digest) -> Result<Option<CodeRow>, DbError> {
    tx.optional(
        "SELECT authorization_code.*, session.ended_at AS session_ended_at, person.disabled_at AS person_disabled_at \
         FROM authorization_code JOIN session ON session.id = authorization_code.session_id \
         JOIN person ON person.id = authorization_code.person_id WHERE authorization_code.digest = $1",
        binds![digest],
    )
    .await
}

pub(super) async fn set_grant_of_code(
    tx: &mut Writer,
    digest: &Digest,
    grant: Id<Grant>,
) -> Result<u64, DbError> {
    tx.execute("UPDATE authorization_code SET grant_id = $2 WHERE digest = $1", binds![digest, grant]).await
}

pub(super) async fn revoke(tx: &mut Writer, revoked: &Revoked) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO token_revocation (kind, subject, not_after, recorded_at, expires_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (kind, subject) DO UPDATE SET not_after = excluded.not_after, \
         recorded_at = excluded.recorded_at, expires_at = excluded.expires_at",
        binds![revoked.of, revoked.subject, revoked.not_after, revoked.recorded_at, revoked.expires_at],
    )
    .await
}

/// Everything that was recorded since and can still matter, a page at a time: after a busy day that is a lot.
pub(super) async fn revoked_since(
    db: &Db,
    since: Timestamp,
    now: Timestamp,
) -> Result<Vec<Revoked>, DbError> {
    const PAGE: i64 = 10_000;
    let mut revoked: Vec<Revoked> = Vec::new();
    loop {
        let (kind, subject) = match revoked.last() {
            Some(last) => (store::ToValue::to_value(&last.of), last.subject),
            None => (store::Value::Text(String::new()), [0; 16]),
        };
        let page: Vec<Revoked> = db
            .scan(async move |tx: &mut Reader| -> Result<_, DbError> {
                tx.all(
                    "SELECT kind, subject, not_after, recorded_at, expires_at FROM token_revocation \
                     WHERE recorded_at >= $1 AND expires_at > $2 AND (kind > $3 OR (kind = $3 AND subject > $4)) \
                     ORDER BY kind, subject LIMIT $5",
                    binds![since, now, kind, subject, PAGE],
                )
                .await
            })
            .await?;
        let is_last = i64::try_from(page.len()).is_ok_and(|rows| rows < PAGE);
        revoked.extend(page);
        if is_last {
            return Ok(revoked);
        }
    }
}

impl FromRow for Revoked {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            of: row.get("kind")?,
            subject: row.get("subject")?,
            not_after: row.get("not_after")?,
            recorded_at: row.get("recorded_at")?,
            expires_at: row.get("expires_at")?,
        })
    }
}

impl FromRow for CodeRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            client: row.get("client_id")?,
            person: row.get("person_id")?,
            session: row.get("session_id")?,
            redirect_uri: row.get("redirect_uri")?,
            scopes: row.get("scopes")?,
            nonce: row.get("nonce")?,
            code_challenge: row.get("code_challenge")?,
            details: row.get::<Json<_>>("details")?.0,
            expires_at: row.get("expires_at")?,
            grant: row.get("grant_id")?,
            session_ended_at: row.get("session_ended_at")?,
            person_disabled_at: row.get("person_disabled_at")?,
        })
    }
}
