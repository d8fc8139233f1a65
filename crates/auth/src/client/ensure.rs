//! A client as a data set declares it: the same afterwards, however often it is declared.

use kernel::Secret;

use super::{
    Client, ClientFault, ClientIdText, queries,
    register::{self, Registration},
    secret::{self, NewSecret},
    update,
};
use crate::{Acting, Auth};

/// Register a client under a client id that is given, or bring what is registered for it in line. A secret is added
/// where the client does not have it.
///
/// # Errors
/// [`ClientFault::Refused`] names every field at fault; [`ClientFault::SuffixTaken`]; [`ClientFault::NotFound`] where the
/// client id is another organisation's.
pub async fn ensure(
    auth: &Auth,
    acting: &Acting,
    client_id: &ClientIdText,
    secret: Option<Secret<String>>,
    registration: &Registration,
) -> Result<Client, ClientFault> {
    let given = secret.map(|text| NewSecret::given(auth, text)).transpose()?;
    let there = queries::by_client_id(&mut auth.db().read().await?, client_id).await?;
    let Some(there) = there else {
        let (suffix, read) = register::read_with_suffix(client_id.suffix(), registration, &auth.known())?;
        let client = read.into_client(auth, acting, auth.world().new_id(), client_id.clone());
        register::insert(auth, acting, &client, &suffix, given.as_ref()).await?;
        return Ok(client);
    };
    if let Some(given) = given.filter(|_| there.auth_method.has_secret()) {
        secret::add_given(auth, acting, there.id, given).await?;
    }
    let read = register::read(registration, &auth.known()).map_err(ClientFault::Refused)?;
    if read.is_of(&there) { Ok(there) } else { update(auth, acting, there.id, registration).await }
}
