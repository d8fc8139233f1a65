//! What can go wrong with endpoints and deliveries.

use std::borrow::Cow;

use http::StatusCode;
use kernel::{Fault, Issue, Kind};
use outbound::OutboundFault;
use store::DbError;
use vault::VaultError;
use web::Problem;

/// Why an endpoint, or what is asked of it, is refused.
#[derive(Debug, thiserror::Error)]
pub enum WebhookFault {
    /// The caller has no role that may, or none for what it asks for.
    #[error("no role that may")]
    Forbidden,
    /// The organisation has no such endpoint.
    #[error("no such endpoint")]
    NoEndpoint,
    /// The endpoint has no such delivery.
    #[error("no such delivery")]
    NoDelivery,
    /// The endpoint has no such link.
    #[error("no such link")]
    NoLink,
    /// Fields are wrong.
    #[error("the endpoint is not valid: {0:?}")]
    Refused(Vec<Issue>),
    /// The endpoint was changed since the caller has read it.
    #[error("stale If-Match")]
    Stale,
    /// The caller does not say which version it changes.
    #[error("If-Match is missing")]
    Unconditional,
    /// The same key stands for another request.
    #[error("Idempotency-Key was used for another request")]
    KeyUsed,
    /// Staff have paused it, and whoever receives its calls wants it to go on.
    #[error("paused by staff")]
    Held,
    /// The organisation has as many endpoints as it may.
    #[error("too many endpoints")]
    Many,
    /// The endpoint has as many links as it may.
    #[error("too many links")]
    ManyLinks,
    /// A sealed value does not open.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The endpoint cannot be called.
    #[error(transparent)]
    Outbound(#[from] OutboundFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
    /// What the database keeps of an endpoint cannot be read.
    #[error("an endpoint's row does not read: {0}")]
    Row(&'static str),
}

impl Fault for WebhookFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Forbidden => Kind::Forbidden,
            Self::NoEndpoint | Self::NoDelivery | Self::NoLink => Kind::NotFound,
            Self::Refused(_) | Self::Unconditional => Kind::Invalid,
            Self::Stale | Self::KeyUsed | Self::Held | Self::Many | Self::ManyLinks => Kind::Conflict,
            Self::Vault(fault) => fault.kind(),
            Self::Outbound(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
            Self::Row(_) => Kind::Internal,
        }
    }

    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Forbidden => {
                "no role lets the caller do this here; what names no study needs one for the whole organisation".into()
            }
            Self::NoEndpoint => "there is no such endpoint".into(),
            Self::NoDelivery => "there is no such delivery".into(),
            Self::NoLink => "there is no such link".into(),
            Self::Refused(_) => "the endpoint is not valid".into(),
            Self::Stale => "the endpoint was changed meanwhile: read it again".into(),
            Self::Unconditional => "say which version is changed: If-Match with the ETag".into(),
            Self::KeyUsed => "this Idempotency-Key was used for another request".into(),
            Self::Held => "staff of the organisation have paused the endpoint: only they enable it again".into(),
            Self::Many => "the organisation has as many endpoints as it may".into(),
            Self::ManyLinks => "as many links open this endpoint as may: revoke one".into(),
            Self::Vault(fault) => fault.public(),
            Self::Outbound(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
            Self::Row(_) => "internal error".into(),
        }
    }

    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::Unconditional | Self::Stale => Some("If-Match".into()),
            Self::KeyUsed => Some("Idempotency-Key".into()),
            _ => None,
        }
    }

    fn issues(&self) -> Vec<Issue> {
        match self {
            Self::Refused(issues) => issues.clone(),
            _ => Vec::new(),
        }
    }
}

/// The statuses of contract 4, where a kind has more than one.
pub(crate) fn refused(fault: WebhookFault) -> Problem {
    let status = match &fault {
        WebhookFault::Refused(_) => Some(StatusCode::UNPROCESSABLE_ENTITY),
        WebhookFault::Unconditional => Some(StatusCode::PRECONDITION_REQUIRED),
        WebhookFault::Stale => Some(StatusCode::PRECONDITION_FAILED),
        _ => None,
    };
    let problem = Problem::from(fault);
    match status {
        Some(status) => problem.with_status(status),
        None => problem,
    }
}
