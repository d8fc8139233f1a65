//! The token endpoint.  RFC 6749 §4.1.3, §6; RFC 9700 §4.14.2

use std::{sync::Arc, time::Duration};

use axum::{
    Form, Json,
    extract::State,
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use kernel::{Scopes, Secret};
use serde::Deserialize;
use serde_json::json;
use tokio::time::sleep;

use super::{client::Said, code::TokenFault, desk::Code};
use crate::sandbox::{
    Person, Sandbox, SandboxClient,
    book::{Pair, Refusal, TokenHash},
    lock,
};

#[derive(Deserialize)]
pub(super) struct Request {
    grant_type: Option<String>,
    client_id: Option<String>,
    client_secret: Option<String>,
    code: Option<String>,
    redirect_uri: Option<String>,
    code_verifier: Option<String>,
    refresh_token: Option<String>,
    scope: Option<String>,
}

/// What the client is given.
struct Given {
    person: Person,
    scopes: Scopes,
    tokens: Tokens,
}

struct Tokens {
    access: Secret<String>,
    refresh: Secret<String>,
    pair: Pair,
}

/// `POST /oauth2/token`: a code or a refresh token for a new pair.
pub(super) async fn token(
    State(sandbox): State<Arc<Sandbox>>,
    headers: HeaderMap,
    Form(request): Form<Request>,
) -> Response {
    let outcome = exchange(&sandbox, &headers, &request).await;
    if let Err(fault) = &outcome {
        lock(&sandbox.counts).token_refused(fault.code());
    }
    // the request has been carried out: a client that does not wait loses the answer, not the exchange
    let stall_s = lock(&sandbox.faults).stall_token_s;
    if stall_s > 0 {
        sleep(Duration::from_secs(stall_s)).await;
    }
    match outcome {
        Ok(given) => given.answer(&sandbox),
        Err(fault) => fault.into_response(),
    }
}

async fn exchange(sandbox: &Sandbox, headers: &HeaderMap, request: &Request) -> Result<Given, TokenFault> {
    let said =
        Said { client_id: request.client_id.as_deref(), client_secret: request.client_secret.as_deref() };
    let client = sandbox.caller(headers, &said)?;
    match request.grant_type.as_deref() {
        Some("authorization_code") => by_code(sandbox, client, request).await,
        Some("refresh_token") => by_refresh_token(sandbox, client, request).await,
        Some(_) => Err(TokenFault::UnsupportedGrantType),
        None => Err(TokenFault::InvalidRequest("grant_type is missing")),
    }
}

async fn by_code(sandbox: &Sandbox, client: &SandboxClient, request: &Request) -> Result<Given, TokenFault> {
    let code = request.code.as_deref().ok_or(TokenFault::InvalidRequest("code is missing"))?;
    let now = sandbox.world.now();
    let tokens = sandbox.new_tokens();
    let pair = tokens.pair.clone();
    // the desk stays locked, so that of two calls with one code only the first finds it unused
    let outcome = sandbox.book.change(|grants| {
        let mut desk = lock(&sandbox.desk);
        let found =
            desk.codes.get(code, now).ok_or(TokenFault::InvalidGrant("the code is unknown or expired"))?;
        if let Some(grant) = found.grant {
            grants.end(grant, now);
            return Err(TokenFault::InvalidGrant(
                "the code was used before; what it brought has been revoked",
            ));
        }
        fits(found, client, request)?;
        let (person, scopes) = (found.person, found.request.scopes.clone());
        found.grant = Some(grants.give(person, &client.client_id, scopes.clone(), pair, now));
        Ok((person, scopes))
    });
    let (person, scopes) = outcome.await.map_err(|_| TokenFault::Unsaved)??;
    lock(&sandbox.counts).token("authorization_code");
    Ok(Given { person, scopes, tokens })
}

/// The code belongs to this client, this redirect URI and this verifier.
fn fits(code: &Code, client: &SandboxClient, request: &Request) -> Result<(), TokenFault> {
    let asked = &code.request;
    let verifier = request.code_verifier.as_deref().unwrap_or_default();
    if asked.client_id != client.client_id {
        Err(TokenFault::InvalidGrant("the code was issued to another client"))
    } else if request.redirect_uri.as_deref() != Some(&asked.redirect_uri) {
        Err(TokenFault::InvalidGrant("redirect_uri differs from the authorization request"))
    } else if !crypto::pkce::matches(&asked.challenge, verifier) {
        Err(TokenFault::InvalidGrant("code_verifier does not match the challenge"))
    } else {
        Ok(())
    }
}

async fn by_refresh_token(
    sandbox: &Sandbox,
    client: &SandboxClient,
    request: &Request,
) -> Result<Given, TokenFault> {
    let token =
        request.refresh_token.as_deref().ok_or(TokenFault::InvalidRequest("refresh_token is missing"))?;
    let asked: Option<Scopes> =
        request.scope.as_deref().map(str::parse).transpose().map_err(|_| TokenFault::InvalidScope)?;
    let hash = TokenHash::of(token);
    let (now, grace) = (sandbox.world.now(), Duration::from_secs(sandbox.refresh_grace_s));
    let tokens = sandbox.new_tokens();
    let pair = tokens.pair.clone();
    let outcome = sandbox.book.change(|grants| {
        let granted = grants.refreshable(&hash).map(|grant| &grant.scopes);
        if asked.is_some() && granted.is_some() && asked.as_ref() != granted {
            return Err(TokenFault::InvalidScope);
        }
        grants.rotate(&hash, &client.client_id, pair, now, grace).map_err(|refusal| {
            if refusal == Refusal::Reused {
                lock(&sandbox.counts).refresh_reused();
            }
            TokenFault::InvalidGrant("the refresh token is unknown, used, or revoked")
        })
    });
    let (person, scopes) = outcome.await.map_err(|_| TokenFault::Unsaved)??;
    lock(&sandbox.counts).token("refresh_token");
    Ok(Given { person, scopes, tokens })
}

impl Sandbox {
    fn new_tokens(&self) -> Tokens {
        let access = crypto::token::generate(&self.world, "sbx_at_");
        let refresh = crypto::token::generate(&self.world, "sbx_rt_");
        let pair = Pair {
            access: TokenHash::of(access.expose()),
            access_expires_at: self.world.now() + Duration::from_secs(self.access_token_s),
            refresh: TokenHash::of(refresh.expose()),
        };
        Tokens { access, refresh, pair }
    }
}

impl Given {
    fn answer(&self, sandbox: &Sandbox) -> Response {
        let body = json!({
            "access_token": self.tokens.access.expose(),
            "expires_in": sandbox.access_token_s,
            "refresh_token": self.tokens.refresh.expose(),
            "scope": self.scopes,
            "token_type": "Bearer",
            "user_id": self.person.traits().user_id,
        });
        ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use crate::sandbox::{
        Sandbox,
        visit::{CALLBACK, VERIFIER, Visit, config, pair, world},
    };

    const HEART: &str = "/1/user/-/activities/heart/date/2026-05-01/1d.json";

    #[tokio::test]
    async fn a_code_brings_tokens_for_what_was_ticked() {
        let (mut visit, _) = Visit::begin();
        let back = visit.consent("river", &[], &["sleep"]).await.parameters();
        let answer = visit.exchange(&back["code"]).await;
        let told = answer.json();
        assert_eq!((told["scope"].as_str(), told["token_type"].as_str()), (Some("sleep"), Some("Bearer")));
        assert_eq!((told["user_id"].as_str(), told["expires_in"].as_u64()), (Some("R7V3RS"), Some(28_800)));
        assert_eq!(answer.header("cache-control"), "no-store");
    }

    #[tokio::test]
    async fn a_code_that_comes_twice_ends_what_it_had_brought() {
        let (mut visit, _) = Visit::begin();
        let back = visit.consent("river", &[], &["heartrate"]).await.parameters();
        let (access, refresh) = pair(&visit.exchange(&back["code"]).await);
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::OK);
        assert_eq!(visit.exchange(&back["code"]).await.json()["error"], "invalid_grant");
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::UNAUTHORIZED);
        assert_eq!(visit.refresh(&refresh).await.json()["error"], "invalid_grant");
    }

    #[tokio::test]
    async fn a_code_belongs_to_its_client_address_and_verifier() {
        let (mut visit, hand) = Visit::begin();
        let back = visit.consent("river", &[], &["heartrate"]).await.parameters();
        let wrong = VERIFIER.replace('d', "e");
        for (who, address, verifier) in [
            (("other", "0ther"), CALLBACK, VERIFIER),
            (("app", "s3cret"), "http://127.0.0.1:9/", VERIFIER),
            (("app", "s3cret"), CALLBACK, wrong.as_str()),
            (("app", "s3cret"), CALLBACK, ""),
        ] {
            let fields = [
                ("grant_type", "authorization_code"),
                ("code", &back["code"]),
                ("redirect_uri", address),
                ("code_verifier", verifier),
            ];
            let answer = visit.post("/oauth2/token", Some(who), &fields).await;
            assert_eq!(answer.json()["error"], "invalid_grant", "{who:?} {address} {verifier}");
        }
        hand.forward(600);
        assert_eq!(visit.exchange(&back["code"]).await.json()["error"], "invalid_grant");
    }

    #[tokio::test]
    async fn clients_prove_themselves_in_one_way() {
        let (visit, _) = Visit::begin();
        let grant = ("grant_type", "refresh_token");
        let token = ("refresh_token", "x");
        for (who, fields, error) in [
            (Some(("app", "wrong")), vec![grant, token], "invalid_client"),
            (Some(("nobody", "s3cret")), vec![grant, token], "invalid_client"),
            (None, vec![grant, token], "invalid_client"),
            (None, vec![grant, token, ("client_id", "app")], "invalid_client"),
            (Some(("app", "s3cret")), vec![grant, token, ("client_secret", "s3cret")], "invalid_request"),
            (Some(("app", "s3cret")), vec![grant, token, ("client_id", "other")], "invalid_request"),
            (None, vec![grant, token, ("client_id", "app"), ("client_secret", "s3cret")], "invalid_grant"),
            (None, vec![grant, token, ("client_id", "public")], "invalid_grant"),
            (Some(("app", "s3cret")), vec![("grant_type", "password")], "unsupported_grant_type"),
            (Some(("app", "s3cret")), vec![], "invalid_request"),
        ] {
            let answer = visit.post("/oauth2/token", who, &fields).await;
            assert_eq!(answer.json()["error"], error, "{who:?} {fields:?}");
            let challenged = !answer.header("www-authenticate").is_empty();
            assert_eq!(challenged, answer.status == StatusCode::UNAUTHORIZED);
        }
    }

    #[tokio::test]
    async fn a_refresh_token_works_once_and_its_second_use_is_counted() {
        let (mut visit, _) = Visit::begin();
        let (_, first) = visit.link().await;
        let (access, second) = pair(&visit.refresh(&first).await);
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::OK);
        assert_eq!(visit.refresh(&first).await.json()["error"], "invalid_grant");
        assert_eq!(visit.refresh(&second).await.json()["error"], "invalid_grant");
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::UNAUTHORIZED);
        let counters = visit.counters().await;
        assert_eq!(counters["refresh_reused"], 1);
        assert_eq!(counters["token_by_grant"]["refresh_token"], 1);
        assert_eq!(counters["token_refused"]["invalid_grant"], 2);
        assert_eq!(counters["calls"]["token"], 4);
    }

    #[tokio::test]
    async fn links_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = config();
        kept.state_file = Some(folder.path().join("sandbox.json"));
        let (world, _) = world();
        let mut visit = Visit::to(Sandbox::open(kept.clone(), world.clone()).unwrap());
        let (access, refresh) = visit.link().await;
        let file = std::fs::read_to_string(folder.path().join("sandbox.json")).unwrap();
        assert!(!file.contains(&access) && !file.contains(&refresh), "tokens are kept as hashes");
        let visit = Visit::to(Sandbox::open(kept.clone(), world.clone()).unwrap());
        assert_eq!(visit.call(HEART, &access).await.status, StatusCode::OK);
        assert_eq!(visit.refresh(&refresh).await.status, StatusCode::OK);
        std::fs::write(folder.path().join("sandbox.json"), "{").unwrap();
        assert!(Sandbox::open(kept, world).is_err(), "a damaged file is not taken for an empty one");
    }

    #[tokio::test]
    async fn nothing_is_promised_that_cannot_be_kept() {
        let folder = tempfile::tempdir().unwrap();
        let mut kept = config();
        kept.state_file = Some(folder.path().join("missing").join("sandbox.json"));
        let mut visit = Visit::to(Sandbox::open(kept, world().0).unwrap());
        let back = visit.consent("river", &[], &["sleep"]).await.parameters();
        assert_eq!(visit.exchange(&back["code"]).await.json()["error"], "server_error");
    }
}
