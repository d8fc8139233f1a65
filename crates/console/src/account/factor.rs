//! One of the ways in which a person signs in: its name, and removing it.

use auth::{SignedIn, person::factor};
use axum::{extract::State, response::Response};
use http::StatusCode;
use kernel::{Factor, Id};
use web::{Answer, Form, Path, Problem};

use crate::{
    account::security,
    answers::Answers,
    page::way::{self, PAGE},
    respond::{Refusal, done, page},
    state::Console,
};

/// `GET /account/security/factors/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
) -> Answer<Response> {
    let (factor, _) = find(&console, &who, id).await?;
    page(&way::rename(console.viewer(&who).await?, &factor))
}

/// `POST /account/security/factors/{id}`: another name.
pub(crate) async fn rename(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    match factor::rename(console.auth(), &who, id, answers.text("name")).await {
        Ok(()) => done(PAGE, "saved"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let (factor, _) = find(&console, &who, id).await?;
            let mut view = way::rename(console.viewer(&who).await?, &factor);
            view.form = view.form.refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

/// `GET /account/security/factors/{id}/remove`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
) -> Answer<Response> {
    let (factor, many) = find(&console, &who, id).await?;
    page(&way::remove(console.viewer(&who).await?, &factor, many))
}

/// `POST /account/security/factors/{id}/remove`
pub(crate) async fn remove(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
) -> Answer<Response> {
    match factor::remove(console.auth(), &who, id).await {
        Ok(()) => done(PAGE, "removed"),
        Err(fault) => security::refused(&console, &who, fault).await,
    }
}

/// The factor, and how many there are.
async fn find(console: &Console, who: &SignedIn, id: Id<Factor>) -> Answer<(factor::Factor, usize)> {
    let all = factor::list(console.auth(), who).await?;
    let many = all.len();
    let found = all.into_iter().find(|factor| factor.id == id);
    found.map(|factor| (factor, many)).ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))
}
