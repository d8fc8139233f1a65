//! A client asks to sign the person out.  OpenID Connect RP-Initiated Logout 1.0 §2
//!
//! An ID token of the person who is signed in is proof enough; without it the person is asked first, so that no link can
//! sign anybody out.

pub(crate) mod backchannel;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use kernel::Secret;
use serde::Deserialize;
use web::{Answer, Query, Redirect};

use crate::{
    Auth, Guest, OAuthFault, SignedIn, client,
    hint::{self, Hint},
    session,
};

/// The page that asks before it signs out.
const SIGN_OUT: &str = "/sign-out";

/// What a client sends along.
#[derive(Deserialize)]
pub(crate) struct LogoutIn {
    id_token_hint: Option<Secret<String>>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// Sign the person out, if the hint is of the person who is signed in; else ask.
pub(crate) async fn logout(
    State(auth): State<Auth>,
    Guest(guest): Guest,
    Query(asked): Query<LogoutIn>,
) -> Answer<Response> {
    let hint = asked.id_token_hint.as_ref().and_then(|text| hint::read(&auth, text.expose()));
    let Some(hint) = hint.filter(|hint| is_for(hint, &asked, guest.as_ref())) else {
        return Ok(Redirect::to_page(SIGN_OUT).into_response());
    };
    let back = back(&auth, &hint, &asked).await?;
    let redirect = match back {
        Some(uri) => Redirect::to_trusted(&uri)?,
        None => Redirect::to_page("/"),
    };
    match guest {
        Some(signed_in) => {
            let ended = session::end(&auth, &signed_in).await?;
            Ok(([(header::SET_COOKIE, ended.set_cookie)], redirect).into_response())
        }
        None => Ok(redirect.into_response()),
    }
}

/// Whoever is signed in is whom the hint is about, and the client is one and the same.
fn is_for(hint: &Hint, asked: &LogoutIn, guest: Option<&SignedIn>) -> bool {
    let is_client = asked.client_id.as_ref().is_none_or(|named| *named == hint.client_id.as_str());
    is_client && guest.is_none_or(|signed_in| signed_in.person.to_string() == hint.subject)
}

/// Where the client wants the browser to go, if it has registered that address.
async fn back(auth: &Auth, hint: &Hint, asked: &LogoutIn) -> Result<Option<String>, OAuthFault> {
    let Some(uri) = asked.post_logout_redirect_uri.as_deref() else { return Ok(None) };
    let client = client::queries::by_client_id(&mut auth.db().read().await?, &hint.client_id).await?;
    let client = client.filter(|client| client.disabled_at.is_none());
    let registered = client.and_then(|client| client.trusted_post_logout_redirect(uri));
    let state = asked.state.as_deref().map(|state| ("state", state));
    Ok(registered
        .map(|redirect| if state.is_some() { redirect.with(state) } else { redirect.as_str().to_owned() }))
}
