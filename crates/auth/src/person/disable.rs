//! Switching an account off: sessions end, tokens are dead, nobody signs in with it.

use kernel::Id;

use super::{PersonFault, queries};
use crate::{
    Acting, Auth, grant,
    session::{Ending, end_in},
    token::revocation::{self, Revoked},
};

/// Switch off an account of the acting person's organisation.
///
/// # Errors
/// [`PersonFault::NotFound`], [`PersonFault::LastAdministrator`].
pub async fn disable(auth: &Auth, acting: &Acting, id: Id<kernel::Person>) -> Result<(), PersonFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let revoked = Revoked::person(id, now);
    let (row, auth_in) = (revoked.clone(), auth.clone());
    let ended = auth
        .db()
        .write(async move |tx| {
            if queries::disable(tx, acting.organisation, id, now).await? == 0 {
                return Err(PersonFault::NotFound);
            }
            super::role::keep_an_administrator(tx, acting.organisation).await?;
            let ended = end_in(tx, &auth_in, &acting, Ending::AllOf(id)).await?;
            grant::queries::revoke_of_person(tx, id, now).await?;
            revocation::record(tx, &world, &row).await?;
            audit::record(tx, &world, &acting.entry("person.disabled", id, serde_json::Value::Null)).await?;
            Ok::<_, PersonFault>(ended)
        })
        .await?;
    ended.heed(auth);
    auth.heed(&revoked);
    Ok(())
}
