//! An application's secrets: add, replace, end. A new one is shown in the answer to the form, and never again.

use auth::{
    Developer,
    client::{self, Client, secret::Ends},
};
use axum::{extract::State, response::Response};
use http::StatusCode;
use kernel::{ClientSecret, Id};
use web::{Answer, Form, Path, Problem};

use super::application;
use crate::{
    answers::Answers,
    frame::{Frame, Here, Viewer},
    page::{
        confirm::{Confirm, is_typed_back, typed_back},
        developer::NewSecret,
    },
    respond::{done, page},
    state::Console,
    t,
};

/// `POST /developer/applications/{id}/secrets`: one more, or (`earlier=end`) one that takes the others' place.
pub(crate) async fn draw(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (auth, acting) = (console.auth(), who.acting());
    let ends =
        Ends::parse(answers.text("ends")).ok_or_else(|| Problem::of_status(StatusCode::BAD_REQUEST))?;
    let client = application(&console, &who, id).await?;
    let secret = match answers.text("earlier") {
        "end" => client::rotate_secret(auth, &acting, id, ends).await?,
        _ => client::add_secret(auth, &acting, id, ends).await?,
    };
    page(&NewSecret {
        frame: Frame::inside(t("secrets-new"), Here::Developer, console.viewer(&who).await?),
        heading: t("secrets-new-heading").of("name", &client.name).into(),
        id: id.to_string(),
        client_id: client.client_id.to_string(),
        secret: secret.text,
    })
}

/// `GET /developer/applications/{id}/secrets/{secret}/end`
pub(crate) async fn ask(
    State(console): State<Console>,
    Developer(who): Developer,
    Path((id, secret)): Path<(Id<kernel::Client>, Id<ClientSecret>)>,
) -> Answer<Response> {
    let client = application(&console, &who, id).await?;
    page(&view(console.viewer(&who).await?, &client, secret))
}

/// `POST /developer/applications/{id}/secrets/{secret}/end`
pub(crate) async fn end(
    State(console): State<Console>,
    Developer(who): Developer,
    Path((id, secret)): Path<(Id<kernel::Client>, Id<ClientSecret>)>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let client = application(&console, &who, id).await?;
    if let Err(refusal) = is_typed_back(&answers, &client.name) {
        let mut view = view(console.viewer(&who).await?, &client, secret);
        view.form = view.form.refused(refusal.issues());
        return refusal.page(&view);
    }
    client::retire_secret(console.auth(), &who.acting(), id, secret).await?;
    done(&format!("/developer/applications/{id}"), "ended")
}

fn view(viewer: Viewer, client: &Client, secret: Id<ClientSecret>) -> Confirm {
    let back = format!("/developer/applications/{}", client.id);
    Confirm {
        frame: Frame::inside(t("secrets-end-title"), Here::Developer, viewer),
        heading: t("secrets-end-question").of("name", &client.name).into(),
        lead: t("secrets-end-lead").into(),
        effects: [t("secrets-end-tokens"), t("secrets-end-stay"), t("secrets-end-final")]
            .map(String::from)
            .into(),
        form: typed_back(format!("{back}/secrets/{secret}/end"), t("secrets-end-act"), &client.name, &back),
        back: (back, client.name.clone()),
    }
}
