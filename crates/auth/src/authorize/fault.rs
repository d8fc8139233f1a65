//! What is told here, on a page, because it is not clear where an answer may go.  RFC 6749 §4.1.2.1

use std::borrow::Cow;

use kernel::{Fault, Kind};
use store::DbError;
use vault::VaultError;

use crate::{session::SessionFault, smart::SmartFault};

/// A request that no answer is sent for, or a decision that cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum AuthorizeFault {
    /// The request cannot be read.
    #[error("authorization request: {0}")]
    Malformed(&'static str),
    /// There is no such client, or it is switched off.
    #[error("authorization request of an unknown client")]
    UnknownClient,
    /// The client has not registered this redirect URI.
    #[error("authorization request with a redirect URI that is not registered")]
    UnknownRedirectUri,
    /// There is no such pushed request, it is another client's, was used, or is over.
    #[error("no such pushed authorization request")]
    UnknownRequestUri,
    /// There is no such request, it is another person's, was decided, or is over.
    #[error("no such pending authorization request")]
    NotPending,
    /// The session.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The person has not said whom it is about.
    #[error("an authorization request whose patient or encounter is not chosen")]
    NotChosen,
    /// Whose records it is about cannot be found out.
    #[error(transparent)]
    Smart(#[from] SmartFault),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

impl Fault for AuthorizeFault {
    fn kind(&self) -> Kind {
        match self {
            Self::Malformed(_) | Self::UnknownClient | Self::UnknownRedirectUri | Self::UnknownRequestUri => {
                Kind::Invalid
            }
            Self::NotPending => Kind::Gone,
            Self::NotChosen => Kind::Conflict,
            Self::Smart(fault) => fault.kind(),
            Self::Session(fault) => fault.kind(),
            Self::Vault(fault) => fault.kind(),
            Self::Store(fault) => fault.kind(),
        }
    }
    fn public(&self) -> Cow<'static, str> {
        match self {
            Self::Malformed(why) => {
                format!("The application sent a request that cannot be read: {why}.").into()
            }
            Self::UnknownClient => {
                "The application that sent you here is not known: its client_id is not registered.".into()
            }
            Self::UnknownRedirectUri => {
                "The application asked for the answer to be sent to an address that it has not registered \
                 (redirect_uri must be equal to a registered one, character by character)."
                    .into()
            }
            Self::UnknownRequestUri => {
                "The application's request is not known (any more): its request_uri was used, is too old, or is \
                 another application's. Start again from the application."
                    .into()
            }
            Self::NotPending => {
                "This question was answered already or is too old. Start again from the application.".into()
            }
            Self::NotChosen => "Choose first whom this is about.".into(),
            Self::Smart(fault) => fault.public(),
            Self::Session(fault) => fault.public(),
            Self::Vault(fault) => fault.public(),
            Self::Store(fault) => fault.public(),
        }
    }
    fn code(&self) -> Option<&'static str> {
        match self {
            Self::UnknownRequestUri => Some("invalid_request_uri"),
            _ => None,
        }
    }
    fn path(&self) -> Option<Cow<'static, str>> {
        match self {
            Self::UnknownClient => Some("client_id".into()),
            Self::UnknownRedirectUri => Some("redirect_uri".into()),
            _ => None,
        }
    }
    fn retry_after_s(&self) -> Option<u64> {
        match self {
            Self::Smart(fault) => fault.retry_after_s(),
            Self::Session(fault) => fault.retry_after_s(),
            Self::Vault(fault) => fault.retry_after_s(),
            Self::Store(fault) => fault.retry_after_s(),
            _ => None,
        }
    }
}
