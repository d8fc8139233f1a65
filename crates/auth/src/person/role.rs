//! Giving people roles, and taking them.

use kernel::{Actor, GRANTS_MAX, Grant, Grants, Id, Organisation, Role};
use store::{Reader, Writer};

use super::{PersonFault, queries};
use crate::{
    Acting, Auth, role,
    token::revocation::{self, Revoked},
};

/// Give a person a role in the acting person's organisation, or in a study of it.
///
/// # Errors
/// [`PersonFault::NotFound`] also where there is no such study; [`PersonFault::NotTheirsToGive`] for a role over all organisations;
/// [`PersonFault::TooManyRoles`].
pub async fn grant(
    auth: &Auth,
    acting: &Acting,
    person: Id<kernel::Person>,
    grant: impl Into<Grant>,
) -> Result<(), PersonFault> {
    let (world, acting, now, grant) =
        (auth.world().clone(), acting.clone(), auth.world().now(), grant.into());
    auth.db()
        .write(async move |tx| -> Result<(), PersonFault> {
            queries::by_id(tx, acting.organisation, person).await?.ok_or(PersonFault::NotFound)?;
            check_giver(tx, &acting, grant).await?;
            if role::queries::within(tx, person, acting.organisation).await?.iter().count() >= GRANTS_MAX {
                return Err(PersonFault::TooManyRoles);
            }
            if role::queries::give(tx, person, acting.organisation, grant, now).await? > 0 {
                let entry = acting.entry("role.granted", person, details(grant));
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}

/// Take a role in the acting person's organisation, or in a study of it, from a person. Tokens that tell of it are dead.
///
/// # Errors
/// [`PersonFault::LastAdministrator`] where nobody would be left who can give roles; [`PersonFault::NotTheirsToGive`].
pub async fn withdraw(
    auth: &Auth,
    acting: &Acting,
    person: Id<kernel::Person>,
    grant: impl Into<Grant>,
) -> Result<(), PersonFault> {
    let (world, acting, now, grant) =
        (auth.world().clone(), acting.clone(), auth.world().now(), grant.into());
    let revoked = grant.role.code().map(|_| Revoked::person(person, now));
    let row = revoked.clone();
    let taken = auth
        .db()
        .write(async move |tx| -> Result<u64, PersonFault> {
            check_giver(tx, &acting, grant).await?;
            let taken = role::queries::take(tx, person, acting.organisation, grant).await?;
            if taken > 0 {
                keep_an_administrator(tx, acting.organisation).await?;
                if let Some(row) = &row {
                    revocation::record(tx, &world, row).await?;
                }
                let entry = acting.entry("role.withdrawn", person, details(grant));
                audit::record(tx, &world, &entry).await?;
            }
            Ok(taken)
        })
        .await?;
    revoked.iter().filter(|_| taken > 0).for_each(|revoked| auth.heed(revoked));
    Ok(())
}

/// The roles that a person of the acting person's organisation has there.
///
/// # Errors
/// The database.
pub async fn roles_of(
    auth: &Auth,
    acting: &Acting,
    person: Id<kernel::Person>,
) -> Result<Grants, PersonFault> {
    Ok(role::queries::within(&mut auth.db().read().await?, person, acting.organisation).await?)
}

/// Who may give a role at all is asked at the door. One over all organisations is for those who have it, and for the operator; a
/// study is one of the organisation's own.
pub(super) async fn check_giver(tx: &mut Reader, acting: &Acting, grant: Grant) -> Result<(), PersonFault> {
    if let Some(study) = grant.study
        && !role::queries::has_study(tx, acting.organisation, study).await?
    {
        return Err(PersonFault::NotFound);
    }
    match acting.actor {
        _ if grant.role != Role::SystemAdmin => Ok(()),
        Actor::System => Ok(()),
        Actor::Person { person, .. }
            if role::queries::within(tx, person, acting.organisation).await?.has(Role::SystemAdmin) =>
        {
            Ok(())
        }
        Actor::Person { .. } | Actor::Client(_) | Actor::Receiver(_) | Actor::Anonymous => {
            Err(PersonFault::NotTheirsToGive)
        }
    }
}

fn details(grant: Grant) -> serde_json::Value {
    serde_json::json!({ "role": grant.role.as_str(), "study": grant.study })
}

/// Undoes the unit where it would leave an organisation without an administrator.
pub(super) async fn keep_an_administrator(
    tx: &mut Writer,
    organisation: Id<Organisation>,
) -> Result<(), PersonFault> {
    if role::queries::live_administrators(tx, organisation).await? == 0 {
        Err(PersonFault::LastAdministrator)
    } else {
        Ok(())
    }
}
