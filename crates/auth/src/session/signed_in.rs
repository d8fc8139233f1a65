//! Extractors for pages: who is signed in, and what they are.

use axum::{
    extract::{FromRef, FromRequestParts, OriginalUri},
    response::{IntoResponse, Response},
};
use http::{Method, request::Parts};
use kernel::{Kind, RequestId};
use url::form_urlencoded::byte_serialize;
use web::{Cookies, LocalPath, Problem, Redirect};

use super::{SignedIn, current};
use crate::{Auth, person::Role};

/// The page where people sign in.
const SIGN_IN: &str = "/sign-in";

/// Whoever has opened the page: signed in or not.
#[derive(Debug, Clone)]
pub struct Guest(pub Option<SignedIn>);

/// A person who is signed in and an administrator of the organisation whose their account is; others get 403.
#[derive(Debug, Clone)]
pub struct Administrator(pub SignedIn);

/// A person who is signed in and a developer of the organisation whose their account is; others get 403.
#[derive(Debug, Clone)]
pub struct Developer(pub SignedIn);

impl<S: Send + Sync> FromRequestParts<S> for Guest
where
    Auth: FromRef<S>,
{
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let cookies = Cookies::of(&parts.headers);
        Ok(Self(current(&Auth::from_ref(state), &cookies, request_id(parts)).await?))
    }
}

/// Sends a browser that is not signed in to the sign-in page, from where it comes back.
impl<S: Send + Sync> FromRequestParts<S> for SignedIn
where
    Auth: FromRef<S>,
{
    type Rejection = Response;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Guest::from_request_parts(parts, state).await {
            Ok(Guest(Some(signed_in))) => Ok(signed_in),
            Ok(Guest(None)) => Err(to_sign_in(parts)),
            Err(problem) => Err(problem.into_response()),
        }
    }
}

macro_rules! guard {
    ($guard:ident, $role:expr, $words:literal) => {
        impl<S: Send + Sync> FromRequestParts<S> for $guard
        where
            Auth: FromRef<S>,
        {
            type Rejection = Response;
            async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
                let signed_in = SignedIn::from_request_parts(parts, state).await?;
                if signed_in.roles.has(signed_in.organisation, $role) {
                    Ok(Self(signed_in))
                } else {
                    Err(Problem::new(Kind::Forbidden, $words).into_response())
                }
            }
        }
    };
}
guard!(Administrator, Role::OrgAdmin, "This page is for administrators of your organisation.");
guard!(Developer, Role::Developer, "This page is for developers of your organisation.");

pub(crate) fn request_id(parts: &Parts) -> Option<RequestId> {
    parts.extensions.get::<RequestId>().cloned()
}

/// A form that was posted without a session is lost; the browser comes back to where it can be filled in again.
fn to_sign_in(parts: &Parts) -> Response {
    let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |original| &original.0);
    let path =
        uri.path_and_query().map(http::uri::PathAndQuery::as_str).filter(|_| parts.method == Method::GET);
    let back = path.and_then(|path| LocalPath::parse(path).ok());
    Redirect::to_trusted(&sign_in_location(back.as_ref())).into_response()
}

/// Where a browser is sent to sign in, and whence it comes back.
pub fn sign_in_location(back: Option<&LocalPath>) -> String {
    match back {
        Some(path) => {
            format!("{SIGN_IN}?return_to={}", byte_serialize(path.as_str().as_bytes()).collect::<String>())
        }
        None => SIGN_IN.to_owned(),
    }
}

/// Where a browser is sent to show the password again although somebody is signed in: the page asks in any case.
pub fn sign_in_anew_location(back: &LocalPath) -> String {
    format!("{}&anew=true", sign_in_location(Some(back)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_is_one_parameter() {
        let back = LocalPath::parse("/oauth2/authorize?client_id=a.b&state=%26return_to=x").unwrap();
        assert_eq!(
            sign_in_location(Some(&back)),
            "/sign-in?return_to=%2Foauth2%2Fauthorize%3Fclient_id%3Da.b%26state%3D%2526return_to%3Dx"
        );
        assert_eq!(sign_in_location(None), "/sign-in");
    }
}
