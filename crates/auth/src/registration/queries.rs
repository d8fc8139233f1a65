//! SQL of registrations that clients made themselves.

use kernel::{Client, Digest, Id, Organisation, Timestamp};
use store::{DbError, Reader, Writer, binds};

/// The token of a registration, the first or the next.
pub(super) async fn set_token(
    tx: &mut Writer,
    client: Id<Client>,
    digest: &Digest,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO client_registration (client_id, digest, rotated_at) VALUES ($1, $2, $3) \
         ON CONFLICT (client_id) DO UPDATE SET digest = excluded.digest, rotated_at = excluded.rotated_at",
        binds![client, digest, now],
    )
    .await
}

/// How many clients of the organisation registered themselves and are switched on.
pub(super) async fn count(tx: &mut Reader, organisation: Id<Organisation>) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT count(*) FROM client_registration JOIN client ON client.id = client_registration.client_id \
             WHERE client.organisation_id = $1 AND client.disabled_at IS NULL",
            binds![organisation],
        )
        .await?;
    Ok(count)
}

pub(super) async fn token(tx: &mut Reader, client: Id<Client>) -> Result<Option<Digest>, DbError> {
    let row: Option<(Digest,)> =
        tx.optional("SELECT digest FROM client_registration WHERE client_id = $1", binds![client]).await?;
    Ok(row.map(|(digest,)| digest))
}
