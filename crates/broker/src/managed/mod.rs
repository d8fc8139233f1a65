//! Integrations as the staff of an organisation manage them: registered, changed, archived and restored.  Contract 4
//!
//! They are the rows of [`crate::integration`], with what is administered there. Who may do what is `kernel::Permission`; what a caller
//! may not see is answered as what is not there. Every change writes what was there before and after, by whom and why, in the transaction
//! that makes it.

mod activate;
mod archive;
mod body;
mod change;
mod condition;
mod create;
mod credentials;
mod door;
mod history;
mod id;
mod keys;
mod kind;
mod list;
mod once;
mod policy;
mod providers;
mod pull;
mod purge;
mod queries;
mod status;
mod tested;
mod update;
mod view;

use std::collections::BTreeMap;

use kernel::{Id, Integration, Organisation, Study, Timestamp};
use serde_json::{Map, Value};
use utoipa_axum::{router::OpenApiRouter, routes};

pub use credentials::Credentials;
pub use id::{IntId, MalformedIntId};
pub use kind::Kind;
pub use pull::{due, studies_of, synced};
pub use status::Status;
pub use tested::tested;

use crate::Broker;

/// The longest name, in characters.
pub const NAME_CHARACTERS_MAX: usize = 100;
/// How many studies an integration may have.
pub const STUDIES_MAX: usize = 32;
/// The largest configuration, as JSON, in bytes.
pub const CONFIG_BYTES_MAX: usize = 32 * 1024;
/// The most bytes of a mapping in JSON.
pub const MAPPING_BYTES_MAX: usize = 256 * 1024;
/// The longest reason for a change, in characters.
pub const REASON_CHARACTERS_MAX: usize = 500;

/// An integration as staff see it; its credentials are not in it.
#[derive(Clone)]
pub struct Managed {
    /// Its id.
    pub id: Id<Integration>,
    /// Its id in addresses of people who link accounts.
    pub(crate) slug: String,
    /// The tenant that owns it.
    pub organisation: Id<Organisation>,
    /// Its name, the only one in the organisation.
    pub name: String,
    /// What sort of system it is.
    pub kind: Kind,
    /// Which one: an entry of the catalogue.
    pub provider: String,
    /// Where it is in its life.
    pub status: Status,
    /// How it is reached; checked against the schema of its kind.
    pub config: Map<String, Value>,
    /// Which credentials are set, by fingerprint.
    pub credentials: BTreeMap<String, String>,
    /// How often data is fetched.
    pub sync_frequency: String,
    /// When data was last fetched.
    pub last_sync: Option<Timestamp>,
    /// When it will be fetched next.
    pub next_sync: Option<Timestamp>,
    /// The studies that it belongs to.
    pub studies: Vec<Id<Study>>,
    /// Who registered it.
    pub created_by: Option<String>,
    /// When.
    pub created_at: Timestamp,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// When.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
    /// When it was last tested, and how that went; none since what is tested has changed.
    pub tested: Option<(Timestamp, watch::TestStatus)>,
    /// When it was archived.
    pub archived_at: Option<Timestamp>,
    /// Whether it was set up on the pages, for people who link accounts: its configuration is changed there.
    pub(crate) links: bool,
}

/// The API of contract 4 for integrations themselves, to be spoken as [`web::Dialect::Int`].
pub fn routes(broker: Broker) -> OpenApiRouter {
    OpenApiRouter::new()
        .routes(routes!(list::list, create::create))
        .routes(routes!(providers::providers))
        .routes(routes!(view::view, update::replace, update::merge, archive::archive))
        .routes(routes!(archive::restore))
        .routes(routes!(activate::activate))
        .routes(routes!(activate::deactivate))
        .routes(routes!(history::history))
        .routes(routes!(keys::keys))
        .with_state(broker)
}
