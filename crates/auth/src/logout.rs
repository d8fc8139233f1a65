//! A client asks to sign the person out.  OpenID Connect RP-Initiated Logout 1.0 §2
//!
//! An ID token of the person who is signed in is proof enough; without it the person is asked first, so that no link can
//! sign anybody out.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use crypto::{
    b64,
    jose::{Expect, Typ, verify},
};
use http::header;
use kernel::Secret;
use serde::Deserialize;
use web::{Answer, Query, Redirect};

use crate::{
    Auth, Guest, OAuthFault, SignedIn,
    client::{self, ClientIdText},
    keys, session,
};

/// The page that asks before it signs out.
const SIGN_OUT: &str = "/sign-out";

/// A hint stays one long after the ID token has expired (§2): ten years, in seconds.
const HINT_AGE_MAX_S: u32 = 315_360_000;

/// What a client sends along.
#[derive(Deserialize)]
pub(crate) struct LogoutIn {
    id_token_hint: Option<Secret<String>>,
    client_id: Option<String>,
    post_logout_redirect_uri: Option<String>,
    state: Option<String>,
}

/// What a good hint says.
struct Hint {
    client_id: ClientIdText,
    subject: String,
}

/// Sign the person out, if the hint is of the person who is signed in; else ask.
pub(crate) async fn logout(
    State(auth): State<Auth>,
    Guest(guest): Guest,
    Query(asked): Query<LogoutIn>,
) -> Answer<Response> {
    let hint = asked.id_token_hint.as_ref().and_then(|hint| read_hint(&auth, hint));
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

/// An ID token that we have signed, however old. Its audience is read first and checked with the rest.
fn read_hint(auth: &Auth, hint: &Secret<String>) -> Option<Hint> {
    #[derive(Deserialize)]
    struct Audience {
        aud: ClientIdText,
    }
    let claims = b64::decode(hint.expose().split('.').nth(1)?).ok()?;
    let Audience { aud } = serde_json::from_slice(&claims).ok()?;
    let expect = Expect {
        issuer: auth.issuer(),
        audience: aud.as_str(),
        typ: Typ::Exactly("JWT"),
        algs: &keys::OFFERED,
        now: auth.world().now(),
        leeway_s: HINT_AGE_MAX_S,
    };
    let claims = verify(hint.expose(), auth.keys().public(), &expect).ok()?;
    Some(Hint { client_id: aud, subject: claims.subject })
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
