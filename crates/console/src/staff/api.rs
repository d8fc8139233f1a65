//! The API of contract 4 as the pages ask it: the same calls, judged by the same roles, put on record in the same way.
//!
//! A page about integrations is a client of that API in the same process. The request carries no token: who asks is the person whose session
//! opened the page, with all scopes and with the roles that they have in their organisation.

use std::sync::Arc;

use auth::SignedIn;
use axum::{body::Body, extract::FromRequestParts, response::IntoResponse, response::Response};
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Request, header, request::Parts};
use http_body_util::BodyExt;
use kernel::{Caller, Id, Kind, OWN_PAGES, Organisation, Permission, Reach, RequestId, Study};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::ServiceExt;
use web::{Answer, AuthFault, Authenticate, Context, Presented, Problem};

use crate::{Console, frame::Viewer};

/// Where the calls are.
const BASE: &str = "/api/v1/integrations";
/// What a call of the pages presents: nobody looks at it.
const PRESENTED: &str = "Bearer page";

/// Whoever is signed in, for one call.
struct Seated(Caller);

impl Authenticate for Seated {
    fn authenticate<'a>(&'a self, _: Presented<'a>) -> BoxFuture<'a, Result<Caller, AuthFault>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }
}

/// Staff on a page: who they are, and what they ask the API.
pub(crate) struct Staff {
    pub(crate) who: SignedIn,
    console: Console,
    caller: Caller,
    context: Context,
}

impl FromRequestParts<Console> for Staff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, console: &Console) -> Result<Self, Response> {
        let who = SignedIn::from_request_parts(parts, console).await?;
        let Some(context) = parts.extensions.get::<Context>().cloned() else {
            return Err(Problem::new(Kind::Internal, Problem::INTERNAL).into_response());
        };
        let caller = caller_of(&who);
        match caller.grants.reach(Permission::Read) {
            Reach::Nothing => Err(Problem::role().into_response()),
            _ => Ok(Self { who, console: console.clone(), caller, context }),
        }
    }
}

/// A signed-in person as the API knows callers.
fn caller_of(who: &SignedIn) -> Caller {
    Caller {
        organisation: who.organisation,
        client: OWN_PAGES,
        person: Some(who.person),
        scopes: Permission::SCOPES.join(" ").parse().unwrap_or_default(),
        grants: who.roles.within(who.organisation),
        token: who.session.cast(),
    }
}

impl Staff {
    /// Who is signed in, as the frame shows it.
    pub(crate) async fn viewer(&self) -> Answer<Viewer> {
        self.console.viewer(&self.who).await
    }

    /// Who asks, for what is not asked as a call.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The request of the page.
    pub(crate) fn request(&self) -> RequestId {
        self.context.request_id().clone()
    }

    /// Whether they may do this to a thing of these studies: what a page offers. Whether it is done, the API decides.
    pub(crate) fn may(
        &self,
        permission: Permission,
        (owner, studies): (Id<Organisation>, &[Id<Study>]),
    ) -> bool {
        self.caller.may(permission, owner, studies)
    }

    /// Whether they may do this somewhere.
    pub(crate) fn may_somewhere(&self, permission: Permission) -> bool {
        self.caller.grants.reach(permission) != Reach::Nothing
    }

    /// What is at this path.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Answer<T> {
        self.ask(Method::GET, path, None).await.map(|(read, _)| read)
    }

    /// The same, and where it goes on.
    pub(crate) async fn get_part<T: DeserializeOwned>(&self, path: &str) -> Answer<(T, Option<String>)> {
        let (read, headers) = self.ask(Method::GET, path, None).await?;
        Ok((read, cursor_of(&headers)))
    }

    /// Something is done.
    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: Option<Value>) -> Answer<T> {
        self.ask(Method::POST, path, body).await.map(|(read, _)| read)
    }

    /// Something is taken away.
    pub(crate) async fn delete(&self, path: &str) -> Answer<()> {
        self.ask::<Option<Value>>(Method::DELETE, path, None).await.map(|_| ())
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer<(T, HeaderMap)> {
        let broken = || Problem::new(Kind::Internal, Problem::INTERNAL);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{BASE}{path}"))
            .header(header::AUTHORIZATION, PRESENTED)
            .header(header::IF_MATCH, "*");
        if body.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/json");
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        // An address that cannot be one names nothing that there is.
        let mut request = request.body(body).map_err(|_| Problem::of_status(http::StatusCode::NOT_FOUND))?;
        let authenticate: Arc<dyn Authenticate> = Arc::new(Seated(self.caller.clone()));
        let extensions = request.extensions_mut();
        extensions.insert(authenticate);
        extensions.insert(self.request());
        extensions.insert(self.context.clone());
        let Ok(response) = self.console.managed().clone().oneshot(request).await;
        if let Some(problem) = response.extensions().get::<Problem>() {
            return Err(problem.clone());
        }
        let is_done = response.status().is_success();
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await.map_err(|_| broken())?.to_bytes();
        let text = if bytes.is_empty() { b"null".as_slice() } else { &bytes };
        match serde_json::from_slice(text) {
            Ok(read) if is_done => Ok((read, headers)),
            _ => {
                tracing::error!("the API does not say what a page reads");
                Err(broken())
            }
        }
    }
}

/// Where a list goes on, as `Link` says it.  RFC 8288
fn cursor_of(headers: &HeaderMap) -> Option<String> {
    let link = headers.get(header::LINK)?.to_str().ok()?;
    let next = link.split(',').find(|part| part.contains("rel=\"next\""))?;
    let (_, rest) = next.split_once("cursor=")?;
    let end = rest.find(['&', '>'])?;
    rest.get(..end).map(str::to_owned)
}

/// A text as a part of a path or a value of a query.
pub(crate) fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    #[test]
    fn a_list_goes_on_where_its_link_says() {
        let of = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::LINK, HeaderValue::from_static(text));
            cursor_of(&headers)
        };
        assert_eq!(of("<https://a.example/x?q=1&cursor=0a1b>; rel=\"next\"").as_deref(), Some("0a1b"));
        assert_eq!(of("<https://a.example/x?cursor=0a&limit=2>; rel=\"next\"").as_deref(), Some("0a"));
        assert_eq!(of("<https://a.example/x?cursor=0a>; rel=\"prev\""), None);
        assert_eq!(cursor_of(&HeaderMap::new()), None);
    }
}
