//! How the organisation is, and what waits for an administrator.

use auth::{
    Administrator,
    client::{self, Client},
    person,
};
use axum::{extract::State, response::Response};
use web::Answer;

use super::{integration, trust};
use crate::{
    frame::{Frame, Here},
    page::admin::{Overview, Tile, Waiting},
    respond::page,
    state::Console,
};

/// `GET /admin/`
pub(crate) async fn show(
    State(console): State<Console>,
    Administrator(who): Administrator,
) -> Answer<Response> {
    let integrations = integration::rows(&console, &who).await?;
    let clients = client::list_of(console.auth(), &who.acting(), None).await?;
    let unverified: Vec<&Client> = clients
        .iter()
        .filter(|client| client.verified_at.is_none() && client.disabled_at.is_none())
        .collect();
    let requests = trust::requests_of(&console, &who).await?;
    let people = person::list_of(console.auth(), &who.acting(), None).await?;
    let is_more = match people.last() {
        Some(last) => !person::list_of(console.auth(), &who.acting(), Some(last.id)).await?.is_empty(),
        None => false,
    };
    let linked: u64 = integrations.iter().map(|row| row.linked).sum();
    let tile = |figure: String, words, href, is_waiting| Tile { figure, words, href, is_waiting };
    let tiles = vec![
        tile(linked.to_string(), "linked accounts", "/admin/integrations", false),
        tile(
            unverified.len().to_string(),
            "applications to verify",
            "/admin/applications",
            !unverified.is_empty(),
        ),
        tile(requests.len().to_string(), "requests for trust", "/admin/trust", !requests.is_empty()),
        tile(format!("{}{}", people.len(), if is_more { "+" } else { "" }), "people", "/admin/people", false),
    ];
    let verify = unverified.iter().map(|client| Waiting {
        href: format!("/admin/applications/{}", client.id),
        what: format!("Verify {}", client.name),
        why: client.uri.as_str().to_owned(),
        since: console.moment(client.updated_at),
    });
    let grant = requests.into_iter().map(|request| Waiting {
        href: request.href,
        what: format!("Trust {}", request.what),
        why: request.terms,
        since: console.moment(request.at),
    });
    let waiting: Vec<Waiting> = verify.chain(grant).collect();
    let viewer = console.viewer(&who).await?;
    let (how, attention) = integration::how_things_are(&integrations);
    page(&Overview {
        organisation: viewer.organisation.clone(),
        frame: Frame::inside("Overview", Here::Overview, viewer),
        how: attention.map_or(how.clone(), |attention| format!("{how}, of which {attention}")),
        but: match waiting.len() {
            0 => None,
            1 => Some("1 thing waits for you".to_owned()),
            many => Some(format!("{many} things wait for you")),
        },
        tiles,
        waiting,
        integrations,
    })
}
