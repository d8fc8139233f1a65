//! Signing a person in at Hilum: the authorization code flow with PKCE.  RFC 6749 §4.1, RFC 7636

use std::sync::Arc;

use axum::{
    extract::{Query, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Redirect, Response},
};
use kernel::Secret;
use serde::Deserialize;
use url::Url;

use super::{Diary, Trouble, Visit};

const SCOPES: &str = "openid profile integrations:revoke";

pub(super) async fn leave(State(diary): State<Arc<Diary>>) -> Result<Response, Trouble> {
    let state = crypto::b64::encode(diary.world.random::<32>());
    let verifier = crypto::b64::encode(diary.world.random::<32>());
    let mut url = Url::parse(&format!("{}/oauth2/authorize", diary.config.hilum))?;
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &diary.config.client_id)
        .append_pair("redirect_uri", &diary.redirect_uri())
        .append_pair("scope", SCOPES)
        .append_pair("state", &state)
        .append_pair("code_challenge", &crypto::pkce::s256_challenge(&verifier))
        .append_pair("code_challenge_method", "S256");
    let cookie = diary.remember(Visit { away: Some((state, Secret::new(verifier))), token: None });
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response())
}

#[derive(Deserialize)]
pub(super) struct ComeBack {
    state: Option<String>,
    code: Option<Secret<String>>,
    error: Option<String>,
}

impl ComeBack {
    /// The PKCE verifier and the code, if this browser asked for them.
    pub(super) fn checked(
        self,
        diary: &Diary,
        headers: &HeaderMap,
    ) -> Result<(Secret<String>, Secret<String>), Trouble> {
        if let Some(error) = self.error {
            return Err(Trouble(format!("You were not signed in: {error}.")));
        }
        let (Some((state, verifier)), Some(code)) = (diary.visit(headers).away, self.code) else {
            return Err(Trouble("This answer was not asked for in this browser.".to_owned()));
        };
        if self.state.as_ref() == Some(&state) {
            Ok((verifier, code))
        } else {
            Err(Trouble("This answer belongs to another sign-in.".to_owned()))
        }
    }
}

#[derive(Deserialize)]
struct Tokens {
    access_token: Secret<String>,
}

pub(super) async fn come_back(
    State(diary): State<Arc<Diary>>,
    headers: HeaderMap,
    Query(answer): Query<ComeBack>,
) -> Result<Response, Trouble> {
    let (verifier, code) = answer.checked(&diary, &headers)?;
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code.expose()),
        ("redirect_uri", &diary.redirect_uri()),
        ("code_verifier", verifier.expose()),
    ];
    let request = diary.http.post(format!("{}/oauth2/token", diary.config.hilum)).form(&form);
    let answer =
        request.basic_auth(&diary.config.client_id, Some(diary.config.client_secret.expose())).send().await?;
    let tokens: Tokens = answer.error_for_status()?.json().await?;
    diary.forget(&headers);
    let cookie = diary.remember(Visit { away: None, token: Some(tokens.access_token) });
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/")).into_response())
}

pub(super) async fn sign_out(State(diary): State<Arc<Diary>>, headers: HeaderMap) -> Redirect {
    diary.forget(&headers);
    Redirect::to("/")
}
