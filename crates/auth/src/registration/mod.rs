//! Clients that register themselves, and manage what they registered.  RFC 7591, RFC 7592, OpenID Connect Dynamic Client Registration

pub(crate) mod create;
mod fault;
pub mod initial;
pub(crate) mod manage;
mod metadata;
mod queries;
mod token;

pub(crate) use fault::RegistrationFault;
pub(crate) use metadata::RegistrationOut;

use crate::organisation::Slug;

/// The scope of an initial access token (RFC 7591 §3).
pub const SCOPE: &str = "client:register";

/// How many clients that registered themselves may be switched on in an organisation.
pub const DYNAMIC_CLIENTS_MAX: i64 = 1_000;

/// Who may let a client register itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Policy {
    /// Nobody.
    Closed,
    /// Whoever has an initial access token that an administrator made ([`initial`]), or an access token with [`SCOPE`] of a
    /// verified client: the new client belongs to the organisation of either.
    #[default]
    Token,
    /// Anybody; without a token the new client belongs to this organisation, and can do nothing but ask people.
    Open(Slug),
}
