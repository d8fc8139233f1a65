//! The developer portal.  contract 1, Developer portal

pub(crate) mod applications;
pub(crate) mod edit;
pub(crate) mod inspect;
pub(crate) mod key;
pub(crate) mod register;
pub(crate) mod secret;
pub(crate) mod show;
pub(crate) mod trust;

use auth::{
    SignedIn, api_key,
    client::{self, Client, ClientFault},
};
use kernel::Id;
use web::Answer;

use crate::state::Console;

/// An application of the developer's organisation. An API key is a client too and no application: it has pages of its own.
pub(crate) async fn application(console: &Console, who: &SignedIn, id: Id<kernel::Client>) -> Answer<Client> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let keys = api_key::ids_of(console.auth(), &who.acting()).await?;
    if keys.contains(&id) { Err(ClientFault::NotFound.into()) } else { Ok(client) }
}
