//! How the organisation is, and what waits for an administrator.

use auth::{
    Administrator, SignedIn,
    client::{self, review},
    person,
};
use axum::{extract::State, response::Response};
use web::Answer;

use super::{integration, trust};
use crate::{
    developer::applications::waits,
    frame::{Frame, Here},
    language::Said,
    page::admin::{IntegrationRow, Overview, Tile, Waiting},
    respond::page,
    state::Console,
    t,
};

/// What waits.
struct Work {
    verify: Vec<Waiting>,
    grant: Vec<Waiting>,
}

/// `GET /admin/`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
) -> Answer<Response> {
    let integrations = integration::rows(&console, &who).await?;
    let work = waiting(&console, &who).await?;
    let people = people(&console, &who).await?;
    let viewer = console.viewer(&who).await?;
    let (how, attention) = integration::how_things_are(&integrations);
    page(&Overview {
        organisation: viewer.organisation.clone(),
        frame: Frame::inside(t("menu-overview"), Here::Overview, viewer),
        how: match attention {
            Some(but) => t("over-how-but").of("how", how).of("but", but).into(),
            None => how,
        },
        but: what_waits(work.verify.len() + work.grant.len()),
        tiles: tiles(&integrations, &work, people),
        waiting: work.verify.into_iter().chain(work.grant).collect(),
        integrations,
    })
}

async fn waiting(console: &Console, who: &SignedIn) -> Answer<Work> {
    let clients = client::list_of(console.auth(), &who.acting(), None).await?;
    let latest = review::latest_of(console.auth(), &who.acting()).await?;
    let unverified = clients.iter().filter(|client| waits(client, latest.get(&client.id).copied()));
    let verify = unverified.map(|client| Waiting {
        href: format!("/admin/applications/{}", client.id),
        what: t("over-verify-one").of("name", &client.name).into(),
        why: client.uri.as_str().to_owned(),
        since: console.moment(client.updated_at),
    });
    let requests = trust::requests_of(console, who).await?;
    let grant = requests.into_iter().map(|request| Waiting {
        href: request.href,
        what: t("over-trust-one").of("what", request.what).into(),
        why: request.terms,
        since: console.moment(request.at),
    });
    Ok(Work { verify: verify.collect(), grant: grant.collect() })
}

/// How many people there are: a number, or the most that a list shows and a plus.
async fn people(console: &Console, who: &SignedIn) -> Answer<String> {
    let people = person::list_of(console.auth(), &who.acting(), None).await?;
    let is_more = match people.last() {
        Some(last) => !person::list_of(console.auth(), &who.acting(), Some(last.id)).await?.is_empty(),
        None => false,
    };
    Ok(format!("{}{}", people.len(), if is_more { "+" } else { "" }))
}

fn what_waits(things: usize) -> Option<String> {
    (things > 0).then(|| t("over-waits").count("many", things).into())
}

fn tiles(integrations: &[IntegrationRow], work: &Work, people: String) -> Vec<Tile> {
    let linked: u64 = integrations.iter().map(|row| row.linked).sum();
    let waiting = |waiting: &[Waiting], words: Said, href| Tile {
        figure: waiting.len().to_string(),
        words: words.into(),
        href,
        is_waiting: !waiting.is_empty(),
    };
    let figure = |figure, words: Said, href| Tile { figure, words: words.into(), href, is_waiting: false };
    vec![
        figure(linked.to_string(), t("over-linked"), "/admin/integrations"),
        waiting(&work.verify, t("over-verify"), "/admin/applications"),
        waiting(&work.grant, t("over-asking"), "/admin/trust"),
        figure(people, t("over-people"), "/admin/people"),
    ]
}
