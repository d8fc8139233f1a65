//! One of the ways in which a person signs in: its name, and removing it.

use auth::{SignedIn, person::factor};
use axum::{extract::State, response::Response};
use http::StatusCode;
use kernel::{Factor, Id};
use web::{Answer, Form, Path, Problem};

use crate::{
    account::security,
    answers::Answers,
    form::{Field, Form as FormView},
    frame::{Frame, Here},
    page::{ask::Ask, confirm::Confirm, security::kind_words},
    respond::{Refusal, done, page},
    state::Console,
};

const PAGE: &str = "/account/security";

/// `GET /account/security/factors/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
) -> Answer<Response> {
    let factor = find(&console, &who, id).await?;
    page(&view(&console, &who, &factor, None).await?)
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
            let factor = find(&console, &who, id).await?;
            refusal.page(&view(&console, &who, &factor, Some(&refusal)).await?)
        }
    }
}

/// `GET /account/security/factors/{id}/remove`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Path(id): Path<Id<Factor>>,
) -> Answer<Response> {
    let all = factor::list(console.auth(), &who).await?;
    let factor = all.iter().find(|factor| factor.id == id);
    let factor = factor.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?;
    let mut effects = vec![format!("Nobody can sign in with {} any more.", factor.name)];
    if all.len() == 1 {
        effects.push("Your password alone is enough to sign in from then on.".to_owned());
        effects.push("Your recovery codes end as well.".to_owned());
    }
    page(&Confirm {
        frame: Frame::inside(format!("Remove {}", factor.name), Here::Security, console.viewer(&who).await?),
        back: (PAGE.into(), "Your sign-in".into()),
        heading: format!("Remove {}?", factor.name),
        lead: format!("{}.", kind_words(factor.kind)),
        effects,
        form: FormView::new(format!("{PAGE}/factors/{id}/remove"), "Remove").or_back_to(PAGE).dangerous(),
    })
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

async fn find(console: &Console, who: &SignedIn, id: Id<Factor>) -> Answer<factor::Factor> {
    let all = factor::list(console.auth(), who).await?;
    let found = all.into_iter().find(|factor| factor.id == id);
    found.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))
}

async fn view(
    console: &Console,
    who: &SignedIn,
    factor: &factor::Factor,
    refusal: Option<&Refusal>,
) -> Answer<Ask> {
    let form = FormView::new(format!("{PAGE}/factors/{}", factor.id), "Save")
        .with(Field::text("name", "Name").value(factor.name.clone()))
        .or_back_to(PAGE);
    Ok(Ask {
        frame: Frame::inside(factor.name.clone(), Here::Security, console.viewer(who).await?),
        back: (PAGE.into(), "Your sign-in".into()),
        heading: factor.name.clone(),
        lead: format!("{}. Give it a name by which you recognise it.", kind_words(factor.kind)),
        form: refusal.into_iter().fold(form, |form, refusal| form.refused(refusal.issues())),
    })
}
