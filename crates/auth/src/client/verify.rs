//! An administrator vouches for a client without looking at a page, or takes that back.  Contract 1, "Developer portal"

use kernel::Id;

use super::{
    Client, ClientFault, queries,
    review::{Decision, decide_in, withdraw_in},
};
use crate::{Acting, Auth};

/// Mark a client of the administrator's organisation as verified, as it is.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn verify(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<Client, ClientFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    let after = auth
        .db()
        .write(async move |tx| -> Result<Client, ClientFault> {
            let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            decide_in(tx, &world, &acting, before, &Decision::Verify).await
        })
        .await?;
    auth.directory().forget(after.client_id.as_str());
    Ok(after)
}

/// Take the verification of a client away.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn unverify(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<Client, ClientFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    let after = auth
        .db()
        .write(async move |tx| -> Result<Client, ClientFault> {
            let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            withdraw_in(tx, &world, &acting, before).await
        })
        .await?;
    auth.directory().forget(after.client_id.as_str());
    Ok(after)
}
