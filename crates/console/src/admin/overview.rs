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
    page::admin::{IntegrationRow, Overview, Tile, Waiting},
    respond::page,
    state::Console,
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
        frame: Frame::inside("Overview", Here::Overview, viewer),
        how: attention.map_or(how.clone(), |attention| format!("{how}, of which {attention}")),
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
        what: format!("Verify {}", client.name),
        why: client.uri.as_str().to_owned(),
        since: console.moment(client.updated_at),
    });
    let requests = trust::requests_of(console, who).await?;
    let grant = requests.into_iter().map(|request| Waiting {
        href: request.href,
        what: format!("Trust {}", request.what),
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
    match things {
        0 => None,
        1 => Some("1 thing waits for you".to_owned()),
        many => Some(format!("{many} things wait for you")),
    }
}

fn tiles(integrations: &[IntegrationRow], work: &Work, people: String) -> Vec<Tile> {
    let linked: u64 = integrations.iter().map(|row| row.linked).sum();
    let waiting = |waiting: &[Waiting], words, href| Tile {
        figure: waiting.len().to_string(),
        words,
        href,
        is_waiting: !waiting.is_empty(),
    };
    let figure = |figure, words, href| Tile { figure, words, href, is_waiting: false };
    vec![
        figure(linked.to_string(), "accounts linked", "/admin/integrations"),
        waiting(&work.verify, "to verify", "/admin/applications"),
        waiting(&work.grant, "asking for trust", "/admin/trust"),
        figure(people, "with an account", "/admin/people"),
    ]
}
