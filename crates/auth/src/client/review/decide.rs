//! An administrator decides about a client; what each decision does, and what a developer's change does to it.

use kernel::{Actor, Id, Person, Timestamp};
use store::Writer;

use super::{
    Act, LookedAt, Note,
    queries::{self, NewStep},
};
use crate::{
    Acting, Auth,
    client::{self, Client, ClientFault},
};

/// What an administrator decides about a client that is not verified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// They vouch for it.
    Verify,
    /// The developer should change something first.
    AskChange(Note),
    /// They do not vouch for it.
    Refuse(Note),
}

impl Decision {
    const fn act(&self) -> Act {
        match self {
            Self::Verify => Act::Verified,
            Self::AskChange(_) => Act::ChangeAsked,
            Self::Refuse(_) => Act::Refused,
        }
    }

    const fn audited_as(&self) -> &'static str {
        match self {
            Self::Verify => "client.verified",
            Self::AskChange(_) => "client.change_asked",
            Self::Refuse(_) => "client.refused",
        }
    }

    fn note(&self) -> Option<&str> {
        match self {
            Self::Verify => None,
            Self::AskChange(note) | Self::Refuse(note) => Some(note.as_str()),
        }
    }
}

/// Decide about a client of the administrator's organisation as it was at `seen`, its `updated_at`.
///
/// # Errors
/// [`ClientFault::NotFound`]; [`ClientFault::Changed`] where it is another registration by now, or verified.
pub async fn decide(
    auth: &Auth,
    acting: &Acting,
    id: Id<kernel::Client>,
    decision: &Decision,
    seen: Timestamp,
) -> Result<Client, ClientFault> {
    let (world, acting, decision) = (auth.world().clone(), acting.clone(), decision.clone());
    let after = auth
        .db()
        .write(async move |tx| -> Result<Client, ClientFault> {
            let before =
                client::queries::by_id(tx, acting.organisation, id).await?.ok_or(ClientFault::NotFound)?;
            if before.updated_at != seen || before.verified_at.is_some() {
                return Err(ClientFault::Changed);
            }
            decide_in(tx, &world, &acting, before, &decision).await
        })
        .await?;
    auth.directory().forget(after.client_id.as_str());
    Ok(after)
}

/// As [`decide`], in the caller's transaction, about a client as it is there.
pub(in crate::client) async fn decide_in(
    tx: &mut Writer,
    world: &kernel::World,
    acting: &Acting,
    before: Client,
    decision: &Decision,
) -> Result<Client, ClientFault> {
    let (now, by, id) = (world.now(), person_of(acting), before.id);
    let looked_at = LookedAt::of(&before);
    let is_verified = *decision == Decision::Verify;
    let step = NewStep {
        client: id,
        act: decision.act(),
        note: decision.note(),
        looked_at: is_verified.then_some(&looked_at),
        by,
        at: now,
    };
    queries::add(tx, &step).await?;
    let after = if is_verified {
        let after = Client { verified_at: Some(now), verified_by: by, ..before };
        client::queries::update(tx, &after).await?;
        after
    } else {
        before
    };
    audit::record(tx, world, &acting.entry(decision.audited_as(), id, serde_json::Value::Null)).await?;
    Ok(after)
}

/// An administrator takes the verification back.
pub(in crate::client) async fn withdraw_in(
    tx: &mut Writer,
    world: &kernel::World,
    acting: &Acting,
    before: Client,
) -> Result<Client, ClientFault> {
    step_after(tx, world, acting, &before, Act::Withdrawn).await?;
    let after = Client { verified_at: None, verified_by: None, ..before };
    client::queries::update(tx, &after).await?;
    audit::record(tx, world, &acting.entry("client.unverified", after.id, serde_json::Value::Null)).await?;
    Ok(after)
}

/// A developer has changed what was verified, if so: the caller writes the client, and the audit row that tells it.
pub(in crate::client) async fn lapse(
    tx: &mut Writer,
    world: &kernel::World,
    acting: &Acting,
    before: &Client,
    after: &Client,
) -> Result<(), ClientFault> {
    match (before.verified_at, after.verified_at) {
        (Some(_), None) => step_after(tx, world, acting, before, Act::Lapsed).await,
        _ => Ok(()),
    }
}

/// A step that ends a verification. What was verified before decisions were written down is kept as it is now, the last time
/// that this is known.
async fn step_after(
    tx: &mut Writer,
    world: &kernel::World,
    acting: &Acting,
    before: &Client,
    act: Act,
) -> Result<(), ClientFault> {
    let is_known = queries::last_looked_at(tx, before.id).await?.is_some();
    let looked_at = LookedAt::of(before);
    let step = NewStep {
        client: before.id,
        act,
        note: None,
        looked_at: (!is_known).then_some(&looked_at),
        by: person_of(acting),
        at: world.now(),
    };
    Ok(queries::add(tx, &step).await?)
}

pub(super) const fn person_of(acting: &Acting) -> Option<Id<Person>> {
    match acting.actor {
        Actor::Person { person, .. } => Some(person),
        Actor::Client(_) | Actor::Receiver(_) | Actor::System | Actor::Anonymous => None,
    }
}
