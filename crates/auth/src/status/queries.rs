//! SQL of status lists.

use kernel::{Id, Timestamp};
use store::{Db, DbError, Reader, Writer, binds};

use super::{Place, StatusList};

pub(super) async fn begin(db: &Db, list: Id<StatusList>, now: Timestamp) -> Result<u64, DbError> {
    db.execute("INSERT INTO status_list (id, created_at) VALUES ($1, $2)", binds![list, now]).await
}

/// The token at this place is not valid any more. A list that was swept meanwhile has nobody who asks.
pub(crate) async fn mark_one(tx: &mut Writer, place: Place, now: Timestamp) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO status_entry (list_id, position, marked_at) SELECT id, $2, $3 FROM status_list WHERE id = $1 \
         ON CONFLICT DO NOTHING",
        binds![place.list, place.position, now],
    )
    .await
}

/// When the list was begun.
pub(super) async fn begun_at(tx: &mut Reader, list: Id<StatusList>) -> Result<Option<Timestamp>, DbError> {
    let row: Option<(Timestamp,)> =
        tx.optional("SELECT created_at FROM status_list WHERE id = $1", binds![list]).await?;
    Ok(row.map(|(at,)| at))
}

/// A page of the places that are marked, from one on.
pub(super) async fn marked(
    tx: &mut Reader,
    list: Id<StatusList>,
    from: u32,
    rows_max: i64,
) -> Result<Vec<u32>, DbError> {
    let rows: Vec<(u32,)> = tx
        .all(
            "SELECT position FROM status_entry WHERE list_id = $1 AND position >= $2 ORDER BY position LIMIT $3",
            binds![list, from, rows_max],
        )
        .await?;
    Ok(rows.into_iter().map(|(position,)| position).collect())
}

/// Grants of a person, ended or not, that may have tokens.
pub(super) async fn grants_of_person(
    tx: &mut Reader,
    person: [u8; 16],
    since: Timestamp,
) -> Result<Vec<(Id<crate::grant::Grant>, Id<kernel::Organisation>)>, DbError> {
    tx.all(
        "SELECT id, organisation_id FROM authorization_grant WHERE person_id = $1 AND used_at >= $2 ORDER BY id LIMIT 10000",
        binds![person, since],
    )
    .await
}

pub(super) async fn organisation_of_grant(
    tx: &mut Reader,
    grant: [u8; 16],
) -> Result<Option<Id<kernel::Organisation>>, DbError> {
    let row: Option<(Id<kernel::Organisation>,)> =
        tx.optional("SELECT organisation_id FROM authorization_grant WHERE id = $1", binds![grant]).await?;
    Ok(row.map(|(organisation,)| organisation))
}

pub(super) async fn organisation_of_client(
    tx: &mut Reader,
    client: [u8; 16],
) -> Result<Option<Id<kernel::Organisation>>, DbError> {
    let row: Option<(Id<kernel::Organisation>,)> =
        tx.optional("SELECT organisation_id FROM client WHERE id = $1", binds![client]).await?;
    Ok(row.map(|(organisation,)| organisation))
}
