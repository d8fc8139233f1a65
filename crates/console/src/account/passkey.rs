//! Passkeys: asked for by the page's script, and sent like any other form.  W3C Web Authentication Level 3

use auth::{
    SignedIn,
    person::{
        Shown,
        factor::{self, Asked, Halfway},
    },
};
use axum::{
    Json,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::header::SET_COOKIE;
use web::{Answer, Form};

use crate::{
    account::{
        go_on::{Onward, Visit, go_on},
        second, security, sign_in,
    },
    answers::Answers,
    respond::Refusal,
    state::Console,
};

/// `POST /sign-in/passkey/options`: the argument of `navigator.credentials.get`.
pub(crate) async fn ask(State(console): State<Console>) -> Answer<Response> {
    Ok(options(factor::ask_for_passkey(console.auth()).await?))
}

/// `POST /sign-in/passkey`: alone, or as the second factor of whoever is halfway.
pub(crate) async fn enter(
    State(console): State<Console>,
    visit: Visit,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let onward = Onward::of(answers.text("return_to"), answers.text("acr"));
    let is_second = answers.text("step") == "second";
    let halfway = Halfway::of(console.auth(), &visit.cookies).filter(|_| is_second);
    let (answer, request) = (answers.text("credential"), visit.request.clone());
    match factor::prove_passkey(console.auth(), &visit.cookies, halfway.as_ref(), answer, request).await {
        Ok(proven) => go_on(&console, &visit, Shown::Enough(proven), &onward).await,
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let view = match &halfway {
                Some(halfway) => second::view(&console, halfway, &onward, Some(&refusal)).await?,
                None => sign_in::view(&console, &onward, "", Some(&refusal)).await?,
            };
            refusal.page(&view)
        }
    }
}

/// `POST /account/security/passkeys/options`: the argument of `navigator.credentials.create`.
pub(crate) async fn ask_to_register(State(console): State<Console>, who: SignedIn) -> Answer<Response> {
    Ok(options(factor::ask_to_register(console.auth(), &who).await?))
}

/// `POST /account/security/passkeys`
pub(crate) async fn register(
    State(console): State<Console>,
    who: SignedIn,
    visit: Visit,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (name, answer) = (answers.text("name"), answers.text("credential"));
    match factor::register_passkey(console.auth(), &who, &visit.cookies, name, answer).await {
        Ok(who) => security::added(&console, &who).await,
        Err(fault) => security::refused(&console, &who, fault).await,
    }
}

fn options(asked: Asked) -> Response {
    (AppendHeaders([(SET_COOKIE, asked.set_cookie)]), Json(asked.options)).into_response()
}
