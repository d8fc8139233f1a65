//! What this crate asks of whoever keeps integrations.

use std::{borrow::Cow, error::Error};

use futures_util::future::BoxFuture;
use kernel::{Fault, Id, Integration, Kind, Organisation, Study, Timestamp};

/// Integrations of one organisation that rules watch.
pub const WATCHED_MAX: i64 = 2_000;

/// What is to be known of an integration before somebody may read its log.
#[derive(Debug, Clone)]
pub struct About {
    /// Whose it is.
    pub organisation: Id<Organisation>,
    /// The studies that it belongs to.
    pub studies: Vec<Id<Study>>,
}

/// How an integration stands that rules watch.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Which one.
    pub id: Id<Integration>,
    /// The studies that it belongs to.
    pub studies: Vec<Id<Study>>,
    /// Whether it is switched on.
    pub is_active: bool,
    /// When it last brought what it had, or was changed before it has.
    pub data_since: Timestamp,
}

/// Integrations as this crate needs them.
pub trait Integrations: Send + Sync + 'static {
    /// Whose an integration is, in whatever state; none if there is none.
    fn about(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, PortFault>>;

    /// The integrations of an organisation that are not archived: [`WATCHED_MAX`] at the most.
    fn of(&self, organisation: Id<Organisation>) -> BoxFuture<'_, Result<Vec<Standing>, PortFault>>;
}

/// The integrations cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("the integration cannot be looked up: {0}")]
pub struct PortFault(#[source] pub Box<dyn Error + Send + Sync>);

impl Fault for PortFault {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
    fn public(&self) -> Cow<'static, str> {
        "not available at the moment; try again later".into()
    }
    fn retry_after_s(&self) -> Option<u64> {
        Some(1)
    }
}
