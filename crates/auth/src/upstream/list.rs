//! The providers of an organisation, as its administrators see them.

use kernel::{Id, Limit, Page, Timestamp};
use serde_json::Value;

use super::{NewUpstream, Settings, Upstream, UpstreamFault, declare, queries};
use crate::{Acting, Auth};

/// A provider and how it fares.
pub struct Listed {
    /// The word in its addresses.
    pub slug: String,
    /// What its button says.
    pub name: String,
    /// What is set about it; nothing of it is secret.
    pub settings: Settings,
    /// Where it sends browsers back to.
    pub callback: String,
    /// When it was set up.
    pub created_at: Timestamp,
    /// Since when nobody signs in through it.
    pub disabled_at: Option<Timestamp>,
    /// How many people are linked.
    pub people: i64,
    /// When somebody last signed in through it.
    pub used_at: Option<Timestamp>,
    /// When a sign-in through it was last refused, and why, in our own word.
    pub failed: Option<(Timestamp, String)>,
}

/// A provider as its row holds it, with what was counted.
pub(super) struct Counted {
    pub upstream: Upstream,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
    pub people: i64,
    pub used_at: Option<Timestamp>,
}

/// The providers of the acting person's organisation, in the order in which they were set up.
///
/// # Errors
/// The database.
pub async fn list_of(auth: &Auth, acting: &Acting) -> Result<Vec<Listed>, UpstreamFault> {
    let organisation = acting.organisation;
    let found = auth
        .db()
        .scan(async move |tx| -> Result<_, UpstreamFault> {
            let mut found = Vec::new();
            for counted in queries::counted_of(tx, organisation).await? {
                let failed = last_failure(tx, organisation, counted.upstream.id).await?;
                found.push((counted, failed));
            }
            Ok(found)
        })
        .await?;
    let listed = |(counted, failed): (Counted, Option<(Timestamp, String)>)| Listed {
        callback: counted.upstream.callback(auth),
        slug: counted.upstream.slug,
        name: counted.upstream.name,
        settings: counted.upstream.settings,
        created_at: counted.created_at,
        disabled_at: counted.disabled_at,
        people: counted.people,
        used_at: counted.used_at,
        failed,
    };
    Ok(found.into_iter().map(listed).collect())
}

/// One provider of the acting person's organisation.
///
/// # Errors
/// [`UpstreamFault::NotFound`].
pub async fn get(auth: &Auth, acting: &Acting, slug: &str) -> Result<Listed, UpstreamFault> {
    let all = list_of(auth, acting).await?;
    all.into_iter().find(|one| one.slug == slug).ok_or(UpstreamFault::NotFound)
}

async fn last_failure(
    tx: &mut store::Reader,
    organisation: Id<kernel::Organisation>,
    upstream: Id<kernel::Upstream>,
) -> Result<Option<(Timestamp, String)>, UpstreamFault> {
    let filter = audit::Filter {
        act: Some("person.signed_in".to_owned()),
        subject: Some(upstream.to_string()),
        ..audit::Filter::default()
    };
    let newest = Page { after: None, limit: Limit::DEFAULT };
    let rows = audit::page(tx, Some(organisation), &filter, &newest).await?;
    let refused = rows.items.into_iter().find_map(|row| row.reason.map(|why| (row.at, why)));
    Ok(refused)
}

/// Set up a provider that is not there yet.
///
/// # Errors
/// As [`declare`](super::declare); [`UpstreamFault::SlugTaken`] where the organisation itself has one of this name, too.
pub async fn add(auth: &Auth, acting: &Acting, new: NewUpstream) -> Result<(), UpstreamFault> {
    if queries::by_slug(&mut auth.db().read().await?, &new.slug).await?.is_some() {
        return Err(UpstreamFault::SlugTaken);
    }
    declare::declare(auth, acting, new).await.map(drop)
}

/// Let people sign in through a provider again.
///
/// # Errors
/// [`UpstreamFault::NotFound`].
pub async fn enable(auth: &Auth, acting: &Acting, slug: &str) -> Result<(), UpstreamFault> {
    let there = queries::by_slug(&mut auth.db().read().await?, slug).await?;
    let there =
        there.filter(|there| there.organisation == acting.organisation).ok_or(UpstreamFault::NotFound)?;
    let entry = acting.entry("upstream.enabled", there.id, Value::Null);
    let (world, now) = (auth.world().clone(), auth.world().now());
    auth.db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            if queries::enable(tx, there.id, now).await? > 0 {
                audit::record(tx, &world, &entry).await?;
            }
            Ok(())
        })
        .await
}
