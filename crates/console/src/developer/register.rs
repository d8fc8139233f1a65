//! Register an application.  contract 1, Developer portal; RFC 7591 §2

use auth::{
    Developer,
    client::{self, ClientMetadata, register::Registration},
};
use axum::{extract::State, response::Response};
use web::{Answer, Form};

use crate::{
    answers::Answers,
    form,
    frame::{Frame, Here, Viewer},
    page::{
        ask::Ask,
        developer::NewSecret,
        registration_form::{read, register_form},
    },
    respond::{Refusal, done, page},
    state::Console,
    t,
};

/// `GET /developer/applications/new`
pub(crate) async fn ask(State(console): State<Console>, Developer(who): Developer) -> Answer<Response> {
    let said = Registration {
        grant_types: vec!["authorization_code".to_owned(), "refresh_token".to_owned()],
        ..Registration::default()
    };
    page(&view(console.viewer(&who).await?, register_form("", &said)))
}

/// `POST /developer/applications`: a confidential one gets its first secret, which is shown this once.
pub(crate) async fn register(
    State(console): State<Console>,
    Developer(who): Developer,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (suffix, said) = (answers.text("suffix"), read(&answers, ClientMetadata::default()));
    let viewer = console.viewer(&who).await?;
    match client::register(console.auth(), &who.acting(), suffix, &said).await {
        Ok((client, None)) => done(&format!("/developer/applications/{}", client.id), "added"),
        Ok((client, Some(secret))) => page(&NewSecret {
            frame: Frame::inside(t("reg-done-title"), Here::Developer, viewer),
            heading: t("reg-done").of("name", &client.name).into(),
            id: client.id.to_string(),
            client_id: client.client_id.to_string(),
            secret: secret.text,
        }),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let form = register_form(suffix, &said).refused(refusal.issues());
            refusal.page(&view(viewer, form))
        }
    }
}

fn view(viewer: Viewer, form: form::Form) -> Ask {
    Ask {
        frame: Frame::inside(t("apps-register"), Here::Developer, viewer),
        back: ("/developer/".to_owned(), t("menu-own-applications").into()),
        heading: t("apps-register").into(),
        lead: t("reg-lead").into(),
        form,
    }
}
