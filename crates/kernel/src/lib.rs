//! Words of the domain, known to every other crate: ids, time, chance, scopes, secrets, faults, callers, pages, events.
//!
//! Nothing here knows HTTP, a database or a runtime.

mod caller;
mod digest;
mod event;
mod fault;
mod id;
mod page;
mod permission;
mod role;
mod scope;
mod secret;
mod smart_scope;
mod time;
mod world;

pub use caller::{Actor, Caller, OWN_PAGES, RequestId};
pub use digest::Digest;
pub use event::Event;
pub use fault::{Fault, Issue, Kind};
pub use id::{
    ApiKey, BulkJob, Client, ClientConnection, ClientSecret, Connection, EventRow, Factor, Id, IdKind,
    InitialAccessToken, Integration, Job, Key, MalformedId, Organisation, Person, ReceiverLink, Session,
    Site, Study, Token, Trust, Upstream,
};
pub use page::{Limit, Page, Slice};
pub use permission::Permission;
pub use role::{GRANTS_MAX, Grant, Grants, MalformedGrant, Reach, Role};
pub use scope::{MalformedScope, SCOPES_BYTES_MAX, Scope, Scopes};
pub use secret::Secret;
pub use smart_scope::{Criteria, Interaction, Level, MalformedSmartScope, Permit, SmartScope, SmartScopes};
pub use time::{Clock, MalformedTimestamp, SystemClock, Timestamp};
pub use world::{Entropy, World};
