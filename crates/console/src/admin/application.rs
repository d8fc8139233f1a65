//! Look at an application and vouch for it, or take that back.  contract 1, Developer portal

use auth::{
    Administrator, SignedIn,
    client::{self, Client, review::Decision},
};
use axum::{extract::State, response::Response};
use broker::{By, trust};
use kernel::Id;
use serde::Deserialize;
use web::{Answer, Form, Path, Query};

use super::review;
use crate::{
    answers::Answers,
    developer::applications::{how_things_are, more, standing, waits},
    frame::{Frame, Here, Viewer},
    page::{
        admin::{ApplicationRow, Applications},
        confirm::{Confirm, is_typed_back, typed_back},
    },
    respond::{Refusal, Told, done, page},
    state::Console,
    t,
};

/// From where the list goes on.
#[derive(Deserialize)]
pub(crate) struct After {
    after: Option<Id<kernel::Client>>,
}

/// `GET /admin/applications`
pub(crate) async fn list(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Query(after): Query<After>,
) -> Answer<Response> {
    // API keys too: an integration opens to a key as to any application, once it is verified.
    let mut clients = client::list_of(console.auth(), &who.acting(), after.after).await?;
    let more = more("/admin/applications", &clients);
    let latest = client::review::latest_of(console.auth(), &who.acting()).await?;
    let (how, but) = how_things_are(&clients, &latest);
    clients.sort_by_key(|client| (!waits(client, latest.get(&client.id).copied()), client.created_at));
    let row = |client: &Client| ApplicationRow {
        id: client.id.to_string(),
        client_id: client.client_id.to_string(),
        name: client.name.clone(),
        state: standing(client, latest.get(&client.id).copied()),
        uri: client.uri.as_str().to_owned(),
        registered: console.moment(client.created_at),
    };
    page(&Applications {
        applications: clients.iter().map(row).collect(),
        frame: Frame::inside(t("menu-applications"), Here::Applications, console.viewer(&who).await?),
        how,
        but,
        more,
    })
}

/// `GET /admin/applications/{id}`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Client>>,
    Query(told): Query<Told>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let mut view = review::view(&console, &who, &client).await?;
    view.frame = view.frame.telling(told.notice());
    page(&view)
}

/// `POST /admin/applications/{id}/verify`
pub(crate) async fn verify(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Client>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let seen = review::seen(&answers);
    match client::review::decide(console.auth(), &who.acting(), id, &Decision::Verify, seen).await {
        Ok(_) => done(&format!("/admin/applications/{id}"), "verified"),
        Err(fault) => {
            let refusal = Refusal::of(fault)?;
            let mut view = review::view(&console, &who, &client).await?;
            view.verify = view.verify.map(|form| form.refused(refusal.issues()));
            refusal.page(&view)
        }
    }
}

/// `GET /admin/applications/{id}/withdraw`
pub(crate) async fn ask(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Client>>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let trusted = trusted_with(&console, &who, id).await?;
    page(&withdrawal(console.viewer(&who).await?, &client, trusted.len()))
}

/// `POST /admin/applications/{id}/withdraw`: first the trust that this organisation has granted, then the verification,
/// so that a failure in between leaves less allowed and not more.
pub(crate) async fn withdraw(
    State(console): State<Console>,
    Administrator(who): Administrator,
    Path(id): Path<Id<kernel::Client>>,
    Form(answers): Form<Answers>,
) -> Answer<Response> {
    let client = client::get(console.auth(), &who.acting(), id).await?;
    let trusted = trusted_with(&console, &who, id).await?;
    if let Err(refusal) = is_typed_back(&answers, &client.name) {
        let mut view = withdrawal(console.viewer(&who).await?, &client, trusted.len());
        view.form = view.form.refused(refusal.issues());
        return refusal.page(&view);
    }
    let by = By::new(who.acting().actor, who.request.clone());
    for slug in &trusted {
        console.broker().withdraw_trust(who.organisation, id, slug, &by).await?;
    }
    client::unverify(console.auth(), &who.acting(), id).await?;
    done(&format!("/admin/applications/{id}"), "withdrawn")
}

/// The slugs of this organisation's integrations that the client is trusted with.
async fn trusted_with(console: &Console, who: &SignedIn, client: Id<kernel::Client>) -> Answer<Vec<String>> {
    let trusts = console.broker().trusts_of_client(client).await?;
    let is_granted =
        |id| trusts.iter().any(|trust| trust.integration == id && trust.state == trust::State::Granted);
    let all = console.broker().integrations_all().await?;
    let own = all.iter().filter(|one| one.organisation == who.organisation && is_granted(one.id));
    Ok(own.map(|one| one.slug.clone()).collect())
}

fn withdrawal(viewer: Viewer, client: &Client, trusted: usize) -> Confirm {
    let back = format!("/admin/applications/{}", client.id);
    let trust = t("verif-trust").count("many", trusted);
    Confirm {
        frame: Frame::inside(t("review-withdraw"), Here::Applications, viewer),
        heading: t("verif-withdraw-question").of("name", &client.name).into(),
        lead: match trusted {
            0 => t("verif-none").into(),
            some => t("verif-some").count("many", some).into(),
        },
        effects: (trusted > 0)
            .then_some(trust)
            .into_iter()
            .chain([t("verif-people"), t("verif-stays")])
            .map(String::from)
            .collect(),
        form: typed_back(format!("{back}/withdraw"), t("review-withdraw"), &client.name, &back),
        back: (back, client.name.clone()),
    }
}
