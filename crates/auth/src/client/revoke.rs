//! Ending what a client may do: its tokens, or the client itself.

use kernel::Id;

use super::{Client, ClientFault, queries};
use crate::{
    Acting, Auth, grant,
    token::revocation::{self, Revoked},
};

/// Kill every token that the client holds, and every grant.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn revoke_tokens(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<(), ClientFault> {
    end(auth, acting, id, Switch::LeaveOn, "client.tokens_revoked").await
}

/// Switch a client off: no sign-in, no token, and what it holds is dead.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn disable(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<(), ClientFault> {
    end(auth, acting, id, Switch::Off, "client.disabled").await
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    LeaveOn,
    Off,
}

async fn end(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
    switch: Switch,
    act: &'static str,
) -> Result<(), ClientFault> {
    let (world, acting, now) = (auth.world().clone(), acting.clone(), auth.world().now());
    let revoked = Revoked::client(id, now);
    let row = revoked.clone();
    let client_id = auth
        .db()
        .write(async move |tx| -> Result<_, ClientFault> {
            let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            let client_id = before.client_id.clone();
            if switch == Switch::Off {
                let after =
                    Client { disabled_at: before.disabled_at.or(Some(now)), updated_at: now, ..before };
                queries::update(tx, &after).await?;
            }
            grant::queries::revoke_of_client(tx, id, now).await?;
            revocation::record(tx, &world, &row).await?;
            audit::record(tx, &world, &acting.entry(act, id, serde_json::Value::Null)).await?;
            Ok(client_id)
        })
        .await?;
    auth.directory().forget(client_id.as_str());
    auth.heed(&revoked);
    Ok(())
}
