//! What this crate asks of others: which client is it, and who sits in front of the browser. `hilum` answers from `auth`.

use std::error::Error;

use futures_util::future::BoxFuture;
use http::HeaderMap;
use jobs::Schedule;
use kernel::{Client, Digest, Id, Integration, Issue, Organisation, Person, Site, Study, Timestamp};
use serde_json::{Map, Value};
use store::{DbError, Writer};
use web::LocalPath;

use crate::managed;

/// A registered client application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownClient {
    /// Its id here.
    pub id: Id<Client>,
    /// Its `client_id`: `<opaque>.<suffix>`.
    pub client_id: String,
    /// What people know it as.
    pub name: String,
    /// The registered base `Uri`: http(s) or the application's own scheme.
    pub uri: String,
    /// Whether an administrator has verified it.
    pub is_verified: bool,
}

/// Who sits in front of the browser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor {
    /// The person.
    pub person: Id<Person>,
    /// The tenant that the person belongs to.
    pub organisation: Id<Organisation>,
    /// Digest of something that only this browser's session knows.
    pub session: Digest,
}

/// The other side of a port does not answer.
#[derive(Debug, thiserror::Error)]
#[error("{what} cannot be looked up")]
pub struct PortFault {
    /// What was asked for: `client`, `session`.
    pub what: &'static str,
    /// Why there is no answer.
    #[source]
    pub cause: Box<dyn Error + Send + Sync>,
}

impl kernel::Fault for PortFault {
    fn kind(&self) -> kernel::Kind {
        kernel::Kind::Unavailable
    }
    fn public(&self) -> std::borrow::Cow<'static, str> {
        "not available at the moment; try again later".into()
    }
    fn retry_after_s(&self) -> Option<u64> {
        Some(1)
    }
}

/// Registered client applications.
pub trait Clients: Send + Sync + 'static {
    /// The client of this `client_id`, unless it is unknown or disabled.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn by_client_id<'a>(
        &'a self,
        client_id: &'a str,
    ) -> BoxFuture<'a, Result<Option<KnownClient>, PortFault>>;

    /// The client of this id, unless it is unknown or disabled.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn by_id(&self, id: Id<Client>) -> BoxFuture<'_, Result<Option<KnownClient>, PortFault>>;
}

/// People with browsers.
pub trait People: Send + Sync + 'static {
    /// Who is signed in, by the request's cookies.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn visitor<'a>(&'a self, headers: &'a HeaderMap) -> BoxFuture<'a, Result<Option<Visitor>, PortFault>>;

    /// The page on this site to sign in at, which then goes on to `return_to`.
    fn sign_in(&self, return_to: &LocalPath) -> LocalPath;

    /// Whether all of these are studies of the organisation.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn has_studies<'a>(
        &'a self,
        organisation: Id<Organisation>,
        studies: &'a [Id<Study>],
    ) -> BoxFuture<'a, Result<bool, PortFault>>;

    /// Whether this is a site of the organisation.
    ///
    /// # Errors
    /// [`PortFault`]: nothing can be said at the moment.
    fn has_site(
        &self,
        organisation: Id<Organisation>,
        site: Id<Site>,
    ) -> BoxFuture<'_, Result<bool, PortFault>>;
}

/// What fetches data from integrations by itself.
pub trait Syncs: Send + Sync + 'static {
    /// What is wrong with a configuration that its schema cannot tell, each finding at its field: `mapping.streams.visits.0.key`.
    fn issues(&self, kind: managed::Kind, config: &Map<String, Value>) -> Vec<Issue>;

    /// From now on fetch whenever the schedule says so, in the unit that makes it true. The next time.
    ///
    /// # Errors
    /// The database.
    fn keep<'a>(
        &'a self,
        tx: &'a mut Writer,
        of: (Id<Organisation>, Id<Integration>),
        schedule: &'a Schedule,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Option<Timestamp>, DbError>>;

    /// Fetch no more by itself.
    ///
    /// # Errors
    /// The database.
    fn end<'a>(
        &'a self,
        tx: &'a mut Writer,
        integration: Id<Integration>,
    ) -> BoxFuture<'a, Result<(), DbError>>;
}
