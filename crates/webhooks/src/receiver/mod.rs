//! Receivers: whoever gets an endpoint's calls, often somebody outside of the organisation and without an account, sees to it by a link.
//!
//! Staff makes a link for one endpoint. Its token is shown once; only a digest is kept. Opening it begins a session of that browser, whose
//! cookie holds another random value, so that the token stays in no address and no log. Both are asked for with every request: what has
//! ended or was revoked opens nothing from then on.

pub mod link;
mod open;
pub(crate) mod queries;
mod visit;

use std::time::Duration;

use kernel::{Digest, Id, Organisation, ReceiverLink, Timestamp};
use store::{DbError, FromRow, Row};

use crate::{Webhooks, endpoint::Endpoint};

pub use open::Opened;
pub(crate) use queries::{forget, sweep};
pub use visit::Visit;

/// Links of one endpoint that open it at a time.
pub const LINKS_MAX: i64 = 20;
/// How long a link opens where nobody says.
pub const LINK_LIFE: Duration = Duration::from_hours(24 * 7);
/// How long it does at the most.
pub const LINK_LIFE_MAX: Duration = Duration::from_hours(24 * 30);
/// How long it does at the least.
pub const LINK_LIFE_MIN: Duration = Duration::from_mins(1);
/// How long a browser may go on without opening the link again.
pub const RECEIVER_SESSION: Duration = Duration::from_hours(12);
/// Browsers in which one link is open: the newest.
pub const SESSIONS_MAX: i64 = 32;
/// How long a link is shown among those of its endpoint after it has ended.
pub const LINKS_KEPT: Duration = Duration::from_hours(24 * 30);

/// What a token begins with.
const TOKEN_PREFIX: &str = "hlm_rl_";
/// The longest text that is looked for as a token or a session.
const TEXT_BYTES_MAX: usize = 128;

/// A link as its row holds it.
#[derive(Debug, Clone)]
pub(crate) struct LinkRow {
    pub id: Id<ReceiverLink>,
    pub endpoint: Id<Endpoint>,
    pub organisation: Id<Organisation>,
    pub name: String,
    pub created_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub opened_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

impl FromRow for LinkRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            endpoint: row.get("endpoint_id")?,
            organisation: row.get("organisation_id")?,
            name: row.get("name")?,
            created_by: row.get("created_by")?,
            created_at: row.get("created_at")?,
            expires_at: row.get("expires_at")?,
            opened_at: row.get("opened_at")?,
            revoked_at: row.get("revoked_at")?,
        })
    }
}

impl Webhooks {
    fn token_digest(&self, token: &str) -> Digest {
        self.vault.digest("webhook.receiver_link", token.as_bytes())
    }

    fn session_digest(&self, value: &str) -> Digest {
        self.vault.digest("webhook.receiver_session", value.as_bytes())
    }
}
