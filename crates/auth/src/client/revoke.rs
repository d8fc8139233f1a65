//! Ending what a client may do: its tokens, or the client itself.

use kernel::Id;
use store::Writer;

use super::{Client, ClientFault, ClientIdText, queries};
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
    let (auth_in, acting) = (auth.clone(), acting.clone());
    let ended = auth.db().write(async move |tx| end_in(tx, &auth_in, &acting, id, switch, act).await).await?;
    ended.heed(auth);
    Ok(())
}

/// A client whose tokens are dead in the database; what this node has in memory is for [`Ended::heed`] once that is durable.
pub(crate) struct Ended {
    pub client_id: ClientIdText,
    revoked: Revoked,
}

impl Ended {
    pub(crate) fn heed(&self, auth: &Auth) {
        auth.directory().forget(self.client_id.as_str());
        auth.heed(&self.revoked);
    }
}

/// As [`disable`], in the caller's transaction.
pub(crate) async fn disable_in(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
) -> Result<Ended, ClientFault> {
    end_in(tx, auth, acting, id, Switch::Off, "client.disabled").await
}

async fn end_in(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
    switch: Switch,
    act: &'static str,
) -> Result<Ended, ClientFault> {
    let (world, now) = (auth.world(), auth.world().now());
    let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
    let ended = Ended { client_id: before.client_id.clone(), revoked: Revoked::client(id, now) };
    if switch == Switch::Off {
        let after = Client { disabled_at: before.disabled_at.or(Some(now)), updated_at: now, ..before };
        queries::update(tx, &after).await?;
    }
    grant::queries::revoke_of_client(tx, id, now).await?;
    revocation::record(tx, world, &ended.revoked).await?;
    audit::record(tx, world, &acting.entry(act, id, serde_json::Value::Null)).await?;
    Ok(ended)
}
