//! Where an organisation wants events to be told, and which.

pub mod create;
pub mod delete;
pub mod list;
pub(crate) mod queries;
pub mod rotate;
mod secrets;
mod settings;
pub mod update;
pub mod view;

use std::str::FromStr;

use kernel::{Id, IdKind, Organisation, Timestamp};
use serde::{Deserialize, Serialize};
use store::{DbError, FromRow, Json, Row};
use url::Url;
use utoipa::ToSchema;
use vault::Sealed;

use crate::event::Wanted;

pub use secrets::KEYS_MAX;
pub(crate) use secrets::Secrets;
pub use settings::{
    EndpointIn, HEADERS_BYTES_MAX, HEADERS_MAX, NAME_CHARACTERS_MAX, PATTERNS_MAX, TIMEOUT_S, TIMEOUT_S_MAX,
    URL_BYTES_MAX,
};

/// Endpoints of one organisation.
pub const ENDPOINTS_MAX: i64 = 1_000;

/// An endpoint, as ids name it.
#[derive(Debug, Clone, Copy)]
pub enum Endpoint {}
impl IdKind for Endpoint {
    const NAME: &'static str = "webhook_endpoint";
}

/// Which events wait for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookOrder)]
pub enum Order {
    /// None does.
    #[default]
    None,
    /// An event waits until those before it about the same subject were taken, or given up.
    Subject,
}

impl Order {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Subject => "subject",
        }
    }
}

impl FromStr for Order {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::None, Self::Subject].into_iter().find(|order| order.as_str() == text).ok_or(())
    }
}

/// How an endpoint stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookState)]
pub enum State {
    /// It is told.
    Enabled,
    /// Its owner wants it to be told later: events wait.
    Paused,
    /// We do not call it any more: events wait until its owner enables it.
    Disabled,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "enabled",
            Self::Paused => "paused",
            Self::Disabled => "disabled",
        }
    }
}

impl FromStr for State {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let all = [Self::Enabled, Self::Paused, Self::Disabled];
        all.into_iter().find(|state| state.as_str() == text).ok_or(())
    }
}

/// Who has paused an endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = WebhookPausedBy)]
pub enum PausedBy {
    /// Staff of the organisation: only they enable it again.
    Staff,
    /// Whoever receives its calls, by a link.
    Receiver,
}

impl PausedBy {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Staff => "staff",
            Self::Receiver => "receiver",
        }
    }
}

impl FromStr for PausedBy {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Staff, Self::Receiver].into_iter().find(|who| who.as_str() == text).ok_or(())
    }
}

/// The public half of a key that signs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = WebhookPublicKey)]
pub struct PublicKey {
    /// `whpk_…`, for signatures that begin with `v1a`.
    pub key: String,
    /// Until when it signs beside the newer one; none for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = "date-time")]
    pub until: Option<Timestamp>,
}

/// An endpoint as its row holds it.
#[derive(Debug, Clone)]
pub(crate) struct EndpointRow {
    pub id: Id<Endpoint>,
    pub organisation: Id<Organisation>,
    pub name: String,
    pub url: Url,
    pub wanted: Wanted,
    pub order: Order,
    pub timeout_s: u16,
    pub header_names: Vec<String>,
    pub secrets: Sealed,
    pub public_keys: Vec<PublicKey>,
    pub state: State,
    pub paused_by: Option<PausedBy>,
    pub reason: Option<String>,
    pub version: i64,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

fn unreadable(column: &'static str) -> DbError {
    DbError::Column { column: column.into(), why: "not what this version writes".into() }
}

impl FromRow for EndpointRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            organisation: row.get("organisation_id")?,
            name: row.get("name")?,
            url: row.get::<String>("url")?.parse().map_err(|_| unreadable("url"))?,
            wanted: row.get::<Json<Wanted>>("wanted")?.0,
            order: row.get::<String>("ordering")?.parse().map_err(|()| unreadable("ordering"))?,
            timeout_s: row.get("timeout_s")?,
            header_names: row.get::<Json<Vec<String>>>("header_names")?.0,
            secrets: row.get("secrets")?,
            public_keys: row.get::<Json<Vec<PublicKey>>>("public_keys")?.0,
            state: row.get::<String>("state")?.parse().map_err(|()| unreadable("state"))?,
            paused_by: row
                .get::<Option<String>>("paused_by")?
                .map(|who| who.parse().map_err(|()| unreadable("paused_by")))
                .transpose()?,
            reason: row.get("reason")?,
            version: row.get("version")?,
            created_at: row.get("created_at")?,
            updated_at: row.get("updated_at")?,
        })
    }
}

/// What is asked of an endpoint when something has happened.
pub(crate) struct Listening {
    pub id: Id<Endpoint>,
    pub wanted: Wanted,
    pub order: Order,
}

impl FromRow for Listening {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            wanted: row.get::<Json<Wanted>>("wanted")?.0,
            order: row.get::<String>("ordering")?.parse().map_err(|()| unreadable("ordering"))?,
        })
    }
}
