//! Sign in with e-mail address and password.  OWASP ASVS 5.0 §6.2

use auth::{person, upstream};
use axum::{extract::State, response::Response};
use serde::Deserialize;
use web::{Answer, ClientAddr, Form, Query};

use crate::{
    account::go_on::{Onward, Visit, go_on},
    answers::Answers,
    page::{enter::Enter, plain},
    respond::{Refusal, page},
    state::Console,
};

/// Where to go afterwards, and what the sign-in must be worth.
#[derive(Deserialize)]
pub(crate) struct Asked {
    return_to: Option<String>,
    acr: Option<String>,
}

impl Asked {
    pub(crate) fn onward(&self) -> Onward {
        Onward::of(self.return_to.as_deref().unwrap_or_default(), self.acr.as_deref().unwrap_or_default())
    }
}

/// `GET /sign-in`: also for somebody who is signed in, because an application may ask for a fresh sign-in.
pub(crate) async fn show(State(console): State<Console>, Query(asked): Query<Asked>) -> Answer<Response> {
    page(&view(&console, &asked.onward(), "", None).await?)
}

/// `POST /sign-in`
pub(crate) async fn enter(
    State(console): State<Console>,
    ClientAddr(source): ClientAddr,
    visit: Visit,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let onward = Onward::of(answers.text("return_to"), answers.text("acr"));
    let (email, password) = (answers.text("email"), answers.secret("password"));
    let request = visit.request.clone();
    match person::authenticate_password(console.auth(), email, password, source, request).await {
        Ok(shown) => go_on(&console, &visit, shown, &onward).await,
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            refusal.page(&view(&console, &onward, email, Some(&refusal)).await?)
        }
    }
}

/// The page, with what is wrong.
pub(crate) async fn view(
    console: &Console,
    onward: &Onward,
    email: &str,
    refusal: Option<&Refusal>,
) -> Answer<Enter> {
    let mut plain = plain::sign_in(onward.return_to.as_str(), email, console.may_register());
    plain.form = plain.form.map(|form| {
        let form = form.hiding("acr", onward.acr());
        refusal.into_iter().fold(form, |form, refusal| form.refused(refusal.issues()))
    });
    let providers = upstream::offered(console.auth()).await?;
    Ok(Enter::around(plain, onward, console.auth().has_passkeys(), providers))
}
