//! Ask for trust with an integration.  contract 1, Developer portal

use std::sync::Arc;

use auth::{Developer, SignedIn, client::Client};
use axum::{extract::State, response::Response};
use broker::{By, integration::Integration, trust::Terms};
use http::StatusCode;
use kernel::{Id, Scopes};
use web::{Answer, Form, Path, Problem};

use super::application;
use crate::{
    answers::Answers,
    form::{self, Choice, Field},
    frame::{Frame, Here, Viewer},
    page::ask::Ask,
    respond::{Refusal, done, page},
    state::Console,
    t,
};

/// The rate that is asked for; an administrator may grant another.
const CALLS_PER_MINUTE: u32 = 60;

/// `GET /developer/applications/{id}/trust/{slug}`
pub(crate) async fn ask(
    State(console): State<Console>,
    Developer(who): Developer,
    Path((id, slug)): Path<(Id<kernel::Client>, String)>,
) -> Answer<Response> {
    let (client, integration) = pair(&console, &who, id, &slug).await?;
    page(&view(console.viewer(&who).await?, &client, &integration, &[]))
}

/// `POST /developer/applications/{id}/trust/{slug}`
pub(crate) async fn request(
    State(console): State<Console>,
    Developer(who): Developer,
    Path((id, slug)): Path<(Id<kernel::Client>, String)>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let (client, integration) = pair(&console, &who, id, &slug).await?;
    let actions = answers.ticked("actions");
    let terms = Terms {
        actions: actions.clone(),
        proxy: Vec::new(),
        scopes: Scopes::none(),
        rate_per_minute: CALLS_PER_MINUTE,
    };
    let by = By::new(who.acting().actor, who.request.clone());
    match console.broker().request_trust(who.organisation, client.id, &slug, terms, &by).await {
        Ok(()) => done(&format!("/developer/applications/{id}"), "asked"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = view(console.viewer(&who).await?, &client, &integration, &actions);
            view.form = view.form.refused(refusal.issues());
            refusal.page(&view)
        }
    }
}

/// The developer's own client, and an integration of the same organisation that can be asked for.
async fn pair(
    console: &Console,
    who: &SignedIn,
    id: Id<kernel::Client>,
    slug: &str,
) -> Answer<(Client, Arc<Integration>)> {
    let client = application(console, who, id).await?;
    let found = console.broker().integration_by_slug(slug).await?;
    let integration = found.filter(|one| one.enabled && one.organisation == who.organisation);
    Ok((client, integration.ok_or_else(|| Problem::of_status(StatusCode::NOT_FOUND))?))
}

fn view(viewer: Viewer, client: &Client, integration: &Integration, ticked: &[String]) -> Ask {
    let back = format!("/developer/applications/{}", client.id);
    let actions = integration.provider.actions.iter().map(|action| {
        Choice::new(&action.name, &action.title)
            .hint(&action.description)
            .chosen_if(ticked.contains(&action.name))
    });
    let actions: Vec<Choice> = actions.collect();
    let mut form =
        form::Form::new(format!("{back}/trust/{}", integration.slug), t("trust-ask")).or_back_to(&back);
    if !actions.is_empty() {
        let field = Field::checks("actions", t("trust-ask-actions"), actions);
        form = form.with(field.hint(t("trust-ask-hint")).optional());
    }
    Ask {
        frame: Frame::inside(t("trust-ask"), Here::Developer, viewer),
        back: (back, client.name.clone()),
        heading: t("trust-ask-heading").of("name", &integration.name).into(),
        lead: t("trust-ask-lead").into(),
        form,
    }
}
