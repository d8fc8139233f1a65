//! A person takes back what they gave.

use kernel::{Client, Id};
use store::DbError;

use super::{Grant, end, queries};
use crate::{Auth, SignedIn};

/// End one grant of the person, with every token that came of it. One that is not theirs or has ended is left alone: gives
/// whether anything ended.
///
/// # Errors
/// The database; the grant goes on then.
pub async fn revoke(auth: &Auth, signed_in: &SignedIn, id: Id<Grant>) -> Result<bool, DbError> {
    let (auth_in, signed_in, now) = (auth.clone(), signed_in.clone(), auth.world().now());
    let revoked = auth
        .db()
        .write(async move |tx| -> Result<_, DbError> {
            let found = queries::with_ends(tx, id).await?;
            let theirs = found.filter(|found| found.grant.person == Some(signed_in.person));
            let Some(found) = theirs else { return Ok(None) };
            end::end(tx, &auth_in, &signed_in.acting(), &found.grant, "taken_back", now).await
        })
        .await?;
    revoked.iter().for_each(|revoked| auth.heed(revoked));
    Ok(revoked.is_some())
}

/// End every grant that the person gave to an application, and forget what was allowed to it: it has to ask again. Gives how many
/// ended.
///
/// # Errors
/// The database; nothing has ended then.
pub async fn revoke_all_of(auth: &Auth, signed_in: &SignedIn, client: Id<Client>) -> Result<usize, DbError> {
    let (auth_in, signed_in, now) = (auth.clone(), signed_in.clone(), auth.world().now());
    let revoked = auth
        .db()
        .write(async move |tx| -> Result<_, DbError> {
            let mut revoked = Vec::new();
            for grant in queries::live_between(tx, signed_in.person, client, now).await? {
                revoked.extend(end::end(tx, &auth_in, &signed_in.acting(), &grant, "taken_back", now).await?);
            }
            if crate::authorize::forget_consent(tx, signed_in.person, client).await? > 0 {
                let entry = signed_in.acting().entry("consent.forgotten", client, serde_json::Value::Null);
                audit::record(tx, auth_in.world(), &entry).await?;
            }
            Ok(revoked)
        })
        .await?;
    revoked.iter().for_each(|revoked| auth.heed(revoked));
    Ok(revoked.len())
}
