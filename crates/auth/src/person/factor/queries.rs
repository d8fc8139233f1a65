//! SQL of factors, recovery codes and questions about passkeys.

use kernel::{Digest, Factor, Id, Person, Timestamp};
use store::{DbError, FromRow, Reader, Row, Writer, binds};
use vault::Sealed;

use super::{Kind, app::NewFactor, change::FactorRow, passkey::Known};

pub(super) async fn insert(tx: &mut Writer, new: &NewFactor) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO factor (id, person_id, kind, name, secret, credential, step, created_at, confirmed_at) \
         VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)",
        binds![
            new.id,
            new.person,
            new.kind,
            new.name,
            new.secret,
            new.credential,
            new.created_at,
            new.confirmed_at
        ],
    )
    .await
}

/// What kinds of factors a person has that count.
pub(crate) async fn kinds(tx: &mut Reader, person: Id<Person>) -> Result<Vec<Kind>, DbError> {
    let rows: Vec<(Kind,)> = tx
        .all(
            "SELECT DISTINCT kind FROM factor WHERE person_id = $1 AND confirmed_at IS NOT NULL ORDER BY kind",
            binds![person],
        )
        .await?;
    Ok(rows.into_iter().map(|(kind,)| kind).collect())
}

pub(super) async fn of(tx: &mut Reader, person: Id<Person>) -> Result<Vec<FactorRow>, DbError> {
    tx.all(
        "SELECT id, kind, name, confirmed_at, used_at FROM factor \
         WHERE person_id = $1 AND confirmed_at IS NOT NULL ORDER BY id",
        binds![person],
    )
    .await
}

/// A factor with its key, or with what is kept of a passkey.
pub(super) struct Kept {
    pub id: Id<Factor>,
    pub secret: Sealed,
}

/// What a person has of a kind that counts.
pub(super) async fn kept(tx: &mut Reader, person: Id<Person>, kind: Kind) -> Result<Vec<Kept>, DbError> {
    tx.all(
        "SELECT id, secret FROM factor WHERE person_id = $1 AND kind = $2 AND confirmed_at IS NOT NULL ORDER BY id",
        binds![person, kind],
    )
    .await
}

/// Takes a code's step, unless this or a later one was taken: once, however many ask at once.
pub(super) async fn take_step(
    tx: &mut Writer,
    id: Id<Factor>,
    step: i64,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute("UPDATE factor SET step = $2, used_at = $3 WHERE id = $1 AND step < $2", binds![id, step, now])
        .await
}

pub(super) async fn unconfirmed(
    tx: &mut Reader,
    person: Id<Person>,
    id: Id<Factor>,
    created_after: Timestamp,
) -> Result<Option<Kept>, DbError> {
    tx.optional(
        "SELECT id, secret FROM factor WHERE id = $1 AND person_id = $2 AND confirmed_at IS NULL AND created_at > $3",
        binds![id, person, created_after],
    )
    .await
}

pub(super) async fn forget_unconfirmed(tx: &mut Writer, person: Id<Person>) -> Result<u64, DbError> {
    tx.execute("DELETE FROM factor WHERE person_id = $1 AND confirmed_at IS NULL", binds![person]).await
}

pub(super) async fn confirm(
    tx: &mut Writer,
    id: Id<Factor>,
    name: &Sealed,
    step: i64,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE factor SET name = $2, step = $3, confirmed_at = $4 WHERE id = $1 AND confirmed_at IS NULL",
        binds![id, name, step, now],
    )
    .await
}

pub(super) async fn rename(
    tx: &mut Writer,
    person: Id<Person>,
    id: Id<Factor>,
    name: &Sealed,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE factor SET name = $3 WHERE id = $1 AND person_id = $2 AND confirmed_at IS NOT NULL",
        binds![id, person, name],
    )
    .await
}

