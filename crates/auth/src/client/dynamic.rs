//! Clients that come through the registration endpoints, in the transactions of these.  RFC 7591, RFC 7592

use kernel::{Id, Secret};
use store::Writer;

use super::{
    Client, ClientFault, ClientIdText, Suffix, queries,
    register::{Registration, read, read_with_suffix, registered_entry},
    review,
    secret::{NewSecret, SecretRow},
    update::changed,
};
use crate::{Acting, Auth};

/// A client that is about to be registered, with its first secret.
pub(crate) struct Drawn {
    pub client: Client,
    pub secret: Option<Secret<String>>,
    row: Option<SecretRow>,
    suffix: Suffix,
}

/// Read a registration and draw what is to be drawn; nothing is written yet.
pub(crate) fn draw(auth: &Auth, acting: &Acting, registration: &Registration) -> Result<Drawn, ClientFault> {
    let suffix = format!("dyn{:016x}", u64::from_be_bytes(auth.world().random()));
    let (suffix, read) = read_with_suffix(&suffix, registration, &auth.known())?;
    let client_id = ClientIdText::new(auth.world(), &suffix);
    let client = read.into_client(auth, acting, auth.world().new_id(), client_id);
    let first = client.auth_method.has_secret().then(|| NewSecret::draw(auth));
    let row = first.as_ref().map(|secret| secret.row(auth, &client, client.created_at));
    Ok(Drawn { client, secret: first.map(|secret| secret.text), row, suffix })
}

/// Write it.
pub(crate) async fn insert(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    drawn: &Drawn,
) -> Result<(), ClientFault> {
    queries::insert(tx, &drawn.client, &drawn.suffix).await?;
    if let Some(row) = &drawn.row {
        queries::insert_secret(tx, row).await?;
    }
    Ok(audit::record(tx, auth.world(), &registered_entry(acting, &drawn.client)).await?)
}

/// Replace a registration. A client that comes to need a secret gets one; its text is given this once.
pub(crate) async fn replace(
    tx: &mut Writer,
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
    registration: &Registration,
) -> Result<(Client, Option<Secret<String>>), ClientFault> {
    let now = auth.world().now();
    let read = read(registration, &auth.known()).map_err(ClientFault::Refused)?;
    let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
    let lifetime_s = before.token_lifetime_s;
    let had_secret = before.auth_method.has_secret();
    let after = Client { token_lifetime_s: lifetime_s, ..changed(before.clone(), read, now)? };
    review::lapse(tx, auth.world(), acting, &before, &after).await?;
    queries::update(tx, &after).await?;
    let first = (after.auth_method.has_secret() && !had_secret).then(|| NewSecret::draw(auth));
    if let Some(secret) = &first {
        queries::insert_secret(tx, &secret.row(auth, &after, now)).await?;
    }
    let details = serde_json::json!({ "scopes": after.scopes, "verified": after.verified_at.is_some() });
    audit::record(tx, auth.world(), &acting.entry("client.updated", id, details)).await?;
    Ok((after, first.map(|secret| secret.text)))
}
