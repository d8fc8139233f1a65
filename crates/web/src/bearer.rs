//! Access tokens at a resource.  RFC 6750

use std::{error::Error, sync::Arc};

use axum::extract::FromRequestParts;
use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Uri, header, request::Parts};
use kernel::{Caller, Kind};

use crate::{Problem, limits::BEARER_BYTES_MAX, problem::Chain, rate};

/// Who can tell what a bearer token is good for. `hilum` puts one into the routers as `Extension<Arc<dyn Authenticate>>`.
pub trait Authenticate: Send + Sync {
    /// The caller that the token proves.
    ///
    /// # Errors
    /// [`AuthFault::Invalid`] for a token that is unknown, expired, revoked or meant for another audience;
    /// [`AuthFault::Unavailable`] when that cannot be told at the moment.
    fn authenticate<'a>(&'a self, bearer: &'a str) -> BoxFuture<'a, Result<Caller, AuthFault>>;
}

/// Why a bearer token does not open the door.
#[derive(Debug, thiserror::Error)]
pub enum AuthFault {
    /// The token is not good.
    #[error("the access token is unknown, expired, revoked or meant for another audience")]
    Invalid,
    /// The token is good, for less than this needs; the scopes that are missing.
    #[error("the access token lacks {0}")]
    Scope(String),
    /// Whether it is good cannot be told now. Never an answer about the token.
    #[error("tokens cannot be checked")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

impl AuthFault {
    /// The token is good, and lacks these scopes (separated by spaces).
    pub fn scope(missing: impl Into<String>) -> Self {
        Self::Scope(missing.into())
    }
}

impl From<AuthFault> for Problem {
    fn from(fault: AuthFault) -> Self {
        match fault {
            AuthFault::Invalid => Self::new(Kind::Unauthenticated, "the access token is not valid")
                .with_code("invalid_token")
                .with_header(
                    header::WWW_AUTHENTICATE,
                    HeaderValue::from_static(r#"Bearer error="invalid_token""#),
                ),
            AuthFault::Scope(missing) => {
                Self::new(Kind::Forbidden, format!("the access token lacks the scope {missing}"))
                    .with_code("insufficient_scope")
                    .with_header(header::WWW_AUTHENTICATE, insufficient(&missing))
            }
            AuthFault::Unavailable(cause) => {
                tracing::warn!(chain = %Chain(&*cause), "access tokens cannot be checked");
                Self::new(Kind::Unavailable, "access tokens cannot be checked at the moment")
                    .with_retry_after(1)
            }
        }
    }
}

/// RFC 6750 §3.1; a scope is printable ASCII without `"` and `\`, so it needs no quoting.
fn insufficient(missing: &str) -> HeaderValue {
    HeaderValue::from_str(&format!(r#"Bearer error="insufficient_scope", scope="{missing}""#))
        .unwrap_or(HeaderValue::from_static(r#"Bearer error="insufficient_scope""#))
}

/// The caller that the request's bearer token proves. Without a token 401, with a bad one 401 `invalid_token`.
#[derive(Debug, Clone)]
pub struct Bearer(pub Caller);

impl Bearer {
    /// Insist on a scope.
    ///
    /// # Errors
    /// [`AuthFault::Scope`], answered 403 `insufficient_scope`.
    pub fn require(&self, scope: &str) -> Result<(), AuthFault> {
        if self.0.scopes.has(scope) { Ok(()) } else { Err(AuthFault::scope(scope)) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Bearer {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let token = match presented(&parts.uri, &parts.headers) {
            Presented::One(token) => token.to_owned(),
            Presented::Nothing => return Err(missing()),
            Presented::Malformed(why) => return Err(malformed(why)),
        };
        let Some(authority) = parts.extensions.get::<Arc<dyn Authenticate>>().cloned() else {
            tracing::error!("a route asks for a bearer and no Arc<dyn Authenticate> is in its extensions");
            return Err(Problem::new(Kind::Internal, Problem::INTERNAL));
        };
        let caller = authority.authenticate(&token).await?;
        rate::admit_client(&parts.extensions, caller.client).await?;
        Ok(Self(caller))
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Presented<'a> {
    Nothing,
    One(&'a str),
    Malformed(&'static str),
}

/// RFC 6750 §2: one token, in the `Authorization` header. In a query it would end up in logs, so there it is refused.
fn presented<'a>(uri: &Uri, headers: &'a HeaderMap) -> Presented<'a> {
    let query = uri.query().unwrap_or_default().as_bytes();
    if url::form_urlencoded::parse(query).any(|(name, _)| name == "access_token") {
        return Presented::Malformed("an access token belongs in the Authorization header, never in the URL");
    }
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Presented::Nothing };
    if values.next().is_some() {
        return Presented::Malformed("there is more than one Authorization header");
    }
    let Ok(text) = value.to_str() else {
        return Presented::Malformed("the Authorization header is not ASCII");
    };
    let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Presented::Nothing;
    }
    let token = token.trim_matches(' ');
    if token.len() > BEARER_BYTES_MAX || !is_b64token(token) {
        return Presented::Malformed("the Authorization header does not hold a bearer token");
    }
    Presented::One(token)
}

/// RFC 6750 §2.1
fn is_b64token(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(&b);
    !body.is_empty() && body.bytes().all(allowed)
}

fn missing() -> Problem {
    Problem::new(Kind::Unauthenticated, "an access token is required")
        .with_code("invalid_token")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn malformed(why: &'static str) -> Problem {
    Problem::new(Kind::Invalid, why)
        .with_code("invalid_request")
        .with_header(header::WWW_AUTHENTICATE, HeaderValue::from_static(r#"Bearer error="invalid_request""#))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(uri: &'static str, values: &[&'static str]) -> (Uri, HeaderMap) {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(header::AUTHORIZATION, HeaderValue::from_static(value));
        }
        (Uri::from_static(uri), headers)
    }

    #[test]
    fn one_token_in_the_header_and_nowhere_else() {
        let cases: &[(&str, &[&str], Option<&str>)] = &[
            ("/x", &["Bearer abc.DEF-1_~+/=="], Some("abc.DEF-1_~+/==")),
            ("/x", &["bEaReR abc"], Some("abc")),
            ("/x", &[], None),
            ("/x", &["Basic abc"], None),
            ("/x?y=access_token", &["Bearer abc"], Some("abc")),
        ];
        for (uri, values, expected) in cases {
            let (uri, headers) = of(uri, values);
            let expected = expected.map_or(Presented::Nothing, Presented::One);
            assert_eq!(presented(&uri, &headers), expected, "{uri} {values:?}");
        }
        let refused: &[(&str, &[&str])] = &[
            ("/x?access_token=abc", &[]),
            ("/x?a=1&access%5Ftoken=abc", &["Bearer abc"]),
            ("/x", &["Bearer abc", "Bearer abc"]),
            ("/x", &["Bearer"]),
            ("/x", &["Bearer a b"]),
            ("/x", &["Bearer a,b"]),
            ("/x", &["Bearer ==="]),
        ];
        for (uri, values) in refused {
            let (uri, headers) = of(uri, values);
            assert!(matches!(presented(&uri, &headers), Presented::Malformed(_)), "{uri} {values:?}");
        }
    }
}
