//! Change what is registered.  contract 1, Developer portal

use auth::{
    Developer,
    client::{self, Client, Confidentiality, register::Registration},
};
use axum::{extract::State, response::Response};
use kernel::Id;
use web::{Answer, Form, Path};

use super::application;
use crate::{
    answers::Answers,
    form,
    frame::{Frame, Here, Viewer},
    page::{
        ask::Ask,
        registration_form::{edit_form, read},
    },
    respond::{Refusal, done, page},
    state::Console,
    t,
};

/// `GET /developer/applications/{id}/edit`
pub(crate) async fn ask(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    let client = application(&console, &who, id).await?;
    let form = edit_form(&id.to_string(), &registered(&client));
    page(&view(console.viewer(&who).await?, &client, form))
}

/// `POST /developer/applications/{id}/edit`
pub(crate) async fn save(
    State(console): State<Console>,
    Developer(who): Developer,
    Path(id): Path<Id<kernel::Client>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let client = application(&console, &who, id).await?;
    let said = Registration {
        confidentiality: client.confidentiality.as_str().to_owned(),
        token_lifetime_s: Some(client.token_lifetime_s),
        ..read(&answers, client.metadata.clone())
    };
    match client::update(console.auth(), &who.acting(), id, &said).await {
        Ok(_) => done(&format!("/developer/applications/{id}"), "saved"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let form = edit_form(&id.to_string(), &said).refused(refusal.issues());
            refusal.page(&view(console.viewer(&who).await?, &client, form))
        }
    }
}

/// What is registered, as the form holds it.
fn registered(client: &Client) -> Registration {
    let texts = |uris: &[client::RedirectUri]| uris.iter().map(|uri| uri.as_str().to_owned()).collect();
    Registration {
        name: client.name.clone(),
        uri: client.uri.as_str().to_owned(),
        confidentiality: client.confidentiality.as_str().to_owned(),
        redirect_uris: texts(&client.redirect_uris),
        post_logout_redirect_uris: texts(&client.post_logout_redirect_uris),
        grant_types: client.grant_types.iter().map(|grant| grant.as_str().to_owned()).collect(),
        scopes: client.scopes.to_string(),
        logo_uri: client.logo_uri.as_ref().map(|uri| uri.as_str().to_owned()).unwrap_or_default(),
        profile: client.profile.as_str().to_owned(),
        auth_method: client.auth_method.as_str().to_owned(),
        token_lifetime_s: Some(client.token_lifetime_s),
        metadata: client.metadata.clone(),
    }
}

fn view(viewer: Viewer, client: &Client, form: form::Form) -> Ask {
    let lead = match (client.verified_at, client.confidentiality) {
        (Some(_), _) => t("reg-change-verified"),
        (None, Confidentiality::Confidential) => t("reg-change-confidential"),
        (None, Confidentiality::Public) => t("reg-change-public"),
    };
    let heading: String = t("reg-change").of("name", &client.name).into();
    Ask {
        frame: Frame::inside(heading.clone(), Here::Developer, viewer),
        back: (format!("/developer/applications/{}", client.id), client.name.clone()),
        heading,
        lead: lead.into(),
        form,
    }
}
