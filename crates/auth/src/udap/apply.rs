//! What a statement changes: all of it, or nothing. A statement that is refused by what is registered is used up too, so that
//! nobody who overhears it can wait until it would be taken.

use std::sync::Arc;

use kernel::{Client, Id, Timestamp};
use store::Writer;

use super::{
    queries::{self, Spent},
    register::RegisterFault,
};
use crate::{
    Acting, Auth,
    client::{self, ClientIdText, Ended, dynamic, register::Registration},
};

/// A statement that somebody who is trusted vouches for.
pub(super) struct Said {
    /// In which community.
    pub community: String,
    /// Of which application, as its certificate names it.
    pub issuer: String,
    /// Its id, which is used once.
    pub id: String,
    /// When it is over.
    pub until: Timestamp,
    /// What it asks for.
    pub change: Change,
}

/// What is asked for, read and drawn.
pub(super) enum Change {
    /// End the registration.
    Cancel,
    /// Register, or change what is registered.
    Register(Box<Wanted>),
}

/// A client as it is to be.
pub(super) struct Wanted {
    /// The client, where there is none.
    pub drawn: dynamic::Drawn,
    /// What is registered for it, where there is one.
    pub registration: Registration,
}

/// What came of it.
pub(super) enum Outcome {
    Registered(ClientIdText),
    /// Or cancelled.
    Changed(ClientIdText),
    UsedBefore,
    NothingToCancel,
}

enum Written {
    Outcome(Outcome),
    Cancelled(Ended),
}

/// Write it, in one transaction; then this node forgets what it knew.
pub(super) async fn apply(auth: &Auth, acting: Acting, said: Said) -> Result<Outcome, RegisterFault> {
    let (auth_in, said) = (auth.clone(), Arc::new(said));
    let written = auth.db().write(async move |tx| write(tx, &auth_in, &acting, &said).await).await?;
    Ok(match written {
        Written::Cancelled(ended) => {
            ended.heed(auth);
            Outcome::Changed(ended.client_id)
        }
        Written::Outcome(Outcome::Changed(client_id)) => {
            auth.directory().forget(client_id.as_str());
            Outcome::Changed(client_id)
        }
        Written::Outcome(outcome) => outcome,
    })
}

async fn write(tx: &mut Writer, auth: &Auth, acting: &Acting, said: &Said) -> Result<Written, RegisterFault> {
    let (community, issuer) = (said.community.as_str(), said.issuer.as_str());
    if queries::spend(tx, issuer, &said.id, said.until).await? == Spent::Before {
        return Ok(Written::Outcome(Outcome::UsedBefore));
    }
    let there: Option<Id<Client>> = queries::registered(tx, community, issuer).await?;
    match (&said.change, there) {
        (Change::Cancel, None) => Ok(Written::Outcome(Outcome::NothingToCancel)),
        (Change::Cancel, Some(id)) => {
            let ended = client::disable_in(tx, auth, acting, id).await?;
            queries::unlink(tx, community, issuer).await?;
            Ok(Written::Cancelled(ended))
        }
        (Change::Register(wanted), Some(id)) => {
            let (client, _) = dynamic::replace(tx, auth, acting, id, &wanted.registration).await?;
            Ok(Written::Outcome(Outcome::Changed(client.client_id)))
        }
        (Change::Register(wanted), None) => {
            let drawn = &wanted.drawn;
            dynamic::insert(tx, auth, acting, drawn).await?;
            if queries::link(tx, community, issuer, drawn.client.id).await? == 0 {
                // Two statements at the same moment: the other was first, and nothing of this one stays.
                return Err(RegisterFault::Invalid("another statement of this issuer was taken meanwhile"));
            }
            Ok(Written::Outcome(Outcome::Registered(drawn.client.client_id.clone())))
        }
    }
}
