//! SQL of people, their roles, and how often sign-in failed.

use kernel::{Digest, Id, Organisation, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};

use super::{
    find::Closed,
    register::PersonRow,
    sign_in::Account,
    throttle::{FORGET, Keys, Tallies},
};

pub(super) async fn insert(tx: &mut Writer, person: &PersonRow) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO person (id, organisation_id, email_digest, email, display_name, password, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        binds![
            person.id,
            person.organisation,
            person.email_digest,
            person.email,
            person.display_name,
            person.password,
            person.created_at
        ],
    )
    .await
}

pub(super) async fn account(tx: &mut Reader, email: &Digest) -> Result<Option<Account>, DbError> {
    tx.optional(
        "SELECT id, organisation_id, password, disabled_at FROM person WHERE email_digest = $1",
        binds![email],
    )
    .await
}

/// Whether an account is switched off, or not there at all.
pub(super) async fn is_disabled(tx: &mut Reader, person: Id<kernel::Person>) -> Result<bool, DbError> {
    let live: Option<(Id<kernel::Person>,)> =
        tx.optional("SELECT id FROM person WHERE id = $1 AND disabled_at IS NULL", binds![person]).await?;
    Ok(live.is_none())
}

pub(super) async fn by_id(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    id: Id<kernel::Person>,
) -> Result<Option<Closed>, DbError> {
    tx.optional("SELECT * FROM person WHERE id = $1 AND organisation_id = $2", binds![id, organisation]).await
}

pub(super) async fn by_email(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    email: &Digest,
) -> Result<Option<Closed>, DbError> {
    tx.optional(
        "SELECT * FROM person WHERE email_digest = $1 AND organisation_id = $2",
        binds![email, organisation],
    )
    .await
}

pub(super) async fn of_any_organisation(
    tx: &mut Reader,
    id: Id<kernel::Person>,
) -> Result<Option<Closed>, DbError> {
    tx.optional("SELECT * FROM person WHERE id = $1", binds![id]).await
}

pub(super) async fn of_organisation(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    after: Option<Id<kernel::Person>>,
    rows_max: i64,
) -> Result<Vec<Closed>, DbError> {
    let after = after.unwrap_or(Id::from_bytes([0; 16]));
    tx.all(
        "SELECT * FROM person WHERE organisation_id = $1 AND id > $2 ORDER BY id LIMIT $3",
        binds![organisation, after, rows_max],
    )
    .await
}

pub(super) async fn disable(
    tx: &mut Writer,
    organisation: Id<Organisation>,
    id: Id<kernel::Person>,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE person SET disabled_at = $3, updated_at = $3 \
         WHERE id = $1 AND organisation_id = $2 AND disabled_at IS NULL",
        binds![id, organisation, now],
    )
    .await
}

/// How often sign-in failed under one key.
#[derive(Clone, Copy)]
pub(super) struct Tally {
    pub failures: u32,
    pub tried_at: Timestamp,
    pub succeeded_at: Option<Timestamp>,
}

pub(super) async fn tallies(tx: &mut Reader, keys: &Keys) -> Result<Tallies, DbError> {
    Ok(Tallies {
        account_at_source: tally(tx, keys.account, keys.source).await?,
        source: tally(tx, keys.any, keys.source).await?,
        account: tally(tx, keys.account, keys.any).await?,
    })
}

async fn tally(tx: &mut Reader, account: Digest, source: Digest) -> Result<Option<Tally>, DbError> {
    tx.optional(
        "SELECT failures, tried_at, succeeded_at FROM sign_in_tally WHERE account = $1 AND source = $2",
        binds![account, source],
    )
    .await
}

/// Counts a try under all three keys, as a failure until it turns out otherwise.
pub(super) async fn count_try(tx: &mut Writer, keys: &Keys, now: Timestamp) -> Result<(), DbError> {
    for (account, source) in [(keys.account, keys.source), (keys.any, keys.source), (keys.account, keys.any)]
    {
        tx.execute(
            "INSERT INTO sign_in_tally (account, source, failures, tried_at) VALUES ($1, $2, 1, $3) \
             ON CONFLICT (account, source) DO UPDATE SET tried_at = excluded.tried_at, \
             failures = CASE WHEN sign_in_tally.tried_at < $4 THEN 1 \
             WHEN sign_in_tally.failures < 1000000 THEN sign_in_tally.failures + 1 ELSE 1000000 END",
            binds![account, source, now, now - FORGET],
        )
        .await?;
    }
    Ok(())
}

/// The try was none of the failures: what the account has failed at this source is forgotten, the others lose one.
pub(super) async fn count_success(tx: &mut Writer, keys: &Keys, now: Timestamp) -> Result<(), DbError> {
    tx.execute(
        "UPDATE sign_in_tally SET failures = 0, succeeded_at = $3 WHERE account = $1 AND source = $2",
        binds![keys.account, keys.source, now],
    )
    .await?;
    for (account, source) in [(keys.any, keys.source), (keys.account, keys.any)] {
        tx.execute(
            "UPDATE sign_in_tally SET failures = failures - 1 WHERE account = $1 AND source = $2 AND failures > 0",
            binds![account, source],
        )
        .await?;
    }
    Ok(())
}

impl FromRow for Tally {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            failures: row.get("failures")?,
            tried_at: row.get("tried_at")?,
            succeeded_at: row.get("succeeded_at")?,
        })
    }
}

impl FromRow for Account {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            password: row.get("password")?,
            disabled_at: row.get("disabled_at")?,
        })
    }
}

impl FromRow for Closed {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            email: row.get("email")?,
            display_name: row.get("display_name")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
            disabled_at: row.get("disabled_at")?,
        })
    }
}
