//! What has happened to a client so far, and what is different since.

use std::collections::BTreeMap;

use kernel::{Actor, Id, Limit, Page, Person};

use super::{Act, Change, LookedAt, Step, changes, queries};
use crate::{
    Acting, Auth,
    client::{self, Client, ClientFault},
};

/// How a client came to where it is.
#[derive(Debug, Clone)]
pub struct Story {
    /// Who registered it, if a person did.
    pub registered_by: Option<Id<Person>>,
    /// What happened, the newest first.
    pub steps: Vec<Step>,
    /// What is not as it was when it was last verified; none where it never was.
    pub changes: Option<Vec<Change>>,
}

impl Story {
    /// The step that sent it back to its developer, while it is the developer's turn.
    pub fn sent_back(&self, client: &Client) -> Option<&Step> {
        self.steps.first().filter(|step| step.act.is_sent_back() && client.verified_at.is_none())
    }
}

/// The story of a client of the acting person's organisation.
///
/// # Errors
/// [`ClientFault::NotFound`].
pub async fn story_of(auth: &Auth, acting: &Acting, client: &Client) -> Result<Story, ClientFault> {
    client::get(auth, acting, client.id).await?;
    let (organisation, id) = (acting.organisation, client.id);
    let registered = audit::Filter {
        act: Some("client.registered".to_owned()),
        subject: Some(id.to_string()),
        ..audit::Filter::default()
    };
    let (registered, steps, looked_at) = auth
        .db()
        .scan(async move |tx| -> Result<_, ClientFault> {
            let one = Page { after: None, limit: Limit::DEFAULT };
            let registered = audit::page(tx, Some(organisation), &registered, &one).await?;
            Ok((registered, queries::steps(tx, id).await?, queries::last_looked_at(tx, id).await?))
        })
        .await?;
    let registered_by = registered.items.first().and_then(|entry| match entry.actor {
        Actor::Person { person, .. } => Some(person),
        Actor::Client(_) | Actor::Receiver(_) | Actor::System | Actor::Anonymous => None,
    });
    let now = LookedAt::of(client);
    Ok(Story { registered_by, steps, changes: looked_at.map(|before| changes(&before, &now)) })
}

/// What happened last to each client of the acting person's organisation that is not verified, if anything did.
///
/// # Errors
/// The database.
pub async fn latest_of(
    auth: &Auth,
    acting: &Acting,
) -> Result<BTreeMap<Id<kernel::Client>, Act>, ClientFault> {
    let organisation = acting.organisation;
    let latest = auth.db().scan(async move |tx| queries::latest(tx, organisation).await).await?;
    Ok(latest.into_iter().collect())
}
