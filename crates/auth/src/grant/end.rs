//! A grant ends: no refresh token of it is good any more, and no access token.

use kernel::{Id, Person, Timestamp};
use store::{DbError, Writer};

use super::{GrantRow, is_offline, queries};
use crate::{
    Acting, Auth,
    token::revocation::{self, Revoked},
};

/// End a grant in the transaction of what brings it about. The caller lets this node [`heed`](Auth::heed) it after the commit.
pub(crate) async fn end(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    grant: &GrantRow,
    why: &'static str,
    now: Timestamp,
) -> Result<Option<Revoked>, DbError> {
    if queries::revoke(tx, grant.id, now).await? == 0 {
        return Ok(None);
    }
    let revoked = Revoked::grant(grant.id, now);
    revocation::record(tx, auth.world(), &revoked).await?;
    let details = serde_json::json!({ "client": grant.client, "why": why });
    audit::record(tx, auth.world(), &acting.entry("grant.revoked", grant.id, details)).await?;
    Ok(Some(revoked))
}

/// End every grant of the person that was given in a session which has ended, and is not for use without it.
pub(crate) async fn end_with_sessions(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    person: Id<Person>,
    now: Timestamp,
) -> Result<Vec<Revoked>, DbError> {
    let mut revoked = Vec::new();
    for grant in queries::of_ended_sessions(tx, person).await? {
        if !is_offline(&grant.scopes) {
            revoked.extend(end(tx, auth, acting, &grant, "signed_out", now).await?);
        }
    }
    Ok(revoked)
}