pub(super) async fn remove(tx: &mut Writer, person: Id<Person>, id: Id<Factor>) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM factor WHERE id = $1 AND person_id = $2 AND confirmed_at IS NOT NULL",
        binds![id, person],
    )
    .await
}

pub(super) async fn passkey(
    tx: &mut Reader,
    person: Id<Person>,
    credential: &Digest,
) -> Result<Option<Known>, DbError> {
    tx.optional(
        "SELECT factor.id, factor.person_id, person.organisation_id, factor.secret, person.disabled_at \
         FROM factor JOIN person ON person.id = factor.person_id \
         WHERE factor.credential = $1 AND factor.person_id = $2",
        binds![credential, person],
    )
    .await
}

/// Writes down what a passkey has become, where it is still what it was.
pub(super) async fn used(
    tx: &mut Writer,
    id: Id<Factor>,
    before: &Sealed,
    after: &Sealed,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE factor SET secret = $3, used_at = $4 WHERE id = $1 AND secret = $2",
        binds![id, before, after, now],
    )
    .await
}

pub(super) async fn insert_recovery_code(
    tx: &mut Writer,
    person: Id<Person>,
    digest: &Digest,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO recovery_code (digest, person_id, created_at) VALUES ($1, $2, $3)",
        binds![digest, person, now],
    )
    .await
}

pub(super) async fn forget_recovery_codes(tx: &mut Writer, person: Id<Person>) -> Result<u64, DbError> {
    tx.execute("DELETE FROM recovery_code WHERE person_id = $1", binds![person]).await
}

pub(super) async fn use_recovery_code(
    tx: &mut Writer,
    person: Id<Person>,
    digest: &Digest,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "UPDATE recovery_code SET used_at = $3 WHERE digest = $1 AND person_id = $2 AND used_at IS NULL",
        binds![digest, person, now],
    )
    .await
}

pub(super) async fn recovery_codes_left(tx: &mut Reader, person: Id<Person>) -> Result<i64, DbError> {
    let (left,): (i64,) = tx
        .one("SELECT COUNT(*) FROM recovery_code WHERE person_id = $1 AND used_at IS NULL", binds![person])
        .await?;
    Ok(left)
}

pub(super) async fn ask(
    tx: &mut Writer,
    id: Id<Factor>,
    person: Option<Id<Person>>,
    state: &Sealed,
    expires_at: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO passkey_question (id, person_id, state, expires_at) VALUES ($1, $2, $3, $4)",
        binds![id, person, state, expires_at],
    )
    .await
}

pub(super) async fn take_registration(
    tx: &mut Writer,
    id: Id<Factor>,
    person: Id<Person>,
    now: Timestamp,
) -> Result<Option<Sealed>, DbError> {
    let taken: Option<(Sealed,)> = tx
        .optional(
            "DELETE FROM passkey_question WHERE id = $1 AND person_id = $2 AND expires_at > $3 RETURNING state",
            binds![id, person, now],
        )
        .await?;
    Ok(taken.map(|(state,)| state))
}

pub(super) async fn take_sign_in(
    tx: &mut Writer,
    id: Id<Factor>,
    now: Timestamp,
) -> Result<Option<Sealed>, DbError> {
    let taken: Option<(Sealed,)> = tx
        .optional(
            "DELETE FROM passkey_question WHERE id = $1 AND person_id IS NULL AND expires_at > $2 RETURNING state",
            binds![id, now],
        )
        .await?;
    Ok(taken.map(|(state,)| state))
}

impl FromRow for Kept {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self { id: row.get("id")?, secret: row.get("secret")? })
    }
}

impl FromRow for FactorRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            name: row.get("name")?,
            confirmed_at: row.get("confirmed_at")?,
            used_at: row.get("used_at")?,
        })
    }
}

impl FromRow for Known {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            person: row.get("person_id")?,
            organisation: row.get("organisation_id")?,
            secret: row.get("secret")?,
            disabled_at: row.get("disabled_at")?,
        })
    }
}
