//! What the protocol endpoints refuse, in the words of the protocol.  RFC 6749 §5.2

use crypto::{jose::JoseError, x509::X509Error};
use http::{HeaderValue, StatusCode, header};
use kernel::Kind;
use store::DbError;
use vault::VaultError;
use web::{AuthFault, Problem};

use crate::{person::PersonFault, session::SessionFault, trace};

/// Why the authorization server cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenFault {
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
    /// The vault.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A signing key cannot be made or read.
    #[error("signing key: {0}")]
    Key(#[from] JoseError),
    /// Somebody whose client certificates are trusted has none that can be.
    #[error("an authority of client certificates: {0}")]
    Authority(#[from] X509Error),
    /// Every signing key is retiring and none signs.
    #[error("no signing key is active")]
    NoActiveKey,
}

/// A refusal of the token, introspection, revocation or userinfo endpoint.
#[derive(Debug, thiserror::Error)]
pub enum OAuthFault {
    /// Something is missing, there twice, or where it does not belong.
    #[error("invalid_request: {0}")]
    InvalidRequest(&'static str),
    /// The client did not prove who it is. Which part of the proof was wrong is for the operator.
    #[error("invalid_client: {0}")]
    InvalidClient(&'static str),
    /// The code is unknown, spent, over, or another's. Which of these is for the operator.
    #[error("invalid_grant: {0}")]
    InvalidGrant(&'static str),
    /// The client is not registered for this.
    #[error("unauthorized_client: {0}")]
    UnauthorizedClient(&'static str),
    /// There is no such grant here.
    #[error("unsupported_grant_type")]
    UnsupportedGrantType,
    /// The scope is malformed, unknown, or none of it is the client's.
    #[error("invalid_scope: {0}")]
    InvalidScope(&'static str),
    /// There is no such API here (RFC 8707 §2).
    #[error("invalid_target")]
    InvalidTarget,
    /// What a device is told that asks whether the person has answered (RFC 8628 §3.5).
    #[error("{0}")]
    Device(&'static str),
    /// The DPoP proof is not good. What is wrong with it is for the operator (RFC 9449 §5).
    #[error("invalid_dpop_proof: {0}")]
    InvalidDpopProof(&'static str),
    /// The DPoP proof needs a nonce: this one (RFC 9449 §8).
    #[error("use_dpop_nonce")]
    UseDpopNonce(String),
    /// Too many tries; again after so many seconds.
    #[error("too many tries: again after {0} s")]
    Throttled(u64),
    /// Tokens cannot be checked at the moment.
    #[error("tokens cannot be checked")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The token is no person's.
    #[error("a token without a person where one is needed")]
    NoPerson,
    /// A token cannot be signed.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// A person cannot be read.
    #[error(transparent)]
    Person(#[from] PersonFault),
    /// A session cannot be read.
    #[error(transparent)]
    Session(#[from] SessionFault),
    /// The database.
    #[error(transparent)]
    Store(#[from] DbError),
}

/// Written out because `invalid_client` needs its challenge, which a domain fault does not know of.
impl From<OAuthFault> for Problem {
    fn from(fault: OAuthFault) -> Self {
        let (code, words) = match fault {
            OAuthFault::Jose(fault) => return fault.into(),
            OAuthFault::Person(fault) => return fault.into(),
            OAuthFault::Session(fault) => return fault.into(),
            OAuthFault::Store(fault) => return fault.into(),
            OAuthFault::Unavailable(cause) => return AuthFault::Unavailable(cause).into(),
            OAuthFault::InvalidClient(why) => {
                tracing::info!(why, "a client did not authenticate");
                trace::because("invalid_client", why);
                return Self::new(Kind::Unauthenticated, "client authentication failed")
                    .with_code("invalid_client")
                    .with_header(
                        header::WWW_AUTHENTICATE,
                        HeaderValue::from_static(r#"Basic realm="oauth2", charset="UTF-8""#),
                    );
            }
            OAuthFault::InvalidGrant(why) => {
                tracing::info!(why, "a grant was refused");
                trace::because("invalid_grant", why);
                (
                    "invalid_grant",
                    "the grant is not valid, was used before, has expired, or is not this client's",
                )
            }
            OAuthFault::InvalidDpopProof(why) => {
                tracing::info!(why, "a DPoP proof was refused");
                trace::because("invalid_dpop_proof", why);
                ("invalid_dpop_proof", "the DPoP proof is not valid")
            }
            OAuthFault::UseDpopNonce(nonce) => {
                let refused =
                    Self::new(Kind::Invalid, "the DPoP proof needs the nonce that comes with this answer")
                        .with_code("use_dpop_nonce");
                return match HeaderValue::from_str(&nonce) {
                    Ok(nonce) => refused.with_header(web::DPOP_NONCE, nonce),
                    Err(_) => refused,
                };
            }
            OAuthFault::Throttled(wait_s) => {
                return Self::of_status(StatusCode::TOO_MANY_REQUESTS).with_retry_after(wait_s);
            }
            OAuthFault::NoPerson => {
                return Self::new(Kind::Forbidden, "the access token is no person's")
                    .with_code("insufficient_scope")
                    .with_header(
                        header::WWW_AUTHENTICATE,
                        HeaderValue::from_static(r#"Bearer error="insufficient_scope""#),
                    );
            }
            OAuthFault::InvalidRequest(why) => ("invalid_request", why),
            OAuthFault::UnauthorizedClient(why) => ("unauthorized_client", why),
            OAuthFault::UnsupportedGrantType => {
                ("unsupported_grant_type", "this grant_type is not offered here")
            }
            OAuthFault::InvalidScope(why) => ("invalid_scope", why),
            OAuthFault::Device(code) => (code, "see RFC 8628 section 3.5"),
            OAuthFault::InvalidTarget => ("invalid_target", "resource is not an API that is known here"),
        };
        trace::because(code, words);
        Self::new(Kind::Invalid, words).with_code(code).with_status(StatusCode::BAD_REQUEST)
    }
}
