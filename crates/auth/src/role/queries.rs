//! SQL of roles.

use kernel::{Grant, Grants, Id, IdKind, Organisation, Person, Role, Study, Timestamp};
use store::{DbError, Reader, Writer, binds};

use super::Roles;

/// Where a role is for: the study, or the organisation itself.
fn place(organisation: Id<Organisation>, grant: Grant) -> Id<Study> {
    grant.study.unwrap_or_else(|| organisation.cast())
}

fn grant_at(organisation: Id<Organisation>, role: Role, place: Id<Study>) -> Grant {
    Grant { role, study: (place != organisation.cast()).then_some(place) }
}

/// Give a role to a person or a client; says how many were new.
pub(crate) async fn give<K: IdKind>(
    tx: &mut Writer,
    holder: Id<K>,
    organisation: Id<Organisation>,
    grant: Grant,
    now: Timestamp,
) -> Result<u64, DbError> {
    tx.execute(
        "INSERT INTO role_grant (holder_id, organisation_id, role, place_id, granted_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (holder_id, organisation_id, role, place_id) DO NOTHING",
        binds![holder, organisation, grant.role, place(organisation, grant), now],
    )
    .await
}

pub(crate) async fn take<K: IdKind>(
    tx: &mut Writer,
    holder: Id<K>,
    organisation: Id<Organisation>,
    grant: Grant,
) -> Result<u64, DbError> {
    tx.execute(
        "DELETE FROM role_grant WHERE holder_id = $1 AND organisation_id = $2 AND role = $3 AND place_id = $4",
        binds![holder, organisation, grant.role, place(organisation, grant)],
    )
    .await
}

/// What a person or a client is in one organisation.
pub(crate) async fn within<K: IdKind>(
    tx: &mut Reader,
    holder: Id<K>,
    organisation: Id<Organisation>,
) -> Result<Grants, DbError> {
    let rows: Vec<(Role, Id<Study>)> = tx
        .all(
            "SELECT role, place_id FROM role_grant WHERE holder_id = $1 AND organisation_id = $2",
            binds![holder, organisation],
        )
        .await?;
    Ok(rows.into_iter().map(|(role, place)| grant_at(organisation, role, place)).collect())
}

/// What a person is everywhere.
pub(crate) async fn of_person(tx: &mut Reader, person: Id<Person>) -> Result<Roles, DbError> {
    let rows: Vec<(Id<Organisation>, Role, Id<Study>)> = tx
        .all("SELECT organisation_id, role, place_id FROM role_grant WHERE holder_id = $1", binds![person])
        .await?;
    let grants = rows.into_iter().map(|(of, role, place)| (of, grant_at(of, role, place)));
    Ok(grants.collect())
}

/// How many people of the organisation can give roles there.
pub(crate) async fn live_administrators(
    tx: &mut Reader,
    organisation: Id<Organisation>,
) -> Result<i64, DbError> {
    let (count,): (i64,) = tx
        .one(
            "SELECT COUNT(*) FROM role_grant JOIN person ON person.id = role_grant.holder_id \
             WHERE role_grant.organisation_id = $1 AND role_grant.role = $2 AND person.disabled_at IS NULL",
            binds![organisation, Role::OrgAdmin],
        )
        .await?;
    Ok(count)
}

/// Whether the organisation has this study.
pub(crate) async fn has_study(
    tx: &mut Reader,
    organisation: Id<Organisation>,
    study: Id<Study>,
) -> Result<bool, DbError> {
    let (count,): (i64,) = tx
        .one("SELECT COUNT(*) FROM study WHERE id = $1 AND organisation_id = $2", binds![study, organisation])
        .await?;
    Ok(count > 0)
}
