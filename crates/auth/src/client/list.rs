//! Reading clients: one, or an organisation's.

use kernel::Id;

use super::{Client, ClientFault, ClientIdText, queries};
use crate::{Acting, Auth};

/// How many clients a list shows; an organisation with more pages through them by the last id.
pub const LIST_ROWS_MAX: i64 = 200;

/// The clients of the acting person's organisation after the given one, in the order of their registration.
///
/// # Errors
/// The database.
pub async fn list_of(
    auth: &Auth,
    acting: &Acting,
    after: Option<Id<kernel::Client>>,
) -> Result<Vec<Client>, ClientFault> {
    let organisation = acting.organisation;
    auth.db()
        .scan(async move |tx| Ok(queries::of_organisation(tx, organisation, after, LIST_ROWS_MAX).await?))
        .await
}

/// One client of the acting person's organisation.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn get(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<Client, ClientFault> {
    queries::by_id(&mut auth.db().read().await?, acting.organisation, id).await?.ok_or(ClientFault::NotFound)
}

/// A client that is switched on, whosesoever it is: for protocols, which name clients and no organisation.
///
/// # Errors
/// The database.
pub async fn live_by_client_id(auth: &Auth, client_id: &str) -> Result<Option<Client>, ClientFault> {
    let Ok(client_id) = client_id.parse::<ClientIdText>() else { return Ok(None) };
    let client = queries::by_client_id(&mut auth.db().read().await?, &client_id).await?;
    Ok(client.filter(|client| client.disabled_at.is_none()))
}

/// A client that is switched on, by the id that a proven caller carries.
///
/// # Errors
/// The database.
pub async fn live_by_id(auth: &Auth, id: Id<kernel::Client>) -> Result<Option<Client>, ClientFault> {
    let client = queries::of_any_organisation(&mut auth.db().read().await?, id).await?;
    Ok(client.filter(|client| client.disabled_at.is_none()))
}
