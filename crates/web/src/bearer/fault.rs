//! Why a token does not open the door, and the challenge that tells so.  RFC 6750 §3, RFC 9449 §7.1

use std::error::Error;

use http::{HeaderName, HeaderValue, header};
use kernel::Kind;

use super::Scheme;
use crate::{Problem, problem::Chain};

/// What a client puts into its next proof.  RFC 9449 §8
pub const DPOP_NONCE: HeaderName = HeaderName::from_static("dpop-nonce");

/// Why a token does not open the door.
#[derive(Debug, thiserror::Error)]
pub enum AuthFault {
    /// The token is not good, or not in these hands.
    #[error(
        "the access token is unknown, expired, revoked, meant for another audience or bound to another key"
    )]
    Invalid,
    /// The token is good, for less than this needs; the scopes that are missing.
    #[error("the access token lacks {0}")]
    Scope(String),
    /// The proof of the key is not good. What is wrong with it is for the operator.
    #[error("invalid_dpop_proof: {0}")]
    Proof(&'static str),
    /// The proof lacks a nonce of this server's: the one that would be good.
    #[error("the proof needs a nonce")]
    Nonce(String),
    /// Whoever guesses keys has to wait so many seconds.
    #[error("too many keys were refused; wait {0} s")]
    Throttled(u64),
    /// Whether it is good cannot be told now. Never an answer about the token.
    #[error("tokens cannot be checked")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl AuthFault {
    /// The token is good, and lacks these scopes (separated by spaces).
    pub fn scope(missing: impl Into<String>) -> Self {
        Self::Scope(missing.into())
    }

    /// The refusal of a token that was presented by this scheme, where proofs may use these algorithms.
    pub(super) fn refusal(self, scheme: Scheme, algorithms: &str) -> Problem {
        match self {
            Self::Invalid => {
                let refused = unauthenticated("the access token is not valid", "invalid_token");
                let refused =
                    refused.with_header(header::WWW_AUTHENTICATE, error(scheme, "invalid_token", algorithms));
                if scheme == Scheme::Bearer { offering_dpop(refused, algorithms) } else { refused }
            }
            Self::Proof(why) => {
                tracing::info!(why, "a proof of a key was refused");
                unauthenticated("the DPoP proof is not valid", "invalid_dpop_proof").with_header(
                    header::WWW_AUTHENTICATE,
                    error(Scheme::Dpop, "invalid_dpop_proof", algorithms),
                )
            }
            Self::Nonce(nonce) => {
                let refused = unauthenticated(
                    "the DPoP proof needs the nonce that comes with this answer",
                    "use_dpop_nonce",
                )
                .with_header(header::WWW_AUTHENTICATE, error(Scheme::Dpop, "use_dpop_nonce", algorithms));
                match HeaderValue::from_str(&nonce) {
                    Ok(nonce) => refused.with_header(DPOP_NONCE, nonce),
                    Err(_) => refused,
                }
            }
            Self::Scope(missing) => {
                Problem::new(Kind::Forbidden, format!("the access token lacks the scope {missing}"))
                    .with_code("insufficient_scope")
                    .with_header(header::WWW_AUTHENTICATE, insufficient(scheme, &missing))
            }
            Self::Throttled(wait_s) => {
                Problem::new(Kind::Throttled, "too many keys were refused; try again later")
                    .with_retry_after(wait_s)
            }
            Self::Unavailable(cause) => {
                tracing::warn!(chain = %Chain(&*cause), "access tokens cannot be checked");
                Problem::new(Kind::Unavailable, "access tokens cannot be checked at the moment")
                    .with_retry_after(1)
            }
        }
    }
}

impl From<AuthFault> for Problem {
    fn from(fault: AuthFault) -> Self {
        fault.refusal(Scheme::Bearer, "")
    }
}

fn unauthenticated(words: &'static str, code: &'static str) -> Problem {
    Problem::new(Kind::Unauthenticated, words).with_code(code)
}

/// No token at all: no `error`, only what would do (RFC 6750 §3.1).
pub(super) fn missing(algorithms: &str) -> Problem {
    let refused = unauthenticated("an access token is required", "invalid_token")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    offering_dpop(refused, algorithms)
}

/// What is shown as an API key is none: the same status as a wrong one.
pub(super) fn no_key() -> Problem {
    let words = "the X-API-Key header holds the API Key Id, a dot and the key";
    let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
    unauthenticated(words, "invalid_token").with_header(header::WWW_AUTHENTICATE, challenge)
}

pub(super) fn malformed(why: &'static str) -> Problem {
    Problem::new(Kind::Invalid, why)
        .with_code("invalid_request")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer error="invalid_request""#))
}

/// RFC 9449 §7.2
fn offering_dpop(refused: Problem, algorithms: &str) -> Problem {
    match HeaderValue::from_str(&format!(r#"DPoP algs="{algorithms}""#)) {
        Ok(challenge) if !algorithms.is_empty() => refused.with_header(header::WWW_AUTHENTICATE, challenge),
        _ => refused,
    }
}

fn error(scheme: Scheme, error: &str, algorithms: &str) -> HeaderValue {
    let (word, bare) = match scheme {
        Scheme::Bearer => (format!(r#"Bearer error="{error}""#), HeaderValue::from_static("Bearer")),
        Scheme::Dpop => {
            (format!(r#"DPoP error="{error}", algs="{algorithms}""#), HeaderValue::from_static("DPoP"))
        }
    };
    HeaderValue::from_str(&word).unwrap_or(bare)
}

/// RFC 6750 §3.1; a scope is printable ASCII without `"` and `\`, so it needs no quoting.
fn insufficient(scheme: Scheme, missing: &str) -> HeaderValue {
    let scheme = scheme.as_str();
    HeaderValue::from_str(&format!(r#"{scheme} error="insufficient_scope", scope="{missing}""#))
        .unwrap_or(HeaderValue::from_static(r#"Bearer error="insufficient_scope""#))
}
