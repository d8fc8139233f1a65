//! The authorization request.  RFC 6749 §4.1.1, RFC 7636 §4.3, RFC 9207

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Redirect, Response},
};
use kernel::Scopes;
use serde::Deserialize;
use url::Url;

use super::desk::{PENDING, Pending};
use crate::sandbox::{SCOPES, Sandbox, lock, page};

#[derive(Deserialize)]
pub(super) struct Request {
    response_type: Option<String>,
    client_id: Option<String>,
    redirect_uri: Option<String>,
    scope: Option<String>,
    state: Option<String>,
    code_challenge: Option<String>,
    code_challenge_method: Option<String>,
}

/// Why a request goes no further.
enum Fault {
    /// Told to the person: it is not known where an answer may go.
    Page(&'static str),
    /// Told to the client, there.
    Client { back: Back, code: &'static str, description: &'static str },
}

/// Where answers go, and with which state.
pub(super) struct Back {
    pub(super) redirect_uri: String,
    pub(super) state: Option<String>,
}

/// `GET /oauth2/authorize`: on to the sign-in or consent page.
pub(super) async fn authorize(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Query(request): Query<Request>,
) -> Response {
    match check(&sandbox, request) {
        Ok(pending) => {
            let name = lock(&sandbox.desk).pending.put(&sandbox.world, pending, PENDING);
            let step = if sandbox.signed_in(&headers).is_some() { "/oauth2/consent" } else { "/sign-in" };
            Redirect::to(&format!("{step}?request={name}")).into_response()
        }
        Err(Fault::Page(why)) => page::refusal(StatusCode::BAD_REQUEST, why),
        Err(Fault::Client { back, code, description }) => {
            back.answer(&sandbox, &[("error", code), ("error_description", description)])
        }
    }
}

impl Back {
    /// Send the browser back to the client with these parameters, the state and the issuer.
    pub(super) fn answer(&self, sandbox: &Sandbox, parameters: &[(&str, &str)]) -> Response {
        let Ok(mut url) = Url::parse(&self.redirect_uri) else {
            return page::refusal(StatusCode::BAD_REQUEST, "The application's redirect URI is not a URI.");
        };
        url.query_pairs_mut()
            .extend_pairs(parameters)
            .extend_pairs(self.state.iter().map(|state| ("state", state)))
            .append_pair("iss", sandbox.issuer());
        Redirect::to(url.as_str()).into_response()
    }
}

fn check(sandbox: &Sandbox, request: Request) -> Result<Pending, Fault> {
    let client = request.client_id.as_deref().and_then(|id| sandbox.client(id));
    let client = client.ok_or(Fault::Page("The application that sent you here is not known (client_id)."))?;
    let redirect_uri = request.redirect_uri.filter(|uri| client.redirect_uris.contains(uri)).ok_or(
        Fault::Page("The application asked for an answer at an address that it has not registered."),
    )?;
    let state = request.state;
    let refuse = |code, description| Fault::Client {
        back: Back { redirect_uri: redirect_uri.clone(), state: state.clone() },
        code,
        description,
    };
    if request.response_type.as_deref() != Some("code") {
        return Err(refuse("unsupported_response_type", "response_type must be code"));
    }
    let challenge = request.code_challenge.filter(|challenge| crypto::pkce::is_challenge(challenge));
    let (Some(challenge), Some("S256")) = (challenge, request.code_challenge_method.as_deref()) else {
        return Err(refuse("invalid_request", "PKCE with the method S256 is required"));
    };
    let scopes =
        asked(request.scope.as_deref()).ok_or_else(|| refuse("invalid_scope", "an unknown scope"))?;
    Ok(Pending { client_id: client.client_id.clone(), redirect_uri, state, challenge, scopes })
}

/// The scopes asked for, if all of them exist and there is at least one.
fn asked(scope: Option<&str>) -> Option<Scopes> {
    let scopes: Scopes = scope?.parse().ok()?;
    let known = scopes.iter().all(|scope| SCOPES.contains(&scope.as_str()));
    (known && !scopes.is_empty()).then_some(scopes)
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::sandbox::visit::{CALLBACK, Visit};

    #[tokio::test]
    async fn a_request_in_order_leads_to_the_sign_in_page_and_then_to_consent() {
        let (mut visit, _) = Visit::begin();
        let answer = visit.authorize(&[]).await;
        assert!(answer.header("location").starts_with("/sign-in?request="), "{}", answer.text);
        visit.sign_in("river", &answer.parameters()["request"]).await;
        let answer = visit.authorize(&[]).await;
        assert!(answer.header("location").starts_with("/oauth2/consent?request="));
    }

    #[tokio::test]
    async fn nobody_is_sent_to_an_address_that_is_not_registered() {
        let (visit, _) = Visit::begin();
        let addresses = [
            "",
            "http://127.0.0.1:9/callback",
            "http://127.0.0.1:9/callback?tenant=1&x=1",
            "https://evil.example/",
        ];
        for address in addresses {
            let answer = visit.authorize(&[("redirect_uri", address)]).await;
            assert_eq!(
                (answer.status, answer.header("location")),
                (StatusCode::BAD_REQUEST, ""),
                "{address}"
            );
        }
        assert_eq!(visit.authorize(&[("client_id", "nobody")]).await.status, StatusCode::BAD_REQUEST);
    }

    #[tokio::test]
    async fn other_mistakes_are_told_to_the_client_with_state_and_issuer() {
        let (visit, _) = Visit::begin();
        for (name, value, code) in [
            ("response_type", "token", "unsupported_response_type"),
            ("code_challenge_method", "plain", "invalid_request"),
            ("code_challenge", "", "invalid_request"),
            ("code_challenge", "short", "invalid_request"),
            ("scope", "heartrate everything", "invalid_scope"),
            ("scope", "", "invalid_scope"),
        ] {
            let answer = visit.authorize(&[(name, value)]).await;
            assert!(answer.header("location").starts_with(CALLBACK), "{name}={value}");
            let told = answer.parameters();
            assert_eq!((told["error"].as_str(), told["state"].as_str()), (code, "xyz"), "{name}={value}");
            assert_eq!(told["iss"], "http://127.0.0.1:8090");
            assert_eq!(told["tenant"], "1", "the address keeps its own query");
        }
    }
}
