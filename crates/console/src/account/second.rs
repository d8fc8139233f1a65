//! The second factor, typed in.  NIST SP 800-63B §3.1.2, §3.1.5

use auth::person::{
    Shown,
    factor::{self, Halfway},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use web::{Answer, ClientAddr, Form, Query, Redirect};

use crate::{
    account::{
        go_on::{Onward, Visit, go_on, has_app},
        sign_in::Asked,
    },
    answers::Answers,
    page::enter::{self, Enter},
    respond::{Refusal, page},
    state::Console,
};

/// `GET /sign-in/second`
pub(crate) async fn ask(
    State(console): State<Console>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Answer<Response> {
    match Halfway::of(console.auth(), &visit.cookies) {
        Some(halfway) => page(&view(&console, &halfway, &asked.onward(), None).await?),
        None => start_again(),
    }
}

/// `POST /sign-in/second`
pub(crate) async fn enter(
    State(console): State<Console>,
    ClientAddr(source): ClientAddr,
    visit: Visit,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let onward = Onward::of(answers.text("return_to"), answers.text("acr"));
    let Some(halfway) = Halfway::of(console.auth(), &visit.cookies) else { return start_again() };
    let (code, request) = (answers.secret("code"), visit.request.clone());
    match factor::prove_code(console.auth(), &halfway, &code, source, request).await {
        Ok(proven) => go_on(&console, &visit, Shown::Enough(proven), &onward).await,
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            refusal.page(&view(&console, &halfway, &onward, Some(&refusal)).await?)
        }
    }
}

/// Whoever has waited too long, or comes here by a link, begins with the first factor.
fn start_again() -> Answer<Response> {
    Ok(Redirect::to_page("/sign-in").into_response())
}

/// The page, with what is wrong.
pub(crate) async fn view(
    console: &Console,
    halfway: &Halfway,
    onward: &Onward,
    refusal: Option<&Refusal>,
) -> Answer<Enter> {
    let kinds = halfway.kinds(console.auth()).await?;
    let has_passkey = kinds.contains(&factor::Kind::Passkey) && console.auth().has_passkeys();
    let mut view = enter::second(onward, halfway.first(), has_app(&kinds), has_passkey);
    if let Some(refusal) = refusal {
        view.form = view.form.map(|form| form.refused(refusal.issues()));
    }
    Ok(view)
}
