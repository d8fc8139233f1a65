//! An administrator looks at a client and vouches for it, or takes that back.  Contract 1, "Developer portal"

use kernel::{Actor, Id, Person, Timestamp};

use super::{Client, ClientFault, queries};
use crate::{Acting, Auth};

/// Mark a client of the administrator's organisation as verified.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn verify(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<Client, ClientFault> {
    let by = match acting.actor {
        Actor::Person { person, .. } => Some(person),
        Actor::Client(_) | Actor::System | Actor::Anonymous => None,
    };
    set(auth, acting, id, Some((auth.world().now(), by)), "client.verified").await
}

/// Take the verification of a client away.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn unverify(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<Client, ClientFault> {
    set(auth, acting, id, None, "client.unverified").await
}

async fn set(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
    verified: Option<(Timestamp, Option<Id<Person>>)>,
    act: &'static str,
) -> Result<Client, ClientFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    let after = auth
        .db()
        .write(async move |tx| -> Result<Client, ClientFault> {
            let before = queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            let (verified_at, verified_by) = verified.map_or((None, None), |(at, by)| (Some(at), by));
            let after = Client { verified_at, verified_by, ..before };
            queries::update(tx, &after).await?;
            audit::record(tx, &world, &acting.entry(act, id, serde_json::Value::Null)).await?;
            Ok(after)
        })
        .await?;
    auth.directory().forget(after.client_id.as_str());
    Ok(after)
}
