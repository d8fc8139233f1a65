//! Calls to third parties in a person's name.

mod budget;
mod retry;
mod send;

use std::borrow::Cow;

pub(crate) use budget::Shares;
pub(crate) use send::{Errand, is_idempotent_here, send};

use outbound::OutboundFault;

use crate::credential::CredentialFault;

/// Why a call in a person's name brought no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamFault {
    /// There is no token to call with.
    #[error(transparent)]
    Credential(#[from] CredentialFault),
    /// The client has used up its rate, or all clients together what the third party allows.
    #[error("{whose} is used up")]
    Throttled {
        /// Whose: `rate of the trust`, `budget of the third party`.
        whose: &'static str,
        /// Seconds after which there is some again.
        retry_after_s: u64,
    },
    /// The third party does not accept a token that is new.
    #[error("the third party does not accept the token")]
    NotAccepted,
    /// The third party does not answer.
    #[error(transparent)]
    Outbound(#[from] OutboundFault),
    /// The third party's answer tells of a problem.
    #[error("the third party answered {status}")]
    Status {
        /// Its status.
        status: http::StatusCode,
        /// Seconds after which it says that trying again may help.
        retry_after_s: Option<u64>,
    },
    /// The third party's answer is not what it should be.
    #[error("the third party's answer is no JSON")]
    Unreadable,
}

impl kernel::Fault for UpstreamFault {
    fn kind(&self) -> kernel::Kind {
        match self {
            Self::Credential(fault) => fault.kind(),
            Self::Throttled { .. } => kernel::Kind::Throttled,
            Self::Status { status, .. } if status.as_u16() == 429 => kernel::Kind::Throttled,
            Self::Status { status, .. } if status.as_u16() == 403 => kernel::Kind::Forbidden,
            Self::Status { status, .. } if status.is_client_error() => kernel::Kind::Unsupported,
            Self::NotAccepted | Self::Status { .. } | Self::Unreadable => kernel::Kind::Unavailable,
            Self::Outbound(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Credential(fault) => fault.public(),
            Self::Throttled { whose, .. } => format!("the {whose} is used up; see Retry-After").into(),
            Self::NotAccepted => "the third party does not accept the access at the moment".into(),
            Self::Outbound(fault) => fault.public(),
            Self::Status { status, .. } => format!("the third party answered {}", status.as_u16()).into(),
            Self::Unreadable => "the third party's answer cannot be understood".into(),
        }
    }
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::Credential(fault) => fault.code(),
            _ => None,
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Credential(fault) => fault.retry_after_s(),
            Self::Throttled { retry_after_s, .. } => Some(*retry_after_s),
            Self::Status { retry_after_s, .. } => *retry_after_s,
            Self::NotAccepted => Some(2),
            _ => None,
        }
    }
}
