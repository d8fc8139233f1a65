//! The developer has changed what was asked for, and asks again.

use kernel::Id;

use super::{
    Act,
    decide::person_of,
    queries::{self, NewStep},
};
use crate::{
    Acting, Auth,
    client::{self, ClientFault},
};

/// Let a client that was sent back wait for an administrator again.
///
/// # Errors
/// [`ClientFault::NotFound`]; [`ClientFault::NotSentBack`] where it is not the developer's turn.
pub async fn ask_again(auth: &Auth, acting: &Acting, id: Id<kernel::Client>) -> Result<(), ClientFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    auth.db()
        .write(async move |tx| -> Result<(), ClientFault> {
            let client =
                client::queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            let steps = queries::steps(tx, id).await?;
            if client.verified_at.is_some() || !steps.first().is_some_and(|step| step.act.is_sent_back()) {
                return Err(ClientFault::NotSentBack);
            }
            let step = NewStep {
                client: id,
                act: Act::AskedAgain,
                note: None,
                looked_at: None,
                by: person_of(&acting),
                at: world.now(),
            };
            queries::add(tx, &step).await?;
            audit::record(tx, &world, &acting.entry("client.asked_again", id, serde_json::Value::Null))
                .await?;
            Ok(())
        })
        .await
}
