//! Sign in with e-mail address and password.  OWASP ASVS 5.0 §6.2

use auth::{person, session};
use axum::{
    Extension,
    extract::State,
    response::{AppendHeaders, IntoResponse, Response},
};
use http::header::SET_COOKIE;
use kernel::RequestId;
use serde::Deserialize;
use web::{Answer, ClientAddr, Cookies, Form, LocalPath, Query, Redirect};

use crate::{
    answers::Answers,
    page::plain,
    respond::{Refusal, page},
    state::Console,
};

/// Where to go afterwards.
#[derive(Deserialize)]
pub(crate) struct Asked {
    return_to: Option<String>,
}

/// `GET /sign-in`: also for somebody who is signed in, because an application may ask for a fresh sign-in.
pub(crate) async fn show(State(console): State<Console>, Query(asked): Query<Asked>) -> Answer<Response> {
    let return_to = back(asked.return_to.as_deref().unwrap_or_default());
    page(&plain::sign_in(return_to.as_str(), "", console.may_register()))
}

/// `POST /sign-in`
pub(crate) async fn enter(
    State(console): State<Console>,
    ClientAddr(source): ClientAddr,
    cookies: Cookies,
    request: Option<Extension<RequestId>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (auth, request) = (console.auth(), request.map(|Extension(id)| id));
    let (email, return_to) = (answers.text("email"), back(answers.text("return_to")));
    let password = answers.secret("password");
    match person::authenticate_password(auth, email, password, source, request.clone()).await {
        Ok(proven) => {
            let change = session::begin(auth, proven, &cookies, request).await?;
            Ok((AppendHeaders([(SET_COOKIE, change.set_cookie)]), Redirect::to(&return_to)).into_response())
        }
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = plain::sign_in(return_to.as_str(), email, console.may_register());
            view.form = view.form.map(|form| form.refused(refusal.issues()));
            refusal.page(&view)
        }
    }
}

/// A place on this site, or the start page: never anywhere else.
fn back(text: &str) -> LocalPath {
    LocalPath::parse(text).unwrap_or_else(|_| LocalPath::root())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_leads_nowhere_else() {
        assert_eq!(back("/oauth2/authorize?a=b").as_str(), "/oauth2/authorize?a=b");
        for text in ["", "https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            assert_eq!(back(text).as_str(), "/", "{text}");
        }
    }
}
