//! Subscriptions: whoever asked for it is told of what becomes of records.  Subscriptions R5 Backport 1.1.0,
//! <https://hl7.org/fhir/R4/subscription.html>
//!
//! A [`Topic`] says what is an event, a Subscription which of them are told to whom. The feed of a site (`fhir_version`, whose places
//! have no gaps) is followed: what is behind the place that was seen is held against every subscription, and events and the new place
//! are written in one unit. What is told is told by jobs, at least once, each event under a number of its own.

mod change;
mod condition;
mod declare;
mod deliver;
mod endpoint;
mod events;
mod follow;
mod hold;
mod manage;
mod notification;
mod open;
mod pause;
mod queries;
mod remember;
mod secrets;
mod settle;
mod sight;
mod status;
mod stream;
mod sweep;
mod topics;
mod wanted;

use std::{str::FromStr, sync::Arc, time::Duration};

use jobs::Worker;
use store::{DbError, Reader, binds};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Fhir,
    parameter::ResourceType,
    site::{Site, SiteCode},
};

pub use declare::{FILTERS_MAX, TOPIC_BYTES_MAX, TRIGGERS_MAX};
pub use deliver::{ANSWER_BYTES_MAX, CLAIMS_MAX};
pub use endpoint::ENDPOINT_SLOTS;
pub use events::EVENTS_ROWS_MAX;
pub use follow::{FEED_ROWS, FollowFault};
pub use manage::TOPICS_MAX;
pub use open::{SUBSCRIPTIONS_MAX, SUBSCRIPTIONS_OF_OWNER_MAX};
pub use pause::{FAILING_FOR_MAX, PAUSES_S};
pub use remember::{REMEMBERED_MAX, TOLD_ROWS};
pub use secrets::{HEADERS_BYTES_MAX, HEADERS_MAX};
pub use stream::{BEAT, STREAMS_OF_OWNER_MAX};
pub use sweep::{EVENTS_KEPT, SWEEP_EVERY, SWEPT_ROWS};
pub use wanted::{BATCH, BATCH_MAX, HEARTBEAT_S_MIN, NOTICE_S_MAX};

pub(crate) use endpoint::Slots;
pub(crate) use follow::keep_following;
pub(crate) use open::{ALONE, create, is_subscription, replace, written_alone};
pub(crate) use remember::Remembered;
pub(crate) use stream::accept;
pub(crate) use topics::tell;

/// On this channel it is told that a subscription has events that it had not.
pub(crate) const HAPPENED: &str = "fhir_happened";
/// The longest that a site is not looked at: a node follows what it writes at once, and what another left behind by the clock.
pub const FOLLOW_EVERY: Duration = Duration::from_secs(1);

/// What callers ask of a Subscription beside what can be done with any record.
pub(crate) fn operations() -> OpenApiRouter<Fhir> {
    OpenApiRouter::new()
        .routes(routes!(status::subscription_status))
        .routes(routes!(status::subscriptions_status))
        .routes(routes!(events::subscription_events, events::subscription_events_by_parameters))
}

/// What administrators call.
pub(crate) fn admin() -> OpenApiRouter<Fhir> {
    OpenApiRouter::new()
        .routes(routes!(manage::list_topics))
        .routes(routes!(manage::declare_topic, manage::withdraw_topic))
}

/// What is done for subscriptions beside requests.
pub(crate) fn jobs(fhir: &Fhir, worker: Worker) -> Worker {
    worker
        .register::<deliver::Deliver>(fhir.clone())
        .register::<sweep::Sweep>(fhir.clone())
        .every(SWEEP_EVERY, |_| sweep::Sweep {})
}

/// `Subscription.status`  <https://hl7.org/fhir/R4/valueset-subscription-status.html>
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// Its owner has asked for it; nobody has been told yet.
    Requested,
    /// It is told.
    Active,
    /// The newest attempt to tell it failed.
    Error,
    /// It is not told any more.
    Off,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Error => "error",
            Self::Off => "off",
        }
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Requested, Self::Active, Self::Error, Self::Off];
        all.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// `Subscription`
pub(crate) fn of_subscription() -> Option<ResourceType> {
    ResourceType::named("Subscription")
}

/// The site whose records have this number in their keys.
pub(crate) async fn site_numbered(fhir: &Fhir, number: i64) -> Result<Option<Arc<Site>>, DbError> {
    let code = code_of(&mut fhir.db.read().await?, number).await?;
    match code.as_deref().and_then(SiteCode::parse) {
        Some(code) => fhir.shelf.get(&fhir.db, &code, fhir.world.now()).await,
        None => Ok(None),
    }
}

async fn code_of(reader: &mut Reader, number: i64) -> Result<Option<String>, DbError> {
    let sql = "SELECT code FROM fhir_site WHERE tenant = $1";
    Ok(reader.optional::<(String,)>(sql, binds![number]).await?.map(|(code,)| code))
}
