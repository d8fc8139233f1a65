//! Identity providers of a trust community, with which this server has registered itself: kept among those that are declared.

use kernel::{Id, Organisation, Timestamp};
use serde_json::json;

use super::{Settings, Upstream, UpstreamFault, queries};
use crate::{Acting, Auth};

/// A registration with a provider, as it has just been made.
#[derive(Clone)]
pub(crate) struct NewRegistered {
    pub slug: String,
    pub name: String,
    pub community: String,
    pub settings: Settings,
}

/// The provider of this issuer that the operator has declared for the organisation.
///
/// # Errors
/// The database.
pub(crate) async fn declared_by_issuer(
    auth: &Auth,
    organisation: Id<Organisation>,
    issuer: &str,
) -> Result<Option<Upstream>, UpstreamFault> {
    let all = queries::declared_of(&mut auth.db().read().await?, organisation).await?;
    Ok(all.into_iter().find(|one| one.settings.issuer == issuer))
}

/// The provider of this name, and since when it is switched off.
///
/// # Errors
/// The database.
pub(crate) async fn of_any_state(
    auth: &Auth,
    slug: &str,
) -> Result<Option<(Upstream, Option<Timestamp>)>, UpstreamFault> {
    Ok(queries::of_any_state(&mut auth.db().read().await?, slug).await?)
}

/// With how many providers of a community this server is registered.
///
/// # Errors
/// The database.
pub(crate) async fn count_of_community(auth: &Auth, community: &str) -> Result<i64, UpstreamFault> {
    Ok(queries::count_of_community(&mut auth.db().read().await?, community).await?)
}

/// Keep what was registered, in place of what was registered before.
///
/// # Errors
/// [`UpstreamFault::NotFound`] where it was switched off meanwhile; the database.
pub(crate) async fn keep_registered(
    auth: &Auth,
    acting: &Acting,
    new: NewRegistered,
) -> Result<Upstream, UpstreamFault> {
    let (world, acting) = (auth.world().clone(), acting.clone());
    let (id, now) = (world.new_id(), world.now());
    auth.db()
        .write(async move |tx| -> Result<Upstream, UpstreamFault> {
            queries::put_registered(tx, id, acting.organisation, &new, now).await?;
            let kept = queries::live_by_slug(tx, &new.slug).await?.ok_or(UpstreamFault::NotFound)?;
            let details = json!({ "issuer": new.settings.issuer, "community": new.community });
            audit::record(tx, &world, &acting.entry("upstream.registered", kept.id, details)).await?;
            Ok(kept)
        })
        .await
}

/// The provider does not know us any more: the next who is sent there makes this server register anew.
pub(super) async fn mark_lost(auth: &Auth, upstream: &Upstream) -> Result<(), UpstreamFault> {
    let acting = Acting::system(upstream.organisation);
    let entry = acting.entry("upstream.registration_lost", upstream.id, serde_json::Value::Null);
    let (world, id) = (auth.world().clone(), upstream.id);
    auth.db()
        .write(async move |tx| -> Result<(), UpstreamFault> {
            queries::mark_lost(tx, id).await?;
            Ok(audit::record(tx, &world, &entry).await?)
        })
        .await
}
