//! What this crate asks of whoever keeps integrations.

use std::{borrow::Cow, error::Error, sync::Arc};

use futures_util::future::BoxFuture;
use kernel::{Id, Integration, Kind, Organisation, Site, Study, Timestamp};
use store::{DbError, Writer};
use watch::TestStatus;

use crate::connector::Connector;

/// A system that is connected, ready to be asked.
#[derive(Clone)]
pub struct Source {
    /// Whose integration it is.
    pub organisation: Id<Organisation>,
    /// The site that its records come into.
    pub site: Id<Site>,
    /// The way to it.
    pub connector: Arc<dyn Connector>,
}

/// What is to be known of an integration before somebody may do something with it.
#[derive(Debug, Clone)]
pub struct About {
    /// Whose it is.
    pub organisation: Id<Organisation>,
    /// The studies that it belongs to.
    pub studies: Vec<Id<Study>>,
}

/// What is to be tested.
pub struct ToTest {
    /// Counts the integration's changes.
    pub version: i64,
    /// The way to it, or why there is none: words for whoever set it up.
    pub source: Result<Source, &'static str>,
}

/// Integrations as this crate needs them.
pub trait Sources: Send + Sync {
    /// Whose an integration is, active or not; none if there is none, or it is archived.
    fn about(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<About>, SourceFault>>;

    /// The system behind an integration that is active; none if there is none, or it is not active any more.
    fn of(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<Source>, SourceFault>>;

    /// The same for a test, whether the integration is active or not; none if there is none, or it is archived.
    fn to_test(&self, integration: Id<Integration>) -> BoxFuture<'_, Result<Option<ToTest>, SourceFault>>;

    /// Write down in this unit how a test of that version went; false if there is another version by now, and nothing is written.
    fn tested<'a>(
        &'a self,
        tx: &'a mut Writer,
        of: (Id<Integration>, i64),
        at: Timestamp,
        how: TestStatus,
    ) -> BoxFuture<'a, Result<bool, DbError>>;

    /// The studies that it belongs to, read in this unit.
    fn studies<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
    ) -> BoxFuture<'a, Result<Vec<Id<Study>>, DbError>>;

    /// Write down in this unit that all it had has come.
    fn synced<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<(), DbError>>;

    /// Write down in this unit when it is pulled from next, if it is active still.
    fn due<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
        next: Option<Timestamp>,
    ) -> BoxFuture<'a, Result<(), DbError>>;
}

/// The integrations cannot be asked.
#[derive(Debug, thiserror::Error)]
#[error("the integration cannot be looked up: {0}")]
pub struct SourceFault(#[source] pub Box<dyn Error + Send + Sync>);

impl kernel::Fault for SourceFault {
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
