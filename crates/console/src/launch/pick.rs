//! Whom is this about? Between sign-in and consent.  SMART App Launch 2.2 §3.0.3.2

use auth::{
    SignedIn,
    authorize::{self, Request},
    smart::{self, Question},
};
use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use kernel::Id;
use web::{Answer, Form, Query, Redirect};

use crate::{
    account::answer::Waiting,
    answers::Answers,
    page::{launch, plain::Plain},
    respond::{Refusal, page},
    state::Console,
};

/// `GET /launch/patient`
pub(crate) async fn ask(
    State(console): State<Console>,
    who: SignedIn,
    Query(waiting): Query<Waiting>,
) -> Answer<Response> {
    let question = smart::question(console.auth(), &who, waiting.request).await?;
    match view(&console, &who, waiting.request, question).await? {
        Some(view) => page(&view),
        None => on_to_consent(waiting.request),
    }
}

/// `POST /launch/patient`: to the next question, or to consent.
pub(crate) async fn choose(
    State(console): State<Console>,
    who: SignedIn,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let Waiting { request } = Waiting::of(&answers)?;
    let next = match smart::answer(console.auth(), &who, request, answers.text("choice")).await {
        Ok(next) => next,
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let question = smart::question(console.auth(), &who, request).await?;
            return match view(&console, &who, request, question).await? {
                Some(view) => refusal.page(&view.refused(refusal.issues())),
                None => on_to_consent(request),
            };
        }
    };
    match next {
        Question::Nothing => on_to_consent(request),
        Question::Patient(_) | Question::Encounter(_) => {
            Ok(Redirect::to_trusted(&format!("/launch/patient?request={request}"))?.into_response())
        }
    }
}

fn on_to_consent(request: Id<Request>) -> Answer<Response> {
    Ok(Redirect::to_trusted(&format!("/consent?request={request}"))?.into_response())
}

/// The page for a question; none where nothing is asked any more.
async fn view(
    console: &Console,
    who: &SignedIn,
    request: Id<Request>,
    question: Question,
) -> Answer<Option<Plain>> {
    let client = authorize::pending(console.auth(), who, request).await?.client.name;
    let viewer = console.viewer(who).await?;
    let request = request.to_string();
    Ok(match question {
        Question::Patient(patients) => Some(launch::which_patient(viewer, &client, &request, &patients)),
        Question::Encounter(encounters) => {
            Some(launch::which_encounter(viewer, &client, &request, &encounters))
        }
        Question::Nothing => None,
    })
}
