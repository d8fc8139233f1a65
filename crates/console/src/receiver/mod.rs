//! Whoever receives the calls of a webhook endpoint, by a link that staff has handed over: without an account.

pub(crate) mod act;
pub(crate) mod open;
pub(crate) mod secret;
pub(crate) mod show;

use std::convert::Infallible;

use axum::{extract::FromRequestParts, response::Response};
use http::{StatusCode, request::Parts};
use kernel::{Id, RequestId};
use web::{Answer, Cookies};
use webhooks::{endpoint::Endpoint, receiver::Visit};

use crate::{page::endpoint::no_link, respond::page, state::Console};

/// The cookie of a browser in which a link is open; `__Host-` comes before it over TLS.
const COOKIE_NAME: &str = "hilum-receiver";

/// Whoever comes, with or without the cookie.
pub(crate) struct Visitor {
    cookies: Cookies,
    request: Option<RequestId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let request = parts.extensions.get::<RequestId>().cloned();
        Ok(Self { cookies: Cookies::of(&parts.headers), request })
    }
}

impl Visitor {
    fn value(&self, console: &Console) -> Option<&str> {
        self.cookies.get(&console.cookie(COOKIE_NAME))
    }

    /// What they may see and do at this endpoint; none where no link to it is open in this browser. It is asked anew with each
    /// request, so that what was revoked is closed at once.
    pub(crate) async fn at(self, console: &Console, endpoint: Id<Endpoint>) -> Answer<Option<Visit>> {
        match self.value(console) {
            Some(value) => Ok(console.webhooks().visit(value, endpoint, self.request.clone()).await?),
            None => Ok(None),
        }
    }
}

/// Where the page of an endpoint is.
fn base_of(endpoint: Id<Endpoint>) -> String {
    format!("/receivers/{endpoint}")
}

/// The same answer whatever it is that there is not: the link, its time, its endpoint.
fn nothing() -> Answer<Response> {
    let mut response = page(&no_link())?;
    *response.status_mut() = StatusCode::NOT_FOUND;
    Ok(response)
}
